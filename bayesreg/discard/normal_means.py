"""One coefficient alone: z ~ N(β, s²) under a prior, and what mode, mean and interval make of every z.

It is what each coefficient of a regression with uncorrelated columns is, z being its least-squares estimate and s the
standard error; and what shrinkage does to coverage is seen in it exactly:

    MAP(z)      = argmin (z − β)²/2s² + pen(β)
    p(β | z)    ∝ exp{−(z − β)²/2s²} π(β)
    coverage(β) = P{lower(z) ≤ β ≤ upper(z) | β},   z ~ N(β, s²)

The interval is as good as it says on average over the prior; at a given β it is not.

References
----------
Castillo & van der Vaart (2012), Ann. Statist. 40:2069–2101; van der Pas, Szabó & van der Vaart (2017), Bayesian Anal.
12:1221–1274; Gelman & Carlin (2014), Perspect. Psychol. Sci. 9:641–651, for errors of sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

from bayesreg.arguments import read_integer
from bayesreg.discard.normal_quadrature import posteriors
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.scales import positive_number

if TYPE_CHECKING:
    import pandas as pd

POINTS = 481
"""Values of z."""

REACH = 12.0
"""Standard errors about the prior's location that z reaches by default."""

COARSE = 0.06
"""Standard errors between estimates from which the ends of the interval are not interpolated for its coverage."""


@final
@dataclass(frozen=True, eq=False, repr=False)
class NormalMeans:
    """What is made of an estimate z of one coefficient.

    Parameters
    ----------
    prior : Prior
    column, columns : int
        Which of its columns, and how many there are.
    se : float
        s.
    level : float
        Probability of the intervals.
    location : float
        The prior's.
    z : array (m,)
        Estimates, ascending.
    map, mean, lower, upper : arrays (m,)
        Mode, posterior mean, and the ends of the central interval, at each.
    """

    prior: Prior
    column: int
    columns: int
    se: float
    level: float
    location: float
    z: Array
    map: Array
    mean: Array
    lower: Array
    upper: Array

    def __repr__(self) -> str:
        """What it is of."""
        return (
            f"NormalMeans({self.prior!r}, se {self.se:.4g}, {100 * self.level:.4g} % intervals, {self.z.size} "
            f"estimates from {self.z[0]:.4g} to {self.z[-1]:.4g})"
        )

    @cached_property
    def _dense(self) -> NormalMeans:
        """These, or where they are too far apart to interpolate the same at the default estimates."""
        if np.diff(self.z).max() <= COARSE * self.se:
            return self
        return normal_means(self.prior, self.se, column=self.column, columns=self.columns, level=self.level)

    def coverage(self, signal: ArrayLike | None = None) -> pd.DataFrame:
        """Return how often the interval holds the truth, when the truth is what it is.

        Parameters
        ----------
        signal : array-like, optional
            Distances of β from the prior's location, in standard errors.  By default 0 to 6 in steps of 0.1.

        Returns
        -------
        DataFrame
            Columns signal; coverage; wrong_sign, the probability that the interval lies wholly on the other side of 0
            than β (0 where β = 0); width, of the interval in standard errors, in the mean over z.

        Raises
        ------
        ParameterError
            If a signal is further out than the estimates reach, less what they scatter.
        """
        import pandas as pd

        wanted = np.linspace(0, 6, 61) if signal is None else np.atleast_1d(_numbers("coverage: signal", signal))
        beta = self.location + self.se * wanted
        room, dense = 5.5 * self.se, self._dense
        z = dense.z
        if (~(np.isfinite(beta)) | (beta + room > z[-1]) | (beta - room < z[0])).any():
            ends = f"z from {z[0]:.4g} to {z[-1]:.4g}"
            msg = f"coverage: signal must lie 5.5 standard errors within the estimates, {ends}; give normal_means more"
            raise ParameterError(msg)
        fine = np.linspace(z[0], z[-1], 16 * z.size)
        low, high = (PchipInterpolator(z, ends)(fine) for ends in (dense.lower, dense.upper))
        rows = [self._at(b, fine, low, high) for b in beta]
        return pd.DataFrame(rows, columns=["coverage", "wrong_sign", "width"]).assign(signal=wanted)[
            ["signal", "coverage", "wrong_sign", "width"]
        ]

    def _at(self, beta: float, fine: Array, low: Array, high: Array) -> tuple[float, float, float]:
        """Probabilities over z ~ N(β, s²), cell by cell of the fine grid, cells cut where an end passes β or 0."""
        mass = norm.cdf((fine - beta) / self.se)
        inside = _share(fine, beta - low) * _share(fine, high - beta)
        covered = float(np.diff(mass) @ inside)
        across = np.zeros(fine.size - 1) if beta == 0 else _share(fine, -high if beta > 0 else low)
        weight = norm.pdf((fine - beta) / self.se)
        width = float(weight @ (high - low) / weight.sum() / self.se)
        return covered, float(np.diff(mass) @ across), width


