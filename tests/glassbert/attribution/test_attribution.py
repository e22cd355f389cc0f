"""Attributions equal Captum used directly, torch.autograd used directly, and formulas written out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, LayerIntegratedGradients

import glassbert as gb
from tests.glassbert.oracles import EXPLAINABLE, relevance

TEXT = "This film was not good at all; the acting is great."
PAIR = ("The man went to the store.", "He bought a gallon of milk.")
MASKED = "The doctor said that [MASK] was tired."

#: What is explained in each kind of checkpoint: texts, target.
CASES = {
    "classification": ((TEXT,), gb.ClassTarget(2)),
    "masked_words": ((MASKED,), None),  # the position is the tokenizer's affair: see `case`
    "next_sentence": (PAIR, gb.NextSentenceTarget()),
}


def few(method: str, steps: int = 9) -> dict[str, int]:
    """Options that make a method quick, and its number of passes its options' alone."""
    wanted = {"n_steps": steps, "n_samples": 4}
    return {name: number for name, number in wanted.items() if name in gb.METHODS[method].options}


class Case:
    """One input and target, for our library and for the stock network."""

    def __init__(self, family, task, tiny_model, stock):
        self.model, self.oracle = tiny_model(family, task), stock(family, task)
        self.texts, self.target = CASES[task]
        self.inputs = self.oracle.inputs(*self.texts)
        self.ids = self.inputs["input_ids"]
        self.position, self.index = None, {"classification": 2, "masked_words": 100, "next_sentence": 0}[task]
        if task == "masked_words":
            self.position = int((self.ids[0] == self.oracle.tokenizer.mask_token_id).nonzero()[0])
            self.target = gb.MaskTarget(self.position, self.index)

    def attribute(self, method, **options):
        options.setdefault("target", self.target)
        return gb.attribute(self.model, *self.texts, method=method, **options)

    def value(self, embeddings):
        return self.oracle.value(self.inputs, embeddings, self.index, self.position)

    def probability(self, embeddings):
        rows = {name: row.expand(len(embeddings), -1) for name, row in self.inputs.items() if name != "input_ids"}
        output = self.oracle.network(inputs_embeds=embeddings, **rows)
        size = {"classification": 3, "masked_words": 512, "next_sentence": 2}[self.oracle.task]
        logits = torch.stack([self.oracle.pick(output, index, self.position) for index in range(size)], dim=-1)
        return logits.softmax(dim=-1)[:, self.index]

    @property
    def embeddings(self):
        return self.oracle.embeddings(self.ids)

    def baseline(self, kind="pad"):
        tokenizer = self.oracle.tokenizer
        special = torch.tensor(tokenizer.get_special_tokens_mask(self.ids[0].tolist(), already_has_special_tokens=True))
        kept = special.bool() & (self.ids[0] != tokenizer.mask_token_id)
        if self.position is not None:
            kept[self.position] = True
        filler = tokenizer.mask_token_id if kind == "mask" else tokenizer.pad_token_id
        embedded = self.oracle.embeddings(torch.where(kept, self.ids, filler))
        return embedded.where(kept[None, :, None], torch.tensor(0.0)) if kind == "zero" else embedded, kept.numpy()

    def integrated(self, function, steps, kind="pad"):
        captum = IntegratedGradients(function)
        baseline, _ = self.baseline(kind)
        scores = captum.attribute(self.embeddings, baseline, n_steps=steps, method="gausslegendre")
        return scores.sum(dim=-1)[0].detach().numpy()


@pytest.fixture
def case(request, tiny_model, stock):
    return Case(*request.param, tiny_model, stock)


every = pytest.mark.parametrize("case", EXPLAINABLE, indirect=True, ids=lambda checkpoint: "-".join(checkpoint))
bert = pytest.mark.parametrize(
    "case", [("bert", task) for task in CASES], indirect=True, ids=lambda checkpoint: checkpoint[1]
)
classifier = pytest.mark.parametrize("case", [("bert", "classification")], indirect=True, ids=["bert"])


@every
def test_integrated_gradients_equals_captum_used_directly(case):
    score = case.attribute("integrated_gradients", n_steps=12)
    np.testing.assert_allclose(score.scores, case.integrated(case.value, 12), atol=1e-5)
    baseline, kept = case.baseline()
    assert score.value == pytest.approx(float(case.value(case.embeddings)), abs=1e-5)
    assert score.baseline_value == pytest.approx(float(case.value(baseline)), abs=1e-5)
    change = score.value - score.baseline_value
    assert score.delta == pytest.approx(float(score.scores.astype(np.float64).sum()) - change, abs=1e-9)
    assert score.relative_delta == pytest.approx(abs(score.delta / change))
    assert (score.scores[kept] == 0).all(), "what the baseline keeps moves nothing"
    assert (score.scores[~kept] != 0).all()
    assert score.options["n_steps"] == 12


