"""AttnLRP's rules as changes to the backward pass (Achtibat et al. 2024, arXiv:2402.05602).

With ε → 0, each rule means: relevance of an input = input × gradient, in a network with a modified backward pass. So
the rules become hooks on the stock network: the forward pass is unchanged, and only the backward flow of gradients
changes. Every tensor of the graph belongs to this pass; the shared network is not modified.

| part | rule of the paper | here |
|---|---|---|
| Linear, residual | ε rule, the bias takes its share | the gradient unchanged |
| activation f | identity: relevance passes unchanged | f(x)/x counts as a constant |
| LayerNorm | identity for the division by the standard deviation | the standard deviation counts as a constant |
| softmax | R_i = x_i (R_i − s_i Σ_j R_j), the first-order term | the gradient unchanged |
| gate f(a) · b | half to each factor | ½ f(a)/a · b and ½ f(a) count as constants |
| product of two states (Q Kᵀ, A V) | half to each factor | gradients of values × ½; of queries and keys × ¼ |

Queries and keys get ½ for their own product and ½ because the attention weights are one half of the other product. The
queries and keys of distances (disentangled attention) are factors of such products too; what they get belongs to the
positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from glassbert.attribution._parts import activations, gates, slope
from glassbert.families import Family, family_of
from glassbert.network.blocks import blocks
from glassbert.targets import Target


class Ledger:
    """Relevance that does not end at the words, in units of F; complete once the gradients have flowed back."""

    def __init__(self) -> None:
        self.leaves: list[tuple[str, Tensor]] = []  # (account, output) of embedding tables other than the words'
        self._booked: dict[str, list[Tensor]] = {"biases": [], "softmax": []}

    def clear(self) -> None:
        self.leaves.clear()
        for account in self._booked.values():
            account.clear()

    def book(self, account: str, relevance: Tensor) -> None:
        self._booked[account].append(relevance)

    def total(self, account: str) -> float:
        return float(sum(float(relevance) for relevance in self._booked[account]))


@contextmanager
def lrp_rules(network: Any, target: Target, ledger: Ledger) -> Iterator[None]:
    """A context in which a pass of the stock network is recorded so that input × gradient is AttnLRP's relevance.

    Raises UnsupportedModelError.
    """
    ledger.clear()  # a pass that ran out of memory is repeated
    products: dict[Any, _Product] = {}
    words, family = network.get_input_embeddings(), family_of(network.config.model_type)
    for block in blocks(network):
        products |= {block.query: _Product(0.25, -1), block.key: _Product(0.25, -1), block.value: _Product(0.5, 1)}
    distances = list(_distance_projections(network, family))
    products |= dict.fromkeys(distances, _Product(0.25, -1))
    with ExitStack() as stack:

        def after(module: Any, hook: Callable[..., Any]) -> None:
            stack.callback(module.register_forward_hook(hook).remove)

        for name, module in network.named_modules():
            if isinstance(module, nn.LayerNorm):
                after(module, lambda module, inputs, _output: _normed(module, inputs[0], ledger))
            elif isinstance(module, nn.Embedding) and module is not words:
                if f"{name}.weight".removeprefix(f"{family.prefix}.") not in family.computed:  # angles are constants
                    after(module, _leaf(_account(family, name), ledger))
            elif isinstance(module, (nn.Linear, nn.Conv1d)):
                after(module, _linear(products.get(module), ledger, scaled=module in distances))
        for module in distances:
            stack.callback(module.register_forward_pre_hook(_leaf_before(ledger)).remove)
        for before, following in activations(network, target):
            given: list[Tensor] = []
            after(before, lambda _module, _inputs, output, given=given: given.append(output))
            hook = following.register_forward_pre_hook(
                lambda _module, inputs, given=given: (_straight(given.pop(), inputs[0]),)
            )
            stack.callback(hook.remove)
        for before, following in gates(network):
            factors: dict[Any, Tensor] = {}
            for module in before:
                after(module, lambda module, _inputs, output, factors=factors: factors.update({module: output}))
            hook = following.register_forward_pre_hook(
                lambda _module, inputs, before=before, factors=factors: (
                    _gated(torch.cat([factors.pop(module) for module in before], dim=-1), inputs[0]),
                )
            )
            stack.callback(hook.remove)
        for block in blocks(network):
            if block.convolution is not None:
                stack.enter_context(_straight_convolution(block.convolution))
        yield


@dataclass(frozen=True, slots=True)
class _Product:
    """A factor of a product in attention: the share of the gradient it keeps, and its sign in the softmax's balance."""

    scale: float
    #: The weights get as much relevance as the values (+); queries and keys get what the softmax propagated (−).
    sign: int


def _straight(given: Tensor, read: Tensor) -> Tensor:
    """f(x) as x times the constant f(x)/x."""
    return given * slope(given, read).detach()


def _gated(given: Tensor, read: Tensor) -> Tensor:
    """f(a) · b, where half of its relevance goes to a and half to b."""
    activated, factor = given.chunk(2, dim=-1)
    by_activated = (slope(activated, read) / 2).detach()
    by_factor = (slope(factor, read) / 2).detach()
    return activated * by_activated + factor * by_factor


