"""Where a model is weak: parts of a data set, named by filters, in which it errs more than in the rest.

Parts are bands of length, classes, words, and values or bands of the other columns, and pairs of these. Each is tested
against the rest, and the p-values are corrected for all that were tried, as Slice Finder does (Chung et al. 2019,
arXiv:1807.06068): a search over hundreds of parts always finds some that look weak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from glassbert.analysis.filters import Filter, in_quotes, term
from glassbert.analysis.folder import Manifest
from glassbert.analysis.intervals import Z, wilson
from glassbert.analysis.queries import Store
from glassbert.analysis.reason_results import WeakSlices
from glassbert.errors import OptionError
from glassbert.results import Array

__all__ = ["FEWEST_ROWS", "slices_of_data"]

FEWEST_ROWS = 20
#: Parts of which pairs are tried: those with the most errors beyond what is usual. 40 of them make 780 pairs.
_PAIRED = 40
_BANDS = 5
#: Values of a column, and columns of numbers: from this share of numbers and so many different ones on.
_MOST_VALUES, _NUMBERS, _DIFFERENT = 100, 0.9, 12
#: A word of more of the rows than this is in all of them, more or less.
_EVERYWHERE = 0.9
_WORD = r"[\p{L}\p{N}_]+"


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows, by their places, and the filter that names them. Parts of one group are no pair."""

    group: str
    term: str
    rows: Array


@dataclass(frozen=True, slots=True)
class _Searched:
    """The rows in which weak parts are searched, in the order of their ids."""

    store: Store
    manifest: Manifest
    scored: Filter
    ids: Array
    tokens: Array
    errors: Array  # 1 for a wrong answer; of a regression, the absolute error


def slices_of_data(
    store: Store, manifest: Manifest, where: str, chosen: Filter, by: str | None, top: int
) -> WeakSlices:
    """See :class:`glassbert.analysis.reason_results.WeakSlices`."""
    groups: dict[str, Callable[[_Searched], Iterator[_Part]]] = {
        "length": lambda rows: _bands("length", "tokens", rows.tokens),
        "label": partial(_classes, field="label"),
        "answer": partial(_classes, field="answer"),
        "word": _words,
        **{in_quotes(name): partial(_values, name=name) for name in manifest.meta},
    }
    if by is not None and by not in groups and by in manifest.meta:
        by = in_quotes(by)
    if by is not None and by not in groups:
        raise OptionError(f"by must be None for all, or one of {', '.join(groups)}; got {by!r}")
    if top < 1:
        raise OptionError(f"top must be 1 or more; got {top}")
    number = manifest.kind == "regression"
    rows = _searched(store, manifest, chosen, number)
    parts = [part for name, find in groups.items() if by in (None, name) for part in find(rows)]
    parts = [part for part in parts if FEWEST_ROWS <= len(part.rows) < len(rows.ids)]
    test: Callable[[_Sums, _Sums], Array] = _means if number else _shares
    whole = _Sums.of(rows.errors)
    own = _Sums.stacked([_Sums.of(rows.errors[part.rows]) for part in parts])
    p_values = test(own, whole)
    terms = [part.term for part in parts]
    if by is None and len(parts) > 1:
        common = list(_pairs(parts, own, rows.errors, whole))
        terms += [f"{parts[first].term} {parts[second].term}" for first, second, _ in common]
        sums = _Sums.stacked([one for _, _, one in common])
        around = [own.at([one for one, _, _ in common]), own.at([other for _, other, _ in common])]
        # all three must be rejected: an intersection-union test (Berger 1982)
        of_pairs = np.max([test(sums, one) for one in (*around, whole)], axis=0)
        own, p_values = _Sums.stacked([own, sums]), np.concatenate([p_values, of_pairs])
    return _listed(where, "mean_loss" if number else "error_rate", whole, terms, own, p_values, top)


def _searched(store: Store, manifest: Manifest, chosen: Filter, number: bool) -> _Searched:
    scored = chosen & ("loss IS NOT NULL" if number else '"right" IS NOT NULL')
    error = "loss::DOUBLE" if number else '(NOT "right")::INTEGER::DOUBLE'
    found = store.arrays(
        f"SELECT id, {error} AS error, coalesce(tokens, 0) AS tokens FROM predictions WHERE {scored.sql} ORDER BY id",
        scored.parameters,
    )
    return _Searched(store, manifest, scored, found["id"], found["tokens"], found["error"])


