"""Problem → pm.Model, and the check that the graph and the explicit objective agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.density import GraphDensity, evaluation_mode
from bayesreg.errors import GraphMismatchError
from bayesreg.interfaces import Array, Tensor
from bayesreg.problem import Problem, require_problem

GRAPH_TOLERANCE = 1e-9
"""Largest spread of logp + J over the points, relative to max(1, |J|)."""


def build_model(problem: Problem) -> Any:
    """Return the PyMC model of a problem.

    Variables: `intercept` (if any), `beta` (dim `feature`), `sigma` (where unknown), `beta_scale` (where the prior's
    scale has a prior) and the observed `y` (dim `obs`).  Data: `X`, on the scale that the prior sees, and `offset`.
    The density is that of `Problem.neg_log_joint`, every constant kept.

    Returns
    -------
    pymc.Model
    """
    require_problem(problem, "build_model")
    import pymc as pm

    block = problem.design.rows.collect()
    likelihood = problem.likelihood
    with pm.Model(coords={"feature": list(problem.names)}) as model:
        X = pm.Data("X", block.X, dims=("obs", "feature"))
        eta: Tensor = 0.0
        if block.offset.any():
            eta = pm.Data("offset", block.offset, dims="obs")
        sigma: Tensor = None if likelihood.sigma_known is None else np.float64(likelihood.sigma_known)
        if likelihood.dispersion is not None:
            sigma = likelihood.dispersion.node("sigma", problem.noise_guess())
        if problem.intercept is not None:
            eta = problem.intercept.node("intercept", None, 1.0) + eta
        factor = sigma if problem.scale_by_noise else 1.0
        beta = problem.prior.node("beta", "feature", factor)
        eta = eta + X @ beta
        likelihood.node("y", eta, sigma, block, "obs")
    return model


@final
@dataclass(frozen=True, slots=True, eq=False)
class GraphCheck:
    """logp of the PyMC graph plus J, over random points: one constant if the graph is the objective.

    Parameters
    ----------
    points : int
        Number of points.
    constant : float
        logp + (−log joint) in nats; 0 where no constant was dropped on either side.
    spread : float
        Largest deviation from it, relative to max(1, |J|).
    """

    points: int
    constant: float
    spread: float

    @property
    def passed(self) -> bool:
        """Whether the spread is within `GRAPH_TOLERANCE`."""
        return self.spread <= GRAPH_TOLERANCE


def check_graph(
    problem: Problem,
    model: Any | None = None,
    *,
    density: GraphDensity | None = None,
    points: int = 24,
    seed: int = 0,
) -> GraphCheck:
    """Compare the PyMC graph with the explicit objective at random points (σ varied too, where unknown).

    Parameters
    ----------
    problem : Problem
    model : pymc.Model, optional
        The model to check; by default `build_model(problem)`.
    density : GraphDensity, optional
        Its compiled density, where there already is one.
    points : int
        Random points.  Half are spread about the prior's location; half stay within some posterior sds of the mode,
        where J is of the order of the number of rows and no term hides behind another, however small σ is.
    seed : int
        Seed of the points.

    Raises
    ------
    GraphMismatchError
        If logp + J varies by more than `GRAPH_TOLERANCE`; names the variable whose term differs most.
    """
    require_problem(problem, "check_graph")
    if density is None:
        density = GraphDensity(build_model(problem) if model is None else model)
    drawn = _random_points(problem, points, seed)
    unknown = [rv.name for rv in density.model.free_RVs if rv.name not in _as_point(problem, *drawn[0])]
    if unknown:
        msg = f"the PyMC model has free variables that the objective does not: {', '.join(map(repr, unknown))}"
        raise GraphMismatchError(msg)
    graph, explicit = [], []
    for theta, sigma in drawn:
        graph.append(-density.evaluate(density.at_natural(_as_point(problem, theta, sigma))))
        explicit.append(problem.neg_log_joint(theta, sigma))
    total = np.array(graph) + np.array(explicit)
    constant = float(total[np.argmin(np.abs(explicit))])  # where rounding is least
    spread = float(np.max(np.abs(total - constant) / np.maximum(1.0, np.abs(explicit))))
    result = GraphCheck(points, constant, spread)
    if not result.passed:
        name = _offender(problem, density, drawn)
        msg = (
            f"the PyMC graph is not the objective: logp + J varies by {spread:.3g} (relative; allowed "
            f"{GRAPH_TOLERANCE:g}) over {points} points, most in the term of {name!r}; "
            "no comparison of MAP and penalised fit is made"
        )
        raise GraphMismatchError(msg)
    return result


def _random_points(problem: Problem, points: int, seed: int) -> list[tuple[Array, float | None]]:
    rng = np.random.default_rng(seed)
    base = problem.noise_guess()
    sigmas = base * np.exp(rng.normal(scale=0.5, size=points))
    drawn = []
    centre = spread = None
    for i in range(points):
        sigma = float(sigmas[i]) if problem.likelihood.dispersion is not None else None
        fixed = problem.conditional(sigma)
        prior = fixed.penalty_prior
        location, variance = prior.location(len(problem.labels)), prior.variance(len(problem.labels))
        if i % 2:
            width = np.sqrt(np.minimum(variance, base**2))
            drawn.append((location + width * rng.normal(size=width.size), sigma))
            continue
        if centre is None or spread is None:
            centre, spread = _near_mode(fixed, location, variance)
        drawn.append((centre + 3 * spread * rng.normal(size=spread.size), sigma))
    return drawn


def _near_mode(fixed: Problem, location: Array, variance: Array) -> tuple[Array, Array]:
    """One Newton step from the prior's location, and the sds of the normal approximation, column by column."""
    curvature = fixed.curvature(location) + np.diag(1 / variance)
    unit = 1 / np.sqrt(np.maximum(np.diag(curvature), np.finfo(float).tiny))
    inverse = np.linalg.pinv(curvature * np.outer(unit, unit), rcond=1e-10, hermitian=True)
    step = unit * (inverse @ (unit * fixed.gradient(location)))
    return location - step, np.minimum(unit, np.sqrt(variance))


