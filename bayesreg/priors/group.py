"""Group-lasso prior: the multivariate Laplace of each group of columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Elastic, Kink, Prior, ScalePrior, Tensor
from bayesreg.mixtures import inverse_gaussian
from bayesreg.priors.grouping import TERMS, check_constant, labels_by_name, read_labels
from bayesreg.priors.parameters import (
    check_length,
    custom_node,
    deviation_text,
    fixed_scale,
    read_parameter,
    read_scale,
    shown,
)
from bayesreg.priors.tails import beyond, radial_log_density, radial_tail
from bayesreg.scales import positive_number

Groups = Sequence[object] | Mapping[str, Sequence[str]] | str


@final
@dataclass(frozen=True, slots=True, eq=False)
class GroupLaplace(Prior):
    """Multivariate Laplace prior by groups of columns: p(β_g) ∝ exp(−√p_g‖β_g−μ_g‖₂/b), the group lasso's penalty.

    pen(β) = Σ_g λ_g‖β_g − μ_g‖₂ with λ_g = √p_g/b: the *unsquared* norm, which sets a whole group to μ_g or none of it.
    Of a group of p_g columns the density is Γ(p_g/2)λ^p_g/(2π^(p_g/2)Γ(p_g))·exp(−λ‖β_g−μ_g‖₂).

    Parameters
    ----------
    groups : sequence, mapping or "terms"
        One label per column; or {label: names of its columns}, all others being groups of one; or "terms": columns of
        one formula term (the levels of a factor, the basis of a spline) are a group.
    scale : float, array (p,) or ScalePrior
        b > 0, in units of β, the same within a group.
    loc : float or array (p,), default 0
        μ, the point to which groups shrink.

    Raises
    ------
    ParameterError
        If `scale` is not finite and positive or differs within a group, or `groups` does not fit the columns.

    References
    ----------
    Yuan & Lin (2006), JRSS B 68:49–67; Kyung, Gill, Ghosh & Casella (2010), Bayesian Analysis 5:369–411.
    """

    groups: Groups
    scale: float | Array | ScalePrior
    loc: float | Array = 0.0
    index: NDArray[np.int_] = field(init=False, repr=False)
    sizes: NDArray[np.int_] = field(init=False, repr=False)
    order: NDArray[np.int_] = field(init=False, repr=False)
    starts: NDArray[np.int_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check and freeze the parameters; number the groups where there is one label per column."""
        object.__setattr__(self, "scale", read_scale("GroupLaplace", self.scale))
        object.__setattr__(self, "loc", read_parameter("GroupLaplace", "loc", self.loc))
        labels: tuple[object, ...] = ()
        if self.groups != TERMS if isinstance(self.groups, str) else not isinstance(self.groups, Mapping):
            labels = read_labels(self.groups)
            object.__setattr__(self, "groups", labels)
        numbers: dict[object, int] = {}
        index = np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=int)
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "sizes", np.bincount(index, minlength=len(numbers)))
        object.__setattr__(self, "order", np.argsort(index, kind="stable"))
        object.__setattr__(self, "starts", np.cumsum(self.sizes) - self.sizes)
        if labels and isinstance(self.scale, np.ndarray):
            check_constant(self.scale, labels)

    @property
    def convex(self) -> bool:
        """True."""
        return True

    @property
    def hyperprior(self) -> ScalePrior | None:
        """The prior of the scale, or None where the scale is a number."""
        return self.scale if isinstance(self.scale, ScalePrior) else None

    @property
    def fixed(self) -> float | Array:
        """The scale as a number or vector; raises ParameterError while it is a ScalePrior."""
        return fixed_scale("GroupLaplace", self.scale)

    def bind(self, names: tuple[str, ...], terms: tuple[str, ...]) -> Self:
        """Return the prior with one label per column."""
        check_length("GroupLaplace", "scale", self.scale, names)
        check_length("GroupLaplace", "loc", self.loc, names)
        if isinstance(self.groups, str):
            return replace(self, groups=terms)
        if isinstance(self.groups, Mapping):
            return replace(self, groups=labels_by_name(self.groups, names))
        self._check_columns(len(names))
        return self

    def describe(self, p: int) -> str:
        """Σ λ_g‖β_g‖₂ with its values."""
        text = deviation_text(self.location(p)).replace("β", "β_g").replace("μ", "μ_g")
        return f"Σ λ_g‖{text}‖₂ over {self.sizes.size} groups with {shown('λ_g', self.rates(p))}"

    def at(self, scale: float | ScalePrior) -> Self:
        """Return the prior with its scale fixed at `scale`, or under that prior."""
        return replace(self, scale=scale)

    def rescaled(self, factor: float) -> Self:
        """Return the prior with every scale multiplied by `factor`."""
        return replace(self, scale=self.fixed * positive_number("GroupLaplace", "factor", factor))

    def _check_columns(self, p: int) -> None:
        if p != self.index.size:
            known = f"has {self.index.size} labels" if isinstance(self.groups, tuple) else "is not yet bound to columns"
            msg = f"GroupLaplace: groups {known}, for {p} columns; give one label per column"
            raise ParameterError(msg)

    def _away(self, beta: Array) -> Array:
        self._check_columns(np.shape(beta)[-1])
        return np.asarray(beta, dtype=float) - self.loc

    def _norms(self, values: Array) -> Array:
        """‖·‖₂ of each group, shape (..., groups), without overflow."""
        size = np.maximum.reduceat(np.abs(values)[..., self.order], self.starts, axis=-1)
        unit = np.where(size > 0, size, 1.0)
        squares = np.add.reduceat(((values / unit[..., self.index]) ** 2)[..., self.order], self.starts, axis=-1)
        return np.asarray(size * np.sqrt(squares))

    def _group_rates(self, p: int) -> Array:
        rates = np.zeros(self.sizes.size)
        rates[self.index] = self.rates(p)
        return rates

    def penalty(self, beta: Array) -> Array:
        """Σ_g λ_g‖β_g − μ_g‖₂."""
        return self.by_degree(self._away(beta))[1]

    def by_degree(self, away: Array) -> dict[float, Array]:
        """Degree 1."""
        return {1: np.asarray(self._norms(away) @ self._group_rates(np.shape(away)[-1]))}

    def log_density(self, beta: Array) -> Array:
        """−penalty + Σ_g p_g log λ_g + log Γ(p_g/2) − log 2 − (p_g/2) log π − log Γ(p_g)."""
        rate = self._group_rates(np.shape(beta)[-1])
        return np.asarray((self._constants() + self.sizes * np.log(rate)).sum() - self.penalty(beta))

    def marginal_log_density(self, beta: Array) -> Array:
        """log λ_g + that of one entry of a direction on the sphere times a radius ~ Gamma(p_g), at λ_g|β_j − μ_j|."""
        rate = self.rates(np.shape(beta)[-1])
        away, size = rate * np.abs(self._away(beta)), self.sizes[self.index]
        found = np.empty(away.shape)
        for d in np.unique(size):
            found[..., size == d] = radial_log_density(int(d), away[..., size == d])
        return np.asarray(found + np.log(rate))

    def _constants(self) -> Array:
        half = self.sizes / 2
        return np.asarray(gammaln(half) - gammaln(self.sizes) - math.log(2) - half * math.log(math.pi))

    def location(self, p: int) -> Array:
        """The location μ, (p,)."""
        return np.broadcast_to(np.asarray(self.loc, dtype=float), (p,))

    def rates(self, p: int) -> Array:
        """λ_g = √p_g/b of each column's group."""
        self._check_columns(p)
        return np.asarray(np.sqrt(self.sizes[self.index]) / self.fixed)

    def variance(self, p: int) -> Array:
        """(p_g + 1)/λ_g²."""
        return np.asarray((self.sizes[self.index] + 1) / self.rates(p) ** 2)

    def nearest_subgradient(self, beta: Array, v: Array) -> Array:
        """λ_g(β_g − μ_g)/‖β_g − μ_g‖₂, and at the kink v_g drawn in to the ball of radius λ_g."""
        away = self._away(beta)
        norm = self._norms(away)[..., self.index]
        rate = self.rates(away.shape[-1])
        direction = np.divide(away, norm, out=np.zeros_like(away), where=norm > 0)
        return np.where(norm > 0, rate * direction, self.dual_projection(v))

    def at_kink(self, beta: Array) -> NDArray[np.bool_]:
        """Columns of groups that are exactly at μ_g."""
        return np.asarray((self._norms(self._away(beta)) == 0)[self.index])

    def gauge(self, beta: Array, v: Array) -> Array:
        """‖v_g‖₂/λ_g at a kink; elsewhere the multiple of the one subgradient that v_g is, ∞ if it is none."""
        slope = self.nearest_subgradient(beta, np.zeros(self.index.size))
        size, rate = self._norms(np.asarray(v, dtype=float))[self.index], self.rates(self.index.size)
        t = size / rate
        off = self._norms(v - t * slope)[self.index] > 1e-12 * size
        return np.where(self.at_kink(beta) | ~off, t, np.inf)

    def curvature(self, beta: Array) -> Array:
        """λ_g/‖β_g−μ_g‖₂·(1 − (β_j−μ_j)²/‖β_g−μ_g‖₂²); 0 at a kink."""
        away = self._away(beta)
        norm = self._norms(away)[self.index]
        unit = np.where(norm > 0, norm, 1.0)
        return np.where(norm > 0, self.rates(away.size) / unit * np.maximum(1 - (away / unit) ** 2, 0.0), 0.0)

    def hessian(self, beta: Array, columns: NDArray[np.int_]) -> Array:
        """λ_g/‖β_g−μ_g‖₂·(I − dd') by group, d the unit vector along β_g − μ_g."""
        away = self._away(beta)
        norm = self._norms(away)[self.index]
        unit = np.where(norm > 0, norm, 1.0)
        direction, bend = (away / unit)[columns], (np.where(norm > 0, self.rates(away.size), 0.0) / unit)[columns]
        same = self.index[columns][:, None] == self.index[columns][None, :]
        return np.asarray(np.where(same, bend[:, None] * (np.eye(columns.size) - np.outer(direction, direction)), 0.0))

    def blocks(self, p: int) -> NDArray[np.int_]:
        """The groups."""
        return self.index

    def kink(self, p: int) -> Kink:
        """λ_g at μ_g."""
        return Kink(self.location(p), self.rates(p), self.index)

    def prox(self, v: Array, step: float | Array) -> Array:
        """Shrink v_g − μ_g by the factor (1 − step·λ_g/‖v_g − μ_g‖₂)₊."""
        shift = self._away(v)
        norm = self._norms(shift)[self.index]
        force = step * self.rates(shift.size)
        kept = np.divide(np.maximum(norm - force, 0.0), norm, out=np.zeros_like(norm), where=norm > 0)
        return np.asarray(self.loc + shift * kept)

    def conjugate(self, u: Array) -> Array:
        """μu where ‖u_g‖₂ ≤ λ_g, ∞ beyond."""
        inside = self.dual_gauge(u) <= 1 + (8 + self.sizes[self.index]) * np.finfo(float).eps
        return np.where(inside, u * np.asarray(self.loc), np.inf)

    def dual_gauge(self, u: Array) -> Array:
        """‖u_g‖₂/λ_g."""
        return np.asarray(self._norms(np.asarray(u, dtype=float))[..., self.index] / self.rates(self.index.size))

    def dual_projection(self, u: Array) -> Array:
        """u_g, drawn in to the ball of radius λ_g."""
        return np.asarray(u / np.maximum(self.dual_gauge(u), 1.0))

    def elastic(self, p: int) -> Elastic | None:
        """None, unless every group is one column: then l1 = λ."""
        if (self.sizes > 1).any():
            return None
        return Elastic(self.rates(p), np.zeros(p), self.location(p))

    def tail(self, epsilon: Array) -> Array:
        """Of a column the tail of a radius ~ Gamma(p_g, rate λ_g) times one entry of a direction on the sphere."""
        self._check_columns(epsilon.size)
        rate, size = self.rates(epsilon.size), self.sizes[self.index]

        def distance_tail(z: Array) -> Array:
            found = np.empty(z.size)
            for d in np.unique(size):
                found[size == d] = radial_tail(int(d), (rate * z)[size == d])
            return found

        return beyond(distance_tail, epsilon, self.location(epsilon.size))

    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """A direction on the sphere, times a radius ~ Gamma(p_g, rate λ_g)."""
        direction = rng.normal(size=(size, p))
        radius = rng.gamma(self.sizes, size=(size, self.sizes.size)) / self._group_rates(p)
        return np.asarray(self.loc + direction * (radius / self._norms(direction))[:, self.index])

    def mixing(self, beta: Array, rng: np.random.Generator) -> Array:
        """1/v_g given β_g, where β_g − μ_g | v_g ~ N(0, v_g I), v_g ~ Gamma((p_g+1)/2, λ_g²/2)."""
        rate = self._group_rates(np.shape(beta)[-1])
        norm = self._norms(self._away(beta))
        return inverse_gaussian(norm / rate, np.broadcast_to(rate**2, norm.shape), rng)[..., self.index]

    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """Each group's log density, shared equally among its columns."""
        import pytensor.tensor as pt

        unscaled = self if self.hyperprior is None else self.at(1.0)
        rate = unscaled._group_rates(self.index.size)
        squares = pt.zeros(self.sizes.size)[self.index].inc(((beta - np.asarray(self.loc)) / scale) ** 2)
        rest = pt.eq(squares, 0.0)  # √ has no finite gradient at 0
        norm = pt.switch(rest, 0.0, pt.sqrt(pt.switch(rest, 1.0, squares)))
        parts = self._constants() + self.sizes * np.log(rate) - rate * norm
        return (parts / self.sizes)[self.index] - pt.log(scale)

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add a CustomDist; PyMC's multivariate Laplace is another distribution (a Bessel function's)."""
        return custom_node(self, name, dims, factor)
