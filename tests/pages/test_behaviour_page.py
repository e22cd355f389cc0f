"""The Behaviour page without a browser: suites, rates and failures, each with the way to What if."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.gateway import suites
from glassbert.pictures.formats import percent
from tests.conftest import TinyCheckpoint
from tests.pages.test_save_and_code import until_done
from tests.pages.workbench import as_read, messages, page, parameters, run

HOSTILE = "<script>alert(1)</script> ![x](http://x.example/y) :red[z]"


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def saved(app: AppTest) -> str:
    """The code in the popover, opened."""
    app.session_state["kept_behaviour"] = True
    run(app)
    return app.code[0].value


def after_test(**link: str) -> AppTest:
    app = page("behaviour_tests", **link)
    app.button(key="behaviour_start").click()
    run(app)
    until_done(app, "behaviour")
    return app


def test_rates_and_failures_are_the_library_s(tiny_checkpoint: TinyCheckpoint) -> None:
    source = str(tiny_checkpoint("bert", "classification"))
    app = after_test(model=source, beside="", suite="sentiment_names", most="50")
    found = gb.behaviour(gb.load(source, device="cpu"), "sentiment_names", most=50)
    failures = sum(test.failures for test in found.tests)
    assert f"{failures:,} of {found.examples:,} examples fail" in shown(app).replace("**", "")
    table = app.dataframe[0].value
    tests = [one.name for one in found.tests]
    assert [name for name in table["Test"] if not name.startswith("· ")] == tests
    assert table["Fails"][0] == 100 * found.tests[0].rate
    assert "What must hold: the answer must stay, and its probability may move by at most 10 points." in shown(app)
    assert table["95% interval"][0] == f"{percent(found.tests[0].low)} to {percent(found.tests[0].high)}"
    assert [name.removeprefix("· ") for name in table["Test"] if name.startswith("· ")] == [
        group.group for one in found.tests for group in one.groups
    ]
    worst = next(one for one in found.failures if one.test == next(t.name for t in found.tests if t.failures))
    assert worst.text in shown(app)
    assert worst.variant in shown(app)
    links = [one.proto for one in app.get("page_link") if "other_text=" in one.proto.query_string]
    assert {one.label for one in links} >= {"What if", "Why?", "Compare both"}


def test_a_model_that_cannot_be_asked_is_not_offered(tiny_checkpoint: TinyCheckpoint) -> None:
    app = page("behaviour_tests", model=str(tiny_checkpoint("bert", "masked_words")), beside="", suite="typos")
    (box,) = [one for one in app.selectbox if one.label == "Model"]
    assert box.options == ["GlassBERT sentiment"]
    app = page("behaviour_tests", model=str(tiny_checkpoint("bert", "masked_words")), beside="", suite="agreement")
    (box,) = [one for one in app.selectbox if one.label == "Model"]
    assert box.options[1:] == ["GlassBERT pretrained"]
    assert "Known flaws" in shown(app)
    assert parameters(app)["suite"] == "agreement"
    assert not messages(app)


def test_an_own_suite_is_read_or_its_fault_is_named() -> None:
    table = f"test,kind,text,label\n{HOSTILE},minimum_ability,This is good.,positive\n"
    read = suites.read("mine.csv", table.encode())
    assert read.tests[0].name == HOSTILE
    assert suites.head_for(read) == "classification"
    with pytest.raises(gb.GlassBERTError, match=r"ends in \.yaml, \.yml, \.csv"):
        suites.read("mine.xlsx", b"")
    with pytest.raises(gb.GlassBERTError, match="at most 1 MB"):
        suites.read("mine.csv", b"x" * 1_000_001)
    for content in (b"", b"\xff\xfe\x00", b"tests: [1, 2", b"a: &a [*a]"):
        with pytest.raises(gb.GlassBERTError) as caught:
            suites.read("mine.yaml", content)
        assert "glassbert-suite-" not in str(caught.value)


OWN = """name: bank
labels: {{praise: [positive]}}
lists:
  city: {{near: [Paris, Rome], far: [Lima, Quito]}}
tests:
- name: Cities
  kind: invariance
  swap: city
  cases: ["The branch in {{city}} is good."]
- name: Plain
  kind: minimum_ability
  cases: [{{text: "This is good.", label: {label}}}]
