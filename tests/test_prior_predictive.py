"""What a prior says before any data: against SciPy, brute force and the definition, and back from it to the scale."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from bayesreg.errors import ParameterError
from bayesreg.interfaces import is_flat
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import Exponential, Gamma, HalfCauchy, HalfNormal, Jeffreys
from bayesreg.strength import prior_summary, scale_for
from tests.problems import make_problem

LIMIT = 4.5
KNOWN = GaussianNoise(2.0)


def about(table, expected):
    """Whether an R² table has these quantiles, within its own Monte Carlo errors."""
    z = (table["value"] - expected) / table["error"]
    return bool(z.abs().max() < LIMIT)


# -- effects ---------------------------------------------------------------------------------------------------


def test_of_independent_normal_columns_everything_is_scipys():
    tau, epsilon = np.array([0.2, 0.5, 1.0, 3.0]), 0.4
    problem = make_problem(prior=Gaussian(tau), likelihood=KNOWN)
    found = prior_summary(problem, above=epsilon)
    p = 2 * stats.norm(scale=tau).sf(epsilon)
    np.testing.assert_allclose(found.columns["p_above"], p, rtol=1e-13)
    np.testing.assert_allclose(found.columns["reach"], tau * stats.norm.ppf(0.975), rtol=1e-10)
    np.testing.assert_allclose(found.columns["median"], tau * stats.norm.ppf(0.75), rtol=1e-10)
    assert found.expected == pytest.approx(p.sum(), rel=1e-13)
    number = np.zeros(5)
    for chosen in np.ndindex(2, 2, 2, 2):
        number[sum(chosen)] += np.prod(np.where(chosen, p, 1 - p))
    assert [found.least, found.most] == np.searchsorted(np.cumsum(number), [0.05, 0.95]).tolist()
    assert found.exact
    largest = optimize.brentq(lambda m: np.prod(1 - 2 * stats.norm(scale=tau).sf(m)) - 0.5, 1e-3, 1e3, xtol=1e-13)
    assert found.largest == pytest.approx(largest, rel=1e-9)


def test_raw_units_and_the_default_epsilon():
    problem = make_problem(prior=Laplace(0.3), likelihood=KNOWN)
    scale = problem.design.scale
    own, raw = prior_summary(problem, above=0.2 * scale), prior_summary(problem, above=0.2, raw=True)
    np.testing.assert_allclose(raw.columns["p_above"], own.columns["p_above"], rtol=1e-12)
    np.testing.assert_allclose(raw.columns["reach"] * scale, own.columns["reach"], rtol=1e-12)
    assert raw.largest == pytest.approx(own.largest, rel=1e-12)
    default = prior_summary(problem)
    np.testing.assert_allclose(default.columns["above"], 0.1 * problem.response_sd(), rtol=1e-12)
    raw = prior_summary(problem, raw=True)
    np.testing.assert_allclose(raw.columns["above"] * scale, default.columns["above"], rtol=1e-12)
    assert raw.expected == pytest.approx(default.expected, rel=1e-12)


def test_dependent_columns_are_counted_by_draws():
    problem = make_problem(prior=GroupLaplace([0, 0, 0, 0], 0.3), likelihood=KNOWN)
    found = prior_summary(problem, above=0.3, draws=20_000)
    assert not found.exact
    beta = problem.prior.draw(np.random.default_rng(77), 200_000, 4)
    count = (np.abs(beta) > 0.3).sum(axis=1)
    assert [found.least, found.most] == np.quantile(count, [0.05, 0.95], method="inverted_cdf").tolist()
    assert found.expected == pytest.approx(count.mean(), abs=LIMIT * count.std() / math.sqrt(count.size))
    assert found.largest == pytest.approx(np.median(np.abs(beta).max(axis=1)), rel=0.05)


HYPERS = {
    "half-cauchy": (HalfCauchy(0.7), stats.halfcauchy(scale=0.7)),
    "half-normal": (HalfNormal(0.7), stats.halfnorm(scale=0.7)),
    "exponential": (Exponential(2.0), stats.expon(scale=0.5)),
    "gamma": (Gamma(2.5, 3.0), stats.gamma(2.5, scale=1 / 3)),
    "gamma-below-one": (Gamma(0.3, 3.0), stats.gamma(0.3, scale=1 / 3)),
}


@pytest.mark.parametrize(
    ("name", "shape"), [*((name, Laplace) for name in HYPERS), ("half-cauchy", Gaussian), ("gamma", Gaussian)]
)
def test_an_unknown_scale_is_averaged_over(name, shape):
    hyper, law = HYPERS[name]
    tail = {Laplace: lambda z: math.exp(-z), Gaussian: lambda z: 2 * stats.norm.sf(z)}[shape]

    def mean(epsilon):
        def density(t):  # of log s
            return math.exp(law.logpdf(math.exp(t)) + t) * tail(epsilon / math.exp(t))

        return integrate.quad(density, -60, 30, points=[-20, -5, 0, 5], limit=400, epsabs=1e-13)[0]

    problem = make_problem(prior=shape(hyper), likelihood=KNOWN)
    epsilon = np.array([0.01, 0.3, 2.0, 10.0])
    found = prior_summary(problem, above=epsilon)
    np.testing.assert_allclose(found.columns["p_above"], [mean(e) for e in epsilon], rtol=1e-8, atol=1e-10)
    assert mean(found.columns["reach"].iloc[0]) == pytest.approx(0.05, rel=1e-7)
    off = make_problem(prior=shape(0.7), likelihood=KNOWN)
    assert abs(prior_summary(off, above=epsilon).expected - found.expected) > 1e-3


def test_in_units_of_an_unknown_sigma_that_has_a_proper_prior_both_scales_are_averaged_over():
    prior = {"x0": Laplace(HalfCauchy(1.0)), "*": Gaussian(0.3)}
    problem = make_problem(prior=prior, likelihood=GaussianNoise(HalfNormal(1.5)), scale_by_noise=True)
    found = prior_summary(problem, above=0.4)
    # A midpoint rule over the probabilities of σ, and one over those of the scale.
    u = (np.arange(4000) + 0.5) / 4000
    sigma, scale = stats.halfnorm.ppf(u) * 1.5, stats.halfcauchy.ppf(u)
    assert found.columns["p_above"].iloc[1] == pytest.approx(2 * stats.norm.sf(0.4 / (0.3 * sigma)).mean(), abs=1e-5)
    expected = np.mean([np.exp(-0.4 / (scale * each)).mean() for each in sigma])
    assert found.columns["p_above"].iloc[0] == pytest.approx(expected, abs=1e-4)
    assert abs(found.columns["p_above"].iloc[0] - np.exp(-0.4 / scale).mean()) > 0.01


def test_an_improper_sigma_is_held_at_its_plug_in_and_that_is_said():
    problem = make_problem(prior=Gaussian(0.3), likelihood=GaussianNoise(Jeffreys()), scale_by_noise=True)
    found = prior_summary(problem, above=0.4, sigma=1.7)
    np.testing.assert_allclose(found.columns["p_above"], 2 * stats.norm.sf(0.4 / (0.3 * 1.7)), rtol=1e-12)
    assert "conditional on σ = 1.7, as given" in str(found)
    assert "least-squares residual" in str(prior_summary(problem))


def test_flat_columns_are_shown_as_improper():
    found = prior_summary(make_problem(prior={"x1": Flat(), "*": Laplace(0.2)}, likelihood=KNOWN), above=0.1)
    assert found.columns["proper"].tolist() == [True, False, True, True]
    assert np.isnan(found.columns.loc["x1", ["p_above", "median", "reach"]].astype(float)).all()
    assert found.expected == pytest.approx(3 * math.exp(-0.5))
    assert found.r2["value"].isna().all()
    assert "x1: the prior is improper" in str(found)
    assert "R² has no prior distribution" in str(found)
    nothing = prior_summary(make_problem(prior=Flat(), likelihood=KNOWN))
    assert nothing.expected == 0
    assert "improper" in str(nothing)


# -- R² -------------------------------------------------------------------------------------------------------


def drawn_r2(problem, sigma, latent=False, size=20_000):
    """R² by its definition, row by row, from draws of our own of an independent Gaussian(0.4) prior."""
    rng = np.random.default_rng(123)
    block = problem.design.rows.collect()
    weights = np.ones(problem.n) if block.weights is None else block.weights
    beta = rng.normal(0.0, 0.4, (size, problem.p))
    eta = (block.X - np.average(block.X, axis=0, weights=weights)) @ beta.T
    link = problem.likelihood.link
    if link != "identity":
        mean = np.average(block.y, weights=weights)
        eta += math.log(mean / (1 - mean)) if link == "logit" else math.log(mean)
    mu = {"identity": eta, "logit": 1 / (1 + np.exp(-eta)), "log": np.exp(eta)}[link] if not latent else eta
    noise = {"identity": np.full(eta.shape, sigma**2), "logit": mu * (1 - mu), "log": mu}[link]
    noise = np.full(eta.shape, math.pi**2 / 3) if latent else noise
    centred = mu - np.average(mu, axis=0, weights=weights)
    spread = np.average(centred**2, axis=0, weights=weights)
    values = spread / (spread + np.average(noise, axis=0, weights=weights))
    return np.array([values.mean(), *np.quantile(values, [0.05, 0.5, 0.95])])


WEIGHTS = np.resize([1.0, 0.5, 2.0], 30)
FAMILIES = {
    "gaussian": lambda **o: make_problem(likelihood=KNOWN, weights=WEIGHTS, offset=np.linspace(-5, 5, 30), **o),
    "more-columns-than-rows": lambda **o: make_problem(n=6, p=9, likelihood=KNOWN, **o),
    "raw-columns": lambda **o: make_problem(likelihood=KNOWN, standardize=False, **o),
    "bernoulli": lambda **o: make_problem("bernoulli", weights=WEIGHTS, **o),
    "poisson": lambda **o: make_problem("poisson", **o),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_r2_is_its_definition_over_draws_of_the_prior(family):
    problem = FAMILIES[family](prior=Gaussian(0.4))
    found = prior_summary(problem, draws=4000)
    expected = drawn_r2(problem, 2.0)
    assert about(found.r2, expected)
    off = prior_summary(problem.with_prior(Gaussian(0.44)), draws=4000)
    assert not about(off.r2, expected)
    if family == "bernoulli":
        assert about(found.r2_latent, drawn_r2(problem, 2.0, latent=True))
        assert not about(off.r2_latent, drawn_r2(problem, 2.0, latent=True))
    else:
        assert found.r2_latent is None


def test_of_one_column_r2_is_a_known_distribution():
    problem = make_problem(p=1, prior=Gaussian(0.8), likelihood=KNOWN)
    found = prior_summary(problem, draws=20_000)
    square = 0.64 * stats.chi2(1).ppf([0.05, 0.5, 0.95])  # its column has sd 1
    assert about(found.r2.iloc[1:], square / (square + 4.0))
    assert not about(found.r2.iloc[1:], 1.1 * square / (1.1 * square + 4.0))


def test_in_units_of_sigma_r2_does_not_depend_on_it():
    tables = [
        prior_summary(make_problem(prior=Laplace(0.3), likelihood=GaussianNoise(s), scale_by_noise=True)).r2["value"]
        for s in (0.01, 1.0, 30.0, HalfNormal(2.0))
    ]
    for table in tables[1:3]:
        np.testing.assert_allclose(table, tables[0], rtol=1e-10)
    assert (tables[3] - tables[0]).abs().max() < 0.03  # other draws of β, after σ's


def test_counts_of_several_trials_are_taken_trial_by_trial():
    X, y = make_problem("bernoulli").design.rows.collect().X, np.arange(30) % 13
    one = Problem.from_arrays(
        np.repeat(X, 12, axis=0), np.concatenate([np.arange(12) < k for k in y]), prior=Gaussian(0.4),
        likelihood=BernoulliLogit(), standardize=False,
    )  # fmt: skip
    many = Problem.from_arrays(
        X, y, prior=Gaussian(0.4), likelihood=BernoulliLogit(), trials=np.full(30, 12.0), standardize=False
    )
    np.testing.assert_allclose(prior_summary(many).r2["value"], prior_summary(one).r2["value"], rtol=1e-9)


def test_intercepts_that_are_not_flat():
    for options in ({"intercept": None}, {"intercept": Gaussian(0.5, loc=1.0)}):
        problem = make_problem("poisson", prior=Gaussian(0.4), standardize=False, **options)
        assert not is_flat(problem.intercept)
        found = prior_summary(problem)
        rng = np.random.default_rng(9)
        lead = 0.0 if problem.intercept is None else rng.normal(1.0, 0.5, 4000)
        mu = np.exp(problem.design.rows.collect().X @ rng.normal(0, 0.4, (4, 4000)) + lead)
        values = mu.var(axis=0) / (mu.var(axis=0) + mu.mean(axis=0))
        z = (found.r2["value"] - [values.mean(), *np.quantile(values, [0.05, 0.5, 0.95])]) / found.r2["error"]
        assert z.abs().max() < LIMIT * math.sqrt(2)


def test_noise_without_a_variance_leaves_no_r2():
    found = prior_summary(make_problem("student-t", prior=Laplace(0.3), likelihood=StudentTNoise(1.5, 1.0)))
    assert found.r2["value"].isna().all()
    assert "y has no variance" in str(found)


def test_the_same_seed_gives_the_same_numbers_and_more_draws_a_smaller_error():
    problem = make_problem(prior=Laplace(0.3), likelihood=KNOWN)
    one, same, other = (prior_summary(problem, seed=s).r2 for s in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)
    assert prior_summary(problem, draws=16_000).r2.loc["mean", "error"] < 0.6 * one.loc["mean", "error"]


# -- words -----------------------------------------------------------------------------------------------------


def test_it_says_what_a_column_moves():
    text = str(prior_summary(make_problem(prior=Laplace(0.3), likelihood=KNOWN), above=0.2))
    assert f"A priori a 1-sd change in x0 moves y by less than {0.3 * math.log(20):.3g} with probability 0.95" in text
    assert "and so of every other column" in text
    assert f"Of 4 effects {4 * math.exp(-2 / 3):.3g} are expected above 0.2" in text
    apart = str(prior_summary(make_problem(prior=Laplace([1.0, 2.0, 0.1, 1.0]), likelihood=KNOWN)))
    assert "1-sd change in x1 moves y by less than 5.99" in apart
    assert "in x2, which moves it least, by less than 0.3." in apart
    assert "the odds by a factor between" in str(prior_summary(make_problem("bernoulli")))
    assert "multiplies the mean of y" in str(prior_summary(make_problem("poisson")))


# -- back to the scale -----------------------------------------------------------------------------------------

PRIORS = {
    "laplace": Laplace(0.7),
    "gaussian": Gaussian(HalfCauchy(1.0)),
    "by-column": Laplace([0.1, 1.0, 2.0, 0.5]),
    "located": Gaussian(1.0, loc=0.05),
    "elastic-net": ElasticNet(2.0, 1.0),
    "bridge": Bridge(1.0, 0.5),
    "group": GroupLaplace([0, 0, 1, 1], 1.0),
    "some-flat": {"x0": Flat(), "*": Laplace(1.0)},
    "mixed": {"x0": Gaussian(1.0), "*": Laplace(1.0)},
}


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("effects", [0.01, 1.0, 2.7])
@pytest.mark.parametrize("scaled", [False, True])
def test_the_scale_gives_the_number_of_effects_back(name, effects, scaled):
    likelihood = GaussianNoise(Jeffreys()) if scaled else KNOWN
    problem = make_problem(prior=PRIORS[name], likelihood=likelihood, scale_by_noise=scaled)
    s = scale_for(problem, effects=effects, above=0.3)
    from bayesreg.scale_family import ScaleFamily

    there = problem.with_prior(ScaleFamily.of(problem, "test").at(s))
    assert prior_summary(there, above=0.3, draws=100).expected == pytest.approx(effects, rel=1e-9)


def test_the_scale_of_a_laplace_prior_in_closed_form():
    problem = make_problem(prior=Laplace(9.0), likelihood=KNOWN)
    assert scale_for(problem, effects=1.0, above=0.3) == pytest.approx(0.3 / math.log(4), rel=1e-12)
    raw = problem.design.scale
    assert scale_for(problem, effects=1.0, above=0.3 / raw, raw=True) == pytest.approx(0.3 / math.log(4), rel=1e-12)


@pytest.mark.parametrize("target", [0.1, 0.5, 0.9])
def test_the_scale_gives_the_median_r2_back(target):
    for problem in (
        make_problem(prior=Laplace(1.0), likelihood=KNOWN),
        make_problem("bernoulli", prior=ElasticNet(1.0, 1.0)),
    ):
        s = scale_for(problem, r2=target, draws=500, seed=4)
        from bayesreg.scale_family import ScaleFamily

        there = problem.with_prior(ScaleFamily.of(problem, "test").at(s))
        assert prior_summary(there, draws=500, seed=4).r2.loc["50%", "value"] == pytest.approx(target, rel=1e-9)
        other = prior_summary(there, draws=8000, seed=5).r2.loc["50%"]
        assert other["value"] == pytest.approx(target, abs=LIMIT * 4 * other["error"] + 0.01)


def test_of_one_column_the_scale_for_a_median_r2_is_known():
    problem = make_problem(p=1, prior=Gaussian(1.0), likelihood=KNOWN)
    expected = 2.0 / math.sqrt(stats.chi2(1).median())  # R² = s²χ²/(s²χ² + 4)
    assert scale_for(problem, r2=0.5, draws=20_000) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either effects="),
        ({"effects": 1.0, "r2": 0.5}, "give either effects="),
        ({"effects": 0.0}, r"effects must lie between 0 and the number of columns, 4 \(got 0.0\)"),
        ({"effects": 4}, r"effects must lie between 0 and the number of columns, 4 \(got 4\)"),
        ({"effects": "two"}, "effects must lie between"),
        ({"effects": math.nan}, "effects must lie between"),
        ({"r2": 1.0}, r"r2 must lie between 0 and 1 \(got 1.0\)"),
        ({"r2": 0.5, "above": 0.1}, "leave them out"),
        ({"effects": 1.0, "above": -1.0}, "above must be one number >= 0"),
        ({"effects": 1.0, "above": [1.0, 2.0]}, "one for each of the 4 columns"),
        ({"effects": 1.0, "raw": "yes"}, "raw must be True or False"),
        ({"r2": 0.5, "draws": 3}, "draws must be an integer >= 100"),
    ],
)
def test_what_is_asked_wrongly(options, message):
    with pytest.raises(ParameterError, match=message):
        scale_for(make_problem(prior=Laplace(1.0), likelihood=KNOWN), **({"above": 0.2} if options == {} else options))


def test_what_cannot_be_reached_is_refused_with_what_can():
    far = make_problem(prior=Laplace(1.0, loc=5.0), likelihood=KNOWN)
    with pytest.raises(ParameterError, match=r"no scale reaches effects=1: between 3\.\d+ and 4 effects"):
        scale_for(far, effects=1.0, above=0.3)
    flat = make_problem(prior={"x0": Flat(), "*": Laplace(1.0)}, likelihood=KNOWN)
    with pytest.raises(ParameterError, match="columns under a proper prior, 3"):
        scale_for(flat, effects=3.5)
    with pytest.raises(ParameterError, match="x0 has an improper prior"):
        scale_for(flat, r2=0.5)
    with pytest.raises(ParameterError, match="nothing to choose"):
        scale_for(make_problem(prior=Flat(), likelihood=KNOWN), effects=1.0)
    shallow = make_problem("negative-binomial", prior=Laplace(1.0), likelihood=NegativeBinomialLog(0.5))
    with pytest.raises(ParameterError, match=r"no scale reaches r2=0\.9"):  # its variance grows as the mean squared
        scale_for(shallow, r2=0.9, draws=200)
    with pytest.raises(ParameterError, match="the response has no variance"):
        scale_for(make_problem("student-t", likelihood=StudentTNoise(2.0, 1.0)), r2=0.5, draws=200)


def test_an_improper_prior_of_the_scale_is_refused():
    problem = make_problem(prior=Laplace(Jeffreys()), likelihood=KNOWN)
    with pytest.raises(ParameterError, match=r"the prior's scale has the improper prior Jeffreys\(\)"):
        prior_summary(problem)
    assert scale_for(problem, effects=1.0, above=0.3) == pytest.approx(0.3 / math.log(4), rel=1e-12)


def test_a_known_shape_and_an_averaged_one():
    for likelihood in (PoissonLog(), NegativeBinomialLog(2.0), NegativeBinomialLog()):
        found = prior_summary(make_problem("poisson", prior=Laplace(0.2), likelihood=likelihood))
        assert 0 < found.r2.loc["5%", "value"] < found.r2.loc["95%", "value"] < 1
    assert "alpha averaged over its prior HalfCauchy(scale=1.0)" in str(found)
