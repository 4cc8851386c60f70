"""Where along the grid chains are run, and what covers the scales between.

From a fit at log scale t the next is placed GAP/√V further on, V the variance of d log p(β | s)/d log s there: as far
as the draws of both, pooled, still reach every scale between.  Whether they do is then looked at (k-hat, effective
share); where they do not, another fit halves the gap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from bayesreg.diagnostics import mcse_mean
from bayesreg.importance import MAX_KHAT
from bayesreg.interfaces import Array
from bayesreg.samplers.settings import Interrupted
from bayesreg.sampling_path.fits import Fit, Fitter
from bayesreg.sampling_path.tilt import Tilt
from bayesreg.sampling_path.weights import Marginals, Ordered, Point, Pool, weighted_marginals

GAP = 3.0
"""Standard deviations of the log weights between two fits.  Were log p(β | s)/d log s normal, m draws of each would
count for 1.2m halfway between, for 1.7m at a gap of 2 and for 0.6m at a gap of 4."""

LEAST_SHARE = 0.5
"""Effective draws under the weights, over the draws of the smaller fit, below which a scale gets a fit of its own."""

MIN_ESS = 100
"""Effective draws of a scale, at the least: the mean is then good to 0.1 sd, the ends of a 95 % band to 0.27 sd
(√(0.025·0.975/100)/φ(1.96)); `sample`, whose numbers are printed, asks for 400."""

BUDGET = 5.0
"""Draws, warm-up included, that a path makes in all, over those of one default posterior."""

LEAST = 512
"""Draws of a fit, at the least."""

WANTED = 130
"""Effective draws of a fit, at the least, by the effective share of the draws of the fit before: the gate asks for 100,
and the smallest of many ESS scatters."""

AHEAD = 0.6
"""Fits to come, over those that the gap seen last would ask for: towards weaker priors gaps are wider."""

RENEWED = 2
"""Parts of the path at whose ends convergence is tested against new starts."""

MANY = 16
"""Chains from which the scatter of their means says what a mean's error is."""

LEVELS = np.array([0.025, 0.5, 0.975])


