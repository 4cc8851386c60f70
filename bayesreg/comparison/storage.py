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
from bayesreg.comparison.audited import AuditedFit
from bayesreg.comparison.result import Comparison
from bayesreg.design import Design
from bayesreg.diagnostics import Verdict
from bayesreg.errors import InputError
from bayesreg.formula import encoding_from_json
from bayesreg.graph import GraphCheck
from bayesreg.optimum import Certificate, Optimum
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows, is_sparse
from bayesreg.samplers.posterior import from_tree
from bayesreg.stacked import Stacked

FORMAT = 3
_CLASSES = {
    kind.__name__: kind
    for kind in (
        *(getattr(priors, name) for name in priors.__all__),
        *(getattr(likelihoods, name) for name in likelihoods.__all__),
        *(scales.Jeffreys, scales.FlatScale, scales.Exponential, scales.HalfNormal, scales.HalfCauchy, scales.Gamma),
        *(GraphCheck, Optimum, Certificate, Verdict, AuditedFit),
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
        "terms": list(c.problem.design.terms),
        "given": list(c.problem.given),
        "encoding": None if c.problem.encoding is None else c.problem.encoding.to_json(),
        "likelihood": _encode(c.problem.likelihood),
        "prior": _encode(c.problem.prior),
        "intercept": _encode(c.problem.intercept),
        "scale_by_noise": c.problem.scale_by_noise,
        "centred": c.problem.design.centred,
        "weighted": block.weights is not None,
        "notes": list(c.problem.notes),
        "map": _encode(c.map),
        "penalized": _encode(c.penalized),
        "graph_check": _encode(c.graph_check),
        "verdict": _encode(c.posterior.verdict),
        "interval_prob": c.interval_prob,
        "remarks": list(c.remarks),
        "audited": _encode(c.audited),
        "sigma": c.sigma,
        "columns": {name: list(table.columns) for name, table in _tables(c).items()},
    }
    tree = c.posterior.data.copy()
    tree["problem"] = xr.DataTree(_matrix(block.X))
    for name, table in _tables(c).items():
        tree[name] = xr.DataTree(xr.Dataset.from_dataframe(table))
    tree.attrs["comparison"] = json.dumps(described)
    tree.to_zarr(folder, mode="w", consolidated=False)
    return folder


def _tables(c: Comparison) -> dict[str, pd.DataFrame]:
    tables = {"coefficients": c.coefficients, "ledger": c.ledger}
    return tables if c.sensitivity is None else tables | {"sensitivity": c.sensitivity}


def _matrix(X: Any) -> xr.Dataset:
    """X as it is stored: dense, or the three arrays of a CSR matrix."""
    if not is_sparse(X):
        return xr.Dataset({"X": (("obs", "feature"), X)})
    parts = {"data": ("entry", X.data), "indices": ("entry", X.indices), "indptr": ("row", X.indptr)}
    return xr.Dataset(parts, attrs={"columns": X.shape[1]})


def _read_matrix(stored: xr.Dataset) -> Any:
    if "X" in stored:
        return stored["X"].to_numpy()
    from scipy.sparse import csr_array

    parts = tuple(stored[name].to_numpy() for name in ("data", "indices", "indptr"))
    return csr_array(parts, shape=(parts[2].size - 1, int(stored.attrs["columns"])))


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
    data = tree.filter(lambda node: node.name not in ("problem", "coefficients", "ledger", "sensitivity"))
    columns = pd.Index(problem.names, name="column")
    return Comparison(
        problem=problem,
        map=_optimum(described["map"], problem),
        penalized=_optimum(described["penalized"], problem),
        posterior=from_tree(data, _decode(described["verdict"]), problem),
        graph_check=_decode(described["graph_check"]),
        coefficients=tables["coefficients"].set_axis(columns),
        ledger=tables["ledger"].rename_axis(index=None).infer_objects(),
        interval_prob=described["interval_prob"],
        remarks=tuple(described["remarks"]),
        sensitivity=tables["sensitivity"].set_axis(columns) if "sensitivity" in tables else None,
        audited=_decode(described["audited"]),
        sigma=described["sigma"],
    )


def _optimum(described: dict[str, Any], problem: Problem) -> Optimum:
    found: Optimum = _decode(described)
    return dataclasses.replace(found, problem=problem.conditional(found.sigma))


def _problem(tree: xr.DataTree, described: dict[str, Any]) -> Problem:
    constant = tree["constant_data"].to_dataset()
    weights = constant["weights"].to_numpy() if described["weighted"] else None
    X, y = _read_matrix(tree["problem"].to_dataset()), tree["observed_data"].to_dataset()["y"].to_numpy()
    trials = constant["trials"].to_numpy() if "trials" in constant else None
    rows = ArrayRows(X, y, constant["offset"].to_numpy(), weights, trials)
    names, terms = tuple(described["names"]), tuple(described["terms"])
    design = Design(
        rows, names, constant["centre"].to_numpy(), constant["scale"].to_numpy(), terms, described.get("centred", False)
    )
    return Problem(
        design,
        _decode(described["likelihood"]),
        _decode(described["prior"]),
        _decode(described["intercept"]),
        described["scale_by_noise"],
        tuple(described["notes"]),
        None if described["encoding"] is None else encoding_from_json(described["encoding"]),
        tuple(described["given"]),
    )


def _encode(value: Any) -> Any:
    """Our small frozen classes as JSON: {"class": name, field: value, ...}; arrays keep their dtype."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        fields.pop("problem", None)  # kept once, beside them
        return {"class": type(value).__name__, **fields}
    if isinstance(value, Stacked):
        parts = [{"prior": _encode(prior), "columns": columns.tolist()} for prior, columns in value.parts]
        return {"stacked": parts, "keys": value.keys}
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
    if "stacked" in value:
        return Stacked([(_decode(part["prior"]), part["columns"]) for part in value["stacked"]], value["keys"])
    if "array" in value:
        return np.array(value["array"], dtype=value["dtype"])
    if "mapping" in value:
        return {k: _decode(v) for k, v in value["mapping"].items()}
    if "tuple" in value:
        return tuple(_decode(v) for v in value["tuple"])
    kind = _CLASSES[value["class"]]
    return kind(**{k: _decode(v) for k, v in value.items() if k != "class"})
