"""What the posterior would be under half and twice the prior's scale: shown where the data leave it to the prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.importance import smoothed
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers import MAY_REFUSE, Posterior, sample
from bayesreg.samplers.posterior import log_likelihood
from bayesreg.samplers.settings import Draws

if TYPE_CHECKING:
    import pandas as pd

FACTORS = (0.5, 1.0, 2.0)

MAX_KHAT = 0.5
"""Shape of the importance weights' tail from which the weights have no variance: sds are then too small by much."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reweighted:
    """Draws of β with normalised weights."""

    beta: Array
    weights: Array
    khat: float

    @property
    def mean(self) -> Array:
        """Mean (p,)."""
        return np.asarray(self.weights @ self.beta)

    @property
    def sd(self) -> Array:
        """Standard deviation (p,)."""
        return np.asarray(np.sqrt(self.weights @ (self.beta - self.mean) ** 2))


def sensitivity_table(problem: Problem, posterior: Posterior) -> pd.DataFrame:
    """Posterior mean and sd of each coefficient under the prior's scale times 0.5, 1 and 2.

    Draws of the posterior at hand are carried over by importance weights, as they are or with β scaled along with the
    prior, whichever makes the weights' tail lighter (Pareto k-hat); where neither is light enough the posterior is
    drawn afresh.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72); Kallioinen et al. (2024), Stat. Comput. 34:57.
    """
    import pandas as pd

    table: dict[str, Array] = {}
    for factor in FACTORS:
        found = _under(problem, posterior, factor)
        table[f"mean at {factor:g}b"] = found.mean
        table[f"sd at {factor:g}b"] = found.sd
    return pd.DataFrame(table, index=pd.Index(problem.names, name="column"))


def _under(problem: Problem, posterior: Posterior, factor: float) -> Reweighted:
    beta = posterior.beta.reshape(-1, problem.p)
    if factor == 1:
        return Reweighted(beta, np.full(len(beta), 1 / len(beta)), -np.inf)
    other = problem.with_prior(problem.prior.rescaled(factor))
    kept = _smoothed(beta, np.asarray(other.prior.log_density(beta) - problem.prior.log_density(beta)))
    loc = problem.prior.location(problem.p)
    scaled = np.where(np.isinf(problem.prior.variance(problem.p)), beta, loc + factor * (beta - loc))
    moved = _smoothed(scaled, _nll(problem, posterior, beta) - _nll(problem, posterior, scaled))
    best = min(kept, moved, key=lambda one: one.khat)
    if best.khat <= MAX_KHAT:
        return best
    # Another prior may be one that this method's own weights refuse; `auto` then goes on to the next.
    method = "auto" if posterior.method in MAY_REFUSE else posterior.method
    afresh = sample(other, method, posterior.beta.shape[1], posterior.beta.shape[0])
    drawn = afresh.beta.reshape(-1, problem.p)
    return Reweighted(drawn, np.full(len(drawn), 1 / len(drawn)), -np.inf)


def _nll(problem: Problem, posterior: Posterior, beta: Array) -> Array:
    """−log-likelihood of each draw with its coefficients replaced by `beta`."""
    lead = [posterior.intercept.reshape(-1, 1)] if problem.has_intercept else []
    theta = np.concatenate([*lead, beta], axis=1)[None]
    name = problem.likelihood.dispersion_name or ""
    dispersion = posterior.arrays[name].reshape(1, -1) if name in posterior.arrays else None
    return np.asarray(-log_likelihood(problem, Draws(theta, dispersion))[0].sum(axis=-1))


def _smoothed(beta: Array, log_weights: Array) -> Reweighted:
    found = smoothed(log_weights)
    return Reweighted(beta, found.weights, found.khat)
