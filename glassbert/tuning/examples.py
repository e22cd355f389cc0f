"""Texts and labels as token ids: what one step of training reads.

Long texts of classes and numbers are cut; words with labels, contexts of questions and plain texts are read in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbert.network.model import Model
from glassbert.results import Array
from glassbert.tables import Table

__all__ = ["IGNORED", "Examples", "examples_of", "lengths_of"]

#: The label of a token that has none.
IGNORED = -100
#: Texts that are tokenized in one call; also how many are looked at for the lengths of a large table.
_AT_ONCE, _LOOKED_AT = 1000, 5000


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Encoded examples, their tokens one after the other: example ``i`` has ``ids[starts[i]:starts[i + 1]]``.

    ``labels`` by kind: (example,) class ids; (example, class) 0 or 1; (example,) numbers; (token,) label ids, or
    IGNORED; (example, 2) first and last token of the answer; None for plain text. ``rows`` is the place of each
    example's text in the table, and ``cut`` the number of texts of which the end is not read.
    """

    kind: str
    ids: Array
    segments: Array
    special: Array  # (token,) bool
    starts: Array
    labels: Any
    rows: Array
    cut: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def span(self, place: int) -> slice:
        """Where the tokens of an example are."""
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    @property
    def lengths(self) -> Array:
        return np.diff(self.starts)


def lengths_of(model: Model, table: Table) -> Array:
    """Tokens of each text, special tokens included; of evenly spaced texts, if there are many."""
    step = max(1, len(table) // _LOOKED_AT)
    places = range(0, len(table), step)
    found = [len(ids) for batch in _batches(places) for ids in _tokens(model, table, batch)["input_ids"]]
    return np.asarray(found, dtype=np.int64)


def examples_of(model: Model, table: Table, max_tokens: int) -> Examples:
    """Encode a table. An answer that no piece of its context contains, and a text without tokens, give no example."""
    ids: list[Array] = []
    segments: list[Array] = []
    special: list[Array] = []
    labels: list[Any] = []
    rows: list[int] = []
    cut = 0
    in_pieces = table.kind in ("tokens", "spans", "texts")
    unanswered = table.kind == "spans" and not all(table.labels)
    for batch in _batches(range(len(table))):
        options: dict[str, Any] = {"truncation": True, "max_length": max_tokens}
        if table.kind == "spans":
            options |= {"truncation": "only_second", "stride": max_tokens // 4}
        raw = _tokens(
            model,
            table,
            batch,
            return_overflowing_tokens=True,
            return_offsets_mapping=in_pieces,
            return_special_tokens_mask=True,
            return_token_type_ids=True,
            **options,
        )
        own = raw["overflow_to_sample_mapping"]
        seen: set[int] = set()
        for number, sample in enumerate(own):
            if sample in seen and not in_pieces:
                cut += own.index(sample) == number - 1  # counted once
                continue
            seen.add(sample)
            place = batch[sample]
            piece = np.asarray(raw["input_ids"][number], dtype=np.int32)
            mask = np.asarray(raw["special_tokens_mask"][number], dtype=bool)
            if mask.all():
                continue
            label = _label(table, place, raw, number, mask, unanswered)
            if label is None:
                continue
            ids.append(piece)
            special.append(mask)
            segments.append(np.asarray(raw["token_type_ids"][number], dtype=np.int8))
            labels.append(label)
            rows.append(place)
    starts = np.concatenate(([0], np.cumsum([len(one) for one in ids]))).astype(np.int64)
    return Examples(
        kind=table.kind,
        ids=np.concatenate(ids) if ids else np.empty(0, dtype=np.int32),
        segments=np.concatenate(segments) if ids else np.empty(0, dtype=np.int8),
        special=np.concatenate(special) if ids else np.empty(0, dtype=bool),
        starts=starts,
        labels=_joined(table, labels),
        rows=np.asarray(rows, dtype=np.int64),
        cut=cut,
    )


def _batches(places: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(places), _AT_ONCE):
        yield list(places[start : start + _AT_ONCE])


def _tokens(model: Model, table: Table, places: Sequence[int], **options: Any) -> Any:
    texts = [table.texts[place] for place in places]
    pairs = [table.pairs[place] for place in places] if table.pairs else None
    return model.tokenizer(texts, pairs, **options)


def _label(table: Table, place: int, raw: Any, number: int, special: Array, unanswered: bool) -> Any:
    """The label of one piece; None if there is nothing in it to learn."""
    if table.kind == "texts":
        return ()
    if table.kind == "tokens":
        return _word_labels(table, place, raw["offset_mapping"][number], special)
    if table.kind == "spans":
        return _answer(table, place, raw, number, unanswered)
    return table.labels[place]


def _word_labels(table: Table, place: int, offsets: Sequence[tuple[int, int]], special: Array) -> Array | None:
    """(token,): a word's label at its first token; IGNORED elsewhere."""
    ends = np.cumsum([len(word) + 1 for word in table.words[place]])  # one past the space after each word
    labels = np.full(len(special), IGNORED, dtype=np.int32)
    labelled = -1
    for token, (start, end) in enumerate(offsets):
        if special[token] or start == end:
            continue
        word = int(np.searchsorted(ends, end - 1, side="right"))  # the last character: some tokens begin with the space
        starts_here = start <= (ends[word - 1] if word else 0)
        if word != labelled and starts_here:
            labels[token] = table.labels[place][word]
        labelled = word
    return labels if (labels != IGNORED).any() else None


def _answer(table: Table, place: int, raw: Any, number: int, unanswered: bool) -> tuple[int, int] | None:
    """First and last token of the first answer; that of [CLS] twice where there is none and some rows have none."""
    if not table.labels[place]:
        return (0, 0)
    start, text = table.labels[place][0]
    end = start + len(text)
    sequences = raw.sequence_ids(number)
    inside = [
        token
        for token, (first, last) in enumerate(raw["offset_mapping"][number])
        if sequences[token] == 1 and first < end and last > start and last > first
    ]
    context = [token for token, sequence in enumerate(sequences) if sequence == 1]
    offsets = raw["offset_mapping"][number]
    if not inside or offsets[context[0]][0] > start or offsets[context[-1]][1] < end:
        return (0, 0) if unanswered else None
    return inside[0], inside[-1]


def _joined(table: Table, labels: list[Any]) -> Any:
    if table.kind == "texts":
        return None
    if table.kind == "tokens":
        return np.concatenate(labels) if labels else np.empty(0, dtype=np.int32)
    if table.kind == "spans":
        return np.asarray(labels, dtype=np.int64).reshape(-1, 2)
    if table.kind == "multi_label":
        found = np.zeros((len(labels), len(table.label_names)), dtype=np.float32)
        for row, own in enumerate(labels):
            found[row, list(own)] = 1
        return found
    return np.asarray(labels, dtype=np.float32 if table.kind == "regression" else np.int64)
