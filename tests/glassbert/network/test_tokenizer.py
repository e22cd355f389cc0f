"""Tokenizers of strangers: whatever is in their files, loading works or ends in a sentence, within seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.models.tokenizer import _explodes
from glassbert.network import tokenizer as opening
from tests.glassbert.models.broken import edit_json, use_whole_tokenizer_file

Copy = Callable[..., Path]
TEXT = "The doctor said that she was tired."


@pytest.fixture
def copy(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> Copy:
    def get(family: str = "bert", task: str = "masked_words") -> Path:
        folder = Path(shutil.copytree(tiny_checkpoint(family, task), tmp_path / f"{family}-{task}"))
        use_whole_tokenizer_file(folder)
        return folder

    return get


def refusal(folder: Path) -> str:
    start = time.monotonic()
    with pytest.raises(gb.ModelError) as caught:
        gb.load(str(folder), device="cpu")
    assert time.monotonic() - start < 90
    assert "tokenizer" in str(caught.value)
    return str(caught.value)


def replaced(text: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": text}, "content": content}


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


@pytest.mark.parametrize(
    "part",
    [
        {"normalizer": {"type": "Sequence", "normalizers": [replaced("a", "a" * 100)] * 4}},
        {"normalizer": {"type": "Sequence", "normalizers": [replaced("ž", "žž")] * 30}},
        {"normalizer": {"type": "Replace", "pattern": {"Regex": ""}, "content": "x" * 1000}},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 1000}},
        {"pre_tokenizer": split("(a+)+$")},
        {"pre_tokenizer": split("(a|aa)+$")},
        {"pre_tokenizer": split("(?:x*)*y")},
        {"pre_tokenizer": split(r"(a)\1")},
        {"pre_tokenizer": split(r"\d*\d*\d*\d*#")},
        {"pre_tokenizer": split(r"(?:\s+\s*)(?:\s*|x)\s{2,}#")},
        {"normalizer": {"type": "Replace", "pattern": {"Regex": "x*x*x*x*y"}, "content": ""}},
        {"decoder": {"type": "Sequence", "decoders": [replaced("a", "a" * 100)] * 4}},
        {"decoder": {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split("x"), split("([a-z]+)*[0-9]")]}},
        {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 99_999]}},
        {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", -3], "cls": ["[CLS]", 2]}},
        {
            "padding": {
                "strategy": {"Fixed": 10**12},
                "direction": "Right",
                "pad_id": 0,
                "pad_type_id": 0,
                "pad_token": "a",
            }
        },
        {"normalizer": 7},
        {"normalizer": {"type": "Unknown"}},
    ],
)
def test_steps_that_a_tokenizer_may_not_have(part: dict[str, Any], copy: Copy) -> None:
    folder = copy()
    edit_json(folder / "tokenizer.json", lambda content: content.update(part))
    refusal(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["post_processor"]["special_tokens"]["[CLS]"].update(ids=[99_999]),
        lambda content: content["post_processor"]["special_tokens"]["[CLS]"].update(ids=[2] * 1000),
        lambda content: content["post_processor"]["single"][0]["SpecialToken"].update(type_id=77),
        lambda content: content["model"].update(max_input_chars_per_word=10**9),
        lambda content: content["added_tokens"].append(content["added_tokens"][0] | {"content": "", "id": 9}),
        lambda content: content["model"]["vocab"].update(extra=5000),
    ],
)
def test_numbers_that_a_tokenizer_may_not_have(change: Callable[[dict[str, Any]], object], copy: Copy) -> None:
    folder = copy()
    edit_json(folder / "tokenizer.json", change)
    refusal(folder)


@pytest.mark.slow
@pytest.mark.smoke
def test_a_pattern_that_is_slow_on_one_kind_of_characters(copy: Copy, monkeypatch: Any) -> None:
    """Only three repetitions, of characters that the pattern does not name: found by running it."""
    monkeypatch.setattr(opening, "CPU_SECONDS", 3)
    monkeypatch.setattr(opening, "_found", {})
    folder = copy()
    edit_json(folder / "tokenizer.json", lambda content: content.update(pre_tokenizer=split(r"[^\S\n]*\s*[ \t]*#")))
    assert "takes longer" in refusal(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("import os; os.abort()", "ends the process"),
        ("while True: pass", "takes longer"),
        ("x = [b'x' * 10**8 for _ in range(10**4)]", "memory"),
        ("raise BaseException('panic')", "cannot be used"),
    ],
)
def test_whatever_happens_there_this_process_goes_on(
    ending: str, words: str, copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real script with a tokenizer that does the worst in place of transformers' own."""
    monkeypatch.setattr(opening, "CPU_SECONDS", 2)
    monkeypatch.setattr(opening, "MEMORY_BYTES", 300_000_000)
    script = opening._TRIAL.read_text()
    limits = 'Path(__file__).parents[1] / "models" / "limits.py"'
    assert script.count(limits) == 1
    script = script.replace(limits, f"Path({str(opening._TRIAL.parents[1] / 'models' / 'limits.py')!r})")
    start = "    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)\n"
    assert script.count(start) == 1
    trial = tmp_path / "trial.py"
    trial.write_text(script.replace(start, f"    {ending}\n{start}"))
    monkeypatch.setattr(opening, "_TRIAL", trial)
    monkeypatch.setattr(opening, "_found", {})
    assert words in refusal(copy())


