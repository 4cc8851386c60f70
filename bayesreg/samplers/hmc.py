"""Hamiltonian Monte Carlo in NumPy: many chains advanced together, for any likelihood and prior with a gradient.

Chains move in whitened coordinates z, θ = centre + Lz: L first from the curvature at the mode (a Laplace prior, which
has a kink and no curvature, counts with its variance), then, in windows of the warm-up, from the pooled moments of all
chains.  A gradient for all chains is two matrix products over the rows.  Trajectories have random lengths, the same for
all chains at a time (van der Corput), and one step size, adapted to the acceptance averaged over the chains (dual
averaging).

Under a kinked prior the force is not the gradient but that of a rounded kink, rate·d/√(‖d‖² + δ²) for rate·d/‖d‖ with
d = β − μ.  Any force makes a leapfrog that is reversible and keeps volume, and the energy that decides on acceptance
is the true one, so that the posterior is exact; a step across a rounded kink misses by less.

Chains are started in groups, each at one point, for nested
R-hat.

References
----------
Neal (2011), Handbook of MCMC, ch. 5; Hoffman & Gelman (2014), JMLR 15:1593–1623 (dual averaging); Hoffman, Radul &
Sountsov (2021), AISTATS (many chains, one jittered trajectory length); Margossian et al. (2024), Bayesian Analysis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.descent import minimise
from bayesreg.interfaces import Array, Elastic, Prior
from bayesreg.problem import Problem
from bayesreg.samplers.settings import Draws, Layout, Settings

CHAINS, TUNE = 64, 200

WINDOWS = (0.15, 0.35, 0.65)
"""Shares of the warm-up at whose ends the coordinates are whitened again."""

LENGTH = 2.0
"""Mean length of a trajectory in whitened units; for a normal target a quarter of a period is π/2."""

MOST_STEPS = 32
ACCEPT = 0.8
"""Mean acceptance.

Measured on a logistic lasso (569 × 30; prior scale 0.2 | 1 | 3), effective draws a second, warm-up included: at length
1.5 and acceptance 0.7 1281 | 2690 | 2285, at 0.8 1321 | 2608 | 2492; at length 2 and 0.7 1436 | 2302 | 2645, at 0.8
1378 | 2854 | 2961; by an earlier measure, length 1 is behind, and 2.6 level with 2."""

WIDTH = 0.1
"""δ·rate of a rounded kink.  On the same data (prior scale 0.2 | 1 | 3), effective draws a second with kinks as they
are 617 | 1341 | 1832; rounded by 0.02 998 | 2054 | 2655, by 0.1 1476 | 3153 | 3136, by 0.3 1604 | 3086 | 2494; with
the prior's mixing precisions drawn before each trajectory, which leaves no kink, 244 | 1025 | 1309."""

DIVERGENT = 1000.0
"""Energy error, in nats, from which a trajectory counts as divergent."""

REPORT = 10
"""Iterations between two reports of progress."""


