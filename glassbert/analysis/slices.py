"""Where a model is weak: parts of a data set, named by filters, in which it errs more than in the rest.

Parts are bands of length, classes, words, and values or bands of the other columns, and pairs of these. Each is tested
against the rest, and the p-values are corrected for all that were tried, as Slice Finder does (Chung et al. 2019,
arXiv:1807.06068): a search over hundreds of parts always finds some that look weak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np

from glassbert.analysis.filters import Filter, in_quotes
from glassbert.analysis.folder import Manifest
from glassbert.analysis.intervals import Z, wilson
from glassbert.analysis.queries import Store
from glassbert.analysis.reason_results import WeakSlices
from glassbert.analysis.slice_parts import FEWEST_ROWS, Part, Searched, Sums, groups_of, places_of, searched
from glassbert.errors import OptionError
from glassbert.results import Array

__all__ = ["slices_of_data"]

#: Parts of which pairs are tried: those with the most errors beyond what is usual. 40 of them make 780 pairs.
_PAIRED = 40


def slices_of_data(
    store: Store, manifest: Manifest, where: str, chosen: Filter, by: str | None, top: int
) -> WeakSlices:
    """See :class:`glassbert.analysis.reason_results.WeakSlices`."""
    groups = groups_of(manifest)
    if by is not None and by not in groups and by in manifest.meta:
        by = in_quotes(by)
    if by is not None and by not in groups:
        raise OptionError(f"by must be None for all, or one of {', '.join(groups)}; got {by!r}")
    if top < 1:
        raise OptionError(f"top must be 1 or more; got {top}")
    number = manifest.kind == "regression"
    rows = searched(store, manifest, chosen, number)
    parts = [part for name, find in groups.items() if by in (None, name) for part in find(rows)]
    parts = [part for part in parts if FEWEST_ROWS <= int(part.sums.count[0]) < len(rows.ids)]
    test: Callable[[Sums, Sums], Array] = _means if number else _shares
    whole = Sums.of(rows.errors)
    own = Sums.stacked([part.sums for part in parts])
    p_values = test(own, whole)
    terms = [part.term for part in parts]
    if by is None and len(parts) > 1:
        common = list(_pairs(rows, parts, own, whole))
        terms += [f"{parts[first].term} {parts[second].term}" for first, second, _ in common]
        sums = Sums.stacked([one for _, _, one in common])
        around = [own.at([one for one, _, _ in common]), own.at([other for _, other, _ in common])]
        # all three must be rejected: an intersection-union test (Berger 1982)
        of_pairs = np.max([test(sums, one) for one in (*around, whole)], axis=0)
        own, p_values = Sums.stacked([own, sums]), np.concatenate([p_values, of_pairs])
    return _listed(where, "mean_loss" if number else "error_rate", whole, terms, own, p_values, top)


def _listed(
    where: str, measure: str, whole: Sums, terms: list[str], own: Sums, p_values: Array, top: int
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


# --- tests ------------------------------------------------------------------------------------------------------------


def _shares(part: Sums, whole: Sums) -> Array:
    """One-sided p-values that a part errs more often than the rest of the whole (Fisher's exact test)."""
    from scipy.stats import hypergeom

    return np.asarray(hypergeom.sf(np.round(part.total) - 1, whole.count, np.round(whole.total), part.count))


def _means(part: Sums, whole: Sums) -> Array:
    """The same for means (Welch's t-test)."""
    from scipy.stats import ttest_ind_from_stats

    rest = whole.without(part)
    enough = (part.count > 1) & (rest.count > 1)
    p_values = np.ones(len(part.count))
    at = np.flatnonzero(enough)

    def of(sums: Sums) -> tuple[Array, Array, Array]:
        count = np.broadcast_to(sums.count, enough.shape)[at]
        total, variance = (np.broadcast_to(one, enough.shape)[at] for one in (sums.total, sums.variance))
        return total / count, np.sqrt(variance), count

    if len(at):
        found = ttest_ind_from_stats(*of(part), *of(rest), equal_var=False, alternative="greater")
        p_values[at] = np.nan_to_num(found.pvalue, nan=1.0)
    return p_values


def _pairs(rows: Searched, parts: list[Part], own: Sums, whole: Sums) -> Iterator[tuple[int, int, Sums]]:
    """What two of the parts with the most errors beyond what is usual have in common."""
    excess = own.total - whole.total / max(1, whole.count[0]) * own.count
    best = [int(place) for place in np.argsort(-excess, kind="stable")[:_PAIRED] if excess[place] > 0]
    has = np.zeros((len(best), len(rows.ids)), dtype=bool)
    for number, places in enumerate(places_of(rows, [parts[place] for place in best])):
        has[number, places] = True
    for one, other in combinations(range(len(best)), 2):
        first, second = parts[best[one]], parts[best[other]]
        if first.group == second.group:
            continue
        common = np.flatnonzero(has[one] & has[other])
        if len(common) >= FEWEST_ROWS and len(common) not in (int(first.sums.count[0]), int(second.sums.count[0])):
            yield best[one], best[other], Sums.of(rows.errors[common])
