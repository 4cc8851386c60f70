"""Posteriors along the prior's scale, for about the price of a few.

Scaling λ is a power of the prior, so that draws at one scale are importance draws at its neighbours.  Chains are run at
some scales of the grid only, and those between get the draws of both sides, reweighted (`weights`), as long as Pareto
k-hat is at most 0.7 and the weights are even enough (`walk`); chains go on from scale to scale, so that where every
scale needs its own a run is short, and that they have come to rest is tested along the way (`fits`).
"""

from __future__ import annotations

import math

import numpy as np

from bayesreg.importance import MAX_KHAT
from bayesreg.interfaces import Array
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers import prepare
from bayesreg.samplers.conjugate import Evidence, Exact
from bayesreg.samplers.settings import Progress, Settings, read_settings
from bayesreg.sampling_path.evidence import DISAGREE, Curve, integrated
from bayesreg.sampling_path.fits import ExactFitter, Fitter, GibbsFitter, PlanFitter
from bayesreg.sampling_path.grid import read_scales
from bayesreg.sampling_path.result import PosteriorPath
from bayesreg.sampling_path.tilt import Tilt
from bayesreg.sampling_path.walk import BUDGET, LEAST, MIN_ESS, Walk
from bayesreg.sampling_path.weights import Point
from bayesreg.scale_family import ScaleFamily

__all__ = ["PosteriorPath", "posterior_path"]

BATCHES = 32
"""Batches of draws that Monte Carlo errors come of, where chains are not more."""

LAG = 5.0
"""Standard errors of the chains' lag behind the scale, over all of the path, from which it counts."""


def posterior_path(
    problem: Problem,
    scales: object = None,
    *,
    draws: int = 1000,
    method: str = "auto",
    seed: int = 0,
    tune: int | None = None,
    progress: Progress | None = None,
    count: int = 50,
) -> PosteriorPath:
    """Draw from the posteriors at many scales of the prior.

    Parameters
    ----------
    problem : Problem
        The scale of its prior is left out, whether it is a number or has a prior of its own.
    scales : array-like, optional
        Any order; each at most once.  Larger is weaker.  By default `count` over three decades, from the scale at which
        the first coefficient of the mode leaves its location (`grid`).
    draws : int
        As in `sample`: 4·draws is what a posterior is made of by default.  A path makes some four or five times as many
        in all, dealt out to its fits, none of which gets more than 2·draws, or fewer than 512 unless that is fewer.
    method, tune, progress
        As in `sample`; progress is called with (scales done, scales).  `tune` is the warm-up of chains that start
        afresh.  A sampler that compiles does so at every fit.
    seed : int, SeedSequence, Generator or None
    count : int
        Number of scales, where they are not given.

    Returns
    -------
    PosteriorPath
        `passed_at` says where it may be relied on: k-hat ≤ 0.7, an ESS of 100, no sign of chains that had not come to
        rest.  Since chains go on from scale to scale, R-hat among them would prove little: the tests are those of
        `fits`, and a lag common to all fits of the path is told too.

    Raises
    ------
    ParameterError
        If a scale or setting is out of range, there is no scale, or `method` does not apply: says why, and what does.
    FitError
        If a posterior is improper.
    """
    require_problem(problem, "posterior_path")
    settings = read_settings(draws, None, tune, seed, progress)
    family = ScaleFamily.of(problem, "posterior_path")
    grid = read_scales(problem, family, scales, count)
    tilt = Tilt.of(problem, family)
    plan = prepare(problem.with_prior(family.at(float(grid[0]))), method, draws, seed=settings.seed, tune=tune)
    fitter = _fitter(problem, family, tilt, method, plan.method, settings)
    most = 2 * draws
    batches = max(BATCHES, fitter.chains) if isinstance(fitter, GibbsFitter) else BATCHES
    walk = Walk(
        fitter, tilt, np.log(grid), most, max(min(batches, min(LEAST, most)), 2),
        BUDGET * 4 * draws, settings.seed, progress,
        everywhere=isinstance(fitter, ExactFitter) and problem.likelihood.sigma_known is not None,
    )  # fmt: skip
    interrupted = walk.run()
    done = next((i for i in range(grid.size) if i not in walk.points), grid.size)
    return _result(problem, family, grid[:done], walk, settings, interrupted=interrupted)


