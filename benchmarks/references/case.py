"""One reference: a posterior, the numbers that were published of it, and how ours are put in the same terms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayesreg as br
from benchmarks.measure import ROOT

Quantities = Callable[[br.Posterior], Mapping[str, np.ndarray]]
"""Draws (chain, draw) of each published quantity, by its published name."""


@dataclass(frozen=True, slots=True)
class Case:
    """A reference.

    Parameters
    ----------
    name : str
    origin : str
        Who computed the numbers, and how.
    problem : callable
        The posterior, its prior's scale (or what else is in it) multiplied by a factor: 1 but in negative controls.
    table : DataFrame
        The numbers, as `bayesreg.validate.stated.read_stated` takes them.
    quantities : callable
        Draws of what the table's rows are.
    control : float
        Factor at which a correct comparison must fail; NaN where the data leave no trace of the prior.
    note : str
        What of the reference cannot be matched, or is matched by other means, and why.
    draws : int
        Draws per chain of four.
    """

    name: str
    origin: str
    problem: Callable[[float], br.Problem]
    table: pd.DataFrame
    quantities: Quantities
    control: float = float("nan")
    note: str = ""
    draws: int = 5000


def shared_folder() -> Path | None:
    """The folder of references beside the project, if it is there."""
    folder = ROOT.parent / "shared"
    return folder if folder.is_dir() else None


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def by_name(labels: list[str], *names: str) -> Quantities:
    """Scalars of the named variables, in their order, under the table's labels."""

    def quantities(posterior: br.Posterior) -> dict[str, np.ndarray]:
        parts = [posterior.draws(name) for name in names if name in posterior.arrays]
        flat = np.concatenate([part.reshape(*part.shape[:2], -1) for part in parts], axis=2)
        return dict(zip(labels, np.moveaxis(flat, 2, 0), strict=True))

    return quantities


def half_unit(number: float, digits: int) -> float:
    """Half a unit of the last of so many significant digits; trailing zeros are not in the files."""
    return 0.5 * 10.0 ** (int(np.floor(np.log10(abs(number)))) + 1 - digits) if number else 0.0
