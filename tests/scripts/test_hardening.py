"""The middleware, asked as a server asks it: headers, hosts, metrics, and orders that visitors may not give."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from scripts import hardening
from scripts.hardening import HEADERS, Hardened


async def streamlit(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers every page, and echoes every message of a websocket."""
    if scope["type"] == "websocket":
        while (message := await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "bytes": message.get("bytes")})
        return
    own = [(b"X-Frame-Options", b"DENY")] if scope["path"] == "/own" else []
    await send({"type": "http.response.start", "status": 200, "headers": own})
    await send({"type": "http.response.body", "body": b"page"})


def ask(path: str = "/", *, client: str = "127.0.0.1", **headers: str) -> tuple[int, dict[str, str]]:
    named = {"host": "localhost:8501", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "path": path,
        "client": (client, 5),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Hardened(streamlit)(scope, None, send))  # type: ignore[arg-type]
    assert sent[-1]["type"] == "http.response.body"
    return sent[0]["status"], {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}


@pytest.fixture(autouse=True)
def hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    allowed = ["localhost", "127.0.0.1"]
    monkeypatch.setattr(hardening.st, "get_option", lambda name: allowed)
    return allowed


def test_every_answer_has_the_headers_and_keeps_its_own() -> None:
    status, headers = ask()
    assert status == 200
    assert headers == HEADERS
    assert ask("/own")[1]["x-frame-options"] == "DENY"
    assert ask(host="evil.example")[1].items() >= HEADERS.items(), "refusals too"


def test_the_policy_lets_no_other_site_in() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["content-security-policy"].split("; "))
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "'unsafe-eval'" not in policy["script-src"]
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'self'"
    assert not any("http" in value or "*" in value for value in policy.values())
    assert policy["script-src"].count("'sha256-") >= 6


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8501", 200),
        ("127.0.0.1:8600", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("localhost@evil.example", 400),
        ("", 400),
    ],
)
def test_only_allowed_hosts_are_answered(host: str, status: int) -> None:
    assert ask(host=host)[0] == status


def test_a_star_allows_every_host_and_brackets_name_an_address(hosts: list[str]) -> None:
    hosts[:] = ["::1"]
    assert ask(host="[::1]:8501")[0] == 200
    assert ask(host="localhost")[0] == 400
    hosts[:] = ["*"]
    assert ask(host="bert.example.org")[0] == 200


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/some/base/_stcore/metrics"])
def test_metrics_are_for_this_machine(path: str) -> None:
    assert ask(path)[0] == 200
    assert ask(path, client="::1")[0] == 200
    assert ask(path, client="192.168.1.7")[0] == 404
    assert ask(path, x_forwarded_for="192.168.1.7")[0] == 404
    assert ask("/_stcore/health", client="192.168.1.7")[0] == 200


def test_a_visitor_cannot_empty_the_caches_of_all() -> None:
    order, rerun = BackMsg(clear_cache=True), BackMsg()
    rerun.rerun_script.query_string = "text=hello"
    messages = [rerun.SerializeToString(), order.SerializeToString(), b"\xff\xff junk", rerun.SerializeToString()]
    incoming = [{"type": "websocket.receive", "bytes": data} for data in messages]
    incoming += [{"type": "websocket.receive", "text": "hello"}, {"type": "websocket.disconnect"}]
    passed: list[bytes | None] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        passed.append(message["bytes"])

    asyncio.run(Hardened(streamlit)({"type": "websocket"}, receive, send))  # type: ignore[arg-type]
    assert passed == [messages[0], messages[2], messages[3], None]
