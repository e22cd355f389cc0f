"""What a text changes compared with an empty one: F at both ends against the stock network, and the limits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import glassbert as gb
from glassbert.evaluation._baseline import HOLDS, SMALL

TEXT = "The plot is good but the acting is awful."
PAIR = ("The man went to the store.", "He bought a gallon of milk.")


@pytest.mark.parametrize(("baseline", "token"), [("pad", "[PAD]"), ("mask", "[MASK]")])
@pytest.mark.parametrize("target", [0, 1])
def test_both_ends_are_the_stock_networks(sentiment, baseline, token, target):
    """The ids of [PAD] or [MASK] in place of every word, run as they are."""
    found = gb.baseline_gap(sentiment, TEXT, target=target, baseline=baseline)
    ids = torch.tensor(gb.encode(sentiment, TEXT).input_ids)[None]
    empty = ids.clone()
    empty[:, 1:-1] = sentiment.tokenizer.convert_tokens_to_ids(token)
    with torch.no_grad():
        value, baseline_value = (float(sentiment.network(one).logits[0, target]) for one in (ids, empty))
    assert found.value == pytest.approx(value, abs=1e-5)
    assert found.baseline_value == pytest.approx(baseline_value, abs=1e-5)
    toward = found.change if target == 0 else -found.change  # NEGATIVE is the answer
    assert found.share == pytest.approx(toward / abs(value), abs=1e-4)


def test_complete_scores_add_up_to_the_change(sentiment):
    scores = gb.attribute(sentiment, TEXT, method="integrated_gradients")
    found = gb.baseline_gap(sentiment, TEXT)
    assert found.change == pytest.approx(float(scores.scores.sum()), abs=0.02)
    assert found.change == pytest.approx(scores.value - scores.baseline_value, abs=1e-5)
    assert found.verdict == "holds"


def test_an_empty_pair_that_already_follows_is_a_trap(pretrained):
    found = gb.baseline_gap(pretrained, *PAIR)
    assert found.value > 0 > found.change
    assert found.verdict == "fails"
    assert "lower its value" in found.sentence
    # the same pair, and the answer that the text speaks for
    other = gb.baseline_gap(pretrained, PAIR[0], "Penguins cannot fly.", target=gb.NextSentenceTarget(is_next=False))
    assert other.verdict == "holds"


def test_a_foil_and_a_probability_have_their_own_units(sentiment):
    logits = gb.classify(sentiment, TEXT).logits
    found = gb.baseline_gap(sentiment, TEXT, target=gb.ClassTarget("POSITIVE", "NEGATIVE"))
    assert found.value == pytest.approx(float(logits[1] - logits[0]), abs=1e-5)
    found = gb.baseline_gap(sentiment, TEXT, output="probability")
    assert found.value == pytest.approx(float(gb.classify(sentiment, TEXT).probabilities.max()), abs=1e-6)
    assert 0 < found.share < 1


def test_the_sentence_says_which_limit_is_missed(sentiment):
    found = gb.baseline_gap(sentiment, TEXT)
    small = replace(found, value=1.37, baseline_value=1.36, share=0.01 / 1.37, verdict="fails")
    assert small.sentence == (
        "the empty text already has nearly the same value (+1.36 for the empty text, +1.37 for this one): the scores "
        "explain only a change of +0.01"
    )
    assert f"{HOLDS:.0%}" in found.threshold
    assert f"{SMALL:.0%}" in found.threshold
    frame = found.frame()
    assert frame["change"].tolist() == [found.value - found.baseline_value]


def test_it_costs_two_passes_and_can_be_cancelled(sentiment):
    assert gb.baseline_gap(sentiment, TEXT, target=1).forward_passes == 2
    with pytest.raises(gb.StoppedError):
        gb.baseline_gap(sentiment, TEXT, cancelled=lambda: True)
    with pytest.raises(gb.OptionError, match="baseline must be one of"):
        gb.baseline_gap(sentiment, TEXT, baseline="empty")
