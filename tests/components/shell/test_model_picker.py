"""The choice of models: what opens, what is refused, and that the working model stays."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.widgets import frontend
from glassbert.models import hub
from tests.components.widgets.clicks import click, mounted
from tests.conftest import TinyCheckpoint
from tests.pages.workbench import (
    PICTURES,
    as_read,
    header,
    messages,
    page,
    parameters,
    pictures,
    run,
    selected,
    tokens,
)

pytestmark = pytest.mark.slow

HUB_MODEL = "google-bert/bert-base-uncased"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hub models that the app asks for; no answer comes."""
    from glassbert.errors import NetworkError

    names: list[str] = []

    def fetch(name: str, *_: object, **__: object) -> None:
        names.append(name)
        raise NetworkError("the hub cannot be reached: check the network")

    monkeypatch.setattr(hub, "fetch", fetch)
    return names


def box(app: AppTest, label: str) -> object:
    (found,) = [box for box in app.selectbox if box.label == label]
    return found


def dialog(app: AppTest) -> AppTest:
    """Open the dialog of the models."""
    (button,) = [button for button in app.button if button.key == "models"]
    button.click()
    return run(app)


def choose(app: AppTest, label: str, source: str) -> AppTest:
    """Choose, or type, a model in the dialog, and open it."""
    field = box(dialog(app), label)
    if field.format_func(source) not in field.options:  # typed; AppTest knows the listed ones only
        field.options.append(source)
    field.set_value(source)
    (button,) = [button for button in app.button if button.key == "open_models"]
    button.click()
    return run(app)


def test_a_link_alone_downloads_nothing(asked: list[str]) -> None:
    app = page(model=HUB_MODEL)
    assert asked == []
    assert HUB_MODEL in messages(app)
    assert pictures(app) == PICTURES, "the embedded model is shown meanwhile"
    (button,) = [button for button in app.button if "Download" in button.label]
    button.click()
    run(app)
    assert asked == [HUB_MODEL]
    assert "cannot be reached" in messages(app)
    assert pictures(app) == PICTURES


def test_a_model_that_is_too_large_opens_in_half_precision_by_choice(
    monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: TinyCheckpoint
) -> None:
    from components.gateway import models
    from glassbert.models import memory

    folder = str(tiny_checkpoint("bert", "classification"))
    app, weights = page(), gb.load(folder, device="cpu").parameters
    monkeypatch.setattr(memory, "available_bytes", lambda: 3 * weights)
    choose(app, "First model", folder)
    assert "half precision" in messages(app)
    assert pictures(app) == PICTURES, "the model before it stays"
    (button,) = [button for button in app.button if button.label == "Open in half precision"]
    button.click()
    run(app)
    assert "half precision" not in messages(app)
    assert (parameters(app)["model"], parameters(app)["half"]) == (folder, "1")
    assert models.load(models.request_of(folder, "auto", half=True)).precision == "bfloat16"
    (box,) = [box for box in dialog(app).checkbox if box.label == "First model in half precision"]
    assert box.value


def test_choosing_from_the_list_is_consent(asked: list[str]) -> None:
    app = choose(page(), "First model", HUB_MODEL)
    assert asked == [HUB_MODEL]
    assert "cannot be reached" in messages(app)
    assert pictures(app) == PICTURES


def test_a_download_is_stopped_by_its_button(monkeypatch: pytest.MonkeyPatch) -> None:
    """A click ends the run, which the download asks about; the model before it stays, and nothing goes on."""
    from glassbert.errors import NetworkError, StoppedError
    from glassbert.models.progress import Progress

    names: list[str] = []

    def fetch(name: str, *_: object, progress: object, cancelled: object, **__: object) -> None:
        names.append(name)
        assert callable(progress)
        assert callable(cancelled)
        progress(Progress(3_000_000, 12_000_000, "model.safetensors"))
        assert cancelled() is False
        if len(names) > 1:
            raise NetworkError("the hub cannot be reached: check the network")
        raise StoppedError("as when the click of the visitor ends the run")

    monkeypatch.setattr(hub, "fetch", fetch)
    app = choose(page(model="sentiment", beside=""), "First model", HUB_MODEL)
    assert names == [HUB_MODEL]
    (bar,) = app.get("progress")
    assert as_read(bar.proto.text) == "3 of 12 MB"
    (stop,) = [button for button in app.button if button.key == "stop_model"]
    assert stop.label == "Stop"
    stop.click()
    run(app)
    assert names == [HUB_MODEL], "the click asked for nothing again"
    assert "you stopped the download" in messages(app)
    assert parameters(app)["model"] == "sentiment"
    assert pictures(app) == PICTURES
    (again,) = [button for button in app.button if button.key == "again_model"]
    again.click()
    run(app)
    assert names == [HUB_MODEL, HUB_MODEL], "only another click goes on"


