"""Laws of the transform between the data's units and the prior's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesreg.design import Design, column_moments, standardized_design
from bayesreg.errors import InputError
from bayesreg.interfaces import Array
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows
from tests.problems import data

NAMES = ("a", "b", "c", "d")
EXTREME = [1e-200, 1e-150, 1e-20, 1e20, 1e150, 1e200]


def rows_of(X: Array, weights: Array | None = None) -> ArrayRows:
    n = X.shape[0]
    return ArrayRows(np.array(X, dtype=float), np.zeros(n), np.zeros(n), weights)


def standardized(X: Array, *, centred: bool = True, weights: Array | None = None) -> Design:
    return standardized_design(rows_of(X, weights), NAMES[: X.shape[1]], centred=centred)[0]


coefficients = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=4, max_size=4).map(np.array)


@pytest.mark.parametrize("centred", [True, False])
@given(beta=coefficients, intercept=st.floats(-1e3, 1e3))
def test_there_and_back_is_the_identity(centred, beta, intercept):
    design = standardized(data("gaussian")[0], centred=centred)
    there = design.to_raw(np.array(intercept), beta)
    back = design.from_raw(*there)
    size = 1e-12 * (1 + abs(intercept) + np.abs(beta).max())
    np.testing.assert_allclose(back[0], intercept, rtol=0, atol=size)
    np.testing.assert_allclose(back[1], beta, rtol=1e-15)


@pytest.mark.parametrize("centred", [True, False])
@given(beta=coefficients, intercept=st.floats(-1e3, 1e3))
def test_predictor_is_the_same_on_both_scales(centred, beta, intercept):
    X = data("gaussian")[0]
    design = standardized(X, centred=centred)
    intercept_raw, beta_raw = design.to_raw(np.array(intercept), beta)
    size = 1e-12 * (1 + abs(intercept) + np.abs(beta).max())
    np.testing.assert_allclose(
        X @ beta_raw + intercept_raw, design.to_prior_scale(X) @ beta + intercept, rtol=0, atol=size
    )
    np.testing.assert_array_equal(design.to_prior_scale(X), design.rows.collect().X)


def test_batches_of_draws_are_transformed_row_by_row():
    design = standardized(data("gaussian")[0])
    rng = np.random.default_rng(0)
    intercept, beta = rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 4))
    for transform in (design.to_raw, design.from_raw):
        batch = transform(intercept, beta)
        for at in np.ndindex(2, 3):
            single = transform(intercept[at], beta[at])
            np.testing.assert_allclose(batch[0][at], single[0], rtol=1e-13)
            np.testing.assert_allclose(batch[1][at], single[1], rtol=1e-15)


def test_columns_get_population_sd_one_and_mean_zero():
    Z = standardized(data("gaussian")[0]).rows.collect().X
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose((Z**2).mean(axis=0), 1, rtol=1e-13)  # divisor n, not n − 1


def test_without_an_intercept_columns_are_scaled_but_not_centred():
    X = data("gaussian")[0]
    design = standardized(X, centred=False)
    np.testing.assert_array_equal(design.centre, np.zeros(4))
    np.testing.assert_allclose(design.rows.collect().X, X / X.std(axis=0), rtol=1e-13)


def test_weighted_moments_are_those_of_repeated_rows():
    X = data("gaussian")[0]
    weights = np.random.default_rng(1).integers(0, 4, len(X)).astype(float)
    once = column_moments(rows_of(X, weights))
    repeated = np.repeat(X, weights.astype(int), axis=0)
    np.testing.assert_allclose(once.mean, repeated.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(once.sd, repeated.std(axis=0), rtol=1e-13)


@pytest.mark.parametrize("factor", EXTREME)
def test_moments_of_extreme_columns_are_exact(factor):
    X = data("gaussian")[0]
    plain, extreme = column_moments(rows_of(X)), column_moments(rows_of(X * factor))
    np.testing.assert_allclose(extreme.mean, plain.mean * factor, rtol=1e-13)
    np.testing.assert_allclose(extreme.sd, plain.sd * factor, rtol=1e-13)
    assert not extreme.constant.any()


def test_sd_survives_a_large_mean():
    # Two-pass: with mean 1e9 and sd 1, a difference of sums of squares has no digit left.
    X = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert column_moments(rows_of(X + 1e9)).sd == pytest.approx(np.std([1, 2, 3, 4]), rel=1e-6)


@pytest.mark.parametrize("factor", EXTREME)
def test_standardised_fit_does_not_depend_on_the_units_of_x(factor):
    X, y = data("gaussian")
    plain = fit_penalized(Problem.from_arrays(X, y, prior=Laplace(0.3)), sigma=1.5)
    extreme = fit_penalized(Problem.from_arrays(X * factor, y, prior=Laplace(0.3)), sigma=1.5)
    np.testing.assert_allclose(extreme.beta, plain.beta, rtol=1e-10)
    np.testing.assert_allclose(extreme.beta_raw * factor, plain.beta_raw, rtol=1e-10)
    assert extreme.intercept_raw == pytest.approx(plain.intercept_raw, rel=1e-10)
    np.testing.assert_array_equal(extreme.zeros, plain.zeros)


@pytest.mark.parametrize(
    ("column", "is_constant"),
    [
        (np.full(6, 3.0), True),
        (np.zeros(6), True),
        (np.full(6, 0.1) * 3, True),
        (5.0 + np.array([0, 1, -1, 1, -1, 0]) * 4e-14, True),  # rounding of one number
        (np.array([0, 1, -1, 1, -1, 0]) * 1e-310, True),  # subnormal: no digits to standardise
        (5.0 + np.array([0, 1, -1, 1, -1, 0]) * 1e-10, False),
        (np.array([0, 1, -1, 1, -1, 0]) * 1e-300, False),
        (np.array([0, 0, 0, 0, 0, 1.0]), False),
    ],
)
def test_which_columns_count_as_constant(column, is_constant):
    X = np.column_stack([np.arange(6.0), column])
    design, moments = standardized_design(rows_of(X), ("a", "b"), centred=True)
    assert moments.constant.tolist() == [False, is_constant]
    assert (design.scale[1] == 1.0) == is_constant
    centred = design.rows.collect().X[:, 1]
    assert np.isfinite(centred).all()
    assert (centred == 0).all() == is_constant  # not the rounding of the mean


def test_a_transform_that_does_not_fit_is_refused():
    with pytest.raises(InputError, match=r"centre has shape \(2,\) for 4 names and 4 columns"):
        Design(rows_of(data("gaussian")[0]), NAMES, np.zeros(2), np.ones(4))


def test_standardized_says_whether_the_transform_does_anything():
    rows = rows_of(data("gaussian")[0])
    assert not Design(rows, NAMES, np.zeros(4), np.ones(4)).standardized
    assert Design(rows, NAMES, np.zeros(4), np.full(4, 2.0)).standardized
    assert Design(rows, NAMES, np.full(4, 2.0), np.ones(4)).standardized
