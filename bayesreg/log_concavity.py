"""Whether a PyMC model's log density is concave: read off its distributions, with its predictor tested to be affine.

Then there is one mode, and no search from several starts is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesreg.density import GraphDensity, evaluation_mode
from bayesreg.interfaces import Array, Tensor
from bayesreg.reading.forms import form_of, parameters_of
from bayesreg.reading.text import parents

TRIALS = 3
"""Pairs of random points at which a predictor is tested to be affine: one that is not passes by no accident."""


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """A likelihood: the parameter that may vary, and the links under which its log density is concave in η."""

    symbols: tuple[str, ...]
    varying: str
    links: tuple[Callable[[Array], Array], ...]


def _identity(m: Array) -> Array:
    return m


def _logit(p: Array) -> Array:
    return np.log(p) - np.log1p(-p)


FAMILIES: Mapping[str, _Family] = {
    "NormalRV": _Family(("μ", "σ"), "μ", (_identity,)),
    "LaplaceRV": _Family(("μ", "b"), "μ", (_identity,)),
    "LogisticRV": _Family(("μ", "s"), "μ", (_identity,)),
    "LogNormalRV": _Family(("μ", "σ"), "μ", (_identity,)),
    "BernoulliRV": _Family(("p",), "p", (_logit, _identity)),
    "BinomialRV": _Family(("n", "p"), "p", (_logit, _identity)),
    "MultinomialRV": _Family(("n", "p"), "p", (_identity,)),
    "PoissonRV": _Family(("μ",), "μ", (np.log, _identity)),
    "NegBinomialRV": _Family(("n", "p"), "p", (_logit,)),
    "NegativeBinomialRV": _Family(("n", "p"), "p", (_logit,)),
    "GammaRV": _Family(("α", "s"), "s", (np.log,)),
    "ExponentialRV": _Family(("s",), "s", (np.log,)),
}
"""Type of an observed variable's op -> its family."""


def log_concave(density: GraphDensity) -> bool:
    """Whether the log density of the free variables (those held are constants) is known to be concave.

    So it is if every prior's penalty is convex with parameters that are constant, or whose location is affine in the
    free variables; if every likelihood is of a family that is log-concave in its linear predictor, with nothing else
    unknown; and if that predictor is affine in the free variables on their natural scale, which is tested at random
    points.  False where any of this is not known.
    """
    model = density.model
    if model.potentials:
        return False
    moving = [rv for rv in model.free_RVs if density.free[density.slice_of(rv.name)].any()]
    predictors: list[tuple[Tensor, tuple[Callable[[Array], Array], ...]]] = []
    for rv in moving:
        location = _prior_location(density, rv, moving)
        if location is None:
            return False
        predictors += [(t, (_identity,)) for t in location]
    for rv in model.observed_RVs:
        family = FAMILIES.get(type(rv.owner.op).__name__)
        if family is None:
            return False
        given = dict(zip(family.symbols, rv.owner.op.dist_params(rv.owner), strict=False))
        if parents([t for symbol, t in given.items() if symbol != family.varying], moving):
            return False
        predictors.append((given[family.varying], family.links))
    return _affine(density, [p for p in predictors if parents([p[0]], moving)])


def _prior_location(density: GraphDensity, rv: Tensor, moving: Sequence[Tensor]) -> list[Tensor] | None:
    """The location of a log-concave prior, where it varies (else nothing); None where it is not log-concave."""
    tagged = getattr(rv.tag, "prior", None)
    if tagged is not None:
        prior, scale = tagged
        return [] if prior.convex and not parents([scale], moving) else None
    form = form_of(rv)
    if form is None:
        return None
    given = parameters_of(rv, form)
    location = [given.pop(form.location)] if form.location else []
    if parents(given.values(), moving):
        return None
    if isinstance(form.convex, bool):
        convex = form.convex
    else:
        values = density.function_of(list(given.values()))(density.full(density.start))
        convex = form.convex(dict(zip(given, values, strict=True)))
    varying = [t for t in location if parents([t], moving)]
    if varying and (form.domain or not form.scale):
        return None  # the normaliser may depend on it, as that of a truncated normal does
    return varying if convex else None


def _affine(density: GraphDensity, predictors: Sequence[tuple[Tensor, tuple[Callable[[Array], Array], ...]]]) -> bool:
    """Whether each predictor is, under one of its links, affine in the natural variables: tested at random points."""
    if not predictors:
        return True
    evaluate = _of_natural(density, [t for t, _ in predictors])
    rng = np.random.default_rng(0)
    possible = [set(range(len(links))) for _, links in predictors]
    for _ in range(TRIALS):
        a, b = (density.natural(density.start + 0.1 * rng.normal(size=density.start.size)) for _ in range(2))
        middle = {name: (a[name] + b[name]) / 2 for name in a}
        ends = [evaluate(point) for point in (a, b, middle)]
        for k, (_, links) in enumerate(predictors):
            possible[k] &= {i for i, link in enumerate(links) if _halfway(link, *(end[k] for end in ends))}
    return all(possible)


def _halfway(link: Callable[[Array], Array], a: Array, b: Array, middle: Array) -> bool:
    with np.errstate(invalid="ignore", divide="ignore"):
        first, last, between = link(a), link(b), link(middle)
    size = np.abs(first).max() + np.abs(last).max() + 1.0
    return bool(np.abs(between - (first + last) / 2).max() <= 1e-9 * size)


def _of_natural(density: GraphDensity, tensors: Sequence[Tensor]) -> Callable[[Mapping[str, Array]], list[Array]]:
    """Tensors as a function of the free variables on their natural scale."""
    import pytensor
    from pytensor.graph.replace import graph_replace

    free = list(density.model.free_RVs)
    inputs: list[Any] = [rv.type() for rv in free]
    outputs = graph_replace(list(tensors), dict(zip(free, inputs, strict=True)), strict=False)
    function = pytensor.function(inputs, outputs, mode=evaluation_mode(), on_unused_input="ignore")

    def evaluate(point: Mapping[str, Array]) -> list[Array]:
        return [np.asarray(value) for value in function(*(point[rv.name] for rv in free))]

    return evaluate
