"""Save & code, on every section of every page: the Python gives the numbers that are shown, the files hold them."""

from __future__ import annotations

import ast
import functools
import io
import time
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import files
from components.gateway.expressions import Code, script
from components.gateway.saliency import Explanations
from components.shared import save_and_code
from components.shared.save_and_code import Kept
from tests.conftest import TinyCheckpoint
from tests.pages.analysed import analysed_run
from tests.pages.test_hostile_addresses import SECTIONS
from tests.pages.tuned import tuned_run
from tests.pages.workbench import page, run, tokens

TEXT = "The acting is superb and I loved it."
PAIR = {"text": "Rome was founded long ago.", "pair": "It grew into a capital."}
GAP = "The capital of France is [MASK]."
WORSE = "The acting is terrible and I loved it."
#: Pages that show no result of the library on the visitor's text; the times on one differ from run to run.
WITHOUT = {"tour", "models", "definitions", "compress"}


@dataclass
class Popover:
    """One "Save & code" of a page, as the page asked for it."""

    view: str
    kept: tuple[Kept, ...]
    shown: tuple[Code, ...]

    def code(self) -> str:
        return script(*(self.shown or [one.code.frame() for one in self.kept]))


@pytest.fixture
def popovers(monkeypatch: pytest.MonkeyPatch) -> list[Popover]:
    found: list[Popover] = []
    monkeypatch.setattr(
        save_and_code, "_popover", lambda view, model, kept, shown, about: found.append(Popover(view, kept, shown))
    )
    return found


@pytest.fixture(autouse=True)
def _each_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gb, "load", _load)


@functools.cache
def _load(source: str, device: str = "cpu", _load: Any = gb.load) -> gb.Model:
    return _load(source, device)


def results_of(source: str) -> list[Any]:
    """Run the code in a namespace of its own; what its last lines show."""
    tree = ast.parse(source)
    shown = []
    while isinstance(tree.body[-1], ast.Expr):
        shown.append(tree.body.pop().value)
    space: dict[str, Any] = {}
    exec(compile(tree, "code", "exec"), space)
    return [eval(compile(ast.Expression(one), "code", "eval"), space) for one in reversed(shown)]


