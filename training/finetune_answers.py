"""Step 12: answers from a text (first and last token of a span) on top of a pre-trained checkpoint.

Trained on the training files of `training.answer_data`, and on the dev files of those whose test file is measured. A
context is trained on or chooses between runs or is measured, never two of these. Of several reference answers, each
epoch draws one. With ``--freeze-embeddings`` the word embeddings stay those of the pre-trained checkpoint, so that the
two can share them on disk. Deterministic with one thread.

    python -m training.finetune_answers --freeze-embeddings --out work/answers-model
"""

from __future__ import annotations

import argparse
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, BertForQuestionAnswering

from training.answer_data import AnswerBatch, Question, answer_batches, encode, read_questions, training_windows
from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.errors import RecipeError, run_script
from training.evaluate_answers import HELD_OUT, AnswerScores, answers_of, scores
from training.finetuning import FinetuneSettings, FinetuningRun, add_finetune_options, fine_tune, load_for_finetuning
from training.precision import autocast

__all__ = ["AnswerOptions", "answer_loss", "build_parser", "finetune", "main", "split_questions"]

TRAINING = ("squad11_train", "qamr_dev", "policyqa_dev")
#: One context in this many chooses between runs.
_CHOOSING_EVERY = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOptions(FinetuneSettings):
    """All settings of a run; the defaults are those of the command line."""

    epochs: int = 3
    learning_rate: float = 2e-4
    tokens_per_batch: int = 3072
    share: float = 1.0  # of the questions, for a learning curve

    def __post_init__(self) -> None:
        FinetuneSettings.__post_init__(self)
        if not 0 < self.share <= 1:
            raise RecipeError("--share must be between 0 and 1")


def split_questions(folder: Path) -> tuple[list[Question], dict[str, list[Question]]]:
    """The questions to train on, and by file those that choose between runs.

    A context in 25 chooses, by a hash of its text; a context of a held-out file does neither.
    """
    held_out = {question.context for name in HELD_OUT for question in read_questions(folder, name)}
    training: list[Question] = []
    choosing: dict[str, list[Question]] = {}
    for name in TRAINING:
        choosing[name] = []
        for question in read_questions(folder, name, certain=True):
            if question.context in held_out:
                continue
            chooses = zlib.crc32(question.context.encode()) % _CHOOSING_EVERY == 0
            (choosing[name] if chooses else training).append(question)
    return training, choosing


def answer_loss(start_logits: torch.Tensor, end_logits: torch.Tensor, spans: torch.Tensor) -> torch.Tensor:
    """The mean of the cross-entropies of the first and of the last token; logits (window, token), spans (window, 2).

    Padding must not take part: its logits are expected at minus infinity.
    """
    first, last = spans.T
    return (F.cross_entropy(start_logits.float(), first) + F.cross_entropy(end_logits.float(), last)) / 2


def finetune(options: AnswerOptions) -> FinetuningRun:
    """Train, print the scores on the questions that choose after each epoch, and write the last state."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.model))
    questions, choosing = split_questions(options.data)
    questions = rng.sample(questions, round(len(questions) * options.share))
    examples = training_windows(questions, encode(questions, tokenizer))
    print(f"{len(questions)} questions, {len(examples)} windows with an answer", flush=True)
    # drawing the dropout of the attention weights takes a quarter of a step
    model = load_for_finetuning(BertForQuestionAnswering, options, attention_probs_dropout_prob=0.0)

    def loss_of(batch: AnswerBatch) -> torch.Tensor:
        input_ids, attention_mask, segment_ids, spans = (tensor.to(options.device) for tensor in batch)
        with autocast(options.device, options.precision):
            output = model(input_ids, attention_mask=attention_mask, token_type_ids=segment_ids)
        padding = attention_mask == 0
        logits = (side.float().masked_fill(padding, -torch.inf) for side in (output.start_logits, output.end_logits))
        return answer_loss(*logits, spans)

    run = fine_tune(
        model,
        [lambda: list(answer_batches(examples, tokens_per_batch=options.tokens_per_batch, rng=rng))] * options.epochs,
        loss_of,
        learning_rate=options.learning_rate,
        after_epoch=lambda epoch: _show(epoch, model, choosing, tokenizer, options.precision),
    )
    save_checkpoint(model, vocabulary_of(options.model), options.out)
    return run


def _show(epoch: int, model: Any, choosing: dict[str, list[Question]], tokenizer: Any, precision: str) -> None:
    together = AnswerScores()
    for name, questions in choosing.items():
        found = scores(questions, answers_of(model, questions, tokenizer, precision))
        print(f"epoch {epoch}: {name} {found}", flush=True)
        together += found
    print(f"epoch {epoch}: together {together}", flush=True)


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    default = AnswerOptions(
        model=Path("glassbert/checkpoints/pretrained"), data=Path("work/answers"), out=Path("work/answers-model")
    )
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_finetune_options(parser, default)
    parser.add_argument("--share", type=float, default=default.share, help="share of the questions trained on")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Fine-tune with the command line's options."""
    finetune(AnswerOptions(**vars(build_parser().parse_args(argv))))


if __name__ == "__main__":
    run_script(main)
