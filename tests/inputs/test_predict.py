"""New rows to predict: found by name, refused where they do not fit, and predicted as the model has it."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from bayesreg.errors import DataWarning, InputError, ParameterError
from bayesreg.likelihoods import BernoulliLogit, PoissonLog
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from tests.inputs.examples import N, frame, make, row, table

NEW = {"x": [0.5, -0.5], "g": ["u", "v"], "z": [1.0, 2.0]}
TIMES = np.linspace(0.5, 3.0, N)


def counts():
    return np.arange(N) % 5


def fitted(X=None, y=None, **options):
    return fit_penalized(make(frame() if X is None else X, y, prior=Gaussian(1.0), **options))


def exposed():
    return fitted(frame(t=TIMES), counts(), likelihood=PoissonLog(), exposure="t")


def tried():
    return fitted(table()[0], counts(), likelihood=BernoulliLogit(), trials=np.full(N, 4))


def from_formula():
    data = {"y": table()[1], "x": table()[0][:, 0], "g": ["u", "v", "w"] * 4, "z": np.arange(1.0, N + 1)}
    return fit_penalized(Problem.from_formula("y ~ x * g + log(z)", data, prior=Gaussian(1.0)))


def by_hand(fit, X):
    return fit.intercept_raw + X @ fit.beta_raw


# -- what is taken (71, 72) ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "new",
    [
        row(71, frame()),
        row(71, frame()[["c", "a", "b"]]),
        row(71, frame(more="?")[["more", "b", "c", "a"]]),
        row(71, pl.DataFrame(frame().to_dict("list"))[["b", "c", "a"]]),
        row(71, pa.table(frame().to_dict("list"))),
        row(71, {name: frame()[name].tolist() for name in "cab"}),
    ],
)
def test_columns_are_found_by_name_whatever_their_order(new):
    fit = fitted()
    expected = by_hand(fit, table()[0])
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(fit.predict(new).mean, expected, rtol=1e-12)
    np.testing.assert_allclose(fit.predict().mean, expected, rtol=1e-12)


@pytest.mark.parametrize("new", [row(72, table()[0][:4]), row(72, table()[0][:4].tolist())])
def test_arrays_are_taken_by_position_and_that_is_said(new):
    fit = fitted()
    with pytest.warns(DataWarning, match=r"^X has no column names: .* in the order 'a', 'b', 'c' of the model's data"):
        found = fit.predict(new).mean
    np.testing.assert_allclose(found, by_hand(fit, table()[0][:4]), rtol=1e-12)


def test_arrays_after_arrays_need_no_remark():
    fit = fitted(table()[0])
    np.testing.assert_allclose(fit.predict(table()[0][:4]).mean, by_hand(fit, table()[0][:4]), rtol=1e-12)


def test_no_new_rows_are_no_predictions():
    assert fitted().predict(frame()[:0]).mean.shape == (0,)
    assert from_formula().predict({name: [] for name in NEW}).mean.shape == (0,)


@pytest.mark.parametrize(("kind", "expected"), [("link", lambda eta: eta), ("response", np.exp)])
def test_the_exposure_of_new_rows(kind, expected):
    fit = exposed()
    eta = by_hand(fit, table()[0]) + np.log(2 * TIMES)
    for new, options in (
        (frame(t=2 * TIMES), {}),
        (frame(), {"exposure": 2 * TIMES}),
        (frame(t=TIMES), {"offset": np.full(N, np.log(2))}),
    ):
        np.testing.assert_allclose(fit.predict(new, kind=kind, **options).mean, expected(eta), rtol=1e-12)


def test_the_trials_of_new_rows():
    fit = tried()
    chance = 1 / (1 + np.exp(-by_hand(fit, table()[0])))
    np.testing.assert_allclose(fit.predict(table()[0], trials=1).mean, chance, rtol=1e-12)
    np.testing.assert_allclose(fit.predict(table()[0], trials=np.full(N, 7)).mean, 7 * chance, rtol=1e-12)
    np.testing.assert_allclose(fit.predict().mean, 4 * chance, rtol=1e-12)
    draws = fit.predict(table()[0], trials=7, kind="predictive", draws=4000, seed=1)
    mcse = draws.sd / np.sqrt(4000)
    assert (np.abs(draws.mean - 7 * chance) <= 5 * mcse).all()
    assert draws.draws.max() == 7


# -- what is refused (70, 71, 74) ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "message"),
    [
        row(70, table()[0][:, :2], r"^X has 2 columns, but the model was built on 3 \('a', 'b', 'c'\)$"),
        row(70, table()[0][0], r"^X is 1-d with shape \(3,\): use .* or X.reshape\(1, -1\) for one row"),
        row(70, 3.0, r"^X is 0-d"),
        row(71, frame()[["a", "b"]], r"^X: there is no column 'c' in the data \(there are: 'a', 'b'\)$"),
        row(71, frame().rename(columns={"b": "bb"}), r"^X: there is no column 'b' in the data: did you mean 'bb'\?$"),
        row(74, frame(b=[np.nan] + [1.0] * 11), r"^X has 1 missing \(NaN\) value \(first: column 'b', row 0\)"),
        row(74, frame(c=[1.0] * 11 + [np.inf]), r"^X has 1 infinite value \(first: column 'c', row 11\)"),
        row(74, frame(b=[None] * N), r"^X has 12 missing .*column 'b', row 0"),
        row(74, frame(b=["u"] * N), r"^column 'b' of X holds string values"),
        row(74, "abc", r"^X holds text"),
    ],
)
@pytest.mark.parametrize("kind", ["response", "link", "predictive"])
def test_new_data_that_do_not_fit(new, message, kind):
    with pytest.raises(InputError, match=message):
        fitted().predict(new, kind=kind)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        row(70, table()[0], r"^data must be a data frame or a dict of columns \(got ndarray\)"),
        row(71, {"x": [1.0], "g": ["u"]}, r"^formula: there is no column 'z' in the data"),
        row(71, NEW | {"g": ["u", "q"]}, r"^column 'g' has level 'q', which was not in the data .*; first: row 1$"),
        row(74, NEW | {"x": [1.0, np.nan]}, r"^column 'x' has 1 missing values \(first: row 1\)"),
        row(74, NEW | {"z": [0.0, 1.0]}, r"'log\(z\)' is not a finite number in 1 rows \(first: row 0\)"),
    ],
)
def test_new_data_that_a_formula_cannot_take(new, message):
    with pytest.raises(InputError, match=message):
        from_formula().predict(new)


@pytest.mark.parametrize(
    ("fit", "options", "message"),
    [
        (fitted, {"offset": np.ones(3)}, r"^the new data has 12 rows but offset has 3$"),
        (fitted, {"offset": 1.0}, r"^offset is a single value \(1\): pass one number per row of the new data$"),
        (fitted, {"offset": np.full(N, np.nan)}, r"^offset has 12 missing"),
        (fitted, {"offset": "q"}, r"^offset: there is no column 'q' in the data"),
        (exposed, {}, r"^exposure: there is no column 't' in the data"),
        (exposed, {"exposure": np.zeros(N)}, r"^exposure must be > 0 \(found 12 zero or negative, first: row 0, 0\)"),
        (tried, {}, r"^predict: the model has trials; give those of the new rows: trials=..., or trials=1"),
        (tried, {"trials": 0}, r"^trials must be whole numbers >= 1 \(found 12 not so"),
    ],
)
def test_what_stands_beside_new_rows(fit, options, message):
    fit = fit()
    new = frame().rename(columns=dict(zip("abc", ("x0", "x1", "x2"), strict=True))) if fit.names[0] == "x0" else frame()
    with pytest.raises(InputError, match=message):
        fit.predict(new, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "respons"}, r"^kind='respons': predict knows 'response', 'link', 'predictive'$"),
        ({"kind": None}, r"^kind=None: predict knows"),
        ({"kind": "predictive", "interval": 1.0}, r"^interval must be a number between 0 and 1 \(got 1.0\)$"),
        ({"kind": "predictive", "interval": "a"}, r"^interval must be a number between 0 and 1 \(got 'a'\)$"),
    ],
)
def test_settings_of_predictions(options, message):
    with pytest.raises(ParameterError, match=message):
        fitted().predict(frame(), **options)


def test_an_offset_is_for_new_rows_only():
    with pytest.raises(InputError, match=r"^predict: offset, exposure and trials are for new data"):
        fitted().predict(offset=np.ones(N))


def test_new_data_are_not_written_to():
    fit, X = fitted(), table()[0]
    new = pd.DataFrame(X, columns=list("abc"))
    before = new.to_numpy().tobytes()
    fit.predict(new)
    assert new.to_numpy().tobytes() == before
