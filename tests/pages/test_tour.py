"""The tour says what the library computes, keeps its place, and leaves the visitor's text alone."""

from __future__ import annotations

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.shell.navigation import PAGES
from components.state import View
from components.views.tour.fields import STEPS, TourFields
from components.views.tour.sentence import CHANGES, HEAD, HIDDEN, LAYER, LOOKING, SENTENCE, SPLIT
from components.views.tour.steps import STEPS as SCREENS
from glassbert.pictures.formats import percent
from tests.components.widgets.clicks import mounted
from tests.pages.workbench import as_read, header, page, parameters, run, tokens

OWN = {"text": "A text of my own.", "token": "2"}


@pytest.fixture(scope="module")
def decides() -> gb.Model:
    return gb.load("sentiment", "cpu")


@pytest.fixture(scope="module")
def guesses() -> gb.Model:
    return gb.load("pretrained", "cpu")


def step(number: int, **fields: str) -> AppTest:
    return page("tour", step=str(number), **fields)


def said(app: AppTest) -> str:
    """All sentences of the screen."""
    return as_read("\n".join(element.value for element in app.markdown))


def drawn(app: AppTest) -> str:
    """All HTML of the screen, without its styles."""
    return "\n".join(block.proto.body for block in app.get("html") if "<style>" not in block.proto.body)


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return run(app)


# --- the screens ---------------------------------------------------------------------------------------------------


def test_every_step_has_a_heading_a_picture_a_caveat_and_a_page_to_try_it() -> None:
    assert len(SCREENS) == STEPS
    for number, screen in enumerate(SCREENS, start=1):
        app = step(number)
        assert [heading.value for heading in app.header] == [screen.title]
        assert f"{number} of {STEPS}" in said(app)
        assert ":material/lightbulb:" in said(app)
        assert not [*app.error, *app.warning]
        assert app.button(key="tour_own").label == "Try this with your own sentence"


def test_the_whole_way_ends_with_the_decision(decides: gb.Model) -> None:
    decision = gb.classify(decides, SENTENCE)
    picture = drawn(step(1))
    assert f"<b>{decision.labels[decision.predicted]}</b>" in picture
    assert percent(float(decision.probabilities.max())) in picture
    assert "18 pieces" in picture
    assert "18 × 384 numbers" in picture
    assert "6 layers of 12 heads" in picture
    assert picture.count("data:image/png;base64,") == 2
    assert f"{decides.parameters / 1e6:.0f} million weights" in said(step(1))


def test_the_pieces_are_those_of_the_tokenizer(decides: gb.Model) -> None:
    app = step(2)
    encoded = gb.encode(decides, SENTENCE)
    assert [token["text"] for token in tokens(app, "tour_strip")] == list(encoded.pieces)
    assert "“overlong” is not one of them, so it is read as “over” and “long”" in said(app)
    assert f"{len(decides.tokenizer):,} pieces" in said(app)


def test_the_numbers_are_the_ids_and_the_input_of_the_first_layer(decides: gb.Model) -> None:
    encoded = gb.encode(decides, SENTENCE)
    picture = drawn(step(3))
    assert re.findall(r'gb-tour-id">([^<]+)<', picture) == [str(id) for id in encoded.input_ids]
    assert re.findall(r'gb-tour-piece">([^<]+)<', picture) == list(encoded.pieces)
    assert picture.count("data:image/png;base64,") == len(encoded)
    assert len(set(re.findall(r"base64,([^\"]+)", picture))) == len(encoded)  # "the", "is": their positions differ


def test_the_walk_shows_the_weights_of_the_head_that_is_named(decides: gb.Model) -> None:
    app = step(4)
    weights = gb.attention(decides, SENTENCE).weights[LAYER, HEAD]
    sent = header(app, "tour_walk")
    count = len(sent["tokens"])
    body = np.frombuffer(_body(app), dtype=np.uint8).reshape(2, count, count).astype(int)
    assert np.abs((body[0] * 256 + body[1]) * sent["step"] - weights).max() <= sent["step"]
    assert sorted(sent["path"]) == list(range(1, count - 1))  # each piece once, [CLS] and [SEP] never
    assert sent["path"][0] == LOOKING[0]
    assert f"Head {HEAD + 1} of layer {LAYER + 1}" in said(app)


