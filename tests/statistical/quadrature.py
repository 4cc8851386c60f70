"""Posteriors of two coefficients by brute force: a product rule over the plane, its panels cut at the priors' kinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.polynomial import legendre

from bayesreg.interfaces import Array


def rule(lower: float, upper: float, cuts: tuple[float, ...] = (), nodes: int = 48) -> tuple[Array, Array]:
    """Gauss–Legendre nodes and weights on [lower, upper], in panels that end at `cuts`."""
    x, w = legendre.leggauss(nodes)
    ends = [lower, *cuts, upper]
    halves = [(b - a) / 2 for a, b in pairwise(ends)]
    points = [a + h * (x + 1) for a, h in zip(ends[:-1], halves, strict=True)]
    return np.concatenate(points), np.concatenate([h * w for h in halves])


@dataclass(frozen=True)
class Grid:
    """Points (m, k) with probabilities (m,) that sum to 1: a posterior as far as its means go."""

    points: Array
    mass: Array

    def mean(self, fn: Callable[[Array], Array]) -> Array:
        """E fn(x), for fn from points (m, k) to quantities (m, q)."""
        return self.mass @ fn(self.points)

    def moments(self) -> tuple[Array, Array]:
        """Mean (k,) and covariance (k, k)."""
        mean = self.mass @ self.points
        deviation = self.points - mean
        return mean, (deviation * self.mass[:, None]).T @ deviation


def integrate(log_density: Callable[[Array], Array], rules: list[tuple[Array, Array]]) -> Grid:
    """The posterior with log density `log_density(points)` on the product of one-dimensional rules."""
    points = np.stack(np.meshgrid(*(x for x, _ in rules), indexing="ij"), axis=-1).reshape(-1, len(rules))
    weights = np.ones(1)
    for _, w in rules:
        weights = np.multiply.outer(weights, w).ravel()
    logs = log_density(points)
    mass = weights * np.exp(logs - logs.max())
    edge = np.zeros(len(points), dtype=bool)
    for j, (x, _) in enumerate(rules):
        edge |= (points[:, j] == x[0]) | (points[:, j] == x[-1])
    assert logs[edge].max() < logs.max() - 15, "the box is too small"
    return Grid(points, mass / mass.sum())
