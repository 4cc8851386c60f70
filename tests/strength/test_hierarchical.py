"""The prior's scale under a prior of its own: against closed forms, quadrature, and data drawn from the model."""

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from bayesreg.errors import FitError, ParameterError
from bayesreg.graph_map import find_map
from bayesreg.importance import MAX_KHAT
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import conjugate, sample
from bayesreg.scale_family import ScaleFamily
from bayesreg.scales import Exponential, FlatScale, Gamma, HalfCauchy, HalfNormal, Jeffreys
from bayesreg.strength import ScaleChoice, choose_scale
from bayesreg.strength.hierarchical import hierarchical_scale, under_hyperprior
from bayesreg.strength.sensitivity import sensitivity_table
from tests.problems import make_problem

LIMIT = 4.5
HYPERS = (HalfCauchy(0.7), HalfNormal(0.5), Gamma(0.5, 1.0))


def data(n: int = 60, p: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    return X, X @ (0.5 * rng.normal(size=p)) + rng.normal(size=n)


def exact(problem, hyper, t):
    """Density of log s on the grid t under a Gaussian prior: p(s)·s·exp(evidence), normalised."""
    evidence = conjugate.Evidence.of(problem.with_prior(problem.prior.at(1.0)))
    log = np.array([evidence(math.exp(v)) for v in t]) + hyper.log_density(np.exp(t)) + t
    mass = np.exp(log - log.max())
    return mass / (mass.sum() * (t[1] - t[0]))


GAUSSIAN = {
    "sigma-known": {"likelihood": GaussianNoise(1.2)},
    "sigma-unknown": {},
    "noise-scaled": {"scale_by_noise": True},
}


@cache
def gaussian_case(name, which):
    X, y = data()
    problem = Problem.from_arrays(X, y, prior=Gaussian(9.0), **GAUSSIAN[name])
    return problem, hierarchical_scale(problem, hyperprior=HYPERS[which], seed=3)


def agrees(choice, density, t):
    """Largest deviation, in Monte Carlo errors, of the choice from the density of log s on t: quantiles and curve."""
    share = np.cumsum(density) * (t[1] - t[0])
    scale = choice.posterior.draws("beta_scale")
    found = [abs(np.interp(math.log(choice.scale), t, share) - 0.5) / rank_error(scale, choice.scale)]
    found += [
        abs(np.interp(math.log(end), t, share) - q) / rank_error(scale, end)
        for end, q in ((choice.lower, 0.025), (choice.upper, 0.975))
    ]
    curve = choice.curve[choice.curve["value"] > 0.05 * choice.curve["value"].max()]
    expected = np.interp(np.log(curve["scale"]), t, density)
    return max(*found, float((np.abs(curve["value"] - expected) / (curve["error"] + 1e-3 * expected)).max()))


def rank_error(draws, at):
    """Monte Carlo error of the share of draws below a point."""
    from tests.monte_carlo import mcse

    return float(mcse((draws < at).astype(float)[..., None])[0])


@pytest.mark.parametrize("name", GAUSSIAN)
def test_under_a_gaussian_prior_it_is_the_closed_form(name):
    for which in (0, 2) if name == "sigma-known" else (1,):
        problem, choice = gaussian_case(name, which)
        t = np.linspace(-5, 3, 250 if name == "sigma-unknown" else 1000)
        density = exact(problem, HYPERS[which], t)
        assert agrees(choice, density, t) < LIMIT
        assert agrees(choice, np.interp(t - math.log(1.1), t, density), t) > LIMIT  # a scale 10 % off


def test_the_reported_error_is_that_of_the_median():
    problem, choice = gaussian_case("sigma-known", 0)
    t = np.linspace(-6, 4, 1500)
    share = np.cumsum(exact(problem, HYPERS[0], t)) * (t[1] - t[0])
    median = math.exp(np.interp(0.5, share, t))
    assert abs(choice.scale / median - 1) < LIMIT * choice.error
    assert 0.001 < choice.error < 0.03
    again = [hierarchical_scale(problem, hyperprior=HYPERS[0], seed=s, draws=400, tune=60).scale for s in range(8)]
    spread = np.std(again, ddof=1) / median  # of 400 draws a chain in place of 1000
    assert 0.4 < spread / (choice.error * math.sqrt(2.5)) < 2.5


def test_under_a_laplace_prior_it_is_the_triple_integral():
    X, y = data(12, 2)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(1.2))
    hyper = HalfNormal(0.6)
    from tests.statistical.quadrature import rule

    Z = problem.design.rows.collect().X
    x, w = rule(-3.0, 3.0, cuts=(0.0,), nodes=160)
    one, two = np.meshgrid(x, x, indexing="ij")
    residual = (y - y.mean())[:, None, None] - Z[:, 0, None, None] * one - Z[:, 1, None, None] * two
    log = -0.5 * (residual**2).sum(axis=0) / 1.44
    mass = np.exp(log - log.max()) * np.outer(w, w)
    t = np.linspace(-7, 2.5, 500)
    size = np.abs(one) + np.abs(two)
    marginal = np.array([(mass * np.exp(-size / math.exp(v))).sum() * math.exp(-2 * v) for v in t])
    # Below the panels' own width the spike of the prior slips between their nodes: there only the mode counts.
    near = mass.sum() and math.exp(-0.5 * ((y - y.mean()) ** 2).sum() / 1.44 - log.max()) * 4
    marginal = np.where(t < math.log(0.03), near, marginal)
    density = marginal * stats.halfnorm.pdf(np.exp(t), scale=0.6) * np.exp(t)
    density /= density.sum() * (t[1] - t[0])
    choice = hierarchical_scale(problem, hyperprior=hyper, seed=1, draws=2000)
    assert agrees(choice, density, t) < LIMIT
    assert agrees(choice, np.interp(t - math.log(1.1), t, density), t) > LIMIT


