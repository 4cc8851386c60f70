"""Functions that keep their digits where the textbook form cancels or overflows; all elementwise, all plain NumPy."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betainc, betaincc, expit, gammaln, psi, xlogy

from bayesreg.interfaces import Array

LARGEST = 1e305
"""What an exponential that leaves the range of doubles (η past 700) is taken as: finite, so that nothing turns NaN."""

NEAR = 0.5
"""Below this |t|, e^t − 1 − t is summed as a series."""

_SERIES = tuple(1 / math.factorial(k) for k in range(16, 1, -1))

_STIRLING = (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
_DIGAMMA = (-1 / 12, 691 / 32760, -1 / 132, 1 / 240, -1 / 252, 1 / 120, -1 / 12)


def _horner(coefficients: tuple[float, ...], x: Array) -> Array:
    total = np.zeros_like(x)
    for c in coefficients:
        total = total * x + c
    return total


def capped(values: Array) -> Array:
    """Return the values, those past ±LARGEST replaced by it."""
    return np.clip(values, -LARGEST, LARGEST)


def exponential(x: Array) -> Array:
    """e^x, at most LARGEST."""
    with np.errstate(over="ignore"):
        return np.asarray(np.minimum(np.exp(x), LARGEST))


def softplus(x: Array) -> Array:
    """log(1 + e^x), without overflow and with all digits where it is tiny."""
    return np.asarray(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0))


def log_or_minus_infinity(x: Array) -> Array:
    """log x for x ≥ 0, −∞ at 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(x))


def exp_excess(t: Array) -> Array:
    """e^t − 1 − t ≥ 0, without the cancellation near 0; at most LARGEST."""
    t = np.asarray(t, dtype=float)
    near = np.abs(t) < NEAR
    inner = np.where(near, t, 0.0)
    with np.errstate(over="ignore"):
        outer = np.minimum(np.expm1(t) - t, LARGEST)
    return np.where(near, _horner(_SERIES, inner) * inner * inner, outer)


def log_excess(u: Array) -> Array:
    """(1 + u)·log(1 + u) − u ≥ 0 for u ≥ −1, without the cancellation near 0; 1 at u = −1."""
    u = np.asarray(u, dtype=float)
    inside = np.where(u > -1, u, 0.0)
    v = np.log1p(inside)
    near = np.abs(v) < NEAR
    small = (1 + inside) * exp_excess(-np.where(near, v, 0.0))
    return np.where(u > -1, np.where(near, small, (1 + inside) * v - inside), 1.0)


def factorial_excess(x: Array) -> Array:
    """log Γ(x + 1) − x log x + x for x ≥ 0: Stirling's ½ log 2πx and what follows it; 0 at 0.

    References
    ----------
    Loader (2000), Fast and accurate computation of binomial probabilities.
    """
    x = np.asarray(x, dtype=float)
    large = np.where(x >= 10, x, 10.0)
    series = 0.5 * np.log(2 * math.pi * large) + _horner(_STIRLING, (1 / large) ** 2) / large
    small = np.where(x >= 10, 1.0, x)
    return np.where(x >= 10, series, gammaln(small + 1) - xlogy(small, small) + small)


def digamma_rest(x: Array) -> Array:
    """ψ(x) − log x + 1/(2x) for x > 0: what Stirling's first two terms leave of the digamma function."""
    x = np.asarray(x, dtype=float)
    square = (1 / np.where(x >= 10, x, 10.0)) ** 2
    small = np.where(x >= 10, 1.0, x)
    return np.where(x >= 10, _horner(_DIGAMMA, square) * square, psi(small) - np.log(small) + 0.5 / small)


def count_conjugate(theta: Array, y: Array) -> Array:
    """sup_η (θ + y)η − e^η plus y − y log y, for θ ≥ −y: θ log y + y·log_excess(θ/y), or θ log θ − θ for y = 0.

    The conjugate of the Poisson nll less its least value; ∞ for θ < −y.
    """
    theta, y = np.broadcast_arrays(np.asarray(theta, dtype=float), np.asarray(y, dtype=float))
    some = y > 0
    base = np.where(some, y, 1.0)
    inside = theta >= -y
    held = np.where(inside, theta, 0.0)
    positive = np.where(some, 0.0, held)
    value = np.where(some, held * np.log(base) + base * log_excess(held / base), xlogy(positive, positive) - positive)
    return np.where(inside, value, np.inf)


def logistic_excess(s: Array, t: Array, k: Array, f: Array) -> Array:
    """(k + f)·log(1 + e^s) − k·s less its least value over s, where t = s − log(k/f) is the distance from there.

    With q = k/(k + f) it is (k + f)·[log(1 − q + q·e^t) − q·t], the cumulant function of a centred coin.  That is
    symmetric under (q, t) → (1 − q, −t), and taken on the side of q ≤ ½ no part of it cancels.  k, f ≥ 0, not both 0.
    """
    s, t, k, f = np.broadcast_arrays(s, t, k, f)
    inner = (k > 0) & (f > 0)
    rate = np.where(inner, np.minimum(k, f), 0.5) / np.where(inner, k + f, 1.0)
    tau = np.where(inner, np.where(k > f, -t, t), 0.0)
    near = np.abs(tau) < NEAR
    close = np.where(near, tau, 0.0)
    centred = rate * exp_excess(close) - exp_excess(np.log1p(rate * np.expm1(close)))
    mid = np.log1p(rate * np.expm1(np.minimum(tau, 30.0)))
    apart = np.where(tau > 30, softplus(np.log(rate) + tau), mid) - rate * tau
    middle = (k + f) * np.where(near, centred, apart)
    return np.where(inner, middle, np.where(k > 0, k * softplus(-s), f * softplus(s)))


def logistic_slope(s: Array, t: Array, k: Array, f: Array) -> Array:
    """Derivative of `logistic_excess` in s, (k + f)/(1 + e^(−s)) − k, without cancellation near the best fit t = 0."""
    fall = np.expm1(-np.abs(t))
    return np.where(t > 0, -f * fall * expit(s), k * fall * expit(-s))


def beta_share(a: Array, b: Array, s: Array) -> Array:
    """Regularised incomplete beta function I_x(a, b) at x = 1/(1 + e^(−s)), from whichever of x and 1 − x is small.

    I_x(a, b) = 1 − I_(1−x)(b, a); SciPy's function for what is left of 1 is ten times slower, and asked only where the
    difference would cost digits.
    """
    a, b, s = np.broadcast_arrays(a, b, s)
    low = np.asarray(s <= 0)
    share = np.empty(s.shape)
    share[low] = betainc(a[low], b[low], expit(s[low]))
    high, other, rest = a[~low], b[~low], expit(-s[~low])
    above = betainc(other, high, rest)
    near = above > 0.9
    left = 1 - above
    left[near] = betaincc(other[near], high[near], rest[near])
    share[~low] = left
    return share
