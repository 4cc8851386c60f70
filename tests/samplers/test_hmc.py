"""Hamiltonian Monte Carlo in NumPy: the mechanics exactly, the draws against brute force with a control."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, hmc, sample
from bayesreg.samplers.settings import SUPERCHAINS, Layout, read_settings
from bayesreg.scales import HalfCauchy
from bayesreg.stacked import Stacked
from tests.monte_carlo import check_moments
from tests.problems import make_problem
from tests.statistical.conftest import lasso, logistic
from tests.statistical.test_agreement import naive_grid

MAKE = {"lasso": (lasso, 0.4), "logistic": (logistic, 0.8)}


@cache
def drawn(name: str) -> Posterior:
    return sample(MAKE[name][0](), "hmc", draws=8000, seed=3)


@pytest.mark.parametrize("name", MAKE)
def test_draws_agree_with_a_grid(name: str) -> None:
    assert drawn(name).verdict.passed, str(drawn(name).verdict)
    check_moments(drawn(name).beta, *naive_grid(MAKE[name][0](), drawn(name)))


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("name", MAKE)
def test_a_penalty_that_is_off_is_seen(name: str, factor: float) -> None:
    make, scale = MAKE[name]
    with pytest.raises(AssertionError, match="z ="):
        check_moments(drawn(name).beta, *naive_grid(make(scale * factor), drawn(name)))


def chains(problem: Problem) -> hmc.Chains:
    return hmc.Chains.started(problem, Layout(6, 1, None), np.random.default_rng(0))


def smooth() -> Problem:
    return make_problem("bernoulli", prior=Gaussian(0.7))


def test_the_energy_error_falls_with_the_square_of_the_step() -> None:
    c = chains(smooth())
    momentum = c.rng.standard_normal(c.z.shape)

    def error(step: float) -> float:
        z, last, _ = c.leapfrog(c.z, momentum, c.slope, step, round(1.6 / step))
        kinetic = 0.5 * ((last**2).sum(axis=1) - (momentum**2).sum(axis=1))
        return float(np.abs(c.energy(z) - c.value + kinetic).max())

    assert 3.5 < error(0.1) / error(0.05) < 4.5


@pytest.mark.parametrize("problem", [smooth(), make_problem("bernoulli", prior=Laplace(0.2))], ids=["smooth", "kinked"])
def test_trajectories_turn_back_on_themselves(problem: Problem) -> None:
    c = chains(problem)
    momentum = c.rng.standard_normal(c.z.shape)
    z, last, slope = c.leapfrog(c.z, momentum, c.slope, 0.1, 12)
    back, returned, _ = c.leapfrog(z, -last, slope, 0.1, 12)
    np.testing.assert_allclose(back, c.z, atol=1e-9)
    np.testing.assert_allclose(returned, -momentum, atol=1e-9)


PRIORS = {
    "laplace": Laplace(0.3, loc=0.1),
    "elastic": ElasticNet(1.0, 0.7),
    "bridge": Bridge(2.0, power=1.5),
    "groups": GroupLaplace(["a", "b", "a", "a"], 0.4),
    "stacked": Stacked([(Gaussian(1.0), [0, 2]), (GroupLaplace(["a", "a"], 0.3), [1, 3])]),
    "flat": Flat(),
}


@pytest.mark.parametrize("name", PRIORS)
def test_the_gradient_of_a_penalty_at_many_points_is_its_slope(name: str) -> None:
    prior, beta = PRIORS[name], np.random.default_rng(0).normal(size=(5, 4))
    found = prior.nearest_subgradient(beta, np.zeros_like(beta))
    for j in range(4):
        step = np.zeros(4)
        step[j] = 1e-6
        slope = (prior.penalty(beta + step) - prior.penalty(beta - step)) / 2e-6
        np.testing.assert_allclose(found[:, j], slope, rtol=1e-6, atol=1e-8)
    for row, point in zip(found, beta, strict=True):
        np.testing.assert_allclose(prior.nearest_subgradient(point, np.zeros(4)), row)


def rounded_penalty(prior: Prior, beta: Array) -> Array:
    """The penalty with √(‖d‖² + δ²) in the place of ‖d‖, group by group."""
    kink = prior.kink(4)
    total = prior.penalty(beta)
    for g in np.unique(kink.blocks):
        own = kink.blocks == g
        if kink.rate[own][0] > 0:
            squares, rate = ((beta[..., own] - kink.loc[own]) ** 2).sum(axis=-1), kink.rate[own][0]
            total = total + rate * (np.sqrt(squares + (hmc.WIDTH / rate) ** 2) - np.sqrt(squares))
    return total


@pytest.mark.parametrize("name", PRIORS)
def test_the_rounded_slope_is_that_of_the_rounded_penalty(name: str) -> None:
    prior, beta = PRIORS[name], 0.1 * np.random.default_rng(0).normal(size=(5, 4))
    pull = hmc.RoundedSlope.of(prior, 4)
    found = pull(beta)
    for j in range(4):
        step = np.zeros(4)
        step[j] = 1e-6
        slope = (rounded_penalty(prior, beta + step) - rounded_penalty(prior, beta - step)) / 2e-6
        np.testing.assert_allclose(found[:, j], slope, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(replace(pull, elastic=None)(beta), found, atol=1e-12)


@pytest.mark.parametrize("name", PRIORS)
def test_the_rounded_slope_has_no_jump_and_far_off_is_the_slope(name: str) -> None:
    prior = PRIORS[name]
    pull, location = hmc.RoundedSlope.of(prior, 4), prior.location(4)
    assert np.isfinite(pull(location[None])).all()
    far = location + 50 * np.sign(np.random.default_rng(1).normal(size=(3, 4)))
    np.testing.assert_allclose(pull(far), prior.nearest_subgradient(far, np.zeros_like(far)), rtol=1e-4)


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "poisson"])
def test_sums_over_rows_at_many_points_are_those_at_each(kind: str) -> None:
    problem = make_problem(kind, prior=Laplace(0.3), weights=np.arange(30) % 3)
    thetas = 0.3 * np.random.default_rng(0).normal(size=(7, len(problem.labels)))
    np.testing.assert_allclose(problem.nll_each(thetas), [problem.nll(t) for t in thetas])
    np.testing.assert_allclose(problem.gradient_each(thetas), [problem.gradient(t) for t in thetas], atol=1e-10)
    nll, gradient, hessian = problem.expected_model(thetas)
    np.testing.assert_allclose(nll, problem.nll_each(thetas))
    np.testing.assert_allclose(gradient, problem.gradient_each(thetas).mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(hessian, np.mean([problem.curvature(t) for t in thetas], axis=0), atol=1e-10)


def test_the_points_of_the_van_der_corput_sequence() -> None:
    assert [hmc.van_der_corput(i) for i in range(5)] == [0.5, 0.25, 0.75, 0.125, 0.625]


def test_whitening_leaves_the_chains_where_they_are() -> None:
    c = chains(smooth())
    before = c.theta(c.z)
    c.whiten(np.random.default_rng(1).normal(size=(400, before.shape[1])) @ np.diag(np.arange(1, before.shape[1] + 1)))
    np.testing.assert_allclose(c.theta(c.z), before, atol=1e-10)
    np.testing.assert_allclose(c.slope, c.force(c.z))


def test_a_window_whose_moves_were_all_refused_teaches_nothing() -> None:
    c = chains(smooth())
    root, z = c.root.copy(), c.z.copy()
    c.whiten(np.repeat(c.theta(c.z)[:1], 3, axis=0))
    np.testing.assert_array_equal(c.root, root)
    np.testing.assert_array_equal(c.z, z)


@pytest.mark.parametrize("name", MAKE)
def test_energies_are_hamiltonians(name: str) -> None:
    """Under the invariant distribution the momentum is standard normal: ‖p‖²/2 has mean and variance k/2."""
    stats, k = drawn(name).data["sample_stats"], MAKE[name][0]().p + MAKE[name][0]().has_intercept
    kinetic = (stats["energy"] + stats["lp"]).to_numpy()
    assert (kinetic > 0).all()
    error = np.sqrt(k / 2 / kinetic.size)
    assert abs(kinetic.mean() - k / 2) < 5 * error
    assert 0.9 < kinetic.var() / (k / 2) < 1.1


def test_the_same_seed_gives_the_same_draws_and_chains_are_obeyed() -> None:
    problem = make_problem("bernoulli", prior=Laplace(0.5))
    one, two = (sample(problem, "hmc", draws=20, chains=3, seed=np.random.SeedSequence(5)) for _ in range(2))
    np.testing.assert_array_equal(one.beta, two.beta)
    assert one.beta.shape == (3, 20, problem.p)
    assert (sample(problem, "hmc", draws=20, chains=3, seed=6).beta != one.beta).any()
    stats = one.data["sample_stats"]
    for name in ("diverging", "energy", "lp", "n_steps", "step_size", "acceptance_rate"):
        assert stats[name].shape == (3, 20)
    assert stats["diverging"].dtype == bool


def test_many_chains_are_started_in_groups() -> None:
    draws = hmc.draw(make_problem("bernoulli", prior=Laplace(0.5)), read_settings(800, None, 0, 0, None))
    assert draws.theta.shape[:2] == (64, 50)
    assert draws.superchains == SUPERCHAINS


def interrupt_after(iterations: int) -> object:
    def progress(done: int, total: int) -> None:
        if done >= iterations:
            raise KeyboardInterrupt

    return progress


def test_an_interrupt_keeps_the_draws_made() -> None:
    problem = make_problem("bernoulli", prior=Laplace(0.5))
    posterior = sample(problem, "hmc", draws=500, chains=2, tune=40, progress=interrupt_after(2 * 140))
    assert posterior.interrupted
    assert posterior.beta.shape == (2, 100, problem.p)
    assert np.isfinite(posterior.beta).all()
    with pytest.raises(FitError, match="before the first draw"):
        sample(problem, "hmc", draws=500, chains=2, tune=40, progress=interrupt_after(2 * 20))


def test_what_it_leaves_to_others() -> None:
    with pytest.raises(ParameterError, match="sigma is unknown; use method='gibbs'"):
        sample(make_problem(likelihood=GaussianNoise()), "hmc")
    with pytest.raises(ParameterError, match="the prior's scale is itself unknown; use method='surrogate'"):
        sample(make_problem("bernoulli", prior=Laplace(HalfCauchy(1.0))), "hmc")


@pytest.mark.parametrize("likelihood", [BernoulliLogit(), PoissonLog()])
def test_a_flat_column_is_sampled(likelihood: object) -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 2))
    y = (rng.random(60) < 0.5).astype(float)
    problem = Problem.from_arrays(X, y, prior=Flat(), likelihood=likelihood)
    assert sample(problem, "hmc", draws=2000, seed=1).verdict.passed
