"""A known failing that applies, and what the rules that look for one are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.diagnostics import mcse_mean
from bayesreg.interfaces import Array, Prior
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from bayesreg.strength import ScaleChoice

NAMED = 4
"""Columns named; of more the number is told."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Lint:
    """A known failing that applies.

    Parameters
    ----------
    name : str
        What it is called.
    text : str
        What was found, with its numbers and their Monte Carlo errors.
    numbers : mapping of str to float
        The same numbers; `..._mcse` is the Monte Carlo error of the number of that name.
    remedy : str
        What to do.
    """

    name: str
    text: str
    numbers: Mapping[str, float]
    remedy: str

    def __str__(self) -> str:
        """All of it but the mapping."""
        return f"{self.name}: {self.text}. {self.remedy}."


@final
@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What the rules look at: `prior` has every scale a number, at the middle of the posterior's."""

    posterior: Posterior
    point: Optimum | None
    epsilon: Array
    choice: ScaleChoice | None
    prior: Prior

    @property
    def problem(self) -> Problem:
        """What was sampled."""
        return self.posterior.problem

    def errors(self, series: Array) -> Array:
        """Monte Carlo standard errors of the means of series (chain, draw, ...)."""
        return mcse_mean(series, independent=self.posterior.independent)

    def covariance(self, series: Array) -> tuple[Array, Array]:
        """Posterior covariance (p,) of each coefficient with series (chain, draw), and its Monte Carlo error."""
        beta = self.posterior.beta
        products = (beta - beta.mean(axis=(0, 1))) * (series - series.mean())[..., None]
        return products.mean(axis=(0, 1)), self.errors(products)


def plain_prior(posterior: Posterior) -> Prior:
    """The prior with its scale a number: where that has a prior, its posterior median; times E σ where in units of σ.

    A known σ stands.
    """
    problem = posterior.problem
    prior = problem.prior
    if prior.hyperprior is not None:
        prior = prior.at(float(np.median(posterior.draws("beta_scale"))))
    if not problem.scale_by_noise:
        return prior
    known = problem.likelihood.sigma_known
    return prior.rescaled(float(posterior.draws("sigma").mean()) if known is None else known)


def listed(names: tuple[str, ...]) -> str:
    """The first few names, quoted."""
    return ", ".join(map(repr, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
