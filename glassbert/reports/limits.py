"""What a report does not show, in sentences: what concerns this answer first, then what concerns every answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbert.models.checkpoint import embedded
from glassbert.pictures.formats import percent
from glassbert.results import counted

if TYPE_CHECKING:
    from glassbert.network.model import Model
    from glassbert.reports.findings import Findings

__all__ = [
    "NOT_THE_TRUTH",
    "about_probabilities",
    "known_weaknesses",
    "limits_of",
    "of_every_answer",
    "of_the_model",
    "of_the_probability",
    "of_this_answer",
]

#: The limit that stands on every first page.
NOT_THE_TRUTH = (
    "The report shows what moved the model, not whether the answer is right. A wrong answer can have a clear "
    "explanation."
)
_ONE_TEXT = "It is about this one text. In another text, the same word can count for something else, or for nothing."
_NO_CARD = (
    "Nobody has told GlassBERT where this model fails. Whoever trained it should say on which texts it was tested, and "
    "how often it was wrong."
)
#: From this share on, it is worth a sentence.
_MUCH = 0.5


def limits_of(report: Findings) -> tuple[str, ...]:
    """All limits, the three for the first page first."""
    # how far to trust the explanation stands on that page anyway
    third = next(iter(_of_the_reading(report)), _ONE_TEXT)
    first = [NOT_THE_TRUTH, of_the_model(report)[0], third]
    others = [*of_this_answer(report), *of_the_model(report), *of_every_answer(report)]
    return tuple(dict.fromkeys([*first, *others]))


def of_this_answer(report: Findings) -> list[str]:
    """Limits that this text or this explanation has, the weightiest first."""
    verdict, found = report.verdict, _of_the_reading(report)
    if verdict.trust is not None and verdict.trust.verdict in ("fails", "doubtful"):
        reason = verdict.trust.reason.sentence
        start = "The explanation did not pass" if verdict.trust.verdict == "fails" else "The explanation is doubtful"
        found.append(f"{start}: {reason}.")
    if verdict.words is not None:
        special = float(np.mean(verdict.words.special_shares)) if len(verdict.words.special_shares) else 0.0
        if special >= _MUCH:
            found.append(
                f"On average, {special:.0%} of the methods' scores belong to special tokens such as [CLS], which are "
                "not words and are not shown."
            )
    return found


def _of_the_reading(report: Findings) -> list[str]:
    """What the model could not read or decide."""
    found = []
    if report.unknown:
        found.append(
            f"The model does not know {counted(report.unknown, 'token')} of {len(report.encoded)}: it could not read "
            "that part of the text."
        )
    if report.verdict.answer.is_undecided:
        found.append("The model is undecided: a small change of the wording may give another answer.")
    return found


def of_the_model(report: Findings) -> list[str]:
    """Known weaknesses of the model; what to ask for where none are known."""
    return list(report.weaknesses) or [_NO_CARD]


def of_the_probability(report: Findings) -> list[str]:
    """What the probability of the answer is not; below it, what the model's card says about its probabilities."""
    share = report.verdict.answer.probability
    if share is None:
        return []
    meant = f"{percent(share)} is what the model itself gives its answer, not the share of such answers that are right."
    return [meant, *about_probabilities(report.weaknesses)]


def about_probabilities(weaknesses: Sequence[str]) -> list[str]:
    """Of a model's known weaknesses, those of its probabilities."""
    return [point for point in weaknesses if "probabilities" in point]


def known_weaknesses(model: Model) -> tuple[str, ...]:
    """The points under "Known weaknesses" on the card of an embedded model."""
    if not model.checkpoint.embedded:
        return ()
    card = next(one.card for one in embedded() if one.id == model.source)
    section = re.search(r"^### Known weaknesses\n(.*?)(?=^#|\Z)", card, flags=re.MULTILINE | re.DOTALL)
    points = re.findall(r"^- (.+)$", section[1] if section else "", flags=re.MULTILINE)
    # what points to another place of the card would lead nowhere here
    return tuple(re.sub(r"[`*]| \([^()]*\babove\)", "", point).strip() for point in points)


def of_every_answer(report: Findings) -> list[str]:
    """Limits of the methods themselves."""
    verdict, found = report.verdict, []
    if verdict.answer.probability is not None:
        found.append(of_the_probability(report)[0])
    found.append(_ONE_TEXT)
    if verdict.flip is not None and verdict.flip.found and verdict.flip.search is not None:
        found.append(
            f"The change that flips the answer is the smallest of {counted(verdict.flip.search.tried, 'change')} that "
            "were tried. There may be a smaller one."
        )
    found += [
        "Each word gets one number. That words count only together, such as “not” and “good”, does not show in it.",
        "Methods ask different questions, and their numbers are on different scales: compare which words lead, not how "
        "large the numbers are.",
    ]
    if report.maps:
        found.append(
            "An attention map shows where a head takes information from. It does not show what the answer rests on."
        )
    found.append(
        "Checks that hold do not prove an explanation; each that fails is a reason to doubt the method on this text."
    )
    return found
