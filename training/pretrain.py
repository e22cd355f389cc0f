"""Step 3: masked-word and next-sentence pre-training.

Starts from an encoder without heads (``--base``) or from an earlier run (``--resume``), with its optimiser if saved.
Stops after ``--minutes`` of wall-clock time, after ``--steps`` steps, or when a file OUT/STOP appears. With
``--steps``, a run slowed down by other work keeps its schedule; with one worker and one thread it is deterministic.

    python -m training.pretrain --base work/all-MiniLM-L6-v2 --minutes 41 --out work/stage1
    python -m training.pretrain --resume work/stage1 --minutes 36 --learning-rate 4e-4 --out work/stage2
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.batches import IGNORED, SHAPES, SOURCES, Batch, BatchSampler, split_by_length
from training.checkpoints import local_checkpoint, save_checkpoint, vocabulary_of
from training.errors import RecipeError, run_script
from training.precision import add_precision_option, check_precision
from training.pretraining_model import continued_model, new_model, pretraining_output
from training.progress import RunningMeans
from training.schedule import Rates, Schedule
from training.tokenised import PAD
from training.training_state import load_state, save_state
from training.weight_exchange import WeightExchange

__all__ = ["PretrainOptions", "TrainingRun", "build_parser", "main", "pretrain"]

CPU_WORKERS = 2
_LOG_STEPS = 25


@dataclass(frozen=True, slots=True)
class PretrainOptions:
    """All settings of a run; the defaults are those of the command line."""

    corpus: Path
    out: Path
    start: Path  # an encoder without heads or, if `continued`, an earlier run
    continued: bool = False
    minutes: float = 40.0
    steps: int | None = None  # instead of the clock: this many steps correspond to `minutes`
    head_minutes: float = 1.5
    learning_rate: float = 2.5e-4
    head_learning_rate: float = 2e-3
    decay_from: float = 0.55
    tokens_per_step: int = 3072  # per worker, padding included
    parts: int = 1  # batches per step, computed one after another, sorted by length
    next_sentence_weight: float = 0.3
    long_share: float = 0.4
    short_share: float = 0.3
    workers: int = CPU_WORKERS
    threads: int = 1
    sync_steps: int = 10
    save_minutes: float = 4.0
    seed: int = 1
    device: str = "cpu"
    precision: str = "bfloat16"
    sources: tuple[str, ...] = SOURCES
    freeze_embeddings: bool = False  # checkpoints that share the table stay as they are

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.long_share < 0 or self.short_share < 0 or self.long_share + self.short_share > 1:
            raise RecipeError("the shares of long and short pairs must be at least 0, and together at most 1")
        if min(self.workers, self.parts, 1 if self.steps is None else self.steps) < 1:
            raise RecipeError("workers, parts and steps must be at least 1")
        if self.workers > 1 and torch.device(self.device).type != "cpu":
            raise RecipeError(f"several workers share a CPU; on {self.device} use one")
        longest = max(shape.length for shape in SHAPES.values())
        if self.tokens_per_step < longest:
            raise RecipeError(f"a step needs at least {longest} tokens, one of the longest sequences")

    @property
    def stop_file(self) -> Path:
        """A file that ends the run as soon as it exists."""
        return self.out / "STOP"

    @property
    def shape_shares(self) -> tuple[float, float, float]:
        """How often each of `SHAPES` is drawn."""
        return self.long_share, self.short_share, 1 - self.long_share - self.short_share

    @property
    def schedule(self) -> Schedule:
        """The learning rates; a continued run has no heads-only phase, since its heads are trained."""
        return Schedule(
            minutes=self.minutes,
            head_minutes=0.0 if self.continued else self.head_minutes,
            learning_rate=self.learning_rate,
            head_learning_rate=self.head_learning_rate,
            decay_from=self.decay_from,
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRun:
    """The result of one worker. ``model`` is the trained model in float32; ``masked_losses`` has one loss per step."""

    model: Any
    masked_losses: tuple[float, ...]
    tokens: int


def pretrain(options: PretrainOptions) -> TrainingRun | None:
    """Train and write the checkpoint to ``options.out``. Returns the run of a single worker, None for several."""
    local_checkpoint(options.start)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.stop_file.exists():
        raise RecipeError(f"{options.stop_file} exists, which ends a run: remove it first")
    if options.workers == 1:
        return _work(0, options, None)
    weights = sum(parameter.numel() for parameter in _trained_parameters(_starting_model(options)))
    exchange = WeightExchange.create(options.workers, weights)
    torch.multiprocessing.spawn(_work, (options, exchange), nprocs=options.workers)
    return None


def _starting_model(options: PretrainOptions) -> Any:
    model = continued_model(options.start) if options.continued else new_model(options.start, options.corpus)
    model.bert.embeddings.word_embeddings.weight.requires_grad_(not options.freeze_embeddings)
    return model


def _trained_parameters(model: Any) -> list[torch.nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _work(rank: int, options: PretrainOptions, exchange: WeightExchange | None) -> TrainingRun:
    """One worker, from the initial model to the checkpoint (which worker 0 writes)."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    model = _starting_model(options)
    if torch.device(options.device).type == "cpu":
        # in bfloat16 on a CPU the backward pass of fused attention took 40 % of a step; plain products are faster
        model.set_attn_implementation("eager")
    model.to(options.device).train()
    sampler = BatchSampler(options.corpus, seed=options.seed * 1000 + rank, sources=options.sources)
    trained = _trained_parameters(model)
    optimiser = _optimiser(*_split_parameters(model))
    if options.continued:
        load_state(model, optimiser, options.start)
    run = _train(rank, model, optimiser, sampler, options, exchange)
    if exchange is not None:
        exchange.finish(rank, trained)
        if rank == 0:
            exchange.final_mean(trained)
    if rank == 0:
        _save(model, optimiser, options)
    return run


