"""The PyMC model of Gaussian noise on its sufficient statistics: a gradient costs nothing per row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bayesreg.graph import Unknowns, model_of, unknowns
from bayesreg.interfaces import Array
from bayesreg.moments import QuadraticMoments
from bayesreg.problem import Problem
from bayesreg.samplers.reduction import CrossProducts, cross_products_about, far_off, root_of


def build_lean_model(problem: Problem, make: Unknowns = unknowns) -> Any:
    """Return the PyMC model of a problem with as few rows as its density allows.

    Under Gaussian noise and with more rows than columns the rows are replaced by a potential of the same name,

        log p(y | θ, σ) = −Σw·log σ − ½Σw·log 2π − (RSS₀ + ‖c − Rθ‖²) / (2σ²),

    RSS₀ the least-squares residual and R (r, r), r ≤ p + 1, a root of the cross-products, about the means where the
    intercept is flat, so that nothing cancels.  No constant is dropped.  Elsewhere, and where columns lie so
    far from zero, uncentred, that cross-products would not tell their rows apart, it is `build_model`'s.  `make` adds
    the unknowns with their priors.

    Returns
    -------
    pymc.Model
        With the variables of `build_model`; its data `response` are c, RSS₀ and the mean taken off y.
    """
    if not _lean(problem):
        return model_of(problem, make)
    import pymc as pm
    import pytensor.tensor as pt

    m, sums, root, response = _reduced(problem)
    with pm.Model(coords={"feature": list(problem.names)}) as model:
        data = pm.Data("response", response)
        fitted, residual, y_mean = data[:-2], data[-2], data[-1]
        sigma, intercept, beta = make(problem)
        theta = beta
        if intercept is not None:
            theta = pt.concatenate([(intercept - y_mean + pt.dot(sums.x_mean, beta))[None], beta])
        left = fitted - pt.dot(root, theta)
        rss = residual + pt.dot(left, left)
        pm.Potential("y", -m.total * (pt.log(sigma) + 0.5 * math.log(2 * math.pi)) - 0.5 * rss / sigma**2)
    return model


def response_data(problem: Problem) -> Array:
    """Return all that the model of `build_lean_model` holds of the response: the data `response`, or y."""
    return _reduced(problem)[-1] if _lean(problem) else problem.design.rows.collect().y


def _lean(problem: Problem) -> bool:
    return problem.likelihood.quadratic and problem.n > problem.p + 1 and not far_off(problem)


def _reduced(problem: Problem) -> tuple[QuadraticMoments, CrossProducts, Array, Array]:
    """Moments, cross-products, R (r, r), and what depends on the response: c (r,), RSS₀, the mean taken off y."""
    m = problem.moments()
    sums = cross_products_about(problem, m)
    root, fitted = root_of(sums.gram, sums.score)
    return m, sums, root, np.array([*fitted, sums.left_over(root, fitted, sums.fitted), sums.y_mean])
