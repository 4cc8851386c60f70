"""Independent priors on sets of columns, as one prior: the intercept's and the coefficients', or one by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Elastic, Kink, Prior, ScalePrior, Tensor
from bayesreg.priors.parameters import custom_node


@final
class Stacked(Prior):
    """Independent priors on disjoint sets of columns.

    Parameters
    ----------
    parts : sequence of (Prior, int or int array)
        Each prior with the columns it covers: their positions, or the length of a run that follows the part before.
    keys : sequence of str, optional
        What each part is called, for the reader.

    Raises
    ------
    ParameterError
        If the parts do not cover columns 0, 1, ... once each, or more than one has an unknown scale.
    """

    __slots__ = ("keys", "parts")

    def __init__(self, parts: Sequence[tuple[Prior, int | ArrayLike]], keys: Sequence[str] | None = None) -> None:
        placed: list[tuple[Prior, NDArray[np.int_]]] = []
        end = 0
        for prior, where in parts:
            run = isinstance(where, int | np.integer)
            columns = np.arange(end, end + np.asarray(where).item()) if run else np.asarray(where, dtype=int)
            end += columns.size
            placed.append((prior, columns))
        self.keys = None if keys is None else tuple(k for k, (_, c) in zip(keys, placed, strict=True) if c.size)
        self.parts = tuple((prior, columns) for prior, columns in placed if columns.size)
        covered = np.concatenate([np.zeros(0, dtype=int), *(columns for _, columns in self.parts)])
        if (np.sort(covered) != np.arange(covered.size)).any():
            msg = f"prior: its parts must cover every column once (they cover {covered.tolist()})"
            raise ParameterError(msg)
        if sum(prior.hyperprior is not None for prior, _ in self.parts) > 1:
            msg = "prior: only one of the priors by column can have an unknown scale; fix the others"
            raise ParameterError(msg)

    def __repr__(self) -> str:
        """Show the parts."""
        if self.keys is not None:
            return f"{{{', '.join(f'{k!r}: {prior!r}' for k, (prior, _) in zip(self.keys, self.parts, strict=True))}}}"
        return f"Stacked({[(prior, columns.size) for prior, columns in self.parts]!r})"

    def _again(self, change: Callable[[Prior, NDArray[np.int_]], Prior]) -> Stacked:
        return Stacked([(change(prior, columns), columns) for prior, columns in self.parts], self.keys)

    def leaves(self) -> list[tuple[Prior, NDArray[np.int_]]]:
        """The parts, and the parts of those that are stacks themselves, with the columns that each covers."""
        found: list[tuple[Prior, NDArray[np.int_]]] = []
        for prior, columns in self.parts:
            inner = prior.leaves() if isinstance(prior, Stacked) else [(prior, np.arange(columns.size))]
            found += [(leaf, columns[own]) for leaf, own in inner]
        return found

    def proper(self) -> Prior:
        """The prior on the columns under a proper prior alone, in their order: a single part as it is."""
        leaves = [(prior, c) for prior, c in self.leaves() if np.isfinite(prior.variance(c.size)).all()]
        kept = np.sort(np.concatenate([np.zeros(0, dtype=int), *(columns for _, columns in leaves)]))
        placed = [(prior, np.searchsorted(kept, columns)) for prior, columns in leaves]
        if len(placed) == 1 and (np.diff(placed[0][1]) == 1).all():
            return placed[0][0]
        return Stacked(placed)

    def _join(self, p: int, ask: Callable[[Prior, NDArray[np.int_]], Any]) -> Array:
        return self._placed(p, [ask(prior, columns) for prior, columns in self.parts])

    def _placed(self, p: int, pieces: Sequence[Any]) -> Array:
        """Put what each part gave (..., its columns) where its columns are."""
        lead = np.shape(pieces[0])[:-1] if pieces else ()
        joined = np.zeros((*lead, p), dtype=np.result_type(*pieces) if pieces else float)
        for (_, columns), values in zip(self.parts, pieces, strict=True):
            joined[..., columns] = values
        return joined

    def _sum(self, beta: Array, ask: Callable[[Prior, Array], Array]) -> Array:
        zero = np.zeros(np.shape(beta)[:-1])
        return np.asarray(sum((ask(prior, np.asarray(beta)[..., columns]) for prior, columns in self.parts), zero))

    @property
    def convex(self) -> bool:
        """Whether every part is."""
        return all(prior.convex for prior, _ in self.parts)

    @property
    def hyperprior(self) -> ScalePrior | None:
        """The unknown scale's prior, or None."""
        return next((prior.hyperprior for prior, _ in self.parts if prior.hyperprior is not None), None)

    def bind(self, names: tuple[str, ...], terms: tuple[str, ...]) -> Stacked:
        """Bind each part to its own columns."""
        count = sum(columns.size for _, columns in self.parts)
        if count != len(names):
            msg = f"prior: its parts cover {count} columns, but there are {len(names)}"
            raise ParameterError(msg)
        return self._again(lambda prior, c: prior.bind(tuple(names[j] for j in c), tuple(terms[j] for j in c)))

    def describe(self, p: int) -> str:
        """The parts' penalties."""
        named = self.keys or ("",) * len(self.parts)
        return " + ".join(
            prior.describe(columns.size) + (f" over {key!r}" if key else "")
            for key, (prior, columns) in zip(named, self.parts, strict=True)
        )

    def at(self, scale: float | ScalePrior) -> Stacked:
        """Set the unknown scale; where none is unknown, that of every part that has one."""
        unknown = self.hyperprior is not None
        return self._again(lambda prior, _: prior.at(scale) if not unknown or prior.hyperprior is not None else prior)

    def rescaled(self, factor: float) -> Stacked:
        """Multiply every scale by `factor`."""
        return self._again(lambda prior, _: prior.rescaled(factor))

    def penalty(self, beta: Array) -> Array:
        """Sum of the parts' penalties."""
        return self._sum(beta, lambda prior, b: prior.penalty(b))

    def by_degree(self, away: Array) -> dict[float, Array]:
        """Sums of the parts' pieces of one degree."""
        found: dict[float, Array] = {}
        for prior, columns in self.parts:
            for degree, piece in prior.by_degree(np.asarray(away)[..., columns]).items():
                found[degree] = found[degree] + piece if degree in found else piece
        return found

    def log_density(self, beta: Array) -> Array:
        """Sum of the parts' log densities."""
        return self._sum(beta, lambda prior, b: prior.log_density(b))

    def marginal_log_density(self, beta: Array) -> Array:
        """The parts' log densities by column."""
        each = np.zeros(np.shape(beta))
        for prior, columns in self.parts:
            each[..., columns] = prior.marginal_log_density(np.asarray(beta)[..., columns])
        return each

    def location(self, p: int) -> Array:
        """The parts' locations."""
        return self._join(p, lambda prior, c: prior.location(c.size))

    def rates(self, p: int) -> Array:
        """The parts' rates."""
        return self._join(p, lambda prior, c: prior.rates(c.size))

    def variance(self, p: int) -> Array:
        """The parts' variances."""
        return self._join(p, lambda prior, c: prior.variance(c.size))

    def nearest_subgradient(self, beta: Array, v: Array) -> Array:
        """The parts' nearest subgradients."""
        return self._join(beta.shape[-1], lambda prior, c: prior.nearest_subgradient(beta[..., c], v[..., c]))

    def at_kink(self, beta: Array) -> NDArray[np.bool_]:
        """The parts' kinks."""
        return self._join(np.shape(beta)[-1], lambda prior, c: prior.at_kink(beta[..., c])).astype(bool)

    def gauge(self, beta: Array, v: Array) -> Array:
        """The parts' gauges."""
        return self._join(beta.size, lambda prior, c: prior.gauge(beta[c], v[c]))

    def curvature(self, beta: Array) -> Array:
        """The parts' curvatures."""
        return self._join(np.shape(beta)[-1], lambda prior, c: prior.curvature(np.asarray(beta)[..., c]))

    def hessian(self, beta: Array, columns: NDArray[np.int_]) -> Array:
        """The parts' Hessians on the diagonal."""
        place = np.full(beta.size, -1)
        place[columns] = np.arange(columns.size)
        whole = np.zeros((columns.size, columns.size))
        for prior, own in self.parts:
            inside = np.flatnonzero(place[own] >= 0)
            at = place[own[inside]]
            whole[np.ix_(at, at)] = prior.hessian(beta[own], inside)
        return whole

    def blocks(self, p: int) -> NDArray[np.int_]:
        """The parts' blocks, numbered on."""
        labels, first = np.zeros(p, dtype=int), 0
        for prior, columns in self.parts:
            labels[columns] = prior.blocks(columns.size) + first
            first = int(labels[columns].max()) + 1
        return labels

    def kink(self, p: int) -> Kink:
        """The parts' kinks."""
        kinks = [prior.kink(columns.size) for prior, columns in self.parts]
        loc, rate = self._placed(p, [k.loc for k in kinks]), self._placed(p, [k.rate for k in kinks])
        return Kink(loc, rate, self.blocks(p))

    def prox(self, v: Array, step: float | Array) -> Array:
        """The parts' proximal points."""
        steps = np.broadcast_to(np.asarray(step, dtype=float), np.shape(v))
        return self._join(np.shape(v)[-1], lambda prior, c: prior.prox(np.asarray(v)[..., c], steps[..., c]))

    def conjugate(self, u: Array) -> Array:
        """The parts' conjugates."""
        return self._join(np.shape(u)[-1], lambda prior, c: prior.conjugate(np.asarray(u)[..., c]))

    def dual_gauge(self, u: Array) -> Array:
        """The parts' dual gauges."""
        return self._join(np.shape(u)[-1], lambda prior, c: prior.dual_gauge(np.asarray(u)[..., c]))

    def dual_projection(self, u: Array) -> Array:
        """The parts' projections."""
        return self._join(np.shape(u)[-1], lambda prior, c: prior.dual_projection(np.asarray(u)[..., c]))

    def elastic(self, p: int) -> Elastic | None:
        """The parts' rates, joined; None if a part has none."""
        forms = [prior.elastic(columns.size) for prior, columns in self.parts]
        known = [form for form in forms if form is not None]
        if len(known) < len(forms):
            return None
        l1, l2, loc = [f.l1 for f in known], [f.l2 for f in known], [f.loc for f in known]
        return Elastic(self._placed(p, l1), self._placed(p, l2), self._placed(p, loc))

    def tail(self, epsilon: Array) -> Array:
        """The parts' tails."""
        return self._join(epsilon.size, lambda prior, c: prior.tail(epsilon[c]))

    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """The parts' draws."""
        return self._join(p, lambda prior, c: prior.draw(rng, size, c.size))

    def mixing(self, beta: Array, rng: np.random.Generator) -> Array | None:
        """The parts' mixing precisions; None if a part has none."""
        pieces = [prior.mixing(np.asarray(beta)[..., columns], rng) for prior, columns in self.parts]
        return None if any(piece is None for piece in pieces) else self._placed(np.shape(beta)[-1], pieces)

    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """The parts' log densities."""
        import pytensor.tensor as pt

        scales = pt.zeros_like(beta) + scale
        joined = pt.zeros_like(beta)
        for prior, columns in self.parts:
            joined = joined[columns].set(prior.graph_log_density(beta[columns], scales[columns]))
        return joined

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add a CustomDist with the parts' log densities; an unknown scale multiplies its own part only."""
        unknown = self._join(
            sum(c.size for _, c in self.parts), lambda prior, c: np.full(c.size, prior.hyperprior is not None)
        )
        return custom_node(self, name, dims, factor, unknown.astype(bool))


