"""Vetting a folder: what a good checkpoint is found to be, and what each kind of bad one is told."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from glassbert.errors import (
    DamagedCheckpointError,
    ModelError,
    ModelNotFoundError,
    ModelTooLargeError,
    RemoteCodeError,
    UnsafeWeightsError,
    UnsupportedModelError,
)
from glassbert.families import FAMILIES
from glassbert.models.checkpoint import EMBEDDED_FOLDER, Checkpoint, embedded, vet
from glassbert.models.config import check_config
from glassbert.models.memory import available_bytes
from glassbert.models.weights import read_weights
from tests import tiny

TinyCheckpoint = Callable[..., Path]

HEADS = {
    "encoder": (),
    "masked_words": ("masked_words",),
    "next_sentence": ("masked_words", "next_sentence"),
    "classification": ("classification",),
    "token_classification": ("token_classification",),
    "question_answering": ("question_answering",),
}
EVERY = [(family, task) for family in tiny.FAMILIES for task in tiny.tasks(family)]


@pytest.fixture
def copy(tiny_checkpoint: TinyCheckpoint, tmp_path: Path) -> Callable[..., Path]:
    """``copy("bert", "classification")`` → a folder of one's own to break."""

    def get(family: str = "bert", task: str = "masked_words") -> Path:
        return Path(shutil.copytree(tiny_checkpoint(family, task), tmp_path / f"{family}-{task}"))

    return get


def examine(folder: Path) -> Checkpoint:
    return vet(folder, source=str(folder))


def refusal(folder: Path, kind: type[ModelError]) -> str:
    with pytest.raises(ModelError) as caught:
        vet(folder, source="mine")
    assert type(caught.value) is kind, caught.value
    assert '"mine"' in str(caught.value)
    return str(caught.value)


def edit(path: Path, **entries: object) -> None:
    """Replace entries of a JSON file; None removes one."""
    merged = json.loads(path.read_text()) | entries
    path.write_text(json.dumps({key: value for key, value in merged.items() if value is not None}))


def edit_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    path = folder / "model.safetensors"
    save_file({name: tensor.clone() for name, tensor in change(load_file(path)).items()}, path)


def without(*ends: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if not name.endswith(ends)}


# good checkpoints


@pytest.mark.parametrize(("family", "task"), EVERY)
def test_each_family_and_task(family: str, task: str, tiny_checkpoint: TinyCheckpoint) -> None:
    checkpoint = examine(tiny_checkpoint(family, task))
    assert checkpoint.task_heads == HEADS[task]
    assert checkpoint.family.model_type == family
    expected = None if task == "encoder" else tiny.CLASS_PREFIXES[family] + tiny.CLASS_SUFFIXES[task]
    assert (checkpoint.variant and checkpoint.variant.class_name) == expected
    stored = load_file(checkpoint.folder / "model.safetensors").values()
    assert checkpoint.weight_bytes == sum(tensor.nbytes for tensor in stored)
    assert checkpoint.revision is None