def test_where_the_data_say_nothing_the_prior_comes_back():
    problem = make_problem(prior=Laplace(1.0), likelihood=GaussianNoise(1e4))
    for hyper, law in ((Gamma(0.3, 1.0), stats.gamma(0.3)), (HalfNormal(1.0), stats.halfnorm())):
        choice = hierarchical_scale(problem, hyperprior=hyper, seed=2)
        draws = choice.posterior.draws("beta_scale")
        for q in (0.05, 0.25, 0.5, 0.9):
            at = law.ppf(q)
            assert abs((draws < at).mean() - q) < LIMIT * rank_error(draws, at)


# -- calibration -----------------------------------------------------------------------------------------------

REPLICATIONS = 30


@cache
def ranks():
    """Where a scale drawn from its prior lies in the posterior given data drawn from the model at that scale."""
    rng = np.random.default_rng(2024)
    X = rng.normal(size=(40, 10))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    found = []
    for seed in range(REPLICATIONS):
        s = rng.gamma(2.0, 0.25)
        y = X @ rng.laplace(0.0, s, 10) + rng.normal(size=40)
        problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(1.0))
        choice = hierarchical_scale(problem, hyperprior=Gamma(2.0, 4.0), seed=seed, draws=500, tune=60)
        found.append((choice, s))
    return found


def test_the_interval_covers_as_often_as_it_says_and_ranks_are_uniform():
    found = ranks()
    share = np.array([(c.posterior.draws("beta_scale") < s).mean() for c, s in found])
    assert stats.kstest(share, "uniform").pvalue > 1e-3
    inside = sum(c.lower < s < c.upper for c, s in found)
    assert stats.binom(REPLICATIONS, 0.95).cdf(inside) > 1e-3
    off = np.array([(c.posterior.draws("beta_scale") < 1.7 * s).mean() for c, s in found])
    assert stats.kstest(off, "uniform").pvalue < 1e-3


# -- sensitivity -----------------------------------------------------------------------------------------------


def test_reweighting_is_drawing_anew():
    problem, choice = gaussian_case("sigma-known", 0)
    table = choice.sensitivity
    assert table.index.tolist() == [
        "HalfCauchy(scale=0.7)", "half the scale", "twice the scale", "HalfNormal(scale=1.038)",
        "Exponential(rate=0.9902)", "Gamma(shape=2, rate=2.398)",
    ]  # fmt: skip
    assert (table["khat"] < MAX_KHAT).all()
    assert table["scale"].iloc[0] == pytest.approx(choice.scale, rel=1e-3)
    assert table["shift"].iloc[0] == 0
    t = np.linspace(-6, 4, 3000)
    others = (
        HalfCauchy(0.35), HalfCauchy(1.4), HalfNormal(0.7 / stats.norm.ppf(0.75)), Exponential(math.log(2) / 0.7),
        Gamma(2.0, stats.gamma(2.0).median() / 0.7),
    )  # fmt: skip
    for (_, row), hyper in zip(table.iloc[1:].iterrows(), others, strict=True):
        density = exact(problem, hyper, t)
        share = np.cumsum(density) * (t[1] - t[0])
        for value, q, slack in ((row["scale"], 0.5, 1), (row["lower"], 0.025, 3), (row["upper"], 0.975, 3)):
            expected = math.exp(np.interp(q, share, t))
            assert abs(value / expected - 1) < LIMIT * slack * 1.3 * choice.error
    off = math.exp(np.interp(0.5, np.cumsum(exact(problem, HalfCauchy(0.05), t)) * (t[1] - t[0]), t))
    assert abs(table["scale"].iloc[1] / off - 1) > LIMIT * 1.3 * choice.error


