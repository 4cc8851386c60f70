"""The posterior without one row, drawn anew where importance weights cannot stand in for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.discard.gate import withheld_by
from bayesreg.discard.predictive import FromDraws, cloud_of, log_density_of, rows_of, say_from_draws
from bayesreg.errors import FamilyError, FitError, InputError
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.samplers.settings import Interrupted

SURE = ("conjugate", "gibbs", "hmc")
"""Samplers that are asked for again by name; in place of others, which may refuse or compile each time, goes `auto`."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Refit:
    """What the posterior without one row says of it, and Monte Carlo errors of its log densities and their difference.

    Where there is no such posterior, or it failed its gates, `said` is None and `reason` says why.
    """

    said: FromDraws | None
    mcse: float
    mcse_of_mean: float
    mcse_difference: float
    reason: str

    @classmethod
    def failed(cls, reason: str) -> Self:
        """Return the refit that could not be had."""
        return cls(None, np.nan, np.nan, np.nan, reason)


def refit_without(
    posterior: Posterior,
    rows: NDArray[np.int_],
    most: int,
    seeds: list[np.random.SeedSequence],
    progress: Callable[[int, int], None] | None,
) -> list[Refit]:
    """Draw the posterior without each of these rows in turn, and ask it about that row.

    Parameters
    ----------
    posterior : Posterior
        On all rows.
    rows : int array (m,)
    most : int
        Draws, about, that each is asked with.
    seeds : list of SeedSequence
        One a row.
    progress : callable, optional
        Called with (done, total).

    Notes
    -----
    An interrupt ends the refits: those not made say so, and what was found before is kept.
    """
    found: list[Refit] = []
    try:
        for i, seed in zip(rows, seeds, strict=True):
            found.append(_refit(posterior, int(i), most, seed))
            if progress is not None:
                progress(len(found), rows.size)
    except (Interrupted, KeyboardInterrupt):
        reason = f"interrupted after {len(found)} of {rows.size} rows without which the posterior is to be drawn anew"
        found += [Refit.failed(reason)] * (rows.size - len(found))
    return found


def without(problem: Problem, row: int) -> Problem:
    """Return the problem with the weight of one row set to 0; standardisation, prior and scale stay.

    Raises
    ------
    FamilyError, InputError
        If the other rows leave no proper posterior.
    """
    block = problem.design.rows.collect()
    weights = np.ones(problem.n) if block.weights is None else block.weights.copy()
    weights[row] = 0.0
    left = problem.reweighted(weights)
    left.likelihood.check(left.design.rows.collect(), left.intercept)
    return left


def _refit(posterior: Posterior, row: int, most: int, seed: np.random.SeedSequence) -> Refit:
    sampling, predicting = seed.spawn(2)
    method = posterior.method if posterior.method in SURE else "auto"
    try:
        drawn = sample(without(posterior.problem, row), method, seed=sampling)
    except Interrupted:
        raise
    except (FitError, FamilyError, InputError) as error:
        return Refit.failed(f"without row {row} there is no posterior: {error}")
    if drawn.interrupted:
        msg = "sampling was interrupted"
        raise Interrupted(msg)
    failed = withheld_by(drawn)
    if failed:
        return Refit.failed(f"the posterior without row {row}: {failed}")
    part = rows_of(posterior.problem.design.rows.collect(), np.array([row]))
    cloud = cloud_of(drawn, most)
    size = cloud.theta.shape[0]
    said = say_from_draws(
        posterior.problem,
        part,
        cloud,
        log_density_of(posterior.problem, part, cloud),
        np.full((1, size), 1 / size),
        np.random.default_rng(predicting),
    )
    full, mean = said.full_influence, said.mean_influence
    return Refit(said, cloud.error(full), cloud.error(mean), cloud.error(full - mean), "")
