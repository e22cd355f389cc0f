"""Write a model in the format of the shipped checkpoints: fp16 weights that load as float32, and the tokenizer."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

from transformers import BertTokenizer

from training.errors import RecipeError

__all__ = ["local_checkpoint", "save_checkpoint", "vocabulary_of"]

#: BERT's own dropout, written to config.json whatever the training used.
DROPOUT = 0.1


def local_checkpoint(folder: Path) -> Path:
    """``folder``, if it contains a checkpoint; so no name is ever looked up on a hub. Raises `RecipeError`."""
    for name in ("config.json", "vocab.txt"):
        if not (folder / name).is_file():
            raise RecipeError(f"{folder} contains no {name}: pass the folder of a checkpoint with its vocabulary")
    return folder


def vocabulary_of(folder: Path) -> Path:
    """The ``vocab.txt`` of a checkpoint. Raises `RecipeError` if there is no checkpoint."""
    return local_checkpoint(folder) / "vocab.txt"


def save_checkpoint(model: Any, vocabulary: Path, folder: Path) -> None:
    """Write ``model`` and the uncased tokenizer of ``vocabulary`` (a ``vocab.txt``) to ``folder``.

    Half precision halves the file and changes a weight by at most one part in 2,048. ``dtype: float32`` in
    config.json makes ``from_pretrained`` compute in float32 nevertheless. ``model`` itself is not modified.
    """
    # into a temporary folder first: a run may be killed while it writes, and it resumes from its last save
    partial = folder / "partial"
    partial.mkdir(parents=True, exist_ok=True)
    _write_checkpoint(model, vocabulary, partial)
    for path in partial.iterdir():
        path.replace(folder / path.name)
    partial.rmdir()


def _write_checkpoint(model: Any, vocabulary: Path, folder: Path) -> None:
    halved = copy.deepcopy(model).cpu().half()
    halved.config.hidden_dropout_prob = halved.config.attention_probs_dropout_prob = DROPOUT
    halved.save_pretrained(folder)
    config_path = folder / "config.json"
    config = json.loads(config_path.read_text())
    config["dtype"] = "float32"
    for key in ("_name_or_path", "gradient_checkpointing"):
        config.pop(key, None)
    config_path.write_text(json.dumps(config, indent=2, sort_keys=True))
    BertTokenizer(vocab=str(vocabulary), do_lower_case=True, model_max_length=512).save_pretrained(folder)
    if not (folder / "vocab.txt").is_file():
        shutil.copy(vocabulary, folder)
