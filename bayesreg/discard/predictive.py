"""What a point, and a weighted cloud of draws, say of rows: log density, PIT, interval widths, mean.

Of rows y_i with linear predictor η and dispersion σ, a point says p(y | η, σ); a cloud of draws with weights ω (summing
to one, each row its own) says the mixture Σ_s ω_s p(y | η_s, σ_s).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.scores import INTERVALS, HeldOut
from bayesreg.interfaces import Array, Block, Likelihood
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior

STEP = 1e-3
"""Step of a difference quotient, in posterior sds: only Monte Carlo errors are made with it."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Draws θ (s, k) and of the dispersion (s, 1), or its known value, or None; `shape` is (chain, draw), s in all."""

    theta: Array
    sigma: Array | float | None
    shape: tuple[int, int]
    independent: bool

    def error(self, influence: Array) -> float:
        """Monte Carlo standard error of a sum that each draw moves by `influence` (s,) over s; 0 where none does."""
        if not np.ptp(influence) > 0:
            return 0.0 if np.isfinite(influence).all() else float("nan")
        return float(mcse_mean(influence.reshape(self.shape), independent=self.independent))


@final
@dataclass(frozen=True, slots=True, eq=False)
class FromDraws:
    """What the mixture, and the point at its mean, say of rows; and how each draw moves the sum of the log densities.

    Parameters
    ----------
    full, mean : HeldOut
        The mixture, and the plug-in at the weighted mean of the parameters.
    full_influence, mean_influence : array (s,)
        First-order effect of the draws on Σ log_density: its Monte Carlo error is that of their mean.
    """

    full: HeldOut
    mean: HeldOut
    full_influence: Array
    mean_influence: Array


def cloud_of(posterior: Posterior, most: int) -> Cloud:
    """Return the draws of a posterior, evenly thinned to about `most` where there are more."""
    lead = [posterior.intercept[..., None]] if posterior.problem.has_intercept else []
    theta = np.concatenate([*lead, posterior.beta], axis=-1)
    step = max(1, round(theta.shape[0] * theta.shape[1] / most))
    theta = theta[:, ::step]
    shape = (theta.shape[0], theta.shape[1])
    sigma: Array | float | None = posterior.problem.likelihood.sigma_known
    if sigma is None:
        draws = posterior.arrays.get(posterior.problem.likelihood.dispersion_name or "")
        sigma = None if draws is None else draws[:, ::step].reshape(-1, 1)
    size = shape[0] * shape[1]
    return Cloud(theta.reshape(size, theta.shape[2]), sigma, shape, posterior.independent)


def rows_of(block: Block, chosen: NDArray[np.int_]) -> Block:
    """Return some rows of a block."""
    weights = None if block.weights is None else block.weights[chosen]
    trials = None if block.trials is None else block.trials[chosen]
    return Block(block.X[chosen], block.y[chosen], block.offset[chosen], weights, trials)


def log_density_of(problem: Problem, part: Block, cloud: Cloud) -> Array:
    """Return log p(y_i | θ_s), unweighted, (m, s)."""
    eta = problem.linear_predictor(part, cloud.theta.T)
    return np.ascontiguousarray(-problem.likelihood.on(part).nll_given(eta.T, part.y, cloud.sigma).T)


def say_from_draws(
    problem: Problem,
    part: Block,
    cloud: Cloud,
    log_density: Array,
    weights: Array,
    rng: np.random.Generator,
    relied_on: NDArray[np.bool_] | None = None,
) -> FromDraws:
    """Return what the mixture over weighted draws, and the point at their mean, say of the rows of `part`.

    Parameters
    ----------
    problem : Problem
    part : Block
        The m held-out rows.
    cloud : Cloud
        s draws.
    log_density : array (m, s)
        From `log_density_of`.
    weights : array (m, s)
        Of the draws, for each row; they sum to one.
    rng : Generator
        For draws of y, of which the interval widths are made.
    relied_on : bool array (m,), optional
        Rows whose share in the influences is counted; by default all.

    Notes
    -----
    The plug-in's dispersion is the weighted mean of a noise scale σ, and e^(weighted mean of log α) of a shape α, whose
    own mean need not exist.
    """
    likelihood, row = problem.likelihood.on(part), part.weighted(np.ones(part.y.size))
    with np.errstate(divide="ignore"):  # a weight may underflow: its draw then counts for nothing
        joint = np.log(weights) + log_density
    top = joint.max(axis=1, keepdims=True)
    mass = np.exp(joint - top)
    total = mass.sum(axis=1)
    eta = problem.linear_predictor(part, cloud.theta.T).T
    # The mixture's PIT: an average of distribution functions, with no draw of y in it.
    upper = np.einsum("ms,sm->m", weights, likelihood.cdf(eta, part.y, cloud.sigma))
    density = np.exp(top[:, 0]) * total
    y = likelihood.simulate(eta, cloud.sigma if isinstance(cloud.sigma, np.ndarray) else None, rng)
    full = HeldOut(
        log_density=row * (top[:, 0] + np.log(total)),
        pit_lower=_lower(likelihood, upper, density),
        pit_upper=np.clip(upper, 0.0, 1.0),
        width=_widths(y.T, weights),
        mean=np.einsum("ms,sm->m", weights, likelihood.mean(eta)),
    )
    size = eta.shape[0]
    moved = size * (mass / total[:, None] - weights)
    theta = weights @ cloud.theta
    sigma, drift = _central_dispersion(problem, cloud, weights)
    mean = say_at(problem, part, theta, sigma, rng, copies=size)
    slopes = _slopes(likelihood, part.y, weights, eta.T, sigma, drift)
    felt = row if relied_on is None else row * relied_on
    return FromDraws(full, mean, felt @ moved, size * np.einsum("m,ms,ms->s", felt, slopes, weights))


