"""What all benchmarks share: interleaved measurements, ratios within one round, and what the machine was doing.

On a shared machine two runs of the same script differ by more than most of what is measured. So contenders take turns
(A B C A B C …), a ratio is taken within one round, where both saw about the same machine, and its median and range
over the rounds are reported. Milliseconds are only valid within one run; compare ratios.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Spread", "add_smoke", "interleaved", "machine", "ratios", "seconds", "table"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers, the smallest and the largest."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        return cls(median(numbers), min(numbers), max(numbers))

    def text(self, digits: int = 2, factor: float = 1.0) -> str:
        """``1.05 (0.98–1.20)``."""
        middle, low, high = (f"{number * factor:.{digits}f}" for number in (self.middle, self.low, self.high))
        return f"{middle} ({low}–{high})"


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one call. Garbage is collected before, not during."""
    gc.collect()
    gc.disable()
    try:
        start = clock()
        work()
        return clock() - start
    finally:
        gc.enable()


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of every contender, one number per round; every round runs each of them once, in turn.

    The order is reversed from one round to the next, so that it is not always the same one that follows a heavy one.
    ``clock``: wall-clock time, or ``time.process_time``, which other programs on the machine hardly affect.
    A single round only shows that it runs, so nothing is warmed up for it.
    """
    gc.collect()
    gc.freeze()  # torch's and transformers' own objects, half a million: collecting them before each call takes longer
    if rounds > 1:
        for work in contenders.values():
            work()
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        names = list(contenders)
        for name in names if number % 2 == 0 else reversed(names):
            taken[name].append(seconds(contenders[name], clock))
    return taken


def ratios(taken: Mapping[str, Sequence[float]], unit: str) -> dict[str, Spread]:
    """Each contender's time in units of another's, of the same round."""
    return {
        name: Spread.of([own / one for own, one in zip(times, taken[unit], strict=True)])
        for name, times in taken.items()
    }


def add_smoke(parser: argparse.ArgumentParser) -> None:
    """``--smoke``: the whole script at the smallest sizes. Its figures mean nothing; tests run all scripts this way."""
    parser.add_argument("--smoke", action="store_true", help="smallest sizes, seconds: does the script still run?")


def machine() -> str:
    """Cores and load average: how reliable the milliseconds of this run are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return f"{cores} cores, load average {load}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text; the first is aligned left, the rest right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