@final
@dataclass(slots=True, eq=False)
class Walk:
    """The fits and points so far.

    Parameters
    ----------
    t : array (g,)
        Log scales.
    most : int
        Draws of a fit, at the most.
    batches : int
        Of draws, for Monte Carlo errors.
    left : float
        Draws yet to be dealt out, warm-up included.
    everywhere : bool
        Whether every scale gets a fit.
    """

    fitter: Fitter
    tilt: Tilt
    t: Array
    most: int
    batches: int
    left: float
    seed: np.random.SeedSequence
    progress: Callable[[int, int], None] | None
    everywhere: bool
    fits: dict[int, Fit] = field(default_factory=dict)
    points: dict[int, Point] = field(default_factory=dict)
    marginals: dict[int, Marginals] = field(default_factory=dict)
    renewals: int = 0
    runs: int = 0
    efficiency: float = 1.0

    def run(self) -> bool:
        """Go along the grid; return whether an interrupt ended it."""
        try:
            here, last = 0, self.t.size - 1
            gap = 0.0 if self.everywhere else GAP / np.sqrt(max(self.tilt.count, 1))
            self._fit(0, gap, 0)
            while here < last:
                gap = self._gap(here)
                there = self._next(here, gap)
                self._fit(there, gap, there)
                self._cover(here, there)
                here = there
        except (Interrupted, KeyboardInterrupt):
            if 0 not in self.points:
                msg = "sampling was interrupted before the first posterior: nothing to keep"
                raise Interrupted(msg) from None
            return True
        return False

    def _gap(self, at: int) -> float:
        point = self.points[at]
        variance = point.bend - float(self.tilt.slopes(point.pool.statistic, point.t)[1].mean())
        return 0.0 if self.everywhere else GAP / float(np.sqrt(max(variance, 1e-12)))

    def _next(self, at: int, gap: float) -> int:
        return min(max(int(np.searchsorted(self.t, self.t[at] + gap, side="right")) - 1, at + 1), self.t.size - 1)

    def _fit(self, at: int, gap: float, frontier: int) -> None:
        """Draw at a place of the grid; the budget that is left is dealt out to the fits expected from `frontier` on."""
        ahead, place = 1, frontier
        while place < self.t.size - 1:
            place, ahead = self._next(place, gap), ahead + 1
        ahead = 1 + int((AHEAD if at else 1.0) * (ahead - 1))
        least = max(LEAST, WANTED / max(self.efficiency, 1e-3))
        size = int(np.clip(self.left / ahead - self.fitter.warm, min(least, self.most), self.most))
        span = (self.t[at] - self.t[0]) / max(self.t[-1] - self.t[0], 1e-300)
        renew = at > 0 and int(span * RENEWED + 1e-9) > self.renewals
        if renew:
            self.renewals = int(span * RENEWED + 1e-9)
        fit, found = self._drawn(at, size, renew=renew)
        worst = float(found.ess.min())
        if worst < MIN_ESS and size < self.most:  # once more, by what was seen: a new run, so that nothing is selected
            size = int(np.clip(size * WANTED / max(worst, 1.0), size, self.most))
            trouble = fit.trouble
            fit, found = self._drawn(at, size, renew=False)
            fit = replace(fit, trouble=trouble or fit.trouble)
        self.fits[at], self.marginals[at] = fit, found
        self.efficiency = float(found.ess.min()) / fit.size
        self.points[at] = Point.of(Pool.of([fit], self.batches, self.tilt), fit.t)
        self._say()

    def _drawn(self, at: int, size: int, *, renew: bool) -> tuple[Fit, Marginals]:
        fit = self.fitter.fit(
            at, float(self.t[at]), size, share=self.efficiency, renew=renew, seed=self.seed.spawn(1)[0]
        )
        self.left = max(self.left - fit.size - self.fitter.warm, 0.0)
        self.runs += 1
        return fit, _drawn(fit)

    def _cover(self, here: int, there: int) -> None:
        """Fill the places between two fits from their draws, or by a fit halfway."""
        if there - here < 2:
            return
        pool = Pool.of([self.fits[here], self.fits[there]], self.batches, self.tilt)
        made = {at: Point.of(pool, float(self.t[at])) for at in range(here + 1, there)}
        enough = LEAST_SHARE * min(fit.size for fit in pool.fits)
        reached = all(point.khat <= MAX_KHAT and point.share >= enough for point in made.values())
        ordered = Ordered.of(pool) if reached else None
        found = {} if ordered is None else {at: weighted_marginals(made[at], ordered, LEVELS) for at in made}
        # Where the fits themselves have too few effective draws another one would have no more.
        ends = min(float(self.marginals[at].ess.min()) for at in (here, there))
        if not reached or min(float(each.ess.min()) for each in found.values()) < MIN_ESS <= ends:
            middle = (here + there) // 2
            self._fit(middle, self._gap(here), there)
            self._cover(here, middle)
            self._cover(middle, there)
            return
        self.marginals |= found
        self.points |= made
        self._say()

    def _say(self) -> None:
        if self.progress is not None:
            self.progress(len(self.points), self.t.size)


def _drawn(fit: Fit) -> Marginals:
    """Marginals of draws that all count the same."""
    draws = fit.beta.reshape(*fit.shape, -1)
    variance = fit.beta.var(axis=0, ddof=1) if fit.size > 1 else np.full(fit.beta.shape[1], np.nan)
    mcse = mcse_mean(draws, independent=fit.draws.independent)
    if not fit.draws.independent and fit.shape[0] >= MANY:
        mcse *= max(_short(draws, variance, mcse), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ess = np.where(mcse > 0, variance / mcse**2, np.where(np.isnan(mcse), 0.0, np.inf))
    quantiles = np.quantile(fit.beta, LEVELS, axis=0)
    return Marginals(fit.beta.mean(axis=0), np.sqrt(variance), mcse, quantiles, ess)


def _short(draws: Array, variance: Array, mcse: Array) -> float:
    """By what errors are too small, over all coefficients, since chains end before their draws have lost their memory.

    Chains are independent of each other, so that the scatter of their means is an error with nothing left out; that of
    one coefficient is a rough one, its average over many is not.
    """
    between = draws.mean(axis=1).var(axis=0, ddof=1) / len(draws)
    unit = np.where(variance > 0, variance, np.inf)
    return float(np.sqrt((between / unit).sum() / max((mcse**2 / unit).sum(), np.finfo(float).tiny)))
