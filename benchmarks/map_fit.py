"""The MAP of the PyMC model under a Laplace prior, against pm.find_MAP on the same model, built beforehand.

Each is called twice and the second call is timed: both compile again, theirs from a filled cache, and ours builds its
model again as well.  (The first call of
theirs, with nothing cached, is in the tutorial route.)
"""

from __future__ import annotations

import warnings
from typing import Any

import bayesreg as br
from benchmarks.measure import Row, timed
from benchmarks.problems import diabetes, wide


def rows() -> list[Row]:
    """Time diabetes, and p = 1000 > n = 100."""
    return [
        _row("MAP, diabetes, Laplace | pm.find_MAP", diabetes(br.Laplace(scale=14.7)), 1.0),
        _row("MAP, n=100, p=1000, Laplace | pm.find_MAP", wide(), 1.0),
    ]


def _row(name: str, problem: br.Problem, target: float) -> Row:
    exact = br.fit_penalized(problem)
    model = br.build_model(problem)
    br.find_map(problem)
    seconds, ours = timed(lambda: br.find_map(problem))
    _theirs(model)
    taken, point = timed(lambda: _theirs(model))
    beta = point["beta"].values
    above = problem.value(problem.join(point["intercept"].item(), beta)) - exact.objective
    note = (
        f"exact zeros {int(ours.zeros.sum())} and {int((beta == 0).sum())} of {int(exact.zeros.sum())}; "
        f"J above its minimum {max(ours.objective - exact.objective, 0.0):.0e} and {above:.0e} nats"
    )
    met = taken / seconds >= target and bool((ours.zeros == exact.zeros).all())
    return Row(name, seconds, taken, f"≥ {target:g}×, exact zeros", met, note)


def _theirs(model: Any) -> Any:
    import pymc as pm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pm.find_MAP(model=model, return_inferencedata=True, jitter=False, progressbar=False)
    return found.posterior.to_dataset().isel(chain=0, draw=0)
