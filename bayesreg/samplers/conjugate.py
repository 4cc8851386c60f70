"""Gaussian noise × Gaussian (or flat) priors: independent exact draws, σ known or under any ScalePrior.

One eigendecomposition makes the marginal posterior of σ a sum over eigenvalues, whatever σ; it is inverted numerically,
and the coefficients given σ are normal.  R-hat is 1 by construction: this sampler is the oracle for the others.

With u the penalised coefficients about their means, in units of τ, and d, V the eigenvalues and vectors of their
cross-product matrix after unpenalised columns are projected out (f of them), c = Vᵀ·(cross-products with y):

    log p(σ | y) = log p(σ) − (N−f) log σ − S/2σ² − ½ Σ log(1 + d/σ²) − ½ Σ (c²/d)/(σ² + d)
    Vᵀu | σ ~ N(c/(d + σ²), σ²/(d + σ²))

with S the least-squares residual sum of squares.  Scaled by the noise (τσ): log p(σ) − (N−f) log σ − S'/2σ²,
S' = S + Σ (c²/d)/(1 + d), and Vᵀu/σ... has mean c/(d + 1), variance σ²/(d + 1).

References
----------
Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, chapter 13; Hoff (2009), section 9.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import FitError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers.inverse import InverseScale
from bayesreg.samplers.settings import Draws, Settings

CHAINS = 4


def refusal(problem: Problem) -> str:
    """Why the sampler does not apply; empty where it does."""
    if not problem.likelihood.quadratic:
        return "the likelihood is not Gaussian"
    if problem.prior.hyperprior is not None:
        return "the prior's scale is itself unknown"
    if problem.prior.elastic(problem.p).l1.any():
        return "the prior is not Gaussian"
    intercept = problem.intercept
    if intercept is not None and intercept.elastic(1).l1.any():
        return "the intercept's prior is not Gaussian"
    if problem.scale_by_noise and intercept is not None and intercept.elastic(1).l2.any():
        return "the intercept's prior is not in units of sigma, but the coefficients' is"
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class _Spectrum:
    """The posterior in the coordinates where everything is diagonal."""

    d: Array
    c: Array
    residual: float
    freedom: float
    back: Array
    free_root: Array
    free_mean: Array
    free_slope: Array
    mean: Array
    free: NDArray[np.int_]
    shift: Array
    y_mean: float


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return independent draws from the exact posterior."""
    known = problem.likelihood.sigma_known
    if known is not None:
        problem = problem.at(known)  # a prior in units of a known σ is a plain one
    spectrum = _decompose(problem)
    rng = settings.generator()
    chains = settings.chains or CHAINS
    size = chains * settings.draws
    sigma = np.full(size, known) if known is not None else _sigma(problem, spectrum).quantile(rng.random(size))
    theta = _theta(problem, spectrum, sigma, rng)
    shape = (chains, settings.draws)
    return Draws(theta.reshape(*shape, -1), None if known is not None else sigma.reshape(shape), independent=True)


def _cross_products(problem: Problem) -> tuple[Array, Array, float, float, Array, float]:
    """Return (G, h, yy, N, x_mean, y_mean) for θ; about the means where the intercept is flat, so nothing cancels."""
    m = problem.moments()
    p, lead = problem.p, int(problem.has_intercept)
    flat = problem.intercept is not None and not problem.intercept.elastic(1).l2.any()
    x_mean, y_mean = (m.x_mean, m.y_mean) if flat else (np.zeros(p), 0.0)
    x, y = m.x_mean - x_mean, m.y_mean - y_mean
    G, h = np.zeros((p + lead, p + lead)), np.zeros(p + lead)
    G[lead:, lead:] = m.xx + m.total * np.outer(x, x)
    h[lead:] = m.xy + m.total * x * y
    if lead:
        G[0, 0], h[0] = m.total, m.total * y
        G[0, 1:] = G[1:, 0] = m.total * x
    return G, h, m.yy + m.total * y**2, m.total, x_mean, y_mean


