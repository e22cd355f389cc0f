"""Tiny networks as plain float64 arrays, layer by layer: what the decompositions are held against.

Nothing here is differentiated or hooked: weights are read off the stock network by name, and every step is written out.
"""

from __future__ import annotations

import math

import numpy as np

#: Family → names of a layer's query, key, value, mixer, first norm, widen, narrow and last norm.
LAYERS = {
    "bert": (
        *(f"attention.self.{name}" for name in ("query", "key", "value")),
        *("attention.output.dense", "attention.output.LayerNorm", "intermediate.dense", "output.dense"),
        "output.LayerNorm",
    ),
    "distilbert": (
        *(f"attention.{name}_lin" for name in ("q", "k", "v", "out")),
        *("sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"),
    ),
    "albert": (
        *(f"attention.{name}" for name in ("query", "key", "value", "dense", "LayerNorm")),
        *("ffn", "ffn_output", "full_layer_layer_norm"),
    ),
    "mpnet": (
        *(f"attention.attn.{name}" for name in ("q", "k", "v", "o")),
        *("attention.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"),
    ),
}
LAYERS |= dict.fromkeys(("roberta", "xlm-roberta", "electra"), LAYERS["bert"])


def erf_gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def tanh_gelu(x):
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def relu(x):
    return np.maximum(x, 0)


_ROBERTA = {
    "classification": ("classifier.dense", np.tanh, "classifier.out_proj"),
    "masked_words": ("lm_head.dense", erf_gelu, "lm_head.layer_norm", "lm_head.decoder"),
}
_BERT = "cls.predictions"
#: Family → task → modules and functions from the hidden state to the logits.
HEADS = {
    "bert": {
        "classification": ("bert.pooler.dense", np.tanh, "classifier"),
        "next_sentence": ("bert.pooler.dense", np.tanh, "cls.seq_relationship"),
        "masked_words": (
            *(f"{_BERT}.transform.dense", erf_gelu, f"{_BERT}.transform.LayerNorm"),
            f"{_BERT}.decoder",
        ),
    },
    "distilbert": {
        "classification": ("pre_classifier", relu, "classifier"),
        "masked_words": ("vocab_transform", erf_gelu, "vocab_layer_norm", "vocab_projector"),
    },
    "albert": {
        "classification": ("albert.pooler", np.tanh, "classifier"),
        "masked_words": ("predictions.dense", tanh_gelu, "predictions.LayerNorm", "predictions.decoder"),
    },
    "electra": {
        "classification": ("classifier.dense", erf_gelu, "classifier.out_proj"),
        "masked_words": (
            *("generator_predictions.dense", erf_gelu, "generator_predictions.LayerNorm"),
            "generator_lm_head",
        ),
    },
    **dict.fromkeys(("roberta", "xlm-roberta", "mpnet"), _ROBERTA),
}
for _heads in HEADS.values():
    _heads |= {"token_classification": ("classifier",), "question_answering": ("qa_outputs",)}


class Explicit:
    """One stock network and one input, as arrays."""

    def __init__(self, stock, *texts):
        self.network, self.family, task = stock.network, stock.family, stock.task
        inputs = stock.inputs(*texts)
        ids = inputs["input_ids"][0].numpy()
        tokens = len(ids)
        table = self.network.base_model.embeddings
        self.words = self.array(table.word_embeddings.weight)[ids]
        first = int(self.network.config.pad_token_id) + 1 if self.family in ("roberta", "xlm-roberta", "mpnet") else 0
        self.positions = self.array(table.position_embeddings.weight)[first : first + tokens]
        segments = inputs["token_type_ids"][0].numpy() if "token_type_ids" in inputs else np.zeros(tokens, dtype=int)
        kinds = getattr(table, "token_type_embeddings", None)
        self.segments = np.zeros_like(self.words) if kinds is None else self.array(kinds.weight)[segments]
        self.embedding_norm = self.parameters(table.LayerNorm)
        wider = {"albert": "albert.encoder.embedding_hidden_mapping_in", "electra": "electra.embeddings_project"}
        name = wider.get(self.family)
        self.projection = self.parameters(self.network.get_submodule(name)) if name else None
        self.layers = [
            [self.parameters(layer.get_submodule(name)) for name in LAYERS[self.family]] for layer in self._stock()
        ]
        self.activation = tanh_gelu if self.family == "albert" else erf_gelu
        self.heads = self.network.config.num_attention_heads
        self.relative = self._relative(tokens)
        self.head = [
            self.parameters(self.network.get_submodule(step)) if isinstance(step, str) else step
            for step in HEADS[self.family][task]
        ]

    def _stock(self):
        encoder = self.network.base_model
        match self.family:
            case "distilbert":
                return encoder.transformer.layer
            case "albert":
                return [encoder.encoder.albert_layer_groups[0].albert_layers[0]] * 2
            case _:
                return encoder.encoder.layer

    def _relative(self, tokens):
        """MPNet adds a number to each score, by the distance from query to key: (head, query, key)."""
        if self.family != "mpnet":
            return np.zeros((self.heads, tokens, tokens))
        table = self.array(self.network.base_model.encoder.relative_attention_bias.weight)
        buckets, close = 16, 8  # half of 32 for each direction; half of those for single distances
        relative = np.zeros((self.heads, tokens, tokens))
        for query in range(tokens):
            for key in range(tokens):
                distance = abs(key - query)
                far = close + int(math.log(max(distance, 1) / close) / math.log(128 / close) * (buckets - close))
                bucket = distance if distance < close else min(far, buckets - 1)
                relative[:, query, key] = table[bucket + (buckets if key > query else 0)]
        return relative

    @staticmethod
    def array(tensor):
        return tensor.detach().double().numpy()

    def parameters(self, module):
        """(weight, bias, ε): a matrix for a Linear, a vector for a LayerNorm."""
        return self.array(module.weight), self.array(module.bias), getattr(module, "eps", None)

    @property
    def states(self):
        """What the first layer reads, (token, hidden)."""
        normed = norm(self.words + self.positions + self.segments, *self.embedding_norm)
        return normed if self.projection is None else linear(normed, *self.projection)

    def scores(self, queries, keys):
        """(head, query, key) before the softmax, from heads side by side."""
        size = queries.shape[-1] // self.heads
        cut = [slice(head * size, (head + 1) * size) for head in range(self.heads)]
        products = np.asarray([queries[:, one] @ keys[:, one].T for one in cut]) / math.sqrt(size)
        return products, products + self.relative


def linear(x, weight, bias, _eps=None):
    return x @ weight.T + bias


def norm(x, weight, bias, eps):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps) * weight + bias


def softmax(scores):
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)
