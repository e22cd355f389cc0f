"""The command line: ``glassbert COMMAND``, or ``python -m glassbert COMMAND``. One file per family of commands.

Results go to standard output, one for each text as soon as it is computed; everything else goes to standard error.
`--help` and `--version` answer at once, so nothing here imports torch before a command runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import glassbert
from glassbert.commands import (
    analysing,
    checkpoints,
    compressing,
    explaining,
    looking,
    predicting,
    reporting,
    serving,
    testing,
    training,
)
from glassbert.commands._command import Command, help_format
from glassbert.commands._console import Console, process_console
from glassbert.errors import GlassBERTError, MethodError, OptionError

__all__ = ["COMMANDS", "main", "run"]

#: In the order in which the help lists them.
COMMANDS: tuple[Command, ...] = (
    *serving.COMMANDS,
    *predicting.COMMANDS,
    *looking.COMMANDS,
    *explaining.COMMANDS,
    *reporting.COMMANDS,
    *testing.COMMANDS,
    *training.COMMANDS,
    *analysing.COMMANDS,
    *compressing.COMMANDS,
    *checkpoints.COMMANDS,
)

#: What no text and no model could be given with.
_WRONG_USAGE = (OptionError, MethodError)

_ABOUT = """\
See inside a BERT: what it predicts, where it attends, which words drive the prediction, and how far to trust that.
No network is needed: five small models ship with GlassBERT (glassbert models)."""
_MORE = """\
Texts come as an argument, from --file, or from standard input: one text a line, one result a line, each written as soon
as it is computed. With --json each result is one line of JSON, from which the library restores the same result.

  glassbert classify "It was not bad at all."
  glassbert fill-mask "Paris is the capital of [MASK]."
  glassbert classify --file reviews.txt --json > results.jsonl
  glassbert COMMAND --help

Exit status: 0, all done; 1, a model or one of the texts could not be processed; 2, wrong usage; 130, interrupted."""


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    whole = argparse.ArgumentParser(
        prog="glassbert", description=_ABOUT, epilog=_MORE, formatter_class=help_format, allow_abbrev=False
    )
    whole.add_argument("--version", action="version", version=f"glassbert {glassbert.__version__}")
    added = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for command in COMMANDS:
        command.add_to(added)
    return whole


def run(arguments: Sequence[str] | None, console: Console) -> int:
    """Run one command with this console; returns the exit status. Raises SystemExit for ``--help`` and wrong usage."""
    chosen = parser().parse_args(arguments)
    if chosen.has_results:
        console.open(as_json=getattr(chosen, "json", False))
    try:
        status: int = chosen.run(chosen, console)
    except GlassBERTError as error:
        console.complain(str(error))
        return 2 if isinstance(error, _WRONG_USAGE) else 1
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. ``None``: the arguments of this process, whose standard output is kept
    for results. Errors of the user are one sentence on standard error. Raises KeyboardInterrupt."""
    if arguments is not None:
        return run(arguments, Console(sys.stdout, sys.stderr, sys.stdin))
    console = process_console()
    try:
        try:
            return run(None, console)
        finally:
            console.flush()
    except KeyboardInterrupt:
        console.end_progress()
        raise
    except BrokenPipeError:
        console.abandon()
        return 128 + 13  # as if SIGPIPE had ended it, which is what other programs do
    except OSError as error:
        if error.filename is not None:
            raise
        console.abandon()
        console.complain(f"the results cannot be written: {os.strerror(error.errno or 0)}")
        return 1
