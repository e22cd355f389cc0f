"""A server's settings with a folder of runs of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.gateway import settings as gateway
from components.gateway.runs import store
from components.gateway.settings import Settings

Allow = Callable[..., Path]


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Allow:
    """Set the server's settings; returns the folder of its runs."""

    def set_them(**given: Any) -> Path:
        found = Settings(**{"runs": str(tmp_path / "runs"), "mode": "local"} | given)
        for module in (gateway, store):
            monkeypatch.setattr(module, "settings", lambda: found)
        return tmp_path / "runs"

    set_them()
    return set_them
