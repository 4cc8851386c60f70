"""Gaussian noise × Gaussian (or flat) priors: independent exact draws, σ known or under any ScalePrior.

One decomposition makes the marginal posterior of σ a sum over singular values, whatever σ; it is inverted numerically,
and the coefficients given σ are normal.  R-hat is 1 by construction: this sampler is the oracle for the others.

Let B be a root (BᵀB) of the cross-products of the penalised columns, unpenalised ones (f of them) projected out, and
diag(τ)Bᵀ = U diag(s) Wᵀ.  With γ the least-squares fit in the coordinates W, d = s², S the least-squares residual sum
of squares, and z the penalised coefficients about their means in units of τ:

    log p(σ | y) = log p(σ) − (N−f) log σ − S/2σ² − ½ Σ log(1 + d/σ²) − ½ Σ γ²/(σ² + d)
    Uᵀz | σ ~ N(sγ/(d + σ²), σ²/(d + σ²)),   and N(0, 1) across U

Under a noise-scaled prior (τσ): log p(σ) − (N−f) log σ − (S + Σ γ²/(1 + d))/2σ², and Uᵀz ~ N(sγ/(d + 1), σ²/(d + 1)),
N(0, σ²) across U.  The singular values are found to high *relative* accuracy (one-sided Jacobi), since prior scales
that differ by orders of magnitude spread them over as many; and y is measured in units of its own size.

References
----------
Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, chapter 13; Hoff (2009), section 9.2;
Drmač & Veselić (2008), SIAM J. Matrix Anal. Appl. 29:1322–1362 (the decomposition).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.linalg.lapack import dgejsv

from bayesreg.errors import FitError
from bayesreg.interfaces import Array, Prior
from bayesreg.problem import Problem
from bayesreg.samplers.inverse import InverseScale
from bayesreg.samplers.kernels import is_power
from bayesreg.samplers.reduction import (
    RANK,
    Reduction,
    eigen_root,
    far_off,
    reduce_problem,
    reduce_wide,
    unscaled_intercept,
)
from bayesreg.samplers.settings import Draws, Settings
from bayesreg.stacked import Stacked

CHAINS = 4


def refusal(problem: Problem) -> str:
    """Why the sampler does not apply; empty where it does."""
    if not problem.likelihood.quadratic:
        return "the likelihood is not Gaussian"
    if problem.prior.hyperprior is not None:
        return "the prior's scale is itself unknown"
    if not _normal(problem.prior, problem.p):
        return "the prior is not Gaussian"
    if problem.intercept is not None and not _normal(problem.intercept, 1):
        return "the intercept's prior is not Gaussian"
    return unscaled_intercept(problem) or far_off(problem)


def _normal(prior: Prior, p: int) -> bool:
    """Whether a prior is normal or flat in every column."""
    form = prior.elastic(p)
    return form is not None and not form.l1.any()


@dataclass(frozen=True, slots=True, eq=False)
class _Spectrum:
    """The posterior in the coordinates where everything is diagonal, y in units of the reduction's."""

    reduced: Reduction
    s: Array
    gamma: Array
    U: Array
    tau: Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """log p(y | t), up to one constant, of a problem whose prior scales are all multiplied by t.

    Under priors that are not normal: as if they were, with the same means and variances.

    With d, γ and S of the module's docstring, and v = σ², or v = 1 under a noise-scaled prior,

        log p(y | t, σ) = −½ Σ log(1 + t²d/v) − (N−f) log σ − (S + Σ γ²/(1 + t²d/v))/2σ²

    integrated over σ where it is unknown: in closed form where p(σ) is a power of σ and the prior is noise-scaled.
    """

    problem: Problem
    spectrum: _Spectrum

    @classmethod
    def of(cls, problem: Problem) -> Evidence:
        """The evidence of a problem with Gaussian noise and proper priors on all coefficients, or flat ones."""
        known = problem.likelihood.sigma_known
        problem = problem if known is None else problem.at(known)
        return cls(problem, _decompose_wide(problem) if problem.p > problem.n else _decompose(problem))

    def __call__(self, factor: float) -> float:
        """log p(y | t) at t = `factor`."""
        found = replace(self.spectrum, s=self.spectrum.s * factor)
        known, hyper, r = self.problem.likelihood.sigma_known, self.problem.likelihood.dispersion, found.reduced
        if known is not None:
            return quadratic_evidence(found.s, found.gamma, known / r.unit)
        assert hyper is not None
        if not (self.problem.scale_by_noise and is_power(hyper)):
            return _sigma(self.problem, found).log_total - self._determinant(found)
        left = r.residual + float((found.gamma**2 / (1 + found.s**2)).sum())
        return -0.5 * (r.freedom - hyper.power_at_zero - 1) * math.log(left) - self._determinant(found)

    def _determinant(self, found: _Spectrum) -> float:
        """½ Σ log(1 + d), which the marginal density of σ leaves out under a noise-scaled prior."""
        return 0.5 * float(np.log1p(found.s**2).sum()) if self.problem.scale_by_noise else 0.0


def quadratic_evidence(s: Array, gamma: Array, sigma: float = 1.0) -> float:
    """−½ Σ log(1 + s²/σ²) − ½ Σ γ²/(σ² + s²): log p(y) at a known σ, up to a constant."""
    return float(-0.5 * (np.log1p((s / sigma) ** 2) + gamma**2 / (sigma**2 + s**2)).sum())


