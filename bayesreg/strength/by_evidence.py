"""The prior scale of highest evidence, and the evidence about it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.evidence import DRAWS, EvidenceChoice, allowed, at_dispersion, evidence_scale
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers import conjugate
from bayesreg.samplers.settings import Progress
from bayesreg.sampling_path import posterior_path
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength.choice import ScaleChoice

if TYPE_CHECKING:
    import pandas as pd

CLOSE = 2.0
"""Nats below the maximum down to which a scale counts as not told apart from the best."""

SHOWN = 10.0
"""Nats below the maximum down to which the curve is looked at closely."""

FINE, DRAWN = 41, 25
"""Scales of the curve there, in closed form and from draws."""

STEEPEST, WIDEST = 0.7, 6.0
"""Nats of log scale that a curve from draws reaches on either side of the maximum, at least and at most."""


def by_evidence(
    problem: Problem,
    *,
    sigma: float | str | None = None,
    seed: int = 0,
    draws: int | None = None,
    tune: int | None = None,
    method: str = "auto",
    progress: Progress | None = None,
) -> ScaleChoice:
    """Choose a scale by marginal likelihood; see `choose_scale`."""
    family = ScaleFamily.of(problem, "evidence")
    size = DRAWS if draws is None else draws
    choice = evidence_scale(problem, seed=seed, draws=size, tune=tune, method=method, sigma=sigma)
    if choice.method == "closed form":
        curve = _in_closed_form(problem, family, choice)
    else:
        sampling = {"draws": size, "tune": tune, "method": method, "seed": seed, "progress": progress}
        curve = _along_a_path(problem, family, choice, sampling)
    scales, values = curve["scale"].to_numpy(), curve["value"].to_numpy()
    lower, upper = within(scales, values, CLOSE, bounds(problem, family, choice))
    return ScaleChoice(
        problem=problem.with_prior(family.at(choice.scale)), family=family, by="evidence", scale=choice.scale,
        lower=lower, upper=upper, error=choice.error, curve=curve, sentence=choice.sentence, sigma=sigma, seed=seed,
    )  # fmt: skip


def bounds(problem: Problem, family: ScaleFamily, choice: EvidenceChoice) -> tuple[float, float]:
    """Least and greatest scale allowed."""
    fixed, factor = problem, 1.0
    if choice.dispersion is not None:
        fixed, factor = at_dispersion(problem, family, choice.dispersion)
    low, high = allowed(fixed.with_prior(family.at(1.0)))
    return math.exp(low) / factor, math.exp(high) / factor


def within(scales: Array, values: Array, drop: float, ends: tuple[float, float]) -> tuple[float, float]:
    """Where a curve on the log scale comes within `drop` of its maximum, first and last, linear between its points.

    NaN on a side where it is still that high at the curve's end, unless that is the end of what is allowed.
    """
    high = np.flatnonzero(values >= np.max(values) - drop)
    log = np.log(scales)
    found = []
    for at, beyond, end in ((high[0], high[0] - 1, ends[0]), (high[-1], high[-1] + 1, ends[1])):
        if 0 <= beyond < scales.size:
            part = (np.max(values) - drop - values[at]) / (values[beyond] - values[at])
            found.append(float(np.exp(log[at] + part * (log[beyond] - log[at]))))
        else:
            found.append(float(scales[at]) if math.isclose(scales[at], end, rel_tol=1e-6) else math.nan)
    return found[0], found[1]


def _in_closed_form(problem: Problem, family: ScaleFamily, choice: EvidenceChoice) -> pd.DataFrame:
    """The curve over all allowed scales, and close to its maximum at more of them."""
    evidence = conjugate.Evidence.of(problem.with_prior(family.at(1.0)))
    log = np.log(choice.scales)
    high = np.flatnonzero(choice.log_evidence >= -SHOWN)
    near = np.linspace(log[max(high[0] - 1, 0)], log[min(high[-1] + 1, log.size - 1)], FINE)
    scales = np.unique(np.concatenate([choice.scales, np.exp(near[1:-1]), [choice.scale]]))
    best = evidence(choice.scale)
    return _table(scales, np.array([evidence(float(s)) - best for s in scales]), np.zeros(scales.size))


def _along_a_path(
    problem: Problem, family: ScaleFamily, choice: EvidenceChoice, sampling: dict[str, Any]
) -> pd.DataFrame:
    """The curve from posteriors along scales about the maximum, as far as a parabola through it falls by `SHOWN`."""
    fixed, factor = problem, 1.0
    if choice.dispersion is not None:
        fixed, factor = at_dispersion(problem, family, choice.dispersion)
        sampling = {**sampling, "method": "auto"}
    low, high = (math.log(end) for end in bounds(problem, family, choice))
    t, reach = math.log(choice.scale), width(choice)
    ends = max(low, t - reach), min(high, t + reach)
    while True:
        log = np.linspace(*ends, DRAWN)
        path = posterior_path(fixed, np.exp(log) * factor, **sampling)
        # Where the curve levels off (no effects at all may do as well) the parabola ends too soon: to the end, then.
        open_ends = [value > -CLOSE for value in path.log_evidence[[0, -1]]]
        wider = (low if open_ends[0] else ends[0]), (high if open_ends[1] else ends[1])
        if wider == ends or path.interrupted:
            return _table(np.exp(log), path.log_evidence, path.log_evidence_error)
        ends = wider


def width(choice: EvidenceChoice) -> float:
    """Distance in log scale at which a parabola through the known curve has fallen by `SHOWN`."""
    log = np.log(choice.scales)
    bend = float(-2 * np.polyfit(log - log.mean(), choice.log_evidence, 2)[0]) if np.ptp(log) > 0 else 0.0
    return float(np.clip(math.sqrt(2 * SHOWN / bend), STEEPEST, WIDEST)) if bend > 0 else WIDEST


def _table(scales: Array, values: Array, errors: Array) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"scale": scales, "value": values, "error": errors})
