"""Step 15: an encoder from elsewhere, with its weights as they are, in the format of the shipped checkpoints.

The weights are rounded to fp16 and nothing else happens to them. The vocabulary is written with the same tokenizer
files as the other checkpoints', which cut nothing; sentence-transformers cuts at 256 tokens.

    python -m training.package_encoder work/all-MiniLM-L6-v2 --out glassbert/checkpoints/similarity
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import BertModel

from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.errors import run_script

__all__ = ["build_parser", "main", "package_encoder"]


def package_encoder(folder: Path, out: Path) -> None:
    """Write the BERT encoder in ``folder``, pooler included, to ``out``."""
    model = BertModel.from_pretrained(local_checkpoint(folder), dtype=torch.float32)
    save_checkpoint(model, vocabulary_of(folder), out)


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Write the encoder named on the command line."""
    options = build_parser().parse_args(argv)
    package_encoder(options.encoder, options.out)
    print(f"{options.out}: {sum(path.stat().st_size for path in options.out.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    run_script(main)
