"""The regression problem: data, likelihood and prior, and the objective J that they make.

    J(a, β; σ) = Σ_i w_i · nll(y_i | offset_i + a + x_iᵀβ; σ) + pen(β; σ)        [nats]

Coefficients travel as one vector θ = (a, β) of length k = p + 1,
or θ = β where there is no intercept; `Problem.penalty_prior` is the prior on that vector.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, final

import numpy as np

from bayesreg import html
from bayesreg.assembly import assemble, read_intercept
from bayesreg.design import Design, column_moments
from bayesreg.encoding import Encoding
from bayesreg.errors import DataWarning, ParameterError
from bayesreg.in_words import problem_facts, title
from bayesreg.interfaces import Array, Likelihood, Prior
from bayesreg.moments import QuadraticMoments, quadratic_moments, response_moments
from bayesreg.objective import Objective
from bayesreg.priors import Flat
from bayesreg.scales import positive_number
from bayesreg.stacked import Stacked, prior_by_column


@final
@dataclass(frozen=True, slots=True, eq=False)
class Problem(Objective):
    """Data, likelihood and prior.

    Build it with `from_arrays` or `from_formula`; the constructor takes parts that are already checked.

    Parameters
    ----------
    design : Design
        Rows on the scale that the prior sees.
    likelihood : Likelihood
    prior : Prior, or mapping of str to Prior
        On the coefficients: one for all, or by column name, formula term or pattern (see `prior_by_column`).
    intercept : Prior or None
        On the intercept; None for a model without one.
    scale_by_noise : bool
        Whether the prior's scale is in units of σ (Park & Casella 2008): Laplace(σ·b), Gaussian(σ·τ).
        The intercept's prior is never scaled.
    notes : tuple of str
        What was found in the data that changes what the results mean.
    encoding : Encoding or None
        How columns are made of new data; None where they cannot be.
    given : tuple of str
        Which of weights, offset, exposure and trials the rows came with: new rows need those that the mean depends on.
    """

    design: Design
    likelihood: Likelihood
    prior: Prior
    intercept: Prior | None = Flat()
    scale_by_noise: bool = False
    notes: tuple[str, ...] = ()
    encoding: Encoding | None = None
    given: tuple[str, ...] = ()
    _whole: list[Stacked] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that the parts fit each other, and bind the prior to its columns."""
        if isinstance(self.prior, Mapping):
            object.__setattr__(self, "prior", prior_by_column(self.prior, self.names, self.design.terms))
        for argument, kind in (("likelihood", Likelihood), ("prior", Prior)):
            value = getattr(self, argument)
            if not isinstance(value, kind):
                msg = f"{argument} must be a bayesreg {kind.__name__} such as {_EXAMPLES[argument]} (got {value!r})"
                raise ParameterError(msg)
        object.__setattr__(self, "prior", self.prior.bind(self.names, self.design.terms))
        object.__setattr__(self, "intercept", read_intercept(self.intercept))
        if self.scale_by_noise and not self.likelihood.location_scale:
            msg = (
                f"scale_by_noise=True needs a likelihood with a noise scale; {type(self.likelihood).__name__} has none"
            )
            raise ParameterError(msg)

    @classmethod
    def from_arrays(
        cls,
        X: object,
        y: object,
        *,
        prior: Prior | Mapping[str, Prior],
        likelihood: Likelihood | None = None,
        intercept: Prior | None = Flat(),
        standardize: bool = True,
        scale_by_noise: bool = False,
        weights: object = None,
        offset: object = None,
        exposure: object = None,
        trials: object = None,
        names: Sequence[str] | None = None,
        missing: str = "error",
    ) -> Self:
        """Build a problem from a table X (n, p) and a response y (n,).

        Parameters
        ----------
        X : array-like, scipy.sparse matrix or data frame (n, p)
            Finite numbers.  p = 0 is an intercept-only model.  A sparse X stays sparse: it is scaled, not centred.
        y : array-like (n,), or str
            The response, in the domain of `likelihood`; or the name of a column of the frame X.
        prior : Prior, or mapping of str to Prior
            On the coefficients, in the units of the standardised columns when `standardize`.  A mapping gives priors
            by column name or pattern, "*" standing for the rest: {"age": Gaussian(1.0), "gene*": Laplace(0.1)}.
        likelihood : Likelihood, default GaussianNoise()
            By default Gaussian noise with unknown σ under Jeffreys' prior.
        intercept : prior or None, default Flat()
            None for a model without an intercept.
        standardize : bool, default True
            Divide every column by its population sd (ddof = 0), and centre it if there is an intercept.
        scale_by_noise : bool, default False
            Prior scale in units of σ (Park & Casella).
        weights : array-like (n,) or str, optional
            Multipliers ≥ 0 of the rows' nll: weight 2 is the row given twice.
        offset : array-like (n,) or str, optional
            Added to the linear predictor, with coefficient 1.
        exposure : array-like (n,) or str, optional
            Positive; its log is added to the offset.  For a log link: y is a count over this much time or area.
        trials : array-like (n,) or str, optional
            Number of trials of each row, for `BernoulliLogit`: y then counts successes.
        names : sequence of str, optional
            Column names.
        missing : {"error", "drop"}, default "error"
            Whether rows with missing values are refused or dropped, with a count in `notes`.

        Raises
        ------
        InputError
            If the data cannot be used; says what, where and what to do.
        FamilyError
            If y lies outside the likelihood's domain.
        ParameterError
            If a setting is outside what it can be.
        """
        from bayesreg.table import read_arrays

        table = read_arrays(
            X, y, names=names, weights=weights, offset=offset, exposure=exposure, trials=trials, missing=missing
        )
        parts = assemble(table, likelihood, prior, intercept, standardize=standardize, scaled=scale_by_noise)
        return cls(**parts)._announced()

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: object,
        *,
        prior: Prior | Mapping[str, Prior],
        likelihood: Likelihood | None = None,
        intercept: Prior | None = Flat(),
        standardize: bool = True,
        scale_by_noise: bool = False,
        weights: object = None,
        offset: object = None,
        exposure: object = None,
        trials: object = None,
        missing: str = "error",
    ) -> Self:
        """Build a problem from a formula such as "y ~ age + C(city) + bs(dose, df=4)" and a data frame.

        Parameters
        ----------
        formula : str
            Wilkinson notation, as formulaic reads it: `a:b`, `a*b`, `C(x, contr.sum)`, `poly`, `bs`, `log`, ... "0 +"
            leaves the intercept out.  Only columns of `data` and such functions can be named in it.
        data : data frame, or mapping of str to array-like
            pandas, polars or Arrow.
        prior, likelihood, intercept, standardize, scale_by_noise, weights, offset, exposure, trials, missing
            As in `from_arrays`; a mapping of priors may name formula terms too, and GroupLaplace("terms", ...) takes
            the columns of each term for a group.

        Raises
        ------
        InputError
            If the formula or the data cannot be used; says what, where and what to do.
        FamilyError
            If the response lies outside the likelihood's domain.
        ParameterError
            If a setting is outside what it can be.
        """
        from bayesreg.formula import read_formula

        table = read_formula(
            formula, data, weights=weights, offset=offset, exposure=exposure, trials=trials, missing=missing
        )
        parts = assemble(table, likelihood, prior, intercept, standardize=standardize, scaled=scale_by_noise)
        return cls(**parts)._announced()

    def _announced(self) -> Self:
        """Warn of every note, at the line that called the constructor's caller."""
        for note in self.notes:
            warnings.warn(note, DataWarning, stacklevel=3)
        return self

    def __repr__(self) -> str:
        """Likelihood × prior, and the size of the data."""
        return f"Problem({title(self)})"

    def _repr_html_(self) -> str:
        """What it is made of, for a notebook; nothing is computed of the rows."""
        fixed = self if self.likelihood.sigma_known is None else self.conditional(None)
        told = problem_facts(self, fixed, scale_by_noise=self.scale_by_noise, given=self.given, notes=self.notes)
        return html.block(html.heading(title(self)), html.facts(told, "What it is made of"))

    # -- the same problem, otherwise ---------------------------------------------------------------------------------

    def at(self, sigma: float) -> Self:
        """Return the problem with the dispersion (σ, or α) fixed at `sigma`; a noise-scaled prior becomes a plain one.

        Raises
        ------
        ParameterError
            If the likelihood has no dispersion parameter, or `sigma` is not finite and positive.
        """
        sigma = positive_number("Problem.at", "sigma", sigma)
        prior = self.prior.rescaled(sigma) if self.scale_by_noise else self.prior
        return replace(self, likelihood=self.likelihood.at(sigma), prior=prior, scale_by_noise=False)

    def conditional(self, sigma: float | None) -> Self:
        """Return the problem with nothing left unknown but θ.

        `sigma` is used where the dispersion is unknown; a known one stands.
        """
        known = self.likelihood.sigma_known
        if known is None and self.likelihood.has_dispersion:
            if sigma is None:
                msg = "sigma is unknown here: give the value at which to match, e.g. problem.at(sigma=...)"
                raise ParameterError(msg)
            return self.at(sigma)
        return self if known is None else self.at(known)

    def with_prior(self, prior: Prior) -> Self:
        """Return the problem under another prior on the coefficients."""
        return replace(self, prior=prior)

    def unpenalized(self) -> Self:
        """Return the problem under no prior at all, on the intercept neither: its J is the loss."""
        return replace(self, prior=Flat(), intercept=None if self.intercept is None else Flat(), scale_by_noise=False)

    def reweighted(self, weights: Array) -> Self:
        """Return the problem with other row weights (standardisation stays)."""
        return replace(self, design=replace(self.design, rows=self.design.rows.reweighted(weights), centred=False))

    def centred(self) -> tuple[Self, Array]:
        """Return an equivalent problem with columns centred at their means, and the shift m (p,).

        η = a + Xβ = a' + (X − m)β with a' = a + mᵀβ: under a flat intercept J is the same function.  With any other
        prior on the intercept, or none, m = 0.
        """
        zero = np.zeros(self.p)
        if not self.flat_intercept or not self.p:
            return self, zero
        if self.design.centred or self.design.rows.sparse:  # already so, or it would become dense
            return self, zero
        columns = column_moments(self.design.rows)
        shift = columns.mean
        if (np.abs(shift) <= 1e-8 * columns.sd).all():
            return self, zero
        moved = replace(
            self.design,
            rows=self.design.rows.transformed(shift, np.ones(self.p)),
            centre=self.design.centre + shift * self.design.scale,
            centred=True,
        )
        return replace(self, design=moved), shift

    # -- the prior on θ, and the joint density with the dispersion ----------------------------------------

    @property
    def penalty_prior(self) -> Stacked:
        """The prior on θ = (a, β); the noise scale must be fixed if the prior is in its units."""
        if self.scale_by_noise:
            if self.likelihood.sigma_known is None:
                msg = "the prior's scale is in units of the unknown sigma: fix it first with problem.at(sigma=...)"
                raise ParameterError(msg)
            return self.at(self.likelihood.sigma_known).penalty_prior
        if not self._whole:  # asked for in every step of every descent
            parts = [] if self.intercept is None else [(self.intercept, 1)]
            self._whole.append(Stacked([*parts, (self.prior, self.p)]))
        return self._whole[0]

    def neg_log_joint(self, theta: Array, sigma: float | None = None) -> float:
        """−log p(y, θ, σ) in nats, every normaliser kept: what the PyMC graph computes as −logp (jacobian off)."""
        fixed = self.conditional(sigma)
        value = fixed.nll(theta) - float(fixed.penalty_prior.log_density(theta))
        hyper = self.likelihood.dispersion
        if hyper is not None:
            value -= float(hyper.log_density(np.asarray(sigma)))
        return value

    # -- summaries of the data ---------------------------------------------------------------------------------------

    def moments(self) -> QuadraticMoments:
        """Return sufficient statistics under Gaussian noise, from one pass over centred rows, two over others."""
        return quadratic_moments(self.design.rows, centred=self.design.centred)

    def dispersion_guess(self) -> float:
        """A value of the dispersion parameter to start from.

        For a noise scale the size of y − offset, about its mean where there is an intercept: an upper guess of σ, 1
        where it is 0; for a shape parameter 1.
        """
        if not self.likelihood.location_scale:
            return 1.0
        _, mean, sd = response_moments(self.design.rows)
        return float(np.hypot(sd, 0.0 if self.has_intercept else mean)) or 1.0

    def response_sd(self) -> float:
        """Scale of η against which an effect is small or large: sd of y − offset, π/√3 for a logit, 1 for a log."""
        return self.likelihood.response_sd(response_moments(self.design.rows)[2])

    def column_sd(self) -> Array:
        """Population sd (p,) of each column on the prior's scale: 1, or 0 if constant, where standardised."""
        columns = column_moments(self.design.rows)
        return np.where(columns.constant, 0.0, columns.sd)


_EXAMPLES = {"likelihood": "GaussianNoise()", "prior": "Laplace(scale=0.5)"}


def require_problem(value: object, caller: str) -> None:
    """Raise ParameterError unless `value` is a Problem."""
    if not isinstance(value, Problem):
        msg = f"{caller} takes a Problem (got {type(value).__name__}); build one with Problem.from_arrays(X, y, ...)"
        raise ParameterError(msg)