def same(one: Any, other: Any, place: str = "") -> None:
    """Equal, floats up to rounding; how long it took and how many passes it cost do not count."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, rtol=1e-3, atol=1e-4)
    elif isinstance(one, np.ndarray | float | np.floating):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4, err_msg=place)
    elif is_dataclass(one):
        assert type(one) is type(other)
        for field in fields(one):
            if field.name not in ("seconds", "forward_passes"):
                same(getattr(one, field.name), getattr(other, field.name), f"{place}.{field.name}")
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            same(one[key], other[key], f"{place}[{key}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            same(first, second, f"{place}[{number}]")
    else:
        assert one == other, place


def until_done(app: AppTest, name: str) -> None:
    deadline = time.monotonic() + 120
    while app.session_state["memory_jobs"][name].running and time.monotonic() < deadline:
        time.sleep(0.05)
    run(app)


def press(app: AppTest, key: str, job: str) -> None:
    app.button(key=key).click()
    run(app)
    until_done(app, job)


EXPLAINED = {"text": TEXT, "explain": "class", "methods": "saliency attn_lrp"}
#: (page, section) → what its address has beside the text, and the button that computes it.
CASES: dict[tuple[str, str], tuple[dict[str, str], str]] = {
    ("workbench", ""): ({"text": TEXT, "token": "4", "toward": "2", "beside": "sentiment", "special": "0"}, ""),
    ("attention", "heads"): (
        {"text": TEXT, "token": "4", "focus": "rows", "threshold": "4", "by_word": "1", "mark": "importance"}, ""),
    ("attention", "beyond"): ({"text": TEXT, "measures": "attention rollout flow value_zeroing", "special": "0"}, ""),
    ("attention", "roles"): ({"text": TEXT}, ""),
    ("attention", "ablation"): ({"text": TEXT, "token": "4", "heads_off": "0.1 2.3"}, ""),
    ("attention", "bertviz"): ({"text": TEXT, "bertviz": "neuron"}, ""),
    ("inputs", "steps"): ({"text": TEXT}, ""),
    ("inputs", "padding"): ({"text": TEXT}, ""),
    ("inputs", "tokenizers"): ({"text": TEXT, "beside": "sentiment"}, ""),
    ("inputs", "network"): ({"text": TEXT}, ""),
    ("masked_words", "candidates"): ({"text": GAP, "words": "paris, constantinople"}, ""),
    ("masked_words", "surprise"): ({"text": TEXT, "scoring": "word_l2r"}, ""),
    ("masked_words", "lens"): ({"text": GAP, "words": "paris, rome"}, ""),
    ("masked_words", "why"): ({"text": GAP, "word": "paris", "foil_word": "rome"}, ""),
    ("masked_words", "probe"): ({"text": TEXT, "fillers": "job: nurse, doctor"}, ""),
    ("masked_words", "replaced"): ({"text": TEXT, "token": "4", "beside": ""}, ""),
    ("next_sentence", ""): (PAIR, ""),
    ("entities", ""): ({"text": TEXT, "beside": "", "method": "input_x_gradient"}, "entity_flip"),
    ("question_answering", ""): (
        {"text": "What is good?", "pair": TEXT, "beside": "", "method": "input_x_gradient", "asked": "Who?"}, ""),
    ("similarity", ""): (
        {"text": "He got a refund.", "pair": "The money came back.", "searched": "Cats purr.\nA refund."}, ""),
    ("saliency", "rows"): (EXPLAINED, "explain"),
    ("saliency", "agreement"): (EXPLAINED, "explain"),
    ("saliency", "board"): (EXPLAINED, "explain"),
    ("saliency", "teaching"): (EXPLAINED, "explain"),
    ("what_if", "edit"): ({"text": TEXT, "token": "4"}, ""),
    ("what_if", "smallest"): ({"text": TEXT, "budget": "80"}, "flip"),
    ("what_if", "reduction"): ({"text": TEXT}, "reduction"),
    ("what_if", "tracing"): ({"text": TEXT, "other_text": WORSE, "patch": "mlp"}, ""),
    ("compare", "summary"): ({"text": TEXT, "other_text": WORSE, "shown_model": "beside"}, ""),
    ("compare", "attention"): ({"text": TEXT, "beside": "sentiment"}, ""),
    ("compare", "hidden"): ({"text": TEXT, "beside": "sentiment"}, ""),
    ("compare", "saliency"): ({"text": TEXT, "other_text": WORSE, "shown_model": "beside", "units": "probability"}, ""),
    ("compare", "masked"): ({"text": TEXT, "other_text": WORSE, "token": "4"}, ""),
    ("behaviour_tests", ""): ({"suite": "sentiment_negation", "most": "50"}, "behaviour"),
    ("data_set", "quality"): ({"where": "label:POSITIVE or wrong"}, ""),
    ("data_set", "slices"): ({}, ""),
    ("data_set", "words"): ({"words_by": "saliency"}, ""),
    ("data_set", "labels"): ({}, ""),
    ("data_set", "receipts"): ({}, ""),
    ("data_set", "map"): ({}, ""),
    ("data_set", "beside"): ({}, ""),
    ("fine_tuning", "quality"): ({}, ""),
    ("fine_tuning", "examples"): ({}, ""),
    ("fine_tuning", "labels"): ({}, ""),
    ("fine_tuning", "words"): ({"watched": "1"}, ""),
    ("fine_tuning", "moved"): ({}, ""),
}  # fmt: skip


def opened(page_id: str, section: str, explained: Explanations | None = None, **models: str) -> AppTest:
    """``explained``: what the page's button would compute."""
    link, button = CASES[page_id, section]
    link = link | models
    app = page(page_id, **link, **({"section": section} if section else {}))
    if button == "explain" and explained is not None:
        app.session_state["memory_jobs"]["explain"].found = explained
        run(app)
    elif button:
        press(app, f"{button}_start", button)
    if section == "tracing":
        until_done(app, "trace")
    return app


@pytest.fixture(scope="module")
def explained() -> Explanations:
    """Receipts take seconds: they are computed once for all sections."""
    app = opened("saliency", "rows")
    found: Explanations = app.session_state["memory_jobs"]["explain"].found
    assert len(found.receipts) == 2
    return found


def test_no_page_is_left_out() -> None:
    assert set(CASES) == {(page_id, section) for page_id, section in SECTIONS if page_id not in WITHOUT}


