"""Workers meet in the mean of their newest weights, and meet each version once."""

from __future__ import annotations

import pytest
import torch

from training.weight_exchange import WeightExchange, flatten, unflatten


def parameters(value: float) -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.full((2, 2), value)), torch.nn.Parameter(torch.full((3,), value + 1))]


def test_flatten_and_unflatten_are_inverse() -> None:
    before = parameters(3.0)
    vector = flatten(before)
    assert vector.tolist() == [3, 3, 3, 3, 4, 4, 4]
    after = parameters(0.0)
    unflatten(vector, after)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_averaging_takes_what_is_new_and_only_that() -> None:
    exchange = WeightExchange.create(workers=3, weights=7)
    one, other = parameters(1.0), parameters(5.0)
    seen_by_one = exchange.average(0, one, (0, 0, 0))
    assert flatten(one)[0] == 1  # nobody else has published
    seen_by_other = exchange.average(1, other, (0, 0, 0))
    assert flatten(other).tolist() == [3, 3, 3, 3, 4, 4, 4]  # (1 + 5) / 2; the third worker is not counted
    assert seen_by_other == (1, 0, 0)
    exchange.average(1, other, seen_by_other)
    assert flatten(other)[0] == 3  # the same version of worker 0 is not met again
    seen_by_one = exchange.average(0, one, seen_by_one)
    assert flatten(one)[0] == 2  # (1 + 3) / 2
    assert seen_by_one == (0, 2, 0)


@pytest.mark.smoke
def test_the_end_is_the_mean_of_all_workers() -> None:
    exchange = WeightExchange.create(workers=2, weights=7)
    one, other = parameters(1.0), parameters(4.0)
    exchange.finish(1, other)
    exchange.finish(0, one)
    exchange.final_mean(one)
    assert flatten(one).tolist() == [2.5, 2.5, 2.5, 2.5, 3.5, 3.5, 3.5]
