"""The only module that imports transformers, but for its Trainer (`glassbert.tuning.trainer`).

Its lazy imports race when several threads of a new process trigger them at once, so they are all here, at the top,
behind Python's own import lock. Everything is read from a validated local folder, without network access.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
import transformers
from transformers import CONFIG_MAPPING, MODEL_MAPPING, AttentionInterface, AttentionMaskInterface, AutoTokenizer
from transformers.activations import ACT2FN
from transformers.convert_slow_tokenizer import SentencePieceExtractor
from transformers.masking_utils import eager_mask, sdpa_mask
from transformers.utils import logging

from glassbert.errors import DamagedCheckpointError
from glassbert.families import Family
from glassbert.models.config import CONFIG
from glassbert.models.files import quoted
from glassbert.network.charsmap import restore_charsmap
from glassbert.network.removed_heads import EAGER, FUSED, eager, fused

logging.set_verbosity_error()
logging.disable_progress_bar()
for _name, _function, _mask in ((EAGER, eager, eager_mask), (FUSED, fused, sdpa_mask)):
    AttentionInterface.register(_name, _function)
    AttentionMaskInterface.register(_name, _mask)

#: Held while transformers imports the modules of a family at their first use, so that one thread does so at a time.
_importing = threading.Lock()

#: Held while transformers makes a network: it replaces a method of its base class meanwhile, which two threads would
#: put back in the wrong order (tied weights then count as missing in every later load), and torch's default dtype.
_making = threading.Lock()

#: Entries of a config.json that its stock class reads without declaring them.
_READ_BESIDES = frozenset({"num_labels", "_num_labels"})
#: The entries that name an activation function.
_ACTIVATIONS = ("hidden_act", "activation", "pooler_hidden_act", "conv_act")

#: fp32 unless the caller chooses another precision: half precision changes logits by about 1e-2.
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def read_tokenizer(folder: Path) -> Any:
    """The fast tokenizer of this folder."""
    with _importing:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
    restore_charsmap(tokenizer, folder, lambda path: SentencePieceExtractor(path).proto)
    return tokenizer


@dataclass(frozen=True, slots=True)
class Differences:
    """How stored weights differ from those of the network, by name."""

    missing: set[str]
    unexpected: set[str]
    #: Name → shape in the file, shape in the network.
    sizes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]


def read_network(
    folder: Path,
    class_name: str | None,
    precision: str,
    *,
    config: Any,
    renamed: Mapping[str, str] = MappingProxyType({}),
    tensors: Mapping[str, torch.Tensor] | None = None,
) -> tuple[Any, Differences]:
    """The stock network in ``eval`` mode with eager attention, and how its weights differ from the stored ones.

    ``class_name`` None loads the bare encoder. ``config`` is that of :func:`read_config`; each expression of
    ``renamed`` is replaced once in the names of the stored tensors. ``tensors``, by these names, are read in place of
    the files. SDPA, the default, returns no attention weights, hence "eager".
    """
    with _importing:
        network_class = MODEL_MAPPING[type(config)] if class_name is None else getattr(transformers, class_name)
    with _making:
        network, report = _in_precision(network_class, DTYPES[precision]).from_pretrained(
            folder if tensors is None else None,
            state_dict=None if tensors is None else dict(tensors),
            config=config,
            local_files_only=True,
            use_safetensors=True,
            attn_implementation="eager",
            dtype=torch.float32,  # another one would be the default dtype of all threads for a moment
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported, and refused with their names
            key_mapping=dict(renamed) or None,
        )
    network.__class__ = network_class
    network.eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(DTYPES[precision])
    sizes = {name: (tuple(stored), tuple(wanted)) for name, stored, wanted in report["mismatched_keys"]}
    return network, Differences(set(report["missing_keys"]), set(report["unexpected_keys"]), sizes)


def read_trainable(
    folder: Path, class_name: str, *, config: Any, renamed: Mapping[str, str] = MappingProxyType({})
) -> Any:
    """The stock network in ``train`` mode, in float32, to be trained on: as transformers would load it.

    What a head of this class needs and the files lack is drawn at random. On a GPU attention is a fused kernel; on a
    CPU the plain one is as fast on short texts.
    """
    with _importing:
        network_class = getattr(transformers, class_name)
    attention = "sdpa" if torch.cuda.is_available() and getattr(network_class, "_supports_sdpa", False) else "eager"
    with _making:
        network = network_class.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            attn_implementation=attention,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # a head with another number of labels
            key_mapping=dict(renamed) or None,
        )
    return network.float().train()


def _in_precision(network_class: Any, dtype: torch.dtype) -> Any:
    """This class with parameters of another type from the start, before they have a place in memory.

    transformers reads each tensor in the type that its parameter has. So a network in half precision takes half of the
    memory also while it is read.
    """
    if dtype == torch.float32:
        return network_class

    def create(network: Any, *arguments: Any, **options: Any) -> None:
        network_class.__init__(network, *arguments, **options)
        for parameter in network.parameters():
            parameter.data = parameter.data.to(dtype)

    return type(network_class.__name__, (network_class,), {"__init__": create})


def read_config(config: Mapping[str, Any], source: str, family: Family) -> Any:
    """The stock config from the validated content of config.json. Raises DamagedCheckpointError.

    Only the entries that its class declares, or is known to read besides, are passed on: any other says nothing about
    the network, but becomes an attribute of the config, where it could hide a method or stand for what another family
    has.
    """
    with _importing:
        kind = CONFIG_MAPPING[config["model_type"]]
    declared = {*kind().to_dict(), *kind.attribute_map, *_READ_BESIDES, *family.undeclared}
    entries = {name: value for name, value in config.items() if name in declared} | dict(family.renamed_with)
    try:
        read = kind.from_dict(dict(entries))
    except Exception as error:
        raise DamagedCheckpointError(_fault(kind, entries, source)) from error
    for name in _ACTIVATIONS:
        activation = getattr(read, name, None)
        if activation is not None and activation not in ACT2FN:
            raise DamagedCheckpointError(
                f"{CONFIG} of {quoted(source)} specifies {name} = {quoted(activation)}, which is none of the "
                f"activation functions of transformers ({', '.join(ACT2FN)}); correct it"
            )
    if read.hidden_size % read.num_attention_heads:
        raise DamagedCheckpointError(
            f"{CONFIG} of {quoted(source)} specifies a hidden size of {read.hidden_size} and "
            f"{read.num_attention_heads} attention heads, which do not divide it (a number that it does not specify "
            "is the default); correct it"
        )
    return read


def _fault(kind: Any, entries: Mapping[str, Any], source: str) -> str:
    """The sentence about entries of a config.json from which no stock config can be made: which is at fault?"""
    for name in entries:
        try:
            kind.from_dict({other: value for other, value in entries.items() if other != name})
        except Exception:
            continue
        return (
            f"{CONFIG} of {quoted(source)} specifies {name} = {quoted(entries[name])}, which transformers does not "
            f"accept for a model of this type; correct it or remove it"
        )
    return f"{CONFIG} of {quoted(source)} has several entries that transformers does not accept; correct it"


def not_finite(network: Any) -> str | None:
    """The name of a tensor of the network that contains NaN or an infinity, if there is one."""
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        # a sum is one cheap pass, finite unless a value is not or, very rarely, unless it overflows
        suspicious = tensor.is_floating_point() and not tensor.sum(dtype=torch.float32).isfinite()
        if suspicious and not tensor.isfinite().all():
            return str(name)
    return None
