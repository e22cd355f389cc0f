"""F of an input with tokens replaced or left out, against the stock model run one input at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.decision import Passes, Runner, decide
from tests import tiny

TEXT, PAIR = "The film was good but the plot made no sense.", ("The man went home.", "He was very tired today.")
ONE = [  # task, texts, target
    ("classification", (TEXT,), gb.ClassTarget(1)),
    ("classification", PAIR, gb.ClassTarget(0, foil=2)),
    ("token_classification", (TEXT,), gb.TokenTarget(4, 1)),
    ("question_answering", PAIR, gb.AnswerTarget("end", 9, foil=10)),
    ("masked_words", (TEXT,), gb.MaskTarget(4, 30, foil=40)),
    ("next_sentence", PAIR, gb.NextSentenceTarget()),
]


def runner_of(model, texts, target, output="logit") -> Runner:
    return decide(model, gb.encode(model, *texts), target, output)


def stock_value(runner: Runner, ids: np.ndarray, segments: np.ndarray, places: np.ndarray) -> float:
    """F of one unpadded input; ``places`` are the positions that its tokens have in the whole input."""
    model, target = runner.decision.model, runner.decision.target
    arguments = {"input_ids": torch.tensor(ids)[None], "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    if model.uses_segments:
        arguments["token_type_ids"] = torch.tensor(segments)[None]
    with torch.no_grad():
        output = model.network(**arguments)
    match target:
        case gb.ClassTarget():
            logits = output.logits[0]
        case gb.TokenTarget() | gb.MaskTarget():
            logits = getattr(output, "prediction_logits", output.get("logits"))[0]
            logits = logits[list(places).index(target.position)]
        case gb.AnswerTarget():
            logits = output.end_logits[0]
            ids_there = [list(places).index(position) for position in runner.decision.class_ids]
            return float(logits[ids_there[0]] - logits[ids_there[1]])
        case _:
            logits = output.seq_relationship_logits[0]
    value = float(logits[runner.decision.class_ids[0]])
    return value - float(logits[runner.decision.class_ids[1]]) if len(runner.decision.class_ids) > 1 else value


def variants(count: int, tokens: int) -> np.ndarray:
    draw = np.random.default_rng(0)
    present = draw.random((count, tokens)) < draw.random((count, 1))
    return np.concatenate((present, present[:2], np.ones((1, tokens), bool), np.zeros((1, tokens), bool)))


def _cases():
    for family in tiny.FAMILIES:
        for task, texts, target in ONE:
            if task != "next_sentence" or family == "bert":
                yield pytest.param(family, task, texts, target, id=f"{family}-{task}-{len(texts)}")


@pytest.mark.parametrize(("family", "task", "texts", "target"), list(_cases()))
def test_values_without_tokens_are_those_of_the_shorter_input(tiny_model, family, task, texts, target):
    runner = runner_of(tiny_model(family, task), texts, target)
    present = variants(9, runner.decision.length)
    encoded = runner.decision.encoded
    expected = []
    for row in present | ~runner.decision.removable:
        places = np.flatnonzero(row)
        expected.append(stock_value(runner, encoded.input_ids[row], encoded.token_type_ids[row], places))
    np.testing.assert_allclose(runner.values_without(present), expected, atol=2e-5)


@pytest.mark.parametrize(("family", "task", "texts", "target"), list(_cases()))
def test_values_with_tokens_masked_are_those_of_the_masked_input(tiny_model, family, task, texts, target):
    runner = runner_of(tiny_model(family, task), texts, target)
    present = variants(9, runner.decision.length)
    encoded, everywhere = runner.decision.encoded, np.arange(runner.decision.length)
    mask = runner.decision.model.tokenizer.mask_token_id
    expected = []
    for row in present | runner.decision.kept:
        ids = np.where(row, encoded.input_ids, mask)
        expected.append(stock_value(runner, ids, encoded.token_type_ids, everywhere))
    np.testing.assert_allclose(runner.values_replaced(present), expected, atol=2e-5)


def test_special_tokens_and_what_is_asked_about_stay(tiny_model):
    masked = runner_of(tiny_model("bert", "masked_words"), (TEXT,), gb.MaskTarget(4))
    assert np.flatnonzero(~masked.decision.removable).tolist() == [0, 4, masked.decision.length - 1]
    label = runner_of(tiny_model("bert", "token_classification"), (TEXT,), gb.TokenTarget(4))
    assert np.flatnonzero(~label.decision.removable).tolist() == [0, 4, label.decision.length - 1]
    assert np.flatnonzero(label.decision.kept).tolist() == [0, label.decision.length - 1]


def test_equal_variants_are_computed_once(tiny_model):
    runner = runner_of(tiny_model("bert", "classification"), (TEXT,), gb.ClassTarget(1))
    same = np.tile(variants(1, runner.decision.length)[:1], (50, 1))
    for values in (runner.values_without(same), runner.values_replaced(same)):
        assert len(set(values)) == 1
    assert runner.passes.count == 2


def test_a_probability_that_an_answer_starts_here_counts_the_text_only(tiny_model):
    runner = runner_of(tiny_model("bert", "question_answering"), PAIR, gb.AnswerTarget("start"), "probability")
    context = np.flatnonzero(runner.decision.encoded.sequence_ids == 1)
    total = 0.0
    for position in context:
        one = runner_of(runner.decision.model, PAIR, gb.AnswerTarget("start", int(position)), "probability")
        total += one.values_without(np.ones((1, one.decision.length), bool))[0]
    assert total == pytest.approx(1, abs=1e-6)


def test_a_stopped_computation_says_so(tiny_model):
    seen = []
    passes = Passes(watch=seen.append, cancelled=lambda: len(seen) >= 2)
    runner = decide(tiny_model("bert", "classification"), gb.encode(tiny_model("bert", "classification"), TEXT),
                   gb.ClassTarget(1), "logit", passes=passes)  # fmt: skip
    row = np.ones((1, runner.decision.length), bool)
    runner.values_replaced(row)
    runner.values_replaced(row)
    with pytest.raises(gb.StoppedError, match="stopped before it was done"):
        runner.values_replaced(row)
    assert seen == [0, 1]


def test_progress_ends_with_the_expected_number_of_passes(tiny_model):
    seen = []
    score = gb.attribute(
        tiny_model("bert", "classification"),
        TEXT,
        n_steps=4,
        progress=lambda done, expected: seen.append((done, expected)),
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert {expected for _, expected in seen} == {6}
    assert score.forward_passes == 7  # four steps, both ends, and the one that found the class
