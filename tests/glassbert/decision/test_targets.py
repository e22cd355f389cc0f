"""What is explained: defaults, names, ids, foils, and what each wrong one is told."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb
from tests import tiny

TEXT, PAIR = "The film was good.", ("The man went home.", "He was tired.")


def explain(model, *texts, **options):
    return gb.attribute(model, *texts, method="saliency", **options)


def test_the_default_of_a_classifier_is_the_predicted_class(tiny_model):
    model = tiny_model("bert", "classification")
    predicted = gb.classify(model, TEXT)
    score = explain(model, TEXT)
    assert score.target == gb.ClassTarget(predicted.predicted)
    assert score.target_label == model.labels[predicted.predicted]
    assert score.value == pytest.approx(predicted.logits.max(), abs=1e-5)


def test_the_default_of_a_masked_text_is_the_first_choice_at_the_first_mask(tiny_model):
    model = tiny_model("bert", "next_sentence")
    text = "The [MASK] was [MASK]."
    best = gb.fill_mask(model, text, top_k=1)
    score = explain(model, text)
    assert score.target == gb.MaskTarget(int(best.positions[0]), int(best.candidate_ids[0, 0]))
    assert score.target_label == best.candidates[0][0]
    assert score.value == pytest.approx(best.logits[0, 0], abs=1e-5)
    # a typed mask goes before the next sentence
    assert explain(model, text, PAIR[1]).target == gb.MaskTarget(
        int(best.positions[0]), int(gb.fill_mask(model, text, PAIR[1], top_k=1).candidate_ids[0, 0])
    )


def test_the_default_of_a_pair_without_a_mask_is_the_next_sentence(tiny_model):
    model = tiny_model("bert", "next_sentence")
    score = explain(model, *PAIR)
    assert score.target == gb.NextSentenceTarget(is_next=True)
    assert score.value == pytest.approx(gb.next_sentence(model, *PAIR).logits[0], abs=1e-5)
    other = explain(model, *PAIR, target=gb.NextSentenceTarget(is_next=False), output="probability")
    assert other.value == pytest.approx(gb.next_sentence(model, *PAIR).probabilities[1], abs=1e-6)
    assert (score.target_label, other.target_label) == ("B follows A", "B does not follow A")


@pytest.mark.parametrize("target", ["NEUTRAL", 1, np.int64(1), gb.ClassTarget("NEUTRAL"), gb.ClassTarget(np.int64(1))])
def test_a_class_by_name_or_number(tiny_model, target):
    model = tiny_model("bert", "classification")
    score = explain(model, TEXT, target=target)
    assert score.target == gb.ClassTarget(1)
    assert type(score.target.label) is int
    assert score.target_label == "NEUTRAL"
    assert score.value == pytest.approx(gb.classify(model, TEXT).logits[1], abs=1e-5)


def test_a_class_with_a_foil(tiny_model):
    model = tiny_model("bert", "classification")
    score = explain(model, TEXT, target=gb.ClassTarget("POSITIVE", foil="NEGATIVE"))
    logits = gb.classify(model, TEXT).logits
    assert score.target == gb.ClassTarget(2, 0)
    assert score.target_label == "POSITIVE rather than NEGATIVE"
    assert score.value == pytest.approx(logits[2] - logits[0], abs=1e-5)


def test_any_token_can_be_masked_and_asked_about(tiny_model):
    model = tiny_model("bert", "masked_words")
    best = gb.fill_mask(model, TEXT, positions=[2], top_k=512)
    candidates = dict(zip(best.candidates[0], best.logits[0], strict=True))
    score = explain(model, TEXT, target=gb.MaskTarget(2, "He", foil="she"))
    assert score.encoded.tokens[2] == "[MASK]"
    assert score.target_label == "he rather than she"
    assert score.value == pytest.approx(candidates["he"] - candidates["she"], abs=1e-5)
    assert explain(model, TEXT, target=gb.MaskTarget(2)).target_label == best.candidates[0][0]


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_candidate_can_be_asked_about_by_its_id_and_by_its_marked_string(tiny_model, family):
    model = tiny_model(family, "masked_words")
    best = gb.fill_mask(model, "The [MASK] was good.", top_k=120)
    position, marked = int(best.positions[0]), 0
    for token, token_id in zip(best.candidates[0], best.candidate_ids[0].tolist(), strict=True):
        asked: list[int | str] = [token_id]
        if token.startswith(("##", "Ġ", "▁")) and len(token.lstrip("#Ġ▁")) > 1:
            asked.append(token)
            marked += 1
        for name in asked:
            score = explain(model, best.encoded, target=gb.MaskTarget(position, name))
            assert score.target.token == token_id
    assert marked > 0


def test_a_word_is_the_piece_it_would_be_at_that_place(tiny_model):
    model = tiny_model("roberta", "masked_words")
    vocabulary = model.tokenizer.get_vocab()
    score = explain(model, "The <mask> was good.", target=gb.MaskTarget(2, "good"))
    assert score.target.token == vocabulary["Ġgood"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("GOOD", "classes are NEGATIVE, NEUTRAL, POSITIVE"),
        (3, "classes 0 to 2"),
        (-1, "classes 0 to 2"),
        (gb.ClassTarget(0, foil="X"), "classes are NEGATIVE"),
        (gb.ClassTarget(0, foil=0), "target and foil are both 'NEGATIVE'"),
        (1.5, "target must be a ClassTarget"),
        ([1], "target must be a ClassTarget"),
    ],
)
def test_a_wrong_class_says_what_is_valid(tiny_model, target, message):
    with pytest.raises(gb.TargetError, match=message):
        explain(tiny_model("bert", "classification"), TEXT, target=target)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (gb.MaskTarget(0), r"special token \[CLS\]"),
        (gb.MaskTarget(99), "tokens 0 to 6"),
        (gb.MaskTarget(2, 512), "ids 0 to 511"),
        (gb.MaskTarget(2, -1), "ids 0 to 511"),
        (gb.MaskTarget(2, "unbelievable"), "'unbelievable' is 9 pieces"),
        (gb.MaskTarget(2, ""), "the word '' has no character"),
        (gb.MaskTarget(2, "😀"), "'😀' has characters that are not in this model's vocabulary"),
        (gb.MaskTarget(2, "he", "he"), "both 'he'"),
        (None, r"type a \[MASK\] in the text"),
    ],
)
def test_a_wrong_mask_says_what_is_valid(tiny_model, target, message):
    with pytest.raises(gb.TargetError, match=message):
        explain(tiny_model("bert", "masked_words"), TEXT, target=target)


def test_the_next_sentence_needs_two_texts(tiny_model):
    with pytest.raises(gb.TargetError, match="needs two texts"):
        explain(tiny_model("bert", "next_sentence"), TEXT, target=gb.NextSentenceTarget())


@pytest.mark.parametrize("method", gb.METHODS)
@pytest.mark.parametrize(
    ("task", "target", "head"),
    [
        ("masked_words", gb.ClassTarget(0), "text classification"),
        ("masked_words", 0, "text classification"),
        ("masked_words", gb.NextSentenceTarget(), "next sentence"),
        ("classification", gb.MaskTarget(1), "masked words"),
        ("token_classification", "O", "text classification"),
        ("encoder", gb.MaskTarget(1), "masked words"),
    ],
)
def test_a_target_without_its_head_says_so(tiny_model, method, task, target, head):
    with pytest.raises(gb.TaskHeadError, match=f"no trained head for {head}"):
        gb.attribute(tiny_model("bert", task), *PAIR, method=method, target=target)


def test_a_model_without_an_explainable_head_says_so(tiny_model):
    with pytest.raises(gb.TargetError, match="no task head whose decision could be explained"):
        explain(tiny_model("bert", "encoder"), TEXT)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_the_label_of_a_token_can_be_explained(tiny_model, family):
    model = tiny_model(family, "token_classification")
    labels = gb.label_tokens(model, TEXT)
    score = explain(model, TEXT, target=gb.TokenTarget(2))
    assert score.target.label == labels.predicted[2]
    assert score.target_label == model.labels[labels.predicted[2]]
    assert score.value == pytest.approx(float(labels.logits[2].max()), abs=1e-5)
    contrast = explain(model, TEXT, target=gb.TokenTarget(2, 0, foil=1), output="probability")
    assert contrast.value == pytest.approx(float(labels.probabilities[2, 0] - labels.probabilities[2, 1]), abs=1e-6)
    assert isinstance(explain(model, TEXT).target, gb.EntityTarget)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("edge", ["start", "end"])
def test_where_an_answer_starts_and_ends_can_be_explained(tiny_model, family, edge):
    model = tiny_model(family, "question_answering")
    answer = gb.answer(model, *PAIR)
    logits = answer.start_logits if edge == "start" else answer.end_logits
    context = np.flatnonzero(answer.encoded.sequence_ids == 1)
    likely = context[logits[context].argmax()]
    score = explain(model, *PAIR, target=gb.AnswerTarget(edge))
    assert score.target.position == likely
    assert score.value == pytest.approx(float(logits[likely]), abs=1e-5)
    assert score.target_label == answer.encoded.tokens[likely]
    share = explain(model, *PAIR, target=gb.AnswerTarget(edge, int(context[0])), output="probability")
    odds = np.exp(logits[context] - logits[context].max())
    assert share.value == pytest.approx(float(odds[0] / odds.sum()), abs=1e-6)
    assert explain(model, *PAIR).target == gb.SpanTarget(*answer.spans[0].tolist(), no_answer=False)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (gb.AnswerTarget("middle"), "must be one of start, end"),
        (gb.AnswerTarget("start", 1), "no answer can start at token 1; the text has tokens"),
        (gb.AnswerTarget("end", foil=99), "no answer can end at token 99"),
    ],
)
def test_a_wrong_edge_says_what_is_valid(tiny_model, target, message):
    with pytest.raises(gb.TargetError, match=message):
        explain(tiny_model("bert", "question_answering"), *PAIR, target=target)


def test_an_answer_needs_a_question_and_a_text(tiny_model):
    with pytest.raises(gb.TargetError, match="give both"):
        explain(tiny_model("bert", "question_answering"), TEXT)


@pytest.mark.parametrize("position", [0, 99, -1])
def test_a_label_is_explained_at_a_word(tiny_model, position):
    with pytest.raises(gb.TargetError, match="the words of this text are tokens 1 to 5"):
        explain(tiny_model("bert", "token_classification"), TEXT, target=gb.TokenTarget(position))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "magic"}, gb.MethodError, "must be one of .*integrated_gradients"),
        ({"method": "saliency", "n_steps": 3}, gb.OptionError, "no option n_steps; it has no options"),
        ({"steps": 3}, gb.OptionError, "no option steps; an option must be one of baseline, n_steps"),
        ({"n_steps": 0}, gb.OptionError, "must be an integer from 1 to 10000"),
        ({"n_steps": 2.5}, gb.OptionError, "must be an integer from 1 to 10000"),
        ({"tolerance": 0}, gb.OptionError, "between 0 and 1"),
        ({"tolerance": float("nan")}, gb.OptionError, "between 0 and 1"),
        ({"baseline": "black"}, gb.OptionError, "must be one of pad, mask, zero"),
        ({"internal_batch_size": 0}, gb.OptionError, "of at least 1"),
        ({"output": "odds"}, gb.OptionError, "must be one of logit, probability"),
    ],
)
def test_a_wrong_option_says_what_is_valid(tiny_model, options, error, message):
    with pytest.raises(error, match=message):
        gb.attribute(tiny_model("bert", "classification"), TEXT, **options)
