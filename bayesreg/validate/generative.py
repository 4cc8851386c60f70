"""Truths, and responses simulated at them: the problems that a calibrated sampler is put to.

With proper priors everywhere truths come from the prior (Cook, Gelman & Rubin 2006; Talts et al. 2018).  A flat
intercept or Jeffreys' σ cannot be drawn from; truths then come from the posterior given the data at hand, and each
problem is of these data and as many new rows together, whose posterior must be calibrated in the same sense
(Säilynoja, Schmitt, Bürkner & Vehtari 2025).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array, Block
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows, is_sparse
from bayesreg.samplers import COMPILED, LADDER, Posterior, prepare, refusal
from bayesreg.samplers.settings import Refused
from bayesreg.strength.prior_law import ScaleLaw

SPARE = 2.0
"""Effective draws for each truth that comes from a posterior: truths as good as independent."""

MOST_DRAWS = 200_000


@final
@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Values of everything unknown: θ (m, k), the dispersion (m,) and the prior's scale (m,), None where known."""

    theta: Array
    dispersion: Array | None
    scale: Array | None

    def __len__(self) -> int:
        """How many."""
        return len(self.theta)

    def take(self, index: slice | NDArray[np.int_]) -> Sample:
        """Those at `index`."""
        parts = (None if part is None else part[index] for part in (self.dispersion, self.scale))
        return Sample(self.theta[index], *parts)

    @classmethod
    def joined(cls, first: Sample, second: Sample) -> Sample:
        """Both, one after the other."""
        parts = (
            None if a is None or b is None else np.concatenate([a, b])
            for a, b in ((first.dispersion, second.dispersion), (first.scale, second.scale))
        )
        return cls(np.concatenate([first.theta, second.theta]), *parts)

    @classmethod
    def of(cls, posterior: Posterior) -> Sample:
        """Every draw of a posterior, draws of a chain next to each other."""
        problem = posterior.problem
        lead = [posterior.intercept[..., None]] if problem.has_intercept else []
        theta = np.concatenate([*lead, posterior.beta], axis=-1)
        found = (posterior.arrays.get(name) for name in (problem.likelihood.dispersion_name or "", "beta_scale"))
        dispersion, scale = (None if values is None else values.ravel() for values in found)
        return cls(theta.reshape(-1, theta.shape[-1]), dispersion, scale)


