"""Modes of PyMC models that no Problem made: br.find_map, pm.find_MAP and pymc-extras' find_MAP on the same models.

Everybody's point is held against one compiled density, of the natural variables: nats above the lowest −log density
that any of them reached, and coefficients exactly at the kink of a Laplace prior.  Seconds are those of a second call
in one process, which compiles again from a filled cache; in brackets the first call's, whose cache was as it was found.
pymc-extras runs in the Python that the environment variable BENCH_PEERS names, where that has it.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.columns import print_columns
from benchmarks.map_models import MODELS, build
from benchmarks.measure import ROOT, cold

HEAD = ("model, contender", "nats above the best", "exact zeros", "s", "first call s")

LIMIT = 3000.0
"""Seconds after which a contender is stopped."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a contender reached on a model; NaN where it failed."""

    model: str
    contender: str
    value: float = math.nan
    zeros: int = 0
    seconds: float = math.nan
    first: float = math.nan
    note: str = ""


def make_data() -> dict[str, np.ndarray]:
    """Arrays that the models are of, seeded, real columns standardised."""
    import bayesreg as br
    from benchmarks.problems import wide

    rng = np.random.default_rng(0)
    data: dict[str, np.ndarray] = {}
    for name, short in (("diabetes", "diabetes"), ("breast_cancer", "cancer")):
        table = br.load_dataset(name)
        X = np.asarray(table.X, dtype=float)
        data[f"{short}_X"] = (X - X.mean(axis=0)) / X.std(axis=0)
        data[f"{short}_y"] = np.asarray(table.y, dtype=int if short == "cancer" else float)
    block: Any = wide().design.rows.collect()
    data["wide_X"], data["wide_y"] = block.X, block.y
    X = rng.normal(size=(300, 40)) + 0.5 * rng.normal(size=(300, 1))
    truth = np.where(np.arange(40) % 5 == 0, rng.choice([-0.4, 0.4], 40), 0.0)
    eta, label = X @ truth, rng.integers(0, 30, 300)
    data |= {"many_X": X, "exposure": rng.uniform(0.5, 2.0, 300), "label": label}
    data["counts"] = rng.poisson(data["exposure"] * np.exp(0.3 + eta))
    data["grouped"] = 1.0 + eta + 0.7 * rng.normal(size=30)[label] + rng.normal(size=300)
    data["contaminated"] = 1.0 + eta + rng.normal(size=300) + 30.0 * (rng.random(300) < 0.1)
    data["positive"] = rng.gamma(2.0, np.exp(0.5 + eta) / 2.0)
    data["categories"] = rng.multinomial(200, [0.4, 0.3, 0.15, 0.1, 0.05, 0.0])
    data["successes"] = rng.binomial(data["categories"], 0.3)
    return data


def measure(say: Callable[[str], None], models: Sequence[str] = tuple(MODELS)) -> tuple[list[Line], list[str]]:
    """Return a line for each model and contender, and who was left out."""
    python, left_out = os.environ.get("BENCH_PEERS", ""), []
    contenders = ["ours", "pm.find_MAP"]
    if python:
        contenders.append("pymc-extras")
    else:
        left_out.append("pymc-extras: BENCH_PEERS names no Python that has it")
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as name:
        folder, data = Path(name), make_data()
        np.savez(folder / "data.npz", **data)
        said: dict[str, dict[str, Any]] = {}
        for contender in contenders:
            say(f"modes by {contender}")
            try:
                said[contender] = _run(contender, folder, models, python)
            except (RuntimeError, TimeoutError, OSError) as error:
                left_out.append(f"{contender}: {error}")
        for model in models:
            lines += _judge(model, data, folder, said)
    return lines, left_out


def _run(contender: str, folder: Path, models: Sequence[str], python: str) -> dict[str, Any]:
    arguments = [contender, str(folder), *models]
    if contender == "pymc-extras":
        run = cold(["benchmarks/map_models.py", *arguments], ROOT / ".pytensor" / "peers", python, LIMIT)
    else:
        run = cold(["-m", "benchmarks.map_models", *arguments], ROOT / ".pytensor", limit=LIMIT)
    found = [json.loads(line) for line in run.output.splitlines() if line.startswith("{")]
    return {one["name"]: one for one in found}


def _judge(model: str, data: dict[str, np.ndarray], folder: Path, said: dict[str, dict[str, Any]]) -> list[Line]:
    """Everybody's point under one compiled density."""
    from bayesreg.density import GraphDensity

    density = GraphDensity(build(model, data))
    lines = []
    for contender, results in said.items():
        result = results[model]
        if "failed" in result:
            lines.append(Line(model, contender, note=result["failed"]))
            continue
        with np.load(folder / f"{list(MODELS).index(model)}.{contender}.npz") as file:
            point = {name: file[name] for name in file.files}
        value, zeros = reached(density, point)
        lines.append(Line(model, contender, value, zeros, result["second"], result["first"], result["said"]))
    return lines


def reached(density: Any, point: dict[str, np.ndarray]) -> tuple[float, int]:
    """−log density of a point given by its natural variables, and how many entries are exactly at a kink."""
    vector = density.at_natural(point)
    _, _, loc, rate = density(vector[density.free])
    return density.evaluate(vector), int(((vector[density.free] == loc) & (rate > 0)).sum())


def print_found(lines: Sequence[Line], left_out: Sequence[str]) -> None:
    """Print the table, and who was left out."""
    reached_by = [one for one in lines if math.isfinite(one.value)]
    best = {one.model: min(other.value for other in reached_by if other.model == one.model) for one in reached_by}
    cells = [
        (f"{one.model}: {one.contender}", _number(one.value - best.get(one.model, math.nan)), str(one.zeros),
         _number(one.seconds), _number(one.first))
        for one in lines
    ]  # fmt: skip
    print_columns(HEAD, cells, [line.note for line in lines])
    for who in left_out:
        print(f"left out: {who}")


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"
