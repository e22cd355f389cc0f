"""Can strangers share a server? Visitors by websocket, each number that they are shown checked against the library.

**load**: 1, 5, 10 and 20 visitors at a time go from page to page and enter texts of their own, every few seconds.
Reported are the time from a request to the end of the run that answers it, and the server's memory: at its peak, and a
minute after the last window was closed, compared with a server that nobody has visited yet.

**others**: one visitor enters texts while six others come, ask for the most expensive thing that a page offers on a
text of 480 tokens, and leave after a few seconds, again and again. Reported are the visitor's times, compared with the
undisturbed ones before and after, and how long the server computes on when the last of the six has left.

**cold**: servers that have just started, and two visitors who connect at once and click on without waiting.

What goes wrong is counted: errors, requests without an answer, texts of others (every message is searched for them) and
numbers that differ from the library's, which computes them after each part, so as not to disturb the server.

    python benchmarks/load.py [--visitors 1 5 10 20] [--seconds 120] [--cold-starts 10] [--only load others cold]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count, cycle
from statistics import median
from typing import TypeVar

import numpy as np
from _app import Server, run_app
from _shown import Library, Visit, numbers, wrong
from _timing import Spread, add_smoke, machine, table
from _visitor import FailedError, Visitor, marker

from scripts.server import QUIET_SECONDS

PARTS = ("load", "others", "cold")
SLOWER = 2.0
_LOOK_SECONDS = 0.25
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds that something takes."""

    reads: tuple[float, float] = (4, 8)  # a visitor, before the next request
    types: float = 1.5  # the one whom others disturb
    stays: float = 4  # one of the others
    clicks: float = 0.3  # an impatient visitor, before the next click
    absent: float = 60  # until memory is measured again


# --- visitors ---------------------------------------------------------------------------------------------------------

_SENTENCES = (
    "said that the food was superb and the service slow",
    "found the film far too long but the music wonderful",
    "never wanted to go back to that noisy hotel",
    "thought the second half of the book was rather dull",
    "had a good time in the old museum by the river",
    "called the new phone cheap and the camera poor",
)
_WITH_A_GAP = "wrote that the [MASK] was closed on the day they came"
_MANY_WORDS = 470
_SECOND = "They told everyone about it."


@dataclass(frozen=True, slots=True)
class Habits:
    """Where a visitor goes, and what kind of text they enter: plain, with a gap, or one of a pair, in turn."""

    number: int

    @property
    def pair(self) -> str:
        return _SECOND if self.number % 3 == 2 else ""

    @property
    def pages(self) -> tuple[str, ...]:
        own = ((), ("masked_words",), ("next_sentence",))[self.number % 3]
        return ("workbench", *own, "attention", "what_if")

    def text(self, entry: int) -> str:
        """Entered by this visitor only, and only once."""
        said = _WITH_A_GAP if self.number % 3 == 1 else _SENTENCES[entry % len(_SENTENCES)]
        return f"{marker(self.number)} {said}, {entry + 1} times."

    def address(self, entry: int) -> dict[str, str]:
        return {"text": self.text(entry)} | ({"pair": self.pair} if self.pair else {})


async def request(who: Visitor, asking: Awaitable[None], page: str, text: str, pair: str) -> Visit:
    """Ask, and read the answer."""
    known, start = len(who.faults), time.perf_counter()
    try:
        await asking
        screen = await who.answer(page, text)
    except FailedError as error:
        return Visit(page, text, pair, fault=str(error))
    seconds = time.perf_counter() - start
    return Visit(page, text, pair, seconds, numbers(screen), "; ".join(who.faults[known:]))


async def stroll(port: int, number: int, until: float, waits: Waits) -> list[Visit]:
    """Enter two texts on each page, and go to the next one."""
    habits, chance = Habits(number), random.Random(number)
    pages = cycle(habits.pages)
    page, text, pair = next(pages), habits.text(0), habits.pair
    async with Visitor(port, number) as who:
        visits = [await request(who, who.arrive("", habits.address(0)), page, text, pair)]
        for entry in count(1):
            await asyncio.sleep(chance.uniform(*waits.reads))
            if time.perf_counter() > until or visits[-1].fault:
                return visits
            if entry % 3:
                text = habits.text(entry)
                visits.append(await request(who, who.submit(text), page, text, pair))
            else:
                page = next(pages)
                visits.append(await request(who, who.follow(page), page, text, pair))
    raise AssertionError("counts for ever")


