"""Edits of a text, searches for a flip, and traces.

What takes long is prepared here, in the page's own thread, and returned as the work of a job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.language import fill_mask, whole_words
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest

if TYPE_CHECKING:
    from glassbert.intervention._patches import Kind as TraceKind
    from glassbert.whatif.edits import EditKind

__all__ = [
    "Change",
    "Place",
    "TraceRequest",
    "edited",
    "flip_search",
    "places",
    "reduction",
    "same_length_hint",
    "suggestions",
    "token_now",
    "trace",
    "variants",
]

#: A `gb.Edit` as plain data, (token, kind, replacement): kept in a session, which outlives a reload of the library.
Change = tuple[int, str, str]

_FETCHED = 60  # enough to fill a short list when pieces inside words are left out


@dataclass(frozen=True, slots=True)
class Place:
    """A word of a text and what became of it: characters [start, end) before the edits, [new_start, new_end) after."""

    position: int  # its first token
    text: int
    start: int
    end: int
    new_start: int
    new_end: int
    changed: bool


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """Two texts of one model, a decision, and what is patched."""

    clean: TextRequest
    corrupted: TextRequest
    target: gb.Target
    kind: TraceKind


def _edits(changes: Sequence[Change]) -> list[gb.Edit]:
    return [gb.Edit(position, cast("EditKind", kind), replacement) for position, kind, replacement in changes]


def edited(request: TextRequest, changes: Sequence[Change], mask_token: str | None = None) -> TextRequest:
    """The text after the changes, for the same model. Raises TargetError, OptionError."""
    import_library()
    from glassbert.whatif.edits import edited_texts

    own_mask = mask_token or load(request.model).mask_token
    texts = edited_texts(encode(request), _edits(changes), own_mask)
    return TextRequest(request.model, *texts)


@shared(128)
def places(request: TextRequest, changes: tuple[Change, ...]) -> tuple[Place, ...]:
    """Every word of the text, in order, and where it stands after the changes. No pass."""
    import_library()
    from glassbert.whatif.edits import moved_start, word_at

    encoded, mask_token = encode(request), load(request.model).mask_token
    by_position = {change[0]: change for change in changes}
    words, found = encoded.word_ids, []
    for position in np.flatnonzero(encoded.special_tokens_mask == 0).tolist():
        if words[position] == words[position - 1]:
            continue
        span = word_at(encoded, position)
        others = _edits([change for change in changes if change[0] != position])
        start = moved_start(encoded, others, position, mask_token)
        _, kind, replacement = by_position.get(position, (position, "", ""))
        lengths = {
            "": span.end - span.start,
            "delete": 0,
            "mask": len(mask_token or ""),
            "replace": len(replacement.strip()),
        }
        end = start + lengths[kind]
        found.append(Place(position, span.text, span.start, span.end, start, end, position in by_position))
    return tuple(found)


def _token_at(request: TextRequest, text: int, start: int) -> int:
    """The token of this text that covers, or first follows, this character."""
    encoded = encode(request)
    return int(((encoded.sequence_ids == text) & (encoded.offsets[:, 1] > start)).argmax())


def token_now(request: TextRequest, changes: tuple[Change, ...], position: int) -> int:
    """Where this word, by its first token, stands after the changes."""
    place = next(place for place in places(request, changes) if place.position == position)
    return _token_at(edited(request, changes), place.text, place.new_start)


@shared(128)
def suggestions(
    request: TextRequest, proposer: ModelRequest, changes: tuple[Change, ...], position: int, top_k: int
) -> tuple[tuple[str, float], ...]:
    """Whole words that ``proposer`` would put in the place of this word, and their probability. One forward pass."""
    others = tuple(change for change in changes if change[0] != position)
    masked = edited(request, [*others, (position, "mask", "")], load(proposer).mask_token)
    asked = TextRequest(proposer, masked.text, masked.pair)
    place = next(place for place in places(request, changes) if place.position == position)
    now = edited(request, changes)
    word = (now.text, now.pair or "")[place.text][place.new_start : place.new_end].casefold()
    prediction = fill_mask(asked, (_token_at(asked, place.text, place.new_start),), _FETCHED)
    found = [
        (prediction.candidates[0][index].lstrip("Ġ▁"), float(prediction.probabilities[0, index]))
        for index in whole_words(prediction, 0)
    ]
    return tuple((text, share) for text, share in found if text.isalpha() and text.casefold() != word)[:top_k]


@shared(64)
def variants(request: TextRequest, target: gb.Target, changes: tuple[tuple[Change, ...], ...]) -> gb.Variants:
    """What the model predicts after each tuple of changes; one batch, one pass each. () is the original text."""
    return gb.variants(
        load(request.model), request.text, request.pair, edits=[_edits(one) for one in changes], target=target
    )


def same_length_hint(clean: TextRequest, corrupted: TextRequest) -> gb.LengthHint:
    """No pass."""
    return gb.same_length_hint(load(clean.model), encode(clean), encode(corrupted))


# --- work for a job --------------------------------------------------------------------------------------------


def flip_search(
    request: TextRequest, target: gb.Target, proposer: ModelRequest | None, **options: Any
) -> Callable[..., gb.FlipSearch]:
    """At most the budget's number of passes."""
    model = load(request.model)
    helper = None if proposer is None else load(proposer)
    return lambda **reports: gb.find_flip(
        model, request.text, request.pair, target=target, proposer=helper, **options, **reports
    )


def reduction(request: TextRequest, target: gb.Target) -> Callable[..., gb.InputReduction]:
    """Up to n (n + 1) / 2 passes for n words, on shorter and shorter inputs."""
    model = load(request.model)
    return lambda **reports: gb.reduce_input(model, request.text, request.pair, target=target, **reports)


def trace(request: TraceRequest) -> Callable[..., gb.Trace]:
    """Less than a third of a pass per place."""
    model, clean, corrupted = load(request.clean.model), request.clean, request.corrupted
    return lambda **reports: gb.trace(
        model,
        clean.text,
        corrupted.text,
        request.target,
        pair=clean.pair,
        corrupted_pair=corrupted.pair,
        kind=request.kind,
        **reports,
    )
