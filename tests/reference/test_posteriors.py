"""Posteriors that others published, or that were computed with other software, drawn by our samplers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesreg.interfaces import Array
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from benchmarks.references.lasso import diabetes, lasso
from benchmarks.references.posteriordb import SMALL, diamonds
from benchmarks.references.rstanarm import longley
from tests.monte_carlo import check_means, columns

pytestmark = pytest.mark.reference


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def draw(problem: Problem) -> Posterior:
    return sample(problem, "conjugate", draws=10_000, seed=1)


# -- posteriordb: means and sds by one-dimensional quadrature ----------------------------------------------------------

Table = dict[str, Any]


def check_summary(posterior: Posterior, mean: Array, sd: Array, quantiles: dict[float, Array]) -> None:
    """Means, sds (as second moments) and quantiles (as shares of draws below them), each to its MCSE."""
    names = ["intercept_raw"] * ("intercept" in posterior.arrays) + ["beta_raw", "sigma"]
    draws = columns(posterior, *names)
    check_means(draws, mean)
    check_means((draws - mean) ** 2, sd**2)
    for share, values in quantiles.items():
        check_means((draws <= values).astype(float), np.full(mean.size, share))


def exact(shared: Path, name: str) -> tuple[Array, Array, dict[float, Array]]:
    table = pd.DataFrame(read(shared / "reference/posteriordb/exact.json")[name]["exact"]).T
    quantiles = {0.05: table["q5"], 0.5: table["q50"], 0.95: table["q95"]}
    return table["mean"].to_numpy(), table["sd"].to_numpy(), {q: v.to_numpy() for q, v in quantiles.items()}


@pytest.mark.parametrize("name", SMALL)
def test_posteriordb(name: str, shared: Path) -> None:
    data, make, _ = SMALL[name]
    posterior = draw(make(read(shared / f"data/posteriordb_{data}.json")))
    check_summary(posterior, *exact(shared, name))


def test_posteriordb_is_told_from_another_prior_of_sigma(shared: Path) -> None:
    data = read(shared / "data/posteriordb_kilpisjarvi_mod.json")
    jeffreys = Problem.from_arrays(
        np.array(data["x"])[:, None], data["y"], prior=Gaussian(data["psbeta"], loc=data["pmubeta"]),
        intercept=Gaussian(data["psalpha"], loc=data["pmualpha"]), standardize=False,
    )  # fmt: skip
    with pytest.raises(AssertionError, match="z = "):
        check_summary(draw(jeffreys), *exact(shared, "kilpisjarvi_mod-kilpisjarvi"))


# -- posteriordb's diamonds: 24 nearly collinear columns, a prior that matters, 10,000 draws ---------------------------


def drawn_diamonds(shared: Path, factor: float = 1.0) -> tuple[Posterior, pd.DataFrame]:
    """Our draws, and the published moments."""
    published = read(shared / "reference/posteriordb.json")["posteriors"]["diamonds-diamonds"]["parameters"]
    return sample(diamonds(shared, factor), "conjugate", draws=5000, seed=1), pd.DataFrame(published).T


def check_diamonds(posterior: Posterior, table: pd.DataFrame) -> None:
    draws = columns(posterior, "beta", "intercept", "sigma")
    labels = table.index.tolist()
    check_means(draws, table["mean"].to_numpy(), table["mcse_mean"].to_numpy(), labels)
    variance = table["sd"].to_numpy() ** 2
    spread = (draws - draws.mean(axis=(0, 1))) ** 2
    check_means(spread, variance, variance * np.sqrt(2 / table["ess_bulk"].to_numpy()), labels)


def test_diamonds(shared: Path) -> None:
    check_diamonds(*drawn_diamonds(shared))


@pytest.mark.parametrize("factor", [1 / 1.1, 1.1])
def test_diamonds_are_told_from_another_scale(shared: Path, factor: float) -> None:
    with pytest.raises(AssertionError, match="z = "):
        check_diamonds(*drawn_diamonds(shared, factor))


# -- rstanarm: 40,000 draws of Stan's NUTS, each number with its own Monte Carlo error --


def check_rstanarm(posterior: Posterior, shared: Path) -> None:
    table = pd.DataFrame(read(shared / "reference/rstanarm/longley_gauss_normal1.json")["summary"])
    draws = columns(posterior, "intercept", "beta", "sigma")
    labels = ["intercept", *map(str, posterior.data["posterior"]["feature"].values), "sigma"]
    assert ["(Intercept)" if name == "intercept" else name for name in labels] == table["variable"].tolist()
    mean, sd = table["mean"].to_numpy(), table["sd"].to_numpy()
    check_means(draws, mean, table["mcse_mean"].to_numpy(), labels)
    # Var' = 2·sd·sd': the error of the sd, carried over to the variance.  About the draws' own mean, as R's sd is.
    spread = (draws - draws.mean(axis=(0, 1))) ** 2
    check_means(spread, sd**2, 2 * sd * table["mcse_sd"].to_numpy(), labels)


def test_rstanarm_ridge(shared: Path) -> None:
    check_rstanarm(draw(longley(shared)), shared)


@pytest.mark.parametrize("factor", [1 / 1.1, 1.1])
def test_rstanarm_is_told_from_another_scale(factor: float, shared: Path) -> None:
    with pytest.raises(AssertionError, match="z = "):
        check_rstanarm(draw(longley(shared, factor)), shared)


# -- Leigh et al. (2024): the Bayesian lasso by perfect simulation, 1,000,000 exact draws --

RATE = "20"
"""λ of the prior Laplace(σ/λ): large enough for the prior to matter, and among those with a published table."""


@pytest.fixture(scope="module")
def leigh(shared: Path) -> Table:
    return read(shared / "reference/bayesian_lasso_exact_leigh2024.json")


@pytest.fixture(scope="module")
def bayesian_lasso(shared: Path) -> tuple[Posterior, Array, Array]:
    """NUTS draws, and the data: the one run in this file that compiles."""
    return sample(lasso(shared, float(RATE)), "nuts", draws=2000, seed=4), *diabetes(shared)


def statistics(run: tuple[Posterior, Array, Array]) -> dict[str, Array]:
    """S, the residual sum of squares, and T = Σ|β| of every draw (chain, draw)."""
    posterior, Z, y = run
    fitted = posterior.intercept[..., None] + posterior.beta @ Z.T
    return {"S": ((y - fitted) ** 2).sum(axis=-1), "T": np.abs(posterior.beta).sum(axis=-1)}


def check_quantiles(run: tuple[Posterior, Array, Array], leigh: Table, rate: str) -> None:
    """The share of our draws below each published quantile, but the extremes."""
    for name, draws in statistics(run).items():
        inner = [(p, q) for p, q in zip(leigh["probs"], leigh["quantiles"][rate][name], strict=True) if 0 < p < 1]
        below = np.stack([draws <= q for _, q in inner], axis=-1).astype(float)
        shares = np.array([p for p, _ in inner])
        # A million draws there: the published share has this error of its own.
        check_means(below, shares, np.sqrt(shares * (1 - shares) / 1e6))


def test_leigh_bayesian_lasso(bayesian_lasso: tuple[Posterior, Array, Array], leigh: Table) -> None:
    assert bayesian_lasso[0].verdict.passed, str(bayesian_lasso[0].verdict)
    check_quantiles(bayesian_lasso, leigh, RATE)


def test_leigh_bayesian_lasso_is_told_from_other_rates(
    bayesian_lasso: tuple[Posterior, Array, Array], leigh: Table
) -> None:
    others = [rate for rate in leigh["quantiles"] if rate != RATE]
    assert len(others) >= 3
    for rate in others:
        with pytest.raises(AssertionError, match="z = "):
            check_quantiles(bayesian_lasso, leigh, rate)
