"""What a folder that cannot be opened is told: what it contains, and what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import glassbert as gb
from glassbert.errors import (
    DamagedCheckpointError,
    ModelError,
    RemoteCodeError,
    UnsafeWeightsError,
    UnsupportedModelError,
)
from glassbert.models.checkpoint import vet
from tests.glassbert.models.broken import edit_json, edit_tensors

Copy = Callable[..., Path]


@pytest.fixture
def copy(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> Copy:
    def get(family: str = "bert", task: str = "masked_words") -> Path:
        return Path(shutil.copytree(tiny_checkpoint(family, task), tmp_path / f"{family}-{task}"))

    return get


def refusal(folder: Path, kind: type[ModelError]) -> str:
    with pytest.raises(ModelError) as caught:
        vet(folder, source=str(folder))
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def test_pickle_weights_are_told_the_command_that_converts_them(copy: Copy) -> None:
    folder = copy()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert f"glassbert convert {folder}" in refusal(folder, UnsafeWeightsError)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.onnx", "ONNX"),
        ("model_quantized.onnx", "ONNX"),
        ("tf_model.h5", "TensorFlow"),
        ("flax_model.msgpack", "Flax"),
        ("model-q4.gguf", "llama.cpp"),
        ("bert_model.ckpt.index", "TensorFlow"),
        ("rust_model.ot", "rust"),
        ("onnx/model.onnx", "ONNX"),
        ("openvino/openvino_model.bin", "OpenVINO"),
        ("openvino_model.bin", "OpenVINO"),
        ("model_state.pdparams", "PaddlePaddle"),
        ("saved_model.pb", "TensorFlow"),
        ("model.plan", "TensorRT"),
        ("model.NPZ", "NumPy"),
        ("export/deep/model.onnx", "ONNX"),
    ],
)
def test_other_formats_are_named_and_not_invited_to_be_renamed(name: str, words: str, copy: Copy) -> None:
    folder = copy()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").rename(folder / name)
    message = refusal(folder, UnsupportedModelError)
    assert words in message
    assert Path(name).name in message
    assert "must be named" not in message


@pytest.mark.parametrize("name", ["optimizer.pt", "training_args.bin", "scheduler.pt", "rng_state_0.pth"])
def test_states_of_a_training_are_no_weights(name: str, copy: Copy) -> None:
    folder = copy()
    (folder / "model.safetensors").rename(folder / name)
    message = refusal(folder, DamagedCheckpointError)
    assert "has no weights" in message
    assert "convert" not in message


def test_the_folder_below_is_named(copy: Copy, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for step in (500, 1000):
        shutil.copytree(copy("bert", "classification"), run / f"checkpoint-{step}", dirs_exist_ok=True)
        shutil.rmtree(tmp_path / "bert-classification")
    (run / "trainer_state.json").write_text("{}")
    assert f'open "{run}/checkpoint-1000"' in refusal(run, DamagedCheckpointError)
    transformer = tmp_path / "sentence"
    shutil.copytree(copy(), transformer / "0_Transformer")
    (transformer / "1_Pooling").mkdir()
    (transformer / "1_Pooling" / "config.json").write_text("{}")
    assert f'open "{transformer}/0_Transformer"' in refusal(transformer, DamagedCheckpointError)


@pytest.mark.parametrize("below", ["snapshots/0123456789abcdef", "runs/seed 1/checkpoint-500", "日本"])
def test_a_folder_further_below_is_named_too(below: str, copy: Copy, tmp_path: Path) -> None:
    """The folder of a model in the hub's cache, and that of several runs."""
    outer = tmp_path / "outer"
    shutil.copytree(copy(), outer / below)
    (outer / "refs").mkdir()
    (outer / "refs" / "loop").symlink_to(outer)
    assert f'open "{outer}/{below}"' in refusal(outer, DamagedCheckpointError)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.safetensors.incomplete", "has not been downloaded"),
        ("pytorch_model.bin.crdownload", "has not been downloaded"),
        ("model.tar.gz", "unpack"),
        ("model-00001-of-00002.safetensors", "model.safetensors.index.json"),
        ("model (1).safetensors", "must be named"),
        ("Model.SafeTensors", "must be named"),
    ],
)
def test_weights_that_only_need_a_step_are_told_which(name: str, words: str, copy: Copy) -> None:
    folder = copy()
    (folder / "model.safetensors").rename(folder / name)
    message = refusal(folder, DamagedCheckpointError)
    assert words in message
    assert name in message


