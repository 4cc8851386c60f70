"""Newton steps on the face of a mode, for many problems at once, each without one of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Elastic, Likelihood
from bayesreg.optimality import kkt_tolerance
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem

STEPS = 40
"""Steps after which a row is left to a descent of its own."""

WELL_WITHIN = 0.1
"""Fraction of the KKT tolerance at which a point is done."""

CELLS = 2_000_000
"""Rows left out × rows, or × square of the coefficients, worked on at once."""

LARGEST = 400
"""Coefficients off their kink up to which each row has its own inverse."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """Rows A = (1, X) (n, k) of a convex problem, its penalty, and the mode θ (k,) with all rows.

    `free` (k,) marks the coefficients off their kink, `sign` (k,) on which side; `tolerance` (k,) is the certificate's.
    """

    A: Array
    y: Array
    offset: Array
    weights: Array
    likelihood: Likelihood
    part: Elastic
    theta: Array
    free: NDArray[np.bool_]
    sign: Array
    tolerance: Array
    sigma: float | None

    @classmethod
    def of(cls, fixed: Problem, optimum: Optimum) -> Self | None:
        """Return it; None where the penalty is none of L1 and L2, J is not convex, or the rows are sparse."""
        part = fixed.penalty_prior.elastic(len(fixed.labels))
        if part is None or not fixed.convex or fixed.design.rows.sparse:
            return None
        block = fixed.design.rows.collect()
        theta = fixed.join(optimum.intercept, optimum.beta)
        away = theta - part.loc
        free = (part.l1 == 0) | (away != 0)
        if int(free.sum()) > LARGEST:
            return None
        A = np.column_stack([np.ones(fixed.n), block.X]) if fixed.has_intercept else np.asarray(block.X)
        return cls(
            A, block.y, block.offset, block.weighted(np.ones(fixed.n)), fixed.likelihood.on(block), part, theta,
            free, np.sign(away) * (part.l1 > 0), kkt_tolerance(fixed, theta), fixed.likelihood.sigma_known,
        )  # fmt: skip

    def without(self, rows: NDArray[np.int_], sigma: Array | None) -> tuple[Array, NDArray[np.bool_]]:
        """Return the modes (m, k) without each of these rows, at dispersions (m,), and which were not found."""
        size = int(self.free.sum())
        step = max(1, CELLS // max(self.y.size, size**2))
        theta, failed = np.tile(self.theta, (rows.size, 1)), np.zeros(rows.size, dtype=bool)
        for i in range(0, rows.size, step):
            chunk = slice(i, i + step)
            theta[chunk], failed[chunk] = self._chunk(rows[chunk], None if sigma is None else sigma[chunk])
        return theta, failed

    def _chunk(self, rows: NDArray[np.int_], sigma: Array | None) -> tuple[Array, NDArray[np.bool_]]:
        m, columns = rows.size, self.A[:, self.free]
        # Under Gaussian noise another σ multiplies the loss; elsewhere it is the same for every row.
        factor = np.ones(m) if sigma is None or self.sigma is None else (self.sigma / sigma) ** 2
        inverse, failed = self._inverses(rows, columns, factor)
        theta = np.tile(self.theta, (m, 1))
        going = ~failed
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(STEPS):
                pull = self._pull(theta[going], rows[going], factor[going])
                off = self._residual(theta[going], pull)
                done = (off <= WELL_WITHIN * self.tolerance).all(axis=1)
                places = np.flatnonzero(going)
                going[places[done]] = False
                left = ~done & np.isfinite(pull).all(axis=1)
                if not left.any():
                    break
                slope = (pull + self.part.l1 * self.sign)[left][:, self.free]
                theta[np.ix_(places[left], np.flatnonzero(self.free))] -= np.einsum(
                    "mij,mj->mi", inverse[places[left]], slope
                )
        return theta, failed | going | self._crossed(theta)

    def _inverses(self, rows: NDArray[np.int_], columns: Array, factor: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Inverse Hessians (m, f, f) on the face without each row, at the mode with it; and where there is none."""
        eta = self.A @ self.theta + self.offset
        bend = self.weights * self.likelihood.d2(eta, self.y)
        whole = (columns * bend[:, None]).T @ columns
        own = columns[rows]
        hessian = factor[:, None, None] * (whole - bend[rows, None, None] * own[:, :, None] * own[:, None, :])
        hessian += np.diag(2 * self.part.l2[self.free])
        unit = 1 / np.sqrt(np.maximum(np.einsum("mii->mi", hessian), np.finfo(float).tiny))
        scaled = hessian * unit[:, :, None] * unit[:, None, :]
        values = np.linalg.eigvalsh(scaled)
        failed = np.zeros(rows.size, dtype=bool) if not values.shape[1] else ~(values[:, 0] > 1e-10)
        scaled[failed] = np.eye(scaled.shape[1])
        return np.linalg.inv(scaled) * unit[:, :, None] * unit[:, None, :], failed

    def _pull(self, theta: Array, rows: NDArray[np.int_], factor: Array) -> Array:
        """Gradient (m, k) of loss and L2 penalty without each row."""
        eta = theta @ self.A.T + self.offset
        first = self.likelihood.d1(eta, self.y) * self.weights
        first[np.arange(rows.size), rows] = 0.0
        return np.asarray(factor[:, None] * (first @ self.A) + 2 * self.part.l2 * (theta - self.part.loc))

    def _residual(self, theta: Array, pull: Array) -> Array:
        """Distance (m, k) of −pull from the subdifferential of the L1 penalty."""
        away = theta - self.part.loc
        at_kink = (away == 0) & (self.part.l1 > 0)
        excess = np.maximum(np.abs(pull) - self.part.l1, 0.0)
        return np.where(at_kink, excess, np.abs(pull + self.part.l1 * np.sign(away)))

    def _crossed(self, theta: Array) -> NDArray[np.bool_]:
        """Points that left the face."""
        return np.asarray((np.sign(theta - self.part.loc) * (self.part.l1 > 0) != self.sign).any(axis=1))
