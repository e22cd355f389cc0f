"""Results → figures: picks from a result what `glassbert.pictures` draws. No Streamlit, no computation, no layout.

Pictures are part of the library, which takes seconds to import: like all of it, they are imported where they are used,
when there is a result to draw and the library is already loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import plotly.graph_objects as go

    import glassbert as gb
    from glassbert.intervention.results import Trace
    from glassbert.language.predictions import AnswerPrediction, ReplacedTokens, TokenLabels
    from glassbert.language.results import ContinuationRanking, WordScores
    from glassbert.similarities import Similarity

__all__ = [
    "answers",
    "candidates",
    "class_shares",
    "ends_of_answers",
    "faithfulness_curve",
    "label_shares",
    "next_sentence",
    "ordinal",
    "percent",
    "points",
    "probabilities",
    "ranking",
    "readable",
    "readable_number",
    "scores",
    "signed",
    "similarity",
    "token_labels",
    "trace",
    "words",
]


def candidates(
    prediction: gb.MaskPrediction, row: int, shown: Sequence[int] | None = None, *, log: bool = False
) -> go.Figure:
    """The candidates at one mask, the original word darker, added below if it is not among them.

    ``shown`` selects some of them by their index in the list.
    """
    from glassbert.pictures.bars import share_bars

    places = range(len(prediction.candidates[row])) if shown is None else shown
    original = int(prediction.original_ids[row])
    spelling = prediction.encoded.spelling
    names = [readable(prediction.candidates[row][place], spelling) for place in places]
    shares = [float(prediction.probabilities[row, place]) for place in places]
    ids = [int(prediction.candidate_ids[row, place]) for place in places]
    if original >= 0 and original not in ids:
        ids.append(original)
        names.append(
            f"{readable(prediction.original_tokens[row], spelling)} (rank {int(prediction.original_ranks[row]):,})"
        )
        shares.append(float(prediction.original_probabilities[row]))
    return share_bars(names, shares, [place for place, token in enumerate(ids) if token == original], log=log)


def words(result: WordScores, *, log: bool = False) -> go.Figure:
    """The requested words, most likely first, with their rank or number of pieces."""
    from glassbert.pictures.bars import share_bars

    order = result.probabilities.argsort()[::-1]
    names = [
        f"{result.words[index]} (rank {result.ranks[index]:,})"
        if result.ranks[index]
        else f"{result.words[index]} ({len(result.pieces[index])} pieces)"
        for index in order
    ]
    return share_bars(names, [float(result.probabilities[index]) for index in order], [0], log=log)


def ranking(result: ContinuationRanking) -> go.Figure:
    """Continuations, most likely first; those predicted to follow darker."""
    from glassbert.pictures.bars import share_bars

    shares = [float(result.probability[index]) for index in result.order]
    follow = [place for place, share in enumerate(shares) if share >= 0.5]
    return share_bars([result.candidates[index] for index in result.order], shares, follow, characters=60)


def probabilities(classification: gb.Classification, most: int = 6, threshold: float = 0.5) -> go.Figure:
    """A classifier's labels, the most probable first, the answer darker; of a regression, its scores."""
    from glassbert.pictures.bars import score_bars, share_bars

    if classification.regression:
        return score_bars(classification.labels, classification.logits.tolist(), named=True)

    order = classification.probabilities.argsort()[::-1][:most]
    return share_bars(
        [classification.labels[index] for index in order],
        [float(classification.probabilities[index]) for index in order],
        [place for place, index in enumerate(order) if index == classification.decided(threshold)],
    )


def class_shares(names: Sequence[str], counts: Sequence[int]) -> go.Figure:
    """How many of all texts each class has, the largest first, with its count."""
    from glassbert.pictures.bars import share_bars

    order = sorted(range(len(counts)), key=lambda one: -counts[one])
    total = max(1, sum(counts))
    return share_bars([f"{names[one]} ({counts[one]:,})" for one in order], [counts[one] / total for one in order])


def next_sentence(prediction: gb.PairPrediction) -> go.Figure:
    """Whether text B follows text A, the answer first."""
    from glassbert.pictures.bars import share_bars

    names = ("B follows A", "B does not follow A")
    order = (prediction.predicted, 1 - prediction.predicted)
    return share_bars([names[one] for one in order], [float(prediction.probabilities[one]) for one in order], [0])


def answers(prediction: AnswerPrediction) -> go.Figure:
    """The best spans of the context."""
    from glassbert.pictures.bars import share_bars
    from glassbert.pictures.markup import clipped

    names = [clipped(text, 40) or "no answer" for text in prediction.answers]
    return share_bars(names, [float(share) for share in prediction.span_probabilities], [0])


