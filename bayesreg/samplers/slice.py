"""One slice-sampling step of a scalar in each of many chains at once.

What a step costs is the number of times that the density of all chains is asked for, and hardly its size.  It is
therefore asked at several points of each chain at once: two widenings on either side, and several trials, of which the
first within the slice is taken.  Trials made at once are from one interval; those rejected narrow it together, for the
next ones.  No rejected point that narrows it lies between the old point and the new one, so that from the new point the
same trials would have made the same intervals: the step is reversible.

References
----------
Neal (2003), Slice sampling, Ann. Stat. 31:705–767, with stepping out and shrinkage.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg.errors import FitError
from bayesreg.interfaces import Array

STEPS = 500
"""Rounds of widening of an interval, and of shrinking, before the density is given up as no density."""

RUNGS, TRIALS = 2, 6
"""Widenings on either side, and trials, in a round."""


def slice_step(log_density: Callable[[Array], Array], t: Array, width: float, rng: np.random.Generator) -> Array:
    """Return the next state (m,) of chains at `t` (m,) whose density at t (m,) is exp(log_density(t)) up to a constant.

    Parameters
    ----------
    log_density : callable
        Elementwise, of shape (..., m): that of chain i at every entry [..., i].
    width : float
        First length of the interval; a few standard deviations is best.

    Raises
    ------
    FitError
        If an interval does not end: the density is improper, or not finite at `t`.
    """
    level = log_density(t) - rng.exponential(size=t.shape)
    lower, upper = _ends(log_density, t, level, width, rng)
    found, done, each = t.copy(), np.zeros(t.shape, dtype=bool), np.arange(t.size)
    for _ in range(STEPS):
        trials = lower + (upper - lower) * rng.random((TRIALS, t.size))
        inside = log_density(trials) >= level
        first = inside.argmax(axis=0)
        taken = ~done & inside[first, each]
        found[taken] = trials[first, each][taken]
        done |= taken
        if done.all():
            return found
        below = trials < t
        lower = np.where(below, trials, lower).max(axis=0)
        upper = np.where(below, upper, trials).min(axis=0)
    return found  # a slice so thin that the chain stays where it is, which is itself a point of the slice


def _ends(
    log_density: Callable[[Array], Array], t: Array, level: Array, width: float, rng: np.random.Generator
) -> Array:
    """Ends (2, m) of an interval around t, at random around it, widened by steps until both are outside the slice."""
    step = np.array([[-width], [width]])
    ends = t - width * rng.random(t.shape) + np.array([[0.0], [width]])
    rungs = step * np.arange(RUNGS)[:, None, None]
    for _ in range(STEPS):
        inside = np.logical_and.accumulate(log_density(ends + rungs) >= level, axis=0)
        ends += step * inside.sum(axis=0)
        if not inside[-1].any():
            return np.asarray(ends)
    msg = "a scale of the model does not stay within bounds: its posterior is improper; give it a proper prior"
    raise FitError(msg)