def test_time_that_the_processor_does_not_count_is_limited_too(copy: Copy, tmp_path: Path, monkeypatch: Any) -> None:
    trial = tmp_path / "trial.py"
    trial.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(opening, "_TRIAL", trial)
    monkeypatch.setattr(opening, "_found", {})
    monkeypatch.setattr(opening, "TRIAL_SECONDS", 0.5)
    assert "busy" in refusal(copy())


@pytest.mark.smoke
def test_a_busy_machine_does_not_use_up_the_time_of_a_tokenizer(copy: Copy, tmp_path: Path, monkeypatch: Any) -> None:
    """The script waits for longer than the seconds of the processor that it has, and goes on."""
    trial = tmp_path / "trial.py"
    script = opening._TRIAL.read_text().replace("Path(__file__)", f"Path({str(opening._TRIAL)!r})")
    trial.write_text(
        script.replace(
            "        found = examine(folder)",
            "        import time; time.sleep(2)\n" + 8 * " " + "found = examine(folder)",
        )
    )
    monkeypatch.setattr(opening, "_TRIAL", trial)
    monkeypatch.setattr(opening, "_found", {})
    monkeypatch.setattr(opening, "CPU_SECONDS", 1)
    assert gb.load(str(copy()), device="cpu").max_tokens == 512


def test_a_tokenizer_is_tried_once(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    run = subprocess.run
    monkeypatch.setattr(opening, "_found", {})
    monkeypatch.setattr(opening.subprocess, "run", lambda *a, **k: tried.append(a) or run(*a, **k))
    folder = copy()
    gb.load(str(folder), device="cpu")
    gb.load(str(folder), device="cpu")
    assert len(tried) == 1
    edit_json(folder / "tokenizer_config.json", lambda content: content.update(model_max_length=100))
    assert gb.load(str(folder), device="cpu").max_tokens == 100
    assert len(tried) == 2


def test_embedded_models_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening.subprocess, "run", None)
    gb.load("sentiment", device="cpu")


