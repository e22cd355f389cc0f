"""Entities and answers as targets: F against stock networks, foils, parts, searches and comparison."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.comparison import compare_attributions, sides_of_texts
from glassbert.decision import decide
from glassbert.decision.spans import lead_of_span, span_scores
from glassbert.text.entity_labels import types_of
from tests import tiny

TEXT = "The doctor said that the man went home."
PAIR = ("The man went home?", "The doctor said that the man went home.")
# B-PER and I-PER are labels 1 and 2 of the tiny checkpoints, B-LOC and I-LOC 3 and 4
PERSON, PLACE = [1, 2], [3, 4]
EVERY_FAMILY = (*tiny.FAMILIES, *tiny.OTHER_FAMILIES)
LINEAR = ("input_x_gradient", "integrated_gradients", "attn_lrp", "decompx")
SMALL = gb.Windows(12, 4)
LONG = " ".join([TEXT] * 6)


@pytest.fixture(scope="module")
def namer(tiny_model):
    return tiny_model("bert", "token_classification")


@pytest.fixture(scope="module")
def reader(tiny_model):
    return tiny_model("bert", "question_answering")


def highest(logits, labels):
    """(token,): of these labels, the id of the one that scores highest at each token."""
    return np.asarray(labels)[logits[:, labels].argmax(axis=1)]


@pytest.mark.parametrize("family", EVERY_FAMILY)
def test_f_of_an_entity_is_the_mean_over_its_tokens(family, tiny_model, stock):
    model, oracle = tiny_model(family, "token_classification"), stock(family, "token_classification")
    logits = oracle(TEXT).logits[0].numpy()[2:5]
    person, place = highest(logits, PERSON), highest(logits, PLACE)
    rows = np.arange(3)
    score = gb.attribute(model, TEXT, method="saliency", target=gb.EntityTarget(2, 5, "PER"))
    assert score.value == pytest.approx(float(logits[rows, person].mean()), abs=2e-5)
    contrast = gb.attribute(model, TEXT, method="saliency", target=gb.EntityTarget(2, 5, "PER", "LOC"))
    assert contrast.value == pytest.approx(float((logits[rows, person] - logits[rows, place]).mean()), abs=2e-5)
    shares = torch.from_numpy(logits).softmax(dim=1).numpy()
    chance = gb.attribute(model, TEXT, method="saliency", target=gb.EntityTarget(2, 5, "PER"), output="probability")
    assert chance.value == pytest.approx(float(shares[rows, person].mean()), abs=1e-5)
    surface = gb.encode(model, TEXT)
    assert contrast.target_label == f"PER rather than LOC for “{TEXT[surface.offsets[2, 0] : surface.offsets[4, 1]]}”"


@pytest.mark.parametrize("family", [name for name in EVERY_FAMILY if "question_answering" in tiny.tasks(name)])
def test_f_of_an_answer_is_its_start_and_its_end(family, tiny_model, stock):
    model, oracle = tiny_model(family, "question_answering"), stock(family, "question_answering")
    output, context = oracle(*PAIR), np.flatnonzero(gb.encode(model, *PAIR).sequence_ids == 1)
    start, end = output.start_logits[0].double(), output.end_logits[0].double()
    span, foil = context[[1, 3]].tolist(), context[[4, 4]].tolist()
    score = gb.attribute(model, *PAIR, method="saliency", target=gb.SpanTarget(*span))
    assert score.value == pytest.approx(float(start[span[0]] + end[span[1]]), abs=5e-5)
    contrast = gb.attribute(model, *PAIR, method="saliency", target=gb.SpanTarget(*span, foil))
    assert contrast.value == pytest.approx(score.value - float(start[foil[0]] + end[foil[1]]), abs=5e-5)
    chance = gb.attribute(model, *PAIR, method="saliency", target=gb.SpanTarget(*span), output="probability")
    places = context.tolist()
    shares = start[places].softmax(0)[places.index(span[0])] * end[places].softmax(0)[places.index(span[1])]
    assert chance.value == pytest.approx(float(shares), abs=1e-6)


def test_the_number_beside_an_entity_and_an_answer_is_what_is_explained(namer, reader):
    logits = gb.label_tokens(namer, TEXT).logits
    with torch.no_grad():
        namer.network.classifier.bias -= torch.tensor(logits.mean(axis=0))
    try:
        found = gb.entities(namer, TEXT)
        assert len(found.names)
        for span, name, share in zip(found.spans.tolist(), found.names, found.probabilities, strict=True):
            target = gb.EntityTarget(*span, name)
            score = gb.attribute(namer, TEXT, method="saliency", target=target, output="probability")
            assert score.value == pytest.approx(float(share), abs=1e-5)
            assert gb.attribute(namer, TEXT, method="saliency", target=replace(target, label=None)).target == target
        assert gb.attribute(namer, TEXT, method="saliency").target == gb.EntityTarget(*found.spans[0], found.names[0])
    finally:
        with torch.no_grad():
            namer.network.classifier.bias += torch.tensor(logits.mean(axis=0))
    answer = gb.answer(reader, *PAIR)
    for span, share in zip(answer.spans.tolist(), answer.span_probabilities, strict=True):
        score = gb.attribute(reader, *PAIR, method="saliency", target=gb.SpanTarget(*span), output="probability")
        assert score.value == pytest.approx(float(share), abs=1e-6)
    assert gb.attribute(reader, *PAIR, method="saliency").target_label == answer.answers[0]


@pytest.mark.parametrize("method", LINEAR)
def test_an_explanation_of_a_span_is_that_of_its_parts(namer, reader, method):
    options = {"n_steps": 8} if method == "integrated_gradients" else {}
    whole = gb.attribute(namer, TEXT, method=method, target=gb.EntityTarget(2, 5, "PER", "LOC"), **options)
    logits = gb.label_tokens(namer, TEXT).logits[2:5]
    parts = [
        gb.attribute(namer, TEXT, method=method, target=gb.TokenTarget(2 + place, int(own), int(other)), **options)
        for place, (own, other) in enumerate(zip(highest(logits, PERSON), highest(logits, PLACE), strict=True))
    ]
    np.testing.assert_allclose(whole.scores, np.mean([part.scores for part in parts], axis=0), atol=2e-5)
    span = gb.attribute(reader, *PAIR, method=method, target=gb.SpanTarget(8, 10), **options)
    ends = [
        gb.attribute(reader, *PAIR, method=method, target=gb.AnswerTarget(edge, place), **options)
        for edge, place in (("start", 8), ("end", 10))
    ]
    np.testing.assert_allclose(span.scores, ends[0].scores + ends[1].scores, atol=2e-5)
    other = gb.attribute(reader, *PAIR, method=method, target=gb.SpanTarget(12, 12), **options)
    contrast = gb.attribute(reader, *PAIR, method=method, target=gb.SpanTarget(8, 10, (12, 12)), **options)
    np.testing.assert_allclose(contrast.scores, span.scores - other.scores, atol=2e-5)


@pytest.mark.parametrize("target", [gb.EntityTarget(2, 5, "PER"), gb.SpanTarget(8, 10, (12, 13))])
@pytest.mark.parametrize("method", [name for name in gb.METHODS if name != "gradient_shap"])
def test_methods_that_are_complete_add_up(namer, reader, method, target):
    model, texts = (namer, (TEXT,)) if isinstance(target, gb.EntityTarget) else (reader, PAIR)
    score = gb.attribute(model, *texts, method=method, target=target)
    if score.baseline_value is not None:
        assert float(score.scores.sum()) == pytest.approx(score.value - score.baseline_value, abs=2e-3)
    if method == "attn_lrp":
        rest = sum(score.options["unattributed"].values())
        assert float(score.scores.sum()) + rest == pytest.approx(score.value, abs=1e-3)


def test_many_texts_at_once_are_as_one_by_one(namer, reader):
    texts = [TEXT, "A man said so.", "The store was not at home that day."]
    for model, inputs in ((namer, texts), (reader, [(PAIR[0], text) for text in texts])):
        for method in ("input_x_gradient", "integrated_gradients"):
            each = list(gb.attribute_many(model, inputs, method=method))
            for text, found in zip(inputs, each, strict=True):
                alone = gb.attribute(model, *([text] if isinstance(text, str) else text), method=method)
                np.testing.assert_allclose(found.scores, alone.scores, atol=1e-5)
                assert (found.target, found.value) == (alone.target, pytest.approx(alone.value, abs=1e-5))


@pytest.mark.parametrize("target", [gb.EntityTarget(3, 5, "PER"), gb.SpanTarget(9, 10)])
def test_what_is_read_stays_and_the_rest_can_be_removed(namer, reader, target):
    model, texts = (namer, (TEXT,)) if isinstance(target, gb.EntityTarget) else (reader, PAIR)
    runner = decide(model, gb.encode(model, *texts), target, "logit")
    decision = runner.decision
    for place in decision.positions:
        assert not decision.removable[place]
    gone = int(np.flatnonzero(decision.removable)[0])
    assert gone < decision.position
    present = np.ones((2, decision.length), dtype=bool)
    present[1, gone] = False
    whole, without = runner.values_without(present)
    shorter = decision.encoded.input_ids[present[1]]
    moved = (
        replace(target, start=target.start - 1, end=target.end - 1)
        if isinstance(target, gb.EntityTarget)
        else gb.SpanTarget(target.start - 1, target.end - 1)
    )
    words = " ".join(word for number, word in enumerate(texts[0].rstrip(".?").split()) if number != gone - 1)
    closing = texts[0][-1]
    again = decide(model, gb.encode(model, words + closing, *texts[1:]), moved, "logit")
    assert again.decision.encoded.input_ids.tolist() == shorter.tolist()
    again = replace(again, decision=replace(again.decision, labels_by_type=decision.labels_by_type))
    assert without == pytest.approx(float(again.value(again.decision.embeddings)[0]), abs=1e-5)
    assert whole == pytest.approx(float(runner.value(decision.embeddings)[0]), abs=1e-5)


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("no_answer", [False, True])
@pytest.mark.parametrize("family", ["bert", "distilbert", "xlm-roberta"])
def test_answers_are_those_of_a_search_over_all_spans(family, no_answer, tiny_model, stock):
    model, oracle = tiny_model(family, "question_answering"), stock(family, "question_answering")
    output, encoded = oracle(*PAIR), gb.encode(model, *PAIR)
    context = np.flatnonzero(encoded.sequence_ids == 1).tolist()
    possible = [0, *context] if no_answer else context
    start = output.start_logits[0].double()[possible].softmax(0)
    end = output.end_logits[0].double()[possible].softmax(0)
    spans = [(a, b) for a, b in itertools.product(possible, repeat=2) if 0 <= b - a < 4 and (a > 0 or b == 0)]
    chances = {span: float(start[possible.index(span[0])] * end[possible.index(span[1])]) for span in spans}
    best = sorted(spans, key=lambda span: -chances[span])[:6]
    found = gb.answer(model, *PAIR, top_k=6, max_answer_tokens=4, no_answer=no_answer)
    assert found.spans.tolist() == [list(span) for span in best]
    np.testing.assert_allclose(found.span_probabilities, [chances[span] for span in best], rtol=1e-3)
    everything = gb.answer(model, *PAIR, top_k=1000, no_answer=no_answer)
    assert ("" in everything.answers) == no_answer
    assert len(everything.answers) == len(context) * (len(context) + 1) // 2 + no_answer


def test_whether_there_may_be_no_answer_is_read_from_name_or_card(reader, tmp_path):
    checkpoint = reader.checkpoint
    assert not checkpoint.knows_no_answer
    assert replace(checkpoint, source="someone/bert-base-squad2").knows_no_answer
    assert not replace(checkpoint, source="someone/bert-base-squad").knows_no_answer
    (tmp_path / "README.md").write_text("---\ndatasets:\n- squad_v2\n---\n", encoding="utf-8")
    card = replace(checkpoint, folder=tmp_path)
    assert card.knows_no_answer
    assert gb.answer(replace(reader, checkpoint=card), *PAIR, top_k=1000).answers.count("") == 1


def test_no_answer_is_a_span_like_others(reader):
    logits = gb.answer(reader, *PAIR, no_answer=True)
    score = gb.attribute(reader, *PAIR, method="saliency", target=gb.SpanTarget(0, 0, no_answer=True))
    assert score.value == pytest.approx(float(logits.start_logits[0] + logits.end_logits[0]), abs=1e-5)
    assert score.target_label == "no answer"


def test_a_span_is_no_longer_than_allowed_and_never_backwards():
    scores = span_scores(np.zeros(5), np.arange(5.0), np.asarray([True, False, True, True, True]), 2)
    expected = np.full((5, 2), -np.inf)
    expected[0, 0] = 0  # [CLS] by itself
    expected[2], expected[3], expected[4, 0] = (2, 3), (3, 4), 4
    np.testing.assert_array_equal(scores, expected)


def test_the_lead_of_an_answer_is_over_what_shares_no_word_with_it():
    start, end = np.asarray([0.0, 5, 1, 2]), np.asarray([0.0, 1, 4, 3])
    possible = np.asarray([False, True, True, True])
    # the best span is 1 to 2, with 9; 1 to 3 has 8; beside 1 to 2 there is 3 alone, with 5
    assert lead_of_span(np.stack((start, end)), possible, (1, 2)) == 9 - 5
    assert lead_of_span(np.stack((start, end)), possible, (3, 3)) == 8 - 9
    # every other span shares a word with all of them: the next is 1 to 2
    assert lead_of_span(np.stack((start, end)), possible, (1, 3)) == 8 - 9
    assert lead_of_span(np.stack((start, end)), np.asarray([False, False, True, False]), (2, 2)) == np.inf


# --- edits, searches, comparison -------------------------------------------------------------------------------------


def test_an_entity_is_followed_through_edits(namer):
    found = gb.variants(
        namer,
        TEXT,
        edits=[
            gb.Edit(1, "delete"),
            gb.Edit(3, replacement="unbelievable"),
            [gb.Edit(2, "delete"), gb.Edit(6, "mask")],
        ],
        target=gb.EntityTarget(2, 4, "PER"),
    )
    for (text,), value, span in zip(found.texts, found.values, ((1, 3), (2, None), (2, 3)), strict=True):
        encoded = gb.encode(namer, text)
        stop = span[1] or 3 + int((encoded.word_ids == encoded.word_ids[3]).sum())
        logits = gb.label_tokens(namer, text).logits[span[0] : stop]
        original = gb.label_tokens(namer, TEXT).logits[2:4]
        labels = highest(original, PERSON)[np.minimum(np.arange(len(logits)), 1)]
        if len(logits) == 1 and "doctor" not in text:
            labels = highest(original, PERSON)[:1]
        shares = torch.tensor(logits).softmax(dim=1).numpy()[np.arange(len(logits)), labels]
        assert value == pytest.approx(float(shares.mean()), abs=1e-5)
    with pytest.raises(gb.TargetError, match="cannot all be deleted"):
        gb.variants(namer, TEXT, edits=[gb.Edit(2, "delete")], target=gb.EntityTarget(2, 3))


def test_an_answer_is_followed_through_edits(reader):
    whole = gb.encode(reader, *PAIR)
    place = whole.tokens.index("man", 6)
    edits = [gb.Edit(1, "delete"), gb.Edit(place - 1, replacement="not that")]
    target = gb.SpanTarget(place, place)
    found = gb.variants(reader, *PAIR, edits=edits, target=target)
    for texts, chance in zip(found.texts, found.probabilities, strict=True):
        answer = gb.answer(reader, *texts, top_k=1000)
        at = answer.encoded.tokens.index("man", 6)
        assert chance == pytest.approx(
            float(answer.span_probabilities[answer.spans.tolist().index([at, at])]), abs=1e-5
        )
    assert found.predictions == tuple(gb.answer(reader, *texts).answers[0] for texts in found.texts)


def test_flips_lose_the_entity_and_leave_its_words_alone(namer):
    logits = gb.label_tokens(namer, TEXT).logits
    names = types_of(namer.labels)
    by_type = np.stack([logits[2][[0]].max(), logits[2][PERSON].max(), logits[2][PLACE].max()])
    first, second = np.argsort(-by_type)[:2]
    shift = float(by_type[first] - by_type[second]) * 0.95  # only just the answer
    bias = namer.network.classifier.bias
    columns = {0: [0], 1: PERSON, 2: PLACE}[int(second)]
    with torch.no_grad():
        bias[columns] += shift
    try:
        found = gb.find_flip(namer, TEXT, target=gb.EntityTarget(2, 3), proposals="gradient", budget=300)
        assert found.prediction == names[first]
        assert len(found.flips.texts)
        for (text,), edits in zip(found.flips.texts, found.flips.edits, strict=True):
            assert all(position != 2 for position, _, _ in edits)
            own = gb.label_tokens(namer, text)
            row = own.logits[own.encoded.tokens.index("doctor")]
            assert (
                max(row[PERSON].max(), row[0], row[PLACE].max()) > row[{0: [0], 1: PERSON, 2: PLACE}[int(first)]].max()
            )
        reduced = gb.reduce_input(namer, TEXT, target=gb.EntityTarget(2, 3))
        assert "doctor" in reduced.texts[-1][0]
    finally:
        with torch.no_grad():
            bias[columns] -= shift


def test_flips_change_the_answer_and_leave_its_words_alone(reader):
    best = gb.answer(reader, *PAIR, top_k=1)
    found = gb.find_flip(reader, *PAIR, proposals="gradient", budget=400)
    first, last = best.spans[0]
    assert found.prediction == best.answers[0]
    for texts, edits, prediction in zip(found.flips.texts, found.flips.edits, found.flips.predictions, strict=True):
        assert not any(first <= position <= last for position, _, _ in edits)
        assert prediction == gb.answer(reader, *texts).answers[0]
    assert found.tried > 20
    whole = gb.encode(reader, *PAIR)
    for texts, edits in zip(found.flips.texts, found.flips.edits, strict=True):
        # the new answer is not the old one with a word more or less
        now = gb.answer(reader, *texts, top_k=1).spans[0]
        shift = len(gb.encode(reader, *texts)) - len(whole)
        if all(position < first for position, _, _ in edits):
            assert now[1] < first + shift or now[0] > last + shift


@pytest.mark.parametrize("target", [gb.EntityTarget(3, 5, "PER"), gb.SpanTarget(9, 10)])
def test_receipts_leave_out_what_is_not_read(namer, reader, target):
    model, texts = (namer, (TEXT,)) if isinstance(target, gb.EntityTarget) else (reader, PAIR)
    scores = gb.attribute(model, *texts, method="leave_one_out", target=target)
    line = gb.receipt(model, scores, checks=("leave_one_out",)).line("leave_one_out")
    runner = decide(model, scores.encoded, target, "logit")
    removable = np.flatnonzero(runner.decision.removable)
    assert line.details["positions"] == removable.tolist()
    present = np.ones((len(removable), len(scores.encoded)), dtype=bool)
    present[np.arange(len(removable)), removable] = False
    changes = scores.value - runner.values_without(present)
    np.testing.assert_allclose(line.details["changes"], changes, atol=1e-4)
    np.testing.assert_allclose(scores.scores[removable], changes, atol=1e-4)
    assert line.number == pytest.approx(1, abs=1e-6)


def test_targets_are_found_again_in_another_text(namer, reader):
    for model, one, two, target, word in (
        (namer, (TEXT,), ("So the doctor said that.",), gb.EntityTarget(2, 3, "PER"), "doctor"),
        (reader, PAIR, (PAIR[0], f"So {PAIR[1]}"), gb.SpanTarget(8, 8), "doctor"),
    ):
        first, second = gb.encode(model, *one), gb.encode(model, *two)
        assert first.tokens[target.start] == word
        at = len(second.tokens) - 1 - second.tokens[::-1].index(word)
        moved = gb.EntityTarget(at, at + 1, "PER") if isinstance(target, gb.EntityTarget) else gb.SpanTarget(at, at)
        found = compare_attributions(sides_of_texts(model, first, second), method="saliency", target=target)
        assert found.second_value == pytest.approx(
            gb.attribute(model, *two, method="saliency", target=moved).value, abs=1e-5
        )


def test_a_long_text_is_read_where_the_span_is(namer, reader):
    encoded = gb.encode(namer, LONG, windows=SMALL)
    score = gb.attribute(namer, LONG, method="saliency", target=gb.EntityTarget(20, 22, "PER"), windows=SMALL)
    logits = gb.label_tokens(namer, LONG, windows=SMALL).logits
    assert len(encoded.windows) > 2
    number = next(
        n
        for n in range(len(encoded.windows))
        if np.isin([20, 21], encoded.window_positions(n)).all() and score.scores[20]
    )
    assert number is not None
    assert score.value == pytest.approx(
        float(logits[20:22][np.arange(2), highest(logits[20:22], PERSON)].mean()), abs=0.2
    )
    wide = gb.Windows(40, 20)
    best = gb.answer(reader, PAIR[0], LONG, windows=wide, top_k=1)
    span = gb.attribute(reader, PAIR[0], LONG, method="saliency", windows=wide)
    assert span.target == gb.SpanTarget(*best.spans[0].tolist(), no_answer=False)
    with pytest.raises(gb.TargetError, match="no window of this text shows them all"):
        gb.attribute(namer, LONG, method="saliency", target=gb.EntityTarget(2, 30), windows=SMALL)


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (gb.EntityTarget(0, 2), r"tokens \[0, 2\) are no span of words; the words of this text are tokens 1 to 9"),
        (gb.EntityTarget(3, 3), "are no span of words"),
        (gb.EntityTarget(8, 99), "are no span of words"),
        (gb.EntityTarget(2, 3, "ORG"), "type 'ORG': this model's types are O, PER, LOC"),
        (gb.EntityTarget(2, 3, 9), "class 9: this model has classes 0 to 4"),
        (gb.EntityTarget(2, 3, "PER", "B-PER"), "both 'PER'"),
    ],
)
def test_a_wrong_entity_says_what_is_valid(namer, target, message):
    with pytest.raises(gb.TargetError, match=message):
        gb.attribute(namer, TEXT, method="saliency", target=target)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (gb.SpanTarget(1, 2), "no answer goes from token 1 to 2; the text has tokens"),
        (gb.SpanTarget(10, 9), "no answer goes from token 10 to 9"),
        (gb.SpanTarget(0, 0), "no answer goes from token 0 to 0"),
        (gb.SpanTarget(0, 9, no_answer=True), "or 0 to 0 for no answer"),
        (gb.SpanTarget(9, 99), "no answer goes from token 9 to 99"),
        (gb.SpanTarget(9), "its first and its last token"),
        (gb.SpanTarget(9, 9, (9, 9)), "target and foil are both"),
        (gb.SpanTarget(9, 9, (1, 1)), "no answer goes from token 1 to 1"),
    ],
)
def test_a_wrong_span_says_what_is_valid(reader, target, message):
    with pytest.raises(gb.TargetError, match=message):
        gb.attribute(reader, *PAIR, method="saliency", target=target)


def test_spans_need_their_heads_and_texts(namer, reader):
    with pytest.raises(gb.TaskHeadError, match="no trained head for"):
        gb.attribute(namer, *PAIR, target=gb.SpanTarget())
    with pytest.raises(gb.TaskHeadError, match="no trained head for"):
        gb.attribute(reader, *PAIR, target=gb.EntityTarget(1, 2))
    with pytest.raises(gb.TargetError, match="give both"):
        gb.attribute(reader, TEXT, target=gb.SpanTarget())
    with pytest.raises(gb.TargetError):
        gb.SpanTarget(1, 2, foil=3)
