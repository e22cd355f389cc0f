"""What a notebook shows, and the example notebook run from top to bottom."""

from __future__ import annotations

import base64
import builtins
import html
import json
import re
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import glassbert as gb
from tests.glassbert.figures.reading import SVG, lines_of_text, parsed, told
from tests.glassbert.pictures.hostile import HOSTILE

NOTEBOOK = Path(__file__).parents[3] / "docs" / "notebook.ipynb"


class Notebook:
    """Cells run by IPython as Jupyter's kernel runs them; what each displays."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell.instance(config=config)
        self.shell.display_pub = CapturingDisplayPublisher(parent=self.shell)

    def run(self, code: str) -> tuple[Any, list[dict[str, Any]]]:
        self.shell.display_pub.outputs.clear()
        done = self.shell.run_cell(code)
        done.raise_error()
        return done.result, [output["data"] for output in self.shell.display_pub.outputs]


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    kept, hooks = dict(vars(builtins)), (sys.displayhook, sys.excepthook)
    yield Notebook()
    InteractiveShell.clear_instance()
    for name in set(vars(builtins)) - set(kept):
        delattr(builtins, name)
    vars(builtins).update(kept)
    sys.displayhook, sys.excepthook = hooks


class Frame(HTMLParser):
    """The page inside the frame that a cell shows, and the frame's own attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.frames: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "iframe":
            self.frames.append(dict(attrs))


@pytest.mark.slow
@pytest.mark.smoke
def test_the_example_notebook_runs_and_its_numbers_are_right(
    notebook: Notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (source["nbformat"], source["metadata"]["kernelspec"]["name"]) == (4, "python3")
    cells = [cell for cell in source["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells), "stripped"
    shown: list[str] = []
    values = []
    for cell in cells:
        value, displayed = notebook.run("".join(cell["source"]))
        values.append(value)
        shown += [data["text/html"] for data in displayed if "text/html" in data]
    found = notebook.shell.user_ns
    assert values[1]["token"][0] == "france"
    assert values[-1]
    maps, scores, flips = found["maps"], found["scores"], found["flips"]
    np.testing.assert_allclose(maps.weights.sum(axis=-1), 1, atol=1e-5)
    assert scores.scores.sum() == pytest.approx(scores.value - scores.baseline_value, rel=0.02)
    assert {line.check for line in found["receipt"].lines} >= {"arithmetic", "comprehensiveness", "sanity"}
    assert flips.found > 0
    assert set(flips.flips.predictions) == {"NEGATIVE"} != {flips.prediction}
    changed = gb.classify(found["sentiment"], flips.flips.texts[0][0])
    assert changed.labels[changed.predicted] == "NEGATIVE", "asked again, the model says the same"
    assert "superb" in " ".join(found["verdict"].sentences)
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")
    assert gb.load_result(tmp_path / "scores.json").to_dict() == scores.to_dict()
    head = parsed((tmp_path / "head.svg").read_text(encoding="utf-8"))
    weights = {title: float(title.rpartition(": ")[2]) for title, _ in told(head)}
    assert weights["the → plot: " + f"{maps.weights[2, 4, 1, 2]:.4f}"] == pytest.approx(
        maps.weights[2, 4, 1, 2], abs=6e-5
    )
    assert len(shown) == 6
    assert "<iframe" in shown[0]
    assert all(output.startswith("<svg") for output in shown[1:])


def test_show_displays_what_draw_draws(notebook: Notebook, made: Callable[[str], Any]) -> None:
    result = made("Classification")
    notebook.shell.user_ns.update(gb=gb, result=result)
    value, displayed = notebook.run("gb.show(result, dark=True, title='A <title>')")
    assert value is None
    assert [data["text/html"] for data in displayed] == [gb.draw(result, dark=True, title="A <title>").svg]


def test_outside_a_notebook_a_sentence_says_what_to_do(made: Callable[[str], Any]) -> None:
    with pytest.raises(gb.GlassBERTError, match=r"needs a notebook.*draw\(result\)\.save"):
        gb.show(made("Classification"))


def test_all_heads_are_shown_in_a_frame_without_rights(notebook: Notebook, made: Callable[[str], Any]) -> None:
    maps = made("AttentionMaps")
    notebook.shell.user_ns.update(gb=gb, maps=maps)
    _, (data,) = notebook.run("gb.show(maps)")
    cell = Frame(data["text/html"])
    (frame,) = cell.frames
    assert cell.tags == ["iframe"]
    assert frame["sandbox"] == "allow-scripts", "without allow-same-origin it can reach nothing of the notebook"
    page = frame["srcdoc"] or ""
    assert "default-src 'none'" in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    sent = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    layers, heads, count, _ = maps.weights.shape
    assert len(sent["names"]) == layers * heads
    assert sent["rows"] == sent["columns"] == list(maps.encoded.pieces)
    sent_levels = np.frombuffer(base64.b64decode(sent["levels"]), dtype=np.uint8).reshape(layers, heads, count, count)
    read = (sent_levels / 255.0) ** 2 * sent["most"]
    np.testing.assert_allclose(read, maps.weights, atol=sent["most"] / 255)


def test_one_head_or_long_texts_need_no_script(notebook: Notebook, made: Callable[[str], Any], tiny_model: Any) -> None:
    long = gb.encode(tiny_model("bert", "encoder"), "good " * 400)
    weights = np.full((3, 8, len(long), len(long)), 1 / len(long), dtype=np.float32)
    notebook.shell.user_ns.update(gb=gb, maps=made("AttentionMaps"), long=gb.AttentionMaps(long, weights))
    for code in (
        "gb.show(maps, layer=0, head=1)",
        "gb.show(maps, layer=0)",
        "gb.show(long)",
        "gb.show(maps.over_heads())",
    ):
        _, (data,) = notebook.run(code)
        assert Frame(data["text/html"]).frames == []
        assert "<script" not in data["text/html"]


def test_hostile_tokens_stay_text_inside_the_frame(made: Callable[[str], Any]) -> None:
    from glassbert.figures._notebook import all_heads
    from tests.glassbert.figures.test_every_type import hostile_encoded

    pieces = (*HOSTILE[:5], "</script><script>alert(1)</script>", "\u202eabc")
    encoded = hostile_encoded(made("Encoded"), pieces)
    maps = gb.AttentionMaps(encoded, np.full((2, 2, len(pieces), len(pieces)), 1 / len(pieces)))
    cell = all_heads(maps, dark=False, title=HOSTILE[1], source=HOSTILE[0])
    assert cell is not None
    outer = Frame(cell._repr_html_())
    assert outer.tags == ["iframe"]
    inner = Frame(outer.frames[0]["srcdoc"] or "")
    assert inner.tags.count("script") == 2, "the data and our own"
    assert not {"img", "b", "iframe"} & set(inner.tags)
    sent = (outer.frames[0]["srcdoc"] or "").partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(sent)["rows"] == list(pieces)
    assert html.escape(HOSTILE[0], quote=True) in (outer.frames[0]["srcdoc"] or "")
    drawn = gb.draw(maps, layer=0, head=0)
    assert any(line.content.startswith("<script>") for line in lines_of_text(parsed(drawn.svg)))
    assert parsed(drawn.svg).tag == SVG + "svg"
