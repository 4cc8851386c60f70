"""What the families share: reading a dispersion, checking a response, weighting a PyMC variable."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import FamilyError, InputError, ParameterError
from bayesreg.interfaces import Array, Block, Prior, ScalePrior, Tensor, is_flat
from bayesreg.scales import HalfCauchy, positive_number

LARGEST_COUNT = 2.0**53
"""Counts past this are not whole numbers that a double can tell apart."""

DEFAULT_SHAPE = HalfCauchy(1.0)
"""Prior of a shape α unless another is given: proper, and wide on both sides of 1."""


# -- dispersion ----------------------------------------------------------------------------------------------------


def read_dispersion(owner: str, argument: str, value: float | ScalePrior) -> float | ScalePrior:
    """Return a dispersion as a float or ScalePrior; ParameterError unless it is one."""
    return value if isinstance(value, ScalePrior) else positive_number(owner, argument, value)


def refuse_improper(owner: str, argument: str, value: float | ScalePrior, reason: str) -> None:
    """Raise ParameterError if the dispersion's prior is improper."""
    if isinstance(value, ScalePrior) and not value.proper:
        msg = (
            f"{owner}: {argument} needs a proper prior such as HalfCauchy(1.0), or a value "
            f"(got the improper {type(value).__name__}): {reason}"
        )
        raise ParameterError(msg)


def prior_of(value: float | ScalePrior) -> ScalePrior | None:
    """Return the prior of a dispersion, None where it is a number."""
    return value if isinstance(value, ScalePrior) else None


def number_of(value: float | ScalePrior) -> float | None:
    """Return a dispersion's known value, None where it has a prior."""
    return None if isinstance(value, ScalePrior) else value


def known(owner: str, argument: str, value: float | ScalePrior) -> float:
    """Return a dispersion's value; ParameterError where it is unknown."""
    if isinstance(value, ScalePrior):
        msg = f"{owner}: {argument} is unknown here; fix it with .at(sigma=...)"
        raise ParameterError(msg)
    return value


def given(owner: str, argument: str, value: float | Array | None) -> float | Array:
    """Return a dispersion passed to `nll_given`; ParameterError where there is none."""
    if value is None:
        msg = f"{owner}: {argument} must be given"
        raise ParameterError(msg)
    return value


def refuse_dispersion(owner: str, sigma: float) -> NoReturn:
    """Raise ParameterError: a dispersion is to be fixed that the family does not have."""
    msg = f"{owner} has no noise scale to fix (got sigma={sigma:g})"
    raise ParameterError(msg)


# -- responses -----------------------------------------------------------------------------------------------------


def counted(block: Block) -> NDArray[np.bool_]:
    """Mark the rows that count: those with a weight above zero."""
    return np.ones(block.y.size, dtype=bool) if block.weights is None else np.asarray(block.weights > 0)


def refuse_trials(owner: str, block: Block) -> None:
    """Raise ParameterError if the rows carry numbers of trials, which the family has no use for."""
    if block.trials is not None:
        msg = f"{owner} takes no trials: they belong to BernoulliLogit, for counts of successes; leave trials out"
        raise ParameterError(msg)


def shown_values(y: Array) -> str:
    """Return the first few distinct values, for an error message."""
    values = np.unique(y)
    return ", ".join(f"{v:g}" for v in values[:6]) + (", ..." if values.size > 6 else "")


def outside(y: Array, bad: NDArray[np.bool_], domain: str, remedy: str) -> FamilyError:
    """Return the error of a response outside its family's domain: how many, the first, what was found, the remedy."""
    return FamilyError(
        f"y has {int(bad.sum())} values outside {domain} (first: row {int(np.flatnonzero(bad)[0])}, "
        f"{y[bad][0]:.15g}; values found: {shown_values(y)}); {remedy}"
    )


def whole(values: Array) -> NDArray[np.bool_]:
    """Mark the whole numbers from 0 to LARGEST_COUNT."""
    return np.asarray((values >= 0) & (values <= LARGEST_COUNT) & (values == np.floor(values)))


