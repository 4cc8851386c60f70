"""Laws that tie a likelihood's PyMC variable to its nll: the graph's own log density, its gradient and its draws."""

import numpy as np
import pytest

from bayesreg.density import evaluation_mode
from bayesreg.likelihoods.numerics import LARGEST
from tests.registry import LIKELIHOODS, TRIALS, WITH_TRIALS, block_of

CASES = LIKELIHOODS | WITH_TRIALS
EACH = pytest.mark.parametrize("name", CASES)
FAR = np.array([-700.0, -300.0, -40.0, -6.0, -0.5, 0.0, 0.3, 2.5, 7.0, 40.0, 300.0, 700.0])
DISPERSED = ("gaussian", "student-t", "negative-binomial", "gamma")
COUNTS = ("bernoulli", "binomial", "poisson", "negative-binomial")
WEIGHTED = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])


def build(name, eta, y, *, weighted=False, unknown=False, observed=True):
    """Return PyMC's model of the responses given a vector η (and the dispersion, where `unknown`), and its block."""
    import pymc as pm

    weights = np.resize([0.0, 0.5, 1.0, 2.5], y.size) if weighted else None
    data = block_of(y, weights=weights, trials=TRIALS if name in WITH_TRIALS else None)
    with pm.Model(coords={"obs": range(y.size)}) as model:
        predictor = pm.Flat("eta", dims="obs") if observed else pm.Data("eta", eta, dims="obs")
        sigma = pm.HalfFlat("sigma", default_transform=None) if unknown else None
        CASES[name].make().node("y", predictor, sigma, data, "obs")
    return model, data


def evaluate(model, outputs, **point):
    import pytensor

    inputs = [model.rvs_to_values[model[name]] for name in point]
    fn = pytensor.function(inputs, outputs, mode=evaluation_mode(), on_unused_input="ignore")
    return [np.asarray(v) for v in fn(*point.values())]


def graph_of(model, name):
    """Return the log density of each row and its sum's derivatives in the value variables of `name`."""
    import pytensor.tensor as pt

    terms = model.logp(vars=[model["y"]], sum=False, jacobian=False)[0]
    return [terms, *pt.grad(terms.sum(), [model.rvs_to_values[model[n]] for n in name])]


@EACH
@WEIGHTED
def test_the_graph_has_the_density_and_the_slope_of_nll_with_no_constant(name, weighted):
    likelihood = CASES[name].make()
    eta, y = CASES[name].pairs(FAR)
    model, data = build(name, eta, y, weighted=weighted)
    found, slope = np.clip(evaluate(model, graph_of(model, ["eta"]), eta=eta), -LARGEST, LARGEST)
    expected, gradient = -data.weighted(likelihood.nll(eta, y)), -data.weighted(likelihood.d1(eta, y))
    # PyMC adds e^η, y·η and the constants, each rounded by itself.
    size = 1 + np.abs(expected) + np.abs(eta) * (1 + np.abs(y))
    assert (np.abs(found - expected) <= 1e-14 * size).all()
    assert (np.abs(slope - gradient) <= 1e-13 * (1 + np.abs(gradient) + np.abs(y))).all()
    assert np.ptp(expected) > 1


@pytest.mark.parametrize("name", DISPERSED)
@WEIGHTED
def test_the_graph_moves_with_the_dispersion_as_nll_does(name, weighted):
    eta, y = CASES[name].pairs(np.linspace(-2, 3, 6))
    model, data = build(name, eta, y, weighted=weighted, unknown=True)
    for value in (0.3, 2.0, 40.0):
        likelihood = CASES[name].make().at(value)
        found, slope = evaluate(model, graph_of(model, ["sigma"]), eta=eta, sigma=np.array(value))
        expected, gradient = -data.weighted(likelihood.nll(eta, y)), -data.weighted(likelihood.d_log_sigma(eta, y))
        size = 1 + np.abs(expected) + value * (1 + np.abs(eta)) + np.abs(y)
        assert (np.abs(found - expected) <= 1e-13 * size).all()
        assert value * slope == pytest.approx(gradient.sum(), rel=1e-11)
        assert (np.abs(found - expected * 1.001) > 1e-13 * size).any()


@EACH
@WEIGHTED
def test_draws_of_the_graph_are_those_of_the_family_whatever_the_weights(name, weighted):
    import pymc as pm

    likelihood = CASES[name].make()
    eta = np.array([-0.7, 0.4, 1.1])
    y = np.array(CASES[name].responses[:1] * 3)
    model, _ = build(name, eta, y, weighted=weighted, observed=False)
    found = pm.draw(model["y"], draws=4000, random_seed=3, mode=evaluation_mode())
    assert found.shape == (4000, 3)
    assert found.dtype == ("int64" if name in COUNTS else "float64")
    z = likelihood.d1(eta, found.astype(float))  # E d1 = 0 and E d1² = E d2 at the η drawn from
    assert (np.abs(z.mean(axis=0)) <= 4.5 * z.std(axis=0) / np.sqrt(4000)).all()
    excess = z**2 - likelihood.d2(eta, found.astype(float))
    assert (np.abs(excess.mean(axis=0)) <= 4.5 * excess.std(axis=0) / np.sqrt(4000)).all()
    off = likelihood.d1(eta + 0.3, found.astype(float))
    assert (np.abs(off.mean(axis=0)) > 4.5 * off.std(axis=0) / np.sqrt(4000)).any()


@pytest.mark.parametrize("name", ["gaussian", "poisson", "binomial"])
def test_prior_predictive_draws_come_through_weights(name):
    import pymc as pm

    y = np.array(CASES[name].responses[:1] * 3)
    model, _ = build(name, np.zeros(3), y, weighted=True, observed=False)
    drawn = pm.sample_prior_predictive(draws=50, model=model, random_seed=1, compile_kwargs={"mode": evaluation_mode()})
    values = drawn.prior_predictive["y"].values
    assert values.shape == (1, 50, 3)
    assert np.isfinite(values).all()
    assert np.unique(values).size > 1