def _decompose(problem: Problem) -> _Spectrum:
    G, h, yy, total, x_mean, y_mean = _cross_products(problem)
    unknown = problem.likelihood.dispersion is not None
    prior = (problem.at(1.0) if unknown else problem).penalty_prior  # a noise-scaled prior: in units of σ
    k = h.size
    variance, mean = prior.variance(k), prior.location(k).copy()
    free, held = np.flatnonzero(np.isinf(variance)), np.flatnonzero(np.isfinite(variance))
    yy = yy - 2 * float(mean @ h) + float(mean @ G @ mean)
    h = h - G @ mean
    root, slope = _free_root(problem, G, free, held)
    projected = root.T @ h[free]
    tau = np.sqrt(variance[held])
    cross = root.T @ G[np.ix_(free, held)]
    S = (G[np.ix_(held, held)] - cross.T @ cross) * np.outer(tau, tau)
    d, V = np.linalg.eigh((S + S.T) / 2)
    d = np.maximum(d, 0.0)
    c = V.T @ (tau * (h[held] - cross.T @ projected))
    d[d <= 1e-13 * d.max(initial=0.0)] = 0.0
    c[d == 0] = 0.0
    residual = yy - float(projected @ projected) - float((c[d > 0] ** 2 / d[d > 0]).sum())
    return _Spectrum(
        d=d, c=c, residual=max(residual, 0.0), freedom=total - free.size, back=tau[:, None] * V, free_root=root,
        free_mean=root @ projected, free_slope=slope, mean=mean, free=free, shift=x_mean, y_mean=y_mean,
    )  # fmt: skip


def _free_root(problem: Problem, G: Array, free: NDArray[np.int_], held: NDArray[np.int_]) -> tuple[Array, Array]:
    """Return R with RRᵀ = (G_ff)⁻¹ for unpenalised columns f, and (G_ff)⁻¹G_fh."""
    block = G[np.ix_(free, free)]
    unit = 1 / np.sqrt(np.maximum(np.diag(block), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(block * np.outer(unit, unit))
    if values.size and values[0] <= 1e-12 * values[-1]:
        names = ", ".join(repr(problem.labels[j]) for j in free)
        msg = f"the posterior is improper: the data do not determine the unpenalised coefficients of {names}"
        raise FitError(msg)
    root = unit[:, None] * (vectors / np.sqrt(values))
    return root, root @ (root.T @ G[np.ix_(free, held)])


def _sigma(problem: Problem, s: _Spectrum) -> InverseScale:
    """Marginal posterior of σ."""
    hyper = problem.likelihood.dispersion
    assert hyper is not None
    ratio = np.divide(s.c**2, s.d, out=np.zeros_like(s.c), where=s.d > 0)

    def log_density(sigma: Array) -> Array:
        v = sigma[:, None] ** 2
        base = hyper.log_density(sigma) - s.freedom * np.log(sigma)
        if problem.scale_by_noise:
            return np.asarray(base - 0.5 * (s.residual + float((ratio / (1 + s.d)).sum())) / v[:, 0])
        return np.asarray(base - 0.5 * s.residual / v[:, 0] - 0.5 * (np.log1p(s.d / v) + ratio / (v + s.d)).sum(axis=1))

    spread = s.residual + float((ratio / (1 + s.d)).sum())
    guess = math.sqrt(spread / max(s.freedom, 1.0)) if spread > 0 else 1.0
    return InverseScale(log_density, guess)


def _theta(problem: Problem, s: _Spectrum, sigma: Array, rng: np.random.Generator) -> Array:
    v = sigma[:, None] ** 2
    added = 1.0 if problem.scale_by_noise else v
    w = s.c / (s.d + added) + np.sqrt(v / (s.d + added)) * rng.normal(size=(sigma.size, s.d.size))
    theta = np.empty((sigma.size, s.mean.size))
    held = np.setdiff1d(np.arange(s.mean.size), s.free)
    theta[:, held] = w @ s.back.T
    noise = sigma[:, None] * rng.normal(size=(sigma.size, s.free.size))
    theta[:, s.free] = s.free_mean - theta[:, held] @ s.free_slope.T + noise @ s.free_root.T
    theta += s.mean
    if problem.has_intercept:
        theta[:, 0] += s.y_mean - theta[:, 1:] @ s.shift
    return theta
