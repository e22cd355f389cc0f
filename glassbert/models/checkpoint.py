"""A checkpoint, validated before transformers sees it.

Everything is read as data, with size limits: the config, the headers of the weights, the tokenizer's vocabulary. A
checkpoint that passes has an encoder of a supported family, complete safetensors weights that match the config, a
tokenizer that matches both, and only the task heads that are actually in the weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from glassbert.errors import (
    DamagedCheckpointError,
    ModelNotFoundError,
    ModelTooLargeError,
    RemoteCodeError,
    UnsafeWeightsError,
    UnsupportedModelError,
)
from glassbert.families import Family, Task, Variant
from glassbert.models import memory
from glassbert.models.config import CONFIG, check_config, read_config, strings
from glassbert.models.files import megabytes, quoted, read_json
from glassbert.models.weights import INDEX, SINGLE, Weights, fingerprint, read_weights

__all__ = [
    "EMBEDDED_FOLDER",
    "EMBEDDED_IDS",
    "TOKENIZER_FILES",
    "Checkpoint",
    "EmbeddedCheckpoint",
    "check_files",
    "check_memory",
    "embedded",
    "vet",
]

#: Sets of files, each sufficient to build a tokenizer.
_TOKENIZERS = (
    {"tokenizer.json"},
    {"vocab.txt"},
    {"vocab.json", "merges.txt"},
    {"spiece.model"},
    {"sentencepiece.bpe.model"},
)
#: Every file that a tokenizer may consist of.
TOKENIZER_FILES = frozenset().union(*_TOKENIZERS) | {
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
}

#: The folder of the embedded checkpoints; they share one file next to their own folders.
EMBEDDED_FOLDER = Path(__file__).parents[1] / "checkpoints"
#: Embedded id → label and task.
EMBEDDED_IDS = {
    "pretrained": ("GlassBERT pretrained", "masked words and next sentence"),
    "sentiment": ("GlassBERT sentiment", "sentiment of a sentence"),
}

_MAX_TOKENIZER_BYTES = 64_000_000
_FLOATS = {"F16", "BF16", "F32", "F64"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A validated checkpoint.

    ``source`` is what was requested ("pretrained", "bert-base-uncased", "/some/folder"), ``folder`` where the files
    are, ``variant`` None for an encoder without a task head, ``task_heads`` the task heads in the weights,
    ``weight_bytes`` the size of the weights as stored, ``revision`` the commit of a hub model, and ``weights_hash``
    an identity for caches (:func:`glassbert.models.weights.fingerprint`).
    """

    source: str
    folder: Path
    config: Mapping[str, Any]
    family: Family
    variant: Variant | None
    task_heads: tuple[Task, ...]
    weight_bytes: int
    revision: str | None
    weights_hash: str
    embedded: bool


def vet(
    folder: Path,
    *,
    source: str,
    revision: str | None = None,
    root: Path | None = None,
    embedded: bool = False,
    available: Callable[[], int | None] | None = None,
) -> Checkpoint:
    """Validate the files in ``folder`` and describe the checkpoint. Raises a ModelError.

    ``root`` is the folder that must contain all shards (default: ``folder``), ``available`` the memory probe.
    """
    files = _names(folder, source)
    config = read_config(folder, files, source)
    family = check_config(config, source)
    check_files(files, source)
    weights = read_weights(folder, source=source, root=root)
    _check_fit(config, family, weights, source)
    words = family.canonical(weights.tensors)[f"{family.embeddings.words}.weight"]
    _check_tokenizer(folder, files, weights.tensors[words].shape[0], source)
    check_memory(weights.parameters * 4, source, available)
    architectures = strings(config.get("architectures"))
    variant = family.variant(weights.tensors, architectures, tied=config.get("tie_word_embeddings") is not False)
    if variant is not None and variant.label_tensor is not None:
        _check_labels(config, family, weights, variant.label_tensor, source)
    others = [folder / name for name in files if name in TOKENIZER_FILES or name == CONFIG]
    return Checkpoint(
        source=source,
        folder=folder,
        config=MappingProxyType(config),
        family=family,
        variant=variant,
        task_heads=variant.task_heads if variant else (),
        weight_bytes=weights.stored_bytes,
        revision=revision,
        weights_hash=fingerprint(weights, others),
        embedded=embedded,
    )


