"""The cosine of two texts, and what it is made of, token by token."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from glassbert.arguments import checked
from glassbert.attribution._path import first_nodes
from glassbert.decision import Passes, pooling_of
from glassbert.errors import OptionError
from glassbert.models.pooling import Pooling
from glassbert.network.model import Model, word_embeddings
from glassbert.network.run import Forward, batch, forward_pass, many_passes, run
from glassbert.network.task_heads import pooled, sentence_embeddings
from glassbert.results import Array, Encoded
from glassbert.similarities.jacobians import TokenVectors, integrated_jacobian
from glassbert.similarities.results import Similarity
from glassbert.text.inputs import encode

__all__ = ["similarity"]

Reference = Literal["pad", "mask", "zero"]


@checked
def similarity(
    model: Model,
    a: str,
    b: str,
    *,
    pooling: Pooling | None = None,
    matrix: bool = True,
    reference: Literal["auto", "pad", "mask", "zero"] = "auto",
    tolerance: float = 0.05,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Similarity:
    """The cosine of the sentence embeddings of two texts, and a token × token matrix of what it is made of.

    The matrix is that of integrated Jacobians (Moeller, Nikolaev and Padó 2023, 2024, "An attribution method for
    Siamese encoders"): token i of ``a`` moves the embedding from that of a reference by V_i, token j of ``b`` by W_j,
    and the cell is V_i · W_j. So the matrix sums to cos(a, b) − cos(a, s) − cos(r, b) + cos(r, s), where r and s are
    the references: the texts with every token but the special ones replaced by [PAD], [MASK] or zeros. ``reference``
    "auto" takes the one for which cos(a, s) and cos(r, b) are smallest. The last three terms are in the result; they
    are not small for an encoder that was not trained to make them so.

    ``pooling`` is "mean" or "cls"; None: as the encoder's files say. ``matrix=False`` leaves the matrix out: two
    passes. The integration stops when the error is at most ``tolerance`` of each embedding's change, after 12 to 128
    points for each text, each of which costs about 2.5 passes for each of its tokens. ``progress(done, expected)``
    counts points. Raises OptionError, TaskHeadError, TextError, and StoppedError when cancelled.
    """
    start, passes = time.perf_counter(), Passes(cancelled=cancelled)
    if not 0 < tolerance < 1:
        raise OptionError(f"tolerance must be between 0 and 1; got {tolerance}")
    settled = pooling_of(model, pooling)
    sides = _Side.of(model, a), _Side.of(model, b)
    vectors, states = zip(*(_embedded(model, side, settled, passes) for side in sides), strict=True)
    score = float(vectors[0] @ vectors[1])
    cosines = _cosines(states[0], states[1])
    whole = Similarity(
        first=sides[0].encoded,
        second=sides[1].encoded,
        score=score,
        pooling=settled,
        states=cosines,
        matrix=np.empty(0),
        forward_passes=passes.count,
        seconds=time.perf_counter() - start,
    )
    if not matrix:
        return whole
    if reference == "auto":
        reference = _smallest(model, sides, vectors, settled, passes)
    elif reference == "mask" and model.tokenizer.mask_token_id is None:
        raise OptionError(f"{model.source!r} has no mask token: choose the reference pad or zero")
    found: list[TokenVectors] = []
    expected = 2 * first_nodes(tolerance)
    for side in sides:
        before = sum(one.nodes for one in found)

        def report(nodes: int, before: int = before) -> None:
            if progress is not None:
                progress(before + nodes, max(expected, before + nodes))

        def work(side: _Side = side) -> TokenVectors:
            return integrated_jacobian(
                model,
                side.encoded,
                side.replaced(model, reference),
                side.words,
                settled,
                tolerance=tolerance,
                passes=passes,
                done=report,
            )

        found.append(many_passes(model, work, len(side.encoded) ** 2 * first_nodes(tolerance)))
    one, other = found
    terms = (
        float(one.embedding @ other.reference),
        float(one.reference @ other.embedding),
        float(one.reference @ other.reference),
    )
    return replace(
        whole,
        matrix=one.vectors @ other.vectors.T,
        reference=reference,
        reference_terms=terms,
        nodes=(one.nodes, other.nodes),
        forward_passes=passes.count,
        seconds=time.perf_counter() - start,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    encoded: Encoded
    words: Tensor  # (token, dimension)

    @classmethod
    def of(cls, model: Model, text: str) -> _Side:
        encoded = encode(model, text)
        return cls(encoded, word_embeddings(model, torch.tensor(encoded.input_ids)[None]).detach().float()[0])

    def replaced(self, model: Model, reference: str) -> Tensor:
        """(token, dimension): the reference, with the special tokens as they are."""
        kept = torch.from_numpy(self.encoded.special_tokens_mask.astype(bool))[:, None].to(self.words.device)
        if reference == "zero":
            return self.words * kept
        token = model.tokenizer.pad_token_id if reference == "pad" else model.tokenizer.mask_token_id
        filler = word_embeddings(model, torch.tensor([[token]])).detach().float()[0]
        return torch.where(kept, self.words, filler)


def _embedded(model: Model, side: _Side, pooling: Pooling, passes: Passes) -> tuple[Array, Array]:
    """The embedding, of length 1, and the last states (token, hidden) of a text."""
    passes.add(1)

    def read(forward: Forward) -> tuple[Array, Array]:
        vector, states = sentence_embeddings(forward, pooling)
        return normalize(vector, dim=-1)[0].double().cpu().numpy(), states[0].double().cpu().numpy()

    return run(model, batch(model, [side.encoded]), read)


def _smallest(
    model: Model, sides: tuple[_Side, _Side], vectors: tuple[Array, ...], pooling: Pooling, passes: Passes
) -> Reference:
    """The reference with the smallest |cos(a, s)| + |cos(r, b)|."""
    possible: list[Reference] = ["pad", "zero"] if model.tokenizer.mask_token_id is None else ["pad", "mask", "zero"]
    apart: dict[Reference, float] = dict.fromkeys(possible, 0.0)
    for side, other in zip(sides, vectors[::-1], strict=True):
        passes.add(len(possible))
        rows = torch.stack([side.replaced(model, name) for name in possible])
        inputs = batch(model, [side.encoded]).repeated(len(possible))

        def read(forward: Forward) -> Array:
            states = forward.encoder().last_hidden_state
            found: Array = normalize(pooled(states, forward.inputs.attention_mask, pooling), dim=-1).cpu().numpy()
            return found

        with torch.no_grad():
            found = forward_pass(model, inputs, read, embeddings=rows)
        for name, vector in zip(possible, found, strict=True):
            apart[name] += abs(float(vector @ other))
    return min(possible, key=apart.__getitem__)


def _cosines(first: Array, second: Array) -> Array:
    lengths = np.linalg.norm(first, axis=1)[:, None] * np.linalg.norm(second, axis=1)
    cosines: Array = np.divide(first @ second.T, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return cosines
