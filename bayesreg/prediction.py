"""Prediction for new rows: linear predictor, mean and draws of the response, from one point or from many draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array, Block
from bayesreg.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("response", "link", "predictive")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predictions of rows.

    Parameters
    ----------
    kind : {"response", "link", "predictive"}
        Of what: the mean of y given the parameters, the linear predictor η, or y itself.
    draws : array (chain, draw, n)
        One prediction per draw of the parameters; (1, 1, n) for the response or link at a point estimate.
    interval : float
        Probability of the central interval.
    """

    kind: str
    draws: Array
    interval: float

    @property
    def mean(self) -> Array:
        """Mean over the draws (n,)."""
        return np.asarray(self.draws.mean(axis=(0, 1)))

    @property
    def sd(self) -> Array:
        """Standard deviation over the draws (n,); NaN at a point."""
        return np.asarray(self.draws.std(axis=(0, 1))) if self._many else np.full(self.draws.shape[-1], np.nan)

    @property
    def lower(self) -> Array:
        """Lower end of the interval (n,); NaN at a point."""
        return self._quantile((1 - self.interval) / 2)

    @property
    def upper(self) -> Array:
        """Upper end of the interval (n,); NaN at a point."""
        return self._quantile((1 + self.interval) / 2)

    @property
    def table(self) -> pd.DataFrame:
        """One row per row of data: mean, sd, lower, upper."""
        import pandas as pd

        return pd.DataFrame({name: getattr(self, name) for name in ("mean", "sd", "lower", "upper")})

    @property
    def _many(self) -> bool:
        return bool(np.prod(self.draws.shape[:2]) > 1)

    def _quantile(self, probability: float) -> Array:
        if not self._many:
            return np.full(self.draws.shape[-1], np.nan)
        return np.asarray(np.quantile(self.draws.reshape(-1, self.draws.shape[-1]), probability, axis=0))


def new_rows(problem: Problem, data: object, *, offset: object, exposure: object, trials: object) -> Block:
    """Return rows to predict, on the scale that the prior sees: new data's, or by default the problem's own.

    Raises
    ------
    InputError
        If the data do not have the model's columns, or the offset or trials that the model has are not given.
    """
    from bayesreg.intake import open_frame
    from bayesreg.table import read_rows

    own = problem.design.rows.collect()
    if data is None:
        if any(value is not None for value in (offset, exposure, trials)):
            msg = "predict: offset, exposure and trials are for new data; the problem's own rows have theirs"
            raise InputError(msg)
        return own
    if problem.encoding is None:
        msg = "predict: this problem was built from parts, which say nothing of new data; use Problem.from_arrays"
        raise InputError(msg)
    X = problem.encoding.rows(data)
    given = {"offset": offset, "exposure": exposure, "trials": trials}
    for role, column in problem.encoding.columns.items():
        if role in given and given[role] is None:
            given[role] = column
    _check_roles(problem, given)
    frame = open_frame(data, "the new data")
    for role, value in given.items():
        if frame is None and isinstance(value, str):
            msg = f"predict: the new data are no frame, so {role} cannot be their column {value!r}; pass an array"
            raise InputError(msg)
    rest = read_rows(frame, X.shape[0], (), given, "error", "the new data")
    return Block(problem.design.to_prior_scale(X), np.zeros(X.shape[0]), rest.offset, None, rest.vectors.get("trials"))


def _check_roles(problem: Problem, given: Mapping[str, object]) -> None:
    """Raise InputError unless new rows have each of offset, exposure and trials that the model has, no trials else."""
    for role in ("offset", "exposure", "trials"):
        if role in problem.given and given[role] is None:
            has = {"trials": "trials"}.get(role, f"an {role}")
            one = ", or trials=1 for probabilities" if role == "trials" else ""
            which = "those" if role == "trials" else "that"
            msg = f"predict: the model has {has}; give {which} of the new rows: {role}=...{one}"
            raise InputError(msg)
    if "trials" not in problem.given and given["trials"] is not None:
        msg = "predict: the model was built without trials, so the new rows can have none"
        raise InputError(msg)


def predict(
    problem: Problem,
    rows: Block,
    theta: Array,
    dispersion: Array | None,
    *,
    kind: str,
    interval: float,
    rng: np.random.Generator,
) -> Prediction:
    """Predict `rows` at draws θ (chain, draw, k) and, where unknown, of the dispersion (chain, draw).

    Raises
    ------
    ParameterError
        If `kind` or `interval` is outside what it can be.
    """
    if kind not in KINDS:
        msg = f"kind={kind!r}: predict knows {', '.join(map(repr, KINDS))}"
        raise ParameterError(msg)
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1:
        msg = f"interval must be a number between 0 and 1 (got {interval!r})"
        raise ParameterError(msg)
    likelihood = problem.likelihood.on(rows)
    flat = theta.reshape(theta.shape[0] * theta.shape[1], theta.shape[2])  # −1 cannot be told where nothing is fitted
    eta = problem.linear_predictor(rows, flat.T).T
    if kind == "response":
        eta = likelihood.mean(eta)
    elif kind == "predictive":
        eta = likelihood.simulate(eta, None if dispersion is None else dispersion.reshape(-1, 1), rng)
    return Prediction(kind, eta.reshape(*theta.shape[:2], rows.y.size), float(interval))
