"""Reports: one HTML file about one answer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbert.commands._command import Command, add_json, add_model, add_proposer, number, open_model
from glassbert.commands._console import Console
from glassbert.commands._tables import plain
from glassbert.commands._targets import add_target, target_of
from glassbert.commands._texts import Answers, add_texts, answer_each
from glassbert.errors import OptionError, SavedResultError

if TYPE_CHECKING:
    from glassbert.results import Result

__all__ = ["COMMANDS"]


def _options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    parser.add_argument(
        "--out",
        metavar="PATH",
        help="where to write it: a file whose name ends in .html (in .json or .zip: the result itself); for several "
        "texts a folder, which gets a file for each line, such as line-3.html",
    )
    parser.add_argument("--title", metavar="TEXT", help="the heading of the document")
    parser.add_argument(
        "--method", action="append", metavar="ID", help="an attribution method, may be repeated (default: five)"
    )
    parser.add_argument(
        "--maps", type=number(0), default=4, metavar="N", help="attention heads shown (default: %(default)s)"
    )
    add_target(parser)
    add_proposer(parser)
    parser.add_argument("--budget", type=number(1), metavar="N", help="forward passes for the search of a flip")
    parser.add_argument(
        "--seed", type=number(0), default=0, metavar="N", help="seed of the random orderings (default: 0)"
    )
    add_json(parser, "a Report")
    add_model(parser, "sentiment")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.out is None and not arguments.json:
        raise OptionError("say where to write the report: --out report.html")
    place = None if arguments.out is None else Path(arguments.out)
    several = not arguments.texts or arguments.texts == ["-"]
    if place is not None:
        _check(place, several)

    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.reports import report

        model = open_model(arguments, console)
        # without a wish, the report chooses who proposes, as the library does
        proposer = open_model(arguments, console, arguments.proposer) if arguments.proposer else None

        def compute(text: str, pair: str | None) -> Any:
            return report(
                model,
                text,
                pair,
                target=target_of(model, text, pair, arguments),
                methods=arguments.method,
                maps=arguments.maps,
                proposer=proposer,
                budget=arguments.budget,
                seed=arguments.seed,
                title=arguments.title,
                progress=console.progress("Report"),
            )

        written: list[str] = []

        def keep(made: Result, line: int) -> None:
            assert place is not None
            if line:
                place.mkdir(exist_ok=True)
            written[:] = [str(made.save(place / f"line-{line}.html" if line else place))]

        def show(made: Any) -> list[str]:
            return [f"{written[0]}  {plain(made.verdict.answer.sentence)}"]

        return Answers(compute, show, one_line=True, keep=None if place is None else keep)

    return answer_each(arguments, console, prepare)


def _check(place: Path, several: bool) -> None:
    """Raise SavedResultError before the work begins if its result could not be written there."""
    if not place.absolute().parent.is_dir():
        raise SavedResultError(f"{place} cannot be written: there is no folder {place.absolute().parent}")
    if several and place.exists() and not place.is_dir():
        raise SavedResultError(f"{place} is a file, but several texts need a folder: --out reports")
    if not several and place.is_dir():
        raise SavedResultError(f"{place} is a folder: name the file in it, as in --out {place / 'report.html'}")


COMMANDS = (
    Command(
        "report",
        "one HTML file that explains one answer to others",
        "Write a report about one answer: a summary in plain sentences, the evidence with its receipts, the limits,\n"
        "what it was computed with, and the Python that computes it again. It opens without a server or a network.",
        (
            'glassbert report "The plot is thin but the acting is superb." --out report.html',
            "glassbert report --file reviews.txt --out reports",
            'glassbert report "It was not bad." --method occlusion --method attn_lrp --out report.html',
        ),
        _options,
        _run,
        units="stated beside each number of the report",
        defined=("Verdict", "Saliency", "Receipts"),
    ),
)
