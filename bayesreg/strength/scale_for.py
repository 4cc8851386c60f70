"""The prior scale at which a prior says what is asked: how many effects are large, or how much they explain."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from bayesreg.effects import small_effect
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem, require_problem
from bayesreg.scale_family import ScaleFamily
from bayesreg.scales import LARGEST
from bayesreg.strength.explained import explained
from bayesreg.strength.prior_law import PriorLaw
from bayesreg.strength.prior_predictive import count_of, units_of

GRID, R2_GRID = np.linspace(-30.0, 30.0, 121), np.linspace(-18.0, 18.0, 25)
"""Log scales that are looked at, about the one at which an effect of ε is one sd, or R² about a half: further out
nothing changes but rounding.  R² costs more."""


def scale_for(
    problem: Problem,
    *,
    effects: float | None = None,
    r2: float | None = None,
    above: float | Array | None = None,
    raw: bool = False,
    draws: int = 4000,
    seed: int = 0,
    sigma: float | str | None = None,
) -> float:
    """Return the prior scale at which `effects` effects are expected above ε, or the median R² is `r2`.

    Exactly one of the two is asked for.  The prior's own scale does not matter, unless columns or parts have scales of
    their own, or rates: then the factor on all of them is returned (see `ScaleFamily`).

    Parameters
    ----------
    problem : Problem
    effects : float, optional
        Expected number of columns with |β| > ε, of those under a proper prior.
    r2 : float, optional
        Median of R² (see `prior_summary`) over draws of the prior, the same at every scale; it has Monte Carlo error.
    above : float or array (p,), optional
        ε for `effects`; by default 0.1 of the scale of η per sd of the column.
    raw : bool
        Whether `above` is in the data's units rather than those that the prior sees.
    draws, seed
        For `r2`.
    sigma : float, str or None
        The dispersion, as in `prior_summary`.  Under `scale_by_noise` the scale is in units of σ but `above` is not.

    Returns
    -------
    float
        Where several scales do (a prior located away from 0): the largest.

    Raises
    ------
    ParameterError
        If not exactly one of `effects` and `r2` is given, or no scale reaches it: says what can be reached.
    FitError
        If there are no residuals to estimate an unknown σ from.
    """
    require_problem(problem, "scale_for")
    if (effects is None) == (r2 is None):
        msg = "scale_for: give either effects= (an expected number of effects) or r2= (a median R²)"
        raise ParameterError(msg)
    if r2 is not None and (above is not None or raw):
        msg = "scale_for: above= and raw= say which effects count, which r2= does not ask; leave them out"
        raise ParameterError(msg)
    family = ScaleFamily.of(problem, "scale_for")
    if effects is not None:
        unit = units_of(problem, raw)
        epsilon = small_effect(problem, above, "above") / (unit if above is not None else 1.0)
        return _for_effects(problem, family, effects, epsilon, sigma)
    assert r2 is not None
    return _for_r2(problem, family, r2, count_of(draws), seed, sigma)


def _at(problem: Problem, family: ScaleFamily, s: float) -> Problem:
    return problem.with_prior(family.at(float(np.clip(s, 1 / LARGEST, LARGEST))))


def _unit_law(problem: Problem, family: ScaleFamily, sigma: float | str | None) -> PriorLaw:
    """The prior at s = 1, with the dispersion that goes with the problem's own."""
    own = problem if family.own is not None else _at(problem, family, 1.0)
    return PriorLaw.of(own, sigma).with_prior(family.at(1.0))


def _for_effects(
    problem: Problem, family: ScaleFamily, effects: float, epsilon: Array, sigma: float | str | None
) -> float:
    one = _unit_law(problem, family, sigma)
    proper = one.proper
    size = int(proper.sum())
    if not _number(effects) or not 0 < effects < size:
        which = "columns" if proper.all() else "columns under a proper prior"
        msg = f"scale_for: effects must lie between 0 and the number of {which}, {size} (got {effects!r})"
        raise ParameterError(msg)

    def expected(t: float) -> float:
        return float(one.with_prior(_at(problem, family, math.exp(t)).prior).tail(epsilon)[proper].sum())

    typical = (epsilon / one.quantile(0.7))[proper & (epsilon > 0)]
    start = float(np.median(np.log(typical))) if typical.size else 0.0
    return _last_crossing(expected, effects, start, GRID, "effects", "effects are expected above ε")


def _for_r2(
    problem: Problem, family: ScaleFamily, r2: float, draws: int, seed: int, sigma: float | str | None
) -> float:
    one = _unit_law(problem, family, sigma)
    if not _number(r2) or not 0 < r2 < 1:
        msg = f"scale_for: r2 must lie between 0 and 1 (got {r2!r})"
        raise ParameterError(msg)
    if not one.proper.all():
        flat = [name for name, proper in zip(problem.names, one.proper, strict=True) if not proper]
        msg = f"scale_for: {', '.join(flat[:6])} has an improper prior, so R² has no distribution; use effects="
        raise ParameterError(msg)

    def median(t: float) -> float:
        rng = np.random.default_rng(seed)
        there = _at(problem, family, math.exp(t))
        beta, spread = one.with_prior(there.prior).draw(rng, draws)
        return float(np.median(explained(there, beta, spread, rng)))

    width = float(np.median(one.quantile(0.7) * problem.column_sd())) * math.sqrt(problem.p) or 1.0
    start = math.log((problem.response_sd() or 1.0) / width)
    return _last_crossing(median, r2, start, R2_GRID, "r2", "is the median R²")


def _number(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _last_crossing(
    fn: Callable[[float], float], target: float, start: float, steps: Array, argument: str, told: str
) -> float:
    """e^t for the largest t near `start` at which fn(t) is `target`."""
    end = math.log(LARGEST)
    grid = np.unique(np.clip(start + steps, -end, end))
    values = np.array([fn(t) for t in grid])
    if np.isnan(values).any():
        msg = f"scale_for: {argument}={target:g} has no answer: the response has no variance"
        raise ParameterError(msg)
    crossed = np.flatnonzero((values[:-1] - target) * (values[1:] - target) <= 0)
    if not crossed.size:
        msg = (
            f"scale_for: no scale reaches {argument}={target:g}: between {values.min():.4g} and {values.max():.4g} "
            f"{told}, at scales from very small to very large"
        )
        raise ParameterError(msg)
    i = int(crossed[-1])
    return math.exp(brentq(lambda t: fn(t) - target, grid[i], grid[i + 1], xtol=1e-13, rtol=1e-14))
