"""The Similarity page, without a browser: its numbers are the library's, and what it cannot do it says."""

from __future__ import annotations

import pytest

import glassbert as gb
from tests.pages.workbench import as_read, messages, page, parameters, run, tokens

A, B = "He got a refund.", "The money came back."
SEARCHED = "Cats purr.\nHe was refunded.\nCats purr."


@pytest.fixture(scope="module")
def encoder() -> gb.Model:
    return gb.load("similarity", "cpu")


def test_the_cosine_and_the_words_of_both_texts_are_the_librarys(encoder: gb.Model) -> None:
    app = page("similarity", text=A, pair=B, searched="A refund.", method="attn_lrp")
    assert not app.exception
    score = gb.similarity(encoder, A, B, matrix=False).score
    assert [metric.value for metric in app.metric] == [f"{score:.2f}"]
    for key, text, other in (("similar_a", A, B), ("similar_b", B, A)):
        found = gb.attribute(encoder, text, target=gb.SimilarityTarget(other), method="attn_lrp")
        shown = tokens(app, key)
        assert [token["text"] for token in shown] == list(found.encoded.pieces)
        assert [token["score"] for token in shown] == pytest.approx(found.scores.tolist(), abs=1e-5)
    assert "of F(text)" in as_read("\n".join(caption.value for caption in app.caption))
    assert "cosine" in as_read("\n".join(caption.value for caption in app.caption))


def test_the_search_ranks_each_text_once_and_explains_the_first(encoder: gb.Model) -> None:
    app = page("similarity", text=A, pair="", searched=SEARCHED, method="attn_lrp")
    lines = ["Cats purr.", "He was refunded."]
    table = app.dataframe[0].value
    expected = gb.rank_similar(encoder, A, lines)
    assert table["text"].tolist() == [lines[index] for index in expected.order]
    assert table["score"].tolist() == pytest.approx(sorted(expected.scores.tolist(), reverse=True), abs=1e-5)
    found = gb.attribute(encoder, A, target=gb.SimilarityTarget(lines[1], lines[0]), method="attn_lrp")
    assert [token["score"] for token in tokens(app, "similar_why")] == pytest.approx(found.scores.tolist(), abs=1e-5)


def test_without_a_second_text_one_click_brings_two() -> None:
    app = page("similarity", text=A, searched="")
    assert "Text B" in messages(app)
    app.button(key="similar_example").click()
    run(app)
    assert parameters(app)["pair"] == "I got my money back the next morning."
    assert len(app.metric) == 1


def test_the_texts_are_swapped() -> None:
    app = page("similarity", text=A, pair=B, searched="")
    app.button(key="similar_swap").click()
    run(app)
    assert (parameters(app)["text"], parameters(app)["pair"]) == (B, A)


def test_a_model_that_was_not_trained_to_compare_says_so_and_pools_as_asked() -> None:
    model = gb.load("sentiment", "cpu")
    app = page("similarity", text=A, pair=B, searched="", encoder="sentiment", pooling="cls")
    assert "was not trained to compare" in messages(app)
    score = gb.similarity(model, A, B, pooling="cls", matrix=False).score
    assert [metric.value for metric in app.metric] == [f"{score:.2f}"]
