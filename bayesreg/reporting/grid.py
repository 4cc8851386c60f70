"""The two paths that the λ explorer walks along, at the same scales, and the choices marked on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.penalty_path import PenalizedPath, penalized_path
from bayesreg.problem import Problem
from bayesreg.samplers import prepare
from bayesreg.samplers.settings import Progress
from bayesreg.sampling_path import PosteriorPath, posterior_path
from bayesreg.sampling_path.grid import default_scales
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength import ScaleChoice, choose_scale
from bayesreg.strength.alternatives import cv_rows

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison

COUNT, COUNT_SLOW = 41, 21
"""Places of the slider, the choices not counted; where most posteriors are drawn afresh, fewer."""

SLOW, COMPILED = ("hmc",), ("nuts", "pymc")
"""Samplers of a second or so a posterior, and of a compilation each."""

NEAR = 0.25
"""Share of a step within which a place gives way to a choice."""

ROOM = 1.5
"""How far beyond the outermost choice the slider reaches."""

HERE, EVIDENCE = "this report", "highest evidence"
CV = {"cv min": "cross-validation, least loss", "cv 1se": "cross-validation, 1 SE"}
"""Rule of cross-validation, by its row in `ScaleChoice.alternatives` -> what its mark is called."""

DRAWS, DRAWS_SLOW = 4000, 1000
"""As in `posterior_path`: a band is read off them at every place."""


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

    @property
    def mixed(self) -> bool:
        """Whether the penalty has two rates, λ₁ and λ₂, so that no one number is λ."""
        prior, p = self.penalized.problem.prior, self.penalized.problem.p
        form = prior.elastic(p)
        return form is not None and bool(form.l1.any() and form.l2.any())

    def place(self, scale: float) -> int:
        """The place nearest to a scale."""
        return int(np.argmin(np.abs(np.log(self.scales / scale))))

    @property
    def home(self) -> int | None:
        """The place of this report's own scale; None where it has none on the path."""
        return next((self.place(mark.scale) for mark in self.marks if mark.label == HERE), None)

    @property
    def own(self) -> int:
        """The place where the slider starts: this report's scale, else the first mark's."""
        if self.home is not None:
            return self.home
        return self.place(self.marks[0].scale) if self.marks else self.scales.size // 2


def walk(
    comparison: Comparison,
    choice: ScaleChoice | None = None,
    *,
    count: int | None = None,
    compile_each: bool = True,
    progress: Progress | None = None,
) -> Walk:
    """Compute both paths of a comparison's problem.

    Parameters
    ----------
    comparison : Comparison
    choice : ScaleChoice, optional
        How its scale was chosen.
    count : int, optional
        Places, the marks not counted; by default 41, or 21 where every posterior takes a second.
    compile_each : bool, default True
        Whether to go on where every posterior would be compiled, a minute each.
    progress : callable, optional
        Told of the posteriors drawn.

    Raises
    ------
    ParameterError
        If the prior has no scale, or posteriors would be compiled one by one and may not be.
    FitError
        If a posterior is improper, or no penalised path exists.
    """
    problem, sigma, seed = comparison.problem, comparison.sigma, _seed(comparison)
    family = ScaleFamily.of(problem, "report")
    method = prepare(problem.with_prior(family.at(family.own or 1.0))).method
    if method in COMPILED and not compile_each:
        msg = f"each posterior along it would be compiled ({method}), a minute or so each; explorer=True draws them"
        raise ParameterError(msg)
    marks, missing = _marks(comparison, family, choice, seed)
    places = count or (COUNT_SLOW if method in SLOW + COMPILED else COUNT)
    scales = _places(problem, family, marks, sigma, places)
    penalized = penalized_path(problem, scales, sigma=sigma)
    draws = DRAWS_SLOW if method in SLOW + COMPILED else DRAWS
    posterior = posterior_path(problem, scales, draws=draws, seed=seed, progress=progress)
    if EVIDENCE not in {mark.label for mark in marks}:
        highest = _highest(posterior)
        if isinstance(highest, Mark):
            marks.append(highest)
        else:
            missing[EVIDENCE] = highest
    return Walk(penalized, posterior, tuple(marks), missing)


def _highest(path: PosteriorPath) -> Mark | str:
    """The place where the evidence is highest: the path has it, and no chain need be run for it again."""
    value = np.where(path.passed_at, path.log_evidence, np.nan)
    if not np.isfinite(value).any():
        return "no posterior along the path passed its gates"
    i = int(np.nanargmax(value))
    if path.log_evidence[i] < np.nanmax(path.log_evidence):
        return "the evidence is highest where a posterior failed its gate"
    if i in (0, value.size - 1):
        return f"the evidence is highest at the end of the path, scale {path.scales[i]:.4g}"
    step = float(np.log(path.scales[i + 1] / path.scales[i - 1])) / 2
    said = f"scale = {path.scales[i]:.4g}, of highest marginal likelihood among {value.size} places"
    return Mark(EVIDENCE, float(path.scales[i]), f"{said}, {100 * step:.0f} % apart")


def _seed(comparison: Comparison) -> int:
    """The seed of the comparison's draws, if that is a number."""
    seed = str(comparison.posterior.attrs.get("seed", "0"))
    return int(seed) if seed.isdigit() else 0


def _marks(
    comparison: Comparison, family: ScaleFamily, choice: ScaleChoice | None, seed: int
) -> tuple[list[Mark], dict[str, str]]:
    """Return this report's own scale, that of the choice, and those of cross-validation, or why it chose none."""
    marks: list[Mark] = []
    if family.own is not None:
        marks.append(Mark(HERE, family.own, "the prior of this report"))
    if choice is not None and choice.by != "cv":
        label = EVIDENCE if choice.by == "evidence" else choice.by
        marks.append(Mark(label, choice.scale, choice.sentence))
    missing: dict[str, str] = {}
    try:
        found = cv_rows(choose_scale(comparison.problem, "cv", sigma=comparison.sigma, seed=seed))
    except (FitError, ParameterError) as error:
        return marks, dict.fromkeys(CV.values(), str(error))
    for rule, label in CV.items():
        row = found[rule]
        if np.isfinite(row["scale"]):
            marks.append(Mark(label, float(row["scale"]), str(row["sentence"])))
        else:
            missing[label] = str(row["sentence"])
    return marks, missing


def _places(
    problem: Problem, family: ScaleFamily, marks: Sequence[Mark], sigma: float | str | None, count: int
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
