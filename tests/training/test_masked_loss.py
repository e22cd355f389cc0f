"""The masked-word loss in chunks is torch's, and so are its gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from training import masked_loss
from training.masked_loss import masked_word_loss


@pytest.mark.parametrize("rows", [1, 3, 128])
@pytest.mark.parametrize("frozen_decoder", [False, True])
def test_loss_and_gradients_are_those_of_torch(
    rows: int, frozen_decoder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masked_loss, "_ROWS", rows)
    draw = torch.Generator().manual_seed(3)
    states = torch.randn(7, 5, generator=draw, dtype=torch.float64).float().requires_grad_()
    decoder = torch.randn(11, 5, generator=draw).requires_grad_(not frozen_decoder)
    bias = torch.randn(11, generator=draw).requires_grad_()
    targets = torch.randint(11, (7,), generator=draw)
    logits = F.linear(states, decoder, bias)
    expected = F.cross_entropy(logits, targets)
    inputs = [tensor for tensor in (states, decoder, bias) if tensor.requires_grad]
    gradients = torch.autograd.grad(3 * expected, inputs)

    loss, correct = masked_word_loss(states, decoder, bias, targets, torch.float32)

    torch.testing.assert_close(loss, expected)
    assert correct == int((logits.argmax(-1) == targets).sum())
    for found, right in zip(torch.autograd.grad(3 * loss, inputs), gradients, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-6)


def test_in_half_precision_only_the_products_are_rounded() -> None:
    draw = torch.Generator().manual_seed(4)
    states = torch.randn(40, 16, generator=draw).bfloat16().requires_grad_()
    decoder, bias = torch.randn(50, 16, generator=draw), torch.randn(50, generator=draw)
    targets = torch.randint(50, (40,), generator=draw)
    loss, _ = masked_word_loss(states, decoder, bias, targets, torch.bfloat16)
    expected = F.cross_entropy(F.linear(states.float(), decoder, bias), targets)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), rel=0.01)
    (gradient,) = torch.autograd.grad(loss, states)
    (right,) = torch.autograd.grad(expected, states)
    assert gradient.dtype == torch.bfloat16
    torch.testing.assert_close(gradient.float(), right.float(), rtol=0.05, atol=0.002)
