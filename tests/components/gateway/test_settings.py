"""What a server allows: where the settings come from, when it is shared, and what strangers may open."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.gateway import code, expressions, models
from components.gateway import settings as gateway
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.settings import Settings, is_shared, permitted, read

Server = Callable[..., None]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with these settings, address, allowed hosts and headers of the visitor."""

    def start(address: str | None = "localhost", hosts: tuple[str, ...] = ("localhost",), **given: Any) -> None:
        headers = given.pop("headers", {})
        options = {"server.address": address, "server.allowedHosts": list(hosts)}
        monkeypatch.setattr(gateway.st, "get_option", options.__getitem__)
        monkeypatch.setattr(gateway, "get_script_run_ctx", lambda suppress_warning: object())
        monkeypatch.setattr(gateway.st, "context", SimpleNamespace(headers=headers))
        monkeypatch.setattr(gateway, "settings", lambda: Settings(**given))

    return start


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    (tmp_path / "glassbert.toml").write_text('mode = "shared"\nmodels = ["a/b"]\nseconds = 5\n')
    assert read({}, tmp_path) == Settings(mode="shared", models=("a/b",), seconds=5)
    environment = {"GLASSBERT_MODELS": " c/d, /srv/m ,", "GLASSBERT_SECONDS": "7", "GLASSBERT_MODE": "local"}
    assert read(environment, tmp_path) == Settings(mode="local", models=("c/d", "/srv/m"), seconds=7)
    other = tmp_path / "other.toml"
    other.write_text("characters = 500")
    assert read({"GLASSBERT_SETTINGS": str(other)}, tmp_path) == Settings(characters=500)


def rows(table: str) -> dict[str, tuple[str, ...]]:
    """Setting → environment variable, default, meaning: the first table of a Markdown text that lists settings."""
    lines = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.+?) \| (.+?) \|$", table, flags=re.MULTILINE)
    return {name: tuple(others) for name, *others in lines}


def test_both_tables_of_settings_are_those_of_the_code(tmp_path: Path) -> None:
    documented = rows((Path(__file__).parents[3] / "docs" / "deploy.md").read_text(encoding="utf-8"))
    assert list(documented) == list(rows(gateway.__doc__ or "")) == [field.name for field in fields(Settings)]
    for name, (variable, default, _) in documented.items():
        assert rows(gateway.__doc__ or "")[name][:2] == (variable, default)
        standard = getattr(Settings(), name)
        assert default.strip("`") == ("none" if standard in ((), "") else str(standard))
        others = {"mode": "local", "models": "a/b", "roots": "/srv", "precision": "bfloat16", "tables": "/data"}
        other = others.get(name, "12345")
        read_back = getattr(read({variable: other}, tmp_path), name)
        assert read_back == ((other,) if standard == () else type(standard)(other)), (
            "the variable is the one that counts"
        )


def test_the_limits_of_a_request_are_documented_with_their_settings() -> None:
    text = " ".join((Path(__file__).parents[3] / "docs" / "deploy.md").read_text(encoding="utf-8").split())
    (paragraph,) = re.findall(r"How much a single request may compute.*?\. (?=Results)", text)
    assert all(f"`{name}`" in paragraph for name in ("characters", "seconds", "memory"))
    assert all(word in paragraph for word in ("passes", "rows", "words"))


