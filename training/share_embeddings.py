"""Step 14: write checkpoints that share one shard, the word embeddings.

Half of a small BERT is its table of word embeddings. Each checkpoint becomes an ordinary sharded
safetensors checkpoint of two files, one of which is listed in the index of all of them:

    OUT/word-embeddings.safetensors
    OUT/NAME/encoder.safetensors, model.safetensors.index.json, config.json, the tokenizer

Checkpoints whose lower layers stayed frozen too can also share these, with ``--also``: what all of them have in common
besides is then in one more file, ``OUT/lower-layers.safetensors``.

``from_pretrained`` reads each folder as it is.

    python -m training.share_embeddings work/shared pretrained=work/stage5 sentiment=work/sentiment-model
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from training.errors import RecipeError, run_script

__all__ = ["EMBEDDINGS", "build_parser", "main", "share_embeddings"]

EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
_SHARED_FILE = "word-embeddings.safetensors"
_LAYERS_FILE = "lower-layers.safetensors"
_TOKENIZER_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def share_embeddings(out: Path, checkpoints: Mapping[str, Path], also: Sequence[str] = ()) -> None:
    """Write ``out/NAME`` for each NAME → folder of ``checkpoints``, in fp16; ``also`` names those that share more.

    Raises `RecipeError` if the word embeddings are not identical bit for bit in fp16, or if an output folder
    contains a whole checkpoint, which ``from_pretrained`` would read instead of the shards.
    """
    tensors = {name: _load(folder) for name, folder in checkpoints.items()}
    shared = _common_embeddings(tensors)
    layers = _common_tensors([tensors[name] for name in also])
    for name in checkpoints:
        if (out / name / "model.safetensors").exists():
            raise RecipeError(f"{out / name} already contains a checkpoint: choose another folder or remove it")
    out.mkdir(parents=True, exist_ok=True)
    save_file({EMBEDDINGS: shared}, out / _SHARED_FILE, {"format": "pt"})
    if layers:
        save_file(layers, out / _LAYERS_FILE, {"format": "pt"})
    for name, folder in checkpoints.items():
        _write_checkpoint(out / name, tensors[name], shared, layers if name in also else {})
        for file in _TOKENIZER_FILES:
            if (folder / file).exists():
                shutil.copy(folder / file, out / name)


def _load(folder: Path) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors, floating-point ones in fp16."""
    path = folder / "model.safetensors"
    if not path.is_file():
        raise RecipeError(f"{path} is missing: pass a folder that save_pretrained wrote")
    tensors = load_file(path)
    if EMBEDDINGS not in tensors:
        raise RecipeError(f"{path} has no tensor {EMBEDDINGS}: only BERT checkpoints can share it")
    return {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous() for name, tensor in tensors.items()
    }


def _common_embeddings(tensors: Mapping[str, Mapping[str, torch.Tensor]]) -> torch.Tensor:
    """The word embeddings, (token, hidden), that all checkpoints have."""
    first, *others = tensors
    shared = tensors[first][EMBEDDINGS]
    for name in others:
        embeddings = tensors[name][EMBEDDINGS]
        if not torch.equal(embeddings, shared):
            raise RecipeError(
                f"{name} has different word embeddings from {first}: fine-tune it with --freeze-embeddings, "
                "from that very checkpoint"
            )
    return shared


def _common_tensors(tensors: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """What is the same in all of them, the word embeddings apart."""
    if not tensors:
        return {}
    first, *others = tensors
    return {
        name: tensor
        for name, tensor in first.items()
        if name != EMBEDDINGS and all(name in other and torch.equal(tensor, other[name]) for other in others)
    }


def _write_checkpoint(
    folder: Path, tensors: Mapping[str, torch.Tensor], shared: torch.Tensor, layers: Mapping[str, torch.Tensor]
) -> None:
    """The encoder's shard and the index over all shards."""
    # a decoder tied to the embeddings is the same matrix again; from_pretrained ties it anew
    own = {
        name: tensor
        for name, tensor in tensors.items()
        if name not in layers and not (tensor.shape == shared.shape and torch.equal(tensor, shared))
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(own, folder / "encoder.safetensors", {"format": "pt"})
    total_size = sum(tensor.numel() * tensor.element_size() for tensor in (shared, *layers.values(), *own.values()))
    weight_map = {
        EMBEDDINGS: f"../{_SHARED_FILE}",
        **dict.fromkeys(layers, f"../{_LAYERS_FILE}"),
        **dict.fromkeys(own, "encoder.safetensors"),
    }
    index = {"metadata": {"total_size": total_size}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1, sort_keys=True))


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--also", nargs="+", default=[], metavar="NAME", help="those that share frozen layers too")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Share the embeddings of the checkpoints named on the command line."""
    options = build_parser().parse_args(argv)
    pairs = [checkpoint.partition("=") for checkpoint in options.checkpoints]
    if not all(name and folder for name, _, folder in pairs):
        build_parser().error("each checkpoint must be NAME=FOLDER, such as pretrained=work/stage5")
    checkpoints = {name: Path(folder) for name, _, folder in pairs}
    if unknown := sorted(set(options.also) - set(checkpoints)):
        build_parser().error(f"--also names {', '.join(unknown)}; the checkpoints are {', '.join(checkpoints)}")
    share_embeddings(options.out, checkpoints, options.also)


if __name__ == "__main__":
    run_script(main)
