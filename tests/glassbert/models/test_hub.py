"""Finding models: embedded, local, on the hub; each thing that can go wrong has its own plain sentence."""

from __future__ import annotations

import errno
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session

from glassbert.errors import (
    DamagedCheckpointError,
    GatedModelError,
    ModelError,
    ModelNotFoundError,
    ModelTooLargeError,
    NetworkError,
    RemoteCodeError,
    StoppedError,
    UnsafeWeightsError,
    UnsupportedModelError,
)
from glassbert.models import download, memory
from glassbert.models.hub import is_local, locate
from glassbert.models.progress import Progress
from tests.fake_hub import FakeHub

TinyCheckpoint = Callable[..., Path]
NAME = "someone/tiny-bert"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub on this machine, and an empty cache."""
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
        yield server
    # a question left behind asks again a few times, and closes the session that the next test would use
    for thread in threading.enumerate():
        if thread.name == "glassbert-hub":
            thread.join(timeout=20)


@pytest.fixture
def bert(tiny_checkpoint: TinyCheckpoint) -> Path:
    return tiny_checkpoint("bert", "masked_words")


def refusal(source: str, kind: type[ModelError], **options: str) -> str:
    with pytest.raises(ModelError) as caught:
        locate(source, **options)
    assert type(caught.value) is kind, caught.value
    return str(caught.value)


def changed(folder: Path, **config: object) -> dict[str, bytes]:
    """The files of a checkpoint with some entries of its config replaced."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    files["config.json"] = json.dumps(json.loads(files["config.json"]) | config).encode()
    return files


# embedded and local


def test_embedded_ids_need_no_network(hub: FakeHub) -> None:
    pretrained, sentiment = locate("pretrained"), locate(" sentiment ")
    assert pretrained.embedded
    assert sentiment.embedded
    assert pretrained.task_heads == ("masked_words", "next_sentence")
    assert sentiment.task_heads == ("classification",)
    assert pretrained.weights_hash != sentiment.weights_hash
    assert hub.requests == []