@pytest.mark.parametrize(("family", "task"), EVERY)
def test_a_variant_asks_for_all_tensors_of_its_head(family: str, task: str, tiny_checkpoint: TinyCheckpoint) -> None:
    """Transformers itself is the oracle: with the variant's tensors, nothing is left to chance."""
    checkpoint = examine(tiny_checkpoint(family, task))
    name = checkpoint.variant.class_name if checkpoint.variant else tiny.CLASS_PREFIXES[family] + "Model"
    _, report = getattr(transformers, name).from_pretrained(checkpoint.folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    if checkpoint.variant is not None:
        stored = set(checkpoint.family.canonical(load_file(checkpoint.folder / "model.safetensors")))
        base = set(getattr(transformers, tiny.CLASS_PREFIXES[family] + "Model")(
            getattr(transformers, tiny.CLASS_PREFIXES[family] + "Config").from_pretrained(checkpoint.folder)
        ).state_dict())  # fmt: skip
        assert stored - base <= set(checkpoint.variant.tensors)


@pytest.mark.parametrize(
    ("family", "task", "lost", "left"),
    [
        ("bert", "classification", "classifier.weight", ()),
        ("bert", "classification", "pooler.dense.weight", ()),
        ("bert", "masked_words", "transform.LayerNorm.weight", ()),
        ("bert", "masked_words", "cls.predictions.bias", ()),
        ("bert", "next_sentence", "seq_relationship.weight", ("masked_words",)),
        ("bert", "next_sentence", "predictions.transform.dense.weight", ("next_sentence",)),
        ("bert", "next_sentence", "pooler.dense.bias", ("masked_words",)),
        ("distilbert", "classification", "pre_classifier.weight", ()),
        ("roberta", "classification", "classifier.dense.weight", ()),
        ("electra", "classification", "classifier.out_proj.bias", ()),
        ("albert", "masked_words", "predictions.dense.weight", ()),
        ("mpnet", "question_answering", "qa_outputs.bias", ()),
    ],
)
def test_a_head_that_is_not_in_the_weights_is_not_offered(
    family: str, task: str, lost: str, left: tuple[str, ...], copy: Callable[..., Path]
) -> None:
    folder = copy(family, task)
    edit_tensors(folder, without(lost))
    assert examine(folder).task_heads == left


def test_a_classifier_of_another_architecture_is_not_offered(copy: Callable[..., Path]) -> None:
    folder = copy("bert", "classification")
    edit(folder / "config.json", architectures=["BertForMultipleChoice"])
    assert examine(folder).task_heads == ()
    roberta = copy("roberta", "classification")  # here the names alone tell
    edit(roberta / "config.json", architectures=None)
    assert examine(roberta).task_heads == ("classification",)


def test_a_discriminator_detects_replaced_tokens_and_fills_no_masks(copy: Callable[..., Path]) -> None:
    whole = copy("electra", "replaced_tokens")
    both = load_file(copy("electra", "masked_words") / "model.safetensors")  # some files contain a generator's head too
    edit_tensors(whole, lambda tensors: {name: one for name, one in both.items() if "generator" in name} | tensors)
    assert examine(whole).task_heads == ("replaced_tokens",)
    folder = copy("electra", "encoder")
    edit(folder / "config.json", architectures=["ElectraForPreTraining"])
    edit_tensors(
        folder,
        lambda tensors: (
            {f"electra.{name}": tensor for name, tensor in tensors.items()}
            | {"discriminator_predictions.dense.weight": torch.ones(32, 32)}
        ),
    )
    assert examine(folder).variant is None


def test_names_of_the_first_bert_files(copy: Callable[..., Path]) -> None:
    def rename(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        return {
            next((name.replace(new, first) for new, first in old.items() if name.endswith(new)), name): tensor
            for name, tensor in tensors.items()
        }

    folder = copy("bert", "next_sentence")
    before = load_file(folder / "model.safetensors")
    edit_tensors(folder, rename)
    edit(folder / "config.json", architectures=["BertForMaskedLM"])  # what google-bert/bert-base-uncased says
    assert examine(folder).task_heads == ("masked_words", "next_sentence")
    model = transformers.BertForPreTraining.from_pretrained(folder)
    for name, tensor in before.items():
        assert torch.equal(model.state_dict()[name], tensor)


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(stored: torch.dtype, copy: Callable[..., Path]) -> None:
    folder = copy()
    edit_tensors(folder, lambda tensors: {name: tensor.to(stored) for name, tensor in tensors.items()})
    assert examine(folder).task_heads == ("masked_words",)


def test_integer_buffers_are_fine(copy: Callable[..., Path]) -> None:
    folder = copy()
    parameters = read_weights(folder, source="").parameters
    edit_tensors(folder, lambda tensors: tensors | {"bert.embeddings.position_ids": torch.arange(512)[None]})
    assert examine(folder).task_heads == ("masked_words",)
    assert read_weights(folder, source="").parameters == parameters


def test_an_untied_head_needs_its_own_output_table(copy: Callable[..., Path]) -> None:
    folder = copy()
    edit(folder / "config.json", tie_word_embeddings=False)
    assert examine(folder).task_heads == ()
    edit_tensors(folder, lambda tensors: tensors | {"cls.predictions.decoder.weight": torch.ones(512, 32)})
    assert examine(folder).task_heads == ("masked_words",)


def test_vocabularies_in_older_files(copy: Callable[..., Path]) -> None:
    for family, files in (("bert", ("vocab.txt",)), ("roberta", ("vocab.json", "merges.txt"))):
        folder = copy(family, "masked_words")
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        vocabulary = tokenizer["model"]["vocab"]
        (folder / "tokenizer.json").unlink()
        content = json.dumps(vocabulary) if family == "roberta" else "\n".join(vocabulary) + "\n"
        (folder / files[0]).write_text(content)
        if len(files) > 1:
            refusal(folder, DamagedCheckpointError)  # one half of a tokenizer
            (folder / files[1]).write_text("")
        assert examine(folder).task_heads == ("masked_words",)


def test_the_fingerprint_follows_the_files(copy: Callable[..., Path], tmp_path: Path) -> None:
    folder = copy()
    before = examine(folder).weights_hash
    assert examine(folder).weights_hash == before
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))  # keeps the times
    assert examine(moved).weights_hash == before
    edit_tensors(folder, lambda tensors: {name: tensor * 2 for name, tensor in tensors.items()})
    assert examine(folder).weights_hash != before
    edit(moved / "config.json", num_attention_heads=2)
    assert examine(moved).weights_hash != before


