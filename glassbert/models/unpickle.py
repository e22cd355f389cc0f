"""Read pickle weights and write them as safetensors, in a process of its own with limits on memory and time.

Run as a script with a JSON object on standard input. ``weights_only`` restricts unpickling to tensors and plain
containers: no code of the file is run. The library never imports this module.
"""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

#: Keys under which training programs keep the weights beside other things.
_NESTED = ("state_dict", "model_state_dict", "model", "module", "net")
_EXTRA_BYTES = 2_000_000_000
_CPU_SECONDS = 3600


def tensors_in(content: Any) -> dict[str, torch.Tensor]:
    """The tensors by name, out of the containers that training programs save."""
    for _ in range(4):
        if not isinstance(content, dict):
            break
        found = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
        inner = next((content[key] for key in _NESTED if isinstance(content.get(key), dict)), None)
        if inner is None or len(found) > 10:
            return {str(name): tensor for name, tensor in found.items()}
        content = inner
    return {}


def without_copies(tensors: dict[str, torch.Tensor], tied: bool) -> dict[str, torch.Tensor]:
    """Tensors of their own memory. Of one stored twice, such as a tied output table, the first is kept."""
    kept: dict[str, torch.Tensor] = {}
    seen: set[tuple[Any, ...]] = set()
    for name, tensor in tensors.items():
        place = (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape, tensor.stride())
        output = re.search(r"decoder\.(weight|bias)\Z|lm_head\.weight\Z|vocab_projector\.weight\Z", name)
        if tied and place in seen and output and tensor.numel():
            continue
        seen.add(place)
        kept[name] = tensor.detach().contiguous().clone()
    return kept


def main() -> None:
    request = json.loads(sys.stdin.readline())
    files = [Path(file) for file in request["files"]]
    limits = runpy.run_path(str(Path(__file__).with_name("limits.py")))
    limits["limit"](4 * sum(file.stat().st_size for file in files) + _EXTRA_BYTES, _CPU_SECONDS)
    try:
        tensors: dict[str, torch.Tensor] = {}
        for file in files:
            if file.suffix == ".safetensors":
                tensors |= load_file(file)
            else:
                tensors |= tensors_in(torch.load(file, map_location="cpu", weights_only=True))
        if not tensors:
            raise ValueError("no tensors")
        save_file(without_copies(tensors, request["tied"]), request["target"], metadata={"format": "pt"})
        print(json.dumps({"tensors": len(tensors)}))  # noqa: T201
    except MemoryError:
        print(json.dumps({"error": "memory"}))  # noqa: T201
    except BaseException as error:
        named = re.search(
            r"(?i)(?:unsupported|instantiate) (?:global|class|operand)[: ]+(?:GLOBAL )?([\w.]+)", str(error)
        )
        print(json.dumps({"error": type(error).__name__, "needs": named[1] if named else None}))  # noqa: T201


if __name__ == "__main__":
    main()
