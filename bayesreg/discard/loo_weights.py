"""Posteriors without each row, as Pareto-smoothed weights of the draws that were made with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.convergence import ess_mean
from bayesreg.discard.predictive import Cloud, joined, log_density_of, put, rows_of, say_at, say_from_draws
from bayesreg.discard.refits import Refit
from bayesreg.discard.scores import HeldOut
from bayesreg.importance import MAX_KHAT, smoothed
from bayesreg.interfaces import Array
from bayesreg.problem import Problem

CHUNK_CELLS = 2_000_000
"""Cells (draws × rows) worked on at once: 16 MB an array."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reweighted:
    """What posteriors without each of m rows say of it.

    Parameters
    ----------
    full, mean : HeldOut
        The mixture, and the plug-in at the mean of the parameters.
    khat : array (m,)
        Shape of the weights' tail.
    full_influence, mean_influence : array (s,)
        Of the draws, on the sums over the rows that are relied on.
    """

    full: HeldOut
    mean: HeldOut
    khat: Array
    full_influence: Array
    mean_influence: Array


def khat_limit(draws: int) -> float:
    """Return the k-hat up to which so many draws suffice: min(1 − 1/log₁₀ S, 0.7)."""
    return min(1 - 1 / math.log10(max(draws, 2)), MAX_KHAT)


def efficiency(cloud: Cloud) -> float:
    """Return the effective share of the draws, averaged over the parameters; 1 of independent draws, or one chain."""
    if cloud.independent or cloud.shape[0] == 1 or cloud.shape[1] < 4:
        return 1.0
    parts = [cloud.theta, *([cloud.sigma] if isinstance(cloud.sigma, np.ndarray) else [])]
    draws = np.concatenate(parts, axis=1)
    found = ess_mean(draws.reshape(*cloud.shape, draws.shape[1]))
    return float(found.mean() / len(draws)) if found.size and np.isfinite(found).all() else 1.0


def reweigh(problem: Problem, cloud: Cloud, rows: NDArray[np.int_], rng: np.random.Generator) -> Reweighted:
    """Return what the posterior without each row, by weights ∝ 1/p(y_i | θ)^w_i, says of that row.

    Parameters
    ----------
    problem : Problem
    cloud : Cloud
        Draws of the posterior with all rows.
    rows : int array (m,)
    rng : Generator
    """
    block, share = problem.design.rows.collect(), efficiency(cloud)
    limit = khat_limit(cloud.theta.shape[0])
    khats, said = [], []
    for chosen in _chunks(rows, cloud.theta.shape[0]):
        part = rows_of(block, chosen)
        log_density = log_density_of(problem, part, cloud)
        own = np.ones(chosen.size) if part.weights is None else part.weights
        found = [smoothed(-w * row, share) for w, row in zip(own, log_density, strict=True)]
        khat = np.array([one.khat for one in found])
        weights = np.array([one.weights for one in found])
        khats.append(khat)
        said.append(say_from_draws(problem, part, cloud, log_density, weights, rng, khat <= limit))
    return Reweighted(
        joined([one.full for one in said], np.nan, np.nan),
        joined([one.mean for one in said], np.nan, np.nan),
        np.concatenate(khats),
        np.sum([one.full_influence for one in said], axis=0),
        np.sum([one.mean_influence for one in said], axis=0),
    )


def with_refits(
    found: Reweighted, cloud: Cloud, places: NDArray[np.int_], refits: list[Refit]
) -> tuple[HeldOut, HeldOut]:
    """Return (full, mean) with the rows at `places` as their refits have them, and the Monte Carlo errors of the sums.

    Errors of refits are independent of one another and of the rest: their squares add.
    """
    full, mean = found.full, found.mean
    for place, refit in zip(places, refits, strict=True):
        if refit.said is not None:
            full, mean = put(full, int(place), refit.said.full), put(mean, int(place), refit.said.mean)
    error = math.hypot(cloud.error(found.full_influence), *(refit.mcse for refit in refits))
    own = math.hypot(cloud.error(found.mean_influence), *(refit.mcse_of_mean for refit in refits))
    apart = math.hypot(
        cloud.error(found.full_influence - found.mean_influence), *(refit.mcse_difference for refit in refits)
    )
    return replace(full, mcse=error, mcse_difference=0.0), replace(mean, mcse=own, mcse_difference=apart)


def at_points(
    problem: Problem, rows: NDArray[np.int_], theta: Array, sigma: Array | None, rng: np.random.Generator, copies: int
) -> HeldOut:
    """Return what points θ (m, k) with dispersions (m,), or the known one, say of the rows, each of its own."""
    block = problem.design.rows.collect()
    said = []
    for places in _chunks(np.arange(rows.size), copies):
        part = rows_of(block, rows[places])
        at = problem.likelihood.sigma_known if sigma is None else sigma[places]
        said.append(say_at(problem, part, theta[places], at, rng, copies))
    return joined(said, 0.0, np.nan)


def _chunks(rows: NDArray[np.int_], draws: int) -> list[NDArray[np.int_]]:
    step = max(1, CHUNK_CELLS // max(draws, 1))
    return [rows[i : i + step] for i in range(0, rows.size, step)]
