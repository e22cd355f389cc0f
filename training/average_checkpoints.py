"""Step 7: the mean of the weights of several fine-tuned checkpoints (Wortsman et al. 2022, "model soups").

All must have been fine-tuned from the same checkpoint. A folder that is named twice counts twice. Frozen word
embeddings, the same in all, stay as they are to the bit.

    python -m training.average_checkpoints work/sentiment-a-epoch1 work/sentiment-a --out work/sentiment-average
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertForSequenceClassification

from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.errors import run_script

__all__ = ["average_checkpoints", "build_parser", "main"]


def average_checkpoints(folders: Sequence[Path], out: Path) -> None:
    """Write the mean of the classifiers in ``folders`` to ``out``."""
    models = [
        BertForSequenceClassification.from_pretrained(local_checkpoint(folder), dtype=torch.float32)
        for folder in folders
    ]
    states = [model.state_dict() for model in models]
    mean = {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }
    models[0].load_state_dict(mean)
    save_checkpoint(models[0], vocabulary_of(folders[0]), out)


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Average the checkpoints named on the command line."""
    options = build_parser().parse_args(argv)
    average_checkpoints(options.checkpoints, options.out)
    print(f"{options.out}: the mean of {len(options.checkpoints)} checkpoints")


if __name__ == "__main__":
    run_script(main)
