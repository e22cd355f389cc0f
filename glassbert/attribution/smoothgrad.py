"""SmoothGrad: saliency averaged over noisy copies of the input (Smilkov et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glassbert.attribution._draws import draws, seeded
from glassbert.attribution._method import Attribution, Method
from glassbert.decision import Runner
from glassbert.decision.gradients import gradients_in_parts


def compute(runner: Runner, options: Mapping[str, Any]) -> Attribution:
    """‖1/n Σ_k ∂F/∂x_i(x + ε_k)‖₂ over embedding dimensions, non-negative; Captum's NoiseTunnel over its Saliency.

    ε_k is drawn for every value of every embedding from a normal distribution; ``stdev`` is a fraction of the standard
    deviation of all values of this input's embeddings, ``n_samples`` is n. Noise is drawn on the CPU: a seed gives the
    same samples on every device.
    """
    from captum.attr import NoiseTunnel, Saliency

    rows = options["internal_batch_size"] or runner.inputs_with_gradients
    saliency = Saliency(runner.value)
    saliency.gradient_func = gradients_in_parts(runner.value, rows)
    inputs = runner.decision.embeddings.cpu()
    with seeded(options["seed"]):
        gradient = NoiseTunnel(saliency).attribute(
            inputs,
            nt_type="smoothgrad",
            nt_samples=options["n_samples"],
            stdevs=options["stdev"] * float(inputs.std()),
            abs=False,
        )
    return Attribution(
        scores=gradient.detach().norm(dim=-1)[0].numpy(),
        options={**options, "internal_batch_size": min(rows, options["n_samples"])},
    )


METHOD = Method(
    id="smoothgrad",
    label="SmoothGrad",
    in_words="Sensitivity with noise",
    paper="Smilkov et al. 2017, arXiv:1706.03825",
    family="gradient",
    signed=False,
    complete=False,
    meaning="how strongly the value reacts to this token's embedding, averaged over noisy copies of the embeddings",
    cost=lambda tokens, options: int(options["n_samples"]) + 1,  # and one for F(x)
    compute=compute,
    parameters=draws(n_samples=20, stdev=0.15),
)