@pytest.fixture(scope="module")
def unusable(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: TinyCheckpoint) -> dict[str, Path]:
    """Folders that hold something, and not what is wanted."""
    folder = tmp_path_factory.mktemp("bad")
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
        ("no such model", "not a valid model name"),
        ("not a model name!", "not a valid model name"),
        ("a/b/c/d", "not a valid model name"),
        ("https://x.example/y", "not an address on the hub"),
        ("*a* [b](http://127.0.0.1:9/c) ![d](http://127.0.0.1:9/e.png)", "not an address on the hub"),
        ("<img src=x onerror=window.pwned=1>", "not a valid model name"),
        ("empty", "is empty; it should contain config.json"),
        ("decoder", "gpt2"),
        ("pickle", "pickle"),
        ("truncated", "is truncated"),
        ("code", "needs Python code"),
    ],
)
def test_a_refused_model_leaves_the_working_one(
    asked: list[str], unusable: dict[str, Path], source: str, says: str
) -> None:
    source = str(unusable.get(source, source))
    app = choose(page(model="sentiment", beside=""), "First model", source)
    (error,) = app.error
    message = as_read(error.value)
    assert re.search(says, message, re.IGNORECASE), message
    assert source[:40] in message, "the message names what was asked for, as it was typed"
    assert "Traceback" not in message
    assert "Error" not in message, "an exception's name is not a sentence"
    assert "](" not in error.value, "no link, no image"
    assert not re.search(r"(?<!\\)<", error.value), "no tag"
    assert asked == []
    assert pictures(app) == PICTURES
    assert parameters(app)["model"] == "sentiment", "address, line and results agree"
    (line,) = [button.label for button in app.button if button.key == "models"]
    assert as_read(line) == "Decision: GlassBERT sentiment"
    assert [button.key for button in app.button if button.key == "again_model"], "it can be tried again"
    version = json.loads(mounted(app, "saliency").json)["version"]
    click(app, "saliency", {"version": version, "index": 1})
    assert selected(app) == selected(app, "saliency") == header(app, "heatmap")["selected"] == 1
    # the next choice clears the message
    choose(app, "First model", "pretrained")
    assert not app.error
    assert pictures(app) == PICTURES - 1, "with no gap and no word selected there is nothing to explain"


PAIR = ("Who is tired?", "The doctor is tired.")


@pytest.mark.parametrize(
    ("family", "task", "chart"),
    [
        ("roberta", "masked_words", "candidates_model"),
        ("albert", "masked_words", "candidates_model"),
        ("distilbert", "classification", "classes_model"),
        ("bert", "token_classification", "labels_model"),
        ("electra", "question_answering", "answers_model"),
        ("bert", "encoder", ""),
    ],
)
def test_a_folder_opens(tiny_checkpoint: TinyCheckpoint, family: str, task: str, chart: str) -> None:
    folder = str(tiny_checkpoint(family, task))
    app = choose(page(text=PAIR[0], pair=PAIR[1], beside=""), "First model", f"  {folder} ")
    assert messages(app).count("nothing to predict") == (task == "encoder")
    assert not app.error
    assert parameters(app)["model"] == folder
    model = gb.load(folder, "cpu")
    dialog(app)
    assert any(model.checkpoint.family.label in caption.value for caption in app.caption)
    version = json.loads(mounted(app, "strip").json)["version"]
    click(app, "strip", {"version": version, "index": 2})
    assert [token["text"] for token in tokens(app)] == list(gb.encode(model, *PAIR).pieces)
    assert selected(app) == header(app, "heatmap")["selected"] == 2
    assert (header(app, "heads")["layers"], header(app, "heads")["heads"]) == (model.layers, model.attention_heads)
    charts = [one.proto.id for one in app.get("plotly_chart")]
    assert any(chart in name for name in charts) if chart else not any("_model" in name for name in charts)


