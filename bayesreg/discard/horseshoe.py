"""The standing alternative where effects are few and some of them large: a regularised horseshoe.

    β_j = z_j τ λ̃_j / sd(x_j),   λ̃_j² = c² λ_j² / (c² + τ² λ_j²),   z_j ~ N(0, 1),
    λ_j ~ C⁺(0, 1),   τ ~ C⁺(0, τ₀),   c² ~ InvGamma(ν/2, ν s²/2),   τ₀ = p₀/(p − p₀) · σ/√n.

Small effects are shrunk to nothing, large ones hardly: the Laplace prior's one rate does neither.

References
----------
Piironen & Vehtari (2017), Electronic Journal of Statistics 11:5018–5051; Carvalho, Polson & Scott (2010), Biometrika
97:465–480.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from bayesreg.arguments import Seed
from bayesreg.diagnostics import Verdict, diagnose, judged, mcse_mean
from bayesreg.discard.horseshoe_prior import Horseshoe as Shape
from bayesreg.discard.horseshoe_prior import shape_of
from bayesreg.effects import small_effect
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers.nuts import Pace, run_nutpie
from bayesreg.samplers.pymc import sample_stats, trimmed
from bayesreg.samplers.reduced_model import build_lean_model
from bayesreg.samplers.settings import Progress, Settings, read_settings
from bayesreg.samplers.whitened import compile_model
from bayesreg.scales import positive_number

if TYPE_CHECKING:
    import pandas as pd

TUNE = 1000
"""Warm-up: the horseshoe's funnel asks for a step that is small everywhere."""

INTERVAL = 0.95


@final
@dataclass(frozen=True, slots=True, eq=False)
class HorseshoeFit:
    """The posterior under a regularised horseshoe.

    Parameters
    ----------
    table : DataFrame
        One row a column: `mean`, `mcse_mean`, `sd`, `lower`, `upper` (95 %), `p_small` = P(|β| ≤ ε) with
        `p_small_mcse`, `epsilon`, `kept` = 1 − κ, the mean share of the least-squares estimate that is kept, and
        `ess_bulk`; coefficients on the scale that the problem's own prior sees, and `mean_raw`, `sd_raw`, `lower_raw`,
        `upper_raw` in the data's units.
    effective : float
        Expected effective number of nonzero coefficients m_eff = Σ (1 − κ_j) given the data.
    effective_mcse : float
    expected_nonzero, tau0, slab_scale, slab_df : float
        The prior: p₀, the scale of τ (in units of σ where that is unknown), s and ν.
    draws : mapping of str to array (chain, draw, ...)
        `beta`, `tau`, `slab` (c), and the intercept and dispersion where there are any.
    verdict : Verdict
    """

    table: pd.DataFrame
    effective: float
    effective_mcse: float
    expected_nonzero: float
    tau0: float
    slab_scale: float
    slab_df: float
    draws: dict[str, Array]
    verdict: Verdict

    @property
    def withheld(self) -> str:
        """Why nothing may be concluded; empty if every gate passed."""
        return "; ".join(self.verdict.reasons)

    @property
    def sentence(self) -> str:
        """The conclusion, with its numbers."""
        if self.withheld:
            return (
                f"regularised horseshoe: WITHHELD: {self.withheld}; a higher target_accept= or more draws= may mend it"
            )
        sure = self.table.index[((self.table["lower"] > 0) | (self.table["upper"] < 0)).to_numpy()]
        named = f": {', '.join(map(str, sure[:8]))}{', ...' if len(sure) > 8 else ''}" if len(sure) else ""
        return (
            f"under a regularised horseshoe (p₀ = {self.expected_nonzero:g} expected of {len(self.table)}) the data "
            f"leave {self.effective:.2f} ± {self.effective_mcse:.1g} effective coefficients; {len(sure)} of the 95 % "
            f"intervals exclude zero{named}"
        )

    def __str__(self) -> str:
        """The sentence, and the coefficients."""
        if self.withheld:
            return self.sentence
        shown = self.table[["mean", "sd", "lower", "upper", "p_small", "kept"]]
        order = np.argsort(-np.abs(shown["mean"].to_numpy()) / shown["sd"].to_numpy(), kind="stable")[:40]
        text = shown.iloc[order].to_string(float_format="{:.3g}".format)
        more = len(shown) - order.size
        return f"{self.sentence}\n\n{text}" + (f"\n... and {more} more, in .table" if more else "")


