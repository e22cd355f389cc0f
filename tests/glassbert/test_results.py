"""One contract for every result: frozen, read-only, a tidy table, and the same bits back from JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import glassbert as gb
from glassbert.results import FORMAT_VERSION, Result, read_only
from glassbert.targets import target_from_dict, target_to_dict

TEXT, PAIR = "The film was naïve 😀 and <b>good</b>.", ("The man went home.", "He was tired.")
TEXTS = ("The [MASK] was good.", "The old [MASK] was great.")

MAKE = {
    "Encoded": lambda model: gb.encode(model("roberta", "masked_words"), *PAIR),
    "AttentionMaps": lambda model: gb.attention(model("bert", "masked_words"), TEXT),
    "MaskPrediction": lambda model: gb.fill_mask(model("bert", "masked_words"), TEXT, positions=[1, 3], top_k=4),
    "Classification": lambda model: gb.classify(model("distilbert", "classification"), TEXT),
    "PairPrediction": lambda model: gb.next_sentence(model("bert", "next_sentence"), *PAIR),
    "TokenLabels": lambda model: gb.label_tokens(model("albert", "token_classification"), TEXT),
    "AnswerPrediction": lambda model: gb.answer(model("electra", "question_answering"), *PAIR),
    "TokenScores": lambda model: gb.attribute(model("bert", "classification"), TEXT, n_steps=4),
    "TokenScores of a mask": lambda model: gb.attribute(
        model("bert", "masked_words"),
        TEXT,
        method="saliency",
        target=gb.MaskTarget(2, "he", "she"),
        output="probability",
    ),
    "TokenScores of a pair": lambda model: gb.attribute(
        model("bert", "next_sentence"), *PAIR, method="attention_relevance", target=gb.NextSentenceTarget(is_next=False)
    ),
    "TokenMaps": lambda model: gb.attention(model("bert", "masked_words"), *PAIR).by_word().block("A→B"),
    "TokenMaps of a target": lambda model: gb.attention_relevance_map(model("distilbert", "classification"), TEXT),
    "HeadProfile": lambda model: gb.head_profile(gb.attention(model("roberta", "masked_words"), TEXT)),
    "HeadDistances": lambda model: gb.head_distances(gb.attention(model("bert", "masked_words"), TEXT)),
    "HeadImportance": lambda model: gb.head_importance(model("albert", "classification"), [TEXT, "Good."]),
    "AblationSweep": lambda model: gb.ablation_sweep(model("bert", "classification"), TEXT, mode="greedy", steps=2),
    "Receipt": lambda model: _receipt(model, "integrated_gradients", n_steps=4),
    "ReceiptLine": lambda model: _receipt(model, "saliency").line("comprehensiveness"),
    "ReceiptLine without a number": lambda model: _receipt(model, "saliency").line("arithmetic"),
    "Scoreboard": lambda model: gb.scoreboard([_receipt(model, "saliency"), _receipt(model, "input_x_gradient")]),
    "MethodAgreement": lambda model: gb.method_agreement([_scores(model, "saliency"), _scores(model, "rollout")]),
    "MethodRanking": lambda model: gb.method_ranking(
        model("bert", "classification"), methods=["saliency", "rollout"], sentences=["Good.", TEXT]
    ),
    "LogitLens": lambda model: gb.logit_lens(model("bert", "masked_words"), TEXT, positions=[1, 3], words=["he", "a"]),
    "LogitLens without words": lambda model: gb.logit_lens(model("albert", "masked_words"), "a [MASK]", top_k=2),
    "Surprise": lambda model: gb.surprise(model("mpnet", "masked_words"), TEXT, variant="word_l2r"),
    "WordScores": lambda model: gb.score_words(model("bert", "masked_words"), TEXT, 2, ["he", "unable"]),
    "TemplateProbe": lambda model: gb.probe_template(
        model("bert", "masked_words"), "{a} [MASK] {b}", {"a": ["<b>", "x"], "b": ["y"]}, ["he", "unable"]
    ),
    "ContinuationRanking": lambda model: gb.rank_continuations(model("bert", "next_sentence"), PAIR[0], ["a", PAIR[1]]),
    "ReadingSteps": lambda model: gb.reading_steps(model("roberta", "encoder"), *PAIR, padding=40, vectors=True),
    "ReadingSteps without padding": lambda model: gb.reading_steps(model("bert", "encoder"), TEXT),
    "WordAlignment": lambda model: gb.align_words(
        *(gb.encode(model(f, "encoder"), *PAIR) for f in ("bert", "roberta"))
    ),
    "LengthHint": lambda model: gb.same_length_hint(model("bert", "encoder"), TEXT, PAIR[0]),
    "Trace": lambda model: gb.trace(model("bert", "classification"), "The man was good.", "The man was great."),
    "Trace of heads": lambda model: gb.trace(
        model("bert", "masked_words"),
        "The man was [MASK].",
        "The film was [MASK].",
        gb.MaskTarget(4, "he"),
        kind="head",
    ),
    **{
        name: lambda model, part=part: getattr(
            gb.compare_texts(
                model("bert", "masked_words" if part == "masked_words" else "classification"), *TEXTS, method="saliency"
            ),
            part,
        )
        for name, part in {
            "PredictionDifference": "predictions",
            "MaskedWordDifference": "masked_words",
            "AttentionDifference": "attention",
            "HiddenSimilarity": "hidden",
            "AttributionDifference": "attribution",
            "Changes": "changes",
        }.items()
    },
    "HiddenSimilarity without cosines": lambda model: gb.compare_hidden_states(
        gb.sides_of_models(model("bert", "encoder"), model("bert", "encoder", layers=3), TEXT)
    ),
    "Changes of nothing": lambda model: gb.largest_changes(
        gb.align_words(*[gb.encode(model("bert", "encoder"), TEXT)] * 2)
    ),
    "Comparison": lambda model: gb.compare_models(
        model("bert", "classification"), model("albert", "classification"), TEXT, method="saliency"
    ),
    "Comparison with reasons": lambda model: gb.compare_models(
        model("bert", "masked_words"), model("roberta", "masked_words"), TEXT, method="saliency"
    ),
    "Architecture": lambda model: gb.architecture(model("albert", "masked_words"), 5),
    "Variants": lambda model: gb.variants(model("bert", "classification"), TEXT, edits=[gb.Edit(2, "delete")]),
    "FlipSearch": lambda model: gb.find_flip(model("bert", "next_sentence"), *PAIR, top_k=2, budget=40),
    "InputReduction": lambda model: gb.reduce_input(model("roberta", "classification"), TEXT),
}


def _scores(model, method, **options):
    return gb.attribute(model("bert", "classification"), TEXT, method=method, target=1, **options)


def _receipt(model, method, **options):
    return gb.receipt(model("bert", "classification"), _scores(model, method, **options), n_orderings=10)


@pytest.fixture(params=MAKE, scope="module")
def result(request, tiny_model):
    return MAKE[request.param](tiny_model)


def assert_same(first, second):
    assert type(first) is type(second)
    for field in dataclasses.fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, Result):
            assert_same(a, b)
        elif isinstance(a, tuple) and a and isinstance(a[0], Result):
            for one, other in zip(a, b, strict=True):
                assert_same(one, other)
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b, field.name
            assert type(a) is type(b), field.name


def test_there_is_a_case_for_every_result_type():
    assert {name.partition(" ")[0] for name in MAKE} == {cls.__name__ for cls in Result.__subclasses__()}


def test_json_gives_the_same_bits_back(result):
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert_same(type(result).from_dict(json.loads(text)), result)


def test_saved_data_names_its_format_and_type(result):
    data = result.to_dict()
    assert (data["format"], data["type"]) == (FORMAT_VERSION, type(result).__name__)


def test_fields_are_frozen_and_arrays_read_only(result):
    for field in dataclasses.fields(result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, field.name, None)
        value = getattr(result, field.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0


def test_saved_data_is_a_copy(tiny_model):
    result = MAKE["TokenScores"](tiny_model)
    result.to_dict()["options"]["n_steps"] = -1
    assert result.options["n_steps"] == 4


@pytest.mark.parametrize("other", sorted({name.partition(" ")[0] for name in MAKE}))
def test_from_dict_refuses_another_type(result, other):
    cls = getattr(gb, other)
    if cls is type(result):
        assert_same(cls.from_dict(result.to_dict()), result)
    else:
        with pytest.raises(ValueError, match=f"{type(result).__name__!r}, not a {other}"):
            cls.from_dict(result.to_dict())


def test_from_dict_refuses_a_newer_format_and_missing_fields(result):
    data = result.to_dict()
    with pytest.raises(ValueError, match="update glassbert"):
        type(result).from_dict({**data, "format": FORMAT_VERSION + 1})
    del data[dataclasses.fields(result)[-1].name]
    with pytest.raises(ValueError, match=f"lacks {dataclasses.fields(result)[-1].name}"):
        type(result).from_dict(data)


finite = arrays.arrays(
    np.float32, st.integers(1, 6), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(finite, st.lists(st.text(), min_size=1, max_size=6))
def test_any_floats_and_any_labels_survive_json(encoded_once, logits, labels):
    result = gb.Classification(encoded_once, tuple(labels), logits, logits[::-1])
    assert_same(gb.Classification.from_dict(json.loads(json.dumps(result.to_dict()))), result)


@pytest.fixture(scope="session")
def encoded_once(tiny_model):
    return gb.encode(tiny_model("bert", "encoder"), TEXT)


names = st.none() | st.text() | st.integers(0, 10**6)
targets = st.one_of(
    st.builds(gb.ClassTarget, names, names),
    st.builds(gb.MaskTarget, st.integers(0, 511), names, names),
    st.builds(gb.NextSentenceTarget, st.booleans()),
)


@given(targets)
@settings(deadline=None, derandomize=True, database=None)
def test_targets_survive_json_and_are_hashable(target):
    again = target_from_dict(json.loads(json.dumps(target_to_dict(target))))
    assert again == target
    assert hash(again) == hash(target)


def test_an_unknown_kind_of_target_says_what_is_valid():
    with pytest.raises(gb.TargetError, match="valid are class, mask, next_sentence"):
        target_from_dict({"kind": "poem"})


def test_results_do_not_alias_what_they_were_made_of():
    import torch

    values = np.arange(4, dtype=np.float32)
    view = values[:]
    view.setflags(write=False)
    tensor = torch.arange(4, dtype=torch.float32)
    kept = [read_only(values, "float32"), read_only(view, "float32"), read_only(tensor.numpy(), "float32")]
    values += 1
    tensor += 1
    for array in kept:
        assert array.tolist() == [0, 1, 2, 3]
    assert read_only(kept[0], "float32") is kept[0]


class TestTables:
    """frame(): one row a unit, with the right numbers."""

    def test_encoded(self, tiny_model):
        encoded = MAKE["Encoded"](tiny_model)
        frame = encoded.frame()
        assert len(frame) == len(encoded)
        assert frame["token"].tolist() == list(encoded.tokens)
        assert frame["input_id"].tolist() == encoded.input_ids.tolist()
        assert frame[["start", "end"]].to_numpy().tolist() == encoded.offsets.tolist()
        assert frame["special"].sum() == 4

    def test_attention(self, tiny_model):
        maps = MAKE["AttentionMaps"](tiny_model)
        frame = maps.frame()
        assert len(frame) == maps.weights.size
        row = frame[(frame["layer"] == 1) & (frame["head"] == 2) & (frame["query"] == 3) & (frame["key"] == 4)]
        assert row["weight"].item() == maps.weights[1, 2, 3, 4]
        assert (row["query_token"].item(), row["key_token"].item()) == maps.encoded.tokens[3:5]
        np.testing.assert_allclose(frame.groupby(["layer", "head", "query"])["weight"].sum(), 1, atol=1e-5)

    def test_mask_prediction(self, tiny_model):
        best = MAKE["MaskPrediction"](tiny_model)
        frame = best.frame()
        assert frame["position"].tolist() == [1] * 4 + [3] * 4
        assert frame["rank"].tolist() == [1, 2, 3, 4] * 2
        assert frame["token"].tolist() == [*best.candidates[0], *best.candidates[1]]
        assert frame["probability"].tolist() == best.probabilities.ravel().tolist()
        assert frame["logit"].tolist() == best.logits.ravel().tolist()

    def test_classification(self, tiny_model):
        label = MAKE["Classification"](tiny_model)
        frame = label.frame().set_index("label")
        assert frame.index.tolist() == ["NEGATIVE", "NEUTRAL", "POSITIVE"]
        assert frame["probability"].sum() == pytest.approx(1, abs=1e-6)
        assert frame["logit"].idxmax() == label.labels[label.predicted]

    def test_pair_prediction(self, tiny_model):
        order = MAKE["PairPrediction"](tiny_model)
        frame = order.frame()
        assert frame["answer"].tolist() == ["is next", "is not next"]
        assert frame["probability"][0] == pytest.approx(order.is_next)

    def test_token_labels(self, tiny_model):
        labels = MAKE["TokenLabels"](tiny_model)
        frame = labels.frame()
        assert len(frame) == len(labels.encoded)
        assert frame["probability"].tolist() == labels.probabilities.max(axis=-1).tolist()
        assert frame["label"].tolist() == [labels.labels[row.argmax()] for row in labels.logits]

    def test_answers(self, tiny_model):
        answers = MAKE["AnswerPrediction"](tiny_model)
        frame = answers.frame()
        assert frame["answer"].tolist() == list(answers.answers)
        assert frame[["first_token", "last_token"]].to_numpy().tolist() == answers.spans.tolist()
        assert frame["probability"].is_monotonic_decreasing

    def test_scores(self, tiny_model):
        scores = MAKE["TokenScores"](tiny_model)
        frame = scores.frame()
        assert frame["score"].tolist() == scores.scores.tolist()
        assert frame["word"].tolist() == scores.encoded.word_ids.tolist()
        assert frame["position"].tolist() == list(range(len(scores.encoded)))
        assert frame["special"].tolist() == [True, *[False] * (len(frame) - 2), True]