@dataclass(frozen=True, slots=True)
class EmbeddedCheckpoint:
    """A checkpoint that ships with GlassBERT; ``gb.load(id)`` loads it without a network connection."""

    id: str
    label: str
    task: str
    task_heads: tuple[Task, ...]
    size_bytes: int
    parameters: int
    languages: tuple[str, ...]
    card: str


def embedded() -> tuple[EmbeddedCheckpoint, ...]:
    """The checkpoints that ship with GlassBERT, with task, size and model card (Markdown), the default first."""
    cards = (EMBEDDED_FOLDER / "MODEL_CARDS.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)/(.*?)(?=^## |\Z)", cards, flags=re.MULTILINE | re.DOTALL))
    described = []
    for name, (label, task) in EMBEDDED_IDS.items():
        folder = EMBEDDED_FOLDER / name
        checkpoint = vet(folder, source=name, root=EMBEDDED_FOLDER, embedded=True, available=lambda: None)
        weights = read_weights(folder, source=name, root=EMBEDDED_FOLDER)
        described.append(
            EmbeddedCheckpoint(
                id=name,
                label=label,
                task=task,
                task_heads=checkpoint.task_heads,
                size_bytes=checkpoint.weight_bytes,
                parameters=weights.parameters,
                languages=("English",),
                card=f"## {name}{sections[name]}".strip(),
            )
        )
    return tuple(described)


def _names(folder: Path, source: str) -> set[str]:
    try:
        names = {path.name for path in folder.iterdir()}
    except NotADirectoryError as error:
        raise ModelNotFoundError(
            f"{quoted(source)} is a file; pass the folder that contains {CONFIG} and {SINGLE}"
        ) from error
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"there is no folder {quoted(source)}; check the path") from error
    except OSError as error:
        raise ModelNotFoundError(
            f"the folder {quoted(source)} cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not names:
        raise DamagedCheckpointError(
            f"the folder {quoted(source)} is empty; it should contain {CONFIG}, a tokenizer and {SINGLE}"
        )
    return names


def check_files(files: Collection[str], source: str) -> None:
    """Check by file name that weights and tokenizer exist. Raises UnsafeWeightsError or DamagedCheckpointError."""
    if SINGLE not in files and INDEX not in files:
        pickles = sorted(name for name in files if name.endswith((".bin", ".bin.index.json", ".pt", ".pth", ".ckpt")))
        if pickles:
            raise UnsafeWeightsError(
                f"{quoted(source)} has its weights only as pickle ({quoted(pickles[0])}), which can run arbitrary code "
                "when it is loaded; GlassBERT reads only safetensors: choose a model that has them, or, if you trust "
                "this one, convert it (load it with transformers and call save_pretrained)"
            )
        strays = sorted(name for name in files if name.endswith((".safetensors", ".h5", ".msgpack", ".onnx", ".gguf")))
        found = f" (found {quoted(strays[0])})" if strays else ""
        raise DamagedCheckpointError(
            f"{quoted(source)} has no weights{found}; they must be named {SINGLE} or be listed in {INDEX}"
        )
    if not any(kind <= set(files) for kind in _TOKENIZERS):
        raise DamagedCheckpointError(
            f"{quoted(source)} has no tokenizer, which is needed to read text; add the tokenizer.json it was trained "
            "with (or vocab.txt, or vocab.json and merges.txt)"
        )


def check_memory(needed_bytes: int, source: str, available: Callable[[], int | None] | None = None) -> None:
    """Raise ModelTooLargeError if weights of this size in float32 do not fit into free memory."""
    free_bytes = (available or memory.available_bytes)()
    if free_bytes is not None and needed_bytes > free_bytes:
        raise ModelTooLargeError(
            f"{quoted(source)} needs {megabytes(needed_bytes)} of memory for its weights, but only "
            f"{megabytes(free_bytes)} are free; close other programs or choose a smaller model"
        )


def _check_fit(config: Mapping[str, Any], family: Family, weights: Weights, source: str) -> None:
    names = family.canonical(weights.tensors)
    for name, tensor in weights.tensors.items():
        if tensor.dtype not in _FLOATS and not name.endswith(("position_ids", "token_type_ids")):
            raise UnsupportedModelError(
                f"{quoted(source)} stores {quoted(name)} as {tensor.dtype}, a quantised or unsupported format; choose "
                "the original model with 32- or 16-bit weights"
            )
    tables = [(family.embeddings.words, "vocab_size")]
    if family.embeddings.positions is not None:
        tables.append((family.embeddings.positions, "max_position_embeddings"))
    for table, key in tables:
        name = f"{table}.weight"
        if name not in names:
            raise DamagedCheckpointError(
                f"{quoted(source)} does not contain a {family.label} encoder: its weights have no {quoted(name)}; its "
                "config and its weights do not belong together"
            )
        shape = weights.tensors[names[name]].shape
        said = config.get(key, shape[0] if shape else 0)
        if len(shape) != 2 or said != shape[0]:
            raise _mismatch(source, f"{key} = {said}", f"{shape[0] if shape else 0} rows of {name}")
    said = config.get(family.layer_count)
    if said is not None:
        modules = _modules(names)
        layers = family.layers(said, config.get(family.group_count, 1) if family.group_count else 1)
        stored = sum(layer in modules for layer in layers)
        if stored < said:
            raise _mismatch(source, f"{said} layers", f"{stored}")


def _modules(tensors: Collection[str]) -> set[str]:
    """Every module that contains one of these tensors, at any depth."""
    parts = (name.split(".") for name in tensors)
    return {".".join(path[:depth]) for path in parts for depth in range(1, len(path))}


def _check_labels(config: Mapping[str, Any], family: Family, weights: Weights, tensor: str, source: str) -> None:
    rows = weights.tensors[family.canonical(weights.tensors)[tensor]].shape[0]
    labels = config.get("id2label")
    said = len(labels) if isinstance(labels, dict) else config.get("num_labels", config.get("_num_labels", 2))
    if said != rows:
        raise _mismatch(source, f"{said} labels", f"{rows}")


def _mismatch(source: str, said: str, found: str) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"{CONFIG} of {quoted(source)} specifies {said}, but its weights have {found}: the files do not belong "
        "together; download or copy the model again"
    )


