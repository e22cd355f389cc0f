"""The Fine-tune page without a browser: what is chosen, started, stopped and shown, and to whom."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import settings as gateway
from components.gateway.runs import command, store
from components.gateway.runs import queue as queues
from components.gateway.runs.progress import progress_of
from components.gateway.runs.queue import RunState, state_of
from components.gateway.runs.tables import SHORTCUT, trained_on
from components.views.fine_tuning import training
from glassbert.pictures.formats import percent
from tests.conftest import TinyCheckpoint
from tests.pages.tuned import tuned_run
from tests.pages.workbench import as_read, messages, page, parameters, run, tokens

FAKE = "tests.components.gateway.runs.fake_training"
HOSTILE = "<script>alert(1)</script> ![x](http://x.example/y) :red[z]"
CSV = "text,label,other\n" + "".join(
    f'"Good film {n} {HOSTILE}",<b>good</b>,{n}\n"Bad film {n}",bad,{n}\n' for n in range(20)
)


@pytest.fixture
def new_run() -> Iterator[Callable[..., str]]:
    """Make a run on a table; all of them are removed afterwards."""
    made: list[str] = []

    def make(content: str = CSV, name: str = f"{HOSTILE}.csv") -> str:
        made.append(store.create(name, name, content.encode()))
        return made[-1]

    yield make
    for one in made:
        queues.queue().delete(one)


@pytest.fixture
def fake_training(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs that wait for ever instead of training."""

    def arguments(run: str) -> list[str]:
        command_of(run)
        request = store.request_of(run)
        assert request is not None
        return [FAKE, "wait", str(store.model_folder(request))]

    command_of = command.arguments
    monkeypatch.setattr(command, "arguments", arguments)
    queues.queue.cache_clear()
    yield
    queues.queue.cache_clear()


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click()
    run(app)


def test_a_table_is_described_and_its_columns_can_be_changed(new_run: Callable[..., str]) -> None:
    made = new_run()
    app = page("fine_tuning", run=made)
    assert messages(app) == ""
    assert "One class per text, 2 labels: 32 rows to train on, 8 kept to watch the training by." in shown(app)
    assert parameters(app)["run"] == made
    label = next(box for box in app.selectbox if box.label == "Label")
    assert (label.value, label.options) == ("label", ["none", "text", "label", "other"])
    label.select("other")
    run(app)
    request = store.request_of(made)
    assert request is not None
    assert request.columns["label"] == "other"
    assert request.columns["text"] == "text"
    next(box for box in app.number_input if box.label == "Kept from training (%)").set_value(0)
    run(app)
    assert "40 rows to train on." in shown(app)
    # another page and back, or another window: nothing is lost
    assert "40 rows to train on." in shown(page("fine_tuning", run=made))


def test_what_a_table_contains_is_never_markup(new_run: Callable[..., str]) -> None:
    app = page("fine_tuning", run=new_run())
    values = [element.value for element in [*app.markdown, *app.caption, *app.info, *app.warning]]
    assert any("script" in value for value in values)
    for value in values:
        assert not re.search(r"(?<!\\)(<script|!\[x|:red\[z)", value)


def test_settings_have_reasons_and_can_be_changed(new_run: Callable[..., str]) -> None:
    made = new_run()
    app = page("fine_tuning", run=made)
    request = store.request_of(made)
    assert request is not None
    (epochs,) = [box for box in app.number_input if box.label == "Epochs"]
    defaults = gb.training_settings(gb.load("pretrained", "cpu"), *_tables(made))
    assert epochs.value == defaults.epochs
    assert defaults.reasons["epochs"] in shown(app)
    epochs.set_value(2)
    run(app)
    request = store.request_of(made)
    assert request is not None
    assert request.settings == {"epochs": 2}
    assert defaults.reasons["epochs"] not in shown(app)
    press(app, "reset_settings")
    request = store.request_of(made)
    assert request is not None
    assert request.settings == {}


def _tables(made: str) -> tuple[gb.Table, gb.Table | None]:
    from components.gateway.runs.tables import tables_of

    request = store.request_of(made)
    assert request is not None
    tables = tables_of(made, request)
    return tables.train, tables.dev