def test_embedded() -> None:
    pretrained, sentiment, entities, answers, similarity = shipped = embedded()
    assert [one.id for one in shipped] == ["pretrained", "sentiment", "entities", "answers", "similarity"]
    assert pretrained.task_heads == ("masked_words", "next_sentence")
    assert sentiment.task_heads == ("classification",)
    assert entities.task_heads == ("token_classification",)
    assert answers.task_heads == ("question_answering",)
    assert similarity.task_heads == ()
    shards = {
        pretrained: ("pretrained/encoder.safetensors", "word-embeddings.safetensors"),
        sentiment: ("sentiment/encoder.safetensors", "word-embeddings.safetensors"),
        entities: ("entities/encoder.safetensors", "lower-layers.safetensors", "word-embeddings.safetensors"),
        answers: ("answers/encoder.safetensors", "lower-layers.safetensors", "word-embeddings.safetensors"),
        similarity: ("similarity/model.safetensors",),
    }
    for one, files in shards.items():
        stored = [tensor for file in files for tensor in load_file(EMBEDDED_FOLDER / file).values()]
        assert one.parameters == sum(tensor.numel() for tensor in stored)
        assert one.size_bytes == sum(tensor.nbytes for tensor in stored)
        assert one.card.startswith(f"## {one.id}")
        assert one.card.count("\n## ") == 0
        assert "Known weaknesses" in one.card


# bad folders


def test_no_folder_no_checkpoint(tmp_path: Path) -> None:
    refusal(tmp_path / "nowhere", ModelNotFoundError)
    (tmp_path / "file").write_text("x")
    assert "file" in refusal(tmp_path / "file", ModelNotFoundError)
    (tmp_path / "empty").mkdir()
    assert "empty" in refusal(tmp_path / "empty", DamagedCheckpointError)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b" " * 1_000_001 + b"{}"],
    ids=["empty", "broken", "list", "null", "binary", "deep list", "deep object", "enormous"],
)
def test_broken_configs(content: bytes, copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "config.json").write_bytes(content)
    assert "config.json" in refusal(folder, DamagedCheckpointError)


def test_an_adapter_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    assert "adapter" in refusal(tmp_path, UnsupportedModelError)


