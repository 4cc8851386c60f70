"""Newton steps on the face of the mode, for all rows that are left out at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky

from bayesreg.discard.predictive import rows_of
from bayesreg.interfaces import Array, Block
from bayesreg.optimality import kkt_tolerance
from bayesreg.problem import Problem
from bayesreg.rows import is_sparse

STEPS = 25
"""Steps after which a row is left to a fit of its own."""

ENOUGH = 0.01
"""Fraction of the KKT tolerance at which a row is done with."""

CELLS = 4_000_000
"""Cells (rows × points) of η at once: 32 MB."""

MOST_FREE = 3000
"""Free coefficients up to which their Hessian is made."""

EDGE = 1e-8
"""1 − c·xᵀH⁻¹x below which a row alone holds some direction."""


def steps_on_face(
    fixed: Problem, theta: Array, rows: NDArray[np.int_], ratio: Array, *, scaled: bool
) -> tuple[Array, NDArray[np.bool_]]:
    """Return θ (m, k) without each of these rows, and whether the KKT conditions hold there.

    Parameters
    ----------
    fixed : Problem
        Nothing unknown but θ, J convex.
    theta : array (k,)
        Where to start, and the face to stay on.
    rows : int array (m,)
    ratio : array (m,)
        Noise scale without each row over that of `fixed`; other than 1 under Gaussian noise alone.
    scaled : bool
        Whether the coefficients' prior is in units of the noise scale.
    """
    thetas, done = np.tile(theta, (rows.size, 1)), np.zeros(rows.size, dtype=bool)
    face = _Face.at(fixed, theta)
    if face is None:
        return thetas, done
    size = max(1, CELLS // max(fixed.n, theta.size))
    for start in range(0, rows.size, size):
        part = slice(start, start + size)
        left = _Left.of(face, rows[part], ratio[part], scaled=scaled)
        thetas[part], done[part] = left.settled()
    return thetas, done


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Face:
    """The free coefficients at θ, the Cholesky factor of their Hessian, and the KKT tolerance (k,)."""

    fixed: Problem
    theta: Array
    free: NDArray[np.int_]
    lower: Array
    tolerance: Array

    @classmethod
    def at(cls, fixed: Problem, theta: Array) -> _Face | None:
        """None where the Hessian is singular or too large, so that every row needs a fit of its own."""
        prior = fixed.penalty_prior
        free = np.flatnonzero(~prior.at_kink(theta))
        if free.size > MOST_FREE:
            return None
        hessian = fixed.curvature(theta, free) + prior.hessian(theta, free)
        try:
            lower = cholesky(hessian, lower=True)
        except LinAlgError:
            return None
        return cls(fixed, theta, free, lower, kkt_tolerance(fixed, theta, any_unit=True))

    def solve(self, rhs: Array) -> Array:
        """H⁻¹ rhs, for rhs (free, m)."""
        return np.asarray(cho_solve((self.lower, True), rhs))


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """Rows that are left out: x_i (m, k) with the intercept's 1, and what a step takes of them."""

    face: _Face
    block: Block
    x: Array
    solved: Array
    gain: Array
    pull: Array
    stretch: Array

    @classmethod
    def of(cls, face: _Face, rows: NDArray[np.int_], ratio: Array, *, scaled: bool) -> _Left:
        """H⁻¹x_i (m, free), c_i/(1 − c_i x_iᵀH⁻¹x_i), σ²/σ_i², and by how much the prior's scales are stretched."""
        fixed = face.fixed
        block = rows_of(fixed.design.rows.collect(), rows)
        X = block.X.toarray() if is_sparse(block.X) else block.X
        x = np.column_stack([np.ones(rows.size), X]) if fixed.has_intercept else X
        bend = block.weighted(fixed.likelihood.on(block).d2(fixed.linear_predictor(block, face.theta), block.y))
        solved = face.solve(x[:, face.free].T).T
        room = 1 - bend * (x[:, face.free] * solved).sum(axis=1)
        gain = np.where(room > EDGE, bend / np.where(room > EDGE, room, 1.0), np.nan)
        stretch = np.ones(x.shape)
        if scaled:
            stretch[:, fixed.positions] = ratio[:, None]
        return cls(face, block, x, solved, gain, ratio**-2.0, stretch)

    def settled(self) -> tuple[Array, NDArray[np.bool_]]:
        """Step until every row's KKT residual is well within its tolerance, or no more is gained."""
        face, free = self.face, self.face.free
        thetas = np.tile(face.theta, (self.gain.size, 1))
        best, worst = thetas.copy(), np.full(self.gain.size, np.inf)
        going = np.flatnonzero(np.isfinite(self.gain))
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(STEPS + 1):
                excess = self._excess(thetas[going], going)
                size = np.nan_to_num((np.abs(excess) / face.tolerance).max(axis=1, initial=0.0), nan=np.inf)
                better = size < worst[going]
                best[going[better]] = thetas[going[better]]
                worst[going[better]] = size[better]
                # Where a pinned coefficient wants to leave, no step on the face will ever do.
                more = (size > ENOUGH) & (better | (step < 2))
                if step == STEPS or not more.any():
                    break
                going, excess = going[more], excess[more]
                plain = face.solve(excess[:, free].T).T
                along = self.gain[going] * (self.x[going][:, free] * plain).sum(axis=1)
                thetas[np.ix_(going, free)] -= plain + along[:, None] * self.solved[going]
        return best, worst <= 1.0

    def _excess(self, thetas: Array, which: NDArray[np.int_]) -> Array:
        """∇f + the subgradient nearest to −∇f, (m, k): the KKT residual with its sign."""
        fixed, own = self.face.fixed, rows_of(self.block, which)
        prior, s = fixed.penalty_prior, self.stretch[which]
        eta = (self.x[which] * thetas).sum(axis=1) + own.offset
        mine = own.weighted(fixed.likelihood.on(own).d1(eta, own.y))
        slope = self.pull[which][:, None] * (fixed.gradient_each(thetas) - mine[:, None] * self.x[which])
        loc = prior.location(thetas.shape[1])
        return np.asarray(slope + prior.nearest_subgradient(loc + (thetas - loc) / s, -slope * s) / s)
