"""What a conversion refuses, and how it says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.libraries import conventions, from_prior, intercept_prior, to_prior
from bayesreg.libraries.objective import table
from bayesreg.priors import Bridge, Gaussian, GroupLaplace, Laplace
from bayesreg.scales import HalfCauchy

KNOWN = {"n": 442, "sigma": 54.0}


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        ((), {"alpha": 0.1}, r"to_prior\(alpha=0.1\): name the library first"),
        (("alpha",), {"alpha": 0.1}, "'alpha' is a parameter, not a library"),
        (("sklearn",), {"alpha": 0.1}, r"of sklearn there are sklearn.Ridge, .*sklearn.Lasso"),
        (("sklearn.Laso",), {"alpha": 0.1}, "of sklearn there are"),
        (("glmnett",), {"alpha": 0.1}, r"did you mean glmnet"),
        (("cuml.Lasso",), {"alpha": 0.1}, r"not in the table"),
        ((0.1,), {}, r"library must name whose number it is.*got 0.1"),
        (("sklearn.Lasso",), {"lam": 0.1, **KNOWN}, r"no parameter 'lam' \(it has alpha; version 1.9.1\)"),
        (("sklearn.Lasso",), {**KNOWN}, "give alpha="),
        (("sklearn.Lasso",), {"alpha": 0.1, "sigma": 1.0}, "pass n="),
        (("sklearn.Lasso",), {"alpha": 0.1, "n": 442}, "pass sigma="),
        (("sklearn.Lasso",), {"alpha": 0.1}, "pass sigma=, the noise sd.*; and n=, the number of rows"),
        (("sklearn.Lasso",), {"alpha": -0.1, **KNOWN}, r"alpha must be a finite number >= 0 \(got -0.1\)"),
        (("sklearn.Lasso",), {"alpha": np.inf, **KNOWN}, "finite"),
        (("sklearn.Lasso",), {"alpha": "auto", **KNOWN}, "got 'auto'"),
        (("sklearn.Lasso",), {"alpha": True, **KNOWN}, "got True"),
        (("sklearn.Lasso",), {"alpha": [0.1, 0.2], **KNOWN}, "one number for all columns"),
        (("sklearn.Lasso",), {"alpha": 0.1, "n": 441.5, "sigma": 1.0}, "whole number"),
        (("sklearn.Lasso",), {"alpha": 0.1, "n": 0, "sigma": 1.0}, "n must be"),
        (("sklearn.Lasso",), {"alpha": 0.1, "n": 442, "sigma": 0.0}, "sigma must be"),
        (("sklearn.Lasso",), {"alpha": 0.1, **KNOWN, "columns": "raw"}, "columns must be 'library'"),
        (("sklearn.Lasso",), {"alpha": 0.1, **KNOWN, "columns": "standardized"}, "pass sd="),
        (("sklearn.Lasso",), {"alpha": 0.1, **KNOWN, "sd": [1.0, 0.0]}, "sd must be one number > 0"),
        (("sklearn.Lasso",), {"alpha": 0.1, **KNOWN, "weights": [1.0, -1.0]}, "weights must be"),
        (("sklearn.ElasticNet",), {"alpha": 0.1, "l1_ratio": 1.5, **KNOWN}, "between 0 and 1"),
        (("sklearn.LogisticRegression",), {"C": 0.0}, r"C must be > 0"),
        (("sklearn.LogisticRegression",), {"C": 1.0, "penalty": "L1"}, "'l1', 'l2', 'elasticnet' or None"),
        (("glmnet",), {"lambda_": 0.1, "alpha": 0.0, **KNOWN}, "pass sd_y="),
        (("glmnet",), {"lambda_": 0.1, "standardize": 1, **KNOWN}, "standardize must be True or False"),
        (("glmnet",), {"lambda_": 0.1, "penalty_factor": [0.0, 0.0], **KNOWN}, "not all 0"),
        (("glmnet",), {"lambda_": 0.1, "penalty_factor": [0.0, 1.0], **KNOWN}, r"columns \[0\] are not penalised"),
        (("penalized:linear",), {"sigma": 1.0}, "give lambda1=, lambda2= or both"),
        (("torch.AdamW",), {"weight_decay": 0.01}, "no prior on the coefficients corresponds"),
        (("xgboost.gbtree",), {"reg_alpha": 0.01}, "leaf values"),
        (("statsmodels.GLM:L1_wt=0",), {"alpha": 0.01}, "1e-12"),
        (("sklearn.MultiTaskLasso",), {"alpha": 0.1, **KNOWN}, "pass tasks="),
        (("sklearn.MultiTaskElasticNet",), {"alpha": 0.1, "tasks": 2, "p": 3, **KNOWN}, "no such prior"),
        (("sklearn.MultiTaskLasso",), {"alpha": 0.1, "n": 10, "sigma": 1e200}, "finite number > 0"),
        (("sklearn.Lasso",), {"alpha": 0.1, "n": 10**400, "sigma": 1.0}, "n must be a finite number"),
        (("sklearn.Lasso",), {"alpha": 0.1, "n": 3, "sigma": 1.0, "weights": ["a"]}, "weights must be"),
        (("sklearn.Lasso",), {"alpha": 0.1, "n": 3, "sigma": 1.0, "weights": [1.0]}, "n = 3, but there are 1 weights"),
        (("glmnet",), {"lambda": 0.1, "lambda_": 0.2, **KNOWN}, "lambda is given twice"),
        (("glmnet",), {"lambda_": 0.1, "penalty_factor": "x", **KNOWN}, "penalty.factor must be"),
        (("spark.LogisticRegression",), {"regParam": 0.1, "weights": [1.0, 0.0]}, "one row of positive weight"),
        (("sklearn.BayesianRidge",), {"lambda_": 1.0, "alpha_": 4.0, "sigma": 1.0}, "alpha_ says 0.5; leave sigma out"),
        (("matlab.ridge",), {"k": 0.1, "n": 1, "sigma": 1.0}, "no sample sd"),
    ],
)
def test_to_prior(arguments: tuple[Any, ...], given: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        to_prior(*arguments, **given)


@pytest.mark.parametrize(
    ("library", "prior", "message"),
    [
        ("sklearn.Ridge", Laplace(1.0), "has no L1 part"),
        ("sklearn.Lasso", Gaussian(1.0), "has no L2 part"),
        ("sklearn.Lasso", Laplace(1.0, loc=0.5), "another point than 0"),
        ("sklearn.Lasso", Laplace(HalfCauchy(1.0)), "unknown scale"),
        ("sklearn.Lasso", Bridge(1.0, 0.5), "no sum of"),
        ("sklearn.Lasso", Laplace([1.0, 2.0]), "multiply the columns"),
        ("sklearn.Lasso", GroupLaplace([0, 0], 1.0), "no penalty on groups"),
        ("sklearn.Lasso", 0.5, "must be a bayesreg Prior"),
        ("sklearn.MultiTaskLasso", Laplace(1.0), "give a GroupLaplace"),
        ("sklearn.MultiTaskLasso", GroupLaplace([0, 0, 1], 1.0), "one a group"),
        ("glum.GeneralizedLinearRegressor", Laplace(1.0), "of glum there are"),
    ],
)
def test_from_prior(library: str, prior: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        from_prior(library, prior, **KNOWN)


def test_names_are_found_in_any_case_and_by_alias() -> None:
    assert to_prior("SKLEARN.lassocv", alpha_=0.1, **KNOWN).scale == to_prior("sklearn.Lasso", alpha=0.1, **KNOWN).scale


def test_the_documented_example() -> None:
    prior = to_prior("sklearn.Lasso", alpha=0.1, n=442, sigma=54.0)
    assert prior.scale == pytest.approx(54.0**2 / (442 * 0.1), rel=1e-15)
    assert from_prior("glmnet", Laplace(0.5), n=442, sigma=54.0) == {
        "lambda": pytest.approx(54.0**2 / (442 * 0.5)), "alpha": 1.0, "standardize": True,
    }  # fmt: skip


def test_conventions_has_a_row_for_every_objective() -> None:
    found = conventions(Laplace(0.5), n=442, sigma=54.0)
    assert list(found.index) == list(table())
    said = found["parameters"].notna()
    assert (found["why_not"] == "").eq(said).all()
    assert {"sklearn.Lasso", "glmnet", "spark.LinearRegression:normal", "sklearn.LogisticRegression"} <= set(
        found.index[said]
    )
    assert {"sklearn.Ridge", "torch.AdamW"} <= set(found.index[~said])
    without = conventions(Laplace(0.5), n=442)
    assert "pass sigma=" in without.loc["sklearn.Lasso", "why_not"]
    assert without.loc["sklearn.LogisticRegression", "parameters"] == {"C": 0.5, "l1_ratio": 1.0}


def test_an_intercept_with_a_strength_of_its_own_is_not_guessed() -> None:
    with pytest.raises(ParameterError, match="intercept"):
        intercept_prior("statsmodels.OLS", alpha=[0.1, 0.2], **KNOWN)


def test_a_fits_own_noise_is_used() -> None:
    prior = to_prior("sklearn.BayesianRidge", lambda_=1.0, alpha_=4.0)
    assert prior.scale == pytest.approx(1.0)
    alpha = from_prior("sklearn.Ridge", prior, sigma=0.5)["alpha"]
    assert alpha == pytest.approx(0.25)  # lambda_/alpha_


def test_conventions_checks_what_it_is_given() -> None:
    for arguments, given, message in (
        ((0.5, 100, 1.0), {}, "must be a bayesreg Prior"),
        ((Laplace(0.5), 100, 1.0), {"sigmaa": 3.0}, "takes no 'sigmaa'"),
        ((Laplace(0.5), -3, 1.0), {}, "n must be"),
    ):
        with pytest.raises(ParameterError, match=message):
            conventions(*arguments, **given)


def test_an_intercept_column_of_nothing() -> None:
    with pytest.raises(ParameterError, match="intercept_scaling must be"):
        intercept_prior("sklearn.LogisticRegression:liblinear", C=1.0, intercept_scaling=0)