def test_a_folder_with_marks_in_its_name_is_shown_as_it_is(tmp_path: Path, tiny_checkpoint: TinyCheckpoint) -> None:
    folder = tmp_path / ":red[x] ![y](z.png) *b*"
    folder.symlink_to(tiny_checkpoint("bert", "masked_words"))
    app = page(model=str(folder))
    assert not app.error
    markup = [element.value for element in (*app.markdown, *app.caption)]
    markup += [label for group in app.button_group for label in group.options]
    named = [value for value in markup if "red" in value]
    assert len(named) >= 3, "whose attention, whose prediction, whose choice"
    assert not [value for value in named if ":red" in value.replace("\\:red", "")]
    assert not [value for value in named if "*b*" in value or "![" in value]


def whose_attention(app: AppTest) -> list[object]:
    return [group for group in app.button_group if group.label == "Attention of"]


def test_none_beside() -> None:
    app = page(text="A [MASK].")
    choose(app, "Second model", "")
    assert parameters(app)["beside"] == ""
    assert not whose_attention(app), "one model: nothing to choose whose attention is shown"
    assert pictures(app) == PICTURES
    assert not any("classes_beside" in chart.proto.id for chart in app.get("plotly_chart"))


def test_only_a_classifier() -> None:
    app = page(text="Paris is the capital of France.", token="1")
    choose(app, "First model", "sentiment")
    assert parameters(app)["model"] == "sentiment"
    charts = [chart.proto.id for chart in app.get("plotly_chart")]
    assert any("classes_model" in name for name in charts)
    assert not any("candidates_model" in name for name in charts)
    assert not whose_attention(app), "it stands beside itself, which is one model"
    assert pictures(app) == PICTURES


def test_attention_of_the_second_model() -> None:
    text = "Paris is the capital of France."
    app = page(text=text, layer="5", head="0", token="1", shown_model="beside")
    sentiment = gb.load("sentiment", "cpu")
    expected = gb.attention(sentiment, text).weights[5, 0]
    sent, planes = frontend.unpack(mounted(app, "heatmap").bytes)
    levels = np.frombuffer(planes, np.uint8).reshape(2, *expected.shape).astype(int)
    np.testing.assert_allclose((levels[0] * 256 + levels[1]) * sent["step"], expected, atol=1e-4)
    other = gb.attention(gb.load("pretrained", "cpu"), text).weights[5, 0]
    assert np.abs(other - expected).max() > 0.01, "the two must differ for this to say something"
    assert sent["selected"] == 1
    assert parameters(app)["shown_model"] == "beside"


def test_the_same_model_twice_is_one() -> None:
    app = page(model="sentiment", beside="sentiment")
    assert not whose_attention(app)
    assert pictures(app) == PICTURES


def test_the_list_begins_with_what_is_ready() -> None:
    options = box(dialog(page()), "First model").options
    ready = len(gb.embedded())
    assert all("ready" in option for option in options[:ready])
    assert all("MB" in option for option in options[ready:] if "fine-tuned here" not in option)


def test_two_models_that_fail_at_once_say_so_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that stand in for them, so that nothing is open: what was asked for is named."""

    def fail(_: object) -> None:
        raise gb.ModelError("it is not well")

    from components.gateway import models

    monkeypatch.setattr(models, "load", fail)
    app = page(model="similarity", beside="sentiment")
    assert [as_read(error.value) for error in app.error] == [
        "similarity: it is not well",
        "sentiment: it is not well",
    ]
    assert pictures(app) == 0
