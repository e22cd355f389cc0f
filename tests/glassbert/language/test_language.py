"""Every view's logits equal the stock task model's; probabilities, ranks and spans follow from them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import transformers

import glassbert as gb
from tests import tiny

TEXT = "This film was not good at all; the acting is great."
PAIR = ("The man went to the store.", "He bought a gallon of milk.")
MASKED = "The [MASK] said that [MASK] was tired."
MASKED_TASKS = [(family, "masked_words") for family in tiny.FAMILIES] + [("bert", "next_sentence")]


def masked_oracle(oracle, *texts):
    """Mask positions and the full-vocabulary logits there, (mask, vocabulary), from the stock model alone."""
    ids = oracle.inputs(*texts)["input_ids"][0]
    positions = (ids == oracle.tokenizer.mask_token_id).nonzero().flatten().tolist()
    output = oracle(*texts)
    logits = output.prediction_logits if oracle.task == "next_sentence" else output.logits
    return positions, logits[0, positions].double().numpy()


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(("family", "task"), MASKED_TASKS)
def test_fill_mask_equals_a_softmax_over_the_whole_vocabulary(tiny_model, stock, family, task):
    oracle = stock(family, task)
    best = gb.fill_mask(tiny_model(family, task), MASKED, top_k=512)
    positions, logits = masked_oracle(oracle, MASKED)
    probabilities = softmax(logits)
    assert best.positions.tolist() == positions
    assert len(positions) == 2
    rows = np.arange(2)[:, None]
    np.testing.assert_allclose(best.logits, logits[rows, best.candidate_ids], atol=1e-5)
    np.testing.assert_allclose(best.probabilities, probabilities[rows, best.candidate_ids], atol=1e-5)
    assert (np.diff(best.probabilities, axis=1) <= 0).all()
    assert np.sort(best.candidate_ids, axis=1).tolist() == [list(range(512))] * 2
    np.testing.assert_allclose(best.entropy, -(probabilities * np.log2(probabilities)).sum(axis=-1), atol=1e-4)
    assert best.candidates[1][0] == oracle.tokenizer.convert_ids_to_tokens(int(logits[1].argmax()))
    assert best.original_tokens == ("", "")
    assert best.original_ids.tolist() == [-1, -1]
    assert best.original_ranks.tolist() == [0, 0]
    assert best.original_probabilities.tolist() == [0, 0]


@pytest.mark.parametrize(("family", "task"), MASKED_TASKS)
def test_positions_are_masked_together_and_the_originals_are_ranked(tiny_model, stock, family, task):
    model, oracle = tiny_model(family, task), stock(family, task)
    encoded = gb.encode(model, TEXT)
    best = gb.fill_mask(model, TEXT, positions=[6, 2, 6], top_k=3)
    assert best.positions.tolist() == [2, 6]
    inputs = oracle.inputs(TEXT)
    inputs["input_ids"][0, [2, 6]] = oracle.tokenizer.mask_token_id
    with torch.no_grad():
        output = oracle.network(**inputs)
    logits = (output.prediction_logits if task == "next_sentence" else output.logits)[0].double().numpy()
    assert best.encoded.input_ids.tolist() == inputs["input_ids"][0].tolist()
    for row, position in enumerate((2, 6)):
        original = int(encoded.input_ids[position])
        by_logit = np.argsort(-logits[position]).tolist()
        assert best.original_ids[row] == original
        assert best.original_tokens[row] == encoded.tokens[position]
        assert best.original_ranks[row] == by_logit.index(original) + 1
        assert best.original_probabilities[row] == pytest.approx(softmax(logits[position])[original], abs=1e-5)
        assert best.candidate_ids[row].tolist() == by_logit[:3]


def test_a_typed_mask_has_no_original_and_a_chosen_position_beside_it_has_one(tiny_model):
    best = gb.fill_mask(tiny_model("bert", "masked_words"), "the [MASK] was tired", positions=[2, 1])
    assert best.positions.tolist() == [1, 2]
    assert best.original_tokens == ("the", "")
    assert best.original_ranks[0] >= 1
    assert best.original_ranks[1] == 0


@pytest.mark.parametrize("top_k", [0, -1, 513])
def test_top_k_outside_the_vocabulary_says_what_is_valid(tiny_model, top_k):
    with pytest.raises(gb.OptionError, match="1 to 512"):
        gb.fill_mask(tiny_model("bert", "masked_words"), MASKED, top_k=top_k)


@pytest.mark.parametrize(
    ("positions", "message"),
    [(None, r"no \[MASK\] in the text"), ([0], r"special token \[CLS\]"), ([99], "tokens 0 to"), ([-1], "tokens 0 to")],
)
def test_what_cannot_be_masked_says_so(tiny_model, positions, message):
    with pytest.raises(gb.TargetError, match=message):
        gb.fill_mask(tiny_model("bert", "masked_words"), "the film", positions=positions)


def test_a_model_without_a_name_for_an_id_still_names_it(tiny_checkpoint, tmp_path):
    """Weights are often padded to a round vocabulary; the extra rows stand for no token."""
    folder = tmp_path / "padded"
    source = tiny_checkpoint("bert", "masked_words")
    network = transformers.BertForMaskedLM.from_pretrained(source)
    network.resize_token_embeddings(520)
    network.cls.predictions.bias.data[515] = 1e4
    network.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    best = gb.fill_mask(gb.load(str(folder), device="cpu"), "the [MASK]", top_k=2)
    assert best.candidates[0][0] == "[id 515]"
    assert best.probabilities[0, 0] == pytest.approx(1)


@pytest.mark.parametrize("texts", [PAIR, ("Is the suitcase too big?", "It stays at home.")])
def test_next_sentence_equals_the_stock_model(tiny_model, stock, texts):
    order = gb.next_sentence(tiny_model("bert", "next_sentence"), *texts)
    logits = stock("bert", "next_sentence")(*texts).seq_relationship_logits[0].numpy()
    np.testing.assert_allclose(order.logits, logits, atol=1e-5)
    np.testing.assert_allclose(order.probabilities, softmax(logits), atol=1e-5)
    assert order.probability == pytest.approx(softmax(logits)[0], abs=1e-5)


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("texts", [(TEXT,), PAIR], ids=["single", "pair"])
def test_classify_equals_the_stock_model(tiny_model, stock, family, texts):
    label = gb.classify(tiny_model(family, "classification"), *texts)
    logits = stock(family, "classification")(*texts).logits[0].numpy()
    np.testing.assert_allclose(label.logits, logits, atol=1e-5)
    np.testing.assert_allclose(label.probabilities, softmax(logits), atol=1e-5)
    assert label.labels == tiny.LABELS["classification"]
    assert label.predicted == logits.argmax()


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_classify_many_equals_one_by_one_in_the_order_given(tiny_model, family):
    model = tiny_model(family, "classification")
    texts = ["a " * 40, "Paris", gb.encode(model, *PAIR), TEXT, "b " * 200, "naïve café", "Paris"]
    together = gb.classify_many(model, texts)
    assert len(together) == len(texts)
    for text, result in zip(texts, together, strict=True):
        alone = gb.classify(model, text)
        assert result.encoded.texts == alone.encoded.texts
        np.testing.assert_allclose(result.logits, alone.logits, atol=1e-5)
        np.testing.assert_allclose(result.probabilities, alone.probabilities, atol=1e-5)


def test_classify_many_splits_more_rows_than_one_pass_holds(tiny_model, monkeypatch):
    from glassbert.network import batches as batching

    model = tiny_model("distilbert", "classification")
    texts = ["the film", "a", "the film was not good", "it is on", "a b c d e f g h i j"]
    whole = gb.classify_many(model, texts)
    monkeypatch.setattr(batching, "_CPU_BYTES", 1)  # a pass a text
    assert len(list(batching.batches(model, [5, 3, 4]))) == 3
    for split, expected in zip(gb.classify_many(model, texts), whole, strict=True):
        np.testing.assert_allclose(split.logits, expected.logits, atol=1e-5)


@pytest.mark.parametrize("texts", [[], "one text", ()])
def test_classify_many_wants_a_list(tiny_model, texts):
    with pytest.raises(gb.TextError if texts else gb.OptionError, match="list"):
        gb.classify_many(tiny_model("bert", "classification"), texts)


@pytest.mark.parametrize(("problem", "labels"), [("multi_label_classification", 3), (None, 1)])
def test_scores_that_do_not_compete_get_a_sigmoid_each(tiny_checkpoint, tmp_path, problem, labels):
    source = tiny_checkpoint("bert", "classification")
    network = transformers.BertForSequenceClassification.from_pretrained(
        source, num_labels=labels, ignore_mismatched_sizes=True, problem_type=problem
    )
    network.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(tmp_path)
    model = gb.load(str(tmp_path), device="cpu")
    label = gb.classify(model, TEXT)
    assert label.multi_label
    np.testing.assert_allclose(label.probabilities, 1 / (1 + np.exp(-label.logits.astype(np.float64))), atol=1e-6)
    score = gb.attribute(model, TEXT, method="saliency", target=0, output="probability")
    assert score.value == pytest.approx(label.probabilities[0], abs=1e-6)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_token_labels_equal_the_stock_model(tiny_model, stock, family):
    result = gb.label_tokens(tiny_model(family, "token_classification"), TEXT)
    logits = stock(family, "token_classification")(TEXT).logits[0].numpy()
    np.testing.assert_allclose(result.logits, logits, atol=1e-5)
    np.testing.assert_allclose(result.probabilities, softmax(logits), atol=1e-5)
    np.testing.assert_array_equal(result.predicted, logits.argmax(axis=-1))
    assert result.labels == tiny.LABELS["token_classification"]


QUESTION = ("Where is the Seine?", "Paris is the capital of France, and the Seine is a river in Paris.")


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("longest", [1, 4, 30])
def test_answers_equal_brute_force_over_all_spans(tiny_model, stock, family, longest):
    result = gb.answer(tiny_model(family, "question_answering"), *QUESTION, top_k=6, max_answer_tokens=longest)
    output = stock(family, "question_answering")(*QUESTION)
    start, end = output.start_logits[0].double().numpy(), output.end_logits[0].double().numpy()
    np.testing.assert_allclose(result.start_logits, start, atol=1e-5)
    np.testing.assert_allclose(result.end_logits, end, atol=1e-5)
    context = np.flatnonzero(result.encoded.sequence_ids == 1)
    p_start, p_end = softmax(start[context]), softmax(end[context])
    spans = {
        (context[i], context[j]): p_start[i] * p_end[j]
        for i, j in itertools.product(range(len(context)), repeat=2)
        if i <= j < i + longest
    }
    best = sorted(spans, key=spans.__getitem__, reverse=True)[:6]
    assert [tuple(span) for span in result.spans.tolist()] == best
    np.testing.assert_allclose(result.span_probabilities, [spans[span] for span in best], atol=1e-5)
    offsets = result.encoded.offsets
    assert result.answers == tuple(QUESTION[1][offsets[i, 0] : offsets[j, 1]] for i, j in best)


def test_a_very_sure_model_still_ranks_its_answers(tiny_checkpoint, tmp_path):
    """Products of its probabilities are zero in float32, their logarithms are not."""
    source = tiny_checkpoint("bert", "question_answering")
    network = transformers.BertForQuestionAnswering.from_pretrained(source)
    network.qa_outputs.weight.data *= 1000
    network.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(tmp_path)
    result = gb.answer(gb.load(str(tmp_path), device="cpu"), *QUESTION, top_k=5, max_answer_tokens=1)
    sums = result.start_logits.astype(float) + result.end_logits
    context = np.flatnonzero(result.encoded.sequence_ids == 1)
    assert result.spans[:, 0].tolist() == sorted(context, key=lambda token: -sums[token])[:5]


def test_answers_are_never_more_than_there_are_spans(tiny_model):
    result = gb.answer(tiny_model("bert", "question_answering"), "who", "on it", top_k=99)
    assert len(result.answers) == 3  # on, it, on it
    assert set(result.answers) == {"on", "it", "on it"}


@pytest.mark.parametrize("options", [{"top_k": 0}, {"max_answer_tokens": 0}])
def test_answer_options_out_of_range(tiny_model, options):
    with pytest.raises(gb.OptionError, match="at least 1"):
        gb.answer(tiny_model("bert", "question_answering"), *QUESTION, **options)


VIEWS = {
    "masked words": ("masked_words", lambda model: gb.fill_mask(model, MASKED)),
    "next sentence": ("next_sentence", lambda model: gb.next_sentence(model, *PAIR)),
    "text classification": ("classification", lambda model: gb.classify(model, TEXT)),
    "text classification, many": ("classification", lambda model: gb.classify_many(model, [TEXT])),
    "token classification": ("token_classification", lambda model: gb.label_tokens(model, TEXT)),
    "question answering": ("question_answering", lambda model: gb.answer(model, *QUESTION)),
}


HEADS = {task: {task} for task in tiny.TASKS} | {"next_sentence": {"masked_words", "next_sentence"}, "encoder": set()}
LACKING = [(view, task) for view, (head, _) in VIEWS.items() for task in tiny.TASKS if head not in HEADS[task]]


@pytest.mark.parametrize(("view", "task"), LACKING)
def test_a_view_without_its_head_in_the_weights_says_so(tiny_model, view, task):
    with pytest.raises(gb.TaskHeadError) as error:
        VIEWS[view][1](tiny_model("bert", task))
    assert f"no trained head for {view.partition(',')[0]}" in str(error.value)
    assert ("none, only the encoder" in str(error.value)) == (task == "encoder")


def test_a_list_of_texts_gives_what_the_many_sibling_gives(tiny_model):
    model = tiny_model("bert", "classification")
    texts = ["The film was good.", ("The man went home.", "He was tired."), "A film."]
    expected = [gb.classify(model, texts[0]), gb.classify(model, *texts[1]), gb.classify(model, texts[2])]
    for found in (gb.classify(model, texts), gb.classify_many(model, texts)):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one.logits, other.logits, atol=1e-5)
            assert one.encoded.texts == other.encoded.texts
    scores = gb.attribute(model, texts, method="saliency")
    for one, text in zip(scores, texts, strict=True):
        alone = gb.attribute(model, *((text,) if isinstance(text, str) else text), method="saliency")
        np.testing.assert_allclose(one.scores, alone.scores, atol=1e-5)
    with pytest.raises(gb.OptionError, match="pairs as tuples"):
        gb.classify(model, texts, "He was tired.")
    with pytest.raises(gb.EmptyTextError, match="text 2 of 2: "):
        gb.attribute(model, ["A film.", " "], method="saliency")
