"""Published least squares as posteriors: under flat priors and p(σ) ∝ 1/σ, β is Student-t about it.

With ν = n − K degrees of freedom: mean the coefficient b, sd s·√(ν/(ν−2)) for its standard error s, and quantiles
b + s·t_ν.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

import bayesreg as br
from benchmarks.references.case import Case, by_name, read_json

LEVELS = (5.0, 50.0, 95.0)


def flat(X: object, y: np.ndarray, standardize: bool, factor: float = 1.0) -> br.Problem:
    """Return least squares, the response multiplied by the factor."""
    return br.Problem.from_arrays(X, y * factor, prior=br.Flat(), standardize=standardize)


def student(coef: list[float], errors: list[float], freedom: int, labels: list[str], half: float = 0.0) -> pd.DataFrame:
    """Return what coefficients and standard errors, each rounded to `half` a unit, say about the posterior."""
    b, s = np.array(coef, dtype=float), np.array(errors, dtype=float)
    wide = np.sqrt(freedom / (freedom - 2))
    table = pd.DataFrame({"mean": b, "sd": s * wide, "rounding_mean": half, "rounding_sd": half * wide}, index=labels)
    for q in LEVELS:
        t = stats.t.ppf(q / 100, freedom)
        table[f"q{q:g}"], table[f"rounding_q{q:g}"] = b + t * s, half * (1 + abs(t))
    return table


def nist_case(shared: Path) -> Case:
    """Return Longley's data with NIST's certified coefficients and standard errors."""
    answer = read_json(shared / "reference/nist_strd.json")["longley"]
    frame = pd.read_csv(shared / "data/nist_longley.csv", encoding="utf-8-sig")
    y = frame.pop("y").to_numpy(float)
    labels = ["intercept", *frame.columns]
    table = student(answer["coef"], answer["se"], len(y) - len(labels), labels)
    quantities = by_name(labels, "intercept_raw", "beta_raw")
    return Case("NIST Longley", "NIST: certified to 15 digits", partial(flat, frame, y, True), table, quantities, 1.1)


def esl_case(shared: Path) -> Case:
    """Return ESL's Table 3.2: the 67 training rows of prostate, columns standardised over all 97."""
    table = read_json(shared / "reference/paper_tables.json")["esl_prostate_table3_2"]
    frame = pd.read_csv(shared / "data/prostate_esl.csv")
    X = frame[table["terms"][1:]]
    train = frame["train"].to_numpy(bool)
    Z, y = ((X - X.mean()) / X.std())[train], frame["lpsa"].to_numpy()[train]
    numbers = table["table3_2"]
    stated = student(numbers["coef"], numbers["se"], len(y) - 9, table["terms"], 0.005)
    # Standardised over all rows, the training rows' columns have means: the table's intercept is at columns of zero.
    quantities = by_name(table["terms"], "intercept_raw", "beta_raw")
    return Case(
        "ESL, Table 3.2",
        "Hastie, Tibshirani & Friedman, printed to 2 decimals",
        partial(flat, Z, y, False),
        stated,
        quantities,
        1.5,
    )


def park_casella_case(shared: Path) -> Case:
    """Return the least-squares column of Park & Casella's Table 1."""
    table = read_json(shared / "reference/paper_tables.json")["park_casella_2008_diabetes"]
    frame = pd.read_csv(shared / "data/diabetes_lars.csv")
    X = frame.loc[:, "age":"glu"]
    X = X - X.mean()
    stated = pd.DataFrame({"mean": table["least_squares"], "rounding": 0.05}, index=table["variables"])
    problem = partial(flat, X / np.sqrt((X**2).sum()), frame["y"].to_numpy(float), False)
    return Case("Park & Casella, least squares", "Park & Casella (2008), printed to 1 decimal", problem, stated,
                by_name(table["variables"], "beta_raw"), 1.1)  # fmt: skip


def cases(shared: Path) -> list[Case]:
    """Return all of them."""
    return [nist_case(shared), esl_case(shared), park_casella_case(shared)]
