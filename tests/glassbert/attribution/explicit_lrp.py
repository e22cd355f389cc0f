"""AttnLRP as the paper states it: relevance handed from outputs to inputs, one operation at a time, in float64."""

from __future__ import annotations

from collections import Counter

import numpy as np

from tests.glassbert.attribution.explicit import Explicit, linear, norm, softmax

EPSILON = 1e-13


def over(relevance, outputs):
    """R / (z + ε sign z)."""
    return relevance / (outputs + EPSILON * np.where(outputs >= 0, 1, -1))


class Propagation:
    """R_j at the logits → R_i at the words; ``kept`` says what positions, segments, biases and softmax took."""

    def __init__(self, explicit: Explicit):
        self.net, self.kept = explicit, Counter()

    def run(self, position, index):
        """Relevance of each word-embedding coordinate for the logit ``index`` read at ``position``."""
        states, layers = self.net.states, []
        for layer in self.net.layers:
            states, seen = self._forward(layer, states)
            layers.append(seen)
        relevance = np.zeros_like(states)
        relevance[position] = self._head(states[position], index)
        for layer, seen in zip(reversed(self.net.layers), reversed(layers), strict=True):
            relevance = self._layer(layer, seen, relevance)
        return self._embeddings(relevance)

    def _forward(self, layer, states):
        query, key, value, mixer, first, widen, narrow, last = layer
        queries, keys, values = (linear(states, *one) for one in (query, key, value))
        products, scores = self.net.scores(queries, keys)
        weights = softmax(scores)
        by_head = [weights[head] @ part for head, part in enumerate(np.split(values, self.net.heads, axis=1))]
        joined = np.concatenate(by_head, axis=1)
        mixed = linear(joined, *mixer)
        middle = norm(mixed + states, *first)
        wide = linear(middle, *widen)
        narrowed = linear(self.net.activation(wide), *narrow)
        seen = (states, queries, keys, values, products, scores, weights, joined, mixed, middle, wide, narrowed)
        return norm(narrowed + middle, *last), seen

    # --- rules ------------------------------------------------------------------------------------------------

    def _linear(self, x, parameters, relevance):
        """ε rule: R_i = Σ_j x_i w_ji R_j / z_j; the bias takes b_j R_j / z_j."""
        weight, bias, _ = parameters
        share = over(relevance, linear(x, *parameters))
        self.kept["biases"] += float((share * bias).sum())
        return x * (share @ weight)

    def _norm(self, x, parameters, relevance):
        """Adding β and taking the mean off are linear; multiplying and dividing by γ / spread passes R on as it is."""
        _, bias, _ = parameters
        outputs = norm(x, *parameters)
        share = over(relevance, outputs)
        self.kept["biases"] += float((share * bias).sum())
        at_centred = share * (outputs - bias)
        share = over(at_centred, x - x.mean(axis=-1, keepdims=True))
        return x * (share - share.mean(axis=-1, keepdims=True))

    def _product(self, left, right, relevance):
        """Z = left @ right; each operand gets x y R / 2z."""
        share = over(relevance, 2 * (left @ right))
        return left * (share @ right.T), right * (left.T @ share)

    def _softmax(self, scores, weights, relevance):
        """R_i = x_i (R_i − s_i Σ_j R_j)."""
        result = scores * (relevance - weights * relevance.sum(axis=-1, keepdims=True))
        self.kept["softmax"] += float(relevance.sum() - result.sum())
        return result

    # --- the network, backwards -------------------------------------------------------------------------------

    def _head(self, state, index):
        seen = [state]
        for step in self.net.head:
            seen.append(step(seen[-1]) if callable(step) else _module(step)(seen[-1], *step))
        relevance = np.zeros_like(seen[-1])
        relevance[index] = seen[-1][index]
        for step, x in zip(reversed(self.net.head), reversed(seen[:-1]), strict=True):
            if not callable(step):  # an activation passes relevance on as it is
                rule = self._linear if step[0].ndim == 2 else self._norm
                relevance = rule(x[None], step, relevance[None])[0]
        return relevance

    def _layer(self, layer, seen, relevance):
        query, key, value, mixer, first, widen, narrow, last = layer
        states, queries, keys, values, products, scores, weights, joined, mixed, middle, wide, narrowed = seen
        share = over(self._norm(narrowed + middle, last, relevance), narrowed + middle)
        at_wide = self._linear(self.net.activation(wide), narrow, narrowed * share)
        at_middle = middle * share + self._linear(middle, widen, at_wide)
        share = over(self._norm(mixed + states, first, at_middle), mixed + states)
        at_joined = self._linear(joined, mixer, mixed * share)
        result = states * share
        size = joined.shape[1] // self.net.heads
        at = {"query": np.zeros_like(queries), "key": np.zeros_like(keys), "value": np.zeros_like(values)}
        for head in range(self.net.heads):
            cut = slice(head * size, (head + 1) * size)
            at_weights, at["value"][:, cut] = self._product(weights[head], values[:, cut], at_joined[:, cut])
            share = over(self._softmax(scores[head], weights[head], at_weights), scores[head])
            self.kept["positions"] += float((self.net.relative[head] * share).sum())
            at_products = products[head] * share
            at["query"][:, cut], turned = self._product(queries[:, cut], keys[:, cut].T, at_products)
            at["key"][:, cut] = turned.T
        for name, parameters in (("query", query), ("key", key), ("value", value)):
            result = result + self._linear(states, parameters, at[name])
        return result

    def _embeddings(self, relevance):
        total = self.net.words + self.net.positions + self.net.segments
        if self.net.projection is not None:
            relevance = self._linear(norm(total, *self.net.embedding_norm), self.net.projection, relevance)
        share = over(self._norm(total, self.net.embedding_norm, relevance), total)
        self.kept["positions"] += float((self.net.positions * share).sum())
        self.kept["segments"] += float((self.net.segments * share).sum())
        return self.net.words * share


def _module(parameters):
    return linear if parameters[0].ndim == 2 else norm
