"""The only module that imports transformers.

Its lazy imports race when several threads of a new process trigger them at once, so they are all here, at the top,
behind Python's own import lock. Everything is read from a validated local folder, without network access.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING, AutoModel, AutoTokenizer
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

#: Held while transformers imports the modules of a family at their first use, so that one thread does so at a time.
_importing = threading.Lock()

#: fp32 unless the caller chooses another precision: half precision changes logits by about 1e-2.
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of this folder."""
    with _importing:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)


def read_network(
    folder: Path, class_name: str | None, precision: str, *, config: Mapping[str, Any], name_prefix: str = ""
) -> tuple[Any, set[str]]:
    """The stock network in ``eval`` mode with eager attention, and the names of missing weights.

    ``class_name`` None loads the bare encoder. ``config`` is the validated content of config.json; ``name_prefix`` is
    removed from the names of the stored tensors. SDPA, the default, returns no attention weights, hence "eager".
    """
    with _importing:
        network_class = AutoModel if class_name is None else getattr(transformers, class_name)
        stock_config = CONFIG_MAPPING[config["model_type"]].from_dict(dict(config))
    network, report = network_class.from_pretrained(
        folder,
        config=stock_config,
        local_files_only=True,
        use_safetensors=True,
        attn_implementation="eager",
        dtype=DTYPES[precision],
        output_loading_info=True,
        key_mapping={f"^{re.escape(name_prefix)}": ""} if name_prefix else None,
    )
    network.eval().requires_grad_(False)
    return network, set(report["missing_keys"])


def not_finite(network: Any) -> str | None:
    """The name of a tensor of the network that contains NaN or an infinity, if there is one."""
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        # a sum is one cheap pass, finite unless a value is not or, very rarely, unless it overflows
        suspicious = tensor.is_floating_point() and not tensor.sum(dtype=torch.float32).isfinite()
        if suspicious and not tensor.isfinite().all():
            return str(name)
    return None
