"""A function of the coefficients: its value at the mode, against its posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.points import Call, Function, Points
from bayesreg.errors import InputError, ParameterError
from bayesreg.importance import tail_shape
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

NO_MEAN = 0.7
"""Shape of the tail of g from which the mean of draws of g does not settle; from 1 on there is no mean."""

CLEAR = 2.0
"""Monte Carlo standard errors beyond which a gap is there."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class FunctionResult:
    """g at the mode against g under the posterior; every array has the shape of what g returns.

    Parameters
    ----------
    at_map : array
        g(MAP), the dispersion at its plug-in.
    mean, mcse : array
        E[g | y], and its Monte Carlo standard error.
    sd, median, lower, upper : array
        Of the draws of g; the central interval of probability `interval`.
    quantile_of_map, quantile_mcse : array
        P(g ≤ g(MAP) | y), and its Monte Carlo standard error.
    khat : array
        Shape of the heavier tail of g: from 0.7 on the mean cannot be relied on, from 1 on there is none.
    interval : float
    draws : array (chain, draw, ...)
    withheld : str
        Why nothing may be concluded; empty if every gate passed.
    """

    at_map: Array
    mean: Array
    mcse: Array
    sd: Array
    median: Array
    lower: Array
    upper: Array
    quantile_of_map: Array
    quantile_mcse: Array
    khat: Array
    interval: float
    draws: Array
    withheld: str = ""

    @property
    def gap(self) -> Array:
        """g(MAP) − E g."""
        return self.at_map - self.mean

    @property
    def has_mean(self) -> bool:
        """Whether the tails of g leave its mean something to settle to."""
        return bool((self.khat < NO_MEAN).all())

    @property
    def table(self) -> pd.DataFrame:
        """One row for each number that g returns."""
        import pandas as pd

        names = ("at_map", "mean", "mcse", "gap", "sd", "median", "lower", "upper", "quantile_of_map", "quantile_mcse")
        index = pd.Index([str(list(place))[1:-1] or "g" for place in np.ndindex(self.at_map.shape)], name="g")
        return pd.DataFrame({name: np.ravel(getattr(self, name)) for name in (*names, "khat")}, index=index)

    @property
    def sentence(self) -> str:
        """The conclusion, with its numbers; of several numbers, that whose gap is largest in sds."""
        if self.withheld:
            return f"g: WITHHELD: {self.withheld}"
        table = self.table
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.nan_to_num(np.abs(table["gap"].to_numpy() / table["sd"].to_numpy()))
        row = table.iloc[int(apart.argmax())]
        which = "g" if len(table) == 1 else f"the one of {len(table)} numbers with the largest gap, g[{row.name}],"
        percent = f"{100 * self.interval:g} %"
        spread = f"{percent} interval {row['lower']:.4g} to {row['upper']:.4g}"
        at = f"the MAP is at its {row['quantile_of_map']:.3f} ± {row['quantile_mcse']:.1g} quantile"
        if row["khat"] >= NO_MEAN:
            return (
                f"{which} at the MAP is {row['at_map']:.4g}; its posterior median is {row['median']:.4g}, {spread}; "
                f"{at}. Its tails are so heavy (k-hat {row['khat']:.2f}) that its mean may not exist: read the median"
            )
        if row["sd"] == 0:
            return (
                f"{which} is {row['at_map']:.4g} at the MAP and at every draw"
                if row["gap"] == 0
                else (f"{which} at the MAP is {row['at_map']:.4g}, and {row['mean']:.4g} at every draw")
            )
        clear = abs(row["gap"]) > CLEAR * row["mcse"]
        told = "" if clear else ", which is within Monte Carlo error of none"
        return (
            f"{which} at the MAP is {row['at_map']:.4g}; its posterior mean is {row['mean']:.4g} ± {row['mcse']:.1g}, "
            f"{spread}; {at}; the gap is {row['gap']:.2g}, {abs(row['gap']) / row['sd']:.2g} posterior sd{told}"
        )

    def __str__(self) -> str:
        """The sentence, and a table where g returns several numbers."""
        if self.withheld or self.at_map.size == 1:
            return self.sentence
        return f"{self.sentence}\n\n{self.table.to_string(float_format='{:.4g}'.format)}"


