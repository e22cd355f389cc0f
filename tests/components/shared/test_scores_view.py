"""The sentence under the scores says what they add up to."""

from __future__ import annotations

import pytest

import glassbert as gb
from components.shared import scores_view

TEXT = "It was not bad at all."


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", device="cpu")


def said(sentiment: gb.Model, method: str, **options: object) -> tuple[gb.TokenScores, str]:
    score = gb.attribute(sentiment, TEXT, method=method, target=1, **options)
    return score, scores_view.arithmetic(score).replace("\\", "")


def test_scores_with_a_baseline_name_it(sentiment: gb.Model) -> None:
    score, sentence = said(sentiment, "integrated_gradients", n_steps=20)
    assert (
        f"Sum {score.scores.sum():+.2f} = F(text) {score.value:+.2f} − F([PAD]) {score.baseline_value:+.2f}" in sentence
    )


def test_scores_that_make_up_the_value_have_no_baseline(sentiment: gb.Model) -> None:
    score, sentence = said(sentiment, "decompx")
    assert sentence == f"Sum {score.value:+.2f} = F(text) {score.value:+.2f} logits, off by 0.0%."


def test_what_the_words_did_not_get_is_said(sentiment: gb.Model) -> None:
    score, sentence = said(sentiment, "attn_lrp")
    assert sentence.startswith(f"Sum {score.scores.sum():+.2f} of F(text) {score.value:+.2f} logits; the rest went to ")
    for account, share in score.options["unattributed"].items():
        assert f"{account} {share:+.2f}" in sentence


def test_others_promise_nothing(sentiment: gb.Model) -> None:
    assert said(sentiment, "saliency")[1] == "The scores need not add up to anything."
