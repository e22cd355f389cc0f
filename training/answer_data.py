"""The questions that an answers checkpoint is trained and evaluated on: the answer is a span of the context.

Read from gzipped JSON lines in one folder, ``{"context": …, "question": …, "answers": [{"text": …, "start": …}]}``:

    squad11_{train,dev}.jsonl.gz     Wikipedia (Rajpurkar et al. 2016); both made of the official dev set
    qamr_{dev,test}.jsonl.gz         single sentences of Wikipedia and Wikinews (Michael et al. 2018)
    policyqa_{dev,test}.jsonl.gz     privacy policies (Ahmad et al. 2020)
    qed_dev.jsonl.gz                 real search questions on Wikipedia (Lamm et al. 2021)
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from training.errors import RecipeError
from training.finetuning import groups_by_length, padded
from training.tokenised import PAD

__all__ = [
    "MAX_TOKENS",
    "STRIDE",
    "AnswerBatch",
    "Question",
    "Window",
    "answer_batches",
    "encode",
    "read_questions",
    "training_windows",
]

#: Longer pairs of question and context are read in windows …
MAX_TOKENS = 256
#: … which have this many tokens of the context in common.
STRIDE = 96


class Question(NamedTuple):
    """A question, its context, and the spans (first character, end) that answer it; the same one more than once if
    several annotators chose it."""

    question: str
    context: str
    answers: tuple[tuple[int, int], ...]

    def references(self) -> list[str]:
        """The texts of the answers."""
        return [self.context[start:end] for start, end in self.answers]


class Window(NamedTuple):
    """One window of a tokenised pair, [CLS] question [SEP] context [SEP]."""

    question: int  # which of the questions
    token_ids: list[int]
    segment_ids: list[int]  # 1 for the context and the [SEP] after it
    offsets: list[tuple[int, int] | None]  # the characters of a token of the context; None elsewhere


class AnswerBatch(NamedTuple):
    """Padded windows of about the same length."""

    input_ids: torch.Tensor  # (window, token)
    attention_mask: torch.Tensor  # (window, token)
    segment_ids: torch.Tensor  # (window, token)
    spans: torch.Tensor  # (window, 2): first and last token of an answer


def read_questions(folder: Path, name: str, *, certain: bool = False) -> list[Question]:
    """The questions of ``NAME.jsonl.gz``, in the order of the file. Raises `RecipeError`.

    ``certain`` leaves out those whose answers' places are a guess.
    """
    path = folder / f"{name}.jsonl.gz"
    if not path.is_file():
        raise RecipeError(f"{path} is missing; training/README.md describes its content")
    questions = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            row = json.loads(line)
            if certain and row.get("start_guessed"):
                continue
            spans = tuple((answer["start"], answer["start"] + len(answer["text"])) for answer in row["answers"])
            question = Question(row["question"], row["context"], spans)
            if not spans or question.references() != [answer["text"] for answer in row["answers"]]:
                raise RecipeError(f"{path}, line {number}: an answer is not where the line says")
            questions.append(question)
    return questions


def encode(questions: Sequence[Question], tokenizer: Any) -> list[Window]:
    """Tokenise pairs; one longer than `MAX_TOKENS` becomes several windows. The question is never cut."""
    if not questions:
        return []
    encodings = tokenizer(
        [question.question.strip() for question in questions],
        [question.context for question in questions],
        truncation="only_second",
        max_length=MAX_TOKENS,
        stride=STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    windows = []
    for number, question in enumerate(encodings["overflow_to_sample_mapping"]):
        offsets = [
            offset if sequence == 1 else None
            for offset, sequence in zip(
                encodings["offset_mapping"][number], encodings.sequence_ids(number), strict=True
            )
        ]
        ids, segments = encodings["input_ids"][number], encodings["token_type_ids"][number]
        windows.append(Window(question, ids, segments, offsets))
    return windows


def training_windows(
    questions: Sequence[Question], windows: Iterable[Window]
) -> list[tuple[Window, list[tuple[int, int]]]]:
    """The windows that contain an answer, with the first and last tokens of all answers they contain.

    The others are left out: the model never learns to say that there is no answer.
    """
    kept = []
    for window in windows:
        spans = [_tokens_of(window, answer) for answer in questions[window.question].answers]
        inside = [span for span in spans if span is not None]
        if inside:
            kept.append((window, inside))
    return kept


def _tokens_of(window: Window, answer: tuple[int, int]) -> tuple[int, int] | None:
    """The first and last tokens of a span of characters; None if it is not wholly in the window."""
    places = [place for place, offset in enumerate(window.offsets) if offset is not None]
    if not places:
        return None
    lowest, highest = window.offsets[places[0]], window.offsets[places[-1]]
    assert lowest is not None
    assert highest is not None
    start, end = answer
    if start < lowest[0] or end > highest[1]:
        return None
    inside = [
        place
        for place in places
        if (offset := window.offsets[place]) is not None and offset[0] < end and offset[1] > start
    ]
    return (inside[0], inside[-1]) if inside else None


def answer_batches(
    examples: Sequence[tuple[Window, list[tuple[int, int]]]], *, tokens_per_batch: int, rng: random.Random | None
) -> Iterator[AnswerBatch]:
    """Batches as `training.finetuning.groups_by_length` makes them; ``rng`` also draws one of the answers of each."""
    choose: Callable[[list[tuple[int, int]]], tuple[int, int]] = rng.choice if rng else lambda spans: spans[0]
    lengths = [len(window.token_ids) for window, _ in examples]
    for group in groups_by_length(lengths, tokens_per_batch=tokens_per_batch, rng=rng):
        input_ids = padded([examples[index][0].token_ids for index in group], PAD)
        segment_ids = padded([examples[index][0].segment_ids for index in group], 0)
        spans = torch.tensor([choose(examples[index][1]) for index in group])
        yield AnswerBatch(input_ids, (input_ids != PAD).long(), segment_ids, spans)
