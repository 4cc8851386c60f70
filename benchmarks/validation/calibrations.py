"""Simulation-based calibration of every case, two cases at a time, resumable."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config

from bayesreg.samplers.whitened import forget_compiled
from bayesreg.validate import sbc
from benchmarks.measure import ROOT
from benchmarks.validation.cases import SEED, Case, cases

FAMILY = 0.01
"""Probability, at most, that any of all right samplers fails."""

RANKS, DRAWS = 19, 60
"""L, and draws of each of four chains (or as many in all): as many as it takes for an ESS of 2L are made."""

TUNE = {"hmc": 100}
"""Warm-up, where half of the sampler's own is enough: on a few rows of four columns the draws' ESS says so."""

Row = dict[str, Any]


def calibrate(case: Case, replications: int, level: float, folder: Path | None) -> Row:
    """One line of the table."""
    os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={ROOT}/.pytensor,generated_src_dir={ROOT}/.pytensor/src")
    store = None if folder is None else folder / f"{_slug(case.name)}.jsonl"
    found = sbc(
        case.problem,
        replications,
        tune=TUNE.get(case.method),
        ranks=RANKS,
        draws=DRAWS,
        seed=SEED,
        workers=1,
        false_alarm=level,
        store=store,
    )
    forget_compiled()  # no other case has this model, and workers that grow are ended
    worst = found.table.iloc[0]
    return {
        "likelihood": case.likelihood, "prior": case.prior, "first": case.method, "methods": found.methods,
        "replications": len(found.ranks), "quantities": len(found.names), "p": found.p,
        "worst": str(found.table.index[0]),
        "mean_rank": float(worst["mean_rank"]), "spread": float(worst["spread"]), "passed": found.passed,
        "verdict": found.verdict, "seconds": found.seconds,
    }  # fmt: skip


def rows(
    replications: int, *, folder: Path | None = None, workers: int = 2, chosen: Sequence[Case] | None = None
) -> Iterator[Row]:
    """Lines as they are finished; those that compile first, since they take longest."""
    listed = list(cases() if chosen is None else chosen)
    listed.sort(key=lambda case: case.method != "nuts")
    level = FAMILY / len(listed)
    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
        yield from pool(delayed(calibrate)(case, replications, level, folder) for case in listed)


def _slug(name: str) -> str:
    kept = "".join(character if character.isalnum() else "-" for character in name.lower())
    return "-".join(part for part in kept.split("-") if part)
