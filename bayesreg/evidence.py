"""How strong the prior is: its scale, chosen by the marginal likelihood p(y | scale) (type-II maximum likelihood).

Gaussian noise × Gaussian priors: in closed form (`samplers.conjugate.Evidence`).  Otherwise from posterior draws: at
scales s and s₀

    p(y | s)/p(y | s₀) = E[p(β | s)/p(β | s₀)]         the mean over the posterior at s₀

which asks nothing of the likelihood.  It is maximised as far from s₀ as these ratios, which are importance weights, are
even; where the maximum lies further on, draws are made anew from there, or from the highest point of a parabola through
what was seen, or from where a step of the EM algorithm ends (the s of highest mean log p(β | s), at which p(y | s) is
never lower).  The first draws are made at the best scale of a normal prior with equal variance; where that has several
maxima, at the one under the strongest prior.

References
----------
MacKay (1992), Neural Comput. 4:415–447; Casella (2001), Biostatistics 2:485–500 (EM from draws); Geyer (1994),
JRSS B 56:261–274 (likelihood ratios from draws).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from bayesreg.descent import minimise
from bayesreg.design import column_moments
from bayesreg.diagnostics import mcse_mean
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.moments import response_moments
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, conjugate, prepare
from bayesreg.samplers.reduction import reduce_gram

SMALLEST, LARGEST, LARGEST_LINKED = 0.1, 1e3, 10.0
"""Sds that the prior may give η, in units of σ or of the response's sd: at least the first over the root of the number
of rows (by weight), less than which no data tell from none; at most the second, or with a logit or log link the third.
"""

GRID = 41
"""Scales at which a curve in closed form is looked at, before its highest point is refined."""

DRAWS = 500
"""Draws of a round; as in `sample`, four times as many in all."""

REACH = 1.5
"""Nats of log scale that one round looks at, at most, on either side."""

LEAST_SHARE, GOOD_SHARE = 0.3, 0.6
"""Effective share of the weights down to which a scale is looked at, and from which no further round is needed."""

FURTHEST = 10.0
"""Farthest that a parabola is followed, in units of the reach."""

MAX_KHAT = 0.7

FLAT = 0.01
"""Nats that make no difference."""

ROUNDS, STEPS = 25, 30
"""Rounds of draws, and steps of the search for where the first are made."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class EvidenceChoice:
    """A prior scale chosen by evidence, and the curve it was chosen from.

    Parameters
    ----------
    scale : float
        The scale of highest p(y | scale), in the units that the prior's scale has (of σ, under a noise-scaled prior).
    error : float
        Its Monte Carlo standard error, relative to it; 0 in closed form, NaN at an edge.
    scales : array (g,)
        Scales over which the curve is known: all that were allowed in closed form, else those within the last draws'
        reach.
    log_evidence : array (g,)
        log p(y | scale) − log p(y | chosen scale), in nats.
    edge : {"", "lower", "upper", "flat"}
        Which end of the allowed scales the maximum lies at, if any: the evidence rises to it.  "flat": no weaker prior
        is better by 0.01 nats, or with draws by two Monte Carlo standard errors, but none is worse either.
    method : str
        The sampler whose draws were reweighted, or "closed form".
    rounds : int
        Times that draws were made.
    sentence : str
        How it was chosen, for the reader.
    """

    scale: float
    error: float
    scales: Array
    log_evidence: Array
    edge: str
    method: str
    rounds: int
    sentence: str


def evidence_scale(
    problem: Problem,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    tune: int | None = None,
    method: str = "auto",
    sampled: bool = False,
) -> EvidenceChoice:
    """Return the prior scale of highest marginal likelihood p(y | scale), all other unknowns integrated out.

    Allowed are scales under which the prior gives η an sd between 0.1/√n and 1000 times the noise's (the response's sd,
    where the prior is not in units of σ; with a logit or log link at most 10 times it).  Where the data ask for no
    effects at all, or are fitted the better the weaker the prior (exact fits, separated classes), that end is returned,
    and said.

    Parameters
    ----------
    problem : Problem
        Its prior's own scale is ignored.
    seed : int
        Seed of the draws.
    draws, tune : int
        Draws of a round, and warm-up, as in `sample`.
    method : str
        Sampler, as in `sample`.
    sampled : bool
        Whether draws are reweighted even where there is a closed form.

    Raises
    ------
    FitError
        If there is no column that varies, the posterior does not exist, or no maximum was found.
    ParameterError
        If the prior has no scale (a bridge or elastic-net prior has rates).
    """
    unit = problem.with_prior(problem.prior.at(1.0))
    if problem.p and (unit.prior.rates(problem.p) == problem.prior.at(2.0).rates(problem.p)).all():
        msg = f"evidence: {problem.prior!r} has no scale to choose; give its rates"
        raise ParameterError(msg)
    low, high = _allowed(unit)
    prepare(problem.with_prior(problem.prior.at(math.exp((low + high) / 2))), method, draws, seed=seed, tune=tune)
    flat_intercept = problem.intercept is None or bool(np.isinf(problem.intercept.variance(1)).all())
    if flat_intercept and not conjugate.refusal(unit) and not sampled:
        return _in_closed_form(unit, low, high)
    return _by_draws(problem, _start(unit, low, high), (low, high), _Settings(seed, draws, tune, method))


