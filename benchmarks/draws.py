"""Effective draws of the ridge posterior per second of sampling: exact independent draws against pm.sample."""

from __future__ import annotations

import bayesreg as br
from benchmarks.measure import Row, best_of
from benchmarks.problems import diabetes
from benchmarks.ridge_compare import Tutorial
from benchmarks.tutorial_route import SCALE

EACH = 1000.0


def rows(tutorial: Tutorial) -> list[Row]:
    """Time a thousand effective draws; compilation is left out of theirs (ours has none)."""
    problem = diabetes(br.Gaussian(scale=SCALE), sigma=None)
    taken = best_of(lambda: br.sample(problem, "conjugate", draws=1000, chains=4), 3)
    effective = 4000.0  # independent draws
    theirs = tutorial.sampling * EACH / tutorial.effective
    note = (
        f"draws with their diagnostics and log-likelihood {effective / taken:,.0f}/s; "
        f"pm.sample {tutorial.effective / tutorial.sampling:,.0f} ESS/s without compiling"
    )
    return [Row("1000 effective ridge draws | pm.sample", taken * EACH / effective, theirs, note=note)]
