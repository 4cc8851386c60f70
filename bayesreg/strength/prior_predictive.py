"""What a prior says before any data, in terms that can be judged: effects, their number, and R²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.arguments import Seed, generator, read_integer
from bayesreg.effects import bounded_move, small_effect, unit_of
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem, require_problem
from bayesreg.strength.explained import explained, latent
from bayesreg.strength.prior_law import PriorLaw

if TYPE_CHECKING:
    import pandas as pd

PROBABILITIES = (0.05, 0.5, 0.95)
REACH = 0.95


@final
@dataclass(frozen=True, slots=True, eq=False)
class PriorSummary:
    """What a prior says before any data.

    Parameters
    ----------
    problem : Problem
    raw : bool
        Whether effects are in the data's units, per unit of a column, rather than those that the prior sees.
    columns : DataFrame
        A row a column: `above` ε; `p_above` = P(|β| > ε); `median` and `reach`, the sizes |β| stays below with
        probability 0.5 and 0.95; `proper`.  Not drawn but computed; NaN where the prior is improper.
    expected : float
        Expected number of effects above ε, over the columns under a proper prior: the sum of `p_above`.
    least, most : int
        5 % and 95 % quantiles of that number.
    largest : float
        Median of the largest change of η by one sd of a column.
    exact : bool
        Whether `least`, `most` and `largest` are exact; else they are from draws, the columns being dependent.
    r2 : DataFrame
        Rows mean, 5%, 50%, 95%; `value` and its Monte Carlo standard `error`: R² of the response (see `explained`).
        NaN where a column, or the response's variance, is improper.
    r2_latent : DataFrame or None
        The same of the log-odds, for a logit link.
    noise : str
        What was taken for the dispersion.
    draws : int
        How many draws R² is from.
    """

    problem: Problem
    raw: bool
    columns: pd.DataFrame
    expected: float
    least: int
    most: int
    largest: float
    exact: bool
    r2: pd.DataFrame
    r2_latent: pd.DataFrame | None
    noise: str
    draws: int

    def __str__(self) -> str:
        improper = [n for n, proper in zip(self.problem.names, self.columns["proper"], strict=True) if not proper]
        lines = [self._effects(), self._number(), self._variance()]
        if improper:
            shown = ", ".join(improper[:6]) + (", ..." if len(improper) > 6 else "")
            lines.append(f"{shown}: the prior is improper and says nothing of the size of an effect.")
        return "\n".join(line for line in lines if line)

    def _effects(self) -> str:
        """The reach of a change by one sd, as it moves the mean of the response."""
        proper = self.columns["proper"].to_numpy()
        sd, link = self.problem.column_sd(), self.problem.likelihood.link
        per_sd = self.columns["reach"].to_numpy() * sd * (self.problem.design.scale if self.raw else 1.0)
        moving = np.flatnonzero(proper & (sd > 0))
        if not moving.size:
            return ""
        moves = per_sd[moving]
        same = bool(np.ptp(moves) <= 1e-6 * moves.max())
        widest, narrowest = (0, 0) if same else (int(np.argmax(moves)), int(np.argmin(moves)))
        name = self.problem.names[moving[widest]]
        subject = "y = 1" if link == "logit" else "y"
        moved = bounded_move(link, subject, moves[widest])
        text = f"A priori a 1-sd change in {name} {moved} with probability {REACH:g}"
        if same:
            return text + (", and so of every other column with a proper prior." if moving.size > 1 else ".")
        least = self.problem.names[moving[narrowest]]
        return f"{text}; in {least}, which moves it least, by less than {moves[narrowest]:.3g}{unit_of(link)}."

    def _number(self) -> str:
        table = self.columns[self.columns["proper"]]
        if not len(table):
            return ""
        above = table["above"].to_numpy(dtype=float)
        least, most = float(above.min()), float(above.max())
        size = f"{least:.3g}" if most - least <= 1e-12 * most else f"ε (from {least:.3g} to {most:.3g} by column)"
        unit = "in the data's units" if self.raw else "in the prior's units"
        return (
            f"Of {len(table)} effects {self.expected:.3g} are expected above {size} {unit} (5–95 %: {self.least} to "
            f"{self.most}); the largest moves η by {self.largest:.3g} per sd (median)."
        )

    def _variance(self) -> str:
        _, low, middle, high = self.r2["value"].to_numpy(dtype=float)
        if not np.isfinite(middle):
            return "R² has no prior distribution: " + (
                "a column has an improper prior." if not self.columns["proper"].all() else "y has no variance."
            )
        noise = f", {self.noise}" if self.noise and self.problem.likelihood.has_dispersion else ""
        return f"R² has median {middle:.3g} (5–95 %: {low:.2g} to {high:.2g}; {self.draws} draws{noise})."


def prior_summary(
    problem: Problem,
    *,
    above: float | Array | None = None,
    raw: bool = False,
    draws: int = 4000,
    seed: Seed = 0,
    sigma: float | str | None = None,
) -> PriorSummary:
    """Say what the prior says before any data: how large effects are, how many, and how much they explain.

    Parameters
    ----------
    problem : Problem
        An unknown scale of its prior is averaged over.
    above : float or array (p,), optional
        ε: how many effects have |β| > ε.  By default 0.1 of the scale of η per sd of the column.
    raw : bool
        Whether `above`, and the sizes told, are in the data's units rather than those that the prior sees.
    draws : int
        Draws of the prior for R², and for the number of effects where columns are dependent.
    seed : int, SeedSequence, Generator or None
    sigma : float, str or None
        The dispersion to hold, see `resolve_noise`.  By default a proper prior of it is averaged over, and under an
        improper one it is held at its plug-in.  Effects depend on it under `scale_by_noise` only.

    Raises
    ------
    ParameterError
        If a setting is out of range, or the prior's scale has an improper prior.
    FitError
        If there are no residuals to estimate an unknown σ from.
    """
    require_problem(problem, "prior_summary")
    unit = units_of(problem, raw)
    epsilon = small_effect(problem, above, "above") / (unit if above is not None else 1.0)
    law, rng = PriorLaw.of(problem, sigma), generator(seed)
    beta, spread = law.draw(rng, count_of(draws))
    tails = law.tail(epsilon)
    proper = law.proper
    if law.independent:
        least, most = _number(tails[proper])
        largest = law.largest(problem.column_sd())
    else:
        count = (np.abs(beta) > epsilon)[:, proper].sum(axis=1)
        least, most = (int(v) for v in np.quantile(count, PROBABILITIES[::2], method="inverted_cdf"))
        largest = float(np.median(np.abs(beta[:, proper] * problem.column_sd()[proper]).max(axis=1, initial=0.0)))
    whole = bool(proper.all()) and problem.p > 0
    r2 = explained(problem, beta, spread, rng) if whole else np.full(beta.shape[0], np.nan)
    log_odds = latent(problem, beta) if whole and problem.likelihood.link == "logit" else None
    return PriorSummary(
        problem=problem,
        raw=raw,
        columns=_columns(law, epsilon * unit, tails, unit),
        expected=float(tails[proper].sum()),
        least=least,
        most=most,
        largest=largest,
        exact=law.independent,
        r2=_distribution(r2),
        r2_latent=None if log_odds is None else _distribution(log_odds),
        noise=law.noise,
        draws=beta.shape[0],
    )


def units_of(problem: Problem, raw: bool) -> Array:
    """What an effect on the prior's scale is multiplied by to be told."""
    if not isinstance(raw, bool | np.bool_):
        msg = f"raw must be True or False (got {raw!r})"
        raise ParameterError(msg)
    return 1 / problem.design.scale if raw else np.ones(problem.p)


