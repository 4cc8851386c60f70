"""One coefficient by itself: how probable it is to be large, and its density where a prior holds several together."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import gammaincc, gammaln, kve

from bayesreg.interfaces import Array

NODES = 200
"""Of Gauss–Legendre: the integrand is analytic within π/2 of an interval no longer than 45."""

NEGLIGIBLE = 42.0
"""Nats below its value at the start from which the integrand is left out."""

LARGE = 100
"""Size of a group from which its Bessel function is expanded in the order: by then kve can overflow far from 0."""

FAR = 1e8
"""Distance from which a Bessel function is expanded in its inverse, to 1e-10 up to that order: kve ends at 1e9."""


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


def radial_log_density(size: int, x: Array) -> Array:
    """Log density at x ≥ 0 (and at −x) of a radius R ~ Gamma(size, 1) times one entry u₁ of a direction on the sphere.

    With ν = d/2:  x^ν K_ν(x) / (2^ν √π Γ(ν + ½)), the density of N(0, v) with v ~ Gamma(ν + ½, ½); ½exp(−x) for d = 1.
    """
    order = size / 2
    constant = -order * math.log(2) - gammaln(order + 0.5) - 0.5 * math.log(math.pi)
    return np.asarray(constant + (_log_bessel_large(order, x) if size > LARGE else _log_bessel(order, x)))


def _log_bessel(order: float, x: Array) -> Array:
    """log x^ν K_ν(x); so near to 0 that K overflows, and beyond `FAR`, by the first terms of its series there."""
    value = kve(order, np.minimum(x, FAR))
    near = ~np.isfinite(value)
    low, high = np.where(near, x, 0.0), np.where(near, 1.0, x)
    series = (order - 1) * math.log(2) + gammaln(order) - (low**2 / (4 * (order - 1)) if order > 1 else 0.0)
    tail = 0.5 * np.log(math.pi / 2 / high) + np.log1p((4 * order**2 - 1) / 8 / high)
    scaled = np.where(high > FAR, tail, np.log(np.where(near, 1.0, value)))
    return np.where(near, series, order * np.log(high) + scaled - high)


def _log_bessel_large(order: float, x: Array) -> Array:
    """log x^ν K_ν(x) by the uniform expansion in 1/ν (DLMF 10.41.4), to 1e-9 from ν = 50 on."""
    root = np.hypot(1.0, x / order)
    c = 1 / root
    first = (3 * c - 5 * c**3) / 24
    second = (81 * c**2 - 462 * c**4 + 385 * c**6) / 1152
    third = (30375 * c**3 - 369603 * c**5 + 765765 * c**7 - 425425 * c**9) / 414720
    bent = np.log1p(-first / order + second / order**2 - third / order**3)
    size = math.log(order) - root + np.log1p(root)
    return np.asarray(0.5 * math.log(math.pi / (2 * order)) + order * size - 0.5 * np.log(root) + bent)
