"""What the task heads predict: bars of probabilities from 0 to 100%."""

from __future__ import annotations

import numpy as np

from glassbert.errors import OptionError
from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import left_out, one_of, shown_label
from glassbert.language.predictions import (
    AnswerPrediction,
    Classification,
    Entities,
    MaskPrediction,
    PairPrediction,
    ReplacedTokens,
    TokenLabels,
)
from glassbert.language.results import ContinuationRanking, WordScores
from glassbert.pictures.bar_drawings import score_rows, share_rows
from glassbert.pictures.drawing import stacked, titled
from glassbert.pictures.formats import percent, readable
from glassbert.pictures.palette import Theme
from glassbert.results import Encoded

_WIDE = 560
_MOST_MASKS = 8


def around(encoded: Encoded, position: int, pieces: int = 4) -> str:
    """A token with its neighbours, as the heading of what is said of it: ``… capital of [MASK] . …``"""
    start, stop = max(0, position - pieces), min(len(encoded), position + pieces + 1)
    before, after = "… " if start else "", " …" if stop < len(encoded) else ""
    return before + shown_label(" ".join(encoded.pieces[start:stop]), 80) + after


def _masks(result: MaskPrediction, on: Theme, *, mask: int | None = None, top_k: int | None = None) -> Sheet:
    """``mask`` is one of several, counted from 0; ``top_k`` the number of candidates shown."""
    masks, candidates = result.probabilities.shape
    shown = one_of("mask", mask, masks)
    drawn = []
    for row in shown[:_MOST_MASKS]:
        spelling, original = result.encoded.spelling, int(result.original_ids[row])
        places = range(candidates)[: candidates if top_k is None else top_k]
        names = [readable(result.candidates[row][place], spelling) for place in places]
        shares = [float(result.probabilities[row, place]) for place in places]
        marked = [number for number, place in enumerate(places) if int(result.candidate_ids[row, place]) == original]
        if original >= 0 and not marked:
            names.append(
                f"{readable(result.original_tokens[row], spelling)} (rank {int(result.original_ranks[row]):,})"
            )
            shares.append(float(result.original_probabilities[row]))
            marked = [len(names) - 1]
        bars = share_rows(names, shares, marked, on=on, width_px=_WIDE)
        heading = f"Token {int(result.positions[row])}: {around(result.encoded, int(result.positions[row]))}"
        drawn.append(titled(bars, heading, on))
    notes = [
        "Probabilities over the whole vocabulary of each masked token.",
        "In full colour: the original word." if (result.original_ids >= 0).any() else "",
        f"Uncertainty {', '.join(f'{result.entropy[row]:.2f}' for row in shown[:_MOST_MASKS])} bits.",
        left_out(min(len(shown), _MOST_MASKS), len(shown), "masks"),
    ]
    return Sheet("Masked words", stacked(drawn, gap=18), result.encoded.texts, notes)


def _classes(result: Classification, on: Theme, *, top_k: int = 20, threshold: float = 0.5) -> Sheet:
    """``top_k`` is the number of labels shown, the most probable first; ``threshold`` decides between two classes."""
    if not 0 <= threshold <= 1:
        raise OptionError(f"threshold must be a probability, 0 to 1; got {threshold:g}")
    if result.regression:
        scores = score_rows(result.labels, result.logits.tolist(), on=on, width_px=_WIDE)
        return Sheet("Scores", scores, result.encoded.texts, ["A regression: scores, not probabilities."])
    order = np.argsort(-result.probabilities, kind="stable").tolist()[:top_k]
    answer = result.decided(threshold)
    bars = share_rows(
        [result.labels[label] for label in order],
        [float(result.probabilities[label]) for label in order],
        [place for place, label in enumerate(order) if label == answer],
        on=on,
        width_px=_WIDE,
    )
    kind = "One sigmoid for each label; they need not sum to 1." if result.multi_label else "A softmax over the labels."
    title = f"Prediction: {shown_label(result.labels[answer])}"
    from_there = ""
    if threshold != 0.5 and result.is_between_two:
        from_there = f"{shown_label(result.labels[1])} is predicted above {percent(threshold)}."
    notes = [kind, from_there, "In full colour: the prediction.", left_out(len(order), len(result.labels), "labels")]
    return Sheet(title, bars, result.encoded.texts, notes)


def _pair(result: PairPrediction, on: Theme) -> Sheet:
    follows, not_next = (float(share) for share in result.probabilities)
    bars = share_rows(
        ["B follows A", "B does not follow A"],
        [follows, not_next],
        [result.predicted],
        on=on,
        width_px=_WIDE,
    )
    return Sheet(
        f"Next sentence: {percent(follows)} that B follows A",
        bars,
        result.encoded.texts,
        ["Next-sentence prediction (Devlin et al. 2019). In full colour: the prediction."],
    )


