"""A visitor without a browser: Streamlit's own messages over its websocket.

It does what a browser does: follows links of the menu, submits a text, presses buttons, and asks again for the parts of
a page that refresh themselves. What arrives is parsed in full; of each run of the whole page, what a `Screen` holds is
kept.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

__all__ = ["FailedError", "Screen", "Visitor", "marker"]

_MARKER = re.compile(rb"Visitor(\d\d)")
_PATIENCE_SECONDS = 60.0


def marker(number: int) -> str:
    """A word that only this visitor's texts contain."""
    return f"Visitor{number:02d}"


class FailedError(Exception):
    """The server did not answer, or closed the connection."""


@dataclass(slots=True)
class Screen:
    """What one run of a page drew. ``elements`` with a key by this key; ``links`` of the menu by page."""

    page: str = ""
    texts: dict[str, str] = field(default_factory=dict)  # what the fields of the text bar show
    elements: dict[str, Any] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)  # key → id, of those that can be pressed
    links: dict[str, tuple[str, str]] = field(default_factory=dict)  # page → its hash and query
    markdown: list[str] = field(default_factory=list)


class Visitor:
    """One open window. ``faults``: exceptions and errors that it was shown, and texts of others that it was sent."""

    def __init__(self, port: int, number: int) -> None:
        self.number = number
        self.faults: list[str] = []
        self._address = f"ws://localhost:{port}/_stcore/stream"
        self._origin = f"http://localhost:{port}"
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._run, self._whole = "", True  # the last run of the whole page, and whether it is the last run of all
        self._screen = Screen()
        self._finished: asyncio.Queue[Screen | None] = asyncio.Queue()  # None: the connection ended
        self._drawn = asyncio.Event()
        self._page_hash, self._query = "", ""

    async def __aenter__(self) -> Visitor:
        self._socket = await connect(self._address, origin=self._origin, max_size=None)  # type: ignore[arg-type]
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_timers()
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader

    # --- what a visitor does ------------------------------------------------------------------------------------

    async def arrive(self, page: str = "", parameters: Mapping[str, str] | None = None) -> None:
        """Open the address of a page; "" is the first one."""
        self._query = urlencode(parameters or {})
        await self._ask(page_name=page)

    async def follow(self, page: str) -> None:
        """Click a page in the menu, once it is drawn."""
        await self._until_drawn(lambda: page in self._screen.links, f"the menu does not name {page!r}")
        self._page_hash, self._query = self._screen.links[page]
        await self._ask(page_script_hash=self._page_hash)

    async def submit(self, text: str, box: str = "box_text") -> None:
        """Enter a text in a field of the text bar."""
        event = [{"event": "select", "value": {"version": box, "text": text}}]
        field = self._screen.elements[box].id
        trigger = _make_trigger_id(field, "events")
        await self._ask(
            WidgetState(id=field, json_value="{}"), WidgetState(id=trigger, json_trigger_value=json.dumps(event))
        )

    async def press(self, button: str) -> None:
        """Press the button with this key, once it is drawn."""
        await self._until_drawn(lambda: button in self._screen.buttons, f"the page has no button {button!r}")
        await self._ask(WidgetState(id=self._screen.buttons[button], trigger_value=True))

    async def answer(self, page: str, text: str, seconds: float = _PATIENCE_SECONDS) -> Screen:
        """The first finished run that shows this text on this page. Raises FailedError if none arrives."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    screen = await self._finished.get()
                    if screen is None:
                        raise FailedError("the server closed the connection")
                    if screen.page == page and screen.texts.get("box_text") == text:
                        return screen
        except TimeoutError:
            raise FailedError(f"no answer within {seconds:g} s") from None

    async def _until_drawn(self, there: Callable[[], bool], lacking: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while not there():
                    self._drawn.clear()
                    await self._drawn.wait()
        except TimeoutError:
            raise FailedError(f"{lacking} after {_PATIENCE_SECONDS:g} s") from None

    # --- messages ----------------------------------------------------------------------------------------------

    async def _ask(self, *widgets: WidgetState, fragment: str = "", **state: str) -> None:
        message = BackMsg()
        wanted = message.rerun_script
        wanted.query_string, wanted.fragment_id, wanted.is_auto_rerun = self._query, fragment, bool(fragment)
        wanted.context_info.url = self._origin
        for name, value in ({} if state else {"page_script_hash": self._page_hash}).items() | state.items():
            setattr(wanted, name, value)
        wanted.widget_states.widgets.extend(widgets)
        if not fragment:
            self._stop_timers()
            while not self._finished.empty():
                self._finished.get_nowait()
        assert self._socket is not None
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed:
            self._finished.put_nowait(None)

    async def _read(self) -> None:
        assert self._socket is not None
        with suppress(ConnectionClosed):
            async for data in self._socket:
                assert isinstance(data, bytes)
                self.take(data)
        self._finished.put_nowait(None)

    def take(self, data: bytes) -> None:
        """What the server sent."""
        others = {int(found) for found in _MARKER.findall(data)} - {self.number}
        if others:
            self.faults.append(f"text of visitor {min(others)}")
        message = ForwardMsg.FromString(data)
        kind, run = message.WhichOneof("type"), message.metadata.run
        if kind == "new_session":  # what follows belongs to this run
            self._whole = not run.fragment_ids
            if self._whole:
                self._stop_timers()
                self._page_hash = message.new_session.page_script_hash
                self._run, self._screen = run.script_run_id, Screen()
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._refresh(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop_timer(fragment)
        elif kind == "session_event" and message.session_event.HasField("script_compilation_exception"):
            self.faults.append(message.session_event.script_compilation_exception.message)
        elif kind == "script_finished":
            ended = message.script_finished
            if ended == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self.faults.append("the page does not compile")
            elif ended == ForwardMsg.FINISHED_SUCCESSFULLY and run.script_run_id == self._run:
                self._finished.put_nowait(self._screen)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._draw(message.delta.new_element)

    def _draw(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        content = getattr(element, kind or "empty")
        if kind == "exception":
            self.faults.append(f"exception: {content.type} {content.message}")
        elif kind == "alert" and content.format == Alert.ERROR:
            self.faults.append(f"error: {content.body}")
        if not self._whole:
            return
        screen = self._screen
        key = content.id.split("-", 2)[-1] if getattr(content, "id", "") else ""
        if kind == "markdown":
            screen.markdown.append(content.body)
        elif kind == "button" and not content.disabled:
            screen.buttons[key] = content.id
        elif kind == "page_link":
            # the first one is the menu's
            screen.links.setdefault(content.page or "workbench", (content.page_script_hash, content.query_string))
        elif kind == "bidi_component" and content.component_name == "glassbert_page_keys":
            screen.page = json.loads(content.json)["page"]
        elif kind == "bidi_component" and content.component_name == "glassbert_sentence_box":
            screen.texts[key] = json.loads(content.json)["value"]
        if key:
            screen.elements[key] = content
        self._drawn.set()

    # --- what refreshes itself -----------------------------------------------------------------------------------

    def _refresh(self, fragment: str, seconds: float) -> None:
        async def again() -> None:
            while True:
                await asyncio.sleep(seconds)
                await self._ask(fragment=fragment)

        self._stop_timer(fragment)
        self._timers[fragment] = asyncio.create_task(again())

    def _stop_timer(self, fragment: str) -> None:
        if timer := self._timers.pop(fragment, None):
            timer.cancel()

    def _stop_timers(self) -> None:
        for fragment in list(self._timers):
            self._stop_timer(fragment)
