"""Step 10: names in texts (BIO labels over PER, ORG, LOC and MISC) on top of a pre-trained checkpoint.

Trained on the training files of `training.entity_data`, and on the dev files but for the sentences that choose between
runs; sentences that also stand in a test file are left out. In every epoch, a share of the names is replaced by others
of the same type. With ``--freeze-embeddings`` the word embeddings stay those of the pre-trained checkpoint, so that the
two can share them on disk. Deterministic with one thread.

    python -m training.finetune_entities --freeze-embeddings --out work/entities-model
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
from transformers import AutoTokenizer, BertForTokenClassification

from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.entity_data import (
    IGNORED,
    LABELS,
    OTHER_OR_OUTSIDE,
    EntityBatch,
    Sentence,
    encode,
    entity_batches,
    mentions,
    read_sentences,
    replace_mentions,
    text_of,
    without,
    without_other,
)
from training.errors import RecipeError, run_script
from training.evaluate_entities import OTHERS, TOGETHER, NamesFound, names_found, tags_of, word_logits
from training.finetuning import FinetuneSettings, FinetuningRun, add_finetune_options, fine_tune, load_for_finetuning
from training.precision import autocast

__all__ = ["EntityOptions", "build_parser", "choosing", "entity_loss", "finetune", "main", "training_sentences"]

#: Every so manieth sentence of `crossner_dev` helps to choose; the others are trained on.
_CHOOSING_EVERY = 6
_OUTSIDE_OR_OTHER = [number for number, label in enumerate(LABELS) if label == "O" or label.endswith("MISC")]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityOptions(FinetuneSettings):
    """All settings of a run; the defaults are those of the command line."""

    epochs: int = 8
    learning_rate: float = 3e-4
    replaced: float = 0.3  # of the names, in every epoch
    share: float = 1.0  # of the sentences, for a learning curve

    def __post_init__(self) -> None:
        FinetuneSettings.__post_init__(self)
        if not (0 <= self.replaced <= 1 and 0 < self.share <= 1):
            raise RecipeError("--replaced and --share must be between 0 and 1")


def choosing(folder: Path) -> dict[str, list[Sentence]]:
    """The sentences that choose between runs, by source; none is trained on."""
    return {
        "crossner": read_sentences(folder, "crossner_dev")[::_CHOOSING_EVERY],
        "gum_open": read_sentences(folder, "gum_open_dev"),
        "wnut17": read_sentences(folder, "wnut17_dev"),
    }


def training_sentences(folder: Path) -> list[Sentence]:
    """All sentences to train on: those of the files but for the held-out ones, each once."""
    held_out = [
        *(sentence for name in (*TOGETHER, *OTHERS) for sentence in read_sentences(folder, f"{name}_test")),
        *(sentence for sentences in choosing(folder).values() for sentence in sentences),
    ]
    tweets = [sentence for split in ("train", "dev") for sentence in read_sentences(folder, f"btc_{split}")]
    names = ("crossner_train", "crossner_dev", "gum_open_train", "wnut17_train", "wikigold_all")
    sentences = [sentence for name in names for sentence in read_sentences(folder, name)]
    kept = without([*sentences, *without_other(tweets)], held_out)
    return list({text_of(sentence): sentence for sentence in kept}.values())


def entity_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean cross-entropy over the tokens to be learned, logits (sentence, token, label).

    Where a token is "other or outside", it is minus the logarithm of the probability of being either.
    """
    logs = logits.float().log_softmax(-1)
    either = -logs[..., _OUTSIDE_OR_OTHER].logsumexp(-1)
    exact = F.nll_loss(logs.transpose(1, 2), labels.clamp(min=0), reduction="none")
    losses = torch.where(labels == OTHER_OR_OUTSIDE, either, exact)
    return losses[labels != IGNORED].mean()


def finetune(options: EntityOptions) -> FinetuningRun:
    """Train, print the F1 on the sentences that choose after each epoch, and write the last state."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng = random.Random(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.model))
    sentences = training_sentences(options.data)
    sentences = rng.sample(sentences, round(len(sentences) * options.share))
    names = mentions(sentences)
    print(f"{len(sentences)} sentences, {sum(map(len, names.values()))} different names", flush=True)
    held_out = choosing(options.data)
    model = load_for_finetuning(
        BertForTokenClassification,
        options,
        attention_probs_dropout_prob=0.0,  # drawing it takes a quarter of a step
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )

    def draw_batches() -> list[EntityBatch]:
        examples = encode(replace_mentions(sentences, names, options.replaced, rng), tokenizer)
        return list(entity_batches(examples, tokens_per_batch=options.tokens_per_batch, rng=rng))

    def loss_of(batch: EntityBatch) -> torch.Tensor:
        input_ids, attention_mask, labels = (tensor.to(options.device) for tensor in batch)
        with autocast(options.device, options.precision):
            logits = model(input_ids, attention_mask=attention_mask).logits
        return entity_loss(logits, labels)

    run = fine_tune(
        model,
        [draw_batches] * options.epochs,
        loss_of,
        learning_rate=options.learning_rate,
        after_epoch=lambda epoch: _show(epoch, model, held_out, tokenizer, options.precision),
    )
    save_checkpoint(model, vocabulary_of(options.model), options.out)
    return run


def _show(epoch: int, model: Any, held_out: dict[str, list[Sentence]], tokenizer: Any, precision: str) -> None:
    together, by_source = NamesFound(), []
    for name, sentences in held_out.items():
        predicted = tags_of(word_logits(model, sentences, tokenizer, precision))
        found = names_found([sentence.tags for sentence in sentences], predicted)
        by_source.append(f"{name} {found.f1:.4f}")
        together += found
    print(f"epoch {epoch}: dev {together}; {', '.join(by_source)}", flush=True)


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    default = EntityOptions(
        model=Path("glassbert/checkpoints/pretrained"), data=Path("work/entities"), out=Path("work/entities-model")
    )
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_finetune_options(parser, default)
    parser.add_argument("--replaced", type=float, default=default.replaced, help="share of the names replaced")
    parser.add_argument("--share", type=float, default=default.share, help="share of the sentences trained on")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Fine-tune with the command line's options."""
    finetune(EntityOptions(**vars(build_parser().parse_args(argv))))


if __name__ == "__main__":
    run_script(main)
