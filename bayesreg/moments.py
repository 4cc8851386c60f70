"""Sufficient statistics of rows under Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesreg.errors import InputError
from bayesreg.interfaces import Array, Block, Rows
from bayesreg.rows import cross_products, is_sparse

LARGEST_SQUARE = 10_000
"""Columns up to which a matrix of all pairs of them is made: 800 MB."""


PIECE_CELLS = 1 << 17
"""Cells of X in a piece that stays in the cache nearest to a core: 1 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticMoments:
    """All that Gaussian noise asks of the data: weighted sums about the means, so that nothing cancels.

    `total` Σw; `x_mean` (p,), `y_mean` of y − offset; `xx` (p, p), `xy` (p,), `yy` centred sums of products.
    """

    total: float
    x_mean: Array
    y_mean: float
    xx: Array
    xy: Array
    yy: float


def check_square(columns: int) -> None:
    """Raise InputError where a matrix of all pairs of columns would not fit in memory."""
    if columns > LARGEST_SQUARE:
        msg = (
            f"X has {columns} columns: their {columns} x {columns} cross-products would take "
            f"{columns**2 * 8 / 2**30:.0f} GiB. Give sigma a value, and use fit_penalized (which works on the columns "
            "that matter); a posterior needs fewer columns"
        )
        raise InputError(msg)


def total_weight(block: Block) -> Array:
    """Σw of a block, shape (1,)."""
    return block.weighted(np.ones(block.y.size)).sum(keepdims=True)


def quadratic_moments(rows: Rows, *, centred: bool = False) -> QuadraticMoments:
    """Return sufficient statistics under Gaussian noise, from two passes over the rows.

    Parameters
    ----------
    rows : Rows
    centred : bool
        Whether the columns' means are known to be next to nothing: one pass then does, since nothing cancels.

    Raises
    ------
    InputError
        If there are too many columns for their cross-products.
    """
    check_square(rows.n_columns)
    if centred:
        return _centred_moments(rows)

    def first(block: Block) -> tuple[Array, ...]:
        ones = block.weighted(np.ones(block.y.size))
        return total_weight(block), block.X.T @ ones, (ones @ (block.y - block.offset)).reshape(1)

    total, x_sum, y_sum = rows.sum(first)
    x_mean, y_mean = x_sum / total, float((y_sum / total)[0])

    def second(block: Block) -> tuple[Array, ...]:
        weight = block.weighted(np.ones(block.y.size))
        y = block.y - block.offset - y_mean
        if is_sparse(block.X):  # its zeros keep the means small: nothing to speak of cancels
            about = weight.sum() * np.outer(x_mean, x_mean)
            x_sum, xy = block.X.T @ weight, block.X.T @ (weight * y)
            shifted = about - np.outer(x_sum, x_mean) - np.outer(x_mean, x_sum)
            return cross_products(block.X, weight) + shifted, xy - x_mean * (weight @ y), (weight @ y**2).reshape(1)
        root = np.sqrt(weight)
        X, y = (block.X - x_mean) * root[:, None], y * root
        return X.T @ X, X.T @ y, (y @ y).reshape(1)

    xx, xy, yy = rows.sum(second)
    return QuadraticMoments(float(total[0]), x_mean, y_mean, xx, xy, float(yy[0]))


def _centred_moments(rows: Rows) -> QuadraticMoments:
    """One pass over X, in pieces that stay in cache between the two products made of them."""
    total, y_mean, _ = response_moments(rows)

    def fn(block: Block) -> tuple[Array, ...]:
        n, p = block.X.shape
        xx, sums, yy = np.zeros((p, p)), np.zeros((2, p)), 0.0
        step = max(1, PIECE_CELLS // max(1, p))
        for i in range(0, n, step):
            X, y = block.X[i : i + step], block.y[i : i + step] - block.offset[i : i + step] - y_mean
            both = np.stack([np.ones_like(y), y])
            if block.weights is not None:
                root = np.sqrt(block.weights[i : i + step])
                X, both = X * root[:, None], both * root
            xx += X.T @ X
            sums += both @ X
            yy += float(both[1] @ both[1])
        return xx, sums, np.array([yy])

    xx, sums, yy = rows.sum(fn)
    x_mean = sums[0] / total
    return QuadraticMoments(total, x_mean, y_mean, xx - total * np.outer(x_mean, x_mean), sums[1], float(yy[0]))


def response_moments(rows: Rows) -> tuple[float, float, float]:
    """Return (Σw, mean, population sd) of y − offset."""
    total, s = rows.sum(lambda b: (total_weight(b), b.weighted(b.y - b.offset).sum(keepdims=True)))
    mean = s / total
    squares = rows.sum(lambda b: (b.weighted((b.y - b.offset - mean) ** 2).sum(keepdims=True),))[0]
    return float(total[0]), float(mean[0]), float(np.sqrt(squares / total)[0])
