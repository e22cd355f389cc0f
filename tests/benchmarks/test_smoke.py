"""Every benchmark still runs: with ``--smoke``, at the smallest sizes, it prints its tables to the end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.benchmarks.conftest import BENCHMARKS, Smoke, imported

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

#: Script → a number in its last table, which only a run to the end prints.
ALONE = {
    "view_cost": r"attribute, input_x_gradient +\d",
    "attribution": r"attribute one by one, input_x_gradient +\d",
    "analysing": r"30 rows analysed in \d+ s; MB after each tenth: \d",
    "data_sets": r"compare with itself +\d",
    "attention_cost": r"sweep: \d+\.\d\d forward passes per head",
    "surprise": r"stock network's loss, one position at a time +\d",
    "receipts": r"five methods with receipts: \d+\.\d\d s",
    "trace": r"a layer × position is (met|missed) \(\d",
    "human_edits": r"changes? from \[PAD\] is below 25% of F: \d reviews",
    "model_loading": r"pretrained +\d+\.\d\d \(",
    "compression": r"accuracy on 4 reviews: \d\.\d+, in int8 \d",
    "finetuning": r"ours +\d\.\d",
    "command_line": r"glassbert --version +\d\.\d\d \(",
}
IN_A_BROWSER = {
    "attention_map": r"random BERT-base, 12 × 12 +\d+\.\d\d MB",
    "startup": r"address of a second `make app` +(\d|no \.venv)",
    "memory": r"window closed, \S+ s later +-?\d+ +-?\d+",
    "smoothness": r"64 tokens: zoom it +\d",
    "payload": r"largest elements\n12 .*\bheads_map \d+ kB",
    "rerun_latency": r"run\.run_script +\d",
}
#: Those of `ALONE` that take some seconds and more even so.
LONG = {"trace", "model_loading", "finetuning", "analysing", "view_cost", "attribution", "attention_cost", "data_sets"}
#: Each has a test file of its own.
ELSEWHERE = {"load", "gpu"}


def test_every_benchmark_is_run() -> None:
    scripts = {path.stem for path in BENCHMARKS.glob("[a-z]*.py")}
    assert scripts == {*ALONE, *IN_A_BROWSER, *ELSEWHERE}
    assert all(Path(__file__).with_name(f"test_{name}.py").exists() for name in ELSEWHERE)
    listed = re.findall(r"^\| `(\w+)\.py`", (BENCHMARKS / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(scripts), "the README lists them all"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.smoke) if name in LONG else name for name in ALONE]
)
def test_it_runs(smoke: Smoke, name: str) -> None:
    printed = smoke(name)
    assert re.search(ALONE[name], printed), printed
    assert "nan" not in printed


@pytest.fixture(scope="module")
def shared(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One server and one browser for all scripts, in the place of those that each of them would start."""
    everything = tmp_path_factory.mktemp("shared") / "trace.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        app = imported("_app")
        patch.setattr(app, "sync_playwright", lambda: nullcontext(playwright))
        with app.run_app(trace=everything) as server, app.browser("--disable-gpu") as opened:

            @contextmanager
            def run_app(*, trace: Path | None = None, python: str | None = None) -> Iterator[Any]:
                if python is not None:  # what is measured is its start
                    with app.run_app(python=python) as other:
                        yield other
                else:
                    if trace is not None:
                        trace.symlink_to(everything)
                    yield server

            @contextmanager
            def browser() -> Iterator[Browser]:
                yield opened
                for context in opened.contexts:
                    context.close()

            yield {"run_app": run_app, "browser": browser}


@pytest.mark.browser
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", IN_A_BROWSER)
def test_it_runs_in_a_browser(smoke: Smoke, shared: dict[str, Any], name: str) -> None:
    assert os.environ.get("CHROMIUM"), "make browser names one"
    printed = smoke(name, **shared)
    assert re.search(IN_A_BROWSER[name], printed), printed
