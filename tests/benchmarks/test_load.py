"""The benchmark of load runs, and finds what it looks for: wrong numbers, errors, texts of others."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks.conftest import BENCHMARKS, Smoke, imported


@pytest.mark.slow
@pytest.mark.smoke
def test_it_runs_and_finds_wrong_numbers(smoke: Smoke) -> None:
    """A small run without faults; then the same answers, two of them swapped."""
    faults, checked = imported("load").faults, []

    def spied(visits: list[Any], library: Any) -> Counter[str]:
        checked.append((visits, library))
        found: Counter[str] = faults(visits, library)
        return found

    printed = smoke("load", faults=spied)
    assert "1 cold starts, two visitors each: 0 faults" in printed
    assert printed.rstrip().endswith("no faults"), printed
    visits, library = checked[0]
    plain, with_a_gap, of_a_pair = (
        next(one for one in visits if one.page == "workbench" and f"Visitor0{number}" in one.text)
        for number in range(3)
    )
    assert not faults([plain, with_a_gap, of_a_pair], library)
    names = {"heatmap", "saliency_bars", "classes_beside"}
    for one, other, more in ((plain, with_a_gap, set()), (with_a_gap, of_a_pair, {"candidates_model"})):
        swapped = faults([replace(one, shown=other.shown)], library)
        assert swapped == dict.fromkeys((f"workbench: wrong numbers in {name}" for name in names | more), 1)
    slightly = [*of_a_pair.shown["next_model"][:1], of_a_pair.shown["next_model"][1] + 2e-4]
    shown = {**of_a_pair.shown, "next_model": slightly, "classes_beside": []}
    assert faults([replace(of_a_pair, shown=shown)], library) == {
        "workbench: wrong numbers in next_model": 1,
        "workbench: wrong numbers in classes_beside": 1,
    }
    assert faults([replace(plain, fault="no answer")], library) == {"workbench: no answer": 1}


def _message(kind: str) -> ForwardMsg:
    message = ForwardMsg()
    element = message.delta.new_element
    if kind == "exception":
        element.exception.type, element.exception.message = "ValueError", "no"
    elif kind in ("error", "warning"):
        element.alert.body, element.alert.format = "no", Alert.ERROR if kind == "error" else Alert.WARNING
    elif kind == "compile":
        message.script_finished = ForwardMsg.FINISHED_WITH_COMPILE_ERROR
    else:
        element.markdown.body = kind
    return message


@pytest.mark.parametrize(
    ("kind", "faults"),
    [
        ("exception", ["exception: ValueError no"]),
        ("error", ["error: no"]),
        ("warning", []),
        ("compile", ["the page does not compile"]),
        ("what Visitor01 wrote", []),
        ("what Visitor02 wrote", ["text of visitor 2"]),
    ],
)
def test_a_visitor_notes_what_must_not_be_sent(monkeypatch: pytest.MonkeyPatch, kind: str, faults: list[str]) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    visitor = imported("_visitor").Visitor(port=0, number=1)
    visitor.take(_message(kind).SerializeToString())
    assert visitor.faults == faults
