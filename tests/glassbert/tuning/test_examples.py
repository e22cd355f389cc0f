"""What training reads: labels at the right tokens, batches, losses against those of stock networks, every family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

import glassbert as gb
from glassbert.tuning.batching import Batches, Collator
from glassbert.tuning.examples import IGNORED, examples_of
from glassbert.tuning.networks import _read_characters, trainable
from glassbert.tuning.settings import training_settings
from glassbert.tuning.trainer import _class_weights, _outcome
from tests import tiny

FAST = {
    "epochs": 1,
    "tokens_per_batch": 64,
    "threads": 1,
    "precision": "float32",
    "device": "cpu",
    "record": False,
    "label_errors": False,
}
TOKENS = pd.DataFrame(
    {
        "words": [["Paris", "is", "unbelievable", "."], ["The", "doctor", "said", "so", "in", "Paris"]] * 4,
        "tags": [["B-LOC", "O", "O", "O"], ["O", "B-PER", "O", "O", "O", "B-LOC"]] * 4,
    }
)
CONTEXT = "The man went to the store. He bought a gallon of milk and some bread."
TABLES: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
    "classification": (
        pd.DataFrame({"text": ["good film", "long mess", "great"] * 4, "label": ["a", "b", "a"] * 4}),
        {},
    ),
    "multi_label": (pd.DataFrame({"text": ["good film", "long mess"] * 4, "label": [["a", "b"], []] * 4}), {}),
    "regression": (pd.DataFrame({"text": ["good film", "long mess"] * 4, "label": [0.25, -1.5] * 4}), {}),
    "tokens": (TOKENS, {}),
    "spans": (
        pd.DataFrame(
            {
                "question": ["What was it?", "Where to?"] * 4,
                "context": [CONTEXT] * 8,
                "answers": [
                    {"text": ["a gallon of milk"], "answer_start": [CONTEXT.index("a gallon")]},
                    {"text": ["the store"], "answer_start": [CONTEXT.index("the store")]},
                ]
                * 4,
            }
        ),
        {},
    ),
    "texts": (pd.DataFrame({"text": list(tiny.SENTENCES[:7])}), {"kind": "texts"}),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return gb.load(tiny.build("bert", "masked_words", tmp_path_factory.mktemp("base") / "bert"), "cpu")


def table_of(kind: str) -> Any:
    frame, options = TABLES[kind]
    table = gb.read_table(frame, **options)
    assert table.kind == kind
    return table


def test_a_word_has_its_label_at_its_first_token(base: Any) -> None:
    table = table_of("tokens")
    examples = examples_of(base, table, 128)
    for number in range(2):
        span = slice(examples.starts[number], examples.starts[number + 1])
        encoded = gb.encode(base, table.texts[number])
        assert examples.ids[span].tolist() == encoded.input_ids.tolist()
        labelled = [table.label_names[one] if one != IGNORED else None for one in examples.labels[span]]
        words = TOKENS["words"][number]
        at, expected = 0, []
        for start, end in encoded.offsets:
            starts = {sum(len(word) + 1 for word in words[:place]): place for place in range(len(words))}
            first = end > start and int(start) in starts
            expected.append(TOKENS["tags"][number][starts[int(start)]] if first else None)
            at += first
        assert labelled == expected
        assert at == len(words)


def test_an_answer_is_at_the_tokens_that_it_covers(base: Any) -> None:
    table = table_of("spans")
    examples = examples_of(base, table, 128)
    for number, answer in ((0, "a gallon of milk"), (1, "the store")):
        encoded = gb.encode(base, table.texts[number], table.pairs[number])
        first, last = examples.labels[number]
        assert CONTEXT[encoded.offsets[first][0] : encoded.offsets[last][1]] == answer


def test_a_long_context_is_read_in_pieces_that_hold_the_answer(base: Any) -> None:
    frame = TABLES["spans"][0].head(1).copy()
    long = "Some bread and milk. " * 30
    frame["context"] = [long + CONTEXT]
    frame["answers"] = [{"text": ["a gallon of milk"], "answer_start": [len(long) + CONTEXT.index("a gallon")]}]
    examples = examples_of(base, gb.read_table(frame), 64)
    assert len(examples) >= 1  # the pieces without the answer teach nothing and are left out
    assert all(first > 0 for first, _ in examples.labels)
    frame["answers"] = [{"text": [], "answer_start": []}]
    both = pd.concat([frame, TABLES["spans"][0].head(1)])
    unanswered = examples_of(base, gb.read_table(both, kind="spans"), 64)
    assert len(unanswered) > len(examples) + 1
    assert (unanswered.labels[unanswered.rows == 0] == 0).all()


def test_a_long_text_is_cut_and_counted(base: Any) -> None:
    frame = pd.DataFrame({"text": ["good " * 40, "bad", "good " * 30], "label": ["a", "b", "a"]})
    examples = examples_of(base, gb.read_table(frame), 16)
    assert examples.lengths.tolist() == [16, examples.lengths[1], 16]
    assert examples.cut == 2
    assert examples.rows.tolist() == [0, 1, 2]


def test_every_epoch_reads_every_example_once_in_as_many_batches() -> None:
    lengths = np.random.default_rng(0).integers(4, 60, 300)
    batches = Batches(lengths, 512, seed=3)
    drawn = []
    for epoch in range(3):
        batches.set_epoch(epoch)
        drawn.append(list(batches))
        assert len(drawn[-1]) == len(batches)
        assert sorted(place for one in drawn[-1] for place in one) == list(range(300))
        # padding included, a batch is at most a little larger than asked for
        assert max(len(one) * lengths[one].max() for one in drawn[-1]) < 1.5 * 512
    assert drawn[0] != drawn[1]
    again = Batches(lengths, 512, seed=3)
    again.set_epoch(1)
    assert list(again) == drawn[1]


def test_masking_takes_the_shares_of_bert(base: Any) -> None:
    table = gb.read_table(pd.DataFrame({"text": [" ".join(tiny.SENTENCES[:3])] * 300}), kind="texts")
    examples = examples_of(base, table, 128)
    batches = Batches(examples.lengths, 100_000, seed=1)
    collator = Collator(examples, base, batches)
    batch = collator(list(range(len(examples))))
    guessed = batch["labels"] != IGNORED
    words = int((~examples.special).sum())
    assert int(guessed.sum()) / words == pytest.approx(0.15, abs=0.01)
    length = examples.lengths[0]
    ids = torch.from_numpy(examples.ids.astype(np.int64)).view(len(examples), length)
    assert torch.equal(batch["labels"][guessed], ids[guessed[:, :length]])
    masked = batch["input_ids"][guessed] == base.tokenizer.mask_token_id
    assert float(masked.float().mean()) == pytest.approx(0.8, abs=0.03)
    assert torch.equal(collator(list(range(len(examples))))["input_ids"], batch["input_ids"])
    batches.set_epoch(1)
    assert not torch.equal(collator(list(range(len(examples))))["input_ids"], batch["input_ids"])


@pytest.mark.parametrize("kind", TABLES)
def test_the_loss_is_that_of_the_stock_network(kind: str, base: Any) -> None:
    table = table_of(kind)
    settings = training_settings(base, table, **FAST)
    network = trainable(base, table, settings).eval()
    examples = examples_of(base, table, 64)
    batch = Collator(examples, base, Batches(examples.lengths, 10_000, 1))(list(range(len(examples))))
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    labels = batch["labels"]
    if kind == "spans":
        own = {"start_positions": labels[:, 0], "end_positions": labels[:, 1]}
    else:
        own = {"labels": labels[:, None] if kind == "regression" else labels}
    with torch.no_grad():
        output = network(**inputs, **own)
        loss, probabilities, right = _outcome(kind, output, labels, None)
    assert loss.item() == pytest.approx(output.loss.item(), abs=1e-6)
    if kind == "classification":
        expected = output.logits.softmax(-1)[range(len(labels)), labels]
        assert probabilities.tolist() == pytest.approx(expected.tolist())
        assert right.tolist() == (output.logits.argmax(-1) == labels).tolist()
    if kind == "tokens":
        rows = []
        for row, own_labels in zip(output.logits, labels, strict=True):
            known = own_labels != IGNORED
            rows.append(row[known].softmax(-1)[range(int(known.sum())), own_labels[known]].mean())
        assert probabilities.tolist() == pytest.approx([float(one) for one in rows])


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.asarray([0] * 30 + [1] * 10 + [2] * 20)
    assert _class_weights(labels, 3).tolist() == pytest.approx(
        compute_class_weight("balanced", classes=np.arange(3), y=labels).tolist()
    )
    assert _class_weights(np.asarray([0] * 999 + [1]), 2)[1] == 10


@pytest.mark.parametrize("kind", ["multi_label", "regression", "tokens", "spans", "texts"])
def test_each_kind_trains_and_gives_a_model_with_its_head(kind: str, base: Any, tmp_path: Path) -> None:
    table = table_of(kind)
    result = gb.finetune(base, table, table, tmp_path / "out", **FAST)
    model = gb.load(result.folder, "cpu")
    heads = {"tokens": "token_classification", "spans": "question_answering", "texts": "masked_words"}
    assert heads.get(kind, "classification") in model.task_heads
    assert model.regression == (kind == "regression")
    assert model.multi_label == (kind == "multi_label")
    if kind in ("multi_label", "tokens"):
        assert model.labels == table.label_names
    assert result.dev is not None
    assert np.isfinite(result.losses).all()


#: Those whose stock networks differ most from what GlassBERT makes of them; `make smoke` trains the others.
_DIFFERING = ("albert", "deberta-v2", "distilbert", "mobilebert", "modernbert", "mpnet", "roc_bert")


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(family, marks=() if family in _DIFFERING else pytest.mark.smoke)
        for family in sorted(set(tiny.CLASS_PREFIXES) - {"bert"})
    ],
)
def test_every_family_can_be_trained(family: str, tmp_path: Path) -> None:
    """The model that GlassBERT loads computes what the stock network that was trained does."""
    base = gb.load(tiny.build(family, "masked_words", tmp_path / "base"), "cpu")
    table = table_of("classification")
    result = gb.finetune(base, table, None, tmp_path / "out", **FAST)
    model = gb.load(result.folder, "cpu")
    stock = transformers.AutoModelForSequenceClassification.from_pretrained(result.folder).eval()
    encoded = gb.encode(model, table.texts[0])
    inputs = {"input_ids": torch.tensor(encoded.input_ids)[None]}
    if family == "roc_bert":
        _read_characters(stock, model)
    with torch.no_grad():
        expected = stock(**inputs).logits[0]
    assert gb.classify(model, encoded).logits.tolist() == pytest.approx(expected.tolist(), abs=2e-5)
    assert model.labels == ("a", "b")


def test_defaults_are_the_same_for_a_table_that_is_only_looked_at_in_part(
    base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large table only some lengths are taken: 32 texts a batch and the share that is cut must not change."""
    from glassbert.tuning import examples

    texts = ["good film " * (1 + place % 11) for place in range(2800)]
    table = gb.read_table(pd.DataFrame({"text": texts, "label": ["a", "b"] * 1400}))
    whole = training_settings(base, table)
    mean = examples.lengths_of(base, table).mean()
    assert whole.tokens_per_batch == pytest.approx(32 * mean, abs=1)
    monkeypatch.setattr(examples, "_LOOKED_AT", 100)
    part = training_settings(base, table)
    assert part.tokens_per_batch == pytest.approx(whole.tokens_per_batch, rel=0.05)
    assert part.max_tokens == whole.max_tokens
