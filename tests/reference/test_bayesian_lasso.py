"""The Bayesian lasso of the diabetes data at every published λ: Park & Casella (2008), Leigh et al. (2024).

Both are the prior Laplace(σ/λ) in units of the noise, under p(σ) ∝ 1/σ, met by importance sampling of our density;
`test_posteriors` meets one of Leigh's by NUTS.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesreg.interfaces import Array
from benchmarks.references.lasso import RATES, diabetes, lasso
from tests.monte_carlo import LIMIT
from tests.reference.importance import Weighted, density_of, sample_by_importance

pytestmark = pytest.mark.reference

Table = dict[str, Any]


def read(shared: Path, name: str) -> Table:
    return json.loads((shared / f"reference/{name}.json").read_text(encoding="utf-8"))


@cache
def posterior(shared: Path, rate: float) -> Weighted:
    """Weighted draws of (a, β, log σ) at λ = `rate`, on columns of sd 1."""
    return sample_by_importance(
        density_of(lasso(shared, rate)), [150.0, *np.zeros(10), 4.0], [5.0, *np.full(10, 8.0), 0.05]
    )


def shares(found: Weighted, values: Array, quantiles: Array) -> tuple[Array, Array]:
    """Probabilities, each with its error, that `values` (m, q) lie below `quantiles` (q,)."""
    return found.mean((values <= quantiles).astype(float))


def check(share: Array, expected: Array, error: Array) -> None:
    z = np.abs((share - expected) / error).max()
    assert z <= LIMIT, f"z = {z:.1f}"


# -- Leigh et al.: quantiles of S, the residual sum of squares, and T = Σ|β|, by a million exact draws -----------------


def check_leigh(shared: Path, rate: str, factor: float = 1.0) -> None:
    answer = read(shared, "bayesian_lasso_exact_leigh2024")
    Z, y = diabetes(shared)
    found = posterior(shared, float(rate) * factor)
    intercept, beta = found.points[:, :1], found.points[:, 1:-1]
    # S = Σ(y − ȳ)² − 2 Σ y zᵀβ + |Zβ|² + n(a − ȳ)², the columns being centred.
    squares = ((y - y.mean()) ** 2).sum() + y.size * (intercept[:, 0] - y.mean()) ** 2
    squares = squares - 2 * beta @ (Z.T @ y) + ((beta @ np.linalg.cholesky(Z.T @ Z)) ** 2).sum(axis=1)
    for name, values in {"S": squares, "T": np.abs(beta).sum(axis=1)}.items():
        pairs = zip(answer["probs"], answer["quantiles"][rate][name], strict=True)
        p, q = np.array([(p, q) for p, q in pairs if 0 < p < 1]).T
        share, error = shares(found, values[:, None], q)
        check(share, p, np.hypot(error, np.sqrt(p * (1 - p) / 1e6)))


@pytest.mark.parametrize("rate", RATES)
def test_leigh(rate: str, shared: Path) -> None:
    check_leigh(shared, rate)


# At the least λ the prior hardly matters, and must be further off to be seen.
@pytest.mark.parametrize("rate", RATES)
def test_leigh_is_told_from_another_rate(rate: str, shared: Path) -> None:
    with pytest.raises(AssertionError, match="z = "):
        check_leigh(shared, rate, 1.5 if rate == "0.237" else 1.1)


# -- Park & Casella's Table 1, at λ = 0.237 on columns of norm 1 -------------------------------------------------------


def check_park_casella(shared: Path, factor: float = 1.0) -> None:
    """The table's medians and intervals, from 10,000 draws, and those of a Gibbs sampler of 256,000."""
    table = read(shared, "paper_tables")["park_casella_2008_diabetes"]
    size = np.sqrt(441)  # norm of a column of sd 1
    found = posterior(shared, table["lambda_"] * size * factor)
    beta = found.points[:, 1:-1] * size
    sd = np.sqrt(np.diag(found.moments()[1]))[1:-1] * size
    again, ends = table["recomputed_gibbs"], np.transpose(table["ci95"])
    printed = {0.025: ends[0], 0.5: np.array(table["posterior_median"]), 0.975: ends[1]}
    recomputed = {0.025: "q2_5", 0.5: "median", 0.975: "q97_5"}
    for column, (p, quantiles) in enumerate(printed.items()):
        share, error = shares(found, beta, quantiles)
        check(share, np.full(10, p), np.hypot(error, np.sqrt(p * (1 - p) / 10_000)))
        q = np.array(again[recomputed[p]])
        share, error = shares(found, beta, q)
        density = (shares(found, beta, q + 0.1 * sd)[0] - shares(found, beta, q - 0.1 * sd)[0]) / (0.2 * sd)
        check(share, np.full(10, p), np.hypot(error, density * np.array(again["mc_se_q2_5_med_q97_5"])[:, column]))


def test_park_and_casella(shared: Path) -> None:
    check_park_casella(shared)


@pytest.mark.parametrize("factor", [1 / 1.1, 1.1])
def test_park_and_casella_are_told_from_another_rate(factor: float, shared: Path) -> None:
    with pytest.raises(AssertionError, match="z = "):
        check_park_casella(shared, factor)
