"""read_penalty: the formulas that it states, evaluated as they are printed, are the graph's −logp up to a constant."""

import re

import numpy as np
import pytest
from scipy.special import erf

import bayesreg as br
from bayesreg.density import GraphDensity
from bayesreg.errors import ParameterError
from bayesreg.reading.forms import FORMS
from tests.markup import read
from tests.problems import make_problem

POINTS = 8


def pm():
    import pymc

    return pymc


# -- the reader of formulas: it knows the notation and no distribution -----------------------------------------


def as_python(formula):
    """A printed formula as a Python expression."""
    text = formula.replace("−", "-").replace("²", "**2").replace("^", "**").replace("·", "*")
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    return text.replace("Σ⁻¹", "precision").replace("λ₁", "l1").replace("λ₂", "l2")


FUNCTIONS = {"log": np.log, "exp": np.exp, "cos": np.cos, "erf": erf, "max": np.maximum, "abs": np.abs}


def evaluate(formula, values):
    """The printed formula at `values`: an array, one penalty an entry."""
    quadratic = re.search(r"(\(\w+ − μ\)|\w+)ᵀ·Σ⁻¹·(\(\w+ − μ\)|\w+)", formula)
    if quadratic:
        away = eval(as_python(quadratic[2]), FUNCTIONS, values)
        values["quadratic"] = away @ values["precision"] @ away
        formula = formula.replace(quadratic[0], "quadratic")
    return eval(as_python(formula), FUNCTIONS, values)


def stated(row, point):
    """The penalty that a row states at a point, its parameters that are formulas evaluated too."""
    values = dict(point)
    values["x"] = point[row.variable]
    for symbol, value in row.parameters.items():
        key = {"Σ⁻¹": "precision", "λ₁": "l1", "λ₂": "l2"}.get(symbol, symbol)
        values[key] = eval(as_python(value), FUNCTIONS, point) if isinstance(value, str) else value
    return float(np.sum(evaluate(row.formula, values)))


def spread(model, row, factor=1.0, step=1.0):
    """Largest deviation of −logp − factor·penalty from one constant over random points, relative."""
    density = GraphDensity(model)
    rng = np.random.default_rng(4)
    penalties, difference = [], []
    for _ in range(POINTS):
        vector = density.full(density.start + step * rng.normal(size=density.start.size))
        penalties.append(factor * stated(row, density._natural(vector)))
        difference.append(density.evaluate(vector) - penalties[-1])
    assert np.isfinite(difference).all()
    return np.ptp(difference) / max(1.0, np.abs(penalties).max())


# -- the registry ----------------------------------------------------------------------------------------------

A, B = np.array([0.5, 1.5, 2.5]), np.array([1.2, 0.7, 3.1])
COVARIANCE = np.array([[1.0, 0.3], [0.3, 0.5]])