async def enter(port: int, number: int, first: int, goes_on: Callable[[], bool], waits: Waits) -> list[Visit]:
    """Enter one text after the other on the Workbench; the first one, which opens the page, does not count."""
    habits = Habits(number)
    async with Visitor(port, number) as who:
        visits = [await request(who, who.arrive("", habits.address(first)), "workbench", habits.text(first), "")]
        for entry in count(first + 1):
            await asyncio.sleep(waits.types)
            if len(visits) > 1 and (not goes_on() or visits[-1].fault):
                return visits[1:]
            text = habits.text(entry)
            visits.append(await request(who, who.submit(text), "workbench", text, ""))
    raise AssertionError("counts for ever")


# --- the three parts --------------------------------------------------------------------------------------------------

#: What takes longest on a page, and the button that starts it.
EXPENSIVE = (
    ("saliency", {"methods": "integrated_gradients shapley_sampling kernel_shap lime decompx"}, "explain_start"),
    ("attention", {"section": "beyond"}, "value_zeroing_start"),
    ("workbench", {"method": "shapley_sampling"}, "workbench_scores_start"),
    ("what_if", {"section": "smallest", "budget": "20000"}, "flip_start"),
    ("masked_words", {"section": "surprise"}, "surprise_start"),
    ("attention", {"section": "ablation"}, "sweep_start"),
)


async def come_and_go(port: int, number: int, goes_on: Callable[[], bool], waits: Waits) -> Counter[str]:
    """Ask for something expensive and leave, again and again. Returns how often it was started, and the faults."""
    page, parameters, button = EXPENSIVE[number % len(EXPENSIVE)]
    happened = Counter[str]()
    for entry in count():
        if not goes_on():
            return happened
        text = f"{marker(number)} {entry} " + " ".join(["well"] * _MANY_WORDS)
        async with Visitor(port, number) as who:
            try:
                await who.arrive("" if page == "workbench" else page, {"text": text, **parameters})
                await who.press(button)
                happened[f"started {button.removesuffix('_start')}"] += 1
            except FailedError as error:
                who.faults.append(str(error))
            await asyncio.sleep(waits.stays)
            happened.update(f"fault on {page}: {fault}" for fault in who.faults)
    raise AssertionError("counts for ever")


async def click_on(port: int, number: int, waits: Waits) -> list[Visit]:
    """Open the first page, click through the menu without waiting, and read what the last page shows."""
    habits = Habits(number)
    text, pages = habits.text(0), (*habits.pages[::-1], "workbench", habits.pages[1])
    async with Visitor(port, number) as who:
        await who.arrive("", habits.address(0))
        for page in pages[:-1]:
            await who.follow(page)
            await asyncio.sleep(waits.clicks)
        known = who.faults
        last = await request(who, who.follow(pages[-1]), pages[-1], text, habits.pair)
        return [replace(last, fault="; ".join([last.fault, *known]) if known else last.fault)]


def faults(visits: Sequence[Visit], library: Library) -> Counter[str]:
    """What went wrong → how often."""
    found = Counter[str]()
    for one in visits:
        if one.fault:
            found[f"{one.page}: {one.fault}"] += 1
        else:
            found.update(f"{one.page}: wrong numbers in {name}" for name in wrong(one, library))
    return found


@contextmanager
def ready_server() -> Iterator[Server]:
    """A server that has opened its models and waits for its first visitor."""
    with run_app(served=True) as server:
        time.sleep(QUIET_SECONDS + 1)
        idle_after(server)
        yield server


def idle_after(server: Server, most: float = 60) -> float:
    """Wait until the server does nothing for two seconds, and return how long it did something: more than a quarter of
    what one core can, which its housekeeping does not take."""
    start = last = time.perf_counter()
    used = server.cpu_seconds()
    while time.perf_counter() - last < 2 and time.perf_counter() - start < most:
        time.sleep(_LOOK_SECONDS)
        now = server.cpu_seconds()
        if now - used > 0.25 * _LOOK_SECONDS:
            last = time.perf_counter()
        used = now
    return last - start


async def while_watched(server: Server, *work: Awaitable[_R]) -> tuple[list[_R], int]:
    """The results, and the most memory that the server took meanwhile."""
    most = server.resident_bytes()

    async def watch() -> None:
        nonlocal most
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            most = max(most, server.resident_bytes())

    watching = asyncio.create_task(watch())
    try:
        return list(await asyncio.gather(*work)), most
    finally:
        watching.cancel()


