"""Other models: what opens draws, and what cannot be opened says why and leaves the working model in place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Locator, expect

import glassbert as gb
from tests.browser.conftest import NewContext, Open
from tests.browser.workbench import Workbench
from tests.conftest import TinyCheckpoint

TEXT = "Paris is the capital of France."


def enter_source(bench: Workbench, source: str) -> None:
    bench.choose("Model", re.compile("^Other id or folder"))
    field = bench.page.get_by_role("textbox", name="Hub id or folder")
    field.fill(source)
    field.press("Enter")


def complaint(bench: Workbench) -> Locator:
    return bench.page.get_by_test_id("stSidebar").get_by_test_id("stAlert")


@pytest.fixture(scope="session")
def unusable(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: TinyCheckpoint) -> dict[str, Path]:
    """Folders that hold something, and not what is wanted."""
    folder = tmp_path_factory.mktemp("unusable")
    made = {name: folder / name for name in ("empty", "decoder", "pickle", "truncated", "code")}
    for path in made.values():
        path.mkdir()
    (made["decoder"] / "config.json").write_text(
        json.dumps({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 2, "vocab_size": 100})
    )
    tiny = tiny_checkpoint("bert", "masked_words")
    for name in ("pickle", "truncated", "code"):
        for file in tiny.iterdir():
            if not (name == "pickle" and file.suffix == ".safetensors"):
                (made[name] / file.name).write_bytes(file.read_bytes())
    torch.save({}, made["pickle"] / "pytorch_model.bin")
    weights = made["truncated"] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    config = json.loads((tiny / "config.json").read_text()) | {"auto_map": {"AutoModel": "mine.Model"}}
    (made["code"] / "config.json").write_text(json.dumps(config | {"model_type": "mine"}))
    return made


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("/no/such/folder", "no folder"),
        ("/no--such->folder/:streamlit:/www.example.com/https://example.com", "no folder"),
        ("owner/no-such-model-anywhere", "(reach|connect|network)"),
        ("not a model name!", "no model name"),
        ("*a* [b](http://127.0.0.1:9/c) ![d](http://127.0.0.1:9/e.png)", "not an address on the hub"),
        ("<img src=x onerror=window.pwned=1>", "no model name"),
        ("empty", "."),
        ("decoder", "(encoder|gpt2)"),
        ("pickle", "(pickle|safetensors)"),
        ("truncated", "(truncated|damaged|shorter|ends|incomplete|cut)"),
        ("code", "(code|Python)"),
    ],
)
def test_a_model_that_cannot_be_opened(
    shared_workbench: Workbench, pretrained: gb.Model, unusable: dict[str, Path], source: str, says: str
) -> None:
    bench = shared_workbench
    if bench.field().input_value() != TEXT:
        bench.type(TEXT)
        bench.explain_in_one_pass()
    enter_source(bench, str(unusable.get(source, source)))
    expect(complaint(bench).first).to_contain_text(re.compile(says, re.IGNORECASE))
    message = complaint(bench).first.inner_text().replace("\u2060", "")
    assert source in message or source in unusable, "the message names what was asked for, as it was typed"
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
    # and choosing a good one takes the message away
    bench.choose("Model", re.compile("^GlassBERT pretrained"))
    expect(complaint(bench)).to_have_count(0)


@pytest.mark.parametrize(
    ("family", "task", "shows"),
    [
        ("roberta", "masked_words", "Masked word"),
        ("albert", "masked_words", "Masked word"),
        ("distilbert", "classification", "Class"),
        ("bert", "token_classification", "Labels"),
        ("electra", "question_answering", "Answer"),
        ("bert", "encoder", "Attention"),
    ],
)
def test_a_local_folder_opens_and_draws(
    open_workbench: Open, tiny_checkpoint: TinyCheckpoint, family: str, task: str, shows: str
) -> None:
    folder = tiny_checkpoint(family, task)
    bench = open_workbench(text="Who is tired?", pair="The doctor is tired.", beside="")
    bench.expect_pictures()
    enter_source(bench, str(folder))
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


def test_only_a_classifier(open_workbench: Open) -> None:
    bench = open_workbench(text=TEXT)
    bench.choose("Model", re.compile("^GlassBERT sentiment"))
    bench.expect_parameters(model="sentiment")
    expect(bench.part("classes_model")).to_be_visible()
    expect(bench.part("candidates_model")).to_have_count(0)
    expect(bench.page.get_by_role("radio", name="GlassBERT pretrained")).to_have_count(0)
    bench.select_token(1)
    bench.expect_selected(1)
    bench.expect_pictures()


def test_none_beside(open_workbench: Open) -> None:
    bench = open_workbench(text=TEXT)
    expect(bench.part("classes_beside")).to_be_visible()
    bench.choose("A second model beside it", "None")
    expect(bench.part("classes_beside")).to_have_count(0)
    bench.expect_parameters(beside="")
    bench.expect_no_failure()
    bench.select_token(1)  # a word to guess is something to explain
    bench.expect_selected(1)
    bench.expect_pictures()


def test_attention_of_the_second_model(open_workbench: Open, sentiment: gb.Model) -> None:
    bench = open_workbench(text=TEXT, layer=5, head=0, token=1)
    bench.page.get_by_role("radio", name="GlassBERT sentiment").click()
    row = gb.attention(sentiment, TEXT).weights[5, 0, 1]
    token = gb.encode(sentiment, TEXT).pieces[int(row.argmax())]
    expect(bench.readout()).to_contain_text(f"to {token}: {row.max():.4f}")
    bench.expect_parameters(shown_model="beside")
    bench.expect_selected(1)


def test_a_link_downloads_nothing_by_itself(server: str, new_context: NewContext) -> None:
    bench = Workbench(new_context().new_page(), server).open(model="google-bert/bert-base-uncased", text=TEXT)
    sidebar = bench.page.get_by_test_id("stSidebar")
    expect(sidebar).to_contain_text("google-bert/bert-base-uncased")
    button = sidebar.get_by_role("button", name=re.compile("Download"))
    expect(button).to_be_visible()
    bench.expect_pictures()  # of the embedded model, meanwhile
    button.click()
    expect(complaint(bench).first).to_contain_text(re.compile("reach|connect|network", re.IGNORECASE))
    bench.expect_pictures()
