"""The scale of highest evidence: what is allowed, the closed form, and where the first draws are made."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bayesreg.descent import minimise
from bayesreg.design import column_moments
from bayesreg.errors import FitError
from bayesreg.evidence.curves import FLAT, WARNING, EvidenceChoice, edge_of, first_peak, highest
from bayesreg.evidence.draws import Settings, by_draws
from bayesreg.moments import response_moments
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.samplers import conjugate, prepare
from bayesreg.samplers.reduction import reduce_gram
from bayesreg.scale_family import ScaleFamily

DRAWS = 500
"""Draws of a round; as in `sample`, four times as many in all."""

SMALLEST, LARGEST, LARGEST_LINKED = 0.1, 1e3, 10.0
"""Sds that the prior may give η, in units of σ or of the response's sd: at least the first over the root of the number
of rows (by weight), less than which no data tell from none; at most the second, or with a logit or log link the third.
"""

STEPS = 30
"""Steps of the search for where the first draws are made."""


def evidence_scale(
    problem: Problem,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    tune: int | None = None,
    method: str = "auto",
    sampled: bool = False,
    sigma: float | str | None = None,
) -> EvidenceChoice:
    """Return the prior scale of highest marginal likelihood p(y | scale), all other unknowns integrated out.

    Of a prior without one scale (rates, scales by column) it is a factor on all its scales: see `ScaleFamily`.

    Allowed are scales under which the prior gives η an sd between 0.1/√n and 1000 times the noise's (the response's sd,
    where the prior is not in units of σ; with a logit or log link at most 10 times it).  Where the data ask for no
    effects at all, or are fitted the better the weaker the prior (exact fits, separated classes), that end is returned,
    and said.

    Under any but Gaussian noise an unknown dispersion (σ, α) is held at its plug-in value, since integrating over it
    would take a compiled sampler in every round: the sentence says so.

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
    sigma : float, str or None
        What an unknown dispersion is held at under other noise than Gaussian; see `resolve_noise`.

    Raises
    ------
    FitError
        If there is no column that varies, the posterior does not exist, or no maximum was found.
    ParameterError
        If no column has a proper prior.
    """
    family = ScaleFamily.of(problem, "evidence")
    unit = problem.with_prior(family.at(1.0))
    if problem.likelihood.dispersion is not None and not problem.likelihood.quadratic:
        prepare(unit, method, draws, seed=seed, tune=tune)
        return _given_dispersion(problem, family, sigma, Settings(seed, draws, tune, "auto"))
    low, high = allowed(unit)
    prepare(problem.with_prior(family.at(math.exp((low + high) / 2))), method, draws, seed=seed, tune=tune)
    if (problem.intercept is None or problem.flat_intercept) and not conjugate.refusal(unit) and not sampled:
        return _in_closed_form(unit, low, high, family.name)
    return by_draws(problem, start(unit, family, low, high), (low, high), Settings(seed, draws, tune, method))


def _given_dispersion(
    problem: Problem, family: ScaleFamily, sigma: float | str | None, settings: Settings
) -> EvidenceChoice:
    """Choose the scale with the dispersion at its plug-in value."""
    unit = problem.with_prior(family.at(natural_scale(problem, family, "evidence")))
    noise = resolve_noise(unit, sigma)
    value = fit_at(unit, noise).sigma if noise.joint else noise.sigma
    assert value is not None
    fixed, factor = at_dispersion(problem, family, value)
    held = evidence_scale(fixed, seed=settings.seed, draws=settings.draws, tune=settings.tune)
    name, scale = problem.likelihood.dispersion_name, held.scale / factor
    rest = held.sentence.partition(",")
    within = f" ± {held.error:.1%} Monte Carlo" if held.error > 0 else ""
    sentence = f"{family.name} = {scale:.4g}{within},{rest[2]}, with {name} at {value:.4g}"
    return replace(held, scale=scale, scales=held.scales / factor, sentence=sentence, dispersion=value)


def at_dispersion(problem: Problem, family: ScaleFamily, value: float) -> tuple[Problem, float]:
    """Return the problem with its dispersion held at a value, and the factor between its scales and the family's.

    In units of σ the prior at s is, at that σ, the plain one at s·σ.
    """
    fixed = problem.with_prior(family.at(1.0)).at(value).with_prior(family.prior)
    return fixed, value if problem.scale_by_noise else 1.0


def natural_scale(problem: Problem, family: ScaleFamily, caller: str) -> float:
    """Scale at which the prior gives η the response's sd (that of the noise, where the prior is in its units)."""
    unit = problem.with_prior(family.at(1.0))
    return (1.0 if unit.scale_by_noise else unit.response_sd() or 1.0) / prior_spread(unit, caller)


