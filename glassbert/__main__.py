"""The command line: ``glassbert convert FOLDER [OUT]``, or ``python -m glassbert``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from glassbert.errors import GlassBERTError
from glassbert.models.convert import convert

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="glassbert", description="See inside a BERT.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    converting = commands.add_parser(
        "convert",
        help="make a checkpoint with safetensors weights of one whose weights are pickle",
        description="Write a checkpoint with safetensors weights into a new folder, config and tokenizer included. "
        "The pickle is read without running code from it.",
    )
    converting.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of the checkpoint")
    converting.add_argument(
        "out", type=Path, nargs="?", metavar="OUT", help="the new folder (default: FOLDER-safetensors)"
    )
    converting.set_defaults(run=_convert)
    return parser


def _convert(arguments: argparse.Namespace) -> str:
    made = convert(arguments.folder, arguments.out)
    heads = made.variant.class_name if made.variant else f"{made.family.class_prefix}Model, without a task head"
    return f"{made.folder} is ready: {heads}. Open it with gb.load({str(made.folder)!r}), or in the app by this path."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors of the user are one sentence on standard error."""
    chosen = _parser().parse_args(arguments)
    try:
        print(chosen.run(chosen))  # noqa: T201
    except GlassBERTError as error:
        print(f"glassbert: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
