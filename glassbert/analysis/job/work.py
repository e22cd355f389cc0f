"""One part of an analysis: rows of the source in, the columns of its Parquet files out.

A part is worked on alone and always in the same way, so that it does not matter who does it: this process, one that
goes on after an interruption, or an actor on another machine. Nothing here reads or writes files.

Passes for each text: one to predict, and those of the methods (input × gradient: a forward and a backward one). Of the
texts that are drawn for receipts, each receipt takes hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbert.analysis.job.labels import Labels
from glassbert.analysis.job.predicting import Predictions, predictions_of, probabilities_of
from glassbert.attribution import Method, explain_many
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, decide
from glassbert.errors import GlassBERTError, StoppedError
from glassbert.evaluation import receipts
from glassbert.network.model import Model
from glassbert.results import Encoded
from glassbert.tables.streaming import StreamedRow
from glassbert.targets import ClassTarget
from glassbert.text.inputs import encode, shorten
from glassbert.text.words import words_of

__all__ = ["Plan", "columns_of_part", "drawn"]

#: Texts explained at once: methods that share passes keep each text's gradient and attention until it is done.
_TOKENS_AT_ONCE = 2048

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with each row."""

    labels: Labels
    labelled: bool
    methods: tuple[tuple[Method, Mapping[str, Any]], ...]
    receipts: float  # the share of the texts
    checks: tuple[str, ...]
    orderings: int | None
    seed: int
    meta: int  # how many other columns


@dataclass(slots=True)
class _Text:
    """A row that can be read."""

    place: int
    row: StreamedRow
    encoded: Encoded
    truncated: bool


def columns_of_part(
    model: Model,
    plan: Plan,
    first_id: int,
    rows: Sequence[StreamedRow],
    *,
    report: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Columns]:
    """Kind of file → column → values, for these rows; ids count from ``first_id``. Raises StoppedError.

    A row that fails has its reason in ``error``. ``report(rows done)`` is called as it goes.
    """
    errors: list[str | None] = [row.damage for row in rows]
    texts = _read(model, rows, errors)
    predicted = predictions_of(model, [one.encoded for one in texts], cancelled)
    values = plan.labels.values([one.row.label for one in texts]) if plan.labelled else []
    answers = _answers(texts, predicted, values, errors)
    attributions: Columns = {name: [] for name in _ATTRIBUTIONS}
    checked: Columns = {name: [] for name in _RECEIPTS}
    chosen = drawn(plan, first_id, len(rows))
    done = len(rows) - len(texts)
    for group in _groups(texts):
        explained = _explained(model, plan, [texts[place] for place in group], answers, errors, cancelled)
        for place in group:
            one = texts[place]
            for scores in explained[one.place]:
                _add_attribution(attributions, first_id + one.place, scores, answers[one.place])
            if chosen[one.place] and explained[one.place]:
                _add_receipts(model, plan, checked, first_id + one.place, explained[one.place], errors, one, cancelled)
        done += len(group)
        if report is not None:
            report(done)
    order = np.argsort(np.asarray(attributions["id"], dtype=np.int64), kind="stable")
    attributions = {name: [column[place] for place in order] for name, column in attributions.items()}
    order = np.argsort(np.asarray(checked["id"], dtype=np.int64), kind="stable")
    checked = {name: [column[place] for place in order] for name, column in checked.items()}
    return {
        "predictions": _predictions(model, plan, first_id, rows, texts, predicted, values, answers, errors),
        "attributions": attributions,
        "states": {"id": [first_id + one.place for one in texts], "state": list(predicted.states)},
        "receipts": checked,
    }


def drawn(plan: Plan, first_id: int, count: int) -> list[bool]:
    """Which of the rows get a receipt: a share of all, the same whoever works on them."""
    generator = np.random.default_rng((plan.seed, first_id))
    return [bool(one) for one in generator.random(count) < plan.receipts]


