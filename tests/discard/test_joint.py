"""Posterior correlations, and pairs of which the MAP keeps one and drops the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import multivariate_normal

from bayesreg.discard.joint import correlations, kept_columns, tradeoffs
from bayesreg.effects import small_effect
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import HalfCauchy
from tests.monte_carlo import LIMIT
from tests.problems import FORMS, extras, make_problem


def flat(posterior: Posterior) -> Array:
    return posterior.beta.reshape(-1, posterior.problem.p)


def twins(rho: float = 0.98, **options: object) -> Problem:
    """Two columns of nearly the same values, of which the lasso keeps one, and a third without effect."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=80)
    X = np.column_stack([x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=80), rng.normal(size=80)])
    return Problem.from_arrays(
        X, x + 2.0 * rng.normal(size=80), prior=Laplace(0.12), names=["one", "two", "three"], **options
    )


def test_correlations_are_numpys(diabetes: Posterior) -> None:
    found = correlations(diabetes)
    np.testing.assert_allclose(found.to_numpy(), np.corrcoef(flat(diabetes).T), atol=1e-12)
    assert list(found.index) == list(found.columns) == list(diabetes.problem.names)
    some = correlations(diabetes, names=["tc", "age"])
    assert some.loc["tc", "age"] == pytest.approx(found.loc["tc", "age"])


def test_correlations_of_unknown_or_of_too_many_columns_are_refused(diabetes: Posterior) -> None:
    with pytest.raises(ParameterError, match="'s9' is no column"):
        correlations(diabetes, names=["s9"])
    with pytest.raises(ParameterError, match="'5' is no column"):
        correlations(diabetes, names=5)  # type: ignore[arg-type]
    p = 2001
    X = np.random.default_rng(0).normal(size=(4, p))
    wide = replace(
        diabetes,
        problem=Problem.from_arrays(X, X[:, 0], prior=Laplace(1.0)),
        arrays={"beta": np.random.default_rng(1).normal(size=(2, 5, p))},
    )
    with pytest.raises(ParameterError, match=r"2001 columns are more than 2000; choose some of them with names"):
        correlations(wide)
    assert correlations(wide, names=wide.problem.names[:3]).shape == (3, 3)


def test_every_pair_is_counted_as_a_loop_counts_it(diabetes: Posterior) -> None:
    optimum = fit_penalized(diabetes.problem)
    draws, zero, names = np.abs(flat(diabetes)), optimum.zeros, diabetes.problem.names
    expected = {}
    for i in np.flatnonzero(~zero):
        for j in np.flatnonzero(zero):
            larger = (draws[:, i] > draws[:, j]).mean()
            if 0.05 < larger < 0.95:
                expected[names[i], names[j]] = larger
    found = tradeoffs(diabetes, optimum, limit=1000)
    assert found.count == len(found.table) == len(expected) > 0
    assert found.kept + found.dropped == diabetes.problem.p
    table = found.table.set_index(["kept", "dropped"])
    small = small_effect(diabetes.problem, None)
    X = diabetes.problem.design.rows.collect().X
    for (one, other), larger in expected.items():
        row, i, j = table.loc[(one, other)], names.index(one), names.index(other)
        assert row["p_larger"] == larger
        assert row["p_both_small"] == ((draws[:, i] <= small[i]) & (draws[:, j] <= small[j])).mean()
        assert row["p_neither_small"] == ((draws[:, i] > small[i]) & (draws[:, j] > small[j])).mean()
        assert row["correlation"] == pytest.approx(np.corrcoef(flat(diabetes)[:, [i, j]].T)[0, 1])
        assert row["column_correlation"] == pytest.approx(np.corrcoef(X[:, [i, j]].T)[0, 1])
    assert found.table["correlation"].abs().is_monotonic_decreasing
    assert len(tradeoffs(diabetes, optimum, limit=2).table) == 2
    assert tradeoffs(diabetes, optimum, limit=2).count == found.count


