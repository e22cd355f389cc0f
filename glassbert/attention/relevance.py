"""Attention relevance as a map: attention weighted by its gradient, layer by layer (Chefer et al. 2021)."""

from __future__ import annotations

from glassbert.attention._measure import Measure, one_pass
from glassbert.attribution._pose import pose
from glassbert.attribution.attention_relevance import relevance_by_layer
from glassbert.device import work_threads
from glassbert.encoder import Model
from glassbert.inputs import Text, encode
from glassbert.maps import TokenMaps
from glassbert.results import Array, Output
from glassbert.targets import Target, target_to_dict


def attention_relevance_map(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    target: Target | int | str | None = None,
    output: Output = "logit",
) -> TokenMaps:
    """R after each layer, (layer, query, key): how much of *key* reached *query* along attention that raised F.

    R ← R + mean_h((∇A ⊙ A)⁺) R, R = I at the start. The row of [CLS], or of the masked position, after the last layer
    is the attribution method "attention_relevance". Targets are those of :func:`glassbert.attribute`. One forward and
    one backward pass; rows do not sum to 1. Raises TargetError, HeadError, OptionError, TextErrors.
    """
    problem = pose(model, encode(model, text, pair), target, output)

    def work() -> tuple[float, Array]:
        with work_threads(problem.length):
            value, relevance = relevance_by_layer(problem)
            return value, relevance.cpu().numpy()

    value, relevance = model.retry_on_cpu(work)
    return TokenMaps.of(
        problem.encoded,
        MEASURE.id,
        relevance,
        rows_sum_to_one=False,
        options={
            "target": target_to_dict(problem.target),
            "target_label": problem.target_label,
            "output": output,
            "value": value,
        },
    )


MEASURE = Measure(
    id="attention_relevance",
    label="Attention relevance",
    paper="Chefer et al. 2021, arXiv:2103.15679",
    meaning="how much of this token reached the other along attention that raised the decision's value",
    cost=one_pass,
    rows_sum_to_one=False,
    needs_model=True,
    compute=lambda question: attention_relevance_map(
        question.model, question.text, question.pair, target=question.target
    ),
    needs_target=True,
    backward=True,
)
