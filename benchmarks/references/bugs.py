"""WinBUGS's examples: small real data, 20,000 draws, numbers printed to four significant digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

import bayesreg as br
from bayesreg.interfaces import Array, ScalePrior, Tensor
from benchmarks.references.case import Case, half_unit, read_json

ORIGIN = "WinBUGS: 20,000 draws, printed to 4 digits"

DIGITS = 4

STACKS = ("b0", "beta1", "beta2", "beta3", "sigma")


@dataclass(frozen=True)
class GammaPrecision(ScalePrior):
    """s with 1/s² ~ Gamma(shape, rate), as BUGS likes it: the package has no such prior, and takes anyone's."""

    shape: float
    rate: float

    proper = True
    power_at_zero = float("inf")

    @property
    def power_at_infinity(self) -> float:
        """Power of s that the density falls off with."""
        return -2 * self.shape - 1

    def log_density(self, s: Array) -> Array:
        """Log density of s, normalised."""
        constant = np.log(2) + self.shape * np.log(self.rate) - special.gammaln(self.shape)
        return np.asarray(constant - (2 * self.shape + 1) * np.log(s) - self.rate / np.square(s))

    def slope(self, s: Array) -> Array:
        """Derivative of the log density."""
        return np.asarray(-(2 * self.shape + 1) / s + 2 * self.rate / np.power(s, 3))

    def node(self, name: str, initial: float) -> Tensor:
        """The prior in a PyMC model."""
        import pymc as pm
        import pytensor.tensor as pt
        from pymc.distributions.transforms import log

        constant = float(self.log_density(np.asarray(1.0))) + self.rate

        def logp(value: Tensor) -> Tensor:
            return constant - (2 * self.shape + 1) * pt.log(value) - self.rate / value**2

        return pm.CustomDist(name, logp=logp, transform=log, initval=initial, signature="->()", dtype="float64")


def printed(numbers: Mapping[str, Any], names: tuple[str, ...]) -> pd.DataFrame:
    """Return a printed table with the rounding of each number.

    A published mean whose error is m has (sd/m)² effective draws, and so have, about, the sd and the quantiles.
    """
    table = pd.DataFrame([numbers[name] for name in names], index=list(names), columns=numbers["columns"])
    table = table.rename(columns={"mc_error": "mcse_mean"})
    for column in ("mean", "sd", "median", "q2.5", "q97.5"):
        table[f"rounding_{column}"] = [half_unit(number, DIGITS) for number in table[column]]
    return table


def stacks(shared: Path, prior: br.Gaussian) -> br.Problem:
    """Return Brownlee's stack loss, columns divided by their sd with n − 1, under a flat or an informative prior."""
    frame = pd.read_csv(shared / "data/stackloss.csv")
    y = frame.pop("stack.loss").to_numpy(float)
    Z = (frame - frame.mean()) / frame.std(ddof=1)
    return br.Problem.from_arrays(
        Z, y, prior=prior, intercept=br.Gaussian(np.sqrt(1e5)), likelihood=br.GaussianNoise(GammaPrecision(1e-3, 1e-3)),
        standardize=False,
    )  # fmt: skip


def stacks_quantities(shared: Path, posterior: br.Posterior) -> dict[str, np.ndarray]:
    """Draws of `STACKS`, the intercept at columns of zero rather than at their means."""
    frame = pd.read_csv(shared / "data/stackloss.csv").drop(columns="stack.loss")
    beta = posterior.beta
    at_zero = posterior.intercept - beta @ (frame.mean() / frame.std(ddof=1)).to_numpy()
    return dict(zip(STACKS, (at_zero, *np.moveaxis(beta, 2, 0), posterior.draws("sigma")), strict=True))