def test_probabilities_are_those_of_the_normal_that_was_drawn_from() -> None:
    problem = make_problem(prior=Gaussian(0.6), likelihood=GaussianNoise(1.75))
    posterior = sample(problem, method="conjugate", draws=4000, seed=2)
    X = problem.design.rows.collect().X
    cov = np.linalg.inv(X.T @ X / 1.75**2 + np.eye(4) / 0.36)  # the columns are centred
    optimum = fit_penalized(problem)
    # A threshold between two MAPs: one is kept, the others of them dropped.
    order = np.argsort(np.abs(optimum.beta))
    cut = float(np.abs(optimum.beta)[order[-2:]].mean())
    found = tradeoffs(posterior, epsilon=cut)
    assert (found.kept, found.dropped) == (1, 3)
    for _, row in found.table.iterrows():
        i, j = (problem.names.index(row[c]) for c in ("kept", "dropped"))
        law = multivariate_normal(optimum.beta[[i, j]], cov[np.ix_([i, j], [i, j])])
        both = np.array([[s, t] for s in (1, -1) for t in (1, -1)]) * cut
        box = sum(np.prod(np.sign(corner)) * law.cdf(corner) for corner in both)
        assert abs(row["p_both_small"] - box) <= LIMIT * row["p_both_small_mcse"]
        turn = np.array([[1.0, -1.0], [1.0, 1.0]])  # |a| > |b| where a − b and a + b have one sign
        mean, spread = turn @ law.mean, turn @ law.cov @ turn.T
        turned = multivariate_normal(mean, spread)
        larger = turned.cdf([0, 0]) + multivariate_normal(-mean, spread).cdf([0, 0])
        assert abs(row["p_larger"] - larger) <= LIMIT * row["p_larger_mcse"]
        off = multivariate_normal(1.3 * mean, spread)
        wrong = off.cdf([0, 0]) + multivariate_normal(-1.3 * mean, spread).cdf([0, 0])
        assert abs(row["p_larger"] - wrong) > LIMIT * row["p_larger_mcse"]
        rho = cov[i, j] / np.sqrt(cov[i, i] * cov[j, j])
        assert abs(row["correlation"] - rho) <= LIMIT * row["correlation_mcse"]
        assert row["correlation_mcse"] == pytest.approx((1 - rho**2) / np.sqrt(posterior.beta[..., 0].size), rel=0.2)


@pytest.mark.parametrize("options", [{}, {"weights": np.arange(80) % 3 * 1.0}], ids=["plain", "weighted"])
def test_columns_alike_are_traded_first(options: dict[str, Array]) -> None:
    problem = twins(**options)
    found = tradeoffs(sample(problem))
    assert {found.table.iloc[0]["kept"], found.table.iloc[0]["dropped"]} == {"one", "two"}
    X = problem.design.rows.collect().X
    weights = options.get("weights", np.ones(80))
    expected = np.cov(X[:, :2].T, aweights=weights, ddof=0)
    rho = expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1])
    assert found.table.iloc[0]["column_correlation"] == pytest.approx(rho)
    assert found.table.iloc[0]["correlation"] < -0.3
    assert found.table["correlation"].abs().iloc[1:].max() < 0.2
    text = str(found)
    assert "of which the posterior cannot tell the larger effect" in text
    assert f"{found.table.iloc[0]['kept']} is kept and {found.table.iloc[0]['dropped']} dropped" in text


def test_what_counts_as_dropped_follows_the_kink() -> None:
    for prior in (GroupLaplace([0, 0, 1, 1], 0.1), Bridge(3.0, 0.5), Laplace(0.05, loc=0.3)):
        problem = make_problem(prior=prior)
        optimum = fit_penalized(problem)
        np.testing.assert_array_equal(kept_columns(problem, optimum, 10.0), ~optimum.zeros)
    problem = make_problem(prior={"x0": Flat(), "*": Laplace(0.05)}, names=["x0", "x1", "x2", "x3"])
    optimum = fit_penalized(problem)
    expected = np.where(np.arange(4) == 0, np.abs(optimum.beta) > 0.1, ~optimum.zeros)
    np.testing.assert_array_equal(kept_columns(problem, optimum, 0.1), expected)
    unknown = make_problem(prior=Laplace(HalfCauchy(1.0)))
    fixed = fit_penalized(make_problem(prior=Laplace(0.05)))
    np.testing.assert_array_equal(kept_columns(unknown, fixed, 0.1), ~fixed.zeros)


def test_sizes_are_distances_from_the_location() -> None:
    problem = make_problem(prior=Laplace(0.1, loc=[0.0, 1.0, 0.0, 1.0]))
    posterior, optimum = sample(problem), fit_penalized(problem)
    found = tradeoffs(posterior, optimum, limit=1)
    i, j = (problem.names.index(found.table.iloc[0][c]) for c in ("kept", "dropped"))
    away = np.abs(flat(posterior) - problem.prior.location(4))
    assert found.table.iloc[0]["p_larger"] == (away[:, i] > away[:, j]).mean()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_problem_is_taken(form: str) -> None:
    for prior in (Laplace(0.1), Gaussian(0.3)):
        assert str(tradeoffs(sample(FORMS[form]("gaussian", prior=prior)))).startswith("The MAP keeps")


