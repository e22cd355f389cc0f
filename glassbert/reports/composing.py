"""Compute a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution import METHODS, attribute_each
from glassbert.attribution.results import TokenScores
from glassbert.errors import GlassBERTError, MethodError, OptionError, StoppedError
from glassbert.evaluation import method_agreement, receipts
from glassbert.evaluation.results import Receipt
from glassbert.heads import head_importance
from glassbert.heads.results import HeadImportance
from glassbert.language import answer as find_answer
from glassbert.language import classify, entities, fill_mask, label_tokens, logit_lens, replaced_tokens, surprise
from glassbert.language.predictions import Prediction
from glassbert.language.sentence_pairs import next_of_encoded
from glassbert.maps import attention
from glassbert.maps.results import HeadIndex, TokenMaps, check_head
from glassbert.models.checkpoint import EMBEDDED_FOLDER
from glassbert.network.model import Model, load
from glassbert.reports.findings import decision_rule
from glassbert.reports.limits import known_weaknesses
from glassbert.reports.passports import name_of, passport_of
from glassbert.reports.results import Report
from glassbert.reports.weighing import (
    affordable_methods,
    affordable_receipts,
    affordable_surprise,
    expected_work,
    options_of_report,
)
from glassbert.results import Encoded
from glassbert.targets import (
    AnswerTarget,
    ClassTarget,
    EntityTarget,
    MaskTarget,
    NextSentenceTarget,
    SpanTarget,
    Target,
)
from glassbert.text.inputs import Text, encode
from glassbert.verdicts import decided_answer, verdict_parts
from glassbert.verdicts.results import Verdict

__all__ = ["report", "suggesting_model"]

_MOST_MAPS, _MOST_TITLE = 24, 200
_CANDIDATES = 10
_ON_BOARD = "pretrained"
_VOCABULARY_ON_BOARD = 30_522
_T = TypeVar("_T")


@checked
def report(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    methods: Sequence[str] | None = None,
    maps: int | Sequence[tuple[int, int]] = 4,
    proposer: Model | None = None,
    budget: int | None = None,
    seed: int = 0,
    title: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Report:
    """One answer of a model, explained in one HTML file for people who were not there.

        gb.report(model, "It was not bad at all.").save("report.html")

    The file opens without a server or a network connection and prints well. A one-page summary comes first: the
    answer and how sure, the words that carry it, what flips it, how far to trust that (:func:`glassbert.verdict`), and
    the most important limits. Then the evidence: the prediction, the scores of several ``methods`` side by side, how
    far they agree, a receipt for each, the comparison with an empty text, the smallest change, attention maps, and
    masked words if the model predicts them; then all limits, a passport (hashes, versions, settings), and the Python
    that computes every number again.

    ``target`` None explains the answer itself. ``methods`` None: five on a short text, with a receipt each; a long one
    gets those that take few passes. Their options are those with which they vote in the verdict, so that a method has
    the same numbers everywhere. ``maps`` is how many attention heads are shown, the most important for this decision
    first, or the (layer, head) themselves, counted from 0. ``proposer``, a masked-word model, suggests words to
    replace; None: the model itself, or the embedded one if it reads the same vocabulary. ``budget`` bounds the forward
    passes for the smallest change; None: about half a second of work. ``seed`` sets the random orderings. What cannot
    be computed for this model is named in ``left_out`` with its reason.

    ``progress(done, total)`` is called as it goes. Raises TargetError, TaskHeadError, MethodError, OptionError,
    LayerError, TextErrors, ModelError if the model's files have changed since it was loaded; StoppedError when
    ``cancelled()``.
    """
    heads = _wanted_heads(model, maps)
    unknown = [method for method in methods or () if method not in METHODS]
    if unknown or (methods is not None and (isinstance(methods, str) or not len(methods))):
        raise MethodError(f"methods must be a list of {', '.join(METHODS)}; got {methods!r}")
    if not 0 <= seed < 2**31:
        raise OptionError(f"seed must be from 0 to {2**31 - 1}; got {seed}")
    if title is not None and len(title) > _MOST_TITLE:
        raise OptionError(f"the title has {len(title)} characters; at most {_MOST_TITLE} fit")
    if budget is not None and budget < 1:
        raise OptionError(f"budget must be at least 1 forward pass or None; got {budget}")
    encoded = _as_typed(model, encode(model, text, pair))
    suggests = suggesting_model(model) if proposer is None else proposer
    stages = _Stages(progress, expected_work(model, len(encoded), methods))
    settled = decided_answer(model, encoded, target=target, cancelled=cancelled).target
    verdict = _verdict(model, encoded, settled, suggests, budget, seed, stages, cancelled)
    settled = verdict.answer.target

    tokens = len(encoded)
    chosen = affordable_methods(model, tokens) if methods is None else tuple(dict.fromkeys(methods))
    left_out: dict[str, str] = {}
    scores = _scores(model, encoded, settled, chosen, left_out, stages, cancelled)
    names = [one.method for one in scores]
    checked_methods = affordable_receipts(model, tokens, names) if methods is None else names
    if len(checked_methods) < len(names):
        which = "the other methods" if checked_methods else "the methods"
        left_out[f"Receipts of {which}"] = "the text is too long to check all of them in a minute"
    found = _receipts(model, [one for one in scores if one.method in checked_methods], seed, stages, cancelled)

    rest = _Rest(model, left_out, cancelled)
    importance = rest.attempt("Importance of the heads", lambda: head_importance(model, encoded, target=settled))
    pictures = rest.attempt("Attention maps", lambda: _maps(model, verdict, importance, heads)) or ()
    stages.now("rest", 1, 3)
    guessed = None
    if "masked_words" in model.task_heads and not isinstance(settled, MaskTarget):
        if affordable_surprise(model, tokens):
            guessed = rest.attempt("Masked words", lambda: surprise(model, encoded, cancelled=cancelled))
        else:
            left_out["Masked words"] = "the text is too long to hide every word in turn"
    lens = None
    if isinstance(settled, MaskTarget):
        top_k = min(5, int(model.network.config.vocab_size))
        lens = rest.attempt(
            "The word layer by layer",
            lambda: logit_lens(model, encoded, positions=[settled.position], top_k=top_k),
        )
    stages.now("rest", 2, 3)
    prediction = _prediction(model, encoded, verdict)
    settings: dict[str, Any] = {
        "decision_rule": decision_rule(prediction, settled),
        "methods": names,
        "options_of_methods": {method: dict(own) for method, own in options_of_report(names).items()},
        "receipts": list(checked_methods),
        "random_orderings": found[0].orderings if found else 0,
        "budget_of_the_smallest_change": budget,
        "heads_shown": [f"{layer + 1}·{head + 1}" for layer, head in _heads_of(pictures)],
    }
    made = Report(
        title=(title or "").strip() or f"Why {name_of(model)} answered this",
        verdict=_without_paths(verdict, model, suggests),
        prediction=prediction,
        scores=scores,
        receipts=found,
        agreement=method_agreement(scores),
        importance=importance,
        maps=pictures,
        surprise=guessed,
        lens=lens,
        unknown=int(np.sum(encoded.input_ids == model.tokenizer.unk_token_id)) if model.tokenizer.unk_token else 0,
        weaknesses=known_weaknesses(model),
        left_out={part: _without_path(reason, model) for part, reason in left_out.items()},
        passport=passport_of(model, seed=seed, settings=settings, proposer=suggests),
    )
    stages.now("rest", 3, 3)
    return made


def suggesting_model(model: Model) -> Model | None:
    """The embedded masked-word model, for one that cannot predict words itself but reads the same vocabulary."""
    if "masked_words" in model.task_heads or model.checkpoint.vocabulary_size != _VOCABULARY_ON_BOARD:
        return None
    if not (EMBEDDED_FOLDER / _ON_BOARD).is_dir():
        return None
    found = load(_ON_BOARD, model.device)
    return found if found.tokenizer.get_vocab() == model.tokenizer.get_vocab() else None


# --- the parts ---------------------------------------------------------------------------------------------------


def _verdict(
    model: Model,
    encoded: Encoded,
    target: Target,
    proposer: Model | None,
    budget: int | None,
    seed: int,
    stages: _Stages,
    cancelled: Callable[[], bool] | None,
) -> Verdict:
    parts = verdict_parts(
        model, encoded, target=target, proposer=proposer, budget=budget, seed=seed, cancelled=cancelled
    )
    found: list[Verdict] = []
    for latest in parts:
        found.append(latest)
        stages.now("verdict", len(found), 4)
    return found[-1]


def _scores(
    model: Model,
    encoded: Encoded,
    target: Target,
    methods: Sequence[str],
    left_out: dict[str, str],
    stages: _Stages,
    cancelled: Callable[[], bool] | None,
) -> tuple[TokenScores, ...]:
    """The scores of each method that supports this model and target, in the order of ``methods``."""

    def refuse(method: str, error: GlassBERTError) -> None:
        left_out[METHODS[method].label] = str(error)

    found = attribute_each(
        model,
        encoded,
        methods=methods,
        target=target,
        options=options_of_report(methods),
        on_error=refuse,
        progress=lambda done, total: stages.now("scores", done, total),
        cancelled=cancelled,
    )
    scores = sorted(found, key=lambda one: methods.index(one.method))
    if not scores:
        raise MethodError("no method can explain this answer: " + "; ".join(left_out.values()))
    return tuple(scores)


def _receipts(
    model: Model,
    scores: Sequence[TokenScores],
    seed: int,
    stages: _Stages,
    cancelled: Callable[[], bool] | None,
) -> tuple[Receipt, ...]:
    found = receipts(
        model,
        scores,
        seed=seed,
        progress=lambda done, total: stages.now("receipts", done, total),
        cancelled=cancelled,
    )
    return tuple(found)


class _Rest:
    """Parts that a report can do without: what this model cannot give is named, and the report goes on."""

    def __init__(self, model: Model, left_out: dict[str, str], cancelled: Callable[[], bool] | None) -> None:
        self._model, self._left_out, self._cancelled = model, left_out, cancelled

    def attempt(self, part: str, work: Callable[[], _T]) -> _T | None:
        if self._cancelled is not None and self._cancelled():
            raise StoppedError("the report was stopped")
        try:
            return work()
        except StoppedError:
            raise
        except GlassBERTError as error:
            self._left_out[part] = str(error)
            return None


def _maps(
    model: Model, verdict: Verdict, importance: HeadImportance | None, wanted: int | Sequence[HeadIndex]
) -> tuple[TokenMaps, ...]:
    """One map, by word, for each chosen head; the masked text is what the decision reads."""
    heads = list(wanted) if not isinstance(wanted, int) else _most_important(importance, wanted)
    if not heads:
        return ()
    found = attention(model, verdict.encoded)
    return tuple(found.combine([head]).by_word() for head in heads)


def _most_important(importance: HeadImportance | None, count: int) -> list[HeadIndex]:
    if importance is None:
        return []
    heads = importance.importance.shape[1]
    order = np.argsort(-importance.importance.ravel(), kind="stable")[:count]
    return [(int(place) // heads, int(place) % heads) for place in order]


def _heads_of(maps: Sequence[TokenMaps]) -> list[HeadIndex]:
    return [(int(one.options["heads"][0][0]), int(one.options["heads"][0][1])) for one in maps]


def _wanted_heads(model: Model, maps: int | Sequence[tuple[int, int]]) -> int | list[HeadIndex]:
    """Raises OptionError, LayerError."""
    count = maps if isinstance(maps, int) else len(maps)
    if not 0 <= count <= _MOST_MAPS:
        raise OptionError(f"maps must be from 0 to {_MOST_MAPS} heads; got {count}")
    if isinstance(maps, int):
        return int(maps)
    chosen = list(dict.fromkeys((int(layer), int(head)) for layer, head in maps))
    for layer, head in chosen:
        check_head(layer, head, model.layers, model.attention_heads)
    return chosen


def _prediction(model: Model, encoded: Encoded, verdict: Verdict) -> Prediction:
    """What the head that decides predicts."""
    match verdict.answer.target:
        case ClassTarget():
            return classify(model, encoded)
        case MaskTarget(position=position):
            top_k = min(_CANDIDATES, int(model.network.config.vocab_size))
            return fill_mask(model, encoded, positions=[position], top_k=top_k)
        case NextSentenceTarget():
            return next_of_encoded(model, encoded)
        case EntityTarget() if len(encoded.texts) == 1:
            return entities(model, encoded)
        case SpanTarget(no_answer=none):
            return find_answer(model, *encoded.texts, no_answer=none)
        case AnswerTarget():
            return find_answer(model, *encoded.texts)
        case _ if "replaced_tokens" in model.task_heads:
            return replaced_tokens(model, encoded)
        case _:
            return label_tokens(model, encoded)


def _as_typed(model: Model, encoded: Encoded) -> Encoded:
    """The input, if it is what its texts give: the Python of the report has nothing but them. Raises OptionError."""
    typed = encode(model, *encoded.texts)
    if typed.tokens != encoded.tokens:
        raise OptionError(
            "this encoded input is not what its text gives, so a report could not say how to compute it again: pass "
            "the text, with a MaskTarget for a masked word"
        )
    return typed


# --- no paths ----------------------------------------------------------------------------------------------------


def _without_path(text: str, model: Model) -> str:
    """A message without the path of a folder model."""
    return text.replace(model.source, name_of(model)) if _origin_is_folder(model) else text


def _without_paths(verdict: Verdict, model: Model, proposer: Model | None) -> Verdict:
    words, flip = verdict.words, verdict.flip
    if words is not None:
        left_out = {method: _without_path(reason, model) for method, reason in words.left_out.items()}
        words = replace(words, left_out=left_out)
    if flip is not None:
        flip = replace(flip, reason=_without_path(flip.reason, model))
    if flip is not None and flip.search is not None:
        measure = next((one for one in (proposer, model) if one and one.source == flip.search.measured_by), None)
        name = name_of(measure) if measure is not None else flip.search.measured_by
        flip = replace(flip, search=replace(flip.search, measured_by=name))
    return replace(verdict, words=words, flip=flip)


def _origin_is_folder(model: Model) -> bool:
    return not model.checkpoint.embedded and model.checkpoint.revision is None


class _Stages:
    """Progress over several parts, each of which counts in its own way."""

    _TOTAL = 1000

    def __init__(self, progress: Callable[[int, int], None] | None, work: Mapping[str, float]) -> None:
        """``work``: stage → how much of the time it takes, in the order in which they come."""
        self._progress, self._work = progress, work
        self._done = 0

    def now(self, stage: str, done: int, total: int) -> None:
        if self._progress is None:
            return
        before = sum(list(self._work.values())[: list(self._work).index(stage)])
        part = before + self._work[stage] * min(1.0, done / max(total, 1))
        at = round(self._TOTAL * part / sum(self._work.values()))
        if at > self._done:
            self._done = at
            self._progress(at, self._TOTAL)
