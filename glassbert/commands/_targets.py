"""What is explained, as it is named on the command line."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from glassbert.commands._command import windows_of
from glassbert.errors import TargetError

if TYPE_CHECKING:
    from glassbert.network.model import Model
    from glassbert.results import Encoded
    from glassbert.targets import Target

__all__ = ["add_target", "target_of"]

_FOLLOWS = {"next": True, "not-next": False}


def add_target(parser: argparse.ArgumentParser, *, foil: bool = True) -> None:
    """The options that choose what is explained, and rather than what."""
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="what is explained: a class by name or number, a word for the first [MASK], next / not-next for a pair, "
        "an entity or an answer as the text has it, the first of several equal ones, NAME#2 for the second (default: "
        "the prediction)",
    )
    if foil:
        parser.add_argument("--foil", metavar="NAME", help="explain the difference: why the target rather than this")


def target_of(model: Model, text: str, pair: str | None, arguments: argparse.Namespace) -> Target | None:
    """What --target and --foil name, for this model and text; None: the prediction. Raises TargetError."""
    from glassbert.targets import ClassTarget, EntityTarget, MaskTarget, NextSentenceTarget, SpanTarget
    from glassbert.text.inputs import encode, mask_positions

    wanted, foil = arguments.target, getattr(arguments, "foil", None)
    if wanted is None and foil is None:
        return None
    if "classification" in model.task_heads:
        return ClassTarget(_label(model, wanted), _label(model, foil))
    windows = windows_of(arguments)
    if "token_classification" in model.task_heads:
        if wanted is None:
            raise TargetError("--foil names the type that an entity is contrasted with: --target names the entity")
        first, last = _place(encode(model, text, pair, windows=windows), 0, wanted)
        return EntityTarget(first, last + 1, foil=foil)
    if "question_answering" in model.task_heads and pair is not None:
        encoded = encode(model, text, pair, windows=windows)
        spans = [None if words is None else _place(encoded, 1, words) for words in (wanted, foil)]
        if spans[0] is None:
            raise TargetError("--foil names another answer: --target names the one that is explained")
        return SpanTarget(*spans[0], spans[1])
    masks = (
        mask_positions(model, encode(model, text, pair, windows=windows)) if "masked_words" in model.task_heads else ()
    )
    if masks:
        return MaskTarget(masks[0], wanted, foil)
    if pair is not None and wanted in _FOLLOWS and foil is None and "next_sentence" in model.task_heads:
        return NextSentenceTarget(_FOLLOWS[wanted])
    raise TargetError(
        "--target and --foil name classes of a classifier, or words for a [MASK] in the text; of a pair, --target is "
        "next or not-next; of a model for entities or answers, words of the text"
    )


def _place(encoded: Encoded, which: int, words: str) -> tuple[int, int]:
    """The first and last token of these words, where they first stand in text A (0) or B (1); of "words#2", where they
    stand for the second time. Raises TargetError."""
    from glassbert.results import counted
    from glassbert.text.words import tokens_at

    text = encoded.texts[which]
    name, number = words, 1
    if words not in text and (numbered := re.fullmatch(r"(.+)#([1-9]\d{0,3})", words, re.DOTALL)):
        name, number = numbered[1], int(numbered[2])
    places = [found.start() for found in re.finditer(re.escape(name), text)]
    if not name.strip() or not places:
        raise TargetError(f"the text does not have the words {name!r}: give them as it has them")
    if number > len(places):
        raise TargetError(f"{words!r}: the text has the words {name!r} {counted(len(places), 'time')} only")
    start = places[number - 1]
    inside = tokens_at(encoded, which, start, start + len(name)).tolist()
    if not inside:
        raise TargetError(f"no token of the text is in the words {name!r}")
    return inside[0], inside[-1]


def _label(model: Model, name: str | None) -> str | int | None:
    if name is None or name in model.labels or not (name.isascii() and name.isdigit()):
        return name
    return int(name)
