"""What every page shares: the text with what the models answer, earlier texts, the verdict, the definitions."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.examples import EXAMPLES
from components.shared.definitions import section_id
from components.shell.navigation import PAGES
from components.views.definitions import sections
from glassbert.pictures.formats import percent
from tests.components.widgets.clicks import click
from tests.pages.workbench import as_read, messages, page, parameters, run, tokens

TEXT = "The plot was dull and lifeless."


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", "cpu")


def answers(app: AppTest) -> list[str]:
    """The badges in the text bar, without markup."""
    (badges,) = [block.proto.body for block in app.get("html") if '<div class="gb-answers"' in block.proto.body]
    return [re.sub("<[^>]+>", "", badge) for badge in re.findall('<span class="gb-answer".*?</span>', badges)]


def enter(app: AppTest, text: str) -> AppTest:
    return click(app, "box_text", {"version": "box_text", "text": text})


@pytest.mark.parametrize("page_id", ["workbench", "inputs"])
def test_the_text_bar_says_what_the_models_answer(page_id: str, sentiment: gb.Model, pretrained: gb.Model) -> None:
    found = gb.classify(sentiment, TEXT)
    label = found.labels[found.predicted]
    assert answers(page(page_id, text=TEXT)) == [f"{label} {percent(float(found.probabilities.max()))}"]
    gap = "Paris is the capital of [MASK]."
    guess = gb.fill_mask(pretrained, gap, top_k=2)
    first, _ = answers(page(page_id, text=gap))
    likeliest, second = guess.probabilities[0].tolist()
    close = ", undecided" if likeliest - second < 0.2 else ""
    assert first == f"[MASK] = {guess.candidates[0][0]} {percent(likeliest)}{close}"
    pair = EXAMPLES["pair"]
    follows = gb.next_sentence(pretrained, pair.text, pair.pair).probability
    said = answers(page(page_id, text=pair.text, pair=pair.pair))
    both = gb.classify(sentiment, pair.text, pair.pair)
    assert f"B follows A {percent(float(follows))}" in said
    assert f"{both.labels[both.predicted]} {percent(float(both.probabilities.max()))} (A and B)" in said
    elsewhere = "The bank raised its interest rates in March."
    follows = gb.next_sentence(pretrained, TEXT, elsewhere).probability
    assert follows < 0.5
    told = f"B does not follow A {percent(1 - float(follows))}"
    shown = " ".join(answers(page(page_id, text=TEXT, pair=elsewhere)))
    assert told in shown, "the answer, not the label it was trained on"


def test_the_models_are_told_by_what_they_do() -> None:
    (line,) = [as_read(button.label) for button in page().button if button.key == "models"]
    assert line == "Masked words: GlassBERT pretrained · Decision: GlassBERT sentiment"


def test_attention_is_that_of_the_model_whose_decision_is_explained() -> None:
    for view, role in ({"text": TEXT, "token": "-1"}, "beside"), ({"text": "A [MASK].", "token": "2"}, "model"):
        app = page(shown_model="", **view)
        (switch,) = [group for group in app.button_group if group.label == "Attention of"]
        assert switch.value == role


def test_earlier_texts_of_the_session_can_be_opened_again() -> None:
    app = page(text="The first text.")
    enter(app, "The second text.")
    enter(app, "The third text.")
    labels = [as_read(button.label) for button in app.button if (button.key or "").startswith("recent_")]
    assert labels == ["The second text.", "The first text."]
    (button,) = [button for button in app.button if button.key == "recent_1"]
    button.click()
    run(app)
    assert parameters(app)["text"] == "The first text."


@pytest.mark.parametrize(
    ("over", "counts"), [(None, True), ("The first text.", True), ("A text that an example has replaced.", False)]
)
def test_a_text_that_was_left_for_an_example_gives_way_to_it(over: str | None, counts: bool) -> None:
    app = page(text="The first text.")
    click(app, "box_text", {"version": "box_text", "text": "Typed.", "over": over})
    assert parameters(app)["text"] == ("Typed." if counts else "The first text.")
    labels = [as_read(button.label) for button in app.button if (button.key or "").startswith("recent_")]
    assert labels == (["The first text."] if counts else ["Typed."])


def test_text_b_is_opened_and_removed() -> None:
    app = page(text=TEXT)
    (button,) = [button for button in app.button if button.key == "add_pair"]
    button.click()
    run(app)
    click(app, "box_pair", {"version": "box_pair", "text": "And long."})
    assert parameters(app)["pair"] == "And long."
    (button,) = [button for button in app.button if button.key == "remove_pair"]
    button.click()
    run(app)
    assert "pair" not in parameters(app)
    assert not [block for block in app.get("bidi_component") if "-box_pair" in block.proto.id]


@pytest.mark.slow
def test_the_verdict_is_the_librarys(sentiment: gb.Model, pretrained: gb.Model) -> None:
    app = page(text=TEXT, verdict="1")
    job = app.session_state["memory_jobs"]["verdict"]
    deadline = time.monotonic() + 60
    while job.running:
        assert time.monotonic() < deadline, "no verdict"
        time.sleep(0.05)
    run(app)
    expected = gb.verdict(sentiment, TEXT, proposer=pretrained)
    shown = as_read("\n".join(element.value for element in app.markdown))
    for sentence in (expected.words_sentence, expected.trust.sentence, expected.flip.sentence):
        assert sentence in shown

    # the title leads to the scores by which each method voted: no button has to be pressed
    (title,) = [one.proto for one in app.get("page_link") if one.proto.label == "What carries it"]
    app.switch_page(PAGES["saliency"].file)
    for name, values in parse_qs(title.query_string).items():
        app.query_params[name] = values[0]
    run(app)
    assert not app.session_state["memory_jobs"]["explain"].running
    for voted in expected.words.scores:
        scores = [token["score"] for token in tokens(app, f"row_{voted.method}")]
        np.testing.assert_allclose(scores, voted.scores, atol=1e-5)
    other = page("saliency", text=TEXT, verdict="0")
    assert expected.words_sentence not in as_read("\n".join(element.value for element in other.markdown))


def test_what_the_verdicts_timer_asks_for_is_on_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that arrives after a change of page finds its fragment there; else the server logs one line each. A
    page with a job has one for that too."""
    from streamlit.runtime import fragment

    named, ids = fragment._make_fragment_identity, set()
    on_pages: list[set[str]] = []

    def spy(function: Callable[..., Any], **where: Any) -> Any:
        identity = named(function, **where)
        if function.__module__ == "components.shared.steady":
            ids.add(identity.fragment_id)
        return identity

    monkeypatch.setattr(fragment, "_make_fragment_identity", spy)
    for page_id, view in (
        ("workbench", {"text": "", "verdict": "1"}),
        ("saliency", {"text": TEXT, "verdict": "1", "methods": "occlusion"}),
        ("definitions", {"text": "long " * 1800}),
        ("models", {"pair": "And text B.", "verdict": "0"}),
    ):
        ids.clear()
        app = page(page_id, **view)
        on_pages.append(set(ids))
        if "memory_jobs" in app.session_state:  # a process that ends while one computes is aborted
            for job in app.session_state["memory_jobs"].values():
                job.stop()
                job.wait(60)
    assert len(set.intersection(*on_pages)) == 1


