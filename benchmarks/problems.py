"""The problems that the benchmarks share."""

from __future__ import annotations

import numpy as np

import bayesreg as br

SIGMA = 54.15
"""Residual sd of least squares on diabetes; held here, so that every route has the same objective."""


def diabetes(prior: br.Laplace | br.Gaussian, sigma: float | None = SIGMA) -> br.Problem:
    """Disease progression: 442 rows, 10 columns."""
    data = br.load_dataset("diabetes")
    noise = br.GaussianNoise() if sigma is None else br.GaussianNoise(sigma)
    return br.Problem.from_arrays(data.X, data.y, prior=prior, likelihood=noise, names=data.names)


def wide(n: int = 100, p: int = 1000) -> br.Problem:
    """Ten coefficients of a thousand are not zero: 100 rows, σ = 1 known, Laplace prior."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    weights = np.zeros(p)
    weights[:10] = rng.choice([-1.0, 1.0], 10) * rng.uniform(1, 2, 10)
    y = X @ weights + rng.normal(size=n)
    return br.Problem.from_arrays(X, y, prior=br.Laplace(scale=0.0629), likelihood=br.GaussianNoise(1.0))
