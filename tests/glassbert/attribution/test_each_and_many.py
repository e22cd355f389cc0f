"""Several methods on one text, and one method on many texts, give what `attribute` gives, for fewer passes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import glassbert as gb
from glassbert.attribution import _each, _first_order
from glassbert.decision import gradients
from tests import tiny

TEXT = "This film was not good at all; the acting is great."
PAIR = ("The man went to the store.", "He bought a gallon of milk.")
SHARED = tuple(method.id for method in gb.METHODS.values() if method.first_order)
SAMPLED = {"n_samples": 4}
OPTIONS = {"smoothgrad": SAMPLED, "gradient_shap": SAMPLED, "integrated_gradients": {"tolerance": 0.05}}
GRADIENT = (
    "attention_relevance",
    "input_x_gradient",
    "saliency",
    "integrated_gradients",
    "smoothgrad",
    "gradient_shap",
)
#: Texts of many lengths, one of them twice.
TEXTS = (TEXT, "Good.", PAIR, "The night had been long and the doctor was tired.", "Good.", "naïve café!")


def same(found: gb.TokenScores, alone: gb.TokenScores, atol=1e-5):
    np.testing.assert_allclose(found.scores, alone.scores, atol=atol, rtol=1e-5)
    for name in ("method", "target", "target_label", "output", "baseline"):
        assert getattr(found, name) == getattr(alone, name)
    assert found.encoded.tokens == alone.encoded.tokens
    assert found.value == pytest.approx(alone.value, abs=1e-5)
    assert found.options == alone.options
    if alone.delta is not None:
        assert found.baseline_value == pytest.approx(alone.baseline_value, abs=1e-5)
        assert found.delta == pytest.approx(alone.delta, abs=2e-5)


# --- each -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_each_method_says_what_it_says_alone(tiny_model, family):
    model = tiny_model(family, "classification")
    own = [method for method in gb.METHODS if gb.METHODS[method].cost(12, gb.METHODS[method].options) < 60]
    options = {method: OPTIONS[method] for method in own if method in OPTIONS}
    refused = {}
    results = list(
        gb.attribute_each(model, TEXT, methods=own, options=options, on_error=lambda *one: refused.update([one]))
    )
    assert {result.method for result in results} | refused.keys() == set(own)
    assert set(GRADIENT) <= {result.method for result in results}
    for result in results:
        same(result, gb.attribute(model, TEXT, method=result.method, **options.get(result.method, {})))
    for method, error in refused.items():
        with pytest.raises(type(error)):
            gb.attribute(model, TEXT, method=method)


def test_the_cheap_ones_come_first_and_share_one_pass(tiny_model):
    model = tiny_model("bert", "classification")
    seen = []
    hook = model.network.base_model.encoder.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    try:
        results = list(gb.attribute_each(model, TEXT, methods=("integrated_gradients", *SHARED, "smoothgrad")))
    finally:
        hook.remove()
    assert [result.method for result in results[: len(SHARED)]] == list(SHARED)
    assert [result.forward_passes for result in results[: len(SHARED)]] == [2] + [0] * (len(SHARED) - 1)
    assert sum(result.forward_passes for result in results) == sum(seen)


def test_a_result_is_there_before_the_next_is_begun(tiny_model):
    model, done = tiny_model("bert", "classification"), []
    results = gb.attribute_each(
        model, TEXT, methods=("saliency", "smoothgrad"), progress=lambda done_, expected: done.append((done_, expected))
    )
    assert done == [], "nothing before it is asked for"
    next(results)
    assert [count for count, _ in done] == [0, 1]
    assert next(results).method == "smoothgrad"
    assert [count for count, _ in done] == sorted(count for count, _ in done)
    assert {expected for _, expected in done} == {22}


def test_a_refusal_is_told_and_the_others_go_on(tiny_model, monkeypatch):
    model, told = tiny_model("bert", "classification"), []
    true = _each.explain

    def explain(problem, method, settings):
        if method.id == "input_x_gradient":
            raise gb.UnsupportedModelError("not for this one")
        return true(problem, method, settings)

    monkeypatch.setattr(_each, "explain", explain)
    ask = {
        "methods": ("saliency", "input_x_gradient", "deeplift", "smoothgrad"),
        "options": {"smoothgrad": {"seed": -1}},
    }
    results = list(gb.attribute_each(model, TEXT, **ask, on_error=lambda *one: told.append(one)))
    assert [result.method for result in results] == ["saliency"]
    assert [(method, type(error)) for method, error in told] == [
        ("deeplift", gb.MethodError),
        ("smoothgrad", gb.OptionError),
        ("input_x_gradient", gb.UnsupportedModelError),
    ]
    with pytest.raises(gb.MethodError, match="left out"):
        gb.attribute_each(model, TEXT, **ask)
    with pytest.raises(gb.UnsupportedModelError):
        list(gb.attribute_each(model, TEXT, methods=("saliency", "input_x_gradient")))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"methods": ()}, "at least one of"),
        ({"methods": "saliency"}, "pass a list"),
        ({"methods": ("saliency",), "options": {"lime": {}}}, "options for lime, which is not among"),
    ],
)
def test_a_list_of_methods_that_makes_no_sense_is_refused(tiny_model, asked, words):
    with pytest.raises(gb.OptionError, match=words):
        gb.attribute_each(tiny_model("bert", "classification"), TEXT, **asked)


def test_stopping_is_no_refusal(tiny_model):
    told, stop = [], []
    results = gb.attribute_each(
        tiny_model("bert", "classification"),
        TEXT,
        methods=("saliency", "integrated_gradients"),
        on_error=lambda *one: told.append(one),
        cancelled=lambda: bool(stop),
    )
    assert next(results).method == "saliency"
    stop.append(True)
    with pytest.raises(gb.StoppedError):
        next(results)
    assert told == []


def test_what_is_shared_belongs_to_one_target(tiny_model):
    """Another target of the same text has a first-order pass of its own."""
    model = tiny_model("bert", "classification")
    for target in (0, gb.ClassTarget(1, foil=2)):
        for result in gb.attribute_each(model, TEXT, methods=SHARED, target=target):
            same(result, gb.attribute(model, TEXT, method=result.method, target=target))


def test_the_default_methods_are_there():
    assert len(gb.attribution.DEFAULT_METHODS) == 5
    assert set(gb.attribution.DEFAULT_METHODS) <= set(gb.METHODS)


# --- many -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [*GRADIENT, "rollout"])
@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_many_texts_say_what_they_say_alone(tiny_model, family, method):
    model, options = tiny_model(family, "classification"), OPTIONS.get(method, {})
    found = gb.attribute_many(model, TEXTS, method=method, **options)
    assert len(found) == len(TEXTS)
    for text, result in zip(TEXTS, found, strict=True):
        one = gb.attribute(model, *(text if isinstance(text, tuple) else (text,)), method=method, **options)
        same(result, one)
        assert result.forward_passes == one.forward_passes


MASKED = (
    "The doctor said that [MASK] was tired.",
    "[MASK]!",
    "Paris is the [MASK] of France, and the Seine is a river.",
)


@pytest.mark.parametrize(
    ("task", "texts", "target", "output"),
    [
        ("masked_words", MASKED, None, "logit"),
        ("masked_words", MASKED, None, "probability"),
        ("masked_words", (TEXT, PAIR), gb.MaskTarget(3, foil=7), "logit"),
        ("next_sentence", (PAIR, (TEXT, "No.")), gb.NextSentenceTarget(), "probability"),
        ("next_sentence", (MASKED[0], PAIR, MASKED[2]), None, "logit"),
        ("token_classification", (TEXT, "The man went home."), None, "logit"),
        ("token_classification", (TEXT, "The man went home."), gb.TokenTarget(2, "B-PER"), "probability"),
        ("question_answering", (PAIR, (TEXT, "No, it is not."), ("Who?", "The doctor.")), None, "probability"),
        ("question_answering", (PAIR, ("Who?", "The doctor said so.")), gb.AnswerTarget("end"), "logit"),
        ("classification", (TEXT, PAIR), gb.ClassTarget(foil=1), "probability"),
        ("classification", (TEXT, "Good."), "POSITIVE", "logit"),
    ],
)
@pytest.mark.parametrize("method", ["input_x_gradient", "integrated_gradients"])
def test_many_targets(tiny_model, task, texts, target, output, method):
    model, options = tiny_model("bert", task), OPTIONS.get(method, {})
    ask = {"method": method, "target": target, "output": output, **options}
    for text, result in zip(texts, gb.attribute_many(model, texts, **ask), strict=True):
        same(result, gb.attribute(model, *(text if isinstance(text, tuple) else (text,)), **ask))


def test_encoded_texts_pass_through(tiny_model):
    model = tiny_model("bert", "classification")
    encoded = [gb.encode(model, TEXT), gb.encode(model, *PAIR)]
    for item, result in zip(encoded, gb.attribute_many(model, encoded, method="saliency"), strict=True):
        assert result.encoded is item
        json.dumps(result.to_dict())


def test_texts_share_passes(tiny_model):
    """Twelve texts, fourteen nodes each at least: by far fewer calls of the network than passes."""
    model, calls = tiny_model("bert", "classification"), []
    hook = model.network.base_model.encoder.register_forward_pre_hook(lambda _, args: calls.append(len(args[0])))
    try:
        results = gb.attribute_many(model, [TEXT, "Good."] * 6, target=0, tolerance=0.2)
    finally:
        hook.remove()
    assert sum(calls) == sum(result.forward_passes for result in results)
    assert len(calls) < len(results)


@pytest.mark.parametrize("method", SHARED)
def test_a_text_whose_maps_are_too_large_to_keep_gives_the_same(tiny_model, monkeypatch, method):
    model = tiny_model("bert", "classification")
    expected = gb.attribute(model, TEXT, method=method)
    taken = []

    def run_rows(*rows, attention):
        taken.append(attention)
        return gradients.run_rows(*rows, attention=attention)

    monkeypatch.setattr(_first_order, "_MAPS_BYTES", 0)
    monkeypatch.setattr(_first_order, "run_rows", run_rows)
    found = gb.attribute(model, TEXT, method=method)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    assert found.value == pytest.approx(expected.value, abs=1e-5)
    assert not any(taken)


@pytest.mark.parametrize("options", [{"method": "input_x_gradient"}, {"tolerance": 0.05}, {"method": "leave_one_out"}])
def test_a_list_with_long_texts_is_read_in_windows(tiny_model, options):
    model, windows = tiny_model("bert", "classification"), gb.Windows(length=18)
    texts = [f"{TEXT} {TEXT}", "Good.", (f"{TEXT} {TEXT}", "Good."), "It is good."]
    found = gb.attribute(model, texts, windows=windows, **options)
    assert [len(one.encoded.windows) > 0 for one in found] == [True, False, True, False]
    for text, result in zip(texts, found, strict=True):
        alone = gb.attribute(model, *(text if isinstance(text, tuple) else (text,)), windows=windows, **options)
        same(result, alone)
        assert result.forward_passes == alone.forward_passes


def test_the_batch_size_is_kept_and_changes_no_number(tiny_model):
    model, calls = tiny_model("bert", "classification"), []
    whole = gb.attribute_many(model, TEXTS, tolerance=0.05)
    hook = model.network.base_model.encoder.register_forward_pre_hook(lambda _, args: calls.append(len(args[0])))
    try:
        parts = gb.attribute_many(model, TEXTS, target=0, tolerance=0.05, internal_batch_size=3)
    finally:
        hook.remove()
    assert max(calls) == 3
    assert len(parts) == len(whole)
    assert {part.options["internal_batch_size"] for part in parts} == {3}


def test_fixed_steps_are_captums_for_every_text(tiny_model):
    model = tiny_model("bert", "classification")
    for text, result in zip(TEXTS[:2], gb.attribute_many(model, TEXTS[:2], n_steps=5), strict=True):
        same(result, gb.attribute(model, text, n_steps=5))
        assert result.options["n_steps"] == 5


def test_progress_and_stopping(tiny_model):
    model, seen = tiny_model("bert", "classification"), []
    gb.attribute_many(model, TEXTS, method="saliency", progress=lambda done, expected: seen.append((done, expected)))
    assert [done for done, _ in seen] == list(range(2 * len(TEXTS)))
    assert all(expected >= done for done, expected in seen)
    with pytest.raises(gb.StoppedError):
        gb.attribute_many(model, TEXTS, method="saliency", cancelled=lambda: True)


@pytest.mark.parametrize(
    ("texts", "options", "error", "words"),
    [
        ([], {}, gb.OptionError, "at least one text"),
        (TEXT, {}, gb.TextError, "texts must be a list"),
        ([TEXT, " "], {}, gb.EmptyTextError, "^text 2 of 2: the text is empty"),
        ([TEXT, "word " * 600], {}, gb.TextTooLongError, "^text 2 of 2: the text has 2402 tokens"),
        ([TEXT], {"steps": 3}, gb.OptionError, "has no option steps"),
        ([TEXT], {"tolerance": 0}, gb.OptionError, "tolerance must be .*; got 0"),
        ([TEXT], {"method": "magic"}, gb.MethodError, "method must be one of .*; got 'magic'"),
        ([TEXT], {"method": "deeplift"}, gb.MethodError, "left out"),
        ([TEXT, PAIR], {"target": 7}, gb.TargetError, "^text 1 of 2: class 7"),
        ([TEXT], {"output": "odds"}, gb.OptionError, "output must be .*; got 'odds'"),
    ],
)
def test_what_makes_no_sense_is_refused(tiny_model, texts, options, error, words):
    with pytest.raises(error, match=words):
        gb.attribute_many(tiny_model("bert", "classification"), texts, **options)


def test_a_text_that_is_too_long_keeps_its_numbers(tiny_model):
    with pytest.raises(gb.TextTooLongError) as caught:
        gb.attribute_many(tiny_model("bert", "classification"), ["a", "word " * 600])
    assert caught.value.tokens > caught.value.max_tokens == 512
