"""Draws at one scale of the path, by whichever sampler applies, and whether they have come to rest.

A chain of a fit goes on from where it ended at the fit before, with a few sweeps of warm-up; that they are enough is
tested, not assumed:

    halves    the second half of every chain against its first: a chain still on its way moves in one direction
    starts    chains by where they started, a group each: at the first fit four over-dispersed points; at every so
              manieth, and at the last, two such points for one half of the chains, which are warmed up in full,
              against the other half, which has come along the path

both as F tests on chains' means of every coefficient and of d log p(β | s)/d log s, in which a lag behind s shows most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc

from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers import Plan, prepare
from bayesreg.samplers.conjugate import Exact
from bayesreg.samplers.gibbs import TUNE, Gibbs, State, path_sampler
from bayesreg.samplers.kernels import RowKernel
from bayesreg.samplers.settings import SUPERCHAINS, Draws, Interrupted, Layout, Settings
from bayesreg.sampling_path.tilt import Tilt
from bayesreg.scale_family import ScaleFamily

WARM, MEMORY = 6, 1.5
"""Sweeps of warm-up from where the chains ended at the fit before: at least so many, and so many for each sweep that an
effective draw of the slowest coefficient took there."""

ROW_CHAINS = 32
"""Chains of a path where a sweep's cost is mostly the rows' products, which are read once for all chains: at 100 × 1000
a sweep of 16 takes 10 ms, one of 32 13 ms."""

LEVEL = 1e-5
"""Probability, over all quantities of a fit, at which a test of convergence fails by chance: a path has a hundred."""

MAX_RHAT = 1.05
"""R-hat of fits by samplers that start afresh at every scale.  With 4 groups of chains and as few as 100 effective
draws chance alone puts it at √(1 + 8/100) = 1.04 for the worst of some coefficients."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Draws at log scale `t`, place `at` of the grid.

    Parameters
    ----------
    draws : Draws
    beta : array (m, p)
        Coefficients, chain after chain.
    statistic : array (m, q)
        What their weights at other scales depend on.
    method : str
    trouble : str
        Why nothing may be concluded from them; empty if nothing speaks against it.
    lag : float
        Mean over chains of the second half's less the first half's mean of d log p(β | s)/d log s.
    lag_error : float
        Its standard error; 0 where chains did not go on from other ones.
    """

    at: int
    t: float
    draws: Draws
    beta: Array
    statistic: Array
    method: str
    trouble: str
    lag: float = 0.0
    lag_error: float = 0.0

    @property
    def size(self) -> int:
        """m."""
        return len(self.beta)

    @property
    def shape(self) -> tuple[int, int]:
        """Chains and draws of each."""
        return self.draws.theta.shape[0], self.draws.theta.shape[1]


class Fitter(Protocol):
    """Makes draws at a scale."""

    warm: int
    """Chains × sweeps of warm-up that a fit costs beside its draws."""

    def fit(self, at: int, t: float, size: int, *, share: float, renew: bool, seed: np.random.SeedSequence) -> Fit:
        """Return about `size` draws at log scale t.

        `share` is the effective share of the draws of the fit before; `renew` asks that convergence be tested against
        new starts.
        """
        ...


@final
@dataclass(slots=True, eq=False)
class GibbsFitter:
    """Gibbs sampling: one look at the data for all scales, chains that go on from scale to scale."""

    problem: Problem
    tilt: Tilt
    sampler: Gibbs
    tune: int
    chains: int
    warm: int = field(init=False)

    def __post_init__(self) -> None:
        """Note what a warm-up costs."""
        self.warm = min(WARM, self.tune) * self.chains

    @classmethod
    def of(cls, problem: Problem, family: ScaleFamily, tilt: Tilt, tune: int | None) -> GibbsFitter:
        """Look at the data."""
        one, two = (problem.with_prior(family.at(s)) for s in (1.0, 2.0))
        sampler = path_sampler(one, two)
        chains = ROW_CHAINS if isinstance(sampler.kernel, RowKernel) else sampler.chains
        return cls(problem, tilt, sampler, TUNE if tune is None else tune, chains)

    def fit(self, at: int, t: float, size: int, *, share: float, renew: bool, seed: np.random.SeedSequence) -> Fit:
        """Go on from the last fit; the first starts afresh, and where tests are asked for half of the chains do."""
        rng, s = np.random.default_rng(seed.spawn(1)[0]), float(np.exp(t))
        last, half = self.sampler.last, self.chains // 2
        layout = Layout(self.chains, max(-(-size // self.chains), 4), SUPERCHAINS)
        groups = np.repeat(np.arange(SUPERCHAINS), self.chains // SUPERCHAINS)
        if last is None:
            start = self.sampler.start(layout, rng, s)
        elif renew:
            new = self.sampler.start(Layout(self.chains - half, 1, SUPERCHAINS // 2), rng, s)
            start = _joined(_moved(last, s, half), new)
            groups = np.maximum(groups, SUPERCHAINS // 2 - 1)
        else:
            start, groups = _moved(last, s, self.chains), np.zeros_like(groups)
        warm = min(max(WARM, round(MEMORY / max(share, 1e-3))), self.tune)
        tune, self.warm = self.tune if last is None or renew else warm, warm * self.chains
        draws = self.sampler.run(layout, tune, Settings(layout.draws, self.chains, tune, seed), start=start)
        if draws.interrupted:
            msg = "sampling was interrupted"
            raise Interrupted(msg)
        return judged(self.problem, self.tilt, at, t, draws, groups, warm=last is not None and not renew)


def _moved(state: State, s: float, chains: int) -> State:
    """The first chains of a state, at another scale of the prior."""
    return State(state.delta[:chains], state.sigma[:chains], np.full(chains, s))


def _joined(one: State, two: State) -> State:
    pairs = ((one.delta, two.delta), (one.sigma, two.sigma), (one.scale, two.scale))
    return State(*(np.concatenate(pair) for pair in pairs))


def judged(
    problem: Problem, tilt: Tilt, at: int, t: float, draws: Draws, groups: NDArray[np.int_], *, warm: bool
) -> Fit:
    """A fit by Gibbs sampling, tested."""
    fit = _bare(problem, tilt, at, t, draws, "gibbs", "")
    chains, length = fit.shape
    slope = tilt.slopes(fit.statistic, t)[0]
    watched = np.concatenate([fit.beta, slope[:, None]], axis=1).reshape(chains, length, -1)
    if draws.sigma is not None:
        watched = np.concatenate([watched, np.log(draws.sigma)[..., None]], axis=2)
    first, second = watched[:, : length // 2].mean(axis=1), watched[:, -(length // 2) :].mean(axis=1)
    drift = second - first
    error = drift.std(axis=0, ddof=1) / np.sqrt(chains)
    trouble, kinds = "", np.unique(groups).size
    if _chance((drift.mean(axis=0) / np.where(error > 0, error, np.inf)) ** 2, 1, chains - 1) < LEVEL:
        trouble = "the chains' second halves differ from their first: the warm-up was too short"
    elif _chance(_ratio(watched.mean(axis=1), groups), kinds - 1, chains - kinds) < LEVEL:
        trouble = "chains from different starting points differ"
    lag = (float(drift[:, problem.p].mean()), float(error[problem.p])) if warm else (0.0, 0.0)
    return replace(fit, trouble=trouble, lag=lag[0], lag_error=lag[1])


def _ratio(means: Array, groups: NDArray[np.int_]) -> Array:
    """F, between groups over within, of chains' means (C, q)."""
    labels = np.unique(groups)
    if labels.size < 2:
        return np.zeros(means.shape[1])
    centres = np.stack([means[groups == g].mean(axis=0) for g in labels])
    counts = np.array([(groups == g).sum() for g in labels])
    between = (counts[:, None] * (centres - means.mean(axis=0)) ** 2).sum(axis=0) / (labels.size - 1)
    within = ((means - centres[np.searchsorted(labels, groups)]) ** 2).sum(axis=0) / (len(means) - labels.size)
    return np.asarray(np.divide(between, within, out=np.zeros_like(between), where=within > 0))