def _share(grid: NDArray[np.float64], value: Array) -> Array:
    """Share of each cell of the grid in which a function, linear there, is ≥ 0."""
    left, right = value[:-1], value[1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = np.abs(left) / np.abs(right - left)
    share = np.where(left >= 0, np.where(right >= 0, 1.0, crossing), np.where(right >= 0, 1 - crossing, 0.0))
    return np.asarray(share)


def normal_means(
    prior: Prior,
    se: float = 1.0,
    *,
    column: int = 0,
    columns: int | None = None,
    z: ArrayLike | None = None,
    level: float = 0.95,
) -> NormalMeans:
    """Return mode, mean and interval of one coefficient for every estimate z of it.

    Parameters
    ----------
    prior : Prior
        Of which the marginal of one column is taken; its scale a number.
    se : float, default 1
        Standard error of z.
    column : int, default 0
        Which column of the prior, all others at their locations in the mode.
    columns : int, optional
        How many columns the prior is on; by default up to that one.
    z : array-like, optional
        Ascending.  By default 481 values within 12 standard errors of the prior's location.
    level : float, default 0.95
        Probability of the central interval.

    Returns
    -------
    NormalMeans

    Raises
    ------
    ParameterError
        If the prior's scale is unknown, or a setting is outside what it can be.
    """
    if not isinstance(prior, Prior) or prior.hyperprior is not None:
        msg = f"normal_means: prior must be a Prior whose scale is a number (got {prior!r})"
        raise ParameterError(msg)
    se, column = positive_number("normal_means", "se", se), read_integer("column", column, 0)
    p = column + 1 if columns is None else read_integer("columns", columns, column + 1)
    if not isinstance(level, int | float) or not 0 < level < 1:
        msg = f"normal_means: level must be between 0 and 1 (got {level!r})"
        raise ParameterError(msg)
    try:
        location = float(prior.location(p)[column])
        prior.marginal_log_density(prior.location(p)[None])
    except (IndexError, ValueError) as error:
        msg = f"normal_means: {prior!r} is on other than {p} columns; say how many in columns="
        raise ParameterError(msg) from error
    grid = location + se * np.linspace(-REACH, REACH, POINTS) if z is None else _numbers("normal_means: z", z)
    if grid.ndim != 1 or grid.size < 2 or not np.isfinite(grid).all() or (np.diff(grid) <= 0).any():
        msg = f"normal_means: z must be two or more ascending numbers (got {z!r})"
        raise ParameterError(msg)
    mode = _modes(prior, p, column, se, grid)
    mean, lower, upper = posteriors(prior, p, column, se, grid, mode, level)
    return NormalMeans(prior, column, p, se, level, location, grid, mode, mean, lower, upper)


def _numbers(name: str, given: ArrayLike) -> Array:
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        msg = f"{name} must be numbers (got {given!r})"
        raise ParameterError(msg) from None


def _modes(prior: Prior, p: int, column: int, se: float, grid: Array) -> Array:
    """The proximal map, z by z."""
    v = np.tile(prior.location(p), (grid.size, 1))
    v[:, column] = grid
    return np.array([prior.prox(each, se**2)[column] for each in v])
