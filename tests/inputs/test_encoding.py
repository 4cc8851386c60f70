"""New data are coded as the old ones were, now and after a trip through JSON."""

import itertools
import json
import math
import string

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings

from bayesreg.errors import DataWarning, InputError, ParameterError
from bayesreg.formula import encoding_from_json, read_formula
from bayesreg.table import read_arrays

N = 30
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table, "dict": dict}
FORMULAS = [
    "y ~ x + z",
    "y ~ 0 + city + flag",
    "y ~ city * group * x",
    "y ~ C(count, contr.sum) + C(city, contr.treatment('Rome')):x",
    "y ~ C(flag) + C(city, contr.helmert)",
    "y ~ poly(x, 3) + poly(z, 2, raw=True)",
    "y ~ bs(x, df=6):group + cr(z, df=4) + cc(x, df=4)",
    "y ~ cs(x, df=4, constraints='center')",
    "y ~ center(x) + scale(log(z)) + standardize(x):city",
    "y ~ I(x > 0) + I(city == 'Oslo') + np.exp(`a b`) / group",
    "log(z) ~ 1",
]


def data(seed=0, n=N):
    rng = np.random.default_rng(seed)
    return {
        "y": rng.normal(size=n),
        "x": rng.uniform(-1, 1, size=n),
        "z": rng.uniform(1, 2, size=n),
        "a b": rng.normal(size=n),
        "city": np.resize(["Oslo", "Rome", "Bern"], n),
        "group": np.resize(["u", "u", "v", "v"], n),
        "count": np.resize([3, 1, 2], n),
        "flag": np.resize([True, False, False], n),
    }


def through_json(encoding):
    return encoding_from_json(json.loads(json.dumps(encoding.to_json(), allow_nan=False)))


def inner():
    """New rows, within the range of the old ones (a B-spline refuses others)."""
    return {name: values[[4, 9, 2]] for name, values in data().items()}


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_old_data_are_coded_as_they_were(formula):
    table = read_formula(formula, data())
    for encoding in (table.encoding, through_json(table.encoding)):
        assert encoding.names == table.names
        for frame in FRAMES.values():
            np.testing.assert_array_equal(encoding.rows(frame(data())), table.X)
        np.testing.assert_array_equal(encoding.rows(inner()), table.X[[4, 9, 2]])
        np.testing.assert_array_equal(encoding.vector(inner(), "y"), table.y[[4, 9, 2]])


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_response_and_other_columns_do_not_matter(formula):
    table = read_formula(formula, data())
    new = {name: values for name, values in reversed(data().items()) if name != "y"} | {"else": ["?"] * N}
    np.testing.assert_array_equal(table.encoding.rows(pd.DataFrame(new)), table.X)


def test_named_columns():
    frame = pd.DataFrame({name: data()[name] for name in ("x", "z", "flag", "y", "count")})
    table = read_arrays(frame, "y", exposure="count")
    for encoding in (table.encoding, through_json(table.encoding)):
        for new in (
            frame,
            pl.DataFrame(frame.to_dict("list")),
            frame[["flag", "z", "x"]].assign(more="?"),
            dict(frame),
        ):
            np.testing.assert_array_equal(encoding.rows(new), table.X)
        with pytest.warns(DataWarning, match=r"^X has no column names: .* taken in the order 'x', 'z', 'flag' of"):
            by_position = encoding.rows(table.X)
        np.testing.assert_array_equal(by_position, table.X)
        np.testing.assert_array_equal(encoding.vector(frame, "exposure"), data()["count"])
        np.testing.assert_array_equal(encoding.vector(frame, "y"), data()["y"])
        assert encoding.vector(frame, "offset") is None


def test_renamed_columns_are_found_by_what_they_are_called_in_the_data():
    frame = pd.DataFrame({"a": data()["x"], "b": data()["z"]})
    table = read_arrays(frame, data()["y"], names=["Age", "Dose"])
    assert table.encoding.names == ("Age", "Dose")
    np.testing.assert_array_equal(table.encoding.rows(frame[["b", "a"]]), table.X)


