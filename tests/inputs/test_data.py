"""Data that people really pass: each case is one clear error, or a result that is stated here."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from bayesreg.errors import DataWarning, FamilyError, FitError, InputError
from bayesreg.graph import build_model
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimality import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfNormal
from tests.problems import data

N, P = 12, 3


def table():
    """Twelve rows of three columns, the last two correlated, and a response."""
    return data("gaussian", N, P, seed=1)


def make(X, y=None, **options):
    options.setdefault("prior", Laplace(0.5))
    return Problem.from_arrays(X, table()[1] if y is None else y, **options)


def frame(**changes):
    return pd.DataFrame(table()[0], columns=list("abc")).assign(**changes)


def spoiled(value, row=3, column=1):
    X = table()[0]
    X[row, column] = value
    return X


def spoiled_y(value, row=2):
    y = table()[1]
    y[row] = value
    return y


# -- missing and infinite (rows 1-6 of the catalogue of bad inputs) ------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        (spoiled(np.nan), None, {}, r"^X has 1 missing \(NaN\) value \(first: column 'x1', row 3\); drop or impute"),
        (np.where(table()[0] > 0, np.nan, 1.0), None, {}, r"^X has \d+ missing \(NaN\) values \(first: column 'x"),
        (spoiled(np.nan), None, {"names": list("abc")}, r"\(first: column 'b', row 3\)"),
        (spoiled(np.inf), None, {}, r"^X has 1 infinite value \(first: column 'x1', row 3\); drop or impute"),
        (spoiled(-np.inf), None, {}, r"^X has 1 infinite value"),
        (None, spoiled_y(np.nan), {}, r"^y has 1 missing \(NaN\) value \(first: row 2\); drop or impute"),
        (None, spoiled_y(-np.inf), {}, r"^y has 1 infinite value \(first: row 2\)"),
        (None, None, {"weights": np.append(np.ones(N - 1), np.nan)}, r"^weights has 1 missing .*row 11"),
        (None, None, {"offset": np.append(np.nan, np.ones(N - 1))}, r"^offset has 1 missing .*row 0"),
        (None, None, {"offset": np.append(np.inf, np.ones(N - 1))}, r"^offset has 1 infinite .*row 0"),
        (
            frame(b=pd.array([1, None] + [3] * 10, dtype="Int64")),
            None,
            {},
            r"column 'b' of X has 1 missing value \(first: row 1\)",
        ),
        (frame(b=[None] + [1.0] * 11), None, {}, r"column 'b'.* 1 missing value.*row 0"),
        (pl.DataFrame({"a": [1.0, None] + [2.0] * 10}), None, {}, r"column 'a' of X has 1 missing value.*row 1"),
        (pl.DataFrame({"a": [1.0, np.nan] + [2.0] * 10}), None, {}, r"1 missing.*column 'a', row 1"),
        (None, pd.Series([1.0, pd.NA] + [2.0] * 10, dtype="Float64"), {}, r"^y has 1 missing value.*row 1"),
    ],
)
def test_missing_and_infinite_values_are_located(X, y, options, message):
    with pytest.raises(InputError, match=message):
        make(table()[0] if X is None else X, y, **options)


# -- shape and length (13-16, 36-41, 43) ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.empty((0, 3)), [], r"X has 0 rows \(shape \(0, 3\)\); at least 1 is needed"),
        (table()[0][0], None, r"X is 1-d with shape \(3,\): use X.reshape\(-1, 1\) for one predictor"),
        (pd.Series(table()[1]), None, r"X is 1-d with shape \(12,\)"),
        (table()[0][None], None, r"X is 3-d with shape \(1, 12, 3\); it must be 2-d"),
        (3.0, None, r"X is 0-d with shape \(\); it must be 2-d"),
        ([[1.0, 2.0], [3.0]], [1.0, 2.0], r"X is not a rectangular table of numbers"),
        (table()[0], table()[1][:-1], r"X has 12 rows but y has 11"),
        (
            table()[0],
            np.column_stack([table()[1]] * 2),
            r"y has shape \(12, 2\): it must be one column; fit one response",
        ),
        (frame(), frame()[["a", "b"]], r"y has shape \(12, 2\): it must be one column"),
        (None, None, r"X holds None \(a NoneType\), not a number"),
    ],
)
def test_wrong_shapes(X, y, message):
    with pytest.raises(InputError, match=message):
        make(X, y)


def test_y_must_be_given():
    with pytest.raises(InputError, match=r"y is missing \(None\): pass one number per row of X"):
        Problem.from_arrays(table()[0], None, prior=Laplace(0.5))


def test_a_single_row():
    X = table()[0][:1]
    with pytest.raises(InputError, match="cannot standardize 1 row: it has no sd; pass standardize=False"):
        make(X, [1.0])
    fit = fit_penalized(
        make(X, [1.0], prior=Gaussian(2.0), intercept=None, likelihood=GaussianNoise(0.5), standardize=False)
    )
    # one update of the prior: τ²x(xᵀx τ² + σ²)⁻¹y
    np.testing.assert_allclose(fit.beta, 4.0 * X[0] / (4.0 * X[0] @ X[0] + 0.25), rtol=1e-12)


def test_no_columns_is_an_intercept_only_model():
    y = table()[1]
    fit = fit_penalized(make(np.empty((N, 0)), y))
    assert fit.intercept == pytest.approx(y.mean(), rel=1e-12)
    assert fit.names == ()
    assert fit_penalized(make(np.empty((N, 0)), y, intercept=None)).outcome is Outcome.CERTIFIED


def test_one_column_and_one_column_responses():
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


# -- columns that say nothing, or too little (7-11, 19-23) ---------------------------------------------------


@pytest.mark.parametrize(
    "column", [np.full(N, 5.0), np.zeros(N), np.full(N, 0.1) * 3, 1.0 + 1e-15 * np.arange(N), np.arange(N) * 1e-320]
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


def test_collinear_columns_need_a_proper_prior_only():
    X, y = table()
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    assert fit_penalized(make(X, y, prior=Gaussian(1.0))).outcome is Outcome.CERTIFIED
    with pytest.raises(FitError, match=r"'x0', 'x1', 'x3' \(collinear or constant columns"):
        fit_penalized(make(X, y, prior=Flat()))


@pytest.mark.parametrize("size", [1e160, 1e200, 1e-160, 1e-200])
def test_numbers_whose_squares_leave_double_precision(size):
    X, y = table()
    with pytest.raises(InputError, match=r"^y has values of size .*, whose squares leave the range .*: rescale it$"):
        make(X, y * size)
    X[:, 1] *= size
    assert fit_penalized(make(X, y)).outcome is Outcome.CERTIFIED  # standardised, any size will do
    with pytest.raises(
        InputError, match=r"^column 'x1' of X has values of size .*: rescale it, or use standardize=True"
    ):
        make(X, y, standardize=False)


@pytest.mark.parametrize("factor", [1e8, 1e-8])
def test_a_column_of_very_different_size(factor):
    # Standardised it makes no difference; as it is, the fit is still exact.
    X, y = table()
    units = np.array([1.0, factor, 1.0])
    for options in ({"standardize": True}, {"standardize": False, "prior": Laplace(0.5 / units)}):
        plain = fit_penalized(make(X, y, **options | {"prior": Laplace(0.5)}))
        scaled = fit_penalized(make(X * units, y, **options))
        assert scaled.outcome is Outcome.CERTIFIED
        np.testing.assert_allclose(scaled.beta_raw * units, plain.beta_raw, rtol=1e-9, atol=1e-12)


# -- types (25-35) -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cast",
    [
        np.int32,
        np.int64,
        np.uint8,
        np.float16,
        np.float32,
        np.longdouble,
        object,
        ">f8",
    ],
)
def test_every_real_dtype_is_computed_in_float64(cast):
    whole, y = np.arange(2.0 * N).reshape(N, 2) % 7, table()[1]
    expected = make(whole, y).design.rows.collect().X
    got = make(whole.astype(cast), y).design.rows.collect().X
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, expected)


def test_booleans_are_zeros_and_ones():
    X, y = table()
    flags = np.median(X, axis=0) < X
    for given in (flags, flags.tolist(), pd.DataFrame(flags), pl.DataFrame(flags), flags.astype(object)):
        np.testing.assert_array_equal(
            make(given, y).design.rows.collect().X, make(flags.astype(float), y).design.rows.collect().X
        )


@pytest.mark.parametrize("value", [2**53 + 2, -(2**60)])
def test_whole_numbers_that_float64_rounds_are_said(value):
    X = np.arange(2 * N).reshape(N, 2)
    X[0, 0] = value
    with pytest.warns(DataWarning, match=r"X holds whole numbers beyond 2\^53, which float64 rounds"):
        make(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.full((N, 2), "1.5"), r"X holds text \(e.g. .*1.5.*\), not real numbers: convert or encode it"),
        (np.full((N, 2), b"1.5"), r"X holds bytes"),
        (np.full((N, 2), 1 + 2j), r"X holds complex numbers"),
        (np.full((N, 2), np.datetime64("2020-01-01")), r"X holds dates"),
        (np.full((N, 2), np.timedelta64(1, "D")), r"X holds durations"),
        (np.full((N, 2), "u", dtype=object), r"X holds 'u' \(a str\), not a number"),
        (np.full((N, 2), Decimal("1.5")), r"X holds Decimal\('1.5'\) \(a Decimal\), not a number"),
        (frame(b=["1.5"] * N), r"column 'b' of X holds string values \('1.5', '1.5', ...\), not numbers"),
        (frame(b=pd.Categorical(["u", "v"] * 6)), r"column 'b' of X is categorical \(levels u, v\); .*get_dummies"),
        (frame(b=pd.Timestamp("2020-01-01")), r"column 'b' of X holds datetime.* values"),
        (frame(b=pd.Timedelta(days=1)), r"column 'b' of X holds duration.* values"),
        (frame(b=[1j] * N), r"column 'b' of X holds complex numbers"),
        (frame(b=[object()] * N), r"column 'b' of X holds <object .*not a number"),
        (pl.DataFrame({"b": ["u", "v"] * 6}), r"column 'b' of X holds string values"),
        (pl.DataFrame({"b": pl.Series(["u", "v"] * 6, dtype=pl.Categorical)}), r"column 'b' of X is categorical"),
        (pl.DataFrame({"b": pl.Series(["u", "v"] * 6, dtype=pl.Enum(["u", "v"]))}), r"column 'b' of X is categorical"),
        (pl.DataFrame({"b": [datetime.date(2020, 1, 1)] * N}), r"column 'b' of X holds date values"),
        (
            sparse.csr_matrix(np.eye(N)),
            r"X is a sparse matrix \(12 x 12\); it would take 0 MiB dense: pass X.toarray\(\)",
        ),
        (sparse.coo_array((200_000, 1000)), r"\(200000 x 1000\); it would take 1526 MiB dense"),
        ({"a": [1.0] * N}, r"X holds \{.*\(a dict\), not a number"),
    ],
)
def test_what_is_not_a_number_is_shown(X, message):
    with pytest.raises(InputError, match=message):
        make(X)


@pytest.mark.parametrize("frame_of", [pd.DataFrame, pl.DataFrame])
def test_frames_keep_their_names(frame_of):
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


def test_rows_must_be_in_the_same_order():
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
        (table()[0], ["a", "b", "a"], r"column names must be unique: 'a' appears 2 times"),
        (pd.DataFrame(table()[0], columns=["a", "b", "a"]), None, r"unique: 'a' appears 2 times"),
        (pd.DataFrame(table()[0], columns=[1, "1", 2]), None, r"unique: '1' appears 2 times"),
        (table()[0], ["a", "b"], r"names has 2 entries for the 3 columns of X"),
    ],
)
def test_names_must_tell_columns_apart(X, names, message):
    with pytest.raises(InputError, match=message):
        make(X, names=names)


def test_names_become_text():
    assert make(pd.DataFrame(table()[0])).names == ("0", "1", "2")
    assert make(table()[0], names=[1, 2.5, "c"]).names == ("1", "2.5", "c")
    assert make(table()[0]).names == ("x0", "x1", "x2")
    assert make(frame(), names=["u", "v", "w"]).names == ("u", "v", "w")


def test_names_never_become_variables():
    # Names that PyMC would trip over are coordinates, and nothing else.
    names = ("intercept", "sigma", "a b[0]")
    problem = make(table()[0], names=names)
    model = build_model(problem)
    assert {rv.name for rv in model.free_RVs} == {"sigma", "intercept", "beta"}
    assert tuple(model.coords["feature"]) == names
    assert fit_penalized(problem).names == names


# -- the response's domain (44-51) ---------------------------------------------------------------------------


def test_a_constant_response():
    X, y = table()[0], np.full(N, 2.0)
    with pytest.raises(InputError, match=r"^y is constant \(2\): .*the posterior does not exist; give sigma a value"):
        make(X, y)
    for noise in (GaussianNoise(1.0), GaussianNoise(HalfNormal(1.0))):
        with pytest.warns(DataWarning, match=r"^y is constant \(2\): nothing varies that X could explain"):
            problem = make(X, y, likelihood=noise)
        fit = fit_penalized(problem, sigma=None if noise.sigma_known else 1.0)
        assert fit.intercept == pytest.approx(2.0)
        assert fit.zeros.all()
    with pytest.raises(FitError, match="no residual is left to estimate sigma from"):
        fit_penalized(problem)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.0, 1.0, 2.0] * 4, r"y has 4 values outside \{0, 1\} \(first: row 2, 2; values found: 0, 1, 2\)"),
        ([-1.0, 1.0] * 6, r"y has 6 values outside \{0, 1\} \(first: row 0, -1; values found: -1, 1\).*recode y"),
        ([0.5, 1.0] * 6, r"values found: 0.5, 1\)"),
        (np.linspace(0, 1, N), r"values found: 0, 0.0909091, .*, \.\.\.\); BernoulliLogit needs 0 and 1"),
    ],
)
def test_a_response_that_is_not_zero_or_one(y, message):
    with pytest.raises(FamilyError, match=message):
        make(table()[0], y, likelihood=BernoulliLogit())


@pytest.mark.parametrize(
    "y",
    [
        np.array(["yes", "no"] * 6),
        pd.Series(["yes", "no"] * 6),
        pd.Series(pd.Categorical(["yes", "no"] * 6)),
        pl.Series(["yes", "no"] * 6),
    ],
)
def test_a_response_in_words(y):
    with pytest.raises(InputError, match=r"^y (holds|is) (text|string values|categorical)"):
        make(table()[0], y, likelihood=BernoulliLogit())


def test_boolean_and_whole_number_responses():
    flags = table()[1] > 0
    fits = [fit_penalized(make(table()[0], y, likelihood=BernoulliLogit())) for y in (flags, flags.astype(int))]
    np.testing.assert_array_equal(fits[0].beta, fits[1].beta)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_only(value):
    X, y = table()[0], np.full(N, value)
    with pytest.raises(InputError, match=r"^y has one class only \(all [01]\).*pass intercept=Gaussian\(scale\)"):
        make(X, y, likelihood=BernoulliLogit())
    mixed = np.resize([value, 1 - value], N)
    with pytest.raises(InputError, match=r"^y has one class only"):  # in the rows that count
        make(X, mixed, likelihood=BernoulliLogit(), weights=np.resize([1.0, 0.0], N))
    with pytest.warns(DataWarning, match="what is found rests on the priors"):
        problem = make(X, y, likelihood=BernoulliLogit(), intercept=Gaussian(1.0))
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    assert np.sign(fit.intercept) == (1 if value else -1)


# -- weights and offset (5, 55-57) ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([-1.0] + [1.0] * 11, r"weights must be >= 0 \(found 1 negative, first: row 0, -1\)"),
        (np.zeros(N), r"weights are all zero: no row would count"),
        (np.ones(N - 1), r"X has 12 rows but weights has 11"),
        (["1"] * N, r"weights holds text"),
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


def test_the_callers_arrays_are_neither_written_to_nor_kept():
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


def test_layout_makes_no_difference():
    X, y = table()
    expected = fit_penalized(make(X, y)).beta
    read_only = X.copy()
    read_only.setflags(write=False)
    wide = np.zeros((2 * N, 2 * P))
    wide[::2, ::2] = X
    for given in (np.asfortranarray(X), read_only, wide[::2, ::2], np.flip(np.flip(X).copy())):
        np.testing.assert_array_equal(fit_penalized(make(given, y)).beta, expected)
