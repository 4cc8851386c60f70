"""rstanarm's posteriors of real data: 40,000 draws of Stan's NUTS each, every number with its own error."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd

import bayesreg as br
from benchmarks.references.case import Case, by_name, read_json

ORIGIN = "rstanarm: 40,000 draws of Stan's NUTS"


def pima(kind: type[br.Gaussian | br.Laplace], shared: Path, factor: float = 1.0) -> br.Problem:
    """Return diabetes among 200 women, logistic."""
    frame = pd.read_csv(shared / "data/pima_tr.csv")
    y = (frame.pop("type") == "Yes").to_numpy(float)
    return br.Problem.from_arrays(
        frame, y, prior=kind(0.5 * factor), intercept=br.Gaussian(5.0), likelihood=br.BernoulliLogit()
    )


def prostate(shared: Path, factor: float = 1.0) -> br.Problem:
    """Return the prostate data, σ unknown."""
    frame = pd.read_csv(shared / "data/prostate_esl.csv").drop(columns="train")
    noise = br.GaussianNoise(br.Exponential(1.0))
    y = frame.pop("lpsa").to_numpy(float)
    return br.Problem.from_arrays(
        frame, y, prior=br.Laplace(0.2 * factor), intercept=br.Gaussian(10.0), likelihood=noise
    )


def quine(shared: Path, factor: float = 1.0) -> br.Problem:
    """Return days absent from school, Poisson."""
    frame = pd.read_csv(shared / "data/quine.csv")
    return br.Problem.from_formula(
        "Days ~ Eth + Sex + Age + Lrn", frame, prior=br.Laplace(0.1 * factor), intercept=br.Gaussian(10.0),
        likelihood=br.PoissonLog(),
    )  # fmt: skip


def longley(shared: Path, factor: float = 1.0) -> br.Problem:
    """Return Longley's data, σ unknown."""
    frame = pd.read_csv(shared / "data/longley.csv")
    noise = br.GaussianNoise(br.Exponential(1.0))
    y = frame.pop("Employed").to_numpy(float)
    return br.Problem.from_arrays(frame, y, prior=br.Gaussian(factor), intercept=br.Gaussian(100.0), likelihood=noise)


MAKE = {
    "pima_tr_logit_normal0.5": partial(pima, br.Gaussian),
    "pima_tr_logit_laplace0.5": partial(pima, br.Laplace),
    "prostate_gauss_laplace0.2": prostate,
    "quine_poisson_laplace0.1": quine,
    "longley_gauss_normal1": longley,
}


def summary(shared: Path, name: str) -> pd.DataFrame:
    """Return the published table of one of `MAKE`."""
    return pd.DataFrame(read_json(shared / f"reference/rstanarm/{name}.json")["summary"]).set_index("variable")


def cases(shared: Path) -> list[Case]:
    """Return all of rstanarm's."""
    found = []
    for name, make in MAKE.items():
        table = summary(shared, name)
        quantities = by_name(table.index.tolist(), "intercept", "beta", "sigma")
        # A tenth more is hardly seen under the Laplace priors of pima and quine: the rows say much more than they do.
        control = 1.2 if name in ("pima_tr_logit_laplace0.5", "quine_poisson_laplace0.1") else 1.1
        found.append(Case(name, ORIGIN, partial(make, shared), table, quantities, control))
    return found
