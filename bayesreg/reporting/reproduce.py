"""What a reader needs to come by the same numbers: code, data, seed, versions."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.comparison.run import INTERVAL
from bayesreg.effects import small_effect
from bayesreg.formula import FormulaColumns
from bayesreg.interfaces import Block
from bayesreg.stacked import Stacked

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.problem import Problem

PACKAGES = ("bayesreg", "numpy", "scipy", "pymc", "pytensor", "arviz", "nutpie", "matplotlib")

LONGEST = 40
"""Entries up to which an array is written out."""


def versions(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Versions of what the report was made with; where the draws were made with another, that too."""
    attrs = comparison.posterior.attrs
    rows = [("Python", platform.python_version())]
    for name in PACKAGES:
        here, then = metadata.version(name), str(attrs.get(name, ""))
        rows.append((name, here if then in ("", here) else f"{here} (the draws: {then})"))
    return tuple(rows)


def fingerprint(problem: Problem) -> str:
    """SHA-256 of the rows as the model sees them: X, y, offset, weights, trials, in float64, rows in order."""
    digest = hashlib.sha256()
    block = problem.design.rows.collect()
    for part in _parts(block):
        digest.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
    return digest.hexdigest()


def _parts(block: Block) -> list[Any]:
    X = block.X.toarray() if hasattr(block.X, "toarray") else block.X
    given = [part for part in (block.weights, block.trials) if part is not None]
    return [X, block.y, block.offset, *given]


def code(comparison: Comparison) -> str:
    """Python that makes the comparison again from the same data."""
    attrs = comparison.posterior.attrs
    sampling = (
        f"method={attrs['sampler']!r}, draws={attrs['draws_asked']}, chains={attrs['chains_asked'] or None}, "
        f"seed={attrs.get('seed', 0)}{_settings(comparison)}"
    )
    if comparison.audited is not None:
        what = f"# estimator: the fitted {comparison.audited.estimator}; X, y: what it was fitted on"
        built = f"comparison = br.audit(estimator, X, y, {sampling})"
        lines = [what, built]
    else:
        lines = [*_problem(comparison.problem), f"comparison = br.compare(problem, {sampling})"]
    return "\n".join(["import bayesreg as br", "", *lines, 'br.report(comparison, "report.html")']) + "\n"


def _problem(problem: Problem) -> list[str]:
    """The lines that build it: from the formula where there was one, else from the columns."""
    formula = problem.encoding.formula if isinstance(problem.encoding, FormulaColumns) else None
    parts = [
        f"likelihood={expression(problem.likelihood)},",
        f"prior={expression(problem.prior)},",
        f"intercept={expression(problem.intercept)}, standardize={problem.design.standardized}, "
        f"scale_by_noise={problem.scale_by_noise},",
    ]
    parts += [f"{name}={name}," for name in problem.given]
    beside = "".join(f"; {name}" for name in problem.given)
    if formula is not None:
        head = f"# frame: the data, {problem.n} rows{beside}"
        return [
            head,
            "problem = br.Problem.from_formula(",
            f"    {formula!r}, frame,",
            *(f"    {p}" for p in parts),
            ")",
        ]
    head = f"# X: {problem.n} rows, {problem.p} columns; y: the response{beside}"
    parts.append(f"names={list(map(str, problem.names))!r},")
    return [head, "problem = br.Problem.from_arrays(", "    X, y,", *(f"    {p}" for p in parts), ")"]


def _settings(comparison: Comparison) -> str:
    """Options of `compare` that are not the defaults."""
    text = "" if comparison.sigma is None else f", sigma={comparison.sigma!r}"
    if comparison.interval_prob != INTERVAL:
        text += f", interval={comparison.interval_prob!r}"
    epsilon = comparison.epsilon
    if epsilon.size and not np.allclose(epsilon, small_effect(comparison.problem), rtol=1e-9):
        one = float(epsilon[0]) if np.ptp(epsilon) == 0 else _plain(epsilon)
        text += f", epsilon={one}"
    return text


def expression(value: object) -> str:
    """Code that makes a prior, a likelihood or a prior of a scale."""
    if isinstance(value, Stacked):
        return _by_column(value)
    if not is_dataclass(value):
        return _plain(value)
    given = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    inside = ", ".join(f"{name}={expression(item)}" for name, item in given.items() if not _default(value, name, item))
    return f"br.{type(value).__name__}({inside})"


def _by_column(prior: Stacked) -> str:
    """The mapping that it was given as."""
    if prior.keys is None:
        return f"...  # {prior!r}"
    parts = zip(prior.keys, (part for part, _ in prior.parts), strict=True)
    return "{" + ", ".join(f"{key!r}: {expression(part)}" for key, part in parts) + "}"


def _default(value: Any, name: str, item: Any) -> bool:
    default = next(field.default for field in fields(value) if field.name == name)
    return np.ndim(item) == 0 and isinstance(item, float | int | str | None) and item == default


def _plain(value: object) -> str:
    if isinstance(value, np.ndarray):
        return repr(value.tolist()) if value.size <= LONGEST else f"...  # {value.size} numbers"
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {expression(item)}" for key, item in value.items()) + "}"
    return repr(value)
