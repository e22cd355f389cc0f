"""Two models on the same rows: what flipped, which is better, and whether the reasons changed.

The two folders are read part by part, and rows are matched by their place in the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.global_words import chosen_method
from glassbert.analysis.intervals import PERCENT, Z
from glassbert.analysis.queries import Store
from glassbert.analysis.row_results import ModelsCompared
from glassbert.errors import ComparisonError
from glassbert.results import Array

__all__ = ["compare_data"]

_RESAMPLES = 2000
#: Words a row must have for its rank correlation to say anything.
_FEWEST_WORDS = 3
#: Ids of a query of word shares.
_AT_ONCE = 5_000

_Side = tuple[Store, Manifest]


def compare_data(
    first: _Side, second: _Side, where: str, chosen: Filter, method: str | None, seed: int
) -> ModelsCompared:
    """See :class:`glassbert.analysis.row_results.ModelsCompared`; ``chosen`` is of the first folder."""
    kinds = {first[1].kind, second[1].kind}
    if len(kinds) > 1:
        raise ComparisonError(f"the models decide different things: one is a {', the other a '.join(sorted(kinds))}")
    if first[1].table["fingerprint"] != second[1].table["fingerprint"]:
        sources = " and ".join(repr(side[1].table["source"]) for side in (first, second))
        raise ComparisonError(f"the two analyses are not of the same table ({sources}): analyse one table with both")
    number = first[1].kind == "regression"
    ids, sides = _matched(first, second, chosen, number)
    draw = np.random.default_rng(seed)
    found = _numbers(sides, draw) if number else _answers(first[1], second[1], ids, sides, draw)
    same = ids if number else ids[~np.isin(ids, found["flipped"])]
    reasons = _reasons(first, second, same, method)
    return ModelsCompared(
        where=where,
        models=(str(first[1].model["name"]), str(second[1].model["name"])),
        rows=len(ids),
        **found,
        **reasons,
    )


def _matched(first: _Side, second: _Side, chosen: Filter, number: bool) -> tuple[Array, list[dict[str, Array]]]:
    """The ids that both predicted, and for each side the columns at these ids."""
    several = first[1].kind == "multi_label"
    answer = "list_sort(answers)" if several else "answer"
    columns = (
        "predicted::DOUBLE AS answer, coalesce(loss, 'nan'::DOUBLE)::DOUBLE AS loss, 0 AS is_right"
        if number
        else f"""{answer} AS answer, coalesce("right"::INTEGER, -1) AS is_right"""
    )
    known = "predicted IS NOT NULL" if number else "answer IS NOT NULL"
    tables = []
    for store, condition in ((first[0], chosen), (second[0], Filter("true", ()))):
        own = condition & known
        tables.append(
            store.arrays(f"SELECT id, {columns} FROM predictions WHERE {own.sql} ORDER BY id", own.parameters)
        )
    ids = np.intersect1d(tables[0]["id"], tables[1]["id"], assume_unique=True)
    places = [np.searchsorted(table["id"], ids) for table in tables]
    return ids, [
        {name: values[place] for name, values in table.items()} for table, place in zip(tables, places, strict=True)
    ]


def _answers(
    first: Manifest, second: Manifest, ids: Array, sides: list[dict[str, Array]], draw: np.random.Generator
) -> dict[str, Any]:
    from scipy.stats import binomtest

    names = [_named(side["answer"], manifest.labels) for side, manifest in zip(sides, (first, second), strict=True)]
    flipped = names[0] != names[1]
    rights = [side["is_right"] for side in sides]
    labelled = (rights[0] >= 0) & (rights[1] >= 0)
    one, other = rights[0][labelled] == 1, rights[1][labelled] == 1
    cells = np.array([(one & other).sum(), (one & ~other).sum(), (~one & other).sum(), (~one & ~other).sum()])
    rows = int(cells.sum())
    measured: dict[str, Any] = dict.fromkeys(("first", "second", "difference", "low", "high", "p_value"))
    if rows:
        drawn = draw.multinomial(rows, cells / rows, size=_RESAMPLES)
        low, high = np.percentile((drawn[:, 2] - drawn[:, 1]) / rows, PERCENT)
        alone = int(cells[1] + cells[2])
        measured = {
            "first": float(one.mean()),
            "second": float(other.mean()),
            "difference": float((cells[2] - cells[1]) / rows),
            "low": float(low),
            "high": float(high),
            "p_value": float(binomtest(int(cells[1]), alone).pvalue) if alone else 1.0,
        }
    right = np.where(rights[0][flipped] == 1, 1, np.where(rights[1][flipped] == 1, 2, 0))
    return {
        "labelled": rows,
        **dict(zip(("both_right", "only_first", "only_second", "neither"), map(int, cells), strict=True)),
        "measure": "accuracy",
        **measured,
        "flipped": ids[flipped],
        "first_answers": tuple(names[0][flipped]),
        "second_answers": tuple(names[1][flipped]),
        "right": right,
    }


def _named(answers: Array, labels: tuple[str, ...]) -> Array:
    """Answers by name: the two models may have their classes in another order."""
    if answers.dtype == object:
        return np.array([", ".join(sorted(labels[int(one)] for one in several)) for several in answers], dtype=object)
    return np.array(labels, dtype=object)[answers.astype(np.int64)]


def _numbers(sides: list[dict[str, Array]], draw: np.random.Generator) -> dict[str, Any]:
    from scipy.stats import ttest_rel

    losses = np.stack([side["loss"] for side in sides])
    losses = losses[:, np.isfinite(losses).all(axis=0)]
    rows = losses.shape[1]
    measured: dict[str, Any] = dict.fromkeys(("first", "second", "difference", "low", "high", "p_value"))
    if rows > 1:
        change = losses[1] - losses[0]
        spread = float(change.std(ddof=1) / np.sqrt(rows))
        means = change.mean() + spread * draw.standard_normal(_RESAMPLES)
        low, high = np.percentile(means, PERCENT)
        measured = {
            "first": float(losses[0].mean()),
            "second": float(losses[1].mean()),
            "difference": float(change.mean()),
            "low": float(low),
            "high": float(high),
            "p_value": float(ttest_rel(losses[1], losses[0]).pvalue) if spread else 1.0,
        }
    nothing: dict[str, Any] = dict.fromkeys(("both_right", "only_first", "only_second", "neither"), 0)
    empty = np.zeros(0, dtype=np.int64)
    return {
        "labelled": rows,
        **nothing,
        "measure": "mean_loss",
        **measured,
        "flipped": empty,
        "first_answers": (),
        "second_answers": (),
        "right": empty,
    }


def _reasons(first: _Side, second: _Side, ids: Array, method: str | None) -> dict[str, Any]:
    """Spearman's correlation of the words' shares, for each of these rows whose words are the same."""
    both = [one for one in first[1].methods if one in second[1].methods]
    if method is None and not both:
        return _no_reasons("")
    method = chosen_method(first[1], method or both[0])
    chosen_method(second[1], method)
    pieces = list(_correlations(first[0], second[0], ids, method))
    at = np.concatenate([one for one, _ in pieces]) if pieces else np.zeros(0, dtype=np.int64)
    if not len(at):
        return _no_reasons(method)
    values = np.concatenate([one for _, one in pieces])
    order = np.argsort(values, kind="stable")
    mean, half = float(values.mean()), float(Z * values.std() / np.sqrt(len(values)))
    return {
        "method": method,
        "ids": at[order],
        "correlations": values[order],
        "mean_correlation": mean,
        "correlation_low": max(-1.0, mean - half),
        "correlation_high": min(1.0, mean + half),
    }


def _no_reasons(method: str) -> dict[str, Any]:
    unknown: dict[str, Any] = dict.fromkeys(("mean_correlation", "correlation_low", "correlation_high"))
    return {"method": method, "ids": np.zeros(0, dtype=np.int64), "correlations": np.zeros(0), **unknown}


def _correlations(first: Store, second: Store, ids: Array, method: str) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(ids), _AT_ONCE):
        own = ids[start : start + _AT_ONCE]
        shares = [_word_shares(store, own, method) for store in (first, second)]
        same = _same_words(*shares)
        rows, ranks = [], []
        for side in shares:
            kept = np.isin(side["id"], same)
            rows.append(side["id"][kept])
            ranks.append(_ranks(rows[-1], side["share"][kept]))
        starts = np.flatnonzero(np.r_[True, rows[0][1:] != rows[0][:-1]]) if len(rows[0]) else np.zeros(0, dtype=int)
        if len(starts):
            yield rows[0][starts], _pearson(ranks[0], ranks[1], starts)


def _word_shares(store: Store, ids: Array, method: str) -> dict[str, Array]:
    return store.arrays(
        """
        SELECT id, word_index, any_value(hash(word)) AS word, sum(share)::DOUBLE AS share FROM attributions
        WHERE method = ? AND word_index >= 0 AND share IS NOT NULL AND id BETWEEN ? AND ?
          AND id IN (SELECT unnest(?::BIGINT[]))
        GROUP BY id, word_index ORDER BY id, word_index
        """,
        [method, int(ids[0]), int(ids[-1]), ids.tolist()],
    )


def _same_words(first: dict[str, Array], second: dict[str, Array]) -> Array:
    """The ids whose words are the same, and of which there are enough with different shares."""

    def told(side: dict[str, Array]) -> dict[int, tuple[int, int]]:
        """Row → how many words, and a number made from them in order."""
        if not len(side["id"]):
            return {}
        starts = np.flatnonzero(np.r_[True, side["id"][1:] != side["id"][:-1]])
        mixed = side["word"].astype(np.uint64) * (2 * side["word_index"].astype(np.uint64) + 1)
        counts = np.diff(np.r_[starts, len(side["id"])])
        sums = np.add.reduceat(mixed, starts)
        varied = np.maximum.reduceat(side["share"], starts) > np.minimum.reduceat(side["share"], starts)
        kept = varied & (counts >= _FEWEST_WORDS)
        return {
            int(row): (int(count), int(total))
            for row, count, total in zip(side["id"][starts][kept], counts[kept], sums[kept], strict=True)
        }

    one, other = told(first), told(second)
    return np.array(sorted(row for row, words in one.items() if other.get(row) == words), dtype=np.int64)


def _ranks(rows: Array, values: Array) -> Array:
    """The rank of each value within its row, ties averaged; rows are in order."""
    order = np.lexsort((values, rows))
    sorted_rows, sorted_values = rows[order], values[order]
    new_row = np.r_[True, sorted_rows[1:] != sorted_rows[:-1]]
    starts = np.flatnonzero(new_row | np.r_[True, sorted_values[1:] != sorted_values[:-1]])
    sizes = np.diff(np.r_[starts, len(values)])
    within = starts - np.maximum.accumulate(np.where(new_row, np.arange(len(values)), 0))[starts]
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(within + (sizes + 1) / 2, sizes)
    return ranks


def _pearson(first: Array, second: Array, starts: Array) -> Array:
    """The correlation of two columns within each run of rows."""
    sizes = np.diff(np.r_[starts, len(first)])

    def centred(values: Array) -> Array:
        centred_values: Array = values - np.repeat(np.add.reduceat(values, starts) / sizes, sizes)
        return centred_values

    one, other = centred(first), centred(second)
    together, squares = np.add.reduceat(one * other, starts), [np.add.reduceat(x * x, starts) for x in (one, other)]
    correlations: Array = np.clip(together / np.sqrt(squares[0] * squares[1]), -1, 1)
    return correlations
