"""Texts that are longer than the model: read in overlapping windows, decided and explained as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from glassbert.arguments import check_fields
from glassbert.errors import OptionError, OptionTypeError, TextTooLongError
from glassbert.network.model import Model
from glassbert.results import Array, Encoded

__all__ = ["Windows", "decided_in", "in_windows", "most_central", "windows_of_tokens"]

# With fewer tokens beside the other text, a window would say little about the text it is part of.
_FEWEST_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Windows:
    """How a text that is longer than the model reads at once is read: in overlapping windows.

    ``length``: tokens that one pass reads, special tokens included; None: as many as the model can. ``stride``: tokens
    between the starts of two windows; None: half of what a window shows of the text. No word is cut in two, and the
    last window is filled up with what stands before it. Of a pair, the longer text is read in windows, each of them
    together with the whole shorter one. A text that fits is read at once, with the same numbers as without windows.

    ``decided_by`` says what the model decides about the whole text. "mean": its logits are the mean over the windows,
    each weighted by its share of tokens that no window before it has. "strongest": they are those of the window that
    the model is most certain about, which has the highest probability of one class; it suits a finding that stands in
    one place. A masked word, the label of a token and an answer are read in the window in which they are most central.
    """

    length: int | None = None
    stride: int | None = None
    decided_by: Literal["mean", "strongest"] = "mean"

    def __post_init__(self) -> None:
        check_fields(self, OptionTypeError)
        if self.decided_by not in ("mean", "strongest"):
            raise OptionError(f"decided_by must be one of mean, strongest; got {self.decided_by!r}")


def in_windows(model: Model, encoded: Encoded, windows: Windows) -> Encoded:
    """The same input with its windows; as it is if one window has room for all of it.

    Raises OptionError for a length or stride that this model or text does not allow, and TextTooLongError if the
    shorter text of a pair leaves too little room for the longer one.
    """
    length = model.max_tokens if windows.length is None else windows.length
    if length > model.max_tokens:
        raise OptionError(f"windows of {length} tokens are too long: this model reads at most {model.max_tokens}")
    if len(encoded) <= length:
        return encoded
    sliding = _sliding(encoded)
    beside = len(encoded) - len(sliding)
    room = length - beside
    if room < _FEWEST_TOKENS:
        if len(encoded.texts) == 2 and windows.length is None:
            raise TextTooLongError(
                f"the shorter text leaves room for {max(room, 0)} tokens of the longer one in the {length} that this "
                "model reads: shorten it",
                tokens=len(encoded),
                max_tokens=length,
            )
        raise OptionError(
            f"windows of {length} tokens have room for {max(room, 0)} tokens of the text beside {beside} others: "
            f"choose a length of at least {beside + _FEWEST_TOKENS}"
        )
    stride = max(1, room // 2) if windows.stride is None else windows.stride
    if not 1 <= stride <= room:
        raise OptionError(
            f"the stride of windows that show {room} tokens of the text must be 1 to {room}; got {stride}"
        )
    spans = _spans(encoded.word_ids[sliding], room, stride) + sliding[0]
    ends = np.maximum.accumulate(spans[:, 1])
    new = np.diff(ends, prepend=sliding[0])
    weights = new / new.sum() if windows.decided_by == "mean" else np.zeros(len(spans))
    return replace(encoded, windows=spans, window_weights=weights)


def windows_of_tokens(encoded: Encoded) -> Array:
    """(token,): the window in which each has the most text on its nearer side; for a token of no window, the first."""
    places = np.arange(len(encoded))[:, None]
    margin = np.minimum(places - encoded.windows[:, 0], encoded.windows[:, 1] - 1 - places)
    return np.where(margin.max(axis=1) >= 0, margin.argmax(axis=1), 0)


def most_central(encoded: Encoded, position: int) -> int:
    """The window in which this token has the most text on its nearer side; for a token of no window, the first."""
    return int(windows_of_tokens(encoded)[position])


def decided_in(encoded: Encoded, number: int) -> Encoded:
    """The same input, decided by one of its windows alone."""
    return replace(encoded, window_weights=np.eye(len(encoded.windows))[number])


def _sliding(encoded: Encoded) -> Array:
    """The tokens that the windows divide: those of the text, of a pair of the longer one; [start, …, stop)."""
    own = [np.flatnonzero(encoded.sequence_ids == number) for number in range(len(encoded.texts))]
    longer = max(own, key=len)
    return np.arange(longer[0], longer[-1] + 1)


def _spans(words: Array, room: int, stride: int) -> Array:
    """(window, 2): [start, stop) over the tokens whose words are given, at most ``room`` tokens each."""
    total = len(words)
    begins = np.concatenate([[True], words[1:] != words[:-1], [True]])  # a word begins here, or the text ends
    spans = []
    start = 0
    while start + room < total:
        stop = start + room
        whole = np.flatnonzero(begins[: stop + 1])[-1]
        stop = int(whole) if whole > start else stop  # a word longer than a window is cut
        spans.append((start, stop))
        following = int(np.flatnonzero(begins[: min(start + stride, stop) + 1])[-1])
        start = following if following > start else min(start + stride, stop)
    full = total - room
    begun = np.flatnonzero(begins[full:total])
    last = full + int(begun[0]) if len(begun) else full
    spans.append((min(last, start), total))
    return np.asarray(spans, dtype=np.int64)
