"""The test of ranks against enumeration, simulation and ArviZ's band."""

from itertools import product

import numpy as np
import pytest
from arviz_stats.ecdf_utils import get_pointwise_confidence_band, simulate_confidence_bands

from bayesreg.validate.uniformity import band, counts_below, p_value, stays, tails


@pytest.mark.parametrize(("size", "levels"), [(1, 1), (1, 4), (3, 1), (4, 3), (3, 5)])
def test_the_p_value_is_the_share_of_all_outcomes_that_stray_as_far(size, levels):
    outcomes = np.array(list(product(range(levels + 1), repeat=size)))
    table = tails(size, levels)
    smallest = np.array([table[np.arange(levels), counts_below(ranks, levels)].min() for ranks in outcomes])
    for ranks, own in zip(outcomes, smallest, strict=True):
        assert p_value(ranks, levels) == pytest.approx((smallest <= own * (1 + 1e-9)).mean(), abs=1e-12)


@pytest.mark.parametrize(("size", "levels"), [(50, 9), (200, 99), (1000, 99)])
def test_uniform_ranks_fail_as_often_as_said(size, levels):
    rng = np.random.default_rng(1)
    runs = 400
    found = np.array([p_value(rng.integers(levels + 1, size=size), levels) for _ in range(runs)])
    for level in (0.02, 0.1, 0.5):
        share = (found <= level).mean()
        assert share <= level + 4.5 * np.sqrt(level / runs)
        assert share >= 0.7 * level - 4.5 * np.sqrt(level / runs)  # counts are whole: somewhat below


@pytest.mark.parametrize("size", [20, 100, 500])
def test_all_counts_stay_where_nothing_is_outside(size):
    levels = 19
    everything = stays(np.zeros(levels, dtype=int), np.full(levels, size), size, levels)
    assert everything == pytest.approx(1.0, abs=1e-10)


def test_the_band_is_that_of_arviz_but_for_its_simulation():
    size, levels, outside = 200, 19, 0.05
    rng = np.random.default_rng(0)
    points = np.arange(1, levels + 1) / (levels + 1)
    pointwise = simulate_confidence_bands(size, 1, points, 1 - outside, 20_000, rng)
    lower, upper = get_pointwise_confidence_band(pointwise, size, points)
    found = band(size, levels, outside)
    assert 1 - outside <= found.coverage <= 1 - 0.7 * outside
    assert np.abs(found.lower / size - lower).max() <= 1.5 / size
    assert np.abs(found.upper / size - upper).max() <= 1.5 / size


@pytest.mark.parametrize("outside", [0.5, 0.05, 0.001])
def test_ranks_leave_the_band_where_their_p_value_is_small(outside):
    size, levels = 150, 24
    found = band(size, levels, outside)
    assert 1 - found.coverage <= outside
    rng = np.random.default_rng(3)
    for power in (1.0, 1.1, 1.25, 1.5):
        ranks = np.floor(rng.random(size) ** power * (levels + 1)).astype(int)
        counts = counts_below(ranks, levels)
        out = bool(((counts < found.lower) | (counts > found.upper)).any())
        if p_value(ranks, levels) <= outside / 2:
            assert out
        if p_value(ranks, levels) > outside:
            assert not out


@pytest.mark.parametrize("ranks", [np.zeros(100), np.full(100, 9), np.repeat([4, 5], 50), np.tile([0, 9], 50)])
def test_ranks_at_an_end_in_the_middle_or_at_both_ends_are_not_uniform(ranks):
    assert p_value(ranks.astype(int), 9) < 1e-6