def say_at(
    problem: Problem, part: Block, theta: Array, sigma: Array | float | None, rng: np.random.Generator, copies: int
) -> HeldOut:
    """Return what points say of the rows of `part`, each row its own point.

    Parameters
    ----------
    problem : Problem
    part : Block
        The m rows.
    theta : array (m, k)
    sigma : array (m,), float or None
        The dispersion at each point; None where the family has none.
    rng : Generator
    copies : int
        Draws of y that the interval widths are made of.
    """
    likelihood, y = problem.likelihood.on(part), part.y
    eta = _each_eta(problem, part, theta)
    density = -likelihood.nll_given(eta, y, sigma)
    upper = likelihood.cdf(eta, y, sigma)
    spread = np.broadcast_to(eta, (copies, eta.size))
    drawn = likelihood.simulate(spread, None if sigma is None else np.broadcast_to(sigma, eta.shape), rng)
    return HeldOut(
        log_density=part.weighted(density),
        pit_lower=_lower(likelihood, upper, np.exp(density)),
        pit_upper=np.asarray(upper),
        width=_widths(drawn.T, None),
        mean=np.asarray(likelihood.mean(eta)),
        mcse=0.0,
    )


def joined(parts: list[HeldOut], mcse: float, mcse_difference: float) -> HeldOut:
    """Return what was said of several sets of rows as one, with the Monte Carlo errors of the whole."""
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("log_density", "pit_lower", "pit_upper", "width", "mean")
    }
    return HeldOut(**arrays, mcse=mcse, mcse_difference=mcse_difference)


def put(whole: HeldOut, at: int, one: HeldOut) -> HeldOut:
    """Return `whole` with what was said of its row `at` replaced by what `one` says of that row alone."""
    arrays: dict[str, Any] = {}
    for name in ("log_density", "pit_lower", "pit_upper", "width", "mean"):
        arrays[name] = getattr(whole, name).copy()
        arrays[name][at] = getattr(one, name)[0]
    return replace(whole, **arrays)


def _each_eta(problem: Problem, part: Block, theta: Array) -> Array:
    """η (m,) of each row at its own θ (m, k)."""
    intercept, beta = problem.split(theta)
    product = part.X * beta  # of a sparse array a sparse one
    return np.asarray(product.sum(axis=1)).reshape(part.y.size) + intercept + part.offset


def _lower(likelihood: Likelihood, upper: Array, density: Array) -> Array:
    """F(y−) = F(y) − P(y) of a count, F(y) itself of a continuous response."""
    return np.clip(upper - density, 0.0, 1.0) if likelihood.discrete else np.clip(upper, 0.0, 1.0)


def _widths(y: Array, weights: Array | None) -> Array:
    """Widths (m, 3) of the central intervals of draws y (m, s): inf{q: F(q) ≥ p} at both ends."""
    tails = np.array([[(1 - p) / 2, (1 + p) / 2] for p in INTERVALS]).ravel()
    size = y.shape[1]
    if weights is None:
        ends = np.sort(y, axis=1)[:, np.minimum(np.ceil(tails * size).astype(int) - 1, size - 1)]
    else:
        order = np.argsort(y, axis=1)
        reached = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
        reached /= reached[:, -1:]
        places = np.array([np.searchsorted(share, tails - 1e-12) for share in reached])
        ends = np.take_along_axis(y, np.take_along_axis(order, np.minimum(places, size - 1), axis=1), axis=1)
    return np.asarray(ends[:, 1::2] - ends[:, ::2])


def _central_dispersion(problem: Problem, cloud: Cloud, weights: Array) -> tuple[Array | float | None, Array | None]:
    """The weighted mean (m,) of the dispersion, and how far (m, s) the draws lie from it on the scale of the mean."""
    if not isinstance(cloud.sigma, np.ndarray):
        return cloud.sigma, None
    draws = cloud.sigma[:, 0]
    if problem.likelihood.location_scale:
        centre = weights @ draws
        return centre, draws - centre[:, None]
    logs = np.log(draws)
    centre = weights @ logs
    return np.exp(centre), np.exp(centre)[:, None] * (logs - centre[:, None])


def _slopes(
    likelihood: Likelihood, y: Array, weights: Array, eta: Array, sigma: Array | float | None, drift: Array | None
) -> Array:
    """First-order effect (m, s) on log p(y | η̄, σ̄) of moving (η̄, σ̄) to each draw, by central differences."""
    centre = (weights * eta).sum(axis=1)
    away = eta - centre[:, None]
    step = STEP * (np.sqrt((weights * away**2).sum(axis=1)) + 1e-12 * (1 + np.abs(centre)))
    up, down = (likelihood.nll_given(centre + sign * step, y, sigma) for sign in (1.0, -1.0))
    found = -((up - down) / (2 * step))[:, None] * away
    if drift is None or sigma is None:
        return np.asarray(found)
    up, down = (likelihood.nll_given(centre, y, sigma * (1 + sign * STEP)) for sign in (1.0, -1.0))
    return np.asarray(found - ((up - down) / (2 * STEP * sigma))[:, None] * drift)
