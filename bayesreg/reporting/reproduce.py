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
from bayesreg.interfaces import Block

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
    """Python that builds the comparison again from the same data, X (n, p) and y (n,)."""
    problem, attrs = comparison.problem, comparison.posterior.attrs
    draws, chains = attrs["draws_asked"], attrs["chains_asked"] or None
    given = "".join(f", {name}={name}" for name in problem.given)
    lines = [
        "import bayesreg as br",
        "",
        f"# X: {problem.n} rows, {problem.p} columns; y: the response"
        + (f"; {', '.join(problem.given)}" if given else ""),
        "problem = br.Problem.from_arrays(",
        f"    X, y, likelihood={expression(problem.likelihood)},",
        f"    prior={expression(problem.prior)},",
        f"    intercept={expression(problem.intercept)}, standardize={problem.design.standardized}, "
        f"scale_by_noise={problem.scale_by_noise}{given},",
        f"    names={list(map(str, problem.names))!r},",
        ")",
        f"comparison = br.compare(problem, method={attrs['sampler']!r}, draws={draws}, chains={chains}, "
        f"seed={attrs.get('seed', 0)}{_settings(comparison)})",
        'br.report(comparison, "report.html")',
    ]
    return "\n".join(lines) + "\n"


def _settings(comparison: Comparison) -> str:
    """Options of `compare` that are not the defaults."""
    text = "" if comparison.sigma is None else f", sigma={comparison.sigma!r}"
    if comparison.interval_prob != INTERVAL:
        text += f", interval={comparison.interval_prob!r}"
    return text


def expression(value: object) -> str:
    """Code that makes a prior, a likelihood or a prior of a scale."""
    if not is_dataclass(value):
        return _plain(value)
    given = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    inside = ", ".join(f"{name}={expression(item)}" for name, item in given.items() if not _default(value, name, item))
    return f"br.{type(value).__name__}({inside})"


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
