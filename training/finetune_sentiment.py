"""Step 6: binary sentiment (0 NEGATIVE, 1 POSITIVE) on top of a pre-trained checkpoint.

Trained on SST-2's sentences and their phrases, customers' opinions, last sentences and beginnings of strongly rated
film reviews, and templated sentences (see `training.sentiment_data`, `training.sentiment_templates`). With
``--freeze-embeddings`` the word embeddings stay those of the pre-trained checkpoint, so that the two can share them on
disk. Deterministic with one thread.

    python -m training.finetune_sentiment --model work/stage5 --freeze-embeddings --out work/sentiment-model
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, BertForSequenceClassification

from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.errors import RecipeError, run_script
from training.evaluate_sentiment import accuracy
from training.precision import add_precision_option, autocast, check_precision
from training.progress import RunningMeans
from training.sentiment_data import (
    Encoded,
    SentimentBatch,
    encode,
    read_imdb,
    read_labelled,
    read_sst2,
    review_snippets,
    sentiment_batches,
)
from training.sentiment_templates import templated_sentences

__all__ = [
    "FinetuneOptions",
    "FinetuningRun",
    "TrainingTexts",
    "build_parser",
    "finetune",
    "main",
    "training_texts",
]

LABELS = ("NEGATIVE", "POSITIVE")
LABEL_SMOOTHING = 0.05
WARM_UP_SHARE = 0.06
_LOG_STEPS = 50


@dataclass(frozen=True, slots=True)
class FinetuneOptions:
    """All settings of a run; the defaults are those of the command line."""

    model: Path
    data: Path
    out: Path
    epochs: int = 3
    learning_rate: float = 1e-4
    tokens_per_batch: int = 2048
    sentences: int = 2  # copies of SST-2's train sentences
    phrases: int = 80_000
    opinions: int = 8000
    pros_and_cons: int = 10_000
    snippets: int = 6000  # reviews that contribute one sentence
    reviews: int = 800  # reviews that contribute their beginning
    templates: int = 6000
    threads: int = 1
    seed: int = 1
    freeze_embeddings: bool = False
    device: str = "cpu"
    precision: str = "bfloat16"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.epochs < 1:
            raise RecipeError("epochs must be at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTexts:
    """The examples of every epoch, and those of which only half are used after the first epoch."""

    every_epoch: list[Encoded]
    reviews: list[Encoded]

    def epoch(self, index: int) -> list[Encoded]:
        """The examples of one epoch: long reviews cost most and add least, so later epochs take half of them."""
        reviews = self.reviews if index == 0 else self.reviews[: len(self.reviews) // 2]
        return self.every_epoch + reviews


@dataclass(frozen=True, slots=True, eq=False)
class FinetuningRun:
    """``model`` is the fine-tuned model in float32; ``losses`` has one loss per step."""

    model: Any
    losses: tuple[float, ...]
    tokens: int


def training_texts(options: FinetuneOptions, tokenizer: Any) -> TrainingTexts:
    """Read, sample and tokenise the texts that the options select."""
    data = options.data
    reviews = []
    if options.snippets or options.reviews:
        reviews = read_imdb(data, "train_strong")[: options.snippets + options.reviews]
    sentences = read_sst2(data, "train") * options.sentences + review_snippets(reviews[: options.snippets])
    for name, count in (
        ("sst_phrases_train", options.phrases),
        ("opinions_train", options.opinions),
        ("pros_and_cons", options.pros_and_cons),
    ):
        sentences += read_labelled(data, name)[:count] if count else []
    sentences += templated_sentences(options.templates, options.seed)
    return TrainingTexts(encode(sentences, tokenizer), encode(reviews[options.snippets :], tokenizer))


def finetune(options: FinetuneOptions) -> FinetuningRun:
    """Train, and print the accuracy on SST-2 dev after each epoch.

    The last state is written to ``options.out``, that after epoch N before to a folder with "-epochN" after its name.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.model))
    texts = training_texts(options, tokenizer)
    dev = encode(read_sst2(options.data, "dev"), tokenizer)
    print(f"{len(texts.every_epoch)} sentences, {len(texts.reviews)} reviews", flush=True)
    model = _classifier(options)
    run = _train(model, texts, dev, options, rng)
    save_checkpoint(model, vocabulary_of(options.model), options.out)
    return run


