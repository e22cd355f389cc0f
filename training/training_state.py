"""What a run needs in addition to its checkpoint to continue as if it had never stopped.

The checkpoint is in half precision and has no optimiser state. This file has the weights in float32 and AdamW's two
moments, so that no small step is lost in rounding and moments do not restart from zero. Plain tensors: nothing is
unpickled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from training.errors import RecipeError

__all__ = ["STATE_FILE", "load_state", "save_state"]

STATE_FILE = "training_state.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def save_state(model: Any, optimiser: torch.optim.Optimizer, folder: Path) -> None:
    """Write weights and moments to ``folder`` atomically: a concurrent reader sees the old file or the new one."""
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[f"weight {name}"] = parameter.detach().cpu()
        for key, tensor in optimiser.state.get(parameter, {}).items():
            tensors[f"{key} {name}"] = tensor.cpu()
    partial = folder / f"{STATE_FILE}.partial"
    save_file(tensors, partial)
    partial.replace(folder / STATE_FILE)


def load_state(model: Any, optimiser: torch.optim.Optimizer, folder: Path) -> None:
    """Set weights and moments to those that `save_state` wrote; does nothing if there is no such file.

    Raises `RecipeError` if it is the state of another model.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return
    tensors = load_file(path)
    for name, parameter in model.named_parameters():
        weight = tensors.get(f"weight {name}")
        if weight is None or weight.shape != parameter.shape:
            raise RecipeError(f"{path} is the state of another model: remove it to start from the checkpoint alone")
        with torch.no_grad():
            parameter.copy_(weight)
        moments = {key: tensors[f"{key} {name}"] for key in _MOMENTS if f"{key} {name}" in tensors}
        if moments:
            # fused AdamW requires all of them on the parameter's device
            optimiser.state[parameter] = {key: tensor.to(parameter.device) for key, tensor in moments.items()}
