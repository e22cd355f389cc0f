"""Texts longer than the models read: every page shows a window of them, and Saliency explains the whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway.expressions import script
from components.shared import save_and_code
from tests.components.widgets.clicks import click, mounted
from tests.conftest import TinyCheckpoint
from tests.pages.test_save_and_code import Popover, results_of, same, until_done
from tests.pages.workbench import as_read, messages, page, parameters, run, selected, tokens

GOOD, BAD = "The room was lovely. ", "The soup was dreadful. "
LONG = "\n\n".join([GOOD * 30, BAD * 20, GOOD * 20]).strip()


@pytest.fixture(scope="module")
def source(tiny_checkpoint: TinyCheckpoint) -> str:
    return str(tiny_checkpoint("bert", "classification"))


@pytest.fixture(scope="module")
def classifier(source: str) -> gb.Model:
    return gb.load(source, "cpu")


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def test_pages_show_one_window_after_the_other(source: str, classifier: gb.Model) -> None:
    encoded = gb.encode(classifier, LONG, windows=gb.Windows())
    app = page(text=LONG, model=source, beside="", token="2")
    assert messages(app) == ""
    assert f"Window 1 of {len(encoded.windows)}" in shown(app)
    assert [token["text"] for token in tokens(app)] == list(encoded.window(0).pieces)
    assert app.button(key="window_previous").disabled
    app.button(key="window_next").click()
    run(app)
    assert [token["text"] for token in tokens(app)] == list(encoded.window(1).pieces)
    assert selected(app) is None
    assert parameters(app)["window"] == "1"
    last = page(text=LONG, model=source, beside="", window="99")
    assert f"Window {len(encoded.windows)} of {len(encoded.windows)}" in shown(last)
    assert last.button(key="window_next").disabled


@pytest.mark.parametrize("decided_by", ["mean", "strongest"])
def test_the_whole_is_decided_as_the_library_decides_it(source: str, classifier: gb.Model, decided_by: str) -> None:
    app = page("saliency", text=LONG, model=source, beside="", decided_by=decided_by)
    if "The whole text: " not in shown(app):
        app.button(key="decide_whole_start").click()
        run(app)
        until_done(app, "decide_whole")
    decided = gb.classify(classifier, LONG, windows=gb.Windows(decided_by=decided_by))
    share = float(decided.probabilities.max())
    assert f"The whole text: **{decided.labels[decided.predicted]} {100 * share:.1f}%**" in shown(app)


def test_the_whole_is_explained_and_a_word_leads_to_its_window(
    source: str, classifier: gb.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Popover] = []
    monkeypatch.setattr(
        save_and_code, "_popover", lambda view, model, kept, shown, about: found.append(Popover(view, kept, shown))
    )
    app = page("saliency", text=LONG, model=source, beside="", whole_by="input_x_gradient")
    sent = json.loads(mounted(app, "whole_text").json)
    assert "".join(sent["texts"]) == LONG
    scores = gb.attribute(classifier, LONG, method="input_x_gradient", windows=gb.Windows())
    words = scores.by_word()
    np.testing.assert_allclose(
        [score for score in sent["scores"] if score is not None], words.scores[~words.special], rtol=2e-2, atol=1e-4
    )
    (whole,) = [one for one in found if one.view == "whole"][-1:]
    (computed,) = results_of(script(*[one.code for one in whole.kept]))
    same(whole.kept[0].find(), computed)

    index = max(number for number, text in enumerate(sent["texts"]) if text == "lovely")
    run(click(app, "whole_text", {"version": sent["version"], "index": index}))
    assert parameters(app)["window"] == str(len(scores.encoded.windows) - 1)
    window = scores.encoded.window(len(scores.encoded.windows) - 1)
    assert window.offsets[int(parameters(app)["token"]), 0] == LONG.rindex("lovely")


@pytest.mark.smoke
def test_the_whole_has_its_surprise_and_a_word_leads_to_its_window(tiny_checkpoint: TinyCheckpoint) -> None:
    model, text = str(tiny_checkpoint("bert", "masked_words")), GOOD * 24 + BAD * 24
    app = page("masked_words", section="surprise", text=text.strip(), model=model, beside="")
    assert "Window 1 of 2" in shown(app)
    app.button(key="surprise_whole_start").click()
    run(app)
    until_done(app, "surprise_whole")
    sent = json.loads(mounted(app, "surprise_text").json)
    assert "".join(sent["texts"]) == text.strip()
    bits = gb.surprise(gb.load(model, "cpu"), text.strip(), windows=gb.Windows())
    assert sum(score or 0 for score in sent["scores"]) == pytest.approx(float(bits.surprisal.sum()), rel=1e-3)
    assert f"pseudo-perplexity **{bits.pseudo_perplexity:.1f}**" in shown(app)
    run(click(app, "surprise_text", {"version": sent["version"], "index": len(sent["texts"]) - 1}))
    assert parameters(app)["window"] == "1"


def test_a_long_second_text_is_read_in_windows_beside_the_whole_first_one(source: str) -> None:
    app = page(text="How was it?", pair=LONG, model=source, beside="")
    assert "Window 1 of" in shown(app)
    assert tokens(app)[1]["raw"].startswith("h")
