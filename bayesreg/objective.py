"""The objective J(θ) = Σ w·nll + pen(θ) and its derivatives: the chain rules through X live here and nowhere else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesreg.design import Design
from bayesreg.errors import InputError
from bayesreg.interfaces import Array, Block, Likelihood, Prior, is_flat
from bayesreg.rows import cross_products, is_sparse
from bayesreg.stacked import Stacked

PIECE_ROWS, PIECE_POINTS = 512, 128
"""Rows and points whose η is worked on at once: half a MiB, which stays in cache between the functions of it."""


def _pieces(block: Block) -> Iterator[Block]:
    """A block cut into pieces of some rows."""
    for i in range(0, block.y.size, PIECE_ROWS):
        rows = slice(i, i + PIECE_ROWS)
        weights = None if block.weights is None else block.weights[rows]
        trials = None if block.trials is None else block.trials[rows]
        yield Block(block.X[rows], block.y[rows], block.offset[rows], weights, trials)


class Objective(ABC):
    """J as a function of one vector θ = (a, β), or θ = β where there is no intercept, for given parts."""

    __slots__ = ()

    design: Design
    likelihood: Likelihood
    prior: Prior
    intercept: Prior | None

    @property
    @abstractmethod
    def penalty_prior(self) -> Stacked:
        """The prior on θ."""

    # -- shape ---------------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Column names."""
        return self.design.names

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.design.rows.n_rows

    @property
    def p(self) -> int:
        """Number of columns, the intercept not counted."""
        return len(self.names)

    @property
    def has_intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.intercept is not None

    @property
    def flat_intercept(self) -> bool:
        """Whether the model has an intercept that no prior holds: means can then be taken off the columns and y."""
        return is_flat(self.intercept)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the entries of θ."""
        return ("intercept", *self.names) if self.has_intercept else self.names

    @property
    def positions(self) -> NDArray[np.int_]:
        """Where the coefficients stand in θ."""
        return np.arange(self.p) + int(self.has_intercept)

    def join(self, intercept: float, beta: ArrayLike) -> Array:
        """Return θ = (a, β)."""
        beta = np.asarray(beta, dtype=float)
        if beta.shape != (self.p,):
            msg = f"beta has shape {beta.shape} for {self.p} columns"
            raise InputError(msg)
        return np.concatenate([[intercept], beta]) if self.has_intercept else beta

    def split(self, theta: Array) -> tuple[Array, Array]:
        """Return (a (...), β (..., p)) from θ (..., k); a is 0 where there is no intercept."""
        if self.has_intercept:
            return theta[..., 0], theta[..., 1:]
        return np.zeros(theta.shape[:-1]), theta

    # -- J and its derivatives in θ --------------------------------------------------------------------------------

    def linear_predictor(self, block: Block, theta: Array) -> Array:
        """η of a block: (m,) for θ (k,), or (m, d) for d columns θ (k, d)."""
        intercept, beta = (theta[0], theta[1:]) if self.has_intercept else (0.0, theta)
        offset = block.offset if np.ndim(theta) == 1 else block.offset[:, None]
        return np.asarray(block.X @ beta + intercept + offset)

    def nll(self, theta: Array) -> float:
        """Σ w·nll at θ, in nats."""

        def fn(block: Block) -> tuple[Array, ...]:
            eta = self.linear_predictor(block, theta)
            return (block.weighted(self.likelihood.on(block).nll(eta, block.y)).sum(keepdims=True),)

        return float(self.design.rows.sum(fn)[0][0])

    def nll_each(self, thetas: Array) -> Array:
        """Σ w·nll (d,) at each of the rows of `thetas` (d, k): one matrix product, in pieces that stay in cache."""

        def fn(block: Block) -> tuple[Array, ...]:
            total = np.zeros(len(thetas))
            for piece in _pieces(block):
                likelihood, y = self.likelihood.on(piece), piece.y[:, None]
                weights = np.ones(piece.y.size) if piece.weights is None else piece.weights
                for i in range(0, len(thetas), PIECE_POINTS):
                    eta = self.linear_predictor(piece, thetas[i : i + PIECE_POINTS].T)
                    total[i : i + PIECE_POINTS] += weights @ likelihood.nll(eta, y)
            return (total,)

        return self.design.rows.sum(fn)[0]

    def gradient_each(self, thetas: Array) -> Array:
        """Gradient (d, k) of Σ w·nll at each of the rows of `thetas` (d, k): two matrix products."""

        def fn(block: Block) -> tuple[Array, ...]:
            slopes = self.likelihood.on(block).d1(self.linear_predictor(block, thetas.T), block.y[:, None])
            if block.weights is not None:
                slopes = slopes * block.weights[:, None]
            columns = block.X.T @ slopes
            return (np.concatenate([slopes.sum(axis=0)[None], columns]) if self.has_intercept else columns,)

        return self.design.rows.sum(fn)[0].T

    def expected_model(self, thetas: Array) -> tuple[Array, Array, Array]:
        """Σ w·nll (d,) at each of the rows of `thetas` (d, k), and its gradient (k,) and Hessian (k, k) averaged.

        The averages, over all d points, are those of a quadratic that fits the cloud of them rather than one of them.
        """
        lead = int(self.has_intercept)

        def fn(block: Block) -> tuple[Array, ...]:
            values, slopes, bends = np.zeros(len(thetas)), [], []
            for piece in _pieces(block):
                likelihood, y = self.likelihood.on(piece), piece.y[:, None]
                eta = self.linear_predictor(piece, thetas.T)
                values += piece.weighted(likelihood.nll(eta, y).T).sum(axis=1)
                slopes.append(piece.weighted(likelihood.d1(eta, y).mean(axis=1)))
                bends.append(piece.weighted(likelihood.d2(eta, y).mean(axis=1)))
            slope, bend = np.concatenate(slopes), np.concatenate(bends)
            hessian = np.empty((thetas.shape[1], thetas.shape[1]))
            hessian[lead:, lead:] = cross_products(block.X, bend)
            if lead:
                hessian[0, 0] = bend.sum()
                hessian[0, 1:] = hessian[1:, 0] = block.X.T @ bend
            return values, self._transposed(block.X, slope), hessian

        values, gradient, hessian = self.design.rows.sum(fn)
        return values, gradient, hessian

    @property
    def convex(self) -> bool:
        """Whether J is convex in θ at a fixed dispersion."""
        return self.likelihood.convex and self.prior.convex and (self.intercept is None or self.intercept.convex)

    def value(self, theta: Array) -> float:
        """J(θ)."""
        return self.nll(theta) + float(self.penalty_prior.penalty(theta))

    def gradient(self, theta: Array) -> Array:
        """Gradient (k,) of Σ w·nll at θ."""

        def fn(block: Block) -> tuple[Array, ...]:
            return (self._transposed(block.X, self._slopes(block, theta)),)

        return self.design.rows.sum(fn)[0]

    def gradient_magnitude(self, theta: Array) -> Array:
        """Σ_i |terms of the gradient| (k,): times the machine epsilon, what rounding of its sum leaves uncertain."""

        def fn(block: Block) -> tuple[Array, ...]:
            return (self._transposed(abs(block.X), np.abs(self._slopes(block, theta))),)

        return self.design.rows.sum(fn)[0]

    def gradient_uncertainty(self, theta: Array) -> Array:
        """Like `gradient_magnitude`, with what rounding of θ itself and of η adds through the curvature."""

        def fn(block: Block) -> tuple[Array, ...]:
            size = replace(block, X=abs(block.X), offset=np.abs(block.offset))
            bend = self.likelihood.on(block).d2(self.linear_predictor(block, theta), block.y)
            spread = block.weighted(np.abs(bend) * self.linear_predictor(size, np.abs(theta)))
            return (self._transposed(size.X, np.abs(self._slopes(block, theta)) + spread),)

        return self.design.rows.sum(fn)[0]

    def curvature(self, theta: Array, columns: NDArray[np.int_] | None = None, *, majorized: bool = False) -> Array:
        """Hessian of Σ w·nll at θ over `columns` of θ (default: all), (k, k).

        `majorized`: with every row's parabola that touches its nll from above in place of its second derivative, so
        that the matrix is positive semi-definite for a non-convex likelihood too.
        """
        chosen = np.arange(theta.size) if columns is None else columns
        lead = int(self.has_intercept)
        first = np.flatnonzero(chosen < lead)
        others = np.flatnonzero(chosen >= lead)
        pick = slice(None) if others.size == self.p else chosen[others] - lead

        def fn(block: Block) -> tuple[Array, ...]:
            weight = self._bends(block, theta, majorized=majorized)
            X = block.X[:, pick]
            hessian = np.empty((chosen.size, chosen.size))
            hessian[np.ix_(others, others)] = cross_products(X, weight)
            if first.size:
                hessian[first, first] = weight.sum()
                hessian[first, others] = hessian[others, first] = X.T @ weight
            return (hessian,)

        return self.design.rows.sum(fn)[0]

    def curvature_along(self, theta: Array, direction: Array, *, majorized: bool = False) -> Array:
        """Hessian of Σ w·nll at θ times `direction` (k,), without the matrix."""

        def fn(block: Block) -> tuple[Array, ...]:
            moved = self.linear_predictor(replace(block, offset=np.zeros(block.y.size)), direction)
            return (self._transposed(block.X, self._bends(block, theta, majorized=majorized) * moved),)

        return self.design.rows.sum(fn)[0]

    def curvature_diagonal(self, theta: Array) -> Array:
        """Diagonal (k,) of the majorised Hessian of Σ w·nll at θ."""

        def fn(block: Block) -> tuple[Array, ...]:
            weight = self._bends(block, theta, majorized=True)
            square = block.X.multiply(block.X) if is_sparse(block.X) else block.X**2
            return (self._transposed(square, weight),)

        return self.design.rows.sum(fn)[0]

    def _bends(self, block: Block, theta: Array, *, majorized: bool) -> Array:
        likelihood = self.likelihood.on(block)
        second = likelihood.majorizer if majorized else likelihood.d2
        return block.weighted(second(self.linear_predictor(block, theta), block.y))

    def _slopes(self, block: Block, theta: Array) -> Array:
        return block.weighted(self.likelihood.on(block).d1(self.linear_predictor(block, theta), block.y))

    def _transposed(self, X: Any, slopes: Array) -> Array:
        columns = X.T @ slopes
        return np.concatenate([slopes.sum(keepdims=True), columns]) if self.has_intercept else columns
