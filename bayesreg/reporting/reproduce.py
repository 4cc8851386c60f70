"""What a reader needs to come by the same numbers: code, data, seed, versions."""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, final

import numpy as np

from bayesreg.comparison.run import INTERVAL
from bayesreg.effects import small_effect
from bayesreg.formula import FormulaColumns
from bayesreg.interfaces import Array, Block
from bayesreg.stacked import Stacked

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.problem import Problem

PACKAGES = ("bayesreg", "numpy", "scipy", "pymc", "pytensor", "arviz", "nutpie", "matplotlib")

LONGEST = 400
"""Entries up to which an array is written out."""

DROPPED = re.compile(r"dropped \d+ of (\d+) rows with missing values")
"""The note of a problem that was built with missing="drop"."""


@final
@dataclass(slots=True)
class Names:
    """What the code refers to by name: arrays too long to be written out; and what is to be said beside it."""

    arrays: dict[str, Array] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def of(self, argument: str, array: Array) -> str:
        """Return a name for an array."""
        name = argument if argument not in self.arrays else f"{argument}_{len(self.arrays) + 1}"
        self.arrays[name] = array
        return name


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
    names = Names()
    if comparison.audited is not None:
        what = f"# estimator: the fitted {comparison.audited.estimator}; X, y: what it was fitted on"
        weighted = "weights" in comparison.problem.given
        given = ", sample_weight=sample_weight" if weighted else ""
        known = comparison.problem.likelihood.sigma_known if comparison.problem.likelihood.location_scale else None
        given += "" if known is None else f", sigma={_plain(known, names)}"
        lines = [f"comparison = br.audit(estimator, X, y{given}, {_sampling(comparison, names)})"]
        head = [f"{what}{'; sample_weight: as given to audit, or None' if weighted else ''}"]
    else:
        head, lines = _problem(comparison.problem, names)
        lines.append(f"comparison = br.compare(problem, {_sampling(comparison, names)})")
    head += [f"# {name}: {array.size} numbers" for name, array in names.arrays.items()]
    head += [f"# {remark}" for remark in names.remarks]
    return "\n".join(["import bayesreg as br", "", *head, *lines, 'br.report(comparison, "report.html")']) + "\n"


def _sampling(comparison: Comparison, names: Names) -> str:
    """Options of the sampler, and those that are not the defaults."""
    attrs = comparison.posterior.attrs
    seed = str(attrs.get("seed", 0))
    if not seed.isdigit():
        names.remarks.append("the seed was no number: these very draws cannot be made again")
    text = f"method={attrs['sampler']!r}, "
    if "draws_asked" in attrs:
        text += f"draws={attrs['draws_asked']}, chains={attrs['chains_asked'] or None}, "
    else:  # saved by a version that did not keep them
        names.remarks.append("draws and chains as they were asked for are not known: here the defaults")
    text += f"seed={seed if seed.isdigit() else 'None'}"
    text += "" if comparison.sigma is None else f", sigma={_plain(comparison.sigma, names)}"
    if comparison.interval_prob != INTERVAL:
        text += f", interval={_plain(comparison.interval_prob, names)}"
    epsilon = comparison.epsilon
    if epsilon.size and not np.allclose(epsilon, small_effect(comparison.problem), rtol=1e-9):
        one = epsilon[0] if np.ptp(epsilon) == 0 else epsilon
        text += f", epsilon={_plain(one, names, 'epsilon')}"
    return text


def _problem(problem: Problem, names: Names) -> tuple[list[str], list[str]]:
    """What the data are, and the lines that build the problem: of the formula where there was one, or of columns."""
    formula = problem.encoding.formula if isinstance(problem.encoding, FormulaColumns) else None
    beside = "".join(f"; {name}" for name in problem.given)
    parts = [
        f"likelihood={expression(problem.likelihood, names)},",
        f"prior={expression(problem.prior, names)},",
        f"intercept={expression(problem.intercept, names)}, standardize={problem.design.standardized}, "
        f"scale_by_noise={problem.scale_by_noise},",
        *(f"{name}={name}," for name in problem.given),
    ]
    dropped = next((found for note in problem.notes if (found := DROPPED.match(note))), None)
    rows = f"{problem.n} rows" if dropped is None else f"{dropped[1]} rows, of which {problem.n} are complete"
    parts += [] if dropped is None else ['missing="drop",']
    if formula is not None:
        head, maker = f"# frame: the data, {rows}{beside}", "from_formula"
        parts.insert(0, f"{formula!r}, frame,")
    else:
        head, maker = f"# X: {rows}, {problem.p} columns; y: the response{beside}", "from_arrays"
        parts = ["X, y,", *parts, f"names={list(map(str, problem.names))!r},"]
    return [head], [f"problem = br.Problem.{maker}(", *(f"    {part}" for part in parts), ")"]


def expression(value: object, names: Names | None = None, argument: str = "value") -> str:
    """Return code that makes a prior, a likelihood or a prior of a scale; long arrays are put into `names`."""
    names = Names() if names is None else names
    if isinstance(value, Stacked):
        return _by_column(value, names)
    if not is_dataclass(value):
        return _plain(value, names, argument)
    given = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    inside = ", ".join(
        f"{name}={expression(item, names, name)}" for name, item in given.items() if not _default(value, name, item)
    )
    return f"br.{type(value).__name__}({inside})"


def _by_column(prior: Stacked, names: Names) -> str:
    """The mapping that it was given as."""
    if prior.keys is None:
        names.remarks.append(f"prior: {prior!r}")
        return "prior"
    parts = zip(prior.keys, (part for part, _ in prior.parts), strict=True)
    return "{" + ", ".join(f"{key!r}: {expression(part, names)}" for key, part in parts) + "}"


def _default(value: Any, name: str, item: Any) -> bool:
    default = next(field.default for field in fields(value) if field.name == name)
    return np.ndim(item) == 0 and isinstance(item, float | int | str | None) and item == default


def _plain(value: object, names: Names, argument: str = "value") -> str:
    """Code for a number, a word, an array or a sequence of them."""
    if isinstance(value, np.ndarray):
        return repr(value.tolist()) if value.size <= LONGEST else names.of(argument, value)
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, tuple | list):
        inside = ", ".join(_plain(item, names) for item in value)
        return f"[{inside}]"
    return repr(value)
