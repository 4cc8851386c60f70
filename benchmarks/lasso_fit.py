"""The explicitly penalised fit against scikit-learn's Lasso, at the λ that matches and at an equal duality gap.

Ours returns the certificate with the point; scikit-learn's tolerance is tightened until its point is as good.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

import bayesreg as br
from bayesreg.optimality import GAP_TOLERANCE, duality_gap
from benchmarks.measure import Row, best_of
from benchmarks.problems import diabetes, wide

if TYPE_CHECKING:
    from sklearn.linear_model import Lasso


def rows() -> list[Row]:
    """Time diabetes, and p = 1000 > n = 100."""
    return [
        _row("lasso fit, diabetes | scikit-learn Lasso", diabetes(br.Laplace(scale=14.7))),
        _row("lasso fit, n=100, p=1000 | scikit-learn Lasso", wide()),
    ]


def _row(name: str, problem: br.Problem) -> Row:
    ours = br.fit_penalized(problem)
    model, gap = _as_good(problem, max(ours.certificate.gap, GAP_TOLERANCE))
    block = problem.design.rows.collect()
    theirs = best_of(lambda: model.fit(block.X, block.y))
    zeros = f"zeros {int(ours.zeros.sum())} and {int((model.coef_ == 0).sum())} of {problem.p}"
    note = f"gap {ours.certificate.gap:.0e} and {gap:.0e} nats (tol={model.tol:.0e}); {zeros}"
    return Row(name, best_of(lambda: br.fit_penalized(problem)), theirs, note=note)


def _as_good(problem: br.Problem, gap: float) -> tuple[Lasso, float]:
    """Return the Lasso with the loosest tolerance that reaches `gap`, and the gap it reaches."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso

    block = problem.design.rows.collect()
    sigma, rate = problem.likelihood.sigma_known or 1.0, problem.prior.rates(problem.p)[0]
    for exponent in range(4, 17):
        model = Lasso(alpha=sigma**2 * rate / problem.n, tol=10.0**-exponent, max_iter=100_000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(block.X, block.y)
        reached = duality_gap(problem, np.concatenate([[model.intercept_], model.coef_]))
        if reached <= gap:
            break
    return model, reached
