"""The report: what it takes once everything is computed, and what the λ explorer adds to that."""

from __future__ import annotations

import bayesreg as br
from bayesreg.reporting.build import as_html
from bayesreg.reporting.grid import walk
from benchmarks.measure import Row, best_of

SECONDS, MEGABYTES = 5.0, 3.0


def rows(repeats: int = 3) -> list[Row]:
    """Time the report of the diabetes lasso whose scale the evidence chose."""
    data = br.load_dataset("diabetes")
    unscaled = br.Problem.from_arrays(data.X, data.y, names=data.names, prior=br.Laplace(1.0))
    choice = br.choose_scale(unscaled)
    comparison = br.compare(choice.problem)
    compared = best_of(lambda: br.compare(choice.problem), repeats)
    drawn = best_of(lambda: br.sample(choice.problem), repeats)
    found = walk(comparison, choice)
    walked = best_of(lambda: walk(comparison, choice), repeats)
    size = len(as_html(comparison, found, choice=choice).encode()) / 1e6  # and what is lazy is computed
    built = best_of(lambda: as_html(comparison, found, choice=choice), repeats)
    target = f"≤ {SECONDS:g} s, ≤ {MEGABYTES:g} MB"
    met = built <= SECONDS and size <= MEGABYTES
    places = found.scales.size
    return [
        Row("the report, all computed | compare", built, compared, target, met, note=f"{size:.2f} MB, one file"),
        Row(
            f"both paths and the choices at {places} scales | as many posteriors", walked, places * drawn,
            note="a certified path, posteriors reweighted, cross-validation; the other: br.sample at each scale",
        ),
    ]  # fmt: skip
