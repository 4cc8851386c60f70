"""Columns of every type, name and size: what is read is right, or refused by name."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bayesreg.errors import DataWarning, InputError
from bayesreg.graph import build_model
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Laplace
from tests.inputs.examples import N, frame, make, row, table

# -- columns that say nothing, or too little (7-11, 19-23) ---------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        row(7, np.full(N, 5.0)),
        row(8, np.zeros(N)),
        row(9, np.full(N, 0.1) * 3),
        row(9, 1.0 + 1e-15 * np.arange(N)),
        row(21, np.arange(N) * 1e-320),
    ],
)
def test_a_constant_column_is_said_and_left_at_its_prior(column):
    X, y = table()
    X[:, 1] = column
    with pytest.warns(DataWarning, match=r"^column 'x1' is constant: it has no sd and is left unscaled; the data say"):
        problem = make(X, y)
    assert problem.notes[0].startswith("column 'x1' is constant")
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.beta[1] == fit.beta_raw[1] == 0.0
    without = fit_penalized(make(X[:, [0, 2]], y))
    np.testing.assert_allclose(fit.beta[[0, 2]], without.beta, rtol=1e-9)


def test_a_constant_column_may_be_the_intercept():
    X, y = table()
    ones = np.column_stack([np.ones(N), X])
    flat = np.array([1e10, 0.5, 0.5, 0.5])
    own = fit_penalized(make(ones, y, intercept=None, prior=Laplace(flat)))
    theirs = fit_penalized(make(X / X.std(axis=0), y, prior=Laplace(0.5), standardize=False), sigma=own.sigma)
    np.testing.assert_allclose(own.beta, [theirs.intercept, *theirs.beta], rtol=1e-7, atol=1e-9)
    with pytest.warns(DataWarning, match="column 'x0' is constant"):
        make(np.column_stack([np.zeros(N), X]), y, intercept=None)


@pytest.mark.parametrize("size", [row(20, 1e160), row(20, 1e200), row(21, 1e-160), row(21, 1e-200)])
def test_numbers_whose_squares_leave_double_precision(size):
    X, y = table()
    with pytest.raises(InputError, match=r"^y has values of size .*: sums of squares leave the range .*; rescale it$"):
        make(X, y * size)
    X[:, 1] *= size
    assert fit_penalized(make(X, y)).outcome is Outcome.CERTIFIED  # standardised, any size will do
    with pytest.raises(
        InputError, match=r"^column 'x1' of X has values of size .*; rescale it, or use standardize=True"
    ):
        make(X, y, standardize=False)


@pytest.mark.filterwarnings("ignore:columns are not standardised and differ:bayesreg.errors.DataWarning")
@pytest.mark.parametrize("factor", [row(23, 1e8), row(23, 1e-8)])
def test_a_column_of_very_different_size(factor):
    # Standardised it makes no difference; as it is, the fit is still exact.
    X, y = table()
    units = np.array([1.0, factor, 1.0])
    for options in ({"standardize": True}, {"standardize": False, "prior": Laplace(0.5 / units)}):
        plain = fit_penalized(make(X, y, **options | {"prior": Laplace(0.5)}))
        scaled = fit_penalized(make(X * units, y, **options))
        assert scaled.outcome is Outcome.CERTIFIED
        np.testing.assert_allclose(scaled.beta_raw * units, plain.beta_raw, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        row(23, 1e3, None),
        row(23, 1e8, r"by a factor 2\.3e\+09 \('x1' against 'x2'\)"),
        row(23, 1e-8, r"\('x0' against 'x1'\)"),
    ],
)
def test_columns_of_uneven_size_are_said_unless_standardised(factor, told):
    X, y = table()
    X = X * [1.0, factor, 1.0]
    assert make(X, y).notes == ()
    if told is None:
        assert make(X, y, standardize=False).notes == ()
        return
    message = rf"^columns are not standardised and differ in size .*{told}: one prior scale means different things"
    with pytest.warns(DataWarning, match=message):
        make(X, y, standardize=False)


# -- types (25-35) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cast",
    [
        row(25, np.int32),
        row(25, np.int64),
        row(25, np.uint8),
        row(32, np.float16),
        row(32, np.float32),
        row(32, np.longdouble),
        row(27, object),
        row(32, ">f8"),
    ],
)
def test_every_real_dtype_is_computed_in_float64(cast):
    whole, y = np.arange(2.0 * N).reshape(N, 2) % 7, table()[1]
    expected = make(whole, y).design.rows.collect().X
    got = make(whole.astype(cast), y).design.rows.collect().X
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, expected)


def test_booleans_are_zeros_and_ones():  # row 26
    X, y = table()
    flags = np.median(X, axis=0) < X
    flags[0, 1] = not flags[0, 1]  # no two alike
    for given in (flags, flags.tolist(), pd.DataFrame(flags), pl.DataFrame(flags), flags.astype(object)):
        np.testing.assert_array_equal(
            make(given, y).design.rows.collect().X, make(flags.astype(float), y).design.rows.collect().X
        )


@pytest.mark.parametrize("value", [row(25, 2**53 + 2), row(25, -(2**60))])
def test_whole_numbers_that_float64_rounds_are_said(value):
    X = np.arange(2 * N).reshape(N, 2)
    X[0, 0] = value
    with pytest.warns(DataWarning, match=r"X holds whole numbers beyond 2\^53, which float64 rounds"):
        make(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        row(28, np.full((N, 2), "1.5"), r"X holds text \(e.g. .*1.5.*\), not real numbers: convert or encode it"),
        row(28, np.full((N, 2), b"1.5"), r"X holds bytes"),
        row(31, np.full((N, 2), 1 + 2j), r"X holds complex numbers"),
        row(30, np.full((N, 2), np.datetime64("2020-01-01")), r"X holds dates"),
        row(30, np.full((N, 2), np.timedelta64(1, "D")), r"X holds durations"),
        row(29, np.full((N, 2), "u", dtype=object), r"X holds 'u' \(a str\), not a number"),
        row(27, np.full((N, 2), Decimal("1.5")), r"X holds Decimal\('1.5'\) \(a Decimal\), not a number"),
        row(28, frame(b=["1.5"] * N), r"column 'b' of X holds string values \('1.5', '1.5', ...\), not numbers"),
        row(
            29,
            frame(b=pd.Categorical(["u", "v"] * 6)),
            r"column 'b' of X is categorical \(levels u, v\); .*get_dummies",
        ),
        row(30, frame(b=pd.Timestamp("2020-01-01")), r"column 'b' of X holds datetime.* values"),
        row(30, frame(b=pd.Timedelta(days=1)), r"column 'b' of X holds duration.* values"),
        row(31, frame(b=[1j] * N), r"column 'b' of X holds complex numbers"),
        row(27, frame(b=[object()] * N), r"column 'b' of X holds <object .*not a number"),
        row(29, pl.DataFrame({"b": ["u", "v"] * 6}), r"column 'b' of X holds string values"),
        row(
            29, pl.DataFrame({"b": pl.Series(["u", "v"] * 6, dtype=pl.Categorical)}), r"column 'b' of X is categorical"
        ),
        row(
            29,
            pl.DataFrame({"b": pl.Series(["u", "v"] * 6, dtype=pl.Enum(["u", "v"]))}),
            r"column 'b' of X is categorical",
        ),
        row(30, pl.DataFrame({"b": [datetime.date(2020, 1, 1)] * N}), r"column 'b' of X holds date values"),
        row(36, {"a": [1.0] * N}, r"^X is a dict: make a data frame of it, or use Problem.from_formula"),
    ],
)
def test_what_is_not_a_number_is_shown(X, message):
    with pytest.raises(InputError, match=message):
        make(X)


@pytest.mark.parametrize("frame_of", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(frame_of):  # rows 33, 34
    X, y = table()
    problem = make(frame_of({"age": X[:, 0], "bmi": X[:, 1], "map": X[:, 2]}), y)
    assert problem.names == ("age", "bmi", "map")
    np.testing.assert_array_equal(fit_penalized(problem).beta, fit_penalized(make(X, y)).beta)


def test_mixed_frames_are_read_column_by_column():
    # Through one array, a frame of mixed types would be of objects.
    mixed = pd.DataFrame({"flag": [True, False] * 6, "count": range(N), "size": table()[0][:, 0]})
    nullable = pd.DataFrame({"count": pd.array(range(N), dtype="Int64"), "size": pd.array(table()[1], dtype="Float64")})
    np.testing.assert_array_equal(
        make(mixed, standardize=False).design.rows.collect().X, mixed.astype(float).to_numpy()
    )
    np.testing.assert_array_equal(
        make(nullable, standardize=False).design.rows.collect().X, nullable.astype(float).to_numpy()
    )


# -- labels (42, 67-69) --------------------------------------------------------------------------------------


def test_rows_must_be_in_the_same_order():  # row 42
    X, y = frame(), pd.Series(table()[1])
    X.index = y.index = pd.Index([f"r{i}" for i in range(N)])
    with pytest.raises(InputError, match=r"same row labels in a different order: reindex y, e.g. y.loc\[X.index\]"):
        make(X, y.iloc[::-1])
    with pytest.raises(InputError, match=r"different row labels: align them, or pass y.to_numpy\(\)"):
        make(X, y.rename(lambda label: label + "'"))
    expected = fit_penalized(make(X, y)).beta
    np.testing.assert_array_equal(fit_penalized(make(X, y.to_numpy()[::1])).beta, expected)
    np.testing.assert_array_equal(fit_penalized(make(frame(), y.reset_index(drop=True))).beta, expected)


def test_rows_filtered_alike_are_aligned():
    X, y = frame(), pd.Series(table()[1])
    keep = X["a"] > X["a"].median()
    assert make(X[keep], y[keep]).n == keep.sum()
    with pytest.raises(InputError, match="row labels"):
        make(X[keep], y[~keep].iloc[: keep.sum()])


@pytest.mark.parametrize(
    ("X", "names", "message"),
    [
        row(67, table()[0], ["a", "b", "a"], r"column names must be unique: 'a' appears 2 times"),
        row(67, pd.DataFrame(table()[0], columns=["a", "b", "a"]), None, r"unique: 'a' appears 2 times"),
        row(68, pd.DataFrame(table()[0], columns=[1, "1", 2]), None, r"unique: '1' appears 2 times"),
        row(67, table()[0], ["a", "b"], r"names has 2 entries for the 3 columns of X"),
    ],
)
def test_names_must_tell_columns_apart(X, names, message):
    with pytest.raises(InputError, match=message):
        make(X, names=names)


def test_names_become_text():  # row 68
    assert make(pd.DataFrame(table()[0])).names == ("0", "1", "2")
    assert make(table()[0], names=[1, 2.5, "c"]).names == ("1", "2.5", "c")
    assert make(table()[0]).names == ("x0", "x1", "x2")
    assert make(frame(), names=["u", "v", "w"]).names == ("u", "v", "w")


def test_names_never_become_variables():  # row 69
    # Names that PyMC would trip over are coordinates, and nothing else.
    names = ("intercept", "sigma", "a b[0]")  # row 69
    problem = make(table()[0], names=names)
    model = build_model(problem)
    assert {rv.name for rv in model.free_RVs} == {"sigma", "intercept", "beta"}
    assert tuple(model.coords["feature"]) == names
    assert fit_penalized(problem).names == names
