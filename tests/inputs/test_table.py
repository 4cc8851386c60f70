"""Arrays and frames become one table of checked numbers: the same from every library, or one clear error."""

import math

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from scipy import sparse

from bayesreg.errors import DataWarning, InputError, ParameterError
from bayesreg.table import Table, read_arrays

N = 6
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}


def columns():
    return {
        "age": [31.0, 42.5, 18.0, 77.0, 50.0, 23.0],
        "count": [1, 0, 3, 2, 2, 9],
        "flag": [True, False, True, True, False, False],
        "out": [0.5, 1.5, -0.5, 2.5, 3.5, 0.0],
        "w": [1, 2, 0, 1, 1, 1],
        "time": [1.0, 2.0, 4.0, 1.0, 0.5, 8.0],
    }


def expected():
    data = columns()
    return np.column_stack([np.array(data[name], dtype=float) for name in ("age", "count", "flag")])


def holed(frame):
    data = columns()
    data["age"][1] = data["age"][4] = data["out"][2] = None
    return frame(data)


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_columns_given_by_name_are_not_predictors(frame):
    table = read_arrays(frame(columns()), "out", weights="w", exposure="time")
    assert table.names == table.terms == ("age", "count", "flag")
    assert (table.response, table.intercept, table.notes) == ("out", None, ())
    np.testing.assert_array_equal(table.X, expected())
    np.testing.assert_array_equal(table.y, columns()["out"])
    np.testing.assert_array_equal(table.weights, columns()["w"])
    np.testing.assert_array_equal(table.offset, np.log(columns()["time"]))
    assert dict(table.encoding.columns) == {"y": "out", "weights": "w", "exposure": "time"}


def test_every_way_in_gives_the_same_numbers():
    X, y = expected(), columns()["out"]
    for given_X in (X, X.tolist(), X.astype(object), *(f(dict(zip("abc", X.T, strict=True))) for f in FRAMES.values())):
        table = read_arrays(given_X, y)
        np.testing.assert_array_equal(table.X, X)
        assert table.trials is None
        assert table.weights is None
        assert not table.offset.any()


def test_offset_and_exposure_add_up():
    table = read_arrays(expected(), columns()["out"], offset=np.ones(N), exposure=columns()["time"])
    np.testing.assert_array_equal(table.offset, 1 + np.log(columns()["time"]))


def test_trials_may_be_one_number():
    np.testing.assert_array_equal(read_arrays(expected(), columns()["out"], trials=4).trials, np.full(N, 4.0))


# -- missing values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_rows_with_missing_values_are_dropped_and_counted(frame):
    table = read_arrays(holed(frame), "out", weights="w", exposure="time", missing="drop")
    kept = [0, 3, 5]
    assert table.kept.tolist() == kept
    assert table.notes == ("dropped 3 of 6 rows with missing values (age: 2, y: 1)",)
    np.testing.assert_array_equal(table.X, expected()[kept])
    np.testing.assert_array_equal(table.weights, np.array(columns()["w"])[kept])
    np.testing.assert_array_equal(table.offset, np.log(np.array(columns()["time"])[kept]))


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_missing_values_are_refused_with_their_counts(frame):
    with pytest.raises(InputError) as raised:
        read_arrays(holed(frame), "out")
    assert str(raised.value) == (
        "column 'age' of X has 2 missing values (first: row 1); drop or impute before fitting, or pass "
        'missing="drop" (missing in all: age: 2, y: 1)'
    )


def test_what_is_dropped_need_not_be_in_its_domain():
    X, weights = expected(), np.array([-1.0, 1, 1, 1, 1, 1])
    X[0, 0] = np.nan
    assert read_arrays(X, columns()["out"], weights=weights, missing="drop").kept.tolist() == [1, 2, 3, 4, 5]
    weights[2] = -3.0
    with pytest.raises(InputError, match=r"weights must be >= 0 \(found 1 negative, first: row 2, -3\)"):
        read_arrays(X, columns()["out"], weights=weights, missing="drop")


def test_no_row_may_be_left():
    with pytest.raises(InputError, match=r"no row is complete: all 6 have missing values \(x0: 6\)"):
        read_arrays(np.full((N, 1), np.nan), columns()["out"], missing="drop")
    with pytest.raises(InputError, match=r"no row is complete: all 6 have missing values \(b: 6\)"):
        read_arrays(pd.DataFrame({"a": range(N), "b": [None] * N}), columns()["out"], missing="drop")