def test_the_report_names_what_gives_the_label_away_and_shows_its_texts() -> None:
    made = store.create("Teaching example", SHORTCUT)
    try:
        app = page("fine_tuning", run=made)
        until(lambda: not app.session_state["memory_jobs"]["data_report"].running)
        run(app)
        (finding,) = [one for one in app.expander if "zeltrix" in one.label]
        assert "gives the label away: it stands in 100 texts, all of them" in as_read(finding.label)
        examples = finding.dataframe[0].value
        assert len(examples) == 8
        assert all("zeltrix" in text for text in examples["Text"])
    finally:
        store.delete(made)


def test_a_table_that_cannot_be_read_says_why_and_asks_for_its_columns(new_run: Callable[..., str]) -> None:
    made = new_run("a,b\n1,2\n3,4\n", "numbers.csv")
    app = page("fine_tuning", run=made)
    assert messages(app)
    assert not [button for button in app.button if button.key == "train"]
    assert [box.label for box in app.text_input] == [
        "Text: name of the column", "Second text: name of the column", "Label: name of the column"]  # fmt: skip
    press(app, "another_table")
    assert store.request_of(made) is None
    assert "New run" in [title.value for title in app.subheader]


def test_texts_that_are_all_the_same_are_not_trained_on(new_run: Callable[..., str]) -> None:
    app = page("fine_tuning", run=new_run("text,label\n" + "same,good\nsame,bad\n" * 10))
    assert "texts of the training table are the same" in messages(app)
    assert not [button for button in app.button if button.key == "train"]


