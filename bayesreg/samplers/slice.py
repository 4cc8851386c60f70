"""One slice-sampling step of a scalar in each of many chains at once.

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
"""Widenings of an interval on either side, and shrinkings, before the density is given up as no density."""


def slice_step(log_density: Callable[[Array], Array], t: Array, width: float, rng: np.random.Generator) -> Array:
    """Return the next state (m,) of chains at `t` (m,) whose density at t (m,) is exp(log_density(t)) up to a constant.

    Parameters
    ----------
    log_density : callable
        Elementwise: chain i's log density at t_i.
    width : float
        First length of the interval; a few standard deviations is best.

    Raises
    ------
    FitError
        If an interval does not end: the density is improper, or not finite at `t`.
    """
    level = log_density(t) - rng.exponential(size=t.shape)
    lower = t - width * rng.random(t.shape)
    upper = lower + width
    lower = _out(log_density, lower, level, -width)
    upper = _out(log_density, upper, level, width)
    found, done = t.copy(), np.zeros(t.shape, dtype=bool)
    for _ in range(STEPS):
        trial = np.where(done, found, lower + (upper - lower) * rng.random(t.shape))
        inside = log_density(trial) >= level
        found = np.where(inside & ~done, trial, found)
        done |= inside
        if done.all():
            return found
        lower = np.where(~done & (trial < t), trial, lower)
        upper = np.where(~done & (trial >= t), trial, upper)
    return found  # a slice so thin that the chain stays where it is, which is itself a point of the slice


def _out(log_density: Callable[[Array], Array], end: Array, level: Array, step: float) -> Array:
    for _ in range(STEPS):
        inside = log_density(end) >= level
        if not inside.any():
            return end
        end = np.where(inside, end + step, end)
    msg = "a scale of the model does not stay within bounds: its posterior is improper; give it a proper prior"
    raise FitError(msg)
