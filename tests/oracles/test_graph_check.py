"""The check that a PyMC graph is the objective: passes for the problem's own, and names what is wrong in any other."""

import numpy as np
import pytest

from bayesreg.density import GraphDensity
from bayesreg.errors import GraphMismatchError
from bayesreg.graph import build_model, check_graph
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Gaussian, Laplace
from bayesreg.scales import HalfNormal
from tests.problems import extras, make_problem

TRUTH = {
    "b": 0.3,
    "b_times_sigma": False,
    "normalised": True,
    "sigma_sd": 2.0,
    "log_sigma": False,
    "mean": 1.0,
    "weights": None,
    "extra": False,
    "potential": False,
}


def problem_for(**options):
    return make_problem(
        prior=Laplace(0.3), likelihood=GaussianNoise(HalfNormal(2.0)), intercept=Gaussian(2.0, loc=1.0), **options
    )


def by_hand(problem, **changes):
    """The problem's model written out in PyMC by hand, with something changed."""
    import pymc as pm

    t = TRUTH | changes
    block = problem.design.rows.collect()
    with pm.Model(coords={"feature": list(problem.names)}) as model:
        sigma = pm.LogNormal("sigma", 0.0, 1.0) if t["log_sigma"] else pm.HalfNormal("sigma", np.float64(t["sigma_sd"]))
        intercept = pm.Normal("intercept", t["mean"], np.float64(2.0))
        b = np.float64(t["b"]) * (sigma if t["b_times_sigma"] else 1.0)
        if t["normalised"]:
            beta = pm.Laplace("beta", 0.0, b, dims="feature")
        else:
            beta = pm.CustomDist(
                "beta", b, logp=lambda value, scale: -abs(value) / scale, dist=_laplace, dims="feature"
            )
        if t["extra"]:
            pm.Normal("nuisance")
        if t["potential"]:
            pm.Potential("nudge", 1e-4 * beta.sum())
        eta = intercept + block.X @ beta
        if t["weights"] is None:
            pm.Normal("y", eta, sigma, observed=block.y)
        else:
            pm.Normal("y", eta, sigma / np.sqrt(t["weights"]), observed=block.y)
    return model


def _laplace(scale, size):
    import pymc as pm

    return pm.Laplace.dist(0.0, scale, size=size)


def test_the_same_model_written_by_hand_passes():
    problem = problem_for()
    check = check_graph(problem, by_hand(problem))
    assert check.passed
    assert check.spread < 1e-12


@pytest.mark.parametrize(
    ("changes", "culprit"),
    [
        ({"b": 0.33}, "beta"),
        ({"b": 0.3003}, "beta"),
        ({"sigma_sd": 2.2}, "sigma"),
        ({"log_sigma": True}, "sigma"),
        ({"mean": 1.001}, "intercept"),
        ({"b_times_sigma": True}, "beta"),
        ({"potential": True}, "nudge"),
    ],
)
def test_what_is_wrong_is_named(changes, culprit):
    problem = problem_for()
    with pytest.raises(GraphMismatchError, match=rf"logp \+ J varies by .* most in the term of '{culprit}'"):
        check_graph(problem, by_hand(problem, **changes))


def test_a_normaliser_dropped_where_sigma_varies_is_seen():
    # −|β|/(σb) without −log 2σb: the same penalty at any σ, but not the same density.
    problem = problem_for(scale_by_noise=True)
    assert check_graph(problem, by_hand(problem, b_times_sigma=True)).passed
    with pytest.raises(GraphMismatchError, match="most in the term of 'beta'"):
        check_graph(problem, by_hand(problem, b_times_sigma=True, normalised=False))


def test_a_constant_normaliser_dropped_is_no_difference():
    # At a fixed scale it is a constant, which logp + J may be.
    problem = problem_for()
    check = check_graph(problem, by_hand(problem, normalised=False))
    assert check.passed
    assert check.constant == pytest.approx(problem.p * np.log(2 * 0.3), rel=1e-9)


def test_weights_as_precisions_are_not_weights_of_the_likelihood():
    # N(y | η, σ/√w) has −½ log σ² once a row; N(y | η, σ)^w has it w times.
    weights = extras()["weights"] + 0.5
    problem = problem_for(weights=weights)
    with pytest.raises(GraphMismatchError, match="most in the term of 'y'"):
        check_graph(problem, by_hand(problem, weights=weights))


def test_a_variable_too_many_or_too_few_is_named():
    problem = problem_for()
    with pytest.raises(GraphMismatchError, match="free variables that the objective does not: 'nuisance'"):
        check_graph(problem, by_hand(problem, extra=True))
    with pytest.raises(GraphMismatchError, match="has no free variable 'intercept'"):
        check_graph(problem, build_model(make_problem(likelihood=GaussianNoise(HalfNormal(2.0)), intercept=None)))


def test_points_follow_the_seed_and_their_number():
    problem = problem_for()
    density = GraphDensity(build_model(problem))
    checks = [check_graph(problem, density=density, points=k, seed=s) for k, s in ((24, 0), (24, 0), (24, 1), (30, 0))]
    assert [check.points for check in checks] == [24, 24, 24, 30]
    assert checks[0].constant == checks[1].constant
    assert checks[0].constant != checks[2].constant
