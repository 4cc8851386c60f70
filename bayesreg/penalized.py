"""Explicitly regularised optimisation: argmin Σ w·nll + pen at the matched λ.

Knows the objective, not the PyMC graph: `graph_map` finds the same point from the graph, and shares nothing with this
module but `Problem`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesreg.descent import minimise
from bayesreg.dispersion_profile import Mode, Profile, dispersion_slope
from bayesreg.errors import FitError, ParameterError
from bayesreg.existence import check_determined
from bayesreg.interfaces import Array
from bayesreg.noise import SYMBOLS, Noise, resolve_noise
from bayesreg.optimality import SAME_MINIMUM, certify, search_text
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem, require_problem
from bayesreg.rows import is_sparse

HALVES = 6
"""Random halves of the rows that a search for the lowest of several minima starts from, where J is not convex."""

MOST_TOGGLED = 40
"""Columns up to which a search under a prior with cusps also tries the other choice for each coefficient."""

ELEMENTAL = 200
"""Random exact fits of a few rows that the best starts are picked from."""

MOST_PAIRED = 12
"""Columns up to which it tries pairs of them too."""

WEAKER = (1000.0, 100.0, 30.0, 10.0, 3.0)
"""Factors on the prior's scale: the search also follows a minimum from ever less weak priors to the prior itself."""


def fit_penalized(problem: Problem, sigma: float | str | None = None, start: ArrayLike | None = None) -> Optimum:
    """Minimise the explicitly penalised loss J(a, β) = Σ w·nll + pen at λ matched to the prior.

    Parameters
    ----------
    problem : Problem
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        Where σ is unknown: the value at which to match, see `resolve_noise`; "joint" minimises over σ too.
    start : array (p,), optional
        Coefficients to start from.  The answer does not depend on them where it is unique.

    Returns
    -------
    Optimum
        With its certificate, evaluated at the returned point.

    Raises
    ------
    FitError
        If no finite optimum exists (separated classes or collinear columns without a penalty).
    ParameterError
        If the prior's scale is itself unknown, or `sigma` cannot be used.
    """
    require_problem(problem, "fit_penalized")
    check_determined(problem)
    return fit_at(problem, resolve_noise(problem, sigma), start)


def fit_at(problem: Problem, noise: Noise, start: ArrayLike | None = None) -> Optimum:
    """Minimise the penalised loss at a resolved noise scale."""
    if noise.joint:
        return _fit_joint(problem, noise, start)
    fixed = problem.conditional(noise.sigma)
    beta = None if start is None else np.asarray(start, dtype=float)
    if beta is not None and (beta.shape != (problem.p,) or not np.isfinite(beta).all()):
        msg = f"start must be {problem.p} finite numbers, one per column (got {start!r})"
        raise ParameterError(msg)
    theta, steps, search = _lowest(fixed, beta)
    return _optimum(fixed, theta, noise, steps, fixed.value(theta), search=search)


def _lowest(fixed: Problem, beta: Array | None) -> tuple[Array, int, str]:
    """Minimise J; where it is not convex, from several starts, and say what was found."""
    if fixed.convex:
        return *minimise(fixed, beta), ""
    given = [] if beta is None else [beta]
    found = [minimise(fixed, start) for start in (None, *given, *_starts(fixed))]
    lowest = min(found, key=lambda one: fixed.value(one[0]))[0]
    if not fixed.prior.convex and fixed.p <= MOST_TOGGLED:
        found += _toggled(fixed, lowest, fixed.split(found[-1][0])[1])
    values = np.array([fixed.value(theta) for theta, _ in found])
    return found[int(values.argmin())][0], sum(steps for _, steps in found), search_text(values)


def _toggled(fixed: Problem, theta: Array, weak: Array) -> list[tuple[Array, int]]:
    """Descents with one or two coefficients put on their kink, or taken off it, until no such change leads lower.

    Where every coefficient at its location is a minimum of its own, descent by itself never changes which are.
    """
    found: list[tuple[Array, int]] = []
    lowest = fixed.value(theta)
    loc = fixed.prior.location(fixed.p)
    off = np.where(weak == loc, loc + np.sqrt(np.minimum(fixed.prior.variance(fixed.p), 1.0)), weak)
    improved = True
    while improved:
        improved = False
        beta = fixed.split(theta)[1]
        for change in _changes(fixed.p):
            changed = beta.copy()
            changed[change] = np.where(beta[change] == loc[change], off[change], loc[change])
            found.append(minimise(fixed, changed))
            if fixed.value(found[-1][0]) < lowest - SAME_MINIMUM:
                theta, lowest, improved = found[-1][0], fixed.value(found[-1][0]), True
                break
    return found


def _changes(p: int) -> Iterator[list[int]]:
    """Every coefficient, then (of not too many) every pair of them."""
    yield from ([j] for j in range(p))
    if p <= MOST_PAIRED:
        yield from ([i, j] for i in range(p) for j in range(i))


