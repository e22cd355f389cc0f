"""How far the words that carry an answer can be trusted: six checks, each with a number and a limit."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from glassbert.arguments import checked
from glassbert.attribution import METHODS
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, decide
from glassbert.evaluation import method_agreement, receipt
from glassbert.evaluation._baseline import HOLDS, SMALL, gap_of
from glassbert.evaluation._check import verdict as graded
from glassbert.evaluation._examination import sizes
from glassbert.evaluation.results import BaselineGap, Grade, Receipt, ReceiptLine
from glassbert.network.model import Model
from glassbert.pictures.formats import signed
from glassbert.verdicts import thresholds
from glassbert.verdicts._trained import spectral_ratio
from glassbert.verdicts._work import operations
from glassbert.verdicts.agreed import carrying_words_of
from glassbert.verdicts.results import CarryingWords, TrustFound
from glassbert.verdicts.voters import voters

__all__ = ["consensus_scores", "trust_in"]

#: Method → for the check with random weights, the first of these that voted: cheap to run again.
_RUN_AGAIN = ("attn_lrp", "attention_relevance", "saliency")


@checked
def trust_in(
    model: Model,
    words: CarryingWords,
    *,
    thorough: bool = False,
    seed: int = 0,
    cancelled: Callable[[], bool] | None = None,
) -> TrustFound:
    """How far to trust the words of :func:`carrying_words`: the worst of six checks decides.

    "weights": do the model's weights differ from random numbers? "baseline": does the text change F, compared with an
    empty one (:func:`glassbert.baseline_gap`)? If F moves against the answer or by less than a quarter, the model
    would say the same without the words, and no method can show that they carry it. Below a half, scores that start
    from the empty text explain only the smaller part; the check still holds if methods that start from nothing, such
    as AttnLRP, name the same words by themselves. "agreement": do the methods name the same words? "deletion": does the
    answer hang on a word that they do not name? It is doubtful if deleting one takes more than 70% of the answer's lead
    (in log-odds), and fails if that flips the answer while no word that they name costs as much. "faithfulness":
    comprehensiveness and sufficiency of the methods' consensus against random orderings. "sanity": does a method that
    voted give other scores on the same network with random weights? The limits are in
    :mod:`glassbert.verdicts.thresholds`.

    Up to 40 random orderings, fewer in long texts; where even 20 take more than about twenty seconds, faithfulness is
    reported as not tested, which is doubtful, unless ``thorough``. Raises StoppedError when ``cancelled()``.
    """
    start = time.perf_counter()
    passes = Passes(cancelled=cancelled)
    runner = decide(model, words.encoded, words.target, "logit", passes=passes)
    gap = gap_of(runner)
    removable = int(runner.decision.removable.sum())
    weights, agreement = _weights(model), _agreement(words)
    faithful, first = _faithfulness(model, words, removable, thorough=thorough, seed=seed, cancelled=cancelled)
    sanity, second = _sanity(model, words, seed=seed, cancelled=cancelled)
    receipts = tuple(one for one in (first, second) if one is not None)
    return TrustFound(
        encoded=words.encoded,
        target=words.target,
        target_label=words.target_label,
        lines=(weights, _baseline(gap, words), agreement, _deletion(words), faithful, sanity),
        gap=gap,
        receipts=receipts,
        forward_passes=passes.count + sum(one.forward_passes for one in receipts),
        seconds=time.perf_counter() - start,
    )


def consensus_scores(words: CarryingWords) -> TokenScores:
    """The methods' consensus as scores of tokens, to be examined like those of a method: the mean of their shares."""
    ordinary = words.encoded.special_tokens_mask == 0
    shares = []
    for one in words.scores:
        values = one.scores.astype(np.float64)
        total = float(np.abs(values[ordinary]).sum())
        shares.append(values / total if total else values)
    first = words.scores[0]
    return TokenScores(
        encoded=words.encoded,
        scores=np.mean(shares, axis=0),
        method="consensus",
        target=words.target,
        target_label=words.target_label,
        output=first.output,
        value=first.value,
        baseline=None,
        baseline_value=None,
        delta=None,
        forward_passes=0,
        seconds=0.0,
        options={},
    )


def _weights(model: Model) -> ReceiptLine:
    holds, fails = thresholds.TRAINED_HOLDS, thresholds.TRAINED_FAILS
    limit = f"holds from {holds:g} times the random value, fails below {fails:g}"
    ratio = spectral_ratio(model)
    if ratio is None:
        return ReceiptLine("weights", None, "the network has no weight matrix to look at", "not_applicable", limit, {})
    grade = graded(ratio, holds=holds, fails=fails)
    said = f"their largest singular value is {ratio:.2f} times that of random numbers"
    sentence = {
        "holds": f"the weights are trained: {said}",
        "doubtful": f"the weights hardly differ from random numbers: {said} ({holds:g} would be convincing)",
        "fails": f"the model's weights look random, not trained: {said} (at least {fails:g} is needed)",
    }[grade]
    return ReceiptLine("weights", ratio, sentence, grade, limit, {})


