"""Requests written as Python: what is written is valid, complete, computed once, and says nothing that it must not."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassbert as gb
from components.gateway import code, expressions
from components.gateway.attention import MapDisplay
from components.gateway.expressions import named, script
from components.gateway.requests import ModelRequest, TextRequest

REQUEST = TextRequest(ModelRequest("pretrained"), "The film was good.")
ANYTHING = st.text(st.characters(), max_size=300)


def value_of(expression: str) -> object:
    return ast.literal_eval(expression)


@given(ANYTHING)
def test_a_text_is_the_same_text_in_the_code(text: str) -> None:
    written = script(code.encode(TextRequest(ModelRequest("pretrained"), text)))
    tree = ast.parse(written)
    (literal,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "text"]
    assert ast.literal_eval(literal) == text
    # nothing in it can hide what a line does, or look like another line
    assert all(character.isprintable() or character == "\n" for character in written)


@pytest.mark.parametrize(
    "text", ['say "hi"', "it's", "both ' and \"", "a\nb", "\u202eevil", "\\", "{0}", "# no", "x" * 500]
)
def test_odd_texts_are_literals(text: str) -> None:
    tree = ast.parse(script(code.encode(TextRequest(ModelRequest("pretrained"), text))))
    (literal,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "text"]
    assert ast.literal_eval(literal) == text


def test_the_lines_of_one_head() -> None:
    shown = code.displayed(code.maps(REQUEST).combine([(1, 7)]), MapDisplay(words=True, special=False, rescale=True))
    assert script(named(shown, "shown", "layer 2").values[0]) == (
        "import glassbert as gb\n"
        "\n"
        'model = gb.load("pretrained")\n'
        'text = "The film was good."\n'
        "maps = gb.attention(model, text)  # weights[layer, head, query, key]\n"
        "shown = maps.combine([(1, 7)]).by_word().without_special(True)  # layer 2\n"
        "shown.values[0]"
    )


def test_long_calls_and_lists_are_broken_into_lines() -> None:
    words = tuple(f"word{number}" for number in range(30))
    written = script(code.score_words(REQUEST, 3, words).frame())
    assert ast.literal_eval(written[written.index("[") : written.index("]") + 1]) == list(words)
    assert max(map(len, written.splitlines())) < 80
    found = code.attribute(REQUEST, "lime", gb.MaskTarget(3))
    assert 'scores = gb.attribute(\n    model, text, method="lime", target=gb.MaskTarget(3)\n)' in script(found.frame())


def test_what_is_used_twice_is_computed_once() -> None:
    target = gb.ClassTarget("POSITIVE", foil="NEGATIVE")
    scores = code.attribute(REQUEST, "lime", target)
    written = script(scores.frame(), code.receipt(REQUEST.model, scores).frame())
    assert written.count("gb.load(") == written.count("gb.attribute(") == 1
    assert 'target=gb.ClassTarget(label="POSITIVE", foil="NEGATIVE")' in written
    assert written.endswith("scores.frame()\nreceipt.frame()")


def test_two_models_two_texts_a_pair_and_heads_that_are_off() -> None:
    other = ModelRequest("sentiment", "cuda:1", off=((0, 1), (2, 3)))
    pair = TextRequest(other, "A.", "B.")
    written = script(code.maps(REQUEST).weights, code.maps(pair).weights)
    assert 'second_model = gb.load("sentiment", device="cuda:1")' in written
    assert "ablated = gb.ablate(second_model, [(0, 1), (2, 3)])" in written
    assert "maps_2 = gb.attention(ablated, second_text, pair)" in written
    assert written.endswith("maps.weights\nmaps_2.weights")


@pytest.mark.parametrize(
    ("mode", "loads"),
    [("shared", 'gb.load("mine")  # the folder of this model'), ("local", 'gb.load("/srv/secret/mine/")')],
)
def test_a_shared_server_does_not_say_where_its_folders_are(
    mode: str, loads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expressions, "is_shared", lambda: mode == "shared")
    written = script(code.maps(TextRequest(ModelRequest("/srv/secret/mine/", files="abc"), "Hi.")).weights)
    assert loads in written
    assert ("secret" in written) == (mode == "local")


def test_options_of_the_page_are_in_the_code() -> None:
    assert "tolerance=0.05" in script(code.attribute(REQUEST, "integrated_gradients", gb.ClassTarget()))
    both = code.attribute_each(
        REQUEST, ["saliency", "integrated_gradients"], gb.MaskTarget(3, token="he"), "probability"
    )
    written = script(both["saliency"].frame())
    assert 'options={"integrated_gradients": {"tolerance": 0.05}}' in written
    assert 'output="probability"' in written
    assert 'target=gb.MaskTarget(3, token="he")' in written
