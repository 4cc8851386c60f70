"""A prior as one of a family of priors that differ in their scale alone: what a path over λ runs along.

The coordinate s of the family is

    the scale itself        where the prior has one number for it (Laplace's b, Gaussian's τ), known or not: at(s)
    a factor on the scales  where it has none (rates), or scales that differ by column or by part: rescaled(s)

so that relative sizes of columns' scales (penalty factors, adaptive weights) and the ratio of an elastic net's two
rates as densities of β/s stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.problem import Problem
from bayesreg.scales import positive_number

SAME = 1e-12
"""Relative difference up to which the scales of two columns are one number."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScaleFamily:
    """The priors at s > 0.

    Parameters
    ----------
    prior : Prior
        The problem's own.
    own : float or None
        Where in the family that is; None where its scale is unknown.
    factor : bool
        Whether s multiplies the scales of `prior`, rather than being the scale.
    """

    prior: Prior
    own: float | None
    factor: bool

    @classmethod
    def of(cls, problem: Problem, caller: str) -> Self:
        """Return the family that a problem's prior belongs to.

        Raises
        ------
        ParameterError
            If no column has a proper prior: there is then nothing to choose.
        """
        prior, p = problem.prior, problem.p
        if prior.hyperprior is not None:
            return cls(prior, None, factor=False)
        variance = prior.variance(p)
        proper = np.isfinite(variance)
        if not proper.any():
            what = "there is no column" if not p else f"{prior!r} has no scale"
            msg = f"{caller}: {what}, so there is nothing to choose; give columns a proper prior"
            raise ParameterError(msg)
        if _has_scale(prior, p):
            ratio = np.sqrt(variance[proper] / prior.at(1.0).variance(p)[proper])
            if np.ptp(ratio) <= SAME * ratio.max():
                return cls(prior, float(ratio[0]), factor=False)
        return cls(prior, 1.0, factor=True)

    def at(self, s: float) -> Prior:
        """Return the prior at s."""
        s = positive_number("prior", self.name, s)
        return self.prior.rescaled(s) if self.factor else self.prior.at(s)

    def stretch(self, scales: Array, p: int) -> Array:
        """Return what deviations from the location are divided by (g, p) at each scale: s, or 1 in columns that stay.

        pen(β) at s is pen(μ + (β − μ)/stretch) at 1.
        """
        one, two = self.at(1.0).variance(p), self.at(2.0).variance(p)
        moves = np.isfinite(one) & (two != one)
        return np.where(moves, np.asarray(scales)[:, None], 1.0)

    def rates(self, scales: Array, p: int) -> Array:
        """Return λ (g, p) of each column at each scale: a power of s."""
        one, two = self.at(1.0).rates(p), self.at(2.0).rates(p)
        power = np.round(np.log2(np.divide(one, two, out=np.ones(p), where=two > 0)), 9)
        return np.asarray(one / np.asarray(scales)[:, None] ** power)

    @property
    def name(self) -> str:
        """What s is called."""
        return "factor" if self.factor else "scale"


def _has_scale(prior: Prior, p: int) -> bool:
    """Whether `at` sets the scale of every column under a proper prior."""
    one, two = prior.at(1.0).variance(p), prior.at(2.0).variance(p)
    proper = np.isfinite(one)
    return bool(np.isclose(two[proper], 4 * one[proper], rtol=1e-9, atol=0.0).all())
