"""What do the recipes of gb.compress gain, and how does int8 compare with torchao and ONNX Runtime?

The same texts through the embedded classifier and its compressed versions in turn, at two lengths, alone and 32 at a
time; and its accuracy on reviews with and without int8. Peers that are not installed are left out: torchao's dynamic
int8 (`Int8DynamicActivationInt8WeightConfig`) on the same network, and the network exported to ONNX and quantised by
`onnxruntime.quantization.quantize_dynamic`. A peer is timed as a bare network, ours with everything around it;
one thread, processor time.

    python benchmarks/compression.py [--rounds 7] [--rows 60]
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from _timing import Spread, add_smoke, interleaved, machine, ratios, table

import glassbert as gb
from glassbert.network.device import limit_threads

WORDS = "the plot is thin but the acting is superb and i was never bored for a minute of this film "
RECIPES: dict[str, Any] = {
    "bfloat16": "bfloat16",
    "int8": "int8",
    "16 of 72 heads removed": {"heads": [(layer, head) for layer in range(4) for head in range(4)]},
    "two of six layers dropped": {"layers": [4, 5]},
}


def text_of(model: gb.Model, tokens: int) -> str:
    words = (WORDS * tokens).split()
    return gb.shorten(model, " ".join(words[: tokens - 2]))[0]


def torchao(model: gb.Model) -> Callable[[Any], Any] | None:
    try:
        from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_
    except ImportError:
        return None
    network = copy.deepcopy(model.network)
    quantize_(network, Int8DynamicActivationInt8WeightConfig())
    return lambda ids: network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits


class _Logits(torch.nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(input_ids=ids, attention_mask=mask).logits
        return logits


def onnx(model: gb.Model) -> Callable[[Any], Any] | None:
    try:
        import onnxruntime
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError:
        return None
    ids = torch.ones(2, 24, dtype=torch.int64)
    axes = {0: "text", 1: "token"}
    with tempfile.TemporaryDirectory() as folder:
        whole, small = (str(Path(folder) / name) for name in ("whole.onnx", "small.onnx"))
        torch.onnx.export(
            _Logits(copy.deepcopy(model.network)),
            (ids, ids),
            whole,
            input_names=["ids", "mask"],
            output_names=["logits"],
            dynamic_axes={"ids": axes, "mask": axes},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(whole, small, weight_type=QuantType.QInt8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(small, options, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, {"ids": ids.numpy(), "mask": torch.ones_like(ids).numpy()})


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=60, help="reviews on which accuracy is measured")
    add_smoke(parser)
    options = parser.parse_args(argv)
    rounds, rows = (1, 4) if options.smoke else (options.rounds, options.rows)
    sizes = ((24, 1),) if options.smoke else ((24, 1), (24, 32), (128, 1), (128, 32))
    limit_threads(1)
    model = gb.load("sentiment", device="cpu")
    small = {name: gb.compress(model, recipe) for name, recipe in RECIPES.items()}
    peers = {"torchao, int8": torchao(model), "ONNX Runtime, int8": onnx(model)}
    print(f"{torch.get_num_threads()} threads; {machine()}\n")
    gained: dict[str, list[str]] = {name: [] for name in (*small, *(name for name, one in peers.items() if one))}
    for tokens, count in sizes:
        texts = [text_of(model, tokens)] * count
        encoded = [gb.encode(model, text) for text in texts]
        ids = torch.tensor([one.input_ids for one in encoded])
        contenders: dict[str, Callable[[], object]] = {"original": lambda e=encoded: gb.classify_many(model, e)}
        contenders |= {name: lambda m=one, e=encoded: gb.classify_many(m, e) for name, one in small.items()}
        with torch.no_grad():
            for name, peer in peers.items():
                if peer is not None:
                    contenders[name] = lambda p=peer, i=ids: p(i)
            taken = interleaved(contenders, rounds, time.process_time)
        for name, ratio in ratios(taken, "original").items():
            if name in gained:
                gained[name].append(Spread(1 / ratio.middle, 1 / ratio.high, 1 / ratio.low).text())
    head = ("times as fast as the original", *(f"{tokens} tokens × {count}" for tokens, count in sizes), "smaller")
    shown = []
    for name, numbers in gained.items():
        record = gb.compression_record(small[name]) if name in small else None
        shown.append((name, *numbers, f"{record.smaller_than_float32:.2f}" if record else ""))
    print(table(head, shown))
    reviews = gb.read_table("reviews", split="test").take(range(rows))
    right = [gb.evaluate(one, reviews).metrics["accuracy"] for one in (model, small["int8"])]
    print(f"\naccuracy on {rows} reviews: {right[0]:.3f}, in int8 {right[1]:.3f}")


if __name__ == "__main__":
    main()