@final
@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """Independent draws of a problem whose prior scales are all multiplied by a factor, for one decomposition."""

    problem: Problem
    spectrum: _Spectrum

    @classmethod
    def of(cls, problem: Problem) -> Exact:
        """Decompose."""
        known = problem.likelihood.sigma_known
        problem = problem if known is None else problem.at(known)  # a prior in units of a known σ is a plain one
        return cls(problem, _decompose(problem))

    def draw(self, settings: Settings, factor: float = 1.0) -> Draws:
        """Return independent draws from the exact posterior."""
        found = replace(self.spectrum, s=self.spectrum.s * factor, tau=self.spectrum.tau * factor)
        known, rng = self.problem.likelihood.sigma_known, settings.generator()
        shape = (settings.chains or CHAINS, settings.draws)
        size = shape[0] * shape[1]
        if known is not None:
            sigma = np.full(size, known / found.reduced.unit)
        else:
            sigma = _sigma(self.problem, found).quantile(rng.random(size))
        theta = _theta(self.problem, found, sigma, rng)
        drawn = None if known is not None else (sigma * found.reduced.unit).reshape(shape)
        return Draws(theta.reshape(*shape, -1), drawn, independent=True)


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return independent draws from the exact posterior."""
    return Exact.of(problem).draw(settings)


def _decompose(problem: Problem) -> _Spectrum:
    prior = _in_units(problem)
    reduced = reduce_problem(problem, prior, problem.moments())
    tau = _deviations(problem, prior, reduced)
    assert reduced.gram is not None
    s, U, gamma = singular(reduced.gram, reduced.score, tau)
    return _Spectrum(reduced, s, gamma, U, tau)


def _in_units(problem: Problem) -> Stacked:
    """The prior on θ, in units of an unknown σ where it is noise-scaled."""
    return (problem if problem.likelihood.dispersion is None else problem.at(1.0)).penalty_prior


def _deviations(problem: Problem, prior: Stacked, reduced: Reduction) -> Array:
    variance = prior.variance(reduced.mean.size)[reduced.held]
    return np.asarray(np.sqrt(variance) / (1.0 if problem.scale_by_noise else reduced.unit))


def _decompose_wide(problem: Problem) -> _Spectrum:
    """The same of more columns than rows, by the rows: no pairs of columns are made."""
    prior = _in_units(problem)
    reduced = reduce_wide(problem, prior)
    tau = _deviations(problem, prior, reduced)
    P, s, V = np.linalg.svd(reduced.root * tau, full_matrices=False)
    keep = s > RANK * s.max(initial=0.0)
    gamma = P.T[keep] @ reduced.response
    left = reduced.response - P[:, keep] @ gamma
    # What is left of response is rounding where its rows are spanned, which is where they are more than a few.
    residual = 0.0 if keep.sum() >= reduced.freedom else float(left @ left)
    return _Spectrum(replace(reduced, residual=residual), s[keep], gamma, V[keep].T, tau)


def singular(S: Array, h: Array, tau: Array) -> tuple[Array, Array, Array]:
    """Return s (r,), U (k, r) and γ (r,), r the rank of the cross-products S, judged at unit diagonal."""
    values, Q, unit = eigen_root(S)
    if not values.size:
        return np.zeros(0), np.zeros((h.size, 0)), np.zeros(0)
    fit = Q.T @ (h / unit) / np.sqrt(values)
    # joba=2: the matrix is well conditioned but for the scales of its rows; jobr=0: no singular value is too small.
    s, U, W, work, _, info = dgejsv((tau * unit)[:, None] * Q * np.sqrt(values), joba=2, jobr=0)
    if info:
        msg = f"the singular value decomposition did not converge (LAPACK dgejsv, info {info})"
        raise FitError(msg)
    order = np.argsort(-s, kind="stable")
    s, U, gamma = s[order] * (work[1] / work[0]), U[:, order], (W.T @ fit)[order]
    # A sign of each direction that rounding cannot flip: the same seed then gives the same draws in other units.
    sign = np.sign(U[np.abs(U).argmax(axis=0), np.arange(s.size)])
    return s, U * sign, gamma * sign


def _sigma(problem: Problem, s: _Spectrum) -> InverseScale:
    """Marginal posterior of σ."""
    hyper = problem.likelihood.dispersion
    assert hyper is not None
    r, d, ratio = s.reduced, s.s**2, s.gamma**2
    shrunk = r.residual + float((ratio / (1 + d)).sum())

    def log_density(sigma: Array) -> Array:
        v = sigma[:, None] ** 2
        base = hyper.log_density(sigma * r.unit) - r.freedom * np.log(sigma)
        if problem.scale_by_noise:
            return np.asarray(base - 0.5 * shrunk / v[:, 0])
        return np.asarray(base - 0.5 * r.residual / v[:, 0] - 0.5 * (np.log1p(d / v) + ratio / (v + d)).sum(axis=1))

    return InverseScale(log_density, math.sqrt(shrunk / max(r.freedom, 1.0)) if shrunk > 0 else 1.0)


def _theta(problem: Problem, s: _Spectrum, sigma: Array, rng: np.random.Generator) -> Array:
    v = sigma[:, None] ** 2
    added = np.ones_like(v) if problem.scale_by_noise else v
    w = s.s * s.gamma / (s.s**2 + added) + np.sqrt(v / (s.s**2 + added)) * rng.normal(size=(sigma.size, s.s.size))
    z = w @ s.U.T
    if s.s.size < s.tau.size:  # across U the data say nothing: the prior is drawn
        prior = np.sqrt(v / added) * rng.normal(size=(sigma.size, s.tau.size))
        z += prior - (prior @ s.U) @ s.U.T
    return s.reduced.complete(s.tau * z, sigma, rng)
