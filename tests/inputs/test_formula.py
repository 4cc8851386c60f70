"""Formulas: the columns that formulaic itself would make, from any library's frame, and nothing that runs code."""

import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from formulaic import model_matrix

from bayesreg.errors import InputError
from bayesreg.formula import read_formula

N = 24
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table, "dict": dict}
FORMULAS = [
    "y ~ x",
    "y ~ x - 1",
    "y ~ 1",
    "y ~ .",
    "y ~ x * city",
    "y ~ 0 + city",
    "y ~ 0 + city:group",
    "y ~ city:group + x",
    "y ~ (x + z + city) ** 2 - x:z",
    "y ~ x:city - 1",
    "y ~ x / city + group %in% city",
    "y ~ city * group * x",
    "y ~ C(count) + C(flag):x",
    "y ~ C(count, contr.treatment(2)) + C(city, contr.sum) * group",
    "y ~ C(city, contr.helmert) + C(group, contr.SAS)",
    "y ~ C(city, contr.poly) + C(count, contr.diff)",
    "y ~ C(city, Treatment('Rome')) + C(city, Sum):x",
    "y ~ C(city, [[1, 0], [0, 1], [-1, -1]]) + C(group, {'v less u': [-1, 1]})",
    "y ~ C(city, levels=['Rome', 'Oslo', 'Bern'])",
    "y ~ poly(x, 3) + poly(z, 2, raw=True)",
    "y ~ bs(x, df=5) * group",
    "y ~ bs(x, df=5, include_intercept=True)",
    "y ~ 0 + bs(x, df=5, include_intercept=True)",
    "y ~ bs(x, knots=[-0.2, 0.3], degree=2) + cr(z, df=4) + cc(x, df=4)",
    "y ~ cs(x, df=4, constraints='center')",
    "y ~ center(x) + scale(z) + standardize(x)",
    "log(z) ~ `a b` + np.exp(`a b`):x + I(x ** 2)",
    "y ~ {x + 1} + I(x > 0) + flag + Q('a b')",
    "y ~ center(np.log(z)) + bs(exp(x), df=4)",
]


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


