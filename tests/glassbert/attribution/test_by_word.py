"""Scores by word: sums over the tokens of each word, and nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb

PAIR = ("The unbelievable film!", "Café naïve [MASK]")


def scores_of(encoded, scores):
    return gb.TokenScores(
        encoded=encoded,
        scores=scores,
        method="saliency",
        target=gb.ClassTarget(1),
        options={},
        target_label="x",
        output="logit",
        value=1.0,
        baseline=None,
        baseline_value=None,
        delta=None,
        forward_passes=1,
        seconds=0.0,
    )


def test_the_closed_form(tiny_model):
    """[CLS] the un ##believ ##able film ! [SEP] … with 2ⁿ for token n: every sum names its tokens."""
    encoded = gb.encode(tiny_model("bert", "masked_words"), PAIR[0])
    result = scores_of(encoded, 2.0 ** np.arange(len(encoded))).by_word()
    words = ["[CLS]", "the", "unbelievable", "film", "!", "[SEP]"]
    pieces = len(encoded) - 5
    assert pieces > 1
    assert list(result.words) == words
    assert result.spans.tolist() == [
        [0, 1],
        [1, 2],
        [2, 2 + pieces],
        *([n, n + 1] for n in range(2 + pieces, 5 + pieces)),
    ]
    assert result.scores.tolist() == [1, 2, 4 * (2**pieces - 1), *(2.0**n for n in range(2 + pieces, 5 + pieces))]
    assert result.special.tolist() == [True, False, False, False, False, True]
    frame = result.frame()
    assert frame["word"].tolist() == words
    assert frame["score"].tolist() == result.scores.tolist()
    assert frame["special"].tolist() == result.special.tolist()


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "mpnet"])
def test_the_total_is_the_same_and_every_token_is_in_one_word(tiny_model, family):
    encoded = gb.encode(tiny_model(family, "masked_words"), *PAIR)
    scores = scores_of(encoded, np.random.default_rng(3).normal(size=len(encoded)))
    result = scores.by_word()
    assert result.scores.sum() == pytest.approx(float(scores.scores.sum(dtype=np.float64)), abs=1e-12)
    assert result.spans[0, 0] == 0
    assert result.spans[-1, 1] == len(encoded)
    assert (result.spans[1:, 0] == result.spans[:-1, 1]).all()
    assert int(result.special.sum()) == int(encoded.special_tokens_mask.sum())
    for (start, stop), score in zip(result.spans, result.scores, strict=True):
        assert len(set(encoded.word_ids[start:stop])) == 1
        assert score == pytest.approx(sum(float(value) for value in scores.scores[start:stop]), abs=1e-12)


def test_a_complete_method_stays_complete(tiny_model):
    scores = gb.attribute(tiny_model("bert", "classification"), PAIR[0])
    change = scores.value - scores.baseline_value
    assert scores.by_word().scores.sum() - change == pytest.approx(scores.delta, abs=1e-9)
