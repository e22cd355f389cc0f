"""The cosine against transformers alone, its matrix against explicit Jacobians, and the identities of both."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

import glassbert as gb

#: A Jacobian has as many rows as a state has dimensions.
SMALL = {"layers": 1, "hidden": 16, "heads": 2}
A, B, C = "The man was good.", "The film was good, he said.", "He went home."


@pytest.fixture(scope="module")
def encoder(tiny_model):
    return tiny_model("bert", "encoder", **SMALL)


@pytest.fixture(scope="module")
def alone(tiny_checkpoint):
    """(tokenizer, network) of the same files."""
    folder = tiny_checkpoint("bert", "encoder", **SMALL)
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def embedding(alone, text, pooling="mean"):
    tokenizer, network = alone
    with torch.no_grad():
        states = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    return normalize(states.mean(0) if pooling == "mean" else states[0], dim=0)


class TestScore:
    @pytest.mark.parametrize("pooling", ["mean", "cls"])
    def test_it_is_the_cosine_of_the_pooled_states(self, encoder, alone, pooling):
        expected = float(embedding(alone, A, pooling) @ embedding(alone, B, pooling))
        assert gb.similarity(encoder, A, B, pooling=pooling, matrix=False).score == pytest.approx(expected, abs=1e-6)

    def test_padding_is_not_pooled(self, encoder, alone):
        found = gb.rank_similar(encoder, A, [C, B, f"{B} {B} {B}"], pooling="mean")
        expected = [float(embedding(alone, A) @ embedding(alone, text)) for text in found.texts]
        np.testing.assert_allclose(found.scores, expected, atol=1e-6)
        assert found.order.tolist() == np.argsort(-np.array(expected)).tolist()
        assert found.frame()["text"].tolist() == [found.texts[index] for index in found.order]

    def test_equal_texts_are_ranked_in_their_order(self, encoder):
        found = gb.rank_similar(encoder, A, [C, A, A], pooling="mean")
        assert found.order.tolist() == [1, 2, 0]
        np.testing.assert_allclose(found.scores[1:], 1, atol=1e-6)


def explicit(alone, text, reference, nodes=40):
    """(token, hidden): the integrated Jacobian, cell by cell from the full one, by another quadrature."""
    tokenizer, network = alone
    inputs = tokenizer(text, return_tensors="pt")
    table = network.get_input_embeddings().weight.detach()
    there = table[inputs.input_ids[0]]
    special = tokenizer.get_special_tokens_mask(inputs.input_ids[0].tolist(), already_has_special_tokens=True)
    start = torch.where(torch.tensor(special, dtype=torch.bool)[:, None], there, reference(table, tokenizer))

    def embed(words):
        states = network(
            inputs_embeds=words[None],
            attention_mask=inputs.attention_mask,
            token_type_ids=inputs.token_type_ids,
        ).last_hidden_state[0]
        return normalize(states.mean(0), dim=0)

    places, weights = np.polynomial.legendre.leggauss(nodes)
    total = torch.zeros(len(there), there.shape[1], dtype=torch.float64)
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        jacobian = torch.autograd.functional.jacobian(embed, start + float(place) * (there - start))
        total += weight * torch.einsum("hti,ti->th", jacobian.double(), (there - start).double())
    with torch.no_grad():
        return total.numpy(), embed(there).numpy(), embed(start).numpy()


REFERENCES = {
    "pad": lambda table, tokenizer: table[tokenizer.pad_token_id],
    "mask": lambda table, tokenizer: table[tokenizer.mask_token_id],
    "zero": lambda table, tokenizer: torch.zeros_like(table[0]),
}


class TestMatrix:
    @pytest.mark.parametrize("reference", ["pad", "zero"])
    def test_it_is_the_product_of_integrated_jacobians(self, encoder, alone, reference):
        found = gb.similarity(encoder, A, B, pooling="mean", reference=reference, tolerance=0.005)
        (v, a, r), (w, b, s) = (explicit(alone, text, REFERENCES[reference]) for text in (A, B))
        np.testing.assert_allclose(found.matrix, v @ w.T, atol=0.03 * np.abs(v @ w.T).max())
        np.testing.assert_allclose(found.reference_terms, [a @ s, r @ b, r @ s], atol=1e-5)

    def test_it_sums_to_the_cosine_less_the_reference_terms(self, encoder):
        found = gb.similarity(encoder, A, B, pooling="mean", reference="mask", tolerance=0.01)
        to_reference, from_reference, references = found.reference_terms
        expected = found.score - to_reference - from_reference + references
        assert found.explained == pytest.approx(expected)
        # each embedding's change is off by at most 1% of itself, and no change is longer than 2
        assert abs(found.matrix.sum() - expected) <= 0.01 * 2 * 2 * 2
        assert found.delta == pytest.approx(float(found.matrix.sum()) - expected, abs=1e-6)
        np.testing.assert_allclose(found.first_tokens, found.matrix.sum(axis=1))
        np.testing.assert_allclose(found.second_tokens, found.matrix.sum(axis=0))

    def test_swapping_the_texts_transposes_it(self, encoder):
        one, other = (
            gb.similarity(encoder, *texts, pooling="mean", reference="pad", tolerance=0.1) for texts in ((A, B), (B, A))
        )
        np.testing.assert_allclose(one.matrix, other.matrix.T, atol=1e-6)
        np.testing.assert_allclose(one.states, other.states.T, atol=1e-6)
        assert one.reference_terms == pytest.approx(
            [other.reference_terms[1], other.reference_terms[0], one.reference_terms[2]]
        )

    def test_a_text_with_itself_is_symmetric(self, encoder):
        found = gb.similarity(encoder, A, A, pooling="mean", reference="pad", tolerance=0.1)
        assert found.score == pytest.approx(1)
        np.testing.assert_allclose(found.matrix, found.matrix.T, atol=1e-6)

    def test_special_tokens_do_not_move(self, encoder):
        found = gb.similarity(encoder, A, B, pooling="mean", reference="pad", tolerance=0.1)
        assert (found.matrix[[0, -1]] == 0).all()
        assert (found.matrix[:, [0, -1]] == 0).all()
        row, column, value = found.pairs(1)[0]
        assert abs(value) == pytest.approx(np.abs(found.matrix).max())
        assert found.matrix[row, column] == pytest.approx(value)

    @pytest.mark.smoke
    def test_auto_takes_the_reference_that_is_least_like_the_texts(self, encoder):
        def apart(reference):
            terms = gb.similarity(encoder, A, B, pooling="mean", reference=reference, tolerance=0.5).reference_terms
            return abs(terms[0]) + abs(terms[1])

        best = min(("pad", "mask", "zero"), key=apart)
        assert gb.similarity(encoder, A, B, pooling="mean", tolerance=0.5).reference == best

    def test_it_can_be_stopped_and_tells_how_far_it_is(self, encoder):
        seen = []
        gb.similarity(encoder, A, B, pooling="mean", tolerance=0.5, progress=lambda *counts: seen.append(counts))
        assert all(done <= expected for done, expected in seen)
        assert seen[-1][0] == seen[-1][1]
        with pytest.raises(gb.StoppedError):
            gb.similarity(encoder, A, B, pooling="mean", cancelled=lambda: len(seen) > 0)


class TestTarget:
    """One text's own tokens, by the methods that explain every other decision."""

    def test_f_is_the_cosine(self, encoder):
        found = gb.attribute(encoder, A, target=gb.SimilarityTarget(B, pooling="mean"), method="input_x_gradient")
        assert found.value == pytest.approx(gb.similarity(encoder, A, B, pooling="mean", matrix=False).score, abs=1e-6)
        assert found.target == gb.SimilarityTarget(B, pooling="mean")

    def test_with_a_foil_it_is_the_difference_of_two_cosines(self, encoder):
        near, far = (gb.similarity(encoder, A, text, pooling="mean", matrix=False).score for text in (B, C))
        target = gb.SimilarityTarget(B, C, "mean")
        found = gb.attribute(encoder, A, target=target, method="occlusion")
        assert found.value == pytest.approx(near - far, abs=1e-6)
        alone = [
            gb.attribute(encoder, A, target=gb.SimilarityTarget(text, pooling="mean"), method="occlusion").scores
            for text in (B, C)
        ]
        np.testing.assert_allclose(found.scores, alone[0] - alone[1], atol=1e-5)

    @pytest.mark.parametrize("pooling", ["mean", "cls"])
    def test_leaving_a_word_out_is_embedding_the_text_without_it(self, encoder, alone, pooling):
        target = gb.SimilarityTarget(B, pooling=pooling)
        found = gb.attribute(encoder, "he went home", target=target, method="leave_one_out")
        other = embedding(alone, B, pooling)
        whole = float(embedding(alone, "he went home", pooling) @ other)
        assert found.scores[1] == pytest.approx(whole - float(embedding(alone, "went home", pooling) @ other), abs=1e-5)

    def test_gradients_are_those_of_the_cosine(self, encoder, alone):
        tokenizer, network = alone
        inputs = tokenizer(A, return_tensors="pt")
        words = network.get_input_embeddings().weight.detach()[inputs.input_ids].requires_grad_()
        states = network(
            inputs_embeds=words, attention_mask=inputs.attention_mask, token_type_ids=inputs.token_type_ids
        ).last_hidden_state[0]
        (gradient,) = torch.autograd.grad(normalize(states.mean(0), dim=0) @ embedding(alone, B), words)
        found = gb.attribute(encoder, A, target=gb.SimilarityTarget(B, pooling="mean"), method="input_x_gradient")
        np.testing.assert_allclose(found.scores, (gradient * words).sum(-1)[0].detach(), atol=1e-5)

    @pytest.mark.parametrize("pooling", ["mean", "cls"])
    def test_attn_lrp_conserves_the_cosine(self, encoder, pooling):
        found = gb.attribute(encoder, A, target=gb.SimilarityTarget(B, pooling=pooling), method="attn_lrp")
        assert found.scores.sum() + sum(found.options["unattributed"].values()) == pytest.approx(found.value, abs=1e-4)

    def test_integrated_gradients_complete(self, encoder):
        found = gb.attribute(encoder, A, target=gb.SimilarityTarget(B, pooling="mean"), tolerance=0.01)
        assert abs(found.delta) <= 0.01 * max(abs(found.value - found.baseline_value), 1e-3) + 1e-6

    def test_receipts_leave_words_out(self, encoder):
        target = gb.SimilarityTarget(B, pooling="mean")
        found = gb.receipt(encoder, gb.attribute(encoder, A, target=target, method="occlusion"))
        assert "probability" not in repr(found.line("comprehensiveness"))

    def test_what_has_no_rule_says_so(self, encoder):
        target = gb.SimilarityTarget(B, pooling="mean")
        with pytest.raises(gb.OptionError, match="probability"):
            gb.attribute(encoder, A, target=target, output="probability")
        with pytest.raises(gb.TargetError, match="second text"):
            gb.attribute(encoder, A, B, target=target)
        with pytest.raises(gb.TargetError, match="different"):
            gb.attribute(encoder, A, target=gb.SimilarityTarget(B, B, "mean"))
        with pytest.raises(gb.TargetError, match="edited"):
            gb.find_flip(encoder, A, target=target)


