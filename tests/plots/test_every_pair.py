"""Every picture is drawn for every prior with several likelihoods, and for every likelihood with several priors.

All pairs of the registry in all pictures would take minutes: each prior of `SHOWN` (one for each class of prior of the
registry, and the by-column and located variants) goes with two likelihoods, and so each likelihood with two priors or
more.  Optima, tables and held-out predictions are real, draws are made up; nothing samples that would compile.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

import bayesreg as br
from bayesreg import plots
from bayesreg.discard import normal_means
from bayesreg.plots.style import figure_of
from bayesreg.validate import Calibration
from tests.plots.draws import compared
from tests.plots.paths import chosen
from tests.problems import FAMILIES, P, make_problem
from tests.registry import PRIORS, STACKED

ALL = PRIORS | STACKED

SHOWN = (
    "laplace", "laplace-by-column", "gaussian-located", "flat", "elastic-net", "bridge-0.5", "bridge-1.5-by-column",
    "group-laplace-by-column", "stacked-interleaved", "by-column",
)  # fmt: skip
"""Priors that are drawn, each with two likelihoods."""

KINDS = tuple(FAMILIES)

PAIRS = [(KINDS[(i + 3 * k + i // len(KINDS)) % len(KINDS)], prior) for i, prior in enumerate(SHOWN) for k in (0, 1)]

NO_SCALE = ("flat",)
"""Priors of which nothing can be chosen: they have no path."""


@cache
def comparison(i: int) -> br.Comparison:
    kind, prior = PAIRS[i]
    energies = np.random.default_rng(1).normal(size=(4, 250))
    found = compared(make_problem(kind, prior=ALL[prior](P)), stats={"energy": energies})
    assert found.passed, found.withheld
    assert not found.prediction.withheld
    return found


@cache
def along(c: br.Comparison) -> br.PenalizedPath:
    return br.penalized_path(c.problem, np.geomspace(0.05, 5.0, 5))


def bands(path: br.PenalizedPath) -> SimpleNamespace:
    """A posterior about the MAP's path, as far as the pictures read it."""
    good = np.ones(path.scales.size, dtype=bool)
    return SimpleNamespace(
        problem=path.problem, family=path.family, scales=path.scales, mean=path.beta, median=path.beta,
        lower=path.beta - 0.3, upper=path.beta + 0.3, passed_at=good, interrupted=False,
    )  # fmt: skip


def calibrated(c: br.Comparison) -> Calibration:
    """Uniform ranks of its parameters."""
    names = tuple(f"beta[{name}]" for name in c.problem.names)
    ranks = np.random.default_rng(3).integers(20, size=(50, len(names)))
    records = tuple({"index": i, "ranks": row.tolist(), "method": "hmc"} for i, row in enumerate(ranks))
    return Calibration(c.problem, "auto", "prior", "truths from the prior", names, 19, 50, records, 0.01, "0", False)


PICTURES = {
    "calibration": plots.calibration,
    "choices": lambda c, **given: plots.choices(chosen(along(c)), **given),
    "contours": plots.contours,
    "coverage": lambda c, **given: plots.coverage(normal_means(c.problem.prior, columns=P), **given),
    "energy": plots.energy,
    "ess": lambda c, **given: plots.ess(c, most=2, **given),
    "forest": plots.forest,
    "information": plots.information,
    "khat": plots.khat,
    "loo_pit": plots.loo_pit,
    "marginals": plots.marginals,
    "path": lambda c, **given: plots.path(along(c), bands(along(c)), choice=chosen(along(c)), most=2, **given),
    "penalty": plots.penalty,
    "rank": lambda c, **given: plots.rank(c, most=2, **given),
    "sbc": lambda c, **given: plots.sbc(calibrated(c), **given),
    "shrinkage": plots.shrinkage,
    "trace": lambda c, **given: plots.trace(c, most=2, **given),
    "tradeoffs": plots.tradeoffs,
    "trajectories": lambda c, **given: plots.trajectories(br.trajectory(c.problem, "proximal", 20), **given),
    "typicality": plots.typicality,
    "waterfall": lambda c, **given: plots.waterfall(c.waterfall(integrate_scale=False), **given),
}
"""Name of a picture -> how it is drawn of a comparison."""

ALONG = ("choices", "path")
"""Pictures of what changes with the prior's scale."""


def test_no_picture_is_left_out():
    assert set(PICTURES) == set(plots.__all__) - {"save"}


def test_no_prior_and_no_likelihood_is_left_out():
    """A new class of prior needs a line in `SHOWN`; a new likelihood is taken by itself."""
    kinds, priors = zip(*PAIRS, strict=True)
    assert {type(ALL[name](P)) for name in SHOWN} == {type(make(P)) for make in ALL.values()}
    assert len(set(PAIRS)) == len(PAIRS)
    assert min(Counter(kinds)[kind] for kind in FAMILIES) >= 2
    assert min(Counter(priors)[prior] for prior in SHOWN) == 2


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("i", range(len(PAIRS)), ids=["-".join(pair) for pair in PAIRS])
def test_every_pair_is_drawn(i, name, written):
    width = (3.5, 7.0)[(i + list(PICTURES).index(name)) % 2]
    if name in ALONG and PAIRS[i][1] in NO_SCALE:
        with pytest.raises(br.ParameterError, match="has no scale"):
            PICTURES[name](comparison(i), width=width)
        return
    axes = PICTURES[name](comparison(i), width=width)
    figure = figure_of(np.ravel(np.asarray(axes, dtype=object))[0])
    assert figure.get_figwidth() == width
    written(figure)
