"""The whole recipe on a few kilobytes: text in, checkpoints that load and share a shard out."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoTokenizer,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)

from training.entity_data import LABELS
from training.share_embeddings import EMBEDDINGS

if TYPE_CHECKING:
    from training.smoke import SmokeReport


def load(model_class: Any, folder: Path) -> Any:
    """``from_pretrained`` as anyone would call it; no weight may be missing."""
    model, loading = model_class.from_pretrained(folder, output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    return model


def assert_same_up_to_half_precision(loaded: Any, trained: Any) -> None:
    before = trained.state_dict()
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.float32
        # 11 bits of mantissa, and a smallest step of 2^-24
        torch.testing.assert_close(tensor, before[name], rtol=2**-11, atol=2**-25, msg=name)
        assert torch.equal(tensor, before[name].half().float()), name


def _task_folders(report: SmokeReport) -> tuple[Path, ...]:
    return report.sentiment_folder, report.entities_folder, report.answers_folder


@pytest.mark.smoke
def test_pretraining_lowers_the_loss(smoke_report: SmokeReport) -> None:
    losses = smoke_report.pretraining.masked_losses
    assert len(losses) == 60
    assert mean(losses[-10:]) < mean(losses[:10]) - 1
    for shape_id, before in smoke_report.held_out_before.items():
        after = smoke_report.held_out_after[shape_id]
        assert before.masked_tokens == after.masked_tokens > 0  # the same draws
        assert after.loss < before.loss - 1, shape_id


@pytest.mark.smoke
def test_fine_tuning_learns_the_labels(smoke_report: SmokeReport) -> None:
    losses = smoke_report.finetuning.losses
    assert mean(losses[-10:]) < mean(losses[:10]) - 0.1
    assert smoke_report.sentiment_accuracy > 0.9
    for run in (smoke_report.entities, smoke_report.answers):
        assert mean(run.losses[-3:]) < mean(run.losses[:3]) - 0.5


@pytest.mark.smoke
def test_from_pretrained_gives_the_trained_weights_back(smoke_report: SmokeReport) -> None:
    pretrained = load(BertForPreTraining, smoke_report.pretrained_folder)
    assert_same_up_to_half_precision(pretrained, smoke_report.pretraining.model)
    sentiment = load(BertForSequenceClassification, smoke_report.sentiment_folder)
    assert_same_up_to_half_precision(sentiment, smoke_report.finetuning.model)
    assert sentiment.config.id2label == {0: "NEGATIVE", 1: "POSITIVE"}
    entities = load(BertForTokenClassification, smoke_report.entities_folder)
    assert_same_up_to_half_precision(entities, smoke_report.entities.model)
    assert entities.config.id2label == dict(enumerate(LABELS))
    answers = load(BertForQuestionAnswering, smoke_report.answers_folder)
    assert_same_up_to_half_precision(answers, smoke_report.answers.model)
    # what was frozen is that of the pre-trained checkpoint, the layer above is not
    kept, moved = (pretrained.bert.encoder.layer[n].state_dict() for n in (0, 1))
    own, above = (answers.bert.encoder.layer[n].state_dict() for n in (0, 1))
    assert all(torch.equal(own[name], kept[name]) for name in kept)
    assert not any(torch.equal(above[name], moved[name]) for name in moved if name.endswith("weight"))


@pytest.mark.smoke
def test_all_checkpoints_have_the_same_embeddings_from_one_file(smoke_report: SmokeReport) -> None:
    folders = (smoke_report.pretrained_folder, *_task_folders(smoke_report))
    shards = []
    for folder in folders:
        weight_map = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
        shards.append((folder / weight_map[EMBEDDINGS]).resolve())
        own = load_file(folder / "encoder.safetensors")
        assert EMBEDDINGS not in own
        assert own.keys() | {EMBEDDINGS} == weight_map.keys()
        assert not list(folder.glob("model.safetensors"))
    assert len(set(shards)) == 1
    one, other = (
        load(model_class, folder).bert.embeddings.word_embeddings.weight
        for model_class, folder in zip((BertForPreTraining, BertForSequenceClassification), folders[:2], strict=True)
    )
    assert torch.equal(one, other)
    # they are the pre-trained ones, and pre-training had moved them
    trained = smoke_report.pretraining.model.bert.embeddings.word_embeddings.weight
    assert torch.equal(one, trained.half().float().cpu())
    base = load_file(smoke_report.pretrained_folder.parents[1] / "base" / "model.safetensors")
    assert not torch.equal(one, base["embeddings.word_embeddings.weight"].float())


@pytest.mark.smoke
def test_all_folders_have_the_tokenizer(smoke_report: SmokeReport, vocabulary: Path) -> None:
    text = "The film was not bad at all."
    ids = AutoTokenizer.from_pretrained(vocabulary)(text)["input_ids"]
    for folder in (smoke_report.pretrained_folder, *_task_folders(smoke_report)):
        assert AutoTokenizer.from_pretrained(folder)(text)["input_ids"] == ids
        # nothing is cut unless asked for
        assert json.loads((folder / "tokenizer.json").read_text())["truncation"] is None


def test_scripts_end_with_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from training import share_embeddings
    from training.errors import run_script

    with pytest.raises(SystemExit) as caught:
        run_script(lambda: share_embeddings.main([str(tmp_path / "out"), f"one={tmp_path}"]))
    assert str(caught.value).startswith(f"error: {tmp_path / 'model.safetensors'} is missing")
    assert capsys.readouterr().out == ""
