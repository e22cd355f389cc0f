"""The cost of receipts: the faithfulness curve with its random orderings, and the default methods with their receipts.

Limits for 24 tokens on the embedded model: 1.5 s for the curve with 100 random orderings, 2.5 s for the five default
methods with all their receipts. Seconds are only valid within one run; a forward pass is that of a single input, and
costs less in a batch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from _timing import Spread, add_smoke, interleaved, machine, table

import glassbert as gb

TEXT = "The story is slow at first, but the acting is wonderful and the ending was really not bad at all."
FAITHFULNESS = ("comprehensiveness", "sufficiency")
MOST_CURVE, MOST_ALL = 1.5, 2.5


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="sentiment", help="an embedded id, a hub id or a folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--text", default=TEXT)
    add_smoke(parser)
    options = parser.parse_args(argv)
    text, rounds = ("Not bad at all.", 1) if options.smoke else (options.text, options.rounds)
    model = gb.load(options.model, device="cpu")
    encoded = gb.encode(model, text)

    def explained() -> list[gb.TokenScores]:
        return list(gb.attribute_each(model, encoded))

    scores = explained()
    contenders = {
        "one forward pass": lambda: gb.classify(model, text),
        "five methods": explained,
        "faithfulness curve": lambda: gb.receipt(model, scores[0], checks=FAITHFULNESS),
        "five methods and their receipts": lambda: list(gb.receipts(model, explained())),
    }
    taken = interleaved(contenders, rounds)
    print(f"{options.model}: {len(encoded)} tokens, {torch.get_num_threads()} threads; {machine()}\n")
    rows = []
    for name, seconds in taken.items():
        ratio = Spread.of([own / one for own, one in zip(seconds, taken["one forward pass"], strict=True)])
        rows.append((name, Spread.of(seconds).text(3), ratio.text(0)))
    print(table(("", "s", "forward passes"), rows))
    receipts = list(gb.receipts(model, scores))
    print(f"\n{sum(receipt.forward_passes for receipt in receipts)} inputs through the network for the receipts")
    curve, everything = (Spread.of(taken[name]).middle for name in ("faithfulness curve", list(contenders)[-1]))
    print(f"curve: {curve:.2f} s (limit: {MOST_CURVE})")
    print(f"five methods with receipts: {everything:.2f} s (limit: {MOST_ALL})")


if __name__ == "__main__":
    main()