@pytest.mark.parametrize(
    ("written", "environment", "message"),
    [
        ("modes = 1", {}, "unknown setting 'modes'; the settings are mode, models, roots"),
        ("mode = 'open'", {}, "mode must be one of auto, local, shared; got 'open'"),
        ("models = 'a'", {}, "models must be a list of strings"),
        ("seconds = true", {}, "seconds must be an integer"),
        ("seconds = 0", {}, "seconds must be at least 1; got 0"),
        ("precision = 'int8'", {}, "precision must be one of float32, bfloat16; got 'int8'"),
        ("seconds = ", {}, "cannot be read"),
        ("", {"GLASSBERT_CHARACTERS": "many"}, "GLASSBERT_CHARACTERS must be an integer; got 'many'"),
        ("", {"GLASSBERT_SETTINGS": "/nowhere/at/all.toml"}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, written: str, environment: dict[str, str], message: str) -> None:
    (tmp_path / "glassbert.toml").write_text(written)
    with pytest.raises(ValueError, match=message):
        read(environment, tmp_path)


def test_models_run_in_the_precision_of_the_server_and_the_code_says_so(
    tiny_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = models.request_of(str(tiny_checkpoint("bert", "classification")), "cpu")
    monkeypatch.setattr(models, "settings", lambda: Settings(precision="bfloat16"))
    models._load.clear()
    try:
        assert models.load(request).precision == "bfloat16"
        written = expressions.script(code.encode(TextRequest(request, "Good.")))
        assert ', device="cpu", precision="bfloat16")' in written
    finally:
        models._load.clear()


@pytest.mark.parametrize(
    ("given", "shared"),
    [
        ({}, False),
        ({"address": "127.0.0.1", "hosts": ("localhost", "127.0.0.1")}, False),
        ({"address": "0.0.0.0"}, True),
        ({"address": ""}, True),
        ({"address": None}, True),
        ({"hosts": ("localhost", "bert.example.org")}, True),
        ({"hosts": ("*",)}, True),
        ({"headers": {"x-forwarded-for": "10.0.0.9"}}, True),
        ({"headers": {"forwarded": "for=10.0.0.9"}}, True),
        ({"headers": {"host": "localhost:8501"}}, False),
        ({"mode": "shared"}, True),
        ({"mode": "local", "address": "0.0.0.0"}, False),
    ],
)
def test_a_server_is_shared_unless_only_its_owner_can_connect(
    server: Server, given: dict[str, Any], shared: bool
) -> None:
    server(**given)
    assert is_shared() is shared


def test_a_shared_server_opens_what_is_listed_and_looks_nothing_else_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = tmp_path / "models", tmp_path / "private"
    for folder in (inside / "mine", outside):
        folder.mkdir(parents=True)
    (inside / "way_out").symlink_to(outside)
    server(mode="shared", models=("owner/listed",), roots=(str(inside),))
    assert permitted("pretrained")
    assert permitted("owner/listed")
    assert permitted(str(inside / "mine"))
    assert not permitted(str(inside / "way_out")), "a link inside a root leads out of it"
    asked: list[object] = []
    for name in ("stat", "lstat", "open", "scandir", "readlink"):
        monkeypatch.setattr(os, name, lambda *path, name=name, **_: asked.append((name, path)))
    for source in (
        *("owner/other", str(outside), f"{inside}/../private", "/etc/shadow", "/root", "~root", "~nosuchuser/x"),
        *("relative", "./pretrained", "a\0b", "\\\\host\\share", "//host/share", ""),
    ):
        assert not permitted(source), source
    monkeypatch.undo()
    assert asked == []


@pytest.mark.parametrize("source", ["/etc/passwd", "/nowhere", "~root", "owner/name", "/proc/1/environ"])
def test_a_stranger_learns_nothing_about_the_server_s_files(server: Server, source: str) -> None:
    server(mode="shared")
    told = set()
    for work in (models.is_here, lambda one: models.load(ModelRequest(one)), lambda one: models.prepare(one, print)):
        with pytest.raises(Exception, match="shared and offers only the models in its list") as caught:
            work(source)
        told.add(str(caught.value))
    assert told == {gateway.not_offered()}, "the same words whatever is there"
    assert set(models.suggestions()) == {"pretrained", "sentiment", "entities", "answers", "similarity"}


def test_on_one_s_own_machine_everything_may_be_opened(server: Server) -> None:
    server()
    assert permitted("/home/me/model")
    assert permitted("owner/name")
    assert len(models.suggestions()) > 2
