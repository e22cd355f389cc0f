"""What was learnt: training dynamics, label errors, pinned texts, what has moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import glassbert as gb
from glassbert.tuning.label_errors import find_label_errors, out_of_sample
from glassbert.tuning.learning import explained, moved, pin
from glassbert.tuning.results import DataMap
from tests import tiny

FAST: dict[str, Any] = {
    "epochs": 2,
    "tokens_per_batch": 64,
    "learning_rate": 3e-3,
    "patience": 0,
    "threads": 1,
    "precision": "float32",
    "device": "cpu",
}


def test_the_kinds_of_a_data_map_follow_from_its_probabilities() -> None:
    chances = np.asarray([[0.9, 0.1, 0.2, 0.95, 0.05, 0.5], [0.9, 0.1, 0.9, 0.99, 0.06, 0.52]])
    found = DataMap(rows=np.arange(6), probabilities=chances, correctness=(chances > 0.5).mean(axis=0))
    assert found.confidence == pytest.approx(chances.mean(axis=0))
    assert found.variability == pytest.approx([0, 0, 0.35, 0.02, 0.005, 0.01], abs=1e-6)
    assert found.regions == ("easy", "hard", "ambiguous", "ambiguous", "hard", "easy")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return gb.load(tiny.build("bert", "masked_words", tmp_path_factory.mktemp("base") / "bert"), "cpu")


@pytest.fixture(scope="module")
def table() -> Any:
    return gb.read_table(
        pd.DataFrame({"text": list(tiny.SENTENCES[:6]) * 4, "label": ["a", "b", "c", "a", "b", "c"] * 4})
    )


@pytest.fixture(scope="module")
def run(base: Any, table: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return gb.finetune(
        base,
        table,
        None,
        tmp_path_factory.mktemp("out") / "model",
        pinned=[tiny.SENTENCES[0], "A film of my own."],
        **FAST,
    )


def test_nothing_has_moved_between_a_model_and_itself(base: Any, table: Any) -> None:
    found = moved(base, base, table)
    assert found.cka == pytest.approx(1, abs=1e-6)
    assert found.head_distances == pytest.approx(0, abs=1e-6)
    assert found.masked_accuracy[0] == found.masked_accuracy[1]
    assert found.texts == 16
    assert found.masked > 16


def test_what_has_moved_is_measured_with_the_head_for_masked_words_of_before(base: Any, run: Any, table: Any) -> None:
    """Against the distance of attention and CKA computed from the public functions."""
    after = gb.load(run.folder, "cpu")
    one = table.take([0])
    found = moved(base, after, one)
    text = tiny.SENTENCES[0]
    first, second = (gb.attention(side, text).weights.astype(np.float64) for side in (base, after))
    middle = (first + second) / 2

    def kl(p: Any) -> Any:
        return (p * np.log2(p / middle)).sum(-1)

    assert found.head_distances == pytest.approx(((kl(first) + kl(second)) / 2).mean(-1), abs=1e-6)
    states = [gb.hidden_states(side, text).states.astype(np.float64) for side in (base, after)]
    for layer in range(3):
        x, y = (one[layer] - one[layer].mean(0) for one in states)
        cka = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
        assert found.cka[layer] == pytest.approx(cka, abs=1e-6)
    assert run.moved.cka.shape == (3,)
    assert len(run.moved.masked_accuracy) == 2


def test_pinned_scores_are_those_of_the_final_model(run: Any) -> None:
    model = gb.load(run.folder, "cpu")
    known, own = run.pinned
    assert (known.label, own.label) == ("a", "")
    scores = gb.attribute(model, known.text, method=known.method, target="a").by_word()
    assert known.words == scores.words
    assert known.scores[-1].tolist() == pytest.approx(scores.scores.tolist(), abs=1e-5)
    assert known.scores.shape == (2, len(scores.words))
    answer = gb.classify(model, own.text)
    assert own.answers[-1] == answer.labels[answer.predicted]
    assert own.confidences[-1] == pytest.approx(answer.probabilities[answer.predicted], abs=1e-6)
    again = gb.receipt(model, explained(model, own.text, None, gb.ClassTarget(None)), n_orderings=25)
    assert own.receipt.line("comprehensiveness").number == again.line("comprehensiveness").number


def test_without_a_wish_short_texts_of_different_classes_are_pinned(base: Any, table: Any) -> None:
    assert [(one.text, one.label) for one in pin(base, table, None)] == [
        (text, label) for text, label in zip(tiny.SENTENCES[:3], "abc", strict=True)
    ]
    with pytest.raises(gb.OptionError, match="at most 20"):
        pin(base, table, ["a"] * 21)


def test_a_pinned_text_that_cannot_be_read_is_said_before_anything_is_trained(
    base: Any, table: Any, tmp_path: Path
) -> None:
    with pytest.raises(gb.TextTooLongError, match="pinned text 2 of 2: the text has"):
        gb.finetune(base, table, None, tmp_path / "out", pinned=["A film.", "good " * 600], **FAST)
    with pytest.raises(gb.EmptyTextError, match="pinned text 1 of 1"):
        gb.finetune(base, table, None, tmp_path / "out", pinned=[" "], **FAST)
    assert list(tmp_path.iterdir()) == []


def test_the_probabilities_behind_label_errors_are_out_of_sample() -> None:
    """A model that had seen random labels of its own rows would know them."""
    draw = np.random.default_rng(0)
    states, labels = draw.normal(size=(200, 100)), draw.integers(2, size=200)
    chances = out_of_sample(states, labels)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert (chances.argmax(1) == labels).mean() < 0.65
    states[:, 0] += 6 * labels
    assert (out_of_sample(states, labels).argmax(1) == labels).mean() > 0.9


def test_planted_label_errors_are_found_with_the_words_that_speak_against_them() -> None:
    """With the embedded model: six of 120 labels are swapped."""
    model = gb.load("pretrained", "cpu")
    draw = np.random.default_rng(0)
    topics = {
        "bank": ("loan", "account", "credit card", "money transfer"),
        "health": ("doctor", "fever", "hospital", "medicine"),
    }
    rows = []
    for number in range(120):
        label = ("bank", "health")[number % 2]
        words = draw.choice(topics[label], 2, replace=False)
        rows.append(
            {"text": f"I have a question about the {words[0]} and the {words[1]}, number {number}.", "label": label}
        )
    swapped = [7, 20, 41, 66, 93, 110]
    for place in swapped:
        rows[place]["label"] = {"bank": "health", "health": "bank"}[rows[place]["label"]]
    table = gb.read_table(pd.DataFrame(rows))
    found = find_label_errors(model, gb.load("sentiment", "cpu"), table)
    assert set(found.rows.tolist()) >= set(swapped)
    assert len(found.rows) <= 8
    assert found.looked_at == 120
    assert all(any(map(str.isalnum, word)) for words in found.words for word in words)
    assert all(len(set(words)) == len(words) <= 3 for words in found.words)
    for row, given, suggested in zip(found.rows, found.given, found.suggested, strict=True):
        if row in swapped:
            assert given == table.labels[row] != suggested
