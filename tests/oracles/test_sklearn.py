"""scikit-learn at tight tolerance, each estimator at the λ that its own objective gives the prior."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from tests.problems import data

SIGMA = 1.3
SIZES = pytest.mark.parametrize(("n", "p"), [(30, 4), (25, 60)])


def weights_and_offset(n):
    rng = np.random.default_rng(8)
    return rng.uniform(0.5, 2.0, n), rng.normal(size=n)


def fitted(X, y, prior, likelihood, **options):
    fit = fit_penalized(Problem.from_arrays(X, y, prior=prior, likelihood=likelihood, standardize=False, **options))
    assert fit.outcome is Outcome.CERTIFIED
    return fit


@SIZES
@pytest.mark.parametrize("intercept", [True, False])
def test_lasso(n, p, intercept):
    # (1/2N)·RSS + α‖β‖₁, N the sum of the weights: α = σ²/(N b).  A scale by column is a scale of the columns.
    X, y = data("gaussian", n, p)
    weights, offset = weights_and_offset(n)
    b = np.random.default_rng(9).uniform(0.02, 0.2, p)
    alpha = SIGMA**2 / weights.sum()
    theirs = Lasso(alpha=alpha, fit_intercept=intercept, tol=1e-14, max_iter=1_000_000)
    theirs.fit(X * b, y - offset, sample_weight=weights)
    ours = fitted(
        X,
        y,
        Laplace(b),
        GaussianNoise(SIGMA),
        weights=weights,
        offset=offset,
        **({} if intercept else {"intercept": None}),
    )
    np.testing.assert_allclose(ours.beta, b * theirs.coef_, rtol=1e-6, atol=1e-7)
    assert ours.intercept == pytest.approx(theirs.intercept_, rel=1e-6, abs=1e-7)
    np.testing.assert_array_equal(ours.zeros, theirs.coef_ == 0)
    assert 0 < ours.zeros.sum() < p


@SIZES
@pytest.mark.parametrize("intercept", [True, False])
def test_ridge(n, p, intercept):
    # RSS + α‖β‖²: α = σ²/τ².
    X, y = data("gaussian", n, p)
    weights, offset = weights_and_offset(n)
    tau = np.random.default_rng(9).uniform(0.2, 2.0, p)
    theirs = Ridge(alpha=SIGMA**2, fit_intercept=intercept, solver="svd")
    theirs.fit(X * tau, y - offset, sample_weight=weights)
    ours = fitted(
        X,
        y,
        Gaussian(tau),
        GaussianNoise(SIGMA),
        weights=weights,
        offset=offset,
        **({} if intercept else {"intercept": None}),
    )
    np.testing.assert_allclose(ours.beta, tau * theirs.coef_, rtol=1e-9, atol=1e-11)
    assert ours.intercept == pytest.approx(theirs.intercept_, rel=1e-9, abs=1e-11)


def standardised(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


@SIZES
@pytest.mark.parametrize("intercept", [True, False])
def test_ridge_logistic_regression(n, p, intercept):
    # ½‖β‖² + C·Σ nll: C = τ².
    X, y = data("bernoulli", n, p)
    X = standardised(X)
    weights, _ = weights_and_offset(n)
    tau = 0.8
    theirs = LogisticRegression(C=tau**2, fit_intercept=intercept, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    theirs.fit(X, y, sample_weight=weights)
    ours = fitted(X, y, Gaussian(tau), BernoulliLogit(), weights=weights, **({} if intercept else {"intercept": None}))
    np.testing.assert_allclose(ours.beta, theirs.coef_[0], rtol=1e-8, atol=1e-9)
    assert ours.intercept == pytest.approx(float(theirs.intercept_[0]) if intercept else 0.0, rel=1e-8, abs=1e-9)


@SIZES
@pytest.mark.parametrize("intercept", [True, False])
def test_lasso_logistic_regression(n, p, intercept):
    # ‖β‖₁ + C·Σ nll: C = b.
    X, y = data("bernoulli", n, p)
    X = standardised(X)
    weights, _ = weights_and_offset(n)
    b = 0.3
    theirs = LogisticRegression(
        C=b, l1_ratio=1.0, fit_intercept=intercept, solver="saga", tol=1e-12, max_iter=200_000, random_state=0
    )
    theirs.fit(X, y, sample_weight=weights)
    ours = fitted(X, y, Laplace(b), BernoulliLogit(), weights=weights, **({} if intercept else {"intercept": None}))
    np.testing.assert_allclose(ours.beta, theirs.coef_[0], rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(ours.zeros, theirs.coef_[0] == 0)
    assert 0 < ours.zeros.sum() < p


def test_standardising_is_fitting_on_standardised_columns():
    X, y = data("gaussian")
    theirs = Lasso(alpha=SIGMA**2 / (len(y) * 0.2), tol=1e-14, max_iter=1_000_000).fit(standardised(X), y)
    ours = fit_penalized(Problem.from_arrays(X, y, prior=Laplace(0.2), likelihood=GaussianNoise(SIGMA)))
    np.testing.assert_allclose(ours.beta, theirs.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.beta_raw, theirs.coef_ / X.std(axis=0), rtol=1e-7, atol=1e-9)
    assert ours.intercept == pytest.approx(y.mean(), rel=1e-12)


@pytest.mark.parametrize("wrong", [0.9, 1.1])
def test_a_wrong_match_is_seen(wrong):
    # The negative control of this page: α off by 10 % moves the coefficients far beyond the tolerance.
    X, y = data("gaussian")
    theirs = ElasticNet(alpha=wrong * SIGMA**2 / (len(y) * 0.2), l1_ratio=1.0, tol=1e-14, max_iter=1_000_000)
    theirs.fit(standardised(X), y)
    ours = fit_penalized(Problem.from_arrays(X, y, prior=Laplace(0.2), likelihood=GaussianNoise(SIGMA)))
    assert np.abs(ours.beta - theirs.coef_).max() > 1e-3