def test_columns_of_an_array_are_taken_by_position_or_by_the_names_given():
    X = np.column_stack([data()["x"], data()["z"]])
    table = read_arrays(X, data()["y"], names=["x", "z"])
    swapped = pd.DataFrame({"z": data()["z"], "x": data()["x"]})
    for new in (X, X.tolist(), swapped, pd.DataFrame(X)):
        np.testing.assert_array_equal(through_json(table.encoding).rows(new), X)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (np.ones((2, 3)), r"X has 3 columns, but the model was built on 2 \('x', 'z'\)"),
        (np.ones(2), r"X is 1-d with shape \(2,\)"),
        ({"x": [1.0], "zz": [2.0]}, r"X: there is no column 'z' in the data: did you mean 'zz'\?"),
        ({"x": [1.0], "z": [np.nan]}, r"X has 1 missing \(NaN\) value \(first: column 'z', row 0\)"),
        ({"x": [1.0, 2.0], "z": [np.inf, 1.0]}, r"X has 1 infinite value \(first: column 'z', row 0\)"),
        ({"x": [1.0, 2.0], "z": [1.0]}, r"column 'z' of X has 1 rows, but the first column has 2"),
        ({"x": [1.0], "z": ["a"]}, r"column 'z' of X holds text"),
        ({"x": 1.0, "z": 2.0}, r"column 'x' of X has shape \(\): it must be one-dimensional"),
    ],
)
@pytest.mark.filterwarnings("ignore:X has no column names:bayesreg.errors.DataWarning")
def test_new_data_that_do_not_fit(new, message):
    encoding = read_arrays(pd.DataFrame({"x": data()["x"], "z": data()["z"]}), data()["y"]).encoding
    with pytest.raises(InputError, match=message):
        encoding.rows(new)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"city": ["Oslo", "Pisa", "Bern"]},
            r"column 'city' has level 'Pisa', which was not in the data the model was",
        ),
        ({"city": [1, 2, 3]}, r"column 'city' has level 1, which was not in .*\(levels: 'Bern', 'Oslo', 'Rome'\)"),
        ({"city": ["Oslo", None, "Bern"]}, r"column 'city' has 1 missing value"),
        ({"x": [0.0, np.nan, 0.0]}, r"column 'x' has 1 missing value"),
        ({"x": [0.0, 9.0, 0.0]}, r"cannot compute 'bs\(x, df=4\)': .*extend beyond upper and/or lower bounds"),
        ({"x": ["a", "b", "c"]}, r"column 'x' holds text: in a formula it stands alone"),
        ({"z": [1.0, -1.0, 1.0]}, r"'log\(z\)' is not a finite number in 1 rows \(first: row 1\)"),
        ({"z": [1.0, 1.0]}, r"column 'z' has 2 rows, but the first column has 3"),
    ],
)
def test_new_data_that_a_formula_cannot_take(change, message):
    encoding = through_json(read_formula("y ~ city + bs(x, df=4) + log(z)", data()).encoding)
    with pytest.raises(InputError, match=message):
        encoding.rows(inner() | change)


def test_a_formula_needs_named_columns():
    encoding = read_formula("y ~ x", data()).encoding
    with pytest.raises(InputError, match=r"data must be a data frame or a dict of columns \(got ndarray\)"):
        encoding.rows(np.ones((3, 1)))
    with pytest.raises(InputError, match=r"there is no column 'x' in the data"):
        encoding.rows({"y": [1.0]})


@pytest.mark.parametrize(
    "state", [None, {}, {"kind": "pickle"}, {"kind": []}, {"kind": "columns"}, {"kind": "formula", "names": 3}]
)
def test_what_is_no_encoding(state):
    with pytest.raises(InputError, match=r"not an? (whole )?encoding"):
        encoding_from_json(state)


