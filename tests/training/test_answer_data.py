"""Answers are where the file says, in every window that holds them, and they count as those of SQuAD do."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from tests.training import samples
from training.answer_data import (
    MAX_TOKENS,
    STRIDE,
    Question,
    Window,
    answer_batches,
    encode,
    read_questions,
    training_windows,
)
from training.errors import RecipeError
from training.evaluate_answers import (
    Answer,
    AnswerScores,
    answers_of,
    calibration_error,
    exact_match,
    scores,
    token_f1,
)
from training.finetune_answers import AnswerOptions, answer_loss, split_questions


@pytest.fixture(scope="module")
def tokenizer(vocabulary: Path) -> Any:
    return AutoTokenizer.from_pretrained(vocabulary)


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("".join(json.dumps(row) + "\n" for row in rows))


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    row = {"context": "Émile lives in Rome.", "question": "Where?", "answers": [{"text": "Rome", "start": 15}]}
    write(tmp_path / "x.jsonl.gz", [row, {**row, "question": "Who?", "start_guessed": True}])
    assert [question.question for question in read_questions(tmp_path, "x")] == ["Where?", "Who?"]
    (certain,) = read_questions(tmp_path, "x", certain=True)
    assert certain == Question("Where?", row["context"], ((15, 19),))
    assert certain.references() == ["Rome"]
    for wrong in ([], [{"text": "Rome", "start": 14}]):
        write(tmp_path / "y.jsonl.gz", [row, {**row, "answers": wrong}])
        with pytest.raises(RecipeError, match="line 2: an answer is not where"):
            read_questions(tmp_path, "y")
    with pytest.raises(RecipeError, match=r"z\.jsonl\.gz is missing"):
        read_questions(tmp_path, "z")


def test_answers_are_found_in_tokens(tokenizer: Any) -> None:
    context = "The parrot sang in Valparaíso, twice."
    start = context.index("Valpara")
    question = Question(" Where did the parrot sing? ", context, ((start, start + 10), (0, 10), (4, 7)))
    ((window, answers),) = training_windows([question], encode([question], tokenizer))
    first, last = answers[0]
    assert context[window.offsets[first][0] : window.offsets[last][1]] == "Valparaíso"
    begin = window.token_ids.index(102) + 1
    assert answers[1] == (begin, begin + 1)
    assert answers[2] == (answers[1][1],) * 2  # a part of a token is that token
    assert [offset is not None for offset in window.offsets] == [
        segment == 1 and token != 102 for segment, token in zip(window.segment_ids, window.token_ids, strict=True)
    ]
    assert encode([], tokenizer) == []


def test_long_contexts_are_windows_and_only_those_with_an_answer_are_trained_on(tokenizer: Any) -> None:
    words = [f"word{number}" for number in range(300)]
    context = " ".join(words)
    places = [(context.index(word), context.index(word) + len(word)) for word in ("word5", "word299")]
    question = Question("which?", context, tuple(places))
    windows = encode([question], tokenizer)
    assert len(windows) > 2
    assert all(len(window.token_ids) <= MAX_TOKENS for window in windows)
    inside = [[offset for offset in window.offsets if offset] for window in windows]
    assert [one[-STRIDE] for one in inside[:-1]] == [one[0] for one in inside[1:]]  # what two have in common
    kept = training_windows([question], windows)
    assert [len(answers) for _, answers in kept] == [1, 1]
    for (window, ((first, last),)), (start, end) in zip(kept, places, strict=True):
        assert (window.offsets[first][0], window.offsets[last][1]) == (start, end)


def test_batches_draw_one_of_the_answers() -> None:
    def example(number: int) -> tuple[Window, list[tuple[int, int]]]:
        ids = [101, 1000 + number, 102, *[7] * number, 102]
        return Window(number, ids, [0, 0, 0, *[1] * (number + 1)], []), [(3, 3), (3, 2 + number)]

    examples = [example(number) for number in range(2, 10)]
    drawn: dict[int, set[int]] = {number: set() for number in range(2, 10)}
    rng = random.Random(1)
    for _ in range(20):
        for batch in answer_batches(examples, tokens_per_batch=30, rng=rng):
            assert torch.equal(batch.attention_mask, (batch.input_ids != 0).long())
            for ids, segments, (first, last) in zip(batch.input_ids, batch.segment_ids, batch.spans, strict=True):
                number = int(ids[1]) - 1000
                assert segments.sum() == number + 1
                assert first == 3
                drawn[number].add(int(last))
    assert drawn == {number: {3, 2 + number} for number in range(2, 10)}
    spans = [batch.spans.tolist() for batch in answer_batches(examples, tokens_per_batch=30, rng=None)]
    assert spans == [batch.spans.tolist() for batch in answer_batches(examples, tokens_per_batch=30, rng=None)]
    assert {tuple(span) for batch in spans for span in batch} == {(3, 3)}


def test_the_loss_is_the_mean_of_both_ends_and_padding_takes_no_part() -> None:
    start, end = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    end[0, 4] = start[0, 4] = -torch.inf
    spans = torch.tensor([[1, 2], [0, 0], [3, 4]])
    expected = [
        -(start[row].log_softmax(0)[first] + end[row].log_softmax(0)[last]) / 2
        for row, (first, last) in enumerate(spans.tolist())
    ]
    assert answer_loss(start, end, spans).item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-6)


@pytest.mark.parametrize(
    ("answer", "references", "exact", "f1"),
    [
        ("The Eiffel Tower.", ["eiffel tower"], True, 1.0),
        ("the tower", ["Eiffel Tower"], False, 2 / 3),
        ("tower tower", ["Eiffel Tower"], False, 0.5),
        ("Paris", ["Rome", "in Paris"], False, 2 / 3),
        ("Paris", ["Rome", "Paris, France", "paris"], True, 1.0),
        ("Rome", ["Paris"], False, 0.0),
        ("the", ["a"], True, 1.0),
        ("the", ["Paris"], False, 0.0),
        ("anthem", ["them an"], False, 0.0),  # articles are words, not letters
    ],
)
def test_scores_are_those_of_squad(answer: str, references: list[str], exact: bool, f1: float) -> None:
    assert exact_match(answer, references) is exact
    assert token_f1(answer, references) == pytest.approx(f1)


class Pointing(torch.nn.Module):
    """Starts at the token 2003 ("is") and ends at 2182 ("here"), the more decidedly the later they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, input_ids: torch.Tensor, **_: torch.Tensor) -> Any:
        later = 5 + torch.arange(input_ids.shape[1]) / 100
        return SimpleNamespace(
            start_logits=(input_ids == 2003) * later, end_logits=(input_ids == 2182) * later - (input_ids == 1012) * 1.0
        )


