"""What does each view cost, in units of one forward pass of the same text, and what do the peers' views cost?

The unit is one no-grad pass of the encoder with eager attention, which every view needs at least once. Views, captum
used directly and transformers-interpret take turns on the same text; a ratio is taken within one round. Everything runs
on one thread, and processor time is taken: on an idle machine it equals wall-clock time, and other programs affect it
far less. The app itself uses more threads for long texts.

A view does its whole work, from the text to the frozen result. Attribution methods explain the predicted class of the
embedded classifier. Peers run with their own defaults: 50 steps, gradients of all steps in one batch. Where that would
take gigabytes (512 tokens) they get batches of 4, as glassbert chooses by itself. At 128 tokens and more, methods that
declare many passes are left out by name.

    python benchmarks/view_cost.py [--tokens 24 128 512] [--rounds 7]

transformers-interpret is in requirements-bench.txt (installed with --no-deps; it works with the pinned versions).
If it is not installed, its row says so.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import torch
from _texts import text_of
from _timing import Spread, add_smoke, interleaved, machine, ratios, table
from captum.attr import IntegratedGradients, LayerIntegratedGradients
from torch import Tensor

import glassbert as gb
from glassbert.network import device
from glassbert.network.run import batch, encoder_of, network_inputs

try:
    from transformers_interpret import SequenceClassificationExplainer
except ImportError:
    SequenceClassificationExplainer = None

UNIT = "one forward pass"
MOST_PASSES = {24: 10_000, 128: 130, 512: 60}
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


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[24, 128, 512], choices=[24, 128, 512])
    parser.add_argument("--rounds", type=int, default=7, help="at 24 tokens; longer texts take fewer")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    warnings.filterwarnings("ignore")  # the peers' own
    torch.set_num_threads(1)
    device._MAX_THREADS = 1  # a view chooses its threads itself; here all have the same
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
