"""How long do questions to an analysed data set take, and how much memory?

A made-up result folder of 100,000 texts of 8 to 31 words. First what a page shows after a click on a filter: count,
metrics with intervals, confusion matrix and the first 50 rows, together. Then each question about all rows. Memory is
the process's own, beyond what the imported libraries take.

    python benchmarks/data_sets.py [--rows 100000] [--rounds 5] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import gc
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from _timing import Spread, add_smoke, machine, seconds, table

import glassbert as gb
from tests.glassbert.analysis.folders import write_folder

#: Of each kind: numbers, columns, whole words, parts of texts, receipts.
FILTERS = (
    "",
    "wrong",
    "confidence>0.9 answer:POSITIVE",
    '"country":FR wrong',
    "word:refund",
    'text:"w1 w2"',
    "wrong or not word:w3",
    "receipt:fails (tokens<12 or confidence<0.6)",
)


def resident() -> int:
    """Bytes of memory that this process holds (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def screen(data: gb.Analysis, where: str) -> None:
    """What a page asks after a click."""
    data.count(where)
    data.metrics(where)
    data.confusion(where)
    data.rows(where, order="confidence", descending=True, limit=50)


def questions(data: gb.Analysis) -> dict[str, Callable[[], object]]:
    return {
        "metrics": data.metrics,
        "calibration": data.calibration,
        "slices": data.slices,
        "words": data.words,
        "shortcuts": data.shortcuts,
        "label_errors": data.label_errors,
        "near_duplicates": data.near_duplicates,
        "receipts, by country": lambda: data.receipts(by="country"),
        "map": data.map,
        "compare with itself": lambda: data.compare(data),
    }


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="a result folder to ask instead of a made-up one")
    add_smoke(parser)
    options = parser.parse_args(argv)
    rows, rounds = (400, 1) if options.smoke else (options.rows, options.rounds)
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        if options.folder is None:
            write_folder(folder, rows, flipped=0.02, copies=0.02, shortcut=0.04, length=(8, 32))
        warm_up()
        gc.collect()
        before = resident()
        opened = [seconds(lambda: gb.open_analysis(folder).close()) for _ in range(rounds)]
        with gb.open_analysis(folder) as data:
            print(f"{data.count():,} rows, {machine()}")
            print(f"open: {Spread.of(opened).text()} s, {grown(before)} MiB\n")
            lines = []
            for where in FILTERS:
                taken = []
                for number in range(rounds):
                    # a filter that nobody asked for before: nothing of it is kept
                    taken.append(seconds(partial(screen, data, f"({where or 'not error'}) row>{number}")))
                lines.append((where or "all rows", Spread.of(taken).text(), grown(before)))
            print(table(("filter to screen", "seconds", "MiB more"), lines))
            print()
            lines = []
            for name, ask in questions(data).items():
                taken = [seconds(ask) for _ in range(1 if name == "near_duplicates" else min(rounds, 3))]
                lines.append((name, Spread.of(taken).text(), grown(before)))
            print(table(("question", "seconds", "MiB more"), lines))


def grown(before: int) -> str:
    return f"{(resident() - before) / 2**20:.0f}"


def warm_up() -> None:
    """Import what the questions need: on the first question of a process, that takes longer than the answer."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), 300, flipped=0.1)
        with gb.open_analysis(folder) as data:
            screen(data, "")
            for ask in questions(data).values():
                ask()


if __name__ == "__main__":
    main()
