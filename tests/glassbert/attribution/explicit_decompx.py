"""DecompX in loops over rows and sources, in float64; every constant comes from the parts' own sums."""

from __future__ import annotations

import numpy as np

from tests.glassbert.attribution.explicit import Explicit, linear, softmax


def share_out(parts, bias):
    """Each source gets |bias · part| / Σ |bias · part| of the bias: "absdot" of the authors."""
    sizes = [abs(float(part @ bias)) for part in parts]
    return np.asarray([part + size / sum(sizes) * bias for part, size in zip(parts, sizes, strict=True)])


def through_linear(parts, parameters):
    weight, bias, _ = parameters
    return share_out([weight @ part for part in parts], bias)


def through_norm(parts, parameters):
    gamma, beta, epsilon = parameters
    spread = np.sqrt(parts.sum(axis=0).var() + epsilon)
    return share_out([gamma * (part - part.mean()) / spread for part in parts], beta)


def through_function(parts, function):
    whole = parts.sum(axis=0)
    return parts * (function(whole) / whole)


def layer_parts(net: Explicit, layer, parts):
    """(row, source, hidden) before → after one layer."""
    query, key, value, mixer, first, widen, narrow, last = layer
    states = parts.sum(axis=1)
    _, scores = net.scores(linear(states, *query), linear(states, *key))
    weights = softmax(scores)
    size = len(value[1]) // net.heads
    bias = mixer[0] @ value[1] + mixer[1]
    result = []
    for row in range(len(parts)):
        sums = []
        for source in range(len(parts)):
            total = parts[row, source].copy()
            for head in range(net.heads):
                cut = slice(head * size, (head + 1) * size)
                mixed = sum(weights[head, row, other] * parts[other, source] for other in range(len(parts)))
                total += mixer[0][:, cut] @ (value[0][cut] @ mixed)
            sums.append(total)
        middle = through_norm(share_out(sums, bias), first)
        wide = through_function(through_linear(middle, widen), net.activation)
        result.append(through_norm(middle + through_linear(wide, narrow), last))
    return np.asarray(result)


def all_parts(net: Explicit):
    """Parts before the first layer and after each, (row, source, hidden)."""
    states = net.states
    parts = np.zeros((len(states), *states.shape))
    for token, state in enumerate(states):
        parts[token, token] = state
    after = [parts]
    for layer in net.layers:
        after.append(layer_parts(net, layer, after[-1]))
    return after


def logit_parts(net: Explicit, parts):
    """(source, hidden) of the row that the head reads → (source, class)."""
    for step in net.head:
        if callable(step):
            parts = through_function(parts, step)
        else:
            parts = through_linear(parts, step) if step[0].ndim == 2 else through_norm(parts, step)
    return parts
