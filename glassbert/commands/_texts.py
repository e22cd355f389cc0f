"""The texts of a command, from an argument, a file or standard input, and its answers, one for each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from glassbert.commands._console import Console
from glassbert.errors import (
    EmptyTextError,
    GlassBERTError,
    NotEnoughMemoryError,
    OptionError,
    TargetError,
    TextError,
)
from glassbert.pictures.markup import clipped

if TYPE_CHECKING:
    from glassbert.results import Result

__all__ = ["Answers", "Given", "add_texts", "answer_each"]

#: What is wrong with one text, and not with the command: the next text may be fine.
_ABOUT_ONE_TEXT = (TextError, TargetError, NotEnoughMemoryError)
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Given:
    """One text, or a pair. ``line`` counts from 1, 0 for an argument; ``flaw`` is why it cannot be read."""

    text: str
    pair: str | None
    line: int = 0
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """How to answer a text, and how to show the answer to people: as one line, or as lines that belong together.

    ``keep`` writes an answer elsewhere before it is shown; it gets the number of the line, 0 for an argument.
    """

    compute: Callable[[str, str | None], Result]
    show: Callable[[Result], list[str]]
    one_line: bool = False
    keep: Callable[[Result, int], None] | None = None


def add_texts(parser: argparse.ArgumentParser, *, pair: str = "the second text of a pair") -> None:
    """The arguments that give texts."""
    parser.add_argument(
        "texts",
        nargs="*",
        metavar="TEXT",
        help="a text, in quotes; without one, and without --file, standard input is read, one text a line",
    )
    parser.add_argument(
        "--file", metavar="FILE", help="read the texts from a file in UTF-8, one a line; - is standard input"
    )
    parser.add_argument(
        "--pair", metavar="TEXT", help=f"{pair}; in a file, a tab between two texts does the same for each line"
    )


def answer_each(
    arguments: argparse.Namespace, console: Console, prepare: Callable[[argparse.Namespace, Console], Answers]
) -> int:
    """Answer every text as soon as it is read; returns the exit status, 1 if one could not be answered.

    ``prepare`` opens the model, after what was given is known to be readable. Raises GlassBERTError where no text could
    be answered.
    """
    name, texts = _given(arguments, console)
    answers = prepare(arguments, console)
    count = failures = 0
    for one in texts:
        count += 1
        try:
            if one.flaw:
                raise TextError(one.flaw)
            _write(answers, one, console)
        except _ABOUT_ONE_TEXT as error:
            failures += 1
            _fail(one, error, name, console)
    if not count:
        raise EmptyTextError(f"there is no text: {name} is empty")
    return 1 if failures else 0


def _write(answers: Answers, one: Given, console: Console) -> None:
    result = answers.compute(one.text, one.pair)
    if answers.keep is not None:
        answers.keep(result, one.line)
    if console.as_json:
        try:
            console.record(result.to_dict())
        except ValueError as error:
            raise TextError("the result contains numbers that are not finite, which JSON cannot represent") from error
    elif answers.one_line:
        console.lines(answers.show(result))
    else:
        console.block(answers.show(result))


def _fail(one: Given, error: GlassBERTError, name: str, console: Console) -> None:
    console.complain(f"{name}, line {one.line}: {error}" if one.line else str(error))
    if console.as_json:
        console.record({"error": str(error), "error_type": type(error).__name__, "line": one.line or None})


def _given(arguments: argparse.Namespace, console: Console) -> tuple[str, Iterator[Given]]:
    """Where the texts come from, and the texts. Raises OptionError, TextError before anything slow begins."""
    texts: list[str] = arguments.texts
    if len(texts) > 1:
        joined = clipped(" ".join(texts), 60)
        raise OptionError(f'there are {len(texts)} arguments: put a text in quotes, as in "{joined}"')
    if texts and arguments.file is not None:
        raise OptionError("give a text or --file, not both")
    if texts and texts != ["-"]:
        return "the argument", iter([Given(texts[0], arguments.pair)])
    if arguments.file not in (None, "-"):
        path = Path(arguments.file)
        try:
            return str(path), _lines(path.open("rb"), arguments.pair)
        except OSError as error:
            raise TextError(f"{path} cannot be read: {error.strerror or error}") from error
    if console.given is None:
        raise TextError("there is no text: standard input is closed")
    if console.asks_person:
        console.note("Type one text a line; Ctrl-D ends.")
    return "standard input", _lines(console.given, arguments.pair)


def _lines(source: BinaryIO, pair: str | None) -> Iterator[Given]:
    """Each line as soon as it is there; only a line feed ends one, as in JSON Lines."""
    number = 0
    while raw := source.readline(_MOST_BYTES + 1):
        number += 1
        if len(raw) > _MOST_BYTES and not raw.endswith(b"\n"):
            while (rest := source.readline(_MOST_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield Given("", None, number, f"the line has more than {_MOST_BYTES:,} bytes: no model reads that much")
            continue
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        yield _parsed(raw.removesuffix(b"\n").removesuffix(b"\r"), pair, number)


def _parsed(raw: bytes, pair: str | None, number: int) -> Given:
    try:
        line = raw.decode()
    except UnicodeDecodeError as error:
        return Given("", None, number, f"the line is not UTF-8: byte {error.start + 1} is 0x{raw[error.start]:02X}")
    if pair is not None:
        return Given(line, pair, number)
    text, *others = line.split("\t")
    if len(others) > 1:
        return Given("", None, number, f"the line has {len(others)} tabs: one tab, or none, separates the texts")
    return Given(text, others[0] if others else None, number)
