"""``evaluate``: run a model on a table and measure how good it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from glassbert.arguments import checked
from glassbert.decision import Passes, token_logits
from glassbert.errors import EmptyTextError, OptionError, TaskHeadError, TextError
from glassbert.language.answers import answer
from glassbert.network.batches import batches
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.results import Array, Encoded
from glassbert.tables import Table
from glassbert.text.inputs import about_text, encode, shorten, with_masks
from glassbert.text.windows import Windows
from glassbert.tuning.evaluation_metrics import evaluation_of
from glassbert.tuning.evaluation_results import Evaluation
from glassbert.tuning.settings import TASK_OF

__all__ = ["evaluate", "first_tokens"]

#: Texts that are tokenized, then batched by length.
_AT_ONCE = 512
#: BERT's own share (Devlin et al. 2019).
_MASKED_SHARE = 0.15
#: What a word that the tokenizer leaves nothing of is labelled: outside, for certain.
_CERTAIN = 100.0

Progress = Callable[[int, int], None]


@checked
def evaluate(
    model: Model,
    table: Table,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Evaluation:
    """How good a model is on a table: ``evaluate(model, read_table("test.csv")).metrics["accuracy"]``.

    The kind of the table says which task head is asked; its labels are found among the model's by name, whatever their
    case, or by number if the model has numbers for names. Texts of a classifier that are longer than it reads are
    shortened, as in training, and counted in ``truncated``; words and answers are read in windows
    (:class:`glassbert.Windows`). A word is labelled by its first piece. Of plain texts, 15 % of the tokens are masked,
    drawn by ``seed``, and predicted. ``seed`` also draws the bootstrap of the intervals. ``progress(rows done, rows)``
    is called as it goes. One forward pass a row. Raises TaskHeadError, OptionError if the labels do not fit, a
    TextError that names the text, and StoppedError when cancelled.
    """
    if seed < 0:
        raise OptionError(f"seed must be 0 or more; got {seed}")
    require_task_head(model, TASK_OF[table.kind])
    _require_kind(model, table)
    passes = Passes(cancelled=cancelled)
    truncated = 0

    def report(done: int) -> None:
        if progress is not None:
            progress(done, len(table))

    outputs: Any
    names = _names(model, table)
    if table.kind == "tokens":
        outputs = list(_reported(_word_logits(model, table, passes), report))
    elif table.kind == "spans":
        outputs = list(_reported(_answers(model, table, passes), report))
    elif table.kind == "texts":
        outputs = list(_reported(_masked(model, table, passes, seed), report))
    else:
        outputs, truncated = _class_logits(model, table, passes, report)
    return evaluation_of(table, outputs, names, seed=seed, truncated=truncated)


def _require_kind(model: Model, table: Table) -> None:
    """The head of a classifier is of one kind, which its checkpoint tells."""
    if TASK_OF[table.kind] != "classification":
        return
    kind = "regression" if model.regression else "multi_label" if model.multi_label else "classification"
    if kind == "multi_label" and len(model.labels) == 1:
        kind = "regression"  # as transformers trains a single output, unless the config says otherwise
    if kind != table.kind:
        words = {"regression": "scores", "multi_label": "several classes a text", "classification": "one class a text"}
        raise TaskHeadError(
            f"this model gives {words[kind]}, but the table's labels are {words[table.kind]}: choose another table, or "
            "read it with kind="
        )
    if table.kind == "regression" and len(model.labels) != 1:
        raise TaskHeadError(f"this model gives {len(model.labels)} scores, but a table has one a text")


def _names(model: Model, table: Table) -> tuple[str, ...]:
    """The model's labels, in its order, spelled as the table spells them."""
    if not table.label_names:
        return model.labels
    own = {name.casefold(): name for name in table.label_names}
    numbered = all(label == f"LABEL_{number}" for number, label in enumerate(model.labels))
    if numbered and len(table.label_names) == len(model.labels):
        return table.label_names
    return tuple(
        own.get(label.casefold(), own.get(str(number), label) if numbered else label)
        for number, label in enumerate(model.labels)
    )


