"""The masked-word loss without the logits of a whole batch.

A batch has some 500 masked positions and the vocabulary 30,522 pieces: logits, their log-softmax and its gradient, all
in float32, took a sixth of a step on a CPU. Here a few rows at a time are computed and turned into the gradient at once
(as in Liger Kernel's fused linear cross-entropy; Hsu et al. 2024).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

__all__ = ["masked_word_loss"]

#: Rows computed at once: 16 MB of logits in float32.
_ROWS = 128


def masked_word_loss(
    states: torch.Tensor, decoder: torch.Tensor, bias: torch.Tensor, targets: torch.Tensor, dtype: torch.dtype
) -> tuple[torch.Tensor, int]:
    """The mean cross-entropy of ``states @ decoder.T + bias`` in nats, and how many rows have their target on top.

    ``states`` (position, hidden), ``decoder`` (vocabulary, hidden), ``bias`` (vocabulary,), ``targets`` (position,).
    Products are computed in ``dtype``, everything else in float32.
    """
    loss, correct = _MaskedWordLoss.apply(states, decoder, bias, targets, dtype)
    return loss, int(correct)


class _MaskedWordLoss(torch.autograd.Function):
    """Computes the gradients in the forward pass, as long as the logits are there."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        decoder: torch.Tensor,
        bias: torch.Tensor,
        targets: torch.Tensor,
        dtype: torch.dtype,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        wanted = ctx.needs_input_grad[:3]
        weights = decoder.detach().to(dtype)
        gradients = tuple(
            torch.zeros_like(tensor, dtype=torch.float32) if needed else None
            for tensor, needed in zip((states, decoder, bias), wanted, strict=True)
        )
        loss = states.new_zeros((), dtype=torch.float32)
        correct = torch.zeros((), dtype=torch.int64, device=states.device)
        for start in range(0, len(targets), _ROWS):
            rows = slice(start, start + _ROWS)
            chunk, target = states[rows].detach().to(dtype), targets[rows, None]
            logits = F.linear(chunk, weights).float().add_(bias.detach())
            at_target = logits.gather(-1, target)
            correct += (logits.amax(-1, keepdim=True) == at_target).sum()
            normaliser = logits.logsumexp(-1, keepdim=True)
            loss += (normaliser - at_target).sum()
            if any(wanted):
                error = logits.sub_(normaliser).exp_()  # probabilities − 1 at the target
                error.scatter_add_(-1, target, error.new_full(target.shape, -1.0))
                _accumulate(gradients, rows, error, chunk, weights)
        ctx.scale, ctx.dtypes = 1 / max(len(targets), 1), (states.dtype, decoder.dtype, bias.dtype)
        ctx.save_for_backward(*(gradient for gradient in gradients if gradient is not None))
        ctx.mark_non_differentiable(correct)
        return loss * ctx.scale if len(targets) else loss * torch.nan, correct

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        saved = iter(ctx.saved_tensors)
        factor = upstream[0] * ctx.scale
        gradients = (
            (next(saved) * factor).to(dtype) if needed else None
            for needed, dtype in zip(ctx.needs_input_grad[:3], ctx.dtypes, strict=True)
        )
        return (*gradients, None, None)


def _accumulate(
    gradients: tuple[torch.Tensor | None, ...],
    rows: slice,
    error: torch.Tensor,
    chunk: torch.Tensor,
    weights: torch.Tensor,
) -> None:
    """Add the gradients of one chunk, of states, decoder and bias, for the mean times the number of positions."""
    of_states, of_decoder, of_bias = gradients
    rounded = error.to(weights.dtype)
    if of_states is not None:
        of_states[rows] = (rounded @ weights).float()
    if of_decoder is not None:
        of_decoder += (rounded.T @ chunk).float()
    if of_bias is not None:
        of_bias += error.sum(0)
