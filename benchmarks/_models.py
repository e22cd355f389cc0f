"""Models built for a benchmark that are not bundled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from _app import ROOT

__all__ = ["random_bert_base", "random_classifier"]

#: What the published checkpoints of a family have otherwise than its default config.
_LIKE_THE_PUBLISHED = {
    "DebertaV2": {
        "relative_attention": True,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
}


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
    return _with_tokenizer(folder)


def random_classifier(folder: Path, prefix: str, *, layers: int = 12, heads: int = 12, width: int = 768) -> Path:
    """The same as a classifier of another family, by the prefix of its stock classes: "ModernBert", "DebertaV2"."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{prefix}Config")(
        vocab_size=30_522,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        hidden_size=width,
        intermediate_size=width * 3 // 2 if prefix == "ModernBert" else 4 * width,
        pad_token_id=0,
        **_LIKE_THE_PUBLISHED.get(prefix, {}),
    )
    getattr(transformers, f"{prefix}ForSequenceClassification")(config).save_pretrained(folder)
    path = _with_tokenizer(folder) / "tokenizer_config.json"
    longest = {"model_max_length": config.max_position_embeddings}
    path.write_text(json.dumps(json.loads(path.read_text()) | longest))
    return folder


def _with_tokenizer(folder: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(ROOT / "glassbert" / "checkpoints" / "pretrained" / name, folder)
    return folder
