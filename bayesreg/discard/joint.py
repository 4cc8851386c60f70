"""How coefficients hang together: posterior correlations, and pairs of which the MAP keeps one and drops the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.design import column_moments
from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.effects import small_effect
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Block
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem
from bayesreg.rows import cross_products, is_sparse
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

MOST_COLUMNS = 2_000
"""Columns up to which all of their correlations are given: 32 MB."""

OPEN = (0.05, 0.95)
"""P(|β_i| > |β_j|) strictly between which the posterior cannot tell which of two effects is the larger."""

ERRORS = 2.0
"""Monte Carlo standard errors from an end of that within which a pair may be on the other side of it."""


def correlations(posterior: Posterior, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the posterior correlations of the coefficients, one row and column a coefficient.

    The Monte Carlo standard error of a correlation ρ is about (1 − ρ²)/√ESS.  A coefficient that does not vary over the
    draws has none (NaN).

    Parameters
    ----------
    posterior : Posterior
    names : sequence of str, optional
        Columns to take; by default all.

    Raises
    ------
    ParameterError
        If `posterior` is none, a name is no column, or there are more than 2,000 columns and `names` is not given.
    """
    import pandas as pd

    require_posterior(posterior, "correlations")
    every = posterior.problem.names
    chosen = every if names is None else _read_names(names)
    unknown = [name for name in chosen if name not in every]
    if unknown:
        msg = f"correlations: {unknown[0]!r} is no column ({', '.join(every[:8])})"
        raise ParameterError(msg)
    if len(chosen) > MOST_COLUMNS:
        msg = f"correlations: {len(chosen)} columns are more than {MOST_COLUMNS}; choose some of them with names=[...]"
        raise ParameterError(msg)
    place = {name: j for j, name in enumerate(every)}
    z = _standardised(_flat(posterior.beta[..., [place[name] for name in chosen]]))
    return pd.DataFrame(z @ z.T / max(z.shape[1], 1), index=list(chosen), columns=list(chosen))


def _read_names(names: object) -> tuple[str, ...]:
    """Names as people give them: several, or one."""
    given = tuple(names) if isinstance(names, Iterable) and not isinstance(names, str) else (names,)
    return tuple(str(name) for name in given)


@final
@dataclass(frozen=True, slots=True, eq=False)
class TradeOffs:
    """Pairs of columns of which the MAP keeps one and drops the other, though the posterior cannot tell them apart.

    Parameters
    ----------
    table : DataFrame
        One row a pair, the most traded first (largest |correlation|): `kept`, `dropped`; `correlation` of the two
        coefficients in the posterior, `column_correlation` of the two columns of X (weighted); `p_larger` =
        P(|β_kept| > |β_dropped|), `p_both_small` = P(both ≤ ε), `p_neither_small` = P(both > ε); each number from draws
        with its Monte Carlo standard error in a column `..._mcse`.  Sizes are distances from the prior's location.
    count : int
        Pairs in all, of which `table` may show some only.
    unsure : int
        Pairs, in or out of `count`, whose P(|β_kept| > |β_dropped|) is within two Monte Carlo standard errors of 0.05
        or 0.95.  The errors are taken to be √(0.05·0.95/ESS), the ESS the least of any unknown.
    kept, dropped : int
        Columns that the MAP keeps, and drops.
    epsilon : array (p,)
        Distance up to which an effect counts as small.
    withheld : str
        Why nothing may be concluded; empty where every gate passed.
    """

    table: pd.DataFrame
    count: int
    unsure: int
    kept: int
    dropped: int
    epsilon: Array
    withheld: str

    @property
    def sentence(self) -> str:
        """How many pairs there are, and the most traded one."""
        if self.withheld:
            return f"trade-offs: WITHHELD: {self.withheld}"
        split = f"The MAP keeps {self.kept} of {self.kept + self.dropped} columns"
        if not self.kept * self.dropped:
            return f"{split}: there is no pair of which it keeps one and drops the other."
        if not self.count:
            return (
                f"{split}, and in none of the {self.kept * self.dropped} pairs of one kept and one dropped is it open "
                f"which effect is the larger (P between {OPEN[0]:g} and {OPEN[1]:g}){self._edge}."
            )
        open_pairs = "is 1 pair" if self.count == 1 else f"are {self.count} pairs"
        first = self.table.iloc[0]
        return (
            f"{split}, but there {open_pairs} of one kept and one dropped of which the posterior cannot tell the "
            f"larger effect{self._edge}. Most traded: {first['kept']} is kept and {first['dropped']} dropped, with a "
            f"posterior correlation of {first['correlation']:.3f} ± {first['correlation_mcse']:.1g} and "
            f"P(|β| of {first['kept']} is the larger) = {first['p_larger']:.3f} ± {first['p_larger_mcse']:.1g}."
        )

    @property
    def _edge(self) -> str:
        """How many pairs could be counted otherwise."""
        edge = f"{OPEN[0]:g} or {OPEN[1]:g}"
        return f" (of {self.unsure}, P is within Monte Carlo error of {edge})" if self.unsure else ""

    def __str__(self) -> str:
        """The sentence, and the pairs."""
        if self.withheld or not self.count:
            return self.sentence
        shown = self.table.rename(columns={"p_larger_mcse": "±"})
        columns = ["kept", "dropped", "correlation", "column_correlation", "p_larger", "±", "p_both_small"]
        return f"{self.sentence}\n{shown[columns].to_string(index=False, float_format=lambda v: f'{v:.3f}')}"


