"""What does analysing a whole table cost beside the attributions alone, and beside other tools asked text by text?

First part: the same texts, one method: `gb.analyse` (reads, predicts, explains, keeps states, writes Parquet) beside
`gb.attribute_many` alone; and beside a loop over Captum, shap's partition explainer and transformers-interpret, each as
its documentation shows it. The contenders take turns. Errors are |Σ scores − (F(x) − F(baseline))| as a share of the
change, of those that promise completeness; that of transformers-interpret is of its own normalised scores' delta, in
probability, as it reports it.

Second part, with ``--ray``: two actors with one thread each on a Ray cluster of this machine, beside the local engine
with one thread: rows a second from the first part that is done to the last, and the seconds before it.

Third part: a table of ``--rows`` rows with a tiny network: the memory of the process after each tenth of them.

    python benchmarks/analysing.py [--texts 64] [--rounds 3] [--rows 20000] [--ray] [--data texts.csv]

Peers that are not installed are named (requirements-bench.txt, requirements-dev.txt).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean, median

import pandas as pd
import torch
from _models import random_classifier
from _timing import Spread, add_smoke, interleaved, machine, ratios, table
from captum.attr import IntegratedGradients
from torch import Tensor

import glassbert as gb
from glassbert.network import device
from glassbert.tables.streaming import stream_of

try:
    from transformers_interpret import SequenceClassificationExplainer
except ImportError:
    SequenceClassificationExplainer = None
try:
    import shap
except ImportError:
    shap = None

#: shap is given so many of the texts: it takes seconds for each.
FEW, SHAP = 8, "shap, partition explainer, 200 evaluations"
BARE, ONE_PASS, PATH = "attribute_many, input_x_gradient", "input_x_gradient", "integrated_gradients"
SENTENCES = (
    "The bank refunded the fee within a day, which I did not expect from them.",
    "The story is thin, but the acting is superb and I loved it.",
    "It was not bad at all.",
    "The plot is predictable, the jokes fall flat, and not even the cast can save it from being a long, dull evening.",
)


def captum_loop(model: gb.Model, texts: Sequence[str], steps: int) -> list[tuple[float, float]]:
    """Captum used directly: the stock network, [PAD] as the baseline; Σ scores and F(x) − F(baseline) of each text."""
    found = []
    for text in texts:
        encoded = gb.encode(model, text)
        ids = torch.tensor(encoded.input_ids)[None]
        kept = torch.tensor(encoded.special_tokens_mask)[None].bool()
        empty = torch.where(kept, ids, torch.tensor(model.tokenizer.pad_token_id))
        mask = torch.ones_like(ids)
        with torch.no_grad():
            label = int(model.network(input_ids=ids, attention_mask=mask).logits.argmax())

        def value(embeddings: Tensor, label: int = label) -> Tensor:
            rows: Tensor = model.network(
                inputs_embeds=embeddings, attention_mask=torch.ones(embeddings.shape[:2], dtype=torch.int64)
            ).logits
            return rows[:, label]

        words = model.network.get_input_embeddings()
        inputs, baseline = words(ids).detach(), words(empty).detach()
        scores = IntegratedGradients(value).attribute(inputs, baselines=baseline, n_steps=steps, internal_batch_size=16)
        with torch.no_grad():
            found.append((float(scores.sum()), float(value(inputs) - value(baseline))))
    return found


def miss(pairs: Sequence[tuple[float, float]]) -> str:
    """How far sums are from the changes they should add up to."""
    return f"{100 * median(abs(total - change) / max(abs(change), 1e-6) for total, change in pairs):.1f} %"


def throughput(model: gb.Model, texts: Sequence[str], rounds: int, folder: Path) -> None:
    source = folder / "texts.csv"
    pd.DataFrame({"text": list(texts)}).to_csv(source, index=False)
    number = iter(range(10**6))

    def analysed(method: str, **options: object) -> None:
        out = folder / f"out-{next(number)}"
        gb.analyse(model, source, out, methods=(method,), options={method: options}, receipts=0)
        shutil.rmtree(out)

    ways: dict[str, Callable[[], object]] = {
        BARE: partial(gb.attribute_many, model, list(texts), method=ONE_PASS),
        "analyse, input_x_gradient": partial(analysed, ONE_PASS),
        "attribute_many, integrated_gradients, 5 %": partial(gb.attribute_many, model, list(texts), tolerance=0.05),
        "analyse, integrated_gradients, 5 %": partial(analysed, PATH, tolerance=0.05),
        "a loop over Captum, 50 steps": partial(captum_loop, model, texts, 50),
    }
    ours = gb.attribute_many(model, list(texts), tolerance=0.05)
    errors = {
        "analyse, integrated_gradients, 5 %": miss(
            [(float(one.scores.sum()), one.value - (one.baseline_value or 0)) for one in ours]
        ),
        "a loop over Captum, 50 steps": miss(captum_loop(model, texts, 50)),
    }
    if shap is None:
        print("\nshap is not installed: requirements-dev.txt")
    else:
        pipeline = _pipeline(model)
        explainer = shap.Explainer(pipeline, shap.maskers.Text(model.tokenizer), silent=True)
        ways[SHAP] = lambda: explainer(list(texts[:FEW]), max_evals=200)
    if SequenceClassificationExplainer is None:
        print("\ntransformers-interpret is not installed: pip install --no-deps -r requirements-bench.txt")
        unit = "a loop over Captum, 50 steps"
    else:
        interpret = SequenceClassificationExplainer(model.network, model.tokenizer)
        unit = "transformers-interpret, 50 steps"
        ways[unit] = lambda: [interpret(text) for text in texts]
        deltas = []
        for text in texts:
            interpret(text)
            deltas.append(abs(float(interpret.attributions.delta)))
        errors[unit] = f"{mean(deltas):.2f} of probability"
    taken = interleaved(ways, rounds, time.process_time)
    if SHAP in taken:
        taken[SHAP] = [one * len(texts) / min(FEW, len(texts)) for one in taken[SHAP]]
    slower = ratios(taken, BARE)
    rows = [
        (
            name,
            Spread.of([len(texts) / one for one in times]).text(1),
            slower[name].text(2),
            f"{median(other / own for own, other in zip(times, taken[unit], strict=True)):.1f}",
            errors.get(name, ""),
        )
        for name, times in taken.items()
    ]
    header = ("", "texts a second", f"time, {BARE} = 1", f"throughput, {unit} = 1", "median error")
    print(f"\n{len(texts)} texts, {machine()}, processor time\n{table(header, rows)}")


def added(model: gb.Model, texts: Sequence[str], rounds: int, folder: Path) -> None:
    """What reading, states, Parquet and bookkeeping add to the attributions themselves, for more texts."""
    source = folder / "many.csv"
    pd.DataFrame({"text": list(texts)}).to_csv(source, index=False)
    number = iter(range(10**6))

    def analysed() -> None:
        out = folder / f"many-{next(number)}"
        gb.analyse(model, source, out, receipts=0)
        shutil.rmtree(out)

    ways = {BARE: partial(gb.attribute_many, model, list(texts), method=ONE_PASS), "analyse": analysed}
    taken = interleaved(ways, rounds, time.process_time)
    print(f"\n{len(texts):,} texts: analyse takes {ratios(taken, BARE)['analyse'].text()} of the time of {BARE}")


def _pipeline(model: gb.Model) -> Callable[[Sequence[str]], object]:
    """From texts to probabilities, 32 at a time, as shap wants it."""

    def probabilities(texts: Sequence[str]) -> object:
        parts = []
        for start in range(0, len(texts), 32):
            inputs = model.tokenizer(
                [str(text) for text in texts[start : start + 32]], padding=True, return_tensors="pt"
            )
            with torch.no_grad():
                parts.append(model.network(**inputs).logits.softmax(dim=-1))
        return torch.cat(parts).numpy()

    return probabilities


def on_ray(model: gb.Model, texts: Sequence[str], rows: int, folder: Path) -> None:
    """Two actors of one thread each, and this process with one thread."""
    source = folder / "ray.csv"
    pd.DataFrame({"text": [texts[row % len(texts)] for row in range(rows)]}).to_csv(source, index=False)
    start = time.perf_counter()
    gb.analyse(model, source, folder / "local", receipts=0)
    local = rows / (time.perf_counter() - start)
    told: list[tuple[float, int]] = []
    start = time.perf_counter()
    gb.analyse(
        model,
        source,
        folder / "ray",
        receipts=0,
        engine="ray",
        actors=2,
        progress=lambda done, _: told.append((time.perf_counter() - start, done)),
    )
    first, last = next(one for one in told if one[1]), told[-1]
    once = (last[1] - first[1]) / max(last[0] - first[0], 1e-9)
    print(
        f"\nRay, {rows:,} rows: two actors {once:.1f} texts a second once started, first part after {first[0]:.0f} s, "
        f"all after {last[0]:.0f} s; the local engine with one thread {local:.1f}: {once / local:.2f} times"
    )


def flat(rows: int, folder: Path) -> None:
    """Memory while a large table is analysed with a network that is hardly one; and while it is only read."""
    model = gb.load(str(random_classifier(folder / "model", "Bert", layers=1, heads=2, width=32)), device="cpu")
    source = folder / "large.csv"
    with source.open("w", encoding="utf-8") as file:
        file.write("text\n")
        for row in range(rows):
            file.write(f"{SENTENCES[row % len(SENTENCES)][:40].replace(',', '')} {row}\n")
    start = time.perf_counter()
    count = sum(1 for _ in stream_of(source).rows)
    print(f"\n{count:,} rows read in {time.perf_counter() - start:.1f} s, {_memory():.0f} MB afterwards")
    seen: list[float] = []

    def note(done: int, _total: int | None) -> None:
        if done >= len(seen) * rows / 10:
            seen.append(_memory())

    start = time.perf_counter()
    gb.analyse(model, source, folder / "large", receipts=0, progress=note)
    told = ", ".join(f"{one:.0f}" for one in seen)
    print(f"{rows:,} rows analysed in {time.perf_counter() - start:.0f} s; MB after each tenth: {told}")


def _memory() -> float:
    """Resident memory of this process in MB."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 / 1e6 if status.exists() else float("nan")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--data", help="a table of texts (default: four sentences, again and again)")
    parser.add_argument("--ray", action="store_true")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    warnings.filterwarnings("ignore")  # the peers' own
    device.limit_threads(1)
    texts = list(gb.read_table(arguments.data, kind="texts").texts) if arguments.data else list(SENTENCES)
    count, rounds, rows = arguments.texts, arguments.rounds, arguments.rows
    if arguments.smoke:
        count, rounds, rows = 2, 1, 30
    model = gb.load("sentiment", "cpu")
    with tempfile.TemporaryDirectory(prefix="glassbert-analysing-") as place:
        folder = Path(place)
        throughput(model, [texts[number % len(texts)] for number in range(count)], rounds, folder)
        many = [texts[place % len(texts)] for place in range(16 * count)]
        added(model, many, max(1, rounds - 1), folder)
        if arguments.ray:
            on_ray(model, texts, 100 * count, folder)
        flat(rows, folder)


if __name__ == "__main__":
    main()