@bert
@pytest.mark.parametrize("kind", ["pad", "mask", "zero"])
def test_every_baseline_is_what_its_name_says(case, kind):
    score = case.attribute("integrated_gradients", n_steps=10, baseline=kind)
    np.testing.assert_allclose(score.scores, case.integrated(case.value, 10, kind), atol=1e-5)
    assert score.baseline == kind


@bert
def test_probabilities_are_explained_as_probabilities(case):
    score = case.attribute("integrated_gradients", n_steps=12, output="probability")
    np.testing.assert_allclose(score.scores, case.integrated(case.probability, 12), atol=1e-5)
    assert score.value == pytest.approx(float(case.probability(case.embeddings)), abs=1e-6)
    assert 0 <= score.baseline_value <= 1


@pytest.mark.parametrize("case", [("bert", "classification"), ("roberta", "classification")], indirect=True)
def test_integrated_gradients_equals_captum_on_the_embedding_layer(case):
    """Another road to the same numbers: ids in, a hook on the embedding layer."""
    tokens = case.oracle.tokenizer
    _, kept = case.baseline()
    reference = torch.where(torch.tensor(kept), case.ids, tokens.pad_token_id)
    rest = {name: value for name, value in case.inputs.items() if name != "input_ids"}
    if case.oracle.family == "roberta":  # it numbers positions from the ids: a [PAD] would lose its place
        rest["position_ids"] = torch.arange(case.ids.shape[1])[None] + tokens.pad_token_id + 1

    def forward(ids):
        more = {name: value.expand(len(ids), -1) for name, value in rest.items()}
        return case.oracle.network(input_ids=ids, **more).logits[:, case.index]

    layer = LayerIntegratedGradients(forward, case.oracle.network.get_input_embeddings())
    case.oracle.network.requires_grad_(True)
    try:
        scores = layer.attribute(case.ids, reference, n_steps=12, method="gausslegendre").sum(dim=-1)[0]
    finally:
        case.oracle.network.requires_grad_(False)
    np.testing.assert_allclose(
        case.attribute("integrated_gradients", n_steps=12).scores, scores.detach().numpy(), atol=1e-5
    )


@classifier
@pytest.mark.parametrize("rows", [1, 5, 12, 100])
def test_the_batch_size_changes_no_number(case, rows):
    whole = case.attribute("integrated_gradients", n_steps=12)
    parts = case.attribute("integrated_gradients", n_steps=12, internal_batch_size=rows)
    np.testing.assert_allclose(parts.scores, whole.scores, atol=1e-5)
    assert parts.options["internal_batch_size"] == min(rows, 12)
    assert parts.forward_passes == whole.forward_passes == 14


@every
def test_the_tolerance_is_kept_and_the_steps_are_told_truly(case):
    score = case.attribute("integrated_gradients", tolerance=0.02)
    allowed = 0.02 * max(abs(score.value - score.baseline_value), 1e-3)
    assert abs(score.delta) <= allowed
    assert score.forward_passes == score.options["n_steps"] >= 14
    baseline, kept = case.baseline()
    assert score.value == pytest.approx(float(case.value(case.embeddings)), abs=1e-5)
    assert score.baseline_value == pytest.approx(float(case.value(baseline)), abs=1e-5)
    assert (score.scores[kept] == 0).all()


@bert
def test_a_small_tolerance_finds_what_many_even_steps_find(case):
    score = case.attribute("integrated_gradients", tolerance=0.0005)
    np.testing.assert_allclose(score.scores, case.integrated(case.value, 400), atol=0.002 * np.abs(score.scores).sum())


@classifier
def test_more_steps_come_closer_to_completeness(case):
    deltas = [abs(case.attribute("integrated_gradients", n_steps=steps).delta) for steps in (2, 4, 8, 16)]
    assert all(coarse > 3 * fine for coarse, fine in pairwise(deltas)), deltas
    assert deltas[-1] < 1e-4


@bert
@pytest.mark.parametrize("method", ["integrated_gradients", "input_x_gradient"])
def test_a_contrast_is_the_difference_of_its_two_sides(case, method):
    """Both methods are linear in F, so "A rather than B" is A minus B."""
    options = {"n_steps": 10} if method == "integrated_gradients" else {}
    if case.oracle.task == "next_sentence":
        first, second, both = gb.NextSentenceTarget(), gb.NextSentenceTarget(is_next=False), None
    elif case.oracle.task == "masked_words":
        first, second, both = (gb.MaskTarget(case.position, *ids) for ids in ((100,), (200,), (100, 200)))
    else:
        first, second, both = gb.ClassTarget(2), gb.ClassTarget(0), gb.ClassTarget(2, foil=0)
    one, two = (case.attribute(method, target=target, **options) for target in (first, second))
    if both is None:  # probabilities of two classes sum to one: what moves one up moves the other down
        one, two = (case.attribute(method, target=t, output="probability", **options) for t in (first, second))
        np.testing.assert_allclose(one.scores, -two.scores, atol=1e-5)
        assert np.abs(one.scores).max() > 1e-3
        return
    contrast = case.attribute(method, target=both, **options)
    np.testing.assert_allclose(contrast.scores, one.scores - two.scores, atol=2e-5)
    assert contrast.value == pytest.approx(one.value - two.value, abs=1e-5)