def test_the_shift_is_that_of_the_exact_posterior_mean():
    problem, choice = gaussian_case("sigma-known", 0)
    t = np.linspace(-4, 2.5, 120)
    means = np.array([fit_penalized(problem.with_prior(Gaussian(math.exp(v)))).beta for v in t])  # the modes

    def mean(hyper):
        mass = exact(problem, hyper, t)
        return mass @ means / mass.sum()

    sd = choice.posterior.beta.std(axis=(0, 1))
    expected = (mean(HalfCauchy(0.35)) - mean(HalfCauchy(0.7))) / sd
    row = choice.sensitivity.loc["half the scale"]
    j = problem.names.index(row["column"])
    assert abs(row["shift"] - expected[j]) < LIMIT * row["shift_error"]
    assert abs(1.5 * row["shift"] - expected[j]) > LIMIT * row["shift_error"]
    assert abs(expected[j]) > 0.8 * np.abs(expected).max()


def test_a_prior_far_from_the_draws_is_not_told_by_them():
    X, y = data()
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0))
    choice = hierarchical_scale(problem, hyperprior=Gamma(0.1, 1.0), seed=0)  # its median is 6e-4
    refused = choice.sensitivity[choice.sensitivity["khat"] > MAX_KHAT]
    assert {name.partition("(")[0] for name in refused.index} >= {"HalfNormal", "Exponential"}
    assert refused[["scale", "lower", "upper", "shift", "shift_error"]].isna().all(axis=None)
    assert "of them)" in choice.sentence


# -- what is said and refused ----------------------------------------------------------------------------------


def hyperprior_of(problem, given=None):
    return under_hyperprior(problem, ScaleFamily.of(problem, "test"), given).prior.hyperprior


def test_the_default_prior_of_the_scale_is_named():
    for prior, variance in ((Laplace(3.0), 2.0), (Gaussian(3.0), 1.0)):
        problem = make_problem(prior=prior, likelihood=GaussianNoise(1.0))
        hyper = hyperprior_of(problem)
        assert isinstance(hyper, HalfCauchy)
        assert hyper.scale == pytest.approx(problem.response_sd() / math.sqrt(4 * variance))
    said = hierarchical_scale(problem, draws=500).sentence
    assert f"under HalfCauchy(scale={hyper.scale:.4g}), a scale at which the columns together" in said
    scaled = make_problem(prior=Gaussian(3.0), likelihood=GaussianNoise(), scale_by_noise=True)
    assert hyperprior_of(scaled).scale == pytest.approx(0.5)
    own = make_problem(prior=Laplace(Exponential(2.0)), likelihood=GaussianNoise(1.0))
    assert hyperprior_of(own) is own.prior.hyperprior
    assert "columns together" not in hierarchical_scale(own, draws=500).sentence
    assert isinstance(hyperprior_of(own, HalfNormal(1.0)), HalfNormal)


def test_the_choice_and_its_alternatives():
    X, y = data(40, 4)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0))
    choice = choose_scale(problem, by="hierarchical", seed=4)
    assert isinstance(choice, ScaleChoice)
    draws = choice.posterior.draws("beta_scale")
    assert choice.scale == np.median(draws)
    assert [choice.lower, choice.upper] == np.quantile(draws, [0.025, 0.975]).tolist()
    table = choice.alternatives
    named = table.loc[["hierarchical mean", "hierarchical median", "hierarchical mode"]]
    assert named["scale"].tolist()[:2] == [draws.mean(), choice.scale]
    highest = choice.curve["scale"].iloc[int(choice.curve["value"].argmax())]
    assert named["scale"].iloc[2] == pytest.approx(highest, rel=0.02)
    np.testing.assert_allclose(named["lambda_"], 1 / named["scale"])
    curve = choice.curve
    assert np.trapezoid(curve["value"], np.log(curve["scale"])) == pytest.approx(1.0, abs=2e-3)
    assert curve["scale"].is_monotonic_increasing
    same = choose_scale(problem, by="hierarchical", seed=4)
    assert same.scale == choice.scale
    assert choose_scale(problem, by="hierarchical", seed=5).scale != choice.scale