CASES = {
    "LaplaceRV": lambda: pm().Laplace("v", A - 1, B, shape=3),
    "NormalRV": lambda: pm().Normal("v", A - 1, B, shape=3),
    "HalfNormalRV": lambda: pm().HalfNormal("v", B, shape=3),
    "TruncatedNormalRV": lambda: pm().TruncatedNormal("v", mu=A, sigma=B, lower=-1.5, upper=4.5, shape=3),
    "ZeroSumNormalRV": lambda: pm().ZeroSumNormal("v", sigma=0.7, shape=4),
    "UniformRV": lambda: pm().Uniform("v", -1.5, B, shape=3),
    "FlatRV": lambda: pm().Flat("v", shape=2),
    "HalfFlatRV": lambda: pm().HalfFlat("v", shape=2),
    "ExponentialRV": lambda: pm().Exponential("v", B, shape=3),
    "GammaRV": lambda: pm().Gamma("v", A, B, shape=3),
    "InvGammaRV": lambda: pm().InverseGamma("v", A, B, shape=3),
    "BetaRV": lambda: pm().Beta("v", A, B, shape=3),
    "KumaraswamyRV": lambda: pm().Kumaraswamy("v", A, B, shape=3),
    "LogNormalRV": lambda: pm().LogNormal("v", A, B, shape=3),
    "LogitNormal": lambda: pm().LogitNormal("v", A[0], B[0]),
    "CauchyRV": lambda: pm().Cauchy("v", A, B, shape=3),
    "HalfCauchyRV": lambda: pm().HalfCauchy("v", B, shape=3),
    "StudentTRV": lambda: pm().StudentT("v", nu=3.5, mu=A, sigma=B, shape=3),
    "HalfStudentTRV": lambda: pm().HalfStudentT("v", nu=3.5, sigma=B, shape=3),
    "LogisticRV": lambda: pm().Logistic("v", A, B, shape=3),
    "GumbelRV": lambda: pm().Gumbel("v", A, B, shape=3),
    "MoyalRV": lambda: pm().Moyal("v", A, B, shape=3),
    "AsymmetricLaplaceRV": lambda: pm().AsymmetricLaplace("v", b=B, kappa=A, mu=0.3, shape=3),
    "SkewNormalRV": lambda: pm().SkewNormal("v", mu=A, sigma=B, alpha=0.5, shape=3),
    "WeibullBetaRV": lambda: pm().Weibull("v", A, B, shape=3),
    "ParetoRV": lambda: pm().Pareto("v", A, 1.5, shape=3),
    "WaldRV": lambda: pm().Wald("v", mu=A, lam=B, alpha=0.001, shape=3),
    "VonMisesRV": lambda: pm().VonMises("v", 0.4, 2.5),
    "DirichletRV": lambda: pm().Dirichlet("v", A),
    "MvNormalRV": lambda: pm().MvNormal("v", np.array([0.4, -0.2]), cov=COVARIANCE),
    "MvStudentTRV": lambda: pm().MvStudentT("v", nu=3.5, mu=np.array([0.4, -0.2]), scale=COVARIANCE),
}


DIGITS = {"SkewNormalRV": 1e-7}
"""PyMC's own √2 is of single precision there."""


def build(make):
    with pm().Model() as model:
        make()
    return model


def test_every_form_has_a_case():
    assert set(CASES) == set(FORMS)


@pytest.mark.parametrize("name", CASES)
def test_the_stated_penalty_is_minus_logp_up_to_a_constant(name):
    model = build(CASES[name])
    assert type(model["v"].owner.op).__name__ == name
    row = br.read_penalty(model)["v"]
    assert row.distribution == FORMS[name].name
    assert not any(isinstance(value, str) for value in row.parameters.values())
    step = 0.1 if name == "LogitNormal" else 1.0  # PyMC gives it no transform: the points must stay inside (0, 1)
    assert spread(model, row, step=step) < DIGITS.get(name, 1e-9)
    if row.formula != "0":  # the control: a penalty 10 % off is no longer the graph's
        assert spread(model, row, factor=1.1, step=step) > 1e-3


CONVEX = {
    "gamma": (lambda: pm().Gamma("v", 2.0, 1.5), True),
    "gamma-spiked": (lambda: pm().Gamma("v", 0.5, 1.5), False),
    "beta": (lambda: pm().Beta("v", 2.0, 1.0), True),
    "beta-u": (lambda: pm().Beta("v", 2.0, 0.5), False),
    "weibull": (lambda: pm().Weibull("v", 1.5, 1.0), True),
    "dirichlet": (lambda: pm().Dirichlet("v", np.array([1.0, 0.9])), False),
    "student": (lambda: pm().StudentT("v", nu=3.0, mu=0.0, sigma=1.0), False),
    "logistic": (lambda: pm().Logistic("v", 0.0, 1.0), True),
    "moyal": (lambda: pm().Moyal("v", 0.0, 1.0), True),
    "lognormal": (lambda: pm().LogNormal("v", 0.0, 1.0), False),
    "inverse-gamma": (lambda: pm().InverseGamma("v", 2.0, 1.0), False),
}


@pytest.mark.parametrize("name", CONVEX)
def test_convexity_is_that_of_the_formula(name):
    make, convex = CONVEX[name]
    model = build(make)
    row = br.read_penalty(model)["v"]
    assert row.convex is convex
    grid = np.linspace(0.001, 0.999, 999) if row.domain.endswith("1") else np.linspace(0.001, 30.0, 3000)
    values = np.array([stated(row, {"v": v}) for v in grid])
    bend = np.diff(values, 2)
    assert bool((bend >= -1e-9).all()) is convex