def _allowed(unit: Problem) -> tuple[float, float]:
    """Logs of the least and the greatest scale."""
    columns = column_moments(unit.design.rows)
    squares = np.where(columns.constant, 0.0, columns.sd) ** 2 + (0.0 if unit.has_intercept else columns.mean**2)
    variance = unit.prior.variance(unit.p)
    spread = math.sqrt(float((np.where(np.isfinite(variance), variance, 0.0) * squares).sum()))
    if not spread > 0:
        msg = "evidence: no penalised column varies, so the data say nothing about the prior's scale; give a scale"
        raise FitError(msg)
    size = 1.0 if unit.scale_by_noise else unit.response_sd() or 1.0
    smallest = SMALLEST / math.sqrt(response_moments(unit.design.rows)[0])
    largest = LARGEST if unit.likelihood.location_scale else LARGEST_LINKED
    return math.log(min(smallest, SMALLEST) * size / spread), math.log(largest * size / spread)


def _highest(curve: Callable[[float], float], low: float, high: float) -> tuple[float, Array, Array]:
    """Where a curve on [low, high] is highest, and the curve on a grid.

    Where it is flat, or highest at its higher end: the least of the grid at which it is as high to 0.01.
    """
    grid = np.linspace(low, high, GRID)
    values = np.array([curve(t) for t in grid])
    best = int(np.argmax(values))
    if best == GRID - 1 or np.ptp(values) <= FLAT:
        return float(grid[np.flatnonzero(values >= values[best] - FLAT)[0]]), grid, values
    return _refined(curve, grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]), grid, values


def _refined(curve: Callable[[float], float], low: float, high: float) -> float:
    """Where a curve with one peak on [low, high] is highest: an end, if no point between is higher."""
    inside = minimize_scalar(lambda t: -curve(t), bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return max((low, float(inside.x), high), key=curve)


def _first_peak(curve: Callable[[float], float], low: float, high: float) -> float:
    """Where a curve on [low, high] has its first peak; its higher end if there is none."""
    best, grid, values = _highest(curve, low, high)
    peaks = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])) + 1
    return _refined(curve, grid[peaks[0] - 1], grid[peaks[0] + 1]) if peaks.size else best


def _edge(t: float, low: float, high: float) -> str:
    return "lower" if t <= low + 1e-9 else "upper" if t >= high - 1e-9 else ""


def _in_closed_form(unit: Problem, low: float, high: float) -> EvidenceChoice:
    evidence = conjugate.Evidence.of(unit)

    def curve(t: float) -> float:
        return evidence(math.exp(t))

    best, grid, values = _highest(curve, low, high)
    edge, scale = _edge(best, low, high), math.exp(best)
    if not edge and values[-1] >= curve(best) - FLAT:
        edge = "flat"
    sentence = f"scale = {scale:.4g}, of highest marginal likelihood (closed form){_WARNING[edge]}"
    return EvidenceChoice(
        scale, math.nan if edge else 0.0, np.exp(grid), values - curve(best), edge, "closed form", 0, sentence
    )


_WARNING = {
    "": "",
    "lower": "; it is the least that is allowed: the data show no effects that p(y | scale) would pay for",
    "flat": "; the evidence is flat there: no scale nearby is better by 0.01 nats, or by more than Monte Carlo error",
    "upper": "; it is the greatest that is allowed: the weaker the prior, the better the fit",
}


# -- from draws --------------------------------------------------------------------------------------------------------


def _start(unit: Problem, low: float, high: float) -> float:
    """Log of the best scale of a normal prior of equal variance, with the likelihood a quadratic at the mode."""
    if unit.likelihood.quadratic:
        evidence = conjugate.Evidence.of(unit)
        return _first_peak(lambda t: evidence(math.exp(t)), low, high)
    t = float(np.clip(0.0, low, high))
    for _ in range(STEPS):
        before, t = t, _quadratic_start(unit, t, low, high)
        if abs(t - before) < 0.02:
            break
    return t


