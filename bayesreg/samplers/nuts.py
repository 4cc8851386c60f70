"""NUTS (nutpie) on the PyMC model in whitened coordinates: takes any likelihood and prior.

The unconstrained vector is x = x̂ + Lz with LLᵀ the inverse curvature at the MAP (a Laplace prior, which has a kink and
no curvature, counts with its variance), so that z has about unit scale and no correlation when sampling starts.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from bayesreg.density import GraphDensity
from bayesreg.descent import minimise
from bayesreg.errors import FitError
from bayesreg.graph import build_model
from bayesreg.interfaces import Array
from bayesreg.noise import exact_fit, resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.samplers.pymc import sample_stats, trimmed
from bayesreg.samplers.settings import Draws, Settings

CHAINS, TUNE, CORES = 4, 500, 2
TARGET_ACCEPT = 0.9
"""Above nutpie's default: the kinks of a Laplace prior ask for smaller steps."""


def refusal(problem: Problem) -> str:
    """Empty: it applies to every problem."""
    return ""


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return NUTS draws; an interrupt keeps those already made."""
    density = GraphDensity(build_model(problem))
    centre, root = _whitening(problem, density)
    raw, interrupted = _run(_whitened_model(density, centre, root), settings)
    values, kept, done = trimmed({"z": raw["posterior"]["z"].values}, settings.draws)
    x = centre + values["z"] @ root.T
    natural = _natural(density, x)
    lead = [natural["intercept"][..., None]] if problem.has_intercept else []
    theta = np.concatenate([*lead, natural["beta"]], axis=-1)
    extra = {name: natural[name] for name in ("beta_scale",) if name in natural}
    stats = sample_stats(raw["sample_stats"], theta.shape[:2], kept)
    dispersion = natural.get(problem.likelihood.dispersion_name or "")
    return Draws(theta, dispersion, extra, stats, interrupted=interrupted or done < settings.draws)


def _whitening(problem: Problem, density: GraphDensity) -> tuple[Array, Array]:
    """Centre and root of the inverse curvature, over the model's unconstrained vector."""
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
    precision = fixed.curvature(theta, majorized=True) + np.diag(1 / fixed.penalty_prior.variance(theta.size))
    centre = density.at_natural(point)
    scales = np.ones(centre.size)
    if name in point:
        # Gaussian nll's second derivative in log σ is 2·RSS/σ² ≈ 2N at the maximum; elsewhere it is of that order.
        scales[density.slice_of(name)] = 1 / math.sqrt(2 * problem.n)
    root = np.diag(scales)
    index = _theta_index(problem, density)
    root[np.ix_(index, index)] = np.linalg.inv(np.linalg.cholesky(precision)).T
    return centre, root


def _dispersion(work: Problem) -> float | None:
    """A dispersion in the bulk of its posterior, to whiten at: the joint mode's, or a guess where that has none."""
    if work.likelihood.dispersion is None or work.likelihood.quadratic:
        return resolve_noise(work).sigma
    found = exact_fit(work)
    if found is not None and found.unbounded:
        return 0.5 * work.dispersion_guess()
    return fit_at(work, resolve_noise(work)).sigma


def _theta_index(problem: Problem, density: GraphDensity) -> Array:
    """Positions of θ = (intercept, β) in the model's vector."""
    names = ["intercept", "beta"] if problem.has_intercept else ["beta"]
    places = np.arange(density.free.size)
    return np.concatenate([places[density.slice_of(name)] for name in names])


def _whitened_model(density: GraphDensity, centre: Array, root: Array) -> Any:
    """PyMC model of z, whose log density is the original's at centre + root·z (Jacobians of transforms on)."""
    import pymc as pm
    from pymc.pytensorf import join_nonshared_inputs
    from pytensor.graph.replace import graph_replace

    original = density.model
    values = [original.rvs_to_values[rv] for rv in original.free_RVs]
    (logp,), x = join_nonshared_inputs(original.initial_point(), [original.logp()], values, {})
    with pm.Model() as model:
        z = pm.Flat("z", shape=centre.size)
        pm.Potential("logp", graph_replace(logp, {x: centre + root @ z}))
    return model


def _run(model: Any, settings: Settings) -> tuple[Any, bool]:
    """Sample in the background, reporting progress; on an interrupt stop and return what there is."""
    import nutpie

    compiled = nutpie.compile_pymc_model(model)
    chains = settings.chains or CHAINS
    tune = TUNE if settings.tune is None else settings.tune
    sampler = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=tune,
        chains=chains,
        cores=CORES,
        seed=settings.integer_seed(),
        target_accept=TARGET_ACCEPT,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
        progress_callback=_callback(settings, chains * (settings.draws + tune)),
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


def _callback(settings: Settings, total: int) -> Any:
    if settings.progress is None:
        return None
    report = settings.progress
    return lambda chains: report(sum(chain.finished_draws for chain in chains), total)


def _natural(density: GraphDensity, x: Array) -> dict[str, Array]:
    """Every variable on its natural scale at draws x (chain, draw, k)."""
    points = [density.natural(row) for row in x.reshape(-1, x.shape[-1])]
    if not points:
        msg = "no draws were made"
        raise FitError(msg)
    return {
        name: np.stack([point[name] for point in points]).reshape(*x.shape[:2], *points[0][name].shape)
        for name in points[0]
    }