def test_sparse_columns_are_taken() -> None:
    X = sparse.random_array((200, 6), density=0.4, rng=np.random.default_rng(1), format="csr")
    y = X @ np.array([1.0, 0.2, 0.0, 0.0, -0.2, 0.0]) + np.random.default_rng(2).normal(size=200)
    found = tradeoffs(sample(Problem.from_arrays(X, y, prior=Laplace(0.1), **extras(200))), limit=3)
    block = sample(Problem.from_arrays(X, y, prior=Laplace(0.1), **extras(200))).problem.design.rows.collect()
    covariance = np.cov(block.X.toarray().T, aweights=block.weights, ddof=0)
    for _, row in found.table.iterrows():
        i, j = (int(row[c][1:]) for c in ("kept", "dropped"))
        rho = covariance[i, j] / np.sqrt(covariance[i, i] * covariance[j, j])
        assert row["column_correlation"] == pytest.approx(rho)


def test_pairs_that_could_be_counted_otherwise_are_counted(diabetes: Posterior) -> None:
    optimum = fit_penalized(diabetes.problem)
    draws, zero = np.abs(flat(diabetes)), optimum.zeros
    larger = np.array([(draws[:, i] > draws[:, j]).mean() for i in np.flatnonzero(~zero) for j in np.flatnonzero(zero)])
    from_edge = np.minimum(np.abs(larger - 0.05), np.abs(larger - 0.95))
    counts = []
    for effective in (3.0, 10.0, 30.0, 100.0, diabetes.verdict.ess_bulk):
        judged = replace(diabetes, verdict=replace(diabetes.verdict, ess_bulk=effective))
        counts.append(tradeoffs(judged, optimum).unsure)
        assert counts[-1] == (from_edge <= 2 * np.sqrt(0.05 * 0.95 / effective)).sum()
    assert len(set(counts)) > 2
    found = tradeoffs(diabetes, optimum)
    blunt = tradeoffs(replace(diabetes, verdict=replace(diabetes.verdict, ess_bulk=10.0)), optimum)
    assert f"(of {blunt.unsure}, P is within Monte Carlo error of 0.05 or 0.95)" in str(blunt)
    # What is counted in other draws of the same posterior lies within those that could be counted otherwise.
    again = tradeoffs(sample(diabetes.problem, seed=11), optimum)
    assert abs(again.count - found.count) <= max(found.unsure, again.unsure)


def test_the_sentence_has_the_most_traded_pairs_numbers(diabetes: Posterior) -> None:
    found = tradeoffs(diabetes)
    first = found.table.iloc[0]
    assert f"correlation of {first['correlation']:.3f} ± {first['correlation_mcse']:.1g} and" in found.sentence
    assert f"= {first['p_larger']:.3f} ± {first['p_larger_mcse']:.1g}." in found.sentence


def test_there_may_be_no_pair(diabetes: Posterior, failed: Posterior) -> None:
    everything = tradeoffs(diabetes, fit_penalized(diabetes.problem.with_prior(Laplace(1e4))))
    assert everything.dropped == everything.count == 0
    assert "no pair" in str(everything)
    assert list(everything.table.columns) == list(tradeoffs(diabetes).table.columns)
    y = np.random.default_rng(0).normal(size=20)
    empty = tradeoffs(sample(Problem.from_arrays(np.empty((20, 0)), y, prior=Laplace(1.0))))
    assert "no pair" in str(empty)
    told = str(tradeoffs(failed))
    assert told.startswith("trade-offs: WITHHELD: ")
    assert "keeps" not in told


def test_bad_arguments_are_refused(diabetes: Posterior) -> None:
    with pytest.raises(ParameterError, match="limit must be an integer"):
        tradeoffs(diabetes, limit=0)
    with pytest.raises(ParameterError, match="epsilon must be"):
        tradeoffs(diabetes, epsilon=-1.0)
    with pytest.raises(ParameterError, match="takes a Posterior"):
        tradeoffs(diabetes.problem)  # type: ignore[arg-type]


def test_a_thousand_columns(diabetes: Posterior) -> None:
    p = 1000
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, p))
    problem = Problem.from_arrays(
        X, X[:, :20].sum(axis=1) + rng.normal(size=100), prior=Laplace(0.1), likelihood=GaussianNoise(1.0)
    )
    optimum = fit_penalized(problem)
    posterior = replace(diabetes, problem=problem, arrays={"beta": rng.normal(size=(4, 1000, p))})
    found = tradeoffs(posterior, optimum)
    assert found.count == found.kept * found.dropped