def tradeoffs(
    posterior: Posterior, optimum: Optimum | None = None, epsilon: float | Array | None = None, limit: int = 20
) -> TradeOffs:
    """Return the pairs of which the MAP keeps one column and drops the other, and the posterior cannot tell the larger.

    The MAP drops a column that is exactly at the kink of its prior; under a prior without a kink there, one within ε of
    the prior's location.  The posterior cannot tell where 0.05 < P(|β_kept| > |β_dropped|) < 0.95.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the posterior's problem.
    epsilon : float or array (p,), optional
        Up to which an effect counts as small; by default a tenth of the response's scale per sd of the column.
    limit : int
        Rows of the table at most.

    Raises
    ------
    ParameterError
        If an argument is outside what it can be.
    FitError
        If there is no finite optimum.
    """
    require_posterior(posterior, "tradeoffs")
    limit = read_integer("limit", limit, 1)
    problem = posterior.problem
    small = small_effect(problem, epsilon)
    point = point_of(posterior, optimum, "tradeoffs")
    keeps = kept_columns(problem, point, small)
    kept, dropped = np.flatnonzero(keeps), np.flatnonzero(~keeps)
    away = _flat(posterior.beta) - problem.prior.location(problem.p)[:, None]
    pairs, unsure = _open_pairs(away, kept, dropped, ERRORS * _edge_error(posterior))
    table = _table(posterior, pairs[:limit], small)
    return TradeOffs(table, len(pairs), unsure, kept.size, dropped.size, small, withheld_by(posterior))


def kept_columns(problem: Problem, optimum: Optimum, small: Array | float) -> NDArray[np.bool_]:
    """Columns (p,) that a point keeps: off the kink of their prior, or, without one, over `small` from its location."""
    prior = problem.prior if problem.prior.hyperprior is None else problem.prior.at(1.0)
    kinked = prior.kink(problem.p).rate > 0
    away = np.abs(optimum.beta - prior.location(problem.p)) > small
    return np.where(kinked, ~optimum.zeros, away)


def _flat(draws: Array) -> Array:
    """Draws (chain, draw, c) as (c, all)."""
    return np.ascontiguousarray(draws.reshape(draws.shape[0] * draws.shape[1], draws.shape[2]).T)


def _standardised(values: Array) -> Array:
    """Rows about their means over their sds; NaN where a row does not vary."""
    sd = values.std(axis=1, keepdims=True)
    return (values - values.mean(axis=1, keepdims=True)) / np.where(sd > 0, sd, np.nan)


