"""Means under a density by self-normalised importance sampling from a multivariate t, with their standard errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import ArrayLike
from scipy import special

from bayesreg.interfaces import Array
from bayesreg.problem import Problem

NU = 6.0
FLOOR = 5000
"""Effective draws below which nothing is concluded."""

KHAT = 0.5
"""Pareto k̂ of the weights up to which their variance is finite and the standard error can be believed."""

CHUNK = 10_000

LogDensity = Callable[[Array], Array]
"""Log densities (m,) of points (m, k), up to a constant."""


@dataclass(frozen=True)
class Weighted:
    """Points (m, k) with probabilities (m,) that sum to 1."""

    points: Array
    mass: Array

    def mean(self, values: Array) -> tuple[Array, Array]:
        """Mean and standard error (q,) of quantities that are `values` (m, q) at the points."""
        mean = self.mass @ values
        return mean, np.sqrt(self.mass**2 @ (values - mean) ** 2)

    def moments(self) -> tuple[Array, Array]:
        """Mean (k,) and covariance (k, k)."""
        mean = self.mass @ self.points
        away = self.points - mean
        return mean, (away * self.mass[:, None]).T @ away


def sample_by_importance(
    log_density: LogDensity, mean: ArrayLike, sd: ArrayLike, *, draws: int = 100_000, seed: int = 0
) -> Weighted:
    """Weighted draws of a unimodal density of k numbers, from a t that has its moments.

    `mean` and `sd` (k,) are where the search for these moments starts: from there the proposal takes the moments of the
    density to a power, as high a one as its own draws bear, until that is 1.
    """
    rng = np.random.default_rng(seed)
    centre = np.array(mean, dtype=float)
    cov = np.diag(np.broadcast_to(np.asarray(sd, dtype=float), centre.shape) ** 2)
    settled = 0
    for _ in range(40):
        points, logs = _proposed(log_density, centre, cov, 4000, rng)
        power = next(share for share in 0.85 ** np.arange(80) if _effective(share * logs) >= 0.1 * logs.size)
        centre, cov = Weighted(points, special.softmax(power * logs)).moments()
        settled = settled + 1 if power == 1 else 0
        if settled == 3:
            break
    points, logs = _proposed(log_density, centre, cov, draws, rng)
    effective, khat = _effective(logs), float(array_stats.psislw(-logs)[1])  # it takes log-likelihoods, as for LOO
    assert effective >= FLOOR, f"only {effective:.0f} effective draws"
    assert khat <= KHAT, f"k-hat is {khat:.2f}"
    return Weighted(points, special.softmax(logs))


def _effective(logs: Array) -> float:
    return float(1 / (special.softmax(logs) ** 2).sum())


def _proposed(
    log_density: LogDensity, mean: Array, cov: Array, draws: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draws of a t with these moments, and the logarithms of their weights."""
    root = np.linalg.cholesky(cov * (NU - 2) / NU)
    z = rng.normal(size=(draws, mean.size)) / np.sqrt(rng.chisquare(NU, size=(draws, 1)) / NU)
    points = mean + z @ root.T
    target = np.concatenate([log_density(points[i : i + CHUNK]) for i in range(0, draws, CHUNK)])
    return points, target + 0.5 * (NU + mean.size) * np.log1p((z**2).sum(axis=1) / NU)


def density_of(problem: Problem) -> LogDensity:
    """Log density of (θ, log σ), or of θ where no dispersion is unknown, from the problem's own parts."""
    block = problem.design.rows.collect()
    likelihood = problem.likelihood.on(block)
    hyper = problem.likelihood.dispersion

    def log_density(points: Array) -> Array:
        theta = points if hyper is None else points[:, :-1]
        sigma = None if hyper is None else np.exp(points[:, -1:])
        held = problem.likelihood.sigma_known if sigma is None else sigma
        eta = problem.linear_predictor(block, theta.T).T
        total = -block.weighted(likelihood.nll_given(eta, block.y, held)).sum(axis=1)
        if sigma is not None:
            total += np.ravel(hyper.log_density(sigma)) + points[:, -1]
        if not problem.scale_by_noise:
            return np.asarray(total + problem.penalty_prior.log_density(theta))
        # β/σ has the prior's own density: that of β is 1/σ^p of it.
        unit = theta.copy()
        unit[:, -problem.p :] /= sigma
        return np.asarray(total + problem.prior.log_density(unit[:, -problem.p :]) - problem.p * points[:, -1])

    return log_density
