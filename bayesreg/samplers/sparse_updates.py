"""Variances of a few coefficients under kinked priors, drawn one by one with all other coefficients integrated out.

With M = root·V·rootᵀ + cI and a = x_jᵀM⁻¹x_j, h = x_jᵀM⁻¹y, the coefficient δ_j given the *variances* of the others is

    p(δ_j | v_−j, y) ∝ exp(−½Pδ_j² + Hδ_j)·p(δ_j),     P = a/(1 − v_j a),  H = h/(1 − v_j a)

under its own prior l1|δ_j| + l2δ_j²: two halves of normal distributions.  v_j | δ_j follows, and a change of v_j moves
M⁻¹ by a matrix of rank one, which is followed among the chosen columns only.

References
----------
Sherman & Morrison (1950); Hans (2009), Biometrika 96:835–845 (the halves of normals); Liu (1994), JASA 89:958–966
(collapsing).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtri_exp

from bayesreg.interfaces import Array
from bayesreg.mixtures import inverse_gaussian
from bayesreg.samplers.reduction import Reduction

ALWAYS, TURNS, POOL = 8, 8, 48
"""Coefficients drawn so in every sweep, those that take turns, and those that have turns or are always drawn.

Measured at n = 100, p = 1000 (two seeds), effective draws a sweep of the slowest coefficient: none 0.14; the 16 largest
0.35; the 8 largest and 8 of the next 40 in turn 0.42; 16 of the 48 largest in turn 0.37; 8 and 8 of 88 0.35."""

FAR = 20.0
"""Standard deviations above which all of a normal's mass lies on one side, to rounding."""

STEEP = 1e4
"""Standard deviations from its end at which half of a normal is an exponential distribution to 8 digits."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Collapsed:
    """Rates l1, l2 (k,) of the held coefficients' priors at factor 1, the largest coefficients, those now chosen."""

    l1: Array
    l2: Array
    largest: NDArray[np.int_]
    chosen: NDArray[np.int_]

    @classmethod
    def of(cls, l1: Array, l2: Array, size: Array | None = None) -> Collapsed:
        """Choose among coefficients with a kink those of largest `size` in units of their prior's scale; else none.

        Not those of size < 0.
        """
        none = np.zeros(0, dtype=int)
        if size is None:
            return cls(l1, l2, none, none)
        order = np.argsort(-np.where(l1 > 0, size, -1.0), kind="stable")[:POOL]
        order = order[(l1[order] > 0) & (size[order] >= 0)]
        return cls(l1, l2, order, order[: ALWAYS + TURNS])

    def turn(self, sweep: int) -> Collapsed:
        """The coefficients whose turn it is: a rule that looks at no draw, so that the posterior stays as it is."""
        waiting = self.largest[ALWAYS:]
        if waiting.size <= TURNS:
            return self
        places = (sweep * TURNS + np.arange(TURNS)) % waiting.size
        return replace(self, chosen=np.concatenate([self.largest[:ALWAYS], waiting[places]]))


def collapse(
    held: Collapsed, r: Reduction, M: Array, left: Array, unit: Array, variance: Array, factor: Array, z: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array]:  # fmt: skip
    """Draw the chosen variances again; return M⁻¹·left and the variances, both after the change.

    Parameters
    ----------
    M : array (C, r, r)
    left : array (C, r)
        response/unit − root·√V·z − noise at the old variances.
    unit : array (C,)
        σ where the prior is in its units, else 1.
    variance, z : arrays (C, k)
    factor : array (C, k)
        What each coefficient's prior scale is multiplied by.
    """
    columns = r.root[:, held.chosen]
    chains, k = len(M), held.chosen.size
    right = np.empty((chains, r.response.size, k + 2))
    right[..., :k], right[..., k], right[..., k + 1] = columns, r.response / unit[:, None], left
    W = np.linalg.solve(M, right)
    products = columns.T @ W
    variance, old = variance.copy(), variance[:, held.chosen]
    scale = np.broadcast_to(factor, variance.shape)[:, held.chosen]
    rates = held.l1[held.chosen] / scale, held.l2[held.chosen] / scale**2
    new = _one_by_one(rates, products[..., :k].copy(), products[..., k].copy(), old, rng)
    variance[:, held.chosen] = new
    # left changes with √v; then (M + XΔXᵀ)⁻¹ = M⁻¹ − W(I + ΔA)⁻¹ΔXᵀM⁻¹, W = M⁻¹X, A = XᵀM⁻¹X.
    moved = (np.sqrt(new) - np.sqrt(old)) * z[:, held.chosen]
    white = W[..., k + 1] - np.einsum("cik,ck->ci", W[..., :k], moved)
    seen = products[..., k + 1] - np.einsum("cij,cj->ci", products[..., :k], moved)
    change = new - old
    inner = np.eye(k) + change[..., None] * products[..., :k]
    weights = np.linalg.solve(inner, (change * seen)[..., None])[..., 0]
    return white - np.einsum("cik,ck->ci", W[..., :k], weights), variance


def _one_by_one(rates: tuple[Array, Array], A: Array, h: Array, old: Array, rng: np.random.Generator) -> Array:
    """New variances (C, k) of the chosen coefficients, given A = XᵀM⁻¹X (C, k, k) and h = XᵀM⁻¹y (C, k)."""
    new = old.copy()
    for j in range(old.shape[1]):
        a, l1, l2 = A[:, j, j], rates[0][:, j], rates[1][:, j]
        kept = np.maximum(1 - old[:, j] * a, np.finfo(float).eps)
        size = np.abs(halves(a / kept + 2 * l2, h[:, j] / kept, l1, rng))
        new[:, j] = 1 / (2 * l2 + inverse_gaussian(size / l1, l1**2, rng))
        change = new[:, j] - old[:, j]
        factor = change / (1 + change * a)
        line = A[:, :, j].copy()
        h -= (factor * h[:, j])[:, None] * line
        A -= (factor[:, None] * line)[:, :, None] * line[:, None, :]
    return new


def halves(precision: Array, slope: Array, l1: Array, rng: np.random.Generator) -> Array:
    """Draw x (m,) from exp(−½·precision·x² + slope·x − l1|x|): a normal on either side of 0."""
    sd = 1 / np.sqrt(precision)
    means = np.stack([slope - l1, -slope - l1]) * sd
    mass = _log_mass(means)
    u = 1 - rng.random((2, *precision.shape))
    # P(right side) = 1/(1 + e^(mass of the left − mass of the right)), compared with u without overflow.
    positive = u[0] * np.exp(np.minimum(mass[1] - mass[0], 700.0)) < 1 - u[0]
    mean, log_u = np.where(positive, means[0], means[1]), np.log(u[1])
    inverted = mean - ndtri_exp(log_u + log_ndtr(mean))
    # Far out the half is an exponential distribution, and the difference would cancel.
    size = np.where(mean > -STEEP, np.maximum(inverted, 0.0), log_u / np.minimum(mean, -1.0)) * sd
    return np.asarray(np.where(positive, size, -size))


def _log_mass(x: Array) -> Array:
    """log Φ(x) + x²/2, the log of a half's mass, without cancellation for x < 0 or overflow for x ≫ 0."""
    square = 0.5 * x**2
    return np.where(x > FAR, square, np.log(0.5 * erfcx(np.minimum(x, FAR) / -math.sqrt(2))))
