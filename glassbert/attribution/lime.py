"""LIME: a linear model of the network's behaviour near this text (Ribeiro et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glassbert.attribution._method import Attribution, Method
from glassbert.attribution._options import Option, baseline, seed
from glassbert.attribution._word_features import USUAL_PASSES, for_captum, word_features
from glassbert.decision import Runner

# The defaults of Ribeiro's own code for texts: cosine distances, this kernel, a ridge of 1. (His 25 is for distances
# × 100, and he takes the root of the kernel.)
_KERNEL_WIDTH, _RIDGE = 0.25, 1.0


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """The weights of a ridge regression of F on the presence of words, fitted by Captum's Lime.

    It is fitted to ``n_samples`` random texts, each word hidden with probability ½; a text at cosine distance d has the
    weight exp(−d² / 2w²), w being ``kernel_width``. None: 256, or one per token if that is more. The pieces of a word
    share its weight equally; kept tokens score 0. Captum's own default, a lasso, gives zeros throughout at a logit's
    scale.
    """
    from captum.attr import Lime
    from captum.attr._core.lime import get_exp_kernel_similarity_function

    words = word_features(runner, options["baseline"])
    samples = options["n_samples"] or _usual_samples(runner.decision.length)
    shares = np.zeros(words.count)
    if words.count:
        draw = torch.Generator().manual_seed(options["seed"])  # the global generator is shared by all threads
        half = torch.full((1, words.count), 0.5)
        explainer = Lime(
            for_captum(words.values),
            interpretable_model=Ridge(_RIDGE),
            similarity_func=get_exp_kernel_similarity_function("cosine", options["kernel_width"]),
            perturb_func=lambda original, **_: torch.bernoulli(half, generator=draw).long(),
        )
        shares = explainer.attribute(
            torch.ones(1, words.count), n_samples=samples, perturbations_per_eval=samples, return_input_shape=False
        ).numpy()
    return Attribution(
        scores=words.scores(shares), baseline=options["baseline"], options={**options, "n_samples": samples}
    )


class Ridge:
    """Weighted ridge regression with an intercept, with the interface Captum expects; its own requires scikit-learn."""

    def __init__(self, penalty: float) -> None:
        self._penalty = penalty
        self._weights = torch.zeros(0)

    def fit(self, train_data: Iterable[tuple[Tensor, Tensor, Tensor]]) -> None:
        inputs, outputs, weights = (torch.cat(parts).double() for parts in zip(*train_data, strict=True))
        share = weights / weights.sum()
        inputs, outputs = inputs - share @ inputs, outputs - share @ outputs
        squares = (inputs.T * weights) @ inputs + self._penalty * torch.eye(inputs.shape[1], dtype=torch.float64)
        self._weights = torch.linalg.solve(squares, (inputs.T * weights) @ outputs)

    def representation(self) -> Tensor:
        """(feature,) the fitted weights, without the intercept."""
        return self._weights


def _usual_samples(tokens: int) -> int:
    return max(USUAL_PASSES, tokens)


def _cost(tokens: int, options: Mapping[str, Any]) -> int:
    """As if every token were a word, plus F(x); few words have fewer distinct texts."""
    samples: int = options["n_samples"] or _usual_samples(tokens)
    return 1 + min(samples, 1 << max(0, tokens - 2))


METHOD = Method(
    id="lime",
    label="LIME",
    in_words="A simple model of hidden words",
    paper="Ribeiro et al. 2016, arXiv:1602.04938",
    family="perturbation",
    signed=True,
    complete=False,
    meaning="this word's weight in a linear model fitted to the network's answers to random parts of the text",
    cost=_cost,
    compute=compute,
    parameters=(
        baseline("mask"),
        Option(
            "n_samples",
            "int",
            None,
            "Number of random texts that the linear model is fitted to.",
            unit="texts",
            minimum=2,
            maximum=100_000,
            none="256, or one per token if that is more",
        ),
        Option(
            "kernel_width",
            "float",
            _KERNEL_WIDTH,
            "How slowly the weight of a text falls with its distance from the original.",
            unit="cosine distance",
            minimum=0,
            maximum=100,
            open_start=True,
        ),
        seed(2**63 - 1),
    ),
)
