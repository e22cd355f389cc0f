"""A network with a head of the user's own, in the place of a stock network with a task head.

The user's function runs the whole network and gives the logits. The encoder inside is one that GlassBERT has loaded, so
that everything inside it works as in a stock network; word embeddings are replaced where they leave their table, and
attention weights are taken where they leave the encoder. `head_trial.py` makes such a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from glassbert.errors import ModelError, UnsupportedModelError
from glassbert.models.files import quoted

__all__ = ["Answer", "HeadFunction", "OwnNetwork"]

#: (network, inputs) → logits, (text, label).
HeadFunction = Callable[[Any, Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True, slots=True)
class Answer:
    """The part of a stock network's output that GlassBERT reads."""

    logits: Tensor  # (input, label)
    attentions: tuple[Tensor, ...]  # (input, head, query, key) per layer, if requested


class OwnNetwork(nn.Module):
    """The user's network, called through the user's function; from outside like a stock one with a classifier."""

    #: The last states that the head reads: that of [CLS], the mean of all, or neither of the two.
    reads: Literal["cls", "mean", "other"] = "other"
    #: Whether the head reads the last layer and no other.
    last_layer_only = False
    #: The labels it gives a logit for; 0: not known yet.
    labels = 0

    def __init__(self, whole: Any, encoder: str, function: HeadFunction) -> None:
        super().__init__()
        self.whole = whole
        self._encoder = encoder
        self.function = function

    @property
    def base_model(self) -> Any:
        return self.whole.get_submodule(self._encoder)

    @property
    def config(self) -> Any:
        return self.base_model.config

    @property
    def dtype(self) -> torch.dtype:
        dtype: torch.dtype = self.base_model.dtype
        return dtype

    def get_input_embeddings(self) -> Any:
        return self.base_model.get_input_embeddings()

    def set_input_embeddings(self, table: Any) -> None:
        self.base_model.set_input_embeddings(table)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool = False,
    ) -> Answer:
        """As a stock network, but ``inputs_embeds`` are beside the ids. Raises UnsupportedModelError."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        with self._watched(inputs_embeds, weights=output_attentions) as seen:
            logits = self._called(inputs)
        if seen.calls != 1:
            raise UnsupportedModelError(
                f"forward(network, inputs) calls the encoder {seen.calls} times for one batch, where GlassBERT "
                "explains one reading: call it once, as a function (network.encoder(**inputs), not its parts)"
            )
        if inputs_embeds is not None and not seen.replaced:
            raise UnsupportedModelError(
                "forward(network, inputs) reads the words without the encoder's table of word embeddings, so they "
                "cannot be replaced: give the encoder inputs['input_ids']"
            )
        self._check(logits, seen.rows)
        return Answer(logits, seen.weights)

    def _called(self, inputs: Mapping[str, Tensor]) -> Any:
        try:
            return self.function(self.whole, inputs)
        except (torch.OutOfMemoryError, ModelError):
            raise
        except Exception as error:
            raise UnsupportedModelError(
                f"forward(network, inputs) failed ({type(error).__name__}: "
                f"{quoted(' '.join(str(error).split()), characters=200)}); it gets a dictionary of "
                f"{', '.join(inputs)}, each (text, token)"
            ) from error

    def _check(self, logits: Any, rows: int) -> None:
        """Raises UnsupportedModelError unless these are logits of this many rows."""
        if not isinstance(logits, Tensor):
            raise UnsupportedModelError(
                f"forward(network, inputs) must return a tensor of logits, (text, label); it returned a "
                f"{type(logits).__name__}"
            )
        shape = tuple(logits.shape)
        if (
            len(shape) != 2
            or shape[0] != rows
            or shape[1] < 1
            or not logits.is_floating_point()
            or (shape[1] != self.labels != 0)
        ):
            labels = self.labels or "label"
            hint = "; a single logit is logits[:, None]" if len(shape) == 1 else ""
            raise UnsupportedModelError(
                f"forward(network, inputs) must return floating-point logits of the shape (text, label), here "
                f"({rows}, {labels}); it returned {logits.dtype} of the shape {shape}{hint}"
            )

    @contextmanager
    def _watched(self, embeddings: Tensor | None, *, weights: bool) -> Iterator[_Seen]:
        """A context in which calls of the encoder are counted, its words replaced and its weights taken."""
        seen, encoder = _Seen(), self.base_model

        def replace_rows(_module: Any, _inputs: tuple[Any, ...], rows: Tensor) -> Tensor:
            if embeddings is None or rows.shape != embeddings.shape:
                return rows
            seen.replaced = True
            return embeddings

        def ask(_module: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
            seen.asked = bool(options.get("output_attentions"))
            return inputs, options | {"output_attentions": True}

        def take(_module: Any, _inputs: tuple[Any, ...], output: Any) -> Any:
            """The output as the user's function would have it without the weights that were added to it."""
            as_tuple = isinstance(output, tuple)
            seen.weights = output[-1] if as_tuple else output.attentions
            if seen.asked:
                return output
            if as_tuple:
                return output[:-1]
            return type(output)(**{name: value for name, value in output.items() if name != "attentions"})

        def count(_module: Any, _inputs: tuple[Any, ...], output: Any) -> None:
            seen.calls += 1
            seen.rows = len(output[0])  # hooks may have added some inside

        hooks = [encoder.register_forward_hook(count)]
        if embeddings is not None:
            hooks.append(self.get_input_embeddings().register_forward_hook(replace_rows))
        if weights:
            hooks += [
                encoder.register_forward_pre_hook(ask, with_kwargs=True),
                encoder.register_forward_hook(take),
            ]
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()


@dataclass(slots=True)
class _Seen:
    """What was seen of the encoder while the user's function ran."""

    calls: int = 0
    rows: int = 0
    replaced: bool = False
    asked: bool = False
    weights: tuple[Tensor, ...] = ()