def _save(model: Any, optimiser: torch.optim.Optimizer, options: PretrainOptions) -> None:
    save_checkpoint(model, vocabulary_of(options.start), options.out)
    save_state(model, optimiser, options.out)


def _train(
    rank: int,
    model: Any,
    optimiser: torch.optim.Optimizer,
    sampler: BatchSampler,
    options: PretrainOptions,
    exchange: WeightExchange | None,
) -> TrainingRun:
    """The loop: a batch, a step, and periodically an exchange of weights, a log line, a save."""
    trained, (_, encoder) = _trained_parameters(model), _split_parameters(model)
    means, losses, tokens = RunningMeans(), [], 0
    seen: tuple[int, ...] = (0,) * options.workers
    encoder_frozen = False
    started = last_save = time.monotonic()
    with (options.out / f"log{rank}.txt").open("a", encoding="utf-8") as log:
        for rates in _rates_of_each_step(options):
            if rates.heads_only != encoder_frozen:
                encoder_frozen = rates.heads_only
                _freeze(encoder, optimiser, frozen=encoder_frozen)
            _set_rates(optimiser, rates)
            shape_id = sampler.draw_shape(options.shape_shares)
            batch = sampler.draw_batch(shape_id, options.tokens_per_step // SHAPES[shape_id].length)
            report = _step(model, split_by_length(batch, options.parts), optimiser, options)
            losses.append(report["loss"])
            tokens += int((batch.input_ids != PAD).sum())
            means.update({f"{shape_id}.{name}": value for name, value in report.items()})
            now = time.monotonic()
            if exchange is not None and len(losses) % options.sync_steps == 0:
                seen = exchange.average(rank, trained, seen)
            if len(losses) % _LOG_STEPS == 0:
                counts = f"step {len(losses)} tokens {tokens / 1e6:.2f}M rate {rates.encoder:.1e}"
                print(f"{now - started:7.0f}s {counts} {means}", file=log, flush=True)
            if rank == 0 and now - last_save > options.save_minutes * 60:
                _save(model, optimiser, options)
                last_save = now
        print(f"done: {len(losses)} steps, {tokens} tokens", file=log, flush=True)
    return TrainingRun(model, tuple(losses), tokens)


def _rates_of_each_step(options: PretrainOptions) -> Iterator[Rates]:
    """The learning rates of one step after another, until the steps, the minutes or a STOP file end the run."""
    schedule, started = options.schedule, time.monotonic()
    for step in itertools.count():
        if options.steps is None:
            seconds = time.monotonic() - started
            over = seconds > options.minutes * 60
        else:
            seconds = schedule.seconds_at(step, options.steps)
            over = step >= options.steps
        if over or options.stop_file.exists():
            return
        yield schedule.at(seconds)


def _step(
    model: Any, batches: Sequence[Batch], optimiser: torch.optim.Optimizer, options: PretrainOptions
) -> dict[str, float]:
    """One step of the optimiser on the mean losses of all ``batches``; returns these and the accuracies."""
    masked = sum(int((batch.labels != IGNORED).sum()) for batch in batches)
    pairs = sum(int((batch.next_sentence_labels != IGNORED).sum()) for batch in batches)
    report = {"loss": 0.0, "top1": 0.0} | ({"next_sentence": 0.0} if pairs else {})
    for batch in batches:
        output = pretraining_output(model, batch, options.device, options.precision)
        share = len(output.masked_targets) / masked
        loss = share * output.masked_loss
        report["loss"] += loss.item()
        report["top1"] += output.masked_correct / masked
        if output.next_sentence_loss is not None:
            labels = output.next_sentence_labels
            loss = loss + options.next_sentence_weight * len(labels) / pairs * output.next_sentence_loss
            report["next_sentence"] += int((output.next_sentence_logits.argmax(-1) == labels).sum()) / pairs
        loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], 1.0)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return report


