"""A background job: long work in its own thread, and behind a button its cost, progress, a stop button and its result.

A function of the gateway prepares the work in the page's thread and returns it; `run_job` does the rest.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import streamlit as st

from components import state
from components.gateway import cache
from components.gateway.library import gb
from components.gateway.models import in_words
from components.gateway.settings import settings
from components.gateway.turns import admitted_by, place_in_queue, turns
from components.gateway.visitors import has_left, unattended, visitor
from components.shared.errors import explained_errors
from components.shared.steady import SteadyPlace

__all__ = [
    "Job",
    "asked_for",
    "current_job",
    "draw_job",
    "found_so_far",
    "run_at_once_if_quick",
    "run_job",
    "stop_jobs_of_other_pages",
]

# A quick job is done before the page has to say that it is under way.
_QUICK_SECONDS = 0.3
# Work that is told to stop returns what it found between two passes; after this long, its next pass is refused.
_END_SECONDS = 1.5
_REFRESH = 0.3  # seconds between two looks at a job's progress
# A reload is a new session. The work of the one before it waits for it this long, without a further pass, and what it
# found is kept for it a little longer.
_RELOAD_SECONDS, _KEPT_SECONDS = 15.0, 60.0
# Before that, and before this share is done, what is left cannot be told from what was.
_TELLING_SECONDS, _TELLING_SHARE = 4.0, 0.1
_WIDE, _NARROW = (0.25, 0.75), (0.45, 0.55)
_R = TypeVar("_R")


class Job(Generic[_R]):
    """One job; ``key`` names its input. ``found`` is complete once it is ``done``; before that it is None or partial.

    What was found counts in the server's budget of memory (`gateway.cache`): a job whose result has to go is as if it
    had not been started.

    A page cannot do the work in its own thread: Streamlit ends that one when the user clicks, and the results so far
    would be lost. The work takes turns with other visitors (`gateway.turns`), and stops when its visitor closes the
    window or opens another page. When the window is reloaded, it goes on there (`current_job`).
    """

    def __init__(self, key: str, found: _R | None = None) -> None:
        self.key = key
        self.owner = visitor()
        self.page = state.page()  # "": it goes on when its visitor opens another page
        self._found = found
        self._counted: cache.Counted | None = None
        self.share = 0.0  # how much is done, 0 to 1
        self.doing = ""  # what the work says it is at
        self.arrived = 0  # partial results published so far
        self.ahead = 0  # requests whose turn comes first
        self.stopped = False  # by the user, before there was a result
        self.out_of_time = False  # it reached the server's limit
        self.error: Exception | None = None
        self.began = 0.0  # when the work was started
        self._gone = unattended(self.owner)
        self._abandoned = False
        self._stop = threading.Event()
        self._stopped_at = 0.0
        self._thread: threading.Thread | None = None

    @property
    def found(self) -> _R | None:
        if self._counted is not None:
            self._counted.use()
        return self._found

    @found.setter
    def found(self, found: _R | None) -> None:
        if self._counted is not None:
            self._counted.drop()
        self._found, self._counted = found, None

    def _count(self) -> None:
        """What was found takes memory from now on."""
        job = weakref.ref(self)

        def forget() -> None:
            mine = job()
            if mine is not None and not mine.running and mine._counted is not None:
                mine._found, mine._counted, mine._thread = None, None, None

        self._counted = cache.Counted(self, self._found, forget)

    def adopt(self) -> None:
        """This visitor owns it from now on: the window of the one who did was reloaded."""
        self.owner, self.page = visitor(), state.page() if self.page else ""
        self._gone = unattended(self.owner)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes if it goes on as it went; None if that cannot be told yet."""
        took = time.monotonic() - self.began
        if not self.running or took < _TELLING_SECONDS or self.share < _TELLING_SHARE:
            return None
        return took / self.share * (1 - self.share)

    @property
    def started(self) -> bool:
        return self._thread is not None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def done(self) -> bool:
        """Whether it came to its end, or to a stop that left a result."""
        return self.started and not self.running and not self.stopped and self.error is None

    @property
    def interrupted(self) -> bool:
        """Whether it was told to stop: what it found then depends on when."""
        return self._stop.is_set()

    def start(self, work: Callable[..., _R], found: _R | None = None, *, wait: bool = True) -> None:
        """Run ``work(progress=…, cancelled=…)``, and ``wait`` for it if it is quick. Does nothing while one runs.

        ``found``: the partial result that the work adds to. What is cached must be fetched before: in the job's own
        thread there is no page to cache for.
        """
        if self.running:
            return
        self.found = found
        self.share, self.doing, self.stopped, self.out_of_time, self.error = 0.0, "", False, False, None
        self._stop, self._abandoned, self.began = threading.Event(), False, time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        if wait:
            self.wait(_QUICK_SECONDS)

    def publish(self, found: _R, doing: str) -> None:
        """For the work to call: its result so far, and what it does next."""
        self.found, self.doing = found, doing
        self.arrived += 1

    def stop(self) -> None:
        """End soon, keeping what was found."""
        if not self._stop.is_set():
            self._stopped_at = time.monotonic()
            self._stop.set()

    def wait(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def raise_error(self) -> None:
        """Raise the error that ended the work, if any, here, where a page can show it."""
        if self.error is not None:
            raise self.error

    @property
    def _overdue(self) -> bool:
        """Whether work that keeps what it found has had its time to end by itself."""
        return self._stop.is_set() and time.monotonic() - self._stopped_at > _END_SECONDS

    def _wait_behind(self, ahead: int) -> None:
        self.ahead = ahead

    def _wait_for_a_reload(self) -> None:
        """Between two passes: nothing more is computed while nobody is there, and all of it ends if nobody comes."""
        until = time.monotonic() + _RELOAD_SECONDS
        while self._gone() and not self._abandoned and not self._stop.is_set():
            self._abandoned = time.monotonic() > until
            time.sleep(0.05)

    def _run(self, work: Callable[..., _R]) -> None:
        def progress(done: int, total: int) -> None:
            self.share = min(done / total, 1.0) if total else 1.0

        deadline = time.monotonic() + settings().seconds

        def refused() -> bool:
            if time.monotonic() > deadline and not self._stop.is_set():
                self.out_of_time = True
                self.stop()
            return self._abandoned or self._overdue

        def over() -> bool:
            refused()
            self._wait_for_a_reload()
            return self._stop.is_set() or self._abandoned

        @contextmanager
        def turn() -> Iterator[None]:
            self._wait_for_a_reload()
            with turns.turn(self.owner, refused, self._wait_behind):
                self.ahead = 0
                yield

        try:
            with admitted_by(turn):
                self.found = work(progress=progress, cancelled=over)
        except gb.StoppedError:
            self.stopped = True
        except Exception as error:  # raised to the reader of the result: in this thread it would go unnoticed
            self.error = error
        if self._found is not None:
            self._count()


def current_job(name: str, key: str) -> Job[Any]:
    """This visitor's job of this name; one of another key is stopped and forgotten.

    A new one may be the job of a window that was closed a moment ago: this is the same window after a reload, or
    somebody with the same question.
    """
    jobs = _jobs()
    if name not in jobs or jobs[name].key != key:
        if name in jobs:
            jobs[name].stop()
        jobs[name] = _left_behind(name, key) or Job(key)
        with _every_lock:
            _every[name, key] = jobs[name], time.monotonic()
    return jobs[name]


#: (name, key) → the job that was asked for last, and when; of visitors who have left, for a minute.
_every: dict[tuple[str, str], tuple[Job[Any], float]] = {}
_every_lock = threading.Lock()


def _left_behind(name: str, key: str) -> Job[Any] | None:
    """The job of a visitor who has left, if it has begun; others of those who left long ago are forgotten."""
    now = time.monotonic()
    with _every_lock:
        for place, (job, asked) in list(_every.items()):
            if now - asked > _KEPT_SECONDS and not job.running and has_left(job.owner):
                del _every[place]
        found, _ = _every.get((name, key), (None, 0.0))
        if found is None or not has_left(found.owner) or not (found.started or found.found is not None):
            return None
        found.adopt()
        return found


def found_so_far(name: str, key: str) -> Any:
    """What this visitor's job of this name and key has found, without starting one or stopping another; None if
    nothing."""
    job = _jobs().get(name)
    return job.found if job is not None and job.key == key else None


def stop_jobs_of_other_pages() -> None:
    """Called when a page opens: nobody waits for what another page had started."""
    for job in _jobs().values():
        if job.page not in ("", state.page()):
            job.stop()


def _jobs() -> dict[str, Job[Any]]:
    """Name → job, of this visitor."""
    jobs: dict[str, Job[Any]] | None = state.remembered("jobs")
    if jobs is None:
        jobs = {}
        state.remember("jobs", jobs)
    return jobs


def run_job(
    name: str,
    key: str,
    prepare: Callable[[], Callable[..., _R]],
    *,
    label: str,
    cost: str,
    at_once: bool = False,
    narrow: bool = False,
) -> _R | None:
    """Draw the job of this name and key, and return its result; None before it starts or while it runs.

    ``prepare`` runs in the page's thread and returns the work of a `Job`. ``at_once`` starts without a click;
    ``narrow`` is for a column among others, where the button disappears once there is a result. A job with another
    key is stopped.
    """
    job: Job[_R] = current_job(name, key)

    def start() -> None:
        job.start(prepare())

    if at_once and not job.started:
        start()
    if not (narrow and job.done):
        draw_job(job, start, name=name, label=label, cost=cost, narrow=narrow)
    return job.found if job.done else None


def run_at_once_if_quick(
    name: str,
    key: str,
    quick: bool,
    at_once: Callable[[], _R],
    prepare: Callable[[], Callable[..., _R]],
    *,
    label: str,
    cost: str,
    narrow: bool = False,
) -> _R | None:
    """What a page shows without being asked if it is quick (`gateway.models.is_quick`), else behind a button.

    So a link that someone follows computes no more than its sender could have seen at once.
    """
    if quick:
        return at_once()
    return run_job(name, key, prepare, label=label, cost=cost, narrow=narrow)


def asked_for(name: str, key: str, quick: bool, *, label: str, cost: str) -> bool:
    """Whether to do work in the page's own thread now: it is quick, or its button, beside the cost, was clicked."""
    if quick or state.remembered(name) == key:
        return True
    st.button(label, key=name, on_click=state.remember, args=(name, key))
    st.caption(cost)
    return False


def draw_job(
    job: Job[Any],
    start: Callable[[], None],
    *,
    name: str,
    label: str,
    cost: str,
    narrow: bool = False,
    done: bool | None = None,
    repeatable: bool = True,
    unit: str = "",
) -> None:
    """The button that starts it, keyed ``{name}_start``, its cost, and why it ended early, if it did.

    While it runs, progress and a stop button are shown instead.

    ``done``: whether nothing is left to compute, if the job itself cannot tell; a job that is not ``repeatable``
    cannot be started then. ``unit`` follows the percentage: "of the heads".
    """
    arrived = job.arrived
    place = SteadyPlace(f"{name}_progress")
    if job.running:
        place.draw(lambda: _progress(job, arrived, name, unit), every=_REFRESH)
        return
    done = job.done if done is None else done
    again = done and repeatable
    left, right = st.columns(_NARROW if narrow else _WIDE, vertical_alignment="center")
    left.button(
        label,
        type="secondary" if again else "primary",
        icon=":material/replay:" if again else ":material/play_arrow:",
        disabled=done and not repeatable,
        on_click=start,
        key=f"{name}_start",
        width="stretch",
    )
    right.caption(cost)
    if job.out_of_time:
        until = "before there were any results" if job.found is None else "what was found until then is shown"
        st.info(f"Stopped at the time limit of this server, {settings().seconds:,} seconds: {until}.")
    elif job.stopped and job.found is None:
        st.info("Stopped before there were any results.")
    with explained_errors():
        job.raise_error()


def _progress(job: Job[Any], drawn: int, name: str, unit: str) -> None:
    """Drawn again and again until it ends; the page reruns when it does, and for every partial result."""
    if not job.running or job.arrived != drawn:
        st.rerun()
        return
    left, right = st.columns([0.75, 0.25], vertical_alignment="center")
    doing = job.doing or f"{job.share:.0%} {unit}".strip()
    if (left_over := job.seconds_left) is not None:
        doing += f" · {in_words(left_over)} left"
    if job.ahead:
        doing += f" · {place_in_queue(job.ahead)}"
    left.progress(job.share, text=doing)
    right.button("Stop", on_click=job.stop, key=f"{name}_stop", width="stretch")