def _classifier(options: FinetuneOptions) -> Any:
    model = BertForSequenceClassification.from_pretrained(
        options.model,
        dtype=torch.float32,
        attn_implementation="eager" if torch.device(options.device).type == "cpu" else "sdpa",
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    if options.freeze_embeddings:
        model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    return model.to(options.device)


def _train(
    model: Any, texts: TrainingTexts, dev: Sequence[Encoded], options: FinetuneOptions, rng: random.Random
) -> FinetuningRun:
    epochs = [texts.epoch(index) for index in range(options.epochs)]

    def draw_batches(examples: Sequence[Encoded]) -> list[SentimentBatch]:
        return list(sentiment_batches(examples, tokens_per_batch=options.tokens_per_batch, rng=rng))

    # the number of batches varies slightly between draws: a first draw only determines the length of the run
    steps = sum(len(draw_batches(examples)) for examples in epochs)
    optimiser = _optimiser(model, options.learning_rate)
    losses: list[float] = []
    tokens, means = 0, RunningMeans()
    for epoch, examples in enumerate(epochs):
        model.train()
        for batch in draw_batches(examples):
            for group in optimiser.param_groups:
                group["lr"] = options.learning_rate * _rate_at(len(losses) / steps)
            losses.append(_step(model, batch, optimiser, options))
            tokens += int(batch.attention_mask.sum())
            means.update({"loss": losses[-1]})
            if len(losses) % _LOG_STEPS == 0:
                print(f"epoch {epoch} step {len(losses)}/{steps} {means} {tokens / 1e6:.2f}M tokens", flush=True)
        right = accuracy(model, dev, options.device, options.precision)
        print(f"epoch {epoch}: SST-2 dev {right:.4f}", flush=True)
        if epoch + 1 < options.epochs:  # for `training.average_checkpoints`, and in case the run is interrupted
            folder = options.out.with_name(f"{options.out.name}-epoch{epoch + 1}")
            save_checkpoint(model, vocabulary_of(options.model), folder)
    print(f"done: {len(losses)} steps, {tokens} tokens", flush=True)
    return FinetuningRun(model, tuple(losses), tokens)


def _rate_at(progress: float) -> float:
    """Share of the full learning rate: up from 0 over the first 6 % of the run, then down to 0."""
    if progress < WARM_UP_SHARE:
        return progress / WARM_UP_SHARE
    return max(0.0, (1 - progress) / (1 - WARM_UP_SHARE))


def _optimiser(model: Any, learning_rate: float) -> torch.optim.Optimizer:
    """AdamW over what is not frozen; biases and LayerNorm weights, the one-dimensional parameters, are not decayed."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in parameters if parameter.dim() > 1], "weight_decay": 0.01},
        {"params": [parameter for parameter in parameters if parameter.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def _step(model: Any, batch: SentimentBatch, optimiser: torch.optim.Optimizer, options: FinetuneOptions) -> float:
    """One step; returns its loss in nats."""
    input_ids, attention_mask, labels = (tensor.to(options.device) for tensor in batch)
    with autocast(options.device, options.precision):
        logits = model(input_ids, attention_mask=attention_mask).logits
    loss = F.cross_entropy(logits.float(), labels, label_smoothing=LABEL_SMOOTHING)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return loss.item()


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    default = FinetuneOptions(Path("work/pretrained"), Path("work/sentiment"), Path("work/sentiment-model"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=default.model, help="the pre-trained checkpoint")
    parser.add_argument("--data", type=Path, default=default.data, help="folder of the labelled texts")
    parser.add_argument("--out", type=Path, default=default.out)
    parser.add_argument("--epochs", type=int, default=default.epochs)
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--tokens-per-batch", type=int, default=default.tokens_per_batch)
    parser.add_argument("--sentences", type=int, default=default.sentences, help="copies of SST-2's train sentences")
    parser.add_argument("--phrases", type=int, default=default.phrases, help="phrases of SST-2's train sentences")
    parser.add_argument("--opinions", type=int, default=default.opinions, help="sentences of customers")
    parser.add_argument("--pros-and-cons", type=int, default=default.pros_and_cons)
    parser.add_argument("--snippets", type=int, default=default.snippets, help="reviews that contribute one sentence")
    parser.add_argument("--reviews", type=int, default=default.reviews, help="reviews that contribute their beginning")
    parser.add_argument("--templates", type=int, default=default.templates, help="templated sentences")
    parser.add_argument("--threads", type=int, default=default.threads)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--device", default=default.device)
    add_precision_option(parser)
    parser.add_argument("--freeze-embeddings", action="store_true", help="keep the pre-trained word embeddings")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Fine-tune with the command line's options."""
    finetune(FinetuneOptions(**vars(build_parser().parse_args(argv))))


if __name__ == "__main__":
    run_script(main)
