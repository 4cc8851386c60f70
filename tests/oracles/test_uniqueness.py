"""Whether the optimum is the only one: detected exactly, in both directions."""

import numpy as np
import pytest

from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimality import certify, critical_factor
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from tests.problems import data

pytestmark = pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")

KINDS = pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
LIKELIHOODS = {"gaussian": GaussianNoise(1.3), "bernoulli": BernoulliLogit()}


def problem_on(columns, y, prior, kind="gaussian", **options):
    return Problem.from_arrays(np.column_stack(columns), y, prior=prior, likelihood=LIKELIHOODS[kind], **options)


@KINDS
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_active_duplicates_under_a_lasso_are_tied_and_named(kind, sign):
    X, y = data(kind)
    problem = problem_on([X, sign * X[:, 0]], y, Laplace(0.3), kind, names=["a", "b", "c", "d", "copy of a"])
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.NOT_UNIQUE
    assert set(fit.certificate.tied) == {"a", "copy of a"}
    # and so it is: any split of their sum has the same objective, and is as certified
    total = fit.beta[0] + sign * fit.beta[4]
    for share in (0.0, 0.3, 1.0):
        beta = fit.beta.copy()
        beta[0], beta[4] = share * total, sign * (1 - share) * total
        theta = problem.join(fit.intercept, beta)
        assert problem.value(theta) == pytest.approx(fit.objective, rel=1e-13)
        other = certify(problem, theta)
        assert other.outcome is Outcome.NOT_UNIQUE
        assert set(other.tied) == {"a", "copy of a"}


@KINDS
def test_three_copies_are_all_tied(kind):
    X, y = data(kind)
    fit = fit_penalized(problem_on([X, X[:, 0], X[:, 0]], y, Laplace(0.3), kind))
    assert set(fit.certificate.tied) == {"x0", "x4", "x5"}


@KINDS
def test_duplicates_under_a_ridge_are_not_tied(kind):
    X, y = data(kind)
    fit = fit_penalized(problem_on([X, X[:, 0]], y, Gaussian(0.3), kind))
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.beta[0] == pytest.approx(fit.beta[4], rel=1e-9)


@KINDS
def test_duplicates_that_both_stay_out_are_not_tied(kind):
    X, y = data(kind)
    fit = fit_penalized(problem_on([X, X[:, 3]], y, Laplace(0.1), kind))
    assert fit.zeros[[3, 4]].all()
    assert (fit.margin[[3, 4]] > 0.01).all()
    assert fit.outcome is Outcome.CERTIFIED


@KINDS
def test_duplicates_with_unequal_scales_are_not_tied(kind):
    # The one with the wider prior is cheaper, and takes all.
    X, y = data(kind)
    fit = fit_penalized(problem_on([X, X[:, 0]], y, Laplace([0.3, 0.3, 0.3, 0.3, 0.4]), kind))
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.zeros[0]
    assert fit.beta[4] != 0


@KINDS
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_duplicates_at_their_critical_scale_are_not_tied(kind, sign):
    # On the edge, margin 0, both could leave, but in one direction only: no trade between them, so no other optimum.
    X, y = data(kind)
    tiny = problem_on([X[:, 0], sign * X[:, 0]], y, Laplace(1e-6), kind)
    null = fit_penalized(tiny)
    critical = critical_factor(tiny, tiny.join(null.intercept, null.beta))[1:].max() / 1e-6
    fit = fit_penalized(tiny.with_prior(Laplace(1 / (critical * (1 + 1e-10)))))
    assert fit.zeros.all()
    assert (fit.margin < 1e-8).all()
    assert fit.outcome is Outcome.CERTIFIED


def test_a_column_that_is_the_mean_of_two_active_ones_is_tied_to_them():
    X, y = np.random.default_rng(0).normal(size=(40, 3)), None
    y = X @ [2.0, 3.0, 0.0] + np.random.default_rng(1).normal(size=40)
    columns = [X, (X[:, 0] + X[:, 1]) / 2]
    fit = fit_penalized(problem_on(columns, y, Laplace(0.5), standardize=False))
    assert fit.outcome is Outcome.NOT_UNIQUE
    assert set(fit.certificate.tied) == {"x0", "x1", "x3"}


def test_a_column_that_is_the_sum_of_two_active_ones_replaces_them():
    # It does the work of both at the price of one: collinear, yet unique.
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = X @ [2.0, 3.0, 0.0] + np.random.default_rng(1).normal(size=40)
    fit = fit_penalized(problem_on([X, X[:, 0] + X[:, 1]], y, Laplace(0.5), standardize=False))
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.zeros.tolist() == [True, False, True, False]


@KINDS
def test_a_lasso_with_more_columns_than_rows_is_unique_in_general(kind):
    X, y = data(kind, 20, 50)
    fit = fit_penalized(problem_on([X], y, Laplace(0.3), kind))
    assert fit.outcome is Outcome.CERTIFIED
    assert (~fit.zeros).sum() <= 20


@KINDS
@pytest.mark.parametrize("standardize", [True, False])
def test_a_constant_column_stays_at_its_location(kind, standardize):
    X, y = data(kind)
    X[:, 2] = 7.0
    options = {"standardize": standardize}
    if standardize:
        with pytest.warns(match="column 'x2' is constant"):
            problem = problem_on([X], y, Laplace(0.3, loc=[0.0, 0.0, 0.25, 0.0]), kind, **options)
    else:
        problem = problem_on([X], y, Laplace(0.3, loc=[0.0, 0.0, 0.25, 0.0]), kind, **options)
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.beta[2] == 0.25
    assert fit.margin[2] == pytest.approx(1.0, abs=1e-6)


def test_columns_with_a_large_mean_are_not_taken_for_copies_of_the_intercept():
    X, y = data("gaussian")
    fit = fit_penalized(problem_on([X + 1e6], y, Laplace(0.3), standardize=False))
    assert fit.outcome is Outcome.CERTIFIED
    plain = fit_penalized(problem_on([X], y, Laplace(0.3), standardize=False))
    np.testing.assert_allclose(fit.beta, plain.beta, rtol=1e-7, atol=1e-9)