def refusal(problem: Problem) -> str:
    """Why the sampler does not apply; empty where it does."""
    if problem.likelihood.dispersion is not None:
        return f"{problem.likelihood.dispersion_name} is unknown"
    if problem.prior.hyperprior is not None:
        return "the prior's scale is itself unknown"
    return ""


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return HMC draws; an interrupt keeps those already made."""
    known = problem.likelihood.sigma_known
    work = problem if known is None else problem.at(known)
    layout = settings.layout(CHAINS)
    tune = TUNE if settings.tune is None else settings.tune
    return Chains.started(work, layout, settings.generator()).run(layout, tune, settings)


@final
@dataclass(slots=True, eq=False)
class StepSize:
    """Dual averaging of log ε towards a mean acceptance."""

    step: float
    start: float = field(init=False)
    error: float = 0.0
    average: float = 0.0
    count: int = 0

    def __post_init__(self) -> None:
        """Remember where it began."""
        self.start = math.log(10 * self.step)

    def update(self, accepted: float) -> None:
        """Learn from one iteration."""
        self.count += 1
        weight = 1 / (self.count + 10)
        self.error += weight * (ACCEPT - accepted - self.error)
        log_step = self.start - math.sqrt(self.count) / 0.05 * self.error
        share = self.count**-0.75
        self.average += share * (log_step - self.average)
        self.step = math.exp(log_step)

    def settle(self) -> None:
        """Take the average from now on."""
        if self.count:
            self.step = math.exp(self.average)


@final
@dataclass(frozen=True, slots=True, eq=False)
class RoundedSlope:
    """Slope of a penalty whose terms rate‖β_g − loc_g‖₂ have their kinks rounded; a rate of ∞ is left as it is.

    `columns` (m,) are those with a kink, `loc` and `rate` (m,) theirs, and `members` (m, groups) says which group each
    is in, None where each is alone.  `elastic` is the penalty's form, if it is one with all columns alone.
    """

    prior: Prior
    elastic: Elastic | None
    columns: NDArray[np.int_]
    loc: Array
    rate: Array
    members: Array | None

    @classmethod
    def of(cls, prior: Prior, size: int) -> RoundedSlope:
        """The rounded slope of a prior on so many columns."""
        kink = prior.kink(size)
        columns = np.flatnonzero((kink.rate > 0) & np.isfinite(kink.rate))
        groups = np.unique(kink.blocks[columns])
        members = None if groups.size == columns.size else (kink.blocks[columns, None] == groups).astype(float)
        return cls(prior, prior.elastic(size), columns, kink.loc[columns], kink.rate[columns], members)

    def __call__(self, theta: Array) -> Array:
        """Slope (C, k) at θ."""
        if self.elastic is not None:  # the same in fewer passes over the chains
            away = theta - self.elastic.loc
            return away * (2 * self.elastic.l2 + self._inverse(away**2, self.elastic.l1))
        slope = self.prior.nearest_subgradient(theta, np.zeros_like(theta))
        away = theta[:, self.columns] - self.loc
        squares = away**2 if self.members is None else (away**2 @ self.members) @ self.members.T
        sharp = np.divide(self.rate, np.sqrt(squares), out=np.zeros_like(squares), where=squares > 0)
        slope[:, self.columns] += away * (self._inverse(squares, self.rate) - sharp)
        return slope

    @staticmethod
    def _inverse(squares: Array, rate: Array) -> Array:
        """rate/√(squares + δ²), δ = WIDTH/rate."""
        return np.asarray(rate**2 / np.sqrt(rate**2 * squares + WIDTH**2))


@final
@dataclass(slots=True, eq=False)
class Chains:
    """Chains at z (C, k), with J and its gradient there; θ = centre + z rootᵀ.

    `total` (C,) is J plus the kinetic energy ‖momentum‖²/2 with which each chain arrived: the Hamiltonian.
    """

    work: Problem
    centre: Array
    root: Array
    z: Array
    rng: np.random.Generator
    pull: RoundedSlope = field(init=False)
    value: Array = field(init=False)
    slope: Array = field(init=False)
    total: Array = field(init=False)

    def __post_init__(self) -> None:
        """Evaluate where the chains are."""
        self.pull = RoundedSlope.of(self.work.penalty_prior, self.centre.size)
        self.slope, self.value = self.force(self.z), self.energy(self.z)
        self.total = self.value  # at rest

    @classmethod
    def started(cls, work: Problem, layout: Layout, rng: np.random.Generator) -> Chains:
        """Chains about the mode, half as far again as the normal approximation reaches; each group at one point."""
        mode, _ = minimise(work)
        precision = work.curvature(mode, majorized=True) + np.diag(1 / work.penalty_prior.variance(mode.size))
        groups = layout.superchains or layout.chains
        points = np.repeat(1.5 * rng.standard_normal((groups, mode.size)), layout.chains // groups, axis=0)
        return cls(work, mode, np.linalg.inv(np.linalg.cholesky(precision)).T, points, rng)

    def theta(self, z: Array) -> Array:
        """θ (C, k) at z."""
        return np.asarray(self.centre + z @ self.root.T)

    def energy(self, z: Array) -> Array:
        """J (C,) at z."""
        theta = self.theta(z)
        return np.asarray(self.work.nll_each(theta) + self.work.penalty_prior.penalty(theta))

    def force(self, z: Array) -> Array:
        """Gradient (C, k) in z of J with its kinks rounded."""
        theta = self.theta(z)
        return np.asarray((self.work.gradient_each(theta) + self.pull(theta)) @ self.root)

    def leapfrog(self, z: Array, momentum: Array, slope: Array, step: float, steps: int) -> tuple[Array, Array, Array]:
        """Return z, momentum and slope after so many steps."""
        momentum = momentum - 0.5 * step * slope
        for i in range(steps):
            z = z + step * momentum
            slope = self.force(z)
            momentum = momentum - (step if i + 1 < steps else 0.5 * step) * slope
        return z, momentum, slope

    def move(self, step: float, steps: int) -> tuple[Array, Array]:
        """One trajectory of every chain; return acceptance probabilities and energy errors (C,)."""
        momentum = self.rng.standard_normal(self.z.shape)
        # A trajectory that runs off leaves the range of doubles: its energy is then not finite, and it is refused.
        with np.errstate(over="ignore", invalid="ignore"):
            z, last, slope = self.leapfrog(self.z, momentum, self.slope, step, steps)
            value = self.energy(z)
            start, end = (0.5 * (v**2).sum(axis=1) for v in (momentum, last))
            error = value - self.value + end - start
        error = np.where(np.isfinite(error) & np.isfinite(slope).all(axis=1), error, np.inf)
        accept = np.exp(-np.maximum(error, 0.0))
        taken = self.rng.random(len(z)) < accept
        self.z = np.where(taken[:, None], z, self.z)
        self.slope = np.where(taken[:, None], slope, self.slope)
        self.value = np.where(taken, value, self.value)
        self.total = self.value + np.where(taken, end, start)
        return accept, error

    def whiten(self, points: Array) -> None:
        """Take new coordinates from θ (m, k) of all chains; the chains stay where they are."""
        theta = self.theta(self.z)
        covariance = np.cov(points, rowvar=False).reshape(self.centre.size, -1)
        if not np.diag(covariance).min(initial=np.inf) > 0:
            return  # every move of a short window was refused: nothing is known that was not before
        size = points.shape[0] / 10  # draws of a window are correlated: their number overstates what is known
        shrunk = size / (size + self.centre.size)
        covariance = shrunk * covariance + (1 - shrunk) * np.diag(np.diag(covariance))
        self.centre, self.root = points.mean(axis=0), np.linalg.cholesky(covariance)
        self.z = np.linalg.solve(self.root, (theta - self.centre).T).T
        self.slope = self.force(self.z)

    def run(self, layout: Layout, tune: int, settings: Settings) -> Draws:
        """Warm up, draw, and return what was drawn."""
        shape = (layout.chains, layout.draws)
        theta = np.empty((*shape, self.centre.size))
        stats = {name: np.empty(shape) for name in ("lp", "energy", "acceptance_rate", "n_steps", "step_size")}
        stats["diverging"] = np.zeros(shape, dtype=bool)
        size = StepSize(0.5 * self.centre.size**-0.25)
        ends = {max(2, round(share * tune)) for share in WINDOWS} if tune >= 20 else set()
        window: list[Array] = []
        done = 0
        try:
            for i in range(tune + layout.draws):
                if i == tune:
                    size.settle()
                steps = int(np.clip(math.ceil(LENGTH * (0.5 + van_der_corput(i)) / size.step), 1, MOST_STEPS))
                accept, error = self.move(size.step, steps)
                if i < tune:
                    size.update(float(accept.mean()))
                    window.append(self.theta(self.z))
                    if i + 1 in ends:
                        self.whiten(np.concatenate(window))
                        window, size = [], StepSize(math.exp(size.average))
                else:
                    theta[:, done] = self.theta(self.z)
                    self._note(stats, done, accept, error, steps, size.step)
                    done += 1
                if settings.progress is not None and (i + 1) % REPORT == 0:
                    settings.progress((i + 1) * layout.chains, (tune + layout.draws) * layout.chains)
        except KeyboardInterrupt:
            settings.check_some(done)
        return Draws(
            theta[:, :done].copy(),
            None,
            stats={name: values[:, :done].copy() for name, values in stats.items()},
            interrupted=done < layout.draws,
            superchains=layout.superchains,
        )

    def _note(self, stats: dict[str, Array], at: int, accept: Array, error: Array, steps: int, step: float) -> None:
        stats["lp"][:, at] = -self.value
        stats["energy"][:, at] = self.total
        stats["acceptance_rate"][:, at] = accept
        stats["n_steps"][:, at] = steps
        stats["step_size"][:, at] = step
        stats["diverging"][:, at] = error > DIVERGENT


def van_der_corput(i: int) -> float:
    """The i-th point (i ≥ 0) of the van der Corput sequence in base 2, in (0, 1)."""
    value, share, i = 0.0, 0.5, i + 1
    while i:
        value += share * (i % 2)
        i, share = i // 2, share / 2
    return value
