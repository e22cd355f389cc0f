"""What is explained, as it is named on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from glassbert.commands._command import windows_of
from glassbert.errors import TargetError

if TYPE_CHECKING:
    from glassbert.network.model import Model
    from glassbert.targets import Target

__all__ = ["add_target", "target_of"]

_FOLLOWS = {"next": True, "not-next": False}


def add_target(parser: argparse.ArgumentParser) -> None:
    """The options that choose what is explained."""
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="what is explained: a class by name or number, a word for the first [MASK], or next / not-next for a pair "
        "(default: the prediction)",
    )
    parser.add_argument("--foil", metavar="NAME", help="explain the difference: why the target rather than this")


def target_of(model: Model, text: str, pair: str | None, arguments: argparse.Namespace) -> Target | None:
    """What --target and --foil name, for this model and text; None: the prediction. Raises TargetError."""
    from glassbert.targets import ClassTarget, MaskTarget, NextSentenceTarget
    from glassbert.text.inputs import encode, mask_positions

    wanted, foil = arguments.target, arguments.foil
    if wanted is None and foil is None:
        return None
    if "classification" in model.task_heads:
        return ClassTarget(_label(model, wanted), _label(model, foil))
    masks = (
        mask_positions(model, encode(model, text, pair, windows=windows_of(arguments)))
        if "masked_words" in model.task_heads
        else ()
    )
    if masks:
        return MaskTarget(masks[0], wanted, foil)
    if pair is not None and wanted in _FOLLOWS and foil is None and "next_sentence" in model.task_heads:
        return NextSentenceTarget(_FOLLOWS[wanted])
    raise TargetError(
        "--target and --foil name classes of a classifier, or words for a [MASK] in the text; of a pair, --target is "
        "next or not-next"
    )


def _label(model: Model, name: str | None) -> str | int | None:
    if name is None or name in model.labels or not (name.isascii() and name.isdigit()):
        return name
    return int(name)
