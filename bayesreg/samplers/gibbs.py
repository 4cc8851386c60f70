"""Gibbs sampling from sufficient statistics: Gaussian noise × priors that are scale mixtures of normals.

The prior of each coefficient is normal given a precision d that has its own distribution (`Prior.mixing`; for a Laplace
prior 1/d is exponential).  A sweep draws, in this order,

    s | β           the prior's unknown scale, if any, with the precisions integrated out (`unknown_scale`)
    d | β, s        all precisions, independent of each other
    σ, β | d, s     from a normal distribution; σ with β integrated out where that matters (`kernels`)
    s | β/s, σ      the scale once more, now with the standardised coefficients held: where the centred step is slow
                    this one is fast (interweaving)

Many chains are advanced together, since a batch of small systems costs little more than one.  Chains are started in
groups, each group at one over-dispersed point, for nested R-hat.

References
----------
Andrews & Mallows (1974), JRSS B 36:99–102; Park & Casella (2008), JASA 103:681–686; Kyung, Gill, Ghosh & Casella
(2010), Bayesian Analysis 5:369–411; Yu & Meng (2011), J. Comput. Graph. Stat. 20:531–570 (interweaving); Margossian
et al. (2024), Bayesian Analysis (nested R-hat).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Prior, ScalePrior
from bayesreg.problem import Problem
from bayesreg.samplers.kernels import GramKernel, Kernel, Noise, RowKernel
from bayesreg.samplers.reduction import Reduction, far_off, reduce_problem, reduce_wide, unscaled_intercept
from bayesreg.samplers.settings import Draws, Layout, Settings
from bayesreg.samplers.sparse_updates import Collapsed
from bayesreg.samplers.unknown_scale import UnknownScale
from bayesreg.stacked import Stacked

TUNE, TUNE_HIERARCHICAL = 40, 200
"""Sweeps of warm-up."""

CROWDED = 0.25
"""Penalised coefficients, as a share of the rows, from which σ given them is drawn with them integrated out."""

FEW = 0.7
"""Rank of the root, as a share of the penalised coefficients, from which the smaller system costs less."""

REPORT = 20
"""Sweeps between two reports of progress."""


def refusal(problem: Problem) -> str:
    """Why the sampler does not apply; empty where it does."""
    if not problem.likelihood.quadratic:
        return "the likelihood is not Gaussian"
    if not is_mixture(problem):
        return "the prior is no scale mixture of normals"
    if not penalizes(problem):
        return "no coefficient has a proper prior"
    return unscaled_intercept(problem) or ("" if problem.p > problem.n else far_off(problem))


def is_mixture(problem: Problem) -> bool:
    """Whether given precisions every prior is normal."""
    prior = problem.prior if problem.prior.hyperprior is None else problem.prior.at(1.0)
    rng = np.random.default_rng(0)
    parts = [(prior, problem.p)] + ([] if problem.intercept is None else [(problem.intercept, 1)])
    return all(part.mixing(part.location(size), rng) is not None for part, size in parts)


def penalizes(problem: Problem) -> bool:
    """Whether any coefficient, or the intercept, has a proper prior."""
    prior = problem.prior if problem.prior.hyperprior is None else problem.prior.at(1.0)
    parts = [(prior, problem.p)] + ([] if problem.intercept is None else [(problem.intercept, 1)])
    return any(np.isfinite(part.variance(size)).any() for part, size in parts)


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return Gibbs draws; an interrupt keeps those already made."""
    sampler = gaussian_sampler(problem)
    tune = (TUNE if sampler.mixture.hyper is None else TUNE_HIERARCHICAL) if settings.tune is None else settings.tune
    return sampler.run(settings.layout(sampler.chains), tune, settings)


def gaussian_sampler(problem: Problem) -> Gibbs:
    """The sampler of a problem with Gaussian noise, from its sufficient statistics, or from rows fewer than columns."""
    known, mixture = problem.likelihood.sigma_known, Mixture.of(problem)
    if problem.p > problem.n:
        reduced = reduce_wide(problem, mixture.whole)
    else:
        m = problem.moments()
        reduced = reduce_problem(problem, mixture.whole, m)
    unit = reduced.unit
    # A prior in units of a known σ is a plain one.
    noise = Noise(problem.likelihood.dispersion, problem.scale_by_noise and known is None, unit, reduced.freedom)
    return Gibbs(mixture, reduced, noise, None if known is None else known / unit)


