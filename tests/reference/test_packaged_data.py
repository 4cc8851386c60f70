"""Every family on real data against Stata's and R's fits, as statsmodels keeps them, and scikit-learn at its own λ.

The data come with the installed packages, so this page, unlike its neighbours, does not need ../shared.
"""

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import ElasticNet, GammaRegressor, Lasso, LogisticRegression, PoissonRegressor, Ridge
from statsmodels.discrete.tests.results.results_discrete import RandHIE
from statsmodels.genmod.tests.results import results_glm

from bayesreg import priors
from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, NegativeBinomialLog, PoissonLog
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem


def optimum(X, y, prior, likelihood, standardize=False, **options):
    problem = Problem.from_arrays(X, y, prior=prior, likelihood=likelihood, standardize=standardize, **options)
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    return fit


# -- Stata's and R's fits of real data, as statsmodels keeps them ------------------------------------------------------


def published(name):
    """Columns (their last the constant), response, likelihood, options and the published coefficients and −log L."""
    table = getattr(results_glm, name)()
    if name in ("Lbw", "CancerLog"):
        exog, y = np.asarray(table.exog, dtype=float), np.asarray(table.endog, dtype=float)
        return exog[:, :-1], y, BernoulliLogit() if name == "Lbw" else GammaLog(1.0), {}, table
    data = getattr(sm.datasets, {"Star98": "star98", "Committee": "committee"}.get(name, "cpunish")).load_pandas()
    X, y = data.exog.to_numpy(dtype=float), data.endog.to_numpy(dtype=float)
    if name == "Star98":
        return X, y[:, 0], BernoulliLogit(), {"trials": y.sum(axis=1)}, table
    column = 2 if name == "Committee" else 3
    X[:, column] = np.log(X[:, column])
    if name == "Committee":
        X = np.column_stack([X, X[:, 1] * X[:, 2]])
        return X, y, NegativeBinomialLog(1.0), {}, table
    return X, y, PoissonLog(), {"exposure": np.full(y.size, 100.0)} if "offset" in name else {}, table


# Stata's iterations stop early: the coefficients are then good to fewer digits than −log L, flat at its minimum.
DIGITS = {"Lbw": 1e-6, "CancerLog": 1e-4, "Star98": 1e-6, "Committee": 1e-3, "Cpunish": 1e-6, "Cpunish_offset": 1e-6}


