"""How much faster is surprise in one batched call than one position at a time?

Every token of a text is masked in turn. Four ways take turns on the same text and find the same surprisal, which is
checked first: ``gb.surprise``; ``gb.fill_mask`` for each position; the stock network for each position, reading the
logits there; and the stock network's own loss for each position, as common snippets for pseudo-perplexity do. The last
two compute the vocabulary's scores at every position but use only those of one.

By default everything runs on one thread, and processor time is taken, which other programs hardly affect: the ratio is
that of the arithmetic. ``--wall`` takes wall-clock time with the threads that the library and torch choose; a batch
keeps several cores or a GPU busy, a single short text cannot.

    python benchmarks/surprise.py [--tokens 24 128] [--rounds 3] [--device auto] [--wall] [--precision bfloat16]
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from _texts import text_of
from _timing import Spread, add_smoke, interleaved, machine, ratios, table
from torch import Tensor

import glassbert as gb
from glassbert.network import device

BATCHED = "surprise, one batched call"
Bits = list[float]


def batched(model: gb.Model, text: str) -> Bits:
    return gb.surprise(model, text).surprisal.tolist()


def with_fill_mask(model: gb.Model, text: str) -> Bits:
    encoded = gb.encode(model, text)
    found = [
        float(gb.fill_mask(model, encoded, positions=[position], top_k=1).original_probabilities[0])
        for position in np.flatnonzero(encoded.special_tokens_mask == 0)
    ]
    return [-math.log2(probability) for probability in found]


def masked_copies(model: gb.Model, text: str) -> Iterator[tuple[int, int, dict[str, Tensor]]]:
    """Position, its original id, and the stock network's arguments with a mask instead."""
    encoded = gb.encode(model, text)
    ids = torch.tensor(encoded.input_ids)[None]
    for position in np.flatnonzero(encoded.special_tokens_mask == 0).tolist():
        masked = ids.clone()
        masked[0, position] = model.tokenizer.mask_token_id
        arguments = {"input_ids": masked, "attention_mask": torch.ones_like(masked)}
        yield position, int(ids[0, position]), {name: value.to(model.device) for name, value in arguments.items()}


def stock_logits(model: gb.Model, text: str) -> Bits:
    found = []
    with torch.no_grad():
        for position, token, arguments in masked_copies(model, text):
            logits = model.network(**arguments).prediction_logits[0, position]
            found.append(float(-logits.log_softmax(dim=-1)[token]) / math.log(2))
    return found


def stock_loss(model: gb.Model, text: str) -> Bits:
    found = []
    with torch.no_grad():
        for position, token, arguments in masked_copies(model, text):
            logits = model.network(**arguments).prediction_logits
            labels = torch.full_like(arguments["input_ids"], -100)
            labels[0, position] = token
            found.append(float(torch.nn.functional.cross_entropy(logits[0], labels[0])) / math.log(2))
    return found


WAYS: dict[str, Callable[[gb.Model, str], Bits]] = {
    BATCHED: batched,
    "fill_mask, one position at a time": with_fill_mask,
    "stock network, one position at a time": stock_logits,
    "stock network's loss, one position at a time": stock_loss,
}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[24, 128])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of all four ways")
    parser.add_argument("--wall", action="store_true", help="wall-clock time, all threads")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    if not arguments.wall:
        torch.set_num_threads(1)
        device.limit_threads(1)  # the library chooses its threads itself; here all have the same
    model = gb.load("pretrained", arguments.device, precision=arguments.precision)
    near = 1e-3 if arguments.precision == "float32" else 0.5
    clock = time.perf_counter if arguments.wall else time.process_time
    kind = "s" if arguments.wall else "CPU s"
    print(
        f"surprise, {model.device}, {model.precision}, {'all threads' if arguments.wall else '1 thread'}, {machine()}"
    )
    rounds = 1 if arguments.smoke else arguments.rounds
    for tokens in [8] if arguments.smoke else arguments.tokens:
        text = text_of(model, tokens)
        expected = batched(model, text)
        for name, way in WAYS.items():
            difference = float(np.abs(np.subtract(way(model, text), expected)).max())
            if difference > near:
                raise SystemExit(f"{name} is {difference} bits away from the batched call")
        taken = interleaved({name: partial(way, model, text) for name, way in WAYS.items()}, rounds, clock)
        compared = ratios(taken, BATCHED)
        print(f"\n{tokens} tokens, {rounds} rounds, {machine()}")
        rows = [(name, compared[name].text(), Spread.of(times).text(2)) for name, times in taken.items()]
        print(table(("", "× the batched call", kind), rows))


if __name__ == "__main__":
    main()
