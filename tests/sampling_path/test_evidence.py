"""log p(y | s) along a path, against closed forms and integrals done otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.priors import ElasticNet, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers.conjugate import Evidence
from bayesreg.sampling_path import PosteriorPath, posterior_path
from tests.monte_carlo import LIMIT
from tests.sampling_path.cases import data
from tests.statistical.quadrature import rule

SCALES = np.geomspace(0.1, 3.0, 15)


def check_curve(path: PosteriorPath, expected: Array) -> None:
    """The curve is `expected` to its own errors, which are small."""
    best = int(np.argmax(path.log_evidence))
    assert path.log_evidence[best] == path.log_evidence_error[best] == 0
    assert path.log_evidence_error.max() < 0.15
    off = np.abs(path.log_evidence - (expected - expected[best]))
    assert (off <= LIMIT * path.log_evidence_error + 1e-9).all(), f"off by {off.max():.3f}"


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("sigma", [1.5, None])
def test_draws_find_the_closed_form(scaled, sigma):
    options = {} if sigma is None else {"likelihood": GaussianNoise(sigma)}
    problem = Problem.from_arrays(*data(), prior=Gaussian(1.0), scale_by_noise=scaled, **options)
    evidence = Evidence.of(problem)
    path = posterior_path(problem, SCALES, method="gibbs", seed=1)
    check_curve(path, np.array([evidence(s) for s in SCALES]))
    assert "evidence" not in path.warning
    with pytest.raises(AssertionError, match="off by"):
        check_curve(path, np.array([evidence(1.1 * s) for s in SCALES]))
    exact = posterior_path(problem, SCALES, draws=100)
    check_curve(exact, np.array([evidence(s) for s in SCALES]))
    assert not exact.log_evidence_error.any()


PLANE: dict[str, tuple[dict, Callable[[Array], Array]]] = {
    "gaussian noise, laplace": (
        {"prior": Laplace(1.0), "likelihood": GaussianNoise(1.5)}, lambda z: np.abs(z).sum(axis=1),
    ),
    "gaussian noise, elastic net": (
        {"prior": ElasticNet(0.7, 0.4), "likelihood": GaussianNoise(1.5)},
        lambda z: (0.7 * np.abs(z) + 0.4 * z**2).sum(axis=1),
    ),
    "logit, laplace": (
        {"prior": Laplace(1.0), "likelihood": BernoulliLogit()}, lambda z: np.abs(z).sum(axis=1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANE)
def test_draws_find_what_quadrature_does(name):
    options, penalty = PLANE[name]
    X, y = data(40, 2)
    y = (y > 2.0).astype(float) if options["likelihood"].link == "logit" else y - 2.0
    problem = Problem.from_arrays(X, y, intercept=None, standardize=False, **options)
    nodes, weights = rule(-25.0, 25.0, (-8.0, -3.0, -1.0, -0.3, 0.0, 0.3, 1.0, 3.0, 8.0), nodes=30)
    points = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.multiply.outer(weights, weights).ravel()
    likelihood = -problem.nll_each(points)
    relative = mass * np.exp(likelihood - likelihood.max())

    def curve(s: float) -> float:
        return float(np.log(relative @ np.exp(-penalty(points / s)))) - 2 * float(np.log(s))

    path = posterior_path(problem, SCALES, draws=1000, seed=2)
    check_curve(path, np.array([curve(s) for s in SCALES]))
    with pytest.raises(AssertionError, match="off by"):
        check_curve(path, np.array([curve(1.1 * s) for s in SCALES]))


def test_errors_are_the_scatter_over_seeds():
    problem = Problem.from_arrays(*data(), prior=Gaussian(1.0), likelihood=GaussianNoise(1.5))
    evidence = Evidence.of(problem)
    expected = np.array([evidence(s) for s in SCALES])
    z = []
    for seed in range(16):
        path = posterior_path(problem, SCALES, method="gibbs", seed=seed, draws=200)
        best = int(np.argmax(path.log_evidence))
        off = path.log_evidence - (expected - expected[best])
        z += [off[i] / path.log_evidence_error[i] for i in (0, -1)]
    assert 0.5 < np.sqrt(np.mean(np.square(z))) < 1.5


def test_a_grid_too_coarse_for_the_rule_says_so():
    """Two scales a decade and a half apart: the error covers what the rule misses."""
    problem = Problem.from_arrays(*data(), prior=Gaussian(1.0), likelihood=GaussianNoise(1.5))
    evidence = Evidence.of(problem)
    path = posterior_path(problem, [0.1, 3.0], method="gibbs", seed=0)
    expected = np.array([evidence(0.1), evidence(3.0)])
    off = np.abs(path.log_evidence - (expected - expected[np.argmax(path.log_evidence)]))
    assert (off <= LIMIT * path.log_evidence_error).all()
    assert path.log_evidence_error.max() > 0.5
