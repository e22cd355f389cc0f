"""The Data set page without a browser: what is chosen, what is asked, what is shown, and to whom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import settings as gateway
from components.gateway.runs import analysing, store
from components.gateway.runs import queue as queues
from components.gateway.runs.queue import state_of
from glassbert.pictures.formats import percent
from tests.conftest import TinyCheckpoint
from tests.pages.analysed import HOSTILE, analysed_run
from tests.pages.workbench import as_read, messages, page, parameters, run

CSV = "text,label,other\n" + "".join(
    f'"Good film {n} {HOSTILE}",POSITIVE,x{n}\n"Bad film {n}",odd,x{n}\n' for n in range(6)
)


@pytest.fixture
def new_run() -> Iterator[Callable[..., str]]:
    """Make an analysis that was not started; all of them are removed afterwards."""
    made: list[str] = []

    def make(content: str = CSV, **chosen: object) -> str:
        asked = {"work": "analysis", "base": "sentiment", "settings": {"methods": ["saliency"], "receipts": 0.05}}
        made.append(store.create(f"{HOSTILE}.csv", "films.csv", content.encode(), **asked | chosen))
        return made[-1]

    yield make
    for one in made:
        queues.queue().delete(one)


@pytest.fixture
def done(tiny_checkpoint: TinyCheckpoint) -> str:
    return analysed_run(tiny_checkpoint)


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def analysis_of(made: str) -> gb.Analysis:
    request = store.request_of(made)
    assert request is not None
    return gb.open_analysis(store.analysis_folder(made, request))


# --- before -----------------------------------------------------------------------------------------------------------


def test_a_draft_says_what_will_be_done_and_keeps_what_is_chosen(new_run: Callable[..., str]) -> None:
    made = new_run()
    app = page("data_set", run=made)
    assert "12 texts, with labels in the column label." in shown(app)
    assert app.dataframe[0].value.iloc[0]["Text"] == f"Good film 0 {HOSTILE}"
    assert f"{HOSTILE}.csv" in as_read(app.markdown[0].value) or f"{HOSTILE}.csv"[:60] in shown(app)
    (share,) = [one for one in app.button_group if one.label == "Check the explanations of"]
    share.set_value(0.2)
    run(app)
    app.selectbox(key=next(box.key for box in app.selectbox if box.label == "Label")).select("other")
    run(app)
    request = store.request_of(made)
    assert request is not None
    assert request.settings == {"methods": ["saliency"], "receipts": 0.2}
    assert request.columns["label"] == "other"
    assert "is none of the model’s labels (NEGATIVE, POSITIVE)" in shown(app)


def test_labels_that_the_table_spells_otherwise_are_named(new_run: Callable[..., str]) -> None:
    made = new_run("text,label\n" + "Good film,good\nBad film,bad\nOdd film,other\n" * 4)
    app = page("data_set", run=made)
    assert "is none of the model’s labels" in shown(app)
    boxes = {box.label: box for box in app.selectbox if box.label in ("NEGATIVE", "POSITIVE")}
    assert boxes["NEGATIVE"].options == ["NEGATIVE", "good", "bad", "other"]
    boxes["NEGATIVE"].select("bad")
    run(app)
    {box.label: box for box in app.selectbox}["POSITIVE"].select("good")
    run(app)
    assert "12 texts, with labels in the column label." in shown(app)
    assert "Of the first 12 texts, 4 have a label that is none of the model’s" in messages(app)
    assert "--label-names=bad,good" in analysing.arguments(made, 1)


def test_runs_that_were_never_started_are_deleted_together(new_run: Callable[..., str]) -> None:
    made = [new_run() for _ in range(3)]
    app = page("data_set")
    app.button(key="delete_drafts").click()
    run(app)
    assert [store.request_of(one) for one in made] == [None] * 3


def test_a_set_on_board_is_a_click() -> None:
    app = page("data_set")
    app.button(key="analyse_reviews").click()
    run(app)
    made = parameters(app)["run"]
    try:
        assert "214 texts, with labels in the column label." in shown(app)
        assert state_of(made).name == "draft"
        assert made in {one for one, _ in store.listing("analysis")}
        assert made not in {one for one, _ in store.listing("training")}
        assert "There is no run with this address" in messages(page("fine_tuning", run=made))
    finally:
        queues.queue().delete(made)


def test_what_cannot_be_read_is_said_and_columns_can_be_named(new_run: Callable[..., str]) -> None:
    app = page("data_set", run=new_run("a,b\n1,2\n3,4\n"))
    assert "which column holds the texts?" in messages(app).lower()
    assert "glassbert/runs" not in messages(app)
    (text, *_) = [one for one in app.text_input if one.label.startswith("Text")]
    text.set_value("nonsense")
    run(app)
    assert "there is no column 'nonsense'" in messages(app).lower()


def test_the_command_of_a_run_says_all_that_was_chosen(new_run: Callable[..., str]) -> None:
    made = new_run(base="-x", settings={"methods": ["saliency", "attn_lrp"], "receipts": 0.2}, columns={"text": "text"})
    words = analysing.arguments(made, 3)
    request = store.request_of(made)
    assert request is not None
    assert words[:2] == ["glassbert", "analyse"]
    assert {"--model=-x", "--receipts=0.2", "--threads=3", "--text=text", "--device=cpu"} <= set(words)
    assert words[-5:] == ["--methods", "saliency", "attn_lrp", "--", str(store.data_file(made, request))]
    assert f"--out={store.analysis_folder(made, request)}" in words
    assert analysing.progress(made) == 0
    (store.folder_of(made) / "analysed.json").write_text(json.dumps({"done": 7, "total": None}))
    assert analysing.progress(made) == 7
    (store.folder_of(made) / "analysed.json").write_text("{")
    assert analysing.progress(made) == 0


# --- after ------------------------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_analysis(done: str) -> None:
    app = page("data_set", run=done)
    analysis = analysis_of(done)
    metrics = analysis.metrics()
    low, high = metrics.intervals["accuracy"]
    assert (
        f"Right in {percent(metrics.metrics['accuracy'])} of 70 labelled texts (95% interval {percent(low)} to "
        f"{percent(high)})."
    ) in shown(app).replace("**", "")
    tables = {tuple(one.value.columns): one.value for one in app.dataframe}
    table = tables["Metric", "Value", "Interval"]
    assert table["Value"][0] == percent(metrics.metrics["accuracy"])
    rows = app.dataframe[-1].value
    assert len(rows) == 50
    assert rows["Text"][7] == f"This film was good 7 times. {HOSTILE}"
    assert rows["country"].tolist() == ["DE", "<b>FR</b>"] * 25
    assert rows["Sure"].to_numpy() == pytest.approx(100 * analysis.rows().table["confidence"].to_numpy(), rel=1e-6)
    assert "70 rows" in [one.value for one in app.subheader]


def test_a_cell_of_the_confusion_matrix_is_chosen_by_name(done: str) -> None:
    app = page("data_set", run=done)
    found = analysis_of(done).confusion()
    counts = np.asarray(found.counts)
    (box,) = [one for one in app.selectbox if one.label == "Rows of a cell"]
    cells = box.options[1:]
    assert len(cells) == np.count_nonzero(counts)
    wrong = [one for one in cells if "answered so" not in one]
    assert cells[: len(wrong)] == wrong
    box.select(cells[0])
    run(app)
    where = parameters(app)["where"]
    shown_rows = int(cells[0].rpartition(": ")[2])
    assert analysis_of(done).rows(where, limit=1).total == shown_rows
    assert f"{shown_rows} rows" in [one.value for one in app.subheader] or shown_rows == 1


def test_a_filter_chooses_rows_and_a_wrong_one_leaves_them(done: str) -> None:
    where = 'label:POSITIVE "country":DE'
    expected = analysis_of(done).count(where)
    assert expected == 12
    app = page("data_set", run=done, where=where)
    assert "12 rows" in [one.value for one in app.subheader]
    (text,) = [one for one in app.text_input if one.label == "Filter"]
    assert text.value == where
    text.set_value("label:NONSENSE <b>")
    run(app)
    assert "The rows below are those of the filter before." in messages(app)
    assert "12 rows" in [one.value for one in app.subheader]
    (text,) = [one for one in app.text_input if one.label == "Filter"]
    assert text.value == "label:NONSENSE <b>"
    app.button(key="filter_All rows").click()
    run(app)
    assert "70 rows" in [one.value for one in app.subheader]
    assert "where" not in parameters(app)
    none = page("data_set", run=done, where="tokens>1000")
    assert "No row passes this filter." in shown(none)


def test_rows_are_ordered_and_turned_over(done: str) -> None:
    app = page("data_set", run=done, order="confidence", descending="1")
    confidences = app.dataframe[-1].value["Sure"].to_numpy()
    assert (np.diff(confidences) <= 0).all()
    app.button(key="rows_After").click()
    run(app)
    assert parameters(app)["offset"] == "50"
    assert len(app.dataframe[-1].value) == 20
    assert "51 to 70 of 70" in shown(app)


def test_the_chosen_row_is_shown_with_its_words_and_links_that_come_back(done: str) -> None:
    app = page("data_set", run=done, where="wrong", row="7")
    found = analysis_of(done).row(7)
    assert HOSTILE in shown(app)
    assert f"answer {found['answer']}" in shown(app)
    assert "<script>" not in "".join(element.proto.body for element in app.markdown if element.proto.allow_html)
    request = store.request_of(done)
    assert request is not None
    links = [one for one in app.get("page_link") if "good+7+times" in one.proto.query_string]
    assert [one.proto.label for one in links] == ["What if", "Saliency", "Workbench"]
    gone = page("data_set", run=done, row="999")
    assert "Right in" in shown(gone)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("slices", "tried"),
        ("words", "How much each word adds to the answer"),
        ("labels", "Texts that stand there twice, or nearly"),
        ("receipts", "the explanation was checked"),
        ("map", "by the mean of their last hidden states"),
        ("beside", "get another answer"),
    ],
)
def test_every_section_is_drawn(done: str, section: str, told: str) -> None:
    app = page("data_set", run=done, section=section)
    assert told in shown(app)
    assert "70 rows" in [one.value for one in app.subheader]


def test_the_second_model_is_compared_on_the_same_rows(done: str) -> None:
    app = page("data_set", run=done, section="beside")
    (other,) = [one for one, request in store.listing("analysis") if request.name == "films.csv" and one != done]
    found = analysis_of(done).compare(analysis_of(other))
    assert f"Of 70 texts, {len(found.flipped):,} get another answer." in shown(app)
    table = next(one.value for one in app.dataframe if "Texts" in one.value.columns)
    assert table["Texts"].tolist() == [found.both_right, found.only_first, found.only_second, found.neither]


# --- who sees what ----------------------------------------------------------------------------------------------------


def test_a_result_folder_of_the_command_line_is_opened_where_it_is(
    done: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = store.request_of(done)
    assert request is not None
    folder = store.analysis_folder(done, request)
    app = page("data_set")
    (text,) = [one for one in app.text_input if one.label.startswith("Or a result folder")]
    text.set_value(str(tmp_path))
    run(app)
    assert "there is no result folder of glassbert analyse there" in messages(app)
    (text,) = [one for one in app.text_input if one.label.startswith("Or a result folder")]
    text.set_value(str(folder))
    run(app)
    made = parameters(app)["run"]
    assert "Right in" in shown(app)
    queues.queue().delete(made)
    assert (folder / "manifest.json").exists(), "what the command line made stays"
    chosen = replace(gateway.settings(), mode="shared", tables=(str(tmp_path),))
    monkeypatch.setattr(gateway, "settings", lambda: chosen)
    from components.gateway import data_sets

    monkeypatch.setattr(data_sets, "settings", lambda: chosen)
    monkeypatch.setattr(data_sets, "is_shared", lambda: True)
    for path in (str(folder), "/etc", str(tmp_path / ".." / "x")):
        with pytest.raises(gb.GlassBERTError, match="in the folders that this server offers"):
            data_sets.result_folder(path)


@pytest.mark.parametrize("address", ["0" * 32, "../../etc/passwd", "<b>", "x" * 500])
def test_an_address_of_nothing_is_said_to_be_none(address: str) -> None:
    assert "There is no analysis with this address" in messages(page("data_set", run=address))
