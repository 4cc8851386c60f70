"""find_map on PyMC models that no Problem made: exact zeros, a certificate, and what pm.find_MAP does not reach."""

import numpy as np
import pytest
from scipy.special import gammaln

from bayesreg.density import evaluation_mode
from bayesreg.errors import FitError, GraphMismatchError, ParameterError
from bayesreg.graph import build_model
from bayesreg.graph_map import find_map
from bayesreg.likelihoods import GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Laplace
from tests.problems import data, make_problem


def labelled(optimum, values):
    return dict(zip(optimum.certificate.labels, values, strict=True))


def test_a_plain_model_of_a_problem_gives_the_problems_optimum():
    problem = make_problem(prior=Laplace(0.1), likelihood=GaussianNoise(1.5))
    plain, known = find_map(build_model(problem)), fit_penalized(problem)
    np.testing.assert_allclose(plain.beta, known.beta, rtol=1e-7, atol=1e-9)
    assert plain.intercept == pytest.approx(known.intercept, rel=1e-8)
    np.testing.assert_array_equal(plain.zeros, known.zeros)
    np.testing.assert_allclose(plain.margin, known.margin, rtol=1e-6)
    assert plain.names == ("beta[x0]", "beta[x1]", "beta[x2]", "beta[x3]")
    assert plain.outcome is Outcome.LOG_CONCAVE
    assert plain.search == ""


def test_holding_sigma_is_the_conditional_mode():
    problem = make_problem(prior=Laplace(0.1), likelihood=GaussianNoise())
    held = find_map(build_model(problem), hold={"sigma": 2.0})
    known = fit_penalized(problem, sigma=2.0)
    assert held.sigma == pytest.approx(2.0)
    np.testing.assert_allclose(held.beta, known.beta, rtol=1e-7, atol=1e-9)
    joint = find_map(build_model(problem))
    assert joint.sigma == pytest.approx(fit_penalized(problem, sigma="joint").sigma, rel=1e-6)


def test_laplace_on_some_variables_under_a_likelihood_of_ones_own():
    # Poisson counts; a matrix of Laplace coefficients with a location, a Normal one, an exposure: KKT by hand.
    import pymc as pm

    rng = np.random.default_rng(3)
    X, z, exposure = rng.normal(size=(80, 4)), rng.normal(size=80), rng.uniform(0.5, 2.0, 80)
    y = rng.poisson(exposure * np.exp(0.3 + X @ [0.8, 0.0, 0.0, -0.6] + 0.2 * z))
    with pm.Model() as model:
        effect = pm.Laplace("effect", mu=np.array([[0.0, 0.0], [0.1, 0.0]]), b=np.array([[0.1, 0.05], [0.05, 0.1]]))
        slope = pm.Normal("slope", 0.0, 0.5)
        base = pm.Flat("base")
        pm.Poisson("y", exposure * pm.math.exp(base + X @ effect.flatten() + slope * z), observed=y)
    found = find_map(model)
    w, b, mu = found.point["effect"].ravel(), np.array([0.1, 0.05, 0.05, 0.1]), np.array([0.0, 0.0, 0.1, 0.0])
    rate = exposure * np.exp(found.point["base"] + X @ w + found.point["slope"] * z)
    pull = X.T @ (y - rate)
    at = w == mu
    assert at.tolist() == [False, True, True, False]
    np.testing.assert_allclose(pull[~at], (np.sign(w - mu) / b)[~at], rtol=1e-8)
    assert (np.abs(pull[at]) < 1 / b[at]).all()
    assert z @ (y - rate) == pytest.approx(found.point["slope"] / 0.5**2, rel=1e-7)
    assert np.sum(y - rate) == pytest.approx(0.0, abs=1e-8)
    nll = np.sum(rate - y * np.log(rate) + gammaln(y + 1))
    prior = (
        np.sum(np.abs(w - mu) / b + np.log(2 * b)) + found.point["slope"] ** 2 / 0.5 + np.log(0.5 * np.sqrt(2 * np.pi))
    )
    assert found.objective == pytest.approx(nll + prior, rel=1e-9)
    # the certificate, by name
    margins, zeros = labelled(found, found.certificate.margin), labelled(found, found.certificate.zero)
    assert [name for name, zero in zeros.items() if zero] == ["effect[0, 1]", "effect[1, 0]"]
    assert margins["effect[0, 1]"] == pytest.approx(1 - abs(pull[1]) * b[1], rel=1e-8)
    assert np.isnan(margins["slope"])
    assert found.outcome is Outcome.LOG_CONCAVE


