"""The errors that ranks are said to show are shown by half of all runs or more, and smaller ones by fewer."""

import numpy as np
import pytest

from bayesreg.validate.power import detectable
from bayesreg.validate.uniformity import band, counts_below

N, LEVELS, OUTSIDE, RUNS = 200, 19, 0.002, 1000


def caught(truth_mean, truth_sd):
    """Share of runs whose ranks, of truths N(mean, sd²) among standard normal draws, leave the band."""
    rng = np.random.default_rng(1)
    edges = band(N, LEVELS, OUTSIDE)
    truths = truth_mean + truth_sd * rng.normal(size=(RUNS, N))
    ranks = (rng.normal(size=(RUNS, N, LEVELS)) < truths[..., None]).sum(axis=-1)
    counts = counts_below(ranks.T, LEVELS)
    outside = (counts < edges.lower[:, None]) | (counts > edges.upper[:, None])
    return float(outside.any(axis=0).mean())


def test_half_of_all_runs_show_it_and_few_show_half_of_it():
    least = detectable(N, LEVELS, OUTSIDE)
    error = 3 * np.sqrt(0.25 / RUNS)
    assert 0.5 - error <= caught(least.shift, 1.0) <= 0.85
    assert 0.5 - error <= caught(0.0, 1 / least.narrow) <= 0.85
    assert 0.5 - error <= caught(0.0, 1 / least.wide) <= 0.85
    assert caught(least.shift / 2, 1.0) < 0.2
    assert caught(0.0, (1 + 1 / least.narrow) / 2) < 0.25


def test_right_draws_are_called_wrong_no_more_often_than_promised():
    assert caught(0.0, 1.0) <= OUTSIDE + 3 * np.sqrt(OUTSIDE / RUNS)


def test_more_ranks_show_less():
    few, many = detectable(100, LEVELS, OUTSIDE), detectable(1000, LEVELS, OUTSIDE)
    assert 0 < many.shift < few.shift
    assert few.narrow < many.narrow < 1 < many.wide < few.wide


@pytest.mark.parametrize("size", [2, 3])
def test_too_few_ranks_show_nothing(size):
    least = detectable(size, LEVELS, 1e-6)
    assert (least.shift, least.narrow, least.wide) == (np.inf, 0.0, np.inf)
