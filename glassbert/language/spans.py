"""From the label of each token to named spans: entities, as the pipeline of transformers finds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.language.predictions import Aggregation, Entities, TokenLabels
from glassbert.language.token_labels import label_tokens
from glassbert.network.model import Model
from glassbert.results import Array
from glassbert.text.entity_labels import OUTSIDE, grouped, type_of
from glassbert.text.inputs import Text, token_name
from glassbert.text.windows import Windows

__all__ = ["entities"]


@checked
def entities(
    model: Model, text: Text, *, aggregation: Aggregation = "simple", windows: Windows | None = None
) -> Entities:
    """The spans that a token classifier finds: ``entities(model, "Marie lives in Paris.").frame()``.

    ``aggregation`` says how the labels of tokens become labels of spans, as in the pipeline of transformers. "none":
    every token is a span. "simple": neighbours of one type are one span, unless a label begins a new one. "first",
    "average" and "max" first give all pieces of a word the same label: that of its first piece, that of the mean of
    their probabilities, or that of its surest piece. Labels are read as BIO, BIOES or BILOU if they have such prefixes,
    else as types themselves; "O" is outside. The probability of a span is the mean over its tokens or words.
    ``windows`` as for :func:`glassbert.label_tokens`. One forward pass. Raises TaskHeadError, OptionError, TextErrors.
    """
    if aggregation not in get_args(Aggregation):
        raise OptionError(f"aggregation must be one of {', '.join(get_args(Aggregation))}; got {aggregation!r}")
    labelled = label_tokens(model, text, windows=windows)
    if len(labelled.encoded.texts) > 1:
        raise OptionError("entities are found in one text: leave the second one out")
    units = list(_units(model, labelled, aggregation))
    groups = (
        [[unit] for unit in units]
        if aggregation == "none"
        else grouped((unit, labelled.labels[unit[1]]) for unit in units)
    )
    named = [(group, type_of(labelled.labels[group[0][1]])) for group in groups]
    found = [(group, name) for group, name in named if name != OUTSIDE]
    return Entities(
        labelled=labelled,
        aggregation=aggregation,
        spans=np.asarray([(group[0][0][0], group[-1][0][-1] + 1) for group, _ in found]).reshape(-1, 2),
        names=tuple(labelled.labels[group[0][1]] if aggregation == "none" else name for group, name in found),
        probabilities=np.asarray([np.mean([unit[2] for unit in group]) for group, _ in found]),
    )


#: The tokens of a unit, its label and the probability of that.
_Unit = tuple[list[int], int, float]


def _units(model: Model, labelled: TokenLabels, aggregation: Aggregation) -> Iterator[_Unit]:
    """Tokens, or words with one label for all their pieces."""
    words = np.flatnonzero(labelled.encoded.special_tokens_mask == 0).tolist()
    if aggregation in ("none", "simple"):
        pieces = [[place] for place in words]
    else:
        pieces = []
        for place in words:
            if pieces and _continues(model, labelled, place):
                pieces[-1].append(place)
            else:
                pieces.append([place])
    for places in pieces:
        shares = labelled.probabilities[places]
        chosen: Array = {
            "average": shares.mean(axis=0),
            "max": shares[int(shares.max(axis=1).argmax())],
        }.get(aggregation, shares[0])
        yield places, int(chosen.argmax()), float(chosen.max())


def _continues(model: Model, labelled: TokenLabels, place: int) -> bool:
    """Whether a token continues the word before it, as the pipeline of transformers decides: by its mark where the
    vocabulary has one, else by the white space before it."""
    encoded = labelled.encoded
    start, end = encoded.offsets[place].tolist()
    if int(encoded.input_ids[place]) == model.tokenizer.unk_token_id:
        return False
    backend: Any = model.tokenizer.backend_tokenizer.model
    if getattr(backend, "continuing_subword_prefix", None):
        return bool(len(token_name(model, int(encoded.input_ids[place]))) != end - start)
    return start > 0 and " " not in encoded.texts[0][start - 1 : start + 1]
