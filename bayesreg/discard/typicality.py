"""How far below the mode's density typical draws lie: the mode is the densest point, and no draw is near it.

Of a Gaussian posterior in k dimensions −log density above the mode is χ²_k/2: k/2 nats in the mean, √(k/2) in sd.  A
direction that a Laplace prior dominates contributes |β|/b ~ Exp(1): 1 nat in place of ½, and 1 in variance for ½.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Block
from bayesreg.moments import LARGEST_SQUARE
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior

PIECE_CELLS = 1 << 18
"""Rows × draws whose η is worked on at once: 2 MiB."""

MOST_CELLS = 400_000_000
"""Rows × draws of a likelihood that is not quadratic, over which fewer draws are taken: some seconds."""

LEVELS = (0.05, 0.5, 0.95)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Typicality:
    """−log joint density of posterior draws above that of the mode, in nats.

    Parameters
    ----------
    excess : array (chain, draw)
        [−log p(y, θ_s, σ_s)] − [−log p(y, θ̂, σ̂)], a density in θ and in the dispersion itself (not its logarithm).  It
        is below 0 where a draw is denser than the point, as it may be where σ̂ is a plug-in and not the mode's.
    mean, mcse : float
        Mean over the draws, and its Monte Carlo standard error.
    sd : float
    quantiles : array (3,)
        5 %, 50 % and 95 %.
    smallest : float
        Of the draw nearest in density to the mode.
    unknowns : int
        Unknown numbers: θ, and the dispersion where that is unknown.  A Gaussian posterior's mean would be half of it.
    withheld : str
        Why nothing may be concluded; empty where every gate passed.
    """

    excess: Array
    mean: float
    mcse: float
    sd: float
    quantiles: Array
    smallest: float
    unknowns: int
    withheld: str

    @property
    def gaussian(self) -> float:
        """The mean that a Gaussian posterior would have: unknowns/2."""
        return self.unknowns / 2

    @property
    def sentence(self) -> str:
        """How atypical the mode is."""
        if self.withheld:
            return f"typicality of the mode: WITHHELD: {self.withheld}"
        nearest = (
            f"no draw in {self.excess.size} comes within {_rounded_down(self.smallest)} nats of it"
            if self.smallest > 0
            else f"the densest draw of {self.excess.size} lies {-self.smallest:.2f} nats above it"
        )
        return (
            f"The density of a typical draw lies {self.mean:.2f} ± {self.mcse:.2f} nats below that of the point "
            f"estimate, a Gaussian posterior's in {self.unknowns} unknowns would lie {self.gaussian:.1f}: {nearest}."
        )

    def __str__(self) -> str:
        """The sentence, and the spread."""
        if self.withheld:
            return self.sentence
        low, middle, high = self.quantiles
        return "\n".join(
            [
                self.sentence,
                f"  5 %, 50 %, 95 % of draws:  {low:.2f}, {middle:.2f}, {high:.2f} nats; sd {self.sd:.2f}",
                f"  a Gaussian posterior in {self.unknowns} unknowns:  mean {self.gaussian:.1f}, "
                f"sd {math.sqrt(self.unknowns / 2):.2f}",
            ]
        )


def _rounded_down(value: float) -> str:
    """Two decimals, or two figures where those would be 0, such that the sentence stays true."""
    places = 2 if value >= 0.1 else 1 - math.floor(math.log10(value))
    return f"{math.floor(value * 10**places) / 10**places:.{places}f}"


def typicality(posterior: Posterior, optimum: Optimum | None = None) -> Typicality:
    """Return how far below the density of the point estimate those of posterior draws lie.

    Where there are too many rows × draws for a likelihood that is not quadratic, evenly spaced draws stand for all.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the posterior's problem.

    Raises
    ------
    ParameterError
        If an argument is outside what it can be, or the prior's scale is unknown: the joint density is then unbounded
        as the scale goes to 0, and has no mode.
    FitError
        If there is no finite optimum.
    """
    require_posterior(posterior, "typicality")
    problem = posterior.problem
    if problem.prior.hyperprior is not None:
        msg = (
            "typicality: the prior's scale is unknown, and the joint density is unbounded as it goes to 0: there is no "
            "mode; fix the scale, e.g. problem.with_prior(problem.prior.at(scale=...)), and sample again"
        )
        raise ParameterError(msg)
    point = point_of(posterior, optimum, "typicality")
    unknown = problem.likelihood.dispersion is not None
    if unknown and point.sigma is None:
        msg = "typicality: the optimum has no dispersion, which is unknown here; give one of fit_penalized or find_map"
        raise ParameterError(msg)
    at_point = problem.neg_log_joint(problem.join(point.intercept, point.beta), point.sigma if unknown else None)
    excess = neg_log_joints(posterior) - at_point
    return Typicality(
        excess=excess,
        mean=float(excess.mean()),
        mcse=float(mcse_mean(excess, independent=posterior.independent)),
        sd=float(excess.std(ddof=1)) if excess.size > 1 else np.nan,
        quantiles=np.quantile(excess, LEVELS),
        smallest=float(excess.min()),
        unknowns=len(problem.labels) + int(unknown),
        withheld=withheld_by(posterior),
    )


def neg_log_joints(posterior: Posterior) -> Array:
    """−log p(y, θ_s, σ_s) (chain, draw') of the draws, in nats, as `Problem.neg_log_joint` has it of one.

    All draws, or evenly spaced ones where the rows are too many.
    """
    problem = posterior.problem
    rows = posterior.log_likelihood
    cells = problem.n * posterior.beta.shape[0] * posterior.beta.shape[1]
    costly = rows is None and not _moments_suffice(problem)
    step = max(1, -(-cells // MOST_CELLS)) if costly else 1
    beta = posterior.beta[:, ::step]
    intercept = posterior.intercept[:, ::step] if problem.has_intercept else np.zeros(beta.shape[:2])
    hyper = problem.likelihood.dispersion
    name = problem.likelihood.dispersion_name
    sigma = None if hyper is None or name is None else posterior.draws(name)[:, ::step]
    value = _neg_log_likelihoods(problem, intercept, beta, sigma) if rows is None else -rows.sum(axis=-1)
    value -= _prior_log_densities(problem, beta, sigma)
    if problem.intercept is not None:
        value -= problem.intercept.log_density(intercept[..., None])
    if hyper is not None and sigma is not None:
        value -= hyper.log_density(sigma)
    return value


def _prior_log_densities(problem: Problem, beta: Array, sigma: Array | None) -> Array:
    """log p(β | σ) (chain, draw).

    A prior in units of σ moves as its scale does: its density at β is that of the unit one at loc + (β − loc)/σ, over σ
    for every proper column.
    """
    if sigma is None:
        return problem.conditional(None).prior.log_density(beta)
    if not problem.scale_by_noise:
        return problem.prior.log_density(beta)
    prior = problem.prior
    loc = prior.location(problem.p)
    proper = np.isfinite(prior.variance(problem.p)).sum()
    return np.asarray(prior.log_density(loc + (beta - loc) / sigma[..., None]) - proper * np.log(sigma))


def _neg_log_likelihoods(problem: Problem, intercept: Array, beta: Array, sigma: Array | None) -> Array:
    """Σ w·nll (chain, draw), from sufficient statistics where they suffice, else in one pass over the rows."""
    theta = np.concatenate([intercept[..., None], beta], axis=-1) if problem.has_intercept else beta
    flat = theta.reshape(intercept.size, theta.shape[-1])
    scales = None if sigma is None else sigma.reshape(-1)
    each = _by_moments if _moments_suffice(problem) else _by_rows
    return each(problem, flat, scales).reshape(intercept.shape)


def _moments_suffice(problem: Problem) -> bool:
    return problem.likelihood.quadratic and problem.p <= LARGEST_SQUARE


def _by_moments(problem: Problem, theta: Array, sigma: Array | None) -> Array:
    """W·c(σ) + ½κ(σ)·Σw(y − η)²: c is nll at η = y, and ½κ what it gains a unit away."""
    moments = problem.moments()
    intercept, beta = problem.split(theta)
    off = moments.y_mean - intercept - beta @ moments.x_mean
    squares = moments.yy - 2 * beta @ moments.xy + ((beta @ moments.xx) * beta).sum(axis=1) + moments.total * off**2
    known = problem.likelihood.sigma_known if sigma is None else sigma
    zero = np.zeros(len(theta))
    at_y, beside = (problem.likelihood.nll_given(zero + shift, zero, known) for shift in (0.0, 1.0))
    return np.asarray(moments.total * at_y + (beside - at_y) * squares)


def _by_rows(problem: Problem, theta: Array, sigma: Array | None) -> Array:
    known = problem.likelihood.sigma_known

    def fn(block: Block) -> tuple[Array, ...]:
        weight = np.ones(block.y.size) if block.weights is None else block.weights
        likelihood, total = problem.likelihood.on(block), np.zeros(len(theta))
        step = max(1, PIECE_CELLS // max(1, block.y.size))
        for i in range(0, len(theta), step):
            some = slice(i, i + step)
            eta = problem.linear_predictor(block, theta[some].T)
            scale = known if sigma is None else sigma[some]
            total[some] = weight @ likelihood.nll_given(eta, block.y[:, None], scale)
        return (total,)

    return problem.design.rows.sum(fn)[0]
