"""The dispersion (noise scale σ, or shape α) at which a MAP estimate and a penalised fit are matched, when unknown.

A penalty λ‖β‖ matches a prior only given σ, so the match is conditional on it.  The value used is named and kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.least_squares import least_squares
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows
from bayesreg.scales import positive_number

METHODS = ("residual", "cv_lasso", "joint")

LARGEST_DEVIATIONS = 50_000
"""Cells of X up to which rows that lie exactly on one line are looked for."""

SYMBOLS = {"sigma": "σ", "alpha": "α"}
"""Dispersion parameters as they are written."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """A noise scale and where it comes from.

    Parameters
    ----------
    sigma : float or None
        The value; None where the family has no noise scale, and for the joint mode, which finds its own.
    method : str
        `known`, `given`, `residual`, `cv_lasso`, `joint` or `none`.
    sentence : str
        The same for the reader.
    """

    sigma: float | None
    method: str
    sentence: str

    @property
    def joint(self) -> bool:
        """Whether σ is to be optimised together with the coefficients."""
        return self.method == "joint"


def resolve_noise(problem: Problem, sigma: float | str | None = None) -> Noise:
    """Return the noise scale for a conditional match.

    Parameters
    ----------
    problem : Problem
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        A value; or σ̂ = √(RSS/(N − rank)) of least squares; or the same of a 5-fold cross-validated lasso, with its
        number of nonzero coefficients as degrees of freedom; or the joint mode of coefficients and σ.
        None: the known σ, else `residual` where N > rank, else `cv_lasso`; under other than Gaussian noise `joint`,
        the only named one there.  For a family with a shape α in place of σ, `sigma` stands for that.

    Raises
    ------
    ParameterError
        If `sigma` is none of these, or contradicts a known σ.
    FitError
        If the data leave no residual to estimate σ from.
    """
    likelihood = problem.likelihood
    name = likelihood.dispersion_name
    if name is None:
        if sigma is not None:
            msg = f"sigma={sigma!r}: {type(likelihood).__name__} has no noise scale or shape; leave sigma out"
            raise ParameterError(msg)
        return Noise(None, "none", "the likelihood has no noise scale")
    symbol = SYMBOLS[name]
    if likelihood.sigma_known is not None:
        if sigma is not None and sigma != likelihood.sigma_known:
            msg = f"sigma={sigma!r} contradicts the likelihood's known {name}={likelihood.sigma_known:g}; leave it out"
            raise ParameterError(msg)
        return Noise(likelihood.sigma_known, "known", f"{symbol} = {likelihood.sigma_known:.6g} is known")
    if sigma is None:
        return _default(problem, symbol)
    if isinstance(sigma, str):
        return _named(problem, sigma, symbol)
    value = positive_number("sigma", "sigma", sigma)
    return Noise(value, "given", f"conditional on {symbol} = {value:.6g}, as given")


def _default(problem: Problem, symbol: str) -> Noise:
    if problem.likelihood.quadratic:
        return _residual(problem) or _cv_lasso(problem)
    return _joint(problem, symbol)


def _joint(problem: Problem, symbol: str) -> Noise:
    check_joint_mode(problem)
    return Noise(None, "joint", f"at the joint mode of the coefficients and {symbol}")


def _named(problem: Problem, method: str, symbol: str) -> Noise:
    if method not in METHODS:
        msg = f"sigma={method!r} is not a method: use a number, or one of {', '.join(METHODS)}"
        raise ParameterError(msg)
    if method == "joint":
        return _joint(problem, symbol)
    if not problem.likelihood.quadratic:
        msg = (
            f"sigma={method!r} is for Gaussian noise; for {type(problem.likelihood).__name__} give a number, or 'joint'"
        )
        raise ParameterError(msg)
    if method == "cv_lasso":
        return _cv_lasso(problem)
    noise = _residual(problem)
    if noise is None:
        msg = (
            "sigma='residual': least squares leaves no degrees of freedom (the columns fit y exactly); "
            "use sigma='cv_lasso' or give a number"
        )
        raise FitError(msg)
    return noise


@dataclass(frozen=True, slots=True, eq=False)
class ExactFit:
    """How near the coefficients that the prior allows, as the noise vanishes, come to an exact fit of every row.

    Parameters
    ----------
    exact : bool
        Whether every row can be fitted exactly, up to rounding.
    total : float
        Σw.
    rank : int
        Number of rows that coefficients can always be chosen to fit.
    common, parameters : float, int
        Weight of rows found to be fitted exactly by fewer parameters than there are rows, and of how many: the most
        common value by an intercept, or the rows on which a least-absolute-deviations fit leaves nothing.
    share : float
        Share of the rows that fitted exactly make the density unbounded.
    """

    exact: bool
    total: float
    rank: int
    common: float
    parameters: int
    share: float

    @property
    def unbounded(self) -> bool:
        """Whether the joint density of coefficients and dispersion has no upper bound."""
        return self.exact or (self.share < 1 and max(self.rank, self.common) > self.share * self.total)


def exact_fit(problem: Problem) -> ExactFit | None:
    """Return how nearly the rows can be fitted exactly; None where the likelihood stays bounded even then.

    The coefficients that count are any, but under a noise-scaled prior only unpenalised ones leave their location as
    σ → 0.
    """
    block = problem.design.rows.collect()
    found = problem.likelihood.on(block).exact_fit(block.y)
    if found is None:
        return None
    target, share = found
    if not problem.likelihood.quadratic:
        rows = ArrayRows(block.X, target, block.offset, block.weights, block.trials)
        problem = replace(problem, design=replace(problem.design, rows=rows))
    m = problem.moments()
    if problem.scale_by_noise:
        moving = np.isinf(problem.prior.variance(problem.p))
        fit = least_squares(problem, m, moving, np.where(moving, 0.0, problem.prior.location(problem.p)))
    else:
        fit = least_squares(problem, m)
    common, parameters = _fitted_by_few(problem, fit.rank) if share < 1 else (0.0, 0)
    return ExactFit(fit.exact, m.total, fit.rank, common, parameters, share)


def _fitted_by_few(problem: Problem, rank: int) -> tuple[float, int]:
    """Weight of rows that few parameters fit exactly, and how many parameters: the set that exceeds them most."""
    block = problem.design.rows.collect()
    weights = np.ones(problem.n) if block.weights is None else block.weights
    y = block.y - block.offset
    found = [(0.0, 0)]
    if problem.has_intercept:
        _, index = np.unique(y, return_inverse=True)
        found.append((float(np.bincount(index, weights).max()), 1))
    if not problem.design.rows.sparse and block.X.size <= LARGEST_DEVIATIONS and problem.p:
        X = np.column_stack([np.ones(problem.n), block.X]) if problem.has_intercept else block.X
        residual = y - X @ _least_absolute(X, y, weights)
        size = np.abs(block.y) + np.abs(block.offset) + np.abs(X).max(axis=1) * np.abs(y).max(initial=0.0)
        found.append((float(weights[np.abs(residual) <= 1e-9 * size].sum()), rank))
    return max(found, key=lambda one: one[0] - one[1])


def _least_absolute(X: Array, y: Array, weights: Array) -> Array:
    """argmin Σ w|y − Xθ|, by a linear programme."""
    from scipy import sparse
    from scipy.optimize import linprog

    n, k = X.shape
    unit = float(np.abs(y).max(initial=0.0)) or 1.0
    cost = np.concatenate([np.zeros(k), weights, weights])
    eye = sparse.eye_array(n)
    equal: Any = sparse.hstack([sparse.csr_array(X), eye, -eye])
    bounds = [(None, None)] * k + [(0, None)] * (2 * n)
    result = linprog(cost, A_eq=equal, b_eq=y / unit, bounds=bounds)
    return np.zeros(k) if result.x is None else np.asarray(result.x[:k] * unit)


def fits_exactly(problem: Problem) -> bool:
    """Whether coefficients that the prior allows as σ → 0 fit every row exactly, up to rounding."""
    found = exact_fit(problem)
    return found is not None and found.exact


def check_joint_mode(problem: Problem) -> None:
    """Raise ParameterError where the joint density of coefficients and dispersion is unbounded."""
    found = exact_fit(problem)
    if found is None or not found.unbounded:
        return
    name = problem.likelihood.dispersion_name
    limit = "goes to 0" if problem.likelihood.location_scale else "grows"
    scaled = ", or (unless y is constant) scale_by_noise=True" if problem.likelihood.location_scale else ""
    rows = "y" if found.exact else "enough rows"
    msg = (
        f"sigma='joint': some coefficients fit {rows} exactly, so the joint density grows without bound as {name} "
        f"{limit} and has no mode; use a known {name}, or another value of sigma{scaled}"
    )
    raise ParameterError(msg)


def _residual(problem: Problem) -> Noise | None:
    m = problem.moments()
    fit = least_squares(problem, m)
    freedom = m.total - fit.rank
    if freedom <= 0:
        return None
    if fit.exact:
        msg = "sigma: the columns fit y exactly, so that no residual is left to estimate sigma from; give a number"
        raise FitError(msg)
    sigma = math.sqrt(fit.rss / freedom)
    return Noise(
        sigma, "residual", f"conditional on σ = {sigma:.6g}, the least-squares residual sd with {freedom:g} d.o.f."
    )


def _cv_lasso(problem: Problem) -> Noise:
    from sklearn.linear_model import LassoCV

    block = problem.design.rows.collect()
    weights = np.ones(problem.n) if block.weights is None else block.weights
    counts = weights > 0
    X, y, weights = block.X[np.flatnonzero(counts)], (block.y - block.offset)[counts], weights[counts]
    folds = min(5, y.size)
    if folds < 2 or np.ptp(y) == 0 or not problem.p:
        msg = "sigma: y does not vary, or there is one row or no column: nothing to estimate sigma from; give a number"
        raise FitError(msg)
    # In units of their own size: scikit-learn clips its penalties at 1e-15.
    unit, width = float(np.ptp(y)), float(abs(X).max()) or 1.0
    fit = LassoCV(cv=folds, fit_intercept=problem.has_intercept, max_iter=100_000).fit(
        X / width, y / unit, sample_weight=weights
    )
    rss = float(weights @ (y / unit - fit.predict(X / width)) ** 2) * unit**2
    used = int(np.count_nonzero(fit.coef_)) + int(problem.has_intercept)
    freedom = float(weights.sum()) - used
    if freedom <= 0 or rss <= 0:
        msg = "sigma: the cross-validated lasso leaves no residual to estimate sigma from; give a number"
        raise FitError(msg)
    sigma = math.sqrt(rss / freedom)
    return Noise(
        sigma,
        "cv_lasso",
        f"conditional on σ = {sigma:.6g}, the residual sd of a {folds}-fold cross-validated lasso "
        f"({used} coefficients used, {freedom:g} d.o.f.)",
    )
