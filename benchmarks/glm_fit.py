"""Penalised fits of counts and classes on many rows against scikit-learn's own second-order solvers, at the matched λ.

Ours returns the certificate with the point; the note says by how many nats scikit-learn's point lies above ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import bayesreg as br
from benchmarks.measure import Row, best_of

ROWS, COLUMNS = 100_000, 50


def rows() -> list[Row]:
    """Time ridge-penalised Poisson and logistic regression, and an L1-penalised logistic one."""
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

    newton = {"solver": "newton-cholesky", "tol": 1e-8, "max_iter": 1000}
    return [
        _row("Poisson ridge", br.PoissonLog(), br.Gaussian(1.0), lambda: PoissonRegressor(alpha=1 / ROWS, **newton)),
        _row("logistic ridge", br.BernoulliLogit(), br.Gaussian(1.0), lambda: LogisticRegression(C=1.0, **newton)),
        _row(
            "logistic lasso",
            br.BernoulliLogit(),
            br.Laplace(0.01),
            lambda: LogisticRegression(C=0.01, l1_ratio=1, solver="saga", tol=1e-6, max_iter=1000),
        ),
    ]


def _row(name: str, likelihood: Any, prior: Any, make: Callable[[], Any]) -> Row:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, COLUMNS))
    eta = 0.3 + X @ (0.2 * rng.normal(size=COLUMNS) * (np.arange(COLUMNS) % 2))
    problem = br.Problem.from_arrays(X, likelihood.simulate(eta, None, rng), prior=prior, likelihood=likelihood)
    block = problem.design.rows.collect()
    ours, model = br.fit_penalized(problem), make().fit(block.X, block.y)
    theirs = problem.value(problem.join(float(np.ravel(model.intercept_)[0]), np.ravel(model.coef_)))
    note = f"{ours.outcome.name}, gap {ours.certificate.gap:.0e} nats; theirs {theirs - ours.objective:.0e} nats above"
    return Row(
        f"{name}, n={ROWS}, p={COLUMNS} | scikit-learn",
        best_of(lambda: br.fit_penalized(problem)),
        best_of(lambda: make().fit(block.X, block.y)),
        note=note,
    )