@pytest.mark.parametrize(("page_id", "section"), CASES)
def test_the_code_gives_what_is_shown_and_the_files_hold_it(
    page_id: str,
    section: str,
    popovers: list[Popover],
    explained: Explanations,
    tiny_checkpoint: TinyCheckpoint,
    tmp_path: Path,
) -> None:
    trained = {
        "replaced": ("electra", "replaced_tokens"),
        "entities": ("distilbert", "token_classification"),
        "question_answering": ("bert", "question_answering"),
    }.get(section or page_id)
    own = {"model": str(tiny_checkpoint(*trained))} if trained else {}
    if page_id == "data_set":
        own = {"run": analysed_run(tiny_checkpoint)}
    if page_id == "fine_tuning":
        own = {"run": tuned_run(tiny_checkpoint)}
    opened(page_id, section, explained, **own)
    latest = {one.view: one for one in popovers}
    assert latest
    for popover in latest.values():
        results_of(popover.code())
        found = results_of(script(*[one.code for one in popover.kept]))
        for kept, computed in zip(popover.kept, found, strict=True):
            result = kept.find()
            same(result, computed, f"{popover.view}: {kept.label}")
            in_files(kept, result, tmp_path / "saved.zip")


@pytest.mark.smoke
def test_the_code_of_the_verdict(popovers: list[Popover]) -> None:
    app = page(text=TEXT, explain="class", verdict="1")
    until_done(app, "verdict")
    (popover,) = [one for one in popovers if one.view == "verdict"][-1:]
    (found,) = results_of(script(popover.kept[0].code))
    same(popover.kept[0].find(), found)
    assert found.sentences == popover.kept[0].find().sentences


def in_files(kept: Kept, result: gb.Result, path: Path) -> None:
    path.write_bytes(files.as_file(result))
    assert gb.load_result(path).to_dict() == result.to_dict()
    if kept.table:
        rows = len(result.frame())
        assert len(pd.read_parquet(io.BytesIO(files.as_parquet(result.frame())))) == rows
        assert len(pd.read_csv(io.BytesIO(files.as_csv(result.frame())), keep_default_na=False)) == rows
    assert kept.kind in ("", type(result).__name__)
    if kept.picture is not None and files.has_picture(type(result).__name__):
        drawn = files.picture(result, "svg", kept.picture, dark=True, model="my model")
        assert b"my model" in drawn
        assert ElementTree.fromstring(drawn).tag.endswith("svg")


# --- the popover -----------------------------------------------------------------------------------------------------


def popover(view: str, page_id: str = "workbench", **link: str) -> AppTest:
    """The page with this popover open."""
    app = page(page_id, **link)
    app.session_state[f"kept_{view}"] = True
    return run(app)


def test_nothing_is_written_or_made_before_the_popover_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(save_and_code, "script", lambda *shown: pytest.fail("written"))
    monkeypatch.setattr(files, "made_later", lambda make: pytest.fail("a file"))
    app = page(text=TEXT, token="4")
    assert not app.code
    assert not app.download_button


def test_the_popover_has_the_code_and_the_files() -> None:
    app = popover("saliency", text=TEXT, explain="class")
    (written,) = [block.value for block in app.code]
    (frame,) = results_of(written)
    strip = [token["score"] for token in tokens(app, "saliency")]
    assert frame["score"].tolist() == pytest.approx(strip, rel=1e-3, abs=1e-5)
    assert [button.label for button in app.download_button] == ["SVG", "PNG", "CSV", "Parquet", "Result"]


@pytest.mark.parametrize(
    ("link", "part"),
    [
        ({}, lambda weights: weights),
        ({"special": "0"}, lambda weights: weights[1:-1, 1:-1]),
        ({"token": "4", "focus": "rows", "until": "6"}, lambda weights: weights[4:7]),
        ({"token": "4", "focus": "columns"}, lambda weights: weights[:, 4:5]),
        ({"threshold": "10"}, lambda weights: np.where(weights < 0.1, 0, weights)),
    ],
)
def test_the_last_line_is_the_part_of_the_map_that_is_drawn(link: dict[str, str], part: Any) -> None:
    view = {"text": TEXT, "section": "heads", "layer": "3", "head": "5"} | link
    (written,) = [block.value for block in popover("heads", "attention", **view).code]
    weights = gb.attention(_load("pretrained"), TEXT).weights[3, 5]
    np.testing.assert_allclose(results_of(written)[0], part(weights), atol=1e-5)


def test_a_search_that_was_stopped_is_saved_and_its_code_says_so(popovers: list[Popover]) -> None:
    """The code computes the whole search: what was found until a click is nobody's to compute again."""
    app = opened("what_if", "smallest")
    assert "stopped" not in popovers[-1].code()
    app.session_state["memory_jobs"]["flip"].stop()
    run(app)
    (kept,) = popovers[-1].kept
    assert "  # in full: on the page it was stopped early" in popovers[-1].code()
    assert type(kept.find()).__name__ == "FlipSearch"