def _chance(ratios: Array, above: int, below: int) -> float:
    """Probability of as large an F as the largest of these by chance; their number counted."""
    return 1.0 if above < 1 else float(fdtrc(above, below, ratios.max())) * ratios.size


def _bare(problem: Problem, tilt: Tilt, at: int, t: float, draws: Draws, method: str, trouble: str) -> Fit:
    beta = problem.split(draws.theta)[1].reshape(-1, problem.p)
    sigma = None if draws.sigma is None else draws.sigma.reshape(-1)
    return Fit(at, t, draws, beta, tilt.statistic(beta, sigma), method, trouble)


@final
@dataclass(slots=True, eq=False)
class ExactFitter:
    """Independent draws: one decomposition for all scales."""

    problem: Problem
    tilt: Tilt
    exact: Exact
    warm: int = 0

    def fit(self, at: int, t: float, size: int, *, share: float, renew: bool, seed: np.random.SeedSequence) -> Fit:
        """Draw; there is nothing to test."""
        length = -(-size // SUPERCHAINS)
        draws = self.exact.draw(Settings(length, SUPERCHAINS, None, seed), float(np.exp(t)))
        return _bare(self.problem, self.tilt, at, t, draws, "conjugate", "")


@final
@dataclass(slots=True, eq=False)
class PlanFitter:
    """Any sampler, from the start at every scale."""

    problem: Problem
    family: ScaleFamily
    tilt: Tilt
    method: str
    tune: int | None
    warm: int = 0

    def fit(self, at: int, t: float, size: int, *, share: float, renew: bool, seed: np.random.SeedSequence) -> Fit:
        """Sample as `sample` does; what was refused once is not tried again."""
        there = self.problem.with_prior(self.family.at(float(np.exp(t))))
        plan: Plan = prepare(there, self.method, max(-(-size // 4), 50), seed=seed, tune=self.tune)
        found = plan.run()
        if found.interrupted:
            msg = "sampling was interrupted"
            raise Interrupted(msg)
        if found.method != plan.method:
            self.method = found.method
        arrays: Mapping[str, Array] = found.arrays
        lead = [arrays["intercept"][..., None]] if there.has_intercept else []
        name = there.likelihood.dispersion_name
        draws = Draws(
            np.concatenate([*lead, found.beta], axis=-1), arrays.get(name or ""), independent=found.independent,
            superchains=int(found.attrs["superchains"]) or None,
        )  # fmt: skip
        verdict, trouble = found.verdict, ""
        if verdict.rhat > MAX_RHAT:
            trouble = f"R-hat of {verdict.worst} is {verdict.rhat:.3f} > {MAX_RHAT}"
        elif verdict.divergences:
            trouble = f"{verdict.divergences} divergent transitions"
        return _bare(self.problem, self.tilt, at, t, draws, found.method, trouble)