@pytest.mark.parametrize(("kind", "words"), [("folder", "regular file"), ("pipe", "regular file"), ("link", "nowhere")])
def test_weights_that_are_no_file_are_called_so(kind: str, words: str, copy: Copy) -> None:
    folder = copy()
    path = folder / "model.safetensors"
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to("elsewhere")
    message = refusal(folder, DamagedCheckpointError)
    assert words in message
    assert "index" not in message


@pytest.mark.parametrize("name", ["bert_config.json", "Config.json", "config (1).json", "config.yaml"])
def test_a_config_under_another_name_is_found(name: str, copy: Copy) -> None:
    folder = copy()
    (folder / "config.json").rename(folder / name)
    assert f'"{name}"' in refusal(folder, DamagedCheckpointError)


@pytest.mark.parametrize(
    "prefix",
    [
        *("module.", "_orig_mod.", "0.auto_model.", "_orig_mod.module.", "model."),
        *("base_model.model.", "backbone.", "_forward_module."),
    ],
)
def test_prefixes_of_wrappers_are_set_aside(prefix: str, copy: Copy) -> None:
    folder = copy()
    plain = vet(folder, source="plain")
    edit_tensors(folder, lambda tensors: {f"{prefix}{name}": tensor for name, tensor in tensors.items()})
    wrapped = vet(folder, source="wrapped")
    assert (wrapped.task_heads, wrapped.variant) == (plain.task_heads, plain.variant)
    name = f"{prefix}bert.pooler"
    for part in wrapped.unwrap:
        name = re.sub(part, "", name, count=1)
    assert name == "bert.pooler"


@pytest.mark.parametrize("prefixes", [("question_encoder.",), ("left.", "right.")])
def test_parts_of_larger_models_are_named(prefixes: tuple[str, ...], copy: Copy) -> None:
    folder = copy()
    edit_tensors(
        folder, lambda tensors: {f"{prefix}{name}": one for prefix in prefixes for name, one in tensors.items()}
    )
    message = refusal(folder, DamagedCheckpointError)
    assert all(prefix in message for prefix in prefixes)


def test_an_adapter_alone_is_only_part_of_a_model(copy: Copy) -> None:
    folder = copy()
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    assert "peft" in refusal(folder, UnsupportedModelError)
    (folder / "config.json").rename(folder / "adapter_config.json")
    assert "peft" in refusal(folder, UnsupportedModelError)


def test_an_adapter_beside_the_weights_is_not_ignored(copy: Copy) -> None:
    folder = copy("bert", "classification")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    shutil.copy(folder / "model.safetensors", folder / "adapter_model.safetensors")
    message = refusal(folder, UnsupportedModelError)
    assert "merge_and_unload" in message
    assert "BertForSequenceClassification" in message


@pytest.mark.parametrize(
    "name",
    [
        "bert.encoder.layer.0.attention.self.query.lora_A.default.weight",
        "bert.encoder.layer.0.attention.self.query.lora_B.weight",
        "base_model.model.bert.encoder.layer.0.attention.self.query.base_layer.weight",
        "bert.encoder.layer.0.attention.self.query.lora_magnitude_vector.default.weight",
        "bert.encoder.layer.0.output.adapters.mine.adapter_down.0.weight",
    ],
)
def test_an_adapter_inside_the_weights_is_not_ignored(name: str, copy: Copy) -> None:
    folder = copy()
    edit_tensors(folder, lambda tensors: tensors | {name: torch.ones(2, 2)})
    message = refusal(folder, UnsupportedModelError)
    assert "merge_and_unload" in message


