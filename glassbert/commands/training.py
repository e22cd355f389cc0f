"""Fine-tuning: from a table of labelled texts to a model in a folder."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassbert.commands._command import Command
from glassbert.commands._console import Console
from glassbert.commands._data import read_told
from glassbert.commands._interrupted import interrupted
from glassbert.commands._tables import plain, table
from glassbert.errors import OptionError, StoppedError

if TYPE_CHECKING:
    from glassbert.tuning.results import FineTuning

__all__ = ["COMMANDS"]

#: What a larger model teaches, and how much of the loss that is.
_TAUGHT = ("teacher", "temperature", "teacher_share")
#: Options that are no settings of the training, which a file can have too.
_OTHERS = ("data", "dev", "test", "text", "pair", "label", "kind", "pinned", "base", "device", "out", *_TAUGHT)
_KINDS = ("classification", "multi_label", "regression", "tokens", "spans", "texts")
#: Option → type, help. Those of `gb.TrainingSettings` with a value.
_SETTINGS: dict[str, tuple[Callable[[str], Any], str]] = {
    "epochs": (int, "passes over the training data"),
    "learning_rate": (float, "the highest one; it rises and falls in a straight line"),
    "warm_up": (float, "the share of the steps in which it rises"),
    "tokens_per_batch": (int, "tokens a step, padding included"),
    "max_tokens": (int, "where longer texts are cut"),
    "weight_decay": (float, "of all weights but biases and LayerNorms"),
    "freeze_layers": (int, "how many of the lowest layers stay as they are, and all embeddings"),
    "lora_rank": (int, "train low-rank adapters in place of the weights; 0: do not"),
    "patience": (int, "end after this many epochs without a gain on --dev; 0: never"),
    "seed": (int, "of everything that is drawn"),
    "threads": (int, "processor threads"),
}
_CHOICES: dict[str, tuple[tuple[str, ...], str]] = {
    "head": (("new", "kept"), "begin with a new task head, or go on with the model's own"),
    "class_weights": (("none", "balanced"), "give each class the same weight"),
    "precision": (("float32", "bfloat16"), "of matrix products"),
}
_SWITCHES = {
    "freeze_embeddings": "train the word embeddings too, or keep them",
    "record": "keep what the data map needs, explain pinned texts, measure what has moved",
    "label_errors": "look for wrong labels",
}


def _options(parser: argparse.ArgumentParser) -> None:
    data = parser.add_argument_group("data")
    data.add_argument(
        "--data", metavar="PATH", help="the training table: CSV, TSV, JSON lines, Parquet, or a set on board"
    )
    data.add_argument("--dev", metavar="PATH", help="a table that is evaluated after each epoch")
    data.add_argument("--test", metavar="PATH", help="a table that is evaluated once, at the end")
    for name, what in (("text", "text"), ("pair", "second text"), ("label", "label")):
        data.add_argument(f"--{name}", metavar="COLUMN", help=f"the column of the {what} (default: found by its name)")
    data.add_argument("--kind", choices=_KINDS, help="what the labels are (default: told by them)")
    data.add_argument(
        "--pinned", action="append", metavar="TEXT", help="a text that is explained after each epoch, may be repeated"
    )
    model = parser.add_argument_group("model")
    model.add_argument("--base", metavar="MODEL", help="an embedded model, a hub id or a folder (default: pretrained)")
    model.add_argument("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps (default: auto)")
    model.add_argument("--out", metavar="FOLDER", help="where the model is written; it must not exist yet")
    taught = parser.add_argument_group("distillation")
    taught.add_argument(
        "--teacher", metavar="MODEL", help="a model with the same classes, whose answers are learnt too"
    )
    taught.add_argument(
        "--temperature", type=float, metavar="T", help="by which both models' logits are divided (default: 2)"
    )
    taught.add_argument(
        "--teacher-share", type=float, metavar="S", help="of the loss; the labels are the rest (default: 0.5)"
    )
    settings = parser.add_argument_group("settings", "defaults are chosen from the data, and told at the start")
    settings.add_argument("--settings", metavar="FILE", help="a TOML file with any of these options: epochs = 3")
    for name, (kind, what) in _SETTINGS.items():
        settings.add_argument(_flag(name), type=kind, metavar="N", help=what)
    for name, (choices, what) in _CHOICES.items():
        settings.add_argument(_flag(name), choices=choices, help=what)
    for name, what in _SWITCHES.items():
        settings.add_argument(_flag(name), action=argparse.BooleanOptionalAction, help=what)
    parser.add_argument("--json", action="store_true", help="one JSON object: a FineTuning")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    given = _given(arguments)
    for name in ("data", "out"):
        if not given.get(name):
            raise OptionError(f"say {'what to train on' if name == 'data' else 'where to write the model'}: --{name} …")
    from glassbert.tuning import finetune
    from glassbert.tuning.settings import opened

    options = {name: given[name] for name in ("text", "pair", "label", "kind") if given.get(name)}
    train = read_told(given["data"], "train", options, console)
    dev, test = (
        read_told(given[name], name, options | {"kind": train.kind, "label_names": train.label_names}, console)
        if given.get(name)
        else None
        for name in ("dev", "test")
    )
    settings = {name: given[name] for name in (*_SETTINGS, *_CHOICES, *_SWITCHES, "device") if name in given}
    taught = {name: given[name] for name in _TAUGHT if name in given}
    if taught and "teacher" not in taught:
        raise OptionError("--temperature and --teacher-share are for a training with a --teacher")
    base = opened(given.get("base", "pretrained"))
    with interrupted() as cancelled:
        try:
            result = finetune(
                base,
                train,
                dev,
                given["out"],
                test=test,
                pinned=given.get("pinned"),
                progress=_report(console),
                cancelled=cancelled,
                **taught,
                **settings,
            )
        except StoppedError as stopped:
            console.note(str(stopped).capitalize() + ".")
            return 130
    if arguments.json:
        console.record(result.to_dict())
    else:
        console.lines(_told(result))
    return 0


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the command line says, and where it says nothing, the file of --settings. Raises OptionError."""
    told = {name: value for name, value in vars(arguments).items() if value is not None}
    if "settings" not in told:
        return told
    place = Path(told["settings"])
    try:
        read = tomllib.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{place} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{place} is not TOML: {error}") from error
    read = {name.replace("-", "_"): value for name, value in read.items()}
    known = {*_SETTINGS, *_CHOICES, *_SWITCHES, *_OTHERS}
    if unknown := sorted(set(read) - known):
        raise OptionError(f"{place} has {unknown[0]!r}, which is no option; the options are {', '.join(sorted(known))}")
    for name in ("data", "dev", "test", "out"):  # a file's own paths are from where the file is
        if isinstance(read.get(name), str) and (place.parent / read[name]).exists():
            read[name] = str(place.parent / read[name])
    return read | told


