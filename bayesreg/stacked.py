"""Independent priors on consecutive runs of columns, as one prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Elastic, ScalePrior, SeparablePrior, Tensor


@final
class Stacked(SeparablePrior):
    """Independent separable priors on consecutive runs of columns, e.g. the intercept's and the coefficients'.

    Parameters
    ----------
    parts : sequence of (SeparablePrior, int)
        Each prior with the number of columns it covers.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: Sequence[tuple[SeparablePrior, int]]) -> None:
        self.parts = tuple((prior, size) for prior, size in parts if size)

    def __repr__(self) -> str:
        """Show the parts."""
        return f"Stacked({list(self.parts)!r})"

    def _slices(self) -> list[tuple[SeparablePrior, slice]]:
        ends = np.cumsum([size for _, size in self.parts]).tolist()
        return [(prior, slice(end - size, end)) for (prior, size), end in zip(self.parts, ends, strict=True)]

    def _join(self, pieces: Sequence[Array]) -> Array:
        return np.concatenate(pieces, axis=-1) if pieces else np.zeros(0)

    @property
    def hyperprior(self) -> ScalePrior | None:
        """The first unknown scale's prior, or None."""
        return next((prior.hyperprior for prior, _ in self.parts if prior.hyperprior is not None), None)

    def check(self, names: tuple[str, ...]) -> None:
        """Check each part against its own columns."""
        for prior, part in self._slices():
            prior.check(names[part])

    def at(self, scale: float) -> Stacked:
        """Fix every unknown scale at `scale`."""
        return Stacked([(p if p.hyperprior is None else p.at(scale), k) for p, k in self.parts])

    def rescaled(self, factor: float) -> Stacked:
        """Multiply every scale by `factor`."""
        return Stacked([(prior.rescaled(factor), size) for prior, size in self.parts])

    def penalty(self, beta: Array) -> Array:
        """Sum of the parts' penalties."""
        zero = np.zeros(np.shape(beta)[:-1])
        return sum((prior.penalty(beta[..., part]) for prior, part in self._slices()), zero)

    def log_density(self, beta: Array) -> Array:
        """Sum of the parts' log densities."""
        zero = np.zeros(np.shape(beta)[:-1])
        return sum((prior.log_density(beta[..., part]) for prior, part in self._slices()), zero)

    def location(self, p: int) -> Array:
        """The parts' locations."""
        return self._join([prior.location(size) for prior, size in self.parts])

    def rate(self, p: int) -> Array:
        """The parts' rates."""
        return self._join([prior.rate(size) for prior, size in self.parts])

    def variance(self, p: int) -> Array:
        """The parts' variances."""
        return self._join([prior.variance(size) for prior, size in self.parts])

    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """The parts' intervals."""
        ends = [prior.subdifferential(beta[..., part]) for prior, part in self._slices()]
        return self._join([lower for lower, _ in ends]), self._join([upper for _, upper in ends])

    def curvature(self, beta: Array) -> Array:
        """The parts' curvatures."""
        return self._join([prior.curvature(beta[..., part]) for prior, part in self._slices()])

    def prox(self, v: Array, step: float) -> Array:
        """The parts' proximal points."""
        return self._join([prior.prox(v[..., part], step) for prior, part in self._slices()])

    def conjugate(self, u: Array) -> Array:
        """The parts' conjugates."""
        return self._join([prior.conjugate(u[..., part]) for prior, part in self._slices()])

    def conjugate_bound(self, p: int) -> Array:
        """The parts' bounds."""
        return self._join([prior.conjugate_bound(size) for prior, size in self.parts])

    def elastic(self, p: int) -> Elastic:
        """The parts' rates, joined."""
        parts = [prior.elastic(size) for prior, size in self.parts]
        return Elastic(*(self._join([getattr(e, field) for e in parts]) for field in ("l1", "l2", "loc")))

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Refuse: each part is its own PyMC variable, added under its own name."""
        msg = "Stacked: build the PyMC variable of each part"
        raise ParameterError(msg)
