"""How long does an embedded model take to load? Without the imports, which a process pays once.

The first load of a process also imports the modelling code of its family: it is shown by itself, in a process of its
own, with the time of the import before it.

    python benchmarks/model_loading.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from _timing import Spread, add_smoke, interleaved, machine, ratios, table

import glassbert as gb

PRECISIONS = ("float32", "bfloat16", "float16")
FIRST = """
import time
start = time.perf_counter()
import glassbert.public
imported = time.perf_counter()
glassbert.load({source!r})
print(imported - start, time.perf_counter() - imported)
"""


def first_of_a_process(source: str) -> tuple[float, float]:
    """Seconds of the import, and of the first load after it."""
    run = subprocess.run(
        [sys.executable, "-c", FIRST.format(source=source)], capture_output=True, text=True, check=True
    )
    imported, loaded = map(float, run.stdout.split())
    return imported, loaded


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    add_smoke(parser)
    options = parser.parse_args(argv)
    rounds, times, precisions = options.rounds, 3, PRECISIONS
    print(f"loading, {machine()}")
    sources = [checkpoint.id for checkpoint in gb.embedded()]
    if options.smoke:
        rounds, times, precisions, sources = 1, 1, PRECISIONS[:1], sources[:1]
    contenders = {
        f"{source}, {precision}": partial(gb.load, source, "cpu", precision=precision)
        for source in sources
        for precision in precisions
    }
    taken = interleaved(contenders, rounds)
    compared = ratios(taken, f"{sources[0]}, float32")
    rows = [(name, Spread.of(times).text(), compared[name].text()) for name, times in taken.items()]
    print(table(("load, everything imported", "median s (range)", f"× {sources[0]}, float32"), rows))
    print()
    cold = [(source, *first_of_a_process(source)) for source in sources for _ in range(times)]
    rows = [
        (
            source,
            Spread.of([imported for name, imported, _ in cold if name == source]).text(),
            Spread.of([loaded for name, _, loaded in cold if name == source]).text(),
        )
        for source in sources
    ]
    print(table(("first of a process", "import s", "first load s, modelling code included"), rows))


if __name__ == "__main__":
    main()
