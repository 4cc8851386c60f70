"""What a path of posteriors is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from bayesreg.samplers.posterior import assemble
from bayesreg.samplers.settings import SUPERCHAINS, Draws, Settings
from bayesreg.sampling_path.weights import Point
from bayesreg.scale_family import ScaleFamily

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, eq=False)
class PosteriorPath:
    """Posteriors at many scales of the prior, strongest prior first.

    Parameters
    ----------
    problem : Problem
    family : ScaleFamily
        What `scales` are of.
    scales : array (g,)
        Ascending.
    mean, sd, mcse : arrays (g, p)
        Of every coefficient on the scale that the prior sees, and the Monte Carlo error of the mean.
    lower, median, upper : arrays (g, p)
        2.5, 50 and 97.5 % quantiles.
    drawn : array of bool (g,)
        Whether a chain was run at this very scale; otherwise draws at the scales on either side were reweighted.
    khat : array (g,)
        Shape of the weights' tail, at most 0.7; NaN where nothing was reweighted.
    ess : array (g,)
        Effective draws of the mean, autocorrelation and weights both counted; the smallest over the coefficients.
    passed_at : array of bool (g,)
        Whether the posterior at the scale may be relied on (`trouble` is empty).
    log_evidence, log_evidence_error : arrays (g,)
        log p(y | s) in nats, 0 at its maximum over the grid, and its error relative to there.
    fits : int
        Times that chains were run.
    interrupted : bool
        Whether the path was stopped before its end: the scales are those done.
    trouble : tuple of str (g,)
        Why not, scale by scale; empty where the gates passed.
    warning : str
        What speaks against the path as a whole; empty if nothing does.
    method : str
        The sampler.
    points : tuple of Point (g,)
        The weighted draws.
    settings : Settings
    """

    problem: Problem
    family: ScaleFamily
    scales: Array
    mean: Array
    sd: Array
    mcse: Array
    lower: Array
    median: Array
    upper: Array
    drawn: NDArray[np.bool_]
    khat: Array
    ess: Array
    passed_at: NDArray[np.bool_]
    log_evidence: Array
    log_evidence_error: Array
    fits: int
    interrupted: bool
    trouble: tuple[str, ...]
    warning: str
    method: str
    points: tuple[Point, ...]
    settings: Settings

    @property
    def passed(self) -> bool:
        """Whether every scale passed, and nothing speaks against the path as a whole."""
        return bool(self.passed_at.all()) and not self.warning

    @property
    def lambda_(self) -> Array:
        """λ (g,) of the penalty at each scale; NaN where columns differ."""
        p = self.problem.p
        found = np.full(self.scales.size, np.nan)
        for i, s in enumerate(self.scales):
            prior = self.family.at(float(s))
            rates = prior.rates(p)[np.isfinite(prior.variance(p))]
            if np.ptp(rates) <= 1e-12 * rates.max():
                found[i] = rates[0]
        return found

    @property
    def table(self) -> pd.DataFrame:
        """One row a scale: how its posterior was had, and how good it is."""
        import pandas as pd

        return pd.DataFrame(
            {
                "scale": self.scales,
                "lambda_": self.lambda_,
                "how": np.where(self.drawn, "drawn", "reweighted"),
                "khat": self.khat,
                "ess": self.ess,
                "log_evidence": self.log_evidence,
                "log_evidence_error": self.log_evidence_error,
                "passed": self.passed_at,
            }
        )

    @property
    def sentence(self) -> str:
        """How the path was made, for the reader."""
        g, drawn = self.scales.size, int(self.drawn.sum())
        text = f"{g} posteriors from {self.fits} runs of {self.method}: {drawn} drawn, {g - drawn} reweighted"
        if drawn < g:
            text += f" (k-hat ≤ {np.nanmax(self.khat):.2f})"
        text += f", ESS ≥ {self.ess.min():.0f}"
        failed = int((~self.passed_at).sum())
        if failed:
            first = next(why for why in self.trouble if why)
            text += f"; {failed} of {g} FAILED their gates ({first})"
        if self.warning:
            text += f"; {self.warning}"
        return text + ("; interrupted" if self.interrupted else "")

    def posterior(self, i: int) -> Posterior:
        """The posterior at scale i as one of equally weighted draws, with its own verdict.

        Reweighted draws are resampled in proportion to their weights, systematically along the chains, so that R-hat
        and ESS see weights and autocorrelation both.

        Raises
        ------
        ParameterError
            If there is no such scale.
        """
        if not -self.scales.size <= i < self.scales.size:
            msg = f"posterior: i must be a place among {self.scales.size} scales (got {i})"
            raise ParameterError(msg)
        point = self.points[i]
        there = self.problem.with_prior(self.family.at(float(self.scales[i])))
        draws = point.pool.fits[0].draws if point.weights is None else self._resampled(point, i)
        chains = draws.theta.shape[0]
        if draws.superchains is None and not draws.independent and chains > SUPERCHAINS and not chains % SUPERCHAINS:
            draws = replace(draws, superchains=SUPERCHAINS)
        how = "drawn at this scale" if point.weights is None else "draws at neighbouring scales, reweighted"
        return assemble(there, draws, self.settings, self.method, f"a path of posteriors: {how}")

    def _resampled(self, point: Point, i: int) -> Draws:
        """As many draws as the larger fit has; chain c is made of the chains c of both fits, their draws in turn."""
        fits, weights = point.pool.fits, point.weights
        assert weights is not None
        chains = max(fit.shape[0] for fit in fits)
        length = max(fit.size for fit in fits) // chains
        # A draw's place: its chain, then how far along that it is.
        places = np.concatenate([(np.arange(fit.size) + 0.5) / fit.size * chains for fit in fits])
        order = np.argsort(places, kind="stable")
        rng = np.random.default_rng([*self.settings.seed.generate_state(4).tolist(), i % self.scales.size])
        levels = (np.arange(chains * length) + rng.random()) / (chains * length)
        taken = np.minimum(np.searchsorted(np.cumsum(weights[order]), levels, side="right"), order.size - 1)
        index = order[taken]

        def pooled(values: list[Array]) -> Array:
            flat = np.concatenate([v.reshape(-1, *v.shape[2:]) for v in values])[index]
            return flat.reshape(chains, length, *flat.shape[1:])

        theta = pooled([fit.draws.theta for fit in fits])
        sigmas = [fit.draws.sigma for fit in fits]
        sigma = None if any(each is None for each in sigmas) else pooled([each for each in sigmas if each is not None])
        return Draws(theta, sigma, attrs={"khat": point.khat})