def test_a_classifier_without_architectures_is_read_off_its_tensors(copy: Copy) -> None:
    for family in ("bert", "distilbert", "albert", "roberta", "electra"):
        for task in ("classification", "token_classification"):
            folder = copy(family, task)
            expected = vet(folder, source="named")
            edit_json(folder / "config.json", lambda config: config.pop("architectures"))
            if family == "electra" and task == "token_classification":
                continue  # labels such as B-PER decide there
            found = vet(folder, source="unnamed")
            assert (family, found.variant) == (family, expected.variant)


def test_a_classifier_that_could_be_two_things_is_asked_about(copy: Copy) -> None:
    folder = copy("bert", "classification")
    edit_json(
        folder / "config.json", lambda config: (config.pop("architectures"), config.update(id2label={"0": "score"}))
    )
    edit_tensors(
        folder,
        lambda tensors: tensors | {name: tensors[name][:1] for name in ("classifier.weight", "classifier.bias")},
    )
    message = refusal(folder, DamagedCheckpointError)
    assert '"architectures": ["BertForSequenceClassification"]' in message


@pytest.mark.parametrize(
    "name",
    [
        *("tokenizer.model", "bpe.codes", "sentencepiece.model", "source.spm", "vocab.bpe", "VOCAB.TXT"),
        "tokenizer/tokenizer.json",
    ],
)
def test_files_of_other_tokenizers_are_named(name: str, copy: Copy) -> None:
    folder = copy()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / "tokenizer.json").rename(folder / name)
    message = refusal(folder, DamagedCheckpointError)
    assert name in message
    assert "tokenizer.json" in message


def test_code_of_classes_that_are_built_in_is_not_needed(copy: Copy) -> None:
    folder = copy()
    own = {"AutoModel": "modeling_bert.BertModel", "AutoModelForMaskedLM": "modeling_bert.BertForMaskedLM"}
    edit_json(folder / "config.json", lambda config: config.update(auto_map=own))
    assert vet(folder, source="mine").task_heads == ("masked_words",)
    edit_json(
        folder / "config.json", lambda config: config.update(auto_map=own | {"AutoModel": "modeling.JinaBertModel"})
    )
    refusal(folder, RemoteCodeError)


@pytest.mark.parametrize(
    ("model_type", "architecture"),
    [
        ("xlm", "XLMWithLMHeadModel"),
        ("flaubert", "FlaubertWithLMHeadModel"),
        ("eurobert", "EuroBertModel"),
        ("xlnet", "XLNetLMHeadModel"),
    ],
)
def test_encoders_that_are_not_supported_are_not_called_something_else(
    model_type: str, architecture: str, copy: Copy
) -> None:
    folder = copy()
    mapped = {"AutoModel": f"modeling.{architecture}"}
    for extra in ({}, {"auto_map": mapped}):
        edit_json(
            folder / "config.json",
            lambda config, extra=extra: config.update(model_type=model_type, architectures=[architecture], **extra),
        )
        message = refusal(folder, UnsupportedModelError)
        assert "decoder" not in message
        assert model_type in message


def test_numbers_that_no_network_asks_for_are_ignored(copy: Copy) -> None:
    folder = copy()
    edit_tensors(folder, lambda tensors: tensors | {"step": torch.tensor(7), "seen": torch.tensor([True])})
    assert vet(folder, source="mine").task_heads == ("masked_words",)
    edit_tensors(folder, lambda tensors: tensors | {"bert.encoder.layer.0.output.dense.qweight": torch.tensor([7])})
    assert "quantised" in refusal(folder, UnsupportedModelError)


def test_a_discriminator_without_all_of_its_head_is_called_one(copy: Copy) -> None:
    folder = copy("electra", "encoder")
    edit_json(folder / "config.json", lambda config: config.update(architectures=["ElectraForPreTraining"]))
    edit_tensors(
        folder,
        lambda tensors: (
            {f"electra.{name}": tensor for name, tensor in tensors.items()}
            | {"discriminator_predictions.dense.weight": torch.ones(32, 32)}
        ),
    )
    assert "discriminator" in str(vet(folder, source="mine").other_head)