def _listed(
    where: str, measure: str, whole: _Sums, terms: list[str], own: _Sums, p_values: Array, top: int
) -> WeakSlices:
    from scipy.stats import false_discovery_control

    rate = own.total / np.maximum(own.count, 1)
    overall = float(whole.total[0] / max(1, whole.count[0]))
    if measure == "error_rate":
        low, high = wilson(own.total, own.count)
    else:
        half = Z * np.sqrt(own.variance / np.maximum(own.count, 1))
        low, high = np.maximum(0, rate - half), rate + half
    corrected = false_discovery_control(p_values, method="bh") if len(p_values) else p_values
    excess = own.total - overall * own.count
    order = np.lexsort((-excess, p_values))[:top]
    return WeakSlices(
        where=where,
        measure=measure,
        overall=overall,
        rows=int(whole.count[0]),
        tried=len(terms),
        terms=tuple(terms[place] for place in order),
        count=own.count[order],
        value=rate[order],
        low=low[order],
        high=high[order],
        p_value=p_values[order],
        corrected=corrected[order],
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _bands(group: str, field: str, values: Array) -> Iterator[_Part]:
    """Five bands of about as many rows each, of the rows that have a number."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _BANDS + 1)[1:-1], method="closest_observation"))
    band = np.searchsorted(edges, values[known], side="right")
    for number in range(len(edges) + 1):
        low = f"{field}>={edges[number - 1]:.12g}" if number else ""
        high = f"{field}<{edges[number]:.12g}" if number < len(edges) else ""
        if low or high:
            yield _Part(group, f"{low} {high}".strip(), known[band == number])


def _classes(rows: _Searched, *, field: str) -> Iterator[_Part]:
    manifest, scored = rows.manifest, rows.scored
    if manifest.kind == "regression":
        return
    column = f"unnest({field}s)" if manifest.kind == "multi_label" else field
    found = rows.store.arrays(
        f"SELECT id, {column} AS own FROM predictions WHERE {scored.sql} ORDER BY id", scored.parameters
    )
    own, places = np.ma.filled(found["own"], -1), np.searchsorted(rows.ids, found["id"])
    for number, name in enumerate(manifest.labels):
        # of one group: a label and another answer are an error by definition
        yield _Part("class", term(field, name), places[own == number])


def _words(rows: _Searched) -> Iterator[_Part]:
    """The words of at least 20 rows, as the term ``word:`` finds them."""
    text = "text" if rows.manifest.table["pair"] is None else "concat_ws(' ', text, pair)"
    found = rows.store.arrow(
        f"""
        WITH spoken AS (
                SELECT id, unnest(list_distinct(regexp_extract_all(lower({text}), '{_WORD}'))) AS word
                FROM predictions WHERE {rows.scored.sql})
        SELECT word, list(id) AS ids FROM spoken GROUP BY word
        HAVING count(*) BETWEEN {FEWEST_ROWS} AND ? ORDER BY word
        """,
        [*rows.scored.parameters, int(_EVERYWHERE * len(rows.ids))],
    )
    ids = found["ids"].combine_chunks()
    places = np.searchsorted(rows.ids, np.asarray(ids.flatten()))
    ends = np.cumsum(np.asarray(ids.value_lengths()))
    for word, own in zip(found["word"].to_pylist(), np.split(places, ends)[: len(found)], strict=True):
        yield _Part(f"word {word}", term("word", word), own)


def _values(rows: _Searched, *, name: str) -> Iterator[_Part]:
    """The values of a column of the source that at least 20 rows have; bands of one of numbers."""
    store, scored = rows.store, rows.scored
    column = f"meta_{rows.manifest.meta.index(name)}"
    [(numbers, known, different)] = store.rows(
        f"SELECT count(TRY_CAST({column} AS DOUBLE)), count({column}), count(DISTINCT {column}) "
        f"FROM predictions WHERE {scored.sql}",
        scored.parameters,
    )
    if known and numbers >= _NUMBERS * known and different > _DIFFERENT:
        found = store.arrays(
            f"SELECT coalesce(TRY_CAST({column} AS DOUBLE), 'nan'::DOUBLE) AS value FROM predictions "
            f"WHERE {scored.sql} ORDER BY id",
            scored.parameters,
        )
        yield from _bands(name, in_quotes(name), found["value"])
        return
    values = store.rows(
        f"SELECT {column}, list(id ORDER BY id) FROM predictions WHERE {(scored & f'{column} IS NOT NULL').sql} "
        f"GROUP BY {column} HAVING count(*) >= {FEWEST_ROWS} ORDER BY count(*) DESC, {column} LIMIT {_MOST_VALUES}",
        scored.parameters,
    )
    for value, own in values:
        yield _Part(name, term(name, value, column=True), np.searchsorted(rows.ids, np.asarray(own)))


# --- tests ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sums:
    """Of several parts: rows, errors summed, and their squares; all that the tests need."""

    count: Array
    total: Array
    squares: Array

    @classmethod
    def of(cls, errors: Array) -> _Sums:
        return cls(np.array([len(errors)]), np.array([errors.sum()]), np.array([(errors**2).sum()]))

    @classmethod
    def stacked(cls, several: list[_Sums]) -> _Sums:
        empty: list[Array] = [np.zeros(0)]
        return cls(
            np.concatenate(empty + [one.count for one in several]).astype(np.int64),
            np.concatenate(empty + [one.total for one in several]),
            np.concatenate(empty + [one.squares for one in several]),
        )

    def at(self, places: list[int]) -> _Sums:
        """Those of some of the parts."""
        return _Sums(self.count[places], self.total[places], self.squares[places])

    @property
    def variance(self) -> Array:
        mean = self.total / np.maximum(self.count, 1)
        squared = np.maximum(self.squares / np.maximum(self.count, 1) - mean**2, 0)
        unbiased: Array = squared * self.count / np.maximum(self.count - 1, 1)
        return unbiased

    def without(self, part: _Sums) -> _Sums:
        return _Sums(self.count - part.count, self.total - part.total, self.squares - part.squares)


def _shares(part: _Sums, whole: _Sums) -> Array:
    """One-sided p-values that a part errs more often than the rest of the whole (Fisher's exact test)."""
    from scipy.stats import hypergeom

    return np.asarray(hypergeom.sf(np.round(part.total) - 1, whole.count, np.round(whole.total), part.count))


def _means(part: _Sums, whole: _Sums) -> Array:
    """The same for means (Welch's t-test)."""
    from scipy.stats import ttest_ind_from_stats

    rest = whole.without(part)
    enough = (part.count > 1) & (rest.count > 1)
    p_values = np.ones(len(part.count))
    at = np.flatnonzero(enough)

    def of(sums: _Sums) -> tuple[Array, Array, Array]:
        count = np.broadcast_to(sums.count, enough.shape)[at]
        total, variance = (np.broadcast_to(one, enough.shape)[at] for one in (sums.total, sums.variance))
        return total / count, np.sqrt(variance), count

    if len(at):
        found = ttest_ind_from_stats(*of(part), *of(rest), equal_var=False, alternative="greater")
        p_values[at] = np.nan_to_num(found.pvalue, nan=1.0)
    return p_values


def _pairs(parts: list[_Part], own: _Sums, errors: Array, whole: _Sums) -> Iterator[tuple[int, int, _Sums]]:
    """What two of the parts with the most errors beyond what is usual have in common."""
    excess = own.total - whole.total / max(1, whole.count[0]) * own.count
    best = [int(place) for place in np.argsort(-excess, kind="stable")[:_PAIRED] if excess[place] > 0]
    has = np.zeros((len(best), len(errors)), dtype=bool)
    for number, place in enumerate(best):
        has[number, parts[place].rows] = True
    for one, other in combinations(range(len(best)), 2):
        first, second = parts[best[one]], parts[best[other]]
        if first.group == second.group:
            continue
        rows = np.flatnonzero(has[one] & has[other])
        if len(rows) >= FEWEST_ROWS and len(rows) not in (len(first.rows), len(second.rows)):
            yield best[one], best[other], _Sums.of(errors[rows])
