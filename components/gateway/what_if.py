"""Edits of a text, searches for a flip, and traces.

What takes long is prepared here, in the page's own thread, and returned as the work of a job.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.language import fill_mask, whole_words
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest

if TYPE_CHECKING:
    from glassbert.intervention._patches import Kind as TraceKind
    from glassbert.intervention.results import Trace
    from glassbert.text.results import LengthHint
    from glassbert.whatif.edits import EditedText, EditKind
    from glassbert.whatif.results import FlipSearch, InputReduction, Variants

__all__ = [
    "Change",
    "TraceRequest",
    "as_edits",
    "edit_text",
    "edited",
    "flip_search",
    "reduction",
    "same_length_hint",
    "suggestions",
    "trace",
    "variants",
    "words_to_edit",
]

#: A `gb.Edit` as plain data, (token, kind, replacement): kept in a session, which outlives a reload of the library.
Change = tuple[int, str, str]

_FETCHED = 60  # enough to fill a short list when pieces inside words are left out


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """Two texts of one model, a decision, and what is patched."""

    clean: TextRequest
    corrupted: TextRequest
    target: gb.Target
    kind: TraceKind


def as_edits(changes: Sequence[Change]) -> list[gb.Edit]:
    """Changes as the library takes them."""
    return [gb.Edit(position, cast("EditKind", kind), replacement) for position, kind, replacement in changes]


@shared(256)
def edit_text(request: TextRequest, changes: tuple[Change, ...], mask_token: str | None = None) -> EditedText:
    """The text after the changes, and where its words went; no pass. Raises TargetError, OptionError.

    ``mask_token``: that of the model which will read it, if it is another one.
    """
    import_library()
    from glassbert.whatif.edits import edit_text as edit

    return edit(encode(request), as_edits(changes), mask_token or load(request.model).mask_token)


def words_to_edit(request: TextRequest) -> list[int]:
    """The first token of every word that can be changed; no pass."""
    import_library()
    from glassbert.whatif.edits import words_to_edit as find

    return find(encode(request))


def edited(request: TextRequest, changes: tuple[Change, ...]) -> TextRequest:
    """The text after the changes, for the same model. Raises TargetError, OptionError."""
    return TextRequest(request.model, *edit_text(request, changes).texts)


@shared(128)
def suggestions(
    request: TextRequest, proposer: ModelRequest, changes: tuple[Change, ...], position: int, top_k: int
) -> tuple[tuple[str, float], ...]:
    """Whole words that ``proposer`` would put in the place of this word, and their probability. One forward pass."""
    import_library()
    from glassbert.pictures.formats import readable

    others = tuple(change for change in changes if change[0] != position)
    masked = edit_text(request, (*others, (position, "mask", "")), load(proposer).mask_token)
    asked = TextRequest(proposer, *masked.texts)
    word = edit_text(request, changes).word(position).new.casefold()
    prediction = fill_mask(asked, (masked.word(position).token_in(encode(asked)),), _FETCHED)
    found = [
        (
            readable(prediction.candidates[0][index], prediction.encoded.spelling).removeprefix("␣"),
            float(prediction.probabilities[0, index]),
        )
        for index in whole_words(proposer, prediction, 0)
    ]
    return tuple((text, share) for text, share in found if text.isalpha() and text.casefold() != word)[:top_k]


@shared(64)
def variants(request: TextRequest, target: gb.Target, changes: tuple[tuple[Change, ...], ...]) -> Variants:
    """What the model predicts after each tuple of changes; one batch, one pass each. () is the original text."""
    return gb.variants(
        load(request.model), request.text, request.pair, edits=[as_edits(one) for one in changes], target=target
    )


def same_length_hint(clean: TextRequest, corrupted: TextRequest) -> LengthHint:
    """No pass."""
    import_library()
    from glassbert.text import alignment

    return alignment.same_length_hint(load(clean.model), encode(clean), encode(corrupted))


# --- work for a job --------------------------------------------------------------------------------------------


def flip_search(
    request: TextRequest, target: gb.Target, proposer: ModelRequest | None, **options: Any
) -> Callable[..., FlipSearch]:
    """At most the budget's number of passes."""
    model = load(request.model)
    helper = None if proposer is None else load(proposer)
    return lambda **reports: gb.find_flip(
        model, request.text, request.pair, target=target, proposer=helper, **options, **reports
    )


def reduction(request: TextRequest, target: gb.Target) -> Callable[..., InputReduction]:
    """Up to n (n + 1) / 2 passes for n words, on shorter and shorter inputs."""
    model = load(request.model)
    return lambda **reports: gb.reduce_input(model, request.text, request.pair, target=target, **reports)


def trace(request: TraceRequest) -> Callable[..., Trace]:
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
