"""How likely is *nurse* here? Score given words, of one or several pieces, at one position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.errors import OptionError, TargetError, TextTooLongError
from glassbert.language.masked_copies import Answers, MaskedCopy, look_up, masked_copy, states
from glassbert.language.pseudo_likelihood import check_variant
from glassbert.language.results import PieceScoring, WordScores
from glassbert.network.model import Model, require_task_head
from glassbert.results import Array, Encoded
from glassbert.text.inputs import Text, encode, token_name, with_masks
from glassbert.text.vocabulary import pieces_in_place


@checked
def score_words(
    model: Model,
    text: Text,
    position: int | Sequence[int],
    words: Sequence[str | int],
    pair: str | None = None,
    *,
    variant: PieceScoring = "word_l2r",
) -> WordScores:
    """How likely each word is here: ``score_words(model, "The [MASK] was late.", 2, ["he", "she", "they"])``.

    ``position`` is the index of the token to replace, a mask or not, or of several adjacent tokens: all pieces of a
    word, replaced together. All words of one piece share one forward pass; their probabilities and ranks are those of
    ``fill_mask``. A word of n pieces takes the place of n masks and costs n passes, in the same batch: ln p(word) =
    Σ ln p(piece | …). "word_l2r" (Kauf & Ivanova 2023) masks the later pieces, so that the product follows the chain
    rule; "original" (Salazar et al. 2020) shows all other pieces, which overestimates rare words, whose pieces reveal
    each other. Raises TaskHeadError, TargetError, OptionError, TextErrors.
    """
    require_task_head(model, "masked_words")
    check_variant(variant)
    wanted = word_list(words)
    encoded = encode(model, text, pair)
    place, start = _one_mask(model, encoded, [position] if isinstance(position, int | np.integer) else position)
    end = start + len(encoded) - len(place) + 1
    pieces = tuple(pieces_in_place(model, place, start, word) for word in wanted)
    plan = plan_words(model, place, start, pieces, variant)
    answers = look_up(model, states(model, plan.copies), plan.rows, plan.ids)
    found = gather_words(answers, pieces)
    return WordScores(
        encoded=place,
        position=start,
        replaced=encoded.tokens[start:end],
        words=tuple(word if isinstance(word, str) else token_name(model, word) for word in wanted),
        pieces=tuple(tuple(token_name(model, piece) for piece in own) for own in pieces),
        piece_ids=pieces,
        piece_probabilities=found.pieces,
        probabilities=np.exp(found.log_probabilities),
        surprisal=-found.log_probabilities / np.log(2),
        ranks=np.asarray(found.ranks),
        variant=variant,
        forward_passes=len(plan.copies),
    )


def word_list(words: Sequence[str | int]) -> tuple[str | int, ...]:
    """The words, validated as a list with at least one. Raises OptionError."""
    if isinstance(words, str) or len(words) == 0:
        raise OptionError("words must be a list with at least one word")
    return tuple(words)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The copies for some words at one position, and what to look up in which of them."""

    copies: tuple[MaskedCopy, ...]  # the first has one mask at the position
    rows: tuple[int, ...]  # (look-up,), the index of a copy
    ids: tuple[int, ...]  # (look-up,), the pieces of all words, concatenated


def plan_words(
    model: Model, place: Encoded, position: int, words: Sequence[tuple[int, ...]], variant: PieceScoring
) -> Plan:
    """Words of one piece share the first copy; each piece of a longer word has its own."""
    copies = [masked_copy(model, place, position, [position])]
    rows: list[int] = []
    for pieces in words:
        if len(pieces) == 1:
            rows.append(0)
            continue
        rows += range(len(copies), len(copies) + len(pieces))
        copies += _piece_copies(model, place, position, pieces, variant)
    return Plan(tuple(copies), tuple(rows), tuple(piece for pieces in words for piece in pieces))


def _piece_copies(
    model: Model, place: Encoded, position: int, pieces: tuple[int, ...], variant: PieceScoring
) -> list[MaskedCopy]:
    mask = int(model.tokenizer.mask_token_id)
    tokens = len(place) + len(pieces) - 1
    if tokens > model.max_tokens:
        word = " ".join(token_name(model, piece) for piece in pieces)
        raise TextTooLongError(
            f"with the {len(pieces)} pieces {word} the text has {tokens} tokens, but this model reads at most "
            f"{model.max_tokens}: shorten it",
            tokens=tokens,
            max_tokens=model.max_tokens,
        )
    segments = np.insert(place.token_type_ids, position, [place.token_type_ids[position]] * (len(pieces) - 1))
    copies = []
    for number in range(len(pieces)):
        shown = list(pieces)
        for hidden in range(number, len(pieces) if variant == "word_l2r" else number + 1):
            shown[hidden] = mask
        ids = np.concatenate([place.input_ids[:position], shown, place.input_ids[position + 1 :]])
        copies.append(MaskedCopy(ids, segments, position + number))
    return copies


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Scores of words, combined from those of their pieces."""

    log_probabilities: Array  # (word,), natural
    ranks: tuple[int, ...]  # (word,), 0 for several pieces
    pieces: tuple[tuple[float, ...], ...]  # (word, piece), probabilities


def gather_words(answers: Answers, words: Sequence[tuple[int, ...]], start: int = 0) -> Found:
    """The look-ups of :func:`plan_words`, beginning at ``start``, grouped by word."""
    sums, ranks, pieces = [], [], []
    for word in words:
        own = answers.log_probabilities[start : start + len(word)].double()
        sums.append(float(own.sum()))
        ranks.append(int(answers.ranks[start]) if len(word) == 1 else 0)
        pieces.append(tuple(torch.exp(own).tolist()))
        start += len(word)
    return Found(np.asarray(sums), tuple(ranks), tuple(pieces))


def _one_mask(model: Model, encoded: Encoded, positions: Sequence[int]) -> tuple[Encoded, int]:
    """The input with one mask in place of adjacent tokens, and its position. Raises TargetError."""
    run = sorted({int(position) for position in positions})
    if not run or run != list(range(run[0], run[-1] + 1)):
        raise TargetError("pass one position, or several adjacent ones")
    masked = with_masks(model, encoded, run)
    if len(set(masked.sequence_ids[run].tolist())) > 1:
        raise TargetError("these positions belong to two texts: choose adjacent ones in one text")
    first, last = run[0], run[-1]
    kept = [*range(first + 1), *range(last + 1, len(masked))]
    offsets = masked.offsets.copy()
    offsets[first] = (masked.offsets[first, 0], masked.offsets[last, 1])
    return (
        replace(
            masked,
            tokens=tuple(masked.tokens[index] for index in kept),
            pieces=tuple(masked.pieces[index] for index in kept),
            offsets=offsets[kept],
            **{
                name: getattr(masked, name)[kept]
                for name in (
                    "input_ids",
                    "token_type_ids",
                    "attention_mask",
                    "word_ids",
                    "sequence_ids",
                    "special_tokens_mask",
                )
            },
        ),
        first,
    )