# -- λ as numbers ----------------------------------------------------------------------------------------------


def test_rates_of_laplace_and_normal_are_those_of_the_penalised_fit():
    b = np.array([0.1, 0.2, 0.5])
    with pm().Model(coords={"feature": ["a", "b", "c"]}) as model:
        scale = pm().Data("scale", b)
        pm().Laplace("beta", 0, scale, dims="feature")
        pm().Normal("slope", 1.0, 2.0)
        pm().Flat("base")
        pm().Uniform("share", -1.0, 3.0)
    reading = br.read_penalty(model)
    np.testing.assert_array_equal(reading["beta"].l1, 1 / b)
    assert (reading["beta"].l2, reading["beta"].location) == (0.0, 0.0)
    assert (reading["slope"].l1, reading["slope"].l2, reading["slope"].location) == (0.0, 1 / 8, 1.0)
    assert (reading["base"].l1, reading["base"].l2, reading["base"].formula) == (0.0, 0.0, "0")
    assert reading["share"].penalty == "0, on −1 ≤ share ≤ 3"
    assert reading["beta"].penalty == "λ₁·|beta| with λ₁ = 2 to 10 by entry"
    table = reading.table
    assert list(table.index) == ["beta", "slope", "base", "share"]
    assert {"shape", "distribution", "penalty", "l1", "l2", "location", "depends_on", "convex", "domain"} <= set(table)
    assert table.loc["slope", "l2"] == 1 / 8
    # data that are exchanged change λ
    model.set_data("scale", 2 * b)
    np.testing.assert_array_equal(br.read_penalty(model)["beta"].l1, 0.5 / b)


def test_a_diagonal_covariance_is_a_ridge():
    with pm().Model() as model:
        pm().MvNormal("v", np.zeros(2), cov=np.diag([4.0, 9.0]))
        pm().MvNormal("w", np.zeros(2), cov=COVARIANCE)
    reading = br.read_penalty(model)
    np.testing.assert_allclose(reading["v"].l2, [1 / 8, 1 / 18])
    assert np.isnan(reading["w"].l2)


# -- scales that are unknown -----------------------------------------------------------------------------------


def hierarchy():
    with pm().Model() as model:
        tau = pm().HalfCauchy("tau", 1.0)
        lam = pm().HalfCauchy("lam", 1.0, shape=3)
        b = pm().Exponential("b", 1.0)
        half = pm().Deterministic("half", b / 2)
        log_s = pm().Normal("log_s", 0.0, 1.0)
        centre = pm().Normal("centre", 0.0, 1.0)
        pm().Normal("ridge", centre, tau, shape=3)
        pm().Normal("horseshoe", 0.0, tau * lam, shape=3)
        pm().Laplace("lasso", 0.0, half, shape=3)
        pm().Normal("logged", 0.0, pm().math.exp(log_s))
        pm().Laplace("sum", 0.0, 2.0 * tau + b)
        pm().Gamma("shape", 2.0, b)
    return model


HIERARCHICAL = {
    "ridge": ("1/(2·tau²)", ("tau", "centre")),
    "horseshoe": ("1/(2·(tau·lam)²)", ("tau", "lam")),
    "lasso": ("1/half", ("b",)),
    "logged": ("1/(2·(exp(log_s))²)", ("log_s",)),
    "sum": ("1/(2·tau + b)", ("tau", "b")),
}


@pytest.fixture(scope="module")
def hierarchical():
    model = hierarchy()
    return model, br.read_penalty(model), GraphDensity(model)