def test_an_answer_is_a_span_of_the_context_forwards_and_from_the_surest_window(tokenizer: Any) -> None:
    filler = "word " * 300
    questions = [
        Question("is it here?", "Here is he. He is right here.", ((8, 10),)),
        Question("what?", f"It is here. {filler} This is even here.", ((0, 2),)),
        Question("what?", f"is {'so ' * 40}here.", ((0, 2),)),  # too long a span
    ]
    answers = answers_of(Pointing(), questions, tokenizer, "float32")
    assert [answer.text for answer in answers[:2]] == ["is right here", "is even here"]
    assert answers[2].text != questions[2].context[:-1]
    assert all(0 < answer.probability < 1 for answer in answers)
    assert scores(questions[:1], answers[:1]) == AnswerScores(0.0, 0.0, 1)


def test_the_calibration_error_is_that_of_probabilities_and_shares() -> None:
    answers = [Answer("", 0.9)] * 4 + [Answer("", 0.1)] * 4
    assert calibration_error(answers, [True] * 4 + [False] * 4) == pytest.approx(0.1)
    assert calibration_error(answers, [False] * 4 + [True] * 4) == pytest.approx(0.9)


def test_a_context_is_trained_on_or_chooses_or_is_measured(tmp_path: Path) -> None:
    samples.write_answers(tmp_path)
    held_out = read_questions(tmp_path, "qamr_test")
    rows = [{"context": held_out[0].context, "question": "Again?", "answers": [{"text": "The", "start": 0}]}]
    write(tmp_path / "policyqa_dev.jsonl.gz", rows)
    training, choosing = split_questions(tmp_path)
    trained = {question.context for question in training}
    chosen = {question.context for questions in choosing.values() for question in questions}
    assert trained
    assert chosen
    assert not trained & chosen
    assert held_out[0].context not in trained | chosen
    assert choosing.keys() == {"squad11_train", "qamr_dev", "policyqa_dev"}
    with pytest.raises(RecipeError, match="--share"):
        AnswerOptions(model=tmp_path, data=tmp_path, out=tmp_path, share=2)
