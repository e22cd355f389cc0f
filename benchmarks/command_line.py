"""How long does the command line take to answer: help, the models, a first text, a further line?

Every round starts each command as a new process on a warm disk. "Every public name" is what ``import glassbert`` cost
before its names were imported at their first use, and what help would have to wait for.

    python benchmarks/command_line.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from _timing import Spread, add_smoke, interleaved, machine, table

COMMAND = (sys.executable, "-m", "glassbert")
LIGHT: dict[str, tuple[str, ...]] = {
    "python -c pass": (sys.executable, "-c", "pass"),
    "glassbert --help": (*COMMAND, "--help"),
    "glassbert --version": (*COMMAND, "--version"),
    "import glassbert": (sys.executable, "-c", "import glassbert"),
}
HEAVY: dict[str, tuple[str, ...]] = {
    "glassbert models": (*COMMAND, "models"),
    "every public name": (sys.executable, "-c", "import glassbert.public"),
    "glassbert classify TEXT": (*COMMAND, "classify", "It was not bad at all."),
}
LINES = 300


def run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def milliseconds_a_line() -> float:
    """Of a stream that is already answering."""
    process = subprocess.Popen([*COMMAND, "classify"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write(b"It was not bad at all.\n" * (LINES + 1))
        process.stdin.close()
        process.stdout.readline()
        start = time.perf_counter()
        answered = sum(1 for _ in process.stdout)
        taken = time.perf_counter() - start
    assert answered == LINES
    return 1000 * taken / LINES


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    add_smoke(parser)
    options = parser.parse_args(argv)
    print(f"command line, {machine()}")
    commands = LIGHT if options.smoke else LIGHT | HEAVY
    contenders: dict[str, Callable[[], object]] = {name: partial(run, command) for name, command in commands.items()}
    taken = interleaved(contenders, 1 if options.smoke else options.rounds)
    if not options.smoke:
        print(f"a further line of classify: {Spread.of([milliseconds_a_line() for _ in range(3)]).text(1)} ms")
    print(table(("process", "median s (range)"), [(name, Spread.of(times).text()) for name, times in taken.items()]))


if __name__ == "__main__":
    main()
