"""The Compare page, without a browser: what it shows equals what the library says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import models as gateway
from components.shared.charts import percent, readable
from components.views.compare.phrases import number, phrases, points
from components.widgets import frontend
from glassbert.comparison.results import AttributionDifference
from tests.components.widgets.clicks import click, mounted
from tests.pages.workbench import as_read, messages, page, parameters

TEXT = "The story is thin, but the acting is superb and I loved it."
OTHER = "The story is thin, but the acting is really terrible and I loved it."
SUPERB = "10"


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", "cpu")


def models(section: str = "summary", **view: str) -> AppTest:
    return page("compare", **{"text": TEXT, "token": SUPERB, "section": section} | view)


def texts(section: str = "summary", **view: str) -> AppTest:
    """On the classifier, which stands beside."""
    return models(section, **{"sides": "texts", "shown_model": "beside", "other_text": OTHER} | view)


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def formulas(app: AppTest) -> str:
    return "\n".join(element.value for element in app.latex)


def rows(app: AppTest, key: str) -> dict[str, list[dict[str, Any]]]:
    return {row["id"]: row["cells"] for row in json.loads(mounted(app, key).json)["rows"]}


def strip(app: AppTest, key: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(mounted(app, key).json)
    return data


def packed(app: AppTest, key: str) -> tuple[dict[str, Any], bytes]:
    return frontend.unpack(mounted(app, key).bytes)


def heatmap(app: AppTest, key: str) -> np.ndarray:
    """The values of one map as the browser reads them."""
    header, body = packed(app, key)
    planes = np.frombuffer(body, dtype=np.uint8).reshape(2, len(header["tokens"]), -1).astype(np.int64)
    values: np.ndarray = (planes[0] * 256 + planes[1] - header["zero"]) * header["step"]
    return values


def figure(app: AppTest, key: str) -> dict[str, Any]:
    (found,) = [chart.proto for chart in app.get("plotly_chart") if chart.proto.id.endswith(f"-{key}")]
    spec: dict[str, Any] = json.loads(found.spec)
    return spec


# --- two models ------------------------------------------------------------------------------------------------


def test_the_summary_names_the_librarys_largest_changes(pretrained: gb.Model, sentiment: gb.Model) -> None:
    app = models()
    told = shown(app)
    result = gb.compare_models(pretrained, sentiment, TEXT, parts=("attention", "hidden"))
    changes = gb.comparison.largest_changes(result.alignment, result.attention, result.hidden, count=3)
    named = phrases(changes, [result.attention, result.hidden])
    assert sum(map(len, named.values())) == 12
    for phrase in (phrase for found in named.values() for phrase in found):
        assert as_read(phrase) in told
    first = changes.frame().iloc[0]
    assert f"Layer {first['layer'] + 1} head {first['head'] + 1}** attends differently" in told
    assert "they have no prediction task in common" in messages(app)


def test_the_map_and_the_open_head_are_the_librarys(pretrained: gb.Model, sentiment: gb.Model) -> None:
    app = models("attention", layer="4", head="5")
    difference = gb.compare_models(pretrained, sentiment, TEXT, parts=("attention",)).attention
    assert difference is not None
    header, pixels = packed(app, "difference_map")
    assert (header["signed"], header["layer"], header["head"]) == (True, 4, 5)
    drawn = np.frombuffer(pixels, dtype=np.uint8).reshape(difference.values.shape).astype(int) - 128
    assert np.abs(drawn - 127 * np.sign(difference.values) * np.sqrt(np.abs(difference.values))).max() <= 0.51
    assert header["values"][4 * 12 + 5] == 1.0  # the head that moved most
    one = {
        name: gb.attention(model, TEXT).weights[4, 5] for name, model in (("first", pretrained), ("second", sentiment))
    }
    for name, weights in one.items():  # every word of this text is one token
        assert np.abs(heatmap(app, f"head_{name}") - weights).max() < 2e-5
    assert np.abs(heatmap(app, "head_difference") - (one["second"] - one["first"])).max() < 2e-5
    scales = [packed(app, f"head_{name}")[0]["full"] for name in ("first", "second", "difference")]
    assert scales == pytest.approx([max(weights.max() for weights in one.values())] * 3, abs=1e-6)
    assert f"{float(difference.divergence[4, 5]):.4f}" in formulas(app)


def test_a_click_on_a_head_opens_it_and_a_row_selects_its_word() -> None:
    app = models("attention", layer="4", head="5")
    version = packed(app, "difference_map")[0]["version"]
    click(app, "difference_map", {"version": version, "layer": 2, "head": 3})
    assert (parameters(app)["layer"], parameters(app)["head"]) == ("2", "3")
    assert "Layer 3, head 4" in shown(app)
    click(app, "head_second", {"version": packed(app, "head_second")[0]["version"], "axis": "query", "index": 4})
    assert parameters(app)["token"] == "4"


def test_cosines_and_cka_are_the_librarys(pretrained: gb.Model, sentiment: gb.Model) -> None:
    app = models("hidden")
    hidden = gb.compare_models(pretrained, sentiment, TEXT, parts=("hidden",)).hidden
    assert hidden is not None
    cells = rows(app, "hidden_words")["figure_0"]
    assert [cell["text"] for cell in cells] == [f"{value:.2f}" for value in hidden.cosine[-1]]
    assert as_read(f"cosine {number(float(hidden.cosine.min()))}.") in shown(app)
    assert f"{float(hidden.cka[-1, -1]):.4f}" in formulas(app)
    (cosines,) = figure(app, "cosines")["data"]
    assert (cosines["zmin"], cosines["zmax"]) == (0, 1)
    assert np.allclose(cosines["z"], hidden.cosine, atol=1e-6)
    assert np.allclose(figure(app, "cka")["data"][0]["z"], hidden.cka, atol=1e-6)


@pytest.mark.parametrize("section", ["saliency", "masked"])
def test_what_two_models_cannot_be_compared_by_says_why_and_offers_two_texts(section: str) -> None:
    app = models(section)
    assert "masked words" in messages(app)
    (button,) = [button for button in app.button if "Compare two texts on" in button.label]
    button.click().run()
    assert not app.exception
    assert parameters(app)["sides"] == "texts"
    assert "Second text" in [field.label for field in app.text_input]


def test_a_model_beside_itself_differs_by_nothing() -> None:
    summary = models(beside="pretrained")
    assert "every difference is zero" in messages(summary)
    assert "None: everything that could be compared is the same." in shown(summary)
    attention = models("attention", beside="pretrained")
    assert "the attention of both sides is the same" in shown(attention)
    header, pixels = packed(attention, "difference_map")
    assert set(pixels) == {128}
    assert set(header["values"]) == {0.0}
    assert (heatmap(attention, "head_difference") == 0).all()
    assert packed(attention, "head_difference")[0]["full"] > 0.5  # the scale of the sides, not that of rounding
    hidden = models("hidden", beside="pretrained")
    assert "the hidden states of both sides are the same" in shown(hidden)
    assert {cell["tone"] for cell in rows(hidden, "hidden_words")["figure_0"]} == {0.0}
    masked = models("masked", beside="pretrained")
    assert "the distributions do not differ" in shown(masked)


def test_other_tokenizers_are_compared_by_word(tiny_checkpoint: Callable[..., Path]) -> None:
    folder = str(tiny_checkpoint("roberta", "masked_words"))
    text = "The movie was unbelievable."
    app = models("hidden", text=text, beside=folder, token="-1")
    cells = rows(app, "hidden_words")
    first, second = ([cell["text"] for cell in cells[side]] for side in ("pieces", "second"))
    assert first == ["[CLS]", "the", "movie", "was", "unbelievable", ".", "[SEP]"]
    assert second == ["<s>", "The", "movie", "was", "unbelievable", ".", "</s>"]
    assert "so the cosine is not defined" in messages(app)
    summary = models(text=text, beside=folder, token="-1")
    assert "only models of the same shape can be compared head by head" in messages(summary)
    masked = models("masked", text=text, beside=folder, token="2")
    assert "have different vocabularies" in messages(masked)


def test_without_a_second_model_it_says_what_to_do() -> None:
    app = models(beside="")
    assert "Choose a second model" in messages(app)
    (button,) = [button for button in app.button if button.key == "open_beside"]
    button.click().run()
    assert not app.exception
    assert "First: **GlassBERT pretrained**" in shown(app)


# --- two texts -------------------------------------------------------------------------------------------------


def test_two_texts_are_aligned_and_their_predictions_compared(sentiment: gb.Model) -> None:
    app = texts()
    cells = rows(app, "words")
    assert [cell["text"] for cell in cells["second"] if cell["tone"]] == ["really", "terrible"]
    result = gb.compare_texts(sentiment, TEXT, OTHER, parts=("predictions",)).predictions
    assert result is not None
    first, second = figure(app, "decision_classification")["data"]
    shares = dict(zip(result.labels, result.first_probabilities.tolist(), strict=True))
    assert sorted(first["x"]) == pytest.approx(sorted(shares.values()), abs=1e-6)
    assert sorted(second["x"]) == pytest.approx(sorted(result.second_probabilities.tolist()), abs=1e-6)
    was, now = (
        round(100 * float(side[result.labels.index("POSITIVE")]), 1)
        for side in (result.first_probabilities, result.second_probabilities)
    )
    assert was - now > 50
    assert as_read(f"by {was - now:.1f} points, from {was:.1f}% to {now:.1f}%") in shown(app)
    assert first["text"] == [percent(share) for share in first["x"]]


def test_scores_and_their_difference_share_a_scale(sentiment: gb.Model) -> None:
    app = texts("saliency", method="occlusion")
    result = gb.compare_texts(sentiment, TEXT, OTHER, parts=("attribution",), method="occlusion").attribution
    assert result is not None
    strips = {side: strip(app, f"scores_{side}") for side in ("first", "second", "difference")}
    assert len({data["scale"] for data in strips.values()}) == 1
    told = {side: [token["score"] for token in data["tokens"]] for side, data in strips.items()}
    there = {side: np.asarray([bool(label) for label in labels]) for side, labels in _labels(result).items()}
    for side, values in (("first", result.first_scores), ("second", result.second_scores)):
        assert told[side] == pytest.approx(values[there[side]].tolist(), abs=1e-4)
    assert told["difference"] == pytest.approx(result.differences.tolist(), abs=1e-4)
    assert "Evidence for POSITIVE" in shown(app).replace("*", "")


def _labels(result: AttributionDifference) -> dict[str, tuple[str, ...]]:
    return {"first": result.alignment.first_labels, "second": result.alignment.second_labels}


def test_masked_words_of_two_texts(pretrained: gb.Model) -> None:
    app = texts("masked", shown_model="model", other_text=TEXT.replace("thin", "moving"), token=SUPERB)
    other = TEXT.replace("thin", "moving")
    alignment = gb.text.alignment.align_words(gb.encode(pretrained, TEXT), gb.encode(pretrained, other))
    sides = gb.comparison.sides_of_texts(pretrained, TEXT, other)
    words = np.flatnonzero(alignment.matched & ~alignment.special).tolist()
    result = gb.comparison.compare_masked_words(sides, words)
    assert [cell["text"] for cell in rows(app, "masked_words")["figure_0"]] == [
        f"{bits:.2f}" for bits in result.divergence
    ]
    place = words.index(10)
    for side, choices, shares in (
        (0, result.first_choices, result.first_probabilities),
        (1, result.second_choices, result.second_probabilities),
    ):
        (bars,) = figure(app, f"expected_{side}")["data"]
        assert bars["text"][0] == percent(float(shares[place]))
        assert bars["customdata"][0][0] == readable(choices[place])
    assert f"{float(result.divergence[place]):.4f}" in formulas(app)


def test_a_missing_second_text_says_what_to_do() -> None:
    app = texts(text="A sentence of its own.", other_text="")
    assert messages(app).startswith("Type a second text here")
    (button,) = [button for button in app.button if button.key == "copy_first"]
    button.click().run()
    assert not app.exception
    assert "every difference is zero" in messages(app)
    assert "None: everything that could be compared is the same." in shown(app)


def test_an_example_brings_its_second_text() -> None:
    app = page("compare", sides="texts", shown_model="beside", section="saliency", method="input_x_gradient")
    assert [token["text"] for token in strip(app, "scores_second")["tokens"]][13] == "hated"


def test_a_word_that_only_the_second_has_is_shown_and_selects_nothing() -> None:
    app = texts()
    data = json.loads(mounted(app, "words").json)
    (inserted,) = [cell for cell in rows(app, "words")["second"] if cell["text"] == "really"]
    click(app, "words", {"version": data["version"], "index": inserted["from"]})
    assert app.session_state.view["token"] == -1
    click(app, "words", {"version": data["version"], "index": 3})
    assert app.session_state.view["token"] == 3


@pytest.mark.parametrize("section", ["summary", "attention", "hidden", "saliency", "masked"])
def test_hostile_text_stays_text(section: str) -> None:
    hostile = "![x](http://a.b/c.png) <b>$x$</b> :streamlit: **bold**"
    other = f"{hostile} </script>"
    app = page("compare", text=hostile, other_text=other, section=section, method="input_x_gradient", token="3")
    assert not app.error
    markup = "\n".join(element.value for element in [*app.markdown, *app.caption, *app.info, *app.warning])
    for live in ("![", "<b>", "</script>", "$x$", ":streamlit:"):
        assert live not in markup


def test_a_second_text_that_cannot_be_read_is_told() -> None:
    assert "token" in messages(texts(other_text="too long " * 400))


def test_a_link_with_nonsense_in_it_still_draws() -> None:
    app = page("compare", sides="nothing", section="nowhere", shown_model="nobody", layer="99", head="99", token="99")
    assert not app.error
    assert "The largest changes" in shown(app)


def test_numbers_in_sentences() -> None:
    assert [points(value) for value in (0.4123, -0.05, 0.00012)] == ["41", "5\\.0", "0\\.012"]
    assert [number(value) for value in (0.0, 1.0, 0.5, -0.014, 0.99987)] == ["0", "1", "0\\.50", "−0\\.01", "0\\.99987"]


def test_a_long_text_is_masked_in_full_only_when_asked() -> None:
    text = " ".join(["red"] * 50)
    app = texts("masked", shown_model="model", text=text, other_text=f"{text} cat", token="3")
    assert [cell["from"] for cell in rows(app, "masked_words")["figure_0"]] == [3]
    (button,) = [button for button in app.button if button.key == "mask_all"]
    assert button.label == "Mask all 50 words in turn"
    assert "100 passes" in shown(app)
    assert "Takes " in shown(app)
    button.click().run()
    assert not app.exception
    assert len(rows(app, "masked_words")["figure_0"]) == 50
    assert "They differ most at" in shown(app)


def test_scores_that_take_long_wait_for_a_click_beside_their_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "_QUICK_OPERATIONS", 0)
    app = texts("saliency", text=TEXT, other_text=OTHER)
    assert "Takes " in shown(app)
    assert "Evidence for" not in shown(app)
    (button,) = [button for button in app.button if button.label == "Explain both sides"]
    button.click().run()
    assert "Evidence for" in shown(app)
