"""Which words the answers hang on over a whole data set: the mean share of each word, with an interval over texts."""

from __future__ import annotations

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.intervals import PERCENT, Z
from glassbert.analysis.queries import Store
from glassbert.analysis.reason_results import GlobalWords
from glassbert.errors import OptionError
from glassbert.results import Array

__all__ = ["chosen_method", "class_names", "shares_by_word", "words_of_data"]

#: A word of more texts has its interval from the normal limit of the bootstrap; resamples of the others.
_FEW_TEXTS, _RESAMPLES = 500, 500


def chosen_method(manifest: Manifest, method: str | None) -> str:
    """The method, or the first one. Raises OptionError."""
    if not manifest.methods:
        raise OptionError("the answers were not explained: analyse the table with methods=(…)")
    if method is None:
        return manifest.methods[0]
    if method not in manifest.methods:
        raise OptionError(f"method must be one of {', '.join(manifest.methods)}; got {method!r}")
    return method


def class_names(manifest: Manifest) -> tuple[str, ...]:
    """What an explanation may be of; a regression explains its number."""
    return ("score",) if manifest.kind == "regression" else manifest.labels


def shares_by_word(chosen: Filter) -> str:
    """SQL of the share of each word in each text, in lower case: all tokens of all its occurrences, summed.

    Parameters: the method, then those of the filter.
    """
    return f"""
        SELECT id, target, lower(word) AS word, sum(share)::DOUBLE AS share FROM attributions
        WHERE method = ? AND word_index >= 0 AND share IS NOT NULL AND id IN ({chosen.ids})
        GROUP BY ALL
    """


def words_of_data(
    store: Store, manifest: Manifest, where: str, chosen: Filter, method: str | None, least: int, top: int, seed: int
) -> GlobalWords:
    """See :class:`glassbert.analysis.reason_results.GlobalWords`."""
    if least < 2 or top < 1:
        raise OptionError(f"least must be 2 or more, and top 1 or more; got {least} and {top}")
    method = chosen_method(manifest, method)
    parameters = (method, *chosen.parameters)
    found = store.arrays(
        f"""
        SELECT target, word, count(*) AS texts, avg(share) AS mean, var_samp(share) AS variance
        FROM ({shares_by_word(chosen)}) GROUP BY ALL HAVING count(*) >= ? ORDER BY target, word
        """,
        [*parameters, least],
    )
    target, mean, texts = found["target"].astype(np.int64), found["mean"], found["texts"]
    half = Z * np.sqrt(found["variance"] / texts)
    certain = np.abs(mean) - half
    order = np.lexsort((found["word"].astype(str), -certain, target))
    rank = np.arange(len(order)) - np.searchsorted(target[order], target[order])  # within its class
    kept = order[rank < top]
    totals = dict(
        store.rows(
            "SELECT target, count(DISTINCT id) FROM attributions "
            f"WHERE method = ? AND id IN ({chosen.ids}) GROUP BY target",
            parameters,
        )
    )
    low, high = mean[kept] - half[kept], mean[kept] + half[kept]
    _bootstrap(store, chosen, parameters, found, kept, low, high, np.random.default_rng(seed))
    names = class_names(manifest)
    return GlobalWords(
        where=where,
        method=method,
        least=least,
        tried=len(target),
        class_names=names,
        class_texts=np.array([totals.get(one, 0) for one in range(len(names))]),
        words=tuple(map(str, found["word"][kept])),
        classes=target[kept],
        mean=mean[kept],
        low=low,
        high=high,
        texts=texts[kept],
    )


def _bootstrap(
    store: Store,
    chosen: Filter,
    parameters: tuple[object, ...],
    found: dict[str, Array],
    kept: Array,
    low: Array,
    high: Array,
    draw: np.random.Generator,
) -> None:
    """Percentile intervals of the words of few texts, in place of those of the normal limit."""
    number = {(int(found["target"][at]), found["word"][at]): place for place, at in enumerate(kept)
              if found["texts"][at] <= _FEW_TEXTS}  # fmt: skip
    if not number:
        return
    shares = store.arrays(
        f"""
        SELECT target, word, share FROM ({shares_by_word(chosen)})
        WHERE word IN (SELECT unnest(?::VARCHAR[])) ORDER BY target, word, id
        """,
        [*parameters, sorted({word for _, word in number})],
    )
    starts = np.flatnonzero(
        np.r_[True, (shares["target"][1:] != shares["target"][:-1]) | (shares["word"][1:] != shares["word"][:-1])]
    )
    for start, stop in zip(starts, [*starts[1:], len(shares["share"])], strict=True):
        place = number.get((int(shares["target"][start]), shares["word"][start]))
        if place is not None:
            own = shares["share"][start:stop]
            means = own[draw.integers(len(own), size=(_RESAMPLES, len(own)))].mean(axis=1)
            low[place], high[place] = np.percentile(means, PERCENT)
