"""Minimise a quadratic plus Σ l1|v − loc| + l2(v − loc)²: exactly, by coordinate descent finished on the active set.

Coordinate descent is scikit-learn's, on the Gram matrix.  It finds the support; the active-set method below then
solves for it to rounding, and moves on if the signs or the optimality conditions ask for another support.
"""

from __future__ import annotations

import numpy as np

from bayesreg.errors import FitError
from bayesreg.interfaces import Array, Elastic

SINGULAR = 1e-12
"""Relative eigenvalue below which a direction is taken for flat."""

CD_WORTH = 64
"""Columns from which a coordinate-descent start pays for its call; below, the active set does all by itself."""

FEW = 8
"""Columns that the active set takes in one by one without a start by coordinate descent."""


def minimise_quadratic(H: Array, slope: Array, penalty: Elastic, theta: Array, labels: tuple[str, ...]) -> Array:
    """Return argmin_t slopeᵀ(t − θ) + ½(t − θ)ᵀH(t − θ) + Σ l1|t − loc| + l2(t − loc)².

    The unknown is the move from θ, so that a second call at the answer refines it; coordinates at a kink are set to
    `loc` itself, not to θ plus a move.

    Parameters
    ----------
    H : array (k, k)
        Positive semi-definite.
    slope : array (k,)
        Gradient at θ of what H is the Hessian of.
    penalty : Elastic
    theta : array (k,)
    labels : tuple of str
        Names of the coordinates, for errors.

    Raises
    ------
    FitError
        If the unpenalised coordinates are collinear, so that there is no unique finite minimum.
    """
    now = theta - penalty.loc
    full = H + np.diag(2 * penalty.l2)
    gradient = slope + 2 * penalty.l2 * now
    smooth, sharp = np.flatnonzero(penalty.l1 == 0), np.flatnonzero(penalty.l1 > 0)
    solve = _Cholesky(full[np.ix_(smooth, smooth)], [labels[j] for j in smooth])
    answer = theta.copy()
    rest = gradient[smooth]
    if sharp.size:
        cross = full[np.ix_(smooth, sharp)]
        gain = solve(np.column_stack([cross, rest])) if smooth.size else np.zeros((0, sharp.size + 1))
        Q = full[np.ix_(sharp, sharp)] - cross.T @ gain[:, :-1]
        face = Lasso((Q + Q.T) / 2, gradient[sharp] - cross.T @ gain[:, -1], penalty.l1[sharp], now[sharp])
        v = face.minimise()
        answer[sharp] = np.where(v == 0, penalty.loc[sharp], penalty.loc[sharp] + v)
        rest = rest + cross @ (v - now[sharp])
    if smooth.size:
        answer[smooth] -= solve(rest)
    return answer


class _Cholesky:
    """Solver with a fixed positive-definite matrix, equilibrated to unit diagonal."""

    def __init__(self, matrix: Array, labels: list[str]) -> None:
        from scipy.linalg import cho_factor

        if not matrix.size:
            return
        diagonal = np.diag(matrix)
        if (diagonal <= 0).any():
            _refuse_flat([labels[j] for j in np.flatnonzero(diagonal <= 0)])
        self.unit = 1 / np.sqrt(diagonal)
        scaled = matrix * np.outer(self.unit, self.unit)
        try:
            self.factor = cho_factor(scaled, lower=True)
        except np.linalg.LinAlgError:
            _refuse_flat(labels)
        if np.diag(self.factor[0]).min() ** 2 < SINGULAR:
            _refuse_flat(labels)

    def __call__(self, rhs: Array) -> Array:
        from scipy.linalg import cho_solve

        unit = self.unit if rhs.ndim == 1 else self.unit[:, None]
        return np.asarray(unit * cho_solve(self.factor, unit * rhs))


def _refuse_flat(labels: list[str]) -> None:
    shown = ", ".join(repr(name) for name in labels[:6]) + (", ..." if len(labels) > 6 else "")
    msg = (
        f"the data do not determine the unpenalised coefficients of {shown} (collinear or constant columns, or more "
        "columns than rows): give them a proper prior"
    )
    raise FitError(msg)


