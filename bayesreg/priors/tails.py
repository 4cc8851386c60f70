"""Probabilities that a coefficient is large, from the law of its distance from the prior's location."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import gammaincc, gammaln

from bayesreg.interfaces import Array

NODES = 200
"""Of Gauss–Legendre: the integrand is analytic within π/2 of an interval no longer than 45."""

NEGLIGIBLE = 42.0
"""Nats below its value at the start from which the integrand is left out."""


def beyond(distance_tail: Callable[[Array], Array], epsilon: Array, location: Array) -> Array:
    """P(|β| > ε) of β = μ + Z, Z symmetric about 0 with P(|Z| > z) = `distance_tail(z)`; ε ≥ 0 and μ of shape (p,).

    It is S(ε − |μ|) + S(ε + |μ|), S(z) = P(Z > z): nothing cancels, and a far tail keeps its digits.
    """
    near, far = epsilon - np.abs(location), epsilon + np.abs(location)
    with np.errstate(over="ignore", under="ignore"):
        inner, outer = 0.5 * distance_tail(np.abs(near)), 0.5 * distance_tail(far)
    return np.minimum(np.where(near >= 0, inner, 1 - inner) + outer, 1.0)


@cache
def _rule() -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(NODES)


def radial_tail(size: int, x: Array) -> Array:
    """P(R|u₁| > x) for a radius R ~ Gamma(size, 1) times a direction u uniform on the sphere of R^size; x ≥ 0 of (m,).

    With |u₁| = 1/cosh w:  2Γ(d/2)/(√π Γ((d−1)/2)) ∫₀^∞ tanh^(d−2)(w)/cosh(w) · Q(d, x cosh w) dw,  Q the regularised
    upper incomplete gamma function; exp(−x) for d = 1.
    """
    if size == 1:
        return np.exp(-x)
    constant = math.log(2) + gammaln(size / 2) - gammaln((size - 1) / 2) - 0.5 * math.log(math.pi)
    # Up to w the integrand falls as e^-w at least, and from where x cosh w exceeds d as exp(−x cosh w).
    reach = NEGLIGIBLE + size * math.log(size + 1)
    with np.errstate(divide="ignore", over="ignore"):
        end = np.minimum(NEGLIGIBLE + math.log(size), np.arccosh(1 + reach / x))
    node, weight = _rule()
    w = 0.5 * end * (node[:, None] + 1)
    integrand = np.tanh(w) ** (size - 2) / np.cosh(w) * gammaincc(size, x * np.cosh(w))
    return np.minimum(math.exp(constant) * 0.5 * end * (weight @ integrand), 1.0)