def check_counts(owner: str, block: Block, intercept: Prior | None) -> tuple[str, ...]:
    """Accept whole numbers ≥ 0; all of them 0 only where the intercept's prior is proper, or there is none."""
    refuse_trials(owner, block)
    bad = ~whole(block.y)
    if bad.any():
        raise outside(
            block.y,
            bad,
            "0, 1, 2, ...",
            f"{owner} needs counts, whole and from 0 to 2^53: give counts, and exposure= where units differ",
        )
    y = block.y[counted(block)]
    if (y > 0).any():
        return constant_remark(block, y, intercept)
    if is_flat(intercept):
        msg = (
            "y is 0 in every row: under a flat intercept the optimum is infinite and the posterior does not exist; "
            "pass intercept=Gaussian(scale) or data with some y > 0"
        )
        raise InputError(msg)
    return ("y is 0 in every row: what is found rests on the priors",)


def constant_remark(block: Block, y: Array, intercept: Prior | None) -> tuple[str, ...]:
    """Remark on a response `y` (in the rows that count) that does not vary, where an intercept alone fits it."""
    if y.size == 1 or np.ptp(y) > 0 or np.ptp(block.offset[counted(block)]) > 0 or intercept is None:
        return ()
    return (f"y is constant ({y[0]:g}): nothing varies that X could explain",)


def check_located(block: Block, intercept: Prior | None, dispersion: ScalePrior | None) -> tuple[str, ...]:
    """Accept every finite y of a location-scale family; a constant one only where σ is known or its prior proper."""
    y = (block.y - block.offset)[counted(block)]
    if y.size == 1 or np.ptp(y) > 0 or intercept is None:
        return ()
    what = f"y is constant ({y[0]:g}{', the offset taken off' if block.offset.any() else ''})"
    if dispersion is not None and not dispersion.proper:
        msg = (
            f"{what}: with an intercept every residual can be 0, and under an improper prior on "
            "sigma the posterior does not exist; give sigma a value"
        )
        raise InputError(msg)
    return (f"{what}: nothing varies that X could explain",)


def nowhere(y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what `monotone` is for a family whose nll rises on both sides of every y."""
    return np.zeros(np.shape(y), dtype=bool), np.zeros(np.shape(y), dtype=bool)


# -- simulation and graphs -----------------------------------------------------------------------------------------


def draw_counts(mean: Array, rng: np.random.Generator) -> Array:
    """Draw Poisson counts; past a mean of 1e15, where NumPy draws none, from the normal that they then are."""
    usual = np.minimum(mean, 1e15)
    counts = rng.poisson(usual).astype(float)
    if (mean > 1e15).any():
        counts = np.where(mean > 1e15, np.round(mean + np.sqrt(mean) * rng.normal(size=np.shape(mean))), counts)
    return np.asarray(counts)


def observed_node(
    name: str, family: Any, parameters: dict[str, Tensor], block: Block, dims: str, *, discrete: bool
) -> Tensor:
    """Add the observed variable `name` of a PyMC `family`, or with row weights w its density to the power w.

    A density to a power is not normalised; random draws are of the family itself, whatever the weights.
    """
    import pymc as pm

    observed = block.y.astype("int64") if discrete else block.y
    if block.weights is None:
        return family(name, **parameters, observed=observed, dims=dims)
    keys = tuple(parameters)

    def member(values: tuple[Tensor, ...], **size: Tensor) -> Tensor:
        return family.dist(**dict(zip(keys, values, strict=True)), **size)

    def logp(value: Tensor, *args: Tensor) -> Tensor:
        return args[-1] * pm.logp(member(args[:-1]), value)

    def dist(*args: Tensor) -> Tensor:
        first, *others, weights, size = args
        return member((first + 0.0 * weights, *others), size=size)  # a parameter that is not used is an error

    return pm.CustomDist(
        name,
        *parameters.values(),
        block.weights,
        logp=logp,
        dist=dist,
        observed=observed,
        dtype="int64" if discrete else "float64",
        dims=dims,
    )
