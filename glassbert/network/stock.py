"""The only module that imports transformers.

Its lazy imports race when several threads of a new process trigger them at once, so they are all here, at the top,
behind Python's own import lock. Everything is read from a validated local folder, without network access.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

#: Held while transformers imports the modules of a family at their first use, so that one thread does so at a time.
_importing = threading.Lock()

#: fp32 unless the caller chooses another precision: half precision changes logits by about 1e-2.
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


#: Config entries that change what the stock classes return, or how they cut their work, and not what they compute.
_SET_ASIDE: dict[str, Any] = {
    "return_dict": True,
    "output_attentions": False,
    "output_hidden_states": False,
    "use_cache": False,
    "torchscript": False,
    "chunk_size_feed_forward": 0,
}


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of this folder."""
    with _importing:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)


def read_network(folder: Path, class_name: str | None, precision: str) -> tuple[Any, set[str]]:
    """The stock network in ``eval`` mode with eager attention, and the names of missing weights.

    ``class_name`` None loads the bare encoder. SDPA, the default, returns no attention weights, hence "eager".
    """
    with _importing:
        network_class = AutoModel if class_name is None else getattr(transformers, class_name)
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    for name, value in _SET_ASIDE.items():
        setattr(config, name, value)
    network, report = network_class.from_pretrained(
        folder,
        config=config,
        local_files_only=True,
        use_safetensors=True,
        attn_implementation="eager",
        dtype=DTYPES[precision],
        output_loading_info=True,
    )
    network.eval().requires_grad_(False)
    return network, set(report["missing_keys"])