class Lasso:
    """argmin_v gᵀ(v − c) + ½(v − c)ᵀQ(v − c) + Σ rate|v|, by feature-sign search: exact and finite.

    References
    ----------
    Lee, Battle, Raina & Ng (2007), Efficient sparse coding algorithms, NIPS 19.
    """

    def __init__(self, Q: Array, g: Array, rate: Array, c: Array) -> None:
        self.Q, self.g, self.rate, self.c = Q, g, rate, c
        self.v = c.copy()
        self.sign = np.sign(c)

    def minimise(self, *, one_by_one: bool = False) -> Array:
        """Return the minimiser.

        `one_by_one`: coordinates are taken into the active set one after another, without coordinate descent before:
        where c is the minimiser at a slightly larger rate, few are.
        """
        if not self.c.any() and (np.abs(self.g) <= self.rate).all():
            return self.v
        leaving = (self.sign == 0) & (np.abs(self.g) > self.rate)
        if not one_by_one and self.c.size >= CD_WORTH and leaving.sum() > FEW:
            self.v = _coordinate_descent(self.Q, self.Q @ self.c - self.g, self.rate, self.c)
            self.sign = np.sign(self.v)
        size = np.abs(self.v) + np.abs(self.c)
        there = np.flatnonzero(size)
        noise = 1e-14 * (self.rate + np.abs(self.g) + np.abs(self.Q[there].T) @ size[there])
        for _ in range(50 * self.c.size + 100):
            if not self._settle():
                continue
            slope = self._slope()
            excess = np.where(self.sign == 0, np.abs(slope) - self.rate - noise, -np.inf)
            worst = int(np.argmax(excess))
            if excess[worst] <= 0:
                return self.v
            self.sign[worst] = -np.sign(slope[worst])
        msg = (
            "rounding keeps the active-set solver from ending: columns are collinear beyond double precision, or rows "
            "differ too much in weight, offset or exposure; drop such columns, rescale, or use a stronger prior"
        )
        raise FitError(msg)

    def _slope(self) -> Array:
        moved = np.flatnonzero(self.v != self.c)
        return self.g + (self.v - self.c)[moved] @ self.Q[moved]  # Q is symmetric, and its rows lie together

    def _settle(self) -> bool:
        """Move to the minimum on the signed face, stopping where a coordinate reaches zero; True if none did."""
        active = np.flatnonzero(self.sign)
        if not active.size:
            return True
        v, sign = self.v[active], self.sign[active]
        residual = -self._slope()[active] - self.rate[active] * sign
        step, bounded = _face_step(self.Q[np.ix_(active, active)], residual, v)
        against = sign * step < 0
        hit = np.divide(-v, step, out=np.full_like(v, np.inf), where=against)
        limit = hit.min()
        if bounded and limit > 1.0:
            self.v[active] = v + step
            return True
        if not np.isfinite(limit):
            msg = "the objective has no minimum: it falls without end along a direction that the data do not see"
            raise FitError(msg)
        self.v[active] = v + limit * step
        gone = active[hit <= limit]
        self.v[gone] = 0.0
        self.sign[gone] = 0.0
        return False


def _coordinate_descent(Q: Array, q: Array, rate: Array, start: Array) -> Array:
    """Approximate argmin ½vᵀQv − qᵀv + Σ rate|v|: scikit-learn's coordinate descent in units where every rate is 1."""
    from scipy.linalg import solve_triangular
    from sklearn.linear_model import enet_path

    gram = Q / np.outer(rate, rate)
    gram += 1e-9 * np.diag(gram).mean() * np.eye(q.size)  # a start only: the root must exist, not be exact
    root = np.linalg.cholesky(gram).T
    response = solve_triangular(root, q / rate, trans="T", lower=False)
    # 1/(2k)‖response − root u‖² + α‖u‖₁ with k rows is our objective over k at α = 1/k.
    _, path, _ = enet_path(
        np.asfortranarray(root),
        response,
        l1_ratio=1.0,
        alphas=np.array([1 / q.size]),
        precompute=np.asfortranarray(gram),
        Xy=q / rate,
        coef_init=start * rate,
        max_iter=100_000,
        tol=1e-5,
    )
    return np.asarray(path[:, 0]) / rate


def _face_step(matrix: Array, residual: Array, v: Array) -> tuple[Array, bool]:
    """Step to the minimum on a face, and True; or a flat direction of it, to be followed to its edge, and False."""
    from scipy.linalg import cho_solve

    unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(matrix)), np.finfo(float).tiny))  # rounding may leave it below 0
    scaled = matrix * np.outer(unit, unit)
    try:
        factor = np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        factor = None
    if factor is not None and np.diag(factor).min() ** 2 > SINGULAR:
        return unit * np.asarray(cho_solve((factor, True), unit * residual)), True
    null = unit * np.linalg.eigh(scaled)[1][:, 0]
    direction = null if float(residual @ null) >= 0 else -null
    # On a plateau either way will do: take the one that brings some coordinate to zero.
    return (direction if (np.sign(v) * direction < 0).any() else -direction), False
