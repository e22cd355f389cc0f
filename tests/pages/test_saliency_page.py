"""The Saliency page, without a browser: what it shows equals what the library says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import saliency
from glassbert.pictures.formats import signed
from tests.components.widgets.clicks import click, mounted
from tests.pages.workbench import as_read, messages, page, parameters, run

TEXT = "It was not bad at all."
QUICK = "saliency input_x_gradient occlusion"


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", "cpu")


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def explained(**view: str) -> AppTest:
    """The page after its button was pressed and everything has arrived."""
    app = page("saliency", **{"text": TEXT, "methods": QUICK} | view)
    press(app)
    return app


def press(app: AppTest) -> None:
    app.button(key="explain_start").click()
    run(app)
    deadline = time.monotonic() + 120
    while app.session_state["memory_jobs"]["explain"].running and time.monotonic() < deadline:
        time.sleep(0.1)
    run(app)


def scores_of(app: AppTest, key: str) -> list[float]:
    return [token["score"] for token in json.loads(mounted(app, key).json)["tokens"]]


@pytest.mark.parametrize(
    ("workbench", "methods", "shown_first"),
    [("input_x_gradient", QUICK, "input_x_gradient"), ("attn_lrp", QUICK, "saliency"), ("attn_lrp", "occlusion", None)],
)
def test_one_method_of_one_pass_is_shown_before_the_button_is_pressed(
    sentiment: gb.Model, workbench: str, methods: str, shown_first: str | None
) -> None:
    """The Workbench's own, if it is among those that are compared."""
    app = page("saliency", text=TEXT, methods=methods, method=workbench)
    found = app.session_state["memory_jobs"]["explain"].found
    assert list(found.scores) == ([shown_first] if shown_first else [])
    assert not found.receipts
    assert " for the scores, " in shown(app)
    if shown_first:
        scores = gb.attribute(sentiment, TEXT, method=shown_first).scores
        np.testing.assert_allclose(scores_of(app, f"row_{shown_first}"), scores, atol=1e-5)


def test_the_predicted_class_is_named(sentiment: gb.Model) -> None:
    label = gb.classify(sentiment, TEXT)
    (why,) = [box for box in page("saliency", text=TEXT).selectbox if box.label == "Why"]
    assert why.options == [f"{label.labels[label.predicted]} (predicted)", *label.labels]


def test_each_row_has_the_scores_of_its_method(sentiment: gb.Model) -> None:
    app = explained()
    for method in QUICK.split():
        result = gb.attribute(sentiment, TEXT, method=method)
        np.testing.assert_allclose(scores_of(app, f"row_{method}"), result.scores, atol=1e-5)
    assert f"Evidence for **{result.target_label}**, logit {signed(result.value)}" in shown(app)
    text = shown(app)
    for method in QUICK.split():
        for line in app.session_state["memory_jobs"]["explain"].found.receipts[method].lines:
            assert as_read(line.sentence) in text
    assert "All 3 methods are computed" in text


def test_methods_added_later_do_not_repeat_the_others() -> None:
    app = explained(methods="saliency")
    first = app.session_state["memory_jobs"]["explain"].found.scores["saliency"]
    (methods,) = [group for group in app.button_group if group.label == "Methods"]
    methods.set_value(["saliency", "occlusion"])
    run(app)
    assert parameters(app)["methods"] == "saliency occlusion"
    assert "Gradient saliency, Occlusion" in shown(app)
    assert "1 of 2 methods" in shown(app)
    press(app)
    explanations = app.session_state["memory_jobs"]["explain"].found
    assert explanations.scores["saliency"] is first
    assert set(explanations.receipts) == {"saliency", "occlusion"}


def test_a_click_selects_the_token_in_the_whole_app() -> None:
    app = explained()
    version = json.loads(mounted(app, "row_occlusion").json)["version"]
    click(app, "row_occlusion", {"version": version, "index": 4})
    assert parameters(app)["token"] == "4"
    for method in QUICK.split():
        assert json.loads(mounted(app, f"row_{method}").json)["selected"] == 4