def _edge_error(posterior: Posterior) -> float:
    """Monte Carlo standard error of a probability of 0.05 or 0.95, at the least ESS of any unknown."""
    return float(np.sqrt(OPEN[0] * OPEN[1] / max(posterior.verdict.ess_bulk, 1.0)))


def _open_pairs(
    away: Array, kept: NDArray[np.int_], dropped: NDArray[np.int_], error: float
) -> tuple[NDArray[np.int_], int]:
    """Pairs (m, 2) of a kept and a dropped column whose order is open, by falling |correlation|.

    And how many pairs are within `error` of being counted otherwise.
    """
    size, total, unsure = np.abs(away), away.shape[1], 0
    if not kept.size * dropped.size:
        return np.zeros((0, 2), dtype=int), 0
    others, z = size[dropped], _standardised(away[dropped])
    rows, places = [], []
    for i in kept:  # one kept column at a time: all pairs × draws would not fit in memory
        share = np.count_nonzero(size[i] > others, axis=1) / total
        open_ones = np.flatnonzero((share > OPEN[0]) & (share < OPEN[1]))
        unsure += int((np.abs(share[:, None] - OPEN).min(axis=1) <= error).sum())
        rows.append(np.full(open_ones.size, i))
        places.append(open_ones)
    left, right = np.concatenate(rows), np.concatenate(places)
    traded = np.abs(_standardised(away[kept]) @ z.T)[np.searchsorted(kept, left), right]
    order = np.argsort(-np.nan_to_num(traded), kind="stable")
    return np.stack([left, dropped[right]], axis=1)[order], unsure


def _table(posterior: Posterior, pairs: NDArray[np.int_], small: Array) -> pd.DataFrame:
    import pandas as pd

    problem, beta = posterior.problem, posterior.beta
    loc = problem.prior.location(problem.p)
    left, right = pairs[:, 0], pairs[:, 1]
    one, other = (np.abs(beta[..., j] - loc[j]) for j in (left, right))
    events = {
        "p_larger": one > other,
        "p_both_small": (one <= small[left]) & (other <= small[right]),
        "p_neither_small": (one > small[left]) & (other > small[right]),
    }
    z = [_over_draws(beta[..., j]) for j in (left, right)]
    rho = (z[0] * z[1]).mean(axis=(0, 1))
    influence = z[0] * z[1] - 0.5 * rho * (z[0] ** 2 + z[1] ** 2)  # of the correlation: its error by the delta method
    columns: dict[str, Any] = {
        "kept": [problem.names[j] for j in left],
        "dropped": [problem.names[j] for j in right],
        "correlation": rho,
        "correlation_mcse": mcse_mean(influence, independent=posterior.independent),
        "column_correlation": _column_correlations(problem, left, right),
    }
    for name, event in events.items():
        columns[name] = event.mean(axis=(0, 1))
        columns[f"{name}_mcse"] = mcse_mean(event.astype(float), independent=posterior.independent)
    return pd.DataFrame(columns)


def _over_draws(values: Array) -> Array:
    """Draws (chain, draw, c) about their means over their sds."""
    return np.asarray((values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1)))


def _column_correlations(problem: Problem, left: NDArray[np.int_], right: NDArray[np.int_]) -> Array:
    """Weighted correlation of pairs of columns of X; NaN where one is constant."""
    used = np.unique(np.concatenate([left, right]))
    columns = column_moments(problem.design.rows)
    mean = columns.mean[used]
    about = np.outer(mean, mean)

    def fn(block: Block) -> tuple[Array, ...]:
        X, weight = block.X[:, used], block.weighted(np.ones(block.y.size))
        if is_sparse(X):  # its zeros keep the means small: nothing to speak of cancels
            return cross_products(X, weight) - weight.sum() * about, weight.sum(keepdims=True)
        return cross_products(X - mean, weight), weight.sum(keepdims=True)

    cross, total = problem.design.rows.sum(fn)
    sd = np.where(columns.constant, np.nan, columns.sd)[used]
    matrix = cross / (total * np.outer(sd, sd))
    return np.asarray(matrix[np.searchsorted(used, left), np.searchsorted(used, right)])
