"""The quadratic stand-in with importance weights: against brute force, against HMC, and refused where it must be."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog, StudentTNoise
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample, surrogate
from bayesreg.samplers.settings import Draws, Refused, read_settings
from bayesreg.scales import HalfNormal
from tests.monte_carlo import check_means, check_moments, columns, mcse
from tests.problems import make_problem
from tests.statistical.conftest import logistic
from tests.statistical.test_agreement import naive_grid


@cache
def drawn() -> Posterior:
    return sample(logistic(), "surrogate", draws=8000, seed=2)


def test_draws_agree_with_a_grid() -> None:
    assert drawn().verdict.passed, str(drawn().verdict)
    assert drawn().verdict.khat is not None
    assert "k-hat" in str(drawn().verdict)
    check_moments(drawn().beta, *naive_grid(logistic(), drawn()))


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_penalty_that_is_off_is_seen(factor: float) -> None:
    with pytest.raises(AssertionError, match="z ="):
        check_moments(drawn().beta, *naive_grid(logistic(0.8 * factor), drawn()))


def counts(prior: object, p: int = 4) -> Problem:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(50, p)) + 0.7 * rng.normal(size=(50, 1))
    y = rng.poisson(np.exp(0.4 + 0.3 * X[:, 0])).astype(float)
    return Problem.from_arrays(X, y, prior=prior, likelihood=PoissonLog())


CASES = {
    "laplace": lambda s: counts(Laplace(0.2 * s)),
    "gaussian": lambda s: counts(Gaussian(0.3 * s)),
    "elastic": lambda s: counts(ElasticNet(3.0 / s, 2.0 / s**2)),
    "groups": lambda s: counts(GroupLaplace([0, 0, 1, 1], 0.15 * s)),
    "by column": lambda s: counts({"x0": Flat(), "x1": Gaussian(0.2 * s), "*": Laplace(0.1 * s)}),
}


def quantities(posterior: Posterior) -> Array:
    """Coefficients, squares, and places relative to fixed points: what means, sds and quantiles are made of."""
    theta = columns(posterior, "intercept", "beta")
    below = [(theta <= cut).astype(float) for cut in (-0.1, 0.1, 0.3)]
    return np.concatenate([theta, theta**2, *(b for b in below)], axis=2)


def check_pair(one: Posterior, other: Posterior) -> None:
    first, second = quantities(one), quantities(other)
    varies = (first.std(axis=(0, 1)) > 0.05) & (second.std(axis=(0, 1)) > 0.05)
    first, second = first[..., varies], second[..., varies]
    check_means(first, second.mean(axis=(0, 1)), mcse(second))


@cache
def pair_of(name: str, method: str, s: float = 1.0) -> Posterior:
    return sample(CASES[name](s), method, draws=4000, seed=7)


@pytest.mark.parametrize("name", CASES)
def test_it_agrees_with_hmc(name: str) -> None:
    check_pair(pair_of(name, "surrogate"), pair_of(name, "hmc"))


@pytest.mark.parametrize("name", ["laplace", "gaussian"])
def test_a_scale_that_is_off_is_told_apart(name: str) -> None:
    with pytest.raises(AssertionError, match="z ="):
        check_pair(pair_of(name, "surrogate", 1.15), pair_of(name, "hmc"))


def test_without_the_weights_the_draws_are_another_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    # Few rows: the stand-in alone is visibly wrong, so that what agrees above is due to the weights.
    monkeypatch.setattr(surrogate._Weighted, "resampled", lambda self, most, rng: self.draws)
    monkeypatch.setattr(surrogate, "POOL_CELLS", 0)
    with pytest.raises(AssertionError, match="z ="):
        check_moments(sample(logistic(), "surrogate", draws=8000, seed=2).beta, *naive_grid(logistic(), drawn()))


def test_resampling_takes_draws_as_often_as_they_weigh() -> None:
    theta = np.arange(12.0).reshape(2, 6, 1)
    weights = np.array([0, 0, 4, 0, 1, 1, 0, 2, 2, 2, 0, 0]) / 12
    held = surrogate._Weighted(Draws(theta, None, {"beta_scale": theta[..., 0]}), weights, 0.1, 1.0, 3)
    found = held.resampled(6, np.random.default_rng(0))
    np.testing.assert_array_equal(found.theta[..., 0].ravel(), [2, 2, 2, 2, 4, 5, 7, 7, 8, 8, 9, 9])
    np.testing.assert_array_equal(found.extra["beta_scale"], found.theta[..., 0])
    assert found.attrs["khat"] == 0.1


def separated() -> Problem:
    """Separated classes under a weak prior: the likelihood is a step, and no parabola stands in for a step."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    return Problem.from_arrays(X, (X[:, 0] > 0).astype(float), prior=Laplace(20.0), likelihood=BernoulliLogit())


def test_a_stand_in_that_does_not_fit_is_given_up_and_the_next_rung_taken() -> None:
    with pytest.raises(Refused, match=r"log weights .* variance of .* \(at most 0.6\)"):
        sample(separated(), "surrogate", seed=1)
    taken = sample(separated(), seed=1)
    assert taken.method == "hmc"
    assert taken.reason.startswith("surrogate was tried and refused: after")


def test_uneven_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surrogate, "UNFIT", np.inf)
    with pytest.raises(Refused, match=r"k-hat = .* \(at most 0.7\)"):
        sample(separated(), "surrogate", seed=1)


REFUSED = {
    "Gaussian noise needs no stand-in": lambda: make_problem(),
    "sigma is unknown": lambda: make_problem(prior=Laplace(1.0), likelihood=StudentTNoise(5.0)),
    "the likelihood is not log-concave": lambda: make_problem(likelihood=StudentTNoise(5.0, 1.0)),
    "the prior is no scale mixture of normals": lambda: make_problem("bernoulli", prior=Bridge(1.0, power=1.5)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_where_it_does_not_apply(reason: str) -> None:
    with pytest.raises(ParameterError, match=f"method='surrogate' does not apply: {reason}"):
        sample(REFUSED[reason](), "surrogate")


def test_an_unknown_prior_scale_is_drawn_too() -> None:
    problem = counts(Laplace(HalfNormal(0.3)))
    posterior = sample(problem, "surrogate", draws=2000, seed=3)
    assert posterior.verdict.passed, str(posterior.verdict)
    assert (posterior.draws("beta_scale") > 0).all()


def test_the_same_seed_gives_the_same_draws() -> None:
    problem = counts(Laplace(0.2))
    one, two = (surrogate.draw(problem, read_settings(100, 4, None, np.random.SeedSequence(3), None)) for _ in range(2))
    np.testing.assert_array_equal(one.theta, two.theta)
    assert one.theta.shape == (4, 100, 5)


def test_known_noise_is_left_to_gibbs() -> None:
    assert sample(make_problem(prior=Laplace(0.3), likelihood=GaussianNoise(1.0)), draws=50).method == "gibbs"
