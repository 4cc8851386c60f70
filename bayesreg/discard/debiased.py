"""The lasso with its shrinkage taken out again, and intervals that cover in repeated samples.

    b_j = β̂_j + z_jᵀ(y − Xβ̂) / z_jᵀx_j,      b_j ± q σ̂ ‖z_j‖ / |z_jᵀx_j|,

z_j the residual of column j after a lasso of it on the other columns.  Our own page, on scikit-learn's lasso: of the
maintained packages that have it, hidimstat 0.4.0 by default leaves the penalty of those lassos at 1 in the columns' own
units, so that its intervals change with the units.

References
----------
Zhang & Zhang (2014), JRSS B 76:217–242; van de Geer, Bühlmann, Ritov & Dezeure (2014), Ann. Statist. 42:1166–1202;
Javanmard & Montanari (2014), JMLR 15:2869–2909.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from bayesreg.discard.intervals import Intervals, interval_table
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem, require_problem
from bayesreg.rows import is_sparse
from bayesreg.samplers.settings import Progress

FRACTION = 0.01
"""Penalty of the lasso of a column on the others, as a share of the least that leaves none of them in (hidimstat's)."""


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
    share = nodewise
    if share is None:
        full = problem.p < X.shape[0] - 1 and int(np.linalg.matrix_rank(X)) == problem.p
        share = 0.0 if full else FRACTION
    size = np.linalg.norm(X, axis=0)
    estimate, error = np.full(problem.p, np.nan), np.full(problem.p, np.nan)
    for j in np.flatnonzero(size > 0):
        z = _residual(X, int(j), share)
        along = float(z @ X[:, j])
        if abs(along) > 1e-10 * size[j] ** 2:
            estimate[j] = mode.beta[j] + z @ left / along
            error[j] = float(mode.sigma or 1.0) * np.linalg.norm(z) / abs(along)
        if progress is not None:
            progress(int(j) + 1, problem.p)
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
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1:
        msg = f"debiased: interval must be a number between 0 and 1 (got {interval!r})"
        raise ParameterError(msg)
    if nodewise is not None and not (isinstance(nodewise, int | float) and 0 <= nodewise <= 1):
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


def _residual(X: Array, j: int, share: float) -> Array:
    """What least squares, or a lasso, on the other columns leaves of a column."""
    column, others = X[:, j], np.delete(X, j, axis=1)
    if not others.size:
        return column
    if share == 0:
        return np.asarray(column - others @ np.linalg.lstsq(others, column)[0])
    from sklearn.linear_model import Lasso

    n = column.size
    largest = float(np.abs(others.T @ column).max()) / n
    if not largest > 0:
        return column
    lasso = Lasso(alpha=share * largest, fit_intercept=False, max_iter=20_000, tol=1e-6).fit(others, column)
    return np.asarray(column - others @ lasso.coef_)
