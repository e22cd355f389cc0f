"""What every test shares: tiny checkpoints, one torch thread, no network and an empty model cache."""

from __future__ import annotations

import fcntl
import functools
import gc
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Playwright

# before anything imports huggingface_hub, which reads them once: tests leave the developer's own cache alone
_HF_HOME = tempfile.TemporaryDirectory(prefix="glassbert-tests-", ignore_cleanup_errors=True)
os.environ["HF_HOME"] = _HF_HOME.name
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GLASSBERT_RUNS"] = str(Path(_HF_HOME.name, "runs"))
for _name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
    os.environ.pop(_name, None)

TinyCheckpoint = Callable[..., Path]

# Every run of the same code tries the same examples: a change never fails for a fault that was there before it, and
# `make fuzz` is where new ones are looked for. A property that takes longer than others asks for a share of the
# profile's max_examples.
hypothesis.settings.register_profile("same", max_examples=60, derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("fuzz", max_examples=2000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--one-family", action="store_true", help="of tests that run for each family, only those for BERT")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """``--one-family`` leaves out what differs only in the family."""
    if not config.getoption("one_family"):
        return

    def of_bert(item: pytest.Item) -> bool:
        parameters = getattr(item, "callspec", None)
        return parameters is None or parameters.params.get("family", "bert") == "bert"

    config.hook.pytest_deselected(items=[item for item in items if not of_bert(item)])
    items[:] = filter(of_bert, items)


# Half a million objects of torch, transformers and the tests' own modules stay to the end: the garbage collector, which
# would go through all of them again and again, is told to leave them out.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _one_search_for_installed_components() -> Iterator[None]:
    """Each AppTest reads the metadata of all installed packages, 0.15 s, in search of other people's components."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        once = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture(autouse=True)
def _own_main_module() -> Iterator[None]:
    """AppTest leaves its script behind as ``__main__``, which a process that is spawned later would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """A connection to anywhere but this machine is an error that names the address."""
    connect = socket.socket.connect

    def connect_locally(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in (
            "127.0.0.1",
            "::1",
            "localhost",
        ):
            raise OSError(f"tests do not use the network, and {address} is not local")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_locally)
        yield


@pytest.fixture(scope="session", autouse=True)
def _forked_scripts() -> Iterator[None]:
    """Tokenizers are tried, and pickles read, by forks."""
    from glassbert.models import convert
    from glassbert.network import tokenizer
    from tests.forked import Forked

    with pytest.MonkeyPatch.context() as patch:
        trials, conversions = Forked(tokenizer._TRIAL, "torch"), Forked(convert._SCRIPT)
        patch.setattr(tokenizer, "subprocess", trials)
        patch.setattr(convert, "subprocess", conversions)
        yield
        trials.close()
        conversions.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; a process can start it only once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> TinyCheckpoint:
    """``tiny_checkpoint("bert", "masked_words", layers=3)`` → its folder, built once a session for all workers."""
    from tests import tiny

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # the same for every worker

    def get(family: str, task: str, **options: int) -> Path:
        name = "-".join([family, task, *(f"{option}{number}" for option, number in sorted(options.items()))])
        folder = shared / "checkpoints" / name
        folder.parent.mkdir(exist_ok=True)
        with _locked(folder.with_name(f"{name}.lock")):
            if not folder.exists():
                unfinished = folder.with_name(f"{name}.unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                tiny.build(family, task, unfinished, **options)
                unfinished.rename(folder)
        return folder

    return get


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One process at a time; the others wait."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
