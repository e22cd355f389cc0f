"""Step 4: how good is a pre-trained checkpoint? Held-out documents, then the hand-written probes.

python -m training.evaluate_pretrained glassbert/checkpoints/pretrained --corpus work/corpus --batches 12
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BertForPreTraining

from training.batches import FIRST_SOURCES, SHAPES, SOURCES, BatchSampler
from training.checkpoints import local_checkpoint
from training.errors import RecipeError, run_script
from training.precision import add_precision_option
from training.pretraining_model import masked_logits, pretraining_output
from training.probes import CLOZE_PROBES, NEXT_SENTENCE_PROBES, Cloze, NextSentence

__all__ = [
    "HELD_OUT_SOURCES",
    "ClozeResult",
    "HeldOutResult",
    "NextSentenceResult",
    "build_parser",
    "cloze",
    "evaluate_held_out",
    "main",
    "next_sentence",
]

SEED = 12345
#: Sequences per batch, so that each shape's batches have about the same number of tokens.
SEQUENCES = {"long_pairs": 24, "short_pairs": 48, "single_sentences": 96}
#: The first checkpoints' sources, whatever later ones were trained on, so that figures are comparable. The Factbook is
#: left out: only one of its countries is held out, too few to be meaningful.
HELD_OUT_SOURCES = tuple(source for source in FIRST_SOURCES if source != "factbook")


@dataclass(frozen=True, slots=True)
class HeldOutResult:
    """Accuracies over one shape's batches; ``loss`` in nats per masked token; None without pairs."""

    masked_tokens: int
    top1: float
    top5: float
    loss: float
    next_sentence: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class ClozeResult:
    """The five likeliest tokens for the mask, and whether an accepted answer is the first or among them."""

    sentence: str
    candidates: tuple[tuple[str, float], ...]
    top1: bool
    top5: bool


@dataclass(frozen=True, slots=True)
class NextSentenceResult:
    """The probability that the second sentence follows, and whether it is on the correct side of one half."""

    first: str
    second: str
    probability: float
    follows: bool
    right: bool


@torch.no_grad()
def evaluate_held_out(
    model: Any,
    corpus: Path,
    shape_id: str,
    *,
    batches: int,
    sources: Sequence[str] = HELD_OUT_SOURCES,
    precision: str = "bfloat16",
) -> HeldOutResult:
    """Masked-word and next-sentence accuracy on held-out documents; the same draws for every model."""
    sampler = BatchSampler(corpus, seed=SEED, held_out=True, sources=sources)
    masked = top1 = top5 = pairs = pairs_right = 0
    loss = 0.0
    for _ in range(batches):
        batch = sampler.draw_batch(shape_id, SEQUENCES[shape_id])
        output = pretraining_output(model, batch, precision=precision)
        candidates = masked_logits(model, output, precision).float().topk(5, -1).indices  # (masked position, 5)
        targets = output.masked_targets
        masked += len(targets)
        top1 += int((candidates[:, 0] == targets).sum())
        top5 += int((candidates == targets[:, None]).any(1).sum())
        loss += output.masked_loss.item() * len(targets)
        if output.next_sentence_loss is not None:
            labels = output.next_sentence_labels
            pairs += len(labels)
            pairs_right += int((output.next_sentence_logits.argmax(-1) == labels).sum())
    return HeldOutResult(
        masked_tokens=masked,
        top1=top1 / masked,
        top5=top5 / masked,
        loss=loss / masked,
        next_sentence=pairs_right / pairs if pairs else None,
        pairs=pairs,
    )


@torch.no_grad()
def cloze(model: Any, tokenizer: Any, probe: Cloze) -> ClozeResult:
    """Fill the one mask of a sentence."""
    encoded = tokenizer(probe.sentence, return_tensors="pt")
    position = int((encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero())
    probabilities, ids = model(**encoded).prediction_logits[0, position].softmax(-1).topk(5)
    tokens = tokenizer.convert_ids_to_tokens(ids.tolist())
    return ClozeResult(
        sentence=probe.sentence,
        candidates=tuple(zip(tokens, probabilities.tolist(), strict=True)),
        top1=tokens[0] in probe.answers,
        top5=any(token in probe.answers for token in tokens),
    )


@torch.no_grad()
def next_sentence(model: Any, tokenizer: Any, probe: NextSentence) -> NextSentenceResult:
    """Evaluate one pair of sentences."""
    encoded = tokenizer(probe.first, probe.second, return_tensors="pt")
    # class 0 is "follows", BERT's convention
    probability = model(**encoded).seq_relationship_logits.softmax(-1)[0, 0].item()
    right = (probability >= 0.5) == probe.follows
    return NextSentenceResult(probe.first, probe.second, probability, probe.follows, right)


def _print_cloze(result: ClozeResult) -> None:
    mark = "top-1" if result.top1 else "top-5" if result.top5 else "-"
    candidates = ", ".join(f"{token} {probability:.2f}" for token, probability in result.candidates)
    print(f"{mark:5} {result.sentence} {candidates}")


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("work/corpus"))
    parser.add_argument("--batches", type=int, default=24, help="per shape; the model card's figures are for 12")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=HELD_OUT_SOURCES)
    parser.add_argument("--threads", type=int, default=1)
    add_precision_option(parser)
    parser.add_argument("--json", type=Path, help="write the results here too")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate one checkpoint, print the results, and write them as JSON if requested."""
    options = build_parser().parse_args(argv)
    if options.batches < 1:
        raise RecipeError("batches must be at least 1")
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.model))
    model = BertForPreTraining.from_pretrained(options.model, dtype=torch.float32).eval()

    held_out = {}
    for shape_id in SHAPES:
        held_out[shape_id] = evaluate_held_out(
            model,
            options.corpus,
            shape_id,
            batches=options.batches,
            sources=options.sources,
            precision=options.precision,
        )
        print(shape_id, asdict(held_out[shape_id]), flush=True)
    clozes = [cloze(model, tokenizer, probe) for probe in CLOZE_PROBES]
    for result in clozes:
        _print_cloze(result)
    pairs = [next_sentence(model, tokenizer, probe) for probe in NEXT_SENTENCE_PROBES]
    for pair in pairs:
        print(f"{pair.probability:.3f} {'next' if pair.follows else 'random'}: {pair.first} / {pair.second}")
    top1, top5 = sum(result.top1 for result in clozes), sum(result.top5 for result in clozes)
    print(f"cloze probes: top-1 {top1}/{len(clozes)}, top-5 {top5}/{len(clozes)}")
    print(f"next-sentence probes: {sum(pair.right for pair in pairs)}/{len(pairs)}")
    if options.json:
        report = {
            "held_out": {shape_id: asdict(result) for shape_id, result in held_out.items()},
            "cloze": [asdict(result) for result in clozes],
            "next_sentence": [asdict(pair) for pair in pairs],
        }
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    run_script(main)