def prior_by_column(mapping: Mapping[str, Prior], names: tuple[str, ...], terms: tuple[str, ...]) -> Stacked:
    """Return one prior from a mapping of column names, formula terms or patterns (`gene*`) to priors.

    A name takes precedence over a term, a term over a pattern, and any pattern over `*`, which stands for the rest.
    In a pattern `*` is any text and `?` any character; brackets, which names of columns have, stand for themselves.

    Raises
    ------
    ParameterError
        If a key matches no column, two patterns claim one, or a column is left without a prior.
    """
    for key, prior in mapping.items():
        if not isinstance(key, str) or not isinstance(prior, Prior):
            msg = f"prior[{key!r}] must be a name with a prior such as Laplace(scale=0.5) (got {prior!r})"
            raise ParameterError(msg)
        if not any(_rank(key, name, term) is not None for name, term in zip(names, terms, strict=True)):
            close = get_close_matches(key, [*names, *terms], n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f" (columns: {', '.join(names[:8])})"
            msg = f"prior: {key!r} matches no column{hint}"
            raise ParameterError(msg)
    owners = [_owner(mapping, name, term) for name, term in zip(names, terms, strict=True)]
    left = [name for name, owner in zip(names, owners, strict=True) if owner is None]
    if left:
        msg = f"prior: no prior for {', '.join(map(repr, left[:6]))}; name them, or add '*' for all others"
        raise ParameterError(msg)
    parts = [(prior, np.flatnonzero([owner == key for owner in owners])) for key, prior in mapping.items()]
    return Stacked(parts, list(mapping)).bind(names, terms)


def _owner(mapping: Mapping[str, Prior], name: str, term: str) -> str | None:
    """Return the key that takes precedence for a column; None where none matches."""
    ranked = [(rank, key) for key in mapping if (rank := _rank(key, name, term)) is not None]
    best = [key for rank, key in ranked if rank == min(ranked)[0]]
    if len(best) > 1:
        msg = f"prior: both {best[0]!r} and {best[1]!r} match column {name!r}; make one of them more specific"
        raise ParameterError(msg)
    return best[0] if best else None


def _rank(key: str, name: str, term: str) -> int | None:
    """0 for the column's name, 1 for its term, 2 for a pattern, 3 for `*`; None where the key does not match."""
    if key == name:
        return 0
    if key == term:
        return 1
    if key == "*":
        return 3
    return 2 if any(mark in key for mark in "*?") and fnmatchcase(name, key.replace("[", "[[]")) else None
