"""The table against the libraries themselves: their coefficients are the mode under the prior that the table says.

Libraries among the project's own dependencies are fitted here; the others were, by `python tests/libraries/fits.py`,
whose coefficients `recorded.json` holds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesreg.libraries import intercept_prior, to_prior
from bayesreg.libraries.facts import standardises
from bayesreg.libraries.objective import find
from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, PoissonLog
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat
from bayesreg.problem import Problem
from tests.libraries.fits import CASES, SIGMA, Case, Fitted, N, data, fit, weights

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))

LIKELIHOODS = {
    "gaussian": lambda: GaussianNoise(SIGMA),
    "labels": lambda: GaussianNoise(SIGMA),
    "bernoulli": BernoulliLogit,
    "poisson": PoissonLog,
    "gamma": lambda: GammaLog(2.0),
}


def mode(case: Case, found: dict[str, Any], strength: float = 1.0) -> Any:
    """Our coefficients in the data's units, under the prior that the table says (its scale times `strength`)."""
    X, y = data(case.kind)
    w = weights() if case.weighted else None
    given = {**case.parameters, **case.facts, **found, "n": N}
    if case.kind in ("gaussian", "labels"):
        given["sigma"] = SIGMA
    likelihood = LIKELIHOODS[case.kind]()
    if "noise_scale" in found:  # Huber's, whose noise is Gaussian where no residual is large
        likelihood = GaussianNoise(found["noise_scale"])
    if w is not None:
        given["weights"] = w
    row = find(case.name)
    problem = Problem.from_arrays(
        X, y, likelihood=likelihood, prior=to_prior(case.name, **given).rescaled(strength),
        intercept=Flat() if row.library == "statsmodels" else intercept_prior(case.name, **given),
        standardize=standardises(row, case.parameters), weights=w,
    )  # fmt: skip
    return fit_penalized(problem).beta_raw


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_the_librarys_fit_is_the_mode(case: Case) -> None:
    found = fit(case) if case.live else Fitted(np.array(RECORDED[case.label]), {})
    theirs = found.coef
    assert np.abs(theirs).max() > 0.05  # or nothing would be compared
    np.testing.assert_allclose(mode(case, found.facts), theirs, rtol=0, atol=case.tolerance)
    assert np.abs(mode(case, found.facts, 1 / 1.1) - theirs).max() > 2 * case.tolerance, (
        "a λ 10 % off is not told from the true one"
    )


def test_what_was_recorded_is_what_is_compared() -> None:
    assert set(RECORDED) == {case.label for case in CASES if not case.live}


def test_tasks_are_groups() -> None:
    """MultiTaskLasso as one problem: the responses one after the other, each column's coefficients a group."""
    from sklearn.linear_model import MultiTaskLasso

    X, y = data("gaussian")
    Y = np.column_stack([y, y + X[:, 3], -X[:, 0] + 0.3 * y])
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)  # its intercepts are free, one a task
    n, (p, tasks) = len(X), (X.shape[1], Y.shape[1])
    theirs = MultiTaskLasso(0.3, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(X, Y).coef_.T
    prior = to_prior("sklearn.MultiTaskLasso", alpha=0.3, n=n, sigma=SIGMA, tasks=tasks, p=p)
    problem = Problem.from_arrays(
        np.kron(X, np.eye(tasks)), Y.ravel(), likelihood=GaussianNoise(SIGMA), prior=prior, intercept=None,
        standardize=False,
    )  # fmt: skip
    ours = fit_penalized(problem).beta.reshape(p, tasks)
    assert (theirs == 0).all(axis=1).any()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-7)
    off = fit_penalized(problem.with_prior(prior.rescaled(1 / 1.1))).beta.reshape(p, tasks)
    assert np.abs(off - theirs).max() > 1e-3
