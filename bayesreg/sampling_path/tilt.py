"""The prior density of given draws as a function of the prior's scale: what weighs draws of one scale for another.

With z = β − μ, in units of σ where the prior is, and t = log s,

    log p(β | s) = −k·t − pen(z/s),     pen that of the family's prior at s = 1, k the entries that s multiplies

A penalty is a sum of few homogeneous pieces c_d, so that a draw counts by as many numbers: pen(z/s) = Σ_d c_d(z)/s^d;
for Σ l1|z| + l2z² these are L = Σ l1|z| and Q = Σ l2z².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Prior
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily


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
    degrees : array (q,)
        Of the penalty's pieces.
    scaled : bool
        Whether the prior is in units of σ.
    sigma : float or None
        σ, where it is known.
    """

    prior: Prior
    location: Array
    moving: NDArray[np.bool_]
    degrees: Array
    scaled: bool
    sigma: float | None

    @classmethod
    def of(cls, problem: Problem, family: ScaleFamily) -> Tilt:
        """The tilt of a problem's family."""
        prior, p = family.at(1.0), problem.p
        moving = family.at(2.0).variance(p) != prior.variance(p)
        known = problem.likelihood.sigma_known
        degrees = np.array(list(prior.by_degree(np.zeros(p))), dtype=float)
        return cls(prior, prior.location(p), moving, degrees, problem.scale_by_noise, known)

    @property
    def count(self) -> int:
        """k."""
        return int(self.moving.sum())

    def statistic(self, beta: Array, sigma: Array | None) -> Array:
        """What log p(β | s) depends on, (m, q), of draws (m, p) and their σ (m,)."""
        away = np.where(self.moving, beta - self.location, 0.0)
        if self.scaled:
            known = self.sigma if sigma is None else sigma[:, None]
            assert known is not None
            away /= known
        return np.stack(list(self.prior.by_degree(away).values()), axis=1)

    def penalty(self, statistic: Array, t: float) -> Array:
        """pen(z/s) (m,) at s = e^t."""
        return np.asarray(statistic @ np.exp(-self.degrees * t))

    def log_density(self, statistic: Array, t: float) -> Array:
        """log p(β | s) (m,), but for a constant that neither depends on."""
        return -self.count * t - self.penalty(statistic, t)

    def slopes(self, statistic: Array, t: float) -> tuple[Array, Array]:
        """First and second derivative (m,) of log p(β | s) in t."""
        pieces = statistic * np.exp(-self.degrees * t)
        return pieces @ self.degrees - self.count, -(pieces @ self.degrees**2)
