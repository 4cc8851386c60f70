"""Intervals of data simulated at given truths: what a replication of `coverage` makes, method by method.

    posterior   central interval of the draws
    laplace     mode ± z·sd, with sd² the diagonal of the inverse Hessian of J on the face that the mode lies on
    bootstrap   percentiles of the mode found again on resampled rows

Bootstrap intervals say where the estimator lands, and promise no coverage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.special import ndtri

from bayesreg.discard.bootstrap import bootstrap
from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum, Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, prepare
from bayesreg.samplers.settings import Interrupted
from bayesreg.validate.generative import Sample, simulate, with_rows

POSTERIOR, LAPLACE, BOOTSTRAP = "posterior", "laplace", "bootstrap"

AGAIN = 4
"""Times as many draws that are taken where the first did not pass their gates."""

Record = dict[str, list[float]]
"""`lower`, `upper`, `point` and `side` (the sign that it is thought to have) of every column, as they are stored."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Making:
    """How intervals are made: by which methods, at which level, and settings of the sampler and of the bootstrap."""

    methods: tuple[str, ...]
    level: float
    sampler: str
    draws: int
    chains: int | None
    tune: int | None
    resamples: int


@final
@dataclass(frozen=True, slots=True, eq=False)
class AtTruths:
    """A replication: a response simulated at each truth, and intervals made of it.

    Parameters
    ----------
    base : Problem
        What is fitted, with a response that is replaced.
    law : Problem
        What responses are drawn from: the same with the truth's dispersion.
    thetas : array (G, k)
        Truths.
    making : Making
    """

    base: Problem
    law: Problem
    thetas: Array
    making: Making

    def __call__(self, index: int, seed: np.random.SeedSequence) -> dict[str, object]:
        """Return `points`, one a truth: `found`, intervals by method; `failed`, why there are none; `sampler`."""
        seeds = seed.spawn(len(self.thetas))
        return {"points": [self._at(theta, s) for theta, s in zip(self.thetas, seeds, strict=True)]}

    def _at(self, theta: Array, seed: np.random.SeedSequence) -> dict[str, object]:
        simulating, *fitting = seed.spawn(3)
        response = simulate(self.law, Sample(theta[None], None, None), np.random.default_rng(simulating))
        block = replace(self.base.design.rows.collect(), y=response)
        made = with_rows(self.base, block)
        found: dict[str, Record] = {}
        failed: dict[str, str] = {}
        drawn = {"sampler": ""}
        for method in self.making.methods:
            try:
                made.likelihood.check(block, made.intercept)
                if method == POSTERIOR:
                    posterior = _passing(made, self.making, fitting[0])
                    drawn["sampler"] = posterior.method
                    found[method] = posterior_intervals(posterior, self.making.level)
                elif method == LAPLACE:
                    found[method] = laplace_intervals(fit_penalized(made), self.making.level)
                else:
                    found[method] = _bootstrapped(made, self.making, fitting[1])
            except Interrupted as stopped:
                raise KeyboardInterrupt from stopped
            except (FitError, InputError, ParameterError) as error:  # of these data; counted, and told in the result
                failed[method] = str(error)
        return {"found": found, "failed": failed, **drawn}


def _passing(problem: Problem, making: Making, seed: np.random.SeedSequence) -> Posterior:
    """Draws that passed their gates, if need be the second time; raise FitError where those failed too."""
    for more, each in zip((1, AGAIN), seed.spawn(2), strict=True):
        plan = prepare(problem, making.sampler, making.draws * more, making.chains, each, tune=making.tune)
        posterior = replace(plan, settings=replace(plan.settings, reuse=True)).run()
        if posterior.interrupted:
            raise KeyboardInterrupt
        if posterior.verdict.passed:
            return posterior
    msg = f"{posterior.method} failed its gates twice: {'; '.join(posterior.verdict.reasons)}"
    raise FitError(msg)


def posterior_intervals(posterior: Posterior, level: float) -> Record:
    """Central intervals of draws, their means, and the side of 0 that more than half of them are on."""
    beta = posterior.beta.reshape(-1, posterior.problem.p)
    lower, upper = np.quantile(beta, ((1 - level) / 2, (1 + level) / 2), axis=0)
    side = np.sign((beta > 0).mean(axis=0) - (beta < 0).mean(axis=0))
    return _record(lower, upper, beta.mean(axis=0), side)


def laplace_intervals(mode: Optimum, level: float) -> Record:
    """Return mode ± z·sd of the normal approximation at the mode, the dispersion held where the mode holds it.

    Entries on a kink of the penalty are held there, with width 0; sd² of the others is the diagonal of the inverse of
    the Hessian of J over them alone.

    Raises
    ------
    FitError
        If the mode is not certified, is not the only one, or the Hessian is not positive definite.
    """
    if mode.outcome in (Outcome.NOT_CERTIFIED, Outcome.NOT_UNIQUE):
        msg = f"no Laplace approximation: {mode.outcome.value}"
        raise FitError(msg)
    problem = mode.problem
    assert problem is not None
    theta = problem.join(mode.intercept, mode.beta)
    free = np.flatnonzero(~mode.certificate.zero)
    sd = np.zeros(theta.size)
    sd[free] = _deviations(problem.curvature(theta, free) + problem.penalty_prior.hessian(theta, free))
    reach = float(ndtri((1 + level) / 2)) * sd[problem.positions]
    return _record(mode.beta - reach, mode.beta + reach, mode.beta, np.sign(mode.beta))


def _deviations(hessian: Array) -> Array:
    """Roots of the diagonal of the inverse."""
    diagonal = np.diag(hessian)
    if not (diagonal > 0).all():
        msg = "no Laplace approximation: J does not curve upwards at the mode"
        raise FitError(msg)
    unit = np.sqrt(diagonal)
    try:
        root = np.linalg.cholesky(hessian / np.outer(unit, unit))
    except np.linalg.LinAlgError as error:
        msg = "no Laplace approximation: the Hessian of J at the mode is not positive definite"
        raise FitError(msg) from error
    return np.asarray(np.linalg.norm(np.linalg.inv(root), axis=0) / unit)


def _bootstrapped(problem: Problem, making: Making, seed: np.random.SeedSequence) -> Record:
    table = bootstrap(problem, replications=making.resamples, interval=making.level, seed=seed).table
    lower, upper, point = (table[name].to_numpy() for name in ("lower", "upper", "estimate"))
    return _record(lower, upper, point, np.sign(point))


def _record(lower: Array, upper: Array, point: Array, side: Array) -> Record:
    parts = {"lower": lower, "upper": upper, "point": point, "side": side}
    return {name: [float(v) for v in values] for name, values in parts.items()}
