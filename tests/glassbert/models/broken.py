"""Ways to break a copy of a tiny checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

Tensors = dict[str, torch.Tensor]


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the object in a JSON file in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_tensors(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    path = folder / "model.safetensors"
    save_file({name: tensor.clone() for name, tensor in change(load_file(path)).items()}, path)


def use_whole_tokenizer_file(folder: Path) -> None:
    """Have transformers run every step of tokenizer.json, not only read its vocabulary."""
    edit_json(
        folder / "tokenizer_config.json", lambda settings: settings.update(tokenizer_class="PreTrainedTokenizerFast")
    )
