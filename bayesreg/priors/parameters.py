"""The parameters of priors, checked: a number or one number per column, finite, positive where it must be."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior, ScalePrior, SeparablePrior, Tensor
from bayesreg.scales import LARGEST, positive_number


def frozen(values: ArrayLike) -> Array:
    """Return a read-only float copy."""
    array = np.array(values, dtype=float)
    array.setflags(write=False)
    return array


def read_parameter(owner: str, argument: str, value: object) -> float | Array:
    """Return a finite number or a read-only vector of finite numbers, one per column."""
    raw = _raw(value)
    if raw is None or raw.ndim > 1 or raw.dtype.kind not in "iuf":
        msg = f"{owner}: {argument} must be a number or one number per column (got {_told(value)})"
        raise ParameterError(msg)
    array = raw.astype(float)
    bad = ~np.isfinite(array)
    if bad.any():
        msg = f"{owner}: {argument} must be finite (got {array[bad].flat[0]:g})"
        raise ParameterError(msg)
    return array.item() if array.ndim == 0 else frozen(array)


def _told(value: object) -> str:
    """`value` on one line, for an error."""
    if isinstance(value, np.ndarray):
        return f"{'masked values' if np.ma.is_masked(value) else 'an array'} of shape {value.shape}"
    return " ".join(repr(value).split())[:80]


def _raw(value: object) -> NDArray[Any] | None:
    """Return `value` as an array of its own type; None where it is ragged or has masked entries."""
    try:
        return None if np.ma.is_masked(value) else np.asarray(value)
    except (TypeError, ValueError):
        return None


def read_positive(owner: str, argument: str, value: object) -> float | Array:
    """Return a positive number or a read-only vector of them."""
    raw = _raw(value)
    if raw is not None and raw.ndim == 0:
        return positive_number(owner, argument, raw.item() if isinstance(value, np.ndarray) else value)
    array = read_parameter(owner, argument, value)
    bad = (np.asarray(array) < 1 / LARGEST) | (np.asarray(array) > LARGEST)
    if bad.any():
        worst = int(np.flatnonzero(bad)[0])
        shown = f"{np.asarray(array)[worst]:g}"
        msg = f"{owner}: every {argument} must be a finite number > 0 (column {worst} has {shown})"
        raise ParameterError(msg)
    return array


def read_scale(owner: str, value: object) -> float | Array | ScalePrior:
    """Return a positive number, a read-only vector of them, or the ScalePrior as given."""
    return value if isinstance(value, ScalePrior) else read_positive(owner, "scale", value)


def check_length(owner: str, argument: str, value: float | Array | ScalePrior, names: tuple[str, ...]) -> None:
    """Raise ParameterError unless `value` is a number (or a prior on one) or has one value per column."""
    if isinstance(value, np.ndarray) and value.size != len(names):
        counts = f"{value.size} values for {len(names)} columns"
        msg = f"{owner}: {argument} has {counts}; give one number, or one per column"
        raise ParameterError(msg)


def shown(symbol: str, values: Array) -> str:
    """`symbol` = its value, or the range of its values where columns differ."""
    if not values.size:
        return "no column"
    low, high = float(values.min()), float(values.max())
    return f"{symbol} = {low:.6g}" if low == high else f"{symbol} = {low:.6g} to {high:.6g} by column"


def deviation_text(loc: Array) -> str:
    """β, or β − μ where the location is not zero."""
    return "β − μ" if np.any(loc) else "β"


def scale_tensor(prior: Prior, name: str, factor: Tensor, unknown: NDArray[np.bool_] | None = None) -> Tensor:
    """`factor`, times the variable of the prior's scale where that is unknown: in the columns `unknown`, or in all."""
    if prior.hyperprior is None:
        return factor
    scale = prior.hyperprior.node(f"{name}_scale", 1.0)
    if unknown is None or unknown.all():
        return scale * factor
    import pytensor.tensor as pt

    return pt.switch(unknown, scale, np.ones(unknown.size)) * factor


