"""The regression problem: data, likelihood and prior, and the objective J that they make.

    J(a, β; σ) = Σ_i w_i · nll(y_i | offset_i + a + x_iᵀβ; σ) + pen(β; σ)        [nats]

Chain rules through X live here and nowhere else.  Coefficients travel as one vector θ = (a, β) of length k = p + 1,
or θ = β where there is no intercept; `Problem.penalty_prior` is the prior on that vector.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesreg.design import Design, column_moments, standardized_design
from bayesreg.errors import DataWarning, InputError, ParameterError
from bayesreg.intake import check_aligned, check_range, read_matrix, read_vector, read_weights
from bayesreg.interfaces import Array, Block, Likelihood, Prior, SeparablePrior
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Flat
from bayesreg.rows import ArrayRows
from bayesreg.scales import positive_number
from bayesreg.stacked import Stacked


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticMoments:
    """All that Gaussian noise asks of the data: weighted sums about the means, so that nothing cancels.

    `total` Σw; `x_mean` (p,), `y_mean` of y − offset; `xx` (p, p), `xy` (p,), `yy` centred sums of products.
    """

    total: float
    x_mean: Array
    y_mean: float
    xx: Array
    xy: Array
    yy: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Data, likelihood and prior.

    Build it with `from_arrays`; the constructor takes parts that are already checked.

    Parameters
    ----------
    design : Design
        Rows on the scale that the prior sees.
    likelihood : Likelihood
    prior : SeparablePrior
        On the coefficients.
    intercept : SeparablePrior or None
        On the intercept; None for a model without one.
    scale_by_noise : bool
        Whether the prior's scale is in units of σ (Park & Casella 2008): Laplace(σ·b), Gaussian(σ·τ).
        The intercept's prior is never scaled.
    notes : tuple of str
        What was found in the data that changes what the results mean.
    """

    design: Design
    likelihood: Likelihood
    prior: SeparablePrior
    intercept: SeparablePrior | None = Flat()
    scale_by_noise: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        for argument, kind in (("likelihood", Likelihood), ("prior", Prior)):
            value = getattr(self, argument)
            if not isinstance(value, kind):
                msg = f"{argument} must be a bayesreg {kind.__name__} such as {_EXAMPLES[argument]} (got {value!r})"
                raise ParameterError(msg)
        if not isinstance(self.intercept, Prior | None):
            msg = f"intercept must be a prior such as Flat() or Gaussian(scale=10), or None (got {self.intercept!r})"
            raise ParameterError(msg)
        if self.intercept is not None and self.intercept.hyperprior is not None:
            msg = "intercept: its prior must have a fixed scale"
            raise ParameterError(msg)
        self.prior.check(self.names)
        if self.intercept is not None:
            self.intercept.check(("intercept",))
        if self.scale_by_noise and not self.likelihood.has_noise_scale:
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
        prior: SeparablePrior,
        likelihood: Likelihood | None = None,
        intercept: SeparablePrior | None = Flat(),
        standardize: bool = True,
        scale_by_noise: bool = False,
        weights: object = None,
        offset: object = None,
        names: Sequence[str] | None = None,
    ) -> Self:
        """Build a problem from a table X (n, p) and a response y (n,).

        Parameters
        ----------
        X : array-like or data frame (n, p)
            Finite numbers.  p = 0 is an intercept-only model.
        y : array-like (n,)
            The response, in the domain of `likelihood`.
        prior : Laplace, Gaussian or Flat
            On the coefficients, in the units of the standardised columns when `standardize`.
        likelihood : Likelihood, default GaussianNoise()
            By default Gaussian noise with unknown σ under Jeffreys' prior.
        intercept : prior or None, default Flat()
            None for a model without an intercept.
        standardize : bool, default True
            Divide every column by its population sd (ddof = 0), and centre it if there is an intercept.
        scale_by_noise : bool, default False
            Prior scale in units of σ (Park & Casella).
        weights : array-like (n,), optional
            Multipliers ≥ 0 of the rows' nll: weight 2 is the row given twice.
        offset : array-like (n,), optional
            Added to the linear predictor, with coefficient 1.
        names : sequence of str, optional
            Column names.

        Raises
        ------
        InputError
            If the data cannot be used; says what, where and what to do.
        FamilyError
            If y lies outside the likelihood's domain.
        ParameterError
            If a setting is outside what it can be.
        """
        likelihood = GaussianNoise() if likelihood is None else likelihood
        if not isinstance(likelihood, Likelihood):
            msg = f"likelihood must be a bayesreg Likelihood such as {_EXAMPLES['likelihood']} (got {likelihood!r})"
            raise ParameterError(msg)
        matrix, labels = read_matrix(X, names)
        check_aligned(X, y)
        response = read_vector(y, "y", matrix.shape[0])
        shift = np.zeros_like(response) if offset is None else read_vector(offset, "offset", response.size)
        weight = read_weights(weights, response.size)
        check_range(response[:, None], ("y",), "rescale it")
        if not standardize:
            check_range(matrix, [f"column {name!r} of X" for name in labels], "rescale it, or use standardize=True")
        counts = np.ones(response.size, dtype=bool) if weight is None else weight > 0
        notes = list(likelihood.check(response, intercept, shift, counts))
        for array in (matrix, response, shift, weight):
            if array is not None:
                array.setflags(write=False)
        rows = ArrayRows(matrix, response, shift, weight)
        if standardize:
            design, moments = standardized_design(rows, labels, centred=intercept is not None)
            notes += [
                f"column {labels[j]!r} is constant: it has no sd and is left unscaled; "
                "the data say nothing about its coefficient, which keeps its prior"
                for j in np.flatnonzero(moments.constant & ((intercept is not None) | (moments.mean == 0)))
            ]
        else:
            design = Design(rows, labels, np.zeros(len(labels)), np.ones(len(labels)))
        problem = cls(design, likelihood, prior, intercept, scale_by_noise, tuple(notes))
        for note in notes:
            warnings.warn(note, DataWarning, stacklevel=2)
        return problem

    # -- shape ---------------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Column names."""
        return self.design.names

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.design.rows.n_rows

    @property
    def p(self) -> int:
        """Number of columns, the intercept not counted."""
        return len(self.names)

    @property
    def has_intercept(self) -> bool:
        """Whether the model has an intercept."""
        return self.intercept is not None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the entries of θ."""
        return ("intercept", *self.names) if self.has_intercept else self.names

    @property
    def positions(self) -> NDArray[np.int_]:
        """Where the coefficients stand in θ."""
        return np.arange(self.p) + int(self.has_intercept)

    def join(self, intercept: float, beta: ArrayLike) -> Array:
        """Return θ = (a, β)."""
        beta = np.asarray(beta, dtype=float)
        if beta.shape != (self.p,):
            msg = f"beta has shape {beta.shape} for {self.p} columns"
            raise InputError(msg)
        return np.concatenate([[intercept], beta]) if self.has_intercept else beta

    def split(self, theta: Array) -> tuple[Array, Array]:
        """Return (a (...), β (..., p)) from θ (..., k); a is 0 where there is no intercept."""
        if self.has_intercept:
            return theta[..., 0], theta[..., 1:]
        return np.zeros(theta.shape[:-1]), theta

    # -- the same problem, otherwise ---------------------------------------------------------------------------------

    def at(self, sigma: float) -> Self:
        """Return the problem with the noise scale fixed at `sigma`; a noise-scaled prior becomes a plain one.

        Raises
        ------
        ParameterError
            If the likelihood has no noise scale, or `sigma` is not finite and positive.
        """
        sigma = positive_number("Problem.at", "sigma", sigma)
        prior = self.prior.rescaled(sigma) if self.scale_by_noise else self.prior
        return replace(self, likelihood=self.likelihood.at(sigma), prior=prior, scale_by_noise=False)

    def conditional(self, sigma: float | None) -> Self:
        """Return the problem with nothing left unknown but θ.

        `sigma` is used where the noise scale is unknown; a known one stands.
        """
        known = self.likelihood.sigma_known
        if known is None and self.likelihood.has_noise_scale:
            if sigma is None:
                msg = "sigma is unknown here: give the value at which to match, e.g. problem.at(sigma=...)"
                raise ParameterError(msg)
            return self.at(sigma)
        return self if known is None else self.at(known)

    def with_prior(self, prior: SeparablePrior) -> Self:
        """Return the problem under another prior on the coefficients."""
        return replace(self, prior=prior)

    def reweighted(self, weights: Array) -> Self:
        """Return the problem with other row weights (standardisation stays)."""
        return replace(self, design=replace(self.design, rows=self.design.rows.reweighted(weights)))

    def centred(self) -> tuple[Self, Array]:
        """Return an equivalent problem with columns centred at their means, and the shift m (p,).

        η = a + Xβ = a' + (X − m)β with a' = a + mᵀβ: under a flat intercept J is the same function.  With any other
        prior on the intercept, or none, m = 0.
        """
        zero = np.zeros(self.p)
        if self.intercept is None or np.isfinite(self.intercept.variance(1)).all() or not self.p:
            return self, zero
        columns = column_moments(self.design.rows)
        shift = columns.mean
        if (np.abs(shift) <= 1e-8 * columns.sd).all():
            return self, zero
        moved = Design(
            self.design.rows.transformed(shift, np.ones(self.p)),
            self.names,
            self.design.centre + shift * self.design.scale,
            self.design.scale,
        )
        return replace(self, design=moved), shift

    # -- J and its derivatives in θ --------------------------------------------------------------------------------

    @property
    def penalty_prior(self) -> Stacked:
        """The prior on θ = (a, β); the noise scale must be fixed if the prior is in its units."""
        if self.scale_by_noise:
            if self.likelihood.sigma_known is None:
                msg = "the prior's scale is in units of the unknown sigma: fix it first with problem.at(sigma=...)"
                raise ParameterError(msg)
            return self.at(self.likelihood.sigma_known).penalty_prior
        parts = [] if self.intercept is None else [(self.intercept, 1)]
        return Stacked([*parts, (self.prior, self.p)])

    def linear_predictor(self, block: Block, theta: Array) -> Array:
        """η of a block: (m,) for θ (k,), or (m, d) for d columns θ (k, d)."""
        intercept, beta = (theta[0], theta[1:]) if self.has_intercept else (0.0, theta)
        offset = block.offset if np.ndim(theta) == 1 else block.offset[:, None]
        return block.X @ beta + intercept + offset

    def nll(self, theta: Array) -> float:
        """Σ w·nll at θ, in nats."""

        def fn(block: Block) -> tuple[Array, ...]:
            return (
                block.weighted(self.likelihood.nll(self.linear_predictor(block, theta), block.y)).sum(keepdims=True),
            )

        return float(self.design.rows.sum(fn)[0][0])

    def value(self, theta: Array) -> float:
        """J(θ)."""
        return self.nll(theta) + float(self.penalty_prior.penalty(theta))

    def gradient(self, theta: Array) -> Array:
        """Gradient (k,) of Σ w·nll at θ."""

        def fn(block: Block) -> tuple[Array, ...]:
            return (self._transposed(block.X, self._slopes(block, theta)),)

        return self.design.rows.sum(fn)[0]

    def gradient_magnitude(self, theta: Array) -> Array:
        """Σ_i |terms of the gradient| (k,): times the machine epsilon, what rounding of its sum leaves uncertain."""

        def fn(block: Block) -> tuple[Array, ...]:
            return (self._transposed(np.abs(block.X), np.abs(self._slopes(block, theta))),)

        return self.design.rows.sum(fn)[0]

    def gradient_uncertainty(self, theta: Array) -> Array:
        """Like `gradient_magnitude`, with what rounding of θ itself and of η adds through the curvature."""

        def fn(block: Block) -> tuple[Array, ...]:
            size = replace(block, X=np.abs(block.X), offset=np.abs(block.offset))
            bend = self.likelihood.d2(self.linear_predictor(block, theta), block.y)
            spread = block.weighted(np.abs(bend) * self.linear_predictor(size, np.abs(theta)))
            return (self._transposed(size.X, np.abs(self._slopes(block, theta)) + spread),)

        return self.design.rows.sum(fn)[0]

    def curvature(self, theta: Array) -> Array:
        """Hessian (k, k) of Σ w·nll at θ."""

        def fn(block: Block) -> tuple[Array, ...]:
            weight = block.weighted(self.likelihood.d2(self.linear_predictor(block, theta), block.y))
            hessian = np.empty((theta.size, theta.size))
            lead = int(self.has_intercept)
            root = np.sqrt(weight)[:, None] * block.X if self.likelihood.convex else None
            hessian[lead:, lead:] = root.T @ root if root is not None else block.X.T @ (weight[:, None] * block.X)
            if lead:
                hessian[0, 0] = weight.sum()
                hessian[0, 1:] = hessian[1:, 0] = weight @ block.X
            return (hessian,)

        return self.design.rows.sum(fn)[0]

    def _slopes(self, block: Block, theta: Array) -> Array:
        return block.weighted(self.likelihood.d1(self.linear_predictor(block, theta), block.y))

    def _transposed(self, X: Array, slopes: Array) -> Array:
        columns = slopes @ X
        return np.concatenate([slopes.sum(keepdims=True), columns]) if self.has_intercept else columns

    # -- the joint density with σ ------------------------------------------------------------------------------------

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
        """Return sufficient statistics under Gaussian noise, from two passes over the rows."""

        def first(block: Block) -> tuple[Array, ...]:
            ones = block.weighted(np.ones(block.y.size))
            return _total(block), ones @ block.X, (ones @ (block.y - block.offset)).reshape(1)

        total, x_sum, y_sum = self.design.rows.sum(first)
        x_mean, y_mean = x_sum / total, float((y_sum / total)[0])

        def second(block: Block) -> tuple[Array, ...]:
            root = np.sqrt(block.weighted(np.ones(block.y.size)))
            X = (block.X - x_mean) * root[:, None]
            y = (block.y - block.offset - y_mean) * root
            return X.T @ X, X.T @ y, (y @ y).reshape(1)

        xx, xy, yy = self.design.rows.sum(second)
        return QuadraticMoments(float(total[0]), x_mean, y_mean, xx, xy, float(yy[0]))

    def noise_guess(self, moments: QuadraticMoments | None = None) -> float:
        """Size of y − offset, about its mean where there is an intercept: an upper guess of σ; 1 where it is 0."""
        m = self.moments() if moments is None else moments
        about_zero = 0.0 if self.has_intercept else m.y_mean
        return float(np.hypot(np.sqrt(m.yy / m.total), about_zero)) or 1.0

    def response_sd(self) -> float:
        """Scale of η against which an effect is small or large: sd of y − offset, or π/√3 for a logit."""
        total, s = self.design.rows.sum(lambda b: (_total(b), b.weighted(b.y - b.offset).sum(keepdims=True)))
        mean = s / total
        squares = self.design.rows.sum(lambda b: (b.weighted((b.y - b.offset - mean) ** 2).sum(keepdims=True),))[0]
        return self.likelihood.response_sd(float(np.sqrt(squares / total)[0]))

    def column_sd(self) -> Array:
        """Population sd (p,) of each column on the prior's scale: 1, or 0 if constant, where standardised."""
        columns = column_moments(self.design.rows)
        return np.where(columns.constant, 0.0, columns.sd)


_EXAMPLES = {"likelihood": "GaussianNoise()", "prior": "Laplace(scale=0.5)"}


def _total(block: Block) -> Array:
    return block.weighted(np.ones(block.y.size)).sum(keepdims=True)


def require_problem(value: object, caller: str) -> None:
    """Raise ParameterError unless `value` is a Problem."""
    if not isinstance(value, Problem):
        msg = f"{caller} takes a Problem (got {type(value).__name__}); build one with Problem.from_arrays(X, y, ...)"
        raise ParameterError(msg)
