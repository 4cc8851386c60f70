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
from tests.libraries.fits import CASES, SIGMA, Case, N, data, fit, weights

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))

LIKELIHOODS = {
    "gaussian": lambda: GaussianNoise(SIGMA),
    "bernoulli": BernoulliLogit,
    "poisson": PoissonLog,
    "gamma": lambda: GammaLog(2.0),
}


def mode(case: Case, strength: float = 1.0) -> Any:
    """Our coefficients in the data's units, under the prior that the table says (its scale times `strength`)."""
    X, y = data(case.kind)
    w = weights() if case.weighted else None
    given = {**case.parameters, **case.facts, "n": N}
    if case.kind == "gaussian":
        given["sigma"] = SIGMA
    if w is not None:
        given["weights"] = w
    row = find(case.name)
    problem = Problem.from_arrays(
        X, y, likelihood=LIKELIHOODS[case.kind](), prior=to_prior(case.name, **given).rescaled(strength),
        intercept=Flat() if row.library == "statsmodels" else intercept_prior(case.name, **given),
        standardize=standardises(row, case.parameters), weights=w,
    )  # fmt: skip
    return fit_penalized(problem).beta_raw


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_the_librarys_fit_is_the_mode(case: Case) -> None:
    theirs = np.array(RECORDED[case.label]) if not case.live else fit(case)
    assert np.abs(theirs).max() > 0.05  # or nothing would be compared
    np.testing.assert_allclose(mode(case), theirs, rtol=0, atol=case.tolerance)
    assert np.abs(mode(case, 1 / 1.1) - theirs).max() > 2 * case.tolerance, "a λ 10 % off is not told from the true one"


def test_what_was_recorded_is_what_is_compared() -> None:
    assert set(RECORDED) == {case.label for case in CASES if not case.live}
