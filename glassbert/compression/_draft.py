"""A checkpoint while it is being changed: its config, tensors and files, before they are written to a new folder."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from glassbert.errors import ModelError, OptionError, UnsupportedModelError
from glassbert.families import Family
from glassbert.models.checkpoint import TOKENIZER_FILES
from glassbert.models.compressed import INT8, PRUNED, QUANTISED
from glassbert.models.config import CONFIG
from glassbert.models.pooling import MODULES, pooling_folder
from glassbert.models.weights import SINGLE, read_weights
from glassbert.network import int8, stock
from glassbert.network.model import Model, Precision, load, read_whole
from glassbert.network.own_head import OwnNetwork

__all__ = ["Draft", "started"]


@dataclass(slots=True)
class Draft:
    """``tensors`` are those of the stock network, by its names, with zeros in the places of the heads in ``removed``:
    these are cut out as the folder is written."""

    model: Model  # the one that the draft began with
    class_name: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    files: dict[str, bytes]
    removed: set[tuple[int, int]] = field(default_factory=set)
    precision: Precision = "float32"
    stored_in: torch.dtype = torch.float32  # of the files that the model was read from
    int8: bool = False
    changed: bool = False

    @property
    def family(self) -> Family:
        return self.model.checkpoint.family

    @property
    def layers(self) -> int:
        return int(self.config[self.family.layer_count])

    @property
    def heads(self) -> int:
        return int(self.config.get("num_attention_heads", self.config.get("n_heads", 0)))

    def parameters(self) -> int:
        """The number of trained values, without those of the heads that will be cut out."""
        return sum(tensor.numel() for tensor in self._cut().values())

    def path(self, inside: str) -> str:
        """The name, in the task network, of this path inside the encoder."""
        prefix = f"{self.family.prefix}."
        return prefix + inside if any(name.startswith(prefix) for name in self.tensors) else inside

    def layer_paths(self) -> tuple[str, ...]:
        """The name of each layer, in the order in which they run; an ALBERT's are all the same."""
        groups = int(self.config.get(self.family.group_count, 1)) if self.family.group_count else 1
        return tuple(self.path(one) for one in self.family.layers(self.layers, groups))

    def linear(self, layer: str, part: str) -> Iterator[str]:
        """The names of the tensors of this part of a layer: its weight, and its bias if it has one."""
        names = [f"{layer}.{part}.weight", f"{layer}.{part}.bias"]
        return (name for name in names if name in self.tensors)

    def current(self) -> Model:
        """The draft as a model: the original one as long as nothing has changed."""
        return self.as_model() if self.changed else self.model

    def as_model(self) -> Model:
        """A model in a temporary folder, which lasts as long as it does."""
        place = Path(tempfile.mkdtemp(prefix="glassbert-"))
        try:
            folder = self.write(place / self.class_name)
            model = load(folder, self.model.device, precision=self.precision)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        weakref.finalize(model.network, shutil.rmtree, place, ignore_errors=True)
        return model

    def write(self, folder: Path, *, full_size: bool = False) -> Path:
        """Write the folder; ``full_size`` keeps the removed heads, as zeros. Raises OptionError."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OptionError(f"{folder} exists already: choose a new folder, or delete it first")
        if not folder.parent.is_dir():
            raise OptionError(f"{folder.parent} is not a folder: create it first, or choose another place")
        place = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for name, content in self.files.items():
                (place / name).parent.mkdir(exist_ok=True)
                (place / name).write_bytes(content)
            config = dict(self.config)
            if self.removed and not full_size:
                by_layer: dict[str, list[int]] = {}
                for layer, head in sorted(self.removed):
                    by_layer.setdefault(str(layer), []).append(head)
                config[PRUNED] = by_layer
            if self.int8:
                config[QUANTISED] = INT8
            (place / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
            tensors = self._stored(dict(self.tensors) if full_size else self._cut())
            save_file({name: one.contiguous() for name, one in tensors.items()}, place / SINGLE, {"format": "pt"})
            place.chmod(0o755)
            if folder.exists():
                folder.rmdir()
            place.rename(folder)
        except OSError as error:
            raise OptionError(f"{folder} cannot be written ({error.strerror}); choose another place") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return folder

    def _cut(self) -> dict[str, Tensor]:
        """The tensors without the rows and columns of the removed heads."""
        tensors = dict(self.tensors)
        for number in {layer for layer, _ in self.removed}:
            inside = self.family.inside
            assert inside is not None
            layer = self.layer_paths()[number]
            kept = [head for head in range(self.heads) if (number, head) not in self.removed]
            for part in (inside.query, inside.key, inside.value):
                for name in self.linear(layer, part):
                    tensors[name] = _taken(tensors[name], 0, self.heads, kept)
            mixer = f"{layer}.{inside.output}.weight"
            tensors[mixer] = _taken(tensors[mixer], 1, self.heads, kept)
        return tensors

    def _stored(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """The tensors in the precision in which they are stored."""
        dtype = stock.DTYPES[self.precision]
        rounded = self._in_int8() if self.int8 else set()
        stored: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            if name in rounded:
                stored |= int8.encoded(name, tensor)
            else:
                stored[name] = _fitting(tensor, dtype, self.stored_in)
        return stored

    def _in_int8(self) -> set[str]:
        """The names of the tensors that are stored in int8: the Linears of the layers, and the table of words."""
        inside = self.family.inside
        assert inside is not None
        parts = [inside.fused, *(path for part, path in inside.paths().items() if part not in _NOT_ROUNDED)]
        names = {f"{layer}.{part}.weight" for layer in self.layer_paths() for part in parts if part}
        words = self.path(f"{self.family.embeddings.words}.weight")
        return {name for name in names | {words} if name in self.tensors}


_DTYPES = {"F16": torch.float16, "BF16": torch.bfloat16}
_NOT_ROUNDED = ("attention", "norm", "last_norm")


def started(model: Model) -> Draft:
    """A draft of a model as it is. Raises UnsupportedModelError, OptionError, ModelError."""
    checkpoint = model.checkpoint
    if isinstance(model.network, OwnNetwork):
        raise UnsupportedModelError(
            "a network with a head of your own cannot be written as a checkpoint: compress the encoder, and put the "
            "head on it again (gb.wrap)"
        )
    if model.ablated_heads:
        raise OptionError(
            'heads of this view are switched off: pass the model itself, and the heads in the recipe, {"heads": '
            f"{list(model.ablated_heads)}}}"
        )
    if checkpoint.int8:
        raise OptionError(
            f"{model.source!r} has int8 weights, which are final: start from the model before compression"
        )
    if checkpoint.family.characters is not None:
        raise UnsupportedModelError(
            f"{checkpoint.family.label} networks read more of a token than its id, and cannot be compressed; choose a "
            "model of another family"
        )
    network = read_whole(checkpoint)
    config = json.loads(network.config.to_json_string())
    config["architectures"] = [type(network).__name__]
    for name in ("_name_or_path", "transformers_version", "dtype", "torch_dtype"):
        config.pop(name, None)
    config.setdefault(checkpoint.family.layer_count, network.config.num_hidden_layers)
    config.setdefault("vocab_size", network.config.vocab_size)
    heads = "n_heads" if "n_heads" in config else "num_attention_heads"
    config.setdefault(heads, network.config.num_attention_heads)
    return Draft(
        model=model,
        class_name=type(network).__name__,
        config=config,
        tensors=_tensors(network),
        files=_files(checkpoint.folder, model.source),
        removed=set(checkpoint.removed_heads),
        precision=model.precision,
        stored_in=_stored_in(model),
    )


def _stored_in(model: Model) -> torch.dtype:
    """The type of most of the numbers in the files."""
    weights = read_weights(model.checkpoint.folder, source=model.source, root=model.checkpoint.folder.parent)
    values: dict[str, int] = {}
    for tensor in weights.tensors.values():
        values[tensor.dtype] = values.get(tensor.dtype, 0) + tensor.values
    return _DTYPES.get(max(values, key=values.__getitem__), torch.float32)


def _fitting(tensor: Tensor, dtype: torch.dtype, stored_in: torch.dtype) -> Tensor:
    """A tensor as it is stored: in half precision if that is asked for, or if its numbers came from there."""
    if not tensor.is_floating_point():
        return tensor
    if dtype != torch.float32:
        return tensor.to(dtype)
    smaller = tensor.to(stored_in)
    return smaller if torch.equal(smaller.float(), tensor.float()) else tensor


def _tensors(network: Any) -> dict[str, Tensor]:
    """The parameters by name, each once: a tied one is tied again as it is loaded."""
    found: dict[str, Tensor] = {}
    tied = set(getattr(network, "_tied_weights_keys", None) or ())
    seen: dict[int, str] = {}
    for name, parameter in sorted(network.named_parameters(remove_duplicate=False), key=lambda one: one[0] in tied):
        if id(parameter) not in seen:
            seen[id(parameter)] = name
            found[name] = parameter.detach()
    for name, buffer in network.named_buffers():
        if name in network.state_dict() and buffer.is_floating_point():
            found[name] = buffer
    return found


def _files(folder: Path, source: str) -> dict[str, bytes]:
    """The files beside the weights: of the tokenizer, and what says how a sentence encoder pools."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name in TOKENIZER_FILES}
    if (folder / MODULES).is_file():
        files[MODULES] = (folder / MODULES).read_bytes()
        try:
            pooling = pooling_folder(files[MODULES], source)
        except ModelError:
            pooling = None
        if pooling and (folder / pooling / CONFIG).is_file():
            files[f"{pooling}/{CONFIG}"] = (folder / pooling / CONFIG).read_bytes()
    return files


def _taken(tensor: Tensor, dim: int, heads: int, kept: list[int]) -> Tensor:
    """These of the heads that are side by side along ``dim``."""
    size = tensor.shape[dim] // heads
    places = [head * size + place for head in kept for place in range(size)]
    return tensor.index_select(dim, torch.tensor(places))


def zeros_where(tensor: Tensor, places: list[int], dim: int) -> Tensor:
    """A copy with zeros at these places along ``dim``."""
    return tensor.index_fill(dim, torch.tensor(places, dtype=torch.int64), 0)
