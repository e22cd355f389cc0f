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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, BertForSequenceClassification

from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.errors import run_script
from training.evaluate_sentiment import accuracy
from training.finetuning import FinetuneSettings, FinetuningRun, add_finetune_options, fine_tune, load_for_finetuning
from training.precision import autocast
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
    "TrainingTexts",
    "build_parser",
    "finetune",
    "main",
    "training_texts",
]

LABELS = ("NEGATIVE", "POSITIVE")
LABEL_SMOOTHING = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneOptions(FinetuneSettings):
    """All settings of a run; the defaults are those of the command line."""

    sentences: int = 2  # copies of SST-2's train sentences
    phrases: int = 80_000
    opinions: int = 8000
    pros_and_cons: int = 10_000
    snippets: int = 6000  # reviews that contribute one sentence
    reviews: int = 800  # reviews that contribute their beginning
    templates: int = 6000


@dataclass(frozen=True, slots=True, eq=False)
class TrainingTexts:
    """The examples of every epoch, and those of which only half are used after the first epoch."""

    every_epoch: list[Encoded]
    reviews: list[Encoded]

    def epoch(self, index: int) -> list[Encoded]:
        """The examples of one epoch: long reviews cost most and add least, so later epochs take half of them."""
        reviews = self.reviews if index == 0 else self.reviews[: len(self.reviews) // 2]
        return self.every_epoch + reviews


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
    model = load_for_finetuning(
        BertForSequenceClassification,
        options,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )

    def drawing(examples: Sequence[Encoded]) -> Callable[[], list[SentimentBatch]]:
        return lambda: list(sentiment_batches(examples, tokens_per_batch=options.tokens_per_batch, rng=rng))

    def after_epoch(epoch: int) -> None:
        right = accuracy(model, dev, options.device, options.precision)
        print(f"epoch {epoch}: SST-2 dev {right:.4f}", flush=True)
        if epoch + 1 < options.epochs:  # for `training.average_checkpoints`, and in case the run is interrupted
            folder = options.out.with_name(f"{options.out.name}-epoch{epoch + 1}")
            save_checkpoint(model, vocabulary_of(options.model), folder)

    run = fine_tune(
        model,
        [drawing(texts.epoch(index)) for index in range(options.epochs)],
        lambda batch: _loss(model, batch, options),
        learning_rate=options.learning_rate,
        after_epoch=after_epoch,
    )
    save_checkpoint(model, vocabulary_of(options.model), options.out)
    return run


def _loss(model: Any, batch: SentimentBatch, options: FinetuneOptions) -> torch.Tensor:
    input_ids, attention_mask, labels = (tensor.to(options.device) for tensor in batch)
    with autocast(options.device, options.precision):
        logits = model(input_ids, attention_mask=attention_mask).logits
    return F.cross_entropy(logits.float(), labels, label_smoothing=LABEL_SMOOTHING)


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    default = FinetuneOptions(
        model=Path("work/pretrained"), data=Path("work/sentiment"), out=Path("work/sentiment-model")
    )
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_finetune_options(parser, default)
    parser.add_argument("--sentences", type=int, default=default.sentences, help="copies of SST-2's train sentences")
    parser.add_argument("--phrases", type=int, default=default.phrases, help="phrases of SST-2's train sentences")
    parser.add_argument("--opinions", type=int, default=default.opinions, help="sentences of customers")
    parser.add_argument("--pros-and-cons", type=int, default=default.pros_and_cons)
    parser.add_argument("--snippets", type=int, default=default.snippets, help="reviews that contribute one sentence")
    parser.add_argument("--reviews", type=int, default=default.reviews, help="reviews that contribute their beginning")
    parser.add_argument("--templates", type=int, default=default.templates, help="templated sentences")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Fine-tune with the command line's options."""
    finetune(FinetuneOptions(**vars(build_parser().parse_args(argv))))


if __name__ == "__main__":
    run_script(main)
