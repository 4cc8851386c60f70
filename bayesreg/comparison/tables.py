"""The tables of a comparison: coefficients side by side, and the ledger of what the point estimate discards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesreg.diagnostics import judged, mcse_mean, mcse_quantile
from bayesreg.discard.information import information, quantile_of
from bayesreg.interfaces import Array
from bayesreg.noise import SYMBOLS
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd


def coefficient_table(
    problem: Problem, mode: Optimum, penalized: Optimum, posterior: Posterior, epsilon: Array, interval: float
) -> pd.DataFrame:
    """One row a column of X: the three answers, the posterior's summary, and how far they are apart."""
    import pandas as pd

    beta = posterior.beta
    summary = _marginals(beta, interval, posterior.independent)
    effective = judged(beta, independent=posterior.independent).bulk if problem.p else np.zeros(0)
    where = quantile_of(posterior, mode.beta)
    gained = information(posterior, mode.sigma)
    columns = {
        "map": mode.beta,
        "penalized": penalized.beta,
        "difference": mode.beta - penalized.beta,
        **summary,
        **_share("p_positive", beta > 0, posterior, effective),
        **_share("p_small", np.abs(beta) <= epsilon, posterior, effective),
        "epsilon": epsilon,
        "epsilon_raw": _in_raw_units(epsilon, problem),
        "zero": mode.zeros & (mode.beta == 0),
        "margin": mode.margin,
        "disagreement": (mode.beta - summary["mean"]) / summary["sd"],
        "map_quantile": where.quantile,
        "map_quantile_mcse": where.mcse,
        "bits": gained.bits,
        "bits_mcse": gained.mcse,
        "ess_bulk": effective,
        "map_raw": mode.beta_raw,
        "penalized_raw": penalized.beta_raw,
    }
    raw = _marginals(posterior.beta_raw, interval, posterior.independent)
    columns |= {f"{name}_raw": values for name, values in raw.items()}
    return pd.DataFrame(columns, index=pd.Index(problem.names, name="column"))


def _in_raw_units(epsilon: Array, problem: Problem) -> Array:
    with np.errstate(over="ignore"):  # as large as there are numbers is still larger than every effect
        return np.asarray(epsilon / problem.design.scale)


OF_THE_OPTIMA = ("map", "penalized", "difference", "zero", "margin", "map_raw", "penalized_raw")
"""Columns of the table of coefficients that say nothing of the posterior."""

OF_BOTH = ("disagreement", "map_quantile", "map_quantile_mcse")
"""Columns that hold the optimum against the posterior."""

GIVEN = ("epsilon", "epsilon_raw")
"""Columns that were there before either."""


def shown_coefficients(table: pd.DataFrame, *, optima: bool, posterior: bool) -> pd.DataFrame:
    """Return the table of coefficients without what a failed gate withholds: those columns hold NaN.

    `optima`, `posterior`: whether the optima, the draws, passed their gates.
    """
    import pandas as pd

    def hidden(name: str) -> bool:
        if name in GIVEN:
            return False
        if name in OF_THE_OPTIMA:
            return not optima
        return not posterior or (name in OF_BOTH and not optima)

    return pd.DataFrame({name: np.nan if hidden(str(name)) else table[name] for name in table}, index=table.index)


def _pooled(draws: Array) -> Array:
    """Draws (chain, draw, p) of all chains in one array (chain·draw, p), p = 0 included."""
    return draws.reshape(draws.shape[0] * draws.shape[1], draws.shape[2])


def _share(name: str, event: NDArray[np.bool_], posterior: Posterior, effective: Array) -> dict[str, Array]:
    """Share of the draws (chain, draw, p) in which something holds, with its Monte Carlo error."""
    hits = event.astype(float)
    error = mcse_mean(hits, independent=posterior.independent)
    # Of an event that no draw shows, or every draw, the error is that of a share of 1 in as many draws.
    still = np.ptp(hits, axis=(0, 1)) == 0
    return {name: hits.mean(axis=(0, 1)), f"{name}_mcse": np.where(still, 1 / (effective + 2), error)}


def _marginals(draws: Array, interval: float, independent: bool) -> dict[str, Array]:
    """Mean, median, sd and central intervals of draws (chain, draw, p), and Monte Carlo errors."""
    flat = _pooled(draws)
    tail = (1 - interval) / 2
    lower, lower50, median, upper50, upper = np.quantile(flat, [tail, 0.25, 0.5, 0.75, 1 - tail], axis=0)
    spread = flat.std(axis=0, ddof=1) if flat.shape[0] > 1 else np.full(flat.shape[1], np.nan)
    return {
        "mean": flat.mean(axis=0), "median": median, "sd": spread, "lower": lower, "upper": upper,
        "lower50": lower50, "upper50": upper50,
        "mcse_mean": mcse_mean(draws, independent=independent),
        "mcse_lower": mcse_quantile(draws, tail, independent=independent),
        "mcse_upper": mcse_quantile(draws, 1 - tail, independent=independent),
    }  # fmt: skip


def ledger_table(problem: Problem, mode: Optimum, posterior: Posterior, table: pd.DataFrame) -> pd.DataFrame:
    """What the point estimate discards: each quantity at the MAP, under the posterior, and its Monte Carlo error."""
    import pandas as pd

    def error(draws: Array) -> tuple[float, float]:
        return _with_error(draws, posterior.independent)

    rows: list[tuple[str, float, float, float]] = []
    zero = table["zero"].to_numpy()
    if zero.any():
        small = (np.abs(posterior.beta) <= table["epsilon"].to_numpy())[..., zero].sum(axis=-1).astype(float)
        rows.append(("coefficients called exactly zero; of these |β| ≤ ε", float(zero.sum()), *error(small)))
    sure = (table["lower"] > 0) | (table["upper"] < 0)
    rows.append(("coefficients kept; interval excludes zero", float((mode.beta != 0).sum()), float(sure.sum()), np.nan))
    size = np.abs(posterior.beta).sum(axis=-1)
    rows.append(("‖β‖₁", float(np.abs(mode.beta).sum()), *error(size)))
    if posterior.log_likelihood is not None:
        nll = -posterior.log_likelihood.sum(axis=-1)
        rows.append(("negative log-likelihood (nats)", _nll_at(problem, mode), *error(nll)))
    name = problem.likelihood.dispersion_name or ""
    if mode.sigma is not None and name in posterior.arrays:
        draws, symbol = posterior.draws(name), SYMBOLS[name]
        if problem.likelihood.location_scale:
            rows.append((symbol, mode.sigma, *error(draws)))
        else:  # where a shape is only bounded from below its posterior has no mean, but its logarithm's has
            rows.append((f"log {symbol}", float(np.log(mode.sigma)), *error(np.log(draws))))
    apart = np.abs(table["disagreement"].to_numpy())
    if np.isfinite(apart).any():
        worst = int(np.nanargmax(apart))
        rows.append(
            (f"β of {problem.names[worst]!r}, where they differ most", float(mode.beta[worst]),
             *error(posterior.beta[..., worst]))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["quantity", "map", "posterior_mean", "mcse"])


def _with_error(draws: Array, independent: bool) -> tuple[float, float]:
    """Mean of draws (chain, draw) and its Monte Carlo standard error."""
    values = np.asarray(draws, dtype=float)
    return float(values.mean()), 0.0 if np.ptp(values) == 0 else float(mcse_mean(values, independent=independent))


def _nll_at(problem: Problem, mode: Optimum) -> float:
    return problem.conditional(mode.sigma).nll(problem.join(mode.intercept, mode.beta))
