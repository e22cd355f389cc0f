"""The words that carry the answer, the scores of every method, and how far the methods agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbert.attribution import METHODS
from glassbert.pictures.formats import ordinal, signed, signed_number
from glassbert.pictures.markup import clipped, escaped
from glassbert.reports.markup import MOST_WORDS, aside, folded, heading, isolated, node, passages, said, section, table
from glassbert.results import counted
from glassbert.verdicts.voters import voters

if TYPE_CHECKING:
    from glassbert.attribution.results import ScoresByWord, TokenScores
    from glassbert.reports.findings import Findings

__all__ = ["agreement", "scores", "votes"]


def votes(report: Findings) -> str:
    words = report.verdict.words
    if words is None:
        return ""
    shown = words.order[:MOST_WORDS]
    rows = [
        [
            _one_of(words.words, word),
            f"{words.votes[word]} of {len(words.scores)}",
            signed_number(float(words.consensus[word])),
        ]
        for word in shown
    ]
    methods = ", ".join(METHODS[one.method].label for one in words.scores)
    score = f"the {words.score_name}" if words.score_name else ""
    carries = f"raises {score} most" if score else "carries the answer"
    signs = (
        f"raises {score}, dashed where it lowers it"
        if score
        else ("speaks for the answer, dashed where it speaks against it")
    )
    most = f"at most {counted(words.top_k, 'word')}"
    drawn = [
        aside(
            f"{len(words.scores)} {voters(words.methods)} vote: {methods}. Each names {most}, those with its highest "
            f"scores. A word {carries} if more than half of them name it. The consensus is the mean of their "
            "scores, each divided by the sum of its magnitudes."
        ),
        *_warning(report),
        passages(words.encoded, words.target, words.positions.tolist(), words.consensus),
        _key(f"The line below a word is solid where it {signs}."),
        table(["Word", "Named by", "Consensus"], rows, numbers=[1, 2]),
    ]
    if len(words.words) > len(shown):
        drawn.append(aside(f"The first {len(shown)} of {len(words.words)} words."))
    return section("words", f"Which words raise {score}" if score else "Which words carry the answer", *drawn)


def scores(report: Findings) -> str:
    by_word = [one.by_word() for one in report.scores]
    drawn = [
        said(
            f"How much each word counts for “{clipped(report.verdict.answer.target_label, 80)}”, by "
            f"{counted(len(report.scores), 'method')}. Each has a scale of its own.",
        ),
        _key("Solid line and orange: for it. Dashed line and blue: against it. Thicker and darker: more."),
        *_warning(report),
        *(_method(one) for one in by_word),
        _score_table(by_word),
    ]
    return section("scores", "The words, method by method", *drawn)


def _warning(report: Findings) -> Iterator[str]:
    """Where the checks failed, colours look as convincing as ever."""
    trust = report.verdict.trust
    if trust is not None and trust.verdict == "fails":
        yield said(f"✗ Do not read these colours as reasons: {trust.reason.sentence}.", kind="opening fails")


def _method(scores: ScoresByWord) -> str:
    of, method = scores.by_token, METHODS[scores.by_token.method]
    ordinary = ~scores.special
    values = scores.scores[ordinary]
    positions = scores.spans[ordinary, 0].tolist()
    total = float(np.abs(scores.scores).sum())
    outside = 1 - float(np.abs(values).sum()) / total if total else 0.0
    return node(
        "div",
        heading(3, method.label),
        aside(f"A score measures {method.meaning}."),
        passages(of.encoded, of.target, positions, values),
        aside(f"{_sum(of)} Special tokens such as [CLS] hold {outside:.0%} of the scores and are not shown."),
        kind="method",
    )


def _sum(of: TokenScores) -> str:
    value = f"The value F is {signed(of.value)} ({of.output})"
    if of.baseline_value is None or of.delta is None:
        return f"{value}."
    change = of.value - of.baseline_value
    total = float(of.scores.sum(dtype=np.float64))
    if of.baseline is None:  # all of F is distributed, not a change from another input
        return f"{value}: the scores add up to {signed(total)}."
    return (
        f"{value}, {signed(of.baseline_value)} without the words: the scores add up to {signed(total)} of a change of "
        f"{signed(change)}."
    )


def _score_table(by_word: Sequence[ScoresByWord]) -> str:
    first = by_word[0]
    ordinary = np.flatnonzero(~first.special)
    shares = np.stack(
        [np.abs(one.scores[ordinary]) / max(np.abs(one.scores[ordinary]).sum(), 1e-12) for one in by_word]
    )
    chosen = np.sort(np.argsort(-shares.mean(axis=0), kind="stable")[:MOST_WORDS])
    typed = [first.words[place] for place in ordinary]
    rows = [[_one_of(typed, at), *(signed_number(float(one.scores[ordinary[at]])) for one in by_word)] for at in chosen]
    names = ["Word", *(METHODS[one.by_token.method].label for one in by_word)]
    drawn = folded(names, rows, caption="All scores, in units of the logit where a method has units", number=True)
    if len(ordinary) > len(chosen):
        drawn += aside(f"The {len(chosen)} words of {len(ordinary)} with the largest scores, in the order of the text.")
    return drawn


def _one_of(words: Sequence[str], at: int) -> str:
    """A word in a table; one that occurs several times says which of them it is, a punctuation mark does not."""
    if not any(character.isalnum() for character in words[at]):
        return isolated(words[at])
    same = [place for place, other in enumerate(words) if other.casefold() == words[at].casefold()]
    which = f", {ordinal(same.index(at) + 1)} of {len(same)}" if len(same) > 1 else ""
    return isolated(words[at]) + which


def agreement(report: Findings) -> str:
    found = report.agreement
    if len(found.methods) < 2:
        return ""
    names = [METHODS[method].label for method in found.methods]
    rows = [
        [
            escaped(name),
            *(
                "" if row == column else f"{found.kendall[row, column]:+.2f}".replace("-", "−")
                for column in range(len(names))
            ),
        ]
        for row, name in enumerate(names)
    ]
    return section(
        "agreement",
        "Do the methods agree?",
        aside(
            "Kendall's τ of the order in which two methods put the words: +1 is the same order, 0 no relation, −1 the "
            "opposite order."
        ),
        folded(["Method", *names], rows, number=True),
    )


def _key(text: str) -> str:
    return said(text, kind="key")