@pytest.mark.parametrize(
    ("entries", "kind", "words"),
    [
        ({"model_type": None}, DamagedCheckpointError, "model_type"),
        ({"model_type": ["bert"]}, DamagedCheckpointError, "model_type"),
        ({"model_type": "llama"}, UnsupportedModelError, "decoder-only"),
        ({"model_type": "qwen3"}, UnsupportedModelError, "decoder-only"),
        ({"model_type": "brand-new", "architectures": ["BrandNewForCausalLM"]}, UnsupportedModelError, "decoder-only"),
        ({"model_type": "bart"}, UnsupportedModelError, "encoder-decoder"),
        ({"model_type": "brand-new", "is_encoder_decoder": True}, UnsupportedModelError, "encoder-decoder"),
        ({"model_type": "eurobert"}, UnsupportedModelError, "ALBERT, BERT, CamemBERT"),
        ({"model_type": "rembert"}, UnsupportedModelError, "XLM-RoBERTa and XLM-RoBERTa-XL"),
        ({"model_type": "nomic_bert", "n_layer": 12}, RemoteCodeError, "it specifies n_layer"),
        ({"is_decoder": True}, UnsupportedModelError, "decoder"),
        ({"auto_map": {"AutoModel": "jina.JinaBert"}}, RemoteCodeError, "Python code"),
        ({"quantization_config": {"quant_method": "gptq"}}, UnsupportedModelError, "quantised"),
        ({"position_embedding_type": "relative_key_query"}, UnsupportedModelError, "relative"),
        ({"num_labels": 10**12}, DamagedCheckpointError, "num_labels"),
        ({"num_hidden_layers": 10**9}, DamagedCheckpointError, "num_hidden_layers"),
        ({"num_hidden_layers": "two"}, DamagedCheckpointError, "num_hidden_layers"),
    ],
)  # fmt: skip
def test_configs_of_other_models(
    entries: dict[str, object], kind: type[ModelError], words: str, copy: Callable[..., Path]
) -> None:
    folder = copy()
    edit(folder / "config.json", **entries)
    assert words in refusal(folder, kind)


def test_what_users_wrote_is_quoted_short_and_printable() -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        check_config({"model_type": "x\n\x1b[31m" * 1000}, "y" * 1000)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"vocab_size": 600}, "600"),
        ({"max_position_embeddings": 10**12}, "max_position_embeddings"),
        ({"num_hidden_layers": 3}, "3 layers"),
    ],
)
def test_a_config_that_does_not_fit_the_weights(
    entries: dict[str, object], words: str, copy: Callable[..., Path]
) -> None:
    folder = copy()
    edit(folder / "config.json", **entries)
    assert words in refusal(folder, DamagedCheckpointError)


def test_labels_that_do_not_fit_the_weights(copy: Callable[..., Path]) -> None:
    folder = copy("roberta", "classification")
    edit(folder / "config.json", id2label={"0": "no", "1": "yes"})
    assert "2 labels" in refusal(folder, DamagedCheckpointError)


def test_another_encoder_than_the_config_says(copy: Callable[..., Path]) -> None:
    folder = copy()
    edit_tensors(folder, lambda tensors: {name.replace("word_emb", "piece_emb"): one for name, one in tensors.items()})
    assert "BERT encoder" in refusal(folder, DamagedCheckpointError)


def test_quantised_weights(copy: Callable[..., Path]) -> None:
    folder = copy()
    edit_tensors(folder, lambda tensors: {name: tensor.to(torch.int8) for name, tensor in tensors.items()})
    assert "I8" in refusal(folder, UnsupportedModelError)


# bad weights


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "model.ckpt", "weights.pt"])
def test_pickle_only(name: str, copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "model.safetensors").rename(folder / name)
    assert "convert" in refusal(folder, UnsafeWeightsError)


def test_no_weights_and_strangely_named_ones(copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "model.safetensors").rename(folder / "bert.safetensors")
    assert "bert.safetensors" in refusal(folder, DamagedCheckpointError)
    (folder / "bert.safetensors").unlink()
    assert "model.safetensors" in refusal(folder, DamagedCheckpointError)


