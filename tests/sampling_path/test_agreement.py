"""Every point of a path against a run of its own at that scale."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy import stats

from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from bayesreg.sampling_path import PosteriorPath, posterior_path
from bayesreg.sampling_path.walk import LEVELS
from bayesreg.scale_family import ScaleFamily
from tests.monte_carlo import LIMIT, check_summaries, mcse
from tests.sampling_path.cases import CASES, data


def check_point(path: PosteriorPath, i: int, others: Array) -> None:
    """What the path says of scale i is what draws (chain, draw, p) say; so are the path's own draws."""
    draws = path.posterior(i).beta
    check_summaries(draws, others)
    for found, value, options in (
        (path.mean, others.mean(axis=(0, 1)), {"method": "mean"}),
        (path.sd, others.std(axis=(0, 1), ddof=1), {"method": "sd"}),
        *(
            (found, np.quantile(others, q, axis=(0, 1)), {"method": "quantile", "prob": float(q)})
            for found, q in zip((path.lower, path.median, path.upper), LEVELS, strict=True)
        ),
    ):
        errors = []
        for each in (draws, others):
            mcse(each)  # the floor
            errors.append(np.asarray(array_stats.mcse(each, chain_axis=0, draw_axis=1, **options)))
        z = (found[i] - value) / np.hypot(*errors)
        assert np.abs(z).max() <= LIMIT, f"z = {np.abs(z).max():.1f} for {options}"


@pytest.mark.parametrize("name", CASES)
def test_points_are_what_a_run_at_the_scale_gives(name):
    make, method = CASES[name]
    problem = make()
    own = ScaleFamily.of(problem, "the test").own or 0.1
    path = posterior_path(problem, own * np.geomspace(0.6, 1.6, 5), draws=1500, seed=1)
    assert path.method == method
    assert path.passed, path.sentence
    exact = name == "gaussian, sigma known"
    assert path.drawn.all() == exact
    i = 2 if exact else int(np.flatnonzero(~path.drawn)[0])

    def run(factor: float) -> Array:
        there = problem.with_prior(path.family.at(factor * float(path.scales[i])))
        return sample(there, draws=3000, seed=2).beta

    check_point(path, i, run(1.0))
    with pytest.raises(AssertionError, match="z ="):
        check_point(path, i, run(1.1))


def test_exact_moments():
    """The textbook normal posterior, at every scale, from draws that are reweighted all the same."""
    X, y = data()
    sigma = 1.5
    problem = Problem.from_arrays(
        X, y, prior=Gaussian(1.0), standardize=False, intercept=None, likelihood=GaussianNoise(sigma)
    )
    path = posterior_path(problem, np.geomspace(0.1, 2.0, 9), draws=2000, seed=4, method="gibbs")
    assert path.passed
    assert not path.drawn.all()

    def exact(s: float) -> tuple[Array, Array]:
        cov = np.linalg.inv(X.T @ X / sigma**2 + np.eye(4) / s**2)
        return cov @ X.T @ y / sigma**2, np.sqrt(np.diag(cov))

    z, off = [], []
    for i, s in enumerate(path.scales):
        mean, sd = exact(s)
        z.append((path.mean[i] - mean) / path.mcse[i])
        off.append((path.mean[i] - exact(1.1 * s)[0]) / path.mcse[i])
        np.testing.assert_allclose(path.sd[i], sd, rtol=LIMIT / np.sqrt(2 * path.ess[i]))
        for found, level in zip((path.lower, path.median, path.upper), LEVELS, strict=True):
            error = np.sqrt(level * (1 - level) / path.ess[i]) / stats.norm.pdf(stats.norm.ppf(level))
            assert (np.abs(found[i] - mean - sd * stats.norm.ppf(level)) <= LIMIT * error * sd).all()
    assert np.abs(z).max() <= LIMIT < np.abs(off).max()


def test_errors_are_the_scatter_over_seeds():
    problem = Problem.from_arrays(*data(), prior=Gaussian(1.0), likelihood=GaussianNoise(1.5))
    X = problem.design.rows.collect().X
    block = problem.design.rows.collect()
    scales = np.geomspace(0.2, 1.0, 5)
    z = []
    for seed in range(12):
        path = posterior_path(problem, scales, draws=200, seed=seed, method="gibbs")
        i = int(np.flatnonzero(~path.drawn)[0])
        cov = np.linalg.inv(X.T @ X / 1.5**2 + np.eye(4) / path.scales[i] ** 2)
        z.append((path.mean[i] - cov @ X.T @ (block.y - block.y.mean()) / 1.5**2) / path.mcse[i])
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.5
