"""What does each view cost, in units of one forward pass of the same text, and what do the peers' views cost?

The unit is one no-grad pass of the encoder with eager attention, which every view needs at least once. Views, captum
used directly and transformers-interpret take turns on the same text; a ratio is taken within one round. Everything runs
on one thread, and processor time is taken: on an idle machine it equals wall-clock time, and other programs affect it
far less. The app itself uses more threads for long texts.

A view does its whole work, from the text to the frozen result. Attribution methods explain the predicted class of the
embedded classifier. Peers run with their own defaults: 50 steps, gradients of all steps in one batch. Where that would
take gigabytes (512 tokens) they get batches of 4, as glassbert chooses by itself. At 128 tokens and more, methods that
declare many passes are left out by name.

``--long`` measures two families of base size with random weights instead, on the longest texts that people give them:
passes, processor time, and by how much the process grows at its peak beyond the loaded model.

    python benchmarks/view_cost.py [--tokens 24 128 512] [--rounds 7]
    python benchmarks/view_cost.py --long

transformers-interpret is in requirements-bench.txt (installed with --no-deps; it works with the pinned versions).
If it is not installed, its row says so.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from _models import random_classifier
from _texts import text_of
from _timing import Spread, add_smoke, interleaved, machine, ratios, table
from captum.attr import IntegratedGradients, LayerIntegratedGradients
from torch import Tensor

import glassbert as gb
from components.gateway import long_texts as long_text_memory
from glassbert.network import device
from glassbert.network.run import batch, encoder_of, network_inputs

try:
    from transformers_interpret import SequenceClassificationExplainer
except ImportError:
    SequenceClassificationExplainer = None

UNIT = "one forward pass"
MOST_PASSES = {24: 10_000, 128: 130, 512: 60}
LONG = {"ModernBert": 2048, "DebertaV2": 512}
PEER_BATCH = {24: None, 128: None, 512: 4}
Work = Callable[[], object]


def forward(model: gb.Model, text: str) -> Work:
    """The unit: the encoder alone on inputs that are ready."""
    arguments = network_inputs(model, batch(model, [gb.encode(model, text)]), model.device)
    encoder = encoder_of(model)

    def work() -> None:
        with torch.no_grad():
            encoder(**arguments)

    return work


def views(reader: gb.Model, critic: gb.Model, text: str, tokens: int, most: int) -> dict[str, Work]:
    """Every view, and every method that declares at most this many passes."""
    words = text.split()
    halves = " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 : -1])
    found: dict[str, Work] = {
        "attention": partial(gb.attention, reader, text),
        "fill_mask, one position": partial(gb.fill_mask, reader, text, positions=[2]),
        "next_sentence": partial(gb.next_sentence, reader, *halves),
        "classify": partial(gb.classify, critic, text),
    }
    for method in gb.METHODS.values():
        passes = method.cost(tokens, method.options)
        if passes <= most:
            found[f"attribute, {method.id}"] = partial(gb.attribute, critic, text, method=method.id)
        else:
            print(f"left out at {tokens} tokens: {method.id}, which declares {passes} passes")
    return found


def peers(critic: gb.Model, text: str, tokens: int) -> dict[str, Work]:
    """captum as its tutorials use it, and transformers-interpret."""
    encoded = gb.encode(critic, text)
    ids = torch.tensor(encoded.input_ids)[None]
    kept = torch.tensor(encoded.special_tokens_mask, dtype=torch.bool)[None]
    blank = torch.where(kept, ids, torch.tensor(critic.tokenizer.pad_token_id))
    segments = torch.zeros_like(ids)
    network, rows = critic.network, PEER_BATCH[tokens]
    table_of_words = network.get_input_embeddings()
    predicted = gb.classify(critic, text).predicted

    def of_embeddings(embeddings: Tensor) -> Tensor:
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long)
        logits: Tensor = network(
            inputs_embeds=embeddings, attention_mask=mask, token_type_ids=segments.expand(len(embeddings), -1)
        ).logits
        return logits

    def of_ids(input_ids: Tensor) -> Tensor:
        logits: Tensor = network(
            input_ids=input_ids,
            attention_mask=torch.ones_like(input_ids),
            token_type_ids=segments.expand(len(input_ids), -1),
        ).logits
        return logits

    inputs, baseline = table_of_words(ids).detach(), table_of_words(blank).detach()
    options = {"target": predicted, "internal_batch_size": rows}
    found: dict[str, Work] = {
        "captum IntegratedGradients, 50 steps": lambda: IntegratedGradients(of_embeddings).attribute(
            inputs, baselines=baseline, **options
        ),
        "captum LayerIntegratedGradients, 50 steps": lambda: LayerIntegratedGradients(of_ids, table_of_words).attribute(
            ids, baselines=blank, **options
        ),
    }
    if SequenceClassificationExplainer is not None:
        explainer = SequenceClassificationExplainer(network, critic.tokenizer)
        found["transformers-interpret, 50 steps"] = lambda: explainer(text, internal_batch_size=rows)
    return found


def long_texts(*, smoke: bool) -> None:
    """ModernBERT at 2,048 tokens and DeBERTa at 512."""
    rows: list[tuple[str, ...]] = []
    for prefix, tokens in LONG.items():
        with tempfile.TemporaryDirectory() as folder:
            size = {"layers": 2, "heads": 2, "width": 32} if smoke else {}
            model = gb.load(random_classifier(Path(folder), prefix, **size), "cpu")
        text = text_of(model, 64 if smoke else tokens)
        works: dict[str, Work] = {
            "classify": partial(gb.classify, model, text),
            "attention of all heads": partial(gb.attention, model, text),
            "input × gradient": partial(gb.attribute, model, text, method="input_x_gradient", target=0),
            "integrated gradients to 5 %": partial(gb.attribute, model, text, target=0, tolerance=0.05),
        }
        # what is imported at the first use
        gb.attribute(model, text_of(model, 24), method="input_x_gradient", target=0)
        for name, work in works.items():
            passes, seconds, grown = measured(work)
            rows.append((f"{prefix}, {tokens:,} tokens: {name}", passes, f"{seconds:.1f}", f"{grown / 2**20:,.0f}"))
            print(*rows[-1], sep="  ", flush=True)
    print(f"\nlong texts, 1 thread, {machine()}")
    print(table(("", "passes", "CPU s", "peak MiB"), rows))


def measured(work: Work) -> tuple[str, float, int]:
    """Passes that the result names, seconds of the processor, and the growth of the process in bytes at its peak."""
    long_text_memory.give_memory_back()
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts from here
    before, start = resident("VmRSS"), time.process_time()
    found = work()
    seconds, peak = time.process_time() - start, resident("VmHWM")
    return str(getattr(found, "forward_passes", 1)), seconds, peak - before


def resident(kind: str) -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{kind}:")[2].split()[0])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[24, 128, 512], choices=[24, 128, 512])
    parser.add_argument("--rounds", type=int, default=7, help="at 24 tokens; longer texts take fewer")
    parser.add_argument("--long", action="store_true", help="two families of base size, on long texts")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    warnings.filterwarnings("ignore")  # the peers' own
    torch.set_num_threads(1)
    device.limit_threads(1)  # a view chooses its threads itself; here all have the same
    if arguments.long or arguments.smoke:
        long_texts(smoke=arguments.smoke)
    if arguments.long:
        return
    reader, critic = gb.load("pretrained", "cpu"), gb.load("sentiment", "cpu")
    for parameter in critic.network.parameters():
        parameter.requires_grad_(False)
    print(f"cost of views, 1 thread, {machine()}")
    if SequenceClassificationExplainer is None:
        print("transformers-interpret is not installed: pip install --no-deps -r requirements-bench.txt")
    for tokens in [24] if arguments.smoke else arguments.tokens:
        rounds = 1 if arguments.smoke else max(2, arguments.rounds * {24: 4, 128: 2, 512: 1}[tokens] // 4)
        most = 8 if arguments.smoke else MOST_PASSES[tokens]
        text = text_of(critic, tokens)
        contenders = {
            UNIT: forward(critic, text),
            **views(reader, critic, text, tokens, most),
            **peers(critic, text, tokens),
        }
        taken = interleaved(contenders, rounds, time.process_time)
        compared = ratios(taken, UNIT)
        steps = gb.attribute(critic, text).options["n_steps"]
        print(f"\n{tokens} tokens, {rounds} rounds, {machine()}; integrated gradients needed {steps} steps")
        rows = [(name, compared[name].text(), Spread.of(times).text(1, 1000)) for name, times in taken.items()]
        print(table(("", "forward passes", "CPU ms"), rows))


if __name__ == "__main__":
    main()
