"""The inside of stock networks' attention, read with torch alone: what the measures are held against."""

from __future__ import annotations

import copy
from contextlib import ExitStack

import numpy as np
import torch

#: Family → the names of a layer's value projection, head mixer and LayerNorm, in the stock network.
NAMES = {
    "bert": ("attention.self.value", "attention.output.dense", "attention.output.LayerNorm"),
    "distilbert": ("attention.v_lin", "attention.out_lin", "sa_layer_norm"),
    "mpnet": ("attention.attn.v", "attention.attn.o", "attention.LayerNorm"),
    "albert": ("attention.value", "attention.dense", "attention.LayerNorm"),
}
NAMES |= dict.fromkeys(("roberta", "xlm-roberta", "electra"), NAMES["bert"])


def stock_layers(network, family):
    encoder = network.base_model
    match family:
        case "distilbert":
            return list(encoder.transformer.layer)
        case "albert":
            return [encoder.encoder.albert_layer_groups[0].albert_layers[0]] * 2
        case _:
            return list(encoder.encoder.layer)


def seen(stock, family, *texts):
    """What each layer of the stock network read and gave: (x, attention output, LayerNorm output), and the weights."""
    calls = {"x": [], "mixed": [], "normed": []}
    value, mixer, norm = NAMES[family]
    with ExitStack() as stack:
        for layer in dict.fromkeys(stock_layers(stock.network, family)):
            for name, module in (("x", value), ("mixed", mixer), ("normed", norm)):
                part = layer.get_submodule(module)
                keep = calls[name]
                hook = part.register_forward_hook(
                    lambda module, inputs, output, keep=keep, name=name: keep.append(
                        (inputs[0] if name == "x" else output)[0].double().numpy()
                    )
                )
                stack.callback(hook.remove)
        output = stock(*texts, output_attentions=True)
    weights = [layer[0].double().numpy() for layer in output.attentions]
    return list(zip(calls["x"], calls["mixed"], calls["normed"], weights, strict=True))


def parameters(layer, name):
    module = layer.get_submodule(name)
    return module.weight.double().numpy(), module.bias.double().numpy()


def carried_vectors(stock, family, number, states, weights):
    """α_h(i, j) f_h(x_j), (head, query, key, hidden), written out."""
    layer = stock_layers(stock.network, family)[number]
    value, value_bias = parameters(layer, NAMES[family][0])
    mixer, _ = parameters(layer, NAMES[family][1])
    heads = len(weights)
    size = value.shape[0] // heads
    vectors = []
    for head in range(heads):
        rows = slice(head * size, (head + 1) * size)
        carried = (states @ value[rows].T + value_bias[rows]) @ mixer[:, rows].T
        vectors.append(weights[head][:, :, None] * carried[None])
    return np.asarray(vectors)


def without_heads(stock, family, heads):
    """A copy of the stock network that mixes these (layer, head) with zeros: no hook, other weights.

    An ALBERT has one mixer for all its layers, so there a head is off in all of them.
    """
    return scaled_heads(stock, family, dict.fromkeys(heads, 0.0))


def scaled_heads(stock, family, factors):
    """A copy, in float64, in which head outputs are multiplied by ``factors[layer, head]``."""
    other = copy.copy(stock)
    other.network = copy.deepcopy(stock.network).double()
    layers = stock_layers(other.network, family)
    for (layer, head), factor in factors.items():
        weight = layers[layer].get_submodule(NAMES[family][1]).weight
        size = weight.shape[1] // other.network.config.num_attention_heads
        with torch.no_grad():
            weight[:, head * size : (head + 1) * size] *= factor
    return other