def test_a_stored_formula_is_held_to_the_same_rules():
    state = read_formula("y ~ log(z)", data()).encoding.to_json()
    text = json.dumps(state).replace("log(z)", "__import__('os')")
    with pytest.raises((InputError, ValueError), match="is not known as a function"):
        encoding_from_json(json.loads(text)).rows(data())


# -- whatever comes ------------------------------------------------------------------------------------------

NAMES = st.text(st.sampled_from(string.ascii_letters + "01-*/^|%._ éß测+:~()'\"{}"), min_size=1, max_size=5)
CELLS = {
    "float": st.sampled_from([0.0, -1.5, 2.25, 1e6, -3e-7, 7.0, 0.1, 3.5, -8.0, 1e3] * 4 + [math.nan, math.inf]),
    "int": st.integers(-5, 5),
    "bool": st.booleans(),
    "text": st.sampled_from(["u", "v", "wé", "{0}", ""]),
    "holes": st.sampled_from([*"uuuvvvuvw", None]),
    "junk": st.one_of(st.none(), st.text(max_size=1), st.integers(0, 2), st.binary(max_size=1)),
}


@st.composite
def formulas(draw):
    n = draw(st.integers(1, 9))
    names = draw(st.lists(NAMES, unique=True, min_size=2, max_size=4))
    kind = st.sampled_from([*["float", "int", "bool", "text", "holes"] * 3, "junk"])
    kinds = ["float", *(draw(kind) for _ in names[1:])]
    frame = {k: draw(st.lists(CELLS[kind], min_size=n, max_size=n)) for k, kind in zip(names, kinds, strict=True)}
    used = draw(st.lists(st.sampled_from(names[1:]), unique=True, min_size=1))
    zero = draw(st.sampled_from(["", "0 + "]))
    wrap = draw(st.sampled_from(["{}"] * 3 + ["I(2 * {})", "C({})"]))
    joint = draw(st.sampled_from([" + ", ":", " * "]))
    formula = f"`{names[0]}` ~ {zero}" + joint.join(wrap.format(f"`{name}`") for name in used)
    return frame, dict(zip(names, kinds, strict=True)), used, formula, zero, wrap, joint


@settings(max_examples=200, deadline=None)
@given(formulas(), st.sampled_from(["error", "drop"]))
def test_whatever_comes_is_a_true_table_or_one_clear_error(case, missing):
    frame, kinds, used, formula, zero, wrap, joint = case
    try:
        table = read_formula(formula, frame, missing=missing)
    except (InputError, ParameterError):
        return
    response = next(iter(frame))
    keep = [all(map(_there, row)) for row in zip(*(frame[name] for name in (response, *used)), strict=True)]
    assert missing == "drop" or all(keep)
    np.testing.assert_array_equal(table.kept, np.flatnonzero(keep))
    values = {name: [v for v, k in zip(column, keep, strict=True) if k] for name, column in frame.items()}
    np.testing.assert_array_equal(table.y, np.array(values[response], dtype=float))
    again = through_json(table.encoding).rows(values)
    np.testing.assert_array_equal(again, table.X)
    coded = {name: wrap == "C({})" or kinds[name] in ("text", "holes", "junk") for name in used}
    if joint == " + " and not zero:
        parts = [_columns(values[name], coded=coded[name], wrap=wrap) for name in used]
        np.testing.assert_array_equal(table.X, np.column_stack(list(itertools.chain.from_iterable(parts))))
    elif joint == ":" and not any(coded.values()):
        parts = [_columns(values[name], coded=False, wrap=wrap)[0] for name in used]
        np.testing.assert_allclose(table.X[:, 0], np.prod(parts, axis=0), rtol=1e-14)


def _there(value):
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _columns(values, *, coded, wrap):
    """What one term must be, beside an intercept."""
    if not coded or (wrap != "C({})" and not any(isinstance(v, str) for v in values)):
        return [np.array(values, dtype=float) * (2 if "2" in wrap else 1)]
    return [np.array([v == level for v in values], dtype=float) for level in sorted(set(values))[1:]]
