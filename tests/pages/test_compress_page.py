"""The page Compress without a browser: the library's numbers, a model that is kept, and what cannot be compared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import compression
from components.gateway.requests import ModelRequest
from glassbert.pictures.formats import percent
from tests.conftest import TinyCheckpoint
from tests.pages.test_save_and_code import until_done
from tests.pages.workbench import as_read, messages, page, parameters, run

HOSTILE = "<script>alert(1)</script> ![x](http://x.example/y) :red[z]"
TEXTS = ("The film was good.", "A bad film", "good good film, was it", "The man went home.", "un able case")
RECIPES = ("heads_20", "neurons_25")


@pytest.fixture
def source(tiny_checkpoint: TinyCheckpoint) -> str:
    return str(tiny_checkpoint("bert", "classification"))


def table_for(source: str) -> gb.Table:
    names = gb.load(source, "cpu").labels
    rows = [
        (f"{text} {HOSTILE if place == 3 else place}", names[place % len(names)]) for place, text in enumerate(TEXTS)
    ]
    return gb.read_table(pd.DataFrame(rows, columns=["text", "label"]))


def opened(source: str, table: gb.Table, **link: str) -> AppTest:
    """The page on this table, as if it had been uploaded."""
    app = page("compress", model=source, beside="", recipes=" ".join(RECIPES), **link)
    app.session_state["memory_compression_table"] = ("own.csv", table)
    app.query_params["judged_on"] = ""
    return run(app)


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


@pytest.fixture
def kept() -> Iterator[None]:
    before = set(compression.kept_models(None))
    yield
    for folder in set(compression.kept_models(None)) - before:
        shutil.rmtree(Path(folder).parent)


@pytest.mark.usefixtures("kept")
def test_the_numbers_are_the_library_s_and_a_recipe_is_kept(source: str) -> None:
    table = table_for(source)
    app = opened(source, table)
    app.button(key="compression_start").click()
    run(app)
    until_done(app, "compression")
    model = gb.load(source, "cpu")
    found = gb.compression_curve(model, [{"heads": 0.2}, {"intermediate": 0.25}], table, texts=10)
    (curve,) = [one.value for one in app.dataframe if "Answers changed" in one.value.columns]
    assert curve["On disk"].tolist() == [f"{one.disk_bytes[1] / 1e6:.1f} MB" for one in found.comparisons]
    assert curve["Right"].tolist() == [percent(one.accuracy[1]) for one in found.comparisons]
    assert curve["Reasons"].tolist() == [f"{one.drift.correlation:.2f}" for one in found.comparisons]
    first = found.comparisons[0]
    (moved,) = [one.value for one in app.dataframe if "Reasons" in one.value.columns and "Text" in one.value.columns]
    assert moved["Text"].tolist()[0] == first.drift.texts[first.drift.moved(1)[0]][:240]
    assert f"{len(first.drift.flipped)} of {len(table)} answers change" in shown(app)
    # kept, and among the models
    app.button(key="compressed_model_start").click()
    run(app)
    until_done(app, "compressed_model")
    (folder,) = compression.kept_models(None)
    small = gb.load(folder, "cpu")
    removed = gb.compression_record(small)
    assert removed.recipe == "heads 0.2"
    links = [one.proto for one in app.get("page_link") if "beside=" in one.proto.query_string]
    assert any(folder.rpartition("/")[2] in one.query_string for one in links)
    from components.shell.model_picker import _made_here

    assert _made_here()[folder].endswith("· compressed here")


def test_texts_with_other_labels_are_refused_with_the_reason(source: str) -> None:
    table = gb.read_table(pd.DataFrame({"text": list(TEXTS), "label": list("abcab")}))
    app = opened(source, table)
    assert "The labels of these texts are not those of the model" in messages(app)
    assert not [one for one in app.button if one.key == "compression_start"]


def test_without_a_recipe_the_page_asks_for_one() -> None:
    app = page("compress", recipes="none", judged_on="reviews")
    assert "Choose at least one way" in messages(app)
    assert parameters(app)["recipes"] == "none"


def test_an_uploaded_table_is_named_by_its_own_name() -> None:
    with pytest.raises(gb.TableError) as caught:
        compression.read(f"{HOSTILE}.csv", b"a,b\n1,2\n")
    assert "glassbert-table-" not in str(caught.value)
    long = "text,label\n" + "".join(f"text {number},{number % 2}\n" for number in range(5000))
    assert len(compression.read("long.csv", long.encode())) == 1667


def test_a_model_that_does_not_classify_says_so(tiny_checkpoint: TinyCheckpoint) -> None:
    request = ModelRequest(str(tiny_checkpoint("bert", "masked_words")), "cpu")
    assert "one class" in compression.classes_of(request, table_for(str(tiny_checkpoint("bert", "classification"))))
