"""Posterior of one coefficient, of which an estimate z ~ N(β, s²) is known: mean and interval by quadrature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import final

import numpy as np

from bayesreg.interfaces import Array, Prior

TAIL = 9.0
"""Standard errors beyond z within which its posterior is summed: the normal factor is under 1e-17 outside."""

PANELS, HALVINGS, IN_EACH = 16, 40, 8
"""Panels of quadrature a standard error; halvings towards the location, where densities have kinks and cusps, and
strong priors all their mass; and panels in each of them."""

NODES = 4

TOGETHER = 40.0
"""Standard errors within which all estimates and the location share their panels; beyond, each has its own."""


def posteriors(
    prior: Prior, p: int, column: int, se: float, grid: Array, modes: Array, level: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Mean and central interval's ends (m,) at the estimates `grid` (m,), by Gauss–Legendre quadrature in panels.

    Parameters
    ----------
    prior : Prior
    p, column : int
        How many columns it is on, and which of them this is.
    se : float
        s.
    grid, modes : arrays (m,)
        Estimates, and the modes of their posteriors.
    level : float
        Probability of the interval.
    """
    location = float(prior.location(p)[column])
    low, high = min(grid[0], location), max(grid[-1], location)
    if high - low <= TOGETHER * se:
        edges = _panels(location, se, [(0.5 * (low + high), 0.5 * (high - low) + TAIL * se, se)])
        rules: Iterable[_Rule] = repeat(_rule(prior, p, column, edges), grid.size)
    else:
        each = (_places(prior, p, column, se, z, mode) for z, mode in zip(grid, modes, strict=True))
        rules = (_rule(prior, p, column, _panels(location, se, about)) for about in each)
    mean, lower, upper = np.array([_summed(z, se, rule, level) for z, rule in zip(grid, rules, strict=True)]).T
    return mean, lower, upper


def _places(prior: Prior, p: int, column: int, se: float, z: float, mode: float) -> list[tuple[float, float, float]]:
    """Where the posterior of an estimate may lie, how far about there, and how narrow it is."""
    location = prior.location(p)
    beta = location.copy()
    beta[column] = mode
    precision = se**-2 + float(prior.curvature(beta)[column])
    width = min(se, precision**-0.5) if mode != location[column] and precision > 0 else se
    return [(float(at), TAIL * w, w) for at, w in ((location[column], se), (z, se), (mode, width))]


def _panels(location: float, se: float, about: list[tuple[float, float, float]]) -> Array:
    """Edges: even ones about each (place, reach, width), and ever finer ones towards the location."""
    even = [at + np.linspace(-reach, reach, int(np.ceil(2 * PANELS * reach / width)) + 1) for at, reach, width in about]
    near = se * 0.5 ** (np.arange(HALVINGS * IN_EACH + 1) / IN_EACH)
    return np.unique(np.concatenate([*even, location + near, location - near, [location]]))


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """Edges (k + 1,) of panels; nodes and weights (k, NODES) in them; the prior's log density at both."""

    edges: Array
    nodes: Array
    weights: Array
    log_prior: Array
    log_edge: Array


def _rule(prior: Prior, p: int, column: int, edges: Array) -> _Rule:
    location = float(prior.location(p)[column])
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = 0.5 * np.diff(edges)[:, None]
    beta = edges[:-1, None] + half * (nodes + 1)
    log_prior = _log_marginal(prior, p, column, beta.ravel()).reshape(beta.shape)
    beside = np.where(edges == location, np.nextafter(location, np.inf), edges)
    return _Rule(edges, beta, half * weights, log_prior, _log_marginal(prior, p, column, beside))


def _log_marginal(prior: Prior, p: int, column: int, beta: Array) -> Array:
    points = np.tile(prior.location(p), (beta.size, 1))
    points[:, column] = beta
    return np.asarray(prior.marginal_log_density(points)[:, column])


def _summed(z: float, se: float, rule: _Rule, level: float) -> tuple[float, float, float]:
    """Mean and interval at one z."""
    log_density = rule.log_prior - 0.5 * ((z - rule.nodes) / se) ** 2
    top = float(log_density.max())
    mass = rule.weights * np.exp(log_density - top)
    total = float(mass.sum())
    reached = np.concatenate([[0.0], np.cumsum(mass.sum(axis=1))]) / total
    slope = np.exp(rule.log_edge - 0.5 * ((z - rule.edges) / se) ** 2 - top) / total
    tail = (1 - level) / 2
    low, high = (_quantile(q, rule.edges, reached, slope) for q in (tail, 1 - tail))
    return float((mass * rule.nodes).sum() / total), low, high


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
