"""Independent answers: transformers and torch used directly, and formulas written out from their papers."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from tests import tiny

#: (family, task) of every tiny checkpoint.
CHECKPOINTS = [(family, task) for family in tiny.FAMILIES for task in tiny.tasks(family)]
#: Those with a decision that can be explained.
EXPLAINABLE = [
    (family, task) for family, task in CHECKPOINTS if task in ("masked_words", "next_sentence", "classification")
]
#: Families that tell text A from text B by an embedding.
SEGMENTED = ("bert", "albert", "electra", "ernie", "megatron-bert", "mobilebert", "nomic_bert", "roc_bert", "roformer")


class Stock:
    """A stock transformers network with its tokenizer, eager attention, float32."""

    def __init__(self, family: str, task: str, folder: Path) -> None:
        network_class = getattr(transformers, tiny.CLASS_PREFIXES[family] + tiny.CLASS_SUFFIXES[task])
        self.family, self.task = family, task
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.network = network_class.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        self.network.requires_grad_(False)

    def inputs(self, *texts: str) -> dict[str, Tensor]:
        """What the network reads; [MASK] stands for the tokenizer's own mask token."""
        own = [text.replace("[MASK]", self.tokenizer.mask_token) for text in texts]
        # asked for: transformers 5 leaves them out for ALBERT, which was trained with them
        encoding = self.tokenizer(*own, return_tensors="pt", return_token_type_ids=self.family in SEGMENTED)
        accepted = inspect.signature(self.network.forward).parameters
        return {name: value for name, value in encoding.items() if name in accepted}

    def __call__(self, *texts: str, **options: Any) -> Any:
        with torch.no_grad():
            return self.network(**self.inputs(*texts), **options)

    def embeddings(self, ids: Tensor) -> Tensor:
        return self.network.get_input_embeddings()(ids).detach()

    def value(self, inputs: dict[str, Tensor], embeddings: Tensor, index: int, position: int | None = None) -> Tensor:
        """The logit of one class, or of one token at ``position``, from word embeddings; one number a row."""
        rows = {name: value.expand(len(embeddings), -1) for name, value in inputs.items() if name != "input_ids"}
        return self.pick(self.network(inputs_embeds=embeddings, **rows), index, position)

    def pick(self, output: Any, index: int, position: int | None) -> Tensor:
        if self.task == "next_sentence" and position is None:
            return output.seq_relationship_logits[:, index]
        logits = output.prediction_logits if self.task == "next_sentence" else output.logits
        return logits[:, index] if position is None else logits[:, position, index]


def relevance(attentions: tuple[Tensor, ...], value: Tensor, position: int) -> Tensor:
    """Chefer et al. 2021, generic: R = I, then R ← R + mean_h((∇A ⊙ A)⁺) R; the row of ``position``."""
    tokens = attentions[0].shape[-1]
    matrix = torch.eye(tokens, dtype=torch.float64)
    for weights, gradient in zip(attentions, torch.autograd.grad(value, attentions), strict=True):
        heads = [torch.relu(gradient[0, head] * weights[0, head]).double() for head in range(weights.shape[1])]
        update = sum(heads) / len(heads)
        matrix = matrix + torch.einsum("qk,kj->qj", update, matrix)
    return matrix[position].detach()
