"""What do integrated gradients to 1 % cost compared with captum's 50 steps, and many texts with transformers-interpret?

First part: 16 sentences, one by one, each explained for the predicted class of the embedded classifier, which is given.
Passes are rows sent forward and back through the network; the error is |Σ scores − (F(x) − F(baseline))| as a share of
the change. captum receives the same inputs and baseline, and the stock network as its function, as in direct use; in a
second row it receives our function, whose last layer ends at the position that is read. A ratio of seconds is taken for
one sentence within one round; the table gives medians over sentences.

Second part: 64 sentences. transformers-interpret has no batches and processes them one by one, with its defaults (50
steps); `gb.attribute_many` receives the list. Both find the classes themselves. Its integrated gradients are compared
with ours at 1 % and at 5 %, and with the methods that need one pass per text. The error of its scores is the one it
reports itself.

    python benchmarks/attribution.py [--rounds 3] [--threads 1]

If transformers-interpret is not installed (requirements-bench.txt), its row says so.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from statistics import mean, median

import torch
from _timing import Spread, add_smoke, interleaved, machine, ratios, table
from captum.attr import IntegratedGradients
from torch import Tensor

import glassbert as gb
from glassbert.decision import decide
from glassbert.network import device

try:
    from transformers_interpret import SequenceClassificationExplainer
except ImportError:
    SequenceClassificationExplainer = None

SENTENCES = (
    "The story is thin, but the acting is superb and I loved it.",
    "It was not bad at all.",
    "The staff were friendly and the room was spotless.",
    "The acting is great but the story is a mess and I was bored by it all the time today.",
    "I want my two hours back.",
    "A warm, funny and deeply moving picture.",
    "Without a doubt the best album of the year.",
    "Hardly a masterpiece.",
    "The film is not good.",
    "I expected to hate it, but I loved every minute of it from start to finish.",
    "The plot is predictable, the jokes fall flat, and not even the cast can save it from being a long, dull evening.",
    "The music is wonderful.",
    "Nobody in the theatre laughed, and neither did I.",
    "A gentle comedy with a sharp eye for the small absurdities of family life.",
    "The battery died after two days and the support never answered.",
    "It is neither as clever as it thinks nor as funny as it should be, yet I smiled more than once.",
)
OPENINGS = ("", "Honestly, ", "As my sister says: ", "Last night I thought so, and I still do: ")


CAPTUM = "captum, 50 steps, on the stock network"


def stock_logit(model: gb.Model, label: gb.ClassTarget) -> Callable[[Tensor], Tensor]:
    """Word embeddings (input, token, dimension) → the class's logit (input,), by the network and nothing else."""

    def value(embeddings: Tensor) -> Tensor:
        mask = torch.ones(embeddings.shape[:2], dtype=torch.int64)
        logits: Tensor = model.network(inputs_embeds=embeddings, attention_mask=mask).logits
        return logits[:, label.label]

    return value


def one_by_one(model: gb.Model, sentences: Sequence[str], rounds: int, clock: str) -> None:
    """Integrated gradients of single sentences: passes, error, and time as a share of captum's."""
    timer = time.perf_counter if clock == "wall" else time.process_time
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for text in sentences:
        label = gb.ClassTarget(gb.classify(model, text).predicted)
        runner = decide(model, gb.encode(model, text), label, "logit")
        inputs, baseline = runner.decision.embeddings, runner.decision.baseline_embeddings("pad")
        line = {"baselines": baseline, "n_steps": 50}
        ways = {
            CAPTUM: partial(IntegratedGradients(stock_logit(model, label)).attribute, inputs, **line),
            "captum, 50 steps, on our function": partial(IntegratedGradients(runner.value).attribute, inputs, **line),
            "glassbert, 1 %": partial(gb.attribute, model, text, target=label),
            "glassbert, 5 %": partial(gb.attribute, model, text, target=label, tolerance=0.05),
        }
        shares = ratios(interleaved(ways, rounds, timer), CAPTUM)
        change = float((runner.value(inputs) - runner.value(baseline)).detach())
        for name, way in ways.items():
            found = way()
            if isinstance(found, gb.TokenScores):
                figures = found.forward_passes, found.relative_delta
            else:
                figures = 50, abs(float(found.sum()) - change) / abs(change)
            rows.setdefault(name, []).append((*figures, shares[name].middle))
    lines = []
    for name, figures in rows.items():
        passes, misses, times = zip(*figures, strict=True)
        lines.append(
            (
                name,
                f"{median(passes):.0f}",
                f"{mean(passes):.1f}",
                f"{max(passes):.0f}",
                f"{100 * median(misses):.2f} %",
                f"{100 * max(misses):.2f} %",
                Spread.of(times).text(),
            )
        )
    header = ("", "passes, median", "mean", "most", "error, median", "largest", f"{clock} time, captum = 1")
    print(f"\n{len(sentences)} sentences one by one, {machine()}\n{table(header, lines)}")


