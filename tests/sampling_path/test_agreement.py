"""Every point of a path against a run of its own at that scale."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from bayesreg.sampling_path import PosteriorPath, posterior_path
from bayesreg.sampling_path.walk import LEVELS
from tests.monte_carlo import LIMIT, check_summaries, mcse
from tests.sampling_path.cases import CASES, data


def own(path: PosteriorPath) -> float:
    """A scale of about the prior's own, or where it has none, one that matters."""
    return path.family.own or 0.3


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
    middle = own(posterior_path_family(problem))
    scales = middle * np.geomspace(0.5, 2.0, 7)
    path = posterior_path(problem, scales, draws=800, seed=1)
    assert path.method == method
    assert path.passed, path.sentence
    assert path.ess.min() > 400
    reweighted = np.flatnonzero(~path.drawn)
    assert reweighted.size or name == "gaussian, sigma known", path.sentence
    chosen = [int(np.flatnonzero(path.drawn)[-1])] + ([int(reweighted[reweighted.size // 2])] if reweighted.size else [])
    for i in chosen:
        there = problem.with_prior(path.family.at(float(path.scales[i])))
        others = sample(there, draws=2500, seed=2).beta
        check_point(path, i, others)
        off = problem.with_prior(path.family.at(1.1 * float(path.scales[i])))
        with pytest.raises(AssertionError, match="z ="):
            check_point(path, i, sample(off, draws=2500, seed=2).beta)


def posterior_path_family(problem: Problem) -> PosteriorPath:
    """A path of one point: its family."""
    return posterior_path(problem, [1.0], draws=50)


@pytest.mark.parametrize("sigma", [1.5, None])
def test_exact_moments(sigma):
    """σ known: the textbook normal posterior, at every scale; unknown: its spread over σ is left to the runs above."""
    X, y = data()
    options = {} if sigma is None else {"likelihood": GaussianNoise(sigma)}
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), standardize=False, intercept=None, **options)
    scales = np.geomspace(0.1, 2.0, 9)
    path = posterior_path(problem, scales, draws=2000, seed=4, method="gibbs" if sigma else "auto")
    assert path.passed
    if sigma is None:
        assert path.fits < scales.size
        return
    z, off = [], []
    for i, s in enumerate(path.scales):
        cov = np.linalg.inv(X.T @ X / sigma**2 + np.eye(4) / s**2)
        mean = cov @ X.T @ y / sigma**2
        z.append((path.mean[i] - mean) / path.mcse[i])
        np.testing.assert_allclose(path.sd[i], np.sqrt(np.diag(cov)), rtol=LIMIT / np.sqrt(2 * path.ess[i]))
        cov = np.linalg.inv(X.T @ X / sigma**2 + np.eye(4) / (1.1 * s) ** 2)
        off.append((path.mean[i] - cov @ X.T @ y / sigma**2) / path.mcse[i])
    assert (~path.drawn).any()
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
