"""Fine-tuning in a browser: from a file to a model that explains a text, with a stop on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from components.gateway.runs import store
from tests.browser.conftest import Open
from tests.conftest import TinyCheckpoint

#: Of start and end of a training process, beside other tests on two cores.
SECONDS = 90_000
TABLE = "text,label\n" + "".join(
    f'"This film was good, {n} times.",good\n"The man went to the store, {n} times.",bad\n' for n in range(60)
)


@pytest.fixture
def _no_runs_are_left() -> Iterator[None]:
    """Other tests see the models of the dialog as they are without any."""
    yield
    for run, _ in list(store.listing()):
        store.delete(run)


@pytest.mark.usefixtures("_no_runs_are_left")
def test_a_file_becomes_a_model_that_explains_a_text(
    open_page: Open, tiny_checkpoint: TinyCheckpoint, tmp_path: Path
) -> None:
    file = tmp_path / "films.csv"
    file.write_text(TABLE)
    bench = open_page("fine_tuning", model=str(tiny_checkpoint("bert", "masked_words")), beside="")
    page = bench.page
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_text("One class per text, 2 labels: 96 rows to train on")).to_be_visible(timeout=SECONDS)
    bench.combobox("Start from").click()
    page.get_by_role("option", name="masked_words").click()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    expect(epochs).to_be_enabled()
    epochs.fill("20")  # long enough to be stopped
    epochs.press("Enter")
    expect(page.get_by_text("at least 3, and more of a small table")).to_have_count(0)
    page.get_by_text("All settings").click()
    patience = page.get_by_role("spinbutton", name="Stop after epochs without gain")
    patience.fill("0")
    patience.press("Enter")
    expect(page.get_by_text("stop when it gains nothing")).to_have_count(0)
    page.get_by_role("button", name="Train", exact=True).click()

    expect(page.get_by_text(re.compile(r": step \d"))).to_be_visible(timeout=SECONDS)
    expect(bench.part("loss_curve").locator(".main-svg").first).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    stopped = page.get_by_text(re.compile(r"This run was stopped at step \d+ of \d+"))
    expect(stopped).to_be_visible(timeout=10_000)
    step, total = map(int, re.findall(r"\d+", stopped.inner_text().replace(",", ""))[:2])
    assert 1 <= step < total

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("link", name="Open the model")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("of 24 rows kept from training are answered right")).to_be_visible()
    expect(bench.part("learning_curves")).to_be_visible()
    page.get_by_role("link", name="Open the model").click()
    expect(page.get_by_role("heading", level=1, name="Saliency")).to_be_visible()
    bench.settle()
    assert bench.parameters()["model"].endswith("/films-csv")
    page.go_back()
    expect(page.get_by_role("link", name="Compare before and after")).to_be_visible()
    page.go_forward()
    page.get_by_role("button", name="Explain").first.click()
    expect(bench.tokens("row_input_x_gradient").first).to_be_visible()
