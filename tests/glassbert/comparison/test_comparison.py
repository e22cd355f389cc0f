"""Two models or two texts: nothing moves against oneself, signs turn with the sides, and numbers against formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

import glassbert as gb
from glassbert.comparison import (
    compare_attention,
    compare_attributions,
    compare_hidden_states,
    compare_masked_words,
    compare_predictions,
    largest_changes,
    sides_of_models,
    sides_of_texts,
)
from glassbert.comparison._sides import divergence_bits
from glassbert.comparison.both import PARTS
from glassbert.comparison.states import linear_cka
from tests import tiny

TEXT = "The naïve doctor said that it was not good."
MASKED, OTHER = "The [MASK] was good at home.", "The old [MASK] was not great."
PAIR = ("The man went home.", "He was tired.")


def rng(seed=0):
    return np.random.default_rng(seed)


class TestAgainstItself:
    """A model, or a text, compared with itself: zeros, cosine 1, CKA 1 on the diagonal, and no change to name."""

    @pytest.mark.parametrize("family", tiny.FAMILIES)
    def test_a_classifier(self, tiny_model, family):
        model = tiny_model(family, "classification")
        found = gb.compare_models(model, model, TEXT, method="input_x_gradient")
        assert np.abs(found.predictions.differences).max() == 0
        assert found.predictions.divergence == 0
        assert np.abs(found.attention.values).max() == 0
        assert found.attention.divergence.max() == 0
        np.testing.assert_allclose(found.hidden.cosine, 1, atol=1e-6)
        np.testing.assert_allclose(found.hidden.cka.diagonal(), 1, atol=1e-6)
        assert np.abs(found.attribution.differences).max() == 0
        assert found.changes.parts == ()
        assert found.frame().empty
        assert set(found.reasons) == {"masked_words"}

    @pytest.mark.parametrize("family", ["bert", "roberta", "albert"])
    def test_masked_words(self, tiny_model, family):
        model = tiny_model(family, "masked_words")
        found = gb.compare_texts(model, MASKED, MASKED, method="saliency")
        assert found.masked_words.divergence.tolist() == [0]
        assert found.masked_words.first_choices == found.masked_words.second_choices
        assert found.changes.parts == ()

    def test_next_sentence(self, tiny_model):
        model = tiny_model("bert", "next_sentence")
        found = gb.compare_models(model, model, *PAIR, parts=["predictions"])
        assert found.predictions.head == "next_sentence"
        np.testing.assert_array_equal(
            found.predictions.first_probabilities, gb.next_sentence(model, *PAIR).probabilities
        )
        assert found.predictions.divergence == 0


@pytest.fixture(scope="module")
def both(tiny_model):
    """Two texts, and the same two with their sides turned."""
    model = tiny_model("distilbert", "classification")
    texts = ("The man was not good.", "A great man was good, not old.")
    there, back = (
        gb.compare_texts(model, *sides, method="input_x_gradient", target=1) for sides in (texts, texts[::-1])
    )
    return there, back


class TestSidesTurned:
    """Differences change their sign, divergences and similarities do not."""

    def test_alignment(self, both):
        there, back = both
        turned = {"inserted": "deleted", "deleted": "inserted"}
        assert [turned.get(kind, kind) for kind in there.alignment.kinds] == list(back.alignment.kinds)

    def test_predictions(self, both):
        there, back = both
        np.testing.assert_array_equal(there.predictions.differences, -back.predictions.differences)
        assert there.predictions.divergence == pytest.approx(back.predictions.divergence, abs=1e-12)
        assert there.predictions.decisions == back.predictions.decisions[::-1]

    def test_attention(self, both):
        there, back = both
        np.testing.assert_array_equal(there.attention.values, -back.attention.values)
        np.testing.assert_allclose(there.attention.divergence, back.attention.divergence, atol=1e-7)
        assert there.attention.divergence.min() >= 0
        assert 0.01 < there.attention.divergence.max() <= 1

    def test_hidden(self, both):
        there, back = both
        np.testing.assert_allclose(there.hidden.cosine, back.hidden.cosine, atol=1e-6)
        np.testing.assert_allclose(there.hidden.cka, back.hidden.cka.T, atol=1e-6)

    def test_attribution(self, both):
        there, back = both
        np.testing.assert_allclose(there.attribution.differences, -back.attribution.differences, atol=1e-6)
        assert there.attribution.first_value == pytest.approx(back.attribution.second_value, abs=1e-6)


class TestNumbers:
    def test_divergence_is_scipys_squared(self):
        p, q = rng().dirichlet(np.ones(9), size=(2, 5))
        np.testing.assert_allclose(divergence_bits(p, q), jensenshannon(p, q, base=2, axis=-1) ** 2, atol=1e-12)
        assert divergence_bits(np.eye(3), np.eye(3)[[1, 2, 0]]).tolist() == [1, 1, 1]
        assert divergence_bits(np.eye(3), np.eye(3)).tolist() == [0, 0, 0]

    def test_cka_is_the_formula_of_the_paper(self):
        """‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖), features against features, where the library goes through the rows."""
        x, y = rng(1).normal(size=(2, 7, 3)), rng(2).normal(size=(4, 7, 5))
        x[1] += 10  # centring takes it away
        expected = np.empty((2, 4))
        for i, a in enumerate(x - x.mean(axis=1, keepdims=True)):
            for j, b in enumerate(y - y.mean(axis=1, keepdims=True)):
                norms = [np.linalg.norm(m) for m in (b.T @ a, a.T @ a, b.T @ b)]
                expected[i, j] = norms[0] ** 2 / (norms[1] * norms[2])
        np.testing.assert_allclose(linear_cka(x, y), expected, atol=1e-12)

    def test_cka_does_not_see_rotation_scale_or_shift_but_does_see_stretching(self):
        x = rng(3).normal(size=(1, 8, 4))
        turn = np.linalg.qr(rng(4).normal(size=(4, 4)))[0]
        assert linear_cka(x, 3 * x @ turn + 5)[0, 0] == pytest.approx(1, abs=1e-12)
        assert linear_cka(x, x * [10, 1, 1, 1])[0, 0] < 0.95

    def test_predictions_are_those_of_classify(self, tiny_model):
        first, second = tiny_model("bert", "classification"), tiny_model("roberta", "classification")
        found = gb.compare_models(first, second, TEXT, parts=["predictions"]).predictions
        p, q = (gb.classify(model, TEXT).probabilities for model in (first, second))
        np.testing.assert_array_equal(found.first_probabilities, p)
        np.testing.assert_array_equal(found.differences, q - p)
        assert found.divergence == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-6)
        assert found.frame()["difference"].sum() == pytest.approx(0, abs=1e-6)

    def test_attention_of_two_readings_of_a_text(self, tiny_model):
        """Without gaps every word is there twice: by_word() of each, and rows of differences sum to 0."""
        first, second = tiny_model("bert", "encoder"), tiny_model("bert", "encoder", seed=1)
        found = compare_attention(sides_of_models(first, second, TEXT))
        one, other = (gb.attention(model, TEXT).by_word().values for model in (first, second))
        np.testing.assert_allclose(found.values, other - one, atol=1e-6)
        np.testing.assert_allclose(found.values.sum(axis=-1), 0, atol=1e-5)
        expected = jensenshannon(one, other, base=2, axis=-1) ** 2
        np.testing.assert_allclose(found.divergence, expected.mean(axis=-1), atol=1e-5)

    def test_attention_leaves_out_the_words_that_one_side_lacks(self, tiny_model):
        model = tiny_model("electra", "encoder")
        first, second = "The man was good.", "The old man was good."
        found = compare_attention(sides_of_texts(model, first, second))
        assert found.rows.tolist() == [0, 1, 3, 4, 5, 6, 7]  # "old" is row 2
        one, other = (gb.attention(model, text).by_word().values for text in (first, second))
        kept = [0, 1, 3, 4, 5, 6, 7]
        part = other[..., kept, :][..., kept]
        np.testing.assert_allclose(found.values, part - one, atol=1e-6)
        expected = jensenshannon(one, part, base=2, axis=-1) ** 2  # scipy rescales what is left
        np.testing.assert_allclose(found.divergence, expected.mean(axis=-1), atol=1e-5)

    def test_cosines_of_words_that_are_cut_into_pieces(self, tiny_model, stock):
        first, second = tiny_model("bert", "encoder"), tiny_model("bert", "encoder", seed=1)
        found = compare_hidden_states(sides_of_models(first, second, "unbelievable doctor"))
        assert found.cosine.shape == (3, 4)
        states = [
            stock("bert", "encoder", **seed)("unbelievable doctor", output_hidden_states=True).hidden_states
            for seed in ({}, {"seed": 1})
        ]
        start, stop = found.alignment.first_spans[1]
        assert stop - start > 1
        for layer in range(3):
            a, b = (one[layer][0, start:stop].mean(dim=0).double().numpy() for one in states)
            assert found.cosine[layer, 1] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=1e-5)

    def test_masked_words_are_those_of_fill_mask(self, tiny_model):
        first, second = tiny_model("bert", "masked_words"), tiny_model("bert", "masked_words", seed=1)
        sides = sides_of_models(first, second, "unbelievable doctor")
        found = compare_masked_words(sides, [2, 1])
        assert found.rows.tolist() == [2, 1]
        start, stop = sides.alignment.first_spans[1].tolist()
        for number, masked in enumerate(([stop], range(start, stop))):
            p, q = np.zeros((2, 512))
            for model, vector, names, values in (
                (first, p, found.first_choices, found.first_probabilities),
                (second, q, found.second_choices, found.second_probabilities),
            ):
                best = gb.fill_mask(model, "unbelievable doctor", positions=masked, top_k=512)
                vector[best.candidate_ids[0]] = best.probabilities[0]
                assert names[number] == best.candidates[0][0]
                assert values[number] == pytest.approx(float(best.probabilities[0, 0]), abs=1e-5)
            assert found.divergence[number] == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-5)

    def test_a_mask_in_two_texts(self, tiny_model):
        model = tiny_model("roberta", "masked_words")
        found = gb.compare_texts(model, MASKED, OTHER, parts=["masked_words"]).masked_words
        assert [found.alignment.labels[row] for row in found.rows] == ["<mask>"]
        best = [gb.fill_mask(model, text, top_k=1) for text in (MASKED, OTHER)]
        assert (*found.first_choices, *found.second_choices) == tuple(one.candidates[0][0] for one in best)

    def test_scores_of_words_add_up_and_a_gap_counts_nothing(self, tiny_model):
        model = tiny_model("bert", "classification")
        texts = ("The unbelievable man.", "The good old man.")
        found = gb.compare_texts(model, *texts, parts=["attribution"], method="input_x_gradient", target=2).attribution
        one, other = (gb.attribute(model, text, method="input_x_gradient", target=2) for text in texts)
        assert found.first_scores.sum() == pytest.approx(one.scores.sum(), abs=1e-5)
        assert found.differences.sum() == pytest.approx(other.scores.sum() - one.scores.sum(), abs=1e-4)
        gaps = [kind == "inserted" for kind in found.alignment.kinds]
        assert sum(gaps) == 1
        assert found.first_scores[gaps].tolist() == [0]
        assert (found.first_value, found.second_value) == (pytest.approx(one.value), pytest.approx(other.value))


class TestTargets:
    """The second side is asked about the same thing."""

    def test_the_first_side_settles_what_is_left_open(self, tiny_model):
        first, second = tiny_model("bert", "classification"), tiny_model("albert", "classification")
        sides = sides_of_models(first, second, TEXT)
        found = compare_attributions(sides, method="saliency")
        label = gb.classify(first, TEXT).predicted
        assert found.target == gb.ClassTarget(label)
        assert found.second_value == pytest.approx(float(gb.classify(second, TEXT).logits[label]), abs=1e-4)

    def test_a_masked_word_is_asked_about_where_its_mask_faces(self, tiny_model):
        model = tiny_model("bert", "masked_words")
        target = gb.MaskTarget(2, "he", "a")
        found = compare_attributions(sides_of_texts(model, MASKED, OTHER), method="saliency", target=target)
        mask = gb.encode(model, OTHER).tokens.index("[MASK]")
        alone = gb.attribute(model, OTHER, method="saliency", target=gb.MaskTarget(mask, "he", "a"))
        assert found.target_label == "he rather than a"
        assert found.second_value == pytest.approx(alone.value, abs=1e-5)
        np.testing.assert_allclose(found.second_scores.sum(), alone.scores.sum(), rtol=1e-5)

    def test_a_masked_word_in_another_vocabulary(self, tiny_model):
        first, second = tiny_model("roberta", "masked_words"), tiny_model("bert", "masked_words")
        position = gb.encode(first, MASKED).tokens.index("<mask>")
        sides = sides_of_models(first, second, MASKED)
        found = compare_attributions(sides, method="saliency", target=gb.MaskTarget(position, "man"))
        mask = gb.encode(second, MASKED).tokens.index("[MASK]")
        alone = gb.attribute(second, MASKED, method="saliency", target=gb.MaskTarget(mask, "man"))
        assert found.second_value == pytest.approx(alone.value, abs=1e-5)

    def test_a_token_s_label_and_the_edge_of_an_answer(self, tiny_model):
        tagger = tiny_model("bert", "token_classification")
        other = gb.encode(tagger, "The old man was good.")
        sides = sides_of_texts(tagger, "The man was good.", other)
        found = compare_attributions(sides, method="saliency", target=gb.TokenTarget(2, "B-PER"))
        man = gb.TokenTarget(other.tokens.index("man"), "B-PER")
        alone = gb.attribute(tagger, other, method="saliency", target=man)
        assert found.second_value == pytest.approx(alone.value, abs=1e-5)
        reader = tiny_model("bert", "question_answering")
        first, second = gb.encode(reader, "Is he?", "He was tired."), gb.encode(reader, "Is he old?", "He was tired.")
        there, facing = (gb.AnswerTarget("end", one.tokens.index("was")) for one in (first, second))
        assert there != facing
        found = compare_attributions(sides_of_texts(reader, first, second), method="saliency", target=there)
        alone = gb.attribute(reader, second, method="saliency", target=facing)
        assert found.second_value == pytest.approx(alone.value, abs=1e-5)


class TestWhatCannotBeCompared:
    def test_parts_without_an_answer_say_why(self, tiny_model):
        found = gb.compare_models(tiny_model("bert", "masked_words"), tiny_model("roberta", "classification"), TEXT)
        assert (found.predictions, found.masked_words, found.attribution) == (None, None, None)
        assert "no trained head for text classification" in found.reasons["predictions"]
        assert "no trained head for masked words" in found.reasons["masked_words"]
        assert "nothing to explain yet" in found.reasons["attribution"]
        assert found.attention is not None
        assert found.hidden is not None
        assert set(found.changes.parts) == {"head", "attention", "hidden", "layer"}

    def test_other_shapes(self, tiny_model):
        sides = sides_of_models(
            tiny_model("bert", "encoder"), tiny_model("bert", "encoder", layers=3, hidden=16, heads=2), TEXT
        )
        with pytest.raises(gb.ComparisonError, match=r"2 layers of 4 heads and .* 3 layers of 2 heads"):
            compare_attention(sides)
        found = compare_hidden_states(sides)
        assert found.cka.shape == (3, 4)
        assert found.cosine.shape == (0,)
        assert "hidden size is 32" in found.reason
        assert "16" in found.reason
        assert len(found.frame()) == 12
        deeper = sides_of_models(tiny_model("bert", "encoder"), tiny_model("bert", "encoder", layers=3), TEXT)
        assert "2 layers and" in compare_hidden_states(deeper).reason

    def test_other_vocabularies_and_no_mask(self, tiny_model):
        first, second = tiny_model("bert", "masked_words"), tiny_model("roberta", "masked_words")
        with pytest.raises(gb.ComparisonError, match="different vocabularies"):
            compare_masked_words(sides_of_models(first, second, MASKED))
        with pytest.raises(gb.ComparisonError, match=r"no \[MASK\] is at the same place"):
            compare_masked_words(sides_of_texts(first, MASKED, TEXT))
        sides = sides_of_texts(first, "The man.", "The old man.")
        for row in (0, 2, 99):  # special, only in one, none
            with pytest.raises(gb.OptionError, match=r"must be one of \[1, 3, 4\]"):
                compare_masked_words(sides, [row])
        with pytest.raises(gb.OptionError, match="at least one"):
            compare_masked_words(sides, [])

    def test_single_texts_have_no_next_sentence(self, tiny_model):
        model = tiny_model("bert", "next_sentence")
        sides = sides_of_texts(model, "The man.", gb.encode(model, *PAIR))
        with pytest.raises(gb.ComparisonError, match="two texts on both sides"):
            compare_predictions(sides)

    def test_a_target_without_a_counterpart(self, tiny_model):
        model = tiny_model("bert", "masked_words")
        sides = sides_of_texts(model, "The old man.", "The man.")
        with pytest.raises(gb.ComparisonError, match="'old', has no counterpart"):
            compare_attributions(sides, target=gb.MaskTarget(2, "he"))
        classifier = tiny_model("bert", "classification")
        sides = sides_of_models(model, classifier, MASKED)
        with pytest.raises(
            gb.ComparisonError, match=r"the target on the first side is 'he', but .* no trained head for masked words"
        ):
            compare_attributions(sides, target=gb.MaskTarget(2, "he"))

    def test_other_classes(self, tiny_model):
        model = tiny_model("bert", "classification")
        other = replace(model, labels=("NO", "MAYBE", "YES"))
        sides = sides_of_models(model, other, TEXT)
        with pytest.raises(gb.ComparisonError, match=r"NEGATIVE, NEUTRAL, POSITIVE, .* has NO, MAYBE, YES"):
            compare_predictions(sides)
        with pytest.raises(gb.ComparisonError, match="no class 'POSITIVE'; its classes are NO, MAYBE, YES"):
            compare_attributions(sides, target="POSITIVE")

    def test_options(self, tiny_model):
        model = tiny_model("bert", "classification")
        with pytest.raises(gb.OptionError, match=", ".join(PARTS)):
            gb.compare_models(model, model, TEXT, parts=["weather"])
        with pytest.raises(gb.MethodError):
            gb.compare_models(model, model, TEXT, method="weather")
        with pytest.raises(gb.EmptyTextError):
            gb.compare_texts(model, TEXT, " ")
        with pytest.raises(gb.OptionError, match="at least 1"):
            largest_changes(gb.text.alignment.align_words(*[gb.encode(model, TEXT)] * 2), count=0)


class TestLargestChanges:
    def test_they_are_the_largest_of_each_part_in_order(self, tiny_model):
        model = tiny_model("bert", "classification")
        found = gb.compare_texts(model, "The man was good.", "The old man was not great.", method="saliency")
        frame = largest_changes(
            found.alignment, found.predictions, None, found.attention, found.hidden, found.attribution, count=3
        ).frame()
        parts = ["prediction", "head", "attention", "hidden", "layer", "attribution"]
        assert frame["part"].tolist() == [part for part in parts for _ in range(3)]
        for part, sizes in {
            "prediction": found.predictions.differences,
            "head": found.attention.divergence,
            "attention": found.attention.values,
            "hidden": 1 - found.hidden.cosine,
            "layer": 1 - found.hidden.cka.diagonal(),
            "attribution": found.attribution.differences,
        }.items():
            named = frame[frame["part"] == part]["size"].abs().tolist()
            assert named == sorted(np.abs(sizes).ravel().tolist(), reverse=True)[:3]

    def test_they_say_where(self, tiny_model):
        model = tiny_model("bert", "classification")
        found = gb.compare_texts(model, "The man was good.", "The old man was not great.", method="saliency")
        labels, rows = found.alignment.labels, found.attention.rows.tolist()
        for change in found.changes.frame().itertuples():
            match change.part:
                case "prediction":
                    size = found.predictions.differences[found.predictions.labels.index(change.label)]
                case "head":
                    size = found.attention.divergence[change.layer, change.head]
                case "attention":
                    place = [rows.index(labels.index(word)) for word in (change.word, change.key_word)]
                    size = found.attention.values[change.layer, change.head, place[0], place[1]]
                case "hidden":
                    size = 1 - found.hidden.cosine[change.layer, rows.index(labels.index(change.word))]
                case "layer":
                    size = 1 - found.hidden.cka[change.layer, change.layer]
                case "attribution":
                    size = found.attribution.differences[labels.index(change.word)]
            assert change.size == size

    def test_masked_words_are_named_too(self, tiny_model):
        model = tiny_model("bert", "masked_words")
        sides = sides_of_texts(model, "The old man was good.", "The old man was not great.")
        part = compare_masked_words(sides, [1, 2, 3])
        frame = largest_changes(sides.alignment, part, count=2).frame()
        best = np.argsort(-part.divergence)[:2]
        assert frame["word"].tolist() == [sides.alignment.labels[part.rows[row]] for row in best]
        assert frame["size"].tolist() == part.divergence[best].tolist()


def test_what_fine_tuning_changed(pretrained, sentiment):
    """The embedded pair: the sentiment model began as the pre-trained one, so low layers moved least."""
    found = gb.compare_models(pretrained, sentiment, "It was not a good film at all.", parts=["attention", "hidden"])
    assert found.alignment.first.tokens == found.alignment.second.tokens
    by_layer = found.hidden.cosine.mean(axis=1)
    assert by_layer[0] > 0.99
    assert by_layer.argmin() == 6
    assert found.attention.divergence[0].mean() < 0.2 * found.attention.divergence[3].mean()