def similarity(result: Similarity, which: Literal["parts", "states"], *, special: bool = True) -> go.Figure:
    """Tokens of the first × tokens of the second: parts of their cosine, or the cosines of their last states."""
    from glassbert.pictures.matrices import token_pairs

    sides = [
        [index for index in range(len(side)) if special or not side.special_tokens_mask[index]]
        for side in (result.first, result.second)
    ]
    rows, columns = (
        [readable(side.tokens[index], side.spelling) for index in chosen]
        for side, chosen in zip((result.first, result.second), sides, strict=True)
    )
    values = (result.matrix if which == "parts" else result.states)[sides[0]][:, sides[1]]
    return token_pairs(values, rows, columns, most=None if which == "parts" else 1.0)


def token_labels(prediction: TokenLabels, position: int, most: int = 6) -> go.Figure:
    """The labels of one token."""
    from glassbert.pictures.bars import share_bars

    shares = prediction.probabilities[position]
    order = shares.argsort()[::-1][:most]
    return share_bars([prediction.labels[index] for index in order], [float(shares[index]) for index in order], [0])


def label_shares(prediction: TokenLabels) -> go.Figure:
    """The probability of every label at every token; special tokens are left out."""
    from glassbert.pictures import matrices

    words = (prediction.encoded.special_tokens_mask == 0).nonzero()[0]
    tokens = [prediction.encoded.pieces[place] for place in words]
    return matrices.label_shares(prediction.probabilities[words], tokens, prediction.labels)


def ends_of_answers(prediction: AnswerPrediction, start: Sequence[float], end: Sequence[float]) -> go.Figure:
    """Where the answer starts and ends: probabilities over the tokens of the context."""
    from glassbert.pictures import lines

    context = (prediction.encoded.sequence_ids == 1).nonzero()[0].tolist()
    tokens = [prediction.encoded.pieces[place] for place in context]
    first, last = prediction.spans[0].tolist()
    best = (context.index(first), context.index(last)) if last else None
    return lines.ends_of_answers(tokens, start, end, best)


def replaced_tokens(prediction: ReplacedTokens, most: int = 6) -> go.Figure:
    """The tokens that look replaced most, those above 50% darker."""
    from glassbert.pictures.bars import share_bars

    encoded = prediction.encoded
    order = [index for index in (-prediction.logits).argsort() if not encoded.special_tokens_mask[index]][:most]
    return share_bars(
        [encoded.pieces[index] for index in order],
        [float(prediction.probabilities[index]) for index in order],
        [place for place, index in enumerate(order) if prediction.predicted[index]],
    )


def scores(result: gb.TokenScores, positions: Sequence[int], selected: int | None) -> go.Figure:
    """One bar per word or piece, for reading exact scores; the selected one is outlined. Special tokens have none: one
    of them often holds most of the total, and all other bars would look alike."""
    from glassbert.pictures.bars import score_bars

    return score_bars(
        [result.encoded.pieces[position] for position in positions],
        [float(result.scores[position]) for position in positions],
        next((place for place, position in enumerate(positions) if position == selected), None),
        named=True,
        height_px=140,
    )


def faithfulness_curve(details: Mapping[str, Any]) -> go.Figure:
    """p(x) − p(part) over the share of tokens, this explanation over the band of random orderings."""
    from glassbert.pictures.lines import curve_over_band

    bands = dict(zip(details["percentiles"], details["random_curves"], strict=True))
    percents = [100 * float(share) for share in details["shares"]]
    return curve_over_band(percents, details["curve"], (bands[5], bands[50], bands[95]))


def trace(result: Trace) -> go.Figure:
    """Restored share by layer and token, or by layer and head; the first layer on top, zero uncoloured."""
    from glassbert.pictures.matrices import restored_shares

    hidden, heads = result.kind == "hidden", result.kind == "head"
    shares, values = result.restored, result.values
    columns: list[str | tuple[str, str]]
    if heads:
        shares, values = shares[..., 0], values[..., 0]
        columns = [f"head {head + 1}" for head in range(shares.shape[1])]
    else:
        starts = result.spans[:, 0]
        columns = [(result.clean.pieces[start], result.corrupted.pieces[start]) for start in starts]
    layers = ["embeddings" if hidden and layer == 0 else f"layer {layer + (not hidden)}" for layer in result.layers]
    return restored_shares(shares, values, layers, columns)


def signed(value: float) -> str:
    """`glassbert.pictures.formats.signed`."""
    from glassbert.pictures import formats

    return formats.signed(value)


def points(before: float, after: float) -> str:
    """`glassbert.pictures.formats.points`."""
    from glassbert.pictures import formats

    return formats.points(before, after)


def readable_number(value: float) -> str:
    """`glassbert.pictures.formats.readable_number`."""
    from glassbert.pictures import formats

    return formats.readable_number(value)


def ordinal(number: int) -> str:
    """`glassbert.pictures.formats.ordinal`."""
    from glassbert.pictures import formats

    return formats.ordinal(number)


def percent(share: float) -> str:
    """`glassbert.pictures.formats.percent`."""
    from glassbert.pictures import formats

    return formats.percent(share)


def readable(token: str, spelling: str = "") -> str:
    """`glassbert.pictures.formats.readable`."""
    from glassbert.pictures import formats

    return formats.readable(token, spelling)