def count_of(draws: int) -> int:
    """Return a number of draws, or raise ParameterError."""
    return read_integer("draws", draws, 100)


def _columns(law: PriorLaw, above: Array, tails: Array, unit: Array) -> pd.DataFrame:
    import pandas as pd

    table = {
        "above": above, "p_above": tails, "median": law.quantile(0.5) * unit, "reach": law.quantile(REACH) * unit,
        "proper": law.proper,
    }  # fmt: skip
    return pd.DataFrame(table, index=pd.Index(law.problem.names, name="column"))


def _number(tails: Array) -> tuple[int, int]:
    """5 % and 95 % quantiles of the number of independent events with these probabilities (Poisson-binomial)."""
    mass = np.zeros(tails.size + 1)
    mass[0] = 1.0
    for k, p in enumerate(tails, start=1):
        mass[1 : k + 1] = mass[1 : k + 1] * (1 - p) + mass[:k] * p
        mass[0] *= 1 - p
    cumulative = np.cumsum(mass)
    least, most = np.searchsorted(cumulative, np.array(PROBABILITIES[::2]) * cumulative[-1] * (1 - 1e-12))
    return int(least), int(most)


def _distribution(values: Array) -> pd.DataFrame:
    """Mean and quantiles of independent draws, with Monte Carlo standard errors (of quantiles: by order statistics)."""
    import pandas as pd

    size = values.size
    ordered = np.sort(values)
    found = [(float(values.mean()), float(values.std(ddof=1)) / np.sqrt(size))]
    for q in PROBABILITIES:
        half = np.sqrt(q * (1 - q) / size)
        low, high = (ordered[int(np.clip(round((q + d) * (size - 1)), 0, size - 1))] for d in (-half, half))
        found.append((float(np.quantile(values, q)), float(high - low) / 2))
    return pd.DataFrame(found, columns=["value", "error"], index=pd.Index(["mean", "5%", "50%", "95%"], name="r2"))
