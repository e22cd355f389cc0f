"""Batches of texts of about the same length, drawn anew for each epoch, the same for a seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.network.model import Model
from glassbert.network.run import Batch
from glassbert.tuning.examples import IGNORED, Examples

__all__ = ["Batches", "Collator", "padded_inputs"]

#: The lengths of texts that may meet in a batch differ by about this share: sorted strictly, the same texts would.
_MIXING = 0.15
#: BERT's shares: of the tokens of a text, 15 % are guessed; of these, 80 % are masked and 10 % exchanged.
_GUESSED, _MASKED, _EXCHANGED = 0.15, 0.8, 0.1


class Batches:
    """The examples of each batch of an epoch, about ``tokens_per_batch`` tokens each with padding; a batch sampler.

    Every epoch has the same number of batches, so that the number of steps is known. What an epoch draws depends on the
    seed and its number alone, so that a resumed training reads what an undisturbed one would.
    """

    def __init__(self, lengths: Any, tokens_per_batch: int, seed: int) -> None:
        self.lengths, self.seed, self.epoch = np.asarray(lengths), seed, 0
        self.ends: list[int] = []
        in_batch = 0
        for rank, length in enumerate(np.sort(self.lengths), start=1):
            if in_batch and (in_batch + 1) * length > tokens_per_batch:
                self.ends.append(rank - 1)
                in_batch = 0
            in_batch += 1
        self.ends.append(len(self.lengths))

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng((self.seed, self.epoch))
        jitter = self.lengths * (1 + draw.uniform(-_MIXING, _MIXING, len(self.lengths)))
        order = np.argsort(jitter + draw.random(len(self.lengths)), kind="stable")
        groups = np.split(order, self.ends[:-1])
        for number in draw.permutation(len(groups)):
            yield [int(place) for place in groups[number]]


class Collator:
    """Examples → tensors: padded inputs, labels and the place of each example.

    For plain text it draws what is masked, from the seed, the epoch and the place of the text alone.
    """

    def __init__(self, examples: Examples, model: Model, batches: Batches) -> None:
        self.examples, self.model, self.batches = examples, model, batches
        self.tokenizer = model.tokenizer

    def __call__(self, places: list[int]) -> dict[str, Tensor]:
        own, most = self.examples, self.model.max_tokens
        inputs = padded_inputs(own, self.model, places)
        collated = {
            "input_ids": inputs.input_ids,
            "attention_mask": inputs.attention_mask,
            "token_type_ids": inputs.token_type_ids,
            "places": torch.tensor(places),
        }
        spans = [own.span(place) for place in places]
        if own.kind == "tokens":
            collated["labels"] = _padded([own.labels[span] for span in spans], IGNORED, most)
        elif own.kind == "texts":
            drawn = [self._mask(place, span) for place, span in zip(places, spans, strict=True)]
            collated["input_ids"] = _padded([ids for ids, _ in drawn], self.tokenizer.pad_token_id, most)
            collated["labels"] = _padded([labels for _, labels in drawn], IGNORED, most)
        else:
            collated["labels"] = torch.as_tensor(own.labels[places])
        return collated

    def _mask(self, place: int, span: slice) -> tuple[Any, Any]:
        """The ids with some masked, and the ids to guess; at least one token is guessed."""
        own = self.examples
        draw = np.random.default_rng((self.batches.seed, self.batches.epoch, place))
        ids = own.ids[span].copy()
        words = np.flatnonzero(~own.special[span])
        chosen = words[draw.random(len(words)) < _GUESSED]
        if len(chosen) == 0:
            chosen = draw.choice(words, 1)
        labels = np.full(len(ids), IGNORED, dtype=np.int32)
        labels[chosen] = ids[chosen]
        fate = draw.random(len(chosen))
        ids[chosen[fate < _MASKED]] = self.tokenizer.mask_token_id
        exchanged = chosen[(fate >= _MASKED) & (fate < _MASKED + _EXCHANGED)]
        ids[exchanged] = draw.integers(len(self.tokenizer), size=len(exchanged))
        return ids, labels


def padded_inputs(examples: Examples, model: Model, places: list[int]) -> Batch:
    """What a network reads of these examples, padded on the right."""
    own, most = examples, model.max_tokens
    spans = [own.span(place) for place in places]
    return Batch(
        input_ids=_padded([own.ids[span] for span in spans], model.tokenizer.pad_token_id, most),
        attention_mask=_padded([np.ones(span.stop - span.start) for span in spans], 0, most),
        token_type_ids=_padded([own.segments[span] for span in spans], 0, most),
    )


def _padded(rows: list[Any], fill: int, most: int) -> Tensor:
    """(example, token); the width is a multiple of 8, so that few shapes occur, or ``most``."""
    width = min(-(-max(map(len, rows)) // 8) * 8, most)
    tensor = np.full((len(rows), width), fill, dtype=np.int64)
    for row, values in zip(tensor, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(tensor)
