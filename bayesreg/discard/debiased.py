"""The lasso with its shrinkage taken out again, and intervals that cover in repeated samples.

    b_j = β̂_j + z_jᵀ(y − Xβ̂) / z_jᵀx_j,      b_j ± q σ̂ ‖z_j‖ / |z_jᵀx_j|,

z_j the residual of column j after a lasso of it on the other columns; rows are multiplied by √w first.  Our own page,
on scikit-learn's lasso: of the maintained packages that have it, hidimstat 0.4.0 by default leaves the penalty of those
lassos at 1 in the columns' own units, so that its intervals change with the units, and knows no weights of rows.

References
----------
Zhang & Zhang (2014), JRSS B 76:217–242; van de Geer, Bühlmann, Ritov & Dezeure (2014), Ann. Statist. 42:1166–1202;
Javanmard & Montanari (2014), JMLR 15:2869–2909.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import ndtri

from bayesreg.discard.intervals import Intervals, check_interval, interval_table
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem, require_problem
from bayesreg.quadratic import Lasso
from bayesreg.rows import is_sparse
from bayesreg.samplers.settings import Progress

FRACTION = 0.01
"""Penalty of the lasso of a column on the others, as a share of the least that leaves none of them in (hidimstat's)."""

ALONG = 1e-8
"""Length of what the others leave of a column, as a share of its own, below which they determine it."""


def debiased(
    problem: Problem,
    *,
    sigma: float | str | None = None,
    interval: float = 0.95,
    nodewise: float | None = None,
    progress: Progress | None = None,
) -> Intervals:
    """Take the bias of the penalised estimate out, and return intervals that cover β in repeated samples.

    Parameters
    ----------
    problem : Problem
        Gaussian noise, a penalty with an L1 part, a flat intercept or none.
    sigma : float, str or None
        Noise sd where it is unknown, see `resolve_noise`; not "joint".
    interval : float
        Nominal coverage.
    nodewise : float, optional
        Penalty of the lasso of each column on the others, as a share of the least that leaves none in.  By default 0
        where the columns are fewer than the rows and independent: the intervals are then least squares' own, and need
        no sparsity; else 0.01.
    progress : callable, optional
        Called with (done, total) columns.

    Returns
    -------
    Intervals
        NaN for a column that the others and the intercept determine.

    Raises
    ------
    ParameterError
        If the likelihood or the prior is none of these, or a setting is outside what it can be.
    FitError
        If the problem has no finite optimum, or the data leave no residual to estimate σ from.
    """
    require_problem(problem, "debiased")
    _check(problem, interval, nodewise, sigma)
    mode = fit_at(problem, resolve_noise(problem, sigma))
    X, left = _residual_rows(problem, mode.intercept, mode.beta)
    size = np.linalg.norm(X, axis=0)
    X = X / np.where(size > 0, size, 1.0)  # so that no rank or penalty depends on the columns' units
    Z, share = _residuals(X, nodewise, progress)
    along = (Z * X).sum(axis=0)
    sound = np.abs(along) > ALONG
    unit = np.where(sound, along * size, np.nan)
    estimate = mode.beta + Z.T @ left / unit
    error = float(mode.sigma or 1.0) * np.linalg.norm(Z, axis=0) / np.abs(unit)
    reach = float(ndtri((1 + interval) / 2)) * error
    how = "least squares" if share == 0 else f"a lasso at {share:g} of its largest penalty"
    text = f"the lasso's bias taken out along what {how} leaves of each column, at σ = {mode.sigma:.5g}"
    table = interval_table(problem, estimate, estimate - reach, estimate + reach)
    return Intervals("debiased", table, interval, text)


def can_debias(problem: Problem) -> bool:
    """Whether `debiased` is for a problem: Gaussian noise, an L1 penalty, an intercept that is flat or none."""
    return not _unfit(problem)


def _unfit(problem: Problem) -> str:
    """Why it is not; empty where it is."""
    if not problem.likelihood.quadratic:
        return f"it is for Gaussian noise; the problem has {type(problem.likelihood).__name__}"
    elastic = problem.prior.elastic(problem.p) if problem.prior.hyperprior is None else None
    if elastic is None or not elastic.l1.any():
        return f"it takes out the bias of an L1 penalty, and {problem.prior!r} has none"
    if problem.has_intercept and not problem.flat_intercept:
        return "the intercept must be flat, or left out"
    return ""


def _check(problem: Problem, interval: object, nodewise: float | None, sigma: object) -> None:
    check_interval(interval, "debiased")
    number = isinstance(nodewise, int | float) and not isinstance(nodewise, bool)
    if nodewise is not None and not (number and 0 <= nodewise <= 1):
        msg = f"debiased: nodewise must be a share from 0 to 1 (got {nodewise!r})"
        raise ParameterError(msg)
    unfit = _unfit(problem)
    if unfit:
        msg = f"debiased: {unfit}; use bootstrap"
        raise ParameterError(msg)
    if sigma == "joint":
        msg = "debiased: sigma='joint' is no estimate of σ that intervals can be made with; use 'residual' or a number"
        raise ParameterError(msg)


def _residual_rows(problem: Problem, intercept: float, beta: Array) -> tuple[Array, Array]:
    """X and y − Xβ̂ (n, .), rows multiplied by √w, about their means where there is an intercept."""
    block = problem.design.rows.collect()
    X = block.X.toarray() if is_sparse(block.X) else block.X
    left = block.y - block.offset - intercept - X @ beta
    root = np.sqrt(block.weighted(np.ones(block.y.size)))
    A, r = root[:, None] * X, root * left
    if problem.has_intercept:
        unit = root / np.linalg.norm(root)
        A, r = A - np.outer(unit, unit @ A), r - unit * (unit @ r)
    A[:, np.linalg.norm(A, axis=0) <= 1e-10 * np.linalg.norm(root[:, None] * X, axis=0)] = 0.0
    return A, r


def _residuals(X: Array, nodewise: float | None, progress: Progress | None) -> tuple[Array, float]:
    """z_j (n, p) of columns of length 1 or 0, and the share of the largest penalty that they were found at."""
    n, p = X.shape
    if nodewise in (None, 0.0) and p < n:
        # Least squares for all at once: z_j ∝ column j of X(XᵀX)⁻¹ = QR⁻ᵀ.
        Q, R = np.linalg.qr(X)
        if p == 0 or np.linalg.svd(R, compute_uv=False)[-1] > ALONG:
            Z = np.linalg.solve(R, Q.T).T if p else X
            return Z / np.linalg.norm(Z, axis=0), 0.0
    share = FRACTION if nodewise is None else nodewise
    Z = np.zeros(X.shape)
    for j in range(p):
        Z[:, j] = _residual(X, j, share)
        if progress is not None:
            progress(j + 1, p)
    return Z, share


def _residual(X: Array, j: int, share: float) -> Array:
    """What least squares, or a lasso, on the other columns leaves of a column."""
    column, others = X[:, j], np.delete(X, j, axis=1)
    if share == 0:
        return np.asarray(column - others @ np.linalg.lstsq(others, column)[0])
    largest = float(np.abs(others.T @ column).max(initial=0.0))
    if largest <= ALONG:  # nothing of the others is in it; a lasso at next to no penalty would not end
        return column
    return np.asarray(column - others @ _lasso(others, column, share * largest))


def _lasso(X: Array, y: Array, rate: float) -> Array:
    """argmin ½‖y − Xc‖² + rate‖c‖₁: by coordinate descent, or where that does not end, by an active set."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso as Descent

    # What is left of the column need not be exact: its products with the others bound the bias, as they are.
    enough = 1e-6 if X.shape[1] < y.size else 1e-4
    # scikit-learn's objective has 1/(2n) before the squares.
    descent = Descent(alpha=rate / y.size, fit_intercept=False, max_iter=100_000, tol=enough)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return np.asarray(descent.fit(X, y).coef_)
        except ConvergenceWarning:  # next to no penalty on about as many columns as rows: slow, and then exact
            return Lasso(X.T @ X, -(X.T @ y), np.full(X.shape[1], rate), np.zeros(X.shape[1])).minimise()
