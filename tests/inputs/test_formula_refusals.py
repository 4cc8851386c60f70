"""Formulas and data that are refused, each with what is wrong and where; and names that might be mistaken."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayesreg.errors import InputError, ParameterError
from bayesreg.formula import read_formula

N = 24
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table, "dict": dict}


def data():
    rng = np.random.default_rng(3)
    return {
        "y": rng.normal(size=N),
        "x": rng.uniform(-1, 1, size=N),
        "z": rng.uniform(1, 2, size=N),
        "a b": rng.normal(size=N),
        "city": np.resize(["Oslo", "Rome", "Bern", "Rome", "Oslo"], N),
        "group": np.resize(["u", "u", "v"], N),
        "count": np.resize([3, 1, 2, 1, 1, 2, 3], N),
        "flag": np.resize([True, False, False, True, False], N),
    }


# -- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (3, r"formula must be text of the form \"y ~ x \+ z\" \(got 3\)"),
        ("x + z", r"formula must be text of the form"),
        ("~ x", r"must have one response left of ~"),
        ("y + z ~ x", r"must have one response left of ~ \(it has 2"),
        ("y:z ~ x", r"must have one response left of ~"),
        ("y ~ x | z", r"has several parts \(\|\); it must have one"),
        ("y ~ x +", r"cannot be read: Operator `\+` has insuf"),
        ("y ~ (x", r"cannot be read"),
        ("y ~ `x", r"cannot be read"),
        ("y ~ x z", r"cannot be read: Missing operator"),
        ("y ~ 0", r"leaves nothing to fit: neither a column nor an intercept"),
        ("y ~ x + y", r"has the response 'y' on the right as well"),
        ("y ~ 2:x", r"the number 2 cannot stand as a term or in one: write I\(2 \* x\)"),
        ("1 ~ x", r"the number 1 cannot stand"),
        ("y ~ log(2)", r"does not depend on the data"),
        ("y ~ __import__('os')", r"is not known as a function of numbers \(functions: C, I, Q, bs,"),
        ("y ~ __import__('os').system('true')", r"cannot be read|is not known as a function"),
        ("y ~ {__import__('os').system('true')}", r"is not known as a function of numbers"),
        ("y ~ x.__class__()", r"is not known as a function"),
        ("y ~ {x.__class__}", r"is not something that a formula may hold"),
        ("y ~ {(lambda: x)()}", r"not known as a function|not something that a formula may hold"),
        ("y ~ {[x, z]}", r"not something that a formula may hold"),
        ("y ~ I(x[0])", r"not something that a formula may hold"),
        ("y ~ np.load('x')", r"is not known as a function"),
        ("y ~ np.linalg.inv(x)", r"is not known as a function"),
        ("y ~ eval('x')", r"is not known as a function"),
        ("y ~ np.log(x, z)", r"must have 1 argument"),
        ("y ~ np.log(x, out=z)", r"is not known as a function"),
        ("y ~ lag(x)", r"is not known as a function"),
        ("y ~ offset(x)", r"is not known as a function"),
        ("y ~ log(bs(x, df=4))", r"gives several columns, and stands alone"),
        ("y ~ bs(x, df=100000)", r"asks for more than 1000 columns"),
        ("y ~ bs(x, df=z)", r"must be a number, a string or a list of them"),
        ("y ~ C(city, contr.magic)", r"is not a coding \(there are: contr.treatment"),
        ("y ~ C(city, os.sum)", r"is not a coding"),
        ("y ~ C(city, spans_intercept=False)", r"takes a column, contrasts= and levels="),
        ("y ~ I(0 < x < 1)", r"is not a comparison of numbers"),
        ("y ~ bs()", r"must be given a column"),
    ],
)
def test_formulas_that_are_refused(formula, message):
    with pytest.raises(ParameterError, match=message):
        read_formula(formula, data())


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ xx", r"formula: there is no column 'xx' in the data: did you mean 'x'\?"),
        ("y ~ log(qqqq)", r"formula: there is no column 'qqqq' in the data \(there are: 'y', 'x',"),
        ("why ~ x", r"there is no column 'why' in the data"),
        ("y ~ log(`a  b`)", r"there is no column 'a  b' in the data: did you mean 'a b'\?"),
        ("y ~ sys", r"there is no column 'sys'"),
        ("group ~ x", r"response 'group' holds text \(levels 'u', 'v'\): .* write \{group == \"v\"\} ~"),
        ("city ~ x", r"response 'city' holds text \(levels 'Bern', 'Oslo', 'Rome'\): recode it as numbers$"),
        ("y ~ log(city)", r"column 'city' holds text: in a formula it stands alone, in C\(city\)"),
        ("y ~ x + I(city > 'Oslo')", r"column 'city' holds text"),
        ("y ~ I(city == 'oslo')", r"column 'city' has no level 'oslo' \(levels: 'Bern', 'Oslo', 'Rome'\)"),
        ("y ~ log(x)", r"'log\(x\)' is not a finite number in \d+ rows \(first: row \d+\)"),
        ("y ~ bs(log(x), df=4)", r"'log\(x\)' is not a finite number"),
        ("y ~ I(x / 0)", r"is not a finite number in 24 rows"),
        ("poly(x, 2) ~ z", r"the response 'poly\(x, 2\)' has 2 columns"),
        ("y ~ poly(flag, 2)", r"needs 3 different values; the data have 2"),
        ("y ~ C(city, contr.treatment('Pisa'))", r"cannot compute .*'Pisa'.* is not among the provided levels"),
        ("y ~ C(city, levels=['Oslo'])", r"has level 'Rome', which was not among levels="),
        ("y ~ C(city, [[1, 2]])", r"cannot compute"),
        ("y ~ bs(x, df=1)", r"cannot compute 'bs\(x, df=1\)': Invalid value for `df`"),
        ("y ~ scale(x, 0, 0)", r"is not a finite number"),
        ("y ~ poly(x, -1)", r"cannot compute"),
        ("y ~ cr(x)", r"cannot compute 'cr\(x\)': Must specify either 'df' or 'knots'"),
        ("y ~ when", r"column 'when' holds date.* values"),
        ("y ~ C(when)", r"column 'when' holds Timestamp.*, not text or finite numbers"),
        ("y ~ same", r"'same' has no columns: a column in it has one level only"),
        ("y ~ mixed", r"column 'mixed' mixes text, numbers or booleans"),
        ("y ~ big", r"column 'big' has 1 infinite value \(first: row 2\)"),
    ],
)
def test_data_that_a_formula_cannot_use(formula, message):
    big = data()["x"].copy()
    big[2] = np.inf
    more = {
        "when": pd.to_datetime(["2020-01-01"] * N),
        "same": ["a"] * N,
        "mixed": pd.Series(["a", 1] * (N // 2), dtype=object),
        "big": big,
    }
    with pytest.raises(InputError, match=message):
        read_formula(formula, pd.DataFrame(data() | more))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.ones((3, 2)), r"data must be a data frame or a dict of columns \(got ndarray\): for arrays use"),
        (None, r"data must be a data frame or a dict of columns \(got NoneType\)"),
        (pl.DataFrame({"y": [1.0], "x": [1.0]}).lazy(), r"data is lazy"),
        ({"y": [], "x": []}, r"the data have 0 rows"),
        ({"y": [1.0, 2.0], "x": [1.0]}, r"column 'x' has 1 rows, but the first column has 2"),
        ({"y": 1.0, "x": 2.0}, r"column 'y' has shape \(\)"),
        (pd.DataFrame([[1.0, 2.0, 3.0]], columns=["y", "x", "x"]), r"column names must be unique: 'x' appears 2 times"),
    ],
)
def test_data_without_named_columns(frame, message):
    with pytest.raises(InputError, match=message):
        read_formula("y ~ x", frame)


def test_local_variables_are_not_seen():
    q = np.ones(N)
    with pytest.raises(InputError, match="there is no column 'q'"):
        read_formula("y ~ q", data())
    assert q.all()


def test_columns_called_like_functions_are_columns():
    frame = {"y": range(4), "log": [1.0, 2.0, 3.0, 4.0], "np": [0.0, 1.0, 0.0, 2.0], "_q0": [5.0, 4.0, 4.0, 3.0]}
    table = read_formula("y ~ log(log) + np + I(`np` * _q0) + contr", frame | {"contr": [1, 2, 1, 2]})
    assert table.names == ("log(log)", "np", "I(`np` * _q0)", "contr")
    np.testing.assert_array_equal(table.X[:, 0], np.log(frame["log"]))
    np.testing.assert_array_equal(table.X[:, 2], np.multiply(frame["np"], frame["_q0"]))


@pytest.mark.parametrize(
    ("name", "formula"), [("1", "y ~ `1`"), (".", "y ~ `.`"), ("1", "y ~ ."), ("1", "y ~ 0 + (.)**2")]
)
def test_columns_that_formulaic_would_mistake(name, formula):
    with pytest.raises(ParameterError, match=r"a column called '[1.]' would be taken for what . stands for: rename it"):
        read_formula(formula, {"y": [1.0, 2.0], name: [3.0, 4.0]})


def test_states_of_columns_in_backticks_are_kept_apart():
    frame = {"y": range(3), "a b": [1.0, 2.0, 6.0], "c d": [0.0, 0.0, 3.0]}
    table = read_formula("y ~ center(`a b`) + center(`c d`) + I(center(`a b`) - center(`c d`))", frame)
    np.testing.assert_array_equal(table.X, [[-2, -1, -1], [-1, -1, 0], [3, 2, 1]])


def test_a_hundred_thousand_rows():
    rng = np.random.default_rng(0)
    frame = {"y": rng.normal(size=10**5), "x": rng.normal(size=10**5), "g": rng.choice(["u", "v"], 10**5)}
    assert read_formula("y ~ x * g", frame).X.shape == (10**5, 3)
