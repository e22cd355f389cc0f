"""What scores add up to: in one line under the bars, and in full."""

from __future__ import annotations

import pytest

import glassbert as gb
from components.shared import scores_view
from components.state import View
from glassbert.pictures.formats import signed

TEXT = "It was not bad at all."


@pytest.fixture(autouse=True)
def _expert_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.state.view", lambda: View(expert=True))


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", device="cpu")


def said(sentiment: gb.Model, method: str, **options: object) -> tuple[gb.TokenScores, str]:
    score = gb.attribute(sentiment, TEXT, method=method, target=1, **options)
    return score, scores_view.arithmetic(score).replace("\\", "")


def line(score: gb.TokenScores) -> str:
    return scores_view.sum_line(score, True).replace("\\", "")


def test_scores_with_a_baseline_name_it(sentiment: gb.Model) -> None:
    score, sentence = said(sentiment, "integrated_gradients", n_steps=20)
    rows = [f"| The scores of all tokens | {signed(score.scores.sum())} |"]
    rows += [
        f"| F with [PAD] for every word | {signed(score.baseline_value)} |",
        f"| F(text) | {signed(score.value)} |",
    ]
    assert "\n".join(rows) in sentence
    assert f"Off by {score.relative_delta:.1%}. " in sentence


def test_scores_that_make_up_the_value_have_no_baseline(sentiment: gb.Model) -> None:
    score, sentence = said(sentiment, "decompx")
    assert f"| The scores of all tokens | {signed(score.value)} |\n| F(text) | {signed(score.value)} |" in sentence
    assert "Off by 0.0%. " in sentence
    assert line(score).startswith(f"Sum {signed(score.value)} of F(text) {signed(score.value)} logits; ")


def test_what_the_words_did_not_get_is_said(sentiment: gb.Model) -> None:
    score, sentence = said(sentiment, "attn_lrp")
    for account, share in score.options["unattributed"].items():
        assert f"| {account.capitalize()} | {signed(share)} |" in sentence
    assert "-" not in sentence.replace("|---|---:|", "")  # minus signs
    special = score.encoded.special_tokens_mask.astype(bool)
    held = abs(score.scores[special]).sum() / abs(score.scores).sum()
    assert line(score) == (
        f"Sum {signed(score.scores.sum())} of F(text) {signed(score.value)} logits; special tokens hold {held:.0%} of "
        "the magnitude."
    )


def test_others_promise_nothing(sentiment: gb.Model) -> None:
    score, sentence = said(sentiment, "saliency")
    assert sentence.startswith("The scores need not add up to anything.")
    assert line(score).startswith("The scores need not add up to anything; special tokens hold ")
