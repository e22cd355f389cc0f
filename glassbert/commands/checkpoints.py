"""Models: which ones ship with GlassBERT, and safetensors weights for those that have none."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from glassbert.commands._command import Command
from glassbert.commands._console import Console
from glassbert.commands._tables import table

__all__ = ["COMMANDS"]


def _models_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line, with the model card: the fields of an entry of gb.embedded()",
    )


def _models(arguments: argparse.Namespace, console: Console) -> int:
    from glassbert.models.checkpoint import embedded

    found = embedded()
    if arguments.json:
        for one in found:
            console.record(asdict(one))
        return 0
    rows = [
        [one.id, one.task, ", ".join(one.languages), f"{one.parameters / 1e6:.0f} M", f"{one.size_bytes / 1e6:.0f} MB"]
        for one in found
    ]
    head = ["model", "for", "language", "parameters", "size"]
    console.lines(table(head, rows, right={3, 4}, paint=console.look))
    return 0


def _convert_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of the checkpoint")
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT", help="the new folder (default: FOLDER-safetensors)")


def _convert(arguments: argparse.Namespace, console: Console) -> int:
    from glassbert.models.convert import convert

    made = convert(arguments.folder, arguments.out)
    heads = made.variant.class_name if made.variant else f"{made.family.class_prefix}Model, without a task head"
    console.lines(
        [f"{made.folder} is ready: {heads}. Open it with gb.load({str(made.folder)!r}), or in the app by this path."]
    )
    return 0


COMMANDS = (
    Command(
        "models",
        "the models that ship with GlassBERT",
        "The models that ship with GlassBERT and open without a network. Any other encoder of a supported family\n"
        "(BERT, RoBERTa, ModernBERT, …) with safetensors weights opens by its hub id or folder:\n"
        "--model google-bert/bert-base-uncased, --model ./my-model.",
        ("glassbert models", "glassbert models --json"),
        _models_options,
        _models,
        units="M: million parameters; MB: million bytes of weights; what two models share is counted in both",
    ),
    Command(
        "convert",
        "make a checkpoint with safetensors weights of one whose weights are pickle",
        "Write a checkpoint with safetensors weights into a new folder, config and tokenizer included.\n"
        "The pickle is read without running code from it.",
        ("glassbert convert ./my-model", "glassbert convert ./my-model ./my-model-safe"),
        _convert_options,
        _convert,
    ),
)
