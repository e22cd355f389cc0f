"""What does gb.finetune cost beside a plain Trainer script with the same settings, and what does recording cost?

The same short texts with the same labels, from the same embedded model, by three contenders in turn: `gb.finetune` with
recording (data map, pinned texts, label errors, what has moved), without it, and the script that one would write with
transformers: `AutoModelForSequenceClassification`, `DataCollatorWithPadding`, `Trainer`, as many texts a batch as ours
have on average, texts of similar length together. All train on one thread; processor time of training alone is
compared, and of recording beside it. Then the accuracy of both on texts that were kept, for several seeds.

    python benchmarks/finetuning.py [--rows 1000] [--epochs 3] [--rounds 3] [--seeds 3] [--threads 1]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from _timing import Spread, add_smoke, machine, table
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

import glassbert as gb
from glassbert.models.checkpoint import EMBEDDED_FOLDER

BASE = "pretrained"


class Rows(torch.utils.data.Dataset[Any]):
    """Tokenized texts with labels, as Trainer wants them."""

    def __init__(self, tokenizer: Any, data: gb.Table, most: int) -> None:
        self.rows = [
            {**tokenizer(text, truncation=True, max_length=most), "labels": label}
            for text, label in zip(data.texts, data.labels, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Any:
        return self.rows[place]


def plain(train: gb.Table, held_out: gb.Table, settings: gb.TrainingSettings, batch: int) -> tuple[float, float]:
    """Seconds of the processor in ``Trainer.train``, and accuracy on the texts that were kept."""
    folder = EMBEDDED_FOLDER / BASE
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(settings.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=len(train.label_names), dtype=torch.float32, attn_implementation="eager"
    )
    with tempfile.TemporaryDirectory() as out:
        arguments = TrainingArguments(
            output_dir=out,
            num_train_epochs=settings.epochs,
            per_device_train_batch_size=batch,
            per_device_eval_batch_size=batch,
            learning_rate=settings.learning_rate,
            warmup_steps=round(settings.warm_up * settings.epochs * -(-len(train) // batch)),
            weight_decay=settings.weight_decay,
            optim="adamw_torch_fused",
            train_sampling_strategy="group_by_length",
            bf16=settings.precision == "bfloat16",
            use_cpu=True,
            seed=settings.seed,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        rows = [Rows(tokenizer, data, settings.max_tokens) for data in (train, held_out)]
        trainer = Trainer(model, arguments, train_dataset=rows[0], data_collator=DataCollatorWithPadding(tokenizer))
        started = time.process_time()
        trainer.train()
        took = time.process_time() - started
        found = trainer.predict(rows[1])  # in an order of its own, by length
    return took, float(np.mean(found.predictions.argmax(axis=1) == found.label_ids))


def ours(train: gb.Table, held_out: gb.Table, chosen: dict[str, Any], *, record: bool) -> tuple[float, float, float]:
    """Seconds of the processor in steps, in everything else, and accuracy on the texts that were kept."""
    spent = {"training": 0.0, "recording": 0.0}
    stage, since = "", time.process_time()

    def follow(now: Any) -> None:
        nonlocal stage, since
        if now["kind"] not in ("stage", "pinned", "epoch", "done"):
            return
        here = time.process_time()
        if stage == "training":
            spent["training"] += here - since
        elif stage in ("label errors", "learning") or now["kind"] == "pinned":
            spent["recording"] += here - since
        since = here
        stage = now.get("name", stage)

    with tempfile.TemporaryDirectory() as folder:
        result = gb.finetune(
            BASE, train, None, Path(folder) / "out", test=held_out, record=record, label_errors=record,
            progress=follow, **chosen,
        )  # fmt: skip
    return spent["training"], spent["recording"], result.test.metrics["accuracy"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    add_smoke(parser)
    given = parser.parse_args()
    if given.smoke:
        given.rows, given.epochs, given.rounds, given.seeds = 60, 1, 1, 1
    torch.set_num_threads(given.threads)
    train = gb.read_table("contracts", split="train")
    draw = np.random.default_rng(0)
    of_each = [np.flatnonzero(np.asarray(train.labels) == label) for label in (0, 1)]
    most = min(given.rows // 2, min(map(len, of_each)))
    train = train.take(sorted(int(one) for own in of_each for one in draw.permutation(own)[:most]))
    train, held_out = train.split(0.2, seed=0)
    chosen = {"epochs": given.epochs, "threads": given.threads, "device": "cpu", "patience": 0}
    settings = gb.training_settings(BASE, train, None, **chosen)
    print(f"{len(train)} texts, {given.epochs} epochs, {settings.precision}; {machine()}")

    times: dict[str, list[float]] = {"plain": [], "off": [], "on": [], "beside": []}
    right: dict[str, list[float]] = {"plain": [], "ours": []}
    for seed in range(1, max(given.rounds, given.seeds) + 1):
        own = chosen | {"seed": seed}
        settings = gb.training_settings(BASE, train, None, **own)
        off, _, accuracy = ours(train, held_out, own, record=False)
        on, beside, _ = ours(train, held_out, own, record=True)
        took, other = plain(train, held_out, settings, batch=32)
        for name, value in (("plain", took), ("off", off), ("on", on), ("beside", beside)):
            times[name].append(value)
        right["ours"].append(accuracy)
        right["plain"].append(other)

    def ratio(name: str, unit: str) -> str:
        return Spread.of([own / one for own, one in zip(times[name], times[unit], strict=True)]).text()

    rows = [
        ("Trainer script", f"{mean(times['plain']):.1f} s", "1"),
        ("gb.finetune, recording off", f"{mean(times['off']):.1f} s", ratio("off", "plain")),
        ("gb.finetune, recording on", f"{mean(times['on']):.1f} s", ratio("on", "plain")),
        ("beside the steps, recording on", f"{mean(times['beside']):.1f} s", ratio("beside", "off")),
    ]
    print(table(("steps", "processor", "ratio"), rows))
    print("the last ratio is to the steps with recording off")
    shown = [(name, *(f"{one:.3f}" for one in values), f"{mean(values):.3f}") for name, values in right.items()]
    print(table(("accuracy", *(f"seed {one}" for one in range(1, len(right["ours"]) + 1)), "mean"), shown))


if __name__ == "__main__":
    main()
