"""Comparisons on disk: what is read is what was written, and nobody's files are touched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesreg.comparison import Comparison, compare
from bayesreg.errors import InputError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.scales import Gamma, HalfCauchy
from tests.comparison.examples import data, ridge


@pytest.fixture(params=["ridge_comparison", "lasso_comparison"])
def comparison(request: pytest.FixtureRequest) -> Comparison:
    return request.getfixturevalue(request.param)


def check_same(read: Comparison, written: Comparison) -> None:
    assert str(read) == str(written)
    assert read._repr_html_() == written._repr_html_()
    assert read.to_json() == written.to_json()
    pd.testing.assert_frame_equal(read.coefficients, written.coefficients, check_exact=True)
    pd.testing.assert_frame_equal(read.ledger, written.ledger, check_exact=True)
    assert set(read.posterior.arrays) == set(written.posterior.arrays)
    for name, array in written.posterior.arrays.items():
        np.testing.assert_array_equal(read.posterior.draws(name), array)
    np.testing.assert_array_equal(read.posterior.log_likelihood, written.posterior.log_likelihood)
    for group in written.posterior.data.children:
        xr.testing.assert_identical(read.posterior.data[group].to_dataset(), written.posterior.data[group].to_dataset())
    assert str(read.posterior.verdict) == str(written.posterior.verdict)
    assert (read.passed, read.agree, read.withheld) == (written.passed, written.agree, written.withheld)


def test_what_is_read_is_what_was_written(comparison: Comparison, tmp_path: Path) -> None:
    folder = comparison.save(tmp_path / "run" / "comparison.zarr")
    assert folder.is_dir()
    check_same(Comparison.load(str(folder)), comparison)


def test_the_problem_read_back_is_the_same_problem(comparison: Comparison, tmp_path: Path) -> None:
    read = Comparison.load(comparison.save(tmp_path / "c")).problem
    theta = np.array([2.0, 0.5, -0.1, 0.3])
    sigma = None if read.likelihood.sigma_known else 1.3
    assert read.neg_log_joint(theta, sigma) == comparison.problem.neg_log_joint(theta, sigma)
    np.testing.assert_array_equal(fit_penalized(read).beta, comparison.penalized.beta)


ODD: dict[str, dict[str, object]] = {
    "weights, offset, by column": {
        "weights": np.arange(40) % 3,
        "offset": np.linspace(-1, 1, 40),
        "prior": Gaussian(np.array([0.1, 0.2, 0.3]), loc=np.array([0.0, 1.0, 0.0])),
        "likelihood": GaussianNoise(Gamma(2.0, 0.5)),
    },
    "scaled": {"scale_by_noise": True, "likelihood": GaussianNoise(HalfCauchy(2.0))},
    "raw, no intercept, sigma known": {"standardize": False, "intercept": None, "likelihood": GaussianNoise(1.0)},
    "awkward names, gaussian intercept": {
        "names": ("sigma", "a/b [%]", "Größe 数"),
        "intercept": Gaussian(3.0, loc=1.0),
    },
}


@pytest.mark.parametrize("name", ODD)
def test_every_form_of_problem_survives(name: str, tmp_path: Path) -> None:
    written = compare(ridge(**ODD[name]), draws=20)
    check_same(Comparison.load(written.save(tmp_path / "c")), written)


def test_no_columns_survive(tmp_path: Path) -> None:
    written = compare(Problem.from_arrays(np.empty((40, 0)), data()[1], prior=Gaussian(1.0)), draws=20)
    check_same(Comparison.load(written.save(tmp_path / "c")), written)


def test_json_round_trips(comparison: Comparison) -> None:
    told = json.loads(comparison.to_json())
    assert json.loads(json.dumps(told)) == told
    for name, row in zip(comparison.problem.names, told["coefficients"], strict=True):
        for column, value in row.items():
            held = name if column == "column" else comparison.coefficients.loc[name, column]
            assert value == held or (value is None and np.isnan(held))
    assert told["map"]["beta"] == comparison.map.beta.tolist()
    assert "NaN" not in comparison.to_json()


# -- other people's files --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> Comparison:
    return compare(ridge(), draws=20)


def test_a_comparison_is_replaced_by_a_newer_one(
    ridge_comparison: Comparison, small: Comparison, tmp_path: Path
) -> None:
    ridge_comparison.save(tmp_path / "c")
    small.save(tmp_path / "c")
    check_same(Comparison.load(tmp_path / "c"), small)


def test_an_empty_folder_is_used(small: Comparison, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    check_same(Comparison.load(small.save(tmp_path / "c")), small)


def test_a_file_is_left_alone(small: Comparison, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    with pytest.raises(InputError, match="it is a file; give a folder name"):
        small.save(file)
    assert file.read_text() == "mine"


def test_a_folder_of_something_else_is_left_alone(small: Comparison, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="the folder holds something else"):
        small.save(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def foreign_store(folder: Path) -> Array:
    values = np.arange(3.0)
    xr.DataTree(xr.Dataset({"mine": ("x", values)})).to_zarr(folder, consolidated=False)
    return values


def test_another_zarr_store_is_left_alone(small: Comparison, tmp_path: Path) -> None:
    values = foreign_store(tmp_path / "data.zarr")
    with pytest.raises(InputError, match="the folder holds something else"):
        small.save(tmp_path / "data.zarr")
    with xr.open_datatree(tmp_path / "data.zarr", engine="zarr", consolidated=False) as tree:
        np.testing.assert_array_equal(tree["mine"], values)


def test_only_comparisons_are_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no saved comparison"):
        Comparison.load(tmp_path / "missing")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="holds no saved comparison"):
        Comparison.load(tmp_path / "file")
    foreign_store(tmp_path / "data.zarr")
    with pytest.raises(InputError, match="is a Zarr store, but not of a comparison"):
        Comparison.load(tmp_path / "data.zarr")


def test_another_format_is_named(small: Comparison, tmp_path: Path) -> None:
    folder = small.save(tmp_path / "c")
    metadata = json.loads((folder / "zarr.json").read_text())
    described = json.loads(metadata["attributes"]["comparison"])
    metadata["attributes"]["comparison"] = json.dumps(described | {"format": 99})
    (folder / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(InputError, match="saved in format 99; this version reads format 3"):
        Comparison.load(folder)
