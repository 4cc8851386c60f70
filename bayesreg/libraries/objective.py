"""The table of objectives: read from `objectives.toml`, one row each, found by name."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, final

from bayesreg.errors import ParameterError

TABLE = Path(__file__).with_name("objectives.toml")


@final
@dataclass(frozen=True, slots=True)
class LibraryObjective:
    """One objective of one library: c·Σ w·nll + k₁·s₁‖v∘β‖₁ + k₂·s₂‖v∘β‖₂², see the head of `objectives.toml`.

    Parameters
    ----------
    library, name : str
        The library's key, and the full name that people type: "sklearn.Lasso", "glmnet:binomial".
    title, version : str
        The library as it is written, and the version that the row was verified on.
    family : str
        Of the likelihood; "prior" for a density, which has none.
    formula : str
        The objective for the reader.
    loss, per : str
        c = loss/per.
    strength, ratio, l1, l2 : str
        Names of the library's numbers; empty where it has no such.
    only : str
        "l1" or "l2" where the strength belongs to that part alone.
    ratio_default : float
        The ratio where it is not given.
    power : float
        s = strength^power.
    k : tuple of float
        (k₁, k₂).
    chooser, chooser_default : str
        The argument that names the penalty, and its default.
    columns : str
        What the library divides the columns by.
    option : tuple of (str, bool) or None
        The argument that turns that on, and its default; None where it cannot be turned off.
    y : str
        What the L2 part is divided by.
    factors : tuple of str
        Multipliers by column: one name for both parts, or one each.
    mean_one : bool
        Whether they are rescaled to mean 1.
    by_column : bool
        Whether the strength may be one number a column.
    form : str
        "group" where the L1 part is Σ_g ‖β_g‖₂.
    intercept, by : str
        "free", "penalised" or "none"; and the argument that its column is multiplied by.
    weights : str
        What sample weights do: "raw", "avg", "rows", "none".
    noise_precision : str
        The fit's own estimate of 1/σ².
    none : str
        Why no prior corresponds to it; empty where one does.
    tight, default : float or None
        Largest error of a coefficient at a tight and at the default tolerance.
    verified : bool
        Whether it was fitted and compared.
    note : str
        What to know.
    aliases : tuple of str
        Other estimators with the same objective.
    """

    library: str
    name: str
    title: str
    version: str
    family: str
    formula: str
    loss: str = "nll"
    per: str = "sum"
    strength: str = ""
    ratio: str = ""
    l1: str = ""
    l2: str = ""
    only: str = ""
    ratio_default: float = 1.0
    power: float = 1.0
    k: tuple[float, float] = (1.0, 0.5)
    chooser: str = ""
    chooser_default: str = ""
    columns: str = "given"
    option: tuple[str, bool] | None = None
    y: str = ""
    factors: tuple[str, ...] = ()
    mean_one: bool = False
    by_column: bool = False
    form: str = ""
    intercept: str = "free"
    by: str = ""
    weights: str = "none"
    noise_precision: str = ""
    none: str = ""
    tight: float | None = None
    default: float | None = None
    verified: bool = True
    note: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all that it takes, the numbers that make the penalty first."""
        option = () if self.option is None else (self.option[0],)
        given = (self.strength, self.ratio, self.l1, self.l2, self.chooser, self.by, *self.factors, *option)
        return tuple(name for name in (*given, self.noise_precision) if name)


@cache
def table() -> dict[str, LibraryObjective]:
    """Every objective by its full name, aliases not counted."""
    return {row.name: row for key, library in _contents().items() for row in _rows(key, library)}


def find(name: object, version: str | None = None) -> LibraryObjective:
    """Return the objective called `name`, as it was in `version` of the library (default: the one it was verified on).

    Raises
    ------
    ParameterError
        If there is none of that name: says which there are, or which was probably meant.
    """
    if not isinstance(name, str) or not name:
        msg = f"library must name whose number it is, such as 'sklearn.Lasso' or 'glmnet' (got {name!r}): {BARE}"
        raise ParameterError(msg)
    rows = table()
    full = _aliases().get(name.lower())
    if full is None:
        raise ParameterError(_unknown(name))
    row = rows[full]
    return row if version is None else _as_of(row, version)


BARE = (
    "alpha=0.1 is n·alpha/σ² to scikit-learn's Lasso, alpha/2σ² to its Ridge, and a share between 0 and 1 to glmnet, "
    "so the number alone says nothing"
)


def _unknown(name: str) -> str:
    known = list(table())
    key = name.split(".")[0].split(":")[0]
    own = [full for full in known if re.split(r"[.:]", full)[0].lower() == key.lower()]
    if own:
        return f"library {name!r} is not in the table; of {key} there are {', '.join(own)}"
    close = difflib.get_close_matches(name.lower(), list(_aliases()), n=3, cutoff=0.5)
    meant = f"; did you mean {', '.join(_aliases()[c] for c in close)}?" if close else ""
    if name in {p for row in table().values() for p in row.parameters}:
        return f"{name!r} is a parameter, not a library: {BARE}"
    libraries = ", ".join(dict.fromkeys(row.library for row in table().values()))
    return f"library {name!r} is not in the table{meant} (libraries: {libraries})"


@cache
def _contents() -> dict[str, Any]:
    import tomllib

    return dict(tomllib.loads(TABLE.read_text(encoding="utf-8"))["library"])


def _rows(key: str, library: dict[str, Any]) -> list[LibraryObjective]:
    return [_row(key, library, given) for given in library["rows"]]


def _row(key: str, library: dict[str, Any], given: dict[str, Any]) -> LibraryObjective:
    """One row: its own entries over the library's."""
    known = {field.name for field in fields(LibraryObjective)}
    shared = {name: value for name, value in library.items() if name in known}
    entries = {**shared, **given, "library": key, "name": _full(key, given["name"])}
    return LibraryObjective(**{name: _frozen(name, value) for name, value in entries.items()})


def _full(key: str, name: str) -> str:
    """`library.Estimator`; an objective of a library without estimators is `library:variant`."""
    if not name:
        return key
    return f"{key}:{name}" if key in _WITHOUT_ESTIMATORS else f"{key}.{name}"


_WITHOUT_ESTIMATORS = ("glmnet", "penalized", "liblinear", "vw")


def _frozen(name: str, value: Any) -> Any:
    if name == "factors" and isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


@cache
def _aliases() -> dict[str, str]:
    """Full name by every name in lower case that it goes by."""
    found: dict[str, str] = {}
    for row in table().values():
        stem = row.name.split(".")[0] if "." in row.name else row.name.split(":")[0]
        for name in (row.name, *(f"{stem}.{alias}" for alias in row.aliases)):
            found[name.lower()] = row.name
    return found


def _as_of(row: LibraryObjective, version: str) -> LibraryObjective:
    """The objective as it was in an earlier version: the earliest change that was still to come holds."""
    number = _number(version)
    history = _contents()[row.library].get("history", [])
    own = row.name.partition(".")[2]
    coming = [entry for entry in history if own in entry["rows"] and number < _number(entry["until"])]
    for entry in sorted(coming, key=lambda entry: _number(entry["until"]), reverse=True):
        row = replace(row, **{name: _frozen(name, value) for name, value in entry["set"].items()})
    return replace(row, version=version)


def _number(version: object) -> tuple[int, ...]:
    parts = re.match(r"\d+(\.\d+)*", version) if isinstance(version, str) else None
    if parts is None:
        msg = f"version must be a string of numbers such as '1.9.1' (got {version!r})"
        raise ParameterError(msg)
    return tuple(int(part) for part in parts.group().split("."))
