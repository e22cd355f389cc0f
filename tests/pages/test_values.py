"""The Workbench's saliency is the library's, by every method that is quick."""

from __future__ import annotations

import pytest

import glassbert as gb
from components.gateway.saliency import page_options
from tests.pages.workbench import as_read, page, tokens

OPINION = "This was a boring, badly acted waste of time."
QUICK = [method for method in gb.METHODS.values() if method.cost(12, method.options) < 50]


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", "cpu")


def test_most_methods_are_quick() -> None:
    assert len(QUICK) > 8


@pytest.mark.parametrize("method", QUICK, ids=lambda method: method.id)
def test_the_saliency_of_a_class(sentiment: gb.Model, method: gb.Method) -> None:
    app = page(text=OPINION, explain="class", method=method.id)
    result = gb.attribute(sentiment, OPINION, method=method.id, **page_options(method.id))
    strip = tokens(app, "saliency")
    assert [token["text"] for token in strip] == list(result.encoded.pieces)
    assert [token["score"] for token in strip] == pytest.approx(result.scores.tolist(), rel=1e-3, abs=1e-5)
    assert any(method.label in as_read(caption.value) for caption in app.caption)