def _starts(fixed: Problem) -> list[Array]:
    """Where to start from: the minimum under ever less weak priors, and those of random halves of the rows."""
    beta: Array | None = None
    for factor in WEAKER:
        beta = fixed.split(minimise(fixed.with_prior(fixed.prior.rescaled(factor)), beta)[0])[1]
    starts = [] if beta is None else [beta]
    block = fixed.design.rows.collect()
    weights = np.ones(fixed.n) if block.weights is None else block.weights
    counts = np.flatnonzero(weights > 0)
    rng = np.random.default_rng(0)
    if not fixed.likelihood.convex:
        starts += _elemental(fixed, counts, rng)
    for _ in range(HALVES if not fixed.likelihood.convex else 0):
        half = np.zeros(fixed.n)
        half[rng.choice(counts, size=max(1, counts.size // 2), replace=False)] = 1.0
        with contextlib.suppress(FitError):  # half the rows need not determine every unpenalised coefficient
            starts.append(fixed.split(minimise(fixed.reweighted(weights * half), beta)[0])[1])
    return starts


def _optimum(
    fixed: Problem,
    theta: Array,
    noise: Noise,
    steps: int,
    objective: float,
    *,
    dispersion_residual: float = float("nan"),
    search: str = "",
) -> Optimum:
    intercept, beta = fixed.split(theta)
    intercept_raw, beta_raw = fixed.design.to_raw(intercept, beta)
    point = {"intercept": intercept} if fixed.has_intercept else {}
    name = fixed.likelihood.dispersion_name
    dispersion = {} if name is None or noise.sigma is None else {name: np.asarray(noise.sigma)}
    return Optimum(
        intercept=float(intercept),
        beta=beta,
        intercept_raw=float(intercept_raw),
        beta_raw=beta_raw,
        sigma=noise.sigma,
        sigma_method=noise.sentence,
        objective=objective,
        certificate=certify(fixed, theta, dispersion_residual=dispersion_residual),
        names=fixed.names,
        positions=fixed.positions,
        iterations=steps,
        point=point | {"beta": beta} | dispersion,
        search=search,
        problem=fixed,
    )


def _elemental(fixed: Problem, counts: NDArray[np.int_], rng: np.random.Generator) -> list[Array]:
    """Coefficients that fit as many random rows exactly as there are coefficients: of many, those with the lowest J.

    Outliers then are in few of the fits (Rousseeuw & Leroy 1987, Robust Regression and Outlier Detection, chapter 5).
    """
    block = fixed.design.rows.collect()
    exact = fixed.likelihood.on(block).exact_fit(block.y)
    k = len(fixed.labels)
    if exact is None or is_sparse(block.X) or 2 * k > counts.size or k > MOST_TOGGLED:
        return []
    X = np.column_stack([np.ones(fixed.n), block.X]) if fixed.has_intercept else block.X
    chosen = np.array([rng.choice(counts, size=k, replace=False) for _ in range(ELEMENTAL)])
    target = (exact[0] - block.offset)[chosen]
    inverse = np.linalg.pinv(X[chosen], rcond=1e-6)
    thetas = (inverse @ target[:, :, None])[:, :, 0]
    values = np.array([fixed.value(theta) for theta in thetas])
    return [fixed.split(thetas[i])[1] for i in np.argsort(values)[:HALVES]]


def _fit_joint(problem: Problem, noise: Noise, start: ArrayLike | None) -> Optimum:
    """Minimise −log p(y, θ, σ) over θ and σ: every root in σ of the profile's derivative, the lowest one kept."""
    guess = problem.dispersion_guess()
    profile = Profile(problem)
    candidates = profile.modes(math.log(guess))
    if not problem.convex:
        given = [] if start is None else [np.asarray(start, dtype=float)]
        t = math.log(min(candidates, key=lambda c: c[0])[1] if candidates else guess)
        for beta in (*given, *_starts(problem.at(math.exp(t)))):
            candidates += profile.near(t, beta)
        candidates += _lower(problem, profile, candidates)
    if not candidates:
        msg = "sigma='joint': no joint mode was found; give a number"
        raise FitError(msg)
    value, sigma, theta = min(candidates, key=lambda c: c[0])
    name = SYMBOLS[problem.likelihood.dispersion_name or ""]
    higher = [(v, s) for v, s, _ in candidates if v > value + SAME_MINIMUM]
    others = dict.fromkeys(f"{s:.4g} ({v - value:.3g} nats higher)" for v, s in higher)
    more = f"; other modes at {name} = {', '.join(others)}" if others else ""
    found = Noise(sigma, noise.method, f"{noise.sentence}: {name} = {sigma:.6g}{more}")
    search = "" if problem.convex else search_text(np.array([v for v, _, _ in candidates]))
    residual = abs(dispersion_slope(problem, theta, sigma))
    fixed = problem.at(sigma)
    return _optimum(fixed, theta, found, profile.steps, value, dispersion_residual=residual, search=search)


def _lower(problem: Problem, profile: Profile, candidates: list[Mode]) -> list[Mode]:
    """Joint modes that the lowest minimum at the best σ so far leads to, until it is that of the best mode itself."""
    found: list[Mode] = []
    for _ in range(10):
        if not candidates and not found:
            break
        value, sigma, theta = min([*candidates, *found], key=lambda c: c[0])
        fixed = problem.at(sigma)
        lowest = _lowest(fixed, fixed.split(theta)[1])[0]
        if fixed.value(lowest) >= fixed.value(theta) - SAME_MINIMUM:
            break
        more = profile.near(math.log(sigma), fixed.split(lowest)[1])
        if not more or min(mode[0] for mode in more) >= value - SAME_MINIMUM:
            break
        found += more
    return found