def test_kinds_of_priors_and_likelihoods_that_can_be_drawn():
    X, y = data()
    groups = GroupLaplace(np.repeat([0, 1, 2, 3], 2), 1.0)
    for prior in (groups, {"x0": Flat(), "*": Laplace(1.0)}):
        choice = hierarchical_scale(Problem.from_arrays(X, y, prior=prior), draws=500)
        assert choice.posterior.method == "gibbs"
        assert choice.lower < choice.scale < choice.upper
    classes = np.random.default_rng(1).random(60) < expit(y)
    problem = Problem.from_arrays(X, classes, prior=Laplace(1.0), likelihood=BernoulliLogit())
    choice = hierarchical_scale(problem, draws=500)
    assert choice.posterior.method == "surrogate"
    assert "by surrogate" in choice.sentence


@pytest.mark.parametrize("hyper", [Jeffreys(), FlatScale()])
def test_an_improper_prior_of_the_scale_is_refused(hyper):
    with pytest.raises(ParameterError, match="is improper, and so is the posterior of the scale"):
        hierarchical_scale(make_problem(likelihood=GaussianNoise(1.0)), hyperprior=hyper)
    with pytest.raises(ParameterError, match="is improper"):
        hierarchical_scale(make_problem(prior=Laplace(hyper), likelihood=GaussianNoise(1.0)))
    with pytest.raises(
        ParameterError, match=r"hyperprior must be a prior of a scale such as HalfCauchy\(1.0\) \(got 1.0\)"
    ):
        hierarchical_scale(make_problem(), hyperprior=1.0)


@pytest.mark.parametrize(
    "prior",
    [
        ElasticNet(1.0, 1.0),
        Bridge(1.0, 0.5),
        Laplace([1.0, 2.0, 1.0, 1.0]),
        {"x0": Gaussian(1.0), "*": Laplace(1.0)},
        {"x0": Laplace(1.0), "*": Laplace(1.0)},
    ],
)
def test_a_prior_without_one_scale_is_refused(prior):
    with pytest.raises(ParameterError, match=r"has no one scale to draw .*by='evidence'"):
        hierarchical_scale(make_problem(prior=prior, likelihood=GaussianNoise(1.0)))


def test_nothing_is_concluded_from_draws_that_fail_a_gate():
    with pytest.raises(FitError, match=r"cannot be trusted \(.*ESS.*take more, e.g. draws=80"):
        hierarchical_scale(make_problem(likelihood=GaussianNoise(1.0)), draws=20)


UNKNOWN = {
    "laplace": Laplace(HalfCauchy(1.0)),
    "group": GroupLaplace([0, 0, 1, 1], Gamma(2.0, 1.0)),
    "by-column": {"x0": Gaussian(1.0), "*": Laplace(Gamma(0.5, 1.0))},
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_the_joint_mode_over_coefficients_and_scale_is_refused_with_the_reason_and_the_remedy(name):
    from bayesreg.comparison import compare

    problem = make_problem(prior=UNKNOWN[name], likelihood=GaussianNoise(1.0))
    for fit in (fit_penalized, find_map, compare):
        with pytest.raises(ParameterError, match=r"density is unbounded as the scale goes to 0.*choose_scale.*sample"):
            fit(problem)
    choice = choose_scale(problem, by="hierarchical", draws=500)
    fixed = problem.with_prior(problem.prior.at(choice.scale))  # the remedy works
    assert np.isfinite(fit_penalized(fixed).beta).all()


def test_the_joint_density_is_unbounded_indeed():
    problem = make_problem(prior=Laplace(1.0), likelihood=GaussianNoise(1.0))
    hyper, zero = HalfCauchy(1.0), np.zeros(4)
    joint = [Laplace(b).log_density(zero) + hyper.log_density(np.array(b)) for b in (1e-2, 1e-4, 1e-8)]
    assert np.diff(joint) == pytest.approx([4 * math.log(1e2), 4 * math.log(1e4)], rel=1e-3)
    assert problem.p == 4


def test_a_table_without_columns_to_shift():
    problem = make_problem(prior=Laplace(HalfCauchy(1.0)), likelihood=GaussianNoise(1.0))
    posterior = sample(problem, draws=500)
    table = sensitivity_table(posterior, HalfCauchy(1.0))
    assert table.loc[table.index[0], "shift"] == 0
    assert (table["shift_error"].iloc[1:] > 0).all()