def test_a_network_that_reads_characters_needs_their_tables(copy: Copy) -> None:
    folder = copy("roc_bert", "encoder")
    gb.load(str(folder))
    table = folder / "word_shape.json"
    for content, said in (('{"[UNK]": 40}', "a number from 0 to 39"), ('{"a": 1}', "one for \\[UNK\\]")):
        table.write_text(content, encoding="utf-8")
        with pytest.raises(DamagedCheckpointError, match=said):
            gb.load(str(folder))
    table.unlink()
    with pytest.raises(DamagedCheckpointError, match="has no word_shape"):
        gb.load(str(folder))
    edit_json(folder / "config.json", lambda config: config.update(concat_input=False))
    assert "concat_input" in refusal(folder, UnsupportedModelError)


@pytest.mark.parametrize(
    ("pruned", "said"),
    [
        ({"0": [1]}, "its weights are not those of the others"),
        ({"0": [99]}, "must map layers to lists of their heads"),
        ({"x": [0]}, "must map layers to lists of their heads"),
        ({"0": ["1"]}, "must map layers to lists of their heads"),
        ([1], "must map layers to lists of their heads"),
        ({"0": list(range(4))}, "leaves no head in layer 0"),
    ],
)
def test_pruned_heads_must_fit_the_weights(copy: Copy, pruned: object, said: str) -> None:
    folder = copy()
    edit_json(folder / "config.json", lambda config: config.update(pruned_heads=pruned))
    assert said in refusal(folder, DamagedCheckpointError)


def test_pruned_heads_of_a_family_with_shared_layers_are_refused(copy: Copy) -> None:
    folder = copy("albert")
    edit_json(folder / "config.json", lambda config: config.update(pruned_heads={"0": [1]}))
    assert "pruned" in refusal(folder, UnsupportedModelError)


@pytest.mark.parametrize(
    "entries",
    [
        {"num_attention_heads": -4},
        {"num_attention_heads": 5},
        {"hidden_size": 0},
        {"intermediate_size": 10**12},
        {"chunk_size_feed_forward": "x"},
        {"type_vocab_size": -1},
        {"pad_token_id": 10**6},
        {"pad_token_id": "x"},
        {"layer_norm_eps": "x"},
        {"hidden_dropout_prob": 7},
        {"id2label": ["a"]},
        {"id2label": {"x": "a", "y": "b"}},
        {"id2label": {"0": "a" * 2000}},
        {"id2label": {"0": "\ud800", "1": "b"}},
    ],
)
def test_numbers_and_labels_out_of_range(entries: dict[str, object], copy: Copy) -> None:
    folder = copy()
    edit_json(folder / "config.json", lambda config: config.update(entries))
    assert "config.json" in refusal(folder, DamagedCheckpointError)


@pytest.mark.parametrize(
    "entries",
    [
        {"num_hidden_groups": 1000, "inner_group_num": 1000},
        {"num_hidden_groups": 2, "inner_group_num": 900},
        {"inner_group_num": 400},
    ],
)
def test_products_out_of_range(entries: dict[str, object], copy: Copy) -> None:
    folder = copy("albert")
    edit_json(folder / "config.json", lambda config: config.update(entries))
    refusal(folder, DamagedCheckpointError)


def test_settings_of_a_run_are_not_taken_from_a_config(copy: Copy) -> None:
    """They change what stock calls return; the number they must not change is the network's own."""
    import glassbert as gb

    folder = copy("bert", "classification")
    plain = gb.load(str(folder), device="cpu")
    entries = {"return_dict": False, "output_attentions": True, "chunk_size_feed_forward": 7, "dtype": "auto"}
    edit_json(folder / "config.json", lambda config: config.update(entries))
    changed = gb.load(str(folder), device="cpu")
    text = "The doctor said that she was tired."
    assert gb.classify(plain, text).logits.tolist() == gb.classify(changed, text).logits.tolist()


