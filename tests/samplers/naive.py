"""The posterior of a linear model by the textbook: n x n covariances, and quadrature over σ.

    y ~ N(Aθ, σ²I),   θ_j ~ N(mean_j, variance_j) or N(mean_j, σ²·variance_j),   variance_j = ∞ for a flat θ_j

Nothing here is shared with the package, and nothing is fast.  A weight is the row repeated; an offset is taken off y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import integrate, linalg, optimize

from bayesreg.interfaces import Array

DEPTH = 30.0
"""Nats below the peak at which an integral over log σ is cut."""


@dataclass(frozen=True)
class Naive:
    """A linear model; σ is `sigma`, or has the log density `log_prior`."""

    A: Array
    y: Array
    mean: Array
    variance: Array
    scaled: bool = False
    sigma: float | None = None
    log_prior: Callable[[Array], Array] | None = None

    @cached_property
    def _flat(self) -> Array:
        return np.isinf(self.variance)

    @cached_property
    def _keep(self) -> Array:
        """Orthonormal directions (n, n − f) that the flat columns do not reach."""
        return linalg.null_space(self.A[:, self._flat].T) if self._flat.any() else np.eye(self.y.size)

    def _covariance(self, sigma: float) -> tuple[Array, Array, Array]:
        """Covariance (n, n) of y with the flat columns held, the proper columns, and their variances."""
        H = self.A[:, ~self._flat]
        V = np.diag(self.variance[~self._flat] * (sigma**2 if self.scaled else 1.0))
        return sigma**2 * np.eye(self.y.size) + H @ V @ H.T, H, V

    def log_marginal(self, sigma: float) -> float:
        """log p(y | σ) up to a constant: the density of what is left of y when the flat columns are projected out."""
        cov, H, _ = self._covariance(sigma)
        try:
            root = np.linalg.cholesky(self._keep.T @ cov @ self._keep)
        except np.linalg.LinAlgError:  # σ² lost beside the prior's share: only where σ is absurdly small
            return -np.inf
        white = linalg.solve_triangular(root, self._keep.T @ (self.y - H @ self.mean[~self._flat]), lower=True)
        return float(-0.5 * white @ white - np.log(np.diag(root)).sum())

    def given(self, sigma: float) -> tuple[Array, Array]:
        """Mean and covariance of θ given σ: generalised least squares for the flat columns, regression for the rest."""
        cov, H, V = self._covariance(sigma)
        F, gain = self.A[:, self._flat], V @ np.linalg.solve(cov, H).T
        residual = self.y - H @ self.mean[~self._flat]
        spread = np.linalg.inv(F.T @ np.linalg.solve(cov, F))
        level = spread @ F.T @ np.linalg.solve(cov, residual)
        order = np.argsort(np.argsort(self._flat, kind="stable"))  # proper columns first, and back
        mean = np.concatenate([self.mean[~self._flat] + gain @ (residual - F @ level), level])
        pull = gain @ F @ spread
        total = np.block([[V - gain @ H @ V + pull @ (gain @ F).T, -pull], [-pull.T, spread]])
        return mean[order], total[np.ix_(order, order)]

    def _log_density(self, t: float) -> float:
        """Log density of t = log σ, unnormalised."""
        assert self.log_prior is not None
        sigma = np.exp(t)
        return self.log_marginal(sigma) + float(self.log_prior(np.asarray(sigma))) + t

    @cached_property
    def _range(self) -> tuple[float, float, float]:
        """Ends of the range of log σ that matters, and the log density at its peak."""
        grid = np.linspace(-30, 10, 161)
        start = grid[np.argmax([self._log_density(t) for t in grid])]
        top = optimize.minimize_scalar(lambda t: -self._log_density(t), bounds=(start - 0.5, start + 0.5))
        peak = -float(top.fun)
        ends = [float(top.x), float(top.x)]
        for side, step in enumerate((-0.25, 0.25)):
            while self._log_density(ends[side]) > peak - DEPTH:
                ends[side] += step
        return ends[0], ends[1], peak

    def moments(self) -> tuple[Array, Array]:
        """Exact mean and covariance of (θ, σ), or of θ where σ is known."""
        if self.sigma is not None:
            return self.given(self.sigma)
        low, high, peak = self._range
        k = self.mean.size + 1

        def integrand(t: float) -> Array:
            mean, cov = self.given(np.exp(t))
            first = np.append(mean, np.exp(t))
            second = np.outer(first, first)
            second[:-1, :-1] += cov
            return np.exp(self._log_density(t) - peak) * np.concatenate([[1.0], first, second.ravel()])

        total, _ = integrate.quad_vec(integrand, low, high, epsrel=1e-9, norm="max")
        first, second = total[1 : k + 1] / total[0], total[k + 1 :].reshape(k, k) / total[0]
        return first, second - np.outer(first, first)

    def sigma_cdf(self, sigma: Array) -> Array:
        """P(σ' ≤ σ | y), interpolated between quadratures."""
        low, high, peak = self._range
        t = np.linspace(low, high, 401)
        density = np.exp([self._log_density(v) - peak for v in t])
        mass = integrate.cumulative_simpson(density, x=t, initial=0)
        return np.interp(np.log(sigma), t, mass / mass[-1])

    def off_by(self, **changes: object) -> Naive:
        """The same model with something changed: a target that the draws must miss."""
        return replace(self, **changes)  # type: ignore[arg-type]