# -- what the columns are ------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", FORMULAS)
def test_the_columns_are_those_of_formulaic(formula):
    frame = pd.DataFrame(data())
    matrices = model_matrix(formula, frame)
    theirs = matrices.rhs.drop(columns="Intercept", errors="ignore")
    table = read_formula(formula, frame)
    assert table.names == tuple(theirs.columns)
    assert table.intercept == ("Intercept" in matrices.rhs.columns)
    np.testing.assert_allclose(table.X, theirs.to_numpy(dtype=float), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(table.y, matrices.lhs.to_numpy(dtype=float)[:, 0])
    spec = matrices.rhs.model_spec
    terms = {name: str(term) for term, _, names in spec.structure for name in names}
    assert table.terms == tuple(terms[name] for name in table.names)


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_library_gives_the_same_table(formula):
    tables = [read_formula(formula, frame(data())) for frame in FRAMES.values()]
    for table in tables[1:]:
        assert (table.names, table.terms, table.response) == (tables[0].names, tables[0].terms, tables[0].response)
        np.testing.assert_array_equal(table.X, tables[0].X)
        np.testing.assert_array_equal(table.y, tables[0].y)


def test_the_order_of_the_columns_does_not_matter():
    turned = pd.DataFrame({name: data()[name] for name in reversed(data())})
    ours, theirs = (read_formula("y ~ x * city + bs(z, df=4)", frame) for frame in (pd.DataFrame(data()), turned))
    np.testing.assert_array_equal(ours.X, theirs.X)


def test_columns_have_full_rank():
    for formula in ("y ~ city * group", "y ~ 0 + city * group", "y ~ city:group", "y ~ group + city:group + x:city"):
        table = read_formula(formula, data())
        X = np.column_stack([np.ones(N), table.X]) if table.intercept else table.X
        assert np.linalg.matrix_rank(X) == X.shape[1]


def test_terms_name_the_factor():
    table = read_formula("y ~ city + age:city + bs(age, df=4)", data() | {"age": data()["x"]})
    assert list(dict.fromkeys(table.terms)) == ["city", "bs(age, df=4)", "age:city"]


@pytest.mark.parametrize(
    ("city", "names"),
    [
        (pd.Series(pd.Categorical(["b", "a"] * 3, categories=["b", "z", "a"])), ("city[T.a]",)),
        (pd.Series(["b", "a"] * 3), ("city[T.b]",)),
        (pl.Series(["b", "a"] * 3, dtype=pl.Enum(["b", "z", "a"])), ("city[T.a]",)),
        (pl.Series(["b", "a"] * 3, dtype=pl.Categorical), ("city[T.b]",)),
        (pa.array(["b", "a"] * 3).dictionary_encode(), ("city[T.b]",)),
        (["b", "a"] * 3, ("city[T.b]",)),
    ],
)
def test_levels_are_in_the_order_declared_or_sorted(city, names):
    assert read_formula("y ~ city", {"y": range(6), "city": city}).names == names


def test_whole_numbers_are_whole_levels_in_every_library():
    holed = [3, None, 1, 1, 3]
    frames = [pd.DataFrame({"y": range(5), "k": holed}), pl.DataFrame({"y": range(5), "k": holed})]
    for frame in frames:  # pandas makes floats of them
        assert read_formula("y ~ C(k)", frame, missing="drop").names == ("C(k)[T.3]",)


def test_what_stands_beside_the_formula():
    frame = pd.DataFrame(data()).assign(w=2.0, t=3)
    table = read_formula("y ~ .", frame, weights="w", exposure="z", trials="t", offset=np.ones(N))
    assert "w" not in table.names
    assert "z" not in table.names
    np.testing.assert_array_equal(table.offset, 1 + np.log(data()["z"]))
    np.testing.assert_array_equal(table.trials, np.full(N, 3.0))
    np.testing.assert_array_equal(table.weights, np.full(N, 2.0))
    np.testing.assert_array_equal(table.encoding.vector(frame, "trials"), np.full(N, 3.0))
    assert table.encoding.vector(frame, "offset") is None


def test_two_words_become_a_response_by_comparison():
    table = read_formula("{group == 'v'} ~ x", data())
    np.testing.assert_array_equal(table.y, (data()["group"] == "v").astype(float))
    np.testing.assert_array_equal(read_formula("flag ~ x", data()).y, data()["flag"].astype(float))


# -- missing values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_rows_with_missing_values_are_dropped_and_counted(frame):
    holed = {name: values.tolist() for name, values in data().items()}
    holed["x"][1] = holed["y"][2] = holed["city"][3] = holed["city"][1] = holed["group"][0] = None  # group: not in use
    w = [1.0] * N
    w[5] = math.nan
    with pytest.raises(
        InputError, match=r"'y' of data has 1 missing .*\(missing in all: y: 1, x: 1, city: 2, weights: 1\)"
    ):
        read_formula("y ~ center(x) + city", frame(holed), weights=w)
    table = read_formula("y ~ center(x) + city", frame(holed), weights=w, missing="drop")
    kept = [0, 4, *range(6, N)]
    assert table.kept.tolist() == kept
    assert table.notes == (f"dropped 4 of {N} rows with missing values (y: 1, x: 1, city: 2, weights: 1)",)
    plain = read_formula("y ~ center(x) + city", {name: values[kept] for name, values in data().items()})
    np.testing.assert_array_equal(table.X, plain.X)  # what is learnt, is learnt from the rows kept
    np.testing.assert_array_equal(table.y, plain.y)


def test_levels_that_are_dropped_are_no_levels():
    frame = {"y": [1.0, 2.0, 3.0, math.nan], "city": ["b", "c", "b", "a"]}
    assert read_formula("y ~ city", frame, missing="drop").names == ("city[T.c]",)
