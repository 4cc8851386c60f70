"""The prior of the coefficients with everything else that it depends on averaged over: its scale, the noise's."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior, ScalePrior
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.samplers.inverse import InverseScale
from bayesreg.scales import LARGEST
from bayesreg.stacked import Stacked

STEP = 0.12
"""Between nodes of log scale: the trapezoid rule's error falls as exp(−c/step)."""

NEGLIGIBLE = 1e-14
"""Probability of a node that is left out."""

BISECTIONS, STEPS = 6, 60
"""Of a bracket of logarithms, and of regula falsi in what it leaves, at most."""

CLOSE = 1e-12


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScaleLaw:
    """A proper prior on a scale: its distribution function, inverted, and nodes with weights for means over it."""

    hyper: ScalePrior
    inverse: InverseScale

    @classmethod
    def of(cls, hyper: ScalePrior, owner: str) -> ScaleLaw:
        """The law of a proper prior.

        Raises
        ------
        ParameterError
            If it is improper: there is then nothing to average over.
        """
        if not hyper.proper:
            msg = f"{owner} has the improper prior {hyper}, which has no mean to take: give a number, or a proper prior"
            raise ParameterError(msg)
        with np.errstate(all="ignore"):
            return cls(hyper, InverseScale(hyper.log_density, 1.0))

    def draw(self, rng: np.random.Generator, size: int) -> Array:
        """Independent draws (size,)."""
        return np.clip(self.inverse.quantile(rng.random(size)), 1 / LARGEST, LARGEST)

    def nodes(self) -> Nodes:
        """The scales as multiples of STEP in their logarithm, with their probabilities."""
        ends = np.clip(self.inverse.edges[[0, -1]], -math.log(LARGEST), math.log(LARGEST))
        k = np.arange(math.ceil(ends[0] / STEP), math.floor(ends[1] / STEP) + 1)
        log_mass = self.hyper.log_density(np.exp(k * STEP)) + k * STEP
        mass = np.exp(log_mass - log_mass.max())
        return Nodes(int(k[0]), mass / mass.sum(), 1.0)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Factors `unit`·e^(k·STEP), k = `first`, `first` + 1, ..., with probabilities `mass`."""

    first: int
    mass: Array
    unit: float

    def times(self, other: Nodes) -> Nodes:
        """The product of two independent factors: the trapezoid rule's convolution."""
        return Nodes(self.first + other.first, np.convolve(self.mass, other.mass), self.unit * other.unit)

    def pairs(self) -> list[tuple[float, float]]:
        """Factors with the probabilities that count."""
        kept = np.flatnonzero(self.mass > NEGLIGIBLE)
        factors = np.clip(self.unit * np.exp((self.first + kept) * STEP), 1 / LARGEST, LARGEST)
        weights = self.mass[kept] / self.mass[kept].sum()
        return [(float(f), float(w)) for f, w in zip(factors, weights, strict=True)]


ONE = Nodes(0, np.ones(1), 1.0)


@final
@dataclass(frozen=True, slots=True, eq=False)
class PriorLaw:
    """The prior on the coefficients: probabilities by column, and draws.

    Parameters
    ----------
    problem : Problem
    unknown, known : tuple of (Prior, float)
        Priors of numbers alone whose mean, with these probabilities, is the prior of one column: of those that an
        unknown scale multiplies, and of the others.
    scale : ScaleLaw or None
        Of the prior's unknown scale.
    sigma : ScaleLaw, float or None
        Of the dispersion: averaged over, or held at a number; None where there is none.
    noise : str
        What `sigma` is, for the reader.
    """

    problem: Problem
    unknown: tuple[tuple[Prior, float], ...]
    known: tuple[tuple[Prior, float], ...]
    scale: ScaleLaw | None
    sigma: ScaleLaw | float | None
    noise: str

    @classmethod
    def of(cls, problem: Problem, sigma: float | str | None) -> PriorLaw:
        """The prior of a problem; `sigma` None averages over a proper prior of the dispersion, else see resolve_noise.

        Raises
        ------
        ParameterError
            If the prior's scale has an improper prior.
        FitError
            If the data leave no residual to estimate σ from.
        """
        dispersion, noise = _dispersion(problem, sigma)
        scale = _scale_law(problem.prior)
        return cls(problem, *_nodes(problem, scale, dispersion), scale, dispersion, noise)

    def with_prior(self, prior: Prior) -> PriorLaw:
        """The law of another prior, with the dispersion as it is."""
        problem, scale = self.problem.with_prior(prior), _scale_law(prior)
        return PriorLaw(problem, *_nodes(problem, scale, self.sigma), scale, self.sigma, self.noise)

    @property
    def unit(self) -> Prior:
        """The prior with an unknown scale at 1."""
        return self.problem.prior if self.scale is None else self.problem.prior.at(1.0)

    @property
    def proper(self) -> NDArray[np.bool_]:
        """Columns (p,) under a proper prior."""
        return np.isfinite(self.unit.variance(self.problem.p))

    @property
    def multiplied(self) -> NDArray[np.bool_]:
        """Columns (p,) that an unknown scale multiplies: by definition, whose variance goes with it."""
        if self.scale is None:
            return np.zeros(self.problem.p, dtype=bool)
        return np.asarray(self.problem.prior.at(2.0).variance(self.problem.p) != self.unit.variance(self.problem.p))

    @property
    def independent(self) -> bool:
        """Whether columns are independent of each other."""
        labels = self.unit.blocks(self.problem.p)
        return len(self.unknown) == len(self.known) == 1 and np.unique(labels).size == labels.size

    def tail(self, epsilon: Array) -> Array:
        """P(|β_j| > ε_j) of each column (p,); NaN where it is under an improper prior."""
        found = _mean_tail(self.known, epsilon)
        return found if self.scale is None else np.where(self.multiplied, _mean_tail(self.unknown, epsilon), found)

    def quantile(self, probability: float) -> Array:
        """m (p,) with P(|β_j| ≤ m_j) = `probability`; NaN where there is none."""
        prior, target = max(self.unknown, key=lambda node: node[1])[0], 1 - probability
        guess = np.sqrt(prior.variance(self.problem.p)) + np.abs(prior.location(self.problem.p))

        def excess(m: Array) -> Array:
            with np.errstate(divide="ignore"):
                return np.maximum(np.log(self.tail(m) / target), -10.0)

        return _crossing(excess, np.where(self.proper, guess, np.nan))

    def largest(self, unit: Array) -> float:
        """Median of max_j |β_j|·unit_j over the columns under a proper prior, where columns are independent."""
        moving = self.proper & (unit > 0)
        if not moving.any():
            return math.nan
        widest = float((self.quantile(0.5) * unit)[moving].max())

        def excess(m: Array) -> Array:
            with np.errstate(divide="ignore"):
                tails = self.tail(np.where(moving, m / np.where(moving, unit, 1.0), 1.0))[moving]
                return np.asarray([min(-math.log(2) - float(np.log1p(-tails).sum()), 10.0)])

        return float(_crossing(excess, np.array([widest]))[0])

    def draw(self, rng: np.random.Generator, size: int) -> tuple[Array, Array]:
        """Draws of β (size, p), 0 in columns under an improper prior, and of the dispersion (size,), 1 without one."""
        p, unit = self.problem.p, self.unit
        kept = np.flatnonzero(self.proper)
        beta = np.zeros((size, p))
        if kept.size:
            part = Stacked([(unit, p)]).proper()
            location = unit.location(p)[kept]
            away = part.draw(rng, size, kept.size) - location
            if self.scale is not None:
                away *= np.where(self.multiplied[kept], self.scale.draw(rng, size)[:, None], 1.0)
        sigma = self.sigma.draw(rng, size) if isinstance(self.sigma, ScaleLaw) else np.full(size, self.sigma or 1.0)
        if kept.size:
            beta[:, kept] = location + away * (sigma[:, None] if self.problem.scale_by_noise else 1.0)
        return beta, sigma