def _baseline(gap: BaselineGap, words: CarryingWords) -> ReceiptLine:
    share = f"{gap.share:.0%}"  # not said where it is negative
    values = f"{signed(gap.value)} instead of {signed(gap.baseline_value)}"
    part = f"{signed(gap.baseline_value)} of {signed(gap.value)}"
    limit = f"{gap.threshold}; from {SMALL:.0%} on, it also holds if the methods without a baseline name the same words"
    grade = "holds" if gap.verdict == "doubtful" and _named_without_baseline(words) else gap.verdict
    if gap.share < 0:
        sentence = (
            f"a text without words has a higher score for the answer than this one, so its words lower it ({values}, "
            f"a change of {signed(gap.change)})"
        )
    elif gap.verdict == "holds":
        sentence = f"the words change the score by {share} of its size ({values})"
    elif gap.verdict == "fails":
        sentence = (
            f"a text without words scores almost the same ({signed(gap.baseline_value)} instead of "
            f"{signed(gap.value)}): the words account for {share} "
            f"(at least {SMALL:.0%} is needed)"
        )
    elif grade == "holds":
        sentence = (
            f"a text without words already has part of the score ({part}), but methods that do not compare with one "
            "name the same words"
        )
    else:
        sentence = (
            f"a text without words already has part of the score ({part}): the words account for {share} "
            f"({HOLDS:.0%} would be convincing)"
        )
    return ReceiptLine("baseline", gap.share, sentence, grade, limit, {"change": gap.change})


def _named_without_baseline(words: CarryingWords) -> bool:
    """Whether more than half of the methods that need no baseline name each of the words that carry the answer."""
    free = [one for one in words.scores if one.baseline is None]
    if not free or not words.carrying:
        return False
    votes = carrying_words_of(free).votes[list(words.carrying)]
    return bool((votes > thresholds.AGREE_FAILS * len(free)).all())


def _agreement(words: CarryingWords) -> ReceiptLine:
    holds, fails = thresholds.AGREE_HOLDS, thresholds.AGREE_FAILS
    limit = f"holds if at least {holds:.0%} of the methods name the same word, fails if no more than {fails:.0%} do"
    methods, least = len(words.scores), thresholds.FEWEST_WORDS
    if methods < 2 or len(words.words) < least:
        sentence = (
            "only one method supports this model, so there is nothing to compare"
            if methods < 2
            else f"the text has fewer than {least} words, so methods have no choice to agree on"
        )
        return ReceiptLine("agreement", None, sentence, "not_applicable", limit, {})
    most = int(words.votes.max())
    number = most / methods
    top = "the top word" if words.top_k == 1 else f"one of the top {words.top_k} words"
    called = voters(words.methods)
    said = f"{most} of {methods} {called} have the same word as {top}"
    pairs = np.triu_indices(methods, 1)
    details = {"rank_correlation": float(method_agreement(list(words.scores)).kendall[pairs].mean())}
    if number <= fails:
        said = f"the {called} disagree: no word is {top} of more than {most} of {methods}"
        return ReceiptLine("agreement", number, f"{said} (more than half must agree)", "fails", limit, details)
    if number < holds:
        return ReceiptLine("agreement", number, f"only {said}, which chance often reaches", "doubtful", limit, details)
    return ReceiptLine("agreement", number, said, "holds", limit, details)


def _deletion(words: CarryingWords) -> ReceiptLine:
    """The largest share of the answer's lead that is lost by deleting one word that does not carry it."""
    holds = thresholds.DELETION_HOLDS
    limit = (
        f"holds if deleting a word that does not carry the answer never takes more than {holds:.0%} of its lead; fails "
        "if that flips the answer, and no word that carries it matters as much"
    )
    found = words.overlooked
    if words.lead is None or found is None or not words.explains_answer:
        if words.lead is None:
            sentence = (
                "a score is no answer that deleting a word could flip"
                if words.score_name
                else "there is no word whose deletion could flip an answer"
            )
        elif found is None:
            sentence = "the text has no other word that could be deleted"
        else:
            sentence = "these words speak for another answer than the model's, so they need not keep that one"
        return ReceiptLine("deletion", None, sentence, "not_applicable", limit, {})
    word, lost = found
    said = f"deleting only {words.named(word)}, {words.named_by(word)},"
    grade: Grade
    if lost <= holds:
        others = "any other word" if len(words.tried) == len(words.words) else f"any other of {len(words.tried)} words"
        grade, sentence = "holds", f"deleting {others} leaves the answer at least {1 - max(lost, 0.0):.0%} of its lead"
    elif lost <= 1:
        grade, sentence = (
            "doubtful",
            f"{said} takes {lost:.0%} of the answer's lead (at most {holds:.0%} is convincing)",
        )
    else:
        more = lost > max(words.lost[np.isin(words.tried, words.carrying)], default=0.0)
        grade, sentence = "fails" if more else "doubtful", f"{said} flips the answer"
    return ReceiptLine("deletion", lost, sentence, grade, limit, {"word": word, "tried": len(words.tried)})


