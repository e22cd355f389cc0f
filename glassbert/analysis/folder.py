"""The result folder of an analysis: its manifest, its files, and the columns of each.

A part is 1,000 consecutive rows of the source. It has one Parquet file of each kind, ``predictions-00000.parquet`` and
so on, and is there when its predictions are, which are written last. ``manifest.json`` says what was done.

======================  =================================================================================
``predictions``         one row a text: what stands there, what the model answers, whether that is right
``attributions``        one row a token and method: how much it contributes to the answer
``states``              one row a text: the mean of its last hidden states, for maps and near duplicates
``receipts``            one row a check, of the texts that were drawn for it
======================  =================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbert.errors import SavedResultError
from glassbert.tables.contents import Kind

if TYPE_CHECKING:
    import pyarrow

__all__ = ["FORMAT", "KINDS", "MANIFEST", "PART_ROWS", "Manifest", "part_file", "parts_in", "read_manifest", "schemas"]

#: Raised when a reader of the format before would misunderstand the folder.
FORMAT = 1
PART_ROWS = 1000
MANIFEST = "manifest.json"
#: In the order in which the files of a part are written.
KINDS = ("attributions", "states", "receipts", "predictions")
_PART = re.compile(r"predictions-(\d{5,})\.parquet")
_MOST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an analysis did. ``rows`` and the other counts are of the parts that are there when ``complete``, else 0.

    ``model``: name, hash (SHA-256 of its weights' content), tokenizer (SHA-256), labels, kind ("classification",
    "multi_label" or "regression"), max_tokens, precision, ablated_heads. ``table``: source, fingerprint, the columns
    text, pair and label (None: no labels), and meta, the names of the other columns, in order. ``options``: method →
    its options. ``receipts``: share, seed, checks, orderings. ``versions``: package → version.
    """

    model: Mapping[str, Any]
    table: Mapping[str, Any]
    methods: tuple[str, ...]
    options: Mapping[str, Any]
    receipts: Mapping[str, Any]
    version: str
    versions: Mapping[str, str]
    state_width: int
    format: int = FORMAT
    part_rows: int = PART_ROWS
    complete: bool = False
    rows: int = 0
    errors: int = 0
    labelled: int = 0
    tokens: int = 0
    explained: int = 0
    checked: int = 0
    seconds: float = 0.0
    texts_per_second: float = 0.0
    engine: str = field(default="local")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the model's classes."""
        return tuple(self.model["labels"])

    @property
    def kind(self) -> Kind:
        """What the model decides."""
        kind: Kind = self.model["kind"]
        return kind

    @property
    def meta(self) -> tuple[str, ...]:
        """The names of the columns ``meta_0`` …"""
        return tuple(self.table["meta"])

    @property
    def identity(self) -> dict[str, Any]:
        """What two calls must have in common to be the same analysis."""
        told = self.to_dict()
        return {
            name: told[name] for name in ("format", "model", "table", "methods", "options", "receipts", "part_rows")
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``manifest.json`` has it."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a result folder. Raises SavedResultError, which says what the folder is instead."""
    place = folder / MANIFEST
    if not place.is_file():
        what = "is not there" if not folder.exists() else f"is no analysis: it has no {MANIFEST}"
        raise SavedResultError(f"{folder} {what}; gb.analyse or `glassbert analyse` writes one")
    try:
        if place.stat().st_size > _MOST_BYTES:
            raise ValueError("it is too large")
        content = json.loads(place.read_text(encoding="utf-8"))
        number = content["format"]
        if not isinstance(number, int):
            raise TypeError("its format is no number")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SavedResultError(f"{place} is damaged: {error}") from error
    if number != FORMAT:
        which = "an older" if number < FORMAT else "a newer"
        raise SavedResultError(
            f"{folder} was written by {which} version of GlassBERT (format {number}; this one reads {FORMAT}): "
            + ("analyse the table again" if number < FORMAT else "update GlassBERT")
        )
    names = {one.name for one in fields(Manifest)}
    try:
        told = {name: value for name, value in content.items() if name in names}
        found = Manifest(**told | {"methods": tuple(told["methods"])})
        _check(found)
    except (KeyError, TypeError, ValueError) as error:
        raise SavedResultError(f"{place} is damaged: {error}") from error
    return found


def _check(manifest: Manifest) -> None:
    """The entries that others rely on. Raises ValueError, KeyError or TypeError."""
    if manifest.kind not in ("classification", "multi_label", "regression"):
        raise ValueError(f"there is no kind {manifest.kind!r}")
    for names in (manifest.labels, manifest.meta, manifest.methods):
        if not all(isinstance(name, str) for name in names):
            raise ValueError("its names must be strings")
    if not isinstance(manifest.state_width, int) or not 0 < manifest.state_width <= 4096:
        raise ValueError("its state_width is not valid")


def part_file(kind: str, number: int) -> str:
    """The name of a part's file: ``predictions-00012.parquet``."""
    return f"{kind}-{number:05}.parquet"


def parts_in(folder: Path) -> Iterator[int]:
    """The numbers of the parts that are there, in order."""
    found = (_PART.fullmatch(place.name) for place in folder.iterdir())
    yield from sorted(int(match[1]) for match in found if match)


def schemas(meta: int, state_width: int) -> dict[str, pyarrow.Schema]:
    """Kind of file → its columns; ``meta``: how many columns of the source are kept beside text, pair and label."""
    import pyarrow as pa

    text, name = pa.string(), pa.dictionary(pa.int32(), pa.string())
    predictions = {
        "id": pa.int64(),  # place in the source, from 0
        "row": pa.int64(),  # as a spreadsheet shows it
        "text": text,
        "pair": text,
        "label": pa.int32(),  # index of the model's labels; of several, the one that the model finds likeliest
        "answer": pa.int32(),
        "right": pa.bool_(),
        "confidence": pa.float32(),  # the probability of the answer
        "logit": pa.float32(),  # F of the answer
        "probabilities": pa.list_(pa.float32()),  # a softmax; sigmoids of several; the score of a regression
        "loss": pa.float32(),  # cross-entropy in nats; the absolute error of a regression
        "labels": pa.list_(pa.int32()),  # several classes a text only, as the next
        "answers": pa.list_(pa.int32()),
        "expected": pa.float32(),  # a regression only, as the next
        "predicted": pa.float32(),
        "tokens": pa.int32(),
        "truncated": pa.bool_(),
        "label_text": text,  # the cell of the label as it stands
        "error": text,
        **{f"meta_{number}": text for number in range(meta)},
    }
    attributions = {
        "id": pa.int64(),
        "method": name,
        "position": pa.int16(),
        "token": name,
        "word": name,  # as it stands in the text; null for special tokens
        "word_index": pa.int16(),  # through text and pair; −1 for special tokens
        "segment": pa.int8(),  # 0 the text, 1 the pair, −1 special
        "start": pa.int32(),  # characters of its text
        "stop": pa.int32(),
        "score": pa.float32(),  # contribution to F of the answer, in logits
        "share": pa.float32(),  # score / Σ |score| over the tokens that are not special
        "target": pa.int32(),  # the class that was explained: the answer
    }
    receipts = {
        "id": pa.int64(),
        "method": text,
        "check": text,
        "number": pa.float64(),
        "verdict": text,  # holds, doubtful, fails, not_applicable
        "beaten_share": pa.float64(),
    }
    states = {"id": pa.int64(), "state": pa.list_(pa.float16(), state_width)}
    kinds = {"predictions": predictions, "attributions": attributions, "states": states, "receipts": receipts}
    return {kind: pa.schema(list(columns.items())) for kind, columns in kinds.items()}
