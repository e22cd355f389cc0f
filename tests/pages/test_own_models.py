"""A visitor's own model on the pages: a regression, and a folder that is read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.widgets.frontend import unpack
from tests.components.widgets.clicks import mounted
from tests.conftest import TinyCheckpoint
from tests.pages.workbench import as_read, messages, page, run

TEXT = "The plot is thin."


@pytest.fixture
def regression(tmp_path: Path, tiny_checkpoint: TinyCheckpoint) -> str:
    folder = Path(shutil.copytree(tiny_checkpoint("bert", "classification"), tmp_path / "regression"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": "regression"}))
    return str(folder)


def written(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def test_a_regression_shows_its_raw_scores_and_no_probability(regression: str) -> None:
    """The scores are compared with the stock network's output, through the library."""
    app = page(model=regression, beside="", text=TEXT)
    scores = gb.classify(gb.load(regression, "cpu"), TEXT).logits
    (told,) = [element.value for element in app.markdown if "Score" in element.value]
    assert [f"{score:.4g}" in as_read(told) for score in scores] == [True] * 3
    assert "raw scores of a regression" in written(app)
    assert "probabilit" not in written(app).replace("they have no probability", "")
    assert "%" not in told


def test_a_regression_has_no_class_to_flip_to(regression: str) -> None:
    app = page("what_if", model=regression, beside="", text=TEXT, section="smallest")
    assert "is a regression: it predicts a score, and no class that could change" in messages(app)


def test_a_discriminator_says_which_token_looks_replaced(tiny_checkpoint: TinyCheckpoint) -> None:
    folder = str(tiny_checkpoint("electra", "replaced_tokens"))
    found = gb.replaced_tokens(gb.load(folder, "cpu"), TEXT)
    worst, count = found.most_suspicious, int((found.predicted & (found.encoded.special_tokens_mask == 0)).sum())
    app = page(model=folder, beside="", text=TEXT, explain="replaced")
    assert (f"{count} token" in written(app)) == (count > 0)
    badges = "".join(element.body for element in app.get("html"))
    assert f"{found.probabilities[worst]:.1%}" in badges
    assert f"Evidence for **“{found.encoded.pieces[worst]}” replaced**" in written(app)
    chosen = page("masked_words", model=folder, beside="", text=TEXT, section="replaced", token="2")
    assert f"Why does “{found.encoded.pieces[2]}” look" in written(chosen)
    assert chosen.dataframe[0].value["probability"].tolist() == found.probabilities[1:-1].tolist()
    assert not page("masked_words", model="pretrained", beside="", text=TEXT, section="replaced").dataframe


def test_the_window_of_a_local_layer_is_drawn_and_said(tiny_checkpoint: TinyCheckpoint) -> None:
    folder = str(tiny_checkpoint("modernbert", "encoder", layers=3))
    app = page("attention", model=folder, beside="", text=TEXT, section="heads", layer="1", head="0")
    assert "Layer 2 (local), head 1" in written(app)
    assert "Local layer: window of 4 tokens; hatched cells are outside it." in written(app)
    inside = unpack(mounted(app, "head_heatmap").bytes)[0]["inside"]
    assert inside == gb.attention(gb.load(folder, "cpu"), TEXT).combine([(1, 0)]).inside().tolist()
    workbench = page(model=folder, beside="", text=TEXT, layer="2", head="0")
    assert "in layer 3 (global), head 1" in written(workbench)
    assert "window" not in written(workbench)


def test_the_reload_button_reads_the_folder_again(
    tmp_path: Path, tiny_checkpoint: TinyCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no change of the files can be noticed: here there is none."""
    folder = str(shutil.copytree(tiny_checkpoint("bert", "classification"), tmp_path / "own"))
    loaded: list[str] = []
    load = gb.load

    def counted(source: str, device: str) -> gb.Model:
        loaded.append(source)
        return load(source, device)

    monkeypatch.setattr(gb, "load", counted)
    app = page(model=folder, beside="", text=TEXT)
    run(app)
    assert loaded == [folder], "another run of the page keeps the copy in memory"
    app.button(key="models").click()  # the dialog of the models
    run(app)
    app.button(key="reload_model").click()
    run(app)
    assert loaded == [folder, folder]
    assert not app.error


def test_an_embedded_model_has_nothing_to_reload() -> None:
    app = page()
    app.button(key="models").click()
    run(app)
    assert not [button for button in app.button if button.label == "Reload"]
