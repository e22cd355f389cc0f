"""Which methods are faithful for one model, over the bundled sentences; computed once and kept on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution import METHODS, Method, explain
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, decide
from glassbert.errors import GlassBERTError, OptionError, StoppedError, TaskHeadError
from glassbert.evaluation import _ranking_store as store
from glassbert.evaluation import comprehensiveness, leave_one_out, sufficiency
from glassbert.evaluation._check import Finding
from glassbert.evaluation._examination import Examination
from glassbert.evaluation._ground_truth import MOST, Found, human_edits, planted_evidence
from glassbert.evaluation._sentences import as_masked, as_text, sentences_on_board
from glassbert.evaluation.results import MethodRanking
from glassbert.network.device import work_threads
from glassbert.network.model import Model
from glassbert.text.inputs import encode

__all__ = ["computed_with_key", "method_ranking", "stored_ranking"]

_ORDERINGS, _SEED = 100, 0
_MEASURES = (comprehensiveness, sufficiency, leave_one_out)


@checked
def method_ranking(
    model: Model,
    *,
    methods: Sequence[str] | None = None,
    sentences: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> MethodRanking:
    """Which of these methods (None: all) is most faithful for this model, over sentences (None: the 60 bundled).

    Each method explains the predicted class of each sentence in logits, or the top prediction for its masked word if
    the model is not a classifier; its order of the tokens is compared with 100 random ones. Methods are ordered by the
    mean share of orderings beaten. A word in braces, "The {film} was good", is the one that is masked; without braces
    it is the second to last. A method that cannot explain the model at all is omitted.

    Over the bundled sentences, two more columns say how well each method finds the words of which it is known that they
    decide: ``planted``, a word whose vector in a copy of the model is such that it turns every answer, and ``edits``,
    the words that people changed to reverse sentences of film reviews (Kaushik et al. 2020), where the classifier
    follows them; both as average precision, beside that of a random order.

    The ranking over the bundled sentences is kept on disk (``GLASSBERT_CACHE``, else the system's cache folder) under
    the hash of the weights' content; the embedded models ship with theirs. ``progress(sentences done, sentences)`` is
    called as it goes. About 1,000 passes per sentence for all methods, and for a classifier three quarters more. Raises
    TaskHeadError, OptionError, TextErrors; StoppedError.
    """
    chosen = _chosen(methods)
    if sentences is not None:
        return _computed(model, chosen, _texts(model, sentences), progress, cancelled, truth=False)
    texts = _texts(model, sentences_on_board())
    key = store.key(model, chosen, texts, _ORDERINGS, _SEED)
    if (kept := store.read(key)) is not None:
        return kept
    ranking = _computed(model, chosen, texts, progress, cancelled)
    store.write(key, ranking)
    return ranking


def computed_with_key(model: Model, progress: Callable[[int, int], None] | None = None) -> tuple[str, MethodRanking]:
    """The ranking of all methods over the bundled sentences, computed again, and the key to store it under."""
    chosen, texts = _chosen(None), _texts(model, sentences_on_board())
    return store.key(model, chosen, texts, _ORDERINGS, _SEED), _computed(model, chosen, texts, progress, None)


@checked
def stored_ranking(model: Model) -> MethodRanking | None:
    """The ranking of all methods over the bundled sentences if it is already stored, else None; no forward pass."""
    try:
        texts = _texts(model, sentences_on_board())
    except TaskHeadError:
        return None
    return store.read(store.key(model, _chosen(None), texts, _ORDERINGS, _SEED))


def _chosen(methods: Sequence[str] | None) -> list[Method]:
    wanted = tuple(METHODS) if methods is None else tuple(dict.fromkeys(methods))
    unknown = [name for name in wanted if name not in METHODS]
    if unknown or not wanted:
        got = ", ".join(map(repr, unknown)) or "none"
        raise OptionError(f"a method must be one of {', '.join(METHODS)}; got {got}")
    return [METHODS[name] for name in wanted]


def _texts(model: Model, marked: Sequence[str]) -> list[str]:
    """The sentences as this model reads them: whole for a classifier, with a mask for masked words."""
    if not marked:
        raise OptionError("a ranking needs at least one sentence")
    if "classification" in model.task_heads:
        return [as_text(one) for one in marked]
    if "masked_words" in model.task_heads and model.mask_token is not None:
        return [as_masked(one, model.mask_token) for one in marked]
    raise TaskHeadError(
        f"{model.source!r} has neither a classifier nor a masked-word head, and the bundled sentences need one of them"
    )


def _computed(
    model: Model,
    methods: list[Method],
    texts: list[str],
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
    *,
    truth: bool = True,
) -> MethodRanking:
    start = time.perf_counter()
    passes = Passes(cancelled=cancelled)
    shape = (len(methods), len(texts))
    columns = {name: np.zeros(shape) for name in ("comprehensiveness", "sufficiency", "leave_one_out", "beaten")}
    used, taken, explained = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool)
    expected = len(texts) + (2 * MOST if truth and "classification" in model.task_heads else 0)
    for place, text in enumerate(texts):
        if progress is not None:
            progress(place, expected)
        scores = _scores(model, methods, text, passes)
        for index, findings in _judged(model, scores, passes).items():
            explained[index, place], taken[index, place] = True, scores[index].forward_passes
            beaten = [findings[name].details.get("beaten_share") for name in ("comprehensiveness", "sufficiency")]
            if None in beaten or any(finding.number is None for finding in findings.values()):
                continue
            used[index, place] = 1
            columns["beaten"][index, place] = float(np.mean(np.asarray(beaten, dtype=float)))
            for name, finding in findings.items():
                columns[name][index, place] = finding.number
    planted, edits = _found(model, methods, texts if truth else (), passes, progress, len(texts), expected)
    if progress is not None:
        progress(expected, expected)
    means = (columns["beaten"] * used).sum(axis=1) / np.maximum(used.sum(axis=1), 1)
    order = [int(index) for index in np.argsort(-means, kind="stable") if explained[index].any()]
    return MethodRanking(
        model=model.source,
        methods=tuple(methods[index].id for index in order),
        sentences=tuple((text,) for text in texts),
        comprehensiveness=columns["comprehensiveness"][order],
        sufficiency=columns["sufficiency"][order],
        beaten=columns["beaten"][order],
        agreement=columns["leave_one_out"][order],
        used=used[order],
        forward_passes=(taken.sum(axis=1) / np.maximum(explained.sum(axis=1), 1))[order],
        planted=planted.precision[order],
        planted_chance=planted.chance,
        planted_missing=planted.reason,
        edits=edits.precision[order],
        edits_chance=edits.chance,
        edits_missing=edits.reason,
        orderings=_ORDERINGS,
        seed=_SEED,
        seconds=time.perf_counter() - start,
    )


def _found(
    model: Model,
    methods: list[Method],
    texts: Sequence[str],
    passes: Passes,
    progress: Callable[[int, int], None] | None,
    done: int,
    expected: int,
) -> tuple[Found, Found]:
    """How well the methods find a planted word in these texts, and human edits; nothing without texts."""
    if not texts:
        empty = Found(np.zeros((len(methods), 0)), None, "computed over the bundled sentences only")
        return empty, empty

    def step() -> None:
        nonlocal done
        if progress is not None:
            progress(done, expected)
        done += 1

    def explained(one: Model, text: str) -> dict[int, TokenScores]:
        return _scores(one, methods, text, passes)

    planted = planted_evidence(model, len(methods), texts, explained, passes, step)
    return planted, human_edits(model, len(methods), explained, passes, step)


def _scores(model: Model, methods: list[Method], text: str, passes: Passes) -> dict[int, TokenScores]:
    """Each method's scores for the text, by the method's number; methods that fail are missing."""
    asked = decide(model, encode(model, text), None, "logit", passes=passes).decision
    found = {}
    for index, method in enumerate(methods):
        # a runner of its own: methods that share one share passes, and each method's price would hang on the others
        runner = decide(model, asked.encoded, asked.target, "logit", passes=passes)
        try:
            found[index] = explain(runner, method, method.options)
        except StoppedError:
            raise
        except GlassBERTError:
            continue
    return found


def _judged(model: Model, scores: dict[int, TokenScores], passes: Passes) -> dict[int, dict[str, Finding]]:
    """Comprehensiveness, sufficiency and leave-one-out of each explanation of a text."""
    if not scores:
        return {}
    first = next(iter(scores.values()))
    examination = Examination(model, first, n_orderings=_ORDERINGS, seed=_SEED, thorough=False, passes=passes)
    subjects = {index: examination.subject(one) for index, one in scores.items()}
    wanted = [measure.variants(examination, one) for one in subjects.values() for measure in _MEASURES]
    with work_threads(_ORDERINGS * examination.runner.decision.length):
        examination.compute(wanted)
    return {
        index: {measure.CHECK.id: measure.run(examination, one) for measure in _MEASURES}
        for index, one in subjects.items()
    }
