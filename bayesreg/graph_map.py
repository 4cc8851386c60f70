"""MAP of any PyMC model from its own log density: exact zeros under Laplace priors, and a certificate.

Sees nothing but the compiled graph: −logp, its gradient, and where a prior puts a kink.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg.density import GraphDensity, require_model
from bayesreg.errors import ParameterError
from bayesreg.existence import check_determined, check_finite, check_identified
from bayesreg.graph import build_model, named_point, scattered
from bayesreg.interfaces import Array
from bayesreg.model_map import STARTS, model_mode
from bayesreg.noise import SYMBOLS, Noise, resolve_noise
from bayesreg.optimality import certify, search_text
from bayesreg.optimum import Optimum
from bayesreg.orthant import Minimum, minimise
from bayesreg.problem import Problem


def find_map(
    target: Problem | Any,
    sigma: float | str | None = None,
    *,
    hold: Mapping[str, float | Array] | None = None,
    density: GraphDensity | None = None,
) -> Optimum:
    """Maximise the log density of a PyMC model (Jacobians off), exact zeros included.

    Parameters
    ----------
    target : Problem or pymc.Model
        A problem's own model, or any model with continuous free variables.
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        For a Problem with unknown σ: the value at which the mode is taken, see `resolve_noise`; "joint" maximises over
        σ too (the density of σ, not of log σ).  Where the density may have several modes the highest of several
        descents is kept, and `Optimum.search` says what was found.
    hold : mapping of str to number or array, optional
        For a pymc.Model: variables to hold fixed, on their natural scale.
    density : GraphDensity, optional
        The compiled density of the problem's model, where there already is one.

    Returns
    -------
    Optimum
        For a Problem the certificate is that of the explicit objective; for another model it is read off the graph
        (no duality gap), `intercept`, `beta`, `sigma` are the model's variables of those names, where it has them, and
        `point` has its deterministics too.  `Optimum.mode_of` says of which variables' density it is the mode: a mode
        depends on the parametrisation.

    Raises
    ------
    ParameterError
        If the prior's scale is itself unknown (no joint mode exists), or `sigma` cannot be used.
    FitError
        If the density is not finite at the start, or grows without bound: as a hierarchical scale, or the noise of
        data that can be fitted exactly, goes to 0.  The message names the variable and what to do.
    """
    if isinstance(target, Problem):
        if hold is not None:
            msg = "hold is for a pymc.Model; for a Problem use sigma="
            raise ParameterError(msg)
        check_determined(target)
        return map_at(target, resolve_noise(target, sigma), density)
    if sigma is not None:
        msg = "sigma is for a Problem; for a pymc.Model hold its variable: hold={'sigma': value}"
        raise ParameterError(msg)
    require_model("find_map", target)
    return model_mode(GraphDensity(target, hold) if density is None else density)


def map_at(
    problem: Problem, noise: Noise, density: GraphDensity | None = None, start: Mapping[str, Array] | None = None
) -> Optimum:
    """Maximise the density of the problem's model at a resolved dispersion; `start` is one more point to try from."""
    problem.prior.rates(problem.p)  # raises where the scale has a prior: there is no joint mode
    guess = problem.dispersion_guess() if noise.sigma is None else noise.sigma
    check_identified(problem.conditional(guess).centred()[0])
    if density is None:
        density = GraphDensity(build_model(problem))
    name = problem.likelihood.dispersion_name
    if problem.likelihood.dispersion is not None and name is not None:
        if noise.joint:
            density.release(name)
        elif noise.sigma is not None:
            density.hold(name, noise.sigma)
    starts = _starts(problem, density, guess, joint=noise.joint)
    if start is not None:
        starts.append(density.at_natural({k: v for k, v in start.items() if noise.joint or k != name})[density.free])
    found = [minimise(density, x, density.blocks) for x in starts]
    best = min(found, key=lambda one: one.value)
    if noise.joint and name is not None:
        sigma = float(density.natural(best.x)[name])
        noise = Noise(sigma, "joint", f"{noise.sentence}: {SYMBOLS[name]} = {sigma:.6g}")
    search = "" if problem.convex else search_text(np.array([one.value for one in found]))
    return _problem_optimum(problem, noise, density, best, search)


def _starts(problem: Problem, density: GraphDensity, guess: float, *, joint: bool) -> list[Array]:
    """Return points to descend from: the model's own start, and more where there may be several modes.

    Several σ for a joint mode, of which there can be two, one small and one large in σ; and random points about the
    mode where the density is not log-concave.
    """
    points: list[dict[str, float | Array]] = [{}]
    if not problem.convex:
        rng = np.random.default_rng(0)
        points += [named_point(problem, theta) for theta in scattered(problem.conditional(guess), STARTS, rng)]
    name = problem.likelihood.dispersion_name
    if joint and name is not None:
        sizes = [guess * factor for factor in (0.01, 0.1, 1.0)]
        points = [point | {name: sizes[i % 3]} for i, point in enumerate([points[0]] * 2 + points)]
    return [density.at_natural(point)[density.free] if point else density.start for point in points]


def _problem_optimum(problem: Problem, noise: Noise, density: GraphDensity, best: Minimum, search: str) -> Optimum:
    values = density.natural(best.x)
    fixed = problem.conditional(noise.sigma)
    beta = values["beta"]
    intercept = float(values.get("intercept", 0.0))
    theta = fixed.join(intercept, beta)
    check_finite(fixed, theta)
    intercept_raw, beta_raw = problem.design.to_raw(np.asarray(intercept), beta)
    joint, name = noise.joint, problem.likelihood.dispersion_name
    return Optimum(
        intercept=intercept,
        beta=beta,
        intercept_raw=float(intercept_raw),
        beta_raw=beta_raw,
        sigma=noise.sigma,
        sigma_method=noise.sentence,
        objective=problem.neg_log_joint(theta, noise.sigma) if joint else fixed.value(theta),
        certificate=certify(
            fixed,
            theta,
            dispersion_residual=float(best.residual[density.free_labels.index(name)]) if joint and name else np.nan,
        ),
        names=problem.names,
        positions=problem.positions,
        iterations=best.iterations,
        point=values,
        search=search,
        problem=fixed,
    )
