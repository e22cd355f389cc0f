"""Metrics against hand-made numbers and scikit-learn, and a model's against what it answers text by text."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics

import glassbert as gb
from glassbert.tables import Table
from glassbert.tuning.evaluation_answers import exact_match, token_f1
from glassbert.tuning.evaluation_metrics import BINS, evaluation_of, of_confusions, spans_of
from glassbert.tuning.evaluation_run import first_tokens
from training import entity_data, evaluate_entities, evaluate_sentiment


def table_of(labels, *, names=(), kind="classification", texts=None, pairs=(), words=()) -> Table:
    texts = texts or [f"text {n}" for n in range(len(labels))]
    return Table(
        kind=kind,
        texts=tuple(texts),
        pairs=tuple(pairs),
        labels=tuple(labels),
        label_names=tuple(names),
        words=tuple(words),
        rows=tuple(range(2, len(texts) + 2)),
        bad_rows=(),
        source="test.csv",
        columns=("text", "label"),
        text_column="text",
        pair_column=None,
        label_column="label",
    )


def test_classes_by_hand():
    """Four texts, three classes, the third never occurs: a, a, b, b answered a, b, b, b with probability 3/4 each."""
    odds = math.log(3 / 4 / (1 / 8))
    logits = np.zeros((4, 3))
    logits[np.arange(4), [0, 1, 1, 1]] = odds
    found = evaluation_of(table_of([0, 0, 1, 1], names="abc"), logits, "abc")
    assert found.metrics["accuracy"] == 0.75
    assert found.metrics["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found.metrics["weighted_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found.metrics["mcc"] == pytest.approx((2 * 1 - 1 * 0) / math.sqrt(3 * 1 * 2 * 2) * 1.0, abs=1e-12)
    assert found.metrics["ece"] == pytest.approx(0)  # confidence ¾ and accuracy ¾, in one bin
    assert found.metrics["loss"] == pytest.approx(-(3 * math.log(3 / 4) + math.log(1 / 8)) / 4)
    assert found.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert found.support.tolist() == [2, 2, 0]
    assert found.precision.tolist() == pytest.approx([1, 2 / 3, 0])
    assert found.recall.tolist() == [0.5, 1, 0]
    assert found.calibration_count.tolist() == [0] * 11 + [4] + [0] * 3
    assert found.calibration_confidence[11] == pytest.approx(0.75) == found.calibration_accuracy[11]
    assert found.wrong() == [1]
    assert found.rows.tolist() == [2, 3, 4, 5]
    assert "accuracy 0.750" in repr(found)
    assert found.frame()["metric"].tolist()[:2] == ["accuracy", "macro_f1"]
    assert found.class_frame()["class"].tolist() == ["a", "b", "c"]


def test_many_classes_equal_scikit_learn_and_the_bootstrap_is_of_the_same_numbers():
    draw = np.random.default_rng(0)
    labels, logits = draw.integers(7, size=300), draw.normal(size=(300, 8))
    logits[np.arange(300), labels] += 1.5
    found = evaluation_of(table_of(labels.tolist(), names="abcdefgh"), logits, "abcdefgh", seed=1)
    answers = logits.argmax(axis=1)
    assert found.metrics["mcc"] == pytest.approx(metrics.matthews_corrcoef(labels, answers))
    assert found.metrics["macro_f1"] == pytest.approx(metrics.f1_score(labels, answers, average="macro"))
    both = torch.tensor(logits), torch.tensor(labels)
    assert found.metrics["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(*both)))
    assert found.metrics["ece"] == pytest.approx(evaluate_sentiment.calibration_error(*both))
    resample = np.random.default_rng(1)
    for _ in range(20):
        rows = resample.integers(300, size=300)
        one, other = labels[rows], answers[rows]
        assert list(of_confusions(metrics.confusion_matrix(one, other, labels=range(8))).values()) == pytest.approx(
            [
                metrics.accuracy_score(one, other),
                metrics.f1_score(one, other, average="macro", zero_division=0),
                metrics.f1_score(one, other, average="weighted", zero_division=0),
                metrics.matthews_corrcoef(one, other),
            ]
        )
    for name, (low, high) in found.intervals.items():
        assert low < found.metrics[name] < high or name == "ece"
    # of a share p of n, the half-width is about 1.96 √(p(1−p)/n)
    low, high = found.intervals["accuracy"]
    share = found.metrics["accuracy"]
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(share * (1 - share) / 300), rel=0.15)
    assert (
        found.intervals
        == evaluation_of(table_of(labels.tolist(), names="abcdefgh"), logits, "abcdefgh", seed=1).intervals
    )


def test_labels_are_matched_by_name():
    logits = np.eye(3)[[2, 1]]
    found = evaluation_of(table_of([0, 1], names=("x", "y")), logits, ("other", "y", "x"))
    assert found.metrics["accuracy"] == 1
    assert found.label_names == ("other", "y", "x")
    with pytest.raises(gb.OptionError, match="the model has no label 'z'"):
        evaluation_of(table_of([0, 1], names=("x", "z")), logits, ("other", "y", "x"))
    unused = table_of([0, 0], names=("x", "z"))
    assert evaluation_of(unused, logits, ("other", "y", "x")).metrics["accuracy"] == 0.5
    for wrong in (np.eye(3)[:1], np.eye(2), np.full((2, 3), np.nan)):
        with pytest.raises(gb.OptionError):
            evaluation_of(unused, wrong, ("other", "y", "x"))


def test_several_classes_a_text():
    """(1, 0), (1, 1), (0, 0) answered (1, 1), (1, 0), (0, 0), each with probability 3/4."""
    odds = math.log(3)
    logits = odds * np.asarray([[1, 1], [1, -1], [-1, -1]])
    found = evaluation_of(table_of([(0,), (0, 1), ()], names="ab", kind="multi_label"), logits, "ab")
    assert found.metrics["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert found.metrics["macro_f1"] == pytest.approx((1 + 0) / 2)
    assert found.metrics["subset_accuracy"] == pytest.approx(1 / 3)
    assert found.metrics["ece"] == pytest.approx(3 / 4 - 4 / 6)
    assert found.metrics["loss"] == pytest.approx(-(4 * math.log(3 / 4) + 2 * math.log(1 / 4)) / 6)
    assert found.support.tolist() == [2, 1]
    assert found.answers.tolist() == [[1, 1], [1, 0], [0, 0]]
    assert sorted(found.wrong()) == [0, 1, 2]


def test_a_regression():
    draw = np.random.default_rng(0)
    expected = draw.normal(size=40).round(1)
    predicted = expected + draw.normal(size=40)
    found = evaluation_of(table_of(expected.tolist(), kind="regression"), predicted, ("score",))
    frame = pd.DataFrame({"a": expected, "b": predicted})
    assert found.metrics == pytest.approx(
        {
            "mae": np.abs(expected - predicted).mean(),
            "rmse": np.sqrt(((expected - predicted) ** 2).mean()),
            "pearson": frame.corr()["a"]["b"],
            "spearman": frame.corr("spearman")["a"]["b"],
            "r2": metrics.r2_score(expected, predicted),
        }
    )
    assert found.wrong(1) == [int(np.abs(expected - predicted).argmax())]
    assert found.label_names == ()
    constant = evaluation_of(table_of([1.0, 1.0], kind="regression"), np.asarray([[2.0], [2.0]]), ("score",))
    assert constant.metrics == {"mae": 1, "rmse": 1, "pearson": 0, "spearman": 0, "r2": 0}


TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def test_named_spans_are_compared_as_the_benchmarks_do():
    draw = np.random.default_rng(0)
    labels = [tuple(draw.integers(5, size=length).tolist()) for length in draw.integers(1, 12, size=60)]
    outputs = []
    for row in labels:
        logits = draw.normal(size=(len(row), 5))
        logits[np.arange(len(row)), list(row)] += 2
        outputs.append(logits)
    found = evaluation_of(table_of(labels, names=TAGS, kind="tokens"), outputs, TAGS)
    true = [[TAGS[one] for one in row] for row in labels]
    answered = [[TAGS[one] for one in logits.argmax(axis=1)] for logits in outputs]
    for tags in true:
        assert spans_of(tags) == set(entity_data.spans(tags))
    expected = evaluate_entities.names_found(true, answered, ("PER", "LOC"))
    assert found.metrics["span_f1"] == pytest.approx(expected.f1)
    assert found.metrics["span_precision"] == pytest.approx(expected.precision)
    assert found.metrics["span_recall"] == pytest.approx(expected.recall)
    flat = np.concatenate([np.asarray(row) for row in labels])
    assert found.metrics["accuracy"] == pytest.approx(metrics.accuracy_score(flat, found.answers))
    every = torch.tensor(np.concatenate(outputs)), torch.tensor(flat)
    assert found.metrics["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(*every)))
    assert found.unit_rows.tolist() == [row for row, one in enumerate(labels, start=2) for _ in one]
    assert spans_of(["I-PER", "B-PER", "O", "I-LOC", "I-PER"]) == {
        (0, 1, "PER"),
        (1, 2, "PER"),
        (3, 4, "LOC"),
        (4, 5, "PER"),
    }


def test_answers_are_compared_as_squad_does():
    assert exact_match("The Eiffel Tower.", ["tower", "eiffel tower"])
    assert not exact_match("Eiffel", ["eiffel tower"])
    assert token_f1("the Eiffel tower of Paris", ["Eiffel Tower"]) == pytest.approx(2 * 2 / (4 + 2))
    assert token_f1("", [""]) == 1 == exact_match("", [""])
    assert token_f1("Paris", [""]) == 0
    labels = [((0, "in Paris"), (3, "Paris")), ((0, "a cat"),), ()]
    table = table_of(labels, kind="spans", pairs=["c"] * 3)
    found = evaluation_of(table, [("Paris", 0.9), ("the black cat", 0.5), ("", 0.2)], ())
    assert found.metrics == pytest.approx({"exact_match": 2 / 3, "token_f1": (1 + 2 / 3 + 1) / 3})
    assert found.answer_texts == ("Paris", "the black cat", "")
    assert found.losses.tolist() == pytest.approx([0, 1 / 3, 0])
    assert found.wrong() == [1]


def test_masked_words():
    found = evaluation_of(table_of([], kind="texts", texts=["a", "b"]), [(2.0, 1, 2), (1.0, 0, 1)], ())
    assert found.metrics == pytest.approx({"masked_accuracy": 1 / 3, "loss": 1, "perplexity": math.e})
    assert found.losses.tolist() == [1, 1]


# --- a model on a table -----------------------------------------------------------------------------------------------


TEXTS = ["The film was good.", "Good.", "This film was not good at all; the acting is great.", "word " * 600]


def test_a_classifier_answers_as_text_by_text(tiny_model):
    model = tiny_model("bert", "classification")
    frame = pd.DataFrame({"text": TEXTS, "label": ["positive", "Neutral", "negative", "neutral"]})
    frame["label"] = frame["label"].str.lower()
    seen = []
    found = gb.evaluate(model, gb.read_table(frame), progress=lambda *done: seen.append(done))
    shown = [*TEXTS[:3], gb.shorten(model, TEXTS[3])[0]]
    one_by_one = [gb.classify(model, text) for text in shown]
    assert found.answers.tolist() == [one.predicted for one in one_by_one]
    assert found.confidences == pytest.approx([one.probabilities.max() for one in one_by_one], abs=1e-5)
    truths = [2, 1, 0, 1]
    assert found.truths.tolist() == truths
    loss = -np.mean([np.log(one.probabilities[truth]) for one, truth in zip(one_by_one, truths, strict=True)])
    assert found.metrics["loss"] == pytest.approx(float(loss), abs=1e-4)
    assert (found.truncated, seen[-1], found.label_names) == (1, (4, 4), ("negative", "neutral", "positive"))
    pairs = pd.DataFrame({"text": TEXTS[:2], "text_b": TEXTS[1:3], "label": ["positive", "negative"]})
    paired = gb.evaluate(model, gb.read_table(pairs))
    assert paired.confidences[0] == pytest.approx(gb.classify(model, *TEXTS[:2]).probabilities.max(), abs=1e-5)
    with pytest.raises(gb.OptionError, match="no label 'strange'; its labels are"):
        gb.evaluate(model, gb.read_table(frame.assign(label=["strange", "positive"] * 2)))
    with pytest.raises(gb.TaskHeadError, match="one class a text, but the table's labels are scores"):
        gb.evaluate(model, gb.read_table(frame.assign(label=[0.5, 1.5, 2, 3])))
    with pytest.raises(gb.TaskHeadError):
        gb.evaluate(model, gb.read_table(frame, kind="texts"))
    with pytest.raises(gb.StoppedError):
        gb.evaluate(model, gb.read_table(frame), cancelled=lambda: True)
    with pytest.raises(gb.OptionError, match="seed"):
        gb.evaluate(model, gb.read_table(frame), seed=-1)


def test_outputs_of_other_kinds(tiny_model):
    model = tiny_model("bert", "classification")
    scores = gb.read_table(pd.DataFrame({"text": TEXTS[:3], "label": [0.5, 1.5, -2.0]}))
    single = replace(model, regression=True, multi_label=False)
    with pytest.raises(gb.TaskHeadError, match="gives 3 scores"):
        gb.evaluate(single, scores)
    several = pd.DataFrame({"text": TEXTS[:3], "label": [["positive"], [], ["negative", "neutral"]]})
    found = gb.evaluate(replace(model, multi_label=True), gb.read_table(several))
    expected = [gb.classify(replace(model, multi_label=True), text).probabilities for text in TEXTS[:3]]
    assert found.confidences == pytest.approx(np.asarray(expected), abs=1e-5)
    assert found.truths.tolist() == [[0, 0, 1], [0, 0, 0], [1, 1, 0]]


def test_words_are_labelled_by_their_first_piece(tiny_model):
    model = tiny_model("bert", "token_classification")
    rows = [["The", "unbelievable", "suitcase", "in", "Paris"], ["Good", "\u200d", "film"], ["\u200d"]]
    tags = [["O", "B-PER", "I-PER", "O", "B-LOC"], ["O", "O", "O"], ["O"]]
    table = gb.read_table(pd.DataFrame({"tokens": rows, "tags": tags}))
    found = gb.evaluate(model, table)
    labelled = gb.label_tokens(model, "The unbelievable suitcase in Paris")
    encoded = labelled.encoded
    first = [int(np.flatnonzero(encoded.offsets[:, 0] == at)[-1 if at else 1]) for at in (0, 4, 17, 26, 29)]
    assert first_tokens(encoded, rows[0]).tolist() == first
    assert found.answers[:5].tolist() == labelled.logits[first].argmax(axis=1).tolist()
    assert found.answers[[6, 8]].tolist() == [0, 0]
    assert found.unit_rows.tolist() == [1] * 5 + [2] * 3 + [3]
    for family in ("roberta", "xlm-roberta", "albert"):  # tokens that begin with the blank before them
        own = gb.encode(tiny_model(family, "token_classification"), "The unbelievable suitcase")
        places = first_tokens(own, ["The", "unbelievable", "suitcase"])
        assert [own.texts[0][own.offsets[place, 0] : own.offsets[place, 1]].strip()[0] for place in places] == [
            "T",
            "u",
            "s",
        ]


def test_questions_and_masked_words(tiny_model):
    context = "The man went to the store. He bought bread."
    frame = pd.DataFrame({"question": ["Who went?", "What?"], "context": context, "answers": [["The man"], ["bread"]]})
    model = tiny_model("bert", "question_answering")
    found = gb.evaluate(model, gb.read_table(frame))
    assert found.answer_texts[0] == gb.answer(model, "Who went?", context, top_k=1).answers[0]
    assert found.metrics.keys() == {"exact_match", "token_f1"}
    model = tiny_model("bert", "masked_words")
    table = gb.read_table(pd.DataFrame({"text": TEXTS[:2]}))
    found = gb.evaluate(model, table, seed=3)
    assert found.metrics == gb.evaluate(model, table, seed=3).metrics
    assert found.metrics != gb.evaluate(model, table, seed=4).metrics
    one = gb.read_table(pd.DataFrame({"text": ["good"]}))
    expected = gb.surprise(model, "good").surprisal
    assert gb.evaluate(model, one).metrics["loss"] == pytest.approx(float(expected.sum()) * math.log(2), abs=1e-4)


def test_it_is_saved_without_loss(tiny_model, tmp_path):
    frame = pd.DataFrame({"text": TEXTS[:3], "label": ["positive", "neutral", "negative"]})
    found = gb.evaluate(tiny_model("bert", "classification"), gb.read_table(frame))
    for name in ("a.json", "a.zip"):
        again = gb.load_result(found.save(tmp_path / name))
        assert again.metrics == found.metrics
        assert again.intervals == found.intervals
        assert again.confusion.tolist() == found.confusion.tolist()
    assert len(found.calibration_count) == BINS


def test_a_perfect_score_has_the_interval_of_wilson() -> None:
    """Of 60 right answers of 60, no resampling finds a wrong one; the true share may still be as low as 94 %."""
    labels = [0, 1] * 30
    found = evaluation_of(table_of(labels, names="ab"), 9.0 * np.eye(2)[labels], "ab")
    z = 1.959964
    assert found.intervals["accuracy"] == pytest.approx((60 / (60 + z**2), 1.0), abs=1e-5)
