"""Step 6: how good is a sentiment checkpoint? SST-2, film reviews, then the hand-written probes.

python -m training.evaluate_sentiment glassbert/checkpoints/sentiment --data work/sentiment
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from training.checkpoints import local_checkpoint
from training.errors import run_script
from training.precision import add_precision_option, autocast
from training.probes import SENTIMENT_PROBES
from training.sentiment_data import Encoded, encode, read_imdb, read_sst2, sentiment_batches

__all__ = ["accuracy", "build_parser", "main", "positive_probability"]

_TOKENS_PER_BATCH = 4096


@torch.no_grad()
def accuracy(model: Any, examples: Sequence[Encoded], device: str = "cpu", precision: str = "bfloat16") -> float:
    """The share of examples whose likelier class is correct; leaves the model in eval mode."""
    model.eval()
    right = 0
    with autocast(device, precision):
        for batch in sentiment_batches(examples, tokens_per_batch=_TOKENS_PER_BATCH, rng=None):
            input_ids, attention_mask, labels = (tensor.to(device) for tensor in batch)
            logits = model(input_ids, attention_mask=attention_mask).logits
            right += int((logits.argmax(-1) == labels).sum())
    return right / len(examples)


@torch.no_grad()
def positive_probability(model: Any, tokenizer: Any, sentence: str) -> float:
    """P(POSITIVE) of one sentence, in float32; the model is expected in eval mode."""
    return float(model(**tokenizer(sentence, return_tensors="pt")).logits.softmax(-1)[0, 1])


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("work/sentiment"))
    parser.add_argument("--threads", type=int, default=1)
    add_precision_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate one checkpoint and print the results."""
    options = build_parser().parse_args(argv)
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.model))
    model = BertForSequenceClassification.from_pretrained(options.model, dtype=torch.float32).eval()

    held_out = {
        "SST-2 dev": read_sst2(options.data, "dev"),
        "SST-2 test": read_sst2(options.data, "test"),
        "IMDB test sample": read_imdb(options.data, "test_2000"),
    }
    right = 0
    for sentence, positive in SENTIMENT_PROBES:
        probability = positive_probability(model, tokenizer, sentence)
        right += (probability > 0.5) == positive
        print(f"{'right' if (probability > 0.5) == positive else 'WRONG'} {probability:.3f} {sentence}")
    print(f"probes: {right}/{len(SENTIMENT_PROBES)}", flush=True)
    for name, texts in held_out.items():
        share = accuracy(model, encode(texts, tokenizer), precision=options.precision)
        print(f"{name}: {share:.4f} ({len(texts)})", flush=True)


if __name__ == "__main__":
    run_script(main)
