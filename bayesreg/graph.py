"""Problem → pm.Model, the compiled log density of any PyMC model, and the check that graph and objective agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.errors import GraphMismatchError
from bayesreg.interfaces import Array, Tensor
from bayesreg.problem import Problem


def evaluation_mode() -> Any:
    """Return the PyTensor mode for graphs that are only evaluated: compiles in well under a second, 0.5 ms a call.

    FAST_COMPILE alone leaves out the rewrites that keep log(1 − sigmoid(x)) finite for large x.
    """
    from pytensor.compile.mode import get_mode

    return get_mode("FAST_COMPILE").including("stabilize")


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
            sigma = likelihood.dispersion.node("sigma", _start_sigma(problem))
        if problem.intercept is not None:
            eta = problem.intercept.node("intercept", None, 1.0) + eta
        factor = sigma if problem.scale_by_noise else 1.0
        beta = problem.prior.node("beta", "feature", factor)
        eta = eta + X @ beta
        likelihood.node("y", eta, sigma, block, "obs")
    return model


def _start_sigma(problem: Problem) -> float:
    return problem.response_sd() or 1.0


@final
class GraphDensity:
    """−log p of a PyMC model (Jacobians off) as a function of one flat vector, with its gradient and kinks.

    Parameters
    ----------
    model : pymc.Model
        Continuous free variables only.
    hold : mapping of str to number or array, optional
        Variables to hold fixed, on their natural scale; the others make up the vector.

    Notes
    -----
    Entries live on the model's unconstrained scale (log σ for a positive σ), but the density is that of the natural
    variables, so that a minimum is the mode people mean.  The gradient is the graph's own: at β_j = μ_j PyTensor takes
    sign(0) = 0 for a Laplace prior, which leaves exactly the gradient of the smooth part there.
    """

    def __init__(self, model: Any, hold: Mapping[str, float | Array] | None = None) -> None:
        import pymc as pm
        import pytensor
        import pytensor.tensor as pt
        from pymc.blocking import DictToArrayBijection
        from pymc.pytensorf import join_nonshared_inputs

        self.model = model
        self._variables = list(model.free_RVs)
        self._values = [model.rvs_to_values[rv] for rv in self._variables]
        initial = model.initial_point()
        start = DictToArrayBijection.map({v.name: initial[v.name] for v in self._values})
        self._info = start.point_map_info
        self._full = np.array(start.data, dtype=float)
        locations, rates = zip(*[_kink(model, rv) for rv in self._variables], strict=True)
        terms = [-model.logp(jacobian=False), *locations, *rates]
        replaced, x = join_nonshared_inputs(initial, terms, self._values, {})
        count = len(self._variables)
        loc = pt.concatenate([pt.flatten(t) for t in replaced[1 : count + 1]])
        rate = pt.concatenate([pt.flatten(t) for t in replaced[count + 1 :]])
        outputs = [replaced[0], pt.grad(replaced[0], x), loc, rate]
        mode = evaluation_mode()
        self._function = pm.compile([x], outputs, mode=mode, on_unused_input="ignore")
        self._function.trust_input = True
        natural, x = join_nonshared_inputs(initial, model.replace_rvs_by_values(self._variables), self._values, {})
        self._to_natural = pytensor.function([x], natural, mode=mode, on_unused_input="ignore")
        given = [rv.clone() for rv in self._variables]
        inner = [
            v if (t := model.rvs_to_transforms[rv]) is None else t.forward(v, *rv.owner.inputs)
            for v, rv in zip(given, self._variables, strict=True)
        ]
        self._from_natural = pytensor.function(given, inner, mode=mode, on_unused_input="ignore")
        self.labels = tuple(label for rv in self._variables for label in _labels(model, rv, initial))
        self.free = np.ones(self._full.size, dtype=bool)
        for name, value in (hold or {}).items():
            self.hold(name, value)

    def hold(self, name: str, value: float | Array) -> None:
        """Hold the variable `name` at `value` on its natural scale."""
        part = self.slice_of(name)
        self._full = self._inner({name: value})
        self.free[part] = False

    def release(self, name: str) -> None:
        """Let the variable `name` move again."""
        self.free[self.slice_of(name)] = True

    def slice_of(self, name: str) -> slice:
        """Return where the variable `name` sits in the whole vector."""
        at = 0
        for rv, (_, _, size, _) in zip(self._variables, self._info, strict=True):
            if rv.name == name:
                return slice(at, at + size)
            at += size
        msg = f"the model has no free variable {name!r} (it has {', '.join(rv.name for rv in self._variables)})"
        raise GraphMismatchError(msg)

    @property
    def start(self) -> Array:
        """The model's initial point, free entries only."""
        return self._full[self.free].copy()

    def full(self, x: Array) -> Array:
        """Return the whole vector with free entries `x` and the held ones."""
        vector = self._full.copy()
        vector[self.free] = x
        return vector

    def __call__(self, x: Array) -> tuple[float, Array, Array, Array]:
        """Return (−logp, gradient, kink locations, kink rates) over the free entries.

        A location is NaN, and a rate 0, where the density has no kink.
        """
        # A trial step may leave the range of doubles; the caller sees the non-finite value and steps back.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, gradient, loc, rate = self._function(self.full(x))
        return float(value), gradient[self.free], loc[self.free], rate[self.free]

    def natural(self, x: Array) -> dict[str, Array]:
        """Return every variable on its natural scale, at free entries `x`."""
        values = self._to_natural(self.full(x))
        return {rv.name: np.asarray(v) for rv, v in zip(self._variables, values, strict=True)}

    def at_natural(self, point: Mapping[str, float | Array]) -> Array:
        """Return the whole vector with the variables of `point`, given on their natural scale, put in."""
        return self._inner(point)

    def _inner(self, point: Mapping[str, float | Array]) -> Array:
        for name in point:
            self.slice_of(name)
        now = dict(zip([rv.name for rv in self._variables], self._to_natural(self._full), strict=True))
        for name, value in point.items():
            now[name] = np.array(np.broadcast_to(np.asarray(value, dtype=float), now[name].shape))
        inner = self._from_natural(*now.values())
        vector = self._full.copy()
        for name in point:
            index = list(now).index(name)
            vector[self.slice_of(name)] = np.ravel(inner[index])
        return vector

    def evaluate(self, vector: Array) -> float:
        """−logp in nats at a whole vector."""
        return float(self._function(vector)[0])

    def as_values(self, vector: Array) -> dict[str, Array]:
        """Return a whole vector as the dictionary of value variables that PyMC's own functions take."""
        from pymc.blocking import DictToArrayBijection, RaveledVars

        return dict(DictToArrayBijection.rmap(RaveledVars(vector, self._info)))