def path_sampler(problem: Problem, doubled: Problem) -> Gibbs:
    """The sampler of a problem under its prior at any scale (`Gibbs.run` with `scale`), for one look at the data.

    `doubled` is the problem under the prior at scale 2: entries whose variance differs from that are the ones that a
    scale multiplies.
    """
    made = gaussian_sampler(problem)
    size = len(problem.labels)
    one, two = (_at_unit_noise(each).penalty_prior.variance(size) for each in (problem, doubled))
    made.mixture = replace(made.mixture, unknown=(one != two)[made.reduced.held])
    return made


def _at_unit_noise(problem: Problem) -> Problem:
    known = problem.likelihood.sigma_known
    return problem.at(1.0 if known is None else known) if problem.scale_by_noise else problem


@final
@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """The prior on the penalised entries of θ as normals with random precisions, times the unknown scale's prior.

    Parameters
    ----------
    whole : Stacked
        The prior on all of θ (K,), with its unknown scale at 1, and an unknown σ at 1 where it is in its units.
    prior : Prior
        The same on the penalised entries (k,).
    hyper : ScalePrior or None
        Prior of the unknown scale.
    unknown : array of bool (k,)
        Entries that the unknown scale multiplies; or one that is known and differs from run to run (`path_sampler`).
    location : array (k,)
    start : float
        Where the unknown scale starts.
    """

    whole: Stacked
    prior: Prior
    hyper: ScalePrior | None
    unknown: NDArray[np.bool_]
    location: Array
    start: float

    @classmethod
    def of(cls, problem: Problem) -> Mixture:
        """Return the mixture of a problem's prior."""
        hyper = problem.prior.hyperprior
        unit = problem if hyper is None else problem.with_prior(problem.prior.at(1.0))
        fixed = _at_unit_noise(unit)
        size = len(problem.labels)
        unknown = np.zeros(size, dtype=bool)
        if hyper is not None:  # by definition: the entries whose variance goes with the scale
            unknown[problem.positions] = problem.prior.at(2.0).variance(problem.p) != unit.prior.variance(problem.p)
        # A size that lets the coefficients together move η by about its own scale.
        start = (1.0 if problem.scale_by_noise else problem.response_sd() or 1.0) / math.sqrt(max(problem.p, 1))
        whole = fixed.penalty_prior
        proper = whole.proper()
        held = np.isfinite(whole.variance(size))
        return cls(whole, proper, hyper, unknown[held], proper.location(int(held.sum())), start)


@final
@dataclass(slots=True, eq=False)
class State:
    """Where the chains are: δ (C, k), σ (C,) and the prior's scale s (C,)."""

    delta: Array
    sigma: Array
    scale: Array