def _body(app: AppTest) -> bytes:
    from components.widgets import frontend

    return frontend.unpack(mounted(app, "tour_walk").bytes)[1]


def test_the_guesses_are_shown_when_they_are_asked_for(guesses: gb.Model) -> None:
    app = step(5)
    assert [token["kind"] for token in tokens(app, "tour_strip")].count("masked") == 1
    assert HIDDEN not in said(app)
    assert "gb-tour-guess" not in drawn(app)
    press(app, "tour_show")
    encoded = gb.encode(guesses, SENTENCE)
    place = list(encoded.pieces).index(HIDDEN)
    best = gb.fill_mask(guesses, SENTENCE, positions=[place], top_k=5)
    assert f"Its first guess is “{best.candidates[0][0]}”" in said(app)
    assert percent(float(best.probabilities[0, 0])) in said(app)
    assert re.findall(r'gb-tour-word">([^<]+)<', drawn(app)) == list(best.candidates[0])
    shares = [percent(float(share)) for share in best.probabilities[0]]
    assert re.findall(r'gb-tour-share">([^<]+)<', drawn(app)) == shares
    assert parameters(app)["guesses"] == "1"


def test_the_reasons_are_those_of_the_method_that_the_app_shows_first(decides: gb.Model) -> None:
    app = step(6)
    scores = gb.attribute(decides, SENTENCE, method=View().method)
    assert [token["score"] for token in tokens(app, "tour_strip")] == pytest.approx(scores.scores, abs=1e-4)
    decision = gb.classify(decides, SENTENCE)
    assert percent(float(decision.probabilities.max())) in drawn(app)
    assert f"one of {len(gb.METHODS)} methods" in said(app)


def test_the_outcome_of_each_change_is_shown_when_it_is_asked_for(decides: gb.Model) -> None:
    app = step(7)
    assert drawn(app).count("gb-tour-outcome") == 2  # the list and the sentence itself
    press(app, "tour_show")
    picture = drawn(app)
    assert picture.count("gb-tour-outcome ") == 1 + len(CHANGES)
    for old, new in (("", ""), *CHANGES):
        result = gb.classify(decides, SENTENCE.replace(old, new) if old else SENTENCE)
        assert percent(float(result.probabilities[decides.labels.index("POSITIVE")])) in picture
        assert f"<mark>{new}</mark>" in picture or not new


# --- what the tour says is true of the embedded models: with other weights, another sentence has to be found ---------


def test_the_split_word_is_made_of_two_words(decides: gb.Model) -> None:
    encoded = gb.encode(decides, SENTENCE)
    pieces = [piece for piece, word in zip(encoded.pieces, encoded.word_ids, strict=True) if word == 3]
    assert SPLIT in SENTENCE
    assert pieces == ["over", "long"]


def test_the_head_looks_for_opinions(decides: gb.Model) -> None:
    encoded = gb.encode(decides, SENTENCE)
    weights = gb.attention(decides, SENTENCE).weights[LAYER, HEAD]
    named = [(encoded.pieces[query], encoded.pieces[int(weights[query].argmax())]) for query in LOOKING]
    assert named == [("film", "over"), ("is", "superb"), ("i", "loved")]
    opinions = np.isin(encoded.pieces, ["over", "long", "superb", "loved"])
    words = encoded.special_tokens_mask == 0
    assert weights[words][:, opinions].sum(axis=1).mean() > 0.6


def test_the_hidden_word_is_the_first_guess_and_not_a_sure_one(guesses: gb.Model) -> None:
    place = list(gb.encode(guesses, SENTENCE).pieces).index(HIDDEN)
    best = gb.fill_mask(guesses, SENTENCE, positions=[place], top_k=2)
    assert best.candidates[0][0] == HIDDEN
    assert best.probabilities[0, 1] > 0.5 * best.probabilities[0, 0]


