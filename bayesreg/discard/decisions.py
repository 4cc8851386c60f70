"""A decision under a utility: the action of highest expected utility, against the one that the mode recommends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.points import Call, Function, Points
from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

CLEAR = 2.0
"""Monte Carlo standard errors by which the best action must lead for it to be told from the next."""

MOST_ROWS = 12
"""Actions shown."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What to do according to the posterior, and according to the mode.

    Parameters
    ----------
    table : DataFrame
        One row an action, best first: `expected_utility` E[u(a, θ) | y] with `mcse`; `utility_at_map` u(a, MAP);
        `chosen_by_posterior`, `chosen_by_map`; `probability_best`, the share of draws in which it is (among) the best.
    actions, map_actions : tuple of str
        What is chosen: the `choose` actions of highest expected utility, and those of highest utility at the mode.
    regret, mcse : float
        E[u(chosen) − u(the mode's choice) | y], in units of u, and its Monte Carlo standard error.  At least 0, since
        the choice is made on the same draws.
    regret_split : float
        The same with the choice made on one half of the chains (of a single chain, of the draws) and judged on the
        other, both ways: not biased by choosing, and below 0 where chance chose.
    evpi, evpi_mcse : float
        Expected value of perfect information: E max_a u(a, θ) − max_a E u(a, θ), what knowing θ would be worth.
    lead, lead_mcse : float
        Expected utility of the last action chosen minus that of the best left out; ∞ where none is left out.
    choose : int
    withheld : str
        Why nothing may be concluded; empty if every gate passed.
    """

    table: pd.DataFrame
    actions: tuple[str, ...]
    map_actions: tuple[str, ...]
    regret: float
    mcse: float
    regret_split: float
    evpi: float
    evpi_mcse: float
    lead: float
    lead_mcse: float
    choose: int
    withheld: str = ""

    @property
    def action(self) -> str:
        """The Bayes action, where one is chosen; else all of them in one line."""
        return ", ".join(self.actions)

    @property
    def map_action(self) -> str:
        """What the mode recommends."""
        return ", ".join(self.map_actions)

    @property
    def agree(self) -> bool:
        """Whether both recommend the same."""
        return set(self.actions) == set(self.map_actions)

    @property
    def sentence(self) -> str:
        """The conclusion, with its numbers."""
        if self.withheld:
            return f"decision: WITHHELD: {self.withheld}"
        if self.agree:
            told = f"the posterior and the MAP recommend the same: {self.action}"
        elif self.choose == 1:
            told = f"the posterior recommends {self.action}, the MAP {self.map_action}"
        else:
            other = [name for name in self.actions if name not in self.map_actions]
            gone = [name for name in self.map_actions if name not in self.actions]
            told = f"of {self.choose}, the posterior takes {', '.join(other)} where the MAP takes {', '.join(gone)}"
        if not self.agree:
            told += (
                f"; following the MAP costs {self.regret:.3g} ± {self.mcse:.1g} in expected utility "
                f"({self.regret_split:.3g} with choice and judgement on different draws)"
            )
        if self.lead <= CLEAR * self.lead_mcse:
            told += (
                f"; the best and the next are within Monte Carlo error of each other ({self.lead:.2g} ± "
                f"{self.lead_mcse:.1g}): take more draws, or either"
            )
        return f"{told}; knowing the coefficients exactly would be worth {self.evpi:.3g} ± {self.evpi_mcse:.1g}"

    def __str__(self) -> str:
        """The sentence, and the actions."""
        if self.withheld:
            return self.sentence
        shown = self.table.head(MOST_ROWS).to_string(float_format="{:.4g}".format)
        more = len(self.table) - MOST_ROWS
        return f"{self.sentence}\n\n{shown}" + (f"\n... and {more} more, in .table" if more > 0 else "")


def decision(
    posterior: Posterior,
    actions: Iterable[Any] | Mapping[str, Any],
    utility: Function,
    *,
    optimum: Optimum | None = None,
    choose: int = 1,
    vectorized: bool = False,
) -> Decision:
    """Say which action the posterior recommends, which one the mode, and what following the mode costs.

    The Bayes action maximises E[u(a, θ) | y]; the mode's maximises u(a, MAP).  They differ where u is not linear in θ
    over the width of the posterior, as where a loss has two unequal sides.

    Parameters
    ----------
    posterior : Posterior
    actions : iterable, or mapping of str to action
        What can be done; of an iterable the names are `str(action)`.
    utility : callable
        Called with an action first, then with variables by name (or one `Draw`), as g in `discard.function`; returns a
        number, more being better.  Of a loss, return the negative.
    optimum : Optimum, optional
        The mode; by default the penalised fit of the same problem.
    choose : int
        How many of the actions to take, their utilities adding up: a ranking of items to inspect.
    vectorized : bool
        Whether the utility takes all draws at once and returns (draws,).

    Raises
    ------
    ParameterError
        If there is no action, `choose` is not from 1 to their number, or the utility's parameters are no variables.
    InputError
        If a utility is not one finite number.
    FitError
        If no optimum was given and the problem has none that is finite.

    References
    ----------
    Berger (1985), Statistical Decision Theory and Bayesian Analysis, chapter 1.
    """
    require_posterior(posterior, "decision")
    labels, options = _read_actions(actions)
    choose = read_integer("choose", choose, 1)
    if choose > len(options):
        msg = f"decision: choose={choose} of {len(options)} actions; choose at most all of them"
        raise ParameterError(msg)
    points = Points.of(posterior, point_of(posterior, optimum, "decision"))
    call = Call.of(utility, "decision", "utility", points, leading=1)
    at_map = np.array([_number(call.at_mode(points, one, vectorized=vectorized), labels[i], "the mode")
                       for i, one in enumerate(options)])  # fmt: skip
    size = points.shape[0] * points.shape[1]
    values = np.empty((size, len(options)))
    for i, one in enumerate(options):
        found = call.at_draws(points, one, vectorized=vectorized)
        if found.shape != (size,) or not np.isfinite(found).all():
            _number(found, labels[i], "a draw")
        values[:, i] = found
    return _decided(values.reshape(*points.shape, -1), at_map, labels, choose, posterior)


def _read_actions(actions: Any) -> tuple[tuple[str, ...], list[Any]]:
    if isinstance(actions, Mapping):
        labels, options = tuple(map(str, actions)), list(actions.values())
    elif isinstance(actions, str) or not isinstance(actions, Iterable):
        msg = f"decision: actions must be a sequence, or a mapping from names (got {actions!r})"
        raise ParameterError(msg)
    else:
        options = list(actions)
        labels = tuple(map(str, options))
    if not options:
        msg = "decision: actions is empty; give at least one"
        raise ParameterError(msg)
    if len(set(labels)) < len(labels):
        twice = next(name for name in labels if labels.count(name) > 1)
        msg = f"decision: two actions are called {twice!r}; give a mapping from names"
        raise ParameterError(msg)
    return labels, options


def _number(value: Array, label: str, where: str) -> float:
    """A utility at one point, or the refusal of one that is not a finite number."""
    if where == "the mode" and value.ndim == 0 and np.isfinite(value):
        return float(value)
    what = f"an array of shape {value.shape}" if where == "the mode" and value.ndim else "not a finite number"
    if where != "the mode" and value.ndim > 1:
        what = f"an array of shape {value.shape[1:]}"
    msg = f"decision: the utility of {label!r} is {what} at {where}; return one finite number"
    raise InputError(msg)


def _best(values: Array, choose: int) -> NDArray[np.int_]:
    """Places of the largest values (..., actions) over the last axis, largest first, earlier actions first of ties."""
    return np.argsort(-values, axis=-1, kind="stable")[..., :choose]


def _decided(values: Array, at_map: Array, labels: tuple[str, ...], choose: int, posterior: Posterior) -> Decision:
    """The decision from utilities (chain, draw, action)."""
    import pandas as pd

    def told(draws: Array) -> tuple[float, float]:
        """Mean and Monte Carlo error."""
        if np.ptp(draws) <= 1e-15 * np.abs(draws).max(initial=0.0):
            return float(draws.mean()), 0.0
        return float(draws.mean()), float(mcse_mean(draws, independent=posterior.independent))

    expected = values.mean(axis=(0, 1))
    # Where the mode is indifferent (a lasso's zeros) it is not made to regret the order of the actions.
    chosen, by_map = _best(expected, choose), np.lexsort((-expected, -at_map))[:choose]
    gain = values[..., chosen].sum(axis=-1)
    regret, mcse = told(gain - values[..., by_map].sum(axis=-1))
    perfect = -np.partition(-values, choose - 1, axis=-1)[..., :choose].sum(axis=-1)
    evpi, evpi_mcse = told(perfect - gain)
    order = _best(expected, expected.size)
    lead, lead_mcse = np.inf, 0.0
    if choose < order.size:
        lead, lead_mcse = told(values[..., order[choose - 1]] - values[..., order[choose]])
    bar = -np.partition(-values, choose - 1, axis=-1)[..., choose - 1 : choose]
    table = pd.DataFrame(
        {
            "expected_utility": expected,
            "mcse": [told(values[..., i])[1] for i in range(expected.size)],
            "utility_at_map": at_map,
            "chosen_by_posterior": np.isin(np.arange(expected.size), chosen),
            "chosen_by_map": np.isin(np.arange(expected.size), by_map),
            "probability_best": (values >= bar).mean(axis=(0, 1)),
        },
        index=pd.Index(labels, name="action"),
    ).iloc[order]
    return Decision(
        table=table, actions=tuple(labels[i] for i in chosen), map_actions=tuple(labels[i] for i in by_map),
        regret=max(regret, 0.0), mcse=mcse, regret_split=_split(values, by_map, choose), evpi=max(evpi, 0.0),
        evpi_mcse=evpi_mcse, lead=lead, lead_mcse=lead_mcse, choose=choose, withheld=withheld_by(posterior),
    )  # fmt: skip


def _split(values: Array, by_map: NDArray[np.int_], choose: int) -> float:
    """Regret with the choice made on one half of the draws and judged on the other, both ways."""
    first, second = np.array_split(values if len(values) > 1 else np.swapaxes(values, 0, 1), 2)
    if not second.size:
        return float("nan")
    means = [half.mean(axis=(0, 1)) for half in (first, second)]
    pairs = ((means[0], means[1]), (means[1], means[0]))
    return float(np.mean([judge[_best(pick, choose)].sum() - judge[by_map].sum() for pick, judge in pairs]))
