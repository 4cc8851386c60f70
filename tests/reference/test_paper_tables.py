"""Lasso columns of published tables: Park & Casella (2008), Efron et al. (2004), on the diabetes data.

Their columns have unit norm, and their λ multiplies ‖β‖₁ beside ½·RSS: b = σ²/λ on those columns, at any σ.
"""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from bayesreg.likelihoods import GaussianNoise
from bayesreg.optimality import critical_factor
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Laplace
from bayesreg.problem import Problem

pytestmark = pytest.mark.reference

SIGMA = 54.0


@pytest.fixture(scope="module")
def tables(shared):
    return json.loads((shared / "reference" / "paper_tables.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def diabetes(tables):
    # scikit-learn's copy, from which the reference knots were computed: the columns of R's differ by 1e-5.
    data = load_diabetes()
    np.testing.assert_allclose(np.linalg.norm(data.data, axis=0), 1, rtol=1e-12)
    return pd.DataFrame(data.data, columns=tables["efron_2004_lars_diabetes"]["variables"]), data.target


def lasso(diabetes, rate, **options):
    return Problem.from_arrays(
        *diabetes, prior=Laplace(SIGMA**2 / rate), likelihood=GaussianNoise(SIGMA), standardize=False, **options
    )


# The λ of the first was fitted to its coefficients.  That of the second is the one with ‖β‖₁ = 2051.40, a sum of eight
# numbers rounded to 0.005: that leaves λ uncertain by 0.003, and a coefficient that moves by 7 per unit of λ by 0.02.
@pytest.mark.parametrize(
    ("column", "rate", "tolerance"), [("lasso_nfold_cv", "nfold_cv", 0.01), ("lasso_bound_t059", "bound", 0.02)]
)
def test_lasso_columns_of_park_and_casella(tables, diabetes, column, rate, tolerance):
    table = tables["park_casella_2008_diabetes"]
    fit = fit_penalized(lasso(diabetes, table["lambda_of_lasso_columns"][rate]))
    assert fit.outcome is Outcome.CERTIFIED
    assert list(fit.names) == table["variables"]
    np.testing.assert_allclose(fit.beta, table[column], atol=tolerance, rtol=0)
    np.testing.assert_array_equal(fit.zeros, np.array(table[column]) == 0)


def test_least_squares_column_of_park_and_casella(tables, diabetes):
    table = tables["park_casella_2008_diabetes"]
    fit = fit_penalized(Problem.from_arrays(*diabetes, prior=Flat(), standardize=False))
    np.testing.assert_allclose(fit.beta, table["least_squares"], atol=0.051)


def test_standardised_columns_have_the_scale_that_the_table_gives_them(tables, diabetes):
    # Unit-norm columns have population sd 1/√442: there the same prior is narrower by that factor.
    table = tables["park_casella_2008_diabetes"]
    rate = table["lambda_of_lasso_columns"]["nfold_cv"]
    narrow = Laplace(SIGMA**2 / rate / np.sqrt(442))
    fit = fit_penalized(Problem.from_arrays(*diabetes, prior=narrow, likelihood=GaussianNoise(SIGMA)))
    np.testing.assert_allclose(fit.beta_raw, table["lasso_nfold_cv"], atol=0.011)
    np.testing.assert_allclose(fit.beta, fit.beta_raw / np.sqrt(442), rtol=1e-9)


def test_knots_of_the_lars_path(tables, diabetes):
    path = tables["efron_2004_lars_diabetes"]
    for rate, coefficients in list(zip(path["knots_lambda"], path["knots_coef"], strict=True))[:-1]:
        fit = fit_penalized(lasso(diabetes, rate))
        np.testing.assert_allclose(fit.beta, coefficients, rtol=1e-9, atol=1e-7)


def test_between_knots_the_active_set_is_the_published_one(tables, diabetes):
    path = tables["efron_2004_lars_diabetes"]
    knots, active = path["knots_lambda"], set()
    for step, upper, lower in zip(path["entry_order"], knots, knots[1:], strict=False):
        active = active - {step[1:]} if step.startswith("-") else active | {step.removeprefix("+")}
        fit = fit_penalized(lasso(diabetes, (upper + lower) / 2))
        assert {name for name, zero in zip(fit.names, fit.zeros, strict=True) if not zero} == active
    assert active == set(path["variables"])


def test_first_knot_is_the_critical_rate(tables, diabetes):
    problem = lasso(diabetes, 1e6)
    fit = fit_penalized(problem)
    critical = critical_factor(problem, problem.join(fit.intercept, fit.beta))[1:].max() * 1e6
    assert critical == pytest.approx(tables["efron_2004_lars_diabetes"]["knots_lambda"][0], rel=1e-9)


def check_esl(shared, tables, scale=1.0):
    """ESL's Table 3.2: least squares on the 67 training rows of prostate, columns standardised over all 97."""
    table = tables["esl_prostate_table3_2"]
    frame = pd.read_csv(shared / "data/prostate_esl.csv")
    X = frame[table["terms"][1:]]
    Z, train = (X - X.mean()) / X.std() * scale, frame["train"].to_numpy(bool)
    problem = Problem.from_arrays(Z[train], frame["lpsa"].to_numpy()[train], prior=Flat(), standardize=False)
    fit = fit_penalized(problem)
    design = np.column_stack([np.ones(train.sum()), Z[train]])
    errors = fit.sigma * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    columns = table["table3_2"]
    np.testing.assert_allclose([fit.intercept, *fit.beta], columns["coef"], atol=0.00501, rtol=0)
    np.testing.assert_allclose(errors, columns["se"], atol=0.00501, rtol=0)
    np.testing.assert_allclose(np.array([fit.intercept, *fit.beta]) / errors, columns["z"], atol=0.0501, rtol=0)


def test_least_squares_of_esl(shared, tables):
    check_esl(shared, tables)


def test_least_squares_of_esl_is_told_from_columns_of_another_scale(shared, tables):
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_esl(shared, tables, scale=1.05)