def _reported(outputs: Iterator[Any], report: Callable[[int], None]) -> Iterator[Any]:
    for done, output in enumerate(outputs, start=1):
        yield output
        report(done)


def _class_logits(model: Model, table: Table, passes: Passes, report: Callable[[int], None]) -> tuple[Array, int]:
    """(row, label), and how many texts were shortened."""
    rows = np.zeros((len(table), len(model.labels)))
    truncated = 0
    for start in range(0, len(table), _AT_ONCE):
        places = range(start, min(start + _AT_ONCE, len(table)))
        encoded = []
        for place in places:
            with about_text(place, len(table)):
                texts = (table.texts[place], table.pairs[place] if table.pairs else None)
                shown = shorten(model, *texts)
                truncated += shown != texts
                encoded.append(encode(model, *shown))
        for chosen in batches(model, [len(one) for one in encoded]):
            passes.add(len(chosen))
            logits = task_logits(model, [encoded[number] for number in chosen], "classification")
            rows[[start + number for number in chosen]] = logits.numpy()
        report(places.stop)
    return rows, truncated


def first_tokens(encoded: Encoded, words: Sequence[str]) -> Array:
    """(word,): the first token of each word of a text that is its words joined by one space; −1 if it has none."""
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])[:-1]
    own = np.flatnonzero((encoded.sequence_ids == 0) & (encoded.offsets[:, 1] > encoded.offsets[:, 0]))
    found = np.full(len(words), -1)
    # from the last to the first token, so that the first of a word stays
    for token in own[::-1]:
        # a token may begin with the space before its word; its last character is in the word
        word = int(np.searchsorted(starts, encoded.offsets[token, 1] - 1, side="right")) - 1
        found[word] = token
    return found


def _word_logits(model: Model, table: Table, passes: Passes) -> Iterator[Array]:
    outside = np.zeros(len(model.labels))
    names = [label.casefold() for label in model.labels]
    outside[names.index("o") if "o" in names else 0] = _CERTAIN
    for place, words in enumerate(table.words):
        logits = np.tile(outside, (len(words), 1))
        passes.add(1)
        try:
            with about_text(place, len(table)):
                encoded = encode(model, table.texts[place], windows=Windows())
        except EmptyTextError:
            yield logits
            continue
        tokens = first_tokens(encoded, words)
        read = token_logits(model, encoded, "token_classification").numpy()
        logits[tokens >= 0] = read[tokens[tokens >= 0]]
        yield logits


def _answers(model: Model, table: Table, passes: Passes) -> Iterator[tuple[str, float]]:
    none = not all(table.labels)
    for place, question in enumerate(table.texts):
        passes.add(1)
        with about_text(place, len(table)):
            found = answer(model, question, table.pairs[place], top_k=1, no_answer=none or None, windows=Windows())
        yield (found.answers[0], float(found.span_probabilities[0])) if found.answers else ("", 0.0)


def _masked(model: Model, table: Table, passes: Passes, seed: int) -> Iterator[tuple[float, int, int]]:
    """The sum of the losses, how many are right, how many are masked. At least one token of each text is."""
    draw = np.random.default_rng(seed)
    for place, text in enumerate(table.texts):
        passes.add(1)
        with about_text(place, len(table)):
            encoded = encode(model, shorten(model, text)[0])
        words = np.flatnonzero(encoded.special_tokens_mask == 0)
        if not len(words):
            raise TextError(f"text {place + 1} of {len(table)} has no token to mask")
        count = max(1, round(_MASKED_SHARE * len(words)))
        positions = np.sort(draw.permutation(words)[:count])
        masked = with_masks(model, encoded, positions.tolist())
        logits = task_logits(model, [masked], "masked_words", torch.from_numpy(positions)[None])[0].double()
        own = torch.from_numpy(encoded.input_ids[positions])[:, None]
        losses = logits.logsumexp(dim=-1) - logits.gather(-1, own)[:, 0]
        yield float(losses.sum()), int((logits.argmax(dim=-1) == own[:, 0]).sum()), count
