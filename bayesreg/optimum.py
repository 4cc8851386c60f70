"""A point estimate, the evidence of what it is, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg import html
from bayesreg.arguments import Seed, generator, read_integer
from bayesreg.errors import ParameterError
from bayesreg.in_words import listed, scale_text, title
from bayesreg.interfaces import Array
from bayesreg.prediction import Prediction, new_rows, predict
from bayesreg.problem import Problem


class Outcome(Enum):
    """How an optimisation ended: the value is the sentence that the user reads."""

    CERTIFIED = "certified optimum: the KKT residual and the duality gap are within tolerance"
    LOG_CONCAVE = "mode: the KKT conditions hold and the density is log-concave, so that none is higher"
    NOT_UNIQUE = "certified optimum, but not the only one: some columns can be traded for others at the same objective"
    STATIONARY = "stationary point: the KKT conditions hold, but the objective is not known to be convex"
    NOT_CERTIFIED = "NOT certified: the KKT residual or the duality gap exceeds its tolerance"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """Evidence, evaluated at the returned point, that it is an optimum.

    Parameters
    ----------
    labels : tuple of str
        Names of the entries of θ.
    residual : array (k,)
        Distance of −∇f from ∂pen, in nats per unit of each coefficient.
    tolerance : array (k,)
        `KKT_TOLERANCE`·max(1, λ), or what rounding leaves uncertain of the gradient if that is more; where J is not
        convex, 1 is replaced by √h with h the curvature, if that is less, so that the unit of y does not matter.
    gap : float
        Fenchel duality gap in nats: J is at most this far above its minimum.  NaN where it is not available.
    gap_tolerance : float
        `GAP_TOLERANCE`, or what rounding leaves uncertain of J if that is more.
    zero : bool array (k,)
        Entries that sit exactly on a kink of the penalty (for Laplace: exactly at the prior's location).
    margin : array (k,)
        For those, 1 − |gradient|/λ: how far from leaving; NaN for the others.
    dispersion_residual : float
        |∂/∂log σ| of −log joint density where σ was optimised too; NaN where it was held.
    convex : bool
        Whether J is convex, so that stationary means optimal.
    tied : tuple of str
        Columns that can be traded for one another without changing J; empty where the optimum is unique.
    """

    labels: tuple[str, ...]
    residual: Array
    tolerance: Array
    gap: float
    gap_tolerance: float
    zero: NDArray[np.bool_]
    margin: Array
    dispersion_residual: float
    convex: bool
    tied: tuple[str, ...]

    @property
    def kkt(self) -> float:
        """Largest residual, in nats per unit."""
        return float(self.residual.max(initial=0.0))

    @property
    def stationary(self) -> bool:
        """Whether every KKT condition holds within its tolerance."""
        free = np.isnan(self.dispersion_residual) or self.dispersion_residual <= 1e-6
        return bool((self.residual <= self.tolerance).all() and free)

    @property
    def unique(self) -> bool:
        """Whether no other point has the same objective (as far as convexity can tell)."""
        return not self.tied

    @property
    def outcome(self) -> Outcome:
        """The verdict."""
        if self.stationary and self.convex and np.isnan(self.gap_tolerance):  # no gap was asked for
            return Outcome.LOG_CONCAVE if self.unique else Outcome.NOT_UNIQUE
        if not self.stationary or (self.convex and not self.gap <= self.gap_tolerance):
            return Outcome.NOT_CERTIFIED
        if not self.convex:
            return Outcome.STATIONARY
        return Outcome.CERTIFIED if self.unique else Outcome.NOT_UNIQUE


@final
@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """A point estimate with the proof of what it is.

    Parameters
    ----------
    intercept, beta : float, array (p,)
        On the scale that the prior sees (standardised columns when `standardize=True`).
    intercept_raw, beta_raw : float, array (p,)
        The same in the data's units.
    sigma : float or None
        The dispersion (σ, or the shape α) at which the optimum holds, or that was optimised too.
    sigma_method : str
        Where `sigma` comes from, in words.
    objective : float
        J in nats: Σ w·nll + pen; the joint mode adds −log p(σ) and the prior's normaliser in σ.
    certificate : Certificate
    names : tuple of str
        Column names.
    point : mapping of str to array
        Every variable of the optimised model on its natural scale.
    positions : int array (p,)
        Where each coefficient stands in the certificate; −1 for one that was held.
    iterations : int
        Iterations used.
    search : str
        Where J is not known to be convex: what was searched, and what else was found; empty where it is.
    mode_of : str
        For a PyMC model: of which variables' density it is the mode, on which scale, and which of them ended at an edge
        of their domain or where the density is flat.
    problem : Problem or None
        What it is the optimum of, the dispersion fixed.
    """

    intercept: float
    beta: Array
    intercept_raw: float
    beta_raw: Array
    sigma: float | None
    sigma_method: str
    objective: float
    certificate: Certificate
    names: tuple[str, ...]
    positions: NDArray[np.int_]
    iterations: int
    point: Mapping[str, Array] = field(default_factory=dict)
    search: str = ""
    mode_of: str = ""
    problem: Problem | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """What was found, what it is the mode of, and the proof."""
        values = [f"  {name} = {_brief(value)}" for name, value in self.point.items()]
        certificate = self.certificate
        facts = [
            self.outcome.value,
            f"J = {self.objective:.8g} nats, KKT residual {certificate.kkt:.1e}, "
            f"{int(certificate.zero.sum())} of {certificate.zero.size} entries exactly at a kink",
            *(text for text in (self.mode_of, self.search) if text),
        ]
        return "\n".join([*facts, *values])

    def __repr__(self) -> str:
        """How it ended, where, and how much of it is zero."""
        words = self.outcome.value.partition(":")[0]
        sigma = "" if self.sigma is None else f", at {_dispersion(self)} = {self.sigma:.6g}"
        return f"Optimum({words}, J = {self.objective:.8g} nats{sigma}; {_zeros_text(self)})"

    def _repr_html_(self) -> str:
        """How it ended, the proof, and the coefficients, for a notebook."""
        tied = f" (columns {listed(self.certificate.tied)})" if self.certificate.tied else ""
        top = [html.heading(f"{self.outcome.value}{tied}"), html.facts(_facts(self), "Where, and the proof")]
        if self.outcome is Outcome.NOT_CERTIFIED:
            return html.block(
                *top, html.verdict("WITHHELD:", "the coefficients, which are no optimum; they are in .beta")
            )
        return html.block(*top, *(_of_model(self) if self.problem is None else _coefficients(self)))

    def predict(
        self,
        new_data: object = None,
        *,
        kind: str = "response",
        offset: object = None,
        exposure: object = None,
        trials: object = None,
        interval: float = 0.95,
        draws: int = 1000,
        seed: Seed = 0,
    ) -> Prediction:
        """Predict rows from the point estimate, which knows no uncertainty of its own.

        Parameters
        ----------
        new_data : data frame or array, optional
            Rows in the form of the data the problem was built of; by default those data themselves.
        kind : {"response", "link", "predictive"}
            The mean of y; the linear predictor η; or `draws` draws of y at the point estimate (plug-in), with their
            interval.  The first two have no interval.
        offset, exposure, trials : array-like or str, optional
            As in `Problem.from_arrays`, for the new rows; needed where the problem has them and they were arrays.
        interval, draws, seed
            Of `predictive`.

        Raises
        ------
        InputError
            If a column is missing, a level of a categorical column was not seen, or a row's offset or trials are.
        ParameterError
            If `kind` or `interval` is outside what it can be, or the optimum is of a model that is no Problem's.
        """
        if self.problem is None:
            msg = "predict: this is the mode of a PyMC model, not of a Problem; use pm.sample_posterior_predictive"
            raise ParameterError(msg)
        rows = new_rows(self.problem, new_data, offset=offset, exposure=exposure, trials=trials)
        theta = self.problem.join(self.intercept, self.beta)
        copies = read_integer("draws", draws, 1)
        copies = copies if kind == "predictive" else 1
        rng = generator(seed)
        return predict(self.problem, rows, np.tile(theta, (1, copies, 1)), None, kind=kind, interval=interval, rng=rng)

    @property
    def outcome(self) -> Outcome:
        """How the optimisation ended."""
        return self.certificate.outcome

    @property
    def zeros(self) -> NDArray[np.bool_]:
        """Coefficients (p,) that are exactly at the prior's location."""
        found = self.positions >= 0
        zero = np.zeros(self.beta.size, dtype=bool)
        zero[found] = self.certificate.zero[self.positions[found]]
        return zero

    @property
    def margin(self) -> Array:
        """1 − |gradient|/λ (p,) for the coefficients at the prior's location, NaN for the others."""
        found = self.positions >= 0
        margin = np.full(self.beta.size, np.nan)
        margin[found] = self.certificate.margin[self.positions[found]]
        return margin


def _brief(value: Array) -> str:
    array = np.asarray(value)
    return f"{float(array.flat[0]):.6g}" if array.size == 1 else np.array2string(array, precision=4, threshold=12)


MOST_ROWS = 12
"""Coefficients that a notebook shows; the others are counted."""


def _dispersion(optimum: Optimum) -> str:
    return "sigma" if optimum.problem is None else optimum.problem.likelihood.dispersion_name or "sigma"


def _zeros_text(optimum: Optimum) -> str:
    model = optimum.problem is None
    zeros, what = (optimum.certificate.zero, "entries") if model else (optimum.zeros, "coefficients")
    where = "at a kink of the penalty" if model or optimum.beta[zeros].any() else "zero"
    return f"{int(zeros.sum())} of {zeros.size} {what} exactly {where}" if zeros.size else f"no {what}"


def _facts(optimum: Optimum) -> list[tuple[str, str]]:
    certificate = optimum.certificate
    found = [] if optimum.problem is None else [("of", title(optimum.problem))]
    if optimum.sigma is not None:
        found.append((_dispersion(optimum), f"{optimum.sigma:.6g}: {optimum.sigma_method}"))
    found += [("J", f"{optimum.objective:.8g} nats"), ("KKT residual", f"{certificate.kkt:.1e}")]
    if np.isfinite(certificate.gap):
        found.append(("duality gap", f"{certificate.gap:.1e} nats"))
    found.append(("zeros", _zeros_text(optimum)))
    return found + [(label, text) for label, text in (("mode of", optimum.mode_of), ("search", optimum.search)) if text]


def _coefficients(optimum: Optimum) -> list[html.Html]:
    """The coefficients furthest from the prior's location: on the scale that it sees and, if another, in the data's."""
    problem, beta, raw, margin = optimum.problem, optimum.beta, optimum.beta_raw, optimum.margin
    if problem is None or not beta.size:
        return []
    shown = np.arange(beta.size)
    if beta.size > MOST_ROWS:
        shown = np.argsort(-np.abs(beta - problem.prior.location(beta.size)), kind="stable")[:MOST_ROWS]
    told = [("(intercept)", optimum.intercept, optimum.intercept_raw, np.nan)] if problem.has_intercept else []
    told += [(optimum.names[j], beta[j], raw[j], margin[j]) for j in shown]
    columns = {"column": [name for name, *_ in told], "coefficient": [f"{v + 0.0:.5g}" for _, v, *_ in told]}
    if problem.design.standardized:
        columns["in the data's units"] = [f"{v + 0.0:.5g}" for _, _, v, _ in told]
    if np.isfinite(margin[shown]).any():
        columns["zero's margin"] = ["" if np.isnan(v) else f"{v:.3f}" for *_, v in told]
    caption = f"Coefficients on the scale that the prior sees: {scale_text(problem)}"
    table = html.table(tuple(columns), list(zip(*columns.values(), strict=True)), caption)
    left_out = beta.size - len(shown)
    return [table, *([html.paragraph(f"... and {left_out} more of {beta.size}, in .beta")] if left_out else [])]


def _of_model(optimum: Optimum) -> list[html.Html]:
    """The variables of a PyMC model at its mode."""
    rows = [(name, _brief(value)) for name, value in list(optimum.point.items())[:MOST_ROWS]]
    more = [html.paragraph(f"... and {len(optimum.point) - len(rows)} more, in .point")]
    return [html.table(("variable", "value"), rows), *(more if len(rows) < len(optimum.point) else [])]
