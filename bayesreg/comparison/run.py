"""One call: MAP, penalised optimum, proof that they are one point, posterior, tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesreg.arguments import Seed
from bayesreg.comparison.result import Comparison
from bayesreg.comparison.sensitivity import sensitivity_table
from bayesreg.comparison.tables import coefficient_table, ledger_table
from bayesreg.density import GraphDensity
from bayesreg.discard.separated import find_separation, separation_remark
from bayesreg.effects import small_effect
from bayesreg.errors import ParameterError
from bayesreg.graph import build_model, check_graph
from bayesreg.graph_map import map_at
from bayesreg.interfaces import Array
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimality import SAME_MINIMUM
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers import prepare
from bayesreg.samplers.settings import Progress

INTERVAL = 0.95


def compare(
    problem: Problem,
    *,
    sigma: float | str | None = None,
    method: str = "auto",
    draws: int = 1000,
    chains: int | None = None,
    seed: Seed = 0,
    epsilon: float | Array | Mapping[str, float] | None = None,
    epsilon_raw: float | Array | Mapping[str, float] | None = None,
    interval: float = INTERVAL,
    model: Any | None = None,
    progress: Progress | None = None,
    remarks: tuple[str, ...] = (),
) -> Comparison:
    """Find the MAP and the penalised optimum, certify that they are one point, sample, and compare.

    Parameters
    ----------
    problem : Problem
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        Where σ is unknown: the value at which the two optima are matched, see `resolve_noise`.  The posterior
        integrates over σ whatever is given here.
    method, draws, chains, seed, progress
        As in `sample`.
    epsilon : float, array (p,) or mapping of column name to float, optional
        An effect with |β| ≤ ε counts as small, on the scale that the prior sees.  By default, and for columns that a
        mapping leaves out, 0.1 of the scale of η (the sd of y; π/√3 for a logit, 1 for a log) per sd of the column.
    epsilon_raw : float, array (p,) or mapping of column name to float, optional
        The same in the data's units: the effect of one unit of the column as it was given.
    interval : float
        Probability of the central posterior intervals.
    model : pymc.Model, optional
        A model to hold the problem against in place of its own; the graph check decides whether it is the same.
    remarks : tuple of str
        What is known of the prior's scale, kept with the result.

    Returns
    -------
    Comparison
        Whose `coefficients` have the columns map, penalized, difference, mean, median, sd, lower, upper, lower50,
        upper50, p_positive = P(β > 0), p_small = P(|β| ≤ ε), epsilon, epsilon_raw, zero (exactly, at the MAP), margin
        (1 − |gradient|/λ at a zero: how far the column is from entering), disagreement = (map − mean)/sd,
        map_quantile = P(β ≤ MAP), bits (information gained over the prior, KL(posterior ‖ prior) of the marginals),
        ess_bulk, and Monte Carlo errors mcse_mean, mcse_lower, mcse_upper and with suffix _mcse; and the same in the
        data's units with suffix _raw.

    Raises
    ------
    GraphMismatchError
        If the PyMC graph is not the explicit objective; names the variable.
    FitError
        If no finite optimum or no proper posterior exists.
    ParameterError
        If a setting is outside what it can be.
    """
    require_problem(problem, "compare")
    if not isinstance(interval, int | float) or not 0 < interval < 1:
        msg = f"interval must be a number between 0 and 1 (got {interval!r})"
        raise ParameterError(msg)
    # All that can be refused is refused before PyMC is loaded and anything compiled.
    small = small_effect(problem, epsilon, raw=epsilon_raw)
    problem.prior.rates(problem.p)
    plan = prepare(problem, method, draws, chains, seed, progress=progress)
    noise = resolve_noise(problem, sigma)
    density = GraphDensity(build_model(problem) if model is None else model)
    check = check_graph(problem, density=density)
    mode, penalized = _two_routes(problem, noise, density)
    posterior = plan.run()
    separated = find_separation(problem)
    sensitivity = None if separated is None else sensitivity_table(problem, posterior)
    found = () if separated is None else (separation_remark(separated),)
    table = coefficient_table(problem, mode, penalized, posterior, small, interval)
    return Comparison(
        problem=problem,
        map=mode,
        penalized=penalized,
        posterior=posterior,
        graph_check=check,
        coefficients=table,
        ledger=ledger_table(problem, mode, posterior, table),
        interval_prob=interval,
        remarks=(*remarks, *problem.notes, *found),
        sensitivity=sensitivity,
        sigma=sigma,
    )


def _two_routes(problem: Problem, noise: Noise, density: GraphDensity) -> tuple[Optimum, Optimum]:
    """The MAP and the penalised optimum; where there may be several, the route that ended higher tries the other's."""
    mode, penalized = map_at(problem, noise, density), fit_at(problem, noise)
    above = mode.objective - penalized.objective
    if problem.convex or abs(above) <= SAME_MINIMUM:
        return mode, penalized
    if above > 0:
        return map_at(problem, noise, density, start=penalized.point), penalized
    return mode, fit_at(problem, noise, mode.beta)
