"""Step 9: how good is a sentiment checkpoint? The hand-written probes, then SST-2, film reviews, customers' opinions.

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
from training.probes import EVERYDAY_PROBES, SENTIMENT_PROBES
from training.sentiment_data import Encoded, encode, read_imdb, read_labelled, read_sst2, sentiment_batches

__all__ = ["accuracy", "build_parser", "calibration_error", "logits_of", "main", "positive_probability"]

_TOKENS_PER_BATCH = 4096
_BINS = 15


@torch.no_grad()
def logits_of(
    model: Any, examples: Sequence[Encoded], device: str = "cpu", precision: str = "bfloat16"
) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits (text, label) in float32 and the labels (text,), in order of length; leaves the model in eval mode."""
    model.eval()
    logits, labels = [], []
    with autocast(device, precision):
        for batch in sentiment_batches(examples, tokens_per_batch=_TOKENS_PER_BATCH, rng=None):
            input_ids, attention_mask = batch.input_ids.to(device), batch.attention_mask.to(device)
            logits.append(model(input_ids, attention_mask=attention_mask).logits.float().cpu())
            labels.append(batch.labels)
    return torch.cat(logits), torch.cat(labels)


def accuracy(model: Any, examples: Sequence[Encoded], device: str = "cpu", precision: str = "bfloat16") -> float:
    """The share of examples whose likelier class is correct; leaves the model in eval mode."""
    logits, labels = logits_of(model, examples, device, precision)
    return float((logits.argmax(-1) == labels).float().mean())


def calibration_error(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Expected calibration error (Guo et al. 2017): how far a prediction's probability is from its accuracy.

    The mean over 15 bins of equal width of |accuracy − mean probability of the likelier class|, weighted by the bins'
    numbers of texts. 0 is perfect.
    """
    confidence, predicted = logits.double().softmax(-1).max(-1)
    gaps = (predicted == labels).double() - confidence
    bins = (confidence * _BINS).long().clamp(max=_BINS - 1)
    return float(torch.zeros(_BINS, dtype=gaps.dtype).index_add_(0, bins, gaps).abs().sum() / len(labels))


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
        "customers' opinions": read_labelled(options.data, "opinions_dev"),
    }
    for name, probes in (("probes", SENTIMENT_PROBES), ("everyday probes", EVERYDAY_PROBES)):
        right = 0
        for sentence, positive in probes:
            probability = positive_probability(model, tokenizer, sentence)
            right += (probability > 0.5) == positive
            print(f"{'right' if (probability > 0.5) == positive else 'WRONG'} {probability:.3f} {sentence}")
        print(f"{name}: {right}/{len(probes)}", flush=True)
    for name, texts in held_out.items():
        logits, labels = logits_of(model, encode(texts, tokenizer), precision=options.precision)
        share, error = float((logits.argmax(-1) == labels).float().mean()), calibration_error(logits, labels)
        print(f"{name}: {share:.4f} ({len(texts)}), calibration error {error:.4f}", flush=True)


if __name__ == "__main__":
    run_script(main)
