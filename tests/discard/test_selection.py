"""Supports of draws' sparse projections, counted one draw at a time, and beside that of the point estimate."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from scipy import sparse

from bayesreg.discard.projection import metric, sparsest
from bayesreg.discard.selection import selection
from bayesreg.effects import SMALL
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise, StudentTNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from tests.monte_carlo import LIMIT
from tests.problems import FORMS, extras, make_problem

module = import_module("bayesreg.discard.selection")  # the package has a function of that name


def orthogonal(sigma: float = 1.0) -> Problem:
    """Two orthogonal standardised columns of known effect, and two of none, under known noise."""
    X = np.linalg.qr(np.random.default_rng(3).normal(size=(50, 5)) - np.array([0.0]))[0]
    X = np.column_stack([np.ones(50), X])
    X = np.linalg.qr(X)[0][:, 1:5] * np.sqrt(50)
    y = X @ [0.6, 0.35, 0.1, 0.0] + sigma * np.random.default_rng(4).normal(size=50)
    return Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=GaussianNoise(sigma))


def test_frequencies_are_those_of_a_count_over_draws(diabetes: Posterior) -> None:
    problem = diabetes.problem
    found = selection(diabetes, draws=10**6)
    tolerance = SMALL * problem.response_sd()
    assert found.tolerance == pytest.approx(tolerance)
    X = problem.design.rows.collect().X
    X = X - X.mean(axis=0)
    flat = diabetes.beta.reshape(-1, problem.p)
    masks = sparsest(X.T @ X / len(X), flat, tolerance)
    count = Counter(tuple(np.array(problem.names)[mask]) for mask in masks)
    table = found.table.set_index("columns")
    assert len(table) == len(count)
    assert all(table.loc[[names], "frequency"].item() == number / len(flat) for names, number in count.items())
    np.testing.assert_allclose(found.inclusion["frequency"], masks.mean(axis=0))
    assert found.table["frequency"].sum() == pytest.approx(1.0)
    assert found.table["frequency"].is_monotonic_decreasing
    np.testing.assert_allclose(found.table["cumulative"], np.cumsum(found.table["frequency"]))
    assert (found.table["size"] == found.table["columns"].map(len)).all()
    sizes = Counter(masks.sum(axis=1))
    assert {k: v / len(flat) for k, v in sizes.items()} == pytest.approx(found.sizes["frequency"].to_dict())
    assert found.draws == len(flat)


def test_inclusion_under_orthogonal_columns_has_its_closed_form() -> None:
    """With a tolerance for one column alone, exactly the support {0, 1} is that of draws with both beyond it."""
    problem = orthogonal()
    posterior = sample(problem, method="conjugate", draws=4000, seed=6)
    flat = posterior.beta.reshape(-1, 4)
    found = selection(posterior, tolerance=0.3, draws=10**6)
    order = np.sort(flat**2, axis=1)
    dropped = (np.cumsum(order, axis=1) <= 0.09).sum(axis=1)
    rank = np.argsort(np.argsort(flat**2, axis=1), axis=1)
    expected = rank >= dropped[:, None]
    np.testing.assert_allclose(found.inclusion["frequency"], expected.mean(axis=0))
    rng = np.random.default_rng(0)  # the posterior is N(m, s²) independently: an independent estimate of the same
    spread = 1 / np.sqrt(51.0)
    block = problem.design.rows.collect()
    mean = block.X.T @ block.y / 51.0
    others = mean + spread * rng.normal(size=(200_000, 4))
    beyond = (
        np.argsort(np.argsort(others**2, axis=1), axis=1)
        >= ((np.cumsum(np.sort(others**2, axis=1), axis=1) <= 0.09).sum(axis=1)[:, None])
    )
    error = np.hypot(found.inclusion["mcse"], np.sqrt(beyond.var(axis=0) / len(beyond)))
    free = error > 0
    z = (found.inclusion["frequency"] - beyond.mean(axis=0))[free] / error[free]
    assert np.abs(z).max() <= LIMIT
    wrong = selection(posterior, tolerance=0.33, draws=10**6)
    z = (wrong.inclusion["frequency"] - beyond.mean(axis=0))[free] / error[free]
    assert np.abs(z).max() > LIMIT


def test_the_map_stands_beside_the_draws(diabetes: Posterior) -> None:
    optimum = fit_penalized(diabetes.problem)
    found = selection(diabetes, optimum)
    names = np.array(diabetes.problem.names)
    assert found.map_support == tuple(names[~optimum.zeros])
    np.testing.assert_array_equal(found.inclusion["map_keeps"], ~optimum.zeros)
    own = found.table[found.table["is_map"]]
    assert found.map_frequency == own["frequency"].sum()
    assert len(found.map_projected) < len(found.map_support)
    row = found.table[found.table["columns"] == found.map_projected]
    assert (found.projected_frequency, found.projected_mcse) == (row["frequency"].item(), row["mcse"].item())
    text = str(found)
    assert text.startswith(f"The MAP's support of {len(found.map_support)} columns is that of ")
    assert f"{len(found.credible_set())} supports are needed for 95 %" in text
    assert f"Projected as the draws are, it keeps {len(found.map_projected)} columns" in text
    ridge = selection(diabetes, fit_penalized(diabetes.problem.with_prior(Gaussian(5.0))))
    assert len(ridge.map_support) == diabetes.problem.p


def test_the_credible_set_is_the_smallest_with_its_frequency(diabetes: Posterior) -> None:
    found = selection(diabetes)
    shares = found.table["frequency"].to_numpy()
    for prob in (0.3, 0.5, 0.95, 1.0):
        kept = found.credible_set(prob)
        assert kept["frequency"].sum() >= prob - 1e-9
        assert kept["frequency"].sum() - kept["frequency"].iloc[-1] < prob
        assert kept["frequency"].tolist() == shares[: len(kept)].tolist()
    for prob in (0.0, 1.1, "all", True):
        with pytest.raises(ParameterError, match="credible_set: prob must be"):
            found.credible_set(prob)  # type: ignore[arg-type]


def gram_of(problem: Problem, weights: Array) -> Array:
    X = problem.design.rows.collect().X
    X = X.toarray() if sparse.issparse(X) else X
    away = X - weights @ X / weights.sum() if problem.has_intercept else X
    return (away * weights[:, None]).T @ away / weights.sum()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "binomial", "poisson"])
def test_the_metric_is_the_curvature_at_the_point(kind: str, form: str) -> None:
    problem = FORMS[form](kind)
    optimum = fit_penalized(problem)
    block = problem.design.rows.collect()
    eta = problem.linear_predictor(block, problem.join(optimum.intercept, optimum.beta))
    weights = block.weighted(problem.likelihood.on(block).d2(eta, block.y))
    np.testing.assert_allclose(metric(problem, optimum), gram_of(problem, weights), rtol=1e-9, atol=1e-12)


def test_rows_that_bend_the_wrong_way_have_no_negative_weight() -> None:
    problem = make_problem("student-t", likelihood=StudentTNoise(1.0, 0.2))
    gram = metric(problem, fit_penalized(problem))
    assert np.linalg.eigvalsh(gram)[0] > 0


def test_sparse_columns_have_the_metric_of_dense_ones() -> None:
    X = sparse.random_array((200, 6), density=0.4, rng=np.random.default_rng(1), format="csr")
    y = X @ np.array([1.0, 0.2, 0.0, 0.0, -0.2, 0.0]) + np.random.default_rng(2).normal(size=200)
    problem = Problem.from_arrays(X, y, prior=Laplace(0.1), **extras(200))
    weights = problem.design.rows.collect().weights
    np.testing.assert_allclose(metric(problem, fit_penalized(problem)), gram_of(problem, weights), atol=1e-12)


def test_a_logistic_posterior_has_its_supports(logistic: Posterior) -> None:
    found = selection(logistic)
    assert found.inclusion["frequency"].iloc[0] > 0.99
    assert found.inclusion["frequency"].iloc[3:].max() < 0.9
    assert found.tolerance == pytest.approx(SMALL * np.pi / np.sqrt(3))


def test_supports_are_off_the_priors_location() -> None:
    problem = make_problem(prior=Laplace(1e-3, loc=[0.0, 2.0, -1.0, 0.5]), likelihood=GaussianNoise(1.75))
    found = selection(sample(problem))
    assert found.map_support == ()
    assert found.map_frequency > 0.95
    assert "(none)" in str(found)
    assert "1 support is needed" in str(found)


def test_draws_are_thinned_evenly_and_the_text_says_how_many(
    diabetes: Posterior, monkeypatch: pytest.MonkeyPatch
) -> None:
    chains, length = diabetes.beta.shape[:2]
    for asked in (100, 1000, 10**6):
        found = selection(diabetes, draws=asked)
        assert found.draws == chains * min(length, asked // chains)
        assert f"of {found.draws} draws" in str(found)
    monkeypatch.setattr(module, "EXHAUSTIVE", 2)
    monkeypatch.setattr(module, "BUDGET", 1.0)
    found = selection(diabetes)
    assert found.draws <= module.FEWEST
    assert "fewer draws than asked for" in str(found)


def test_chains_of_which_few_draws_are_left_have_errors_too(diabetes: Posterior) -> None:
    arrays = {name: values.reshape(-1, 16, *values.shape[2:]) for name, values in diabetes.arrays.items()}
    short = replace(diabetes, arrays=arrays)
    assert short.beta.shape[0] > 200
    whole = selection(diabetes, draws=10**6)
    for draws in (100, 1000):
        found = selection(short, draws=draws)
        assert np.isfinite(found.table["mcse"]).all()
        assert np.isfinite(found.inclusion["mcse"]).all()
        assert "nan" not in str(found)
        error = np.hypot(found.inclusion["mcse"], whole.inclusion["mcse"])
        free = error > 0.003
        z = (found.inclusion["frequency"] - whole.inclusion["frequency"])[free] / error[free]
        assert np.abs(z).max() <= LIMIT
        expected = np.sqrt(found.projected_frequency * (1 - found.projected_frequency) / found.draws)
        assert found.projected_mcse == pytest.approx(expected, rel=0.35)  # some 250 chains, hardly dependent draws


def test_more_supports_are_needed_than_draws_can_show(diabetes: Posterior) -> None:
    p = 60
    rng = np.random.default_rng(5)
    X = rng.normal(size=(100, p))
    problem = Problem.from_arrays(X, rng.normal(size=100), prior=Laplace(0.1), likelihood=GaussianNoise(1.0))
    scattered = replace(diabetes, problem=problem, arrays={"beta": 0.2 * rng.laplace(size=(4, 100, p))})
    found = selection(scattered, draws=400)
    assert found.unseen == 1.0
    assert f"more than {found.needed[0]} supports are needed for 95 %, as no two of these draws share one" in str(found)
    some = replace(found, unseen=0.3, unseen_error=0.02)
    assert "are needed for 95 %, as a further draw has a new one with probability 0.300 ± 0.02" in str(some)
    assert "that of none of 400 draws (at most about 0.0075)" in str(found)
    few = selection(diabetes)
    assert few.unseen < 0.05
    assert "more than" not in str(few)
    assert few.needed[1] <= few.needed[0] == len(few.credible_set()) <= few.needed[2]
    assert few.mean_size == pytest.approx(few.sizes["frequency"] @ few.sizes.index.to_numpy(dtype=float))
    assert f"{few.mean_size:.2f} ± {few.mean_size_mcse:.1g} on average" in str(few)


def test_draws_that_failed_say_nothing(failed: Posterior) -> None:
    text = str(selection(failed))
    assert text.startswith("selection: WITHHELD: ")
    assert "%" not in text.removeprefix(f"selection: WITHHELD: {selection(failed).withheld}")


def test_bad_arguments_are_refused(diabetes: Posterior) -> None:
    for tolerance in (0.0, -1.0, np.inf, "small"):
        with pytest.raises(ParameterError, match="tolerance"):
            selection(diabetes, tolerance=tolerance)  # type: ignore[arg-type]
    for draws in (0, 1, 2.5, True):
        with pytest.raises(ParameterError, match="draws must be an integer >= 2"):
            selection(diabetes, draws=draws)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="takes a Posterior"):
        selection(diabetes.problem)  # type: ignore[arg-type]


def test_a_problem_without_columns_has_the_empty_support() -> None:
    y = np.random.default_rng(0).normal(size=20)
    found = selection(sample(Problem.from_arrays(np.empty((20, 0)), y, prior=Laplace(1.0))))
    assert found.table["columns"].tolist() == [()]
    assert found.map_frequency == 1.0


def test_a_wide_tolerance_leaves_no_column_and_a_narrow_one_all(diabetes: Posterior) -> None:
    assert selection(diabetes, tolerance=1e4).table["columns"].tolist() == [()]
    assert selection(diabetes, tolerance=1e-6).table["size"].tolist() == [10]
    shifted = replace(diabetes, arrays={**diabetes.arrays, "beta": np.zeros_like(diabetes.beta)})
    assert selection(shifted).table["columns"].tolist() == [()]


def test_a_point_without_the_dispersion_that_the_curvature_needs_is_refused(diabetes: Posterior) -> None:
    problem = make_problem("student-t", likelihood=StudentTNoise(3.0))
    posterior = replace(diabetes, problem=problem, arrays={"beta": np.zeros((4, 100, problem.p))})
    with pytest.raises(ParameterError, match="the optimum has no dispersion, which is unknown here"):
        selection(posterior, replace(fit_penalized(problem), sigma=None))


def test_rows_without_curvature_are_refused(logistic: Posterior) -> None:
    far = replace(fit_penalized(logistic.problem), intercept=1e4)
    with pytest.raises(FitError, match="no curvature at the point estimate"):
        selection(logistic, far)
