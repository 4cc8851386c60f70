"""posteriordb's Gaussian regressions: its reference draws, and the same posteriors by quadrature over σ; wells."""

from __future__ import annotations

import gzip
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayesreg as br
from benchmarks.references.case import Case, by_name, read_json

Data = dict[str, Any]

DRAWS = "posteriordb: 10,000 draws of Stan's NUTS"
EXACT = "the posterior of posteriordb by quadrature over σ"


def correlated(data: Data, factor: float = 1.0) -> br.Problem:
    """Return sblrc or sblri: no intercept, σ half-normal, which the factor narrows: that of β hardly matters."""
    return br.Problem.from_arrays(
        data["X"], data["y"], prior=br.Gaussian(10.0), intercept=None, standardize=False,
        likelihood=br.GaussianNoise(br.HalfNormal(10.0 * factor)),
    )  # fmt: skip


def kilpisjarvi(data: Data, factor: float = 1.0) -> br.Problem:
    """Return a line through temperatures, x not centred, the prior's means not zero."""
    return br.Problem.from_arrays(
        np.array(data["x"])[:, None], data["y"], prior=br.Gaussian(data["psbeta"] * factor, loc=data["pmubeta"]),
        intercept=br.Gaussian(data["psalpha"] * factor, loc=data["pmualpha"]),
        likelihood=br.GaussianNoise(br.FlatScale()), standardize=False,
    )  # fmt: skip


def kidiq(names: tuple[str, ...], data: Data, factor: float = 1.0) -> br.Problem:
    """Return children's scores under flat priors; the factor is on that of σ.

    Standardised or not is all one under flat priors, and better conditioned.
    """
    held = {name: np.array(data[name], dtype=float) for name in ("mom_hs", "mom_iq")}
    held["product"] = held["mom_hs"] * held["mom_iq"]
    noise = br.GaussianNoise(br.HalfCauchy(2.5 * factor))
    X = np.column_stack([held[name] for name in names])
    return br.Problem.from_arrays(X, data["kid_score"], prior=br.Flat(), likelihood=noise)


SMALL = {
    "sblrc-blr": ("sblrc", correlated, 0.02),
    "sblri-blr": ("sblri", correlated, 0.02),
    "kilpisjarvi_mod-kilpisjarvi": ("kilpisjarvi_mod", kilpisjarvi, 0.8),
    "kidiq-kidscore_momhs": ("kidiq", partial(kidiq, ("mom_hs",)), float("nan")),
    "kidiq-kidscore_momiq": ("kidiq", partial(kidiq, ("mom_iq",)), float("nan")),
    "kidiq-kidscore_momhsiq": ("kidiq", partial(kidiq, ("mom_hs", "mom_iq")), float("nan")),
    "kidiq-kidscore_interaction": ("kidiq", partial(kidiq, ("mom_hs", "mom_iq", "product")), float("nan")),
}
"""Data, problem, and the factor on its prior that must be seen; 434 rows leave no trace of kidiq's."""


def cases(shared: Path) -> list[Case]:
    """Return all of posteriordb's."""
    exact = read_json(shared / "reference/posteriordb/exact.json")
    drawn = read_json(shared / "reference/posteriordb.json")["posteriors"]
    found = []
    for name, (file, make, control) in SMALL.items():
        problem = partial(make, read_json(shared / f"data/posteriordb_{file}.json"))
        tables = {EXACT: exact[name]["exact"], **({DRAWS: drawn[name]["parameters"]} if name in drawn else {})}
        for origin, numbers in tables.items():
            table = pd.DataFrame(numbers).T
            quantities = by_name(table.index.tolist(), "intercept_raw", "beta_raw", "sigma")
            label = name if origin == EXACT else f"{name}, its draws"
            found.append(Case(label, origin, problem, table, quantities, control))
    return [*found, diamonds_case(shared, drawn["diamonds-diamonds"]["parameters"]), *wells_cases(shared)]


def diamonds(shared: Path, factor: float = 1.0) -> br.Problem:
    """Return 5,000 diamonds: 24 nearly collinear columns, a prior that matters."""
    with gzip.open(shared / "data/posteriordb_diamonds.json.gz") as file:
        data = json.load(file)
    X = np.array(data["X"])[:, 1:]
    noise = br.GaussianNoise(br.FlatScale())
    return br.Problem.from_arrays(
        X - X.mean(axis=0), data["Y"], prior=br.Gaussian(factor), likelihood=noise, standardize=False
    )


def diamonds_case(shared: Path, numbers: Data) -> Case:
    """Return the reference draws of diamonds."""
    table = pd.DataFrame(numbers).T
    note = (
        "Theirs has t₃ priors of scale 10 on the intercept and on σ, ours flat ones: the data leave sds of 0.002 and "
        "0.001, and the two are the same to 1e-5 of an sd."
    )
    return Case(
        "diamonds-diamonds, its draws", DRAWS, partial(diamonds, shared), table,
        by_name(table.index.tolist(), "beta", "intercept", "sigma"), 1.1, note,
    )  # fmt: skip


def wells(shared: Path, prior: br.Flat | br.Gaussian) -> br.Problem:
    """Return whether 3,020 households switched wells, by the distance in metres."""
    frame = pd.read_csv(shared / "data/wells_rstanarm.csv")
    return br.Problem.from_arrays(
        frame[["dist"]], frame["switch"].to_numpy(float), prior=prior, likelihood=br.BernoulliLogit()
    )


def wells_cases(shared: Path) -> list[Case]:
    """Return wells_dist: flat priors, one slope.

    The factor is the scale of a Gaussian prior instead of the flat one; 1 stands for the flat one itself.
    """
    answer = read_json(shared / "reference/posteriordb.json")["wells_dist"]

    def problem(factor: float = 1.0) -> br.Problem:
        return wells(shared, br.Flat() if factor == 1.0 else br.Gaussian(factor))

    quantities = by_name(["beta[1]", "beta[2]"], "intercept_raw", "beta_raw")
    found = []
    for kind, origin in (
        ("exact", "by quadrature over the plane"),
        ("draws", "mcmc-ref: 10,000 draws of CmdStan's NUTS"),
    ):
        table = pd.DataFrame(answer[kind], index=["mean", "sd"]).T
        for column in ("mean", "sd"):
            table[f"rounding_{column}"] = [0.5e-6 if label == "beta[1]" else 0.5e-8 for label in table.index]
        if kind == "draws":
            table["ess"] = 10_000.0
        name = "wells_dist" if kind == "exact" else "wells_dist, its draws"
        found.append(Case(name, origin, problem, table, quantities, 0.1))
    return found