def _fitter(problem: Problem, family: ScaleFamily, tilt: Tilt, asked: str, method: str, settings: Settings) -> Fitter:
    one = problem.with_prior(family.at(1.0))
    if method == "conjugate" and _all_move(problem, tilt):
        return ExactFitter(problem, tilt, Exact.of(one))
    if method == "gibbs":
        return GibbsFitter.of(problem, family, tilt, settings.tune)
    return PlanFitter(problem, family, tilt, asked, settings.tune)


def _all_move(problem: Problem, tilt: Tilt) -> bool:
    """Whether a factor on all proper priors of θ, the intercept's included, is the scale."""
    proper = np.isfinite(tilt.prior.variance(problem.p))
    return bool(tilt.moving[proper].all()) and (problem.intercept is None or problem.flat_intercept)


def _result(
    problem: Problem, family: ScaleFamily, scales: Array, walk: Walk, settings: Settings, *, interrupted: bool
) -> PosteriorPath:
    points = tuple(walk.points[i] for i in range(scales.size))
    marginals = [walk.marginals[i] for i in range(scales.size)]
    fits = [walk.fits[i] for i in range(scales.size) if i in walk.fits]
    curve = _evidence(problem, walk, scales, points)
    ess = np.array([float(np.min(each.ess)) for each in marginals])
    khat = np.array([point.khat for point in points])
    trouble = tuple(_trouble(point, e) for point, e in zip(points, ess, strict=True))
    lags, errors = np.array([fit.lag for fit in fits]), np.array([fit.lag_error for fit in fits])
    warnings = []
    if abs(lags.sum()) > LAG * math.sqrt(float((errors**2).sum())):
        warnings.append("the chains lag behind the scale, taken over the path: give scales closer together")
    if curve.disagreement > DISAGREE:
        warnings.append(f"two estimates of the evidence differ by {curve.disagreement:.1f} standard errors")
    quantiles = np.stack([each.quantiles for each in marginals])
    return PosteriorPath(
        problem=problem, family=family, scales=scales,
        mean=np.stack([each.mean for each in marginals]), sd=np.stack([each.sd for each in marginals]),
        mcse=np.stack([each.mcse for each in marginals]),
        lower=quantiles[:, 0], median=quantiles[:, 1], upper=quantiles[:, 2],
        drawn=np.array([point.weights is None for point in points]), khat=khat, ess=ess,
        passed_at=np.array([not why for why in trouble]),
        log_evidence=curve.values, log_evidence_error=curve.errors, fits=walk.runs, interrupted=interrupted,
        trouble=trouble, warning="; ".join(warnings), method=fits[-1].method, points=points,
        settings=Settings(settings.draws, None, settings.tune, settings.seed),
    )  # fmt: skip


def _trouble(point: Point, ess: float) -> str:
    if point.weights is not None and not point.khat <= MAX_KHAT:
        return f"k-hat is {point.khat:.2f} > {MAX_KHAT}"
    if not ess >= MIN_ESS:
        return f"ESS is {ess:.0f} < {MIN_ESS}"
    return next((fit.trouble for fit in point.pool.fits if fit.trouble), "")


def _evidence(problem: Problem, walk: Walk, scales: Array, points: tuple[Point, ...]) -> Curve:
    """In closed form where draws are exact."""
    if not isinstance(walk.fitter, ExactFitter):
        return integrated(walk.t[: scales.size], points)
    evidence = Evidence.of(walk.fitter.exact.problem)
    values = np.array([evidence(float(s)) for s in scales])
    return Curve(values - values.max(), np.zeros(scales.size), 0.0)
