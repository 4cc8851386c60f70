"""Problems that have exact independent draws, each beside the same posterior by the textbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Flat, Gaussian
from bayesreg.problem import Problem
from tests.registry import SCALE_PRIORS
from tests.samplers.naive import Naive

Pair = tuple[Problem, Naive]


def data(n: int = 24, p: int = 3, seed: int = 0) -> tuple[Array, Array]:
    """Correlated columns of unequal mean and scale, and noise large enough for the priors to matter."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.7 * rng.normal(size=(n, 1))
    y = 2.0 + X @ np.resize([0.8, -0.5, 0.0], p) + 1.5 * rng.normal(size=n)
    return X * np.resize([1.0, 3.0, 0.2], p) + np.resize([0.0, 2.0, -1.0], p), y


def pair(
    *,
    n: int = 24,
    p: int = 3,
    sigma: Any = None,
    prior: Any = None,
    intercept: Any = "flat",
    standardize: bool = True,
    scale_by_noise: bool = False,
    repeats: Array | None = None,
    offset: Array | None = None,
    X: Array | None = None,
) -> Pair:
    """Return a problem and its naive twin; `sigma` is a number or names an entry of `SCALE_PRIORS`."""
    columns, y = data(n, p)
    columns = columns if X is None else X
    prior = Gaussian(0.4) if prior is None else prior
    intercept = Flat() if isinstance(intercept, str) else intercept
    case = None if sigma is None or not isinstance(sigma, str) else SCALE_PRIORS[sigma]
    noise = {} if sigma is None else {"likelihood": GaussianNoise(case.make() if case else sigma)}
    problem = Problem.from_arrays(
        columns, y, prior=prior, intercept=intercept, standardize=standardize, scale_by_noise=scale_by_noise,
        weights=repeats, offset=offset, **noise,
    )  # fmt: skip
    rows = np.arange(n) if repeats is None else np.repeat(np.arange(n), repeats)
    Z, response = columns[rows], (y if offset is None else y - offset)[rows]
    if standardize:
        centre = Z.mean(axis=0) if intercept is not None else 0.0
        Z = (Z - centre) / Z.std(axis=0)
    mean, variance = _moments(prior, Z.shape[1])
    if intercept is not None:
        lead_mean, lead_variance = _moments(intercept, 1)
        Z = np.column_stack([np.ones(Z.shape[0]), Z])
        mean, variance = np.append(lead_mean, mean), np.append(lead_variance, variance)
    known = sigma if isinstance(sigma, float) else None
    log_prior = (
        None if known is not None else SCALE_PRIORS["jeffreys"].log_density if case is None else case.log_density
    )
    return problem, Naive(Z, response, mean, variance, scale_by_noise, known, log_prior)


def _moments(prior: Flat | Gaussian, p: int) -> tuple[Array, Array]:
    if isinstance(prior, Flat):
        return np.zeros(p), np.full(p, np.inf)
    return np.broadcast_to(prior.loc, p).astype(float), np.broadcast_to(np.square(prior.scale), p).astype(float)


BY_COLUMN = Gaussian(np.array([0.1, 0.4, 2.0]), loc=np.array([0.5, 0.0, -1.0]))
REPEATS = np.resize([0, 1, 2, 1, 3], 24)
OFFSET = np.random.default_rng(5).normal(size=24)

CASES: dict[str, Callable[[], Pair]] = {
    "sigma-known": lambda: pair(sigma=1.3),
    **{f"sigma-{name}": lambda name=name: pair(sigma=name) for name in SCALE_PRIORS},
    "by-column": lambda: pair(prior=BY_COLUMN),
    "by-column-sigma-known": lambda: pair(prior=BY_COLUMN, sigma=1.3),
    "gaussian-intercept": lambda: pair(intercept=Gaussian(0.3, loc=1.0), sigma="half-normal"),
    "gaussian-intercept-raw": lambda: pair(intercept=Gaussian(0.3, loc=1.0), standardize=False),
    "no-intercept": lambda: pair(intercept=None),
    "no-intercept-raw": lambda: pair(intercept=None, standardize=False, sigma="exponential"),
    "raw": lambda: pair(standardize=False, prior=BY_COLUMN),
    "raw-sigma-known": lambda: pair(standardize=False, sigma=0.9),
    "weights": lambda: pair(repeats=REPEATS),
    "weights-raw-located": lambda: pair(repeats=REPEATS, standardize=False, prior=BY_COLUMN, sigma="half-cauchy"),
    "offset": lambda: pair(offset=OFFSET),
    "weights-offset-gaussian-intercept": lambda: pair(
        repeats=REPEATS, offset=OFFSET, intercept=Gaussian(0.5), sigma="exponential"
    ),
    "flat-columns": lambda: pair(prior=Flat()),
    "flat-columns-sigma-known": lambda: pair(prior=Flat(), sigma=1.3),
    "flat-columns-gaussian-intercept": lambda: pair(prior=Flat(), intercept=Gaussian(0.3, loc=1.0)),
    "flat-columns-no-intercept-raw": lambda: pair(prior=Flat(), intercept=None, standardize=False, sigma="flat"),
    "wide": lambda: pair(n=9, p=14, sigma="half-normal"),
    "wide-no-intercept": lambda: pair(n=9, p=14, sigma="half-normal", intercept=None),
    "wide-gaussian-intercept-raw": lambda: pair(
        n=9, p=14, sigma="half-normal", intercept=Gaussian(1.0, loc=1.0), standardize=False
    ),
    "wide-sigma-known": lambda: pair(n=9, p=14, sigma=1.0),
    "twins": lambda: pair(X=data()[0][:, [0, 0, 1]]),
    "single-column": lambda: pair(p=1),
    "scaled": lambda: pair(scale_by_noise=True),
    "scaled-by-column": lambda: pair(scale_by_noise=True, prior=BY_COLUMN),
    "scaled-half-cauchy": lambda: pair(scale_by_noise=True, sigma="half-cauchy"),
    "scaled-sigma-known": lambda: pair(scale_by_noise=True, sigma=1.3),
    "scaled-no-intercept-raw": lambda: pair(scale_by_noise=True, intercept=None, standardize=False, sigma="flat"),
    "scaled-weights-offset": lambda: pair(scale_by_noise=True, repeats=REPEATS, offset=OFFSET, sigma="exponential"),
    "scaled-wide": lambda: pair(n=9, p=14, scale_by_noise=True),
}
"""Name -> (problem, naive twin)."""