def _read(model: Model, rows: Sequence[StreamedRow], errors: list[str | None]) -> list[_Text]:
    texts = []
    for place, row in enumerate(rows):
        if row.damage is not None:
            continue
        try:
            shown = shorten(model, row.text, row.pair)
            encoded = encode(model, *shown)
        except GlassBERTError as error:
            errors[place] = str(error)
        else:
            texts.append(_Text(place, row, encoded, shown != (row.text, row.pair)))
    return texts


def _groups(texts: Sequence[_Text]) -> list[list[int]]:
    """Places of texts of similar length, the shortest first."""
    groups: list[list[int]] = []
    tokens = _TOKENS_AT_ONCE
    for place in sorted(range(len(texts)), key=lambda place: len(texts[place].encoded)):
        length = len(texts[place].encoded)
        if tokens + length > _TOKENS_AT_ONCE:
            groups.append([])
            tokens = 0
        groups[-1].append(place)
        tokens += length
    return groups


def _answers(
    texts: Sequence[_Text],
    predicted: Predictions,
    values: Sequence[Any],
    errors: list[str | None],
) -> dict[int, int]:
    """Place of a row → the class that is explained; labels that are not the model's are told."""
    for one, value in zip(texts, values, strict=False):
        if isinstance(value, str):
            errors[one.place] = f"label: {value}"
    for one, logits in zip(texts, predicted.logits, strict=True):
        if not np.isfinite(logits).all():
            errors[one.place] = "the model's answer is not a finite number"
    best = predicted.logits.argmax(axis=1) if len(texts) else []
    return {one.place: int(answer) for one, answer in zip(texts, best, strict=True)}


def _explained(
    model: Model,
    plan: Plan,
    texts: Sequence[_Text],
    answers: Mapping[int, int],
    errors: list[str | None],
    cancelled: Callable[[], bool] | None,
) -> dict[int, list[TokenScores]]:
    """Place of a row → its scores by each method. Where texts fail together, each is tried alone."""
    found: dict[int, list[TokenScores]] = {one.place: [] for one in texts}

    def explain(some: Sequence[_Text], method: Method, settings: Mapping[str, Any]) -> list[TokenScores]:
        passes = [Passes(cancelled=cancelled) for _ in some]
        runners = [
            decide(model, one.encoded, ClassTarget(answers[one.place]), "logit", passes=own)
            for one, own in zip(some, passes, strict=True)
        ]
        return explain_many(runners, method, settings)

    for method, settings in plan.methods:
        try:
            for one, scores in zip(texts, explain(texts, method, settings), strict=True):
                found[one.place].append(scores)
            continue
        except StoppedError:
            raise
        except GlassBERTError:
            pass
        for one in texts:
            try:
                found[one.place] += explain([one], method, settings)
            except StoppedError:
                raise
            except GlassBERTError as error:
                errors[one.place] = f"{method.id}: {str(error).removeprefix('text 1 of 1: ')}"
    return found


# --- columns --------------------------------------------------------------------------------------------------------

_ATTRIBUTIONS = (
    *("id", "method", "position", "token", "word", "word_index", "segment", "start", "stop", "score", "share"),
    "target",
)
_RECEIPTS = ("id", "method", "check", "number", "verdict", "beaten_share")


def _add_attribution(columns: Columns, number: int, scores: TokenScores, target: int) -> None:
    encoded = scores.encoded
    count = len(encoded)
    words = words_of(encoded)
    special = encoded.special_tokens_mask.astype(bool)
    starts = np.flatnonzero(np.diff(words.group, prepend=-1))
    is_word = ~special[starts]  # (group,)
    index = np.where(is_word, np.cumsum(is_word) - 1, -1)[words.group]
    total = float(np.abs(scores.scores[~special]).sum(dtype=np.float64))
    shares = scores.scores / total if total else np.zeros(count)
    columns["id"] += [number] * count
    columns["method"] += [scores.method] * count
    columns["position"] += range(count)
    columns["token"] += encoded.tokens
    columns["word"] += [words.labels[group] if is_word[group] else None for group in words.group]
    columns["word_index"] += index.tolist()
    columns["segment"] += np.where(special, -1, encoded.sequence_ids).tolist()
    columns["start"] += encoded.offsets[:, 0].tolist()
    columns["stop"] += encoded.offsets[:, 1].tolist()
    columns["score"] += scores.scores.tolist()
    columns["share"] += shares.tolist()
    columns["target"] += [target] * count