def _split_parameters(model: Any) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """What is trained of the heads with the pooler, and of the rest; the tied decoder is the word embeddings."""
    heads: list[torch.nn.Parameter] = []
    encoder: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        (heads if name.startswith("cls.") or "pooler" in name else encoder).append(parameter)
    return heads, encoder


def _optimiser(heads: list[torch.nn.Parameter], encoder: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """AdamW as in BERT; biases and LayerNorm weights, the one-dimensional parameters, are not decayed."""
    groups = [
        {"part": part, "params": [p for p in parameters if (p.dim() > 1) == decayed], "weight_decay": decay}
        for part, parameters in (("heads", heads), ("encoder", encoder))
        for decayed, decay in ((True, 0.01), (False, 0.0))
    ]
    return torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.98), eps=1e-6, fused=True)


def _set_rates(optimiser: torch.optim.Optimizer, rates: Rates) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rates.heads if group["part"] == "heads" else rates.encoder


def _freeze(encoder: Iterable[torch.nn.Parameter], optimiser: torch.optim.Optimizer, *, frozen: bool) -> None:
    """Freeze or thaw the encoder; on thawing the moments gathered by the heads alone are forgotten."""
    for parameter in encoder:
        parameter.requires_grad_(not frozen)
    if not frozen:
        optimiser.state.clear()


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    default = PretrainOptions(corpus=Path("work/corpus"), out=Path("work/pretrained"), start=Path())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--base", type=Path, help="an encoder without heads, such as work/all-MiniLM-L6-v2")
    start.add_argument("--resume", type=Path, help="an earlier run, or glassbert/checkpoints/pretrained")
    parser.add_argument("--corpus", type=Path, default=default.corpus, help="folder of the tokenised .npz files")
    parser.add_argument("--out", type=Path, default=default.out)
    parser.add_argument("--minutes", type=float, default=default.minutes, help="wall clock")
    parser.add_argument("--steps", type=int, help="stop after this many steps instead; they correspond to MINUTES")
    parser.add_argument("--head-minutes", type=float, default=default.head_minutes, help="heads only, with --base")
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--head-learning-rate", type=float, default=default.head_learning_rate)
    parser.add_argument("--decay-from", type=float, default=default.decay_from, help="share of the run")
    parser.add_argument("--tokens-per-step", type=int, default=default.tokens_per_step, help="per worker")
    parser.add_argument("--parts", type=int, default=default.parts, help="batches per step, sorted by length")
    parser.add_argument("--next-sentence-weight", type=float, default=default.next_sentence_weight)
    parser.add_argument("--long-share", type=float, default=default.long_share, help="of 128-token batches")
    parser.add_argument("--short-share", type=float, default=default.short_share, help="of 64-token batches")
    parser.add_argument("--workers", type=int, help=f"default: {CPU_WORKERS} on a CPU, 1 on a GPU")
    parser.add_argument("--threads", type=int, default=default.threads, help="per worker")
    parser.add_argument("--sync-steps", type=int, default=default.sync_steps)
    parser.add_argument("--save-minutes", type=float, default=default.save_minutes)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--device", default=default.device)
    add_precision_option(parser)
    parser.add_argument("--freeze-embeddings", action="store_true", help="keep the word embeddings of the start")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Pre-train with the command line's options."""
    arguments = vars(build_parser().parse_args(argv))
    base, resume = arguments.pop("base"), arguments.pop("resume")
    if arguments["workers"] is None:
        arguments["workers"] = CPU_WORKERS if torch.device(arguments["device"]).type == "cpu" else 1
    arguments["sources"] = tuple(arguments["sources"])
    pretrain(PretrainOptions(**arguments, start=resume or base, continued=resume is not None))


if __name__ == "__main__":
    run_script(main)
