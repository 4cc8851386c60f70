"""Percentiles of the mode on resampled rows: held to copies of rows, and to SciPy's bootstrap."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from scipy import sparse, stats

from bayesreg.arguments import generator
from bayesreg.discard.bootstrap import bootstrap
from bayesreg.discard.intervals import Intervals
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from bayesreg.scales import HalfCauchy
from tests.monte_carlo import LIMIT
from tests.problems import FAMILIES, FORMS, make_problem

FEW = 12


def on_copies(problem: Problem, replications: int, seed: int) -> Array:
    """Modes on rows that are copied: each replication a problem of its own, fitted from scratch."""
    block, rng, found = problem.design.rows.collect(), generator(seed), []
    weights = np.ones(problem.n) if block.weights is None else block.weights
    counted = np.flatnonzero(weights > 0)
    for _ in range(replications):
        rows = np.repeat(counted, rng.multinomial(counted.size, np.full(counted.size, 1 / counted.size)))
        copied = Problem.from_arrays(
            block.X[rows], block.y[rows], prior=problem.prior, likelihood=problem.likelihood, standardize=False,
            intercept=problem.intercept, weights=weights[rows], offset=block.offset[rows],
            trials=None if block.trials is None else block.trials[rows],
        )  # fmt: skip
        found.append(fit_penalized(copied).beta)
    return np.array(found)


@pytest.mark.parametrize("form", ["plain", "weights-and-offset", "no-intercept", "gaussian-intercept"])
@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if FAMILIES[kind].make().convex])
def test_weights_stand_for_copies_of_rows(kind: str, form: str) -> None:
    problem = FORMS[form](kind, prior=Laplace(0.15))
    found = bootstrap(problem, replications=FEW, seed=3)
    copies = on_copies(problem, FEW, 3)
    np.testing.assert_allclose(found.table["lower"], np.quantile(copies, 0.025, axis=0), atol=2e-6)
    np.testing.assert_allclose(found.table["upper"], np.quantile(copies, 0.975, axis=0), atol=2e-6)
    np.testing.assert_array_equal(found.table["zero"], (copies == 0).mean(axis=0))
    np.testing.assert_allclose(found.table["estimate"], fit_penalized(problem).beta, atol=1e-9)


@pytest.mark.parametrize("prior", [Gaussian(0.5), GroupLaplace([0, 0, 1, 1], 0.2), Bridge(0.9, 1.5)], ids=repr)
def test_other_convex_priors(prior: Any) -> None:
    problem = make_problem("gaussian", prior=prior)
    found = bootstrap(problem, replications=FEW, seed=4)
    np.testing.assert_allclose(found.table["upper"], np.quantile(on_copies(problem, FEW, 4), 0.975, axis=0), atol=2e-6)


def test_ends_in_the_datas_units_are_divided_by_the_columns_scale() -> None:
    problem = make_problem("gaussian")
    table = bootstrap(problem, replications=FEW).table
    for name in ("estimate", "lower", "upper"):
        np.testing.assert_allclose(table[f"{name}_raw"] * problem.design.scale, table[name])


def of_a_mean(y: Array, replications: int) -> Any:
    """Table of the one column of a problem whose mode is the mean of y."""
    problem = Problem.from_arrays(
        np.ones((y.size, 1)), y, prior=Flat(), likelihood=GaussianNoise(1.0), intercept=None, standardize=False
    )
    return bootstrap(problem, replications=replications, seed=5).table.iloc[0]


def off_scipy(y: Array, reference: Array) -> float:
    """The ends' distance from those of SciPy's percentile bootstrap of `reference`, in their Monte Carlo errors."""
    size = 4000
    found = of_a_mean(y, size)
    rng = np.random.default_rng(6)
    expected = stats.bootstrap((reference,), np.mean, n_resamples=size, method="percentile", rng=rng)
    ends = np.array([expected.confidence_interval.low, expected.confidence_interval.high])
    error = np.array([found["lower_mcse"], found["upper_mcse"]]) * np.sqrt(2)
    return float((np.abs(np.array([found["lower"], found["upper"]]) - ends) / error).max())


def test_scipy_finds_the_same_of_a_mean_and_tells_a_spread_twenty_per_cent_off() -> None:
    y = np.random.default_rng(7).gamma(2.0, size=40)
    assert off_scipy(y, y) <= LIMIT
    assert off_scipy(y.mean() + 1.2 * (y - y.mean()), y) > LIMIT


def test_a_share_of_the_replications_without_an_optimum_is_told_and_too_many_refused() -> None:
    rng = np.random.default_rng(8)
    x = np.sort(rng.normal(size=24))
    y = (x > 0).astype(float)
    y[[3, 8, 15, 20]] = 1 - y[[3, 8, 15, 20]]  # each sample may miss what keeps the classes from being separated
    problem = Problem.from_arrays(x[:, None], y, prior=Flat(), likelihood=BernoulliLogit())
    told = bootstrap(problem, replications=300)
    assert "of them without a finite optimum" in told.text
    y = (x > 0).astype(float)
    y[3] = 1.0
    with pytest.raises(FitError, match="have no finite optimum; give a proper prior"):
        bootstrap(Problem.from_arrays(x[:, None], y, prior=Flat(), likelihood=BernoulliLogit()), replications=60)


def test_sparse_rows_unknown_noise_and_no_columns() -> None:
    problem = make_problem("gaussian")
    block = problem.design.rows.collect()
    X = sparse.csr_array(np.where(np.abs(block.X) > 0.7, block.X, 0.0))
    options: dict[str, Any] = {"prior": Laplace(0.2), "scale_by_noise": True}
    thin = bootstrap(Problem.from_arrays(X, block.y, **options), replications=FEW)
    scale = np.sqrt(X.toarray().var(axis=0))
    thick = Problem.from_arrays(X.toarray() / scale, block.y, **options, standardize=False)
    np.testing.assert_allclose(thin.table["lower"], bootstrap(thick, replications=FEW).table["lower"], atol=2e-6)
    assert "at σ = " in thin.text
    assert bootstrap(make_problem("gaussian", p=0), replications=FEW).table.empty


@pytest.mark.parametrize("rescale", ["cv", "evidence"])
def test_a_scale_chosen_anew_adds_its_scatter(rescale: str) -> None:
    problem = make_problem("gaussian", prior=Gaussian(0.3), n=20)
    anew = bootstrap(problem, replications=10, rescale=rescale, seed=1)
    held = bootstrap(problem, replications=10, seed=1)
    assert f"its λ chosen anew ({rescale})" in anew.text
    assert "at the same λ" in held.text
    assert (anew.table["lower"] != held.table["lower"]).all()


def test_progress_reaches_the_end_and_a_seed_repeats(diabetes: Posterior) -> None:
    calls: list[tuple[int, int]] = []
    first = bootstrap(diabetes.problem, replications=120, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(50, 120), (100, 120), (120, 120)]
    np.testing.assert_array_equal(first.table, bootstrap(diabetes.problem, replications=120).table)
    assert (first.table["lower"] != bootstrap(diabetes.problem, replications=120, seed=1).table["lower"]).any()
    assert (first.table["lower"] <= first.table["upper"]).all()


@pytest.mark.parametrize(("options", "said"), [
    ({"interval": 1.0}, "interval"), ({"interval": True}, "interval"), ({"replications": 9}, "replications"),
    ({"rescale": "hierarchical"}, "rescale"), ({"seed": -1}, "seed"), ({"sigma": 2.0}, "sigma"),
])  # fmt: skip
def test_settings_outside_what_they_can_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        bootstrap(make_problem("gaussian"), **options)


@pytest.mark.parametrize("problem", [
    make_problem("student-t"), make_problem("gaussian", prior=Bridge(1.0, 0.5)),
    make_problem("gaussian", prior=Laplace(HalfCauchy(1.0))),
], ids=["student-t", "bridge", "unknown-scale"])  # fmt: skip
def test_problems_that_it_is_not_for(problem: Problem) -> None:
    with pytest.raises(ParameterError, match=r"convex|scale"):
        bootstrap(problem)


def test_what_is_no_problem_is_refused() -> None:
    with pytest.raises(ParameterError, match="takes a Problem"):
        bootstrap("diabetes")  # type: ignore[arg-type]
    assert inspect.signature(bootstrap).return_annotation == Intervals.__name__
