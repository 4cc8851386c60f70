"""Newton steps on the face of a path's next point: signs stay those of the last one until a condition says otherwise.

From one λ to the next few coefficients enter or leave, so that a handful of steps with plain arrays do.  They are not
safeguarded: where they do not settle quickly, the descent that is (`descent.minimise`) takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Elastic, Likelihood
from bayesreg.optimality import KKT_TOLERANCE
from bayesreg.penalty_path.reduced import LARGEST
from bayesreg.problem import Problem

STEPS = 30
"""Steps after which the safeguarded descent is asked."""

WELL_WITHIN = 0.1
"""Fraction of the KKT tolerance at which a point is left to its certificate."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """The rows of a problem whose J is convex: A = (1, X) or X (n, k), and what else nll needs."""

    A: Array
    y: Array
    offset: Array
    weights: Array | None
    likelihood: Likelihood

    @classmethod
    def of(cls, fixed: Problem, elastic: Elastic | None) -> Self | None:
        """Return them; None where the penalty is none of L1 and L2, or the rows are sparse or too many for a copy."""
        if elastic is None or not fixed.convex or fixed.design.rows.sparse or fixed.p > LARGEST:
            return None
        block = fixed.design.rows.collect()
        A = np.asfortranarray(np.column_stack([np.ones(fixed.n), block.X]) if fixed.has_intercept else block.X)
        return cls(A, block.y, block.offset, block.weights, fixed.likelihood.on(block))

    def minimise(self, part: Elastic, theta: Array) -> Array | None:
        """Return the minimum from θ (k,) next to it; None where the steps do not settle."""
        theta, enough = theta.copy(), np.zeros(theta.size)
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(STEPS):
                eta = self.A @ theta + self.offset
                first, second = self.likelihood.d1(eta, self.y), self.likelihood.d2(eta, self.y)
                if self.weights is not None:
                    first, second = first * self.weights, second * self.weights
                away = theta - part.loc
                pull = first @ self.A + 2 * part.l2 * away
                kink = (away == 0) & (part.l1 > 0)
                excess = np.abs(pull) - part.l1
                off = np.where(kink, np.maximum(excess, 0.0), np.abs(pull + part.l1 * np.sign(away)))
                if not np.isfinite(off).all():
                    return None
                if step == 0:  # the same in any unit of y: a residual r leaves about r²/2h nats, h the curvature
                    natural = np.maximum(np.sqrt(np.einsum("ij,ij,i->j", self.A, self.A, second)), part.l1)
                    enough = WELL_WITHIN * KKT_TOLERANCE * np.minimum(1.0, natural)
                if (off <= enough).all():
                    return theta
                sign = np.where(kink, -np.sign(pull), np.sign(away))
                active = np.flatnonzero(~kink | (excess > 0))
                if not self._step(theta, part, pull, second, sign, active):
                    return None
        return None

    def _step(
        self, theta: Array, part: Elastic, pull: Array, second: Array, sign: Array, active: NDArray[np.int_]
    ) -> bool:
        """Move θ towards the minimum of the quadratic on the face, up to where a coefficient reaches its location."""
        from scipy.linalg import lapack

        columns = self.A[:, active]
        hessian = (columns * second[:, None]).T @ columns
        hessian.flat[:: active.size + 1] += 2 * part.l2[active]
        slope = pull[active] + part.l1[active] * sign[active]
        away, sharp = theta[active] - part.loc[active], part.l1[active] > 0
        kept = np.arange(active.size)
        while True:  # one that is to leave its location, but to the other side than the slope there says, stays
            _, step, failed = lapack.dposv(hessian[np.ix_(kept, kept)], -slope[kept], lower=1)
            if failed:
                return False
            wrong = sharp[kept] & (away[kept] == 0) & (step * sign[active[kept]] <= 0)
            if not wrong.any():
                break
            kept = kept[~wrong]
        against = sharp[kept] & (away[kept] * step < 0)
        reach = np.divide(-away[kept], step, out=np.full(kept.size, np.inf), where=against)
        fraction = min(1.0, float(reach.min(initial=1.0)))
        moved = active[kept]
        theta[moved] += fraction * step
        stopped = moved[reach <= fraction]
        theta[stopped] = part.loc[stopped]
        return bool(kept.size)
