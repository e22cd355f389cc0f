"""Likely label errors by confident learning, with the words for which the model disagrees."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch

from glassbert.errors import GlassBERTError
from glassbert.network.batches import batches
from glassbert.network.model import Model
from glassbert.network.run import Batch, Forward, encoder_of, run
from glassbert.results import Array
from glassbert.tables import Table
from glassbert.targets import ClassTarget
from glassbert.tuning.batching import padded_inputs
from glassbert.tuning.examples import Examples, examples_of
from glassbert.tuning.learning import end_if, explained
from glassbert.tuning.results import LabelErrors

__all__ = ["find_label_errors", "likely_errors", "out_of_sample"]

_FOLDS, _COMPONENTS = 5, 128
#: Likely errors that are kept, and those of them that are explained; words of an explanation; tokens of a text.
_MOST, _EXPLAINED, _WORDS, _TOKENS = 200, 20, 3, 64


def find_label_errors(
    before: Model,
    after: Model,
    table: Table,
    *,
    seed: int = 0,
    half_precision: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> LabelErrors:
    """The texts of a classification table whose label is likely wrong; raises StoppedError when cancelled.

    Confident learning (Northcutt et al. 2021, by cleanlab) on the out-of-sample probabilities of
    :func:`out_of_sample`. Half a forward pass of ``before`` for each text, with ``half_precision`` in bfloat16.
    ``progress(texts read, texts)``.
    """
    labels = np.asarray(table.labels, dtype=np.int64)
    examples = examples_of(before, table, min(before.max_tokens, _TOKENS))
    labels = labels[examples.rows]
    used, classes = np.unique(labels, return_inverse=True)
    states = _states(before, examples, half_precision, progress, cancelled)
    probabilities = out_of_sample(states, classes, seed=seed, cancelled=cancelled)
    found = likely_errors(classes, probabilities, _MOST)
    suggested = used[probabilities[found].argmax(axis=1)] if len(found) else np.empty(0, dtype=np.int64)
    rows = examples.rows[found]
    words = []
    for place, (row, label) in enumerate(zip(rows, suggested, strict=True)):
        end_if(cancelled)
        given = int(labels[found[place]])
        words.append(_reasons(after, table, int(row), int(label), given) if place < _EXPLAINED else ())
    return LabelErrors(
        rows=rows,
        given=labels[found],
        suggested=suggested,
        quality=probabilities[found, classes[found]] if len(found) else np.empty(0),
        words=tuple(words),
        label_names=table.label_names,
        looked_at=len(labels),
    )


def likely_errors(classes: Array, probabilities: Array, most: int) -> Array:
    """The rows whose class is likely wrong, the least certain first: classes (row,) are all numbers from 0 on."""
    from cleanlab.filter import find_label_issues

    counts = np.bincount(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = find_label_issues(
            classes, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1, min_examples_per_class=0
        )
    return np.asarray([one for one in found if counts[classes[one]] >= 2][:most], dtype=np.int64)  # one has no fold


def out_of_sample(states: Array, labels: Array, *, seed: int = 0, cancelled: Callable[[], bool] | None = None) -> Array:
    """(row, class) probabilities of five-fold logistic regression: each row's from a model that has not seen it.

    On the first 128 principal components of the states: with 77 classes a third of the time, for two points less.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler

    if min(states.shape) > _COMPONENTS:
        states = PCA(_COMPONENTS, svd_solver="covariance_eigh", random_state=seed).fit_transform(states)
    probabilities = np.zeros((len(labels), int(labels.max()) + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes with fewer rows than folds; fits that need more iterations
        for known, held_out in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(states, labels):
            end_if(cancelled)
            scaler = StandardScaler().fit(states[known])
            fitted = LogisticRegression(C=0.1, max_iter=60, tol=1e-3).fit(
                scaler.transform(states[known]), labels[known]
            )
            probabilities[np.ix_(held_out, fitted.classes_)] = fitted.predict_proba(scaler.transform(states[held_out]))
    return probabilities


class _ReachedError(Exception):
    """The layer whose states are wanted has run."""


def _states(
    model: Model,
    examples: Examples,
    half_precision: bool,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Array:
    """(example, hidden): the mean state of each example's tokens after half of the layers; the others do not run."""
    path = model.checkpoint.family.layers(model.layers, _groups(model))[-(-model.layers // 2) - 1]
    layer = encoder_of(model).get_submodule(path)
    states = np.empty((len(examples), model.hidden_size), dtype=np.float32)
    done = 0
    for places in batches(model, [int(one) for one in examples.lengths], maps=False):
        end_if(cancelled)
        if progress is not None:
            progress(done, len(examples))
        done += len(places)
        inputs = padded_inputs(examples, model, places)

        def read(forward: Forward, places: list[int] = places, inputs: Batch = inputs) -> None:
            def keep(_module: object, _given: object, output: torch.Tensor | tuple[torch.Tensor, ...]) -> None:
                found = (output if isinstance(output, torch.Tensor) else output[0]).float()
                mask = inputs.attention_mask.to(found.device)[..., None]
                states[places] = ((found * mask).sum(1) / mask.sum(1)).cpu().numpy()
                raise _ReachedError

            hook = layer.register_forward_hook(keep)
            half = torch.autocast(torch.device(forward.device).type, torch.bfloat16, enabled=half_precision)
            try:
                with half:
                    forward.encoder()
            except _ReachedError:
                pass
            finally:
                hook.remove()

        run(model, inputs, read)
    return states


def _groups(model: Model) -> int:
    name = model.checkpoint.family.group_count
    return int(getattr(model.network.config, name)) if name else 1


def _reasons(model: Model, table: Table, row: int, suggested: int, given: int) -> tuple[str, ...]:
    """The words that speak most for the suggested label rather than the given one."""
    target = ClassTarget(suggested, foil=given)
    pair = table.pairs[row] if table.pairs else None
    try:
        scores = explained(model, table.texts[row], pair, target).by_word()
    except GlassBERTError:  # longer than the model reads
        return ()
    special = scores.by_token.encoded.special_tokens_mask.astype(bool)[scores.spans[:, 0]]
    told: list[str] = []
    for place in np.argsort(-scores.scores, kind="stable"):
        word = scores.words[place]
        if scores.scores[place] <= 0 or len(told) == _WORDS:
            break
        if not special[place] and word not in told and any(map(str.isalnum, word)):
            told.append(word)
    return tuple(told)
