"""Other models: what opens draws, and what cannot be opened says why and leaves the working model in place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Locator, expect

import glassbert as gb
from tests.browser.conftest import Open
from tests.browser.workbench import Workbench
from tests.conftest import TinyCheckpoint

TEXT = "Paris is the capital of France."


def complaint(bench: Workbench) -> Locator:
    return bench.part("notices").get_by_test_id("stAlert")


@pytest.fixture(scope="session")
def pickled(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: TinyCheckpoint) -> Path:
    """A checkpoint whose weights are a pickle."""
    folder = tmp_path_factory.mktemp("pickled")
    for file in tiny_checkpoint("bert", "masked_words").iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    torch.save({}, folder / "pytorch_model.bin")
    return folder


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("*a* [b](http://127.0.0.1:9/c) ![d](http://127.0.0.1:9/e.png) <img src=x>", "not an address on the hub"),
        ("pickled", "pickle"),
    ],
)
def test_a_model_that_cannot_be_opened(
    shared_workbench: Workbench, pretrained: gb.Model, pickled: Path, source: str, says: str
) -> None:
    """The others that cannot are in tests/components/shell/test_model_picker.py."""
    bench = shared_workbench
    if bench.field().input_value() != TEXT:
        bench.type(TEXT)
    source = str(pickled) if source == "pickled" else source
    bench.choose_model("First model", source)
    expect(complaint(bench).first).to_contain_text(re.compile(says, re.IGNORECASE))
    message = complaint(bench).first.inner_text().replace("\u2060", "")
    assert source[:40] in message, "the message names what was asked for, as it was typed"
    expect(complaint(bench).locator("a, img")).to_have_count(0)
    assert "Traceback" not in message
    assert "Error" not in message, "an exception's name is not a sentence"
    bench.settle()
    # the former model still works, and its pictures are there
    bench.expect_pictures()
    count = len(gb.encode(pretrained, TEXT))
    expect(bench.tokens("saliency")).to_have_count(count)
    token = count - 3 if bench.heatmap().get_attribute("data-selected") != str(count - 3) else 1
    bench.select_token(token)
    bench.expect_selected(token)
    expect(bench.bars("candidates_model").first).to_be_visible()
    assert bench.page.evaluate("window.pwned") is None
    # and the message can be taken away
    bench.part("dismiss_model").get_by_role("button").click()
    expect(complaint(bench)).to_have_count(0)


@pytest.mark.parametrize(
    ("family", "task", "shows"),
    [
        ("modernbert", "masked_words", "Masked word"),
        ("electra", "question_answering", "Answer"),
    ],
)
def test_a_local_folder_opens_and_draws(
    open_page: Open, tiny_checkpoint: TinyCheckpoint, family: str, task: str, shows: str
) -> None:
    folder = tiny_checkpoint(family, task)
    bench = open_page(text="Who is tired?", pair="The doctor is tired.", beside="")
    bench.expect_pictures()
    bench.choose_model("First model", str(folder))
    bench.expect_parameters(model=str(folder))
    model = gb.load(str(folder), "cpu")
    count = len(gb.encode(model, "Who is tired?", "The doctor is tired."))
    expect(bench.tokens()).to_have_count(count)
    expect(bench.page.get_by_test_id("heads-map-cell")).to_have_count(model.layers * model.attention_heads)
    expect(bench.main()).to_contain_text(shows)
    bench.expect_painted(bench.page.get_by_test_id("attention-heatmap-canvas"))
    bench.select_token(2)
    expect(bench.selected()).to_have_attribute("data-index", "2")
    expect(bench.heatmap()).to_have_attribute("data-selected", "2")
    bench.expect_no_failure()
    expect(complaint(bench)).to_have_count(0)


def test_a_link_downloads_nothing_by_itself(open_page: Open) -> None:
    bench = open_page(model="google-bert/bert-base-uncased", text=TEXT)
    notices = bench.part("notices")
    expect(notices).to_contain_text("google-bert/bert-base-uncased")
    button = notices.get_by_role("button", name=re.compile("Download"))
    expect(button).to_be_visible()
    bench.expect_pictures()  # of the embedded model, meanwhile
    button.click()
    expect(complaint(bench).first).to_contain_text(re.compile("reach|connect|network", re.IGNORECASE))
    bench.expect_pictures()
