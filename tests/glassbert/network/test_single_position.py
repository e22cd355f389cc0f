"""The shared work of masked copies: what it may share, that it does, and that nothing but the rounding changes."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.language import masked_copies
from glassbert.network import batches as batching
from glassbert.network.blocks import blocks, has_fused_attention, see_input
from glassbert.network.model import padding_index
from glassbert.network.run import Batch, batch, encoder_of, network_inputs
from glassbert.network.single_position import _kinds, only_positions
from tests import tiny

TEXTS = (
    "The heartwarming film was not good at all; it is unbelievable.",
    "a",
    "Paris is the capital of France, and the Seine is a river in Paris.",
    "Is it?",
)


def copies_of(model, encoded):
    places = np.flatnonzero(encoded.special_tokens_mask == 0).tolist()
    return [masked_copies.masked_copy(model, encoded, place, [place]) for place in places]


def stock_states(oracle, copies):
    """(question, hidden): the last layer's state at each mask, one plain pass each."""
    found = []
    for one in copies:
        inputs = {"input_ids": torch.tensor(one.input_ids)[None]}
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        if getattr(oracle.network.config, "type_vocab_size", 0) > 1:
            inputs["token_type_ids"] = torch.tensor(one.token_type_ids)[None]
        with torch.no_grad():
            found.append(oracle.network.base_model(**inputs).last_hidden_state[0, one.position])
    return torch.stack(found)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_inputs_of_any_length_together_equal_one_by_one(tiny_model, stock, family, layers):
    """One token and many, a pair, masks that were typed: all in one padded pass."""
    model = tiny_model(family, "masked_words", layers=layers)
    typed = f"the {model.mask_token} film was {model.mask_token} good"
    every = [gb.encode(model, text) for text in (*TEXTS, typed)] + [gb.encode(model, TEXTS[0], TEXTS[2])]
    copies = [one for encoded in every for one in copies_of(model, encoded)]
    assert len(list(batching.batches(model, [len(one.input_ids) for one in copies], maps=False))) == 1
    expected = stock_states(stock(family, "masked_words", layers=layers), copies)
    torch.testing.assert_close(masked_copies.states(model, copies), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "albert", "mpnet"])
def test_the_longest_text_equals_one_by_one(tiny_model, stock, family):
    model = tiny_model(family, "masked_words", layers=3)
    words = ["the", "film"] * (506 // (len(gb.encode(model, "the film the film")) - len(gb.encode(model, "the film"))))
    encoded = gb.encode(model, " ".join(words))
    assert 500 < len(encoded) <= model.max_tokens == 512
    copies = [masked_copies.masked_copy(model, encoded, place, [place]) for place in (1, 2, 255, len(encoded) - 2)]
    expected = stock_states(stock(family, "masked_words", layers=3), copies)
    torch.testing.assert_close(masked_copies.states(model, copies), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_one_kind_is_one_embedding(tiny_model, family):
    """What the first layer reads is the same wherever the kind is, padding typed in the text included."""
    model = tiny_model(family, "masked_words")
    typed = f"the {model.tokenizer.pad_token} film was {model.tokenizer.pad_token} good"
    inputs = batch(model, [gb.encode(model, text) for text in (*TEXTS, typed, typed.replace("film", "capital"))])
    read = []
    with see_input(model.network, "query", lambda layer, given, _: read.append(given[0])), torch.no_grad():
        encoder_of(model)(**network_inputs(model, inputs, "cpu"))
    embeddings = read[0].flatten(0, 1)
    of_kind = defaultdict(list)
    padding = padding_index(model.network) if model.checkpoint.family.positions_after_padding else None
    for row, kind in enumerate(_kinds(inputs, padding).flatten().tolist()):
        of_kind[kind].append(row)
    assert 1 < len(of_kind) < len(embeddings)
    for rows in of_kind.values():
        torch.testing.assert_close(embeddings[rows], embeddings[rows[:1]].expand(len(rows), -1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("family", ["bert", "distilbert", "albert", "mpnet"])
def test_what_is_shared_is_computed_once(tiny_model, family):
    """n masked copies of n tokens: 2 n rows are projected first, every row between, one row a copy last."""
    model = tiny_model(family, "masked_words", layers=3)
    encoded = gb.encode(model, TEXTS[0])
    copies, length = len(copies_of(model, encoded)), len(encoded)
    parts = ("query", "key", "value", "output", "feed_forward")
    seen = defaultdict(dict)

    def see(part):
        return see_input(
            model.network, part, lambda layer, given, _: seen[part].update({layer: given[0][..., 0].numel()})
        )

    ids = torch.tensor(np.stack([one.input_ids for one in copies_of(model, encoded)]))
    inputs = Batch(ids, torch.ones_like(ids), torch.zeros_like(ids))
    positions = torch.tensor([one.position for one in copies_of(model, encoded)])
    with ExitStack() as stack:
        for context in (only_positions(model, inputs, positions), *map(see, parts), torch.no_grad()):
            stack.enter_context(context)
        hidden = encoder_of(model)(**network_inputs(model, inputs, "cpu")).last_hidden_state
    assert hidden.shape == (copies, 1, model.hidden_size)
    every = copies * length
    for part in parts[:3]:
        assert seen[part] == {0: length + copies, 1: every, 2: copies}
    for part in parts[3:]:
        assert seen[part] == {0: every, 1: every, 2: copies}


def test_maps_that_are_never_written_need_no_room(tiny_model, monkeypatch):
    model = tiny_model("bert", "masked_words")
    monkeypatch.setattr(batching, "_CPU_BYTES", 4 * (64 * (6 * 32 + 2 * 64 + 3 * 4 * 64)) + 1)
    with_maps, without = (
        [len(chunk) for chunk in batching.batches(model, [64] * 6, maps=maps)] for maps in (True, False)
    )
    assert with_maps == [1] * 6
    assert without == [3, 3]  # (6 × 32 + 2 × 64 + 3 × 4 × 64) / (6 × 32 + 2 × 64)


def test_the_inner_layer_of_a_batch_is_bounded(tiny_model, monkeypatch):
    model = tiny_model("bert", "masked_words")
    monkeypatch.setattr(batching, "_INNER_BYTES", 2 * 4 * 64 * 64)  # two inputs of 64 tokens, 64 wide
    assert [len(chunk) for chunk in batching.batches(model, [64] * 5, maps=False)] == [2, 2, 1]


def test_the_network_is_as_before(tiny_model):
    """Attention of its own, whose weights can be read, and no hook: after a pass, and after one that failed."""
    for family in ("bert", "mpnet"):
        model = tiny_model(family, "masked_words")
        assert has_fused_attention(model.network) == (family == "bert")
        inputs = batch(model, [gb.encode(model, TEXTS[0])])
        hooks = [block.query._forward_hooks for block in blocks(model.network)]
        with (
            pytest.raises(RuntimeError, match="with 2 layers hooked"),
            only_positions(model, inputs, torch.tensor([1])),
        ):
            raise RuntimeError(f"failed with {sum(map(bool, hooks))} layers hooked")
        assert model.network.config._attn_implementation == "eager"
        assert not any(hooks)
        gb.surprise(model, TEXTS[0])
        assert model.network.config._attn_implementation == "eager"
        assert gb.attention(model, TEXTS[0]).weights.shape[0] == model.layers
