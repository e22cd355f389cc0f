"""Step 8: divide a sentiment checkpoint's logits by a temperature, so that its probabilities match its accuracy.

The temperature (Guo et al. 2017) is the one with the smallest cross-entropy on SST-2's dev sentences. It is folded into
the weights of the classifier, so the checkpoint stays an ordinary one; no prediction changes, only its confidence.

    python -m training.calibrate_sentiment work/sentiment-model --out work/calibrated-model
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, BertForSequenceClassification

from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.errors import run_script
from training.evaluate_sentiment import logits_of
from training.sentiment_data import encode, read_sst2

__all__ = ["best_temperature", "build_parser", "calibrate", "main"]

#: Tried temperatures: 0.25 to 4, in steps of 1 %.
_TEMPERATURES = [1.01**step for step in range(-139, 140)]


def best_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature of the smallest cross-entropy of ``logits (text, label)`` divided by it."""
    return min(_TEMPERATURES, key=lambda temperature: float(F.cross_entropy(logits.double() / temperature, labels)))


def calibrate(folder: Path, data: Path, out: Path) -> float:
    """Write the checkpoint in ``folder``, calibrated, to ``out``; return the temperature."""
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(folder))
    model = BertForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    temperature = best_temperature(*logits_of(model, encode(read_sst2(data, "dev"), tokenizer), precision="float32"))
    with torch.no_grad():
        for parameter in model.classifier.parameters():
            parameter /= temperature
    save_checkpoint(model, vocabulary_of(folder), out)
    return temperature


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("work/sentiment"))
    parser.add_argument("--out", type=Path, required=True)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Calibrate the checkpoint named on the command line."""
    options = build_parser().parse_args(argv)
    print(f"temperature {calibrate(options.model, options.data, options.out):.2f}")


if __name__ == "__main__":
    run_script(main)
