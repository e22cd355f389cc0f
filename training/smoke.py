"""The whole recipe in seconds: a tiny BERT from scratch instead of a real encoder, steps instead of minutes.

It shows that the steps fit together and that their output loads, not that the result is any good.

    python -m training.smoke --text FOLDER --sentiment FOLDER --entities FOLDER --answers FOLDER --out FOLDER

``--text`` contains JSON-lines documents as `training.extract_corpus` writes them, at least two sources of which two
documents or more are held out (see `training.tokenise_corpus.is_held_out`); ``--sentiment``, ``--entities`` and
``--answers`` the files that `training.sentiment_data`, `training.entity_data` and `training.answer_data` list. A few
kilobytes are enough.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)

from training import finetune_answers, finetune_entities, tokenise_corpus
from training.batches import SHAPES
from training.checkpoints import save_checkpoint, vocabulary_of
from training.errors import RecipeError, run_script
from training.evaluate_pretrained import HeldOutResult, evaluate_held_out
from training.evaluate_sentiment import accuracy
from training.finetune_sentiment import FinetuneOptions, finetune
from training.finetuning import FinetuningRun
from training.pretrain import PretrainOptions, TrainingRun, pretrain
from training.pretraining_model import new_model
from training.sentiment_data import encode, read_sst2
from training.share_embeddings import share_embeddings
from training.tokenised import VOCABULARY_SIZE

__all__ = ["SmokeReport", "build_parser", "main", "smoke"]

VOCABULARY = Path("glassbert/checkpoints/pretrained")
SEED = 1
#: So that it is quick on any CPU.
PRECISION = "float32"


@dataclass(frozen=True, slots=True, eq=False)
class SmokeReport:
    """The result of each step. The folders contain the checkpoints with the shared shard."""

    pretraining: TrainingRun
    held_out_before: dict[str, HeldOutResult]  # shape id → the model before its first step
    held_out_after: dict[str, HeldOutResult]
    finetuning: FinetuningRun
    sentiment_accuracy: float  # on SST-2's training sentences, as loaded from the folder
    entities: FinetuningRun
    answers: FinetuningRun
    pretrained_folder: Path
    sentiment_folder: Path
    entities_folder: Path
    answers_folder: Path


def smoke(
    text: Path,
    sentiment: Path,
    entities: Path,
    answers: Path,
    out: Path,
    *,
    vocabulary: Path = VOCABULARY,
    steps: int = 60,
) -> SmokeReport:
    """Tokenise, pre-train, evaluate, fine-tune, share, load. Deterministic."""
    sources = tuple(sorted(path.stem for path in text.glob("*.jsonl")))
    corpus, base, pretrained, tuned = (out / name for name in ("corpus", "base", "pretrained", "sentiment"))
    tokenise_corpus.main(["--text", str(text), "--out", str(corpus), "--tokenizer", str(vocabulary)])
    _write_tiny_encoder(base, vocabulary)

    torch.manual_seed(SEED)
    before = _evaluate(new_model(base, corpus).eval(), corpus, sources)
    run = pretrain(_pretrain_options(corpus, base, pretrained, sources, steps))
    assert run is not None  # one worker
    after = _evaluate(_load(BertForPreTraining, pretrained), corpus, sources)

    finetuning = finetune(_finetune_options(pretrained, sentiment, tuned))
    naming = finetune_entities.finetune(_entity_options(pretrained, entities, out / "entities"))
    answering = finetune_answers.finetune(_answer_options(pretrained, answers, out / "answers"))
    shared = out / "shared"
    tasks = {"sentiment": tuned, "entities": out / "entities", "answers": out / "answers"}
    share_embeddings(shared, {"pretrained": pretrained, **tasks})
    _load(BertForPreTraining, shared / "pretrained")
    _load(BertForTokenClassification, shared / "entities")
    _load(BertForQuestionAnswering, shared / "answers")
    classifier = _load(BertForSequenceClassification, shared / "sentiment")
    tokenizer = AutoTokenizer.from_pretrained(shared / "sentiment")
    return SmokeReport(
        pretraining=run,
        held_out_before=before,
        held_out_after=after,
        finetuning=finetuning,
        sentiment_accuracy=accuracy(classifier, encode(read_sst2(sentiment, "train"), tokenizer), precision=PRECISION),
        entities=naming,
        answers=answering,
        pretrained_folder=shared / "pretrained",
        sentiment_folder=shared / "sentiment",
        entities_folder=shared / "entities",
        answers_folder=shared / "answers",
    )


def _write_tiny_encoder(folder: Path, vocabulary: Path) -> None:
    """A random encoder of two layers of two heads, with the real vocabulary."""
    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    save_checkpoint(BertModel(config), vocabulary_of(vocabulary), folder)


def _pretrain_options(corpus: Path, base: Path, out: Path, sources: tuple[str, ...], steps: int) -> PretrainOptions:
    return PretrainOptions(
        corpus=corpus,
        out=out,
        start=base,
        minutes=20.0,  # so that each minute of warm-up is a twentieth of the steps
        steps=steps,
        head_minutes=1.0,
        learning_rate=2e-3,
        head_learning_rate=5e-3,
        tokens_per_step=256,
        workers=1,
        precision=PRECISION,
        seed=SEED,
        sources=sources,
    )


def _finetune_options(model: Path, data: Path, out: Path) -> FinetuneOptions:
    return FinetuneOptions(
        model=model,
        data=data,
        out=out,
        epochs=30,
        learning_rate=2e-3,
        tokens_per_batch=128,
        sentences=1,
        phrases=8,
        opinions=8,
        pros_and_cons=8,
        snippets=8,
        reviews=4,
        templates=16,
        seed=SEED,
        freeze_embeddings=True,
        precision=PRECISION,
    )


def _entity_options(model: Path, data: Path, out: Path) -> finetune_entities.EntityOptions:
    return finetune_entities.EntityOptions(
        model=model,
        data=data,
        out=out,
        epochs=12,
        learning_rate=2e-3,
        tokens_per_batch=128,
        seed=SEED,
        freeze_embeddings=True,
        precision=PRECISION,
    )


def _answer_options(model: Path, data: Path, out: Path) -> finetune_answers.AnswerOptions:
    return finetune_answers.AnswerOptions(
        model=model,
        data=data,
        out=out,
        epochs=12,
        learning_rate=2e-3,
        tokens_per_batch=256,
        seed=SEED,
        freeze_embeddings=True,
        freeze_layers=1,
        precision=PRECISION,
    )


def _evaluate(model: Any, corpus: Path, sources: tuple[str, ...]) -> dict[str, HeldOutResult]:
    return {
        shape_id: evaluate_held_out(model, corpus, shape_id, batches=1, sources=sources, precision=PRECISION)
        for shape_id in SHAPES
    }


def _load(model_class: Any, folder: Path) -> Any:
    """`from_pretrained`, float32. Raises `RecipeError` if a weight was not in the checkpoint."""
    model, loading = model_class.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    if loading["missing_keys"]:
        raise RecipeError(f"{folder} lacks the weights {', '.join(sorted(loading['missing_keys']))}")
    return model.eval()


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--sentiment", type=Path, required=True)
    parser.add_argument("--entities", type=Path, required=True)
    parser.add_argument("--answers", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, default=VOCABULARY, help="a folder with BERT's vocab.txt")
    parser.add_argument("--steps", type=int, default=60)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Run the recipe and print its figures."""
    options = build_parser().parse_args(argv)
    data = (options.sentiment, options.entities, options.answers)
    report = smoke(options.text, *data, options.out, vocabulary=options.vocabulary, steps=options.steps)
    for shape_id, after in report.held_out_after.items():
        print(f"{shape_id}: held-out loss {report.held_out_before[shape_id].loss:.2f} → {after.loss:.2f}")
    losses = report.finetuning.losses
    print(f"sentiment: loss {losses[0]:.2f} → {losses[-1]:.2f}, training accuracy {report.sentiment_accuracy:.2f}")
    for name, run in (("entities", report.entities), ("answers", report.answers)):
        print(f"{name}: loss {run.losses[0]:.2f} → {run.losses[-1]:.2f}")
    print(f"all load from {report.pretrained_folder.parent}")


if __name__ == "__main__":
    run_script(main)
