"""The pages as AppTest runs them, without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from components import address
from components.shell.navigation import PAGES
from components.widgets import frontend
from tests.components.widgets.clicks import mounted

ROOT = Path(__file__).resolve().parents[2]
#: The pictures of a whole workbench: heads map, heatmap, two strips.
PICTURES = 4


def page(page_id: str = "workbench", **view: str) -> AppTest:
    """A page, opened with a link. It runs below app.py, as in the app, so that the menu finds its pages. Where a test
    does not say, saliency is by the method of one pass: integrated gradients take dozens; attention is the main
    model's, no verdict is computed in the background, and it is the expert view, which names what is computed."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    if page_id != "workbench":
        app.switch_page(PAGES[page_id].file)
    for name, value in (
        {"method": "input_x_gradient", "shown_model": "model", "verdict": "0", "expert": "1"} | view
    ).items():
        app.query_params[name] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, [exception.value for exception in app.exception]
    return app


def parameters(app: AppTest) -> dict[str, str]:
    """The view in the address bar, unpacked, which is the expert one; AppTest keeps what it was given as lists."""
    given = {name: value for name, value in app.query_params.items() if name != "expert"}
    return address.unpacked({name: value if isinstance(value, str) else value[0] for name, value in given.items()})


def tokens(app: AppTest, key: str = "strip") -> list[dict[str, Any]]:
    """The tokens of a strip, as they are sent to the browser."""
    return json.loads(mounted(app, key).json)["tokens"]


def selected(app: AppTest, key: str = "strip") -> int | None:
    """The selected token of a strip."""
    return json.loads(mounted(app, key).json)["selected"]


def header(app: AppTest, key: str) -> dict[str, Any]:
    """What a map says about itself in the message to the browser."""
    return frontend.unpack(mounted(app, key).bytes)[0]


def messages(app: AppTest) -> str:
    """All that the page says went wrong or is missing, as it is read."""
    return as_read("\n".join(element.value for element in [*app.error, *app.warning, *app.info]))


def as_read(markup: str) -> str:
    """Text without what `components.text.plain` put into it."""
    return markup.replace("\\", "").replace("\u2060", "")


def pictures(app: AppTest) -> int:
    """How many components the page has, without those of its frame: four for a whole workbench."""
    frame = ("-box_text", "-box_pair", "-page_keys", "-tour_dismiss")
    return sum(not any(key in block.proto.id for key in frame) for block in app.get("bidi_component"))