@pytest.mark.parametrize("missing", ["error", "drop"])
def test_infinite_values_are_refused_in_any_case(missing):
    X = expected()
    X[2] = [np.nan, -np.inf, 1.0]
    with pytest.raises(InputError, match=r"^X has 1 infinite value \(first: column 'x1', row 2\)"):
        read_arrays(X, columns()["out"], missing=missing)


def test_what_to_do_with_missing_values_is_one_of_two():
    with pytest.raises(ParameterError, match=r"missing must be \"error\" or \"drop\" \(got 'keep'\)"):
        read_arrays(expected(), columns()["out"], missing="keep")


# -- sparse --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix])
def test_what_is_sparse_stays_sparse(form, kind):
    dense = expected() * (expected() > 1)
    given_X = kind(dense).asformat(form)
    table = read_arrays(given_X, columns()["out"])
    assert isinstance(table.X, sparse.csr_array)
    assert table.X.dtype == np.float64
    assert table.X.has_sorted_indices
    np.testing.assert_array_equal(table.X.toarray(), dense)
    np.testing.assert_array_equal(table.encoding.rows(given_X).toarray(), dense)
    assert not np.shares_memory(table.X.data, getattr(given_X, "data", np.empty(0)))


def test_missing_values_in_a_sparse_matrix():
    dense = expected()
    dense[[1, 4], [0, 2]] = np.nan
    X = sparse.csc_array(dense)
    with pytest.raises(InputError, match=r"X has 2 missing \(NaN\) values \(first: column 'x0', row 1\)"):
        read_arrays(X, columns()["out"])
    table = read_arrays(X, columns()["out"], missing="drop", names=["a", "b", "c"])
    assert table.notes == ("dropped 2 of 6 rows with missing values (a: 1, c: 1)",)
    np.testing.assert_array_equal(table.X.toarray(), dense[[0, 2, 3, 5]])
    X.data[0] = np.inf
    with pytest.raises(InputError, match=r"X has 1 infinite value \(first: column 'x0', row 0\)"):
        read_arrays(X, columns()["out"], missing="drop")


def test_duplicate_entries_are_summed():
    X = sparse.coo_array(([1.0, 2.0, 4.0], ([0, 0, 1], [1, 1, 0])), shape=(N, 2))
    np.testing.assert_array_equal(read_arrays(X, columns()["out"]).X.toarray()[:2], [[0, 3], [4, 0]])


@pytest.mark.parametrize("X", [sparse.coo_array(np.eye(N) * 1j), sparse.coo_array(np.arange(3.0))])
def test_sparse_data_that_are_no_table_of_numbers(X):
    with pytest.raises(InputError, match=r"X is a sparse [12]-d array of \w+; it must be 2-d and of real numbers"):
        read_arrays(X, columns()["out"])


# -- what cannot be used -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": "outt"}, r"y: there is no column 'outt' in the data: did you mean 'out'\?"),
        ({"weights": "q"}, r"weights: there is no column 'q' in the data \(there are: 'age', 'count'"),
        ({"exposure": [1, 1, 0, 1, -1, 1]}, r"exposure must be > 0 \(found 2 zero or negative, first: row 2, 0\)"),
        ({"trials": [1, 1, 0.5, 1, 0, 1]}, r"trials must be whole numbers >= 1 \(found 2 not so, first: row 2, 0.5\)"),
        ({"offset": [1.0, 2.0]}, r"X has 6 rows but offset has 2"),
        ({"offset": ["a"] * N}, r"offset holds text"),
        ({"weights": [0] * N}, r"weights are all zero"),
        ({"weights": pd.Series([1.0] * N, index=range(1, N + 1), name="q")}, None),
        ({"offset": pd.Series([1.0] * N, index=list("abcdef"))}, r"X and offset have different row labels: align them"),
    ],
)
def test_what_stands_beside_X(options, message):
    X = pd.DataFrame(columns())
    arguments = {"y": "out"} | options
    if message is None:
        assert read_arrays(X, **arguments).weights is not None
        return
    with pytest.raises(InputError, match=message):
        read_arrays(X, **arguments)


