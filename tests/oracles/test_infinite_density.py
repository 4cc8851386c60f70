"""find_map refuses a density that has no highest point, says why and what to do, and refuses nothing else."""

import re

import numpy as np
import pytest
from scipy import optimize

import bayesreg as br
from bayesreg.density import GraphDensity
from bayesreg.errors import FitError
from bayesreg.infinite_density import check_bounded

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = X @ [1.0, 0.0, 0.0, 2.0, 0.0] + RNG.normal(size=40)


def pm():
    import pymc

    return pymc


def model_of(make):
    with pm().Model() as model:
        make()
    return model


def regression(beta, sigma=None, rows=40, y=Y):
    pm().Normal("y", X[:rows] @ beta, 1.0 if sigma is None else sigma, observed=y[:rows])


def ridge(tau):
    regression(pm().Normal("beta", 0.0, tau, shape=5))


def wide(sigma, rows=5):
    regression(pm().Laplace("beta", 0.0, 1.0, shape=5), sigma, rows)


def precision(prior):
    regression(pm().Normal("beta", 0.0, tau=prior, shape=5))


def horseshoe():
    tau, lam = pm().HalfCauchy("tau", 1.0), pm().HalfCauchy("lam", 1.0, shape=5)
    regression(pm().Normal("beta", 0.0, tau * lam))


def nested():
    # effects about a mean that has itself a prior: both go to one point
    tau, centre = pm().HalfNormal("tau", 1.0), pm().Normal("centre", 0.3, 1.0)
    regression(pm().Normal("beta", centre, tau, shape=5))


def exact():
    beta, a = pm().Normal("beta", 0.0, 10.0, shape=5), pm().Flat("a")
    pm().Normal("y", a + X @ beta, pm().HalfCauchy("sigma", 1.0), observed=3 + X @ [1.0, 0.0, 0.0, 2.0, 0.0])


def own():
    regression(
        pm().Normal("beta", 0.0, pm().HalfNormal("tau", 1.0) * 2.0, shape=5), pm().InverseGamma("sigma", 2.0, 1.0)
    )


def curved():
    # an exact fit that is not linear in the variables
    rate = pm().HalfNormal("rate", 1.0)
    pm().StudentT("y", nu=4.0, mu=np.exp(-rate * np.arange(3.0)), sigma=pm().HalfNormal("sigma", 1.0),
                  observed=np.exp(-0.7 * np.arange(3.0)))  # fmt: skip


# name -> (model, the scale, nats for every factor e): k entries at their location, minus the power of the prior at 0;
# for the covariance factor 4 × 2 entries, and 1 of the Jacobian from (sd, correlation) to it
def varying_slopes(prior=lambda: pm().Exponential.dist(1.0)):
    chol, _, _ = pm().LKJCholeskyCov("chol", n=2, eta=2.0, sd_dist=prior(), initval=np.array([1.0, 0.0, 1.0]))
    effect = pm().MvNormal("effect", np.zeros(2), chol=chol, shape=(4, 2))
    label = np.arange(40) % 4
    pm().Normal("y", effect[label, 0] + effect[label, 1] * X[:, 0], 1.0, observed=Y)


UNBOUNDED = {
    "half-cauchy": (lambda: ridge(pm().HalfCauchy("tau", 1.0)), "tau", 5),
    "exponential": (lambda: ridge(pm().Exponential("tau", 1.0)), "tau", 5),
    "uniform": (lambda: ridge(pm().Uniform("tau", 0.0, 10.0)), "tau", 5),
    "gamma-2": (lambda: ridge(pm().Gamma("tau", 2.0, 1.0)), "tau", 4),
    "a tail that is a power of the log scale": (
        lambda: ridge(pm().math.exp(pm().StudentT("log_tau", nu=3.0, mu=0.0, sigma=1.0))), "log_tau", 5,
    ),
    "laplace": (lambda: regression(pm().Laplace("beta", 0.1, pm().HalfNormal("b", 1.0), shape=5)), "b", 5),
    "student-t": (
        lambda: regression(pm().StudentT("beta", nu=3.0, mu=0.0, sigma=pm().HalfNormal("tau", 1.0), shape=5)), "tau", 5,
    ),
    "covariance": (
        lambda: regression(pm().MvNormal("beta", np.zeros(5), cov=pm().HalfNormal("tau") ** 2 * np.eye(5))), "tau", 5,
    ),
    "positive effects": (
        lambda: regression(pm().Exponential("beta", scale=pm().HalfNormal("tau", 1.0), shape=5)), "tau", 5,
    ),
    "truncated effects": (
        lambda: regression(
            pm().TruncatedNormal("beta", mu=0.0, sigma=pm().HalfNormal("tau", 1.0), lower=0.0, shape=5)
        ), "tau", 5,
    ),
    "precision": (lambda: precision(pm().HalfCauchy("prec", 1.0)), "prec", 0.5),
    "horseshoe": (horseshoe, "tau", 5),
    "covariance factor": (varying_slopes, "chol", 9),
    "nested": (nested, "tau", 5),
    "with unknown noise": (own, "tau", 5),
    "as many columns as rows": (lambda: wide(pm().HalfNormal("sigma", 1.0)), "sigma", 5),
    "data without noise": (exact, "sigma", 40),
    "a curve without noise": (curved, "sigma", 3),
}  # fmt: skip


