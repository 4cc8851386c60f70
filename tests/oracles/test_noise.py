"""The noise scale at which the match is made: what it is, and that it is said."""

import numpy as np
import pytest
from sklearn.linear_model import LassoCV

from bayesreg.errors import FitError, ParameterError
from bayesreg.likelihoods import GaussianNoise
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from tests.problems import data, extras, make_problem


def unknown(n=30, p=4, **options):
    return make_problem(likelihood=GaussianNoise(), n=n, p=p, **options)


def test_by_default_the_least_squares_residual():
    X, y = data("gaussian")
    rss = np.linalg.lstsq(np.column_stack([np.ones(30), X]), y)[1][0]
    noise = resolve_noise(unknown())
    assert noise.sigma == pytest.approx(np.sqrt(rss / 25), rel=1e-12)
    assert noise.method == "residual"
    assert noise.sentence == f"conditional on σ = {noise.sigma:.6g}, the least-squares residual sd with 25 d.o.f."
    assert fit_penalized(unknown()).sigma_method == noise.sentence


@pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")
@pytest.mark.parametrize("intercept", [True, False])
def test_residual_with_weights_offset_and_a_duplicated_column(intercept):
    X, y = data("gaussian")
    w, offset = extras()["weights"], extras()["offset"]
    options = {} if intercept else {"intercept": None}
    problem = Problem.from_arrays(
        np.column_stack([X, X[:, 1]]), y, prior=Laplace(1.0), weights=w, offset=offset, **options
    )
    A = np.column_stack([np.ones(30), X]) if intercept else X
    root = np.sqrt(w)
    rss = np.linalg.lstsq(root[:, None] * A, root * (y - offset))[1][0]
    freedom = w.sum() - A.shape[1]  # the copy adds nothing to the rank
    assert resolve_noise(problem).sigma == pytest.approx(np.sqrt(rss / freedom), rel=1e-10)


def test_with_too_many_columns_the_cross_validated_lasso():
    problem = unknown(20, 30)
    noise = resolve_noise(problem)
    Z, y = problem.design.rows.collect().X, data("gaussian", 20, 30)[1]
    lasso = LassoCV(cv=5, max_iter=100_000).fit(Z, y)
    used = np.count_nonzero(lasso.coef_) + 1
    expected = np.sqrt(np.sum((y - lasso.predict(Z)) ** 2) / (20 - used))
    assert noise.method == "cv_lasso"
    assert noise.sigma == pytest.approx(expected, rel=1e-12)
    assert f"5-fold cross-validated lasso ({used} coefficients used" in noise.sentence
    assert resolve_noise(unknown(), "cv_lasso").method == "cv_lasso"


def test_a_given_a_known_and_no_sigma():
    assert resolve_noise(unknown(), 2.5).sentence == "conditional on σ = 2.5, as given"
    known = make_problem(likelihood=GaussianNoise(2.0))
    assert resolve_noise(known).sentence == "σ = 2 is known"
    assert resolve_noise(known, 2.0).method == "known"
    assert resolve_noise(make_problem("bernoulli")).sigma is None
    assert resolve_noise(unknown(), "joint").joint


UNKNOWN = {"likelihood": GaussianNoise()}


@pytest.mark.parametrize(
    ("sigma", "problem", "message"),
    [
        (-1.0, UNKNOWN, r"sigma must be a finite number > 0.*\(got -1\)"),
        (0.0, UNKNOWN, r"sigma must be a finite number > 0.*\(got 0\)"),
        (float("inf"), UNKNOWN, r"sigma must be a finite number > 0.*\(got inf\)"),
        (float("nan"), UNKNOWN, r"sigma must be a finite number > 0.*\(got nan\)"),
        (True, UNKNOWN, r"sigma must be a number > 0 \(got True, a bool\)"),
        ([1.0], UNKNOWN, r"sigma must be a number > 0 \(got \[1.0\], a list\)"),
        ("residuals", UNKNOWN, r"'residuals' is not a method: use a number, or one of residual, cv_lasso, joint"),
        (3.0, {"likelihood": GaussianNoise(2.0)}, r"sigma=3.0 contradicts the likelihood's known sigma=2"),
        (3.0, {"kind": "bernoulli"}, r"BernoulliLogit has no noise scale or shape; leave sigma out"),
    ],
)
def test_what_sigma_cannot_be(sigma, problem, message):
    with pytest.raises(ParameterError, match=message):
        fit_penalized(make_problem(**problem), sigma=sigma)


def test_no_residual_without_degrees_of_freedom():
    with pytest.raises(FitError, match=r"no degrees of freedom .* use sigma='cv_lasso' or give a number"):
        fit_penalized(unknown(20, 30), sigma="residual")
    one_row = Problem.from_arrays([[1.0]], [2.0], prior=Laplace(1.0), standardize=False)
    with pytest.raises(FitError, match="one row or no column: nothing to estimate sigma from; give a number"):
        fit_penalized(one_row)
    assert fit_penalized(one_row, sigma=1.0).intercept == pytest.approx(2.0)
