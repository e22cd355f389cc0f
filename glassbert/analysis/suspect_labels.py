"""Labels of a data set that are likely wrong: confident learning on what the model believes, or on its states."""

from __future__ import annotations

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.queries import Store
from glassbert.errors import OptionError
from glassbert.results import Array
from glassbert.tuning.label_errors import likely_errors, out_of_sample
from glassbert.tuning.results import LabelErrors

__all__ = ["label_errors_of_data"]

_WORDS = 3


def label_errors_of_data(
    store: Store, manifest: Manifest, chosen: Filter, evidence: str, most: int, seed: int
) -> LabelErrors:
    """See :meth:`glassbert.Analysis.label_errors`."""
    if manifest.kind != "classification":
        raise OptionError("likely label errors are found where each text has one class")
    if evidence not in ("model", "states"):
        raise OptionError(f"evidence must be model or states; got {evidence!r}")
    if most < 1:
        raise OptionError(f"most must be 1 or more; got {most}")
    labelled = chosen & "label IS NOT NULL AND probabilities IS NOT NULL"
    table = store.arrow(
        f"SELECT id, label, probabilities FROM predictions WHERE {labelled.sql} ORDER BY id", labelled.parameters
    )
    ids, labels = table["id"].to_numpy(), table["label"].to_numpy().astype(np.int64)
    if evidence == "states":
        found_ids, states = store.states(labelled)
        kept = np.isin(ids, found_ids)
        ids, labels = ids[kept], labels[kept]
    used, classes = np.unique(labels, return_inverse=True)
    if len(used) < 2:
        return _found(store, manifest, ids, labels, np.zeros(0, dtype=np.int64), np.zeros((len(ids), 1)), used)
    if evidence == "states":
        probabilities = out_of_sample(states.astype(np.float32), classes, seed=seed)
    else:
        flat = np.asarray(table["probabilities"].combine_chunks().flatten(), dtype=np.float64)
        probabilities = flat.reshape(len(ids), -1)[:, used]
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = likely_errors(classes, probabilities, most)
    return _found(store, manifest, ids, labels, found, probabilities, used)


def _found(
    store: Store, manifest: Manifest, ids: Array, labels: Array, found: Array, probabilities: Array, used: Array
) -> LabelErrors:
    suggested = used[probabilities[found].argmax(axis=1)] if len(found) else found
    return LabelErrors(
        rows=ids[found],
        given=labels[found],
        suggested=suggested,
        quality=probabilities[found, np.searchsorted(used, labels[found])] if len(found) else np.zeros(0),
        words=_reasons(store, manifest, ids[found], suggested),
        label_names=manifest.labels,
        looked_at=len(ids),
    )


def _reasons(store: Store, manifest: Manifest, ids: Array, suggested: Array) -> tuple[tuple[str, ...], ...]:
    """The words that speak most for the suggested label, where it is what the model answers."""
    if not manifest.methods:
        return ((),) * len(ids)
    lines = store.rows(
        f"""
        SELECT id, target, list(word ORDER BY share DESC, word)[1:{_WORDS}] FROM (
            SELECT id, target, lower(word) AS word, sum(share) AS share FROM attributions
            WHERE method = ? AND word_index >= 0 AND id IN (SELECT unnest(?::BIGINT[])) GROUP BY ALL)
        WHERE share > 0 AND regexp_matches(word, '[\\p{{L}}\\p{{N}}]') GROUP BY id, target
        """,
        [manifest.methods[0], ids.tolist()],
    )
    words = {(int(one), int(target)): tuple(told) for one, target, told in lines}
    return tuple(words.get((int(one), int(label)), ()) for one, label in zip(ids, suggested, strict=True))