def horseshoe(
    problem: Problem,
    *,
    expected_nonzero: float | None = None,
    slab_scale: float | None = None,
    slab_df: float = 4.0,
    draws: int = 1000,
    chains: int | None = None,
    tune: int | None = None,
    target_accept: float = 0.99,
    epsilon: float | Array | None = None,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> HorseshoeFit:
    """Draw the posterior of the same rows and likelihood under a regularised horseshoe in the prior's place.

    Compiles a PyMC model: a minute or two with an empty cache.

    Parameters
    ----------
    problem : Problem
        Its prior on the coefficients is ignored; that on the intercept and the dispersion is kept.
    expected_nonzero : float, optional
        p₀, how many coefficients are expected to matter, between 0 and p; by default p/4.
    slab_scale : float, optional
        s, the size that large effects (of one sd of their column) have a priori; by default the scale of η: the sd of
        y, π/√3 for a logit, 1 for a log.
    slab_df : float
        ν, degrees of freedom of the slab.
    draws, chains, tune, seed, progress
        As in `sample`; 4 chains, 1,000 warm-up iterations.
    target_accept : float
        Mean acceptance that NUTS adapts its step to.
    epsilon : float or array (p,), optional
        As in `compare`.

    Raises
    ------
    ParameterError
        If a setting is outside what it can be, or the problem has no column.

    Notes
    -----
    For other than Gaussian noise σ is the pseudo-σ (mean curvature of a row's nll at the mode)^(−1/2).
    """
    require_problem(problem, "horseshoe")
    if not problem.p:
        msg = "horseshoe: the problem has no column to have a prior on"
        raise ParameterError(msg)
    if isinstance(target_accept, bool) or not isinstance(target_accept, int | float) or not 0 < target_accept < 1:
        msg = f"horseshoe: target_accept must be a number between 0 and 1 (got {target_accept!r})"
        raise ParameterError(msg)
    small = small_effect(problem, epsilon)
    settings = read_settings(draws, chains, tune, seed, progress)
    df = positive_number("horseshoe", "slab_df", slab_df)
    shape = shape_of(problem, expected_nonzero, slab_scale, df)
    pace = Pace(TUNE if settings.tune is None else settings.tune, settings.chains or 4, float(target_accept))
    values, stats, interrupted = _drawn(problem, shape, pace, settings)
    monitored = {name: v for name, v in values.items() if name in ("beta", "intercept", "tau", "sigma", "alpha")}
    verdict = diagnose(
        monitored, divergences=int(stats["diverging"].sum()),
        saturated=float(stats["reached_max_treedepth"].mean()) if "reached_max_treedepth" in stats else 0.0,
        interrupted=interrupted,
    )  # fmt: skip
    kept = shape.kept(values)
    effective = kept.sum(axis=-1)
    return HorseshoeFit(
        _table(problem, values["beta"], kept, small), float(effective.mean()), float(mcse_mean(effective)),
        shape.expected, shape.tau0, shape.slab, df, values, verdict,
    )  # fmt: skip


def _drawn(problem: Problem, shape: Shape, pace: Pace, settings: Settings) -> tuple[dict[str, Array], Any, bool]:
    """Draws by name (chain, draw, ...), sampler statistics, and whether it was interrupted."""
    raw, interrupted = run_nutpie(compile_model(build_lean_model(problem, shape.unknowns)), pace, settings)
    group = raw["posterior"]
    wanted = [name for name in ("intercept", "beta", "sigma", "alpha", "tau", "slab", "local") if name in group]
    values, kept, done = trimmed({name: group[name].values for name in wanted}, settings.draws)
    stats = sample_stats(raw["sample_stats"], values["beta"].shape[:2], kept)
    return values, stats, interrupted or done < settings.draws


def _table(problem: Problem, beta: Array, kept: Array, epsilon: Array) -> pd.DataFrame:
    import pandas as pd

    raw = problem.design.to_raw(np.zeros(beta.shape[:2]), beta)[1]
    small = (np.abs(beta) <= epsilon).astype(float)
    ends = ((1 - INTERVAL) / 2, (1 + INTERVAL) / 2)
    effective = judged(beta).bulk
    still = np.ptp(small, axis=(0, 1)) == 0
    columns: dict[str, Array] = {}
    for suffix, values in (("", beta), ("_raw", raw)):
        lower, upper = np.quantile(values, ends, axis=(0, 1))
        columns |= {f"mean{suffix}": values.mean(axis=(0, 1)), f"mcse_mean{suffix}": mcse_mean(values)}
        columns |= {f"sd{suffix}": values.std(axis=(0, 1), ddof=1), f"lower{suffix}": lower, f"upper{suffix}": upper}
    columns |= {
        "p_small": small.mean(axis=(0, 1)),
        "p_small_mcse": np.where(still, 1 / (effective + 2), mcse_mean(small)),
        "epsilon": epsilon,
        "kept": kept.mean(axis=(0, 1)),
        "ess_bulk": effective,
    }
    return pd.DataFrame(columns, index=pd.Index(problem.names, name="column"))
