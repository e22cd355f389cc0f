"""Runs of long work, trainings and analyses, as their pages show them: who sees which, where they stand, what is
refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from components import state
from components.gateway.library import gb
from components.gateway.runs import store
from components.gateway.runs.queue import RunState, state_of
from components.gateway.runs.tables import offered_files, read_offered
from components.gateway.settings import is_shared
from components.shared import charts
from components.shared.errors import explained_errors
from components.text import plain, shortened

__all__ = ["RunList", "choose_file", "say_refused", "with_error"]

_REFRESH = 2.0
_MANY_DRAFTS = 3
_REFUSED = "run_refused"


@dataclass(frozen=True, slots=True)
class RunList:
    """The runs of one page. ``doing``: what a run under way is called; ``open_run`` shows one."""

    work: store.Work
    title: str
    doing: str
    icon: str
    known: str  # under which name the session remembers the runs whose address this visitor has
    open_run: Callable[[str], None]

    def knows(self, run: str) -> None:
        """Remember, for this session, that this visitor has the address of a run."""
        state.remember(self.known, {*state.remembered(self.known, set()), run})

    def listed(self) -> list[tuple[str, store.RunRequest]]:
        """The runs that this visitor sees: on a shared server only those whose address he has."""
        if not is_shared():
            return list(store.listing(self.work))
        known = state.remembered(self.known, set())
        found = [(run, request) for run in known if (request := store.request_of(run)) is not None]
        return [(run, request) for run, request in found if request.work == self.work]

    def in_words(self, found: RunState) -> str:
        """The state of a run as a reader sees it, plain text."""
        return {
            "draft": "not started",
            "waiting": f"waiting, {charts.ordinal(found.place)} in the queue",
            "running": self.doing,
            "stopping": "stopping",
            "stopped": "stopped, can be resumed",
            "failed": "failed",
            "done": "done",
        }[found.name]

    def draw(self) -> None:
        """The list, which looks again by itself while something is under way."""
        st.subheader(self.title, anchor=False)
        if is_shared():
            st.caption("On a shared server you see those whose address you opened: keep the address of yours.")
        states = {run: state_of(run) for run, _ in self.listed()}
        drafts = [run for run, found in states.items() if found.name == "draft"]
        if len(drafts) >= _MANY_DRAFTS:
            st.button(
                f"Delete the {len(drafts)} that were not started",
                key="delete_drafts",
                type="tertiary",
                icon=":material/delete_sweep:",
                on_click=with_error,
                args=(lambda: _delete(drafts),),
            )
        active = any(found.is_active for found in states.values())
        st.fragment(self._rows, run_every=_REFRESH if active else None)()

    def _rows(self) -> None:
        state.redraw_page_if_asked()
        runs = self.listed()
        if not runs:
            st.caption("None yet.")
        for run, request in runs:
            found = state_of(run)
            with st.container(key=f"run_{run}", horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    f"{self._icon(found)} {plain(shortened(request.name, 40))}",
                    key=f"open_{run}",
                    type="tertiary",
                    on_click=self._open_from_the_list,
                    args=(run,),
                )
                when = datetime.fromtimestamp(request.created).strftime("%d %b %Y, %H:%M")
                st.caption(plain(f"{self.in_words(found)} · {when}"))

    def _icon(self, found: RunState) -> str:
        return {
            "draft": ":material/edit_note:",
            "waiting": ":material/hourglass_empty:",
            "running": self.icon,
            "stopping": self.icon,
            "stopped": ":material/pause_circle:",
            "failed": ":material/error:",
            "done": ":material/check_circle:",
        }[found.name]

    def _open_from_the_list(self, run: str) -> None:
        self.open_run(run)
        state.redraw_page()


def _delete(runs: list[str]) -> None:
    for run in runs:
        store.delete(run)


def with_error(work: Callable[[], object]) -> None:
    """Do the work of a callback; what the user can mend is said by the run of the page that follows."""
    try:
        work()
    except gb.GlassBERTError as error:
        state.remember(_REFUSED, str(error))


def say_refused() -> None:
    """What a callback could not do, once."""
    if told := state.remembered(_REFUSED):
        st.warning(plain(f"{told[:1].upper()}{told[1:]}."), icon=":material/info:")
        state.remember(_REFUSED, None)


def choose_file(key: str, chosen: Callable[[str, bytes], None]) -> None:
    """A table on this machine by its path, or one of those that a shared server offers: its name and its content."""
    offered = offered_files()
    if is_shared() and not offered:
        return
    names = {path: path.replace("\\", "/").rpartition("/")[2] for path in offered}
    path = st.selectbox(
        "Or a file on this machine" if not is_shared() else "Or a file of this server",
        offered,
        index=None,
        format_func=lambda path: names.get(path, path),
        accept_new_options=not is_shared(),
        placeholder="Type its path" if not is_shared() else "Choose a file",
        key=key,
    )
    if path:
        with explained_errors():
            chosen(path.replace("\\", "/").rpartition("/")[2], read_offered(path))
