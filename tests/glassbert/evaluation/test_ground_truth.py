"""Whether methods find the words that decide: average precision by hand, and words that decide by construction."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

import glassbert as gb
from glassbert.decision import Passes
from glassbert.evaluation import _ground_truth as truth
from glassbert.evaluation import _ranking
from glassbert.evaluation._sentences import as_text, sentences_on_board

TEXTS = ["The film was good.", "The man went home."]


def test_average_precision_as_scikit_learn_and_by_hand() -> None:
    scores, wanted = np.asarray([3.0, 1.0, 2.0, -1.0]), np.asarray([True, False, False, True])
    assert truth.average_precision(scores, wanted) == pytest.approx((1 + 2 / 4) / 2)
    draw = np.random.default_rng(0)
    for _ in range(5):
        scores, wanted = draw.normal(size=9), draw.permutation(9) < 3
        assert truth.average_precision(scores, wanted) == pytest.approx(average_precision_score(wanted, scores))


@pytest.mark.parametrize(("wanted", "total"), [(1, 5), (2, 6), (3, 3), (1, 1)])
def test_a_random_order_has_the_mean_over_all_orders(wanted: int, total: int) -> None:
    orders = np.asarray(list(permutations(range(total))), dtype=float)
    found = [truth.average_precision(order, np.arange(total) < wanted) for order in orders]
    assert truth.expected_precision(wanted, total) == pytest.approx(np.mean(found))


def test_words_between_blanks_have_the_sum_of_their_tokens(tiny_model) -> None:
    encoded = gb.encode(tiny_model("bert", "classification"), "An unbelievable, long film.")
    summed = truth.by_blank(encoded, np.ones(len(encoded)))
    assert len(summed) == 4
    assert summed.sum() == len(encoded) - 2
    assert summed[[0, 2]].tolist() == [1, 1]


@pytest.mark.smoke
def test_the_planted_word_decides(sentiment: gb.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the word the answer is another one, without it the model's own, and no other word has a say."""
    model, texts = sentiment, [as_text(one) for one in sentences_on_board()[12:17]]
    monkeypatch.setattr(truth, "_FEWEST", 4)
    own = {text: one.predicted for text, one in zip(texts, gb.classify_many(model, texts), strict=True)}
    before = {key: value.clone() for key, value in model.network.state_dict().items()}
    seen, planted = [], set()

    def explain(changed: gb.Model, text: str):
        words = text.split(" ")
        without = [" ".join(words[:place] + words[place + 1 :]) for place in range(len(words))]
        (word,) = [place for place, one in enumerate(without) if one in own]
        answer = gb.classify(changed, text).predicted
        assert gb.classify(changed, without[word]).predicted == own[without[word]] != answer
        scores = gb.attribute(changed, text, method="leave_one_out", target=answer)
        gone = [one for place, one in enumerate(without) if place != word]
        if len(scores.encoded) == 2 + len(words):  # words of one token: leaving out a token leaves out a word
            assert {one.predicted for one in gb.classify_many(changed, gone)} == {answer}
        seen.append(text)
        planted.add(answer)
        return {0: scores}

    found = truth.planted_evidence(model, 2, texts, explain, Passes(), lambda: None)
    assert found.reason == ""
    assert found.precision.shape == (2, len(seen))
    assert len(seen) >= 4
    assert len(planted) == 1
    assert (found.precision[1] == -1).all(), "a method that explains nothing"
    assert found.precision[0].mean() > 0.85 > 0.5 > found.chance
    after = model.network.state_dict()
    assert all((after[key] == value).all() for key, value in before.items()), "the model itself is untouched"


def test_human_edits_count_where_the_model_follows_them(tiny_model, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model("bert", "classification")
    edits = truth._edits()
    assert len(edits) == 120
    assert all(0 < len(edit.changed) < len(edit.text.split()) for edit in edits)
    assert {"funny", "not"} & {edit.text.split()[place] for edit in edits for place in edit.changed}
    few = edits[:12]
    right = {edit.text: 2 if edit.positive else 0 for edit in few}
    right |= {edit.revised: 0 if edit.positive else 2 for edit in few}
    right[few[0].revised] = 1

    class Answer:
        def __init__(self, predicted: int) -> None:
            self.predicted = predicted

    monkeypatch.setattr(truth, "_edits", lambda: few)
    monkeypatch.setattr(truth, "classify_many", lambda _, texts: [Answer(right[text]) for text in texts])
    asked = []

    def explain(_: gb.Model, text: str):
        (edit,) = [edit for edit in few if edit.text == text]
        scores = gb.attribute(model, text, method="saliency")
        asked.append(text)
        words = truth.by_blank(scores.encoded, np.arange(len(scores.encoded)))
        assert len(words) == len(text.split())
        perfect = np.zeros(len(scores.encoded))
        ends = np.cumsum([0, *(len(word) + 1 for word in text.split())])
        for place in edit.changed:
            inside = (scores.encoded.offsets[:, 0] >= ends[place]) & (scores.encoded.offsets[:, 1] < ends[place + 1])
            perfect[inside & (scores.encoded.sequence_ids == 0)] = 1

        return {0: replace(scores, scores=perfect), 1: replace(scores, scores=-perfect)}

    found = truth.human_edits(model, 2, explain, Passes(), lambda: None)
    assert asked == [edit.text for edit in few[1:]]
    assert (found.precision[0] == 1).all()
    assert (found.precision[1] < found.chance).all() or found.precision[1].mean() < found.chance
    assert found.chance == pytest.approx(
        np.mean([truth.expected_precision(len(edit.changed), len(edit.text.split())) for edit in few[1:]])
    )


def test_why_it_is_not_known(tiny_model) -> None:
    def never(*_):
        raise AssertionError

    masked = tiny_model("bert", "masked_words")
    assert truth.planted_evidence(masked, 1, TEXTS, never, Passes(), never).reason == "the model is not a classifier"
    model = tiny_model("bert", "classification")
    found = truth.planted_evidence(model, 1, TEXTS, never, Passes(), never)
    assert (found.reason, found.chance, found.precision.shape) == (
        "too few sentences have another answer",
        None,
        (1, 0),
    )
    # random weights follow no edits
    assert truth.human_edits(model, 1, never, Passes(), never).reason == "the model follows too few of the edits"


def test_the_stored_ranking_has_both(sentiment: gb.Model, pretrained: gb.Model) -> None:
    ranking = _ranking.stored_ranking(sentiment)
    frame = ranking.frame().set_index("method")
    assert ranking.planted.shape == ranking.edits.shape == (len(ranking.methods), truth.MOST)
    assert frame.loc["leave_one_out", "planted"] > 0.9 > ranking.planted_chance
    assert frame.loc["integrated_gradients", "edits"] > 0.5 > ranking.edits_chance
    np.testing.assert_allclose(frame["planted"], ranking.planted.mean(axis=1), atol=1e-6)
    assert _ranking.stored_ranking(pretrained).planted_missing == "the model is not a classifier"