@every
def test_saliency_and_input_x_gradient_equal_autograd(case):
    embeddings = case.embeddings.requires_grad_()
    (gradient,) = torch.autograd.grad(case.value(embeddings).sum(), embeddings)
    norms = gradient[0].double().square().sum(dim=-1).sqrt().numpy()
    products = (gradient * embeddings)[0].detach().double().sum(dim=-1).numpy()
    saliency, product = case.attribute("saliency"), case.attribute("input_x_gradient")
    np.testing.assert_allclose(saliency.scores, norms, atol=1e-5)
    np.testing.assert_allclose(product.scores, products, atol=1e-5)
    assert (product.scores < 0).any()
    assert (product.scores > 0).any()
    for score in (saliency, product):
        assert score.value == pytest.approx(float(case.value(case.embeddings)), abs=1e-5)
        assert (score.delta, score.baseline, score.baseline_value, score.relative_delta) == (None,) * 4


@every
def test_attention_relevance_equals_the_formula(case):
    with torch.enable_grad():
        inputs = {name: value for name, value in case.inputs.items() if name != "input_ids"}
        embeddings = case.embeddings.requires_grad_()
        output = case.oracle.network(inputs_embeds=embeddings, output_attentions=True, **inputs)
        value = case.oracle.pick(output, case.index, case.position)
        expected = relevance(output.attentions, value.sum(), case.position or 0).numpy()
    score = case.attribute("attention_relevance")
    np.testing.assert_allclose(score.scores, expected, atol=1e-5)
    assert (score.scores >= 0).all()
    assert np.sort(score.scores)[-2] > 1e-3, "more than the identity the sum starts from"
    assert score.delta is None


@bert
@pytest.mark.parametrize("method", gb.METHODS)
@pytest.mark.parametrize("found", [False, True], ids=["named target", "found target"])
def test_forward_passes_are_counted_and_declared_truly(case, method, found):
    """By a hook on the stock encoder; "found": the pass that finds the predicted class or word is one of them."""
    target = case.target
    if found and case.oracle.task != "next_sentence":
        target = None if case.position is None else gb.MaskTarget(case.position)
    seen = []
    encoder = case.model.network.base_model.encoder
    hook = encoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(len(args[0] if args else kwargs["hidden_states"])), with_kwargs=True
    )
    try:
        score = case.attribute(method, target=target, **few(method))
    finally:
        hook.remove()
    carried = len(score.encoded) if method == "decompx" else 0  # parts of every token, sent through layer by layer
    assert score.forward_passes == sum(seen) + carried
    if found:
        return
    declared = gb.METHODS[method]
    cost = declared.cost(len(score.encoded), {**declared.options, **few(method)})
    if declared.family == "perturbation":  # it cannot know which tokens stay, nor which are pieces of one word
        assert 0.5 * cost <= score.forward_passes <= cost
    else:
        assert score.forward_passes == cost


@bert
@pytest.mark.parametrize("method", gb.METHODS)
def test_every_method_is_deterministic(case, method):
    options = {} if method == "integrated_gradients" else few(method)
    first, second = case.attribute(method, **options), case.attribute(method, **options)
    np.testing.assert_array_equal(first.scores, second.scores)


@pytest.mark.parametrize(
    "case", [one for one in EXPLAINABLE if one[1] == "classification"], indirect=True, ids=lambda one: one[0]
)
@pytest.mark.parametrize("method", gb.METHODS)
def test_every_method_says_what_it_did(case, method):
    first = case.attribute(method, **({} if method == "integrated_gradients" else few(method)))
    assert first.method == method
    assert first.output == "logit"
    assert first.scores.shape == (len(first.encoded),)
    assert np.isfinite(first.scores).all()
    assert set(first.options) - {"unattributed"} == set(gb.METHODS[method].options)
    assert gb.METHODS[method].signed or (first.scores >= 0).all()
    assert gb.METHODS[method].complete == (first.delta is not None)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("method", gb.METHODS)
def test_half_precision_explains_nearly_the_same(tiny_checkpoint, tiny_model, precision, method):
    source = str(tiny_checkpoint("bert", "classification"))
    half = gb.load(source, device="cpu", precision=precision)
    options = few(method, steps=8)
    rough = gb.attribute(half, TEXT, method=method, target=2, **options)
    exact = gb.attribute(tiny_model("bert", "classification"), TEXT, method=method, target=2, **options)
    difference = np.abs(rough.scores - exact.scores).max() / np.abs(exact.scores).max()
    assert 0 < difference < 0.2
    assert rough.value == pytest.approx(exact.value, abs=0.1)


def test_scores_that_are_not_finite_are_an_error(tiny_checkpoint):
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    with torch.no_grad():
        model.network.classifier.weight.fill_(float("inf"))
    with pytest.raises(gb.GlassBERTError, match="not finite"):
        gb.attribute(model, TEXT, method="saliency", target=0)
