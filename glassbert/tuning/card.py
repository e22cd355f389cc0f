"""The model card of a fine-tuned model: what it is, and what was measured."""

from __future__ import annotations

from pathlib import Path

from glassbert.network.model import Model
from glassbert.tuning.evaluation_results import Evaluation
from glassbert.tuning.results import FineTuning

__all__ = ["model_card"]

_TASKS = {
    "classification": "text classification, one class a text",
    "multi_label": "text classification, any number of classes a text",
    "regression": "a number for each text",
    "tokens": "labels of words, such as names",
    "spans": "answers to questions, taken from a text",
    "texts": "masked words",
}
_MOST_LABELS = 30


def model_card(result: FineTuning, base: Model) -> str:
    """Markdown, with what users wrote escaped."""
    data, settings = result.data, result.settings
    labels = [_escaped(name) for name in result.label_names]
    more = f" and {len(labels) - _MOST_LABELS} more" if len(labels) > _MOST_LABELS else ""
    parts = [
        f"# {_escaped(Path(result.folder).name)}",
        f"Task: {_TASKS[result.kind]}." + (f" Labels: {', '.join(labels[:_MOST_LABELS])}{more}." if labels else ""),
        f"Fine-tuned from `{base.checkpoint.weights_hash[:12]}` ({_escaped(base.source)}, "
        f"{base.checkpoint.family.label}, {base.parameters / 1e6:.1f} million weights; its licence applies).",
        "## Data",
        f"{data['rows']:,} texts of {_escaped(str(data['source']))} (contents {str(data['fingerprint'])[:12]}); "
        f"{data['bad_rows']:,} rows could not be used, and {data['cut']:,} texts were cut at {settings['max_tokens']} "
        "tokens.",
        "## Training",
        _settings(result),
    ]
    for name, evaluation in (("Development set", result.dev), ("Test set", result.test)):
        if evaluation is not None:
            parts += [f"## {name}", _measured(evaluation)]
    if result.dev is None and result.test is None:
        parts.append("Nothing was held out, so it is not known how good this model is on other texts.")
    if result.label_errors is not None and len(result.label_errors.rows):
        count = len(result.label_errors.rows)
        parts.append(f"{count:,} of the training labels are likely wrong (confident learning).")
    if result.moved is not None and len(result.moved.masked_accuracy):
        before, after = (100 * float(one) for one in result.moved.masked_accuracy)
        parts.append(
            f"Masked words guessed before and after, with the head of before: {before:.1f} % and {after:.1f} %."
        )
    parts.append("Made with GlassBERT; `finetuning.zip` holds all of this and more (`gb.load_result`).")
    return "\n\n".join(parts) + "\n"


def _settings(result: FineTuning) -> str:
    settings = result.settings
    frozen = f"{settings['freeze_layers']} layers frozen, " if settings["freeze_layers"] else ""
    adapters = f"low-rank adapters of rank {settings['lora_rank']}, " if settings["lora_rank"] else ""
    best = f", the model of epoch {result.best_epoch}" if result.best_epoch < settings["epochs"] else ""
    taught = ""
    if "teacher" in result.data:
        taught = (
            f" {result.data['teacher_share']:.0%} of the loss is the distance to the answers of "
            f"{_escaped(str(result.data['teacher']))} at temperature {result.data['temperature']:g} (distillation)."
        )
    return (
        f"{len(result.losses):,} steps, {settings['epochs']} epochs at most{best}; learning rate "
        f"{settings['learning_rate']:g}, about {settings['tokens_per_batch']:,} tokens a batch, {frozen}{adapters}"
        f"class weights {settings['class_weights']}, seed {settings['seed']}, {settings['precision']} on "
        f"{settings['device']}; {result.seconds:,.0f} s. Last loss {result.losses[-1]:.4f}.{taught}"
    )


def _measured(evaluation: Evaluation) -> str:
    lines = ["| measure | value | 95 % interval |", "|---|---|---|"]
    for name, value in evaluation.metrics.items():
        interval = evaluation.intervals.get(name)
        told = f"{interval[0]:.4f} to {interval[1]:.4f}" if interval is not None else ""
        lines.append(f"| {name.replace('_', ' ')} | {value:.4f} | {told} |")
    return f"{len(evaluation.rows):,} texts.\n\n" + "\n".join(lines)


def _escaped(text: str) -> str:
    """Without line breaks and without what Markdown or HTML would read."""
    plain = " ".join(text.split())[:80]
    return "".join(f"\\{one}" if one in "\\`*_{}[]()#+-!|<>~" and one not in "-." else one for one in plain)
