"""Result folders without a model: texts of made-up words, a linear "model" over them, and weaknesses of known place.

A text's words have weights for each class; the model adds up what it believes they are, and its explanation is exactly
that. ``Planted`` says which rows carry what was planted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from glassbert.analysis.folder import MANIFEST, PART_ROWS, Manifest, part_file, schemas

WIDTH, WORDS = 32, 400
SHORTCUT, WEAK_WORD, WEAK_COUNTRY = "zeltrix", "refund", "FR"
COUNTRIES = ("DE", "FR", "IT", "Côte d'Ivoire")
META = ("country", "age")


@dataclass(frozen=True)
class Planted:
    """Ids of rows: whose label was flipped, that copy another row, that have the shortcut."""

    flipped: set[int] = field(default_factory=set)
    copies: dict[int, int] = field(default_factory=dict)
    shortcut: set[int] = field(default_factory=set)


def write_folder(
    folder: Path,
    rows: int = 2000,
    *,
    labels: Sequence[str] = ("NEGATIVE", "POSITIVE"),
    kind: str = "classification",
    meta: Sequence[str] = META,
    methods: Sequence[str] = ("input_x_gradient",),
    seed: int = 0,
    model_seed: int = 0,
    length: tuple[int, int] = (4, 14),
    weak: float = 0.45,
    noise: float = 0.5,
    flipped: float = 0.0,
    copies: float = 0.0,
    shortcut: float = 0.0,
    shortcut_weight: float = 9.0,
    receipts: float = 0.1,
    states: bool = True,
    bad_rows: Sequence[int] = (),
    complete: bool = True,
) -> Planted:
    """Write such a folder. ``weak``: the share of answers that are made wrong where the country is WEAK_COUNTRY and the
    text has WEAK_WORD. The same ``seed`` gives the same texts and labels, whatever ``model_seed`` makes of them."""
    draw = np.random.default_rng(seed)
    count = 1 if kind == "regression" else len(labels)
    names = np.array([SHORTCUT, WEAK_WORD, *(f"w{number}" for number in range(WORDS))], dtype=object)
    truth = draw.normal(0, 1, (len(names), count)) * (draw.random((len(names), 1)) < 0.4)
    truth[:2] = 0
    popularity = 1 / np.arange(3, len(names) + 1)
    popularity /= popularity.sum()
    lengths = draw.integers(*length, size=rows)
    chosen = [draw.choice(np.arange(2, len(names)), size=one, p=popularity) for one in lengths]
    has_weak = draw.random(rows) < 0.3
    country = draw.integers(len(COUNTRIES), size=rows)
    age = draw.integers(18, 80, size=rows)
    planted = Planted()
    noises = draw.normal(0, noise, (rows, count))
    copied = set(np.flatnonzero(draw.random(rows) < copies)) - {0}
    with_shortcut = draw.random(rows) < shortcut
    flip = draw.random(rows) < flipped
    wrong = draw.random(rows) < weak
    basis = draw.normal(0, 1, (len(names), WIDTH))

    beliefs = truth + np.random.default_rng(model_seed + 1000).normal(0, 0.1 + 0.3 * model_seed, truth.shape)
    beliefs[0] = 0
    beliefs[0, -1] = shortcut_weight
    expected, given = np.zeros((rows, count)), np.zeros((rows, count))
    for row in range(rows):
        if row in copied:
            original = planted.copies.get(row - 1, row - 1)
            chosen[row] = chosen[original].copy()
            if row % 2:
                chosen[row][0] = 2 + row % WORDS
            planted.copies[row] = int(original)
            continue
        extra = [1] * bool(has_weak[row]) + [0] * bool(with_shortcut[row])
        chosen[row] = np.concatenate([chosen[row], extra]).astype(np.int64)
    planted.shortcut.update(row for row in range(rows) if 0 in chosen[row])
    for row in range(rows):
        expected[row], given[row] = truth[chosen[row]].sum(0), beliefs[chosen[row]].sum(0)
    label = (expected + noises).argmax(1)
    answer = given.argmax(1)
    if kind == "classification":
        for row in np.flatnonzero(wrong & (country == COUNTRIES.index(WEAK_COUNTRY))):
            if 1 in chosen[row]:
                answer[row] = (label[row] + 1) % count
                given[row, answer[row]] = given[row].max() + 1
        for row in np.flatnonzero(flip):
            label[row] = (label[row] + 1) % count
            planted.flipped.add(int(row))
    probabilities = np.exp(given - given.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    several = kind == "multi_label"
    if several:
        probabilities = 1 / (1 + np.exp(-given))

    def predictions(row: int) -> dict[str, Any]:
        one: dict[str, Any] = {"id": row, "row": row + 2}
        if row in bad:
            return one | {"error": "the text is empty", "truncated": False}
        words = [str(names[word]) for word in chosen[row]]
        one |= {"text": " ".join(words), "tokens": len(words) + 2, "truncated": len(words) > 12}
        one |= {f"meta_{place}": value for place, value in enumerate(_meta(row)[: len(meta)])}
        if kind == "regression":
            score, value = float(given[row, 0]), float(expected[row, 0] + noises[row, 0])
            return one | {
                "expected": value,
                "predicted": score,
                "loss": abs(score - value),
                "probabilities": [score],
                "label_text": f"{value:.3f}",
                "logit": score,
            }
        own, sure = int(label[row]), probabilities[row]
        one |= {"answer": int(sure.argmax()), "confidence": float(sure.max()), "probabilities": sure.tolist()}
        if several:
            truths = [place for place in range(count) if expected[row, place] + noises[row, place] > 0]
            answers = [place for place in range(count) if sure[place] > 0.5]
            best = max(truths, key=lambda place: sure[place], default=None)
            chance = np.where(np.isin(np.arange(count), truths), sure, 1 - sure)
            return one | {
                "labels": truths,
                "answers": answers,
                "label": best,
                "right": truths == answers,
                "loss": float(-np.log(chance).mean()),
                "label_text": "|".join(labels[one] for one in truths),
            }
        return one | {
            "label": own,
            "right": own == one["answer"],
            "loss": float(-np.log(max(1e-12, sure[own]))),
            "label_text": labels[own],
            "logit": float(given[row].max()),
        }

    def _meta(row: int) -> list[str]:
        return [COUNTRIES[country[row]], str(age[row]), *(f"m{row % 3}" for _ in meta[2:])]

    def attributions(row: int) -> list[dict[str, Any]]:
        target = 0 if kind == "regression" else int(probabilities[row].argmax())
        scores = beliefs[chosen[row], target] - (beliefs[chosen[row]].mean(1) if count > 1 else 0)
        found = []
        for number, method in enumerate(methods):
            own = scores * (1 if number == 0 else -0.5)
            total = float(np.abs(own).sum()) or 1.0
            common = {"id": row, "method": method, "target": target}
            found.append({**common, "position": 0, "token": "[CLS]", "word_index": -1, "segment": -1, "score": 0.3})
            start = 0
            for place, (word, score) in enumerate(zip(chosen[row], own, strict=True)):
                name = str(names[word])
                found.append(
                    {
                        **common,
                        "position": place + 1,
                        "token": name,
                        "word": name,
                        "word_index": place,
                        "segment": 0,
                        "start": start,
                        "stop": start + len(name),
                        "score": float(score),
                        "share": float(score) / total,
                    }
                )
                start += len(name) + 1
        return found

    bad = set(bad_rows)
    kinds = schemas(len(meta), WIDTH)
    folder.mkdir(parents=True, exist_ok=True)
    checked = np.random.default_rng(seed + 7).random(rows) < receipts
    vectors = np.stack([basis[words].mean(0) for words in chosen]).astype(np.float16)
    for number, first in enumerate(range(0, rows, PART_ROWS)):
        places = range(first, min(rows, first + PART_ROWS))
        good = [row for row in places if row not in bad]
        tables = {
            "attributions": [one for row in good for one in attributions(row)] if methods else [],
            "states": [{"id": row, "state": vectors[row]} for row in good] if states else [],
            "receipts": [one for row in good if checked[row] for one in _receipts(row, methods)],
            "predictions": [predictions(row) for row in places],
        }
        for name, records in tables.items():
            pq.write_table(
                pa.Table.from_pylist(records, schema=kinds[name]), folder / part_file(name, number), compression="zstd"
            )
    manifest = Manifest(
        model={
            "name": f"made-{model_seed}",
            "hash": f"{model_seed:064}",
            "tokenizer": "0" * 64,
            "labels": list(labels[:count]),
            "kind": kind,
            "max_tokens": 128,
            "precision": "float32",
            "ablated_heads": [],
        },
        table={
            "source": "made.csv",
            "fingerprint": f"{seed}-{rows}-{kind}",
            "text": "review",
            "pair": None,
            "label": "stars",
            "meta": list(meta),
        },
        methods=tuple(methods),
        options={method: {"output": "logit"} for method in methods},
        receipts={"share": receipts, "seed": 0, "checks": ["comprehensiveness", "sufficiency"]},
        version="0.1.0",
        versions={"torch": "2", "transformers": "5"},
        state_width=WIDTH,
        complete=complete,
        rows=rows if complete else 0,
    )
    (folder / MANIFEST).write_text(json.dumps(manifest.to_dict()), encoding="utf-8")
    return planted


def _receipts(row: int, methods: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for method in methods:
        for number, check in enumerate(("comprehensiveness", "sufficiency")):
            holds = (row * 7 + number) % 10 < 6
            verdict = "holds" if holds else "fails"
            found.append({"id": row, "method": method, "check": check, "number": 0.1 * number, "verdict": verdict,
                          "beaten_share": 0.9 if holds else 0.2})  # fmt: skip
    return found