def load(server: Server, library: Library, levels: Sequence[int], seconds: float, waits: Waits) -> Counter[str]:
    rows, found = [], Counter[str]()
    idle = server.resident_bytes()
    for level in levels:
        start, before = time.perf_counter(), (server.cpu_seconds(), time.process_time())
        strolls = [stroll(server.port, number, start + seconds, waits) for number in range(level)]
        visits, most = asyncio.run(while_watched(server, *strolls))
        took = time.perf_counter() - start
        shares = [(server.cpu_seconds() - before[0]) / took, (time.process_time() - before[1]) / took]
        load_average = machine().rpartition(" ")[2]
        time.sleep(waits.absent)
        every = [one for visit in visits for one in visit]
        left = server.resident_bytes()
        went_wrong = faults(every, library)
        found += went_wrong
        times = [one.seconds for one in every if not one.fault]
        rows.append(
            (
                f"{level}",
                f"{len(every)}",
                f"{went_wrong.total()}",
                f"{median(times):.2f}",
                f"{np.percentile(times, 95):.2f}",
                f"{max(times):.2f}",
                *(f"{size / 2**20:.0f}" for size in (most, left)),
                f"{left / idle - 1:+.0%}",
                *(f"{share:.2f}" for share in shares),
                load_average,
            )
        )
    header = ("visitors", "requests", "faults", "median s", "p95 s", "max s", "most MiB", "after MiB", "of idle")
    print(table((*header, "cores, server", "clients", "load average"), rows))
    print(f"idle before the first visitor: {idle / 2**20:.0f} MiB; after: {waits.absent:g} s after the last one left")
    return found


def others(server: Server, library: Library, count_: int, seconds: float, waits: Waits) -> Counter[str]:
    until = 0.0

    def goes_on() -> bool:
        return time.perf_counter() < until

    def entered(first: int, *beside: Awaitable[Counter[str]]) -> tuple[list[Visit], Counter[str]]:
        nonlocal until
        until = time.perf_counter() + seconds

        async def all_of_them() -> tuple[list[Visit], Counter[str]]:
            visits, *happened = await asyncio.gather(enter(server.port, 0, first, goes_on, waits), *beside)
            return visits, sum(happened, Counter[str]())

        return asyncio.run(all_of_them())

    before, _ = entered(0)
    during, happened = entered(
        1000, *(come_and_go(server.port, 1 + number, goes_on, waits) for number in range(count_))
    )
    computes_on = idle_after(server)
    after, _ = entered(2000)
    undisturbed = [one.seconds for one in before + after if not one.fault]
    disturbed = [one.seconds for one in during if not one.fault]
    rows = [
        (name, f"{len(times)}", Spread.of(times).text(), f"{np.percentile(times, 95):.2f}")
        for name, times in (("undisturbed", undisturbed), (f"while {count_} others come and go", disturbed))
    ]
    print(table(("one visitor", "requests", "median s (range)", "p95 s"), rows))
    slower = median(disturbed) / median(undisturbed)
    print(f"slower: {slower:.2f} × ({'met' if slower <= SLOWER else 'missed'}: at most {SLOWER:g} ×)")
    print(f"the others {', '.join(f'{what} {often} ×' for what, often in sorted(happened.items()))}")
    print(f"the server computed for {computes_on:.1f} s after the last of them had left")
    found = faults([*before, *during, *after], library)
    return found + Counter({what: often for what, often in happened.items() if what.startswith("fault")})


def cold(library: Library, starts: int, waits: Waits) -> Counter[str]:
    visits: list[Visit] = []
    for _ in range(starts):
        with run_app(served=True) as server:

            async def both(port: int = server.port) -> list[list[Visit]]:
                return await asyncio.gather(*(click_on(port, number, waits) for number in range(2)))

            visits += [one for seen in asyncio.run(both()) for one in seen]
    found = faults(visits, library)
    times = [one.seconds for one in visits if not one.fault]
    print(f"{starts} cold starts, two visitors each: {found.total()} faults; last page {Spread.of(times).text()} s")
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 5, 10, 20])
    parser.add_argument("--others", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=120, help="of each number of visitors")
    parser.add_argument("--cold-starts", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    add_smoke(parser)
    options = parser.parse_args(argv)
    levels, seconds, starts, waits = options.visitors, options.seconds, options.cold_starts, Waits()
    if options.smoke:
        levels, seconds, starts = [3], 1.0, 1
        waits = Waits(reads=(0, 0.1), types=0.1, stays=0.1, clicks=0.1, absent=0)
    library, found = Library(), Counter[str]()
    if {"load", "others"} & {*options.only}:
        with ready_server() as server:
            if "load" in options.only:
                print(f"load, {machine()}", flush=True)
                found += load(server, library, levels, seconds, waits)
            if "others" in options.only:
                print(f"\nothers, {machine()}", flush=True)
                found += others(server, library, options.others, seconds / 2, waits)
    if "cold" in options.only:
        print(f"\ncold, {machine()}", flush=True)
        found += cold(library, starts, waits)
    print()
    for what, often in found.most_common():
        print(f"{often} × {what}")
    if found:
        raise SystemExit(f"{found.total()} faults")
    print("no faults")


if __name__ == "__main__":
    main()
