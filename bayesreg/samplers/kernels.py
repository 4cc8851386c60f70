"""Draws of penalised coefficients (and σ) given the precisions of a scale mixture of normals, in many chains at once.

With δ_j | d ~ N(0, 1/d_j), or N(0, σ²/d_j) where the prior is in units of σ, and RSS(δ) of a `Reduction`:

    p(δ | σ, d, y) ∝ exp(−RSS(δ)/2σ² − ½ Σ d_j δ_j²)                     a normal distribution

`GramKernel` draws it by a system of k equations, `RowKernel` by one of r, r the rows of the root (fewer than k where
there are more columns than rows).  A draw is the solution of A x = score/σ² + noise whose noise has the covariance A,
made of independent parts, so that one factorisation does.

References
----------
Park & Casella (2008), JASA 103:681–686; Rajaratnam, Sparks, Khare & Zhang (2019), J. Comput. Graph. Stat. 28:174–184
(σ with the coefficients integrated out); Bhattacharya, Chakraborty & Mallick (2016), Biometrika 103:985–991 (the r × r
form); Papandreou & Yuille (2010), NeurIPS (perturb and solve).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, ScalePrior
from bayesreg.samplers.reduction import Reduction
from bayesreg.samplers.slice import slice_step
from bayesreg.samplers.sparse_updates import Collapsed, collapse

PRODUCT_CELLS = 1 << 23
"""Products of pairs of rows, times columns, up to which they are kept: 64 MiB.  The weighted cross-products of 16
chains are then one product of matrices: at 100 × 1000 2.3 times as fast as one chain after another."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """What is known of σ.

    Parameters
    ----------
    hyper : ScalePrior or None
        Prior of σ; None where it is known.
    scaled : bool
        Whether the coefficients' prior is in units of σ.
    unit : float
        What σ is measured in, in y's units.
    freedom : float
        Rows less unpenalised coefficients.
    """

    hyper: ScalePrior | None
    scaled: bool
    unit: float
    freedom: float

    def given(self, squares: Array, sigma: Array, rng: np.random.Generator) -> Array:
        """Draw σ (m,) from p(σ)·σ^−freedom·exp(−squares/2σ²); `sigma` is where the chains are."""
        hyper = self.hyper
        assert hyper is not None
        if is_power(hyper):  # σ² is inverse gamma
            shape = (self.freedom - hyper.power_at_zero - 1) / 2
            return np.asarray(np.sqrt(0.5 * squares / rng.standard_gamma(shape, squares.shape)))

        def log_density(t: Array) -> Array:
            return self.log_prior(t) - self.freedom * t - 0.5 * squares * np.exp(-2 * t)

        return self.moved(log_density, sigma, rng)

    def log_prior(self, t: Array) -> Array:
        """Log density of t = log σ."""
        assert self.hyper is not None
        with np.errstate(over="ignore"):
            return np.asarray(self.hyper.log_density(np.exp(t) * self.unit) + t)

    def moved(self, log_density: object, sigma: Array, rng: np.random.Generator) -> Array:
        """One slice-sampling step of log σ."""
        width = 4 / math.sqrt(2 * max(self.freedom, 1.0))
        return np.asarray(np.exp(slice_step(log_density, np.log(sigma), width, rng)))  # type: ignore[arg-type]


def is_power(hyper: ScalePrior) -> bool:
    """Whether p(s) is a power of s everywhere, and not only in its tails."""
    s = np.array([1e-3, 1.0, 1e3])
    return bool(np.allclose(s * hyper.slope(s), hyper.power_at_zero, rtol=1e-12, atol=0.0))


class Kernel(ABC):
    """Draws (δ, σ) given the precisions."""

    __slots__ = ()

    @abstractmethod
    def draw(self, precision: Array, factor: Array, sigma: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return the next δ (C, k) and σ (C,) of chains at σ with these precisions (C, k).

        `factor` (C, k) is what prior scales are multiplied by.  Where the prior is in units of σ the precisions, and
        the factors, are those of δ/σ.
        """

    @abstractmethod
    def watch(self, size: Array) -> None:
        """Told, once, of the mean size (k,) of coefficients in units of their prior's scale: which ones mix slowly."""