def _check_tokenizer(folder: Path, files: Set[str], rows: int, source: str) -> None:
    """Compare the vocabulary with the embedding table. Raises DamagedCheckpointError or RemoteCodeError."""
    if "tokenizer_config.json" in files:
        settings = read_json(folder / "tokenizer_config.json", max_bytes=_MAX_TOKENIZER_BYTES, source=source)
        if settings.get("auto_map"):
            raise RemoteCodeError(
                f"the tokenizer of {quoted(source)} needs Python code from its own repository, which GlassBERT never "
                "runs; choose a model with a standard tokenizer"
            )
    if not files & {"tokenizer.json", "vocab.txt", "vocab.json"}:
        return  # SentencePiece, whose vocabulary is counted when it is read
    ids = set(_token_ids(folder, files, source))
    if not ids or not all(type(id) is int for id in ids):
        raise _damaged_tokenizer(source)
    if max(ids) >= rows or 2 * len(ids) < rows:
        raise DamagedCheckpointError(
            f"the tokenizer of {quoted(source)} has {len(ids)} tokens (ids up to {max(ids)}), but its weights have "
            f"{rows}: the files do not belong together; replace it with the tokenizer that the model was trained with"
        )


def _token_ids(folder: Path, files: Collection[str], source: str) -> Iterator[int]:
    try:
        if "tokenizer.json" in files:
            parsed = read_json(folder / "tokenizer.json", max_bytes=_MAX_TOKENIZER_BYTES, source=source)
            vocabulary = parsed["model"]["vocab"]
            yield from (vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary)))
            yield from (token["id"] for token in parsed.get("added_tokens") or ())
        elif "vocab.txt" in files:
            with (folder / "vocab.txt").open(encoding="utf-8") as lines:
                yield from (index for index, _ in enumerate(lines))
        elif "vocab.json" in files:
            yield from read_json(folder / "vocab.json", max_bytes=_MAX_TOKENIZER_BYTES, source=source).values()
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise _damaged_tokenizer(source) from error


def _damaged_tokenizer(source: str) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"the tokenizer of {quoted(source)} is damaged; replace it with the one that the model was trained with"
    )
