"""Draws of the variables that scale mixtures of normals are mixed over."""

from __future__ import annotations

import numpy as np

from bayesreg.interfaces import Array


def inverse_gaussian(inverse_mean: Array, shape: Array, rng: np.random.Generator) -> Array:
    """Draw from the inverse Gaussian (Wald) distribution of mean 1/`inverse_mean` (∞ for 0) and shape `shape`.

    Michael, Schucany & Haas (1976), Am. Stat. 30:88–90, with the smaller root of their quadratic written without the
    cancellation that ruins it for large means.
    """
    half = rng.standard_normal(size=np.shape(inverse_mean)) ** 2 / (2 * shape)
    small = 1 / (inverse_mean + half + np.sqrt(half) * np.sqrt(2 * inverse_mean + half))
    first = rng.random(np.shape(inverse_mean)) * (1 + small * inverse_mean) <= 1
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(first, small, 1 / inverse_mean / (inverse_mean * small)))
