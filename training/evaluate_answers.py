"""Step 13: how good is an answers checkpoint? The hand-written probes, then held-out questions.

    python -m training.evaluate_answers glassbert/checkpoints/answers --data work/answers

Both are those of SQuAD (Rajpurkar et al. 2016): answers are compared in lower case, without punctuation and articles,
with the reference that fits best. A question without an answer does not occur; the model always answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoTokenizer, BertForQuestionAnswering

from glassbert.tuning.evaluation_answers import exact_match, token_f1
from training.answer_data import Question, Window, encode, read_questions
from training.checkpoints import local_checkpoint
from training.errors import run_script
from training.finetuning import groups_by_length, padded
from training.precision import add_precision_option, autocast
from training.probes import ANSWER_PROBES, Asked
from training.tokenised import PAD

__all__ = [
    "Answer",
    "AnswerScores",
    "answers_of",
    "asked",
    "build_parser",
    "exact_match",
    "main",
    "scores",
    "token_f1",
]

HELD_OUT = ("squad11_dev", "qamr_test", "policyqa_test", "qed_dev")
MAX_ANSWER_TOKENS = 30
_TOKENS_PER_BATCH = 4096
_BINS = 15


class Answer(NamedTuple):
    """The best span of a context and its probability, P(start) × P(end) over the tokens of its window's context."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """Sums over questions."""

    exact: float = 0.0
    f1: float = 0.0
    questions: int = 0

    def __add__(self, other: AnswerScores) -> AnswerScores:
        return AnswerScores(self.exact + other.exact, self.f1 + other.f1, self.questions + other.questions)

    def __str__(self) -> str:
        count = max(self.questions, 1)
        return f"exact match {self.exact / count:.4f}, F1 {self.f1 / count:.4f} ({self.questions} questions)"


def scores(questions: Sequence[Question], answers: Sequence[Answer]) -> AnswerScores:
    """The scores of the answers, one a question."""
    total = AnswerScores()
    for question, answer in zip(questions, answers, strict=True):
        references = question.references()
        total += AnswerScores(exact_match(answer.text, references), token_f1(answer.text, references), 1)
    return total


@torch.no_grad()
def _context_logits(
    model: Any, windows: Sequence[Window], precision: str = "bfloat16"
) -> Iterator[tuple[Window, torch.Tensor, torch.Tensor]]:
    """Each window with the start and end logits (token,) of its context's tokens, in float32, in order of length.

    Leaves the model in eval mode.
    """
    model.eval()
    device = next(model.parameters()).device
    lengths = [len(window.token_ids) for window in windows]
    for group in groups_by_length(lengths, tokens_per_batch=_TOKENS_PER_BATCH, rng=None):
        input_ids = padded([windows[index].token_ids for index in group], PAD).to(device)
        segments = padded([windows[index].segment_ids for index in group], 0).to(device)
        with autocast(device.type, precision):
            output = model(input_ids, attention_mask=(input_ids != PAD).long(), token_type_ids=segments)
        for index, start, end in zip(
            group, output.start_logits.float().cpu(), output.end_logits.float().cpu(), strict=True
        ):
            places = _context_places(windows[index])
            yield windows[index], start[places], end[places]


def _context_places(window: Window) -> list[int]:
    """Where the tokens of the context stand."""
    return [place for place, offset in enumerate(window.offsets) if offset is not None]


def answers_of(model: Any, questions: Sequence[Question], tokenizer: Any, precision: str = "bfloat16") -> list[Answer]:
    """The best span of at most 30 tokens of each context; of several windows, that with the highest logits.

    Leaves the model in eval mode.
    """
    best: dict[int, tuple[float, Answer]] = {}
    for window, start, end in _context_logits(model, encode(questions, tokenizer), precision):
        found = _best_span(questions[window.question].context, window, start, end)
        best[window.question] = max(best.get(window.question, (-float("inf"), Answer("", 0.0))), found)
    return [best[number][1] for number in range(len(questions))]


def _best_span(context: str, window: Window, start: torch.Tensor, end: torch.Tensor) -> tuple[float, Answer]:
    """The sum of the best span's logits, and the span."""
    places = _context_places(window)
    if not places:
        return -float("inf"), Answer("", 0.0)
    sums = start[:, None] + end[None, :]
    allowed = torch.ones_like(sums, dtype=torch.bool).triu().tril(MAX_ANSWER_TOKENS - 1)
    value, where = sums.masked_fill(~allowed, -torch.inf).flatten().max(0)
    first, last = divmod(int(where), len(places))
    opening, closing = window.offsets[places[first]], window.offsets[places[last]]
    assert opening is not None
    assert closing is not None
    probability = start.softmax(0)[first] * end.softmax(0)[last]
    return float(value), Answer(context[opening[0] : closing[1]], float(probability))


def calibration_error(answers: Sequence[Answer], right: Sequence[bool]) -> float:
    """Expected calibration error over 15 bins: how far the probability of an answer is from the share of exact ones."""
    gaps = torch.zeros(_BINS, dtype=torch.float64)
    for answer, exact in zip(answers, right, strict=True):
        gaps[min(int(answer.probability * _BINS), _BINS - 1)] += exact - answer.probability
    return float(gaps.abs().sum()) / len(answers)


def asked(model: Any, tokenizer: Any, probe: Asked) -> Answer:
    """The answer to one probe, in float32."""
    return answers_of(model, [Question(probe.question, probe.context, ())], tokenizer, "float32")[0]


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("work/answers"))
    parser.add_argument("--files", nargs="+", default=HELD_OUT, help="which files; by default the four held-out ones")
    parser.add_argument("--threads", type=int, default=1)
    add_precision_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate one checkpoint and print the results."""
    options = build_parser().parse_args(argv)
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.model))
    model = BertForQuestionAnswering.from_pretrained(options.model, dtype=torch.float32).eval()
    right = 0
    for probe in ANSWER_PROBES:
        answer = asked(model, tokenizer, probe)
        right += exact_match(answer.text, probe.answers)
        judged = "right" if exact_match(answer.text, probe.answers) else "WRONG"
        print(f"{judged} {answer.probability:.3f} {probe.question} {answer.text}")
    print(f"probes: {right}/{len(ANSWER_PROBES)}", flush=True)
    together = AnswerScores()
    means = []
    for name in options.files:
        questions = read_questions(options.data, name)
        answers = answers_of(model, questions, tokenizer, options.precision)
        found = scores(questions, answers)
        exact = [
            exact_match(answer.text, question.references()) for question, answer in zip(questions, answers, strict=True)
        ]
        print(f"{name}: {found}, calibration error {calibration_error(answers, exact):.4f}", flush=True)
        together += found
        means.append(found.f1 / found.questions)
    print(f"together: {together}; mean of the files' F1 {sum(means) / len(means):.4f}")


if __name__ == "__main__":
    run_script(main)
