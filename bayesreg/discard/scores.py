"""Three predictors held against rows that they have not seen: log score, intervals, PIT, calibration.

Each held-out row i is predicted by p(y | θ̂) at two points θ̂ and by the mixture E[p(y | θ)] over the posterior, all of
them without row i.  How the rows were held out (one by one, or in folds) is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.discard.calibrated import calibration_line, calibration_table
from bayesreg.discard.scores_text import as_text, sentence_of
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

PREDICTORS = ("plug-in at MAP", "plug-in at mean", "full posterior")
"""The predictors: two points, and the posterior that they are taken from."""

FULL = PREDICTORS[-1]

INTERVALS = (0.5, 0.8, 0.95)
"""Probabilities of the central predictive intervals."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What one predictor says of m held-out rows.

    Parameters
    ----------
    log_density : array (m,)
        Row weight × log p(y_i | everything else), in nats.
    pit_lower, pit_upper : array (m,)
        F(y−) and F(y) of the predictive distribution: the same where y is continuous.
    width : array (m, 3)
        Widths of the central 50, 80 and 95 % predictive intervals, in units of y.
    mean : array (m,)
        Predictive mean of y (of a binary one, its probability).
    mcse : float
        Monte Carlo standard error of Σ log_density; 0 for a predictor that needs no draws, NaN where it is not known.
    mcse_difference : float
        That of Σ (full posterior's log_density − this one).
    """

    log_density: Array
    pit_lower: Array
    pit_upper: Array
    width: Array
    mean: Array
    mcse: float = float("nan")
    mcse_difference: float = float("nan")

    def __post_init__(self) -> None:
        """Check shapes."""
        m = self.log_density.shape
        shapes = {
            "log_density": (self.log_density.size,),
            "pit_lower": m,
            "pit_upper": m,
            "mean": m,
            "width": (*m, len(INTERVALS)),
        }
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != shape:
                msg = f"HeldOut: {name} must have shape {shape} (got {np.shape(getattr(self, name))})"
                raise ParameterError(msg)

    def covers(self, probability: float) -> NDArray[np.bool_]:
        """Mark rows (m,) whose y lies in the central interval: F(y) ≥ α/2 and F(y−) < 1 − α/2, α = 1 − probability."""
        tail = (1 - probability) / 2
        return np.asarray((self.pit_upper >= tail) & (self.pit_lower < 1 - tail))


@final
@dataclass(frozen=True, slots=True, eq=False)
class PredictionLedger:
    """What predicting from a point costs, on rows that were held out.

    Parameters
    ----------
    method : str
        How rows were held out: `PSIS-LOO`, `K-fold`, ...
    text : str
        The same as a sentence.
    scores : DataFrame
        Index predictor; columns `elpd` (Σ of weighted log densities in nats, over all `total` rows), `elpd_se` (over
        rows), `difference` (full posterior − this one), `difference_se` (paired, over rows), `mcse` (Monte Carlo error
        of elpd), `mcse_difference`, `rmse`, `pit_distance` (Kolmogorov's, of the PIT from uniform); for a binary
        response `log_loss`, `brier`, `calibration_intercept`, `calibration_slope`, `calibration_slope_se`.
    intervals : DataFrame
        Index (predictor, probability); columns `coverage`, `coverage_se` (binomial), `width` (mean).
    rows : DataFrame
        Index row of the data; columns `elpd <predictor>`, `pit <predictor>` (randomised where y is discrete), `khat`,
        `refitted`, `weight`.
    calibration : DataFrame or None
        For a binary response, see `calibration_table`.
    total : int
        Rows of the problem that count (weight > 0), to which sums are scaled up where only some were held out.
    withheld : str
        Why nothing may be concluded; empty where something may.
    notes : tuple of str
        What the reader should know beside the numbers.
    """

    method: str
    text: str
    scores: pd.DataFrame
    intervals: pd.DataFrame
    rows: pd.DataFrame
    calibration: pd.DataFrame | None
    total: int
    withheld: str
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What the plug-in at the MAP loses, and the plug-in at the mean."""
        return sentence_of(self)

    def __str__(self) -> str:
        """The conclusion in a sentence, then the tables; only the reason where it is withheld."""
        return as_text(self)


def withheld_ledger(method: str, reason: str, problem: Problem) -> PredictionLedger:
    """Return a ledger that says why there is none."""
    import pandas as pd

    none = pd.DataFrame()
    return PredictionLedger(method, "", none, none, none, None, problem.n, reason, ())


def ledger_of(
    method: str,
    text: str,
    heldouts: Mapping[str, HeldOut],
    rows: NDArray[np.int_],
    problem: Problem,
    *,
    khat: Array | None = None,
    refitted: NDArray[np.bool_] | None = None,
    withheld: str = "",
    notes: tuple[str, ...] = (),
    seed: int = 0,
) -> PredictionLedger:
    """Return the ledger of what each predictor says of the held-out rows.

    Parameters
    ----------
    method, text : str
    heldouts : mapping of str to HeldOut
        One for each of `PREDICTORS`.
    rows : int array (m,)
        Which rows of the problem they are; of weight > 0, each once.
    problem : Problem
    khat : array (m,), optional
        Pareto k-hat of each row's weights.
    refitted : bool array (m,), optional
        Rows for which the posterior was drawn anew.
    withheld : str
    notes : tuple of str
    seed : int
        Of the randomised PIT of a discrete response.

    Raises
    ------
    ParameterError
        If `heldouts` lacks a predictor, or arrays do not fit `rows`.
    """
    import pandas as pd

    _check(heldouts, rows)
    block = problem.design.rows.collect()
    every = np.ones(problem.n) if block.weights is None else block.weights
    y, weights, total = block.y[rows], every[rows], int(np.count_nonzero(every > 0))
    binary = problem.likelihood.link == "logit" and (block.trials is None or bool((block.trials == 1).all()))
    pits = _pits(heldouts, seed)
    scores = pd.DataFrame(
        [_score(heldouts[name], heldouts[FULL], pits[name], y, weights, total, binary) for name in PREDICTORS],
        index=pd.Index(PREDICTORS, name="predictor"),
    )
    frame = pd.DataFrame(
        {f"elpd {name}": heldouts[name].log_density for name in PREDICTORS}
        | {f"pit {name}": pits[name] for name in PREDICTORS}
        | {
            "khat": np.full(rows.size, np.nan) if khat is None else khat,
            "refitted": np.zeros(rows.size, dtype=bool) if refitted is None else refitted,
            "weight": weights,
        },
        index=pd.Index(rows, name="row"),
    )
    means = {name: heldouts[name].mean for name in PREDICTORS}
    calibration = calibration_table(means, y, weights) if binary else None
    return PredictionLedger(
        method, text, scores, _interval_table(heldouts, weights), frame, calibration, total, withheld, notes
    )


def _check(heldouts: Mapping[str, HeldOut], rows: NDArray[np.int_]) -> None:
    missing = [name for name in PREDICTORS if name not in heldouts]
    if missing:
        msg = f"ledger_of: heldouts must have each of {', '.join(PREDICTORS)} (missing: {', '.join(missing)})"
        raise ParameterError(msg)
    for name in PREDICTORS:
        if heldouts[name].log_density.shape != rows.shape:
            msg = f"ledger_of: {name!r} tells of {heldouts[name].log_density.size} rows, and rows has {rows.size}"
            raise ParameterError(msg)
    if np.unique(rows).size != rows.size or not rows.size:
        msg = f"ledger_of: rows must name at least one row, each once (got {rows.size} in all)"
        raise ParameterError(msg)


def _score(
    one: HeldOut, full: HeldOut, pit: Array, y: Array, weights: Array, total: int, binary: bool
) -> dict[str, float]:
    """The row of `PredictionLedger.scores` of one predictor."""
    scale = total / y.size
    own = full is one
    difference = full.log_density - one.log_density
    row = {
        "elpd": scale * float(one.log_density.sum()),
        "elpd_se": _sum_se(one.log_density, total),
        "difference": scale * float(difference.sum()),
        "difference_se": 0.0 if own else _sum_se(difference, total),
        "mcse": scale * one.mcse,
        "mcse_difference": 0.0 if own else scale * one.mcse_difference,
        "rmse": float(np.sqrt(weights @ (y - one.mean) ** 2 / weights.sum())),
        "pit_distance": _distance_from_uniform(pit, weights),
    }
    if binary:
        line = calibration_line(one.mean, y, weights)
        row |= {
            "log_loss": -float(one.log_density.sum() / weights.sum()),
            "brier": float(weights @ (y - one.mean) ** 2 / weights.sum()),
            "calibration_intercept": line.intercept,
            "calibration_slope": line.slope,
            "calibration_slope_se": line.slope_se,
        }
    return row


def _sum_se(terms: Array, total: int) -> float:
    """Standard error of the sum of `total` such terms, estimated by total × the mean of these m: total·sd/√m.

    With m = total it is √total·sd, the error from rows being a sample; with fewer, the choice among the rows is in it.
    """
    return float("nan") if terms.size < 2 else float(total * terms.std(ddof=1) / np.sqrt(terms.size))


def _pits(heldouts: Mapping[str, HeldOut], seed: int) -> dict[str, Array]:
    """F(y−) + u·(F(y) − F(y−)) with the same uniform u for every predictor: F(y) itself where y is continuous."""
    u = np.random.default_rng(seed).uniform(size=heldouts[FULL].mean.size)
    return {name: h.pit_lower + u * (h.pit_upper - h.pit_lower) for name, h in heldouts.items()}


def _distance_from_uniform(pit: Array, weights: Array) -> float:
    """Kolmogorov's distance sup |F̂(u) − u| of the PITs, rows weighted."""
    order = np.argsort(pit)
    above = np.cumsum(weights[order]) / weights.sum()
    below = above - weights[order] / weights.sum()
    return float(max(np.abs(above - pit[order]).max(), np.abs(pit[order] - below).max()))


def _interval_table(heldouts: Mapping[str, HeldOut], weights: Array) -> pd.DataFrame:
    import pandas as pd

    share = weights / weights.sum()
    rows: list[dict[str, Any]] = []
    for name in PREDICTORS:
        for k, probability in enumerate(INTERVALS):
            coverage = float(np.clip(share @ heldouts[name].covers(probability), 0.0, 1.0))
            rows.append(
                {
                    "predictor": name,
                    "probability": probability,
                    "coverage": coverage,
                    "coverage_se": float(np.sqrt(coverage * (1 - coverage) * (share @ share))),
                    "width": float(share @ heldouts[name].width[:, k]),
                }
            )
    return pd.DataFrame(rows).set_index(["predictor", "probability"])
