"""The network's diagram: every parameter once, every shape as the stock network has it."""

from __future__ import annotations

import numpy as np
import pytest

import glassbert as gb
from tests import tiny
from tests.glassbert.oracles import CHECKPOINTS

HEADS = {
    "encoder": (),
    "masked_words": ("masked-word head",),
    "next_sentence": ("masked-word head", "next-sentence head"),
    "classification": ("classification head",),
    "token_classification": ("token-classification head",),
    "question_answering": ("question-answering head",),
}


@pytest.mark.parametrize(("family", "task"), CHECKPOINTS)
def test_parameters_add_up_and_blocks_are_in_order(tiny_model, stock, family, task):
    model, oracle = tiny_model(family, task, layers=3), stock(family, task, layers=3).network
    plan = gb.architecture(model, 9)
    assert plan.total == model.parameters == sum(parameter.numel() for parameter in oracle.parameters())
    blocks = list(dict.fromkeys(plan.blocks))
    assert blocks[0] == "embeddings"
    assert [block for block in blocks if block.startswith("layer")] == ["layer 1", "layer 2", "layer 3"]
    after = blocks[blocks.index("layer 3") + 1 :]
    assert tuple(block for block in after if block != "pooler") == HEADS[task]
    assert "not used" not in blocks
    modules = dict(oracle.named_modules())
    for name, kind, count, shared in zip(plan.names, plan.kinds, plan.parameters, plan.shared, strict=True):
        if kind == "Softmax":
            assert count == 0
            continue
        assert type(modules[name]).__name__ == kind
        own = sum(parameter.numel() for parameter in modules[name].parameters(recurse=False))
        assert count == own or (shared and count < own)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_shapes_are_those_of_the_stock_network(tiny_model, stock, family):
    plan = gb.architecture(tiny_model(family, "masked_words"), 9)
    layer = [index for index, block in enumerate(plan.blocks) if block == "layer 2"]
    assert [plan.parts[index] for index in layer] == ["attention"] * 6 + ["feed-forward"] * 3
    shapes = [(plan.inputs[index], plan.outputs[index]) for index in layer]
    state, inner, weights = (1, 9, 32), (1, 9, 64), (1, 4, 9, 9)
    assert shapes == [
        *[(state, state)] * 3,
        (state, weights),
        *[(state, state)] * 2,
        (state, inner),
        (inner, state),
        (state, state),
    ]
    assert plan.inputs[0] == (1, 9)
    assert plan.outputs[-1] == (1, 9, 512)
    output = stock(family, "masked_words")("a b c d e f g", output_attentions=True)
    assert len(output.attentions) == sum(kind == "Softmax" for kind in plan.kinds)


def test_a_shared_layer_is_counted_once(tiny_model):
    plan = gb.architecture(tiny_model("albert", "encoder", layers=3), 5)
    layers = {
        block: sum(count for count, own in zip(plan.parameters, plan.blocks, strict=True) if own == block)
        for block in ("layer 1", "layer 2", "layer 3")
    }
    #          query key value output   norms    inner        outer
    expected = 4 * (32 * 32 + 32) + 4 * 32 + (32 * 64 + 64) + (64 * 32 + 32)
    assert layers == {"layer 1": expected, "layer 2": 0, "layer 3": 0}
    frame = plan.block_frame().set_index("block")
    assert frame["shared"].to_dict() == {
        "embeddings": False,
        "layer 1": False,
        "layer 2": True,
        "layer 3": True,
        "pooler": False,
    }
    assert frame["parameters"].sum() == plan.total


def test_a_tied_table_is_counted_where_it_runs_first(tiny_model):
    plan = gb.architecture(tiny_model("bert", "masked_words"), 5)
    table, output = (plan.names.index(name) for name in ("bert.embeddings.word_embeddings", "cls.predictions.decoder"))
    assert (plan.parameters[table], plan.shared[table]) == (512 * 32, False)
    assert (plan.parameters[output], plan.shared[output]) == (512, True)  # its bias


def test_the_frames(pretrained):
    plan = gb.architecture(pretrained, 24)
    frame, blocks = plan.frame(), plan.block_frame()
    assert frame["parameters"].sum() == blocks["parameters"].sum() == 22_893_116
    assert frame["output"].tolist()[0] == "1 × 24 × 384"
    names = [f"layer {number}" for number in range(1, 7)]
    assert blocks["block"].tolist() == ["embeddings", *names, "pooler", "masked-word head", "next-sentence head"]
    assert blocks["output"].tolist()[-2:] == ["1 × 24 × 30522", "1 × 2"]


@pytest.mark.parametrize("tokens", [0, -1, 513])
def test_a_length_the_model_does_not_have(tiny_model, tokens):
    with pytest.raises(gb.OptionError, match="must be from 1 to 512"):
        gb.architecture(tiny_model("bert", "encoder"), tokens)


def test_any_length_it_has(tiny_model):
    model = tiny_model("mpnet", "encoder")
    for tokens in (1, 512):
        plan = gb.architecture(model, tokens)
        assert plan.outputs[plan.kinds.index("Softmax")] == (1, 4, tokens, tokens)
        assert np.asarray(plan.parameters).sum() == model.parameters
