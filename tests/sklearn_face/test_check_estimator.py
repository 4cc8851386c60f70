"""scikit-learn's own checks, none of them expected to fail."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from bayesreg.sklearn import PosteriorClassifier, PosteriorRegressor

FEW = {"draws": 50, "tune": 40}

ESTIMATORS = [
    PosteriorRegressor(**FEW),
    PosteriorRegressor("gaussian", **FEW),
    PosteriorRegressor("laplace", 0.5, **FEW),
    PosteriorRegressor("gaussian", 2.0, standardize=False, fit_intercept=False, **FEW),
    PosteriorClassifier(**FEW),
    PosteriorClassifier("gaussian", 1.0, **FEW),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
