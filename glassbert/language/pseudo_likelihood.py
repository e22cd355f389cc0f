"""Surprise: every token masked in turn, the pseudo-log-likelihood of a text (Salazar et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from glassbert.arguments import checked
from glassbert.decision import Passes
from glassbert.errors import OptionError, TargetError
from glassbert.language.masked_copies import MaskedCopy, look_up, masked_copy, states
from glassbert.language.results import PieceScoring, Surprise
from glassbert.network.model import Model, require_task_head
from glassbert.results import Array, Encoded
from glassbert.text.inputs import Text, encode, token_name
from glassbert.text.windows import Windows, windows_of_tokens

SCORINGS: tuple[PieceScoring, ...] = ("original", "word_l2r")


@checked
def surprise(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    variant: PieceScoring = "original",
    windows: Windows | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Surprise:
    """How surprising each token is given all others: ``surprise(model, "The nurse was late.").pseudo_perplexity``.

    Each token except the special tokens is masked in turn; its surprisal is −log₂ of its probability there. Masks typed
    in the text stay masks and are not scored. ``variant`` "original" masks only the token itself (Salazar et al. 2020),
    so the pieces of a word reveal each other; "word_l2r" also masks the later pieces of its word (Kauf & Ivanova 2023).
    ``windows`` read a text that is longer than the model (:class:`glassbert.Windows`): each token is masked in the
    window in which it is most central. One masked input per token, in memory-bounded batches; ``progress(inputs done,
    inputs)`` is called before each. Raises TaskHeadError, TargetError, OptionError, TextErrors; StoppedError when
    ``cancelled()``.
    """
    require_task_head(model, "masked_words")
    check_variant(variant)
    encoded = encode(model, text, pair, windows=windows)
    scored = (encoded.special_tokens_mask == 0) & (encoded.input_ids != model.tokenizer.mask_token_id)
    positions = np.flatnonzero(scored)
    if not len(positions):
        raise TargetError("there is no token to score in this text: type a word in addition to the mask")
    copies = []
    numbers = windows_of_tokens(encoded) if len(encoded.windows) else None
    read_in: dict[int, tuple[Encoded, Array]] = {}
    for position in positions:
        hidden = [int(position)]
        if variant == "word_l2r":
            same_word = encoded.word_ids == encoded.word_ids[position]
            hidden = [int(later) for later in np.flatnonzero(same_word) if later >= position]
        if numbers is None:
            copies.append(masked_copy(model, encoded, int(position), hidden))
        else:
            copies.append(_copy_in_window(model, encoded, int(position), hidden, int(numbers[position]), read_in))

    passes = Passes(cancelled=cancelled)
    passes.report(progress, len(copies))
    own = encoded.input_ids[positions].tolist()
    answers = look_up(model, states(model, copies, passes), range(len(copies)), own)
    return Surprise(
        encoded=encoded,
        positions=positions,
        surprisal=(-answers.log_probabilities / float(np.log(2))).numpy(),
        probabilities=answers.log_probabilities.exp().numpy(),
        ranks=answers.ranks.numpy(),
        choice_ids=answers.choices.numpy(),
        choices=tuple(token_name(model, token) for token in answers.choices.tolist()),
        choice_probabilities=answers.choice_log_probabilities.exp().numpy(),
        entropy=answers.entropy.numpy(),
        variant=variant,
        forward_passes=len(copies),
    )


def _copy_in_window(
    model: Model,
    encoded: Encoded,
    position: int,
    hidden: Sequence[int],
    number: int,
    read_in: dict[int, tuple[Encoded, Array]],
) -> MaskedCopy:
    """The masked copy of one window; ``read_in`` keeps the windows and their positions."""
    if number not in read_in:
        read_in[number] = encoded.window(number), encoded.window_positions(number)
    window, places = read_in[number]
    within = np.flatnonzero(np.isin(places, hidden))
    return masked_copy(model, window, int(np.searchsorted(places, position)), within.tolist())


def check_variant(variant: str) -> None:
    """Raise OptionError for an unknown variant of scoring the pieces of a word."""
    if variant not in SCORINGS:
        raise OptionError(f"variant must be one of {', '.join(SCORINGS)}; got {variant!r}")
