"""A chosen prior scale, the curve it was chosen from, and what the other rules would have chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast, final

import numpy as np

from bayesreg import html
from bayesreg.libraries import conventions
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from bayesreg.samplers.once import Once
from bayesreg.scale_family import ScaleFamily

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a scale was asked for: the problem under its own prior, and the options of `choose_scale`."""

    problem: Problem
    sigma: float | str | None
    seed: int
    options: Mapping[str, Any]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScaleChoice:
    """A chosen prior scale.

    Parameters
    ----------
    problem : Problem
        Its prior at the chosen scale; where the scale has a prior of its own (`by` is "hierarchical"), under that.
    family : ScaleFamily
        What `scale` is a coordinate of: the prior's scale, or a factor on all its scales.
    by : {"evidence", "cv", "hierarchical"}
        The rule.
    scale : float
        The choice.
    lower, upper : float
        The range that the rule cannot tell from its choice; NaN where unknown.  cv: where the mean loss is within one
        standard error of the least; evidence: within 2 nats of the highest; hierarchical: the central 95 % of p(s | y).
    error : float
        Relative Monte Carlo standard error of `scale`; 0 where there is none, NaN at an end of the allowed scales.
    curve : pandas.DataFrame
        Columns scale (ascending), value, error, and more that depend on the rule.  value is: cv, mean held-out nll per
        row, in nats; evidence, log p(y | scale) minus its maximum; hierarchical, the posterior density of log scale.
    sentence : str
        How the scale was chosen, for the reader.
    posterior : Posterior or None
        The draws that the choice was read from, where there are any.
    sensitivity : pandas.DataFrame or None
        hierarchical: what other priors of the scale would have said, see `strength.sensitivity`.
    sigma : float, str or None
        Plug-in for an unknown dispersion, as it was given; see `resolve_noise`.
    seed : int
        Seed of the choice, which `alternatives` is made with too.
    given : mapping
        The other options, which `alternatives` is made with too.
    """

    problem: Problem
    family: ScaleFamily
    by: str
    scale: float
    lower: float
    upper: float
    error: float
    curve: pd.DataFrame
    sentence: str
    posterior: Posterior | None = None
    sensitivity: pd.DataFrame | None = None
    sigma: float | str | None = None
    seed: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)
    _others: Once = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Leave the other rules for when they are asked for."""
        asked = Asked(self.problem.with_prior(self.family.prior), self.sigma, self.seed, self.given)
        object.__setattr__(self, "_others", Once(partial(_every_choice, asked, _own_rows(self))))

    @property
    def alternatives(self) -> pd.DataFrame:
        """What every rule chooses: a row for each, with columns scale, lower, upper, lambda_ and sentence.

        Computed at first access, with the same seed.  A rule that finds no scale has NaN, and its reason as sentence.
        """
        return cast("pd.DataFrame", self._others()).copy()

    @property
    def lambda_(self) -> float:
        """The rate of the penalty's standard form at the chosen scale, in nats; NaN where columns differ."""
        return common_rate(self.problem, self.family, self.scale)

    def conventions(self, **given: Any) -> pd.DataFrame:
        """Return what the prior at the chosen scale is called in every library: see `bayesreg.conventions`.

        A noise sd that is unknown is held at its plug-in, and the prior's scale is multiplied by it where it is in
        units of σ.

        Parameters
        ----------
        **given
            More facts (sd_y, dispersion, ...), or others in place of the problem's.

        Raises
        ------
        ParameterError
            If a fact is none of those that `conventions` takes.
        FitError
            If the data leave no residual to estimate σ from.
        """
        problem = self.problem.with_prior(self.family.at(self.scale))
        block = problem.design.rows.collect()
        facts: dict[str, Any] = {} if block.weights is None else {"weights": np.asarray(block.weights)}
        value = plug_in(problem, self.sigma)
        fixed = problem.conditional(value)
        if problem.likelihood.location_scale:
            facts["sigma"] = value
        return conventions(fixed.prior, problem.n, **{**facts, **given})

    def __str__(self) -> str:
        lines = [self.sentence]
        if np.isfinite(self.lower) and np.isfinite(self.upper):
            lines.append(f"not told apart from it: {self.lower:.4g} to {self.upper:.4g}")
        if np.isfinite(self.lambda_):
            unit = " (times σ)" if self.problem.scale_by_noise else ""
            lines.append(f"λ{unit} = {self.lambda_:.4g}")
        if self._others.done:
            lines += ["", self.alternatives.drop(columns="sentence").to_string(float_format="{:.4g}".format)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """The sentence."""
        return f"ScaleChoice({self.sentence})"

    def _repr_html_(self) -> str:
        """How the scale was chosen and, if they are there, what the other rules would have chosen, for a notebook."""
        said = [html.paragraph(line) for line in str(self).split("\n\n", maxsplit=1)[0].splitlines()]
        if not self._others.done:
            return html.block(*said, html.paragraph("What other rules would choose: .alternatives"))
        numbers = self.alternatives.drop(columns="sentence")
        rows = [(str(name), *map("{:.4g}".format, row)) for name, *row in numbers.itertuples()]
        header = ("rule", *("λ" if name == "lambda_" else str(name) for name in numbers))
        return html.block(*said, html.table(header, rows, "What every rule chooses"))


def plug_in(problem: Problem, sigma: float | str | None) -> float | None:
    """Return the dispersion to hold: known, given or estimated (see `resolve_noise`); None where there is none."""
    noise = resolve_noise(problem, sigma)
    return fit_at(problem, noise).sigma if noise.joint else noise.sigma


def common_rate(problem: Problem, family: ScaleFamily, scale: float) -> float:
    """The rate λ at a scale, where the columns under a proper prior have one; else NaN."""
    if not np.isfinite(scale):
        return float("nan")
    rates = family.at(scale).rates(problem.p)
    rates = rates[rates > 0]
    return float(rates[0]) if rates.size and np.ptp(rates) <= 1e-12 * rates.max() else float("nan")


def _own_rows(choice: ScaleChoice) -> dict[str, dict[str, Any]]:
    from bayesreg.strength.alternatives import own_rows

    return own_rows(choice)


def _every_choice(asked: Asked, known: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    from bayesreg.strength.alternatives import every_choice

    return every_choice(asked, known)