def _as_point(problem: Problem, theta: Array, sigma: float | None) -> dict[str, float | Array]:
    intercept, beta = problem.split(theta)
    point: dict[str, float | Array] = {"beta": beta}
    if problem.has_intercept:
        point["intercept"] = float(intercept)
    if sigma is not None:
        point["sigma"] = sigma
    return point


def _offender(problem: Problem, density: GraphDensity, points: list[tuple[Array, float | None]]) -> str:
    """Name of the variable whose log density varies most against its explicit term."""
    model = density.model
    names = [rv.name for rv in [*model.free_RVs, *model.observed_RVs, *model.potentials]]
    rvs = [model[name] for name in names]
    terms = model.compile_fn(
        [t.sum() for t in model.logp(vars=rvs, jacobian=False, sum=False)],
        mode=evaluation_mode(),
        on_unused_input="ignore",
    )
    deviations: dict[str, list[float]] = {name: [] for name in names}
    for theta, sigma in points:
        graph = dict(
            zip(names, terms(density.as_values(density.at_natural(_as_point(problem, theta, sigma)))), strict=True)
        )
        explicit = _explicit_terms(problem, theta, sigma)
        for name in names:
            deviations[name].append(float(graph[name]) - explicit.get(name, 0.0))
    return max(deviations, key=lambda name: float(np.ptp(deviations[name])))


def _explicit_terms(problem: Problem, theta: Array, sigma: float | None) -> dict[str, float]:
    fixed = problem.conditional(sigma)
    intercept, beta = fixed.split(theta)
    terms = {"y": -fixed.nll(theta), "beta": float(fixed.prior.log_density(beta))}
    if fixed.intercept is not None:
        terms["intercept"] = float(fixed.intercept.log_density(np.atleast_1d(intercept)))
    if problem.likelihood.dispersion is not None:
        terms["sigma"] = float(problem.likelihood.dispersion.log_density(np.asarray(sigma)))
    return terms
