"""Logistic lasso paths by glum, skglm and adelie, each at the loosest tolerance that is as exact as was asked for.

Run by a Python that has them: `path_peers.py FILE`, which holds X, y and λ; prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np

Path = tuple[np.ndarray, np.ndarray]
"""Intercepts (g,) and coefficients (g, p)."""

EXACT = 1e-8
"""KKT residual per row."""

REPEATS = 3


def glum(X: np.ndarray, y: np.ndarray, rates: np.ndarray, tol: float) -> Path:
    """One fit along the path."""
    from glum import GeneralizedLinearRegressor

    model = GeneralizedLinearRegressor(
        family="binomial", l1_ratio=1, gradient_tol=tol, max_iter=1000, alpha_search=True, alpha=list(rates / y.size),
        scale_predictors=False,
    )  # fmt: skip
    model.fit(X, y)
    return model.intercept_path_, model.coef_path_


def adelie(X: np.ndarray, y: np.ndarray, rates: np.ndarray, tol: float) -> Path:
    """One fit along the path."""
    import adelie as ad

    state = ad.grpnet(
        np.asfortranarray(X), ad.glm.binomial(y), lmda_path=rates / y.size, tol=tol, irls_tol=tol, progress_bar=False,
        early_exit=False, adev_tol=1.0, ddev_tol=0.0,
    )  # fmt: skip
    return state.intercepts, state.betas.toarray()


def skglm(X: np.ndarray, y: np.ndarray, rates: np.ndarray, tol: float) -> Path:
    """Warm-started fits."""
    from skglm import GeneralizedLinearEstimator
    from skglm.datafits import Logistic
    from skglm.penalties import L1
    from skglm.solvers import ProxNewton

    solver = ProxNewton(tol=tol, fit_intercept=True, warm_start=True, max_iter=100)
    model = GeneralizedLinearEstimator(Logistic(), L1(1.0), solver)
    found = []
    for rate in rates:
        model.penalty = L1(rate / y.size)
        model.fit(X, 2 * y - 1)
        found.append((float(np.ravel(model.intercept_)[0]), model.coef_.ravel().copy()))
    return np.array([a for a, _ in found]), np.array([b for _, b in found])


def residual(X: np.ndarray, y: np.ndarray, rates: np.ndarray, path: Path) -> float:
    """Largest KKT residual per row along a path."""
    worst = 0.0
    for a, b, rate in zip(*path, rates, strict=True):
        error = 1 / (1 + np.exp(-(X @ b + a))) - y
        slope = X.T @ error
        off = np.where(b != 0, np.abs(slope + rate * np.sign(b)), np.maximum(np.abs(slope) - rate, 0))
        worst = max(worst, float(off.max()), abs(float(error.sum())))
    return worst / y.size


def measured(X: np.ndarray, y: np.ndarray, rates: np.ndarray) -> Iterator[dict[str, float | str]]:
    """Time each library at the loosest of its tolerances that is exact enough, what it compiles left out."""
    contenders: list[tuple[str, Callable[..., Path]]] = [("glum", glum), ("skglm", skglm), ("adelie", adelie)]
    for name, fit in contenders:
        try:
            fit(X, y, rates[:3], 1e-4)
        except ImportError:
            continue
        for exponent in range(6, 17):
            tol = 10.0**-exponent
            reached = residual(X, y, rates, fit(X, y, rates, tol))
            if reached <= EXACT:
                break
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            fit(X, y, rates, tol)
            seconds.append(time.perf_counter() - start)
        yield {"name": name, "seconds": min(seconds), "kkt": reached, "tol": tol}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as file:
        arrays = file["X"], file["y"], file["rates"]
    print(json.dumps(list(measured(*arrays))))
