"""The Bayesian lasso of the diabetes data: Park & Casella (2008), and exact simulation by Leigh et al. (2024)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import bayesreg as br
from benchmarks.references.case import Case, read_json

RATES = ("0.237", "1", "5", "20")


def diabetes(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return columns of mean 0 and sd 1 (n − 1), and y."""
    frame = pd.read_csv(shared / "data/diabetes_lars.csv")
    X = frame.loc[:, "age":"glu"].to_numpy(dtype=float)
    return (X - X.mean(axis=0)) / X.std(axis=0, ddof=1), frame["y"].to_numpy(dtype=float)


def lasso(shared: Path, rate: float, factor: float = 1.0) -> br.Problem:
    """Return the prior Laplace(σ/λ) of both papers, p(σ) ∝ 1/σ."""
    return br.Problem.from_arrays(
        *diabetes(shared), prior=br.Laplace(1 / (rate * factor)), scale_by_noise=True, standardize=False
    )


def sums(shared: Path, posterior: br.Posterior) -> dict[str, np.ndarray]:
    """Draws of S, the residual sum of squares, and T = Σ|β|."""
    Z, y = diabetes(shared)
    beta = posterior.beta
    # S = Σ(y − ȳ)² − 2 Σ y zᵀβ + |Zβ|² + n(a − ȳ)², the columns being centred.
    squares = ((y - y.mean()) ** 2).sum() + y.size * (posterior.intercept - y.mean()) ** 2
    squares = squares - 2 * beta @ (Z.T @ y) + ((beta @ np.linalg.cholesky(Z.T @ Z)) ** 2).sum(axis=-1)
    return {"S": squares, "T": np.abs(beta).sum(axis=-1)}


def leigh_cases(shared: Path) -> list[Case]:
    """Return quantiles of S and T at every λ: a million exact draws, and 256,000 of another Gibbs sampler."""
    answer = read_json(shared / "reference/bayesian_lasso_exact_leigh2024.json")
    again = answer["independent_check"]
    found = []
    for rate in RATES:
        # At the least λ the prior hardly matters, and must be further off to be seen.
        control = 1.5 if rate == "0.237" else 1.1
        problem, quantities = partial(lasso, shared, float(rate)), partial(sums, shared)
        inner = {f"q{100 * p:g}": place for place, p in enumerate(answer["probs"]) if 0 < p < 1}
        quantiles = answer["quantiles"][rate]
        table = pd.DataFrame({q: [quantiles["S"][i], quantiles["T"][i]] for q, i in inner.items()}, index=["S", "T"])
        table["ess"] = 1e6
        for q in inner:
            table[f"rounding_{q}"] = [0.5, 0.5e-4]
        origin = "Leigh et al. (2024): 1,000,000 exact draws"
        note = "The least and the greatest of its draws are not compared: the posterior has neither."
        found.append(Case(f"Leigh et al., λ = {rate}", origin, problem, table, quantities, control, note))
        check = again["check"][rate]
        table = pd.DataFrame(index=["S", "T"])
        for place, p in enumerate(again["probs"]):
            table[f"q{100 * p:g}"] = [check["S"][place], check["T"][place]]
            table[f"mcse_q{100 * p:g}"] = [check["seS"][place], check["seT"][place]]
        origin = "a Gibbs sampler written for the reference, 256,000 draws"
        found.append(Case(f"Leigh et al., λ = {rate}, recomputed", origin, problem, table, quantities, control))
    return found


def unit_norm(shared: Path, names: list[str], posterior: br.Posterior) -> dict[str, np.ndarray]:
    """Draws of the coefficients of columns of norm 1."""
    Z, _ = diabetes(shared)
    return dict(zip(names, np.moveaxis(posterior.beta * np.sqrt((Z**2).sum(axis=0)), 2, 0), strict=True))


def park_casella_cases(shared: Path) -> list[Case]:
    """Return Table 1's medians and intervals, from 10,000 draws, and those of a Gibbs sampler of 256,000."""
    table = read_json(shared / "reference/paper_tables.json")["park_casella_2008_diabetes"]
    names, again = table["variables"], table["recomputed_gibbs"]
    problem = partial(lasso, shared, table["lambda_"] * np.sqrt(441))  # λ on columns of sd 1, whose norm is √441
    quantities = partial(unit_norm, shared, names)
    ends = np.transpose(table["ci95"])
    printed = pd.DataFrame({"q2.5": ends[0], "median": table["posterior_median"], "q97.5": ends[1]}, index=names)
    printed["ess"], printed["rounding"] = 10_000.0, 0.005
    recomputed = pd.DataFrame({"q2.5": again["q2_5"], "median": again["median"], "q97.5": again["q97_5"]}, index=names)
    errors = np.array(again["mc_se_q2_5_med_q97_5"])
    for place, q in enumerate(("q2.5", "median", "q97.5")):
        recomputed[f"mcse_{q}"] = errors[:, place]
    note = "Its 10,000 draws are a chain's, and count for fewer: the error allowed to it is the least it can have."
    # The error of a median is that of the mean times about √(π/2).
    recomputed = recomputed.assign(mean=again["mean"], mcse_mean=errors[:, 1])
    return [
        Case("Park & Casella, Table 1", "Park & Casella (2008): 10,000 draws", problem, printed, quantities, 1.2, note),
        Case("Park & Casella, recomputed", "a Gibbs sampler written for the reference, 256,000 draws", problem,
             recomputed, quantities, 1.1, "The error of its means is not told: that of its medians is taken."),
    ]  # fmt: skip


def cases(shared: Path) -> list[Case]:
    """Return all of the Bayesian lasso's."""
    return leigh_cases(shared) + park_casella_cases(shared)
