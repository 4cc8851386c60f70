"""Importance weights: ArviZ's where it has an answer, and one where it has none."""

import math

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayesreg.importance import MAX_KHAT, smoothed


@pytest.mark.parametrize("efficiency", [0.3, 1.0, 1.4])
@pytest.mark.parametrize("size", [25, 226, 4000])
def test_the_weights_are_arvizs(size, efficiency):
    log_weights = np.random.default_rng(size).standard_t(5, size)
    found = smoothed(log_weights, efficiency)
    expected, khat = array_stats.psislw(-log_weights, r_eff=efficiency)
    np.testing.assert_allclose(found.weights, np.exp(expected), rtol=1e-10)
    assert found.khat == (math.inf if np.isnan(khat) else pytest.approx(float(khat), rel=1e-12))


def test_heavy_tails_are_told_from_light_ones():
    rng = np.random.default_rng(0)
    heavy, light = rng.standard_exponential(4000) * 1.5, rng.standard_exponential(4000) * 0.3  # shapes 1.5 and 0.3
    assert smoothed(heavy).khat > MAX_KHAT > smoothed(light).khat


@pytest.mark.parametrize("size", [30, 300, 3000])
def test_a_tail_of_one_value_is_bounded(size):
    log_weights = np.zeros(size)
    log_weights[: size // 3] = -1.0
    found = smoothed(log_weights)
    assert found.khat == -math.inf
    np.testing.assert_allclose(found.weights, np.exp(log_weights) / np.exp(log_weights).sum(), rtol=1e-14)


def test_a_few_draws_say_nothing_of_their_tail():
    found = smoothed(np.log([0.5, 0.25, 0.25]))
    assert found.khat == math.inf
    np.testing.assert_allclose(found.weights, [0.5, 0.25, 0.25], rtol=1e-14)
