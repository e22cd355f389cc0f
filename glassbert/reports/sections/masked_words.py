"""What a masked-word model would have written: the word layer by layer, each word in turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from glassbert.pictures.formats import percent, readable, three_digits
from glassbert.pictures.markup import escaped
from glassbert.reports.markup import MOST_WORDS, aside, isolated, section, table

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings

__all__ = ["masked_words"]


def masked_words(report: Findings) -> str:
    drawn: list[str] = []
    if report.lens is not None:
        drawn += _lens(report)
    if report.surprise is not None:
        drawn += _surprise(report)
    return section("masked-words", "What the model would have written", *drawn) if drawn else ""


def _lens(report: Findings) -> Iterator[str]:
    lens = report.lens
    assert lens is not None
    yield aside(
        "The same output head on the states of every layer (logit lens): it shows how far the prediction has formed, "
        "not what those layers “think”. The last row is the model's prediction."
    )
    spelling = lens.encoded.spelling
    rows = []
    for layer in range(lens.layers):
        shown = [
            f"“{isolated(readable(word, spelling))}” {escaped(percent(float(share)))}"
            for word, share in zip(lens.candidates[layer][0], lens.probabilities[layer, 0], strict=True)
        ]
        name = "embeddings" if layer == 0 else f"layer {layer}"
        rows.append([name, ", ".join(shown[:3]), f"{lens.entropy[layer, 0]:.2f}"])
    yield table(["After", "Most likely words", "Entropy (bits)"], rows, numbers=[2])


def _surprise(report: Findings) -> Iterator[str]:
    found = report.surprise
    assert found is not None
    yield aside(
        "Every token is hidden in turn and predicted from the rest. Surprise is −log₂ of the probability of the token "
        "that stands there: 0 bits is certain, each further bit halves the probability."
    )
    encoded = found.encoded
    order = np.sort(np.argsort(-found.surprisal, kind="stable")[:MOST_WORDS])
    rows = [
        [
            isolated(encoded.pieces[found.positions[at]]),
            f"{found.surprisal[at]:.2f}",
            percent(float(found.probabilities[at])),
            isolated(readable(found.choices[at], encoded.spelling)),
            percent(float(found.choice_probabilities[at])),
        ]
        for at in order
    ]
    names = ["Token", "Surprise (bits)", "Probability", "The model's first choice", "Its probability"]
    yield table(names, rows, numbers=[1, 2, 4])
    if len(found.positions) > len(order):
        yield aside(f"The {len(order)} most surprising of {len(found.positions)} tokens, in the order of the text.")
    told = f"{found.total:.1f} bits in all; pseudo-perplexity {three_digits(found.pseudo_perplexity)}"
    yield aside(f"{told}: the number of equally likely words per token that the model hesitates between.")