def _labels(result: TokenLabels, on: Theme, *, special: bool = False, top_k: int = 80) -> Sheet:
    """``special``: whether special tokens are shown; ``top_k`` the number of tokens, from the first."""
    kept = np.flatnonzero(special | (result.encoded.special_tokens_mask == 0)).tolist()
    shown = kept[:top_k]
    best = result.predicted
    common = int(np.bincount(best[kept]).argmax()) if kept else 0
    bars = share_rows(
        [f"{result.encoded.pieces[token]}  {result.labels[best[token]]}" for token in shown],
        [float(result.probabilities[token, best[token]]) for token in shown],
        [place for place, token in enumerate(shown) if best[token] != common],
        on=on,
        width_px=_WIDE,
    )
    notes = [
        "The most probable label of each token, and its probability.",
        f"In full colour: other labels than {shown_label(result.labels[common])}, which is the most frequent here.",
        left_out(len(shown), len(kept), "tokens"),
    ]
    return Sheet("Labels of the tokens", bars, result.encoded.texts, notes)


def _entities(result: Entities, on: Theme, *, top_k: int = 80) -> Sheet:
    """``top_k`` is the number of entities shown, from the first."""
    names = [
        f"{shown_label(surface)}  {shown_label(name)}"
        for surface, name in zip(result.surfaces, result.names, strict=True)
    ]
    shares = [float(share) for share in result.probabilities]
    bars = share_rows(names[:top_k], shares[:top_k], [], on=on, longest_px=320, width_px=640)
    notes = [
        "The type of each entity and its probability, the mean over its "
        f"{'tokens' if result.aggregation in ('none', 'simple') else 'words'} (aggregation: {result.aggregation}).",
        "" if names else "The model finds no entity in this text.",
        left_out(min(len(names), top_k), len(names), "entities"),
    ]
    return Sheet("Entities", bars, result.encoded.texts, notes)


def _replaced(result: ReplacedTokens, on: Theme, *, special: bool = False, top_k: int = 80) -> Sheet:
    """``special``: whether special tokens are shown; ``top_k`` the number of tokens, from the first."""
    kept = np.flatnonzero(special | (result.encoded.special_tokens_mask == 0)).tolist()
    shown = kept[:top_k]
    bars = share_rows(
        [result.encoded.pieces[token] for token in shown],
        [float(result.probabilities[token]) for token in shown],
        [place for place, token in enumerate(shown) if result.predicted[token]],
        on=on,
        width_px=_WIDE,
    )
    notes = [
        "The probability that each token was replaced (Clark et al. 2020): one sigmoid for each.",
        "In full colour: above 50%.",
        left_out(len(shown), len(kept), "tokens"),
    ]
    return Sheet("Which tokens look replaced?", bars, result.encoded.texts, notes)


def _answers(result: AnswerPrediction, on: Theme) -> Sheet:
    names = [
        f"{shown_label(answer)} (tokens {first} to {last})" if answer else "no answer"
        for answer, (first, last) in zip(result.answers, result.spans.tolist(), strict=True)
    ]
    bars = share_rows(
        names, [float(share) for share in result.span_probabilities], [0], on=on, longest_px=320, width_px=640
    )
    notes = [
        "The probability of start and end together, over the tokens of the context. In full colour: the best answer."
    ]
    return Sheet("Answers", bars, result.encoded.texts, notes)


def _continuations(result: ContinuationRanking, on: Theme, *, top_k: int = 40) -> Sheet:
    """``top_k`` is the number of candidates shown, the most likely first."""
    order = result.order.tolist()[:top_k]
    shares = [float(result.probability[index]) for index in order]
    bars = share_rows(
        [result.candidates[index] for index in order],
        shares,
        [place for place, share in enumerate(shares) if share >= 0.5],
        on=on,
        longest_px=380,
        width_px=720,
    )
    notes = [
        "Each candidate stands before the text." if result.swapped else "Each candidate stands after the text.",
        "Next-sentence prediction (Devlin et al. 2019), in the order of its margin, which is not saturated.",
        "In full colour: those that follow.",
        left_out(len(order), len(result.candidates), "candidates"),
    ]
    return Sheet("Which sentence follows", bars, (result.text,), notes)


def _words(result: WordScores, on: Theme, *, top_k: int = 40) -> Sheet:
    """``top_k`` is the number of words shown, the most likely first."""
    order = np.argsort(-result.probabilities, kind="stable").tolist()[:top_k]
    names = [
        f"{shown_label(result.words[index])} (rank {int(result.ranks[index]):,})"
        if result.ranks[index]
        else f"{shown_label(result.words[index])} ({len(result.pieces[index])} pieces)"
        for index in order
    ]
    shares = [float(result.probabilities[index]) for index in order]
    bars = titled(
        share_rows(names, shares, [0], on=on, width_px=_WIDE),
        f"In place of {around(result.encoded, result.position)}",
        on,
    )
    several = any(not rank for rank in result.ranks)
    notes = [
        "Probabilities over the whole vocabulary. In full colour: the most likely of these words.",
        f"A word of several pieces: the product of its pieces' probabilities ({result.variant})." if several else "",
        left_out(len(order), len(result.words), "words"),
    ]
    return Sheet("How likely are these words?", bars, result.encoded.texts, notes)


FIGURES = (
    Figure(MaskPrediction, _masks),
    Figure(Classification, _classes),
    Figure(PairPrediction, _pair),
    Figure(TokenLabels, _labels),
    Figure(Entities, _entities),
    Figure(ReplacedTokens, _replaced),
    Figure(AnswerPrediction, _answers),
    Figure(ContinuationRanking, _continuations),
    Figure(WordScores, _words),
)
