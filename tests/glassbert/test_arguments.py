"""Wrong texts, targets and options: whatever is given, the error is a GlassBERTError that says what is valid."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

import glassbert as gb
from glassbert import comparison, maps
from glassbert.arguments import mismatch
from glassbert.text import alignment

TEXT, PAIR, MASKED = "The film was good.", ("The man went home.", "He was tired."), "The [MASK] was good."

#: Function → task of its model, and arguments that it accepts.
CALLS = {
    "ablate": ("classification", {"heads": [(0, 1)]}),
    "ablation_sweep": ("classification", {"text": TEXT, "pair": None, "heads": [(0, 1)], "mode": "greedy", "steps": 1}),
    "answer": ("question_answering", {"question": PAIR[0], "context": PAIR[1]}),
    "architecture": ("encoder", {"tokens": 4}),
    "attention": ("encoder", {"text": TEXT}),
    "attention_relevance_map": ("classification", {"text": TEXT}),
    "attribute": ("classification", {"text": TEXT, "method": "saliency"}),
    "attribute_each": ("classification", {"text": TEXT, "methods": ["saliency"], "options": {"saliency": {}}}),
    "attribute_many": ("classification", {"texts": [TEXT, PAIR], "method": "saliency"}),
    "classify": ("classification", {"text": TEXT}),
    "classify_many": ("classification", {"texts": [TEXT]}),
    "encode": ("encoder", {"text": TEXT}),
    "entities": ("token_classification", {"text": TEXT}),
    "fill_mask": ("masked_words", {"text": MASKED, "positions": [1]}),
    "find_flip": (
        "classification",
        {"text": "good.", "proposals": "gradient", "top_k": 2, "budget": 10, "max_edits": 1},
    ),
    "hidden_states": ("encoder", {"text": TEXT}),
    "head_importance": ("classification", {"text": [TEXT]}),
    "label_tokens": ("token_classification", {"text": TEXT}),
    "logit_lens": ("masked_words", {"text": MASKED, "positions": [1], "words": ["he"]}),
    "attention_map": ("classification", {"text": TEXT, "measure": "rollout"}),
    "next_sentence": ("next_sentence", {"text": PAIR[0], "pair": PAIR[1]}),
    "probe_template": ("masked_words", {"template": "{a} [MASK]", "slots": {"a": ["x"]}, "words": ["he"]}),
    "rank_continuations": ("next_sentence", {"text": PAIR[0], "candidates": [PAIR[1]]}),
    "reading_steps": ("encoder", {"text": TEXT, "padding": 20}),
    "reduce_input": ("classification", {"text": "good film"}),
    "same_length_hint": ("encoder", {"clean": TEXT, "corrupted": "The man was good."}),
    "replaced_tokens": ("replaced_tokens", {"text": TEXT}),
    "score_words": ("masked_words", {"text": TEXT, "position": 2, "words": ["he"]}),
    "shorten": ("encoder", {"text": TEXT}),
    "sides_of_texts": ("classification", {"first": TEXT, "second": PAIR[0]}),
    "compare_texts": (
        "classification",
        {"first": TEXT, "second": "A film.", "parts": ["hidden"], "method": "saliency"},
    ),
    "similarity": ("encoder", {"a": TEXT, "b": PAIR[0], "pooling": "mean", "matrix": False}),
    "rank_similar": ("encoder", {"query": TEXT, "texts": list(PAIR), "pooling": "mean"}),
    "surprise": ("masked_words", {"text": TEXT}),
    "trace": (
        "classification",
        {"clean": "The man was good.", "corrupted": "The man was great.", "layers": [1], "spans": [(2, 3)]},
    ),
    "value_norms": ("encoder", {"text": TEXT}),
    "value_zeroing": ("encoder", {"text": TEXT}),
    "baseline_gap": ("classification", {"text": TEXT}),
    "verdict": ("classification", {"text": TEXT, "budget": 10}),
    "vocabulary_coverage": ("encoder", {"text": TEXT}),
    "report": ("classification", {"text": TEXT, "methods": ["saliency"], "maps": 0, "budget": 10}),
    "variants": ("classification", {"text": TEXT, "edits": [gb.Edit(2, "delete")]}),
}
#: What is valid is not run to its end: these take seconds, and call functions that are tried here themselves.
LONG = {"report", "verdict"}
#: Functions of the folders that are not in ``gb.__all__``.
BELOW = {
    "attention_relevance_map": maps.attention_relevance_map,
    "same_length_hint": alignment.same_length_hint,
    "sides_of_texts": comparison.sides_of_texts,
}
#: These take results or tables, not texts, or load models: what they refuse has tests of its own.
ELSEWHERE = {
    *(
        "load",
        "load_result",
        "embedded",
        "compare_models",
        "wrap",
        "score_parts",  # for a family of its own
    ),
    *("flow", "rollout", "head_distances", "head_profile", "rank_heads", "broken", "scoreboard"),
    *(
        "analyse",
        "behaviour",
        "compare_compressed",
        "compress",
        "compression_curve",
        "compression_record",
        "data_report",
        "draw",
        "evaluate",
        "plant_shortcut",
        "finetune",
        "training_settings",
        "open_analysis",
        "read_suite",
        "read_table",
        "show",
        "load_result",
        "method_agreement",
        "method_ranking",
        "receipt",
        "receipts",
    ),
}
JUNK = [
    *(None, b"The film", 3, -1, 10**12, 2.5, math.nan, True, "", " ", "no such thing", "a \ud83d", object(), gb, str),
    *([], (), {}, set(), [None], [b"a"], [TEXT, 3], [["a"]], [[]], ["a\udc80"], [1.5], [-1], [10**12], [(0, 99)]),
    *({"a": 1}, {"a": [None]}, {1: ["a"]}, {"saliency": 3}, {"saliency": {"n": 1}}, {"x": {}}, np.zeros(()), np.eye(2)),
    *(gb.ClassTarget(9), gb.MaskTarget(0), gb.NextSentenceTarget(), gb.TokenTarget(2), gb.AnswerTarget(position=99)),
]


def test_every_function_that_reads_a_text_is_tried():
    functions = {name for name in gb.__all__ if inspect.isfunction(getattr(gb, name))}
    assert functions == (CALLS.keys() - BELOW.keys()) | ELSEWHERE


@pytest.mark.parametrize("name", CALLS)
def test_wrong_arguments_raise_nothing_but_our_errors(tiny_model, name):
    task, good = CALLS[name]
    family = "electra" if task == "replaced_tokens" else "bert"
    function, model = BELOW.get(name) or getattr(gb, name), tiny_model(family, task)
    refused: dict[str, list[str]] = {}
    others = []
    for parameter in list(inspect.signature(function).parameters)[1:]:
        if parameter in ("progress", "cancelled", "on_error"):
            continue
        for junk in JUNK:
            wrong = {"no_such_option": junk} if parameter == "options" and name == "attribute" else {parameter: junk}
            try:
                at_once = {"cancelled": lambda: True} if name in LONG else {}
                result = function(model, **{**good, **wrong, **at_once})
                if inspect.isgenerator(result):
                    list(result)
            except gb.StoppedError:
                pass
            except gb.GlassBERTError as error:
                refused.setdefault(parameter, []).append(str(error))
            except Exception as error:
                others.append(f"{name}({parameter}={junk!r}) raised {type(error).__name__}: {error}")
    optional = {"pair", "corrupted_pair", "vectors", "per_head", "swap", "deletions"}
    assert others == []
    assert refused
    for parameter, sentences in refused.items():
        assert parameter in optional or len(sentences) > len(JUNK) / 2, parameter
        assert all(len(sentence) > 10 for sentence in sentences)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "text must be a string, an Encoded or a list of strings, Encoded or pairs of strings, not None"),
        (b"good", r"not bytes: decode the bytes first, as in text.decode\('utf-8'\)"),
        (("good", "bad"), "not tuple: pass one text at a time"),
        (3, "not int"),
    ],
)
def test_what_is_no_text_is_a_type_error_too(tiny_model, text, message):
    with pytest.raises(gb.TextTypeError, match=message) as caught:
        gb.classify(tiny_model("bert", "classification"), text)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, gb.TextError)


def test_half_a_character_is_named(tiny_model):
    model = tiny_model("bert", "classification")
    with pytest.raises(gb.TextError, match=r"text contains the lone surrogate U\+D83D at character 3"):
        gb.classify(model, "ab\ud83d")
    with pytest.raises(gb.TextError, match=r"pair contains the lone surrogate U\+DC80"):
        gb.classify(model, "ab", "\udc80")
    assert gb.classify(model, "ab \U0001f600").labels  # a whole one is fine


def test_options_and_targets_of_a_wrong_type_are_type_errors_and_value_errors(tiny_model):
    model = tiny_model("bert", "masked_words")
    with pytest.raises(gb.OptionTypeError, match="top_k must be an integer, not str") as caught:
        gb.fill_mask(model, MASKED, top_k="3")
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(gb.OptionTypeError, match=r"positions\[1\] must be an integer, not float"):
        gb.fill_mask(model, MASKED, positions=[1, 2.0])
    with pytest.raises(gb.OptionTypeError, match="model must be a Model, not str"):
        gb.fill_mask("pretrained", MASKED)
    with pytest.raises(gb.TargetTypeError, match="not object"):
        gb.attribute(model, MASKED, target=object())
    with pytest.raises(ValueError, match="1 to 512"):
        gb.fill_mask(model, MASKED, top_k=0)


@pytest.mark.parametrize("wrong", [{"position": "2"}, {"position": 2, "token": 1.5}, {"position": 2, "foil": b"he"}])
def test_targets_check_their_fields(wrong):
    with pytest.raises(gb.TargetTypeError, match=r"MaskTarget: (position|token|foil) must be"):
        gb.MaskTarget(**wrong)


def test_edits_check_their_fields():
    with pytest.raises(gb.OptionTypeError, match="Edit: position must be an integer, not str"):
        gb.Edit("2", "delete")
    with pytest.raises(gb.OptionTypeError, match="Edit: replacement must be a string, not None"):
        gb.Edit(2, "replace", None)


def test_lists_may_be_anything_in_order(tiny_model):
    import pandas as pd

    model = tiny_model("bert", "masked_words")
    expected = gb.fill_mask(model, TEXT, positions=[1, 2]).positions.tolist()
    for positions in ((1, 2), np.array([1, 2]), range(1, 3), pd.Series([1, 2])):
        assert gb.fill_mask(model, TEXT, positions=positions).positions.tolist() == expected


def test_a_missing_or_unknown_parameter_keeps_pythons_own_message(tiny_model):
    with pytest.raises(TypeError, match="unexpected keyword argument 'topk'") as caught:
        gb.fill_mask(tiny_model("bert", "masked_words"), MASKED, topk=3)
    assert not isinstance(caught.value, gb.GlassBERTError)


@pytest.mark.parametrize(
    ("value", "hint", "sentence"),
    [
        (1, int | None, ""),
        (np.int64(1), int, ""),
        (True, int, "x must be an integer, not bool"),
        (1, float, ""),
        ((1, 2), tuple[int, int], ""),
        ([1, 2, 3], tuple[int, int], "x must be a pair of integers, not list"),
        ([(1, 2), (1, "a")], list[tuple[int, int]], "x[1] must be a pair of integers, not tuple"),
        ("a", dict[str, int], "x must be a dictionary, not str"),
        ([1], str | int | None, "x must be a string, an integer or None, not list"),
    ],
)
def test_sentences(value, hint, sentence):
    assert mismatch("x", value, hint) == sentence