def function(
    posterior: Posterior,
    g: Function,
    *,
    optimum: Optimum | None = None,
    interval: float = 0.95,
    vectorized: bool = False,
) -> FunctionResult:
    """Hold g(MAP) against the posterior of g: E g, their gap, an interval.

    E[g(θ) | y] is g(E[θ | y]) only where g is linear, and neither is g(MAP): of a ratio, a probability or an
    exponential the point estimate's value is another number, and comes without a spread.

    Parameters
    ----------
    posterior : Posterior
    g : callable
        Its parameters are named after what they are to hold: `intercept`, `beta` (p,), on the scale that the prior
        sees; `intercept_raw`, `beta_raw` in the data's units; the dispersion (`sigma` or `alpha`).  Or it has one
        parameter of any other name, which gets a `Draw` with all of these as attributes, and `draw["bmi"]`, the
        coefficient of a column in the data's units.  Returns a number, or an array of one shape.
    optimum : Optimum, optional
        The mode; by default the penalised fit of the same problem.
    interval : float
        Probability of the central interval.
    vectorized : bool
        Whether g takes all draws at once, variables as (draws, ...), and returns (draws, ...).  The mode is then one
        draw.

    Raises
    ------
    ParameterError
        If an argument is none of these, or g has parameters that are no variables.
    InputError
        If g returns no numbers, numbers of changing shape, or NaN.
    FitError
        If no optimum was given and the problem has none that is finite.
    """
    require_posterior(posterior, "function")
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1:
        msg = f"function: interval must be a number between 0 and 1 (got {interval!r})"
        raise ParameterError(msg)
    points = Points.of(posterior, point_of(posterior, optimum, "function"))
    call = Call.of(g, "function", "g", points)
    values = call.at_draws(points, vectorized=vectorized)
    at_map = call.at_mode(points, vectorized=vectorized)
    if at_map.shape != values.shape[1:]:
        msg = f"function: g returned the shape {at_map.shape} at the mode and {values.shape[1:]} at a draw"
        raise InputError(msg)
    bad = int(np.isnan(values).any(axis=tuple(range(1, values.ndim))).sum())
    if bad or np.isnan(at_map).any():
        where = f"at {bad} of {len(values)} draws" if bad else "at the mode"
        msg = f"function: g is NaN {where}; let it return a number there, or the limit that is meant"
        raise InputError(msg)
    draws = values.reshape(*points.shape, *values.shape[1:])
    tail = (1 - interval) / 2
    # Between two draws of which one is infinite there is nothing to interpolate.
    levels = (tail, 0.5, 1 - tail)
    finite = bool(np.isfinite(values).all())
    lower, median, upper = np.quantile(values, levels, axis=0, method="linear" if finite else "inverted_cdf")
    below = (draws <= at_map).astype(float)
    with np.errstate(invalid="ignore"):  # an infinite value has no finite mean
        mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
        mcse = _error(draws, posterior.independent)
    return FunctionResult(
        at_map=at_map, mean=mean, mcse=mcse, sd=sd, median=median, lower=lower, upper=upper,
        quantile_of_map=below.mean(axis=(0, 1)), quantile_mcse=_error(below, posterior.independent),
        khat=_heavier(values), interval=float(interval), draws=draws, withheld=withheld_by(posterior),
    )  # fmt: skip


def _error(draws: Array, independent: bool) -> Array:
    """Monte Carlo standard error of the mean; 0 of what is the same in every draw."""
    still = np.ptp(draws, axis=(0, 1)) == 0
    return np.where(still, 0.0, mcse_mean(draws, independent=independent))


def _heavier(values: Array) -> Array:
    """Shape of the heavier tail of draws (draws, ...); ∞ where one is infinite."""
    flat = values.reshape(len(values), -1)
    shapes = [max(tail_shape(column), tail_shape(-column)) for column in flat.T]
    return np.array(shapes).reshape(values.shape[1:])
