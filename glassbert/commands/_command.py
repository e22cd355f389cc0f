"""What a command declares about itself, and what commands share: their help, models and options."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassbert.errors import OptionError

if TYPE_CHECKING:
    from glassbert.commands._console import Console
    from glassbert.network.model import Model
    from glassbert.text.windows import Windows

__all__ = [
    "Command",
    "add_json",
    "add_model",
    "add_proposer",
    "add_windows",
    "help_format",
    "number",
    "open_model",
    "open_proposer",
    "settings",
    "windows_of",
]


@dataclass(frozen=True, slots=True)
class Command:
    """One command. ``defined`` are sections of the app's page Definitions that define its numbers.
    ``has_results``: standard output is kept for what it finds.
    """

    name: str
    summary: str
    about: str
    examples: tuple[str, ...]
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Console], int]
    units: str = ""
    defined: tuple[str, ...] = ()
    has_results: bool = True

    def add_to(self, added: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add this command to the parser of all."""
        own = added.add_parser(
            self.name,
            help=self.summary,
            description=self.about,
            epilog=self._more(),
            formatter_class=help_format,
            allow_abbrev=False,
        )
        self.configure(own)
        own.set_defaults(run=self.run, has_results=self.has_results)

    def _more(self) -> str:
        shown = "\n".join(f"  {line}" for line in self.examples)
        parts = [f"examples:\n{shown}"]
        if self.units:
            parts.append(f"units:\n  {self.units}")
        if self.defined:
            parts.append(
                f"definitions:\n  the app's page Definitions (glassbert app), under: {'; '.join(self.defined)}"
            )
        return "\n\n".join(parts)


def help_format(prog: str) -> argparse.HelpFormatter:
    """Descriptions and examples as they are written, at most 100 columns wide."""
    width = min(shutil.get_terminal_size().columns, 100)
    return _Help(prog, max_help_position=28, width=width)


class _Help(argparse.RawDescriptionHelpFormatter):
    def _split_lines(self, text: str, width: int) -> list[str]:
        """Without breaks inside of names such as bert-base-uncased."""
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def add_model(parser: argparse.ArgumentParser, default: str | None) -> None:
    """The options that choose a model and where it runs; without a default, the model has to be given."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        default=default,
        required=default is None,
        metavar="MODEL",
        help="an embedded model (glassbert models), a hub id such as google-bert/bert-base-uncased, or a folder"
        + (" (default: %(default)s)" if default else ""),
    )
    group.add_argument(
        "--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps (default: %(default)s)"
    )


def add_windows(parser: argparse.ArgumentParser) -> None:
    """The options for texts longer than the model reads at once."""
    group = parser.add_argument_group("texts longer than the model reads at once")
    group.add_argument(
        "--windows",
        choices=("mean", "strongest"),
        help="read them in overlapping windows; the answer is the mean over the windows, each weighted by its new "
        "tokens, or that of the window that the model is most certain about (default: such a text is an error)",
    )
    group.add_argument(
        "--window-length", type=number(1), metavar="N", help="tokens a window (default: as many as the model reads)"
    )
    group.add_argument(
        "--window-stride", type=number(1), metavar="N", help="tokens from one window to the next (default: half of one)"
    )


def windows_of(arguments: argparse.Namespace) -> Windows | None:
    """The windows that the options describe; None also for a command without them. Raises OptionError for a length or
    stride without --windows."""
    from glassbert.text.windows import Windows

    if "windows" not in arguments:
        return None
    if arguments.windows is None:
        if arguments.window_length is not None or arguments.window_stride is not None:
            raise OptionError("--window-length and --window-stride need --windows mean or --windows strongest")
        return None
    return Windows(arguments.window_length, arguments.window_stride, arguments.windows)


def add_json(parser: argparse.ArgumentParser, kinds: str) -> None:
    """The option for machine-readable output; ``kinds`` names the type of each result."""
    parser.add_argument(
        "--json",
        action="store_true",
        help=f"one JSON object a line: {kinds}. A text that cannot be processed gives an object with the keys error, "
        "error_type and line",
    )


def open_model(arguments: argparse.Namespace, console: Console, source: str | None = None) -> Model:
    """The chosen model, or another one on the same device. Raises a ModelError, DeviceError."""
    from glassbert.network.model import load

    wanted = arguments.model if source is None else source
    return load(wanted, arguments.device, progress=console.download(wanted))


def open_proposer(arguments: argparse.Namespace, console: Console, model: Model) -> Model | None:
    """The masked-word model that suggests words; None if the model does so itself, or where it is not to be used."""
    wanted = arguments.proposer
    if wanted is None:
        wanted = "" if "masked_words" in model.task_heads else "pretrained"
    return open_model(arguments, console, wanted) if wanted else None


def add_proposer(parser: argparse.ArgumentParser) -> None:
    """The option that chooses who suggests other words."""
    parser.add_argument(
        "--proposer",
        metavar="MODEL",
        help="the masked-word model that suggests other words (default: the model itself if it can, else pretrained)",
    )


def number(least: int) -> Callable[[str], int]:
    """A type for argparse: an integer of at least this."""

    def integer(written: str) -> int:
        try:
            value = int(written)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{written!r} is not an integer of at least {least}")
        return value

    return integer


def settings(written: list[str]) -> dict[str, Any]:
    """``["n_steps=50", "baseline=mask"] → {"n_steps": 50, "baseline": "mask"}``. Raises OptionError."""
    found: dict[str, Any] = {}
    for one in written:
        name, equals, value = one.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise OptionError(f"{one!r} is not NAME=VALUE, such as n_steps=50")
        if name in found:
            raise OptionError(f"the option {name} is given twice")
        found[name] = _value(value.strip())
    return found


def _value(written: str) -> Any:
    if written in ("None", "none"):
        return None
    for kind in (int, float):
        try:
            return kind(written)
        except ValueError:
            continue
    return written