def check_published(name, nudge=1.0):
    X, y, likelihood, options, table = published(name)
    weights = np.where(np.arange(y.size) < y.size // 3, nudge, 1.0)
    fit = optimum(X, y, Flat(), likelihood, standardize=True, weights=weights, **options)
    theirs = np.roll(table.params, -1) if name == "Cpunish_offset" else table.params
    np.testing.assert_allclose([*fit.beta_raw, fit.intercept_raw], theirs, rtol=DIGITS[name], atol=1e-8)
    np.testing.assert_allclose(fit.objective, -table.llf, rtol=1e-8)


@pytest.mark.parametrize("name", DIGITS)
def test_published_fits_of_real_data(name):
    check_published(name)


@pytest.mark.parametrize("name", DIGITS)
def test_published_fits_are_told_from_a_third_of_the_weights_one_per_cent_off(name):
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_published(name, nudge=1.01)


def visits():
    """The RAND health insurance experiment: 20,190 counts of visits to the doctor."""
    data = sm.datasets.randhie.load_pandas()
    return data.exog.to_numpy(dtype=float), data.endog.to_numpy(dtype=float)


@pytest.mark.parametrize("nudge", [1.0, 0.99])
def test_stata_negative_binomial_at_its_estimate_of_alpha(nudge):
    *theirs, spread = RandHIE.negativebinomial_nb2_bfgs.params
    fit = optimum(*visits(), Flat(), NegativeBinomialLog(nudge / spread), standardize=True)
    found = np.allclose([*fit.beta_raw, fit.intercept_raw], theirs, rtol=1e-5, atol=1e-7)
    likely = np.isclose(fit.objective, -RandHIE.negativebinomial_nb2_bfgs.llf, rtol=1e-9)
    assert (found and likely) == (nudge == 1.0)


# -- scikit-learn and statsmodels at their own λ, on real data ---------------------------------------------------------

TIGHT = {"tol": 1e-12, "max_iter": 100_000}


def standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def scikit(name):
    """Data, likelihood, prior with λ multiplied by s, and their coefficients and intercept."""
    if name in ("ridge", "lasso", "elastic-net"):
        X, y = load_diabetes(return_X_y=True)
        X, sigma2 = standardised(X), 54.0**2
        alpha, ratio = 20.0, {"ridge": 0.0, "lasso": 1.0, "elastic-net": 0.4}[name]
        theirs = (
            Ridge(alpha=alpha)
            if name == "ridge"
            else (Lasso if ratio == 1 else ElasticNet)(alpha=alpha / len(y), **TIGHT)
        )
        if name == "elastic-net":
            theirs.set_params(l1_ratio=ratio)
        l1, l2 = alpha * ratio / sigma2, alpha * (1 - ratio) / (2 * sigma2)
        return X, y, GaussianNoise(54.0), lambda s: priors.ElasticNet(s * l1, s * l2), theirs.fit(X, y)
    if name == "logistic-elastic-net":
        X, y = load_breast_cancer(return_X_y=True)
        X = standardised(X[:, :5])
        theirs = LogisticRegression(C=0.1, l1_ratio=0.4, solver="saga", random_state=0, **TIGHT).fit(X, y)
        return X, y.astype(float), BernoulliLogit(), lambda s: priors.ElasticNet(4.0 * s, 3.0 * s), theirs
    if name == "poisson":
        X, y = (part[::40] for part in visits())
        X = standardised(X)
        theirs = PoissonRegressor(alpha=0.1, solver="newton-cholesky", **TIGHT).fit(X, y)
        return X, y, PoissonLog(), lambda s: Gaussian((s * len(y) * 0.1) ** -0.5), theirs
    data = sm.datasets.scotland.load_pandas()
    X, y = standardised(data.exog.to_numpy()), data.endog.to_numpy()
    theirs = GammaRegressor(alpha=0.1, solver="newton-cholesky", **TIGHT).fit(X, y)
    return X, y, GammaLog(30.0), lambda s: Gaussian((s * len(y) * 0.1 * 30.0) ** -0.5), theirs


@pytest.mark.parametrize("factor", [1.0, 0.99, 1.01])
@pytest.mark.parametrize("name", ["ridge", "lasso", "elastic-net", "logistic-elastic-net", "poisson", "gamma"])
def test_scikit_learn_at_the_matched_rate_and_at_no_other(name, factor):
    X, y, likelihood, prior, theirs = scikit(name)
    fit = optimum(X, y, prior(factor), likelihood)
    expected = [*np.atleast_1d(theirs.intercept_), *np.ravel(theirs.coef_)]
    assert np.allclose([fit.intercept, *fit.beta], expected, rtol=1e-6, atol=1e-6) == (factor == 1.0)


@pytest.mark.parametrize("factor", [1.0, 0.99, 1.01])
def test_statsmodels_poisson_with_an_l1_penalty(factor):
    X, y = (part[::40] for part in visits())
    X = standardised(X)
    model = sm.Poisson(y, sm.add_constant(X))
    rates = np.array([0.0, *np.full(X.shape[1], 40.0)])
    theirs = model.fit_regularized(method="l1", alpha=rates, acc=1e-13, maxiter=2000, trim_mode="off", disp=0).params
    fit = optimum(X, y, Laplace(1 / (40.0 * factor)), PoissonLog())
    assert np.allclose([fit.intercept, *fit.beta], theirs, rtol=0, atol=1e-5) == (factor == 1.0)