@pytest.mark.parametrize("name", [*HIERARCHICAL, "shape"])
def test_rates_are_formulas_in_the_variables_that_they_depend_on(name, hierarchical):
    model, reading, density = hierarchical
    row = reading[name]
    if name in HIERARCHICAL:
        rate = row.l1 if row.distribution == "Laplace" else row.l2
        assert (rate, row.depends_on) == HIERARCHICAL[name]
    # The law, given the variables it depends on: all others stay while this one moves.
    held = {"tau": 0.7, "lam": np.array([0.5, 1.0, 2.0]), "b": 1.3, "log_s": -0.4, "centre": 0.3}
    start, part = density.at_natural(held), density.slice_of(name)
    rng = np.random.default_rng(1)
    difference = []
    for _ in range(POINTS):
        vector = start.copy()
        vector[part] += rng.normal(size=part.stop - part.start)
        point = {rv.name: density.natural_of(vector, rv.name) for rv in model.free_RVs}
        difference.append(density.evaluate(vector) - stated(row, point | {"half": 0.65}))
    assert np.ptp(difference) < 1e-9 * max(1.0, np.abs(difference).max())


def test_what_depends_on_another_variable_says_so(hierarchical):
    reading = hierarchical[1]
    assert reading["ridge"].convex is True
    assert reading["ridge"].note == "given tau, centre; not jointly convex"
    assert reading["tau"].depends_on == ()
    assert reading["tau"].convex is False


def test_a_non_centred_product_is_named():
    with pm().Model() as model:
        tau = pm().HalfNormal("tau", 1.0)
        z = pm().Normal("z", 0.0, 1.0, shape=3)
        pm().Deterministic("beta", tau * z)
        pm().Deterministic("twice", 2.0 * z)
    (note,) = br.read_penalty(model).notes
    assert note.startswith("beta = tau·z is non-centred: the penalty is on z")


# -- what has no reading ---------------------------------------------------------------------------------------


def test_what_has_no_reading_is_said_by_name():
    with pm().Model() as model:
        x = pm().CustomDist("x", logp=lambda value: -(value**4), signature="->()")
        pm().NormalMixture("mix", [0.5, 0.5], [0.0, 0.0], [0.1, 1.0])
        pm().Potential("pull", -pm().math.abs(x))
    reading = br.read_penalty(model)
    assert [row.formula for row in reading.rows] == ["no reading"] * 3
    assert [row.distribution for row in reading.rows] == ["CustomDist", "Mixture", "Potential"]
    assert "must be subtracted" in reading["pull"].note
    assert "CustomDist is no penalty in closed form" in str(reading)


def test_a_row_must_exist_and_a_model_be_given():
    with pytest.raises(ParameterError, match=r"read_penalty takes a Problem or a pymc.Model \(got list\)"):
        br.read_penalty([1, 2])
    with pm().Model() as model:
        pm().Normal("v")
    with pytest.raises(KeyError, match="no row 'w'"):
        br.read_penalty(model)["w"]


def test_a_name_that_is_a_symbol_does_not_hide_it():
    with pm().Model() as model:
        pm().Cauchy("s", 0.0, 2.5)
    row = br.read_penalty(model)["s"]
    assert row.penalty == "log(1 + (x/s)²) with s = 2.5"


# -- the models of this package --------------------------------------------------------------------------------

OWN = {
    "laplace": lambda: br.Laplace(np.array([0.1, 0.2, 0.3, 0.4]), loc=0.5),
    "gaussian": lambda: br.Gaussian(0.3),
    "elastic-net": lambda: br.ElasticNet(l1=np.array([1.0, 2.0, 3.0, 4.0]), l2=0.5),
    "mapping": lambda: {"x0": br.Laplace(0.2), "x1": br.Gaussian(0.5), "*": br.ElasticNet(1.0, 2.0)},
}


@pytest.mark.parametrize("name", OWN)
def test_our_own_models_have_the_rates_of_their_priors(name):
    problem = make_problem(prior=OWN[name](), likelihood=br.GaussianNoise(1.5))
    row = br.read_penalty(problem)["beta"]
    known = problem.prior.elastic(4)
    np.testing.assert_allclose(np.broadcast_to(row.l1, 4), known.l1, rtol=1e-14)
    np.testing.assert_allclose(np.broadcast_to(row.l2, 4), known.l2, rtol=1e-14)
    beta = np.array([0.3, -0.2, 1.0, 2.0])
    here = stated(row, {"beta": beta}) - stated(row, {"beta": known.loc})
    assert here == pytest.approx(float(problem.prior.penalty(beta)), rel=1e-12)