class TestPooling:
    def build(self, source, folder, modules, pooling):
        shutil.copytree(source, folder)
        (folder / "modules.json").write_text(json.dumps(modules))
        if pooling is not None:
            (folder / "1_Pooling").mkdir()
            (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
        return gb.load(folder, device="cpu")

    STEPS = (
        {"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
    )

    @pytest.mark.parametrize(
        ("config", "pooling"),
        [
            ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
            ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
            ({"pooling_mode_mean_sqrt_len_tokens": True}, "mean"),
            ({"pooling_mode": "cls"}, "cls"),
        ],
    )
    def test_it_is_read_off_the_files(self, tiny_checkpoint, tmp_path, config, pooling):
        model = self.build(tiny_checkpoint("bert", "encoder"), tmp_path / "own", self.STEPS, config)
        assert gb.similarity(model, A, B, matrix=False).pooling == pooling

    @pytest.mark.parametrize(
        ("steps", "config", "reason"),
        [
            (STEPS, {"pooling_mode_max_tokens": True}, "max_tokens"),
            (STEPS, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls_token, mean_tokens"),
            ((*STEPS, {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}), {}, "Dense"),
            (STEPS, None, "names no pooling step"),
            (({"type": "Pooling", "path": "../elsewhere"},), None, "does not list"),
            ("nonsense", None, "does not list"),
        ],
    )
    def test_what_cannot_be_run_is_named_and_a_choice_is_offered(
        self, tiny_checkpoint, tmp_path, steps, config, reason
    ):
        model = self.build(tiny_checkpoint("bert", "encoder"), tmp_path / "own", steps, config)
        with pytest.raises(gb.OptionError, match=reason):
            gb.similarity(model, A, B)
        assert gb.similarity(model, A, B, pooling="mean", matrix=False).pooling == "mean"

    def test_a_model_without_these_files_needs_a_choice(self, encoder):
        with pytest.raises(gb.OptionError, match=r"modules\.json.*pooling="):
            gb.similarity(encoder, A, B)

    def test_the_encoder_on_board_pools_by_the_mean(self):
        assert gb.load("similarity").checkpoint.pooling == "mean"

    def test_a_cross_encoder_has_no_embeddings(self, tiny_checkpoint, tmp_path):
        folder = shutil.copytree(tiny_checkpoint("bert", "encoder"), tmp_path / "cross")
        config = json.loads((folder / "config.json").read_text())
        from transformers import BertConfig, BertForSequenceClassification

        network = BertForSequenceClassification(BertConfig(**config | {"num_labels": 1}))
        network.save_pretrained(folder)
        with pytest.raises(gb.TaskHeadError, match=r"attribute\(model, text, pair\)"):
            gb.similarity(gb.load(folder), A, B)


@pytest.mark.parametrize("texts", [[], "one text", ["x"] * 1001])
def test_a_ranking_needs_a_list_of_texts(encoder, texts):
    with pytest.raises(gb.OptionError, match="texts"):
        gb.rank_similar(encoder, A, texts, pooling="mean")
