"""Learning rates at the moments where the schedule turns."""

from __future__ import annotations

import pytest

from training.errors import RecipeError
from training.schedule import Rates, Schedule

SCHEDULE = Schedule(minutes=10, head_minutes=2, learning_rate=1e-3, head_learning_rate=5e-3, decay_from=0.6)


@pytest.mark.parametrize(
    ("seconds", "scale"),
    [
        (120.0, 0.02),  # the encoder joins: warm-up begins
        (150.0, 0.5),
        (180.0, 1.0),  # a minute later
        (359.9, 1.0),
        (480.0, 0.5),  # half-way from 60 % to the end
        (596.0, 0.03),  # the floor
        (600.0, 0.03),
    ],
)
def test_rates_after_the_heads_phase(seconds: float, scale: float) -> None:
    rates = SCHEDULE.at(seconds)
    assert rates.encoder == pytest.approx(1e-3 * scale)
    assert rates.heads == pytest.approx(2e-3 * scale)
    assert not rates.heads_only


def test_the_heads_train_alone_first() -> None:
    for seconds in (0.0, 119.9):
        assert SCHEDULE.at(seconds) == Rates(heads=5e-3, encoder=0.0, heads_only=True)


def test_steps_stand_for_the_minutes() -> None:
    assert [SCHEDULE.seconds_at(step, 100) for step in (0, 20, 50, 100)] == pytest.approx([0, 120, 300, 600])


def test_no_decay_when_it_begins_at_the_end() -> None:
    flat = Schedule(minutes=1, head_minutes=0, learning_rate=1.0, head_learning_rate=1.0, decay_from=1.0)
    assert flat.at(60.0).encoder == 1.0


@pytest.mark.parametrize("changes", [{"minutes": 0.0}, {"head_minutes": -1.0}, {"decay_from": 1.2}])
def test_impossible_schedules_are_refused(changes: dict[str, float]) -> None:
    usual = {"minutes": 10.0, "head_minutes": 2.0, "learning_rate": 1e-3, "head_learning_rate": 1e-3, "decay_from": 0.5}
    with pytest.raises(RecipeError):
        Schedule(**(usual | changes))
