"""Laws of the priors on a positive scale."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from tests.registry import SCALE_PRIORS

EACH = pytest.mark.parametrize("case", SCALE_PRIORS.values(), ids=SCALE_PRIORS.keys())
scales = st.floats(1e-4, 1e3)


@EACH
@given(s=scales)
def test_log_density_is_scipys_or_the_definition(case, s):
    assert case.make().log_density(np.array(s)) == pytest.approx(case.log_density(np.array(s)), rel=1e-12, abs=1e-12)


@EACH
@given(s=scales)
def test_slope_is_the_derivative(case, s):
    prior, h = case.make(), 1e-6 * s
    numeric = (prior.log_density(np.array(s + h)) - prior.log_density(np.array(s - h))) / (2 * h)
    assert prior.slope(np.array(s)) == pytest.approx(float(numeric), rel=1e-6, abs=1e-7 / s)


@EACH
def test_arrays_are_taken_elementwise(case):
    prior, s = case.make(), np.array([0.1, 1.0, 7.0])
    np.testing.assert_array_equal(prior.log_density(s), [prior.log_density(np.array(v)) for v in s])
    np.testing.assert_array_equal(prior.slope(s), [prior.slope(np.array(v)) for v in s])


@EACH
def test_proper_means_that_the_density_integrates_to_one(case):
    prior = case.make()

    def mass(low, high):
        return quad(lambda t: math.exp(prior.log_density(np.array(math.exp(t))) + t), low, high, limit=400)[0]

    if prior.proper:
        assert mass(-40, 40) == pytest.approx(1, rel=1e-8)
    else:  # the mass keeps growing as the range does
        assert mass(-20, 20) > 1.9 * mass(-10, 10) > 10


@EACH
def test_powers_at_zero_and_infinity_are_those_of_the_density(case):
    prior = case.make()

    def power(s):  # p(s) ~ s^a has d log p / d log s = a
        return float(s * prior.slope(np.array(s)))

    assert power(1e-9) == pytest.approx(prior.power_at_zero, abs=1e-7)
    if math.isinf(prior.power_at_infinity):
        assert power(1e6) < -1e5
    else:
        assert power(1e9) == pytest.approx(prior.power_at_infinity, rel=1e-7, abs=1e-12)


def test_pymc_node_has_the_density_of_the_scale_itself(scale_node):
    # No Jacobian of the log transform: the density is that of σ, not of log σ.
    prior, _, logp = scale_node
    s = np.array([1e-3, 0.4, 1.0, 3.7, 250.0])
    graph = np.array([logp(np.array(math.log(v))) for v in s])
    difference = graph - prior.log_density(s)
    assert np.ptp(difference) <= 1e-12 * np.abs(graph).max()
    # pm.HalfCauchy computes log 2 in single precision, which leaves its constant off by 2e-9.
    assert np.abs(difference).max() <= 2e-9


def test_pymc_node_is_sampled_on_the_log_scale_from_its_initial_value(scale_node):
    _, model, _ = scale_node
    assert model.initial_point() == {"sigma_log__": pytest.approx(math.log(2.5))}