@dataclass(frozen=True, slots=True, eq=False)
class Source(ABC):
    """Where truths come from, and the problem that is made of data simulated at one."""

    problem: Problem

    @property
    @abstractmethod
    def kind(self) -> str:
        """`prior` or `posterior`."""

    @property
    @abstractmethod
    def sentence(self) -> str:
        """Where truths come from, for the reader."""

    @property
    def shared(self) -> bool:
        """Whether truths are draws of the sampler that is checked, so that a consistent error is not seen."""
        return False

    @abstractmethod
    def truth(self, index: int, rng: np.random.Generator) -> Sample:
        """One truth: that of replication `index`."""

    @abstractmethod
    def simulated(self, truth: Sample, rng: np.random.Generator) -> Problem:
        """The problem whose response was simulated at a truth."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class FromPrior(Source):
    """Truths from the prior, responses for the rows of a problem."""

    dispersion: ScaleLaw | None
    scale: ScaleLaw | None

    @classmethod
    def of(cls, problem: Problem) -> FromPrior:
        """The prior of a problem that has no improper part."""
        name, hyper = problem.likelihood.dispersion_name, problem.likelihood.dispersion
        dispersion = None if hyper is None else ScaleLaw.of(hyper, str(name))
        scale = None if problem.prior.hyperprior is None else ScaleLaw.of(problem.prior.hyperprior, "the prior's scale")
        return cls(problem, dispersion, scale)

    @property
    def kind(self) -> str:
        """`prior`."""
        return "prior"

    @property
    def sentence(self) -> str:
        """Where truths come from."""
        return "truths from the prior, responses from the likelihood"

    def truth(self, index: int, rng: np.random.Generator) -> Sample:
        """Draw one."""
        base = self.problem
        scale = None if self.scale is None else self.scale.draw(rng, 1)
        dispersion = None if self.dispersion is None else self.dispersion.draw(rng, 1)
        prior = base.prior if scale is None else base.prior.at(float(scale[0]))
        if base.scale_by_noise:
            known = base.likelihood.sigma_known
            prior = prior.rescaled(float(dispersion[0]) if dispersion is not None else float(known or 1.0))
        lead = [] if base.intercept is None else [base.intercept.draw(rng, 1, 1)]
        return Sample(np.concatenate([*lead, prior.draw(rng, 1, base.p)], axis=1), dispersion, scale)

    def simulated(self, truth: Sample, rng: np.random.Generator) -> Problem:
        """The rows with a new response."""
        block = self.problem.design.rows.collect()
        return with_rows(self.problem, replace(block, y=simulate(self.problem, truth, rng)))


@final
@dataclass(frozen=True, slots=True, eq=False)
class FromPosterior(Source):
    """Truths from the posterior given the data at hand; responses for as many new rows, which join those data."""

    truths: Sample
    sampler: str
    checked: str

    @classmethod
    def of(
        cls, problem: Problem, method: str, count: int, seed: np.random.SeedSequence, by: str | None = None
    ) -> FromPosterior:
        """Draw `count` truths, by default by another sampler than `method` if there is one that compiles nothing."""
        checked = prepare(problem, method).method
        errors: list[str] = []
        for name in _others(problem, checked) if by is None else [by]:
            try:
                return cls(problem, *_spaced(problem, name, count, seed), checked)
            except Refused as error:
                errors.append(f"{name}: {error}")
        msg = f"sbc: no sampler could draw truths from the posterior ({'; '.join(errors)})"
        raise FitError(msg)

    @property
    def kind(self) -> str:
        """`posterior`."""
        return "posterior"

    @property
    def shared(self) -> bool:
        """Whether the one sampler drew both."""
        return self.sampler == self.checked

    @property
    def sentence(self) -> str:
        """Where truths come from."""
        same = ", the sampler that is checked: an error that it makes consistently is not seen" * self.shared
        return (
            f"truths from the posterior given the data at hand, by {self.sampler}{same}; each posterior that is ranked "
            "is of these data and as many simulated rows"
        )

    def truth(self, index: int, rng: np.random.Generator) -> Sample:
        """The one of a replication."""
        return self.truths.take(slice(index, index + 1))

    def simulated(self, truth: Sample, rng: np.random.Generator) -> Problem:
        """The data and the new rows."""
        block = self.problem.design.rows.collect()
        return with_rows(self.problem, stacked(block, replace(block, y=simulate(self.problem, truth, rng))))


def improper_parts(problem: Problem) -> list[str]:
    """What has no proper prior, each with what to give instead."""
    prior = problem.prior if problem.prior.hyperprior is None else problem.prior.at(1.0)
    found = []
    if problem.intercept is not None and not np.isfinite(problem.intercept.variance(1)).all():
        found.append("the intercept (give intercept=Gaussian(scale))")
    if not np.isfinite(prior.variance(problem.p)).all():
        names = [n for n, v in zip(problem.names, prior.variance(problem.p), strict=True) if not np.isfinite(v)]
        found.append(f"coefficients ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}: give each a prior)")
    hyper, name = problem.likelihood.dispersion, problem.likelihood.dispersion_name
    if hyper is not None and not hyper.proper:
        found.append(f"{name} (give the likelihood {name}=HalfNormal(scale), or its value)")
    if problem.prior.hyperprior is not None and not problem.prior.hyperprior.proper:
        found.append("the prior's scale (give it HalfNormal(scale), or its value)")
    return found


def check_weights(problem: Problem, caller: str) -> None:
    """Raise unless a row is one observation: a weight multiplies a log-likelihood, and is no way to draw a response."""
    weights = problem.design.rows.collect().weights
    if weights is not None and not np.isin(weights, (0.0, 1.0)).all():
        msg = f"{caller}: rows have weights other than 0 and 1, and no response can be simulated: repeat rows instead"
        raise ParameterError(msg)


def simulate(problem: Problem, truth: Sample, rng: np.random.Generator) -> Array:
    """Draw responses (n,) of a problem's rows at one truth."""
    block = problem.design.rows.collect()
    eta = problem.linear_predictor(block, truth.theta[0])
    sigma = None if truth.dispersion is None else np.full(eta.shape, truth.dispersion[0])
    return np.asarray(problem.likelihood.on(block).simulate(eta, sigma, rng), dtype=float)


def with_rows(problem: Problem, block: Block) -> Problem:
    """Return the problem with other rows on the same columns: standardisation stays, notes on the data do not."""
    rows = ArrayRows(block.X, block.y, block.offset, block.weights, block.trials)
    return replace(problem, design=replace(problem.design, rows=rows), notes=())


def stacked(first: Block, second: Block) -> Block:
    """Rows of both."""
    if is_sparse(first.X):
        from scipy.sparse import vstack

        X = vstack([first.X, second.X], format="csr")
    else:
        X = np.concatenate([first.X, second.X])
    parts = (
        None if a is None or b is None else np.concatenate([a, b])
        for a, b in ((first.weights, second.weights), (first.trials, second.trials))
    )
    y, offset = np.concatenate([first.y, second.y]), np.concatenate([first.offset, second.offset])
    return Block(X, y, offset, *parts)


def _others(problem: Problem, method: str) -> list[str]:
    """Samplers that compile nothing, those other than `method` first; `method` itself at last."""
    free = [name for name in LADDER if name not in COMPILED and name != method and not refusal(problem, name)]
    return [*free, method]


def _spaced(problem: Problem, method: str, count: int, seed: np.random.SeedSequence) -> tuple[Sample, str]:
    """`count` draws of the posterior, as good as independent."""
    draws = max(1000, count)
    while True:
        posterior = prepare(problem, method, draws, seed=seed).run()
        if posterior.interrupted:
            raise KeyboardInterrupt
        sample = Sample.of(posterior)
        enough = min(posterior.verdict.ess_bulk, posterior.verdict.ess_tail) >= SPARE * count
        if posterior.verdict.passed and enough:
            return sample.take(spaced(len(sample), count)), posterior.method
        if 8 * draws > MOST_DRAWS:
            msg = f"truths cannot be drawn from the posterior by {method}: {posterior.verdict}"
            raise Refused(msg)
        draws *= 2


def spaced(size: int, count: int) -> NDArray[np.int_]:
    """`count` indices of `size`, evenly spaced."""
    return np.floor((np.arange(count) + 0.5) * size / count).astype(int)