def test_the_tokenizer_that_is_opened_is_the_one_that_was_vetted(copy: Copy) -> None:
    folder = copy()
    expected = gb.encode(gb.load(str(folder), device="cpu"), TEXT).tokens
    shutil.copy(folder / "tokenizer.json", folder / "tokenizer.4.0.json")
    small = {"[UNK]": 0, "[PAD]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    edit_json(folder / "tokenizer.4.0.json", lambda content: content["model"].update(vocab=small))
    for setting in (
        {"fast_tokenizer_files": ["tokenizer.4.0.json"]},
        {"tokenizer_file": str(folder / "tokenizer.4.0.json")},
        {"vocab_file": "/etc/passwd"},
    ):
        edit_json(folder / "tokenizer_config.json", lambda content, setting=setting: content.update(setting))
        assert gb.encode(gb.load(str(folder), device="cpu"), TEXT).tokens == expected


def test_a_sentencepiece_file_that_holds_nothing(copy: Copy) -> None:
    folder = copy("albert")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    for content in (b"", b"garbage" * 100):
        (folder / "spiece.model").write_bytes(content)
        assert "tiktoken" not in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_files_that_are_none(name: str, kind: str, copy: Copy) -> None:
    folder = copy()
    (folder / name).unlink(missing_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(folder / name)
        case "device":
            (folder / name).symlink_to("/dev/zero")
        case "folder":
            (folder / name).mkdir()
    with pytest.raises(gb.DamagedCheckpointError, match=name.replace(".", r"\.")):
        gb.load(str(folder), device="cpu")


@pytest.mark.parametrize("length", ["Infinity", "NaN", '"abc"', "[1]", "-3", "0", "2.5", "1e400"])
def test_a_longest_length_that_is_no_number_of_tokens(length: str, copy: Copy) -> None:
    folder = copy()
    path = folder / "tokenizer_config.json"
    edit_json(path, lambda content: content.update(model_max_length="HERE"))
    path.write_text(path.read_text().replace('"HERE"', length))
    with pytest.raises(gb.DamagedCheckpointError, match="tokenizer_config"):
        gb.load(str(folder), device="cpu")


@pytest.mark.parametrize("length", ["null", "1000000000000000019884624838656", "1e30"])
def test_a_tokenizer_without_a_longest_length(length: str, copy: Copy) -> None:
    folder = copy()
    path = folder / "tokenizer_config.json"
    edit_json(path, lambda content: content.update(model_max_length="HERE"))
    path.write_text(path.read_text().replace('"HERE"', length))
    assert gb.load(str(folder), device="cpu").max_tokens == 512


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["BertweetTokenizer", "PhobertTokenizer", "BertJapaneseTokenizer", "ByT5Tokenizer", "PerceiverTokenizer"]
)
def test_tokenizers_without_a_fast_version(name: str, copy: Copy) -> None:
    folder = copy()
    edit_json(folder / "tokenizer_config.json", lambda content: content.update(tokenizer_class=name))
    message = refusal(folder)
    assert "no fast version" in message
    assert name in message
    assert "again" not in message


def test_tokens_that_the_settings_do_not_name(copy: Copy) -> None:
    folder = copy()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    model = gb.load(str(folder), device="cpu")
    assert (model.tokenizer.pad_token, model.mask_token) == ("[PAD]", "[MASK]")
    read = gb.encode(model, "The [MASK] said.")
    assert [token for token in read.tokens if token == "[MASK]"] == ["[MASK]"]
    gb.fill_mask(model, "The [MASK] said.")


@pytest.mark.parametrize(
    "pattern",
    [
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
        r"\s+",
        r" {2,}",
        r"[(+)+]+",
        r"(abc)?d+",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ],
)
def test_patterns_of_published_tokenizers_are_accepted(pattern: str) -> None:
    assert not _explodes(pattern)


@settings(max_examples=settings().max_examples * 3)
@given(st.text(alphabet="ab()[]{}|*+?\\\\1,{}$^", max_size=40))
def test_any_pattern_is_judged(pattern: str) -> None:
    assert _explodes(pattern) in (True, False)


def test_the_trial_runs_alone(tiny_checkpoint: Callable[..., Path]) -> None:
    folder = str(tiny_checkpoint("roberta", "masked_words"))
    command = [sys.executable, "-P", str(opening._TRIAL), folder, "1000000000", "20"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert b'"fast": true' in done.stdout
    forked = opening.subprocess.run(command)
    assert (forked.returncode, forked.stdout) == (0, done.stdout.decode()), "what other tests are given"
