"""Random weights in a copy: the model is untouched, the cascade runs from the top, nothing is kept too long."""

from __future__ import annotations

import gc
import hashlib
import weakref

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.evaluation import _copies
from glassbert.models import memory
from tests import tiny

TEXT = "I never saw an unbelievable, wonderful movie like this one before!"


def digest(model):
    state = model.network.state_dict()
    return {name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for name, tensor in state.items()}


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_each_stage_redraws_more_and_the_model_is_untouched(tiny_model, family):
    model = tiny_model(family, "classification")
    before, names = digest(model), _copies.stages(model)
    assert (names[0], names[-1]) == ("head", "embeddings")
    assert len(names) == (3 if family == "albert" else 4)  # all layers of an ALBERT are one
    changed: list[set[str]] = []
    for stage in range(len(names)):
        copy = _copies.randomised(model, stage, seed=0)
        after = digest(copy)
        changed.append({name for name in before if before[name] != after[name]})
        assert changed[-1] == {name for name in changed[-1] if name not in (changed[-2] if stage else ())} | (
            changed[-2] if stage else set()
        ), "what was random stays the same random"
        assert copy.lock is not model.lock
    assert all(name.startswith(("classifier", "pre_classifier")) or "pooler" in name for name in changed[0])
    assert any("layer" in name for name in changed[1])
    assert not any("word_embeddings" in name for name in changed[-2])
    assert changed[-1] == set(before) - {name for name in before if "position_ids" in name}
    assert digest(model) == before
    assert digest(_copies.randomised(model, 1, seed=1)) != digest(_copies.randomised(model, 1, seed=0))


def test_a_table_that_is_also_the_vocabulary_head_is_the_embeddings(tiny_model):
    model = tiny_model("bert", "masked_words")
    copy = _copies.randomised(model, len(_copies.stages(model)) - 2, seed=0)
    there = model.network.get_input_embeddings().weight
    assert copy.network.get_input_embeddings().weight is there, "shared, not copied"
    assert copy.network.get_output_embeddings().weight is there


def test_the_copies_kept_are_bounded_and_die_with_the_model(tiny_checkpoint, monkeypatch):
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    last = len(_copies.stages(model)) - 1
    one = _copies.randomised(model, last, 0)
    again = _copies.randomised(model, last, 0)
    assert again.network is one.network, "kept"
    assert again.lock is one.lock, "two receipts at once would meet on its hooks"
    kept = _copies._kept
    ((size, *_),) = kept[model.network].values()
    assert size == 4 * sum(parameter.numel() for parameter in model.network.parameters())
    monkeypatch.setattr(_copies, "_KEPT_BYTES", 2.5 * size)
    for seed in range(1, 5):
        _copies.randomised(model, last, seed)
    assert [seed for _, seed, _ in kept[model.network]] == [3, 4]
    monkeypatch.setattr(_copies, "_KEPT_BYTES", size - 1)
    _copies.randomised(model, last, 9)
    assert not kept[model.network], "one that is too large is not kept"
    before = len(kept)
    del model
    gc.collect()
    assert len(kept) == before - 1


def test_forgotten_copies_are_freed_unless_they_are_in_use(tiny_checkpoint):
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    last = len(_copies.stages(model)) - 1
    used, unused = (_copies.randomised(model, last, seed).network.base_model for seed in (0, 1))
    unused = weakref.ref(unused)
    gb.evaluation.forget_copies()
    gc.collect()
    assert unused() is None
    expected = used.get_input_embeddings().weight.clone()
    fresh = _copies.randomised(model, last, 0).network.get_input_embeddings().weight
    assert fresh is not used.get_input_embeddings().weight, "made anew"
    assert torch.equal(fresh, expected), "with the same numbers"


def test_without_memory_for_a_copy_the_line_says_so(tiny_checkpoint, monkeypatch):
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    scores = gb.attribute(model, TEXT, method="saliency")
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    line = gb.receipt(model, scores, checks=["sanity"]).line("sanity")
    assert (line.number, line.verdict) == (None, "not_applicable")
    assert "more than is free" in line.sentence


def test_noise_reaches_ids_and_embeddings_alike_and_nothing_else(tiny_model):
    model = tiny_model("bert", "classification")
    noise = _copies.Noise(model, np.array([30, 7, 9, 7]))
    copy, before = noise.model(torch.zeros_like(noise.embeddings)), digest(model)
    asked = torch.tensor([[2, 7, 8, 30, 7]])
    table = model.network.get_input_embeddings()
    assert torch.equal(copy.network.get_input_embeddings()(asked), table(asked))
    assert torch.equal(noise.embeddings, table.weight[[7, 9, 30]])
    copy = noise.model(torch.arange(3.0)[:, None].expand(3, table.weight.shape[1]) + 1)
    moved = copy.network.get_input_embeddings()(asked) - table(asked)
    np.testing.assert_allclose(moved[0, :, 0], [0, 1, 0, 3, 1], atol=1e-6)
    assert digest(model) == before


def test_the_last_stage_knows_nothing(sentiment):
    """Over sentences, the order on a random model has nothing to do with the order on the trained one."""
    texts = [
        "The story is slow at first, but the acting is wonderful and the ending was not bad at all.",
        "I hated every minute of it and left the cinema long before the end.",
        "The waiter was rude and the soup was cold, but my friends still enjoyed the evening.",
        "A warm, funny and beautifully played film, although the second half drags a little.",
    ]
    before = hashlib.sha256(b"".join(p.numpy().tobytes() for p in sentiment.network.parameters())).hexdigest()
    last, first = [], []
    for text in texts:
        scores = gb.attribute(sentiment, text, method="input_x_gradient")
        details = gb.receipt(sentiment, scores, checks=["sanity"]).line("sanity").details
        assert details["stages"] == ["layer 3", "embeddings"]
        first.append(abs(details["correlations"][0]))
        last.append(details["correlations"][-1])
    assert abs(np.mean(last)) < 0.25
    assert np.mean(np.abs(last)) < np.mean(first)
    after = hashlib.sha256(b"".join(p.numpy().tobytes() for p in sentiment.network.parameters())).hexdigest()
    assert after == before


def test_the_thorough_cascade_is_the_method_on_each_random_model(tiny_model):
    model = tiny_model("bert", "classification")
    scores = gb.attribute(model, TEXT, method="input_x_gradient", target=1)
    details = gb.receipt(model, scores, checks=["sanity"], thorough=True, seed=2).line("sanity").details
    assert details["stages"] == list(_copies.stages(model)) == details["all_stages"]
    for stage, correlation in enumerate(details["correlations"]):
        other = gb.attribute(_copies.randomised(model, stage, 2), TEXT, method="input_x_gradient", target=1)
        ranks = [np.argsort(np.argsort(one.scores[1:-1])) for one in (scores, other)]
        assert correlation == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-6)