def stacks_cases(shared: Path, answer: Mapping[str, Any]) -> list[Case]:
    """Return the plain and the hierarchical regression, and the moments of another Gibbs sampler of each."""
    quantities = partial(stacks_quantities, shared)

    def plain(factor: float = 1.0) -> br.Problem:
        return stacks(shared, br.Gaussian(np.sqrt(1e5) * factor))

    def ridge(factor: float = 1.0) -> br.Problem:
        return stacks(shared, br.Gaussian(GammaPrecision(0.01, 0.01 * factor)))

    found = []
    for name, problem, control in (("stacks_normal", plain, 0.02), ("stacks_ridge", ridge, 1000.0)):
        found.append(Case(name, ORIGIN, problem, printed(answer[name], STACKS), quantities, control, draws=10_000))
        moments = pd.DataFrame(answer[name]["independent_gibbs"], index=list(STACKS))
        # Printed to three decimals, of draws whose number is not told: a hundredth of an sd is allowed.
        moments["mcse_mean"], moments["mcse_sd"], moments["rounding"] = 0.01 * moments["sd"], 0.01 * moments["sd"], 5e-4
        note = "The number of its draws is not told: its error is taken to be 1 % of the posterior sd."
        found.append(
            Case(f"{name}, recomputed", "a Gibbs sampler written for the reference", problem, moments, quantities,
                 control, note, draws=10_000)
        )  # fmt: skip
    return found


def line(answer: Mapping[str, Any], factor: float = 1.0) -> br.Problem:
    """Return five points on a line."""
    X = np.array(answer["data"]["x"], dtype=float)[:, None] - 3.0
    vague = br.Gaussian(1e3)
    return br.Problem.from_arrays(
        X * factor, answer["data"]["Y"], prior=vague, intercept=vague, standardize=False,
        likelihood=br.GaussianNoise(GammaPrecision(1e-3, 1e-3)),
    )  # fmt: skip


def beetles(answer: Mapping[str, Any], prior: br.Flat | br.Gaussian) -> br.Problem:
    """Return Bliss's beetles: a logit in the dose, trials by row."""
    data = answer["data"]
    x = np.array(data["x"])[:, None]
    return br.Problem.from_arrays(
        x - x.mean(), data["r"], trials=data["n"], prior=prior, intercept=prior, likelihood=br.BernoulliLogit(),
        standardize=False,
    )  # fmt: skip


def beetles_quantities(answer: Mapping[str, Any], posterior: br.Posterior) -> dict[str, np.ndarray]:
    """Draws of α*, β, α and of the fitted numbers at the first and the last dose."""
    data = answer["data"]
    x = np.array(data["x"])
    star, beta = posterior.intercept, posterior.beta[..., 0]
    found = {"alpha.star": star, "beta": beta, "alpha": star - beta * x.mean()}
    return found | {f"rhat{i + 1}": data["n"][i] * special.expit(star + beta * (x - x.mean())[i]) for i in (0, 7)}


def beetles_cases(answer: Mapping[str, Any]) -> list[Case]:
    """Return the printed table, and quadrature over the plane."""

    def problem(factor: float = 1.0) -> br.Problem:
        return beetles(answer, br.Gaussian(np.sqrt(1000) * factor))

    quantities = partial(beetles_quantities, answer)
    table = printed(answer, ("alpha", "beta", "rhat1", "rhat8"))
    exact = pd.DataFrame(answer["independent_exact_quadrature"]).T
    quantiles = pd.DataFrame(exact.pop("q").tolist(), index=exact.index, columns=["q2.5", "median", "q97.5"])
    # Those of α* and β were read off the grid of the quadrature, whose steps are wider than our errors.
    quantiles.loc[["alpha.star", "beta"]] = np.nan
    exact = exact.astype(float).join(quantiles)
    note = "Its quantiles of α* and β were read off a grid, to a step that it does not tell: not compared."
    return [
        Case("beetles_logit", ORIGIN, problem, table, quantities, 0.3, draws=10_000),
        Case("beetles_logit, exact", "by quadrature over the plane", problem, exact, quantities, 0.3, note,
             draws=10_000),
    ]  # fmt: skip


def cases(shared: Path) -> list[Case]:
    """Return all of BUGS's."""
    answers = read_json(shared / "reference/bugs_examples.json")

    def line_quantities(posterior: br.Posterior) -> dict[str, np.ndarray]:
        return {"alpha": posterior.intercept, "beta": posterior.beta[..., 0], "sigma": posterior.draws("sigma")}

    table = printed(answers["line"], ("alpha", "beta", "sigma"))
    table[["sd", "rounding_sd"]] = np.nan
    note = (
        "Its sds are not compared. Five rows leave 3 degrees of freedom and no fourth moment, so that the sd of draws "
        "has no error: that of β is 0.420 in WinBUGS's 20,000 draws, and 0.400 in the posterior."
    )
    points = Case("line", ORIGIN, partial(line, answers["line"]), table, line_quantities, 1.1, note, draws=10_000)
    return [*stacks_cases(shared, answers), points, *beetles_cases(answers["beetles_logit"])]
