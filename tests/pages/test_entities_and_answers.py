"""The pages Entities and Question answering, without a browser: their numbers are the library's."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.examples import EXAMPLES
from components.shell.navigation import PAGES
from glassbert.pictures.formats import percent
from tests.components.widgets.clicks import click, mounted
from tests.conftest import TinyCheckpoint
from tests.pages.workbench import as_read, messages, page, parameters, run, tokens

TEXT = "He bought a gallon of milk in Paris."
QUESTION, CONTEXT = "Who went home?", "The doctor said that the man went home."
LONG = " ".join([CONTEXT] * 90)
METHOD = "input_x_gradient"


@pytest.fixture(scope="module")
def names(tiny_checkpoint: TinyCheckpoint) -> str:
    return str(tiny_checkpoint("distilbert", "token_classification"))


@pytest.fixture(scope="module")
def answers(tiny_checkpoint: TinyCheckpoint) -> str:
    return str(tiny_checkpoint("bert", "question_answering"))


def marks(app: AppTest, key: str) -> dict[str, Any]:
    """What the marked text of this key was sent, and its marks as (text, name)."""
    data = json.loads(mounted(app, key).json)
    found = [
        (text, data["names"][index]) for text, index in zip(data["texts"], data["marked"], strict=True) if index >= 0
    ]
    return {**data, "marks": found}


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption, *app.subheader])).replace(
        "**", ""
    )


def test_the_marked_spans_are_the_librarys_and_one_is_explained(names: str) -> None:
    model = gb.load(names, "cpu")
    found = gb.entities(model, TEXT, aggregation="first")
    app = page("entities", text=TEXT, model=names, beside="", method=METHOD)
    assert messages(app) == ""
    drawn = marks(app, "entities_text")
    shares = [f"{name} {share:.0%}" for name, share in zip(found.names, found.probabilities.tolist(), strict=True)]
    assert drawn["marks"] == list(zip(found.surfaces, shares, strict=True))
    assert "".join(drawn["texts"]) == TEXT
    assert list(drawn["sure"]) == (found.probabilities >= 0.6).tolist()
    assert drawn["selected"] == 0
    click(app, "entities_text", {"version": drawn["version"], "index": 2})
    assert parameters(app)["entity"] == "2"
    target = gb.EntityTarget(*found.spans[2].tolist(), found.names[2], "O")
    scores = gb.attribute(model, TEXT, method=METHOD, target=target)
    assert [token["score"] for token in tokens(app, "entity")] == pytest.approx(scores.scores.tolist(), abs=1e-5)
    words = scores.encoded.special_tokens_mask == 0
    own = np.abs(scores.scores)[target.start : target.end].sum() / np.abs(scores.scores)[words].sum()
    assert f"{own:.0%} are on the name itself" in shown(app)


def test_name_and_context_are_hidden_in_turn(names: str) -> None:
    model = gb.load(names, "cpu")
    found = gb.entities(model, TEXT, aggregation="first")
    number = found.surfaces.index("Paris")
    app = page("entities", text=TEXT, model=names, beside="", method=METHOD, entity=str(number))
    span, mask = found.spans[number].tolist(), model.mask_token
    label = found.labelled.predicted[span[0] : span[1]]
    texts = (TEXT, TEXT.replace("Paris", mask), " ".join([mask] * 7) + " Paris.")
    for text in texts:
        labelled = gb.label_tokens(model, text)
        places = [
            place
            for place, (start, stop) in enumerate(labelled.encoded.offsets.tolist())
            if not labelled.encoded.special_tokens_mask[place]
            and text[start:stop] == ("Paris" if "Paris" in text else mask)
        ]
        share = float(labelled.probabilities[places[-1], label[0]])
        assert percent(share) in shown(app)


def test_the_type_and_its_foil_can_be_chosen(names: str) -> None:
    model = gb.load(names, "cpu")
    found = gb.entities(model, TEXT, aggregation="first")
    other = next(name for name in ("PER", "LOC") if name != found.names[0])
    app = page("entities", text=TEXT, model=names, beside="", method=METHOD, entity_type=other, other_type="")
    scores = gb.attribute(model, TEXT, method=METHOD, target=gb.EntityTarget(*found.spans[0].tolist(), other))
    assert [token["score"] for token in tokens(app, "entity")] == pytest.approx(scores.scores.tolist(), abs=1e-5)
    assert f"Evidence for {other}" in shown(app)


def test_entities_of_a_long_text_are_those_of_the_whole(names: str) -> None:
    model = gb.load(names, "cpu")
    found = gb.entities(model, LONG, aggregation="first", windows=gb.Windows())
    last = len(found.names) - 1
    app = page("entities", text=LONG, model=names, beside="", method=METHOD, entity=str(last))
    assert len(marks(app, "entities_text")["marks"]) == last + 1
    span = found.spans[last].tolist()
    whole = gb.attribute(
        model, LONG, method=METHOD, target=gb.EntityTarget(*span, found.names[last], "O"), windows=gb.Windows()
    )
    drawn = [token["score"] for token in tokens(app, "entity")]
    number = int(np.flatnonzero(whole.encoded.window_weights)[0]) if whole.encoded.window_weights.any() else -1
    own = whole.scores[whole.encoded.window_positions(number)]
    assert drawn == pytest.approx(own.tolist(), abs=1e-5)


def test_the_answers_are_the_librarys_and_one_is_explained(answers: str) -> None:
    model = gb.load(answers, "cpu")
    found = gb.answer(model, QUESTION, CONTEXT, top_k=8)
    link = {"text": QUESTION, "pair": CONTEXT, "model": answers, "beside": "", "method": METHOD}
    app = page("question_answering", **link)
    assert messages(app) == ""
    drawn = marks(app, "answers_text")
    assert (found.answers[0], f"{percent(float(found.span_probabilities[0]))}") in drawn["marks"]
    assert f"Answer: {found.answers[0]}" in shown(app)
    spans = found.spans.tolist()
    foil = next(span for span in spans if span[0] > spans[0][1] or span[1] < spans[0][0])
    scores = gb.attribute(
        model, QUESTION, CONTEXT, method=METHOD, target=gb.SpanTarget(*spans[0], tuple(foil), no_answer=False)
    )
    assert [token["score"] for token in tokens(app, "span")] == pytest.approx(scores.scores.tolist(), abs=1e-5)
    alone = page("question_answering", **link, answer="1", other_answer="1")
    scores = gb.attribute(model, QUESTION, CONTEXT, method=METHOD, target=gb.SpanTarget(*spans[1], no_answer=False))
    assert [token["score"] for token in tokens(alone, "span")] == pytest.approx(scores.scores.tolist(), abs=1e-5)


def test_no_answer_competes_if_it_may(answers: str) -> None:
    model = gb.load(answers, "cpu")
    link = {"text": QUESTION, "pair": CONTEXT, "model": answers, "beside": "", "method": METHOD, "none": "yes"}
    app = page("question_answering", **link, asked="Who said so?")
    for question in (QUESTION, "Who said so?"):
        found = gb.answer(model, question, CONTEXT, top_k=8, no_answer=True)
        answer = found.answers[0] or "no answer"
        assert f"| {question} | {answer} | {percent(float(found.span_probabilities[0]))} |" in shown(app)
    assert "“No answer” competes with the spans" in shown(app)


def test_what_the_model_of_the_page_cannot_read_is_said(names: str, answers: str) -> None:
    assert "1 of 1 token is unknown" in as_read(messages(page("entities", text="🦄", model=names, beside="")))
    said = as_read(messages(page("question_answering", text="🦄", pair="𓀀", model=answers, beside="")))
    assert "2 of 2 tokens are unknown" in said


@pytest.mark.parametrize("page_id", ["entities", "question_answering"])
def test_a_page_offers_examples_of_its_own(names: str, answers: str, page_id: str) -> None:
    app = page(page_id, text="", pair="", model=names if page_id == "entities" else answers, beside="")
    (chips,) = [group for group in app.button_group if group.label == "Examples"]
    own = [example for example in EXAMPLES.values() if example.page == page_id]
    assert chips.options == [example.label for example in own]
    chips.set_value(own[-1].id)
    run(app)
    assert (parameters(app)["text"], parameters(app).get("pair", "")) == (own[-1].text, own[-1].pair)
    assert any(own[-1].look[:20] in as_read(caption.value) for caption in app.caption)
    (line,) = [as_read(button.label) for button in app.button if button.key == "models"]
    does = "Labels of words" if page_id == "entities" else "Answers to questions"
    assert line.startswith(f"{does}: "), "the model of the page, and no other"
    app.switch_page(PAGES["inputs"].file)
    run(app)
    assert not any(own[-1].look[:20] in as_read(caption.value) for caption in app.caption), "a hint stays on its page"


@pytest.mark.parametrize(
    ("page_id", "key"), [("entities", "entities_example"), ("question_answering", "answers_example")]
)
def test_an_empty_page_has_an_example(names: str, answers: str, page_id: str, key: str) -> None:
    model = names if page_id == "entities" else answers
    app = page(page_id, text="", pair="", model=model, beside="")
    assert not app.exception
    app.button(key=key).click()
    run(app)
    assert not app.exception
    assert parameters(app)["text"]
    assert mounted(app, "entities_text" if page_id == "entities" else "answers_text")


def test_compare_says_the_entities_and_the_answer_of_each_side(names: str, answers: str) -> None:
    namer, reader = gb.load(names, "cpu"), gb.load(answers, "cpu")
    other = "The man went to the store."
    app = page("compare", text=TEXT, other_text=other, sides="texts", model=names, beside="")
    for text in (TEXT, other):
        found = gb.entities(namer, text, aggregation="first")
        assert f"{found.surfaces[0]} {found.names[0]}" in shown(app)
    context = "A man said so."
    app = page("compare", text=QUESTION, pair=CONTEXT, other_pair=context, sides="texts", model=answers, beside="")
    for text in (CONTEXT, context):
        best = gb.answer(reader, QUESTION, text)
        assert f"{best.answers[0]}, {percent(float(best.span_probabilities[0]))}" in shown(app)
