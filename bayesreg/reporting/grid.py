"""The two paths that the λ explorer walks along, at the same scales, and the choices marked on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.penalty_path import PenalizedPath, penalized_path
from bayesreg.problem import Problem
from bayesreg.sampling_path import PosteriorPath, posterior_path
from bayesreg.sampling_path.grid import default_scales
from bayesreg.samplers.settings import Progress
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength import ScaleChoice, choose_scale

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison

COUNT = 41
"""Places of the slider, the choices not counted."""

NEAR = 0.25
"""Share of a step within which a place gives way to a choice."""

ROOM = 1.5
"""How far beyond the outermost choice the slider reaches."""

HERE = "this report"
RULES = {"evidence": "highest evidence", "cv min": "cross-validation, least loss", "cv 1se": "cross-validation, 1 SE"}
"""Row of `ScaleChoice.alternatives` -> what its mark is called."""


@final
@dataclass(frozen=True, slots=True)
class Mark:
    """A choice of the scale: its name, and how it was come by."""

    label: str
    scale: float
    said: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Penalised optimum and posterior at the same scales, strongest penalty first.

    Parameters
    ----------
    penalized : PenalizedPath
    posterior : PosteriorPath
        Its scales are the last of the penalised path's.
    marks : tuple of Mark
    missing : mapping of str to str
        Rule -> why it chose none.
    """

    penalized: PenalizedPath
    posterior: PosteriorPath
    marks: tuple[Mark, ...]
    missing: Mapping[str, str]

    @property
    def scales(self) -> Array:
        """Scales (g,) where there are both."""
        return self.posterior.scales

    @property
    def start(self) -> int:
        """Place in the penalised path of the first scale of the posterior's."""
        return int(np.searchsorted(self.penalized.scales, self.scales[0] * (1 - 1e-12)))

    def place(self, scale: float) -> int:
        """The place nearest to a scale."""
        return int(np.argmin(np.abs(np.log(self.scales / scale))))

    @property
    def own(self) -> int:
        """The place where the slider starts: this report's scale, else the first mark's."""
        here = [mark.scale for mark in self.marks if mark.label == HERE] or [mark.scale for mark in self.marks]
        return self.place(here[0]) if here else self.scales.size // 2


def walk(
    comparison: Comparison,
    choice: ScaleChoice | None = None,
    *,
    count: int = COUNT,
    progress: Progress | None = None,
) -> Walk:
    """Compute both paths of a comparison's problem.

    Parameters
    ----------
    comparison : Comparison
    choice : ScaleChoice, optional
        How its scale was chosen.
    count : int
        Places, the marks not counted.
    progress : callable, optional
        Told of the posteriors drawn.

    Raises
    ------
    ParameterError
        If the prior has no scale.
    FitError
        If a posterior is improper, or no penalised path exists.
    """
    problem, sigma, seed = comparison.problem, comparison.sigma, _seed(comparison)
    family = ScaleFamily.of(problem, "report")
    marks, missing = _marks(comparison, family, choice, seed)
    scales = _places(problem, family, marks, sigma, count)
    penalized = penalized_path(problem, scales, sigma=sigma)
    posterior = posterior_path(problem, scales, seed=seed, progress=progress)
    return Walk(penalized, posterior, marks, missing)


def _seed(comparison: Comparison) -> int:
    """The seed of the comparison's draws, if that is a number."""
    seed = str(comparison.posterior.attrs.get("seed", "0"))
    return int(seed) if seed.isdigit() else 0


def _marks(
    comparison: Comparison, family: ScaleFamily, choice: ScaleChoice | None, seed: int
) -> tuple[tuple[Mark, ...], dict[str, str]]:
    """This report's own scale, and what evidence and cross-validation choose."""
    marks: list[Mark] = []
    if family.own is not None:
        marks.append(Mark(HERE, family.own, "the prior of this report"))
    else:
        scale = comparison.posterior.arrays.get("beta_scale")
        if scale is not None:
            marks.append(Mark(HERE, float(np.median(scale)), "posterior median of the scale"))
    found, missing = _chosen(comparison, choice, seed)
    return (*marks, *found), missing


def _chosen(comparison: Comparison, choice: ScaleChoice | None, seed: int) -> tuple[list[Mark], dict[str, str]]:
    found: list[Mark] = []
    missing: dict[str, str] = {}
    known = {choice.by: choice} if choice is not None and choice.by in ("evidence", "hierarchical") else {}
    for name, label in RULES.items():
        by, _, rule = name.partition(" ")
        try:
            made = known.get(by) or choose_scale(
                comparison.problem, by, sigma=comparison.sigma, seed=seed, **({"rule": rule} if rule else {})
            )
        except (FitError, ParameterError) as error:
            missing[label] = str(error)
            continue
        found.append(Mark(label, made.scale, made.sentence))
    if "hierarchical" in known:
        found.append(Mark("hierarchical", known["hierarchical"].scale, known["hierarchical"].sentence))
    return found, missing


def _places(
    problem: Problem, family: ScaleFamily, marks: tuple[Mark, ...], sigma: float | str | None, count: int
) -> Array:
    """Evenly in log scale from where the first coefficient leaves its location, through every mark."""
    ends = penalized_path(problem, sigma=sigma, count=2).scales
    start = float(default_scales(problem, family, 2)[0])
    at = [mark.scale for mark in marks]
    low = min(max(start, float(ends[0])) if start < ends[-1] else float(ends[0]), *(s / ROOM for s in at))
    high = max(float(ends[-1]), *(s * ROOM for s in at))
    even = np.geomspace(low, high, count)
    step = np.log(high / low) / (count - 1)
    for s in at:
        even = even[np.abs(np.log(even / s)) > NEAR * step]
    return np.unique(np.concatenate([even, at]))