@contextmanager
def _straight_convolution(module: Any) -> Iterator[None]:
    """The activation between a convolution and the LayerNorm that reads residual + f(x), as in :func:`_straight`."""
    added: list[Tensor] = []
    given: list[Tensor] = []

    def straightened(_module: Any, inputs: tuple[Tensor]) -> tuple[Tensor]:
        convolved, residual = given.pop().transpose(1, 2), added.pop()
        return (residual + _straight(convolved, (inputs[0] - residual).detach()),)

    hooks = (
        module.register_forward_pre_hook(lambda _module, inputs: added.append(inputs[1])),
        module.conv.register_forward_hook(lambda _module, _inputs, output: given.append(output)),
        module.LayerNorm.register_forward_pre_hook(straightened),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _normed(module: Any, states: Tensor, ledger: Ledger) -> Tensor:
    """LayerNorm with its standard deviation as a constant."""
    exact = states.float()
    spread = (exact.var(dim=-1, correction=0, keepdim=True) + module.eps).sqrt().detach()
    centred = (exact - exact.mean(dim=-1, keepdim=True)) / spread
    scaled = centred * module.weight.float()
    output: Tensor = (scaled if module.bias is None else scaled + module.bias.float()).to(states.dtype)
    _when_gradient_comes(output, lambda gradient: _book_bias(gradient, module.bias, ledger))
    return output


def _linear(product: _Product | None, ledger: Ledger, *, scaled: bool) -> Callable[..., Tensor | None]:
    """Record the bias's share; for queries, keys and values also what the softmax between them keeps.

    ``scaled``: the network may scale the output in place.
    """

    def hook(module: Any, _inputs: Any, output: Tensor) -> Tensor | None:
        states = output.detach()

        def book(gradient: Tensor) -> Tensor:
            if product is not None:
                gradient = gradient * product.scale
                ledger.book("softmax", product.sign * (gradient.float() * states.float()).sum())
            _book_bias(gradient.transpose(1, 2) if isinstance(module, nn.Conv1d) else gradient, module.bias, ledger)
            return gradient

        _when_gradient_comes(output, book)
        return output.clone() if scaled else None

    return hook


def _book_bias(gradient: Tensor, bias: Tensor | None, ledger: Ledger) -> None:
    if bias is not None:
        ledger.book("biases", (gradient.float() * bias.float()).sum())


def _when_gradient_comes(output: Any, hook: Callable[[Tensor], Tensor | None]) -> None:
    """Call ``hook(gradient)`` when it arrives, to read or to replace it; none does where no word has an influence."""
    if output.requires_grad:
        output.register_hook(hook)


def _account(family: Family, path: str) -> str:
    """The account of an embedding table other than the words'."""
    match path.removeprefix(f"{family.prefix}."):
        case family.embeddings.segments | family.embeddings.constant:
            return "segments"
        case family.position_bias:
            return "position bias"
    return "positions"


def _distance_projections(network: Any, family: Family) -> Iterator[Any]:
    """The Linears from vectors of distances to their queries and keys, in disentangled attention."""
    if family.distances is not None:
        for block in blocks(network):
            own = dict(block.layer.named_modules())
            yield from (own[path] for path in (family.distances.query, family.distances.key) if path in own)


def _leaf_before(ledger: Ledger) -> Callable[..., tuple[Tensor]]:
    """What a module reads, as a separate input: the vectors of distances, which are positions."""

    def hook(_module: Any, inputs: tuple[Tensor]) -> tuple[Tensor]:
        leaf = inputs[0].detach().requires_grad_()
        ledger.leaves.append(("positions", leaf))
        return (leaf,)

    return hook


def _leaf(account: str, ledger: Ledger) -> Callable[..., Tensor]:
    """The output of an embedding table, as a separate input."""

    def hook(_module: Any, _inputs: Any, output: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        ledger.leaves.append((account, leaf))
        return leaf

    return hook


def relevances(value: Tensor, logits: Tensor, words: Tensor, ledger: Ledger) -> tuple[Tensor, dict[str, float]]:
    """Relevance of each word-embedding coordinate, (1, token, dimension), and account → where the rest of F went.

    "positions", "segments" and "biases" are these parameters' own shares. "softmax" is what its first-order rule cannot
    propagate, since a softmax is not zero at zero: in attention, and if F is a probability.
    """
    inputs = [logits, words, *(leaf for _, leaf in ledger.leaves)]
    at_logits, at_words, *others = torch.autograd.grad(value.sum(), inputs)
    kept_by_probability = value.sum() - (at_logits * logits).sum()
    shares = {
        "positions": 0.0,
        "segments": 0.0,
        "biases": ledger.total("biases"),
        "softmax": ledger.total("softmax") + float(kept_by_probability.detach()),
    }
    for (account, leaf), gradient in zip(ledger.leaves, others, strict=True):
        relevance = float((leaf.detach().float() * gradient.float()).sum())
        if account == "position bias":  # added to the scores, and they are half of a product
            relevance /= 2
            shares["softmax"] -= relevance
        shares["segments" if account == "segments" else "positions"] += relevance
    return (at_words * words).detach(), shares
