"""Words that decide far beyond their evidence: what a model makes of a word against what the labels say of it.

Both are known for every word: its mean share of the explanations, and its log-odds with a class. A model that counts
what it has seen leans on a word the more, the more it tells. Around that line, most words are close; a word that was
learned as a shortcut is far above it, since in this data its label is whatever it is. Bastings et al. (2022, "Will you
find these shortcuts?", arXiv:2111.07367) plant such words and ask whether an explanation ranks them first; here the
data set as a whole is asked, and the labels say which of the words on top have a reason to be there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.global_words import chosen_method, shares_by_word
from glassbert.analysis.queries import Store
from glassbert.analysis.reason_results import ShortcutWords
from glassbert.errors import OptionError
from glassbert.results import Array
from glassbert.tables.giveaways import giveaways

__all__ = ["shortcuts_of_data"]

#: Evidence counts up to this: beyond odds of 55, more of it is no reason for more weight.
_MOST_EVIDENCE = 4.0
#: Of a p-value times the number of words tried; what the mean share of a word that gives a class away is above.
_SIGNIFICANT, _LEANT_ON = 0.01, 0.95
#: With fewer words there is no line.
_FEWEST_WORDS = 20
#: Texts that are searched for words that give a class away.
_MOST_TEXTS = 20_000


@dataclass(frozen=True, slots=True)
class _Words:
    """Words in texts that were answered with a class."""

    word: Array
    own: Array  # the class
    texts: Array
    mean: Array
    error: Array  # of the mean
    evidence: Array
    evidence_error: Array
    followed: Array
    others: Array


def shortcuts_of_data(
    store: Store, manifest: Manifest, where: str, chosen: Filter, method: str | None, least: int, seed: int
) -> ShortcutWords:
    """See :class:`glassbert.analysis.reason_results.ShortcutWords`."""
    if manifest.kind == "regression":
        raise OptionError("this model predicts a number: shortcuts are words for a class")
    if least < 2:
        raise OptionError(f"least must be 2 or more; got {least}")
    method = chosen_method(manifest, method)
    found = _words(store, manifest, chosen, method, least)
    tried = len(found.word)
    expected, z, p_value = _beyond(found)
    kinds = np.where(p_value < _SIGNIFICANT, "beyond_evidence", "").astype(object)
    if manifest.kind == "classification":
        leant_on = found.mean > (np.quantile(found.mean, _LEANT_ON) if tried else 0)
        suspicious = _suspicious(store, manifest, chosen, seed)
        for place in np.flatnonzero(leant_on & (kinds == "")):
            if (found.word[place], int(found.own[place])) in suspicious:
                kinds[place] = "gives_away"
    listed = np.flatnonzero(kinds != "")
    listed = listed[np.lexsort((found.word[listed].astype(str), -z[listed]))]
    return ShortcutWords(
        where=where,
        method=method,
        tried=tried,
        label_names=manifest.labels,
        words=tuple(map(str, found.word[listed])),
        kinds=tuple(kinds[listed]),
        classes=found.own[listed],
        texts=found.texts[listed],
        mean=found.mean[listed],
        expected=expected[listed],
        evidence=found.evidence[listed],
        z=z[listed],
        p_value=p_value[listed],
        followed=found.followed[listed],
        others=found.others[listed],
    )


def _words(store: Store, manifest: Manifest, chosen: Filter, method: str, least: int) -> _Words:
    """Shares and labels of each word, for each class that is answered in at least so many of its texts."""
    several = manifest.kind == "multi_label"
    labelled = chosen & ("labels IS NOT NULL" if several else "label IS NOT NULL")
    has = "list_contains(labels, own)" if several else "(label = own)"
    classes = ", ".join(f"({number})" for number in range(len(manifest.labels)))
    totals = dict(
        store.rows(
            f"SELECT own, count(*) FILTER (WHERE {has}) FROM predictions, (VALUES {classes}) AS every(own) "
            f"WHERE {labelled.sql} GROUP BY own",
            chosen.parameters,
        )
    )
    rows = int(store.rows(f"SELECT count(*) FROM predictions WHERE {labelled.sql}", chosen.parameters)[0][0])
    found = store.arrays(
        f"""
        WITH shares AS ({shares_by_word(labelled)}),
             counted AS (
                SELECT word, own, count(*) FILTER (WHERE {has}) AS with_label, count(*) AS with_word,
                       count(*) FILTER (WHERE target = own) AS texts,
                       count(*) FILTER (WHERE target = own AND NOT {has}) AS followed,
                       coalesce(avg(share) FILTER (WHERE target = own), 0) AS mean,
                       coalesce(var_samp(share) FILTER (WHERE target = own), 0) AS variance
                FROM shares JOIN predictions USING (id), (VALUES {classes}) AS every(own)
                GROUP BY word, own)
        SELECT * FROM counted WHERE texts >= ? ORDER BY own, word
        """,
        [method, *chosen.parameters, least],
    )
    own = found["own"].astype(np.int64)
    a, texts = found["with_label"].astype(float), found["texts"]
    b = found["with_word"] - a
    of_class = np.array([totals.get(one, 0) for one in range(len(manifest.labels))])[own] if len(own) else a
    without, without_others = of_class - a, rows - of_class - b
    odds = np.log((a + 0.5) / (b + 0.5)) - np.log((without + 0.5) / (without_others + 0.5))
    error = sum(1 / (count + 0.5) for count in (a, b, without, without_others))
    return _Words(
        word=found["word"],
        own=own,
        texts=texts,
        mean=found["mean"],
        error=np.sqrt(found["variance"] / np.maximum(texts, 1)),
        evidence=odds,
        evidence_error=np.sqrt(error),
        followed=found["followed"],
        others=b.astype(np.int64),
    )


def _beyond(found: _Words) -> tuple[Array, Array, Array]:
    """(word,) expected shares, distances above them, and corrected p-values."""
    from scipy.stats import norm
    from sklearn.linear_model import HuberRegressor

    count = len(found.word)
    if count < _FEWEST_WORDS:
        return np.zeros(count), np.zeros(count), np.ones(count)
    evidence = np.clip(found.evidence, -_MOST_EVIDENCE, _MOST_EVIDENCE)[:, None]
    line = HuberRegressor(alpha=0.0, max_iter=1000).fit(
        evidence, found.mean, sample_weight=1 / (found.error**2 + 0.02**2)
    )
    expected: Array = line.predict(evidence)
    above = found.mean - expected
    # the spread of the words around the line, of a normal distribution with as many within 1.96 of it: few words have
    # a weight at all, so that the middle half of them alone would make it far too small
    spread = np.quantile(np.abs(above - np.median(above)), 0.95) / 1.96
    error = np.sqrt(spread**2 + found.error**2 + (line.coef_[0] * found.evidence_error) ** 2)
    z: Array = above / np.maximum(error, 1e-12)
    return expected, z, np.minimum(1, norm.sf(z) * count)


def _suspicious(store: Store, manifest: Manifest, chosen: Filter, seed: int) -> set[tuple[str, int]]:
    """(word, class) that the other words of their texts do not back, among at most 20,000 labelled texts."""
    labelled = chosen & "label IS NOT NULL AND text IS NOT NULL"
    found = store.arrays(
        f"SELECT concat_ws(' ', text, pair) AS text, label FROM predictions WHERE {labelled.sql} "
        f"ORDER BY hash(id + ?), id LIMIT {_MOST_TEXTS}",
        [*chosen.parameters, seed],
    )
    if not len(found["label"]):
        return set()
    words = giveaways([str(one) for one in found["text"]], found["label"].tolist(), len(manifest.labels))
    return {(one.word, one.label) for one in words if one.suspicious}
