"""From a file's bytes to its lines: compression, encoding, and a limit on how much is read."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from glassbert.errors import TableError

__all__ = ["UNREADABLE", "Limits", "encoding_of", "opened", "opened_text", "start_of"]

_CHUNK = 1 << 20
#: Enough to tell an encoding by.
_EVIDENCE = 1 << 16
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ESCAPED = re.compile("[\udc80-\udcff]+")
#: The encoding of most Western files that are not Unicode, a superset of Latin-1 in practice.
_WESTERN = "cp1252"


#: In place of each byte that is not of the encoding: half a character, which no text has. surrogateescape, the standard
#: library's own way, cannot do so for UTF-16 and for ASCII bytes in the middle of a character.
UNREADABLE = "\udcff"
_MARK_UNREADABLE = "glassbert.tables.unreadable"


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE * (error.end - error.start), error.end


codecs.register_error(_MARK_UNREADABLE, _mark_unreadable)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a table is read: beyond this, a plain error."""

    rows: int
    size_bytes: int

    def too_large(self, name: str) -> TableError:
        """The error for a file that is larger."""
        return TableError(
            f"{name} has more than {self.size_bytes / 1e6:,.0f} MB: take a part, or raise the limit with max_bytes="
        )

    def too_many(self, name: str) -> TableError:
        """The error for a table with more rows."""
        return TableError(
            f"{name} has more than {self.rows:,} rows: take a sample of them, or raise the limit with max_rows="
        )


class _Bounded(io.RawIOBase):
    """A stream that raises TableError where it is longer than the limit, or where its archive is damaged."""

    def __init__(self, stream: IO[bytes], name: str, limits: Limits) -> None:
        self._stream, self._name, self._limits, self._read = stream, name, limits, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            content = self._stream.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(f"{self._name} is damaged or cannot be read: {error}") from error
        self._read += len(content)
        if self._read > self._limits.size_bytes:
            raise self._limits.too_large(self._name)
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[IO[bytes]]:
    """The content of a file, decompressed if it is gzip by its first bytes. Raises TableError."""
    try:
        if path.is_dir():
            raise TableError(f"{path.name} is a folder: name one file in it")
        if path.stat().st_size > limits.size_bytes:
            raise limits.too_large(path.name)
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: IO[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
            yield io.BufferedReader(_Bounded(stream, path.name, limits), _CHUNK)
    except OSError as error:
        raise TableError(f"{path.name} cannot be read: {error.strerror or error}") from error


def start_of(path: Path, limits: Limits, size: int = 4096) -> bytes:
    """The first bytes, decompressed."""
    with opened(path, limits) as stream:
        return stream.read(size)


def encoding_of(path: Path, limits: Limits) -> str:
    """The encoding of a text file: by its byte order mark, as UTF-8 or UTF-16 if it is, else by its bytes.

    A file whose characters beyond ASCII are mostly valid UTF-8 is UTF-8 with damage.
    """
    start = start_of(path, limits)
    for mark, encoding in _BOMS.items():
        if start.startswith(mark):
            return encoding
    if start:
        even, odd = start[::2].count(0) / len(start), start[1::2].count(0) / len(start)
        if max(even, odd) > 0.2 and min(even, odd) < 0.02:
            return "utf-16-le" if odd > even else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    valid = damaged = 0
    evidence = bytearray()
    with opened(path, limits) as stream:
        for line in iter(lambda: stream.readline(_CHUNK), b""):
            if line.isascii():
                continue
            text = decoder.decode(line)
            runs = _ESCAPED.findall(text)
            damaged += len(runs)
            valid += sum(not one.isascii() for one in text) - sum(map(len, runs))
            if len(evidence) < _EVIDENCE:
                evidence += line
    return "utf-8" if valid >= damaged else _guessed(bytes(evidence[:_EVIDENCE]))


def _guessed(evidence: bytes) -> str:
    """An encoding that is not Unicode, from lines with bytes beyond ASCII; the Western one where that fits as well."""
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return _WESTERN
    matches = from_bytes(evidence)
    best = matches.best()
    if best is None:
        return _WESTERN
    western = [match for match in matches if _WESTERN in (match.encoding, *match.could_be_from_charset)]
    close = western and western[0].chaos <= best.chaos + 0.15 and western[0].coherence >= best.coherence - 0.1
    return _WESTERN if close else best.encoding


@contextmanager
def opened_text(path: Path, limits: Limits) -> Iterator[io.TextIOWrapper]:
    """The lines of a file with their line ends; bytes that are not of its encoding become lone surrogates."""
    encoding = encoding_of(path, limits)
    with opened(path, limits) as stream:
        yield io.TextIOWrapper(stream, encoding, errors=_MARK_UNREADABLE, newline="")