def test_a_folder_called_like_an_embedded_id_needs_its_path(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(bert, tmp_path / "pretrained")
    monkeypatch.chdir(tmp_path)
    assert locate("pretrained").embedded
    assert locate("./pretrained").task_heads == ("masked_words",)


def test_local_folders_absolute_relative_and_home(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(bert, tmp_path / "models" / "mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = [locate(source) for source in (str(tmp_path / "models/mine"), "models/mine", "~/models/mine")]
    assert {checkpoint.folder.resolve() for checkpoint in found} == {(tmp_path / "models/mine").resolve()}
    assert len({checkpoint.weights_hash for checkpoint in found}) == 1
    assert found[1].source == "models/mine"
    assert not found[0].embedded


@pytest.mark.parametrize("source", ["./nowhere", "/no/such/folder", "~/no/such", "..\\models", "C:\\models"])
def test_a_missing_folder_is_named(source: str, hub: FakeHub) -> None:
    message = refusal(source, ModelNotFoundError)
    assert source in message
    assert "folder" in message
    assert hub.requests == []


@pytest.mark.parametrize(
    "source",
    ["", "   ", "two words", "a/b/c", "owner/../name", "na..me", "a--b", "-name", "name.git", "nul\0byte", "x" * 5000,
     "owner/", "<img src=x>", "ftp://huggingface.co/a/b"],
)  # fmt: skip
def test_malformed_names_are_refused_without_a_request(source: str, hub: FakeHub) -> None:
    message = refusal(source, ModelNotFoundError)
    assert "google-bert/bert-base-uncased" in message
    assert len(message) < 400
    assert hub.requests == []


def test_addresses_that_are_no_models(hub: FakeHub) -> None:
    assert "dataset" in refusal("https://huggingface.co/datasets/owner/name", ModelNotFoundError)
    assert "space" in refusal("https://huggingface.co/spaces/owner/name", ModelNotFoundError)
    assert "not an address on the hub" in refusal("https://example.org/owner/name", ModelNotFoundError)
    assert hub.requests == []


# the hub on a good day


def test_download_then_cache(hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)
    reports: list[Progress] = []
    first = locate(NAME, progress=reports.append)
    assert first.task_heads == ("masked_words",)
    assert first.revision == repository.commit
    assert (first.folder / "model.safetensors").read_bytes() == repository.files["model.safetensors"]

    done = [report.bytes_done for report in reports]
    total = sum(len(content) for name, content in repository.files.items() if name != "config.json")
    assert done == sorted(set(done))
    assert done[0] == 0
    assert done[-1] == total
    assert {report.bytes_total for report in reports} == {total}
    assert reports[-1].file == "model.safetensors"

    hub.requests.clear()
    second = locate(NAME)
    assert hub.requests == []
    assert (second.folder, second.weights_hash, second.revision) == (first.folder, first.weights_hash, first.revision)


def test_only_the_needed_files_are_fetched(hub: FakeHub, bert: Path) -> None:
    stray = ("pytorch_model.bin", "modeling_custom.py", "tf_model.h5", "flax_model.msgpack", "README.md",
             "model.fp16.safetensors", "onnx/model.onnx", "1_Pooling/config.json", "training_args.bin")  # fmt: skip
    hub.add(NAME, {**changed(bert), **dict.fromkeys(stray, b"no"), "vocab.txt": b"[PAD]\n"})
    checkpoint = locate(NAME)
    expected = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"}
    assert hub.fetched() == expected
    assert {path.name for path in checkpoint.folder.rglob("*")} == expected


@pytest.mark.parametrize(
    "source",
    [
        "https://huggingface.co/someone/tiny-bert",
        "https://huggingface.co/someone/tiny-bert/tree/main",
        "http://hf.co/someone/tiny-bert?library=transformers#usage",
        "huggingface.co/someone/tiny-bert/blob/main/config.json",
    ],
)
def test_addresses_are_turned_into_ids(source: str, hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    assert locate(source).task_heads == ("masked_words",)


def test_the_endpoints_own_address(hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    assert locate(f"{hub.url}/{NAME}").task_heads == ("masked_words",)


def test_legacy_short_ids(hub: FakeHub, bert: Path) -> None:
    hub.add("google-bert/bert-base-uncased", bert)
    assert locate("bert-base-uncased").source == "bert-base-uncased"
    hub.requests.clear()
    assert locate("google-bert/bert-base-uncased").task_heads == ("masked_words",)
    assert hub.requests == []


def test_revisions(hub: FakeHub, bert: Path, tiny_checkpoint: TinyCheckpoint) -> None:
    old = hub.add(NAME, tiny_checkpoint("bert", "classification"), branches=("main", "v1"))
    assert locate(NAME, revision="v1").task_heads == ("classification",)
    new = hub.add(NAME, bert)
    assert locate(NAME, revision="main").revision == new.commit
    assert locate(f"https://huggingface.co/{NAME}/tree/v1").revision == old.commit  # cached, though gone from the hub
    assert locate(NAME, revision=old.commit).task_heads == ("classification",)
    assert "nowhere" in refusal(NAME, ModelNotFoundError, revision="nowhere")


def test_shards(hub: FakeHub, bert: Path) -> None:
    files = changed(bert)
    header = int.from_bytes(files["model.safetensors"][:8], "little")
    names = [name for name in json.loads(files["model.safetensors"][8 : 8 + header]) if name != "__metadata__"]
    shard = "model-00001-of-00001.safetensors"
    files[shard] = files.pop("model.safetensors")
    files["model.safetensors.index.json"] = json.dumps({"weight_map": dict.fromkeys(names, shard)}).encode()
    hub.add(NAME, files)
    assert locate(NAME).task_heads == ("masked_words",)
    assert shard in hub.fetched()


def test_an_index_that_leads_outside_is_refused_before_any_weights(hub: FakeHub, bert: Path) -> None:
    files = changed(bert)
    del files["model.safetensors"]
    files["model.safetensors.index.json"] = json.dumps({"weight_map": {"a": "../../secret.safetensors"}}).encode()
    hub.add(NAME, files)
    assert "../../secret.safetensors" in refusal(NAME, DamagedCheckpointError)
    assert hub.fetched() == {"config.json", "model.safetensors.index.json"}


# refused after a few kilobytes


@pytest.mark.parametrize(
    ("config", "kind", "words"),
    [
        ({"model_type": "gpt2"}, UnsupportedModelError, "decoder-only"),
        ({"model_type": "t5", "is_encoder_decoder": True}, UnsupportedModelError, "encoder-decoder"),
        ({"model_type": "eurobert"}, UnsupportedModelError, "DistilBERT"),
        ({"model_type": "new", "auto_map": {"AutoModel": "modeling.NewModel"}}, RemoteCodeError, "never runs"),
    ],
)
def test_unsupported_models_cost_no_weights(
    config: dict[str, object], kind: type[ModelError], words: str, hub: FakeHub, bert: Path
) -> None:
    hub.add(NAME, changed(bert, **config))
    assert words in refusal(NAME, kind)
    assert hub.fetched() == {"config.json"}
    hub.requests.clear()
    refusal(NAME, kind)
    assert hub.requests == []  # the cached config says it all


@pytest.mark.parametrize(
    ("added", "kind", "words"),
    [
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"}, UnsupportedModelError, "merge_and_unload"),
        ({"tokenizer.json": b"{}"}, DamagedCheckpointError, "tokenizer"),
        ({"tokenizer.json": b'{"model": {"vocab": {"a": 99999}}}'}, DamagedCheckpointError, "tokenizer"),
        (
            {"tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["code.Own", null]}}'},
            RemoteCodeError,
            "never runs",
        ),
        (
            {
                "tokenizer.json": None,
                "vocab.txt": b"a\n",
                "tokenizer_config.json": b'{"tokenizer_class": "BertweetTokenizer"}',
            },
            UnsupportedModelError,
            "no fast version",
        ),
    ],
    ids=["adapter", "empty tokenizer", "foreign tokenizer", "tokenizer with code", "slow tokenizer"],
)
def test_what_cannot_be_served_costs_no_weights(
    added: dict[str, bytes | None], kind: type[ModelError], words: str, hub: FakeHub, bert: Path
) -> None:
    files = {name: content for name, content in (changed(bert) | added).items() if content is not None}
    hub.add(NAME, files)
    assert words in refusal(NAME, kind)
    assert "model.safetensors" not in hub.fetched()


def test_pickle_only(hub: FakeHub, bert: Path) -> None:
    files = changed(bert)
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    hub.add(NAME, files)
    assert "safetensors" in refusal(NAME, UnsafeWeightsError)
    assert hub.fetched() == {"config.json"}


@pytest.mark.parametrize("lost", ["model.safetensors", "tokenizer.json"])
def test_missing_files(lost: str, hub: FakeHub, bert: Path) -> None:
    files = changed(bert)
    del files[lost]
    hub.add(NAME, files)
    assert lost in refusal(NAME, DamagedCheckpointError)
    assert hub.fetched() == {"config.json"}


def test_no_config(hub: FakeHub, bert: Path) -> None:
    files = changed(bert)
    del files["config.json"]
    hub.add(NAME, files)
    assert "config.json" in refusal(NAME, DamagedCheckpointError)


def test_an_enormous_config_is_not_fetched(hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert, claimed={"config.json": 10**9})
    assert "1.0 GB" in refusal(NAME, DamagedCheckpointError)
    assert hub.fetched() == set()


def test_too_large_for_memory(hub: FakeHub, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(NAME, bert, parameters=2_000_000_000)
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000_000)
    message = refusal(NAME, ModelTooLargeError)
    assert "8.0 GB" in message
    assert "1.0 GB" in message
    assert hub.fetched() == {"config.json"}


def test_half_precision_weights_need_twice_their_size(
    hub: FakeHub, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, changed(bert, dtype="float16"), claimed={"model.safetensors": 600_000_000})
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000_000)
    assert "1.2 GB" in refusal(NAME, ModelTooLargeError)


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_a_full_disk(hub: FakeHub, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(NAME, bert)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 0))
    assert "HF_HUB_CACHE" in refusal(NAME, ModelError)
    assert "model.safetensors" not in hub.fetched()


# the hub and the network on a bad day


@pytest.mark.usefixtures("hub")
def test_missing_ids_suggest_close_ones() -> None:
    message = refusal("bert-base-uncasd", ModelNotFoundError)
    assert "google-bert/bert-base-uncased" in message
    assert "google-bert" not in refusal("zzz/completely-unknown-qqq", ModelNotFoundError)


def test_gated_and_forbidden(hub: FakeHub, bert: Path) -> None:
    hub.add("someone/gated", bert, access="gated")
    hub.add("someone/private", bert, access="forbidden")
    assert f"{hub.url}/someone/gated" in refusal("someone/gated", GatedModelError)
    assert "403" in refusal("someone/private", GatedModelError)


@pytest.mark.parametrize(("status", "words"), [(500, "500"), (503, "503"), (429, "too many requests")])
def test_server_errors(status: int, words: str, hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    hub.faults[f"api/models/{NAME}"] = status
    assert words in refusal(NAME, NetworkError)


def test_a_login_page_instead_of_the_hub(hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    hub.faults[""] = "html"
    assert "HF_ENDPOINT" in refusal(NAME, NetworkError)


def test_a_hub_that_hangs_is_left_within_five_seconds() -> None:
    """Nothing is waited for twice: the probe first, then one question."""
    assert download.PROBE_SECONDS + download.ANSWER_SECONDS < 5


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PROBE_SECONDS", 0.3)
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", ["", f"api/models/{NAME}", "config.json"])
def test_a_hanging_hub_is_left(where: str, hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    hub.faults[where] = "hang"
    start = time.monotonic()
    message = refusal(NAME, NetworkError)
    assert time.monotonic() - start < 5
    assert "did not respond" in message


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("where", ["", f"api/models/{NAME}"])
def test_a_socket_that_times_out_before_the_deadline_says_the_same(
    where: str, hub: FakeHub, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both waits are of the same length, so that either may be over first."""
    within = download._within
    monkeypatch.setattr(download, "_within", lambda seconds, call: within(100 * seconds, call))
    hub.add(NAME, bert)
    hub.faults[where] = "hang"
    assert "did not respond" in refusal(NAME, NetworkError)


@pytest.mark.slow
def test_a_slow_hub_is_waited_for(hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    hub.faults[""] = "slow"
    assert locate(NAME).task_heads == ("masked_words",)


@pytest.mark.parametrize(
    "closed",
    [
        pytest.param(OSError(errno.EBADF, "Bad file descriptor"), id="while reading"),
        pytest.param(RuntimeError("Cannot send a request, as the client has been closed."), id="before asking"),
    ],
)
def test_a_session_that_another_thread_closed_is_used_anew(closed: Exception) -> None:
    calls = []

    def read() -> str:
        calls.append("asked")
        if len(calls) < 4:
            raise ConnectionError("broke off") from closed
        return "answer"

    assert download._within(5, read) == "answer"
    assert len(calls) == 4


def test_the_error_of_a_session_closed_before_asking_is_known(hub: FakeHub) -> None:
    session = download.get_session()
    close_session()
    with pytest.raises(RuntimeError) as caught:
        session.head(hub.url)
    assert download._closed_by_another(caught.value)


def test_any_other_failure_is_not_asked_twice() -> None:
    calls = []

    def read() -> str:
        calls.append("asked")
        raise ConnectionError("broke off") from OSError(errno.ECONNRESET, "reset")

    with pytest.raises(ConnectionError):
        download._within(5, read)
    assert len(calls) == 1


@pytest.mark.usefixtures("hub")
def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # discard: nothing listens there
    message = refusal("bert-base-uncased", NetworkError)
    assert "local folder" in message


def test_name_resolution_that_hangs_is_left_too(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PROBE_SECONDS", 0.2)
    monkeypatch.setattr(download, "get_session", lambda: hub.released.wait() and None)
    start = time.monotonic()
    message = refusal("bert-base-uncased", NetworkError)
    assert time.monotonic() - start < 5
    assert "did not respond" in message


def test_offline_mode(hub: FakeHub, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(NAME, bert)
    locate(NAME)
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert locate(NAME).task_heads == ("masked_words",)
    assert "HF_HUB_OFFLINE" in refusal("someone/other", NetworkError)
    assert hub.requests == []


def test_a_broken_connection_resumes(hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)
    hub.faults["model.safetensors"] = "drop once"
    reports: list[Progress] = []
    checkpoint = locate(NAME, progress=reports.append)
    assert (checkpoint.folder / "model.safetensors").read_bytes() == repository.files["model.safetensors"]
    done = [report.bytes_done for report in reports]
    assert done == sorted(set(done))
    assert done[-1] == reports[-1].bytes_total


def test_an_abandoned_download_starts_again_cleanly(hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)
    hub.faults["model.safetensors"] = "drop"
    assert "again" in refusal(NAME, NetworkError)
    del hub.faults["model.safetensors"]
    hub.requests.clear()
    checkpoint = locate(NAME)
    assert (checkpoint.folder / "model.safetensors").read_bytes() == repository.files["model.safetensors"]
    assert hub.fetched() == {"model.safetensors"}  # what had arrived whole is kept


def test_a_partial_cache_without_network_says_both(hub: FakeHub, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(NAME, bert)
    (locate(NAME).folder / "model.safetensors").unlink()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    message = refusal(NAME, NetworkError)
    assert "local cache" in message
    assert "no weights" in message


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "STALL_SECONDS", 8.0)
    monkeypatch.setattr(download, "WINDOW_SECONDS", 8.0)


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("fault", ["stall", "trickle", "hang"])
def test_a_download_that_does_not_go_on_is_left_and_resumed(fault: str, hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)
    hub.faults["model.safetensors"] = fault
    start = time.monotonic()
    message = refusal(NAME, NetworkError)
    assert time.monotonic() - start < 60
    assert "again" in message
    del hub.faults["model.safetensors"]
    hub.requests.clear()
    hub.ranges.clear()
    checkpoint = locate(NAME)
    assert (checkpoint.folder / "model.safetensors").read_bytes() == repository.files["model.safetensors"]
    assert hub.fetched() == {"model.safetensors"}
    if fault != "hang":  # what had arrived is not asked for again
        half = len(repository.files["model.safetensors"]) // 2
        assert int(hub.ranges["model.safetensors"].removeprefix("bytes=").rstrip("-")) >= half


@pytest.mark.parametrize("fault", ["stall", "hang"])
def test_a_download_is_cancelled_within_two_seconds(fault: str, hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    hub.faults["model.safetensors"] = fault
    asked: list[float] = []

    def cancelled() -> bool:
        reached = any(request.endswith("/model.safetensors") for request in hub.requests)
        if reached:
            asked.append(time.monotonic())
        return reached

    with pytest.raises(StoppedError, match="cancelled"):
        locate(NAME, cancelled=cancelled)
    assert time.monotonic() - asked[0] < 2


def test_a_progress_report_may_end_the_download(hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)

    def stop(report: Progress) -> None:
        if report.file == "model.safetensors":
            raise StoppedError("enough")

    with pytest.raises(StoppedError, match="enough"):
        locate(NAME, progress=stop)
    checkpoint = locate(NAME)
    assert (checkpoint.folder / "model.safetensors").read_bytes() == repository.files["model.safetensors"]


def test_a_download_that_dies_says_so(
    hub: FakeHub, bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, bert)
    (tmp_path / "dies.py").write_text("import os; os.abort()")
    monkeypatch.setattr(download, "_SCRIPT", tmp_path / "dies.py")
    assert "ended" in refusal(NAME, ModelError)


def test_other_content_of_the_right_size_is_not_kept(hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)
    hub.faults["model.safetensors"] = "junk"
    assert "hash" in refusal(NAME, NetworkError)
    del hub.faults["model.safetensors"]
    checkpoint = locate(NAME)
    assert (checkpoint.folder / "model.safetensors").read_bytes() == repository.files["model.safetensors"]


def test_other_content_once_is_fetched_again_at_once(hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)
    hub.faults["model.safetensors"] = "junk once"
    checkpoint = locate(NAME)
    assert (checkpoint.folder / "model.safetensors").read_bytes() == repository.files["model.safetensors"]


@pytest.mark.parametrize("git", [False, True])
def test_a_cached_file_with_other_content_is_fetched_again(git: bool, hub: FakeHub, bert: Path) -> None:
    """Of the same size, so that only the hash shows it: SHA-256 of large files, git's SHA-1 of small ones."""
    repository = hub.add(NAME, bert, git=git)
    weights = locate(NAME).folder / "model.safetensors"
    with weights.resolve().open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"damaged!")
    download._intact.clear()
    assert locate(NAME).task_heads == ("masked_words",)
    assert weights.read_bytes() == repository.files["model.safetensors"]


def test_a_damaged_cache_without_network_says_so(hub: FakeHub, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(NAME, bert)
    weights = locate(NAME).folder / "model.safetensors"
    with weights.resolve().open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"damaged!")
    download._intact.clear()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    message = refusal(NAME, NetworkError)
    assert "model.safetensors" in message
    assert "hash" in message


def test_a_damaged_cached_file_is_fetched_again(hub: FakeHub, bert: Path) -> None:
    repository = hub.add(NAME, bert)
    weights = locate(NAME).folder / "model.safetensors"
    with weights.resolve().open("r+b") as file:
        file.truncate(1000)
    assert locate(NAME).task_heads == ("masked_words",)
    assert weights.read_bytes() == repository.files["model.safetensors"]


def test_what_needs_no_network(hub: FakeHub, bert: Path) -> None:
    hub.add(NAME, bert)
    assert is_local("pretrained")
    assert is_local(str(bert))
    assert is_local("no such name")  # refused at once
    assert not is_local(NAME)
    assert hub.requests == []
    weights = locate(NAME).folder / "model.safetensors"
    hub.requests.clear()
    assert is_local(NAME)
    weights.unlink()
    assert not is_local(NAME)
    assert hub.requests == []
