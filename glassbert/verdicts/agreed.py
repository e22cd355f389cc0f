"""The words that carry an answer, as far as several cheap methods agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution import METHODS, attribute_each
from glassbert.attribution.results import ScoresByWord, TokenScores
from glassbert.decision import Passes, decide
from glassbert.errors import GlassBERTError, MethodError, OptionError
from glassbert.network.model import Model
from glassbert.network.special_tokens import UNKNOWN
from glassbert.results import Array, Encoded
from glassbert.targets import MaskTarget
from glassbert.verdicts._work import operations
from glassbert.verdicts.results import CarryingWords, DecidedAnswer
from glassbert.verdicts.thresholds import DELETIONS_OPERATIONS, LEAST_OF_TOP, MOST_TOP_WORDS, WORDS_OPERATIONS
from glassbert.verdicts.voters import VERDICT_METHODS, verdict_methods

__all__ = ["carrying_words", "carrying_words_of"]

# A backward pass costs about two forward passes; the parts of DecompX about one per token.
_BACKWARD = 3


@checked
def carrying_words(
    model: Model,
    answer: DecidedAnswer,
    *,
    methods: Sequence[str] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> CarryingWords:
    """The words that carry an answer of :func:`decided_answer`: those that most methods name.

    Beside the methods, every word is deleted once, in a long text the first of ``order`` only: the check of what the
    methods overlook (:func:`glassbert.verdicts.trust_in`), and where the search for a flip begins.
    ``methods`` None: those of ``VERDICT_METHODS`` that a text of this length allows, at least the ones that need a
    single pass. Raises MethodError if none of them supports the model; StoppedError when ``cancelled()``.
    """
    start = time.perf_counter()
    chosen = _affordable(model, len(answer.encoded)) if methods is None else tuple(methods)
    refused: dict[str, str] = {}

    def refuse(method: str, error: GlassBERTError) -> None:
        refused[method] = str(error)

    scores = list(
        attribute_each(
            model,
            answer.encoded,
            methods=chosen,
            target=answer.target,
            options={method: VERDICT_METHODS.get(method, {}) for method in chosen},
            on_error=refuse,
            cancelled=cancelled,
        )
    )
    if not scores:
        raise MethodError("no method can explain this answer: " + "; ".join(refused.values()))
    scores.sort(key=lambda one: chosen.index(one.method))
    found = carrying_words_of(
        scores, explains_answer=answer.explains_answer, score_name=answer.score_name, left_out=refused
    )
    passes = Passes(cancelled=cancelled)
    lead, tried, leads = _leads(model, answer, found, passes)
    return replace(
        found,
        lead=lead,
        tried=tried,
        leads=leads,
        forward_passes=found.forward_passes + passes.count,
        seconds=time.perf_counter() - start,
    )


def carrying_words_of(
    scores: Sequence[TokenScores],
    *,
    explains_answer: bool = True,
    score_name: str = "",
    left_out: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> CarryingWords:
    """The same from scores that are already computed, one per method. Raises OptionError if they differ in subject."""
    if not scores:
        raise OptionError("pass the scores of at least one method")
    first = scores[0]
    for other in scores[1:]:
        if (other.encoded.tokens, other.target) != (first.encoded.tokens, first.target):
            raise OptionError(
                f"the scores of {other.method} are about another text or target than those of {first.method}"
            )
    by_word = [one.by_word() for one in scores]
    chosen = _words(by_word[0])
    typed = [_typed(first.encoded, *by_word[0].spans[index]) for index in chosen]
    labels = tuple(own or by_word[0].words[index] for own, index in zip(typed, chosen, strict=True))
    top_k = max(1, min(MOST_TOP_WORDS, len(chosen) // 3))
    shares = np.stack([_shares(one, chosen) for one in by_word])
    return CarryingWords(
        encoded=first.encoded,
        target=first.target,
        target_label=first.target_label,
        scores=tuple(scores),
        words=labels,
        unknown=np.flatnonzero([bool(own) for own in typed]),
        positions=by_word[0].spans[chosen, 0],
        shares=shares,
        votes=_votes(shares, top_k),
        top_k=top_k,
        special_shares=np.array([_outside(one, chosen) for one in by_word]),
        lead=None,
        tried=np.empty(0, dtype=np.int64),
        leads=np.empty(0),
        left_out=dict(left_out or {}),
        explains_answer=explains_answer,
        score_name=score_name,
        forward_passes=sum(one.forward_passes for one in scores),
        seconds=sum(one.seconds for one in scores) if seconds is None else seconds,
    )


def _affordable(model: Model, tokens: int) -> tuple[str, ...]:
    """The methods of one pass, then those that the rest of the work is enough for, in their order."""
    each, left = operations(model, tokens), WORDS_OPERATIONS
    chosen: list[str] = []
    for method, options in verdict_methods(model).items():
        declared = METHODS[method]
        passes = declared.cost(tokens, {**declared.options, **options})
        cost = passes * each * (1 if declared.family == "decomposition" and passes > 1 else _BACKWARD)
        if passes == 1 or cost <= left or not chosen:
            chosen.append(method)
            left -= cost
    return tuple(chosen)


def _typed(encoded: Encoded, start: int, stop: int) -> str:
    """The characters of a word that the vocabulary does not contain, as they were typed; "" for any other word."""
    tokens = range(start, stop)
    if not any(encoded.tokens[token] in UNKNOWN for token in tokens):
        return ""
    first, last = int(encoded.offsets[start, 0]), int(encoded.offsets[stop - 1, 1])
    return str(encoded.texts[encoded.sequence_ids[start]][first:last].strip())


def _leads(
    model: Model, answer: DecidedAnswer, words: CarryingWords, passes: Passes
) -> tuple[float | None, Array, Array]:
    """The lead of the answer in logits, the indices of the words that were deleted one by one, and the lead without
    each. Tokens are removed by id. None and no words for a score, which has no lead."""
    runner = decide(model, answer.encoded, answer.target, "logit", passes=passes)
    decision = runner.decision
    of_word = [answer.encoded.word_ids == answer.encoded.word_ids[position] for position in words.positions]
    possible = [word for word in words.order.tolist() if decision.removable[of_word[word]].all()]
    possible = possible[: int(DELETIONS_OPERATIONS / operations(model, len(answer.encoded)))]
    if decision.is_regression or not possible:
        return None, np.empty(0, dtype=np.int64), np.empty(0)
    present = np.ones((1 + len(possible), len(answer.encoded)), dtype=bool)
    for row, word in enumerate(possible, start=1):
        present[row, of_word[word] & decision.removable] = False
    found: dict[int, Array] = {}
    for chosen, logits in runner.logits_without(present):
        found.update(zip(chosen, logits.double().cpu().numpy(), strict=True))
    rows = np.stack([found[row] for row in range(len(present))])
    lead, *without = decision.leads(rows, rows[0]).tolist()
    if not np.isfinite(lead):  # nothing else can be the answer
        return None, np.empty(0, dtype=np.int64), np.empty(0)
    order = np.argsort(possible)
    return lead, np.asarray(possible)[order], np.asarray(without)[order]


def _words(scores: ScoresByWord) -> Array:
    """Indices of the words: all but special tokens and the gap that is to be filled."""
    chosen = ~scores.special
    target = scores.by_token.target
    if isinstance(target, MaskTarget):
        chosen &= ~((scores.spans[:, 0] <= target.position) & (target.position < scores.spans[:, 1]))
    found: Array = np.flatnonzero(chosen)
    return found


def _shares(scores: ScoresByWord, chosen: Array) -> Array:
    """(word,): scores over the sum of their magnitudes; zeros stay zeros."""
    values = scores.scores[chosen]
    total = float(np.abs(values).sum())
    shares: Array = values / total if total else values
    return shares


def _outside(scores: ScoresByWord, chosen: Array) -> float:
    """The part of the magnitude that special tokens hold, and the gap."""
    magnitudes = np.abs(scores.scores)
    total = float(magnitudes.sum())
    return max(0.0, 1 - float(magnitudes[chosen].sum()) / total) if total else 0.0


def _votes(shares: Array, top_k: int) -> Array:
    """(word,): how many methods name it, which is for at most ``top_k`` words with the highest scores."""
    votes = np.zeros(shares.shape[1], dtype=np.int64)
    for row in shares:
        top = np.argsort(-row, kind="stable")[:top_k]
        votes[top[(row[top] > 0) & (row[top] >= LEAST_OF_TOP * row.max(initial=0.0))]] += 1
    return votes
