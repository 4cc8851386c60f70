"""Data that people really pass: each case is one clear error, or a result that is stated here."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bayesreg.errors import InputError
from bayesreg.likelihoods import GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from tests.inputs.examples import N, P, frame, make, row, spoiled, spoiled_y, table

# -- missing and infinite (rows 1-6 of the catalogue of bad inputs) ------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        row(
            1,
            spoiled(np.nan),
            None,
            {},
            r"^X has 1 missing \(NaN\) value \(first: column 'x1', row 3\); drop or impute",
        ),
        row(
            1, np.where(table()[0] > 0, np.nan, 1.0), None, {}, r"^X has \d+ missing \(NaN\) values \(first: column 'x"
        ),
        row(1, spoiled(np.nan), None, {"names": list("abc")}, r"\(first: column 'b', row 3\)"),
        row(2, spoiled(np.inf), None, {}, r"^X has 1 infinite value \(first: column 'x1', row 3\); drop or impute"),
        row(2, spoiled(-np.inf), None, {}, r"^X has 1 infinite value"),
        row(3, None, spoiled_y(np.nan), {}, r"^y has 1 missing \(NaN\) value \(first: row 2\); drop or impute"),
        row(4, None, spoiled_y(-np.inf), {}, r"^y has 1 infinite value \(first: row 2\)"),
        row(5, None, None, {"weights": np.append(np.ones(N - 1), np.nan)}, r"^weights has 1 missing .*row 11"),
        row(5, None, None, {"offset": np.append(np.nan, np.ones(N - 1))}, r"^offset has 1 missing .*row 0"),
        row(5, None, None, {"offset": np.append(np.inf, np.ones(N - 1))}, r"^offset has 1 infinite .*row 0"),
        row(
            6,
            frame(b=pd.array([1, None] + [3] * 10, dtype="Int64")),
            None,
            {},
            r"column 'b' of X has 1 missing value \(first: row 1\)",
        ),
        row(1, frame(b=[None] + [1.0] * 11), None, {}, r"column 'b'.* 1 missing value.*row 0"),
        row(6, pl.DataFrame({"a": [1.0, None] + [2.0] * 10}), None, {}, r"column 'a' of X has 1 missing value.*row 1"),
        row(1, pl.DataFrame({"a": [1.0, np.nan] + [2.0] * 10}), None, {}, r"1 missing.*column 'a', row 1"),
        row(6, None, pd.Series([1.0, pd.NA] + [2.0] * 10, dtype="Float64"), {}, r"^y has 1 missing value.*row 1"),
    ],
)
def test_missing_and_infinite_values_are_located(X, y, options, message):
    with pytest.raises(InputError, match=message):
        make(table()[0] if X is None else X, y, **options)


# -- shape and length (13-16, 36-41, 43) ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        row(13, np.empty((0, 3)), [], r"X has 0 rows \(shape \(0, 3\)\); at least 1 is needed"),
        row(37, table()[0][0], None, r"X is 1-d with shape \(3,\): use X.reshape\(-1, 1\) for one predictor"),
        row(37, pd.Series(table()[1]), None, r"X is 1-d with shape \(12,\)"),
        row(38, table()[0][None], None, r"X is 3-d with shape \(1, 12, 3\); it must be 2-d"),
        row(37, 3.0, None, r"X is 0-d with shape \(\); it must be 2-d"),
        row(36, [[1.0, 2.0], [3.0]], [1.0, 2.0], r"X is not a rectangular table of numbers"),
        row(39, table()[0], table()[1][:-1], r"X has 12 rows but y has 11"),
        row(
            41,
            table()[0],
            np.column_stack([table()[1]] * 2),
            r"y has shape \(12, 2\): it must be one column; fit one response",
        ),
        row(41, frame(), frame()[["a", "b"]], r"y has shape \(12, 2\): it must be one column"),
        row(43, None, None, r"X holds None \(a NoneType\), not a number"),
    ],
)
def test_wrong_shapes(X, y, message):
    with pytest.raises(InputError, match=message):
        Problem.from_arrays(X, table()[1] if y is None else y, prior=Laplace(0.5))


def test_y_must_be_given():
    with pytest.raises(InputError, match=r"y is missing \(None\): pass one number per row of X"):
        Problem.from_arrays(table()[0], None, prior=Laplace(0.5))


def test_a_single_row():  # row 14
    X = table()[0][:1]
    with pytest.raises(InputError, match="cannot standardize 1 row: it has no sd; pass standardize=False"):
        make(X, [1.0])
    fit = fit_penalized(
        make(X, [1.0], prior=Gaussian(2.0), intercept=None, likelihood=GaussianNoise(0.5), standardize=False)
    )
    # one update of the prior: τ²x(xᵀx τ² + σ²)⁻¹y
    np.testing.assert_allclose(fit.beta, 4.0 * X[0] / (4.0 * X[0] @ X[0] + 0.25), rtol=1e-12)


def test_no_columns_is_an_intercept_only_model():  # row 15
    y = table()[1]
    fit = fit_penalized(make(np.empty((N, 0)), y))
    assert fit.intercept == pytest.approx(y.mean(), rel=1e-12)
    assert fit.names == ()
    assert fit_penalized(make(np.empty((N, 0)), y, intercept=None)).outcome is Outcome.CERTIFIED


def test_one_column_and_one_column_responses():  # rows 16, 40
    X, y = table()
    expected = fit_penalized(make(X[:, :1], y)).beta
    for response in (
        y[:, None],
        y.tolist(),
        pd.Series(y),
        pd.DataFrame({"y": y}),
        pd.DataFrame(y),
        pl.Series(y),
        pl.DataFrame({"y": y}),
    ):
        np.testing.assert_array_equal(fit_penalized(make(X[:, :1].tolist(), response)).beta, expected)


# -- weights and offset (5, 55-57) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        row(55, [-1.0] + [1.0] * 11, r"weights must be >= 0 \(found 1 negative, first: row 0, -1\)"),
        row(56, np.zeros(N), r"weights are all zero: no row would count"),
        row(57, np.ones(N - 1), r"X has 12 rows but weights has 11"),
        row(5, ["1"] * N, r"weights holds text"),
    ],
)
def test_weights(weights, message):
    with pytest.raises(InputError, match=message):
        make(table()[0], weights=weights)


def test_an_offset_of_the_wrong_length():
    with pytest.raises(InputError, match="X has 12 rows but offset has 3"):
        make(table()[0], offset=[1.0, 2.0, 3.0])


def test_weights_of_one_are_no_weights():
    X, y = table()
    with_weights, without = (fit_penalized(make(X, y, weights=w)) for w in (np.ones(N), None))
    np.testing.assert_allclose(with_weights.beta, without.beta, rtol=1e-12)
    assert with_weights.objective == pytest.approx(without.objective, rel=1e-14)


# -- whose arrays they are (78) ------------------------------------------------------------------------------


def test_the_callers_arrays_are_neither_written_to_nor_kept():  # row 78
    X, y = table()
    weights, offset = np.ones(N), np.zeros(N)
    before = [a.tobytes() for a in (X, y, weights, offset)]
    problem = make(X, y, weights=weights, offset=offset)
    expected = fit_penalized(problem).beta
    assert [a.tobytes() for a in (X, y, weights, offset)] == before
    assert all(a.flags.writeable for a in (X, y, weights, offset))
    for a in (X, y, weights, offset):
        a[:] = 99.0
    np.testing.assert_array_equal(fit_penalized(problem).beta, expected)


def test_layout_makes_no_difference():  # row 78
    X, y = table()
    expected = fit_penalized(make(X, y)).beta
    read_only = X.copy()
    read_only.setflags(write=False)
    wide = np.zeros((2 * N, 2 * P))
    wide[::2, ::2] = X
    for given in (np.asfortranarray(X), read_only, wide[::2, ::2], np.flip(np.flip(X).copy())):
        np.testing.assert_array_equal(fit_penalized(make(given, y)).beta, expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_callers_frame_is_not_written_to(order: str):  # row 78
    X, y = table()
    values = np.array(X, order=order)
    data = pd.DataFrame(values, copy=False, columns=[f"x{j}" for j in range(P)])
    for given in (data, data[["x0"]], pl.DataFrame(data)):
        first, again = make(given, y), make(given, y)
        np.testing.assert_array_equal(first.design.rows.collect().X, again.design.rows.collect().X)
    np.testing.assert_array_equal(values, X)
    np.testing.assert_array_equal(data.to_numpy(), X)
