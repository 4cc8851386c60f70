"""Draws under a quadratic stand-in for the likelihood, corrected by importance weights.

    1. q(θ) = −½(θ − m)ᵀH(θ − m) − gᵀ(θ − m) replaces the log-likelihood; the prior stays as it is, kinks included.
       At first m is the mode, g and H the gradient and Hessian of −log-likelihood there.
    2. Rounds of a few draws refit it: m their mean, g and H the *averages* of gradient and Hessian over them.  The
       fixed point minimises the divergence KL(stand-in ‖ posterior) (Opper & Archambeau), whose weights are more even.
    3. Gibbs or exact draws under the stand-in (`gibbs`), which never look at the rows.
    4. One pass over the rows gives the log-likelihood of all draws; weights exp(log-likelihood − q) are smoothed
       (PSIS), judged (k-hat ≤ 0.7, or the method is refused), and used up by resampling.

Where the weights' tail is heavy the stand-in is tempered, q/τ, which widens it.  Resampling is systematic along the
chains, so that a draw taken twice is followed by itself: R-hat and ESS of the result then see autocorrelation and
weights both.

References
----------
Opper & Archambeau (2009), Neural Comput. 21:786–792; Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72) (PSIS);
Kitagawa (1996), J. Comput. Graph. Stat. 5:1–25 (systematic resampling).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from bayesreg.convergence import assess
from bayesreg.descent import minimise
from bayesreg.importance import MAX_KHAT, smoothed
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers.gibbs import TUNE, TUNE_HIERARCHICAL, Gibbs, Mixture, State, is_mixture, penalizes
from bayesreg.samplers.kernels import Noise
from bayesreg.samplers.reduction import reduce_gram
from bayesreg.samplers.settings import Draws, Layout, Refused, Settings

GOOD_KHAT = 0.5
"""k-hat above which the weights are no basis for anything, and below which they have a variance."""

LEAST_SHARE = 0.1
"""Effective share of the draws returned, in the bulk and in the tail, below which another method costs less."""

TEMPERS = (1.0, 1.3, 1.7)

ROUNDS, REPLACED = 10, 4
"""Rounds, and how many of them replace the stand-in before they are averaged."""

SWEEPS = 6
"""Sweeps for each draw returned, under the stand-in."""

POOL_CELLS = 1 << 25
"""Rows × sweeps up to which every sweep is weighed, and draws resampled from all; beyond, every sixth."""

PILOT, PILOT_CHAINS, PILOT_TUNE = 512, 64, 12
"""Draws of a round (fewer where there are many rows), on how many chains, after how many sweeps; four times as many in
the first round where a scale is unknown.  Later rounds go on from where the chains are."""

PILOT_CELLS = 1 << 23
"""Rows × draws of a round."""

FITTED, UNFIT = 0.02, 0.6
"""Variance of the log weights, in nats², at which a stand-in needs no further round, and above which after all rounds
it is given up: `hmc` then costs less.  Logistic lasso, 569 × 30: 0.02 at a prior scale of 0.05, 0.14 at 0.2, 0.4 at
0.5, 1.0 at 1, 1.6 at 3."""

LARGEST = 2000
"""Columns up to which the Hessian is decomposed in every round."""


def refusal(problem: Problem) -> str:
    """Why the sampler does not apply; empty where it does, though the weights may still refuse it."""
    likelihood = problem.likelihood
    if likelihood.quadratic:
        return "Gaussian noise needs no stand-in"
    if likelihood.dispersion is not None:
        return f"{likelihood.dispersion_name} is unknown"
    if not likelihood.convex:
        return "the likelihood is not log-concave"
    if not is_mixture(problem):
        return "the prior is no scale mixture of normals"
    if not penalizes(problem):
        return "no coefficient has a proper prior"
    if problem.p > LARGEST:
        return f"{problem.p} columns are too many for a Hessian in every round"
    return ""


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return resampled draws.

    Raises
    ------
    Refused
        If the stand-in fits too ill, under every tempering k-hat exceeds 0.7, or the draws count for less than a
        tenth of their number.
    """
    known = problem.likelihood.sigma_known
    work = problem if known is None else problem.at(known)
    mixture = Mixture.of(work)
    pilots, final = settings.seed.spawn(2)
    model, rounds = _fitted(work, mixture, np.random.default_rng(pilots))
    tune = (TUNE if mixture.hyper is None else TUNE_HIERARCHICAL) if settings.tune is None else settings.tune
    tried: list[_Weighted] = []
    sampler = model.sampler(work, mixture, 1.0)
    layout = settings.layout(sampler.chains)
    pooled = work.n * layout.chains * layout.draws * SWEEPS <= POOL_CELLS
    thin = 1 if pooled or sampler.independent else SWEEPS
    # Chains are short where their sweeps are few, however many draws are taken from them.
    wide = replace(settings, draws=settings.draws * SWEEPS).layout(sampler.chains) if pooled else layout
    length = -(-wide.draws // SWEEPS) if pooled else layout.draws
    start: State | None = None
    for seed, temper in zip(final.spawn(len(TEMPERS)), TEMPERS, strict=True):
        sampler = model.sampler(work, mixture, temper)
        draws = sampler.run(wide, tune, replace(settings, seed=seed), thin, start)
        start, tune = sampler.last, min(tune, TUNE)  # a little wider, and the chains have long been at rest
        tried.append(_weigh(work, model, temper, draws, rounds))
        if tried[-1].khat <= GOOD_KHAT or draws.interrupted:
            break
    best = min(tried, key=lambda one: one.khat)
    result = best.resampled(length, np.random.default_rng(final))
    found = assess(result.theta)
    share = float(min(found.bulk.min(), found.tail.min())) / (wide.chains * length)
    if not (best.khat <= MAX_KHAT and (share >= LEAST_SHARE or result.interrupted)):
        msg = (
            f"importance weights of the quadratic stand-in have k-hat = {best.khat:.2f} (at most {MAX_KHAT}) and leave "
            f"{share:.0%} of the draws (at least {LEAST_SHARE:.0%})"
        )
        raise Refused(msg)
    return result


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """−log-likelihood ≈ ½θᵀHθ + cᵀθ, `hessian` H and `slope` c."""

    hessian: Array
    slope: Array

    @classmethod
    def at(cls, centre: Array, gradient: Array, hessian: Array) -> _Model:
        """The quadratic with this gradient and Hessian at a point."""
        return cls(hessian, gradient - hessian @ centre)

    def mixed(self, other: _Model, share: float) -> _Model:
        """The average, `other` counting for a share of it."""
        return _Model(
            (1 - share) * self.hessian + share * other.hessian, (1 - share) * self.slope + share * other.slope
        )

    def __call__(self, thetas: Array) -> Array:
        return np.asarray(0.5 * np.einsum("ij,ij->i", thetas @ self.hessian, thetas) + thetas @ self.slope)

    def sampler(self, work: Problem, mixture: Mixture, temper: float) -> Gibbs:
        """The sampler of exp(−model/temper) × prior."""
        location = mixture.whole.location(self.slope.size)
        score = -self.slope - self.hessian @ location
        reduced = reduce_gram(self.hessian / temper, score / temper, location, mixture.whole, work.labels)
        return Gibbs(mixture, reduced, Noise(None, scaled=False, unit=1.0, freedom=0.0), 1.0)


def _fitted(work: Problem, mixture: Mixture, rng: np.random.Generator) -> tuple[_Model, int]:
    """The stand-in after as many rounds as it takes, and their number.

    The first rounds replace it; later ones are averaged, so that the few draws of a round do not show in its shape.
    """
    fixed = work if mixture.hyper is None else work.with_prior(work.prior.at(mixture.start))
    mode, _ = minimise(fixed)
    model = _Model.at(mode, work.gradient(mode), work.curvature(mode))
    tune, start = PILOT_TUNE if mixture.hyper is None else 4 * PILOT_TUNE, None
    size = int(np.clip(PILOT_CELLS // work.n, PILOT_CHAINS, PILOT))
    layout = Layout(PILOT_CHAINS, size // PILOT_CHAINS, None)
    spreads: list[float] = []
    for done in range(ROUNDS):
        settings = Settings(layout.draws, layout.chains, tune, np.random.SeedSequence(int(rng.integers(2**63))))
        sampler = model.sampler(work, mixture, 1.0)
        points = sampler.run(layout, tune, settings, start=start).theta
        points, start, tune = points.reshape(-1, points.shape[2]), sampler.last, PILOT_TUNE
        nll, gradient, hessian = work.expected_model(points)
        spreads.append(float(np.var(nll - model(points))))
        if spreads[-1] <= FITTED:
            return model, done + 1
        model = model.mixed(_Model.at(points.mean(axis=0), gradient, hessian), 1 / max(1, done + 1 - REPLACED))
    if np.mean(spreads[-3:]) > UNFIT:
        msg = (
            f"after {ROUNDS} rounds the log weights of the quadratic stand-in still have a variance of "
            f"{np.mean(spreads[-3:]):.2f} nats² (at most {UNFIT})"
        )
        raise Refused(msg)
    return model, ROUNDS


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Weighted:
    """Draws with their normalised weights (chain-major)."""

    draws: Draws
    weights: Array
    khat: float
    temper: float
    rounds: int

    def resampled(self, most: int, rng: np.random.Generator) -> Draws:
        """At most `most` draws a chain, each draw taken in proportion to its weight."""
        chains, found, k = self.draws.theta.shape
        length = min(most, found)
        size = chains * length
        points = (np.arange(size) + rng.random()) / size
        index = np.minimum(np.searchsorted(np.cumsum(self.weights), points, side="right"), self.weights.size - 1)

        def taken(values: Array) -> Array:
            return np.asarray(values.reshape(-1)[index].reshape(chains, length))

        return replace(
            self.draws,
            theta=self.draws.theta.reshape(-1, k)[index].reshape(chains, length, k),
            extra={name: taken(values) for name, values in self.draws.extra.items()},
            attrs={"khat": self.khat, "tempering": self.temper, "rounds": self.rounds},
        )


def _weigh(work: Problem, model: _Model, temper: float, draws: Draws, rounds: int) -> _Weighted:
    """Weigh draws under exp(−model/temper) for the posterior."""
    points = draws.theta.reshape(-1, draws.theta.shape[2])
    found = smoothed(model(points) / temper - work.nll_each(points))
    return _Weighted(draws, found.weights, found.khat, temper, rounds)
