"""Comparisons on disk: one Zarr store with the draws, the data and the problem's own description."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesreg import likelihoods, priors, scales
from bayesreg.comparison.result import Comparison
from bayesreg.design import Design
from bayesreg.diagnostics import Verdict
from bayesreg.errors import InputError
from bayesreg.graph import GraphCheck
from bayesreg.optimality import Certificate, Optimum
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows
from bayesreg.samplers.posterior import from_tree

FORMAT = 1
_CLASSES = {
    kind.__name__: kind
    for kind in (
        *(priors.Laplace, priors.Gaussian, priors.Flat),
        *(likelihoods.GaussianNoise, likelihoods.BernoulliLogit),
        *(scales.Jeffreys, scales.FlatScale, scales.Exponential, scales.HalfNormal, scales.HalfCauchy),
        *(GraphCheck, Optimum, Certificate, Verdict),
    )
}


def save(comparison: Comparison, path: str | Path) -> Path:
    """Write a comparison to the folder `path`; an existing store of ours is replaced."""
    folder = Path(path)
    if folder.is_file():
        msg = f"cannot save to {folder}: it is a file; give a folder name such as comparison.zarr"
        raise InputError(msg)
    if folder.is_dir():
        if any(folder.iterdir()) and not _is_ours(folder):
            msg = f"cannot save to {folder}: the folder holds something else; give a new name"
            raise InputError(msg)
        shutil.rmtree(folder)
    c = comparison
    block = c.problem.design.rows.collect()
    described = {
        "format": FORMAT,
        "names": list(c.problem.names),
        "likelihood": _encode(c.problem.likelihood),
        "prior": _encode(c.problem.prior),
        "intercept": _encode(c.problem.intercept),
        "scale_by_noise": c.problem.scale_by_noise,
        "weighted": block.weights is not None,
        "notes": list(c.problem.notes),
        "map": _encode(c.map),
        "penalized": _encode(c.penalized),
        "graph_check": _encode(c.graph_check),
        "verdict": _encode(c.posterior.verdict),
        "interval_prob": c.interval_prob,
        "remarks": list(c.remarks),
        "columns": {"coefficients": list(c.coefficients.columns), "ledger": list(c.ledger.columns)},
    }
    tree = c.posterior.data.copy()
    tree["problem"] = xr.DataTree(xr.Dataset({"X": (("obs", "feature"), block.X)}))
    for name, table in (("coefficients", c.coefficients), ("ledger", c.ledger)):
        tree[name] = xr.DataTree(xr.Dataset.from_dataframe(table))
    tree.attrs["comparison"] = json.dumps(described)
    tree.to_zarr(folder, mode="w", consolidated=False)
    return folder


def _is_ours(folder: Path) -> bool:
    """Whether a folder is a Zarr store that `save` wrote: another one must not be replaced."""
    try:
        metadata = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(metadata, dict) and "comparison" in metadata.get("attributes", {})


def load(path: str | Path) -> Comparison:
    """Read a comparison from the folder `path`."""
    folder = Path(path)
    if not (folder / "zarr.json").is_file():
        msg = f"{folder} holds no saved comparison"
        raise InputError(msg)
    with xr.open_datatree(folder, engine="zarr", consolidated=False) as opened:
        tree = opened.load()
    if "comparison" not in tree.attrs:
        msg = f"{folder} is a Zarr store, but not of a comparison"
        raise InputError(msg)
    described = json.loads(tree.attrs.pop("comparison"))
    if described["format"] != FORMAT:
        msg = f"{folder} was saved in format {described['format']}; this version reads format {FORMAT}"
        raise InputError(msg)
    # Zarr keeps no order of variables.
    tables = {name: tree[name].to_dataset().to_dataframe()[order] for name, order in described["columns"].items()}
    problem = _problem(tree, described)
    data = tree.filter(lambda node: node.name not in ("problem", "coefficients", "ledger"))
    return Comparison(
        problem=problem,
        map=_decode(described["map"]),
        penalized=_decode(described["penalized"]),
        posterior=from_tree(data, _decode(described["verdict"])),
        graph_check=_decode(described["graph_check"]),
        coefficients=tables["coefficients"].set_axis(pd.Index(problem.names, name="column")),
        ledger=tables["ledger"].rename_axis(index=None).infer_objects(),
        interval_prob=described["interval_prob"],
        remarks=tuple(described["remarks"]),
    )


def _problem(tree: xr.DataTree, described: dict[str, Any]) -> Problem:
    constant = tree["constant_data"].to_dataset()
    weights = constant["weights"].to_numpy() if described["weighted"] else None
    X, y = tree["problem"].to_dataset()["X"].to_numpy(), tree["observed_data"].to_dataset()["y"].to_numpy()
    rows = ArrayRows(X, y, constant["offset"].to_numpy(), weights)
    design = Design(rows, tuple(described["names"]), constant["centre"].to_numpy(), constant["scale"].to_numpy())
    return Problem(
        design,
        _decode(described["likelihood"]),
        _decode(described["prior"]),
        _decode(described["intercept"]),
        described["scale_by_noise"],
        tuple(described["notes"]),
    )


def _encode(value: Any) -> Any:
    """Our small frozen classes as JSON: {"class": name, field: value, ...}; arrays keep their dtype."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, dict):
        return {"mapping": {k: _encode(v) for k, v in value.items()}}
    if isinstance(value, tuple | list):
        return {"tuple": [_encode(v) for v in value]}
    return value.item() if isinstance(value, np.generic) else value


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"], dtype=value["dtype"])
    if "mapping" in value:
        return {k: _decode(v) for k, v in value["mapping"].items()}
    if "tuple" in value:
        return tuple(_decode(v) for v in value["tuple"])
    kind = _CLASSES[value["class"]]
    return kind(**{k: _decode(v) for k, v in value.items() if k != "class"})
