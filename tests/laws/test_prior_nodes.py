"""The PyMC variable of a prior has the prior's own log density, so that its penalty is the one we minimise.

All variables stand in one model, compiled once: compiling takes far longer than evaluating.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bayesreg.interfaces import Prior
from bayesreg.priors import Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.scales import Exponential, HalfCauchy
from bayesreg.stacked import Stacked
from tests.registry import PRIORS, SHAPES, STACKED

P = 4
DRAWS = 1200
SIGMA = 1.7
SCALE = 0.6

MakeFixed = Callable[[float, float], Prior]


@dataclass
class Case:
    """A prior to be made a variable, and the fixed prior that it is at a factor σ and a scale of its own."""

    prior: Prior
    columns: int
    scaled: bool
    fixed: MakeFixed

    @property
    def dims(self) -> str | None:
        return "feature" if self.columns == P else None


def _cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for name, make in (PRIORS | STACKED).items():
        prior = make(P)
        cases[name] = Case(prior, P, False, lambda s, h, prior=prior: prior)
        cases[f"{name}.scaled"] = Case(prior, P, True, lambda s, h, prior=prior: prior.rescaled(s))
    for name, make in PRIORS.items():
        one = make(1)
        cases[f"{name}.scalar"] = Case(one, 1, True, lambda s, h, one=one: one.rescaled(s))
    for name, shape in SHAPES.items():
        unknown = shape(HalfCauchy(1.0))
        cases[f"{name}.unknown"] = Case(unknown, P, False, lambda s, h, unknown=unknown: unknown.at(h))
        cases[f"{name}.unknown-scaled"] = Case(unknown, P, True, lambda s, h, unknown=unknown: unknown.at(h * s))
    for name, part in {"laplace": Laplace, "groups": lambda b: GroupLaplace([0, 1, 0], b, loc=0.3)}.items():
        first = Gaussian(2.0, loc=1.0)
        stacked = Stacked([(first, [2]), (part(HalfCauchy(1.0)), [0, 1, 3])])
        cases[f"stacked-{name}.unknown-scaled"] = Case(
            stacked,
            P,
            True,
            lambda s, h, part=part, first=first: Stacked([(first.rescaled(s), [2]), (part(h * s), [0, 1, 3])]),
        )
    return cases


CASES = _cases()
EACH = pytest.mark.parametrize("name", CASES)


@pytest.fixture(scope="module")
def model() -> tuple[Any, dict[str, Any], Any]:
    """The model, its variables by case, and σ."""
    import pymc as pm

    with pm.Model(coords={"feature": list("abcd")}) as built:
        sigma = pm.Exponential("sigma", lam=np.float64(0.8))
        rvs = {n: c.prior.node(n, c.dims, sigma if c.scaled else 1.0) for n, c in CASES.items()}
    return built, rvs, sigma


@pytest.fixture(scope="module")
def density(model) -> Callable[[dict[str, np.ndarray]], dict[str, dict[str, np.ndarray]]]:
    """Log density, its gradient and the kink's rates of every variable, at given values."""
    import pymc as pm
    import pytensor.tensor as pt

    from bayesreg.density import evaluation_mode

    built, rvs, _ = model
    logps = built.logp(vars=list(rvs.values()), jacobian=False, sum=False)
    values = [built.rvs_to_values[rv] for rv in rvs.values()]
    total = pt.add(*(pt.sum(term) for term in logps))
    gradients = pt.grad(total, values, disconnected_inputs="ignore")  # a flat density does not depend on its value
    tagged = [name for name, rv in rvs.items() if hasattr(rv.tag, "kink")]
    rates = built.replace_rvs_by_values([pt.as_tensor(rvs[name].tag.kink[1]) for name in tagged])
    outputs = [*(pt.sum(term) for term in logps), *gradients, *rates]
    function = pm.compile(built.value_vars, outputs, mode=evaluation_mode(), on_unused_input="ignore")
    scales = {v.name: np.log(SCALE) for v in built.value_vars if v.name.endswith("_scale_log__")}

    def at(point: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
        whole = {"sigma_log__": np.log(SIGMA), **scales, **point}
        found = function(*(whole[v.name] for v in built.value_vars))
        count = len(rvs)
        return {
            "logp": dict(zip(rvs, found[:count], strict=True)),
            "gradient": dict(zip(rvs, found[count : 2 * count], strict=True)),
            "rate": dict(zip(tagged, found[2 * count :], strict=True)),
        }

    return at


def points(seed: int) -> dict[str, np.ndarray]:
    """A point for every variable: the location itself at seed 0, and at odd seeds kinks in some columns or blocks."""
    rng = np.random.default_rng(seed)
    at = {}
    for name, case in CASES.items():
        away = rng.normal(size=case.columns) * rng.choice([0.1, 1, 20])
        if seed % 2:
            away *= rng.random(case.columns) < 0.7
            away *= (rng.random(case.columns) < 0.7)[case.prior.blocks(case.columns)]
        beta = case.prior.location(case.columns) + (away if seed else 0)
        at[name] = beta if case.dims else beta[0]
    return at


@pytest.fixture(scope="module")
def evaluated(density):
    """Some points, and what the graph gives there."""
    return [(at, density(at)) for at in map(points, range(12))]


@EACH
def test_node_has_the_normalised_log_density(evaluated, name):
    case = CASES[name]
    for at, found in evaluated:
        assert np.shape(found["logp"][name]) == ()
        expected = case.fixed(SIGMA, SCALE).log_density(np.atleast_1d(at[name]))
        assert found["logp"][name] == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


@EACH
def test_gradient_is_the_penaltys_and_at_kinks_that_of_the_smooth_part(evaluated, name):
    case = CASES[name]
    moved = 0
    for at, found in evaluated:
        beta = np.atleast_1d(at[name])
        gradient = np.atleast_1d(found["gradient"][name])
        slope = case.fixed(SIGMA, SCALE).nearest_subgradient(beta, np.zeros(case.columns))
        np.testing.assert_allclose(gradient, -slope, rtol=1e-10, atol=1e-12)
        moved += gradient.any()
    assert moved >= 5 or isinstance(case.prior, Flat)


def test_nodes_of_priors_that_pymc_lacks_tell_their_kinks(model, evaluated):
    _, rvs, _ = model
    known = (Laplace, Gaussian, Flat)
    assert set(evaluated[0][1]["rate"]) == {name for name, case in CASES.items() if not isinstance(case.prior, known)}
    for name, rate in evaluated[0][1]["rate"].items():
        case = CASES[name]
        expected = case.fixed(SIGMA, SCALE).kink(case.columns)
        loc, _, blocks = rvs[name].tag.kink
        np.testing.assert_allclose(np.broadcast_to(rate, case.columns), expected.rate, rtol=1e-13)
        np.testing.assert_array_equal(loc, expected.loc)
        np.testing.assert_array_equal(blocks, expected.blocks)


def test_an_unknown_scale_is_a_variable_with_its_own_prior(model):
    built, rvs, _ = model
    for name, case in CASES.items():
        assert (f"{name}_scale" in built.named_vars) == (case.prior.hyperprior is not None)
        assert rvs[name].dtype == "float64"
    point = built.initial_point()
    for name, case in CASES.items():
        np.testing.assert_array_equal(point[name], case.prior.location(case.columns) if case.dims else point[name])
        assert np.shape(point[name]) == ((P,) if case.dims else ())


@pytest.fixture(scope="module")
def drawn(model) -> dict[str, np.ndarray]:
    """Draws of σ, of the unknown scales and of every proper variable, jointly."""
    import pymc as pm

    from bayesreg.density import evaluation_mode

    built, rvs, sigma = model
    proper = [n for n, c in CASES.items() if np.isfinite(c.fixed(1.0, 1.0).variance(c.columns)).all()]
    scales = [n for n in built.named_vars if n.endswith("_scale")]
    wanted = [sigma, *(built[n] for n in scales), *(rvs[n] for n in proper)]
    draws = pm.draw(wanted, draws=DRAWS, random_seed=1, mode=evaluation_mode())
    return dict(zip(["sigma", *scales, *proper], draws, strict=True))


def test_random_draws_of_the_nodes_follow_the_priors(drawn):
    checked = 0
    for name, case in CASES.items():
        if name not in drawn:
            continue
        draws = drawn[name].reshape(DRAWS, case.columns)
        sigma = drawn["sigma"] if case.scaled else np.ones(DRAWS)
        scale = drawn.get(f"{name}_scale", np.ones(DRAWS))
        unit, own = case.fixed(1.0, 1.0).variance(case.columns), case.fixed(1.0, 2.0).variance(case.columns)
        spread = np.sqrt(unit) * sigma[:, None] * np.where(own == unit, 1.0, scale[:, None])
        away = (draws - case.prior.location(case.columns)) / spread
        fixed = case.fixed(1.0, 1.0)
        direct = fixed.draw(np.random.default_rng(2), 4 * DRAWS, case.columns) - fixed.location(case.columns)
        direct /= np.sqrt(unit)
        for one, other in zip(away.T, direct.T, strict=True):
            assert stats.ks_2samp(one, other).pvalue > 1e-5, name
        assert stats.ks_2samp(2 * np.abs(away[:, 0]), np.abs(direct[:, 0])).pvalue < 1e-3, name
        checked += 1
    assert checked > 80


def test_draws_within_a_group_share_their_radius(drawn):
    draws = drawn["group-laplace.scaled"] / drawn["sigma"][:, None]
    blocks = CASES["group-laplace.scaled"].prior.blocks(P)
    together, apart = np.flatnonzero(blocks == 0)[:2], [0, int(np.flatnonzero(blocks != 0)[0])]
    assert np.corrcoef(np.abs(draws[:, together]).T)[0, 1] > 0.1
    assert abs(np.corrcoef(np.abs(draws[:, apart]).T)[0, 1]) < 0.1


def test_graph_log_density_has_a_finite_gradient_at_its_kinks():
    import pytensor
    import pytensor.tensor as pt

    from bayesreg.density import evaluation_mode

    beta, scale = pt.vector("beta"), pt.scalar("scale")
    makes = PRIORS | STACKED
    parts = [make(P).graph_log_density(beta, scale) for make in makes.values()]
    outputs = [*parts, *(pt.grad(part.sum(), beta, disconnected_inputs="ignore") for part in parts)]
    function = pytensor.function([beta, scale], outputs, mode=evaluation_mode())
    for name, make, index in zip(makes, makes.values(), range(len(makes)), strict=True):
        at = make(P).location(P)
        found = function(np.array(at), SIGMA)
        assert found[index].shape == (P,), name
        assert found[index].sum() == pytest.approx(float(make(P).rescaled(SIGMA).log_density(at)), rel=1e-12), name
        np.testing.assert_array_equal(found[index + len(makes)], 0, err_msg=name)


def test_a_scale_prior_at_work_in_a_scalar_node():
    import pymc as pm

    with pm.Model() as built:
        rv = Laplace(Exponential(2.0), loc=np.array([0.5])).node("b", None, 1.0)
    assert rv.ndim == 0
    assert set(built.named_vars) == {"b", "b_scale"}
