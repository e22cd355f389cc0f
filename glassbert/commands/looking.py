"""Where the model attends: attention weights and the measures derived from them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glassbert.commands._command import Command, add_json, add_model, number, open_model
from glassbert.commands._console import Console
from glassbert.commands._tables import plain, table, texts
from glassbert.commands._texts import Answers, add_texts, answer_each
from glassbert.errors import LayerError, OptionError

if TYPE_CHECKING:
    from glassbert.maps.results import TokenMaps

__all__ = ["COMMANDS"]


def _options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    parser.add_argument("--layer", type=number(0), metavar="N", help="one layer, counted from 0 (the app: from 1)")
    parser.add_argument(
        "--head", type=number(0), metavar="N", help="one head of --layer, counted from 0; without it, their mean"
    )
    parser.add_argument(
        "--measure",
        default="attention",
        metavar="ID",
        help="attention (the weights), rollout, flow, value_norms_2020, value_norms_2021, value_zeroing, "
        "attention_relevance (default: %(default)s)",
    )
    parser.add_argument("--words", action="store_true", help="by word instead of by token")
    parser.add_argument("--hide-special", action="store_true", help="leave out the rows and columns of special tokens")
    parser.add_argument(
        "--top-k", type=number(1), default=3, metavar="N", help="tokens shown in each row (default: %(default)s)"
    )
    add_json(parser, "AttentionMaps with every weight, or TokenMaps with any of the options above but --top-k")
    add_model(parser, "pretrained")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.errors import MethodError
        from glassbert.maps import MEASURES, attention, attention_map

        if arguments.measure not in MEASURES:
            raise MethodError(f"measure must be one of {', '.join(MEASURES)}; got {arguments.measure!r}")
        if arguments.head is not None and (arguments.layer is None or not MEASURES[arguments.measure].per_head):
            raise OptionError("--head needs --layer, and a measure with a map for each head, such as attention")
        model = open_model(arguments, console)

        def compute(text: str, pair: str | None) -> Any:
            if arguments.measure == "attention":
                weights = attention(model, text, pair)
                if arguments.layer is None and not arguments.words and not arguments.hide_special:
                    return weights
                maps = weights.maps()
            else:
                maps = attention_map(model, text, pair, measure=arguments.measure)
            if arguments.layer is not None:
                maps = _chosen(maps, arguments.layer, arguments.head)
            if arguments.hide_special:
                maps = maps.without_special()
            return maps.by_word() if arguments.words else maps

        return Answers(compute, lambda one: _lines(one, arguments, console))

    return answer_each(arguments, console, prepare)


def _chosen(maps: TokenMaps, layer: int, head: int | None) -> TokenMaps:
    """The map of one layer, or of one of its heads. Raises LayerError."""
    found = [row for row, number in enumerate(maps.layers.tolist()) if number == layer]
    if not found:
        raise LayerError(f"layer {layer}: these maps have layers {int(maps.layers.min())} to {int(maps.layers.max())}")
    if maps.per_head:
        heads = maps.heads.tolist() if head is None else [head]
        return maps.combine([(layer, one) for one in heads])
    return replace(maps, values=maps.values[found], layers=maps.layers[found])


def _lines(result: Any, arguments: argparse.Namespace, console: Console) -> list[str]:
    """One row for each token: where it attends most, in the mean of the heads or, layer by layer, in the last layer."""
    maps = result.maps() if hasattr(result, "maps") else result
    said = _of(maps, arguments)
    if maps.per_head:
        heads = [(layer, head) for layer in maps.layers.tolist() for head in maps.heads.tolist()]
        maps = maps.combine(heads)
    values = maps.values[-1]
    count = min(arguments.top_k, len(maps.keys))
    rows = []
    for query, label in enumerate(maps.query_labels):
        best = (-values[query]).argsort(kind="stable")[:count]
        rows.append(
            [plain(label, 30), *(f"{values[query, key]:.2f} {plain(maps.key_labels[key], 30)}" for key in best)]
        )
    head = ["word" if arguments.words else "token", "most", *[""] * (count - 1)]
    return [texts(maps.encoded.texts), said, *table(head, rows, paint=console.look)]


def _of(maps: TokenMaps, arguments: argparse.Namespace) -> str:
    """``attention, mean of 72 heads; each row sums to 1``."""
    part = "mean of all heads" if maps.per_head else f"layer {int(maps.layers[-1])}"
    if arguments.layer is not None:
        part = f"layer {arguments.layer}"
        if maps.measure == "attention":
            part += ", mean of its heads" if arguments.head is None else f", head {arguments.head}"
    if arguments.hide_special:
        part += ", special tokens left out"
    return f"{maps.measure}, {part}{'; each row sums to 1' if maps.rows_sum_to_one else ''}"


COMMANDS = (
    Command(
        "attention",
        "where each token attends",
        "Attention weights, or a measure derived from them: for each token, the tokens that it attends to most.\n"
        "Without --layer, the mean of all heads of all layers; a measure by layer shows its last layer.",
        (
            'glassbert attention "The keys to the cabinet are on the table."',
            'glassbert attention "The keys are on the table." --layer 2 --head 7',
            'glassbert attention "The keys are on the table." --measure rollout --words --hide-special',
        ),
        _options,
        _run,
        units="attention weights are shares from 0 to 1, and those of a token sum to 1; a large weight is not a large "
        "effect",
        defined=("Attention weights", "Heads"),
    ),
)
