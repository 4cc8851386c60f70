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
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.scales import positive_number

if TYPE_CHECKING:
    import pandas as pd

POINTS = 481
"""Values of z."""

REACH = 12.0
"""Standard errors about the prior's location that z reaches by default."""

TAIL = 9.0
"""Standard errors beyond z within which its posterior is summed: the normal factor is under 1e-17 outside."""

PANELS = 16
"""Panels of quadrature a standard error, and as many in each halving towards the location, where densities have kinks
and cusps."""

HALVINGS, NODES = 40, 4


@final
@dataclass(frozen=True, eq=False)
class NormalMeans:
    """What is made of an estimate z of one coefficient.

    Parameters
    ----------
    prior : Prior
    column : int
        Which of its columns.
    se : float
        s.
    level : float
        Probability of the intervals.
    z : array (m,)
        Estimates, ascending.
    map, mean, lower, upper : arrays (m,)
        Mode, posterior mean, and the ends of the central interval, at each.
    """

    prior: Prior
    column: int
    se: float
    level: float
    location: float
    z: Array
    map: Array
    mean: Array
    lower: Array
    upper: Array

    @cached_property
    def _ends(self) -> tuple[PchipInterpolator, PchipInterpolator]:
        return PchipInterpolator(self.z, self.lower), PchipInterpolator(self.z, self.upper)

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

        wanted = np.linspace(0, 6, 61) if signal is None else np.atleast_1d(np.asarray(signal, dtype=float))
        beta = self.location + self.se * wanted
        room = 5.5 * self.se
        if (~(np.isfinite(beta)) | (beta + room > self.z[-1]) | (beta - room < self.z[0])).any():
            ends = f"z from {self.z[0]:.4g} to {self.z[-1]:.4g}"
            msg = f"coverage: signal must lie 5.5 standard errors within the estimates, {ends}; give normal_means more"
            raise ParameterError(msg)
        fine = np.linspace(self.z[0], self.z[-1], 16 * self.z.size)
        low, high = (end(fine) for end in self._ends)
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
    if not 0 < level < 1:
        msg = f"normal_means: level must be between 0 and 1 (got {level!r})"
        raise ParameterError(msg)
    location = float(prior.location(p)[column])
    grid = location + se * np.linspace(-REACH, REACH, POINTS) if z is None else np.asarray(z, dtype=float)
    if grid.ndim != 1 or grid.size < 2 or not np.isfinite(grid).all() or (np.diff(grid) <= 0).any():
        msg = f"normal_means: z must be two or more ascending numbers (got {z!r})"
        raise ParameterError(msg)
    mean, lower, upper = _posteriors(prior, p, column, se, grid, level)
    return NormalMeans(
        prior, column, se, level, location, grid, _modes(prior, p, column, se, grid), mean, lower, upper
    )  # fmt: skip


def _modes(prior: Prior, p: int, column: int, se: float, grid: Array) -> Array:
    """The proximal map, z by z."""
    v = np.tile(prior.location(p), (grid.size, 1))
    v[:, column] = grid
    return np.array([prior.prox(each, se**2)[column] for each in v])


def _posteriors(
    prior: Prior, p: int, column: int, se: float, grid: Array, level: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Mean and interval ends (m,) by Gauss–Legendre quadrature in panels."""
    location = float(prior.location(p)[column])
    edges = _panels(location, se, grid)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    width = np.diff(edges)
    beta = edges[:-1, None] + 0.5 * width[:, None] * (nodes + 1)
    log_prior = _log_marginal(prior, p, column, beta.ravel()).reshape(beta.shape)
    log_edge = _log_marginal(prior, p, column, np.where(edges == location, np.nextafter(location, np.inf), edges))
    found = [_summed(z, se, beta, 0.5 * width[:, None] * weights, log_prior, edges, log_edge, level) for z in grid]
    mean, lower, upper = np.array(found).T
    return mean, lower, upper


def _panels(location: float, se: float, grid: Array) -> Array:
    """Edges: even ones across all posteriors, and ever finer ones towards the location."""
    low, high = min(grid[0], location) - TAIL * se, max(grid[-1], location) + TAIL * se
    step = se / PANELS
    even = location + step * np.arange(np.floor((low - location) / step), (high - location) / step + 1)
    near = step * 0.5 ** np.arange(1, HALVINGS + 1)
    return np.unique(np.concatenate([even, location + near, location - near, [location]]))


def _log_marginal(prior: Prior, p: int, column: int, beta: Array) -> Array:
    points = np.tile(prior.location(p), (beta.size, 1))
    points[:, column] = beta
    return np.asarray(prior.marginal_log_density(points)[:, column])


def _summed(
    z: float, se: float, beta: Array, weights: Array, log_prior: Array, edges: Array, log_edge: Array, level: float
) -> tuple[float, float, float]:  # fmt: skip
    """Mean and interval at one z."""
    log_density = log_prior - 0.5 * ((z - beta) / se) ** 2
    top = float(log_density.max())
    mass = weights * np.exp(log_density - top)
    total = float(mass.sum())
    reached = np.concatenate([[0.0], np.cumsum(mass.sum(axis=1))]) / total
    slope = np.exp(log_edge - 0.5 * ((z - edges) / se) ** 2 - top) / total
    tail = (1 - level) / 2
    low, high = (_quantile(q, edges, reached, slope) for q in (tail, 1 - tail))
    return float((mass * beta).sum() / total), low, high


def _quantile(q: float, edges: Array, reached: Array, slope: Array) -> float:
    """Where the CDF is q: the cubic through its values and slopes at the panel's edges, bisected."""
    k = int(np.clip(np.searchsorted(reached, q) - 1, 0, edges.size - 2))
    h = float(edges[k + 1] - edges[k])
    a, b, da, db = float(reached[k]), float(reached[k + 1]), float(slope[k]) * h, float(slope[k + 1]) * h
    low, high = 0.0, 1.0
    for _ in range(40):
        t = 0.5 * (low + high)
        value = (a * (1 + 2 * t) + da * t) * (1 - t) ** 2 + (b * (3 - 2 * t) + db * (t - 1)) * t * t
        low, high = (t, high) if value < q else (low, t)
    return float(edges[k] + 0.5 * (low + high) * h)
