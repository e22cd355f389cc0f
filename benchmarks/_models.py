"""Models built for a benchmark that are not bundled."""

from __future__ import annotations

import shutil
from pathlib import Path

from _app import ROOT

__all__ = ["random_bert_base"]


def random_bert_base(folder: Path, *, layers: int = 12, heads: int = 12, width: int = 768) -> Path:
    """12 layers × 12 heads × 768 with random weights, and the embedded model's vocabulary."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30_522,
        initializer_range=0.08,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_size=width,
        intermediate_size=4 * width,
    )
    BertForMaskedLM(config).half().save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(ROOT / "glassbert" / "checkpoints" / "pretrained" / name, folder)
    return folder
