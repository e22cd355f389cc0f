"""The choice of models: what opens, what is refused, and that the working model stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from glassbert.models import hub
from tests.conftest import TinyCheckpoint
from tests.pages.workbench import COMPONENTS, messages, page, parameters, pictures, run

HUB_MODEL = "google-bert/bert-base-uncased"
OTHER = "Other id or folder …"


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


def enter(app: AppTest, source: str) -> AppTest:
    """Choose "Other id or folder …" and type."""
    box(app, "Model").set_value("other")
    run(app)
    (field,) = app.text_input
    field.set_value(source)
    return run(app)


def test_a_link_alone_downloads_nothing(asked: list[str]) -> None:
    app = page(model=HUB_MODEL)
    assert asked == []
    assert HUB_MODEL in messages(app)
    assert pictures(app) == COMPONENTS, "the embedded model is shown meanwhile"
    (button,) = [button for button in app.button if "Download" in button.label]
    button.click()
    run(app)
    assert asked == [HUB_MODEL]
    assert "cannot be reached" in messages(app)
    assert pictures(app) == COMPONENTS


def test_choosing_from_the_list_is_consent(asked: list[str]) -> None:
    app = page()
    box(app, "Model").set_value(HUB_MODEL)
    run(app)
    assert asked == [HUB_MODEL]
    assert "cannot be reached" in messages(app)
    assert pictures(app) == COMPONENTS


@pytest.mark.parametrize(
    "source", ["/no/such/folder", "no such model", "<img src=x>", "a/b/c/d", "https://x.example/y"]
)
def test_a_refused_model_leaves_the_working_one(asked: list[str], source: str) -> None:
    app = enter(page(model="sentiment", beside=""), source)
    assert len(app.error) == 1
    assert source in messages(app)
    assert asked == []
    assert pictures(app) == COMPONENTS
    assert any("text classification" in caption.value for caption in app.caption)
    # the next choice clears the message
    box(app, "Model").set_value("pretrained")
    run(app)
    assert not app.error
    assert pictures(app) == COMPONENTS - 1, "with no gap and no word selected there is nothing to explain"


def test_a_folder_opens(tiny_checkpoint: TinyCheckpoint) -> None:
    folder = str(tiny_checkpoint("distilbert", "classification"))
    app = enter(page(beside=""), f"  {folder} ")
    assert not app.error
    assert parameters(app)["model"] == folder
    assert any("DistilBERT" in caption.value for caption in app.caption)
    assert not app.text_input, "the field has done its work"
    assert pictures(app) == COMPONENTS


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


def test_none_beside() -> None:
    app = page(text="A [MASK].")
    box(app, "A second model beside it").set_value("")
    run(app)
    assert parameters(app)["beside"] == ""
    assert not app.button_group, "one model: nothing to choose whose attention is shown"
    assert pictures(app) == COMPONENTS


def test_the_same_model_twice_is_one() -> None:
    app = page(model="sentiment", beside="sentiment")
    assert not app.button_group
    assert pictures(app) == COMPONENTS


def test_the_list_begins_with_what_is_ready() -> None:
    options = box(page(), "Model").options
    assert [("ready" in option) for option in options[:2]] == [True, True]
    assert all("MB" in option for option in options[2:-1])
    assert options[-1] == OTHER
