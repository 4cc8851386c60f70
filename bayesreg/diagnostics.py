"""Whether draws can be trusted: R-hat, ESS, divergences, saturated trees → Verdict.

Nothing is concluded past a failed gate.  The statistics are ArviZ's (rank-normalised split R-hat, nested where
many chains are short; bulk and tail ESS).

References
----------
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16:667–718.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import betaincinv, ndtr

from bayesreg.convergence import Convergence, assess, ess_mean
from bayesreg.interfaces import Array

MAX_RHAT = 1.01
MIN_ESS = 400
MAX_SATURATED = 0.01
"""Share of iterations that may end at the deepest tree."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Outcome of the sampler gates.

    Parameters
    ----------
    reasons : tuple of str
        Why nothing may be concluded; empty if every gate passed.
    rhat : float
        Largest R-hat over all scalars; NaN where it does not exist (a single chain) or does not apply.
    ess_bulk, ess_tail : float
        Smallest effective sample sizes.
    divergences : int
    saturated : float
        Share of iterations that ended at the deepest tree.
    worst : str
        The scalar with the smallest bulk ESS.
    independent : bool
        Whether the draws are independent by construction.
    khat : float or None
        Pareto k-hat of the importance weights that the draws were resampled by; None where there were none.
    """

    reasons: tuple[str, ...]
    rhat: float
    ess_bulk: float
    ess_tail: float
    divergences: int
    saturated: float
    worst: str
    independent: bool = False
    khat: float | None = None

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return not self.reasons

    def __str__(self) -> str:
        """One line for the reader."""
        if self.independent:
            text = f"independent draws, ESS = {self.ess_bulk:.0f}"
        else:
            rhat = "R-hat n/a" if np.isnan(self.rhat) else f"R-hat ≤ {self.rhat:.4f}"
            text = f"{rhat}, bulk ESS ≥ {self.ess_bulk:.0f}, tail ESS ≥ {self.ess_tail:.0f}"
            text += f", {self.divergences} divergences" if self.khat is None else f", k-hat = {self.khat:.2f}"
        return f"passed ({text})" if self.passed else f"FAILED: {'; '.join(self.reasons)} ({text})"


def judged(draws: Array, *, independent: bool = False, superchains: int | None = None) -> Convergence:
    """R-hat and ESS of draws (chain, draw, ...); of independent draws R-hat is NaN and the ESS their number."""
    if not independent:
        return assess(draws, superchains)
    size = np.full(draws.shape[2:], float(draws.shape[0] * draws.shape[1]))
    return Convergence(np.full(draws.shape[2:], np.nan), size, size)


def effective(draws: Array, *, independent: bool = False) -> Array:
    """Effective draws (...) behind the mean of draws (chain, draw, ...): of independent draws their number."""
    if independent:
        return np.full(draws.shape[2:], float(draws.shape[0] * draws.shape[1]))
    return ess_mean(draws)


def mcse_mean(draws: Array, *, independent: bool = False) -> Array:
    """Monte Carlo standard error of the mean of draws (chain, draw, ...), sd/√ESS; NaN for a single draw."""
    if draws.shape[0] * draws.shape[1] < 2:
        return np.full(draws.shape[2:], np.nan)
    return np.asarray(draws.std(axis=(0, 1), ddof=1) / np.sqrt(effective(draws, independent=independent)))


def mcse_quantile(draws: Array, probability: float, *, independent: bool = False) -> Array:
    """Monte Carlo standard error of a quantile of draws (chain, draw, ...); NaN for fewer than 4 draws a chain.

    Half the distance between the points of the ordered draws, joined by lines, that hold the quantile with the
    probability of ±1 sd; the ESS is that of lying below it.
    """
    size = draws.shape[0] * draws.shape[1]
    below = (draws <= np.quantile(draws, probability, axis=(0, 1))).astype(float)
    count = effective(below, independent=independent)
    ordered = np.sort(draws.reshape(size, *draws.shape[2:]), axis=0)
    ends = []
    for side in (ndtr(-1.0), ndtr(1.0)):
        with np.errstate(invalid="ignore"):
            share = betaincinv(count * probability + 1, count * (1 - probability) + 1, side)
        place = np.clip(np.nan_to_num(share) * size - 1, 0, size - 1)
        before = np.floor(place).astype(int)
        low, high = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (before, np.ceil(place).astype(int)))
        ends.append(low + (place - before) * (high - low))
    return np.where(np.isfinite(count), (ends[1] - ends[0]) / 2, np.nan)


def diagnose(
    draws: Mapping[str, Array],
    *,
    independent: bool = False,
    divergences: int = 0,
    saturated: float = 0.0,
    interrupted: bool = False,
    superchains: int | None = None,
    khat: float | None = None,
) -> Verdict:
    """Apply the gates: R-hat ≤ 1.01, bulk and tail ESS ≥ 400, no divergences, trees not saturated.

    Parameters
    ----------
    draws : mapping of str to array (chain, draw, ...)
    independent : bool
        Draws that are independent by construction: R-hat does not apply, and the ESS is their number.
    divergences : int
    saturated : float
        Share of iterations that ended at the deepest tree.
    interrupted : bool
        Whether sampling was stopped early; a remark, not a gate of its own: the others judge what there is.
    superchains : int, optional
        Groups of successive chains that started at one point each: R-hat is then nested.
    khat : float, optional
        Pareto k-hat of the importance weights that the draws were resampled by, for the reader.
    """
    names = [f"{name}[{i}]" if v[0, 0].size > 1 else name for name, v in draws.items() for i in range(v[0, 0].size)]
    chains, length = next(iter(draws.values())).shape[:2]
    flat = np.concatenate([v.reshape(chains, length, -1) for v in draws.values()], axis=2)
    unusable = _unusable(flat, names, independent)
    if unusable:
        return Verdict((unusable,), np.nan, 0.0, 0.0, divergences, saturated, "", independent)
    found = judged(flat, independent=independent, superchains=superchains)
    split, bulk, tail = found.rhat, found.bulk, found.tail
    reasons = [] if independent else _rhat_gate(split, names, chains)
    for kind, values in (("bulk", bulk), ("tail", tail)):
        if not values.min() >= MIN_ESS:
            reasons.append(f"{kind} ESS of {names[int(np.argmin(values))]} is {values.min():.0f} < {MIN_ESS}")
    if divergences:
        reasons.append(f"{divergences} divergent transitions")
    if saturated > MAX_SATURATED:
        reasons.append(f"{saturated:.0%} of the trees reached the greatest depth")
    if interrupted and reasons:
        reasons.append("sampling was interrupted")
    return Verdict(
        reasons=tuple(reasons),
        rhat=float(split.max()),
        ess_bulk=float(bulk.min()),
        ess_tail=float(tail.min()),
        divergences=divergences,
        saturated=saturated,
        worst=names[int(np.nanargmin(bulk))],
        independent=independent,
        khat=khat,
    )


def _unusable(flat: Array, names: list[str], independent: bool) -> str:
    """Why no statistic of draws (chain, draw, scalar) means anything; empty where they do."""
    if not np.isfinite(flat).all():
        return "some draws are not finite"
    if flat.shape[1] < 4:
        return f"{flat.shape[1]} draws a chain are too few to judge: take at least 4"
    still = np.flatnonzero(np.ptp(flat, axis=(0, 1)) == 0)
    if still.size and not independent:
        return f"{names[still[0]]} has the same value in every draw: the sampler did not move"
    return ""


def _rhat_gate(split: Array, names: list[str], chains: int) -> list[str]:
    if chains < 2:
        return ["R-hat needs at least 2 chains (got 1)"]
    most = int(np.argmax(split))
    return [] if split[most] <= MAX_RHAT else [f"R-hat of {names[most]} is {split[most]:.3f} > {MAX_RHAT}"]
