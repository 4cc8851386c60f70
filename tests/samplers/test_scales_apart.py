"""Exact draws where prior scales, units or signal lie many orders of magnitude apart."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.interfaces import Array
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from tests.monte_carlo import check_means

RNG = np.random.default_rng(3)
X = RNG.normal(size=(200, 3))
SIGNAL = X @ [1.5, 0.0, -0.5] + 1.0
NOISE = RNG.normal(size=200)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
@pytest.mark.parametrize(
    ("scale", "intercept"),
    [
        (1.0, 1e7),
        (1.0, 1e50),
        ([1.0, 1.0, 1e8], 1.0),
        ([1e-8, 1.0, 1e8], 1e3),
        ([1e8, 1e-8, 1e-2], 1e-3),
    ],
)
def test_given_sigma_the_mean_is_the_ridge_estimate(scale: float | list[float], intercept: float, sigma: float) -> None:
    problem = Problem.from_arrays(X, SIGNAL + NOISE, prior=Gaussian(scale), intercept=Gaussian(intercept)).at(sigma)
    mode = fit_penalized(problem)
    posterior = sample(problem, draws=2000)
    draws = np.concatenate([posterior.intercept[..., None], posterior.beta], axis=2)
    expected = problem.join(mode.intercept, mode.beta)
    unit = draws.std(axis=(0, 1))  # the smallest coefficient is 1e-8 of the others
    check_means(draws / unit, expected / unit)


@pytest.mark.parametrize("noise", [1e-6, 1e-8, 1e-10])
def test_a_noise_far_below_the_signal_is_measured(noise: float) -> None:
    def relative(e: float) -> float:
        problem = Problem.from_arrays(X, SIGNAL + e * NOISE, prior=Gaussian(100.0))
        return float(sample(problem, draws=1000).draws("sigma").mean()) / e

    assert relative(noise) == pytest.approx(relative(1e-3), rel=1e-5)


def scaled(factor: float, **options: object) -> Array:
    problem = Problem.from_arrays(X, factor * (SIGNAL + NOISE), prior=Gaussian(0.7 * factor), **options)
    return sample(problem, draws=300, seed=2).beta / factor


@pytest.mark.parametrize("factor", [1e-140, 1e-82, 1e77, 1e140])
def test_the_unit_of_y_does_not_matter(factor: float) -> None:
    np.testing.assert_allclose(scaled(factor), scaled(1.0), rtol=1e-7)