def _report(console: Console) -> Callable[[Mapping[str, Any]], None]:
    """Tells on standard error what happens: each epoch, and each step on a terminal."""
    total = 1
    report: Callable[[int, int], None] = console.progress("training")

    def tell(now: Mapping[str, Any]) -> None:
        nonlocal total
        kind = now["kind"]
        if kind == "start":
            total = now["steps"]
            going_on = f", going on after {now['resumed_at']:,}" if now["resumed_at"] else ""
            console.note(f"{total:,} steps in {now['epochs']} epochs{going_on}")
            for name, value in now["settings"].items():
                reason = now["reasons"].get(name, "")
                console.note(f"  {name} = {value}{'  # ' if reason else ''}{reason}")
        elif kind == "step":
            report(now["step"], total)
        elif kind == "epoch":
            metrics = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in now["metrics"].items())
            console.note(
                f"epoch {now['epoch']}: training loss {now['train_loss']:.4f}{'; ' if metrics else ''}{metrics}"
            )
        elif kind == "stage" and now["name"] in ("label errors", "learning") and not now.get("done"):
            console.note(
                {"label errors": "looking for wrong labels", "learning": "measuring what has moved"}[now["name"]]
            )

    return tell


def _told(result: FineTuning) -> list[str]:
    """The result for people."""
    lines = [f"{plain(result.folder)}: {len(result.losses):,} steps in {result.seconds:,.0f} s"]
    for name, evaluation in (("dev", result.dev), ("test", result.test)):
        if evaluation is None:
            continue
        rows = []
        for measure, value in evaluation.metrics.items():
            interval = evaluation.intervals.get(measure)
            rows.append(
                (
                    measure.replace("_", " "),
                    f"{value:.4f}",
                    f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "",
                )
            )
        lines += ["", *table((f"on {name}, {len(evaluation.rows):,} rows", "value", "95 % interval"), rows, right=(1,))]
    if result.data_map is not None:
        regions = result.data_map.regions
        counts = ", ".join(f"{regions.count(one):,} {one}" for one in ("easy", "ambiguous", "hard"))
        lines += ["", f"training texts: {counts}"]
    if result.label_errors is not None:
        lines.append(f"likely label errors: {len(result.label_errors.rows):,}")
    lines += ["", f"gb.load({result.folder!r}), or the model dialog of the app, opens it."]
    return lines


COMMANDS = (
    Command(
        name="finetune",
        summary="train a model on a table of labelled texts",
        about="Fine-tune an encoder on labelled texts, and write an ordinary model folder with what was measured.\n"
        "While it runs, everything is in FOLDER.training. A training that was interrupted goes on from its last\n"
        "checkpoint when the same command is given again, and ends with the same model.",
        examples=(
            "glassbert finetune --data train.csv --dev dev.csv --out my-model",
            "glassbert finetune --data banking --dev banking --test banking --out questions --epochs 3 --seed 1",
            "glassbert finetune --settings training.toml --out my-model",
        ),
        configure=_options,
        run=_run,
        units="shares of 1 with 95 % bootstrap intervals; losses in nats",
        defined=("Fine-tuning",),
    ),
)
