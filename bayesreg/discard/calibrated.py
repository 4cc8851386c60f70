"""How predicted probabilities of a binary response compare with what happened.

References
----------
Cox (1958), Biometrika 45:562–565; Van Calster, McLernon, van Smeden, Wynants & Steyerberg (2019), BMC Medicine 17:230.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from scipy.special import expit, logit

from bayesreg.interfaces import Array

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
"""Bins of equal count that predicted probabilities are sorted into."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class CalibrationLine:
    """The logistic regression of y on the predicted log-odds: a perfect forecast has intercept 0 and slope 1.

    A slope below 1 is a forecast too sure of itself.  NaN where there is no finite fit, or the forecast does not vary.
    """

    intercept: float
    slope: float
    slope_se: float


def calibration_table(predicted: Mapping[str, Array], y: Array, weights: Array) -> pd.DataFrame:
    """Return mean prediction and share of successes in bins of equal count of the predicted probability.

    Parameters
    ----------
    predicted : mapping of str to array (m,)
        Predictor -> predicted probability of each held-out row.
    y, weights : array (m,)
        What happened, 0 or 1; row weights.

    Returns
    -------
    DataFrame
        Columns predictor, bin, predicted, observed, se (binomial, at the predicted probabilities: what a calibrated
        forecast would be off by) and count.
    """
    import pandas as pd

    rows = []
    for name, p in predicted.items():
        for number, chosen in enumerate(np.array_split(np.argsort(p, kind="stable"), min(BINS, y.size))):
            w, q = weights[chosen], p[chosen]
            total = w.sum()
            se = float(np.sqrt(w**2 @ (q * (1 - q))) / total)
            rows.append((name, number, float(w @ q / total), float(w @ y[chosen] / total), se, chosen.size))
    return pd.DataFrame(rows, columns=["predictor", "bin", "predicted", "observed", "se", "count"])


def calibration_line(p: Array, y: Array, weights: Array) -> CalibrationLine:
    """Return intercept and slope of the logistic regression of `y` on logit p, by Newton's method."""
    none = CalibrationLine(np.nan, np.nan, np.nan)
    x = logit(np.clip(p, 1e-12, 1 - 1e-12))
    if np.ptp(x) < 1e-9 or _apart(x, y):
        return none
    X = np.column_stack([np.ones_like(x), x])
    theta = np.array([0.0, 1.0])
    for _ in range(100):
        fitted = expit(X @ theta)
        hessian = (X * (weights * fitted * (1 - fitted))[:, None]).T @ X
        if np.linalg.cond(hessian) > 1e12:
            return none
        step = np.linalg.solve(hessian, X.T @ (weights * (y - fitted)))
        theta = theta + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < 1e-10:
            return CalibrationLine(float(theta[0]), float(theta[1]), float(np.sqrt(np.linalg.inv(hessian)[1, 1])))
    return none


def _apart(x: Array, y: Array) -> bool:
    """Whether a threshold on x separates the classes (or there is one class only), so that no finite fit exists."""
    low, high = x[y == 0], x[y == 1]
    if not low.size or not high.size:
        return True
    return bool(low.max() <= high.min() or high.max() <= low.min())