@final
@dataclass(slots=True, eq=False)
class Gibbs:
    """A Gibbs sampler of one quadratic likelihood under one mixture; `last` is where its chains have ended."""

    mixture: Mixture
    reduced: Reduction
    noise: Noise
    sigma_known: float | None
    kernel: Kernel = field(init=False)
    scale: UnknownScale | None = field(init=False, default=None)
    last: State | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Choose the form of the normal draw."""
        r, noise, m = self.reduced, self.noise, self.mixture
        if m.hyper is not None:
            self.scale = UnknownScale(m.prior, m.hyper, m.unknown, m.start)
        crowded = noise.hyper is not None and not noise.scaled and r.held.size > CROWDED * (noise.freedom + 1)
        few = r.root.shape[0] < FEW * r.held.size
        if r.gram is not None and not crowded and not few:
            self.kernel = GramKernel(r, noise)
            return
        elastic = m.prior.elastic(r.held.size)
        one = None if elastic is None else Collapsed.of(elastic.l1, elastic.l2)
        self.kernel = RowKernel(r, noise, one)

    @property
    def chains(self) -> int:
        """Chains that are worth advancing together: the more, the less a sweep of one has to do."""
        if isinstance(self.kernel, RowKernel):
            return 16
        k = self.reduced.held.size
        return 64 if k <= 24 else 32 if k <= 100 else 16

    @property
    def independent(self) -> bool:
        """Whether sweeps are independent of each other: σ known and every prior normal."""
        elastic = self.mixture.prior.elastic(self.reduced.held.size)
        return self.noise.hyper is None and self.mixture.hyper is None and elastic is not None and not elastic.l1.any()

    def run(self, layout: Layout, tune: int, settings: Settings, thin: int = 1, start: State | None = None) -> Draws:
        """Warm up, draw, and return every `thin`-th sweep; from over-dispersed points, unless chains are to go on."""
        rng = settings.generator()
        r = self.reduced
        shape = (layout.chains, layout.draws)
        delta, sigma, scale = np.empty((*shape, r.held.size)), np.empty(shape), np.empty(shape)
        size = np.zeros(r.held.size)
        done, total = 0, (tune + thin * layout.draws) * layout.chains
        try:
            state = self.start(layout, rng) if start is None else start
            for sweep in range(tune + thin * layout.draws):
                self._sweep(state, rng)
                if sweep < tune:
                    size += np.abs(state.delta / self._factor(state)).mean(axis=0)
                    if sweep + 1 == (tune + 1) // 2:
                        self.kernel.watch(size / (sweep + 1))
                elif (sweep - tune + 1) % thin == 0:
                    delta[:, done], sigma[:, done], scale[:, done] = state.delta, state.sigma, state.scale
                    done += 1
                if settings.progress is not None and (sweep + 1) % REPORT == 0:
                    settings.progress((sweep + 1) * layout.chains, total)
        except KeyboardInterrupt:
            settings.check_some(done)
        self.last = state
        kept = delta[:, :done].reshape(-1, r.held.size), sigma[:, :done].reshape(-1)
        theta = r.complete(*kept, rng).reshape(layout.chains, done, -1)
        return Draws(
            theta,
            None if self.noise.hyper is None else sigma[:, :done] * r.unit,
            {} if self.mixture.hyper is None else {"beta_scale": scale[:, :done].copy()},
            interrupted=done < layout.draws,
            superchains=layout.superchains,
        )

    def start(self, layout: Layout, rng: np.random.Generator, known: float = 1.0) -> State:
        """Over-dispersed points, one for each group of chains: a ridge posterior under precisions drawn around.

        `known` is the scale of the prior, where that is not unknown.
        """
        r, groups = self.reduced, layout.superchains or layout.chains
        spread = math.sqrt(r.rss(np.zeros(r.held.size)) / max(self.noise.freedom, 1.0)) or 1.0
        sigma = spread * np.exp(rng.uniform(-1.0, 0.0, groups))
        if self.sigma_known is not None:
            sigma = np.full(groups, self.sigma_known)
        scale = np.full(groups, known)
        if self.mixture.hyper is not None:
            scale = self.mixture.start * np.exp(rng.normal(size=groups))
        state = State(np.zeros((groups, r.held.size)), sigma, scale)
        variance = self.mixture.prior.variance(r.held.size)
        factor = self._factor(state)
        precision = np.exp(rng.normal(size=state.delta.shape)) / (variance * factor**2)
        state.delta, state.sigma = self.kernel.draw(precision, factor, sigma, rng)
        repeats = layout.chains // groups
        return State(*(np.repeat(part, repeats, axis=0) for part in (state.delta, state.sigma, state.scale)))

    def _factor(self, state: State) -> Array:
        """What the scales of the priors are multiplied by, (C, k) or (): of δ, or of δ/σ under a noise-scaled prior."""
        unit = 1.0 if self.noise.scaled else self.reduced.unit
        if not self.mixture.unknown.any():
            return np.asarray(1 / unit)
        return np.where(self.mixture.unknown, state.scale[:, None], 1.0) / unit

    def _standard(self, state: State, factor: Array) -> Array:
        """Deviations (C, k) from the prior's location in units of its scales' factors."""
        unit = state.sigma[:, None] if self.noise.scaled else 1.0
        return np.asarray(state.delta / (unit * factor))

    def _sweep(self, state: State, rng: np.random.Generator) -> None:
        mixture = self.mixture
        if self.scale is not None:
            state.scale = self.scale.centred(self._standard(state, self._factor(state)), state.scale, rng)
        factor = self._factor(state)
        mixed = mixture.prior.mixing(mixture.location + self._standard(state, factor), rng)
        assert mixed is not None
        state.delta, state.sigma = self.kernel.draw(mixed / factor**2, factor, state.sigma, rng)
        if self.scale is not None:
            moved = self.scale.interwoven(self.reduced, state.delta, state.sigma, state.scale, rng)
            state.delta, state.scale = moved