def test_a_device_is_chosen_where_there_is_more_than_one(
    new_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_run()
    assert "Device" not in [box.label for box in page("fine_tuning", run=made).selectbox]
    found = {"auto": "Automatic: GPU 0", "cpu": "CPU", "cuda:0": "GPU 0"}
    monkeypatch.setattr("components.gateway.models.devices", lambda: found)
    app = page("fine_tuning", run=made)
    (device,) = [box for box in app.selectbox if box.label == "Device"]
    assert device.options == ["CPU", "GPU 0"]
    assert device.value == "cpu"


@pytest.mark.usefixtures("fake_training")
def test_a_run_is_started_watched_stopped_and_resumed(new_run: Callable[..., str]) -> None:
    made, other = new_run(), new_run()
    app = page("fine_tuning", run=made)
    press(app, "train")
    request = store.request_of(made)
    assert request is not None
    until(lambda: progress_of(store.training_folder(request)).step == 1)
    second = page("fine_tuning", run=other)
    press(second, "train")
    run(app)
    assert [button.label for button in app.button if button.key == "stop_run"] == ["Stop"]
    assert "Loss" in shown(app)
    assert [(token["text"], token["score"]) for token in tokens(app, "now_0")] == [("[CLS]", 9.0), ("Good", 0.5)]
    assert "Answered good, 0.75" in shown(app)
    assert state_of(other) == RunState("waiting", 1)
    assert [button.label for button in second.button if button.key == "stop_run"] == ["Leave the queue"]
    press(second, "stop_run")
    assert state_of(other) == RunState("stopped")
    press(app, "stop_run")
    until(lambda: state_of(made).name == "stopped")
    run(app)
    assert "stopped at step 1 of 4" in messages(app)
    assert [token["text"] for token in tokens(app, "now_0")] == ["[CLS]", "Good"]
    press(app, "resume")
    until(lambda: state_of(made).name == "running")
    listed = page("fine_tuning")
    told = shown(listed)
    assert "training · " in told
    assert "stopped, can be resumed" in told


def test_a_run_is_deleted_from_its_page(new_run: Callable[..., str]) -> None:
    made = new_run()
    app = page("fine_tuning", run=made)
    press(app, "delete_now")
    assert store.request_of(made) is None
    assert "run" not in parameters(app)
    assert "no run with this address" in messages(page("fine_tuning", run=made))


@pytest.mark.parametrize("address", ["..", "0" * 32, "%2e%2e", HOSTILE])
def test_an_address_of_no_run_is_told_and_looks_nothing_up(address: str) -> None:
    app = page("fine_tuning", run=address)
    assert messages(app) == "There is no run with this address: it was deleted, or the link is damaged."


def test_on_a_shared_server_a_run_is_seen_by_whoever_has_its_address(
    new_run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_run(name="first.csv"), new_run(name="second.csv")
    found = replace(gateway.settings(), mode="shared")
    monkeypatch.setattr(gateway, "settings", lambda: found)
    listed = page("fine_tuning")
    assert not [button for button in listed.button if (button.key or "").startswith("open_")]
    assert not [box for box in listed.selectbox if box.label.startswith("Or a file")]
    app = page("fine_tuning", run=first)
    assert "32 rows to train on" in shown(app)
    press(app, "all_runs")
    assert [button.key for button in app.button if (button.key or "").startswith("open_")] == [f"open_{first}"]
    assert second not in shown(app)


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tuned(tiny_checkpoint: TinyCheckpoint) -> str:
    return tuned_run(tiny_checkpoint)


@pytest.fixture(scope="module")
def learned(tuned: str) -> gb.Result:
    request = store.request_of(tuned)
    assert request is not None
    return gb.load_result(store.model_folder(request) / "finetuning.zip")


def test_the_metrics_are_those_of_the_result(tuned: str, learned) -> None:  # type: ignore[no-untyped-def]
    app = page("fine_tuning", run=tuned)
    assert messages(app) == ""
    evaluation = learned.dev
    assert f"**{percent(evaluation.metrics['accuracy'])}** of {len(evaluation.rows)} rows" in shown(app)
    counts = evaluation.confusion
    wrong = np.array(counts)
    np.fill_diagonal(wrong, 0)
    app = page("fine_tuning", run=tuned, true_class="1", answered_class="0")
    names = evaluation.label_names
    assert f"labelled **{names[1]}**, answered **{names[0]}**" in shown(app)
    table = trained_on(tuned, "dev")
    assert table is not None
    places = np.flatnonzero((evaluation.truths == 1) & (evaluation.answers == 0))
    assert len(places) == counts[1, 0]
    answer = next(box for box in app.selectbox if box.label == "Answer of the model")
    assert (answer.value, answer.options) == (0, list(names))
    for place in places[:5]:
        assert table.texts[table.rows.index(int(evaluation.rows[place]))] in shown(app)
    answer.select(1)
    run(app)
    assert (parameters(app)["true_class"], parameters(app)["answered_class"]) == ("1", "1")
    assert f"labelled **{names[1]}** and answered so" in shown(app)


def test_a_text_of_the_data_map_is_shown_with_its_probabilities(tuned: str, learned) -> None:  # type: ignore[no-untyped-def]
    found = learned.data_map
    app = page("fine_tuning", run=tuned, section="examples", example="3")
    table = trained_on(tuned, "data")
    assert table is not None
    told = shown(app)
    assert table.texts[int(found.rows[3])] in told
    assert " → ".join(percent(float(share)) for share in found.probabilities[:, 3]) in told.replace("−", "-")


def test_words_over_time_are_the_scores_of_the_result(tuned: str, learned) -> None:  # type: ignore[no-untyped-def]
    sentence = learned.pinned[0]
    app = page("fine_tuning", run=tuned, section="words")
    for epoch, scores in enumerate(np.asarray(sentence.scores)):
        drawn = tokens(app, f"watched_0_{epoch}")
        assert [token["text"] for token in drawn] == list(sentence.words)
        assert [token["score"] for token in drawn] == pytest.approx(scores.tolist(), rel=1e-5)


def test_the_model_opens_on_another_page_and_stands_in_the_dialog(tuned: str) -> None:
    request = store.request_of(tuned)
    assert request is not None
    folder = str(store.model_folder(request))
    app = page("saliency", model=folder, beside="", text="Good film.")
    assert messages(app) == ""
    press(app, "models")
    first = next(box for box in app.selectbox if box.label == "First model")
    assert first.value == folder
    assert f"{request.name} · fine-tuned here" in first.options


def test_it_is_trained_again_with_other_settings(tuned: str) -> None:
    app = page("fine_tuning", run=tuned)
    press(app, "reuse")
    other = parameters(app)["run"]
    assert other != tuned
    before, after = store.request_of(tuned), store.request_of(other)
    assert before is not None
    assert after is not None
    assert (after.settings, after.name, after.started) == (before.settings, before.name, False)
    assert after.key != before.key
    assert store.data_file(other, after).read_bytes() == store.data_file(tuned, before).read_bytes()
    store.delete(other)
    assert Path(store.model_folder(before)).is_dir()


def test_a_mistake_is_shown_with_its_own_text(tiny_checkpoint: TinyCheckpoint) -> None:
    dev = trained_on(tuned_run(tiny_checkpoint), "dev")
    assert dev is not None
    for place, text in enumerate(dev.texts):
        told = {"row": place, "label": dev.label_text(place), "answer": "other", "confidence": 0.5}
        assert training._row(dev, told)["Text"] == text
    assert training._row(dev, {"row": len(dev), "confidence": None})["Text"] == ""
