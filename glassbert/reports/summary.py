"""The first page: everything that somebody without knowledge of BERT needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from glassbert.pictures.formats import percent
from glassbert.pictures.markup import clipped, escaped
from glassbert.reports.limits import limits_of, of_the_probability
from glassbert.reports.markup import GRADES, bar, heading, listed, node, passages, said
from glassbert.targets import MaskTarget
from glassbert.verdicts.voters import voters

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings
    from glassbert.verdicts.results import CarryingWords, Verdict

__all__ = ["summary_html"]

#: The check that decides against trust → what that means for somebody who knows none of the words in it.
_PLAINLY = {
    "weights": "The model does not look trained, so its answer means nothing.",
    "baseline": "The model leans to this answer whatever the text says: the words explain little of it.",
    "agreement": "Different ways of asking name different words.",
    "deletion": "The answer hangs on a word that is not among these.",
    "faithfulness": "Other words of the text may matter to the model as much as these.",
    "sanity": "A model that has learned nothing would have pointed to much the same words.",
}
#: A longer text is set smaller in print, so that the summary stays on one page.
_LONG_TEXT = 900
_LONGEST_LIMIT = 260


def summary_html(report: Findings) -> str:
    """The summary as a section of its own, which is the first page in print."""
    verdict = report.verdict
    long = sum(map(len, report.encoded.texts)) > _LONG_TEXT
    passport = report.passport
    value, a_value, rests, title = "answer", "an answer", "the answer rests on", "What carries it"
    if verdict.answer.score_name:
        value, a_value, rests, title = "score", "a score", "raise it", "What raises it"
    about = f"{passport.model.name} · {passport.created[:10]} · GlassBERT {passport.versions.get('glassbert', '')}"
    return node(
        "section",
        node("header", heading(1, report.title), said(about, kind="about")),
        said(
            f"A language model read the text below and gave {a_value}. This page says which words {rests}, what would "
            "change it, and how far to trust that. The pages after it hold the evidence.",
            kind="lead",
        ),
        node("div", heading(2, "The text"), *_text(report), kind="block text"),
        node("div", heading(2, f"The {value}"), *_answer(report), kind="block answer"),
        node(
            "div",
            heading(2, title),
            said(verdict.words_sentence),
            kind="block",
        ),
        node("div", heading(2, "What flips it"), *_flip(verdict), kind="block"),
        node("div", heading(2, "How reliable this explanation is"), *_trust(verdict), kind="block"),
        node("div", heading(2, "Keep in mind"), listed(_short(limit) for limit in limits_of(report)[:3]), kind="block"),
        kind="summary long" if long else "summary",
        id="summary",
    )


def _text(report: Findings) -> Iterator[str]:
    words, verdict = report.verdict.words, report.verdict
    if words is None or not words.carrying or verdict.verdict == "fails":
        yield passages(report.encoded, report.target, [], [])
        if words is not None and words.carrying:
            yield said("No word is marked, because the explanation did not pass its checks.", kind="aside")
        return
    yield passages(report.encoded, report.target, *_carrying(words))
    does = words.role(certain=verdict.verdict == "holds")
    gap = " The dashed frame is the gap." if isinstance(report.target, MaskTarget) else ""
    yield said(
        f"Marked are the words that {does}, each with how many of {len(words.scores)} {voters(words.methods)} name "
        f"it.{gap}",
        kind="aside",
    )


def _carrying(words: CarryingWords) -> tuple[list[int], list[float | None], list[str]]:
    """First tokens, votes, and what stands beside each."""
    methods = len(words.scores)
    chosen = [int(word) for word in words.carrying]
    votes = [int(words.votes[word]) for word in chosen]
    return [int(words.positions[word]) for word in chosen], list(votes), [f"{vote}/{methods}" for vote in votes]


def _answer(report: Findings) -> Iterator[str]:
    answer = report.verdict.answer
    if answer.probability is None:
        yield said(f"{answer.value:.4g}", kind="big")
        yield said(answer.sentence)
        return
    yield said(clipped(answer.answer.removeprefix("␣"), 80), kind="big")
    yield bar(answer.probability, f"gets {percent(answer.probability)}", strong=True)
    yield said(answer.sentence)
    if answer.needed is not None:
        yield said(f"Decision rule: {report.decision_rule}.")
    if answer.next_answer and answer.next_probability is not None:
        second = clipped(answer.next_answer.removeprefix("␣"), 80)
        if second not in answer.sentence:
            yield said(f"The next most likely answer is “{second}” ({percent(answer.next_probability)}).", kind="aside")
    yield said(" ".join(of_the_probability(report)), kind="aside")


def _flip(verdict: Verdict) -> Iterator[str]:
    if verdict.flip is None:
        return
    yield said(verdict.flip.sentence)
    if (flips := verdict.flip.smallest) is not None:
        for text in flips.texts[0]:
            yield node("blockquote", escaped(text), dir="auto")


def _trust(verdict: Verdict) -> Iterator[str]:
    if verdict.trust is None:
        return
    grade = verdict.trust.verdict
    sign, _ = GRADES[grade]
    opening, _, reason = verdict.trust.sentence.partition(". ")
    badge = node(
        "span",
        node("span", sign, aria_hidden="true"),
        f" {escaped(opening.removesuffix('.'))}.",
        kind=f"opening {grade}",
    )
    yield node("p", badge)
    plainly = _PLAINLY.get(verdict.trust.reason.check)
    if plainly is not None and grade in ("fails", "doubtful"):
        yield said(plainly.replace("answer", "score") if verdict.answer.score_name else plainly)
    if reason:
        yield said(reason, kind="aside")


def _short(limit: str) -> str:
    """The first sentence of a long limit; the whole one stands in the list of limits."""
    if len(limit) <= _LONGEST_LIMIT:
        return limit
    return clipped(limit.split(". ")[0].rstrip(".") + ".", _LONGEST_LIMIT)