def header(**entries: object) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        struct.pack("<Q", 2**63),
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"\xff\xff",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        header(a=TENSOR),
        header(a=TENSOR) + b"\0" * 7,
        header(a=TENSOR) + b"\0" * 9,
        header(a=TENSOR | {"dtype": "F33"}) + b"\0" * 8,
        header(a=TENSOR | {"shape": [3]}) + b"\0" * 8,
        header(a=TENSOR | {"shape": [-2]}) + b"\0" * 8,
        header(a=TENSOR | {"shape": "2"}) + b"\0" * 8,
        header(a=TENSOR | {"data_offsets": [8, 16]}) + b"\0" * 16,
        header(a=TENSOR, b=TENSOR) + b"\0" * 8,
        header(a=7),
    ],
)
def test_damaged_safetensors(content: bytes, copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "model.safetensors").write_bytes(content)
    assert "model.safetensors" in refusal(folder, DamagedCheckpointError)


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_truncated_weights(kept: float, copy: Callable[..., Path]) -> None:
    folder = copy()
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: int(kept * len(content))])
    assert "truncated" in refusal(folder, DamagedCheckpointError)


@settings(max_examples=settings().max_examples * 3 // 2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_the_first_bytes_is_read_or_refused(
    data: st.DataObject, tiny_checkpoint: TinyCheckpoint, tmp_path: Path
) -> None:
    """Nothing but a ModelError comes out, whatever a file holds; what is read agrees with the safetensors library."""
    folder = tmp_path / "fuzzed"
    if not folder.exists():
        shutil.copytree(tiny_checkpoint("bert", "masked_words"), folder)
    name = data.draw(st.sampled_from(["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]))
    content = bytearray((tiny_checkpoint("bert", "masked_words") / name).read_bytes())
    place = data.draw(st.integers(0, min(len(content), 3000) - 1))
    content[place : place + 1] = data.draw(st.binary(max_size=3))
    (folder / name).write_bytes(content)
    try:
        vet(folder, source="mine")
    except ModelError:
        return
    finally:
        shutil.copy(tiny_checkpoint("bert", "masked_words") / name, folder / name)


@pytest.fixture
def sharded(copy: Callable[..., Path]) -> Path:
    """A checkpoint in two shards."""
    folder = copy()
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    weight_map = {}
    for number, part in enumerate((names[:10], names[10:]), start=1):
        file = f"model-{number}-of-2.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file)
        weight_map |= dict.fromkeys(part, file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def test_shards(sharded: Path, tiny_checkpoint: TinyCheckpoint) -> None:
    whole = examine(tiny_checkpoint("bert", "masked_words"))
    parts = examine(sharded)
    assert (parts.task_heads, parts.weight_bytes) == (whole.task_heads, whole.weight_bytes)


def test_a_lost_shard_and_a_lost_tensor(sharded: Path) -> None:
    index = sharded / "model.safetensors.index.json"
    weight_map = json.loads(index.read_text())["weight_map"]
    edit(index, weight_map=weight_map | {"extra": "model-1-of-2.safetensors"})
    assert "extra" in refusal(sharded, DamagedCheckpointError)
    edit(index, weight_map=weight_map)
    (sharded / "model-2-of-2.safetensors").unlink()
    assert "model-2-of-2.safetensors" in refusal(sharded, DamagedCheckpointError)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd.safetensors", "../model.safetensors", "a/../../b.safetensors", "..\\b.safetensors", "C:b.safetensors",
     "weights.bin", "", "a\nb.safetensors"],
)  # fmt: skip
def test_an_index_that_leads_outside(path: str, sharded: Path) -> None:
    index = sharded / "model.safetensors.index.json"
    edit(index, weight_map=json.loads(index.read_text())["weight_map"] | {"extra": path})
    assert "inside" in refusal(sharded, DamagedCheckpointError)


@pytest.mark.parametrize("index", [{}, {"weight_map": {}}, {"weight_map": ["a"]}, {"weight_map": {"a": 1}}])
def test_an_index_of_nothing(index: dict[str, Any], sharded: Path) -> None:
    (sharded / "model.safetensors.index.json").write_text(json.dumps(index))
    refusal(sharded, DamagedCheckpointError)


def test_embedded_checkpoints_may_share_a_shard_and_others_not(tmp_path: Path) -> None:
    shutil.copytree(EMBEDDED_FOLDER, tmp_path / "checkpoints")
    folder = tmp_path / "checkpoints" / "pretrained"
    assert "../word-embeddings.safetensors" in refusal(folder, DamagedCheckpointError)
    assert vet(folder, source="mine", root=tmp_path / "checkpoints").task_heads == ("masked_words", "next_sentence")


# bad tokenizers


def test_no_tokenizer(copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "tokenizer.json").unlink()
    assert "tokenizer" in refusal(folder, DamagedCheckpointError)


@pytest.mark.parametrize(
    "tokenizer",
    [
        {},
        {"model": {"vocab": {}}},
        {"model": {"vocab": 7}},
        {"model": {"vocab": {"a": "b"}}},
        {"model": {"vocab": {}}, "added_tokens": [7]},
    ],
)
def test_broken_tokenizers(tokenizer: dict[str, Any], copy: Callable[..., Path]) -> None:
    folder = copy()
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert "tokenizer" in refusal(folder, DamagedCheckpointError)


@pytest.mark.parametrize("size", [5, 200, 513])
def test_a_vocabulary_of_another_size(size: int, copy: Callable[..., Path]) -> None:
    folder = copy()
    vocabulary = {f"word{index}": index for index in range(size)}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    message = refusal(folder, DamagedCheckpointError)
    assert str(size) in message
    assert "512" in message


def test_a_tokenizer_with_code_of_its_own(copy: Callable[..., Path]) -> None:
    folder = copy()
    edit(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["mine.Tokenizer", None]})
    refusal(folder, RemoteCodeError)


# memory


def test_memory_is_compared_with_the_precision(copy: Callable[..., Path]) -> None:
    folder = copy()
    edit_tensors(folder, lambda tensors: {name: tensor.half() for name, tensor in tensors.items()})
    needed = 4 * read_weights(folder, source="").parameters
    assert vet(folder, source="mine", available=lambda: needed).task_heads == ("masked_words",)
    assert vet(folder, source="mine", available=lambda: None).task_heads == ("masked_words",)
    with pytest.raises(ModelTooLargeError, match=r'4 bytes each.*; load it in half of that, .*"bfloat16"'):
        vet(folder, source="mine", available=lambda: needed - 1)
    half = needed // 2
    assert vet(folder, source="mine", available=lambda: half, bytes_each=2).task_heads == ("masked_words",)
    for free, each in ((half - 1, 2), (half - 1, 4)):  # half of it would not fit either
        with pytest.raises(ModelTooLargeError, match=f"{each} bytes each.*are free; close other programs"):
            vet(folder, source="mine", available=lambda free=free: free, bytes_each=each)


def write(root: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))


