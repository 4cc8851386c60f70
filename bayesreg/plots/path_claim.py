"""What a picture of a path says, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.plots.scale_axis import Power, chosen_rule
from bayesreg.plots.style import WITHHELD
from bayesreg.plots.words import TITLE, number, shorten

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.penalty_path import PenalizedPath
    from bayesreg.sampling_path import PosteriorPath
    from bayesreg.strength import ScaleChoice


LONGEST = 2.5
"""Inches that a name may take in a claim."""


NEAR = 0.4
"""Distance in log scale from a choice beyond which no point is spoken of; one that is not there itself is named."""

KIND = "largest along the path, or named here"
"""How columns are picked where none are asked for."""


def claim(
    penalized: PenalizedPath,
    posterior: PosteriorPath | None,
    choice: ScaleChoice | None,
    rules: pd.DataFrame | None,
    columns: NDArray[np.int_],
    *,
    chosen: bool,
    raw: bool,
) -> tuple[str, str]:
    """Return the claim, and what supports it."""
    p = penalized.beta.shape[1]
    if not penalized.sound.any():
        head, detail = WITHHELD, "No point of the MAP path is certified."
    elif choice is None:
        head, detail = _along(penalized), ""
    else:
        head, detail = _at_choice(penalized, posterior, choice, chosen_rule(choice, rules), raw=raw)
    parts = [detail, *_gaps(penalized, posterior)]
    if columns.size < p:
        kind = "as chosen" if chosen else KIND
        parts.append(f"In colour: {columns.size} of {p} coefficients ({kind}).")
    return head, " ".join(part for part in parts if part)


def _along(penalized: PenalizedPath) -> str:
    """The path as a whole: who leaves zero first."""
    names, good = penalized.problem.names, penalized.sound
    scales, zero, place = penalized.scales[good], penalized.zero[good], _place(penalized)
    if not zero.any():
        return f"No coefficient is exactly\u00a0{place} at any scale: all shrink together"
    first = np.where(zero.all(axis=0), zero.shape[0], np.argmin(zero, axis=0))
    j = int(np.argmin(first))
    if first[j] == zero.shape[0]:
        return f"Every coefficient is exactly\u00a0{place} up to scale {number(float(scales[-1]))}"
    left = int((~zero[-1]).sum())
    name = shorten(str(names[j]), LONGEST, TITLE, bold=True)
    start, end = (number(float(scale)) for scale in (scales[first[j]], scales[-1]))
    return (
        f"{name} leaves\u00a0{place} first, from scale {start}; {left} of {zero.shape[1]} have left it at scale {end}"
    )


def _place(penalized: PenalizedPath) -> str:
    """Where the penalty holds coefficients."""
    problem = penalized.problem
    return "at their prior's location" if problem.prior.location(problem.p).any() else "0"


def _nearest(scales: NDArray[np.float64], s: float, good: NDArray[np.bool_]) -> int | None:
    """The point nearest to s, if it is near enough and nothing is wrong there."""
    if not good.any():
        return None
    gap = np.abs(np.log(scales / s))
    k = int(np.argmin(gap))
    step = float(np.abs(np.diff(np.log(scales))).max()) if scales.size > 1 else 0.0
    return k if good[k] and gap[k] <= min(step / 2 + 1e-9, NEAR) else None


@final
@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """Both paths at the point of each that is nearest to a choice.

    Parameters
    ----------
    point : int or None
        Of the MAP path; None where none near it is certified.
    zero : bool array (p,)
        Coefficients that are exactly zero there.
    low, high : array (p,) or None
        Ends of the posterior's bands; None where there is no posterior or its gate failed there.
    """

    point: int | None
    zero: NDArray[np.bool_]
    low: Array | None
    high: Array | None

    @classmethod
    def of(cls, penalized: PenalizedPath, posterior: PosteriorPath | None, choice: ScaleChoice) -> Here:
        """Look both up."""
        k = _nearest(penalized.scales, choice.scale, penalized.sound)
        zero = np.zeros(penalized.beta.shape[1], dtype=bool) if k is None else penalized.zero[k]
        i = None if posterior is None else _nearest(posterior.scales, choice.scale, posterior.passed_at)
        if posterior is None or i is None:
            return cls(k, zero, None, None)
        return cls(k, zero, posterior.lower[i], posterior.upper[i])

    @property
    def widest(self) -> int | None:
        """Of the coefficients at zero, the one whose band goes furthest from it."""
        if self.low is None or self.high is None or not self.zero.any():
            return None
        reach = np.where(self.zero, np.fmax(np.abs(self.low), np.abs(self.high)), -np.inf)
        return int(np.argmax(np.nan_to_num(reach, nan=-np.inf)))


def _at_choice(
    penalized: PenalizedPath, posterior: PosteriorPath | None, choice: ScaleChoice, rule: str, *, raw: bool
) -> tuple[str, str]:
    """The two at the chosen scale: the zeros of the one, the bands of the other."""
    here, name, p = Here.of(penalized, posterior, choice), penalized.family.name, penalized.beta.shape[1]
    if here.point is None:
        where = f"{name} {number(choice.scale)} ({rule})"
        return f"The MAP path has no certified point near the choice, {where}", ""
    power = Power.through(penalized.scales, penalized.table["lambda_"].to_numpy(dtype=float))
    there = float(penalized.scales[here.point])
    known = "" if power is None else f"λ\u00a0=\u00a0{number(float(power.strength(there)))}, "
    m = int(here.zero.sum())
    chosen = number(choice.scale)
    beside = "" if number(there) == chosen else f", near the choice of {chosen}"
    where = f"At {name} {number(there)}{beside} ({known}{rule})"
    head = f"{where} {m or 'none'} of {p} coefficients {'is' if m == 1 else 'are'} exactly\u00a0{_place(penalized)}"
    if posterior is None:
        return head, ""
    if here.low is None or here.high is None:
        return head, "What the posterior says there is withheld: no point near it passed its gate."
    j = here.widest
    if j is not None:
        unit = float(penalized.problem.design.scale[j]) if raw else 1.0
        of = f"{shorten(str(penalized.problem.names[j]), LONGEST, TITLE, bold=True)}{', one of them,' if m > 1 else ''}"
        ends = f"{number(here.low[j] / unit)} to {number(here.high[j] / unit)}"
        head += f"; 95\u00a0% of the posterior of {of} lies from {ends}"
    contain = int(((here.low <= 0) & (here.high >= 0)).sum())
    return head, f"{contain} of {p} posterior 95\u00a0% bands contain\u00a00 there."


def _gaps(penalized: PenalizedPath, posterior: PosteriorPath | None) -> list[str]:
    """What is not drawn, and why."""
    said = []
    missing = int((~penalized.sound).sum())
    if missing and penalized.sound.any():
        how = "is not certified and left out" if missing == 1 else "are not certified and left out"
        said.append(f"{missing} of {penalized.sound.size} points of the MAP {how}.")
    failed = 0 if posterior is None else int((~posterior.passed_at).sum())
    if posterior is not None and failed:
        how = "failed its gate and is withheld" if failed == 1 else "failed their gate and are withheld"
        said.append(f"{failed} of {posterior.passed_at.size} points of the posterior {how} (hatched).")
    if posterior is not None and posterior.interrupted:
        said.append("The sampling was interrupted.")
    return said