def prior_spread(unit: Problem, caller: str) -> float:
    """Root mean square over the rows of the sd that the prior gives η.

    Raises
    ------
    FitError
        If no penalised column varies.
    """
    columns = column_moments(unit.design.rows)
    squares = np.where(columns.constant, 0.0, columns.sd) ** 2 + (0.0 if unit.has_intercept else columns.mean**2)
    variance = unit.prior.variance(unit.p)
    spread = math.sqrt(float((np.where(np.isfinite(variance), variance, 0.0) * squares).sum()))
    if not spread > 0:
        msg = f"{caller}: no penalised column varies, so the data say nothing about the prior's scale; give a scale"
        raise FitError(msg)
    return spread


def allowed(unit: Problem) -> tuple[float, float]:
    """Logs of the least and the greatest scale."""
    spread = prior_spread(unit, "evidence")
    size = 1.0 if unit.scale_by_noise else unit.response_sd() or 1.0
    smallest = SMALLEST / math.sqrt(response_moments(unit.design.rows)[0])
    largest = LARGEST if unit.likelihood.location_scale else LARGEST_LINKED
    return math.log(min(smallest, SMALLEST) * size / spread), math.log(largest * size / spread)


def _in_closed_form(unit: Problem, low: float, high: float, name: str) -> EvidenceChoice:
    evidence = conjugate.Evidence.of(unit)

    def curve(t: float) -> float:
        return evidence(math.exp(t))

    best, grid, values = highest(curve, low, high)
    edge, scale = edge_of(best, low, high), math.exp(best)
    if not edge and values[-1] >= curve(best) - FLAT:
        edge = "flat"
    sentence = f"{name} = {scale:.4g}, of highest marginal likelihood (closed form){WARNING[edge]}"
    return EvidenceChoice(
        scale, math.nan if edge else 0.0, np.exp(grid), values - curve(best), edge, "closed form", 0, sentence
    )


def start(unit: Problem, family: ScaleFamily, low: float, high: float) -> float:
    """Log of the best scale of a normal prior of equal variance, with the likelihood a quadratic at the mode."""
    if unit.likelihood.quadratic:
        evidence = conjugate.Evidence.of(unit)
        return first_peak(lambda t: evidence(math.exp(t)), low, high)
    t = float(np.clip(0.0, low, high))
    for _ in range(STEPS):
        before, t = t, _quadratic_start(unit, family, t, low, high)
        if abs(t - before) < 0.02:
            break
    return t


def _quadratic_start(unit: Problem, family: ScaleFamily, t: float, low: float, high: float) -> float:
    fixed = unit.with_prior(family.at(math.exp(t))).conditional(unit.dispersion_guess())
    mode, _ = minimise(fixed)
    hessian = fixed.curvature(mode, majorized=True)
    whole = fixed.penalty_prior
    location = whole.location(mode.size)
    score = hessian @ (mode - location) - fixed.gradient(mode)
    reduced = reduce_gram(hessian, score, location, whole, fixed.labels)
    tau = np.sqrt(whole.variance(mode.size)[reduced.held]) * math.exp(-t)
    assert reduced.gram is not None
    s, _, gamma = conjugate.singular(reduced.gram, reduced.score, tau)
    return first_peak(lambda u: conjugate.quadratic_evidence(s * math.exp(u), gamma), low, high)