def test_the_decision_is_right_sure_and_carried_by_the_words_that_praise(decides: gb.Model) -> None:
    decision = gb.classify(decides, SENTENCE)
    assert (decision.labels[decision.predicted], decision.probabilities.max() > 0.9) == ("POSITIVE", True)
    for method in (View().method, "decompx", "integrated_gradients"):
        scores = gb.attribute(decides, SENTENCE, method=method)
        order = [scores.encoded.pieces[place] for place in scores.scores[1:-1].argsort() + 1]
        assert {"loved", "superb"} == set(order[-2:])
        assert order[0] in ("over", "long")


def test_the_first_change_flips_it_rightly_and_the_second_wrongly(decides: gb.Model) -> None:
    for old, new in CHANGES:
        result = gb.classify(decides, SENTENCE.replace(old, new))
        assert result.labels[result.predicted] == "NEGATIVE"
        assert result.probabilities.max() > 0.8


# --- the way through -------------------------------------------------------------------------------------------------


def test_back_and_next_lead_through_all_steps_and_stop_at_the_ends() -> None:
    app = page("tour")
    assert app.button(key="tour_back").disabled
    titles = [app.header[0].value]
    for _ in range(STEPS - 1):
        press(app, "tour_next")
        titles.append(app.header[0].value)
    assert titles == [screen.title for screen in SCREENS]
    assert parameters(app)["step"] == str(STEPS)
    assert [button.key for button in app.button if button.key in ("tour_back", "tour_next")] == ["tour_back"]
    press(app, "tour_back")
    assert parameters(app)["step"] == str(STEPS - 1)


def test_it_starts_again_with_its_questions_open() -> None:
    app = step(STEPS, outcome="1", guesses="1")
    press(app, "tour_restart")
    assert app.header[0].value == SCREENS[0].title
    assert set(parameters(app)) & {"step", "outcome", "guesses"} == set()


@pytest.mark.parametrize(("written", "shown"), [("0", 1), ("99", STEPS), ("-3", 1), ("x", 1)])
def test_a_step_that_does_not_exist(written: str, shown: int) -> None:
    assert f"{shown} of {STEPS}" in said(page("tour", step=written))


def test_the_visitors_text_and_models_stay_as_they_are() -> None:
    app = step(1, **OWN, model="sentiment", beside="")
    for _ in range(STEPS - 1):
        press(app, "tour_next")
    kept = parameters(app)
    assert {name: kept[name] for name in (*OWN, "model", "beside")} == OWN | {"model": "sentiment", "beside": ""}
    assert "POSITIVE" in drawn(app)  # the tour's own models
    press(app, "tour_own")
    assert app.title[0].value == PAGES[SCREENS[-1].page].title
    assert parameters(app)["text"] == OWN["text"]
    assert app.session_state["memory_led_to_text"] == 1
    app = step(3)
    press(app, "tour_own")
    assert parameters(app)["text"] == SENTENCE, "not the app's first example: nobody has seen that here"


def test_it_goes_on_where_it_was_left() -> None:
    """The menu leads back to the step; that a click does so is a browser's test."""
    app = step(3, **OWN)
    app.switch_page(PAGES["inputs"].file)
    run(app)
    (link,) = [one.proto for one in app.get("page_link") if one.proto.label == PAGES["tour"].title]
    assert "step=3" in link.query_string
    assert "step" not in parameters(app)


# --- the offer -------------------------------------------------------------------------------------------------------


def offers(app: AppTest) -> list[str]:
    return [one.proto.label for one in app.get("page_link") if "tour" in one.proto.label or "BERT" in one.proto.label]


def test_the_workbench_offers_it_in_one_line() -> None:
    assert offers(page()) == ["See BERT in five minutes"]
    assert offers(page(present="1")) == []
    assert offers(page("inputs")) == []


def test_the_offer_leads_back_to_the_step_where_it_was_left() -> None:
    app = step(4)
    app.switch_page("app.py")
    run(app)
    assert offers(app) == [f"Go on with the tour, step 4 of {STEPS}"]
    assert TourFields().step == 1
