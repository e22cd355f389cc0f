"""Tests of behaviour."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbert.commands._command import Command, add_json, add_model, number, open_model
from glassbert.commands._console import Console
from glassbert.commands._tables import plain, table
from glassbert.errors import OptionError

if TYPE_CHECKING:
    from glassbert.suites import Behaviour

__all__ = ["COMMANDS"]

_SIGNIFICANT = 0.05


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", nargs="?", metavar="SUITE", help="a suite on board (--list), or a YAML or CSV file")
    parser.add_argument("--list", action="store_true", help="list the suites on board, and end")
    parser.add_argument(
        "--texts", metavar="PATH", help="make the variants from the texts of this table, in place of the suite's own"
    )
    parser.add_argument("--text", metavar="COLUMN", help="the column of its text (default: found by its name)")
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="NAME=LABEL",
        help="what the model calls a label of the suite, such as positive=LABEL_1; may be repeated",
    )
    parser.add_argument(
        "--failures", type=number(0), default=5, metavar="N", help="failures shown of each test (default: %(default)s)"
    )
    parser.add_argument(
        "--at-most",
        type=_share,
        metavar="RATE",
        help="exit with status 1 if a test fails more often than this: if the lower end of the 95%% interval of its "
        "failure rate is above it",
    )
    parser.add_argument("--most", type=number(1), metavar="N", help="examples a test (default: as the suite says)")
    parser.add_argument("--seed", type=number(0), default=0, metavar="N", help="seed of what is drawn (default: 0)")
    add_json(parser, "a Behaviour")
    add_model(parser, "sentiment")


def _share(written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{written!r} is not a rate from 0 to 1")
    return value


def _run(arguments: argparse.Namespace, console: Console) -> int:
    from glassbert.suites.on_board import SUITES

    if arguments.list:
        if arguments.json:
            for name, question in SUITES.items():
                console.record({"suite": name, "about": question})
        else:
            console.lines(table(("suite", "what it asks"), list(SUITES.items()), paint=console.look))
        return 0
    if arguments.suite is None:
        raise OptionError("name a suite: one on board (glassbert behaviour --list), or a file")
    labels = dict(_label(one) for one in arguments.label)
    if arguments.text is not None and arguments.texts is None:
        raise OptionError("--text names a column of --texts: give both")
    from glassbert.suites import behaviour, read_suite
    from glassbert.tables import read_table

    suite = read_suite(arguments.suite)
    texts = None if arguments.texts is None else read_table(Path(arguments.texts), arguments.text)
    result = behaviour(
        open_model(arguments, console),
        suite,
        texts,
        labels=labels,
        most=arguments.most,
        seed=arguments.seed,
        progress=console.progress("Testing"),
    )
    if arguments.json:
        console.record(result.to_dict())
    else:
        _show(result, arguments.failures, console)
    limit = arguments.at_most
    over = [] if limit is None else [test for test in result.tests if test.examples and test.low > limit]
    for test in over:
        console.note(f"{plain(test.name)}: fails more often than {limit:g} ({test.low:.1%} or more)")
    return 1 if over else 0


def _label(written: str) -> tuple[str, str]:
    name, equals, label = written.partition("=")
    if not equals or not name.strip() or not label.strip():
        raise OptionError(f"{written!r} is not NAME=LABEL, such as positive=LABEL_1")
    return name.strip(), label.strip()


def _show(result: Behaviour, failures: int, console: Console) -> None:
    rows = []
    for test in result.tests:
        rows.append(_row(plain(test.name, 60), test))
        rows += [_row(f"  {plain(group.group, 58)}", group) for group in test.groups]
    head = ("test", "examples", "failures", "rate", "95% interval")
    console.block(table(head, rows, right=(1, 2, 3, 4), paint=console.look))
    notes = [
        f"{plain(test.name)}: {plain(one.group)} {one.difference:+.1%} against {plain(one.other)} "
        f"({one.low:+.1%} to {one.high:+.1%}, p {one.p_adjusted:.2g})"
        + (f", in the probability of {plain(test.followed, 40)}" if one.measure == "probability" else "")
        for test in result.tests
        for one in test.differences
        if one.p_adjusted < _SIGNIFICANT
    ]
    notes += [
        f"{plain(test.name)}: a model without a preference fails {test.chance:.0%} (p {test.p_value:.2g})"
        for test in result.tests
        if test.chance is not None and test.p_value is not None
    ]
    notes += [f"{plain(test.name)}: {test.not_counted:,} not counted" for test in result.tests if test.not_counted]
    notes += [f"{plain(name)}: left out, its variants are its own" for name in result.left_out]
    if notes:
        console.block(notes)
    for test in result.tests:
        shown = [one for one in result.failures if one.test == test.name][:failures]
        lines = [line for one in shown for line in _failure(one)]
        if lines:
            console.block([console.look(plain(test.name), "bold"), *lines])
    if result.flaws:
        console.block([f"To know: {plain(result.flaws, 2000)}"])


def _row(name: str, rated: Any) -> tuple[str, ...]:
    if not rated.examples:
        return name, "0", "", "", ""
    return (
        name,
        f"{rated.examples:,}",
        f"{rated.failures:,}",
        f"{rated.rate:.1%}",
        f"{rated.low:.1%} to {rated.high:.1%}",
    )


def _failure(one: Any) -> list[str]:
    """Both texts, with what the model says to each."""
    if one.score is not None:
        said = [f"{value:.2f} nats" for value in (one.score, one.variant_score)]
    else:
        answers = [one.answer, one.variant_answer]
        shares = [one.probability, one.variant_probability]
        said = [
            f"{plain(answer, 30)}, {plain(one.label, 30)} {share:.3f}"
            for answer, share in zip(answers, shares, strict=True)
            if share is not None
        ]
    texts = [text for text in (one.text, one.variant) if text]
    return [
        f"{'- ' if place == 0 else '  '}{plain(text, 110)}  [{how}]"
        for place, (text, how) in enumerate(zip(texts, said, strict=True))
    ]


COMMANDS: tuple[Command, ...] = (
    Command(
        name="behaviour",
        summary="test what a model does: swapped names, typos, negation, minimal pairs",
        about="Test what a model does: what must not change its answer (names, places, typos, polite words), what\n"
        "must (negation), what it has to know, and which sentence of a pair a masked-word model prefers.\n"
        "Failure rates come with intervals, by group, and with the worst failures.\n"
        "Exit status 1 also says that a test fails more often than --at-most allows.",
        examples=(
            "glassbert behaviour --list",
            "glassbert behaviour sentiment_names --model sentiment",
            "glassbert behaviour agreement --model pretrained --failures 2",
            "glassbert behaviour my_suite.yaml --model my-model --at-most 0.05",
            "glassbert behaviour typos --texts reviews.csv --text review --json > result.json",
        ),
        configure=_options,
        run=_run,
        units="rates are shares of the examples; intervals are Wilson's, at 95 %; scores of pairs are in nats.",
        defined=("Tests of behaviour",),
    ),
)
