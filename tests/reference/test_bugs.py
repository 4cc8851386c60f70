"""WinBUGS's examples, and a posterior of posteriordb's kind: small real data under priors that hardly matter or do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special

from bayesreg.interfaces import Array
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from benchmarks.references.bugs import STACKS, GammaPrecision, beetles, line, stacks, stacks_quantities
from benchmarks.references.posteriordb import wells
from tests.monte_carlo import LIMIT, check_means, columns
from tests.reference.importance import density_of
from tests.statistical.quadrature import Grid, integrate, rule

pytestmark = pytest.mark.reference

Table = dict[str, Any]


@pytest.fixture(scope="module")
def bugs(shared: Path) -> Table:
    return json.loads((shared / "reference/bugs_examples.json").read_text(encoding="utf-8"))


def check_table(draws: Array, table: Table, names: Sequence[str]) -> None:
    """Means, and quantiles as shares of draws below them, each to both sides' Monte Carlo errors.

    A published mean whose error is m has (sd/m)² effective draws, and so have, about, the quantiles beside it.
    """
    rows = pd.DataFrame([table[name] for name in names], columns=table["columns"])
    check_means(draws, rows["mean"].to_numpy(), rows["mc_error"].to_numpy(), names)
    effective = (rows["sd"] / rows["mc_error"]).to_numpy() ** 2
    for column, share in (("q2.5", 0.025), ("median", 0.5), ("q97.5", 0.975)):
        below = (draws <= rows[column].to_numpy()).astype(float)
        check_means(below, np.full(len(names), share), np.sqrt(share * (1 - share) / effective), names)


# -- Stacks: a normal regression on standardised columns, plain and hierarchical --------------------------------------


def drawn(posterior: Posterior, shared: Path) -> Array:
    """Draws of `STACKS`."""
    return np.stack(list(stacks_quantities(shared, posterior).values()), axis=-1)


def check_gibbs(draws: Array, table: Table) -> None:
    """Moments that a Gibbs sampler of the reference's own found, printed to three decimals, at a hundredth of an sd."""
    mean, sd = (np.array(table["independent_gibbs"][name]) for name in ("mean", "sd"))
    check_means(draws, mean, 0.01 * sd, STACKS)
    check_means((draws - draws.mean(axis=(0, 1))) ** 2, sd**2, 0.02 * sd**2, STACKS)


def test_stacks(shared: Path, bugs: Table) -> None:
    posterior = sample(stacks(shared, Gaussian(np.sqrt(1e5))), "conjugate", draws=20_000, seed=2)
    draws = drawn(posterior, shared)
    check_table(draws, bugs["stacks_normal"], STACKS)
    check_gibbs(draws, bugs["stacks_normal"])


def test_stacks_is_told_from_a_prior_that_matters(shared: Path, bugs: Table) -> None:
    posterior = sample(stacks(shared, Gaussian(10.0)), "conjugate", draws=20_000, seed=2)
    with pytest.raises(AssertionError, match="z = "):
        check_table(drawn(posterior, shared), bugs["stacks_normal"], STACKS)


@pytest.fixture(scope="module")
def stacks_ridge(shared: Path) -> Posterior:
    return sample(stacks(shared, Gaussian(GammaPrecision(0.01, 0.01))), "nuts", draws=5000, seed=3)


def test_stacks_with_an_unknown_prior_scale(stacks_ridge: Posterior, shared: Path, bugs: Table) -> None:
    assert stacks_ridge.verdict.passed, str(stacks_ridge.verdict)
    assert "beta_scale" in stacks_ridge.arrays
    draws = drawn(stacks_ridge, shared)
    check_table(draws, bugs["stacks_ridge"], STACKS)
    check_gibbs(draws, bugs["stacks_ridge"])


def test_stacks_with_an_unknown_prior_scale_is_told_from_that_without(
    stacks_ridge: Posterior, shared: Path, bugs: Table
) -> None:
    with pytest.raises(AssertionError, match="z = "):
        check_table(drawn(stacks_ridge, shared), bugs["stacks_normal"], STACKS)


# -- Line: five points ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nudge", [1.0, 1.1])
def test_line(bugs: Table, nudge: float) -> None:
    draws = columns(sample(line(bugs["line"], nudge), "conjugate", draws=20_000, seed=6), "intercept", "beta", "sigma")
    names = ["alpha", "beta", "sigma"]
    if nudge == 1.0:
        check_table(draws, bugs["line"], names)
    else:
        with pytest.raises(AssertionError, match="z = "):
            check_table(draws, bugs["line"], names)