def test_colours_that_explain_next_to_nothing_say_so_where_they_are_drawn(pretrained: gb.Model) -> None:
    """The empty pair already speaks for "B follows A"; the words lower it."""
    pair = EXAMPLES["pair"]
    gap = gb.baseline_gap(pretrained, pair.text, pair.pair, target=gb.NextSentenceTarget())
    assert gap.verdict == "fails"
    view = {"text": pair.text, "pair": pair.pair, "explain": "next"}
    app = page(method="integrated_gradients", **view)
    assert gap.sentence[1:] in messages(app)
    assert "do not read these colours" in messages(app).lower()
    assert "colours" not in messages(page(method="saliency", **view))


def test_definitions_are_searched_and_opened_one_by_one() -> None:
    titles = {id: title for id, (title, _) in sections().items()}
    assert len(titles) >= 12
    app = page("definitions")

    def shown(app: AppTest) -> list[str]:
        markdown = "\n".join(element.value for element in app.main.markdown)
        return re.findall(r"^### (.*)$", markdown, flags=re.MULTILINE)

    assert shown(app) == list(titles.values())
    (search,) = app.text_input
    search.set_value("Pseudo-Perplexity")
    run(app)
    assert shown(app) == ["Surprise"]
    assert shown(page("definitions", section=section_id("Where the difference lives"))) == [
        "Where the difference lives"
    ]
    assert shown(page("definitions", section="no such section")) == list(titles.values())
    assert "No section contains" in messages(page("definitions", search="xyzzy"))


def test_every_explanation_of_a_number_leads_to_a_section_that_exists() -> None:
    from pathlib import Path

    folder = Path(__file__).resolve().parents[2] / "components" / "views"
    named = {
        title for path in folder.rglob("*.py") for title in re.findall(r'how_computed\("(.+?)"\)', path.read_text())
    }
    assert len(named) >= 5
    assert {section_id(title) for title in named} <= sections().keys()


def test_a_large_model_says_how_long_a_pass_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    from components.gateway import models

    def told() -> bool:
        return any("One pass of this text through GlassBERT sentiment takes" in one.value for one in page().caption)

    assert not told()
    monkeypatch.setattr(models, "_SLOW_SECONDS", 0.0)
    assert told()