def _kink(model: Any, rv: Tensor) -> tuple[Tensor, Tensor]:
    """Location and rate of the kink in the log density of a free variable: NaN and 0 where it is smooth."""
    import pytensor.tensor as pt
    from pytensor.tensor.random.basic import LaplaceRV

    value = model.rvs_to_values[rv]
    if not isinstance(rv.owner.op, LaplaceRV) or model.rvs_to_transforms[rv] is not None:
        return pt.full_like(value, np.nan), pt.zeros_like(value)
    loc, scale = model.replace_rvs_by_values(list(rv.owner.op.dist_params(rv.owner)))
    # Whole-number scales enter the graph in single precision.
    return pt.broadcast_to(loc, value.shape), pt.broadcast_to(1 / pt.cast(scale, "float64"), value.shape)


def _labels(model: Any, rv: Tensor, initial: Mapping[str, Array]) -> list[str]:
    shape = initial[model.rvs_to_values[rv].name].shape
    if not shape:
        return [rv.name]
    dims = model.named_vars_to_dims.get(rv.name, (None,) * len(shape))
    coords = [model.coords.get(d) or range(size) for d, size in zip(dims, shape, strict=True)]
    return [f"{rv.name}[{', '.join(str(c[i]) for c, i in zip(coords, at, strict=True))}]" for at in np.ndindex(*shape)]


@final
@dataclass(frozen=True, slots=True, eq=False)
class GraphCheck:
    """logp of the PyMC graph plus J, over random points: one constant if the graph is the objective.

    Parameters
    ----------
    points : int
        Number of points.
    constant : float
        Mean of logp + (−log joint) in nats; 0 where no constant was dropped on either side.
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
        Random points, each about a prior-and-data sized step from the prior's location.
    seed : int
        Seed of the points.

    Raises
    ------
    GraphMismatchError
        If logp + J varies by more than `GRAPH_TOLERANCE`; names the variable whose term differs most.
    """
    if density is None:
        density = GraphDensity(build_model(problem) if model is None else model)
    drawn = _random_points(problem, points, seed)
    graph, explicit = [], []
    for theta, sigma in drawn:
        graph.append(-density.evaluate(density.at_natural(_as_point(problem, theta, sigma))))
        explicit.append(problem.neg_log_joint(theta, sigma))
    total = np.array(graph) + np.array(explicit)
    constant = float(total.mean())
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
    free = problem.likelihood.dispersion is not None
    base = problem.response_sd() or 1.0
    drawn = []
    for _ in range(points):
        sigma = base * float(np.exp(rng.normal(scale=0.5))) if free else None
        fixed = problem.conditional(sigma)
        width = np.sqrt(np.minimum(fixed.penalty_prior.variance(len(problem.labels)), base**2))
        drawn.append((fixed.penalty_prior.location(width.size) + width * rng.normal(size=width.size), sigma))
    return drawn


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
    names = [rv.name for rv in [*model.free_RVs, *model.observed_RVs]]
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
        for name, explicit in _explicit_terms(problem, theta, sigma).items():
            deviations[name].append(float(graph[name]) - explicit)
    return max(deviations, key=lambda name: float(np.ptp(deviations[name])) if deviations[name] else np.inf)


def _explicit_terms(problem: Problem, theta: Array, sigma: float | None) -> dict[str, float]:
    fixed = problem.conditional(sigma)
    intercept, beta = fixed.split(theta)
    terms = {"y": -fixed.nll(theta), "beta": float(fixed.prior.log_density(beta))}
    if fixed.intercept is not None:
        terms["intercept"] = float(fixed.intercept.log_density(np.atleast_1d(intercept)))
    if problem.likelihood.dispersion is not None:
        terms["sigma"] = float(problem.likelihood.dispersion.log_density(np.asarray(sigma)))
    return terms