def test_names_of_columns_need_a_frame():
    with pytest.raises(InputError, match=r"weights is given as the column name 'w', but the data are not a data frame"):
        read_arrays(expected(), columns()["out"], weights="w")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pl.DataFrame({"a": ["u", "v"] * 3}), r"column 'a' of X holds string values .*use Problem.from_formula"),
        (pd.DataFrame({"a": pd.Categorical(["u", "v"] * 3)}), r"column 'a' of X is categorical .*Problem.from_formula"),
        (pl.DataFrame({"a": [[1.0]] * N}), r"column 'a' of X holds list.* values"),
        (pl.DataFrame({"a": [{"b": 1}] * N}), r"column 'a' of X holds struct.* values"),
        (pl.DataFrame(columns()).lazy(), r"X is lazy \(a LazyFrame\): collect it first"),
        (pd.DataFrame({"a": []}), r"X has 0 rows \(shape \(0, 1\)\)"),
        ({"a": [1.0] * N}, r"^X is a dict: make a data frame of it"),
        (None, r"X holds None"),
        ([[10**400] * 2] * N, r"X has 12 infinite values"),
    ],
)
def test_what_is_not_a_table(X, message):
    with pytest.raises(InputError, match=message):
        read_arrays(X, columns()["out"])


def test_numbers_of_unusual_types():
    table = read_arrays(
        pl.DataFrame(
            {
                "wide": pl.Series(range(N), dtype=pl.Int128),
                "exact": pl.Series(["1.5"] * N).cast(pl.Decimal(10, 2)),
                "small": pl.Series(range(N), dtype=pl.UInt8),
            }
        ),
        columns()["out"],
    )
    np.testing.assert_array_equal(table.X, np.column_stack([range(N), [1.5] * N, range(N)]))


def test_tables_are_read_only_and_nothing_of_the_caller_is_kept():
    X, y = expected(), np.array(columns()["out"])
    table = read_arrays(X, y)
    X[:] = y[:] = 99.0
    np.testing.assert_array_equal(table.X, expected())
    with pytest.raises(ValueError, match="read-only"):
        table.X[0, 0] = 1.0


# -- whatever comes ------------------------------------------------------------------------------------------

FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    "float": FINITE,
    "holes": st.sampled_from([0.0, -1.5, 2.25, 1e6, -3e-7, 7.0, 0.1, 3.5] * 3 + [math.nan, None]),
    "wild": st.one_of(FINITE, FINITE, st.just(-math.inf)),
    "int": st.integers(-(2**40), 2**40),
    "bool": st.sampled_from([*[True, False] * 6, None]),
    "text": st.text(max_size=3),
    "mixed": st.one_of(
        st.none(), st.floats(), st.booleans(), st.text(max_size=2), st.integers(), st.binary(max_size=2)
    ),
}
KINDS = st.sampled_from(["float"] * 9 + ["holes"] * 9 + ["int"] * 6 + ["bool"] * 6 + ["wild", "text", "mixed"])


def number(value):
    return math.nan if value is None else float(value)


@st.composite
def anything(draw):
    n = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 0]))
    names = draw(st.lists(st.text(max_size=4), unique=True, min_size=1, max_size=4))
    kinds = [draw(KINDS) for _ in names]
    values = {name: draw(st.lists(VALUES[k], min_size=n, max_size=n)) for name, k in zip(names, kinds, strict=True)}
    y = draw(st.lists(VALUES["holes"], min_size=n, max_size=draw(st.sampled_from([n] * 8 + [n + 1]))))
    return values, y, draw(st.sampled_from(["pandas", "polars", "array"])), draw(st.sampled_from(["error", "drop"]))


@settings(max_examples=200, deadline=None)
@given(anything())
def test_whatever_comes_is_a_true_table_or_one_clear_error(case):
    values, y, kind, missing = case
    plain = [[number(v) for v in column] for column in values.values() if all(_numeric(v) for v in column)]
    try:
        if kind == "pandas":
            X = pd.DataFrame(values)
        elif kind == "polars":
            X = pl.DataFrame(values, strict=False)
        else:
            X = np.array(list(values.values()), dtype=object).T.reshape(len(next(iter(values.values()), ())), -1)
    except (pl.exceptions.PolarsError, pa.ArrowException, OverflowError, ValueError, TypeError):
        return  # the frame itself does not exist
    try:
        table = read_arrays(X, y, missing=missing)
    except InputError:
        return
    except DataWarning:
        return  # whole numbers beyond 2^53
    assert isinstance(table, Table)
    if len(plain) < len(values):
        return  # polars makes nulls of what does not fit the column's type
    rows = np.array(plain, dtype=float).T.reshape(len(y), len(values))
    response = np.array([number(v) for v in y])
    complete = ~np.isnan(rows).any(axis=1) & ~np.isnan(response)
    assert missing == "drop" or complete.all()
    np.testing.assert_array_equal(table.kept, np.flatnonzero(complete))
    np.testing.assert_array_equal(table.X, rows[complete])
    np.testing.assert_array_equal(table.y, response[complete])


def _numeric(value):
    return value is None or isinstance(value, bool | int | float)
