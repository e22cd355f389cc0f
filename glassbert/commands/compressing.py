"""Smaller and faster models, and what they cost."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbert.commands._command import Command, add_model, number, open_model
from glassbert.commands._console import Console
from glassbert.commands._data import read_told
from glassbert.commands._interrupted import interrupted
from glassbert.commands._tables import plain, table
from glassbert.errors import OptionError, StoppedError

if TYPE_CHECKING:
    from glassbert.compression import Compression, CompressionComparison, CompressionCurve
    from glassbert.tables import Table

__all__ = ["COMMANDS"]

_MOVED = 3


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe",
        nargs="+",
        metavar="RECIPE",
        help="bfloat16, float16, int8, heads=0.2 (a share) or heads=0:3,2:1 (layer:head), layers=4,5 (dropped), "
        "intermediate=0.25 (a share of the feed-forward neurons), vocabulary (of --data) or vocabulary=FILE (one text "
        "a line); a plus makes a chain: heads=0.2+int8. Several recipes are compared with each other, on --compare",
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="where the model is written, or with several recipes the models; a new folder"
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data", metavar="PATH", help="a table of texts, or a set on board: what shares and vocabularies are chosen by"
    )
    data.add_argument(
        "--compare", metavar="PATH", help="a table of labelled texts: compare the new model with the original one on it"
    )
    for name, what in (("text", "text"), ("pair", "second text"), ("label", "label")):
        data.add_argument(f"--{name}", metavar="COLUMN", help=f"the column of the {what} (default: found by its name)")
    data.add_argument(
        "--texts", type=number(1), default=40, metavar="N", help="texts of --compare that are explained (default: 40)"
    )
    data.add_argument(
        "--method", metavar="METHOD", help="an id of glassbert attribute --methods (default: by the model)"
    )
    data.add_argument(
        "--other-training", metavar="MODEL", help="the same training with another seed, as the yardstick of the drift"
    )
    parser.add_argument("--seed", type=number(0), default=0, metavar="N", help="seed of what is drawn (default: 0)")
    parser.add_argument(
        "--full-size",
        action="store_true",
        help="write removed heads as zeros, so that transformers alone reads the folder",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object: a Compression; with --compare a CompressionComparison, of several recipes a "
        "CompressionCurve",
    )
    add_model(parser, "sentiment")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    several = len(arguments.recipe) > 1
    if several and arguments.compare is None:
        raise OptionError("several recipes are compared: say on which labelled texts, --compare PATH")
    if not several and arguments.out is None and arguments.compare is None:
        raise OptionError("say where to write the model, --out FOLDER, or on what to compare it, --compare PATH")
    if several and arguments.full_size:
        raise OptionError("--full-size is for one recipe: give the folder of each its own command")
    columns = {name: value for name in ("text", "pair", "label") if (value := getattr(arguments, name))}
    data = None if arguments.data is None else read_told(arguments.data, "train", columns, console)
    test = None if arguments.compare is None else read_told(arguments.compare, "test", columns, console)
    recipes = [_recipe(one, data) for one in arguments.recipe]
    from glassbert.compression import compare_compressed, compress, compression_curve, compression_record

    model = open_model(arguments, console)
    other = None if arguments.other_training is None else open_model(arguments, console, arguments.other_training)
    settings = {"texts": arguments.texts, "method": arguments.method, "other_training": other, "seed": arguments.seed}
    with interrupted() as cancelled:
        try:
            if several:
                assert test is not None
                curve = compression_curve(
                    model,
                    recipes,
                    test,
                    arguments.out,
                    importance=data,
                    progress=_report(console),
                    cancelled=cancelled,
                    **settings,
                )
                _record_or_lines(curve, _curve(curve), arguments, console)
                for recipe, reason in curve.failed.items():
                    console.complain(f"{plain(recipe)}: {plain(reason, 400)}")
                return 1 if curve.failed else 0 if curve.complete else 130
            small = compress(
                model,
                recipes[0],
                arguments.out,
                data if data is not None else test,
                full_size=arguments.full_size,
                progress=_report(console),
                cancelled=cancelled,
            )
            record = compression_record(small)
            if test is None:
                _record_or_lines(record, _done(record, arguments.out), arguments, console)
            else:
                found = compare_compressed(
                    model, small, test, progress=_report(console), cancelled=cancelled, **settings
                )
                _record_or_lines(found, [*_done(record, arguments.out), *_compared(found)], arguments, console)
        except StoppedError as stopped:
            console.note(str(stopped).capitalize() + ".")
            return 130
    return 0


def _record_or_lines(result: Any, lines: list[str], arguments: argparse.Namespace, console: Console) -> None:
    if arguments.json:
        console.record(result.to_dict())
    else:
        console.lines(lines)


def _report(console: Console) -> Any:
    def tell(what: str, done: int, total: int) -> None:
        console.progress(plain(what, 60))(done, total)

    return tell


def _recipe(written: str, data: Table | None) -> Any:
    """A recipe as the library takes it. Raises OptionError."""
    return [_step(one.strip(), data) for one in written.split("+")]


def _step(written: str, data: Table | None) -> Any:
    name, equals, value = written.partition("=")
    if name == "vocabulary":
        return {name: _texts(value, data)}
    if not equals:
        return name
    numbers = [one.strip() for one in value.split(",")]
    try:
        if name == "heads" and ":" in value:
            return {name: [tuple(int(part) for part in one.split(":")) for one in numbers]}
        if name == "layers":
            return {name: [int(one) for one in numbers]}
        return {name: float(value)}
    except ValueError as error:
        raise OptionError(
            f"{written!r} is no recipe: write heads=0.2, heads=0:3,2:1 (layer:head), layers=4,5 or intermediate=0.25"
        ) from error


def _texts(place: str, data: Table | None) -> Any:
    if not place:
        if data is None:
            raise OptionError("say whose pieces are kept: --data PATH, or vocabulary=FILE with one text a line")
        return data
    try:
        lines = Path(place).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise OptionError(f"{place} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise OptionError(f"{place} is not UTF-8; convert it first") from error
    return [line for line in lines if line.strip()]


def _done(record: Compression, out: str | None) -> list[str]:
    lines = [sentence[0].upper() + sentence[1:] + "." for sentence in map(_line, record.done)]
    lines.append(
        f"{record.parameters_before / 1e6:.2f} → {record.parameters_after / 1e6:.2f} million parameters, "
        f"{record.bytes_before / 1e6:.1f} → {record.bytes_after / 1e6:.1f} MB ({record.smaller:.2f} × smaller; "
        f"{record.smaller_than_float32:.2f} × smaller than in float32)"
    )
    if out is not None:
        reads = "transformers alone reads it too" if record.stock else "only GlassBERT reads it"
        lines.append(f"{plain(out)} is ready: gb.load({out!r}) opens it, and {reads}.")
    return lines


def _line(sentence: str) -> str:
    return plain(sentence, 400)


def _compared(found: CompressionComparison) -> list[str]:
    both = [*zip(("original", "compressed"), range(2), strict=True)]
    rows = [
        (
            "MB on disk",
            *(f"{found.disk_bytes[place] / 1e6:.1f}" for _, place in both),
            f"{found.smaller:.2f} × smaller",
        ),
        (
            "MB in memory",
            *(f"{found.memory_bytes[place] / 1e6:.1f}" for _, place in both),
            f"{found.memory_bytes[0] / found.memory_bytes[1]:.2f} × smaller",
        ),
        *(
            (
                f"ms for {size} text{'s' * (size > 1)}",
                *(f"{1000 * seconds[place]:.1f}" for _, place in both),
                f"{ratio:.2f} × as fast",
            )
            for size, seconds, ratio in zip(found.batch_sizes, found.seconds, found.speedup, strict=True)
        ),
        (
            "accuracy",
            *(f"{found.accuracy[place]:.1%}" for _, place in both),
            f"{found.difference:+.1%} ({found.difference_low:+.1%} to {found.difference_high:+.1%})",
        ),
    ]
    drift, measure = found.drift, found.yardstick
    between = "two trainings"
    if measure.methods[0] != measure.methods[1]:
        between = " and ".join(measure.methods)
    flips = f"{drift.flip_low:.1%} to {drift.flip_high:.1%}"
    interval = f"{drift.correlation_low:.2f} to {drift.correlation_high:.2f}"
    lines = [
        "",
        *table(("", *(name for name, _ in both), ""), rows, right=(1, 2)),
        "",
        f"Decisions flipped: {len(drift.flipped):,} of {drift.decided:,} ({flips})",
        f"Rank correlation of {drift.methods[0]} by word: {drift.correlation:.2f} ({interval}), on "
        f"{len(drift.texts):,} texts; between {between} it is {measure.correlation:.2f}",
        f"Comprehensiveness: {drift.comprehensiveness_change:+.3f}",
    ]
    if drift.heads.size:
        lines.append(f"Heads whose pattern changed: {len(drift.changed_heads)} of {drift.heads.size}")
    lines += ["", "Texts whose reasons moved most:"]
    return lines + [f"  {drift.correlations[place]:+.2f}  {plain(drift.texts[place])}" for place in drift.moved(_MOVED)]


def _curve(curve: CompressionCurve) -> list[str]:
    rows = [
        (
            plain(one.recipe, 40),
            f"{one.disk_bytes[1] / 1e6:.1f}",
            *(f"{ratio:.2f}" for ratio in one.speedup),
            f"{one.accuracy[1]:.1%}",
            f"{one.drift.flip_rate:.1%}",
            f"{one.drift.correlation:.2f}",
            f"{one.yardstick.correlation:.2f}",
        )
        for one in curve.comparisons
    ]
    head = ("recipe", "MB", "× at 1", "× at 32", "accuracy", "flipped", "correlation", "yardstick")
    return table(head, rows, right=range(1, 8))


COMMANDS: tuple[Command, ...] = (
    Command(
        name="compress",
        summary="make a smaller or faster model, and compare its decisions and reasons",
        about="Make a smaller or faster model by a recipe: half precision, int8, fewer heads, layers, feed-forward\n"
        "neurons or pieces of the vocabulary. On labelled texts (--compare) it is set beside the original one: size,\n"
        "memory, speed, accuracy, and whether it still decides for the same reasons. Several recipes make a table.",
        examples=(
            "glassbert compress int8 --out small",
            "glassbert compress heads=0.2+int8 --data train.csv --compare test.csv --out small",
            "glassbert compress bfloat16 int8 layers=4,5 --compare test.csv --json > curve.json",
            "glassbert compress vocabulary --data texts.csv --model FacebookAI/xlm-roberta-base --out trimmed",
        ),
        configure=_options,
        run=_run,
        units="MB are million bytes; speed is a ratio, both models measured in turn; accuracy and flips are shares of\n"
        "  the texts with 95 % intervals; correlations are Spearman's, from −1 to 1.",
        defined=("Compression",),
    ),
)