"""


@pytest.fixture
def kept() -> Iterator[str]:
    name = suites.keep("my bank.yaml", OWN.format(label="praise").encode())
    yield name
    shutil.rmtree(suites.own_file(name).parent)  # type: ignore[union-attr]


def test_an_own_suite_is_found_by_its_address_and_its_failures_are_saved(kept: str) -> None:
    app = after_test(suite=kept)
    assert parameters(app)["suite"] == kept
    (box,) = [one for one in app.selectbox if one.label == "What is tested"]
    assert box.options[box.index] == "Your own: my-bank.yaml"
    found = gb.behaviour(gb.load("sentiment", device="cpu"), suites.suite(kept))
    assert app.dataframe[0].value["Examples"][0] == found.tests[0].examples
    assert 'gb.behaviour(model, "my-bank.yaml")' in saved(app)
    assert "failure_frame" in saved(app)


def test_an_own_suite_that_is_gone_says_so_and_another_can_be_chosen() -> None:
    app = page("behaviour_tests", suite=f"own-{'0' * 32}")
    assert "not kept on this server any more" in messages(app)
    assert not [button for button in app.button if button.key == "behaviour_start"]
    (box,) = [one for one in app.selectbox if one.label == "What is tested"]
    box.select(box.options[1])
    run(app)
    assert [button for button in app.button if button.key == "behaviour_start"]


def test_the_oldest_suites_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("components.gateway.suites.runs_folder", lambda: tmp_path)
    monkeypatch.setattr("components.gateway.suites._MOST_KEPT", 2)
    names = [suites.keep(f"{number}.yaml", OWN.format(label="praise").encode()) for number in range(3)]
    assert [suites.own_file(name) is not None for name in names] == [False, True, True]
    assert suites.own_file("own-../../etc") is None


def test_a_word_list_is_edited_into_a_suite_of_one_s_own() -> None:
    app = page("behaviour_tests", suite="places")
    (area,) = [one for one in app.text_area if one.label.startswith("The suite, places")]
    (button,) = [one for one in app.button if one.key == "use_suite"]
    assert button.disabled
    area.set_value(area.value.replace("Paris", "Gotham"))
    run(app)
    app.button(key="use_suite").click()
    run(app)
    own = parameters(app)["suite"]
    try:
        assert suites.is_own(own)
        assert "Gotham" in suites.written(own)[1]
        assert "Gotham" not in suites.written("places")[1]
        (area,) = [one for one in app.text_area if one.label.startswith("The suite, places")]
        area.set_value("tests: [1, 2")
        run(app)
        app.button(key="use_suite").click()
        run(app)
        assert parameters(app)["suite"] == own
        assert messages(app)
    finally:
        shutil.rmtree(suites.own_file(own).parent)  # type: ignore[union-attr]


def test_labels_that_the_model_calls_otherwise_are_asked_for() -> None:
    name = suites.keep("happy.yaml", OWN.format(label="HAPPY").encode())
    try:
        app = page("behaviour_tests", suite=name)
        assert not [button for button in app.button if button.key == "behaviour_start"]
        (box,) = [one for one in app.selectbox if one.label == "HAPPY"]
        box.select("POSITIVE")
        run(app)
        app.button(key="behaviour_start").click()
        run(app)
        until_done(app, "behaviour")
        assert 'labels={"HAPPY": "POSITIVE"}' in saved(app)
    finally:
        shutil.rmtree(suites.own_file(name).parent)  # type: ignore[union-attr]


def test_own_texts_take_the_place_of_the_suite_s() -> None:
    texts = "Paris is a good place.\n\n  It rained in Rome.  \nNothing here."
    app = after_test(suite="places", texts=texts)
    lines = ["Paris is a good place.", "It rained in Rome.", "Nothing here."]
    found = gb.behaviour(gb.load("sentiment", device="cpu"), "places", lines)
    assert list(app.dataframe[0].value["Examples"]) == [
        one.examples for test in found.tests for one in (test, *test.groups)
    ]
    assert "It rained in Rome." in saved(app)


def test_a_failure_of_another_length_opens_where_it_can_be_traced() -> None:
    app = after_test(suite="sentiment_names", most="200")
    model = gb.load("sentiment", device="cpu")
    links = [
        one.proto
        for one in app.get("page_link")
        if one.proto.label == "What if" and "other_text=" in one.proto.query_string
    ]
    assert links
    for one in links:
        given = parse_qs(one.query_string)
        lengths = {len(gb.encode(model, given[name][0])) for name in ("text", "other_text")}
        assert ("section" in given) == (len(lengths) == 1)