# -- logits in two coefficients, by quadrature ------------------------------------------------------------------------


def over_plane(problem: Problem, sd: Array) -> Grid:
    """The posterior over (a, β), in a box of eight `sd` around the mode."""
    fit = fit_penalized(problem)
    centre = np.array([fit.intercept, *fit.beta])
    return integrate(
        density_of(problem), [rule(m - 8 * s, m + 8 * s, nodes=80) for m, s in zip(centre, sd, strict=True)]
    )


def beetles_moments(bugs: Table, scale: float) -> dict[str, tuple[float, float]]:
    """Mean and sd of each published quantity."""
    data = bugs["beetles_logit"]["data"]
    x = np.array(data["x"])
    grid = over_plane(beetles(bugs["beetles_logit"], Gaussian(scale)), np.array([0.138, 2.9]))
    star, beta = grid.points.T
    values = {"alpha.star": star, "beta": beta, "alpha": star - beta * x.mean()}
    values |= {f"rhat{i + 1}": data["n"][i] * special.expit(star + beta * (x - x.mean())[i]) for i in (0, 7)}
    means = {name: float(grid.mass @ v) for name, v in values.items()}
    return {name: (means[name], float(np.sqrt(grid.mass @ (v - means[name]) ** 2))) for name, v in values.items()}


def test_beetles(bugs: Table) -> None:
    answer = bugs["beetles_logit"]
    moments = beetles_moments(bugs, np.sqrt(1000))
    for name, (mean, sd) in moments.items():
        exact = answer["independent_exact_quadrature"][name]
        assert (mean, sd) == pytest.approx((exact["mean"], exact["sd"]), rel=1e-5)
        if name in answer:
            published = dict(zip(answer["columns"], answer[name], strict=True))
            assert abs(mean - published["mean"]) <= LIMIT * published["mc_error"]


def test_beetles_is_told_from_a_prior_one_per_cent_off(bugs: Table) -> None:
    exact = bugs["beetles_logit"]["independent_exact_quadrature"]
    mean, _ = beetles_moments(bugs, 1.01 * np.sqrt(1000))["beta"]
    assert abs(mean / exact["beta"]["mean"] - 1) > 1e-4


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_beetles_by_maximum_likelihood(bugs: Table, factor: float) -> None:
    mle = bugs["beetles_logit"]["mle"]
    fit = fit_penalized(beetles(bugs["beetles_logit"], Flat()))
    assert fit.intercept == pytest.approx(mle["alpha_star"], abs=2e-3)  # a random search's best
    assert (fit.beta[0] == pytest.approx(factor * mle["beta"], abs=0.06)) == (factor == 1.0)
    assert (2 * fit.objective == pytest.approx(factor * mle["deviance"], abs=0.006)) == (factor == 1.0)


def wells_moments(shared: Path, prior: Flat | Gaussian) -> Array:
    """Means and sds of intercept and slope per metre, [[mean, sd], [mean, sd]]."""
    problem = wells(shared, prior)
    grid = over_plane(problem, np.array([0.037, 0.0375]))
    intercept, slope = problem.design.to_raw(grid.points[:, 0], grid.points[:, 1:])
    mean, cov = Grid(np.column_stack([intercept, slope]), grid.mass).moments()
    return np.column_stack([mean, np.sqrt(np.diag(cov))])


def test_wells(shared: Path) -> None:
    answer = json.loads((shared / "reference/posteriordb.json").read_text(encoding="utf-8"))["wells_dist"]
    exact, drawn_there = (np.array([answer[kind][f"beta[{j}]"] for j in (1, 2)]) for kind in ("exact", "draws"))
    moments = wells_moments(shared, Flat())
    np.testing.assert_allclose(moments, exact, rtol=1e-5)
    z = (moments - drawn_there)[:, 0] / (drawn_there[:, 1] / np.sqrt(10_000))
    assert np.abs(z).max() <= LIMIT


def test_wells_is_told_from_a_weak_prior(shared: Path) -> None:
    answer = json.loads((shared / "reference/posteriordb.json").read_text(encoding="utf-8"))["wells_dist"]
    slope = wells_moments(shared, Gaussian(2.0))[1, 0]
    assert abs(slope / answer["exact"]["beta[2]"][0] - 1) > 1e-4