@final
class GramKernel(Kernel):
    """By k equations; σ given the coefficients, or with them integrated out where the prior is in its units."""

    __slots__ = ("gram", "noise", "reduced")

    def __init__(self, reduced: Reduction, noise: Noise) -> None:
        assert reduced.gram is not None
        self.reduced, self.noise, self.gram = reduced, noise, reduced.gram

    def watch(self, size: Array) -> None:
        """Nothing follows from it here."""

    def draw(self, precision: Array, factor: Array, sigma: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Solve for the mean and the deviation at once."""
        r, chains = self.reduced, len(sigma)
        noise = rng.standard_normal((chains, r.root.shape[0])) @ r.root
        spread = np.sqrt(precision) * rng.standard_normal(precision.shape)
        if self.noise.scaled:
            both = np.stack([np.broadcast_to(r.score, spread.shape), noise + spread], axis=-1)
            solved = np.linalg.solve(self._system(precision, 1.0), both)
            centre = solved[..., 0]
            squares = r.rss(centre) + (precision * centre**2).sum(axis=1)
            sigma = self.noise.given(squares, sigma, rng)
            return centre + sigma[:, None] * solved[..., 1], sigma
        s = sigma[:, None]
        right = (r.score / s + noise) / s + spread
        delta = np.linalg.solve(self._system(precision, s[..., None] ** 2), right[..., None])[..., 0]
        if self.noise.hyper is not None:
            sigma = self.noise.given(r.rss(delta), sigma, rng)
        return delta, sigma

    def _system(self, precision: Array, variance: float | Array) -> Array:
        A = np.array(np.broadcast_to(self.gram / variance, (len(precision), *self.gram.shape)))
        k = A.shape[1]
        A.reshape(len(A), -1)[:, :: k + 1] += precision
        return A


@final
@dataclass(frozen=True, slots=True, eq=False)
class RowProducts:
    """Products of the entries of every pair of rows of a root (r, k), each pair once.

    Parameters
    ----------
    packed : array (k, r(r + 1)/2)
        Pairs with the first row first.
    places : array of int (r, r)
        Where the pair of rows i and j stands.
    """

    packed: Array
    places: NDArray[np.int_]

    @classmethod
    def of(cls, root: Array) -> RowProducts | None:
        """Return the products of a root; None where they would be more than PRODUCT_CELLS."""
        r, k = root.shape
        size = r * (r + 1) // 2
        if size * k > PRODUCT_CELLS:
            return None
        places = np.zeros((r, r), dtype=int)
        places[np.triu_indices(r)] = np.arange(size)
        columns = np.ascontiguousarray(root.T)
        packed = np.empty((k, size))
        for i in range(r):
            np.multiply(columns[:, i : i + 1], columns[:, i:], out=packed[:, places[i, i] : places[i, -1] + 1])
        return cls(packed, np.maximum(places, places.T))

    def weighted(self, variance: Array) -> Array:
        """root·diag(v)·rootᵀ (C, r, r) for each v of `variance` (C, k)."""
        return np.take(variance @ self.packed, self.places, axis=1)


@final
class RowKernel(Kernel):
    """By r equations, M = root·V·rootᵀ + σ²I with V the prior variances; σ always with the coefficients integrated out.

    Coefficients far from their location, few of them, mix slowly: v_j is nearly a function of δ_j.  For the largest
    ones δ and v are therefore drawn again, one by one, with all other coefficients integrated out (`collapse`).
    """

    __slots__ = ("collapsed", "noise", "products", "reduced", "sweep")

    def __init__(self, reduced: Reduction, noise: Noise, collapsed: Collapsed | None) -> None:
        self.reduced, self.noise, self.collapsed = reduced, noise, collapsed
        self.sweep = 0
        self.products = RowProducts.of(reduced.root)

    def watch(self, size: Array) -> None:
        """Choose the coefficients that are to be drawn with all others integrated out."""
        if self.collapsed is not None:
            seen = self.reduced.root.any(axis=0)  # of the others the data say nothing
            self.collapsed = Collapsed.of(self.collapsed.l1, self.collapsed.l2, np.where(seen, size, -1.0))

    def draw(self, precision: Array, factor: Array, sigma: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw σ, then the largest variances, then δ."""
        r, chains = self.reduced, len(sigma)
        variance = 1 / precision
        M = self._weighted(variance)
        unknown = self.noise.hyper is not None
        if unknown and not self.noise.scaled:
            sigma = self._collapsed_sigma(M, sigma, rng)
        added = np.ones(chains) if self.noise.scaled else sigma**2
        M.reshape(chains, M.shape[1] ** 2)[:, :: M.shape[1] + 1] += added[:, None]
        z, noise = rng.standard_normal(variance.shape), rng.standard_normal((chains, r.root.shape[0]))
        if unknown and self.noise.scaled:
            white = np.linalg.solve(M, np.broadcast_to(r.response[:, None], (chains, r.response.size, 1)))[..., 0]
            sigma = self.noise.given(r.residual + white @ r.response, sigma, rng)
        # In units of σ where the prior is, everything below is for δ/σ.
        unit = sigma if self.noise.scaled else np.ones(chains)
        left = r.response / unit[:, None] - (np.sqrt(variance) * z) @ r.root.T - np.sqrt(added)[:, None] * noise
        if self.collapsed is None or not self.collapsed.chosen.size:
            white = np.linalg.solve(M, left[..., None])[..., 0]
        else:
            self.sweep += 1
            white, variance = collapse(self.collapsed.turn(self.sweep), r, M, left, unit, variance, factor, z, rng)
        delta = np.sqrt(variance) * z + variance * (white @ r.root)
        return unit[:, None] * delta, sigma

    def _weighted(self, variance: Array) -> Array:
        """root·diag(v)·rootᵀ of each chain (C, r, r): of all chains at once, from the rows' products."""
        if self.products is not None:
            return self.products.weighted(variance)
        r = len(self.reduced.root)
        M, scaled = np.empty((len(variance), r, r)), np.empty_like(self.reduced.root)
        for one, v in zip(M, variance, strict=True):
            np.multiply(self.reduced.root, np.sqrt(v), out=scaled)
            np.matmul(scaled, scaled.T, out=one)
        return M

    def _collapsed_sigma(self, M: Array, sigma: Array, rng: np.random.Generator) -> Array:
        """Move σ along p(σ | d, y) = p(σ)·σ^−(freedom − r)·|M + σ²I|^−½·exp(−(residual/σ² + yᵀ(M + σ²I)⁻¹y)/2)."""
        r = self.reduced
        values, vectors = np.linalg.eigh(M)
        values = np.maximum(values, 0.0)
        squares = np.einsum("...ij,i->...j", vectors, r.response) ** 2
        rest = self.noise.freedom - r.response.size

        def log_density(t: Array) -> Array:
            v = np.exp(2 * t)
            total = values + v[..., None]
            sums = (np.log(total) + squares / total).sum(axis=-1)
            return np.asarray(self.noise.log_prior(t) - rest * t - 0.5 * (r.residual / v + sums))

        return self.noise.moved(log_density, sigma, rng)
