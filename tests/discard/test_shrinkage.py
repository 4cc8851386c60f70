"""Unpenalised estimate, mode and mean, column by column."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import qr

import bayesreg as br
from bayesreg.discard import shrinkage


def orthogonal(prior: br.interfaces.Prior, n: int = 64, p: int = 4, sigma: float = 1.0) -> br.Problem:
    """Centred columns, uncorrelated and of sd 1."""
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(n, p + 1))
    raw[:, 0] = 1.0
    X = np.sqrt(n) * qr(raw, mode="economic")[0][:, 1:]
    y = X @ [0.8, 0.0, -0.4, 0.1] + sigma * rng.normal(size=n)
    return br.Problem.from_arrays(X, y, prior=prior, likelihood=br.GaussianNoise(sigma))


def test_unpenalised_is_least_squares_with_its_errors() -> None:
    data = br.load_dataset("diabetes")
    problem = br.Problem.from_arrays(data.X, data.y, prior=br.Gaussian(10.0))
    posterior, mode = br.sample(problem, draws=500), br.fit_penalized(problem)
    found = shrinkage(posterior, mode)
    X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
    X = np.column_stack([np.ones(len(X)), X])
    np.testing.assert_allclose(found.table["unpenalized"], np.linalg.lstsq(X, data.y, rcond=None)[0][1:], rtol=1e-7)
    errors = mode.sigma * np.sqrt(np.diag(np.linalg.inv(X.T @ X)))[1:]
    np.testing.assert_allclose(found.table["se"], errors, rtol=1e-7)
    np.testing.assert_array_equal(found.table["map"], mode.beta)
    np.testing.assert_allclose(found.table["mean"], posterior.beta.mean(axis=(0, 1)), rtol=1e-12)
    x, y = found.table["unpenalized"], found.table["map"]
    assert found.kept_map == pytest.approx(float(x @ y / (x @ x)))
    assert 0 < found.kept_map < 1
    assert f"{100 * found.kept_map:.3g} %" in found.sentence


@pytest.mark.parametrize("prior", [br.Laplace(0.1), br.Gaussian(0.3), br.Bridge(5.0, 1.5)])
def test_where_columns_are_uncorrelated_the_points_lie_on_the_curve(prior: br.interfaces.Prior) -> None:
    """Modes to rounding; posterior means within their Monte Carlo errors, and not on a curve 10 % off."""
    problem = orthogonal(prior)
    posterior = br.sample(problem, draws=4000, seed=3)
    found = shrinkage(posterior, br.fit_penalized(problem))
    curve = found.curve
    assert curve is not None
    assert curve.se == pytest.approx(1 / 8)
    x = found.table["unpenalized"].to_numpy()
    fine = br.discard.normal_means(prior, curve.se, z=np.sort(x))
    order = np.argsort(x)
    np.testing.assert_allclose(found.table["map"].to_numpy()[order], fine.map, atol=1e-7)
    error = found.table["mcse"].to_numpy()[order]
    assert posterior.verdict.ess_bulk > 1000
    assert (np.abs(found.table["mean"].to_numpy()[order] - fine.mean) <= 4 * error + 1e-9).all()
    off = br.discard.normal_means(prior.rescaled(0.9), curve.se, z=np.sort(x))
    assert (np.abs(found.table["mean"].to_numpy()[order] - off.mean) > 4 * error).any()


def test_there_is_no_curve_where_it_is_not_one_for_all() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)) * [1.0, 2.0, 3.0]
    y = X[:, 0] + rng.normal(size=50)
    raw = br.Problem.from_arrays(X, y, prior=br.Gaussian(1.0), standardize=False)
    assert shrinkage(br.sample(raw)).curve is None
    uneven = br.Problem.from_arrays(X, y, prior=br.Gaussian(np.array([1.0, 2.0, 3.0])))
    assert shrinkage(br.sample(uneven)).curve is None
    even = br.Problem.from_arrays(X, y, prior=br.Gaussian(1.0))
    assert shrinkage(br.sample(even)).curve is not None
    mixed = {"x0": br.Laplace(0.05), "x1": br.Gaussian(0.3), "*": br.Flat()}
    assert shrinkage(br.sample(br.Problem.from_arrays(X, y, prior=mixed))).curve is None
    alike = {"x0": br.Laplace(0.5), "*": br.Gaussian(0.5 * 2**0.5)}  # of one variance
    assert shrinkage(br.sample(br.Problem.from_arrays(X, y, prior=alike))).curve is None
    classes = br.Problem.from_arrays(X, (y > 0) * 1.0, prior=br.Gaussian(1.0), likelihood=br.BernoulliLogit())
    assert shrinkage(br.sample(classes)).curve is None


def test_where_there_is_no_unpenalised_estimate_it_is_refused() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10, 12))
    y = X[:, 0] + rng.normal(size=10)
    wide = br.Problem.from_arrays(X, y, prior=br.Gaussian(1.0), likelihood=br.GaussianNoise(1.0))
    with pytest.raises(br.FitError):
        shrinkage(br.sample(wide))
    separated = br.Problem.from_arrays(
        X[:, :1], (X[:, 0] > 0) * 1.0, prior=br.Gaussian(1.0), likelihood=br.BernoulliLogit()
    )
    with pytest.raises(br.FitError):
        shrinkage(br.sample(separated))


def test_failed_draws_are_withheld() -> None:
    problem = orthogonal(br.Laplace(0.1))
    found = shrinkage(br.sample(problem, method="gibbs", draws=5, chains=4))
    assert found.withheld
    assert "WITHHELD" in str(found)
    assert "%" not in found.sentence.replace(found.withheld, "")
