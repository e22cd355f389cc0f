"""How well do each method's top words match the words that people changed to reverse a review's label?

Counterfactually augmented reviews (Kaushik et al. 2020, arXiv:1909.12434): people rewrote a review with as few changes
as possible so that its label is the opposite. The words they changed are what carries the label for a reader. A method
is scored by how high it ranks these words, on reviews that the model classifies correctly before and after the rewrite:
there, the model follows the same words, or at least others that vanished with them.

- **match**: of the k top words, the share that people changed, where k is how many they changed (R-precision). Chance
  is the share of changed words in the text.
- **first**: how often the single top word is one of them. Chance is the same share.
- **AUC**: how often a changed word ranks above one that was kept; chance is 0.5.

Words are separated by white space, as in the file; a word's score is the sum of its tokens' scores. The intervals are
95 % bootstrap intervals over reviews. A second table takes the reviews whose baseline hardly differs from the text, so
that methods with this baseline explain almost no difference. Interrupted, it prints the tables of the reviews so far.

    python benchmarks/human_edits.py cad_sentiment.jsonl.gz [--pairs 200] [--max-tokens 256] [--methods saliency lime]

The file has one JSON object per line, or is its gzip: ``original``, ``revised`` (texts), ``original_label``,
``revised_label`` ("positive", "negative") and ``edits``, a list of [from, to, from, to]: changed words of both. Without
a file, three pairs in the script show that it runs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from _timing import add_smoke, machine, table

import glassbert as gb
from glassbert.evaluation._ground_truth import by_blank
from glassbert.network import device

#: Name in the table → method, options. The sampling methods take hundreds of passes: name them with ``--methods``.
CONTENDERS: dict[str, tuple[str, dict[str, object]]] = {
    **{
        name: (name, {})
        for name in (
            *("saliency", "input_x_gradient", "attention_relevance", "attn_lrp", "decompx", "rollout", "value_norms"),
            *("occlusion", "leave_one_out"),
        )
    },
    **{
        f"integrated_gradients, {baseline}": ("integrated_gradients", {"baseline": baseline, "tolerance": 0.05})
        for baseline in ("pad", "mask", "zero")
    },
}
RANDOM = "random numbers"
RESAMPLES = 2000

SAMPLE = (
    {
        "original": "A dull and lifeless film with a terrible script.",
        "revised": "A warm and lively film with a superb script.",
        "original_label": "negative",
        "revised_label": "positive",
        "edits": [[1, 2, 1, 2], [3, 4, 3, 4], [7, 8, 7, 8]],
    },
    {
        "original": "The acting is superb and I loved every minute of it.",
        "revised": "The acting is awful and I hated every minute of it.",
        "original_label": "positive",
        "revised_label": "negative",
        "edits": [[3, 4, 3, 4], [6, 7, 6, 7]],
    },
    {
        "original": "This is one of the best movies of the year, funny and moving.",
        "revised": "This is one of the worst movies of the year, boring and silly.",
        "original_label": "positive",
        "revised_label": "negative",
        "edits": [[5, 6, 5, 6], [10, 11, 10, 11], [12, 13, 12, 13]],
    },
)


@dataclass(slots=True)
class Figures:
    """One method's figures, a number per review."""

    match: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    auc: list[float] = field(default_factory=list)
    passes: list[int] = field(default_factory=list)


def pairs_of(path: Path | None) -> list[dict[str, object]]:
    if path is None:
        return [dict(pair) for pair in SAMPLE]
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
    return [json.loads(line) for line in lines]


def usable(
    model: gb.Model, pairs: Sequence[dict[str, object]], max_tokens: int
) -> Iterator[tuple[gb.Encoded, np.ndarray]]:
    """Each review that the model classifies correctly, both before and after the rewrite, and its changed words."""
    for pair in pairs:
        words = str(pair["original"]).split()
        changed = np.zeros(len(words), dtype=bool)
        for start, stop, _, _ in pair["edits"]:
            changed[start:stop] = True
        if not 0 < changed.sum() < len(words):
            continue  # nothing but insertions, or everything new
        if len(words) > max_tokens:
            continue  # a word has at least one token
        try:
            encoded = gb.encode(model, str(pair["original"]))
            if len(encoded) > max_tokens:
                continue
            answers = [gb.classify(model, str(pair[name])) for name in ("original", "revised")]
        except gb.TextTooLongError:
            continue
        said = [answer.labels[int(answer.logits.argmax())].casefold() for answer in answers]
        if said == [pair["original_label"], pair["revised_label"]]:
            yield encoded, changed


