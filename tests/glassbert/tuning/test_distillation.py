"""A teacher: the loss by hand, answers in the student's order, and a student that learns what no label says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import glassbert as gb
from glassbert.tuning.distillation import Lesson, Teaching, lesson_of
from tests import tiny

LABELS = tiny.LABELS["classification"]
WORDS = ("great", "good", "mess", "long", "river", "movie", "film", "night", "milk", "bread", "moon", "story")
FAST = {
    "epochs": 12,
    "tokens_per_batch": 128,
    "learning_rate": 3e-3,
    "threads": 1,
    "precision": "float32",
    "device": "cpu",
    "record": False,
    "label_errors": False,
    "seed": 1,
}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tiny.build("bert", "classification", tmp_path_factory.mktemp("teacher") / "bert", seed=3)
    return gb.load(folder, device="cpu")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return gb.load(tiny.build("bert", "masked_words", tmp_path_factory.mktemp("student") / "bert"), device="cpu")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draw = np.random.default_rng(0)
    return [" ".join(draw.choice(WORDS, 3)) for _ in range(48)]


@pytest.fixture(scope="module")
def random_labels(texts: list[str]) -> Any:
    """Labels that have nothing to do with the texts: what is learnt about others is the teacher's."""
    draw = np.random.default_rng(1)
    return gb.read_table(pd.DataFrame({"text": texts, "label": draw.choice(LABELS, len(texts))}))


def test_the_loss_by_hand() -> None:
    teacher, own = torch.tensor([[2.0, 0.0], [1.0, 3.0]]), torch.tensor([[1.0, 0.5], [0.0, 0.0]])
    for temperature, share in ((1.0, 1.0), (4.0, 0.25)):
        p, q = (np.exp(one / temperature) for one in (teacher.flip(0).double().numpy(), own.double().numpy()))
        p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
        distance = float((p * np.log(p / q)).sum(1).mean()) * temperature**2
        found = Lesson(teacher, temperature, share).loss(own, torch.tensor(5.0), torch.tensor([1, 0]))
        assert float(found) == pytest.approx((1 - share) * 5 + share * distance, abs=1e-6)
    same = Lesson(teacher, 2.0, 1.0).loss(teacher + 7, torch.tensor(5.0), torch.tensor([0, 1]))
    assert float(same) == pytest.approx(0, abs=1e-6)


def test_answers_are_in_the_order_of_the_students_classes(teacher: Any, random_labels: Any) -> None:
    rows = np.array([5, 0, 5])
    lesson = lesson_of(Teaching(teacher, 2.0, 0.5), random_labels, rows, LABELS[::-1], lambda: False)
    expected = [gb.classify(teacher, random_labels.texts[row]).logits[::-1] for row in rows]
    np.testing.assert_allclose(lesson.logits.numpy(), np.stack(expected), atol=1e-5)


def test_a_student_learns_from_its_teacher_alone(
    teacher: Any, student: Any, random_labels: Any, texts: list[str], tmp_path: Path
) -> None:
    def agreement(name: str, **options: Any) -> float:
        run = gb.finetune(student, random_labels, None, tmp_path / name, **FAST, **options)
        found = gb.classify_many(gb.load(run.folder, device="cpu"), texts)
        wanted = gb.classify_many(teacher, texts)
        names = run.label_names
        pairs = zip(found, wanted, strict=True)
        return float(np.mean([names[one.logits.argmax()] == LABELS[two.logits.argmax()] for one, two in pairs]))

    taught = agreement("taught", teacher=teacher, teacher_share=1.0)
    assert taught > 0.85
    assert taught > agreement("alone") + 0.2
    run = gb.load_result(tmp_path / "taught" / "finetuning.zip")
    assert run.data["teacher_share"] == 1.0
    assert "distillation" in (tmp_path / "taught" / "README.md").read_text(encoding="utf-8")
    with pytest.raises(gb.OptionError, match="not from this training"):  # another teacher's share is another training
        gb.finetune(student, random_labels, None, tmp_path / "taught", **FAST, teacher=teacher, teacher_share=0.9)


def test_errors(teacher: Any, student: Any, random_labels: Any, tmp_path: Path) -> None:
    def train(table: Any = random_labels, **options: Any) -> None:
        gb.finetune(student, table, None, tmp_path / "out", **FAST, **options)

    for options, said in (
        ({"teacher": teacher, "temperature": 0.0}, "temperature must be above 0"),
        ({"teacher": teacher, "teacher_share": 1.5}, "teacher_share must be above 0"),
    ):
        with pytest.raises(gb.OptionError, match=said):
            train(**options)
    with pytest.raises(gb.TaskHeadError):
        train(teacher=student)
    others = gb.read_table(pd.DataFrame({"text": list(WORDS), "label": ["a", "b"] * 6}))
    with pytest.raises(gb.OptionError, match="trained on the same labels"):
        train(others, teacher=teacher)
    numbers = gb.read_table(pd.DataFrame({"text": list(WORDS), "label": np.arange(12) / 7}))
    with pytest.raises(gb.OptionError, match="one class a text"):
        train(numbers, teacher=teacher)
    assert not (tmp_path / "out").exists()
