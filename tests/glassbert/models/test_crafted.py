"""Crafted files: whatever is in a config or a tokenizer, the model can be used, or a sentence says why not."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import transformers
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.families import FAMILIES
from glassbert.models.checkpoint import vet
from glassbert.models.tokenizer import check_tokenizer
from glassbert.network import tokenizer as opening
from tests import tiny
from tests.glassbert.attempts import attempt
from tests.glassbert.models.mutations import damaged, mutated, pipelines

pytestmark = pytest.mark.hypothesis
TEXT = "The film was good."
EXAMPLES = settings().max_examples
#: The entries of all families' configs: what one family has may stand in the config of another.
NAMES = set().union(*(transformers.CONFIG_MAPPING[family]().to_dict() for family in FAMILIES)) | {
    *("auto_map", "attribute_map", "sub_configs", "num_labels", "_num_labels", "pruned_heads", "rope_scaling"),
    *("quantization_config", "position_embedding_type", "tokenizer_class", "to_dict", "from_dict", "layer_types"),
}
SETTINGS = (
    *("add_prefix_space", "added_tokens_decoder", "additional_special_tokens", "auto_map", "backend", "bos_token"),
    *("cls_token", "do_lower_case", "eos_token", "extra_special_tokens", "mask_token", "model_input_names"),
    *("model_max_length", "pad_token", "padding_side", "sep_token", "split_special_tokens", "strip_accents"),
    *("tokenizer_class", "truncation_side", "unk_token"),
)
MEMORY_BYTES = 2**30
#: Of the tiny checkpoints' embedding tables.
ROWS = 512


@contextmanager
def little_memory() -> Iterator[None]:
    """Whatever asks for more than a gigabyte beyond what is in use gets a MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def use(model: gb.Model) -> None:
    maps = gb.attention(model, TEXT, TEXT)
    assert maps.weights.shape[2] == len(gb.encode(model, TEXT, TEXT))
    assert gb.classify(model, TEXT).labels == model.labels
    gb.attribute(model, TEXT, method="saliency")


def open_and_use(folder: Path) -> bool:
    """Whether the model in the folder opens; if so it is used, and if not the sentence is a plain one."""
    with little_memory():
        model, refused = attempt(lambda: gb.load(str(folder), device="cpu"))
        if model is None:
            assert isinstance(refused, gb.ModelError)
            assert "passed validation" not in str(refused), "what transformers said is no sentence for a user"
            assert "MemoryError" not in str(refused)
            return False
        _, refused = attempt(lambda: use(model))
        # a vocabulary may lack these words, and a limit be below them
        assert refused is None or isinstance(refused, gb.TextError)
    return True


Copy = Callable[..., tuple[Path, dict[str, bytes]]]


@pytest.fixture
def copy(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> Copy:
    """``copy("bert")`` → a folder of one's own, and the content of its JSON files."""

    def get(family: str) -> tuple[Path, dict[str, bytes]]:
        folder = Path(shutil.copytree(tiny_checkpoint(family, "classification"), tmp_path / family))
        return folder, {path.name: path.read_bytes() for path in folder.glob("*.json")}

    return get


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_any_config_opens_or_is_refused(family: str, copy: Copy) -> None:
    folder, files = copy(family)
    content = json.loads(files["config.json"])
    opened = []

    @settings(max_examples=max(EXAMPLES // 5, 1))
    @given(mutated(content, NAMES))
    @example(content)
    @example(content | {"hidden_act": "no such thing", "activation": "no such thing"})
    @example(content | {"eos_token_id": "x"})
    @example(content | {"sub_configs": {}, "attribute_map": False, "to_dict": 3, "rope_scaling": "x"})
    @example(content | {"type_vocab_size": 2, "relative_attention_num_buckets": -32, "sinusoidal_pos_embds": True})
    @example({name: value for name, value in content.items() if name not in ("num_attention_heads", "n_heads")})
    @example({name: value for name, value in content.items() if name not in ("intermediate_size", "hidden_dim")})
    def check(config: dict[str, Any]) -> None:
        (folder / "config.json").write_text(json.dumps(config))
        opened.append(open_and_use(folder))

    check()
    assert opened[0]
    assert True in opened[7:]
    assert False in opened


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_any_bytes_are_vetted(name: str, copy: Copy) -> None:
    folder, files = copy("bert")
    accepted = set()

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(damaged(files[name]))
    @example(files[name])
    @example(b"")
    @example(b"[" * 100_000)
    @example(b'{"model": ' * 10_000)
    @example(b'{"a": 1' + b"0" * 5000 + b"}")
    def check(content: bytes) -> None:
        (folder / name).write_bytes(content)
        accepted.add(attempt(lambda: vet(folder, source="mine"))[1] is None)

    check()
    assert accepted == {True, False}


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("change", [mutated, pipelines])
def test_any_tokenizer_is_vetted(family: str, change: Any, copy: Copy) -> None:
    """All steps and numbers are judged as data, in this process."""
    _, files = copy(family)
    content = json.loads(files["tokenizer.json"])
    vocabulary = content["model"]["vocab"]
    listed = {} if isinstance(vocabulary, dict) else {"vocab": [["a", 0.0], None, 3]}
    accepted = set()

    @given(change(content))
    @example(content)
    @example(content | {"model": content["model"] | {"vocab": {"a": [1], "b": {}}} | listed})
    @example(content | {"added_tokens": [{"id": {}, "content": "a"}]})
    def check(parsed: dict[str, Any]) -> None:
        given = files | {"tokenizer.json": json.dumps(parsed).encode()}
        accepted.add(attempt(lambda: check_tokenizer(given, ROWS, 2, "mine"))[1] is None)

    check()
    assert accepted == {True, False}


def odd_steps(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Tokenizers that pass as data, and of which only a trial shows that they leave texts or their places out."""

    def template(single: list[Any], pair: list[Any]) -> dict[str, Any]:
        step = {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": {}}
        return content | {"post_processor": step}

    first, second = ({"Sequence": {"id": id, "type_id": 0}} for id in "AB")
    return [template([], []), template([first], [first, first]), template([first], [second, first])]


@pytest.mark.parametrize("family", ["bert", "roberta", "albert"])
def test_any_tokenizer_opens_or_is_refused(family: str, copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few of them, since each is first tried in a process of its own."""
    folder, files = copy(family)
    content, said = json.loads(files["tokenizer.json"]), json.loads(files["tokenizer_config.json"])
    whole = {"tokenizer_class": "PreTrainedTokenizerFast"}
    monkeypatch.setattr(opening, "_found", {})

    def check(parsed: dict[str, Any], chosen: dict[str, Any]) -> bool:
        (folder / "tokenizer.json").write_text(json.dumps(parsed))
        (folder / "tokenizer_config.json").write_text(json.dumps(chosen))
        return open_and_use(folder)

    assert check(content, whole)
    assert not any(check(one, whole) for one in odd_steps(content))

    @settings(max_examples=max(EXAMPLES // 20, 1))
    @given(
        st.one_of(
            st.tuples(pipelines(content), st.just(whole)),
            st.tuples(mutated(content), st.just(whole)),
            st.tuples(st.just(content), mutated(said, SETTINGS)),
        )
    )
    def check_any(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
        check(*both)

    check_any()
