"""Pools of fits, their bridge and weights, against definitions written out, and the honesty of k-hat."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from scipy.special import logsumexp

from bayesreg.importance import MAX_KHAT
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers.conjugate import Evidence
from bayesreg.samplers.settings import Draws
from bayesreg.sampling_path import posterior_path
from bayesreg.sampling_path.fits import Fit, GibbsFitter, judged
from bayesreg.sampling_path.tilt import Tilt
from bayesreg.sampling_path.weights import Ordered, Point, Pool, weighted_marginals
from bayesreg.scale_family import ScaleFamily
from tests.sampling_path.cases import CASES


def two_fits(name: str, *scales: float, size: int = 2000) -> tuple[Problem, Tilt, list[Fit]]:
    problem = CASES[name][0]()
    family = ScaleFamily.of(problem, "the test")
    tilt = Tilt.of(problem, family)
    fitter = GibbsFitter.of(problem, family, tilt, None)
    fits = [
        fitter.fit(i, float(np.log(s)), size, share=1.0, renew=False, seed=seed)
        for i, (s, seed) in enumerate(zip(scales, np.random.SeedSequence(3).spawn(len(scales)), strict=True))
    ]
    return problem, tilt, fits


@pytest.mark.parametrize("name", [name for name, (_, method) in CASES.items() if method == "gibbs"])
def test_the_tilt_is_the_prior_density(name):
    """Differences of log p(β | s) between scales, for the problem's own prior, at any draws; slopes by differences."""
    problem = CASES[name][0]()
    family = ScaleFamily.of(problem, "the test")
    tilt = Tilt.of(problem, family)
    rng = np.random.default_rng(0)
    beta, sigma = rng.normal(size=(50, problem.p)), np.exp(rng.normal(size=50))
    known = problem.likelihood.sigma_known
    statistic = tilt.statistic(beta, None if known is not None else sigma)
    unit = (sigma if known is None else np.full(50, known)) if problem.scale_by_noise else np.ones(50)

    def direct(t: float) -> Array:
        priors = [family.at(float(np.exp(t))).rescaled(float(u)) for u in unit]
        return np.array([float(prior.log_density(b)) for prior, b in zip(priors, beta, strict=True)])

    np.testing.assert_allclose(
        tilt.log_density(statistic, 0.4) - tilt.log_density(statistic, -0.7), direct(0.4) - direct(-0.7), rtol=1e-9
    )
    first, second = tilt.slopes(statistic, 0.2)
    h = 1e-3
    below, here, above = direct(0.2 - h), direct(0.2), direct(0.2 + h)
    np.testing.assert_allclose(first, (above - below) / (2 * h), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(second, (above - 2 * here + below) / h**2, rtol=1e-3, atol=1e-3)


def test_weights_and_bridge_are_their_definitions():
    problem, tilt, fits = two_fits("gaussian, sigma known", 0.08, 0.14)
    pool = Pool.of(fits, 32, tilt)
    logs = np.stack([tilt.log_density(pool.statistic, fit.t) for fit in fits])
    sizes = np.array([fit.size for fit in fits])

    def excess(c: float) -> float:
        mixture = logsumexp(logs - np.array([[0.0], [c]]), axis=0, b=sizes[:, None])
        return float(np.exp(logs[1] - c - mixture).sum()) - 1

    assert pool.bridge == pytest.approx(optimize.brentq(excess, -50, 50, xtol=1e-12), abs=1e-8)
    evidence = Evidence.of(problem.with_prior(problem.prior.at(1.0)))
    error = np.sqrt(32 * pool.bridge_influence().var(ddof=1))
    assert error < 0.05
    assert abs(pool.bridge - evidence(0.14) + evidence(0.08)) <= 4.5 * error
    mixture = logsumexp(logs - np.array([[0.0], [pool.bridge]]), axis=0, b=sizes[:, None])
    expected = tilt.log_density(pool.statistic, np.log(0.1)) - mixture
    found = pool.log_weights(float(np.log(0.1)))
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), atol=1e-9)


def test_quantiles_are_those_of_repeated_draws():
    """Whole-number weights against draws repeated as often, and equal ones against none."""
    _, tilt, fits = two_fits("laplace", 0.1, size=600)
    pool = Pool.of(fits, 32, tilt)
    ordered = Ordered.of(pool)
    times = np.random.default_rng(1).integers(0, 4, fits[0].size)
    levels = np.array([0.025, 0.5, 0.975])
    found = ordered.quantiles(times / times.sum(), levels)
    repeated = np.quantile(np.repeat(fits[0].beta, times, axis=0), levels, axis=0, method="hazen")
    np.testing.assert_allclose(found, repeated, atol=0.05 * fits[0].beta.std())
    equal = ordered.quantiles(np.full(fits[0].size, 1 / fits[0].size), levels)
    np.testing.assert_allclose(equal, np.quantile(fits[0].beta, levels, axis=0, method="hazen"), rtol=1e-12)


def test_khat_far_from_every_fit_is_large():
    """Draws under a strong prior say nothing of a weak one, and are not believed; beside it they are."""
    _, tilt, fits = two_fits("more columns than rows", 0.05)
    pool = Pool.of(fits, 32, tilt)
    assert Point.of(pool, float(np.log(0.5))).khat > MAX_KHAT
    assert Point.of(pool, float(np.log(0.052))).khat <= MAX_KHAT
    near, far = (Point.of(pool, float(np.log(s))).share for s in (0.052, 0.5))
    assert far < 0.05 * near


def test_a_path_fits_again_where_its_draws_do_not_reach():
    problem = CASES["more columns than rows"][0]()
    wide = posterior_path(problem, [0.02, 0.2, 2.0], draws=300)
    close = posterior_path(problem, [0.19, 0.2, 0.21], draws=300)
    assert wide.drawn.all()
    assert not close.drawn[1]
    assert close.fits == 2


def test_moments_of_a_pool_are_weighted_ones():
    _, tilt, fits = two_fits("laplace, in units of sigma", 0.08, 0.12)
    pool = Pool.of(fits, 32, tilt)
    point = Point.of(pool, float(np.log(0.1)))
    found = weighted_marginals(point, Ordered.of(pool), np.array([0.5]))
    mean = point.weights @ pool.beta
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.sd, np.sqrt(point.weights @ (pool.beta - mean) ** 2), rtol=1e-10)


@pytest.mark.parametrize(("what", "told"), [("none", ""), ("drift", "second halves"), ("start", "starting points")])
def test_chains_that_have_not_come_to_rest_are_told(what, told):
    problem = CASES["laplace"][0]()
    family = ScaleFamily.of(problem, "the test")
    rng = np.random.default_rng(0)
    theta = 0.1 * rng.standard_normal((32, 20, 5))
    groups = np.repeat(np.arange(4), 8)
    if what == "drift":  # less than half an sd from end to end, in every chain
        theta += 0.05 * np.linspace(-1, 1, 20)[:, None]
    if what == "start":
        theta[groups == 2, :, 3] += 0.08
    draws = Draws(theta, np.exp(0.1 * rng.standard_normal((32, 20))))
    fit = judged(problem, Tilt.of(problem, family), 0, -2.0, draws, groups, warm=True)
    assert (told in fit.trouble) if told else not fit.trouble
