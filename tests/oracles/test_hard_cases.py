"""Exact fits behind an offset, rows of weight zero, units far from 1, models in another order, terms in shadow."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest

from bayesreg.errors import FitError, GraphMismatchError, InputError, ParameterError
from bayesreg.graph import build_model, check_graph
from bayesreg.graph_map import find_map
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem

RNG = np.random.default_rng(3)
X = RNG.normal(size=(50, 3))
OFFSET = RNG.normal(size=50)
FEW = np.where(np.arange(50) < 5, 0.0, 1.0)


def test_a_constant_hidden_in_an_offset_is_an_exact_fit() -> None:
    with pytest.raises((FitError, InputError), match=r"fit y exactly|y is constant"):
        fit_penalized(Problem.from_arrays(X, OFFSET + 1, prior=Gaussian(1.0), offset=OFFSET))


def test_a_constant_that_an_offset_makes_vary_is_none() -> None:
    problem = Problem.from_arrays(X, np.ones(50), prior=Gaussian(1.0), offset=OFFSET)
    same = Problem.from_arrays(X, 1 - OFFSET, prior=Gaussian(1.0))
    np.testing.assert_allclose(fit_penalized(problem).beta, fit_penalized(same).beta, rtol=1e-10)


def test_rows_of_weight_zero_do_not_make_y_vary() -> None:
    y = np.where(FEW == 0, OFFSET, 1.0)
    with pytest.raises(InputError, match="y is constant"):
        Problem.from_arrays(X, y, prior=Gaussian(1.0), weights=FEW)
    with pytest.raises(InputError, match="one class only"):
        Problem.from_arrays(X, 1 - FEW, prior=Gaussian(1.0), weights=FEW, likelihood=BernoulliLogit())


def test_rows_of_weight_zero_do_not_enter_the_cross_validated_noise() -> None:
    y = X[:, 0] + OFFSET
    whole = Problem.from_arrays(X[5:], y[5:], prior=Gaussian(1.0), standardize=False)
    padded = Problem.from_arrays(X, y, prior=Gaussian(1.0), standardize=False, weights=FEW)
    assert resolve_noise(padded, "cv_lasso").sigma == pytest.approx(resolve_noise(whole, "cv_lasso").sigma, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-16, 1e-8, 1e12])
def test_the_cross_validated_noise_follows_the_unit(unit: float) -> None:
    wide, y = RNG.normal(size=(20, 50)), RNG.normal(size=20)
    plain = Problem.from_arrays(wide, y, prior=Laplace(0.3), standardize=False)
    other = Problem.from_arrays(wide * unit, y * unit, prior=Laplace(0.3), standardize=False)
    assert resolve_noise(other).sigma == pytest.approx(unit * resolve_noise(plain).sigma, rel=1e-9)


def test_zeros_are_those_of_beta_wherever_the_model_declares_it() -> None:
    with pm.Model() as model:
        beta = pm.Laplace("beta", 0, 0.05, shape=3)
        sigma = pm.HalfNormal("sigma", 1.0)
        intercept = pm.Normal("intercept", 0, 1)
        pm.Normal("beta_tau", 0, 1)
        pm.Normal("y", intercept + X @ beta, sigma, observed=X @ [0.5, 0, 0] + 0.1 * OFFSET)
    mode = find_map(model)
    np.testing.assert_array_equal(mode.zeros, mode.beta == 0)
    assert 0 < mode.zeros.sum() < 3
    assert mode.names == ("beta[0]", "beta[1]", "beta[2]")
    np.testing.assert_array_equal(np.isfinite(mode.margin), mode.zeros)
    held = find_map(model, hold={"beta": np.zeros(3)})
    assert held.zeros.tolist() == [False] * 3


def test_models_without_a_gradient_are_refused() -> None:
    with pm.Model() as counted:
        pm.Normal("y", pm.Poisson("k", 3), 1, observed=[8.0])
    with pytest.raises(ParameterError, match=r"discrete free variables \(k\)"):
        find_map(counted)
    with pm.Model() as empty:
        pm.Normal("y", 0, 1, observed=[8.0])
    with pytest.raises(ParameterError, match="no free variable"):
        find_map(empty)


@pytest.mark.parametrize("prior", [Laplace(0.55), Gaussian(0.5)])
def test_a_wrong_prior_is_seen_however_small_the_noise(prior: Laplace | Gaussian) -> None:
    y = X @ [1, 0, 0] + 1e-3 * OFFSET
    problem = Problem.from_arrays(X, y, prior=Laplace(0.5), likelihood=GaussianNoise(1e-4))
    assert check_graph(problem).passed
    with pytest.raises(GraphMismatchError, match="'beta'"):
        check_graph(problem, build_model(problem.with_prior(prior)))


def test_joint_mode_of_a_constant_without_an_intercept() -> None:
    problem = Problem.from_arrays(X, np.full(50, 2.0), prior=Gaussian(1.0), intercept=None)
    ours, theirs = fit_penalized(problem, "joint"), find_map(problem, "joint")
    assert ours.sigma == pytest.approx(theirs.sigma, rel=1e-9)
