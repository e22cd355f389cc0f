"""Texts as points of a plane: what is near was read as alike."""

from __future__ import annotations

import numpy as np

from glassbert.analysis.filters import Filter
from glassbert.analysis.folder import Manifest
from glassbert.analysis.queries import Store
from glassbert.analysis.row_results import StateMap
from glassbert.errors import OptionError

__all__ = ["map_of_data"]

_MOST = 20_000


def map_of_data(store: Store, manifest: Manifest, where: str, chosen: Filter, most: int, seed: int) -> StateMap:
    """See :class:`glassbert.analysis.row_results.StateMap`."""
    if not 1 <= most <= _MOST:
        raise OptionError(f"most must be 1 to {_MOST:,}; got {most}")
    read = chosen & "text IS NOT NULL"
    rows = store.arrays(
        "SELECT id, coalesce(label, -1) AS label, coalesce(answer, -1) AS answer, "
        f"""coalesce("right"::INTEGER, -1) AS is_right FROM predictions WHERE {read.sql} ORDER BY id""",
        read.parameters,
    )
    total = len(rows["id"])
    drawn = np.sort(np.random.default_rng(seed).permutation(total)[:most])
    ids, states = store.states(Filter("true", ()), wanted=rows["id"][drawn])
    place = np.searchsorted(rows["id"], ids)
    points, explained = np.zeros((len(ids), 2)), np.zeros(2)
    kept = min(2, states.shape[1], max(0, len(ids) - 1))
    if kept:
        from sklearn.decomposition import PCA

        pca = PCA(kept, random_state=seed, svd_solver="covariance_eigh")
        points[:, :kept] = pca.fit_transform(states.astype(np.float32))
        explained[:kept] = np.nan_to_num(pca.explained_variance_ratio_)
    return StateMap(
        where=where,
        total=total,
        class_names=manifest.labels if manifest.kind != "regression" else (),
        ids=ids,
        x=points[:, 0],
        y=points[:, 1],
        labels=rows["label"][place],
        answers=rows["answer"][place],
        right=rows["is_right"][place],
        explained=explained,
    )
