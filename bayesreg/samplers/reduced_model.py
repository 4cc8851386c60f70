"""The PyMC model of Gaussian noise on its sufficient statistics: a gradient costs nothing per row."""

from __future__ import annotations

import math
from typing import Any

from bayesreg.graph import Unknowns, model_of, unknowns
from bayesreg.problem import Problem
from bayesreg.samplers.reduction import cross_products_about, far_off, root_of


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
        With the variables of `build_model`, and no data.
    """
    if not problem.likelihood.quadratic or problem.n <= problem.p + 1 or far_off(problem):
        return model_of(problem, make)
    import pymc as pm
    import pytensor.tensor as pt

    m = problem.moments()
    sums = cross_products_about(problem, m)
    root, response = root_of(sums.gram, sums.score)
    residual = sums.left_over(root, response, sums.fitted)
    with pm.Model(coords={"feature": list(problem.names)}) as model:
        sigma, intercept, beta = make(problem)
        theta = beta
        if intercept is not None:
            theta = pt.concatenate([(intercept - sums.y_mean + pt.dot(sums.x_mean, beta))[None], beta])
        left = response - pt.dot(root, theta)
        rss = residual + pt.dot(left, left)
        pm.Potential("y", -m.total * (pt.log(sigma) + 0.5 * math.log(2 * math.pi)) - 0.5 * rss / sigma**2)
    return model
