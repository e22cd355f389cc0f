"""Receipts as a whole: broken explanations fail, work is shared and counted, nothing is NaN."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace

import numpy as np
import pytest

import glassbert as gb
from glassbert.evaluation import _examination, _rerun

#: Sentences that the embedded model is not in two minds about.
SENTENCES = (
    "Every scene is carefully built, every line sounds true, and the end is perfect.",
    "The first half is a delight; the second half is a disaster.",
)
KINDS = ("random", "flipped", "other_sentence")
JUDGED = ("comprehensiveness", "sufficiency", "leave_one_out", "infidelity")
TEXT = "This film was not good at all; the acting is great."


@pytest.fixture
def model(tiny_model):
    return tiny_model("bert", "classification")


def plain(receipt):
    """All of a receipt but how long it took."""
    return json.dumps({**receipt.to_dict(), "seconds": 0}, allow_nan=False)


@pytest.fixture(scope="module")
def integrated(sentiment):
    """Dozens of passes: computed once."""
    return gb.attribute(sentiment, SENTENCES[0], method="integrated_gradients")


@pytest.mark.slow
@pytest.mark.parametrize("text", SENTENCES)
def test_an_honest_explanation_does_not_fail_and_every_broken_one_does(sentiment, text):
    honest = gb.attribute(sentiment, text, method="occlusion")
    wrong = [gb.broken(sentiment, honest, kind) for kind in KINDS]
    first, *others = gb.receipts(sentiment, [honest, *wrong], n_orderings=20, checks=[*JUDGED, "sanity"])
    assert first.verdict in ("holds", "doubtful"), first.frame()
    for kind, scores, receipt in zip(KINDS, wrong, others, strict=True):
        assert receipt.verdict == "fails"
        failed = {line.check for line in receipt.lines if line.verdict == "fails"}
        assert len(failed) >= 3, receipt.frame()
        assert receipt.line("sanity").verdict == "not_applicable"
        assert scores.options["broken"] == kind
        assert (scores.method, scores.encoded.tokens) == (honest.method, honest.encoded.tokens)
        share = [receipt.line(check).details["beaten_share"] for check in ("comprehensiveness", "sufficiency")]
        assert min(share) < 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_explanation_of_a_complete_method_does_not_add_up(sentiment, integrated, kind):
    scores = integrated
    assert gb.receipt(sentiment, scores, checks=["arithmetic"]).verdict == "holds"
    assert gb.receipt(sentiment, gb.broken(sentiment, scores, kind), checks=["arithmetic"]).verdict == "fails"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["integrated_gradients", "attention_relevance"])
def test_what_a_broken_explanation_is(sentiment, integrated, kind, method):
    complete = method == "integrated_gradients"
    scores = integrated if complete else gb.attribute(sentiment, SENTENCES[0], method=method)
    wrong = gb.broken(sentiment, scores, kind, seed=4)
    special = scores.encoded.special_tokens_mask == 1
    if kind == "flipped" and method == "integrated_gradients":
        np.testing.assert_array_equal(wrong.scores, -scores.scores)
        assert wrong.delta == pytest.approx(
            -float(scores.scores.sum()) - (scores.value - scores.baseline_value), abs=1e-5
        )
    elif kind == "flipped":
        assert np.argsort(wrong.scores).tolist() == np.argsort(-scores.scores).tolist()
        assert (wrong.scores >= 0).all()
    elif kind == "random":
        again, other = (gb.broken(sentiment, scores, kind, seed=seed) for seed in (4, 5))
        np.testing.assert_array_equal(wrong.scores, again.scores)
        assert (wrong.scores != other.scores).all()
        assert (wrong.scores < 0).any() == gb.METHODS[method].signed
    else:
        np.testing.assert_array_equal(wrong.scores[special], scores.scores[special])
        assert abs(np.corrcoef(wrong.scores[~special], scores.scores[~special])[0, 1]) < 0.6
        assert set(wrong.scores[~special].tolist()).isdisjoint(scores.scores[~special].tolist())


def test_broken_needs_a_kind_it_knows(model):
    with pytest.raises(gb.OptionError, match="must be one of random, flipped, other_sentence"):
        gb.broken(model, gb.attribute(model, TEXT, method="saliency"), "upside_down")


def test_a_broken_masked_word_is_still_about_this_text(pretrained):
    text = f"The capital of France is {pretrained.mask_token}, as every child learns at school."
    scores = gb.attribute(pretrained, text, method="input_x_gradient")
    wrong = gb.broken(pretrained, scores, "other_sentence")
    words = slice(1, -1)
    np.testing.assert_array_equal(wrong.scores[words], scores.scores[words][::-1])


def test_receipts_of_many_methods_equal_those_of_each_and_cost_less(model):
    methods = ("input_x_gradient", "saliency", "occlusion", "rollout")
    scores = [gb.attribute(model, TEXT, method=method, target=1) for method in methods]
    together = list(gb.receipts(model, scores))
    alone = [gb.receipt(model, one) for one in scores]
    for one, other in zip(together, alone, strict=True):
        assert [line.verdict for line in one.lines] == [line.verdict for line in other.lines]
        for line, single in zip(one.lines, other.lines, strict=True):
            assert line.number == (None if single.number is None else pytest.approx(single.number, abs=1e-5))
    shared = list(gb.receipts(model, scores, checks=JUDGED))
    assert shared[0].forward_passes > 100
    assert [one.forward_passes for one in shared[1:]] == [0, 0, 0]
    assert tuple(line.check for line in together[0].lines) == tuple(gb.CHECKS)


@pytest.mark.parametrize(("kept", "expected"), [(2**30, [4, 0]), (0, [4, 4])])
def test_methods_share_the_first_order_pass_of_every_copy_unless_it_is_large(model, monkeypatch, kept, expected):
    """Two stages of the cascade, two noises: one pass each, for both methods or for each."""
    monkeypatch.setattr(_rerun, "_KEPT_BYTES", kept)
    scores = [gb.attribute(model, TEXT, method=method, target=1) for method in ("input_x_gradient", "saliency")]
    receipts = list(gb.receipts(model, scores, checks=("sanity", "stability")))
    assert [receipt.forward_passes for receipt in receipts] == expected
    alone = gb.receipt(model, scores[1], checks=("sanity", "stability"))
    assert [line.number for line in receipts[1].lines] == pytest.approx([line.number for line in alone.lines], abs=1e-5)


def test_passes_are_counted_truly(model):
    scores = gb.attribute(model, TEXT, method="input_x_gradient", target=1)
    seen = []
    encoder = model.network.base_model.encoder
    hook = encoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(len(args[0] if args else kwargs["hidden_states"])), with_kwargs=True
    )
    try:
        receipt = gb.receipt(model, scores, checks=JUDGED)
    finally:
        hook.remove()
    assert receipt.forward_passes == sum(seen)


def test_the_same_seed_gives_the_same_receipt_and_another_does_not(model):
    scores = gb.attribute(model, TEXT, method="input_x_gradient", target=1)
    first, again, other = (gb.receipt(model, scores, seed=seed) for seed in (0, 0, 1))
    assert plain(first) == plain(again)
    for check, name in (("comprehensiveness", "random_curves"), ("sanity", "correlations"), ("stability", "moves")):
        assert first.line(check).details[name] != other.line(check).details[name]


def test_two_receipts_at_once_are_those_of_one_after_the_other(model):
    scores = [gb.attribute(model, TEXT, method=method, target=1) for method in ("input_x_gradient", "occlusion")]
    expected = [plain(gb.receipt(model, one)) for one in scores]
    found: dict[int, str] = {}

    def work(number):
        found[number] = plain(gb.receipt(model, scores[number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[0], found[1]] == expected


def test_progress_and_stopping(model):
    scores = [gb.attribute(model, TEXT, method=method, target=1) for method in ("input_x_gradient", "occlusion")]
    told = []
    list(gb.receipts(model, scores, progress=lambda done, expected: told.append((done, expected))))
    done, expected = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert len(set(expected)) == 1
    assert all(one <= most for one, most in told)
    calls = iter([False] * 3 + [True] * 100)
    with pytest.raises(gb.StoppedError):
        gb.receipt(model, scores[1], cancelled=lambda: next(calls))


def test_an_expensive_method_is_not_run_again_but_says_what_it_would_cost(model, monkeypatch):
    scores = gb.attribute(model, TEXT, method="occlusion", target=1)
    costly = replace(gb.METHODS["occlusion"], cost=lambda tokens, options: 400)
    monkeypatch.setattr(_examination, "METHODS", {**gb.METHODS, "occlusion": costly})
    receipt = gb.receipt(model, scores, checks=["sanity", "stability"])
    assert [line.verdict for line in receipt.lines] == ["not_applicable"] * 2
    assert "would cost 400 passes; the thorough receipt" in receipt.line("sanity").sentence
    assert receipt.forward_passes == 0
    assert [line.number is None for line in gb.receipt(model, scores, checks=["sanity"], thorough=True).lines] == [
        False
    ]


@pytest.mark.parametrize(
    "text", ["good", "good bad", "good bad film", "this film was good", "good [SEP]", "[CLS] good [SEP]"]
)
@pytest.mark.parametrize("method", ["input_x_gradient", "attention_relevance"])
def test_short_texts_give_sentences_and_no_nan(model, text, method):
    scores = gb.attribute(model, text, method=method, target=1)
    receipt = gb.receipt(model, scores, thorough=True)
    assert "NaN" not in plain(receipt)
    for line in receipt.lines:
        assert (line.number is None) <= (line.verdict == "not_applicable")
        assert line.sentence
    words = int((scores.encoded.special_tokens_mask == 0).sum())
    if words < 3:
        assert receipt.line("comprehensiveness").verdict == "not_applicable"
        assert receipt.line("leave_one_out").verdict == "not_applicable"
    if words == 1:
        assert "one token" in receipt.line("comprehensiveness").sentence
    if words == 0:
        assert "nothing to remove" in receipt.line("sufficiency").sentence
        assert receipt.verdict == "not_applicable"


def test_equal_scores_and_equal_logits(model, monkeypatch):
    import torch

    from glassbert.decision import Runner

    scores = gb.attribute(model, TEXT, method="input_x_gradient", target=1)
    equal = gb.receipt(model, replace(scores, scores=np.ones(len(scores.encoded))))
    assert "all scores are equal" in equal.line("comprehensiveness").sentence
    assert equal.line("leave_one_out").verdict == "fails"
    assert "all scores are equal" in equal.line("sanity").sentence
    monkeypatch.setattr(Runner, "_logits_without", lambda runner, present: torch.zeros(len(present), 3))
    same = gb.receipt(model, scores, checks=JUDGED)
    assert {line.verdict for line in same.lines} == {"not_applicable"}
    assert "removing tokens never changes the probability" in same.line("comprehensiveness").sentence
    assert "NaN" not in plain(equal) + plain(same)


def test_long_texts_get_fewer_orderings_and_short_ones_a_hundred():
    most = [_examination._orderings_for(length, _examination.sizes(length - 2)) for length in (5, 24, 128, 256, 512)]
    assert most[:3] == [100, 100, 100]
    assert 20 <= most[4] < most[3] < 100
    assert _examination._random_orders(7, 25, 0).shape == (25, 7)
    orders = _examination._random_orders(7, 10, 0)
    assert (np.sort(orders, axis=1) == np.arange(7)).all()
    np.testing.assert_array_equal(orders[5:], orders[:5, ::-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checks": ["beauty"]}, "must be one of arithmetic.*; got 'beauty'"),
        ({"n_orderings": 5}, "must be from 10 to 10000"),
        ({"seed": -1}, "must be from 0 to"),
    ],
)
def test_bad_options_are_refused(model, options, message):
    scores = gb.attribute(model, TEXT, method="saliency", target=1)
    with pytest.raises(gb.OptionError, match=message):
        gb.receipt(model, scores, **options)


def test_receipts_of_different_decisions_are_refused(model):
    first = gb.attribute(model, TEXT, method="saliency", target=1)
    for other in (
        gb.attribute(model, TEXT, method="saliency", target=0),
        gb.attribute(model, TEXT + " So!", method="saliency", target=1),
        gb.attribute(model, TEXT, method="saliency", target=1, output="probability"),
    ):
        with pytest.raises(gb.OptionError, match="one text, one target and one output"):
            list(gb.receipts(model, [first, other]))
    assert list(gb.receipts(model, [])) == []


def test_scores_of_an_unknown_method_are_judged_by_what_they_are(model):
    scores = replace(gb.attribute(model, TEXT, method="input_x_gradient", target=1), method="somebody's")
    receipt = gb.receipt(model, scores)
    known = gb.receipt(model, replace(scores, method="input_x_gradient"))
    assert receipt.line("comprehensiveness").number == known.line("comprehensiveness").number
    assert "no method to run again" in receipt.line("sanity").sentence


@pytest.mark.parametrize("task", ["masked_words", "next_sentence", "token_classification", "question_answering"])
def test_every_kind_of_decision_gets_a_receipt(tiny_model, task):
    model = tiny_model("bert", task)
    texts = {
        "masked_words": ("The doctor said that [MASK] was tired.",),
        "token_classification": ("Paris is the capital of France.",),
    }.get(task, ("The man went to the store.", "He bought a gallon of milk."))
    scores = gb.attribute(model, *texts, method="input_x_gradient")
    receipt = gb.receipt(model, scores)
    assert "NaN" not in plain(receipt)
    assert receipt.line("comprehensiveness").number is not None
    assert receipt.line("sanity").number is not None
    assert receipt.line("stability").number > 0


def test_each_check_says_what_it_is():
    for check in gb.CHECKS.values():
        assert check.question.endswith("?")
        assert re.search(r"arXiv:\d{4}\.\d{4,5}\b", check.paper)
        assert "holds" in check.threshold
        assert "fails" in check.threshold
        assert check.formula.count("{") == check.formula.count("}")
    assert len({check.question for check in gb.CHECKS.values()}) == len(gb.CHECKS)
    with pytest.raises(TypeError):
        gb.CHECKS["mine"] = None  # type: ignore[index]
