"""Accuracy, calibration error and temperature, against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from training.calibrate_sentiment import best_temperature
from training.evaluate_sentiment import accuracy, calibration_error, logits_of
from training.sentiment_data import Encoded


def logits_for(confidences: list[float], predicted: list[int]) -> torch.Tensor:
    """Logits whose likelier class is the predicted one, with this probability."""
    half = [math.log(p / (1 - p)) / 2 for p in confidences]
    return torch.tensor([[-h, h] if label else [h, -h] for h, label in zip(half, predicted, strict=True)])


def test_calibration_error_by_hand() -> None:
    # bins are 1/15 wide: 0.90 and 0.92 share the one from 0.867 to 0.933, 0.70 and 0.71 that from 0.667 to 0.733
    logits = logits_for([0.90, 0.92, 0.70, 0.71], [1, 0, 1, 1])
    right, half_right = torch.tensor([1, 0, 1, 1]), torch.tensor([1, 1, 1, 0])
    assert calibration_error(logits, right) == pytest.approx((2 * (1 - 0.91) + 2 * (1 - 0.705)) / 4)
    assert calibration_error(logits, half_right) == pytest.approx((2 * (0.91 - 0.5) + 2 * (0.705 - 0.5)) / 4)
    certain = torch.tensor([[-1e4, 1e4]])
    assert calibration_error(certain, torch.tensor([1])) == 0
    assert calibration_error(certain, torch.tensor([0])) == 1


def test_the_temperature_makes_confidence_the_share_that_is_right() -> None:
    # 80 of 100 are right, so the best common probability is 0.8
    logits = logits_for([0.95] * 100, [1] * 100)
    labels = torch.tensor([1] * 80 + [0] * 20)
    temperature = best_temperature(logits, labels)
    assert temperature == pytest.approx(math.log(0.95 / 0.05) / math.log(0.8 / 0.2), rel=0.01)
    assert calibration_error(logits / temperature, labels) < 0.01 < calibration_error(logits, labels)


class CountsOnes(torch.nn.Module):
    """Positive if a text has more ids 1 than 2."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        kept = attention_mask.bool()
        counts = [((input_ids == number) & kept).sum(1) for number in (2, 1)]
        return type("Output", (), {"logits": torch.stack(counts, 1).float()})


def test_accuracy_is_the_share_of_right_answers() -> None:
    texts = [Encoded([1, 1, 2], 1), Encoded([2, 2], 0), Encoded([1], 0), Encoded([2, 1, 1, 1], 1)]
    assert accuracy(CountsOnes(), texts, precision="float32") == 0.75
    logits, labels = logits_of(CountsOnes(), texts, precision="float32")
    assert labels.tolist() == [0, 0, 1, 1]  # in order of length
    assert logits.tolist() == [[0, 1], [2, 0], [1, 2], [1, 3]]