def test_wrapped_weights_compute_what_plain_ones_do(copy: Copy) -> None:
    import glassbert as gb

    folder = copy("bert", "masked_words")
    plain = gb.load(str(folder), device="cpu")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def renamed(name: str) -> str:
        for new, first in old.items():
            name = name.replace(new, first)
        return f"_orig_mod.module.{name}"

    edit_tensors(folder, lambda tensors: {renamed(name): tensor for name, tensor in tensors.items()})
    wrapped = gb.load(str(folder), device="cpu")
    for name, tensor in plain.network.state_dict().items():
        assert torch.equal(tensor, wrapped.network.state_dict()[name]), name


def test_wrappers_of_single_modules_are_set_aside(copy: Copy) -> None:
    """As FSDP, activation checkpointing and torch.compile of single layers leave them in the names."""
    import glassbert as gb

    folder = copy("bert", "masked_words")
    plain = gb.load(str(folder), device="cpu")

    def renamed(name: str) -> str:
        name = name.replace("bert.encoder.", "bert._fsdp_wrapped_module.encoder.")
        name = name.replace("layer.0.", "layer.0._fsdp_wrapped_module._checkpoint_wrapped_module.")
        return "module." + name.replace("query.", "_orig_mod.query.")

    edit_tensors(folder, lambda tensors: {renamed(name): tensor for name, tensor in tensors.items()})
    wrapped = gb.load(str(folder), device="cpu")
    for name, tensor in plain.network.state_dict().items():
        assert torch.equal(tensor, wrapped.network.state_dict()[name]), name


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("bert", "bert.encoder.layer.0.adapter.down.weight"),
        ("bert", "bert.encoder.layer.1.attention.self.distance_embedding.weight"),
        ("bert", "bert.encoder.layer.1.attention.self.query.weight_orig"),
        ("bert", "bert.encoder.layer.7.output.dense.weight"),
        ("bert", "bert.embeddings.task_type_embeddings.weight"),
        ("roberta", "roberta.encoder.layer.0.attention.self.query.scale"),
        ("distilbert", "distilbert.transformer.layer.0.attention.q_lin.parametrizations.weight.original0"),
        ("albert", "albert.encoder.albert_layer_groups.0.albert_layers.0.bottleneck.weight"),
        ("electra", "electra.encoder.layer.0.gate.weight"),
        ("mpnet", "mpnet.encoder.layer.0.attention.attn.gate.weight"),
    ],
)
def test_weights_of_the_encoder_that_the_network_has_not_are_not_ignored(family: str, name: str, copy: Copy) -> None:
    """Adapters by any name, other positions, pruning: without them every number would be another model's."""
    import glassbert as gb

    folder = copy(family)
    edit_tensors(folder, lambda tensors: tensors | {name: torch.ones(2, 2)})
    with pytest.raises(UnsupportedModelError, match=name.replace(".", r"\.")):
        gb.load(str(folder), device="cpu")
    edit_tensors(folder, lambda tensors: tensors | {name: torch.ones(2, 2, dtype=torch.int64)})
    if not name.endswith(".weight"):  # a counter
        gb.load(str(folder), device="cpu")


def test_an_encoder_that_is_stored_alone_is_examined_too(copy: Copy) -> None:
    import glassbert as gb

    folder = copy("bert", "encoder")
    edit_tensors(folder, lambda tensors: tensors | {"encoder.layer.0.adapter.down.weight": torch.ones(2, 2)})
    with pytest.raises(UnsupportedModelError, match=r"encoder\.layer\.0\.adapter"):
        gb.load(str(folder), device="cpu")


def test_more_layers_than_the_config_says_are_not_cut_off(copy: Copy) -> None:
    for family, entry in (("bert", "num_hidden_layers"), ("distilbert", "n_layers"), ("mpnet", "num_hidden_layers")):
        folder = copy(family)
        edit_json(folder / "config.json", lambda config, entry=entry: config.update({entry: 1}))
        assert "but its weights have 2" in refusal(folder, DamagedCheckpointError)


