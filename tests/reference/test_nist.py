"""NIST's certified least-squares fits, as flat-prior optima: how many digits survive standardising and back.

Digits are −log₁₀ of the relative error of the worst coefficient.  The floors are what double precision leaves with
each problem's conditioning (R's lm keeps 12 to 13 of Longley, 7 to 9 of Wampler 5), less one or two for other machines.
"""

import contextlib
import json

import numpy as np
import pandas as pd
import pytest

from bayesreg.errors import DataWarning, FitError
from bayesreg.graph_map import find_map
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat
from bayesreg.problem import Problem

pytestmark = pytest.mark.reference

DIGITS = {"longley": 11, "norris": 11, "wampler1": 9, "wampler2": 10, "wampler5": 5}
ROUTES = pytest.mark.parametrize("route", [fit_penalized, find_map])
STANDARDIZE = pytest.mark.parametrize("standardize", [True, False])


def digits(found, certified):
    error = np.abs(np.asarray(found) - certified) / np.abs(certified)
    return float(-np.log10(np.maximum(error, 1e-15)).min())


def certified(shared, name):
    return json.loads((shared / "reference" / "nist_strd.json").read_text(encoding="utf-8"))[name]


def problem_of(shared, name, standardize):
    frame = pd.read_csv(shared / "data" / f"nist_{name}.csv", encoding="utf-8-sig")
    y = frame.pop("y").to_numpy(float)
    if name.startswith("wampler"):
        frame = pd.DataFrame({f"x{k}": frame["x"] ** k for k in range(1, 6)})
    return Problem.from_arrays(frame, y, prior=Flat(), standardize=standardize)


@ROUTES
@STANDARDIZE
@pytest.mark.parametrize("name", DIGITS)
def test_certified_coefficients(shared, name, standardize, route):
    answer = certified(shared, name)
    # Where NIST's residual sd is 0, any σ has the same optimum.
    fit = route(problem_of(shared, name, standardize), sigma=answer["rsd"] or 1.0)
    assert fit.outcome is Outcome.CERTIFIED
    assert digits([fit.intercept_raw, *fit.beta_raw], answer["coef"]) >= DIGITS[name]


@STANDARDIZE
@pytest.mark.parametrize("name", ["longley", "norris", "wampler5"])
def test_certified_residual_sd(shared, name, standardize):
    fit = fit_penalized(problem_of(shared, name, standardize))
    assert digits([fit.sigma], [certified(shared, name)["rsd"]]) >= 10


@STANDARDIZE
@pytest.mark.parametrize("name", ["wampler1", "wampler2"])
def test_a_certified_residual_sd_of_zero_is_no_estimate(shared, name, standardize):
    assert certified(shared, name)["rsd"] == 0
    with pytest.raises(FitError, match="the columns fit y exactly"):
        fit_penalized(problem_of(shared, name, standardize))


@ROUTES
@STANDARDIZE
def test_filip_is_refused_as_collinear(shared, standardize, route):
    # Its condition number is 1e15: normal equations have no digit of it, and we say so rather than guess.
    sizes = contextlib.nullcontext() if standardize else pytest.warns(DataWarning, match="differ in size by a factor")
    with sizes:
        problem = problem_of(shared, "filip", standardize)
    with pytest.raises(FitError, match=r"do not determine the unpenalised coefficients of 'x1', 'x2', .*collinear"):
        route(problem, sigma=1.0)
