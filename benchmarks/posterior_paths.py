"""Fifty posteriors along the prior's scale, against one posterior by default and against fifty of them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Row, timed
from benchmarks.tasks import BY_NAME

if TYPE_CHECKING:
    import bayesreg as br

COUNT, TIMES = 50, 6.0
"""Scales, and how many default posteriors they may cost."""

TASKS = ("T1", "T3")

REPEATS = {"T1": 9, "T3": 2}


def problem(name: str) -> br.Problem:
    """The posterior of a task."""
    import bayesreg as br

    task: Any = BY_NAME[name]
    X, y = task.make()
    noise = br.GaussianNoise() if task.sigma is None else br.GaussianNoise(task.sigma)
    return br.Problem.from_arrays(X, y, prior=br.Laplace(task.scale), likelihood=noise)


def rows(*, quick: bool = False) -> list[Row]:
    """Time the default grid, of three decades, and one decade about the task's own scale.

    One posterior and one path are timed in turn, so that what else the machine does falls on both.
    """
    import numpy as np

    import bayesreg as br
    from bayesreg.sampling_path import posterior_path

    found = []
    for name in TASKS:
        one = problem(name)
        own = BY_NAME[name].scale
        br.sample(one)  # the first call of all loads modules
        decade = own * np.geomspace(10**-0.5, 10**0.5, COUNT)
        for title, scales in (("three decades", None), ("one decade", decade)):
            single, path = [], []
            for seed in range(1 if quick else REPEATS[name]):
                single.append(_seconds(lambda seed=seed, one=one: br.sample(one, draws=1000, seed=seed)))
                seconds, last = timed(
                    lambda seed=seed, one=one, scales=scales: posterior_path(one, scales, seed=seed, count=COUNT)
                )
                path.append(seconds)
            theirs, ours = median(single), median(path)
            met = ours <= TIMES * theirs and last.passed
            found.append(
                Row(
                    f"{name}: {COUNT} posteriors over {title} | {COUNT} × br.sample", ours, COUNT * theirs,
                    f"at most {TIMES:g} × one posterior", met, f"{ours / theirs:.2f} × one posterior; {last.sentence}",
                )
            )  # fmt: skip
    return found


def _seconds(call: Callable[[], object]) -> float:
    return timed(call)[0]
