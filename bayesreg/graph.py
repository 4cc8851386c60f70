"""Problem → pm.Model, and the check that the graph and the explicit objective agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.density import GraphDensity, evaluation_mode
from bayesreg.errors import GraphMismatchError
from bayesreg.interfaces import Array, Tensor
from bayesreg.problem import Problem, require_problem
from bayesreg.rows import is_sparse

GRAPH_TOLERANCE = 1e-9
"""Largest spread of logp + J over the points, relative to max(1, |J|)."""


def build_model(problem: Problem) -> Any:
    """Return the PyMC model of a problem.

    Variables: `intercept` (if any), `beta` (dim `feature`), `sigma` or `alpha` (a dispersion, where unknown),
    `beta_scale` (where the prior's scale has a prior) and the observed `y` (dim `obs`).  Data: `X`, on the scale that
    the prior sees (a constant if it is sparse), and `offset`.  The density is that of `Problem.neg_log_joint`, every
    constant kept.

    Returns
    -------
    pymc.Model
    """
    require_problem(problem, "build_model")
    return model_of(problem, unknowns)


Unknowns = Callable[[Problem], tuple[Tensor, Tensor | None, Tensor]]
"""Adds (dispersion, intercept or None, β) with their priors to the model being built."""


def model_of(problem: Problem, make: Unknowns) -> Any:
    """Return the PyMC model of a problem's rows and likelihood under the priors that `make` adds."""
    import pymc as pm
    from pytensor.sparse import structured_dot

    block = problem.design.rows.collect()
    with pm.Model(coords={"feature": list(problem.names)}) as model:
        X = _data_matrix(block.X)
        offset = pm.Data("offset", block.offset, dims="obs") if block.offset.any() else 0.0
        sigma, intercept, beta = make(problem)
        eta = offset if intercept is None else intercept + offset
        eta = eta + (structured_dot(X, beta[:, None])[:, 0] if problem.design.rows.sparse else X @ beta)
        problem.likelihood.on(block).node("y", eta, sigma, block, "obs")
    return model


def unknowns(problem: Problem) -> tuple[Tensor, Tensor | None, Tensor]:
    """Add (dispersion, intercept, β) with their priors to the model being built; None for what there is not.

    The dispersion is a constant where it is known.
    """
    sigma, intercept = unknowns_but_beta(problem)
    return sigma, intercept, problem.prior.node("beta", "feature", sigma if problem.scale_by_noise else 1.0)


def unknowns_but_beta(problem: Problem) -> tuple[Tensor, Tensor | None]:
    """Add (dispersion, intercept) alone."""
    likelihood = problem.likelihood
    sigma: Tensor = None if likelihood.sigma_known is None else np.float64(likelihood.sigma_known)
    if likelihood.dispersion is not None:
        assert likelihood.dispersion_name is not None
        sigma = likelihood.dispersion.node(likelihood.dispersion_name, problem.dispersion_guess())
    return sigma, None if problem.intercept is None else problem.intercept.node("intercept", None, 1.0)


def _data_matrix(X: Any) -> Tensor:
    """Add the data `X`; a sparse matrix enters as a constant, since PyMC's data containers are dense."""
    import pymc as pm

    if not is_sparse(X):
        return pm.Data("X", X, dims=("obs", "feature"))
    pm.modelcontext(None).add_coord("obs", np.arange(X.shape[0]))
    from pytensor import sparse
    from scipy.sparse import csr_matrix

    return sparse.as_sparse_variable(csr_matrix(X))


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
    unknown = [rv.name for rv in density.model.free_RVs if rv.name not in named_point(problem, *drawn[0])]
    if unknown:
        msg = f"the PyMC model has free variables that the objective does not: {', '.join(map(repr, unknown))}"
        raise GraphMismatchError(msg)
    graph, explicit = [], []
    for theta, sigma in drawn:
        graph.append(-density.evaluate(density.at_natural(named_point(problem, theta, sigma))))
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
    base = problem.dispersion_guess()
    sigmas = base * np.exp(rng.normal(scale=0.5, size=points))
    unit = base if problem.likelihood.location_scale else 1.0
    drawn = []
    for i in range(points):
        sigma = float(sigmas[i]) if problem.likelihood.dispersion is not None else None
        fixed = problem.conditional(sigma)
        if i % 2:
            prior = fixed.penalty_prior
            location, variance = prior.location(len(problem.labels)), prior.variance(len(problem.labels))
            theta = location + np.sqrt(np.minimum(variance, unit**2)) * rng.normal(size=location.size)
        else:
            theta = scattered(fixed, 1, rng)[0]
        drawn.append((theta, sigma))
    return drawn


def scattered(fixed: Problem, points: int, rng: np.random.Generator) -> list[Array]:
    """Random points about one Newton step from the prior's location, three sds of the normal approximation away."""
    prior = fixed.penalty_prior
    location, variance = prior.location(len(fixed.labels)), prior.variance(len(fixed.labels))
    curvature = fixed.curvature(location, majorized=True) + np.diag(1 / variance)
    unit = 1 / np.sqrt(np.maximum(np.diag(curvature), np.finfo(float).tiny))
    inverse = np.linalg.pinv(curvature * np.outer(unit, unit), rcond=1e-10, hermitian=True)
    centre = location - unit * (inverse @ (unit * fixed.gradient(location)))
    spread = 3 * np.minimum(unit, np.sqrt(variance))
    return [centre + spread * rng.normal(size=spread.size) for _ in range(points)]


def named_point(problem: Problem, theta: Array, sigma: float | None = None) -> dict[str, float | Array]:
    """The variables of the problem's model at θ (and a dispersion), by name."""
    intercept, beta = problem.split(theta)
    point: dict[str, float | Array] = {"beta": beta}
    if problem.has_intercept:
        point["intercept"] = float(intercept)
    if sigma is not None and problem.likelihood.dispersion_name is not None:
        point[problem.likelihood.dispersion_name] = sigma
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
            zip(names, terms(density.as_values(density.at_natural(named_point(problem, theta, sigma)))), strict=True)
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
    if problem.likelihood.dispersion is not None and problem.likelihood.dispersion_name is not None:
        terms[problem.likelihood.dispersion_name] = float(problem.likelihood.dispersion.log_density(np.asarray(sigma)))
    return terms
