"""What other priors of the scale would have said, from the draws made under one.

Under another prior p' of the scale the posterior is that under p, reweighted by p'(s)/p(s): the weights are smoothed
and judged by the tail of the largest (PSIS), and nothing is said where that is too heavy.

References
----------
Gelman (2006), Bayesian Analysis 1:515–534 (priors of a scale); Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR
25(72).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv, ndtri

from bayesreg.diagnostics import mcse_mean
from bayesreg.importance import MAX_KHAT, smoothed
from bayesreg.interfaces import Array, ScalePrior
from bayesreg.samplers import Posterior
from bayesreg.scales import Exponential, Gamma, HalfCauchy, HalfNormal
from bayesreg.strength.prior_law import ScaleLaw

if TYPE_CHECKING:
    import pandas as pd

ENDS = (0.025, 0.975)
FACTORS = {"half": 0.5, "twice": 2.0}
SHAPE = 2.0
"""Of the gamma prior that is tried: its density vanishes at 0, as boundary-avoiding priors do."""


def sensitivity_table(posterior: Posterior, hyper: ScalePrior) -> pd.DataFrame:
    """Return a row for every other prior of the scale: its family with another scale, or another with its median.

    Columns: `scale`, `lower`, `upper` (median and central 95 % of the scale), `shift` (the largest change of a
    coefficient's posterior mean, in its posterior sds), its Monte Carlo standard error `shift_error`, `column` (whose
    that is) and `khat`.  Where k-hat exceeds 0.7 the draws do not tell, and all but that is NaN.
    """
    import pandas as pd

    scale, beta = posterior.draws("beta_scale"), posterior.beta
    sd = beta.std(axis=(0, 1))
    standard = (beta - beta.mean(axis=(0, 1))) / np.where(sd > 0, sd, 1.0)
    rows = {short_name(hyper): _row(np.zeros(scale.shape), scale, standard, posterior)}
    for name, log_density in _others(hyper).items():
        rows[name] = _row(log_density(scale) - hyper.log_density(scale), scale, standard, posterior)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("prior of the scale")


def _others(hyper: ScalePrior) -> dict[str, Callable[[Array], Array]]:
    """Name -> log density."""
    found: dict[str, Callable[[Array], Array]] = {}
    for name, factor in FACTORS.items():
        found[f"{name} the scale"] = partial(_stretched, hyper, factor)
    median = float(ScaleLaw.of(hyper, "the prior's scale").inverse.quantile(np.array([0.5]))[0])
    others = (
        HalfCauchy(median),
        HalfNormal(median / float(ndtri(0.75))),
        Exponential(math.log(2) / median),
        Gamma(SHAPE, float(gammaincinv(SHAPE, 0.5)) / median),
    )
    for other in others:
        if type(other) is not type(hyper):
            found[short_name(other)] = other.log_density
    return found


def _stretched(hyper: ScalePrior, factor: float, s: Array) -> Array:
    """Log density of `factor` times a scale under `hyper`."""
    return np.asarray(hyper.log_density(s / factor) - math.log(factor))


def short_name(prior: ScalePrior) -> str:
    """Return its name with its parameters to four digits."""
    values = {name: getattr(prior, name) for name in ("shape", "scale", "rate") if hasattr(prior, name)}
    return f"{type(prior).__name__}({', '.join(f'{name}={value:.4g}' for name, value in values.items())})"


def _row(log_weights: Array, scale: Array, standard: Array, posterior: Posterior) -> dict[str, float | str]:
    even = bool(np.ptp(log_weights) == 0)
    found = smoothed(log_weights.ravel())
    if not even and found.khat > MAX_KHAT:
        nothing = dict.fromkeys(("scale", "lower", "upper", "shift", "shift_error"), math.nan)
        return {**nothing, "column": "", "khat": found.khat}
    weights = found.weights.reshape(scale.shape)
    lower, median, upper = weighted_quantiles(scale.ravel(), weights.ravel(), (ENDS[0], 0.5, ENDS[1]))
    if not standard.shape[2]:
        shift, error, column = 0.0, 0.0, ""
    else:
        shifts = np.einsum("cd,cdj->j", weights, standard)  # from a mean of 0
        j = int(np.argmax(np.abs(shifts)))
        influence = weights * weights.size * (standard[..., j] - shifts[j]) - standard[..., j]
        shift, column = float(shifts[j]), posterior.problem.names[j]
        error = float(mcse_mean(influence[..., None], independent=posterior.independent)[0])
    if even:
        shift, error, column = 0.0, 0.0, ""
    return {
        "scale": median, "lower": lower, "upper": upper, "shift": shift, "shift_error": error, "column": column,
        "khat": -math.inf if even else found.khat,
    }  # fmt: skip


def weighted_quantiles(values: Array, weights: Array, probabilities: tuple[float, ...]) -> tuple[float, ...]:
    """Quantiles of weighted draws, linear between the middles of their steps."""
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    middle = (share - 0.5 * weights[order]) / share[-1]
    return tuple(float(v) for v in np.interp(probabilities, middle, values[order]))
