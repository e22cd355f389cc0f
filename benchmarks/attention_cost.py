"""The cost of attention and of every measure derived from it, in forward passes of the same sentence.

A forward pass is ``fill_mask`` on encoded text: the encoder, and the vocabulary head at the mask. Limits for 24
tokens: attention costs at most 1.15 forward passes, the ablation sweep 0.35 × the number of heads.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from _timing import add_smoke, interleaved, machine, ratios, table

import glassbert as gb

TEXT = "The doctor said that [MASK] was very tired, because the night had been long, then the nurse went home."
MOST_ATTENTION, MOST_SWEEP = 1.15, 0.35


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="pretrained", help="an embedded id, a hub id or a folder")
    parser.add_argument("--rounds", type=int, default=7)
    add_smoke(parser)
    options = parser.parse_args(argv)
    model = gb.load(options.model, device="cpu")
    encoded = gb.encode(model, TEXT)
    maps = gb.attention(model, encoded)
    view = gb.ablate(model, [(0, 0), (0, 1), (model.layers - 1, 0), (model.layers - 1, 1)])
    tokens, heads = len(encoded), model.layers * model.attention_heads
    contenders = {
        "forward pass": lambda: gb.fill_mask(model, encoded),
        "attention": lambda: gb.attention(model, encoded),
        "attention, 4 heads off": lambda: gb.attention(view, encoded),
        "rollout (weights given)": lambda: gb.rollout(maps),
        "flow, one query at the top (weights given)": lambda: gb.flow(maps, layers=[model.layers - 1], queries=[5]),
        "value norms 2020": lambda: gb.value_norms(model, encoded),
        "value norms 2021": lambda: gb.value_norms(model, encoded, variant="2021"),
        "value zeroing": lambda: gb.value_zeroing(model, encoded),
        "attention relevance": lambda: gb.maps.attention_relevance_map(model, encoded),
        "head profile (weights given)": lambda: gb.head_profile(maps),
        "head distances (weights given)": lambda: gb.head_distances(maps),
        "head importance": lambda: gb.head_importance(model, encoded),
        f"ablation sweep, {heads} heads": lambda: gb.ablation_sweep(model, encoded),
    }
    found = ratios(interleaved(contenders, 1 if options.smoke else options.rounds), "forward pass")
    print(f"{options.model}: {tokens} tokens, {model.layers} × {model.attention_heads} heads; {machine()}\n")
    print(table(("", "forward passes"), [(name, spread.text()) for name, spread in found.items()]))
    sweep = found[f"ablation sweep, {heads} heads"].middle / heads
    print(f"\nattention: {found['attention'].middle:.2f} forward passes (limit: {MOST_ATTENTION})")
    print(f"sweep: {sweep:.2f} forward passes per head (limit: {MOST_SWEEP})")


if __name__ == "__main__":
    main()