def test_ordered_by_score_the_strongest_comes_first_and_a_click_still_means_its_token(sentiment: gb.Model) -> None:
    app = explained(methods="occlusion", order="score", special="0")
    scores = scores_of(app, "row_occlusion")
    assert scores == sorted(scores, reverse=True)
    result = gb.attribute(sentiment, TEXT, method="occlusion")
    words = np.flatnonzero(result.encoded.special_tokens_mask == 0)
    best = words[result.scores[words].argmax()]
    version = json.loads(mounted(app, "row_occlusion").json)["version"]
    click(app, "row_occlusion", {"version": version, "index": 0})
    assert parameters(app)["token"] == str(best)


def test_words_have_the_sum_of_their_pieces_and_hidden_tokens_are_accounted_for(sentiment: gb.Model) -> None:
    text = "An unbelievably spotless room."
    app = explained(text=text, methods="occlusion", by_word="1", special="0")
    result = gb.attribute(sentiment, text, method="occlusion")
    strip = json.loads(mounted(app, "row_occlusion").json)["tokens"]
    encoded = result.encoded
    sums = [result.scores[encoded.word_ids == word].sum() for word in range(encoded.word_ids.max() + 1)]
    assert [token["score"] for token in strip] == pytest.approx(sums, abs=1e-5)
    assert [token["raw"] for token in strip] == ["an", "unbelievably", "spotless", "room", "."]
    assert "special tokens hold" in shown(app)


def test_a_common_scale_shows_shares_of_each_total() -> None:
    app = explained(scale="common")
    for method in QUICK.split():
        assert sum(map(abs, scores_of(app, f"row_{method}"))) == pytest.approx(1, abs=1e-4)


def test_one_class_rather_than_another(sentiment: gb.Model) -> None:
    app = explained(methods="saliency", label="NEGATIVE", foil_label="POSITIVE")
    result = gb.attribute(sentiment, TEXT, method="saliency", target=gb.ClassTarget("NEGATIVE", "POSITIVE"))
    assert scores_of(app, "row_saliency") == pytest.approx(result.scores.tolist(), abs=1e-5)
    assert "NEGATIVE rather than POSITIVE" in shown(app)


def test_the_same_class_twice_is_said_in_words() -> None:
    app = page("saliency", text=TEXT, methods="saliency", label="POSITIVE", foil_label="POSITIVE")
    press(app)
    assert "choose two different ones" in messages(app)


def test_a_masked_word_is_explained_at_its_gap() -> None:
    app = explained(text="Paris is the capital of [MASK].", methods="occlusion", word="france", foil_word="england")
    assert "france rather than england" in shown(app)


def test_a_method_that_refuses_says_why_and_the_others_go_on() -> None:
    app = explained(methods="decompx saliency", units="probability")
    assert "DecompX" in messages(app)
    assert scores_of(app, "row_saliency")


def test_agreement_is_that_of_the_library() -> None:
    app = explained(section="agreement")
    explanations = app.session_state["memory_jobs"]["explain"].found
    result = gb.method_agreement([explanations.scores[method] for method in QUICK.split()])
    assert scores_of(app, "consensus") == pytest.approx(result.consensus.tolist(), abs=1e-5)


def test_the_scoreboard_has_the_order_of_the_library() -> None:
    app = explained(section="board")
    explanations = app.session_state["memory_jobs"]["explain"].found
    board = gb.scoreboard([explanations.receipts[method] for method in QUICK.split()])
    table = app.dataframe[0].value
    assert table["Method"].tolist() == [gb.METHODS[method].label for method in board.methods]
    assert table["Random orderings beaten"].tolist() == pytest.approx(
        [100 * share for share in board.faithfulness if share is not None]
    )
    ranking = gb.evaluation.stored_ranking(gb.load("sentiment", "cpu"))
    best, shown_for_model = ranking.best, app.dataframe[1].value
    assert shown_for_model["Planted word"].tolist() == pytest.approx(ranking.found("planted").tolist())
    assert shown_for_model["Human edits"].tolist() == pytest.approx(ranking.found("edits").tolist())
    assert best not in QUICK.split()
    app.button(key="add_best").click()
    run(app)
    assert set(parameters(app)["methods"].split()) == {*QUICK.split(), best}
    assert "add_best" not in {button.key for button in app.button}