@pytest.mark.parametrize("name", UNBOUNDED)
def test_an_infinite_density_is_refused_with_its_variable_and_the_remedy(name):
    make, scale, rate = UNBOUNDED[name]
    with pytest.raises(FitError, match="grows without bound") as refusal:
        check_bounded(GraphDensity(model_of(make)))
    said = str(refusal.value)
    assert f"as {scale} → " in said
    assert f"hold={{{scale!r}: value}}" in said
    found = float(re.search(r"\(([\d.e+-]+) nats for every factor e", said)[1])
    assert found == pytest.approx(rate, rel=0.01 if name.startswith("a tail") else 1e-3, abs=0.03)


BOUNDED = {
    "gamma-9": lambda: ridge(pm().Gamma("tau", 9.0, 1.0)),
    "inverse-gamma": lambda: ridge(pm().InverseGamma("tau", 2.0, 1.0)),
    "log-normal": lambda: ridge(pm().LogNormal("tau", 0.0, 5.0)),
    "bounded away": lambda: ridge(pm().Uniform("tau", 0.1, 10.0)),
    "precision with a gamma": lambda: precision(pm().Gamma("prec", 2.0, 1.0)),
    "non-centred": lambda: regression(pm().Normal("z", 0.0, 1.0, shape=5) * pm().HalfCauchy("tau", 1.0)),
    "noise with an inverse gamma": lambda: wide(pm().InverseGamma("sigma", 1.0, 1.0)),
    "noise with a log-normal": lambda: wide(pm().LogNormal("sigma", 0.0, 3.0)),
    "one row more than columns": lambda: wide(pm().HalfNormal("sigma", 1.0), rows=6),
    "scale in units of the noise": lambda: regression(
        pm().Laplace("beta", 0.0, (s := pm().HalfCauchy("sigma", 1.0)), shape=5), s, rows=5
    ),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_a_bounded_density_is_not_refused(name):
    check_bounded(GraphDensity(model_of(BOUNDED[name])))


def test_the_refusal_is_find_maps_and_holding_the_scale_mends_it():
    model = model_of(lambda: ridge(pm().HalfCauchy("tau", 1.0)))
    with pytest.raises(FitError, match=r"tau → 0 with beta at its location \(5 nats.*non-centred.*parametrisation"):
        br.find_map(model)
    held = br.find_map(model, hold={"tau": 0.7})
    np.testing.assert_allclose(held.beta, np.linalg.solve(X.T @ X + np.eye(5) / 0.49, X.T @ Y), rtol=1e-8)
    assert held.outcome is br.Outcome.LOG_CONCAVE
    assert held.mode_of.startswith("mode of the density of (beta) on their natural scale, no Jacobian, given tau")


def test_holding_one_scale_of_two_is_not_enough():
    with pytest.raises(FitError, match=r"lam → 0 with beta at its location \(5 nats"):
        br.find_map(model_of(horseshoe), hold={"tau": 1.0})


def test_a_descent_without_end_is_refused():
    # No location and scale to be seen: a density that rises to the end of the range of a positive variable.
    def make():
        size = pm().HalfFlat("size")
        pm().Potential("downhill", pm().math.log(size) ** 2)

    with pytest.raises(
        FitError, match="no mode was found: the density still rises far out towards an end of the range of size"
    ):
        br.find_map(model_of(make))


EDGES = {
    "gamma": (lambda: pm().Gamma("v", 0.5, 1.0), "v → 0", 0.5),
    "beta": (lambda: pm().Beta("v", 0.7, 2.0), "v → 0", 0.3),
    "beta-upper": (lambda: pm().Beta("v", 2.0, 0.7), "v → 1", 0.3),
    "dirichlet": (lambda: pm().Dirichlet("v", np.array([0.5, 2.0, 2.0])), r"v → \(0, 0.5, 0.5\)", 0.5),
    "weibull": (lambda: pm().Weibull("v", 0.5, 1.0), "v → 0", 0.5),
    "one of several": (lambda: pm().Gamma("v", np.array([2.0, 0.5]), 1.0, shape=2), r"v → \(2, 0\)", 0.5),
}


@pytest.mark.parametrize("name", EDGES)
def test_a_prior_that_is_infinite_at_an_end_of_its_domain_is_refused(name):
    make, end, rate = EDGES[name]
    with pytest.raises(FitError, match=f"grows without bound as {end}, an end of its domain") as refusal:
        br.find_map(model_of(make))
    assert f"({rate:.3g} nats" in str(refusal.value)


def test_data_that_keep_it_off_the_end_are_enough():
    found = br.find_map(model_of(lambda: pm().Poisson("y", pm().Gamma("rate", 0.5, 2.0), observed=np.array([4, 6]))))
    assert found.point["rate"] == pytest.approx(9.5 / 4, rel=1e-8)


# -- which mode, and of what -----------------------------------------------------------------------------------


def test_the_noncentred_form_has_another_mode_and_it_is_the_one_of_its_own_density():
    def noncentred():
        tau, z = pm().HalfNormal("tau", 1.0), pm().Normal("z", 0.0, 1.0, shape=5)
        regression(pm().Deterministic("beta", tau * z))

    found = br.find_map(model_of(noncentred))
    tau, z = found.point["tau"], found.point["z"]
    np.testing.assert_allclose(found.beta, tau * z)
    pull = X.T @ (Y - X @ (tau * z))
    np.testing.assert_allclose(tau * pull, z, atol=1e-7)  # stationary in z, and in τ
    assert z @ pull == pytest.approx(float(tau), abs=1e-7)
    # ... which is no stationary point of the centred density: there ∂/∂τ = −k/τ + ‖β‖²/τ³ − τ
    assert abs(-5 / tau + found.beta @ found.beta / tau**3 - tau) > 0.5
    assert found.outcome is br.Outcome.STATIONARY
    assert found.mode_of.startswith("mode of the density of (tau, z) on their natural scale, no Jacobian; in other")
    assert "of 9 descents" in found.search
    assert found.mode_of in str(found)
    assert found.zeros.tolist() == [False] * 5


def test_a_mode_at_the_edge_of_the_domain_is_said_to_be_there():
    def make():
        tau, z = pm().Exponential("tau", 1.0), pm().Normal("z", 0.0, 1.0)
        pm().Normal("y", tau * z, 1.0, observed=np.array([0.3, -0.25, 0.0]))

    found = br.find_map(model_of(make))
    assert found.point["tau"] < 1e-6
    assert "at the edge of its domain: tau" in found.mode_of
    assert "flat" not in found.mode_of


def test_a_flat_direction_is_said():
    def make():
        a, b = pm().Flat("a"), pm().Flat("b")
        pm().Normal("slope", 0.0, 1.0)
        pm().Normal("y", a + b, 1.0, observed=np.array([0.3, -0.2, 0.5]))

    found = br.find_map(model_of(make))
    assert found.certificate.tied == ("a", "b")
    assert "the density is flat along a, b" in found.mode_of
    assert found.outcome is br.Outcome.NOT_UNIQUE


def test_an_unused_positive_variable_is_flat_and_not_at_an_edge():
    def make():
        pm().HalfFlat("loose")
        pm().Normal("mean", 0.0, 1.0)

    found = br.find_map(model_of(make))
    assert "flat along loose" in found.mode_of
    assert "edge" not in found.mode_of


def test_of_two_modes_the_higher_is_found_and_both_are_counted():
    # A Student-t prior against data that disagree with it: two modes, and the start is nearer to the lower one.
    def make():
        mean = pm().StudentT("mean", nu=1.0, mu=0.0, sigma=0.1)
        pm().Normal("y", mean, 1.0, observed=np.full(2, 5.0))

    found = br.find_map(model_of(make))

    def nll(m):
        return np.log1p((m / 0.1) ** 2) + (m - 5.0) ** 2

    grid = np.linspace(-1.0, 7.0, 800_001)
    values = nll(grid)
    assert found.point["mean"] == pytest.approx(grid[values.argmin()], abs=1e-4)
    assert "the next lowest is" in found.search


# -- every kind of variable ------------------------------------------------------------------------------------


def counts():
    import pymc

    share = pymc.Dirichlet("share", np.array([2.0, 3.0, 4.0]))
    pymc.Multinomial("n", 20, share, observed=np.array([5, 7, 8]))


def ordered():
    import pymc

    cut = pymc.Normal("cut", 0.0, 1.0, shape=2, transform=pymc.distributions.transforms.ordered, initval=[-1.0, 1.0])
    pymc.Normal("y", cut, 0.5, observed=np.array([0.4, 0.6]))


CLOSED = {
    "dirichlet": (counts, "share", np.array([6, 9, 11]) / 26),
    "ordered": (ordered, "cut", np.array([0.4, 0.6]) / 1.25),
    "beta": (lambda: pm().Binomial("y", 10, pm().Beta("p", 3.0, 2.0), observed=6), "p", 8 / 13),
    "half-normal": (lambda: pm().Normal("y", pm().HalfNormal("m", 2.0), 1.0, observed=3.0), "m", 3 / 1.25),
    "uniform": (lambda: pm().Normal("y", pm().Uniform("m", -1.0, 4.0), 1.0, observed=3.0), "m", 3.0),
    "truncated": (
        lambda: pm().Normal("y", pm().TruncatedNormal("m", mu=1.0, sigma=2.0, lower=0.0), 1.0, observed=3.0), "m", 2.6,
    ),
    "gamma": (lambda: pm().Poisson("y", pm().Gamma("rate", 3.0, 2.0), observed=np.array([4, 6])), "rate", 12 / 4),
    "zero-sum": (
        lambda: pm().Normal("y", pm().ZeroSumNormal("e", sigma=2.0, shape=3), 1.0, observed=np.array([1.0, 2.0, 6.0])),
        "e", 0.8 * np.array([-2.0, -1.0, 3.0]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_constrained_variables_have_the_modes_of_their_natural_scale(name):
    make, variable, known = CLOSED[name]
    found = br.find_map(model_of(make))
    np.testing.assert_allclose(found.point[variable], known, rtol=1e-6, atol=1e-7)
    assert found.outcome in (br.Outcome.STATIONARY, br.Outcome.LOG_CONCAVE)


def test_laplace_beside_constrained_variables_and_exchanged_data():
    with pm().Model() as model:
        columns, y = pm().Data("X", X), pm().Data("observed", Y)
        beta = pm().Laplace("beta", 0.0, 0.1, shape=5)
        gamma = pm().HalfNormal("gamma", 1.0, shape=2)
        sigma = pm().HalfNormal("sigma", 2.0)
        pm().Normal("y", columns @ beta + columns[:, :2] @ gamma, sigma, observed=y)

    def check(X, Y):
        found = br.find_map(model)
        beta, gamma, sigma = (found.point[name] for name in ("beta", "gamma", "sigma"))
        residual = Y - X @ beta - X[:, :2] @ gamma
        pull = X.T @ residual / sigma**2
        at = beta == 0
        assert 0 < at.sum() < 5
        np.testing.assert_allclose(pull[~at], np.sign(beta[~at]) / 0.1, rtol=1e-6)
        assert (np.abs(pull[at]) < 10).all()
        inner = gamma > 1e-6
        np.testing.assert_allclose(pull[:2][inner], gamma[inner], atol=1e-6)
        assert (pull[:2][~inner] < 0).all()
        assert residual @ residual / sigma**3 - len(Y) / sigma == pytest.approx(float(sigma) / 4, abs=1e-5)
        return found

    before = check(X, Y)
    model.set_data("X", X[::-1] * 2.0)
    model.set_data("observed", Y[::-1])
    after = check(X[::-1] * 2.0, Y[::-1])
    assert not np.allclose(before.beta, after.beta)


def _separated():
    a, b = pm().Flat("a"), pm().Flat("b")
    pm().Bernoulli("y", logit_p=a + b * np.array([1.0, 2.0, 3.0, 4.0]), observed=[0, 0, 1, 1])


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: pm().Bernoulli("y", logit_p=pm().Flat("b") * np.array([1.0, 2.0, -1.0]), observed=[1, 1, 0]), "b"),
        (_separated, "a, b"),
        (lambda: pm().Poisson("y", pm().math.exp(pm().Flat("b")), observed=[0, 0, 0]), "b"),
        (lambda: pm().Binomial("y", 5, pm().math.sigmoid(pm().Flat("b")), observed=[5, 5]), "b"),
    ],
)
def test_a_density_that_levels_off_at_infinity_has_no_mode(build, name):
    with pm().Model() as model:
        build()
    with pytest.raises(FitError, match=f"levels off and does not fall again as {name} run off"):
        br.find_map(model)


def test_a_weak_prior_keeps_the_mode_that_a_flat_one_has_not():
    with pm().Model() as model:
        b = pm().Normal("b", 0, 100)
        pm().Poisson("y", pm().math.exp(b), observed=[0, 0, 0])
    found = br.find_map(model)
    expected = optimize.minimize_scalar(lambda b: 3 * np.exp(b) + b**2 / 2e4, bounds=(-20, 0), method="bounded",
                                        options={"xatol": 1e-12}).x  # fmt: skip
    assert float(found.point["b"]) == pytest.approx(expected, abs=1e-5)


def test_wide_units_are_no_flat_direction():
    with pm().Model() as model:
        b = pm().Normal("b", 0, 1e4)
        pm().Normal("y", b, 1e3, observed=[3000.0, 4000.0])
    precision = 2 / 1e6 + 1 / 1e8
    assert float(br.find_map(model).point["b"]) == pytest.approx(7000 / 1e6 / precision, rel=1e-8)


@pytest.mark.parametrize("scale", [lambda s, t: s + t, lambda s, t: (s**2 + t**2) ** 0.5])
def test_scales_that_are_a_sum_go_to_zero_together(scale):
    with pm().Model() as model:
        s, t = pm().HalfNormal("s"), pm().HalfNormal("t")
        b = pm().Normal("b", 0, scale(s, t), shape=5)
        pm().Normal("y", b, 1, observed=np.arange(5.0))
    with pytest.raises(FitError, match=r"as s, t → 0 with b at its location .*hold=\{'s': value, 't': value\}"):
        br.find_map(model)
    assert br.find_map(model, hold={"s": 0.5, "t": 0.5}).outcome is br.Outcome.LOG_CONCAVE


def test_a_share_of_zero_is_an_edge_not_a_flat_direction():
    with pm().Model() as model:
        p = pm().Dirichlet("p", np.ones(3))
        pm().Multinomial("y", 10, p, observed=[0, 4, 6])
    found = br.find_map(model)
    np.testing.assert_allclose(found.point["p"], [0, 0.4, 0.6], atol=1e-8)
    assert found.outcome is br.Outcome.LOG_CONCAVE
    assert "at the edge of its domain: p " in found.mode_of


def test_kinks_that_move_and_mixtures_are_told_of():
    with pm().Model() as model:
        mu = pm().Normal("mu", 0, 10)
        b = pm().Laplace("b", mu, 0.5, shape=4)
        pm().Normal("y", b, 1, observed=[1, 1.1, 5, -3])
    assert "the kinks of b move with mu" in br.find_map(model).mode_of
    with pm().Model() as written:  # what it says to do
        mu, d = pm().Normal("mu", 0, 10), pm().Laplace("d", 0, 0.5, shape=4)
        pm().Normal("y", mu + d, 1, observed=[1, 1.1, 5, -3])
    found = br.find_map(written)
    assert found.objective == pytest.approx(18.905, abs=1e-3)
    assert found.outcome is br.Outcome.LOG_CONCAVE
    with pm().Model() as mixture:
        s = pm().HalfNormal("s", shape=2)
        pm().NormalMixture("y", [0.5, 0.5], [0.0, 1.0], s, observed=[0.1, 1.2, 0.4, 2.0])
    assert "y is a mixture" in br.find_map(mixture).mode_of