def test_weights_that_are_there_twice_are_not_chosen_between(copy: Copy) -> None:
    def bare(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name.removeprefix("bert."): torch.zeros_like(one) for name, one in tensors.items() if "bert." in name}

    def old(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            name.replace("LayerNorm.weight", "LayerNorm.gamma"): torch.zeros_like(tensors[name]) for name in tensors
        }

    def compiled(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name.replace("layer.0.", "layer.0._orig_mod."): torch.zeros_like(tensors[name]) for name in tensors}

    for again in (bare, old, compiled):
        folder = copy()
        edit_tensors(folder, lambda tensors, again=again: again(tensors) | tensors)
        assert "twice" in refusal(folder, DamagedCheckpointError)
        shutil.rmtree(folder)
    folder = copy()  # a tied bias has two names
    edit_tensors(
        folder, lambda tensors: tensors | {"cls.predictions.decoder.bias": tensors["cls.predictions.bias"].clone()}
    )
    assert vet(folder, source="tied").task_heads == ("masked_words",)


@pytest.mark.parametrize("named", [["BertModel"], ["AutoModelForSequenceClassification"], ["MyBert"], [7], "BertModel"])
@pytest.mark.parametrize("task", ["classification", "token_classification"])
def test_a_classifier_under_a_class_without_a_head_is_read_off_its_tensors(
    task: str, named: object, copy: Copy
) -> None:
    folder = copy("bert", task)
    expected = vet(folder, source="named").variant
    edit_json(folder / "config.json", lambda config: config.update(architectures=named))
    assert vet(folder, source="other").variant == expected


def test_heads_that_no_stock_class_has_are_told(copy: Copy) -> None:
    import glassbert as gb

    def head(named: str, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], task: str) -> str:
        folder = copy("bert", task)
        edit_json(folder / "config.json", lambda config: config.update(architectures=[named]))
        edit_tensors(folder, change)
        model = gb.load(str(folder), device="cpu")
        with pytest.raises(gb.TaskHeadError) as caught:
            gb.classify(model, "The doctor said that she was tired.")
        shutil.rmtree(folder)
        return str(caught.value)

    own = head(
        "BertForRegression",
        lambda all: {n.replace("classifier", "linear"): t for n, t in all.items()},
        "classification",
    )
    assert "linear." in own
    assert "BertForRegression" in own
    crf = head("BertCRF", lambda tensors: tensors | {"crf.transitions": torch.ones(5, 5)}, "token_classification")
    assert "crf.transitions" in crf
    several = head(
        "BertForMultipleChoice",
        lambda all: {n: t[:1] if n.startswith("classifier") else t for n, t in all.items()},
        "classification",
    )
    assert "multiple choice" in several
    for message in (own, crf, several):
        assert "only the encoder" not in message


@pytest.mark.parametrize("entry", [{"intermediate_size": 65}, {"hidden_size": 64}, {"num_labels": 7}])
def test_sizes_that_do_not_fit_are_named_with_their_tensor(entry: dict[str, int], copy: Copy) -> None:
    import glassbert as gb

    folder = copy("bert", "classification")
    edit_json(folder / "config.json", lambda config: config.update(entry))
    with pytest.raises(DamagedCheckpointError, match=r"has the shape \(\d.*, but \(\d.*by the config"):
        gb.load(str(folder), device="cpu")


def test_a_wrong_type_in_a_config_is_said_with_its_entry(copy: Copy) -> None:
    import glassbert as gb

    folder = copy()
    edit_json(folder / "config.json", lambda config: config.update(initializer_range="x"))
    with pytest.raises(DamagedCheckpointError, match='initializer_range = "x"'):
        gb.load(str(folder), device="cpu")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_named(value: float, copy: Copy) -> None:
    import glassbert as gb

    folder = copy()
    name = "bert.encoder.layer.1.attention.self.query.weight"
    tensors = load_file(folder / "model.safetensors")
    tensors[name][3, 3] = value
    edit_tensors(folder, lambda _: tensors)
    with pytest.raises(DamagedCheckpointError, match=name.replace(".", r"\.")):
        gb.load(str(folder), device="cpu")