def many(model: gb.Model, texts: Sequence[str], rounds: int, clock: str) -> None:
    """A list of sentences: seconds, and the throughput as a multiple of transformers-interpret's."""
    timer = time.perf_counter if clock == "wall" else time.process_time
    ways = {
        "attribute_many, integrated_gradients, 1 %": partial(gb.attribute_many, model, texts),
        "attribute_many, integrated_gradients, 5 %": partial(gb.attribute_many, model, texts, tolerance=0.05),
        "attribute_many, input_x_gradient": partial(gb.attribute_many, model, texts, method="input_x_gradient"),
        "attribute_many, attention_relevance": partial(gb.attribute_many, model, texts, method="attention_relevance"),
        "attribute one by one, integrated_gradients, 1 %": lambda: [gb.attribute(model, text) for text in texts],
        "attribute one by one, input_x_gradient": lambda: [
            gb.attribute(model, text, method="input_x_gradient") for text in texts
        ],
    }
    unit = "attribute one by one, integrated_gradients, 1 %"
    if SequenceClassificationExplainer is None:
        print("\ntransformers-interpret is not installed: pip install --no-deps -r requirements-bench.txt")
    else:
        explainer = SequenceClassificationExplainer(model.network, model.tokenizer)
        unit = "transformers-interpret, 50 steps"
        ways = {unit: lambda: [explainer(text) for text in texts], **ways}
        print(f"\nit reports an error of {_reported_miss(explainer, texts[: len(SENTENCES)])} of probability")
    taken = interleaved(ways, rounds, timer)
    speed = {name: Spread.of([1 / share for share in _shares(taken, name, unit)]) for name in ways}
    lines = [(name, Spread.of(times).text(2), speed[name].text(1)) for name, times in taken.items()]
    print(f"\n{len(texts)} sentences, {machine()}\n{table(('', f'{clock} seconds', f'throughput, {unit} = 1'), lines)}")


def _reported_miss(explainer: SequenceClassificationExplainer, texts: Sequence[str]) -> str:
    """Captum's convergence delta, as reported by transformers-interpret."""
    misses = []
    for text in texts:
        explainer(text)
        misses.append(abs(float(explainer.attributions.delta)))
    return Spread.of(misses).text()


def _shares(taken: dict[str, list[float]], name: str, unit: str) -> list[float]:
    return [own / one for own, one in zip(taken[name], taken[unit], strict=True)]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="for everybody; with 1, processor time is taken")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    warnings.filterwarnings("ignore")  # the peers' own
    torch.set_num_threads(arguments.threads)
    device.limit_threads(arguments.threads)  # glassbert chooses its threads itself; here all have the same
    clock = "processor" if arguments.threads == 1 else "wall"
    model = gb.load("sentiment", "cpu")
    sentences, openings, rounds = SENTENCES, OPENINGS, arguments.rounds
    if arguments.smoke:
        sentences, openings, rounds = SENTENCES[1:2], OPENINGS[:2], 1
    one_by_one(model, sentences, rounds, clock)
    many(model, [opening + text for opening in openings for text in sentences], max(1, rounds - 1), clock)


if __name__ == "__main__":
    main()
