"""A comparison as JSON: everything but the draws; numbers that do not exist are null."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.comparison.audited import AuditedFit
from bayesreg.comparison.tables import shown_coefficients
from bayesreg.optimum import Optimum

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.comparison.result import Comparison


def as_dict(comparison: Comparison, also: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything but the draws, and other results by name, as JSON-ready values; NaN and ∞ become None."""
    c = comparison
    verdict = c.posterior.verdict
    described = _plain(
        {
            "problem": {
                "n": c.problem.n,
                "p": c.problem.p,
                "names": list(c.problem.names),
                "likelihood": repr(c.problem.likelihood),
                "prior": repr(c.problem.prior),
                "intercept": repr(c.problem.intercept),
                "scale_by_noise": c.problem.scale_by_noise,
                "standardized": c.problem.design.standardized,
                "centre": c.problem.design.centre.tolist(),
                "scale": c.problem.design.scale.tolist(),
            },
            "map": _optimum_dict(c.map),
            "penalized": _optimum_dict(c.penalized),
            "agree": c.agree,
            "graph_check": {"points": c.graph_check.points, "spread": c.graph_check.spread},
            "posterior": {
                "sampler": c.posterior.method,
                "reason": c.posterior.reason,
                "seed": c.posterior.attrs["seed"],
                "passed": verdict.passed,
                "interrupted": c.posterior.interrupted,
                "reasons": list(verdict.reasons),
                "rhat": verdict.rhat,
                "ess_bulk": verdict.ess_bulk,
                "ess_tail": verdict.ess_tail,
                "divergences": verdict.divergences,
            },
            "interval_prob": c.interval_prob,
            "coefficients": _records(
                shown_coefficients(c.coefficients, optima=not c.optima_withheld, posterior=verdict.passed).reset_index()
            ),
            **_discarded(c),
            "remarks": list(c.remarks),
            "audited": None if c.audited is None else _audited_dict(c.audited),
            "passed": c.passed,
            "withheld": c.withheld,
            "also": {name: {"withheld": one.withheld} if one.withheld else _fields(one) for name, one in also.items()},
        }
    )
    return dict(described)  # fmt: skip


DISCARDED = ("ledger", "sensitivity", "amount", "tradeoffs", "typicality", "selection", "prediction", "lints")
"""Parts that a failed gate withholds: they are null then."""


def _discarded(c: Comparison) -> dict[str, Any]:
    if not c.passed:
        return dict.fromkeys(DISCARDED)
    lazy = ("amount", "tradeoffs", "typicality", "selection", "prediction")
    return {
        "ledger": _records(c.ledger),
        "sensitivity": None if c.sensitivity is None else _records(c.sensitivity.reset_index()),
        **{name: _fields(getattr(c, name)) for name in lazy},
        "lints": [_fields(lint) for lint in c.lints],
    }


def _fields(result: Any) -> dict[str, Any]:
    """A result's fields; its tables as lists of rows."""
    import pandas as pd

    found = {}
    for one in fields(result):
        value = getattr(result, one.name)
        if one.name.startswith("_") or (isinstance(value, np.ndarray) and value.ndim > 1):
            continue  # draws
        if isinstance(value, pd.DataFrame):
            value = _records(value.reset_index())
        if isinstance(value, pd.Series):
            value = value.to_dict()
        if value is None or isinstance(value, PLAIN):
            found[one.name] = value
    return found


PLAIN = (str, int, float, list, tuple, dict, np.ndarray, np.generic)
"""What can be written; what else a result holds (draws, verdicts) is left out."""


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict(orient="records")]


def _audited_dict(audited: AuditedFit) -> dict[str, Any]:
    return {
        "estimator": audited.estimator, "convention": audited.convention, "assumed": audited.assumed,
        "verdict": audited.verdict, "certified": audited.certified, "sound": audited.sound,
        "excess": audited.excess, "kkt": audited.certificate.kkt, "objective": audited.objective,
        "wrongly_zero": list(audited.wrongly_zero), "wrongly_nonzero": list(audited.wrongly_nonzero),
        "intercept": audited.intercept, "coefficients": audited.table.reset_index().to_dict(orient="records"),
        "notes": list(audited.notes),
    }  # fmt: skip


def _optimum_dict(optimum: Optimum) -> dict[str, Any]:
    certificate = optimum.certificate
    return {
        "intercept": optimum.intercept, "beta": optimum.beta.tolist(),
        "intercept_raw": optimum.intercept_raw, "beta_raw": optimum.beta_raw.tolist(),
        "sigma": optimum.sigma, "sigma_method": optimum.sigma_method, "objective": optimum.objective,
        "outcome": optimum.outcome.name, "outcome_text": optimum.outcome.value,
        "kkt": certificate.kkt, "gap": certificate.gap, "zeros": int(optimum.zeros.sum()),
        "tied": list(certificate.tied), "iterations": optimum.iterations, "search": optimum.search,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
