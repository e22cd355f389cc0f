"""The Behaviour page without a browser: suites, rates and failures, each with the way to What if."""

from __future__ import annotations

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


def tested(**link: str) -> AppTest:
    app = page("behaviour_tests", **link)
    app.button(key="behaviour_start").click()
    run(app)
    until_done(app, "behaviour")
    return app


def test_rates_and_failures_are_the_library_s(tiny_checkpoint: TinyCheckpoint) -> None:
    source = str(tiny_checkpoint("bert", "classification"))
    app = tested(model=source, beside="", suite="sentiment_names", most="50")
    found = gb.behaviour(gb.load(source, device="cpu"), "sentiment_names", most=50)
    failures = sum(test.failures for test in found.tests)
    assert f"{failures:,} of {found.examples:,} examples fail" in shown(app).replace("**", "")
    table = app.dataframe[0].value
    tests = [one.name for one in found.tests]
    assert [name for name in table["Test"] if name] == tests
    assert table["Fails"][0] == found.tests[0].rate
    assert table["95% interval"][0] == f"{percent(found.tests[0].low)} to {percent(found.tests[0].high)}"
    assert [name for name in table["Group"] if name] == [group.group for one in found.tests for group in one.groups]
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