def _scale_law(prior: Prior) -> ScaleLaw | None:
    return None if prior.hyperprior is None else ScaleLaw.of(prior.hyperprior, "the prior's scale")


def _nodes(
    problem: Problem, scale: ScaleLaw | None, sigma: ScaleLaw | float | None
) -> tuple[tuple[tuple[Prior, float], ...], tuple[tuple[Prior, float], ...]]:
    """Priors with probabilities, for columns that an unknown scale multiplies and for the others."""
    noise = ONE
    if problem.scale_by_noise:
        assert sigma is not None
        noise = sigma.nodes() if isinstance(sigma, ScaleLaw) else Nodes(0, np.ones(1), sigma)
    unit = problem.prior if scale is None else problem.prior.at(1.0)

    def each(nodes: Nodes) -> tuple[tuple[Prior, float], ...]:
        return tuple((unit if factor == 1 else unit.rescaled(factor), weight) for factor, weight in nodes.pairs())

    known = each(noise)
    return (known if scale is None else each(noise.times(scale.nodes()))), known


def _dispersion(problem: Problem, sigma: float | str | None) -> tuple[ScaleLaw | float | None, str]:
    """What stands for the dispersion, and how that is said."""
    hyper, name = problem.likelihood.dispersion, problem.likelihood.dispersion_name
    if hyper is not None and hyper.proper and sigma is None:
        return ScaleLaw.of(hyper, str(name)), f"{name} averaged over its prior {hyper}"
    known = problem if problem.prior.hyperprior is None else problem.with_prior(problem.prior.at(1.0))
    noise = resolve_noise(known, sigma)
    if not noise.joint:
        return noise.sigma, noise.sentence
    value = fit_at(known, noise).sigma
    return value, f"{name} = {value:.6g}, {noise.sentence}"


def _mean_tail(nodes: tuple[tuple[Prior, float], ...], epsilon: Array) -> Array:
    return np.asarray(sum(weight * prior.tail(epsilon) for prior, weight in nodes))


def _crossing(fn: Callable[[Array], Array], guess: Array) -> Array:
    """Where a function of positive numbers (m,) that falls crosses 0, elementwise: regula falsi of the logarithm.

    An end that stays where it is counts for half as much (the Illinois rule), so that both come in.
    """
    start = np.log(guess)
    low, high = start - 46.0, start + 46.0
    above, below = fn(np.exp(low)), fn(np.exp(high))
    before = np.zeros(guess.shape)
    for step in range(BISECTIONS + STEPS):
        share = 0.5 if step < BISECTIONS else above / (above - below)
        middle = low + share * (high - low)
        value = fn(np.exp(middle))
        left = value > 0
        again = before == np.where(left, 1, -1)
        above, below = np.where(again & ~left, 0.5 * above, above), np.where(again & left, 0.5 * below, below)
        before = np.where(left, 1, -1)
        low, above = np.where(left, middle, low), np.where(left, value, above)
        high, below = np.where(left, high, middle), np.where(left, below, value)
        if not (np.minimum(np.abs(value), high - low) > CLOSE).any():
            break
    return np.asarray(np.exp(middle))