def _faithfulness(
    model: Model,
    words: CarryingWords,
    removable: int,
    *,
    thorough: bool,
    seed: int,
    cancelled: Callable[[], bool] | None,
) -> tuple[ReceiptLine, Receipt | None]:
    """The mean share of random orderings that the consensus beats in comprehensiveness and sufficiency."""
    holds, fails = thresholds.FAITHFUL_HOLDS, thresholds.FAITHFUL_FAILS
    limit = f"holds if the words beat {holds:.0%} of random choices, fails below {fails:.0%}; a tie counts half"
    if removable <= 2:
        sentence = "the text has too few words to compare them with other choices of words"
        return ReceiptLine("faithfulness", None, sentence, "not_applicable", limit, {}), None
    orderings = _orderings(model, len(words.encoded), removable, thorough=thorough)
    if not orderings:
        sentence = "the text is too long for a quick test of whether its words matter more than others"
        return ReceiptLine("faithfulness", None, sentence, "doubtful", limit, {}), None
    found = receipt(
        model,
        consensus_scores(words),
        checks=["comprehensiveness", "sufficiency"],
        n_orderings=orderings,
        seed=seed,
        cancelled=cancelled,
    )
    shares = [line.beaten_share for line in found.lines]
    known = [share for share in shares if share is not None]
    value = words.score_name or "answer"
    if not known:
        sentence = f"the {value} does not depend on the words: removing them never changes it"
        return ReceiptLine("faithfulness", None, sentence, "fails", limit, {}), found
    number = float(np.mean(known))
    grade = graded(number, holds=holds, fails=fails)
    removed, _ = shares
    beaten = f"in {number:.0%} of the trials"  # a tie counts half
    better = f"removing or keeping these words matters more than removing or keeping random ones {beaten}"
    passed = better
    if removed is not None:
        trials = f"in all {found.orderings} trials" if removed == 1 else f"in {removed:.0%} of the trials"
        passed = f"removing these words changes the {value} more than removing random ones {trials}"
    sentence = {
        "holds": passed,
        "doubtful": f"{better} only ({holds:.0%} would be convincing)",
        "fails": f"{better} only (at least {fails:.0%} is needed)",
    }[grade]
    details = {"orderings": found.orderings, "beaten_shares": known}
    return ReceiptLine("faithfulness", number, sentence, grade, limit, details), found


def _orderings(model: Model, tokens: int, removable: int, *, thorough: bool) -> int:
    """How many random orderings the work allows; 0 if not even the least number."""
    most, least = thresholds.MOST_ORDERINGS, thresholds.LEAST_ORDERINGS
    kept = tokens - removable
    lengths = {tokens - size for size in sizes(removable)} | {kept + size for size in sizes(removable)}
    each = sum(operations(model, length) for length in lengths)
    if least * each > thresholds.MOST_ORDERINGS_OPERATIONS and not thorough:
        return 0
    return max(least, min(most, int(thresholds.ORDERINGS_OPERATIONS / each)))


def _sanity(
    model: Model, words: CarryingWords, *, seed: int, cancelled: Callable[[], bool] | None
) -> tuple[ReceiptLine, Receipt | None]:
    """The receipt's check of one method that voted, on the network with random weights."""
    again = next((one for name in _RUN_AGAIN for one in words.scores if one.method == name), words.scores[0])
    found = receipt(model, again, checks=["sanity"], n_orderings=10, seed=seed, cancelled=cancelled)
    line = found.lines[0]
    # what a method shows of random weights says little about words that several methods agree on: no reason to fail
    grade = "doubtful" if line.verdict == "fails" else line.verdict
    sentence = line.sentence
    if line.number is not None:
        digits = 3 if f"{line.number:.2f}" == "0.50" else 2  # on the other side of the limit
        method, said = METHODS[again.method].label, f"rank correlation {line.number:.{digits}f}"
        sentence = (
            f"with random weights, {method} ranks the words differently ({said})"
            if line.verdict == "holds"
            else f"with random weights, {method} still ranks the words alike ({said}; at most 0.5 is allowed)"
        )
    return ReceiptLine("sanity", line.number, sentence, grade, line.threshold, line.details), found