def test_available_memory_is_the_least_of_system_and_container(tmp_path: Path) -> None:
    write(tmp_path, {"proc/meminfo": "MemTotal: 900 kB\nMemAvailable:   500 kB\n"})
    assert available_bytes(tmp_path) == 500 * 1024
    group = {"sys/fs/cgroup/memory.max": "max", "sys/fs/cgroup/memory.current": 9}
    write(tmp_path, group)
    assert available_bytes(tmp_path) == 500 * 1024
    write(tmp_path, {"sys/fs/cgroup/memory.max": 300_000, "sys/fs/cgroup/memory.current": 200_000})
    assert available_bytes(tmp_path) == 100_000
    write(tmp_path, {"sys/fs/cgroup/memory.stat": "anon 7\ninactive_file 50000\n"})
    assert available_bytes(tmp_path) == 150_000
    old = "sys/fs/cgroup/memory/memory."
    write(tmp_path, {f"{old}limit_in_bytes": 1000, f"{old}usage_in_bytes": 5000})
    assert available_bytes(tmp_path) == 0


def test_this_machine_has_memory() -> None:
    assert 0 < available_bytes() < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_the_families_are_those_of_the_tests() -> None:
    assert set(FAMILIES) == {*tiny.FAMILIES, *tiny.OTHER_FAMILIES}
