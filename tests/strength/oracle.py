"""The curve of a cross-validation, by a plain loop over estimators that are not ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from sklearn.linear_model import Lasso, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesreg.interfaces import Array
from bayesreg.priors import Laplace
from bayesreg.problem import Problem

SIGMA = 1.4

Splits = Iterable[tuple[Any, Any]]


def data(n: int = 60, p: int = 6, seed: int = 0) -> tuple[Array, Array]:
    """Columns of unequal scale, mean 2, and a response to two of them."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))) * np.resize([1.0, 4.0], p) + 2.0
    return X, 5.0 + X[:, 0] - 0.2 * X[:, min(1, p - 1)] + SIGMA * rng.normal(size=n)


def problem_of(prior: Any = None, **options: Any) -> Problem:
    """A problem on these data, by default under a Laplace prior."""
    return Problem.from_arrays(*data(), prior=Laplace(1.0) if prior is None else prior, **options)


def lasso(b: float, total: float, **options: Any) -> Any:
    """scikit-learn's objective is Σ(y − η)²/2n + α‖β‖₁, so that α = σ²/(n·b)."""
    return Lasso(alpha=SIGMA**2 / (total * b), tol=1e-12, max_iter=200_000, **options)


def ridge(tau: float, total: float, **options: Any) -> Any:
    """scikit-learn's objective is Σ(y − η)² + α‖β‖², so that α = σ²/τ²."""
    return Ridge(alpha=SIGMA**2 / tau**2, solver="svd", **options)


def scaled(estimator: Any) -> Any:
    """The estimator on columns standardised by the rows that it is fitted to."""
    return make_pipeline(StandardScaler(), estimator)


def squared_errors(
    make: Callable[[float, float], Any], scales: Array, X: Array, y: Array, splits: Splits
) -> tuple[Array, Array]:
    """Mean squared error (folds, g) on the held-out rows, one fit after another, and the rows held out (folds,)."""
    splits = list(splits)
    errors = np.empty((len(splits), scales.size))
    for i, (train, test) in enumerate(splits):
        for j, scale in enumerate(scales):
            fit = make(float(scale), float(len(train))).fit(X[train], y[train])
            errors[i, j] = np.mean((y[test] - fit.predict(X[test])) ** 2)
    return errors, np.array([len(test) for _, test in splits])


def log_score(squared: Array, sigma: float | Array = SIGMA) -> Array:
    """Mean of −log N(y; mean, σ²)."""
    return np.asarray(squared / (2 * np.square(sigma)) + np.log(sigma * np.sqrt(2 * np.pi)))