def custom_node(
    prior: Prior, name: str, dims: str | None, factor: Tensor, unknown: NDArray[np.bool_] | None = None
) -> Tensor:
    """Add a prior that PyMC does not have as the variable `name`: a CustomDist with its log density and its draws.

    Its tag `kink` is a tuple as in `Kink`, with the rates a tensor; its tag `prior` is the prior of β/scale and the
    scale, a tensor.
    """
    import pymc as pm
    import pytensor.tensor as pt

    p = 1 if dims is None else len(pm.modelcontext(None).coords[dims])
    unit = prior if prior.hyperprior is None else prior.at(1.0)
    scale = pt.as_tensor(np.float64(1.0)) * scale_tensor(prior, name, factor, unknown)
    scale = scale.reshape(()) if dims is None else scale
    loc, kink = unit.location(p), unit.kink(p)
    start = np.array(loc if dims else loc[0], dtype=float)

    def logp(value: Tensor, s: Tensor) -> Tensor:
        return unit.graph_log_density(value, s) if dims else unit.graph_log_density(value[None], s)[0]

    def random(s: Array, rng: np.random.Generator, size: tuple[int, ...] | None) -> Array:
        shape = tuple(size or ())
        draws = unit.draw(rng, math.prod(shape[:-1] if dims else shape), p).reshape(shape)
        return np.asarray(start + s * (draws - start))

    # dtype: whole-number start values would make the variable an integer one
    rv = pm.CustomDist(name, scale, logp=logp, random=random, dims=dims, initval=start, dtype="float64")
    rv.tag.kink = (kink.loc, kink.rate / scale, kink.blocks)
    rv.tag.prior = unit, scale
    return rv


@dataclass(frozen=True, slots=True, eq=False)
class LocationScale(SeparablePrior):
    """What Laplace and Gaussian share: a scale, a location, and their checks."""

    scale: float | Array | ScalePrior
    loc: float | Array = 0.0

    def __post_init__(self) -> None:
        """Check and freeze the parameters."""
        owner = type(self).__name__
        object.__setattr__(self, "scale", read_scale(owner, self.scale))
        object.__setattr__(self, "loc", read_parameter(owner, "loc", self.loc))

    @final
    @property
    def convex(self) -> bool:
        """True."""
        return True

    @final
    @property
    def hyperprior(self) -> ScalePrior | None:
        """The prior of the scale, or None where the scale is a number."""
        return self.scale if isinstance(self.scale, ScalePrior) else None

    @final
    @property
    def fixed(self) -> float | Array:
        """The scale as a number or vector; raises ParameterError while it is a ScalePrior."""
        return fixed_scale(type(self).__name__, self.scale)

    @final
    def bind(self, names: tuple[str, ...], terms: tuple[str, ...]) -> Self:
        """Raise ParameterError unless scale and loc are scalars or have one value per column."""
        check_length(type(self).__name__, "scale", self.scale, names)
        check_length(type(self).__name__, "loc", self.loc, names)
        return self

    @final
    def at(self, scale: float | ScalePrior) -> Self:
        """Return the prior with its scale fixed at `scale`, or under that prior."""
        return replace(self, scale=scale)

    @final
    def rescaled(self, factor: float) -> Self:
        """Return the prior with every scale multiplied by `factor`."""
        return replace(self, scale=self.fixed * positive_number(type(self).__name__, "factor", factor))

    @final
    def location(self, p: int) -> Array:
        """The location μ, (p,)."""
        return np.broadcast_to(np.asarray(self.loc, dtype=float), (p,))

    @final
    def _away(self, beta: Array) -> Array:
        return np.asarray(beta, dtype=float) - self.loc

    @final
    def _deviation(self, beta: Array) -> Array:
        """(β − μ)/scale."""
        return self._away(beta) / self.fixed

    @final
    def _factors(self, p: int) -> Array:
        return np.broadcast_to(np.asarray(self.fixed, dtype=float), (p,))

    @final
    def _node_parameters(self, name: str, dims: str | None, factor: Tensor) -> tuple[Tensor, Tensor]:
        """Location and scale of the PyMC node, the scale's own variable included where it has a prior.

        As arrays: a Python float that single precision holds exactly becomes a single-precision constant in PyTensor.
        """
        loc, base = np.asarray(self.loc), np.asarray(1.0 if isinstance(self.scale, ScalePrior) else self.scale)
        if dims is None:  # one value per column is one value: the node is a scalar all the same
            loc, base = loc.reshape(()), base.reshape(())
        return loc, base * scale_tensor(self, name, factor)

    @final
    def _graph_deviation(self, beta: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """(β − μ)/s and s as tensors, s the scale times `scale`."""
        s = np.asarray(1.0 if isinstance(self.scale, ScalePrior) else self.scale) * scale
        return (beta - np.asarray(self.loc)) / s, s


def fixed_scale(owner: str, scale: float | Array | ScalePrior) -> float | Array:
    """Return the scale; raise ParameterError while it is a ScalePrior."""
    if isinstance(scale, ScalePrior):
        msg = (
            f"{owner}: the scale has a prior ({scale}), so there is no single penalty; "
            "the joint mode over coefficients and scale does not exist (the density is unbounded as the scale "
            "goes to 0). Fix it with .at(scale=...), let choose_scale(problem) choose it, or sample(problem)"
        )
        raise ParameterError(msg)
    return scale
