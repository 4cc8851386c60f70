"""What a Posterior holds: groups, dims, coordinates, both units, the log-likelihood, and what ArviZ makes of it."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest

from bayesreg.errors import InputError
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, posterior, sample
from bayesreg.samplers.posterior import assemble
from bayesreg.samplers.settings import Draws, read_settings
from bayesreg.scales import HalfNormal
from tests.problems import extras, make_problem

NOISE = GaussianNoise(HalfNormal(2.0))

FORMS = {
    "plain": lambda: make_problem(prior=Gaussian(0.5), likelihood=NOISE),
    "sigma-known": lambda: make_problem(prior=Gaussian(0.5)),
    "no-intercept": lambda: make_problem(prior=Gaussian(0.5), intercept=None, likelihood=NOISE),
    "raw": lambda: make_problem(prior=Gaussian(0.5), standardize=False, likelihood=NOISE),
    "weights-and-offset": lambda: make_problem(prior=Gaussian(0.5), likelihood=NOISE, **extras()),
    "scaled": lambda: make_problem(prior=Gaussian(0.5), likelihood=NOISE, scale_by_noise=True),
    "bernoulli": lambda: make_problem("bernoulli", prior=Gaussian(0.5)),
}


def drawn(problem: Problem) -> Posterior:
    """A posterior from the exact sampler; where it does not apply, one of draws made by hand."""
    if problem.likelihood.quadratic:
        return sample(problem, draws=100, chains=3)
    theta = np.random.default_rng(0).normal(size=(3, 100, len(problem.labels)))
    stats = {"diverging": np.zeros((3, 100), dtype=bool)}
    return assemble(problem, Draws(theta, None, stats=stats), read_settings(100, 3, None, 0, None), "nuts", "by hand")


@pytest.fixture(params=list(FORMS), scope="module")
def pair(request: pytest.FixtureRequest) -> tuple[Problem, Posterior]:
    problem = FORMS[request.param]()
    return problem, drawn(problem)


def test_groups_dims_and_coordinates(pair: tuple[Problem, Posterior]) -> None:
    problem, drawn = pair
    tree = drawn.data
    assert set(tree.children) == {"posterior", "sample_stats", "log_likelihood", "observed_data", "constant_data"}
    group = tree["posterior"]
    expected = {"beta", "beta_raw"}
    expected |= {"intercept", "intercept_raw"} if problem.has_intercept else set()
    expected |= {"sigma"} if problem.likelihood.dispersion is not None else set()
    assert set(group.data_vars) == expected
    for name in expected:
        lead = ("chain", "draw", "feature") if name.startswith("beta") else ("chain", "draw")
        assert group[name].dims == lead
    assert group["feature"].values.tolist() == list(problem.names)
    assert group["chain"].values.tolist() == [0, 1, 2]
    assert group["draw"].values.tolist() == list(range(100))
    assert tree["log_likelihood"]["y"].dims == ("chain", "draw", "obs")
    assert tree.attrs["sampler"] == drawn.method
    assert tree.attrs["seed"] == "0"
    assert {"bayesreg", "numpy", "reason"} <= set(tree.attrs)


def test_data_are_kept_as_they_are(pair: tuple[Problem, Posterior]) -> None:
    problem, drawn = pair
    block, tree = problem.design.rows.collect(), drawn.data
    np.testing.assert_array_equal(tree["observed_data"]["y"], block.y)
    constant = tree["constant_data"]
    np.testing.assert_array_equal(constant["offset"], block.offset)
    np.testing.assert_array_equal(constant["weights"], np.ones(problem.n) if block.weights is None else block.weights)
    np.testing.assert_array_equal(constant["centre"], problem.design.centre)
    np.testing.assert_array_equal(constant["scale"], problem.design.scale)


def test_properties_are_the_trees_arrays(pair: tuple[Problem, Posterior]) -> None:
    problem, drawn = pair
    for name, array in drawn.arrays.items():
        np.testing.assert_array_equal(drawn.data["posterior"][name], array)
        np.testing.assert_array_equal(drawn.draws(name), array)
    np.testing.assert_array_equal(drawn.beta, drawn.draws("beta"))
    np.testing.assert_array_equal(drawn.beta_raw, drawn.draws("beta_raw"))
    if problem.has_intercept:
        np.testing.assert_array_equal(drawn.intercept, drawn.draws("intercept"))
        np.testing.assert_array_equal(drawn.intercept_raw, drawn.draws("intercept_raw"))
    assert drawn.data is drawn.data


def test_both_units_give_the_same_predictor(pair: tuple[Problem, Posterior]) -> None:
    problem, drawn = pair
    z = problem.design.rows.collect().X
    X = z * problem.design.scale + problem.design.centre
    a, a_raw = (drawn.intercept, drawn.intercept_raw) if problem.has_intercept else (0.0, 0.0)
    eta = np.asarray(a)[..., None] + drawn.beta @ z.T
    raw = np.asarray(a_raw)[..., None] + drawn.beta_raw @ X.T
    np.testing.assert_allclose(raw, eta, atol=1e-10)
    if problem.design.standardized:
        assert not np.allclose(drawn.beta_raw, drawn.beta)


def test_log_likelihood_is_that_of_each_draw(pair: tuple[Problem, Posterior]) -> None:
    problem, drawn = pair
    assert drawn.log_likelihood is not None
    totals = drawn.log_likelihood.sum(axis=-1)
    for chain, draw in ((0, 0), (1, 50), (2, 99)):
        a = drawn.intercept[chain, draw] if problem.has_intercept else 0.0
        theta = problem.join(a, drawn.beta[chain, draw])
        sigma = float(drawn.draws("sigma")[chain, draw]) if "sigma" in drawn.arrays else None
        assert totals[chain, draw] == pytest.approx(-problem.conditional(sigma).nll(theta), rel=1e-12)


def test_arviz_takes_it(pair: tuple[Problem, Posterior]) -> None:
    problem, drawn = pair
    table = az.summary(drawn.data, round_to="none")
    assert np.isfinite(table[["mean", "sd", "mcse_mean"]].to_numpy()).all()
    for j, name in enumerate(problem.names):
        assert table.loc[f"beta[{name}]", "mean"] == pytest.approx(drawn.beta[..., j].mean(), rel=1e-12)
        assert table.loc[f"beta_raw[{name}]", "sd"] == pytest.approx(drawn.beta_raw[..., j].std(ddof=1), rel=1e-12)


def test_leave_one_out_is_finite() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(150, 2))
    problem = Problem.from_arrays(X, X @ [1.0, -1.0] + rng.normal(size=150), prior=Gaussian(0.5))
    result = az.loo(sample(problem, draws=500).data)  # warns, and so fails, where the weights are not to be trusted
    assert np.isfinite(result.elpd)
    assert np.isfinite(result.se)
    assert result.elpd_i.sizes == {"obs": 150}


def test_a_log_likelihood_too_large_to_keep_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = FORMS["plain"]()
    monkeypatch.setattr(posterior, "LOG_LIKELIHOOD_CELLS", 4 * 100 * problem.n - 1)
    drawn = sample(problem, draws=100)
    assert drawn.log_likelihood is None
    assert "log_likelihood" not in drawn.data.children
    assert sample(problem, draws=99).log_likelihood is not None


def test_unknown_variables_are_refused_by_name() -> None:
    drawn = sample(FORMS["sigma-known"](), draws=5)
    with pytest.raises(InputError, match="no draws of 'sigma': there are intercept, intercept_raw, beta, beta_raw"):
        drawn.draws("sigma")


def test_the_callers_arrays_stay_as_they_were() -> None:
    rng = np.random.default_rng(0)
    X, y, w = np.asfortranarray(rng.normal(size=(20, 2))), rng.normal(size=20), np.ones(20)
    before = [a.tobytes() for a in (X, y, w)]
    sample(Problem.from_arrays(X, y, prior=Gaussian(1.0), weights=w), draws=5)
    assert [a.tobytes() for a in (X, y, w)] == before
    assert X.flags.writeable
