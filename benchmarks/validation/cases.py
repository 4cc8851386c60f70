"""Every likelihood × prior, on data that say little: there the prior matters, and a prior that is off shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import bayesreg as br
from bayesreg.interfaces import Likelihood, Prior
from bayesreg.samplers import prepare

ROWS, COLUMNS, SEED = 24, 4, 20261128

LIKELIHOODS: dict[str, Callable[[], Likelihood]] = {
    "Gaussian, σ known": lambda: br.GaussianNoise(sigma=1.0),
    "Gaussian": lambda: br.GaussianNoise(sigma=br.HalfNormal(1.0)),
    "Student-t, σ known": lambda: br.StudentTNoise(nu=4.0, sigma=1.0),
    "Student-t": lambda: br.StudentTNoise(nu=4.0, sigma=br.HalfNormal(1.0)),
    "Bernoulli": br.BernoulliLogit,
    "binomial": br.BernoulliLogit,
    "Poisson": br.PoissonLog,
    "negative binomial, α known": lambda: br.NegativeBinomialLog(alpha=3.0),
    "negative binomial": lambda: br.NegativeBinomialLog(alpha=br.Gamma(4.0, 1.0)),
    "gamma, α known": lambda: br.GammaLog(alpha=3.0),
    "gamma": lambda: br.GammaLog(alpha=br.Gamma(4.0, 1.0)),
}
"""Name -> likelihood; what is unknown has a proper prior."""

GROUPS = (0, 0, 1, 1)

PRIORS: dict[str, Callable[[], Prior]] = {
    "Gaussian": lambda: br.Gaussian(0.5),
    "Laplace": lambda: br.Laplace(0.4),
    "elastic net": lambda: br.ElasticNet(1.5, 1.0),
    "group Laplace": lambda: br.GroupLaplace(GROUPS, 0.3),
    "bridge 0.5": lambda: br.Bridge(2.5, 0.5),
    "bridge 1.5": lambda: br.Bridge(2.0, 1.5),
    "Gaussian, scale unknown": lambda: br.Gaussian(br.HalfNormal(0.5)),
    "Laplace, scale unknown": lambda: br.Laplace(br.HalfNormal(0.4)),
    "group Laplace, scale unknown": lambda: br.GroupLaplace(GROUPS, br.HalfNormal(0.3)),
}
"""Name -> prior on four columns."""


@dataclass(frozen=True)
class Case:
    """A problem to validate the sampler on that `auto` chooses for it."""

    likelihood: str
    prior: str
    problem: br.Problem
    method: str

    @property
    def name(self) -> str:
        """What tells it from the others."""
        return f"{self.likelihood} × {self.prior}"


def problem_of(likelihood: str, prior: str, rows: int = ROWS, *, scaled: bool = False) -> br.Problem:
    """The problem: correlated columns, an intercept with a prior, a response that is only there to be replaced."""
    rng = np.random.default_rng(SEED)
    shared = rng.normal(size=(rows, 1))
    X = rng.normal(size=(rows, COLUMNS)) + 0.7 * shared
    trials = np.full(rows, 6.0) if likelihood == "binomial" else None
    y = np.arange(rows) % 2 + (0.0 if likelihood == "Bernoulli" else 1.0)
    made = br.Problem.from_arrays(
        X, y, likelihood=LIKELIHOODS[likelihood](), prior=PRIORS[prior](), intercept=br.Gaussian(1.0),
        scale_by_noise=scaled, trials=trials,
    )  # fmt: skip
    return replace(made, notes=())


def cases() -> list[Case]:
    """Every pair, and what else chooses a road of its own: noise-scaled priors, more columns than rows."""
    found = [_case(likelihood, prior, problem_of(likelihood, prior)) for likelihood in LIKELIHOODS for prior in PRIORS]
    for prior in ("Gaussian", "Laplace", "Laplace, scale unknown"):
        found.append(_case("Gaussian", f"{prior}, in units of σ", problem_of("Gaussian", prior, scaled=True)))
        found.append(_case("Gaussian, 3 rows", prior, problem_of("Gaussian", prior, 3)))
    return found


def _case(likelihood: str, prior: str, problem: br.Problem) -> Case:
    return Case(likelihood, prior, problem, prepare(problem).method)