def _add_receipts(
    model: Model,
    plan: Plan,
    columns: Columns,
    number: int,
    scores: Sequence[TokenScores],
    errors: list[str | None],
    text: _Text,
    cancelled: Callable[[], bool] | None,
) -> None:
    try:
        for receipt in receipts(
            model, scores, checks=plan.checks, n_orderings=plan.orderings, seed=plan.seed, cancelled=cancelled
        ):
            for line in receipt.lines:
                columns["id"].append(number)
                columns["method"].append(receipt.method)
                columns["check"].append(line.check)
                columns["number"].append(line.number)
                columns["verdict"].append(line.verdict)
                columns["beaten_share"].append(line.beaten_share)
    except StoppedError:
        raise
    except GlassBERTError as error:
        errors[text.place] = f"receipt: {error}"


def _predictions(
    model: Model,
    plan: Plan,
    first_id: int,
    rows: Sequence[StreamedRow],
    texts: Sequence[_Text],
    predicted: Predictions,
    values: Sequence[Any],
    answers: Mapping[int, int],
    errors: Sequence[str | None],
) -> Columns:
    """One entry for each row of the source, in its order."""
    count = len(rows)
    kind = plan.labels.kind
    probabilities = probabilities_of(model, predicted.logits)
    columns: Columns = {
        "id": list(range(first_id, first_id + count)),
        "row": [row.row for row in rows],
        "text": [None if row.damage is not None else row.text for row in rows],
        "pair": [row.pair for row in rows],
        "truncated": [False] * count,
        "label_text": [_cell(row.label) for row in rows],
        "error": list(errors),
    }
    for name in _PER_TEXT:
        columns[name] = [None] * count
    for number in range(plan.meta):
        columns[f"meta_{number}"] = [row.meta[number] if row.meta else None for row in rows]
    for index, one in enumerate(texts):
        logits, shares, place = predicted.logits[index], probabilities[index], one.place
        value = values[index] if values else None
        value = None if isinstance(value, str) else value
        columns["tokens"][place] = len(one.encoded)
        columns["truncated"][place] = one.truncated
        columns["probabilities"][place] = shares.astype(np.float32).tolist()
        if not np.isfinite(logits).all():
            continue
        answer = answers[place]
        columns["logit"][place] = float(logits[answer])
        if kind == "regression":
            columns["predicted"][place] = float(shares[0])
            if value is not None:
                columns["expected"][place] = float(value)
                columns["loss"][place] = abs(float(shares[0]) - float(value))
            continue
        columns["answer"][place] = answer
        columns["confidence"][place] = float(shares[answer])
        if kind == "multi_label":
            _add_several(columns, place, logits, shares, value)
        elif value is not None:
            columns["label"][place] = value
            columns["right"][place] = value == answer
            columns["loss"][place] = float(np.logaddexp.reduce(logits) - logits[value])
    return columns


_PER_TEXT = (
    *("label", "answer", "right", "confidence", "logit", "probabilities", "loss", "labels", "answers"),
    *("expected", "predicted", "tokens"),
)


def _add_several(columns: Columns, place: int, logits: Any, shares: Any, value: tuple[int, ...] | None) -> None:
    """Of several classes a text: those given and those predicted, and the strongest of each."""
    predicted = [int(one) for one in np.flatnonzero(shares > 0.5)]
    columns["answers"][place] = predicted
    if value is None:
        return
    given = sorted(value)
    columns["labels"][place] = given
    columns["label"][place] = max(given, key=lambda one: logits[one]) if given else None
    columns["right"][place] = given == predicted
    truth = np.zeros(len(logits))
    truth[given] = 1
    columns["loss"][place] = float(np.mean(np.logaddexp(0, logits) - truth * logits))


def _cell(label: Any) -> str | None:
    if label is None:
        return None
    return ("" if label != label else str(label))[:200].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
