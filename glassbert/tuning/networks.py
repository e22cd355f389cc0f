"""The network that is trained: the stock one of the model's family with the head of the task."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import torch

from glassbert.errors import OptionError, UnsupportedModelError
from glassbert.families import TASKS, Family, Task
from glassbert.models.checkpoint import TOKENIZER_FILES
from glassbert.models.config import CONFIG
from glassbert.network import stock
from glassbert.network.fused import character_rows
from glassbert.network.model import Model
from glassbert.tables import Table
from glassbert.tuning.settings import TASK_OF, TrainingSettings

__all__ = ["labels_of", "trainable", "with_adapters", "write_model"]

#: What transformers' config calls the kinds of outputs of a classification head.
_PROBLEMS = {
    "classification": "single_label_classification",
    "multi_label": "multi_label_classification",
    "regression": "regression",
}


def labels_of(model: Model, table: Table, head: str) -> tuple[str, ...]:
    """The names of the head's outputs in their order: those of the table, or of the head that is kept."""
    if head == "kept" and table.label_names:
        return model.labels
    return ("score",) if table.kind == "regression" else table.label_names


def trainable(model: Model, table: Table, settings: TrainingSettings) -> Any:
    """The network to train, what the settings freeze frozen. Raises UnsupportedModelError, OptionError."""
    family, task = model.checkpoint.family, TASK_OF[table.kind]
    if model.checkpoint.int8 or model.checkpoint.removed_heads:
        what = "int8 weights" if model.checkpoint.int8 else "fewer heads than a stock network"
        raise UnsupportedModelError(
            f"{model.source!r} has {what}, and transformers cannot train it: train the model first, and compress the "
            "result"
        )
    if task not in family.task_heads:
        raise UnsupportedModelError(
            f"transformers has no {family.label} network for {TASKS[task]}; choose a model of another family"
        )
    class_name = _class_name(family, task, model)
    config = stock.read_config(model.checkpoint.config, model.source, family)
    names = labels_of(model, table, settings.head)
    if table.kind in _PROBLEMS:
        config.problem_type = _PROBLEMS[table.kind]
    if names:
        config.num_labels = len(names)
        config.id2label = dict(enumerate(names))
        config.label2id = {name: number for number, name in enumerate(names)}
    torch.manual_seed(settings.seed)
    network = stock.read_trainable(model.checkpoint.folder, class_name, config=config, renamed=model.checkpoint.renamed)
    if settings.head == "new":
        for path in family.task_heads[task].chain:  # its weights, where the files have a head of this shape
            if not path.startswith(f"{family.prefix}."):
                network._init_weights(network.get_submodule(path))
    if family.characters is not None:
        _read_characters(network, model)
    _freeze(network, family, settings)
    return network


def _read_characters(network: Any, model: Model) -> None:
    """Have the network read of each token what its stock tokenizer would tell besides the id."""
    family, folder = model.checkpoint.family, model.checkpoint.folder
    assert family.characters is not None
    rows = character_rows(network, family, folder, model.tokenizer.get_vocab(), model.source)
    read = {family.characters.tables[path][2]: ids for path, ids in rows.items()}

    def add(_module: object, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        ids = named["input_ids"]
        return given, named | {name: table.to(ids.device)[ids] for name, table in read.items()}

    network.register_forward_pre_hook(add, with_kwargs=True)


def _class_name(family: Family, task: Task, model: Model) -> str:
    """The stock class; for masked words the one that the model has, which may predict the next sentence as well."""
    if task == "masked_words" and model.checkpoint.variant is not None:
        return model.checkpoint.variant.class_name
    return next(one.class_name for one in family.variants if one.task_heads == (task,))


def _freeze(network: Any, family: Family, settings: TrainingSettings) -> None:
    encoder = network.base_model
    if settings.freeze_embeddings or settings.freeze_layers:
        encoder.get_submodule(family.embeddings.words).requires_grad_(False)
    if settings.freeze_layers:
        embeddings = family.embeddings.words.rpartition(".")[0]
        if embeddings:
            encoder.get_submodule(embeddings).requires_grad_(False)
        for path in family.layers(_layers(network))[: settings.freeze_layers]:
            encoder.get_submodule(path).requires_grad_(False)


def _layers(network: Any) -> int:
    return int(network.config.num_hidden_layers)


def with_adapters(network: Any, family: Family, task: Task, rank: int) -> Any:
    """The network with low-rank adapters beside query and value; the head stays trainable. Raises OptionError."""
    try:
        import peft
    except ImportError as error:
        raise OptionError("lora_rank needs peft: pip install 'glassbert[lora]', or set lora_rank to 0") from error
    inside = family.inside
    if inside is None or inside.fused is not None:
        linears = [".*" + re.escape(inside.fused)] if inside is not None and inside.fused else []
    else:
        linears = [".*" + re.escape(path) for path in (inside.query, inside.value)]
    if not linears:
        raise UnsupportedModelError(
            f"GlassBERT does not know the projections of {family.label} networks: set lora_rank to 0"
        )
    heads = [path for path in family.task_heads[task].chain if not path.startswith(f"{family.prefix}.")]
    config = peft.LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules="|".join(f"({one})" for one in linears),
        modules_to_save=sorted({path.rpartition(".")[2] for path in heads}),
    )
    return peft.get_peft_model(network, config)


def write_model(network: Any, model: Model, folder: Path) -> None:
    """An ordinary safetensors folder: weights, config, and the tokenizer's files as they were."""
    if hasattr(network, "merge_and_unload"):
        import copy

        network = copy.deepcopy(network).merge_and_unload()
    network.save_pretrained(folder)
    for path in sorted(model.checkpoint.folder.iterdir()):
        if path.name in TOKENIZER_FILES and path.is_file():
            shutil.copyfile(path, folder / path.name)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