def test_a_scale_in_units_of_the_noise_is_a_formula_in_it():
    problem = make_problem(prior=br.ElasticNet(1.0, 2.0), likelihood=br.GaussianNoise(), scale_by_noise=True)
    reading = br.read_penalty(problem)
    row = reading["beta"]
    assert row.depends_on == ("sigma",)
    point = {"beta": np.array([0.3, -0.2, 1.0, 2.0]), "sigma": 0.7}
    z = point["beta"] / 0.7
    assert stated(row, point) == pytest.approx(np.sum(np.abs(z) + 2 * z**2), rel=1e-12)
    assert reading["sigma"].penalty == "log(sigma), on sigma ≥ 0"
    assert "σ = sigma unknown" in reading.likelihood[0]


def test_bridges_and_groups_are_described():
    bridge = br.read_penalty(make_problem(prior=br.Bridge(2.0, 0.5), likelihood=br.GaussianNoise(1.5)))["beta"]
    assert (bridge.formula, bridge.convex) == ("λ Σ|beta|^0.5 with λ = 2", False)
    group = br.read_penalty(
        make_problem(prior=br.GroupLaplace((0, 0, 1, 1), br.HalfCauchy(1.0)), likelihood=br.GaussianNoise(1.5))
    )["beta"]
    assert group.depends_on == ("beta_scale",)
    assert "‖" in group.formula
    assert group.formula.endswith("of beta/beta_scale")


def test_what_the_noise_leaves_unknown_is_said():
    with pm().Model() as model:
        beta = pm().Laplace("beta", 0.0, 1.0, shape=2)
        pm().StudentT("y", nu=4.0, mu=beta.sum(), sigma=pm().HalfNormal("sigma", 1.0), observed=np.zeros(3))
        pm().Poisson("n", pm().math.exp(beta[0]), observed=np.array([1, 2]))
    assert br.read_penalty(model).likelihood == (
        "y: StudentT log likelihood in nats, summed over rows, ν = 4, σ = sigma: what each λ weighs against the data "
        "depends on sigma",
        "n: Poisson log likelihood in nats, summed over rows",
    )


def test_known_noise_gives_the_factor_to_the_loss_of_least_squares():
    reading = br.read_penalty(make_problem(prior=br.Laplace(0.2), likelihood=br.GaussianNoise(1.5)))
    assert reading.likelihood == (
        "y: Normal log likelihood in nats, summed over rows, σ = 1.5: for the loss ½Σ(y − μ)² multiply every λ by "
        "σ² = 2.25",
    )
    page = read(reading._repr_html_())
    assert [row[0] for row in page.tables[0][1:]] == [row.variable for row in reading.rows]
    assert [row[2] for row in page.tables[0][1:]] == [row.penalty for row in reading.rows]
    assert "λ₁ = 5" in page.tables[0][2][2]
    assert reading.likelihood[0] in page.text


def test_formulas_of_unknown_scales_are_unambiguous():
    with pm().Model() as model:
        t, s, c = pm().Gamma("t", 2, 1), pm().HalfNormal("s"), pm().HalfNormal("c")
        pm().Normal("b", 0, tau=t, shape=2)
        pm().Normal("u", 0, sigma=s**2)
        pm().Normal("w", 0, s * np.array([1.0, 2.0]))
        pm().MvNormal("z", np.zeros(2), cov=s**2 * np.eye(2))
        pm().Normal("y", c, np.array([1.0, 2.0]), observed=[1.0, 2.0])
    found = br.read_penalty(model)
    assert found["b"].l2 == "t/2"
    assert found["u"].l2 == "1/(2·(s²)²)"
    assert found["w"].l2 == "1/(2·(s·⟨values⟩)²)"
    assert "Σ⁻¹ = (s²·⟨values⟩)⁻¹" in found["z"].penalty
    assert "not jointly convex" in found["z"].note
    assert "every row has its own" in found.likelihood[0]


def test_a_singular_covariance_is_no_crash():
    with pm().Model() as model:
        pm().MvNormal("z", np.zeros(2), cov=np.ones((2, 2)))
    assert np.isnan(br.read_penalty(model)["z"].l2)
