"""What the model predicts: the answer among the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from glassbert.language.predictions import (
    AnswerPrediction,
    Classification,
    Entities,
    MaskPrediction,
    PairPrediction,
    ReplacedTokens,
    TokenLabels,
)
from glassbert.pictures.formats import percent, readable, signed
from glassbert.pictures.markup import clipped, escaped
from glassbert.reports.markup import MOST_WORDS, aside, bar, isolated, said, section, table
from glassbert.targets import ClassTarget, EntityTarget, TokenTarget

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings

__all__ = ["prediction"]

_MOST_CLASSES = 30


def prediction(report: Findings) -> str:
    found = report.prediction
    if isinstance(found, Classification):
        drawn = _classes(found, report)
    elif isinstance(found, MaskPrediction):
        drawn = _candidates(found)
    elif isinstance(found, PairPrediction):
        drawn = _pair(found)
    elif isinstance(found, Entities):
        drawn = _entities(found, report)
    elif isinstance(found, AnswerPrediction):
        drawn = _answers(found)
    elif isinstance(found, ReplacedTokens):
        drawn = _replaced(found, report)
    else:
        drawn = _labels(found, report)
    return section("prediction", "What the model predicts", *drawn)


def _classes(found: Classification, report: Findings) -> Iterator[str]:
    order = np.argsort(-found.logits, kind="stable")[:_MOST_CLASSES]
    if found.regression:
        yield aside("This model gives scores, not classes: they have no probability.")
        yield table(
            ["Score", "Value"], [[isolated(found.labels[at]), f"{found.logits[at]:.4g}"] for at in order], numbers=[1]
        )
        return
    yield aside(
        "Each label is decided by itself, so the numbers need not add up to 100%."
        if found.multi_label
        else "All classes add up to 100%. The logit is the number that the model computes before it is turned into a "
        "probability."
    )
    threshold = report.target.threshold if isinstance(report.target, ClassTarget) else 0.5
    answer = found.decided(threshold)
    rows = [
        [
            isolated(found.labels[at]),
            bar(float(found.probabilities[at]), percent(float(found.probabilities[at])), strong=at == answer),
            signed(float(found.logits[at])),
        ]
        for at in order
    ]
    yield table(["Class", "Probability", "Logit"], rows, numbers=[2])
    if found.is_between_two and threshold != 0.5:
        yield said(f"The answer is {report.decision_rule}.")
    if len(found.labels) > len(order):
        yield aside(f"{len(order)} of {len(found.labels)} classes.")


def _candidates(found: MaskPrediction) -> Iterator[str]:
    spelling = found.encoded.spelling
    yield aside(
        "The words that the model finds most likely in the gap. Their probabilities are those among all "
        "entries of its vocabulary."
    )
    rows = [
        [
            isolated(readable(word, spelling)),
            bar(float(share), percent(float(share)), strong=rank == 0),
            signed(float(logit)),
        ]
        for rank, (word, share, logit) in enumerate(
            zip(found.candidates[0], found.probabilities[0], found.logits[0], strict=True)
        )
    ]
    yield table(["Word", "Probability", "Logit"], rows, numbers=[2])
    if found.original_tokens[0]:
        original = readable(found.original_tokens[0], spelling)
        share, rank = float(found.original_probabilities[0]), int(found.original_ranks[0])
        yield said(f"The word in the text, “{clipped(original, 60)}”, gets {percent(share)}: rank {rank:,}.")
    yield aside(f"Entropy {found.entropy[0]:.2f} bits: 0 is certain; each further bit doubles the choice of words.")


def _pair(found: PairPrediction) -> Iterator[str]:
    names = ("B follows A", "B does not follow A")
    rows = [
        [escaped(name), bar(float(share), percent(float(share)), strong=share >= 0.5), signed(float(logit))]
        for name, share, logit in zip(names, found.probabilities, found.logits, strict=True)
    ]
    yield table(["Answer", "Probability", "Logit"], rows, numbers=[2])


def _answers(found: AnswerPrediction) -> Iterator[str]:
    yield aside("The most likely answers: the probability of their start times that of their end.")
    rows = [
        [isolated(answer or "no answer"), bar(float(share), percent(float(share)), strong=rank == 0)]
        for rank, (answer, share) in enumerate(zip(found.answers, found.span_probabilities, strict=True))
    ]
    yield table(["Answer", "Probability"], rows)


def _entities(found: Entities, report: Findings) -> Iterator[str]:
    yield aside("The entities that the model finds, each with its type and the mean probability of its tokens.")
    asked = (report.target.start, report.target.end) if isinstance(report.target, EntityTarget) else (-1, -1)
    rows = [
        [
            isolated(surface),
            isolated(name),
            bar(float(share), percent(float(share)), strong=tuple(span) == asked),
        ]
        for surface, name, share, span in zip(
            found.surfaces[:MOST_WORDS], found.names, found.probabilities, found.spans.tolist(), strict=False
        )
    ]
    if rows:
        yield table(["Entity", "Type", "Probability"], rows)
    else:
        yield said("None in this text.")
    if len(found.names) > len(rows):
        yield aside(f"The first {len(rows)} of {len(found.names)} entities.")


def _labels(found: TokenLabels, report: Findings) -> Iterator[str]:
    if isinstance(report.target, TokenTarget):
        at = report.target.position
        order = np.argsort(-found.logits[at], kind="stable")[:_MOST_CLASSES]
        yield said(f"Labels of “{clipped(found.encoded.pieces[at], 60)}”, the token that is explained.")
        rows = [
            [
                isolated(found.labels[label]),
                bar(
                    float(found.probabilities[at, label]),
                    percent(float(found.probabilities[at, label])),
                    strong=rank == 0,
                ),
                signed(float(found.logits[at, label])),
            ]
            for rank, label in enumerate(order)
        ]
        yield table(["Label", "Probability", "Logit"], rows, numbers=[2])
    words = np.flatnonzero(found.encoded.special_tokens_mask == 0)
    shown = words[:MOST_WORDS]
    rows = [
        [
            isolated(found.encoded.pieces[token]),
            isolated(found.labels[found.predicted[token]]),
            percent(float(found.probabilities[token, found.predicted[token]])),
        ]
        for token in shown
    ]
    yield table(["Token", "Label", "Probability"], rows, caption="All tokens", numbers=[2])
    if len(words) > len(shown):
        yield aside(f"The first {len(shown)} of {len(words)} tokens.")


def _replaced(found: ReplacedTokens, report: Findings) -> Iterator[str]:
    asked = report.target.position if isinstance(report.target, TokenTarget) else -1
    words = np.flatnonzero(found.encoded.special_tokens_mask == 0)
    shown = words[:MOST_WORDS]
    yield said("The probability that each token has been put in the place of another one.")
    rows = [
        [
            isolated(found.encoded.pieces[token]),
            bar(float(found.probabilities[token]), percent(float(found.probabilities[token])), strong=token == asked),
            signed(float(found.logits[token])),
        ]
        for token in shown
    ]
    yield table(["Token", "Probability", "Logit"], rows, numbers=[2])
    if len(words) > len(shown):
        yield aside(f"The first {len(shown)} of {len(words)} tokens.")
