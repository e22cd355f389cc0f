"""What else a network reads of each token: ids by token, in files beside the vocabulary, as of characters' shapes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from glassbert.errors import DamagedCheckpointError
from glassbert.models.files import parse_json, quoted, read_bytes

__all__ = ["CHARACTER_FILES", "read_ids"]

#: The files of all families, which belong to a tokenizer as the vocabulary does.
CHARACTER_FILES = frozenset({"word_shape.json", "word_pronunciation.json"})
_MOST_BYTES = 8_000_000


def read_ids(folder: Path, file: str, rows: int, source: str) -> Mapping[str, int]:
    """Token → id, one of ``rows``; that of [UNK] stands for tokens without one. Raises DamagedCheckpointError."""
    if not (folder / file).is_file():
        raise DamagedCheckpointError(
            f"{quoted(source)} has no {file}, from which its network reads each character besides the token; copy it "
            "from where the model is from"
        )
    found = parse_json(read_bytes(folder / file, max_bytes=_MOST_BYTES, source=source), file, source)
    if "[UNK]" not in found or not all(type(id) is int and 0 <= id < rows for id in found.values()):
        raise DamagedCheckpointError(
            f"{file} of {quoted(source)} must have a number from 0 to {rows - 1} for each token, and one for [UNK]; "
            "download it again"
        )
    return found
