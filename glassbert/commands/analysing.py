"""Whole data sets: predict, explain and check every text of a table."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbert import saving
from glassbert.commands._command import Command, add_model, number, open_model
from glassbert.commands._console import Console
from glassbert.commands._interrupted import interrupted
from glassbert.commands._tables import plain, table
from glassbert.errors import OptionError, StoppedError
from glassbert.pictures.formats import percent
from glassbert.pictures.markup import clipped

if TYPE_CHECKING:
    from glassbert.analysis.opening import Analysis

__all__ = ["COMMANDS"]

_SECONDS_BETWEEN_WRITES = 0.3
_LOOKED_AT, _REASONS = 10_000, 5


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="CSV, TSV, JSON lines, Parquet, or a set on board")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the results are written")
    for name, what in (("text", "text"), ("pair", "second text"), ("label", "label")):
        parser.add_argument(
            f"--{name}", metavar="COLUMN", help=f"the column of the {what} (default: found by its name)"
        )
    parser.add_argument(
        "--label-names",
        metavar="NAMES",
        help="how the table spells the model's labels, in its order, with commas between",
    )
    parser.add_argument("--split", choices=("train", "dev", "test"), help="of a set on board (default: test)")
    parser.add_argument(
        "--methods",
        nargs="*",
        metavar="METHOD",
        help="explain the answers by these; none: predict only (default: attn_lrp, or input_x_gradient where a model "
        "has modules that it knows no rule for)",
    )
    parser.add_argument(
        "--receipts",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="check the explanations of this share of the texts, 0 to 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--orderings",
        type=number(10),
        metavar="N",
        help="check against so many random orders of the words (default: 100, fewer for long texts)",
    )
    parser.add_argument("--seed", type=number(0), default=0, metavar="N", help="of what is drawn (default: 0)")
    parser.add_argument(
        "--ray",
        nargs="?",
        const="auto",
        metavar="ADDRESS",
        help="spread the work over a Ray cluster: its address; auto: the one this machine is in; local: started here",
    )
    parser.add_argument(
        "--actors", type=number(1), metavar="N", help="how many models work on Ray (default: one a core or GPU)"
    )
    parser.add_argument(
        "--threads", type=number(1), metavar="N", help="processor threads (default: all cores, at most 8)"
    )
    parser.add_argument("--progress", metavar="FILE", help="write how far it is to this file, as JSON")
    parser.add_argument("--again", action="store_true", help="start again, whatever the folder holds of this analysis")
    parser.add_argument("--json", action="store_true", help="one JSON object: the manifest and the metrics")
    add_model(parser, "sentiment")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    from glassbert.analysis.job import analyse
    from glassbert.tables.on_board import SETS

    source: Any = Path(arguments.data)
    on_board = arguments.data in SETS and not source.exists()
    if arguments.split and not on_board:
        raise OptionError("--split is for the sets on board, not for a file")
    if arguments.threads:
        from glassbert.network.device import limit_threads

        limit_threads(arguments.threads)
    model = open_model(arguments, console)
    report = _report(console, arguments.progress)
    with interrupted() as cancelled:
        try:
            analysis = analyse(
                model,
                arguments.data if on_board else source,
                arguments.out,
                methods=None if arguments.methods is None else tuple(arguments.methods),
                receipts=arguments.receipts,
                orderings=arguments.orderings,
                seed=arguments.seed,
                text=arguments.text,
                pair=arguments.pair,
                label=arguments.label,
                label_names=arguments.label_names.split(",") if arguments.label_names else None,
                split=(arguments.split or "test") if on_board else None,
                engine="ray" if arguments.ray else "local",
                ray_address=None if arguments.ray == "local" else arguments.ray,
                actors=arguments.actors,
                resume=not arguments.again,
                progress=report,
                cancelled=cancelled,
            )
        except OptionError as error:
            raise OptionError(str(error).replace("resume=False", "--again")) from None
        except StoppedError as stopped:
            console.note(str(stopped).capitalize() + ".")
            return 130
    if arguments.json:
        console.record({"folder": str(arguments.out), **analysis.manifest.to_dict(), "metrics": _metrics(analysis)})
    else:
        console.lines(_told(arguments.out, analysis))
    return 0


def _report(console: Console, file: str | None) -> Callable[[int, int | None], None]:
    """Tells on a terminal how far it is, and in a file, for another program, which reads it whole."""
    shown = console.progress("analysing")
    written = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal written
        shown(done, total)
        if file is not None and time.monotonic() - written > _SECONDS_BETWEEN_WRITES:
            written = time.monotonic()
            saving.write_bytes(file, json.dumps({"done": done, "total": total}).encode())

    return tell


def _metrics(analysis: Analysis) -> dict[str, Any]:
    return analysis.metrics().to_dict() if analysis.manifest.labelled else {}


def _told(out: str, analysis: Analysis) -> list[str]:
    """The result for people."""
    from glassbert.tables.columns import LABELS

    manifest = analysis.manifest
    lines = [
        f"{plain(out)}: {manifest.rows:,} rows of {plain(manifest.table['source'])}, "
        f"{manifest.errors:,} with an error, {manifest.seconds:,.0f} s, {manifest.texts_per_second:,.0f} texts a second"
    ]
    lines += _errors(analysis)
    guessed = [name for name in manifest.meta if name.strip().casefold() in LABELS]
    if not manifest.labelled and manifest.table["label"] is None and guessed:
        lines.append(
            f"column {plain(guessed[0])!r} holds none of the model's labels "
            f"({plain(', '.join(manifest.labels[:10]))}), so nothing is measured: --label-names says how "
            "the table spells them, in this order"
        )
    if manifest.labelled:
        measured = analysis.metrics()
        rows = [
            (row.metric.replace("_", " "), f"{row.value:.4f}", f"{row.low:.4f} to {row.high:.4f}")
            for row in measured.frame().itertuples()
        ]
        lines += ["", *table((f"{manifest.labelled:,} rows", "value", "95 % interval"), rows, right=(1,))]
    if manifest.checked:
        found = analysis.receipts()
        held = [
            (plain(method), plain(check), percent(holds / max(1, checked)), f"{checked:,}")
            for method, check, holds, checked in zip(
                found.methods, found.checks, found.holds.tolist(), found.checked.tolist(), strict=True
            )
        ]
        lines += ["", *table(("receipts", "check", "holds", "texts"), held, right=(2, 3))]
    return [*lines, "", f"gb.open_analysis({str(out)!r}), or the page Data set of the app, opens it."]


def _errors(analysis: Analysis) -> list[str]:
    """The most frequent reasons for which rows could not be used."""
    if not analysis.manifest.errors:
        return []
    reasons = Counter(str(one) for one in analysis.rows("error", limit=_LOOKED_AT).table["error"])
    return [f"  {count:,} × {plain(clipped(reason, 120))}" for reason, count in reasons.most_common(_REASONS)]


COMMANDS = (
    Command(
        name="analyse",
        summary="predict, explain and check every text of a table",
        about="Classify every text of a table, explain each answer, check a share of the explanations, and write it\n"
        "all to a folder of Parquet files. A row that fails is kept with its error. When it is interrupted, the\n"
        "same command goes on where it was, and ends with the same files.",
        examples=(
            "glassbert analyse reviews.csv --label stars --out reviews-analysis",
            "glassbert analyse contracts --model my-model --out contracts-analysis --methods attn_lrp saliency",
            "glassbert analyse huge.parquet --out huge-analysis --receipts 0.001 --ray local",
        ),
        configure=_options,
        run=_run,
        units="shares of 1 with 95 % bootstrap intervals; contributions in logits",
        defined=("Data sets",),
    ),
)