def auc(values: np.ndarray, changed: np.ndarray) -> float:
    """The share of pairs (changed, kept) in which the changed word has the higher value; ties count half."""
    gap = np.subtract.outer(values[changed], values[~changed])
    return float(((gap > 0) + (gap == 0) / 2).mean())


def add(figures: Figures, values: np.ndarray, changed: np.ndarray, passes: int) -> None:
    order = np.argsort(-values, kind="stable")
    figures.match.append(float(changed[order[: changed.sum()]].mean()))
    figures.first.append(float(changed[order[0]]))
    figures.auc.append(auc(values, changed))
    figures.passes.append(passes)


def interval(numbers: Sequence[float], draws: np.ndarray, digits: int = 2) -> str:
    """``0.42 (0.39–0.45)``: the mean and its 95 % bootstrap interval."""
    values = np.asarray(numbers)
    low, high = np.percentile(values[draws].mean(axis=1), (2.5, 97.5))
    return f"{values.mean():.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def show(title: str, figures: dict[str, Figures], chance: Sequence[float], chosen: Sequence[int]) -> None:
    print(f"\n{title}: {len(chosen)} reviews")
    if not chosen:
        return
    draws = np.random.default_rng(0).integers(0, len(chosen), (RESAMPLES, len(chosen)))
    rows = []
    for name, own in sorted(figures.items(), key=lambda item: -float(np.mean([item[1].match[i] for i in chosen]))):
        match, first, area = ([column[index] for index in chosen] for column in (own.match, own.first, own.auc))
        cost = str(int(median(own.passes))) if name != RANDOM else "0"
        rows.append((name, interval(match, draws), interval(first, draws), interval(area, draws), cost))
    share = float(np.mean([chance[index] for index in chosen]))
    rows.append(("chance", f"{share:.2f}", f"{share:.2f}", "0.50", ""))
    print(table(("", "match", "first", "AUC", "passes, median"), rows))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, nargs="?", help="pairs of reviews, one JSON object per line, may be gzipped")
    parser.add_argument("--pairs", type=int, default=200, help="at most this many, drawn at random")
    parser.add_argument("--max-tokens", type=int, default=256, help="longer reviews are left out")
    parser.add_argument("--methods", nargs="*", help="these instead: names of the table, or ids of methods")
    parser.add_argument("--small", type=float, default=0.25, help="share below which the baseline hardly differs")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    device.limit_threads(1)
    model = gb.load("sentiment", "cpu")
    contenders = {name: CONTENDERS.get(name, (name, {})) for name in arguments.methods or CONTENDERS}
    path = None if arguments.smoke else arguments.path
    pairs = pairs_of(path)
    if path is None:
        print("no file was given: three pairs from the script, too few for figures")
    order = np.random.default_rng(0).permutation(len(pairs))
    figures = {name: Figures() for name in (*contenders, RANDOM)}
    chance: list[float] = []
    shares: list[float] = []
    random = np.random.default_rng(1)
    reviews = usable(model, [pairs[index] for index in order], arguments.max_tokens)
    try:
        for encoded, changed in islice(reviews, arguments.pairs):
            gap = gb.baseline_gap(model, encoded)
            found = []
            for method, options in contenders.values():
                scores = gb.attribute(model, encoded, method=method, target=gap.target, **options)
                found.append((by_blank(encoded, scores.scores), scores.forward_passes))
            found.append((random.random(len(changed)), 0))
            for own, (values, passes) in zip(figures.values(), found, strict=True):
                add(own, values, changed, passes)
            chance.append(float(changed.mean()))
            shares.append(gap.share)
            print(f"{len(chance)} reviews", end="\r", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("interrupted: the reviews so far")
    print(f"human edits, sentiment, 1 thread, {machine()}")
    everything = list(range(len(chance)))
    small = [index for index in everything if shares[index] < arguments.small]
    show("All reviews", figures, chance, everything)
    show(f"The change from [PAD] is below {arguments.small:.0%} of F", figures, chance, small)


if __name__ == "__main__":
    main()
