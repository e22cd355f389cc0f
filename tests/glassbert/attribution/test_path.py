"""The quadrature of integrated gradients, on functions whose integral is known."""

from __future__ import annotations

import numpy as np
import pytest

from glassbert.attribution._path import Path, first_nodes, first_round


def walk(path, value, density, tolerance=0.01, smallest=1e-3):
    """Drive a path to its end; the places it asked for, round by round."""
    rounds = []
    while not path.done(tolerance, smallest):
        rounds.append(path.wanted())
        for place in rounds[-1]:
            path.give(place, value(place), np.asarray(density(place), dtype=np.float64))
    return rounds


def bump(place, middle=0.3, width=0.02):
    """The integral of `peak` from −∞ on."""
    return np.arctan((place - middle) / width)


def peak(place, middle=0.3, width=0.02):
    return width / ((place - middle) ** 2 + width**2)


@pytest.mark.parametrize(("tolerance", "nodes"), [(0.01, 14), (0.05, 12)])
def test_polynomials_are_exact_after_the_first_round(tolerance, nodes):
    path = Path(first_round(tolerance))
    rounds = walk(path, lambda a: 3 * a**4 - a, lambda a: [12 * a**3, -1.0], tolerance=1e-9)
    assert [len(places) for places in rounds] == [first_nodes(tolerance)] == [nodes]
    np.testing.assert_allclose(path.scores(), [3, -1], atol=1e-12)
    assert (path.baseline_value, path.value) == (0, 2)


@pytest.mark.parametrize("tolerance", [0.05, 0.01, 1e-4])
def test_a_sharp_bend_is_followed_until_the_tolerance_holds(tolerance):
    path = Path()
    sharp = {"width": 0.005}
    rounds = walk(
        path, lambda a: bump(a, **sharp), lambda a: [0.25 * peak(a, **sharp), 0.75 * peak(a, **sharp)], tolerance
    )
    change = bump(1.0, **sharp) - bump(0.0, **sharp)
    assert abs(path.scores().sum() - change) <= tolerance * change
    np.testing.assert_allclose(path.scores(), [0.25 * change, 0.75 * change], atol=tolerance * change)
    later = [place for places in rounds[1:] for place in places]
    close = [place for place in later if 0.2 <= place <= 0.5]
    assert len(close) > 0.6 * len(later), "where it bends"
    assert len(rounds) > 1


def test_a_place_is_asked_for_once():
    places = [place for asked in walk(Path(), bump, lambda a: [peak(a)], 1e-5) for place in asked]
    assert min(np.diff(sorted(places))) > 1e-9
    assert len(places) > 40


def test_misses_that_cancel_are_misses():
    """Up in the first quarter, down by as much in the second: the sum is right whatever the nodes are."""

    def density(a):
        return [peak(a, 0.1, 0.004) - peak(a, 0.35, 0.004) + 1]

    def value(a):
        return bump(a, 0.1, 0.004) - bump(a, 0.35, 0.004) + a

    path = Path()
    walk(path, value, density)
    assert path.nodes > 40


def test_it_stops_at_the_most_nodes():
    path = Path(most_nodes=60)
    walk(path, lambda a: bump(a, width=1e-7), lambda a: [peak(a, width=1e-7)], 1e-6)
    assert 40 < path.nodes <= 60


def test_numbers_that_are_not_finite_end_it():
    path = Path()
    assert len(walk(path, lambda a: np.nan, lambda a: [np.nan])) == 1
    assert np.isnan(path.scores()).all()


def test_a_change_that_is_rounding_noise_is_not_chased():
    noise = np.random.default_rng(0)
    path = Path()
    walk(path, lambda a: 1e-7 * noise.normal(), lambda a: [1e-7 * noise.normal()])
    assert path.nodes == first_nodes(0.01)


def test_the_rule_is_what_the_scores_were_made_with():
    path = Path()
    walk(path, bump, lambda a: [peak(a), a])
    places, weights = path.rule()
    assert sum(weights) == pytest.approx(1)
    assert len(places) == len(set(places))
    np.testing.assert_allclose([np.dot(weights, peak(np.asarray(places))), np.dot(weights, places)], path.scores())
