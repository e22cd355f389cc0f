"""Where a command reads, writes and complains: results alone on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from glassbert.pictures.markup import clipped

if TYPE_CHECKING:
    from glassbert.models.progress import Progress

__all__ = ["Console", "process_console"]

_LOOKS = {"bold": "1", "holds": "32", "doubtful": "33", "fails": "31", "not_applicable": "2"}
_SECONDS_BETWEEN_REPORTS = 0.2


class Console:
    """The three streams of one command."""

    def __init__(self, out: TextIO, err: TextIO, given: TextIO | BinaryIO | None) -> None:
        self._out, self._err, self._given = out, err, given
        self._own: Callable[[], TextIO] | None = None
        self.as_json = False
        self._blocks = 0
        self._reported = 0.0

    @classmethod
    def keeping(cls, own: Callable[[], TextIO]) -> Console:
        """The console of this process; ``own`` takes standard output away from everybody else."""
        console = cls(sys.stdout, sys.stderr, sys.stdin)
        console._own = own
        return console

    def open(self, *, as_json: bool) -> None:
        """Say how results are to be written; from here on nothing else comes to standard output."""
        self.as_json = as_json
        if self._own is not None:
            self._out, self._own = self._own(), None

    @property
    def given(self) -> BinaryIO | None:
        """Standard input as bytes; None if it is closed."""
        source: Any = self._given
        return getattr(source, "buffer", source)  # type: ignore[no-any-return]

    @property
    def asks_person(self) -> bool:
        """Whether standard input is a keyboard."""
        return self._given is not None and self._given.isatty()

    @property
    def colour(self) -> bool:
        """Whether results may be coloured: on a terminal, unless NO_COLOR (no-color.org) says no."""
        return self._out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def look(self, text: str, name: str) -> str:
        """The text in bold or in the colour of a verdict, where colours are shown."""
        return f"\x1b[{_LOOKS[name]}m{text}\x1b[0m" if self.colour else text

    def record(self, data: Mapping[str, Any]) -> None:
        """Write a line of JSON. Raises ValueError for numbers that JSON does not have."""
        self._write(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines for people."""
        self._write("".join(f"{line}\n" for line in lines))

    def block(self, lines: Iterable[str]) -> None:
        """Write lines that belong together, an empty line before all but the first."""
        self.lines([""] * bool(self._blocks) + list(lines))
        self._blocks += 1

    def complain(self, sentence: str) -> None:
        """Say on standard error what is wrong."""
        self.note(f"glassbert: {sentence}")

    def note(self, sentence: str) -> None:
        """Say something on standard error."""
        self.end_progress()
        print(" ".join(sentence.split("\n")), file=self._err, flush=True)

    def download(self, source: str) -> Callable[[Progress], None]:
        """Reports the progress of a download: a line that changes on a terminal, else one line."""
        said = -1.0
        name = clipped(source, 60)

        def report(now: Progress) -> None:
            nonlocal said
            megabytes = now.bytes_total / 1e6
            if not self._err.isatty():
                if said < 0:
                    self.note(f"Downloading {name} ({megabytes:.0f} MB) …")
                    said = 0.0
                return
            done = now.bytes_done >= now.bytes_total
            if done or time.monotonic() - said > _SECONDS_BETWEEN_REPORTS:
                said = time.monotonic()
                share = now.bytes_done / max(now.bytes_total, 1)
                end = "\n" if done else ""
                self._err.write(f"\rDownloading {name}: {share:.0%} of {megabytes:.0f} MB{end}")
                self._err.flush()

        return report

    def progress(self, doing: str) -> Callable[[int, int | None], None]:
        """Reports how far a computation is, on a terminal; nothing elsewhere. ``total`` None: it is not known."""

        def report(done: int, total: int | None) -> None:
            if self._err.isatty() and time.monotonic() - self._reported > _SECONDS_BETWEEN_REPORTS:
                self._reported = time.monotonic()
                far = f"{done:,}" if total is None else f"{min(done / max(total, 1), 1):.0%}"
                self._err.write(f"\r{doing}: {far}\x1b[K")
                self._err.flush()

        return report

    def end_progress(self) -> None:
        """Take the line of `progress` away, for what is written next."""
        if self._reported:
            self._reported = 0.0
            self._err.write("\r\x1b[K")
            self._err.flush()

    def flush(self) -> None:
        """Bring everything to where it goes. Raises BrokenPipeError if nobody reads it any more."""
        self._out.flush()

    def abandon(self) -> None:
        """Write no more: what is still waiting must not be tried again when Python ends."""
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in {self._out, sys.stdout} - {sys.stderr}:
            try:
                os.dup2(nothing, stream.fileno())
            except (OSError, ValueError, AttributeError):
                continue

    def _write(self, text: str) -> None:
        self.end_progress()
        self._out.write(text)
        self._out.flush()


def process_console() -> Console:
    """The console of this process, in UTF-8 whatever the locale says."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:  # it was closed before this process began
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, stream)
        elif number:
            getattr(sys, name).reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    return Console.keeping(_keep_output)


def _keep_output() -> TextIO:
    """Standard output for this command alone: what libraries and their C code print there goes to standard error."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of them is closed
        return sys.stdout
    own = open(kept, "w", encoding="utf-8", errors="backslashreplace", newline="\n")  # noqa: PTH123, SIM115
    sys.stdout = sys.stderr
    return own