def test_a_mode_is_that_of_the_natural_variable():
    # The mode of Gamma(3, 2) is (3 − 1)/2; that of its logarithm would be 3/2.
    import pymc as pm

    with pm.Model() as model:
        pm.Gamma("rate", 3.0, 2.0)
        pm.Beta("share", 3.0, 2.0)
    found = find_map(model)
    assert found.point["rate"] == pytest.approx(1.0, rel=1e-8)
    assert found.point["share"] == pytest.approx(2 / 3, rel=1e-8)


def test_whole_number_scales_do_not_cost_digits():
    # PyTensor makes 3.0 a single-precision constant, whose reciprocal would be 1e-8 off.
    import pymc as pm

    with pm.Model() as model:
        beta = pm.Laplace("beta", 0.0, 3.0)
        pm.Normal("y", beta, 1.0, observed=np.array([0.2]))
    found = find_map(model)
    assert found.beta[0] == 0
    assert found.margin[0] == pytest.approx(1 - 0.2 * 3.0, rel=1e-13)


def test_laplace_priors_around_a_hierarchical_mean_are_not_torn():
    # The location of the kink is itself a variable's value: group effects about a common mean.
    import pymc as pm

    y = np.array([1.0, 1.2, 0.9, 4.0])
    with pm.Model() as model:
        centre = pm.Normal("centre", 0.0, 10.0)
        group = pm.Laplace("group", mu=0.0, b=0.4, shape=4)
        pm.Normal("y", centre + group, 0.5, observed=y)
    found = find_map(model)
    group, centre = found.point["group"], found.point["centre"]
    residual = (y - centre - group) / 0.25
    assert centre / 100 == pytest.approx(residual.sum(), rel=1e-6)
    np.testing.assert_array_equal(group != 0, [False, False, False, True])
    assert residual[3] == pytest.approx(1 / 0.4, rel=1e-8)


def test_many_coefficients_are_found_by_the_quasi_newton_start():
    X, y = data("gaussian", 60, 450)
    problem = make_problem(n=60, p=450, prior=Laplace(0.2), likelihood=GaussianNoise(1.5))
    graph, known = find_map(problem), fit_penalized(problem)
    assert graph.outcome is known.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(graph.beta, known.beta, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(graph.zeros, known.zeros)
    assert 5 < (~graph.zeros).sum() < 60
    assert X.shape == (60, 450)
    assert y.shape == (60,)


def test_it_goes_where_find_map_of_pymc_does_not():
    # A strong Laplace prior: pm.find_MAP ends beside the kinks, 0.07 nats short, and says that it has converged.
    import pymc as pm

    problem = make_problem(prior=Laplace(0.1), likelihood=GaussianNoise(1.5))
    model = build_model(problem)
    found = pm.find_MAP(
        model=model,
        jitter=False,
        progressbar=False,
        return_inferencedata=True,
        compile_kwargs={"mode": evaluation_mode()},
    )
    intercept, beta = (found["posterior"][name].to_numpy().ravel() for name in ("intercept", "beta"))
    ours = find_map(problem)
    assert ours.outcome is Outcome.CERTIFIED
    assert ours.zeros.sum() >= 2
    assert bool(found["optimizer_result"]["success"].all())
    assert (beta != 0).all()
    assert problem.value(problem.join(float(intercept[0]), beta)) > ours.objective + 0.01


# -- what cannot be done -------------------------------------------------------------------------------------


def test_a_density_that_is_not_finite_at_its_start_is_refused():
    import pymc as pm

    with pm.Model() as model:
        rate = pm.Normal("rate", 0.0, 1.0)
        pm.Potential("domain", pm.math.switch(rate > -10, -np.inf, 0.0))
    with pytest.raises(FitError, match=r"not finite at its initial point: .*; it is not for domain"):
        find_map(model)


def test_an_unbounded_density_is_refused():
    import pymc as pm

    with pm.Model() as model:
        drift = pm.Flat("drift")
        pm.Potential("downhill", 2 * drift)
    with pytest.raises(FitError, match="grows without bound"):
        find_map(model)


def test_a_variable_to_hold_must_exist():
    with pytest.raises(GraphMismatchError, match=r"no free variable 'tau' \(it has intercept, beta\)"):
        find_map(build_model(make_problem()), hold={"tau": 1.0})


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (42, {}, r"find_map takes a Problem or a pymc.Model \(got int\)"),
        (make_problem(), {"hold": {"beta": 0.0}}, "hold is for a pymc.Model; for a Problem use sigma="),
    ],
)
def test_what_find_map_does_not_take(target, options, message):
    with pytest.raises(ParameterError, match=message):
        find_map(target, **options)


def test_sigma_is_for_problems():
    import pymc as pm

    with pm.Model() as model:
        pm.Normal("x")
    with pytest.raises(ParameterError, match=r"hold its variable: hold=\{'sigma': value\}"):
        find_map(model, sigma=1.0)
