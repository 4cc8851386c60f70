"""The tables of a comparison: coefficients side by side, and the ledger of what the point estimate discards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.diagnostics import judged, mcse_mean
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
    summary = _marginals(beta, interval)
    flat = _pooled(beta)
    columns = {
        "map": mode.beta,
        "penalized": penalized.beta,
        "difference": mode.beta - penalized.beta,
        **summary,
        "p_positive": (flat > 0).mean(axis=0),
        "p_small": (np.abs(flat) <= epsilon).mean(axis=0),
        "epsilon": epsilon,
        "zero": mode.zeros & (mode.beta == 0),
        "margin": mode.margin,
        "disagreement": (mode.beta - summary["mean"]) / summary["sd"],
        "mcse_mean": mcse_mean(beta, independent=posterior.independent) if problem.p else np.zeros(0),
        "ess_bulk": judged(beta, independent=posterior.independent).bulk if problem.p else np.zeros(0),
        "map_raw": mode.beta_raw,
        "penalized_raw": penalized.beta_raw,
        **{f"{name}_raw": values for name, values in _marginals(posterior.beta_raw, interval).items()},
    }
    return pd.DataFrame(columns, index=pd.Index(problem.names, name="column"))


def _pooled(draws: Array) -> Array:
    """Draws (chain, draw, p) of all chains in one array (chain·draw, p), p = 0 included."""
    return draws.reshape(draws.shape[0] * draws.shape[1], draws.shape[2])


def _marginals(draws: Array, interval: float) -> dict[str, Array]:
    """Mean, median, sd and central intervals of draws (chain, draw, p)."""
    flat = _pooled(draws)
    tail = (1 - interval) / 2
    lower, lower50, median, upper50, upper = np.quantile(flat, [tail, 0.25, 0.5, 0.75, 1 - tail], axis=0)
    spread = flat.std(axis=0, ddof=1) if flat.shape[0] > 1 else np.full(flat.shape[1], np.nan)
    return {
        "mean": flat.mean(axis=0), "median": median, "sd": spread, "lower": lower, "upper": upper,
        "lower50": lower50, "upper50": upper50,
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
