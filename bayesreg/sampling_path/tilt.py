"""The prior density of given draws as a function of the prior's scale: what weighs draws of one scale for another.

With z = β − μ, in units of σ where the prior is, and t = log s,

    log p(β | s) = −k·t − pen(z/s),     pen that of the family's prior at s = 1, k the entries that s multiplies

Where the penalty is Σ l1|z| + l2z² a draw counts by two numbers, L = Σ l1|z| and Q = Σ l2z²: pen(z/s) = L/s + Q/s².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Elastic, Prior
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily

STEP = 1e-3
"""Step in log s of the differences that stand for derivatives where the penalty is of no simpler form."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Tilt:
    """log p(β | s) of a family.

    Parameters
    ----------
    prior : Prior
        At s = 1.
    location : array (p,)
    moving : array of bool (p,)
        Entries that s multiplies.
    form : Elastic or None
        The penalty at s = 1, if it is of that form.
    scaled : bool
        Whether the prior is in units of σ.
    sigma : float or None
        σ, where it is known.
    """

    prior: Prior
    location: Array
    moving: NDArray[np.bool_]
    form: Elastic | None
    scaled: bool
    sigma: float | None

    @classmethod
    def of(cls, problem: Problem, family: ScaleFamily) -> Tilt:
        """The tilt of a problem's family."""
        prior, p = family.at(1.0), problem.p
        moving = family.at(2.0).variance(p) != prior.variance(p)
        known = problem.likelihood.sigma_known
        return cls(prior, prior.location(p), moving, prior.elastic(p), problem.scale_by_noise, known)

    @property
    def count(self) -> int:
        """k."""
        return int(self.moving.sum())

    def statistic(self, beta: Array, sigma: Array | None) -> Array:
        """What log p(β | s) depends on, (m, 2) or (m, p), of draws (m, p) and their σ (m,)."""
        away = np.where(self.moving, beta - self.location, 0.0)
        if self.scaled:
            known = self.sigma if sigma is None else sigma[:, None]
            assert known is not None
            away /= known
        if self.form is None:
            return np.asarray(away)
        return np.stack([np.abs(away) @ self.form.l1, away**2 @ self.form.l2], axis=1)

    def penalty(self, statistic: Array, t: float) -> Array:
        """pen(z/s) (m,) at s = e^t."""
        shrunk = np.exp(-t)
        if self.form is not None:
            return np.asarray(statistic @ np.array([shrunk, shrunk**2]))
        return np.asarray(self.prior.penalty(self.location + statistic * shrunk))

    def log_density(self, statistic: Array, t: float) -> Array:
        """log p(β | s) (m,), but for a constant that neither depends on."""
        return -self.count * t - self.penalty(statistic, t)

    def slopes(self, statistic: Array, t: float) -> tuple[Array, Array]:
        """First and second derivative (m,) of log p(β | s) in t."""
        if self.form is not None:
            first, second = (statistic * np.exp([-t, -2 * t])).T
            return first + 2 * second - self.count, -first - 4 * second
        below, here, above = (self.penalty(statistic, t + h) for h in (-STEP, 0.0, STEP))
        return (below - above) / (2 * STEP) - self.count, -(below - 2 * here + above) / STEP**2
