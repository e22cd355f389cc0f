"""Adapters (LoRA and the like): part of a model that only `peft` can merge. They are never silently ignored."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from glassbert.errors import UnsupportedModelError
from glassbert.models.files import quoted

__all__ = ["check_no_adapter"]

_FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
_INSIDE = (
    *("lora_", ".base_layer.", "modules_to_save.", ".adapters.", "ia3_l", "vera_lambda", "hada_w", "lokr_w", "oft_r"),
    *("prompt_embeddings", "prompt_encoder.", "prefix_encoder.", "prefix_tuning.", ".adapter_down", ".adapter_up"),
)


def check_no_adapter(
    source: str, *, files: Collection[str] = (), tensors: Iterable[str] = (), architecture: str | None = None
) -> None:
    """Raise UnsupportedModelError, with the commands that merge it, if an adapter is beside or inside the weights."""
    beside = [name for name in _FILES if name in files]
    network = architecture or "AutoModelForSequenceClassification"
    if beside:
        merge = (
            f"from transformers import {network} as Base; from peft import PeftModel; "
            "PeftModel.from_pretrained(Base.from_pretrained('.'), 'adapter').merge_and_unload()"
            ".save_pretrained('merged')"
        )
        raise UnsupportedModelError(
            f"{quoted(source)} has an adapter ({quoted(beside[0])}) beside its weights, which change what the model "
            "computes only when merged. With peft installed, run in this folder: mkdir adapter; mv adapter_* adapter/; "
            f'python -c "{merge}"; cp *token* vocab* merged/. Then open the folder merged. If the adapter is already '
            "merged, delete its files"
        )
    inside = next((name for name in tensors if any(part in name for part in _INSIDE)), None)
    if inside is not None:
        raise UnsupportedModelError(
            f"{quoted(source)} has an adapter inside its weights ({quoted(inside)}), which only peft can merge. Where "
            "the model was trained, run: model.merge_and_unload().save_pretrained('merged'), or, from the saved "
            f"adapter: PeftModel.from_pretrained({network}.from_pretrained(BASE), ADAPTER).merge_and_unload()"
            ".save_pretrained('merged'). Then copy the tokenizer into the folder merged and open it"
        )