@pytest.mark.parametrize("kind", ["random", "flipped", "other_sentence"])
def test_a_broken_explanation_is_shown_with_its_failing_receipt(kind: str) -> None:
    app = page("saliency", text=TEXT, methods="occlusion", section="teaching", broken=kind)
    press(app)
    assert "Broken on purpose" in shown(app)
    assert json.loads(mounted(app, "broken").json)["tokens"][1]["score"] is not None
    assert "fail" in "".join(expander.label for expander in app.expander)


@pytest.mark.parametrize(
    ("page_id", "key", "view"),
    [
        ("masked_words", "why", {"text": "Paris is the capital of [MASK].", "section": "why"}),
        ("next_sentence", "next_why", {"text": "The man went home.", "pair": "He was tired."}),
    ],
)
def test_other_pages_offer_the_receipt_of_what_they_explain(page_id: str, key: str, view: dict[str, str]) -> None:
    app = page(page_id, method="occlusion", **view)
    assert not any("Receipt" in expander.label for expander in app.expander)
    app.toggle(key=f"{key}_wanted").set_value(True)
    run(app)
    model = gb.load("pretrained", "cpu")
    target = gb.MaskTarget(6) if page_id == "masked_words" else gb.NextSentenceTarget()
    expected = gb.receipt(model, gb.attribute(model, view["text"], view.get("pair"), method="occlusion", target=target))
    for line in expected.lines:
        assert as_read(line.sentence) in shown(app)


def test_text_is_shown_as_text() -> None:
    app = explained(text="<img src=x onerror=alert(1)> **bold** ![](http://x)", methods="saliency")
    for element in [*app.markdown, *app.caption]:
        assert "<img" not in element.value
        assert "](http" not in element.value


def test_another_text_asks_for_the_button_again() -> None:
    app = explained(methods="saliency")
    app.query_params["text"] = "Dull and far too long."
    run(app)
    found = app.session_state["memory_jobs"]["explain"].found
    assert [one.encoded.texts for one in found.scores.values()] == [("Dull and far too long.",)]
    assert not found.receipts
    assert not app.button(key="explain_start").disabled


def test_without_a_decision_the_page_says_what_to_do() -> None:
    app = page("saliency", text="No gap here.", beside="", token="-1")
    assert "Nothing to explain yet" in messages(app)


def test_the_ranking_of_a_model_can_be_stopped_and_tells_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for minutes of work, which ends when it is stopped."""
    started = threading.Event()

    def work(progress: Callable[[int, int], None], cancelled: Callable[[], bool]) -> None:
        progress(15, 60)
        started.set()
        while not cancelled():
            time.sleep(0.01)
        raise gb.StoppedError

    def fail(**_: object) -> None:
        raise gb.OptionError("no <sentences>")

    monkeypatch.setattr(saliency, "stored_ranking", lambda request: None)
    monkeypatch.setattr(saliency, "method_ranking", lambda request: work)
    app = explained(methods="saliency", section="board")
    app.button(key="ranking_start").click()
    run(app)
    assert started.wait(20)
    assert [bar.proto.text for bar in app.get("progress")] == ["25% of the sentences"]
    app.button(key="ranking_stop").click()
    run(app)
    while "ranking_stop" in {button.key for button in app.button}:
        run(app)
    assert "Stopped before there were any results." in messages(app)
    monkeypatch.setattr(saliency, "method_ranking", lambda request: fail)
    app.button(key="ranking_start").click()
    run(app)
    assert "no <sentences>" in messages(app)
