"""What does a whole trace cost, in single forward passes, compared with patching one place at a time?

``gb.trace`` patches every layer × position of a text of 24 tokens, for two pairs of texts: one that differs in a word,
as traced pairs mostly do, and one that differs in every word, where no patch can be spared. The unit is one forward
pass of the corrupted text alone by the same model, without gradients. "One at a time" is the usual loop: a hook on the
stock network and a full pass per place; its F of every place is checked first.

Wall-clock time, with the threads the library chooses: one for a single short text, all for a batch. ``--cpu`` takes
processor time on one thread instead, which other programs hardly affect.

    python benchmarks/trace.py [--tokens 24] [--rounds 5] [--device auto] [--cpu]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from _texts import text_of
from _timing import Spread, add_smoke, interleaved, machine, ratios, table

import glassbert as gb
from glassbert.network import device
from glassbert.network.device import work_threads
from glassbert.network.run import batch, network_inputs

_PASSES = 20  # timed together as the unit: one alone is too short a time
BAR = 0.3


def forward(model: gb.Model, text: str) -> None:
    inputs = batch(model, [gb.encode(model, text)])
    for _ in range(_PASSES):
        with torch.no_grad(), work_threads(inputs.token_rows):
            model.network(**network_inputs(model, inputs, model.device))


def one_at_a_time(model: gb.Model, clean: str, corrupted: str, label: int) -> np.ndarray:
    """F of every layer × position, with a hook on the stock network and a full pass each."""
    inputs = [
        network_inputs(model, batch(model, [gb.encode(model, text)]), model.device) for text in (clean, corrupted)
    ]
    layers = model.network.base_model.encoder.layer
    with torch.no_grad(), work_threads(inputs[0]["attention_mask"].numel()):
        states = model.network(**inputs[0], output_hidden_states=True).hidden_states
        values = np.empty((len(states), states[0].shape[1]))
        for layer, position in np.ndindex(values.shape):

            def patch(state: torch.Tensor, layer: int = layer, position: int = position) -> torch.Tensor:
                state = state.clone()
                state[0, position] = states[layer][0, position]
                return state

            if layer == 0:
                hook = layers[0].register_forward_pre_hook(lambda _, given, patch=patch: (patch(given[0]), *given[1:]))
            else:
                hook = layers[layer - 1].register_forward_hook(lambda _, __, output, patch=patch: patch(output))
            try:
                values[layer, position] = float(model.network(**inputs[1]).logits[0, label])
            finally:
                hook.remove()
    return values


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--cpu", action="store_true", help="processor time on one thread")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    if arguments.cpu:
        torch.set_num_threads(1)
        device.limit_threads(1)  # the library chooses its threads itself
    model = gb.load("sentiment", arguments.device)
    tokens, rounds = (10, 1) if arguments.smoke else (arguments.tokens, arguments.rounds)
    clean = text_of(model, tokens)
    words = clean.removesuffix(".").split()
    pairs = {
        "one word": " ".join([*words[:5], "thin", *words[6:]]) + ".",
        "every word": " ".join(words[1:] + words[:1]) + ".",
    }
    places = model.layers * tokens
    for name, corrupted in pairs.items():
        found = gb.trace(model, clean, corrupted, 1)
        away = np.abs(found.values - one_at_a_time(model, clean, corrupted, 1)).max()
        if away > 1e-4:
            raise SystemExit(f"{name}: the trace is {away} away from patching one place at a time")
    contenders = {"unit": partial(forward, model, clean)}
    for name, corrupted in pairs.items():
        for kind in ("hidden", "head", "attention", "mlp"):
            contenders[f"{kind}, {name} differs"] = partial(gb.trace, model, clean, corrupted, 1, kind=kind)
        contenders[f"hidden one at a time, {name} differs"] = partial(one_at_a_time, model, clean, corrupted, 1)
    clock = time.process_time if arguments.cpu else time.perf_counter
    taken = interleaved(contenders, rounds, clock)
    units = ratios(taken, "unit")
    print(f"{model.layers} layers × {tokens} tokens, {model.device}, {rounds} rounds, {machine()}")
    print("processor time on one thread" if arguments.cpu else "wall-clock time, the library's own threads")
    rows = [
        (name, units[name].text(1, _PASSES), units[name].text(3, _PASSES / places), Spread.of(taken[name]).text(2))
        for name in contenders
        if name != "unit"
    ]
    print(table(("", "forward passes", "a layer × position", "s"), rows))
    middle = max(units[f"hidden, {name} differs"].middle for name in pairs) * _PASSES / places
    print(f"\nthe bar of {BAR} a layer × position is {'met' if middle <= BAR else 'missed'} ({middle:.3f})")


if __name__ == "__main__":
    main()
