"""NUTS (nutpie) on the PyMC model in whitened coordinates: takes any likelihood and prior.

Under Gaussian noise with more rows than columns the model is that of the sufficient statistics (`reduced_model`).

The unconstrained vector is x = x̂ + Lz with LLᵀ the inverse curvature at the MAP (a Laplace prior, which has a kink and
no curvature, counts with its variance), so that z has about unit scale and no correlation when sampling starts.  With
more columns than rows L is diagonal: the prior then rules most directions, and a dense L would cost more for each
gradient than the rows do.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.density import GraphDensity
from bayesreg.descent import minimise
from bayesreg.dispersion_profile import Profile
from bayesreg.interfaces import Array
from bayesreg.noise import exact_fit, resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.samplers.pymc import sample_stats, trimmed
from bayesreg.samplers.settings import Draws, Settings
from bayesreg.samplers.whitened import compiled_for, unwhitened

CHAINS, CORES = 4, 2

TUNE, TARGET_ACCEPT = 300, 0.7
"""Warm-up and mean acceptance.  After whitening little is left to adapt, and long steps do: on a logistic lasso
(569 × 30; prior scale 0.2 | 1) effective draws a second at acceptance 0.6 are 306 | 948, at 0.7 392 | 881, at 0.8
243 | 794, at 0.9 228 | 353; of the plain model with nutpie's defaults, 154 | 249."""

WIDE_ACCEPT = 0.8
"""With more columns than rows, where nothing but the diagonal is whitened."""

CAREFUL_TUNE, CAREFUL_ACCEPT = 500, 0.9
"""Under an unknown prior scale: whitening there is a guess, and the funnel's neck asks for short steps."""


def refusal(problem: Problem) -> str:
    """Empty: it applies to every problem."""
    return ""


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return NUTS draws; an interrupt keeps those already made."""
    with compiled_for(problem, reuse=settings.reuse) as whitened:
        density = whitened.density
        centre, root = _whitening(problem, density)
        raw, interrupted = run_nutpie(whitened.on(problem, centre, root), _pace(problem, settings), settings)
        values, kept, done = trimmed({"z": raw["posterior"]["z"].values}, settings.draws)
        x = unwhitened(values["z"], centre, root)
        each = density.natural_each(x.reshape(-1, x.shape[-1]))
    natural = {name: value.reshape(*x.shape[:2], *value.shape[1:]) for name, value in each.items()}
    lead = [natural["intercept"][..., None]] if problem.has_intercept else []
    theta = np.concatenate([*lead, natural["beta"]], axis=-1)
    extra = {name: natural[name] for name in ("beta_scale",) if name in natural}
    stats = sample_stats(raw["sample_stats"], theta.shape[:2], kept)
    dispersion = natural.get(problem.likelihood.dispersion_name or "")
    return Draws(theta, dispersion, extra, stats, interrupted=interrupted or done < settings.draws)


def _whitening(problem: Problem, density: GraphDensity) -> tuple[Array, Array]:
    """Centre (K,) and root (K, K) of the inverse curvature over the model's unconstrained vector; (K,) if diagonal."""
    point: dict[str, float | Array] = {}
    work = problem
    if problem.prior.hyperprior is not None:
        # A size that lets the coefficients together move η by about its own scale.
        scale = (problem.response_sd() or 1.0) / math.sqrt(max(problem.p, 1))
        work = problem.with_prior(problem.prior.at(scale))
        point["beta_scale"] = scale
    name = problem.likelihood.dispersion_name
    dispersion = _dispersion(work)
    if problem.likelihood.dispersion is not None and name is not None and dispersion is not None:
        point[name] = dispersion
    fixed = work.conditional(dispersion)
    theta, _ = minimise(fixed)
    intercept, beta = problem.split(theta)
    point["beta"] = beta
    if problem.has_intercept:
        point["intercept"] = float(intercept)
    centre = density.at_natural(point)
    scales = np.ones(centre.size)
    if name in point:
        # Gaussian nll's second derivative in log σ is 2·RSS/σ² ≈ 2N at the maximum; elsewhere it is of that order.
        scales[density.slice_of(name)] = 1 / math.sqrt(2 * problem.n)
    index = _theta_index(problem, density)
    prior = 1 / fixed.penalty_prior.variance(theta.size)
    if problem.p > problem.n:
        scales[index] = 1 / np.sqrt(fixed.curvature_diagonal(theta) + prior)
        return centre, scales
    root = np.diag(scales)
    precision = fixed.curvature(theta, majorized=True) + np.diag(prior)
    root[np.ix_(index, index)] = np.linalg.inv(np.linalg.cholesky(precision)).T
    return centre, root


def _dispersion(work: Problem) -> float | None:
    """A dispersion in the bulk of its posterior, to whiten at: near a joint mode, or a guess where that has none.

    Of several modes it is the one below the size of y: narrow ones at small scales are not where the mass is.
    """
    if work.likelihood.dispersion is None or work.likelihood.quadratic:
        return resolve_noise(work).sigma
    found = exact_fit(work)
    if found is not None and found.unbounded:
        return 0.5 * work.dispersion_guess()
    near = Profile(work).rough(math.log(work.dispersion_guess()))
    return fit_at(work, resolve_noise(work)).sigma if near is None else math.exp(near)


def _theta_index(problem: Problem, density: GraphDensity) -> Array:
    """Positions of θ = (intercept, β) in the model's vector."""
    names = ["intercept", "beta"] if problem.has_intercept else ["beta"]
    places = np.arange(density.free.size)
    return np.concatenate([places[density.slice_of(name)] for name in names])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """Warm-up, chains and mean acceptance, those that `Settings` leave open chosen for the problem."""

    tune: int
    chains: int
    accept: float


def _pace(problem: Problem, settings: Settings) -> Pace:
    tune, accept = TUNE, TARGET_ACCEPT if problem.p <= problem.n else WIDE_ACCEPT
    if problem.prior.hyperprior is not None:
        tune, accept = CAREFUL_TUNE, CAREFUL_ACCEPT
    tune = tune if settings.tune is None else settings.tune
    return Pace(tune, settings.chains or CHAINS, accept)


def run_nutpie(compiled: Any, pace: Pace, settings: Settings) -> tuple[Any, bool]:
    """Sample a compiled model in the background, reporting progress; on an interrupt stop and return what there is."""
    import nutpie

    sampler = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=pace.tune,
        chains=pace.chains,
        cores=CORES,
        seed=settings.integer_seed(),
        target_accept=pace.accept,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
        progress_callback=_callback(pace, settings),
    )
    try:
        return _wait(sampler), False
    except KeyboardInterrupt:
        return sampler.abort(), True


def _wait(sampler: Any) -> Any:
    """Wait in short pieces, so that an interrupt is seen at once."""
    while True:
        try:
            return sampler.wait(timeout=0.1)
        except TimeoutError:
            time.sleep(0)


def _callback(pace: Pace, settings: Settings) -> Any:
    if settings.progress is None:
        return None
    report, total = settings.progress, pace.chains * (settings.draws + pace.tune)
    return lambda chains: report(sum(chain.finished_draws for chain in chains), total)
