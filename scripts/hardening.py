"""What stands between the network and Streamlit: headers, host names, and messages that visitors must not send.

Streamlit checks the host of a websocket but not of a page, sends no security headers, answers everybody who asks for
its metrics, and empties the caches of all visitors for any of them.
"""

from __future__ import annotations

import ipaddress
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st

from components.gateway.settings import FORWARDED

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["HEADERS", "Hardened"]


def _inline_scripts() -> list[str]:
    """The hashes of the scripts that stand in a page: Streamlit's in its own, BertViz's in its frame."""
    from components.widgets.bertviz import script_hashes

    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    texts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    own = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts]
    return [*own, *script_hashes()]


#: Streamlit's own scripts are files of this server; its styles are written into the page, and Plotly makes pictures and
#: workers from memory. Nothing is fetched from elsewhere, and no other site may show this one in a frame.
_POLICY = {
    "default-src": "'self'",
    "script-src": " ".join(["'self'", "'wasm-unsafe-eval'", "blob:", *_inline_scripts()]),
    "worker-src": "'self' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' ws: wss: data: blob:",
    "frame-src": "'self' data: blob:",
    "frame-ancestors": "'self'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
HEADERS: dict[str, str] = {
    "content-security-policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}
_METRICS = "/_stcore/metrics"


class Hardened:
    """An ASGI middleware around Streamlit's application."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self.app(scope, _without_orders(receive), send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not answers_to(headers.get("host", "")):
            await _refuse(send, 400, "This server does not answer to that host name (server.allowedHosts).")
        elif scope["path"].rstrip("/").endswith(_METRICS) and not _from_inside(scope, headers):
            await _refuse(send, 404, "Not found.")
        else:
            await self.app(scope, receive, _with_headers(send))


def answers_to(host: str) -> bool:
    """Whether `server.allowedHosts` names this host; its port does not matter."""
    allowed = [str(name).lower() for name in st.get_option("server.allowedHosts") or []]
    return not allowed or "*" in allowed or _name(host.lower()) in map(_name, allowed)


def _name(host: str) -> str:
    """Without its port: ``localhost:8501 → localhost``, ``[::1]:8501 → ::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _from_inside(scope: Scope, headers: MutableMapping[str, str] | dict[str, str]) -> bool:
    """Whether the request comes from this machine and not through a proxy on it."""
    client = scope.get("client")
    if client is None or any(name in headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", [])}
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in names]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return sent


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode()
    sized = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await _with_headers(send)({"type": "http.response.start", "status": status, "headers": sized})
    await send({"type": "http.response.body", "body": body})


def _without_orders(receive: Receive) -> Receive:
    """The visitor's messages without the one that would empty everybody's caches."""

    async def received() -> Message:
        while True:
            message = await receive()
            if not _clears_caches(message.get("bytes")):
                return message

    return received


def _clears_caches(data: bytes | None) -> bool:
    # a rerun request is a few kilobytes; an order is a few bytes
    if not data or len(data) > 64:
        return False
    from streamlit.proto.BackMsg_pb2 import BackMsg

    try:
        return bool(BackMsg.FromString(data).WhichOneof("type") == "clear_cache")
    except Exception:  # what is no message of Streamlit's is for Streamlit to refuse
        return False