def _quadratic_start(unit: Problem, t: float, low: float, high: float) -> float:
    fixed = unit.with_prior(unit.prior.at(math.exp(t))).conditional(unit.dispersion_guess())
    mode, _ = minimise(fixed)
    hessian = fixed.curvature(mode, majorized=True)
    whole = fixed.penalty_prior
    location = whole.location(mode.size)
    score = hessian @ (mode - location) - fixed.gradient(mode)
    reduced = reduce_gram(hessian, score, location, whole, fixed.labels)
    tau = np.sqrt(whole.variance(mode.size)[reduced.held]) * math.exp(-t)
    assert reduced.gram is not None
    s, _, gamma = conjugate.singular(reduced.gram, reduced.score, tau)
    return _first_peak(lambda u: conjugate.quadratic_evidence(s * math.exp(u), gamma), low, high)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Settings:
    """What the sampler is told in every round."""

    seed: int
    draws: int
    tune: int | None
    method: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Round:
    """Draws at scale e^t: `beta` (chain, draw, p), divided by σ about the prior's location where it is noise-scaled."""

    prior: Prior
    beta: Array
    t: float
    independent: bool

    @classmethod
    def of(cls, posterior: Posterior, t: float) -> _Round:
        """Read the draws of a posterior."""
        problem, beta = posterior.problem, posterior.beta
        if problem.scale_by_noise:
            known = problem.likelihood.sigma_known
            sigma = posterior.draws("sigma")[..., None] if known is None else known
            location = problem.prior.location(problem.p)
            beta = location + (beta - location) / sigma
        return cls(problem.prior, beta, t, posterior.independent)

    def log_weights(self, u: float) -> Array:
        """log p(β | e^(t+u)) − log p(β | e^t), (chain, draw)."""
        there, here = (self.prior.at(math.exp(self.t + v)).log_density(self.beta) for v in (u, 0.0))
        return np.asarray(there - here)

    def log_evidence(self, u: float) -> float:
        """log p(y | e^(t+u)) − log p(y | e^t)."""
        log_weights = self.log_weights(u)
        return float(logsumexp(log_weights)) - math.log(log_weights.size)

    def share(self, u: float) -> float:
        """Effective share of the weights, (Σw)²/(m Σw²)."""
        log_weights = self.log_weights(u)
        return math.exp(2 * float(logsumexp(log_weights)) - float(logsumexp(2 * log_weights))) / log_weights.size

    def reach(self, low: float, high: float) -> tuple[float, float]:
        """Offsets u, none beyond `low` and `high`, between which every scale's weights are even enough."""
        ends = []
        for sign, limit in ((-1.0, -low), (1.0, high)):
            end = 0.0
            for u in np.minimum(np.geomspace(2e-3, REACH, 24), max(limit, 0.0)):
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
        if np.ptp(log_weights) < 1.0:
            return True
        from arviz_stats.base import array_stats

        return float(array_stats.psislw(-log_weights)[1]) <= MAX_KHAT

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
        expected = _refined(lambda v: float(self.log_weights(v).mean()), low, high) / u
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


def _by_draws(problem: Problem, t: float, allowed: tuple[float, float], settings: _Settings) -> EvidenceChoice:
    low, high = allowed
    method = settings.method
    for done in range(1, ROUNDS + 1):
        there = problem.with_prior(problem.prior.at(math.exp(t)))
        plan = prepare(there, method, settings.draws, seed=settings.seed, tune=settings.tune)
        posterior = plan.run()
        if posterior.method != plan.method:  # what was refused once is not tried again
            method = posterior.method
        drawn = _Round.of(posterior, t)
        left, right = drawn.reach(low - t, high - t)
        u = _refined(drawn.log_evidence, left, right) if left < right else 0.0
        better = drawn.better(u)
        if not better and _edge(t, low, high):
            u = 0.0
        edge = _edge(t + u, low, high)
        inside = bool(edge) or left < u < right
        if (inside and drawn.trusted(u)) or not better:
            return _chosen(drawn, u, (left, right), edge if inside else "flat", posterior.method, done)
        if u and u in (left, right):
            u = drawn.beyond(u, low - t, high - t)
        t = float(np.clip(t + u, low, high))
    msg = f"evidence: no maximum of p(y | scale) was found in {ROUNDS} rounds of draws; give a scale"
    raise FitError(msg)


def _chosen(drawn: _Round, u: float, reach: tuple[float, float], edge: str, method: str, rounds: int) -> EvidenceChoice:
    grid = np.linspace(*reach, GRID)
    values = np.array([drawn.log_evidence(v) for v in grid]) - drawn.log_evidence(u)
    scale, error = math.exp(drawn.t + u), math.nan if edge else drawn.error(u)
    within = "" if edge else f" ± {error:.1%} Monte Carlo"
    sentence = (
        f"scale = {scale:.4g}{within}, of highest marginal likelihood ({method} draws reweighted, {rounds} "
        f"round{'s' if rounds > 1 else ''}){_WARNING[edge]}"
    )
    return EvidenceChoice(scale, error, np.exp(drawn.t + grid), values, edge, method, rounds, sentence)
