"""The evidence from posterior draws: their importance weights at other scales, and the rounds that follow them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import logsumexp

from bayesreg.diagnostics import mcse_mean
from bayesreg.errors import FitError
from bayesreg.evidence.curves import FLAT, GRID, WARNING, EvidenceChoice, edge_of, refined
from bayesreg.importance import MAX_KHAT, smoothed
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, prepare
from bayesreg.scale_family import ScaleFamily

REACH = 1.5
"""Nats of log scale that one round looks at, at most, on either side."""

LEAST_SHARE, GOOD_SHARE = 0.3, 0.6
"""Effective share of the weights down to which a scale is looked at, and from which no further round is needed."""

FURTHEST = 10.0
"""Farthest that a parabola is followed, in units of the reach."""

ROUNDS = 25


@final
@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """What the sampler is told in every round."""

    seed: int
    draws: int
    tune: int | None
    method: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Draws at scale e^t: `beta` (chain, draw, p), divided by σ about the prior's location where it is noise-scaled.

    `density` (chain, draw) is their log prior density.
    """

    family: ScaleFamily
    beta: Array
    density: Array
    t: float
    independent: bool

    @classmethod
    def of(cls, posterior: Posterior, family: ScaleFamily, t: float) -> Round:
        """Read the draws of a posterior."""
        problem, beta = posterior.problem, posterior.beta
        if problem.scale_by_noise:
            known = problem.likelihood.sigma_known
            sigma = posterior.draws("sigma")[..., None] if known is None else known
            location = problem.prior.location(problem.p)
            beta = location + (beta - location) / sigma
        return cls(family, beta, family.at(math.exp(t)).log_density(beta), t, posterior.independent)

    def log_weights(self, u: float) -> Array:
        """log p(β | e^(t+u)) − log p(β | e^t), (chain, draw)."""
        return np.asarray(self.family.at(math.exp(self.t + u)).log_density(self.beta) - self.density)

    def log_evidence(self, u: float) -> float:
        """log p(y | e^(t+u)) − log p(y | e^t)."""
        log_weights = self.log_weights(u)
        return float(logsumexp(log_weights)) - math.log(log_weights.size)

    def share(self, u: float) -> float:
        """Effective share of the weights, (Σw)²/(m Σw²)."""
        log_weights = self.log_weights(u)
        weights = np.exp(log_weights - log_weights.max())
        return float(weights.sum() ** 2 / (weights**2).sum()) / weights.size

    def reach(self, low: float, high: float) -> tuple[float, float]:
        """Offsets u, none beyond `low` and `high`, between which every scale's weights are even enough."""
        ends = []
        for sign, limit in ((-1.0, -low), (1.0, high)):
            end = 0.0
            for u in np.minimum(np.geomspace(2e-3, REACH, 16), max(limit, 0.0)):
                if self.share(sign * u) < LEAST_SHARE:
                    break
                end = sign * float(u)
            ends.append(end)
        return ends[0], ends[1]

    def trusted(self, u: float) -> bool:
        """Whether the weights at u are even, and their Pareto k-hat is at most 0.7."""
        if self.share(u) < GOOD_SHARE:
            return False
        log_weights = self.log_weights(u).ravel()
        return bool(np.ptp(log_weights) < 1.0) or smoothed(log_weights).khat <= MAX_KHAT

    def better(self, u: float) -> bool:
        """Whether the evidence at u is higher than at 0, beyond 0.01 nats and two Monte Carlo standard errors."""
        gain = self.log_evidence(u)
        weights = np.exp(self.log_weights(u) - gain)
        return gain > max(FLAT, 2 * float(mcse_mean(weights[..., None], independent=self.independent)[0]))

    def beyond(self, u: float, low: float, high: float) -> float:
        """Offset to go to where the evidence still rises at the end u ≠ 0 of the reach."""
        middle, end = self.log_evidence(0.5 * u), self.log_evidence(u)
        bent = 2 * middle - end  # the parabola through 0, u/2 and u has a highest point where this is positive
        vertex = (4 * middle - end) / (4 * bent) if bent > 0 else FURTHEST
        expected = refined(lambda v: float(self.log_weights(v).mean()), low, high) / u
        return float(np.clip(u * max(1.0, min(vertex, FURTHEST), expected), low, high))

    def error(self, u: float) -> float:
        """Monte Carlo standard error of a maximum at u: that of the slope over the curvature."""
        h, step = 1e-4, 0.05
        weights = np.exp(self.log_weights(u) - self.log_evidence(u))
        slopes = (self.log_weights(u + h) - self.log_weights(u - h)) / (2 * h)
        influence = weights * (slopes - np.average(slopes, weights=weights))
        bend = self.log_evidence(u + step) - 2 * self.log_evidence(u) + self.log_evidence(u - step)
        noise = float(mcse_mean(influence[..., None], independent=self.independent)[0])
        return noise * step**2 / -bend if bend < 0 else math.inf


def by_draws(problem: Problem, t: float, allowed: tuple[float, float], settings: Settings) -> EvidenceChoice:
    """Choose the scale in rounds of draws, the first at scale e^t, between the logs `allowed` of two scales.

    Raises
    ------
    FitError
        If no maximum was found, or the posterior does not exist.
    """
    low, high = allowed
    method, family = settings.method, ScaleFamily.of(problem, "evidence")
    for done in range(1, ROUNDS + 1):
        there = problem.with_prior(family.at(math.exp(t)))
        plan = prepare(there, method, settings.draws, seed=settings.seed, tune=settings.tune)
        posterior = plan.run()
        if posterior.method != plan.method:  # what was refused once is not tried again
            method = posterior.method
        drawn = Round.of(posterior, family, t)
        left, right = drawn.reach(low - t, high - t)
        u = refined(drawn.log_evidence, left, right) if left < right else 0.0
        better = drawn.better(u)
        if not better and edge_of(t, low, high):
            u = 0.0
        edge = edge_of(t + u, low, high)
        inside = bool(edge) or left < u < right
        if (inside and drawn.trusted(u)) or not better:
            return _chosen(drawn, u, (left, right), edge if inside else "flat", posterior.method, done)
        if u and u in (left, right):
            u = drawn.beyond(u, low - t, high - t)
        t = float(np.clip(t + u, low, high))
    msg = f"evidence: no maximum of p(y | scale) was found in {ROUNDS} rounds of draws; give a scale"
    raise FitError(msg)


def _chosen(drawn: Round, u: float, reach: tuple[float, float], edge: str, method: str, rounds: int) -> EvidenceChoice:
    grid = np.linspace(*reach, GRID)
    values = np.array([drawn.log_evidence(v) for v in grid]) - drawn.log_evidence(u)
    scale, error = math.exp(drawn.t + u), math.nan if edge else drawn.error(u)
    within = "" if edge else f" ± {error:.1%} Monte Carlo"
    sentence = (
        f"{drawn.family.name} = {scale:.4g}{within}, of highest marginal likelihood ({method} draws reweighted, "
        f"{rounds} round{'s' if rounds > 1 else ''}){WARNING[edge]}"
    )
    return EvidenceChoice(scale, error, np.exp(drawn.t + grid), values, edge, method, rounds, sentence)
