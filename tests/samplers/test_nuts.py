"""What surrounds NUTS, without compiling it: interrupted runs, whitening, and the way back to natural units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import nutpie
import pytest
import xarray as xr

from bayesreg.density import GraphDensity, evaluation_mode
from bayesreg.descent import minimise
from bayesreg.errors import FitError
from bayesreg.graph import build_model, named_point
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise, StudentTNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import nuts, sample
from bayesreg.samplers.pymc import sample_stats, trimmed
from bayesreg.samplers.reduced_model import build_lean_model
from bayesreg.samplers.settings import read_settings
from bayesreg.samplers.whitened import whitened_model
from bayesreg.scales import HalfCauchy, HalfNormal
from tests.problems import DISPERSED, data, make_problem

# -- interrupted runs, padded with NaN -------------------------------------------------------------------------------


def padded(*lengths: int, draws: int = 10) -> dict[str, Array]:
    """Chains that stopped after `lengths` of `draws` draws, as nutpie hands them over."""
    rng = np.random.default_rng(0)
    values = {"beta": rng.normal(size=(len(lengths), draws, 2)), "sigma": rng.random((len(lengths), draws))}
    for chain, length in enumerate(lengths):
        for array in values.values():
            array[chain, length:] = np.nan
    return values


@pytest.mark.parametrize(
    ("lengths", "kept", "done"),
    [
        pytest.param((10, 10, 10), [0, 1, 2], 10, id="finished"),
        pytest.param((10, 7, 6), [0, 1, 2], 6, id="cut to the shortest"),
        pytest.param((10, 4, 9), [0, 2], 9, id="too short a chain is dropped"),
        pytest.param((10, 0, 5), [0, 2], 5, id="an empty chain is dropped"),
        pytest.param((0, 0, 1), [2], 1, id="a single draw"),
        pytest.param((3, 3, 0), [0, 1], 3, id="all stopped early"),
    ],
)
def test_interrupted_runs_are_cut_to_what_chains_have_in_common(
    lengths: tuple[int, ...], kept: list[int], done: int
) -> None:
    values = padded(*lengths)
    cut, chains, length = trimmed(values, 10)
    assert chains.tolist() == kept
    assert length == done
    for name, array in cut.items():
        np.testing.assert_array_equal(array, values[name][kept, :done])
        assert np.isfinite(array).all()


def test_no_draw_at_all_is_an_error() -> None:
    with pytest.raises(FitError, match="interrupted before the first draw"):
        trimmed(padded(0, 0), 10)


def test_a_variable_that_stopped_earlier_counts() -> None:
    values = padded(10, 10)
    values["sigma"][:, 8:] = np.nan
    assert trimmed(values, 10)[2] == 8


def test_sample_statistics_follow_the_kept_chains() -> None:
    group = xr.Dataset({"diverging": (("chain", "draw"), np.eye(3, 10, dtype=bool)), "other": ("x", np.zeros(2))})
    stats = sample_stats(group, (2, 4), np.array([0, 2]))
    assert list(stats) == ["diverging"]
    np.testing.assert_array_equal(stats["diverging"], np.eye(3, 10, dtype=bool)[[0, 2], :4])


class FakeSampler:
    """nutpie's background sampler: not done at the first look, then interrupted, or finished."""

    def __init__(self, draws: Array, end: type[BaseException] | None) -> None:
        self.draws, self.end = draws, end
        self.looks = 0
        self.aborted = False

    def _tree(self) -> dict[str, xr.Dataset]:
        chains, length = self.draws.shape[:2]
        done = np.isfinite(self.draws).all(axis=2)
        lead = ("chain", "draw")
        stats = {
            "diverging": (lead, np.zeros((chains, length), dtype=bool)),
            "energy": (lead, np.where(done, 1.0, np.nan)),
        }
        return {"posterior": xr.Dataset({"z": ((*lead, "d"), self.draws)}), "sample_stats": xr.Dataset(stats)}

    def wait(self, *, timeout: float) -> dict[str, xr.Dataset]:
        assert 0 < timeout <= 1, "an interrupt must be seen soon"
        self.looks += 1
        if self.looks == 1:
            raise TimeoutError
        if self.end is not None:
            raise self.end
        return self._tree()

    def abort(self) -> dict[str, xr.Dataset]:
        self.aborted = True
        return self._tree()


class FakeCompiled:
    """nutpie's compiled model, with the data that it is given."""

    def __init__(self, model: object, **data: Array) -> None:
        self.model, self.data = model, data

    def with_data(self, **data: Array) -> FakeCompiled:
        return FakeCompiled(self.model, **data)


Install = Callable[[Array, type[BaseException] | None], FakeSampler]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a fake sampler in the place of nutpie's."""

    def put(draws: Array, end: type[BaseException] | None) -> FakeSampler:
        fake = FakeSampler(draws, end)
        fake.asked = {}  # type: ignore[attr-defined]

        def start(compiled: FakeCompiled, **asked: Any) -> FakeSampler:
            fake.asked |= {"compiled": compiled, **asked}  # type: ignore[attr-defined]
            return fake

        monkeypatch.setattr(nutpie, "compile_pymc_model", FakeCompiled)
        monkeypatch.setattr(nutpie, "sample", start)
        return fake

    return put


def partial(*lengths: int, draws: int, size: int) -> Array:
    z = np.random.default_rng(1).normal(size=(len(lengths), draws, size))
    for chain, length in enumerate(lengths):
        z[chain, length:] = np.nan
    return z


PROBLEM = make_problem(prior=Laplace(0.3), likelihood=GaussianNoise())
SIZE = PROBLEM.p + 2


def test_an_interrupt_keeps_the_draws_made_so_far(install: Install) -> None:
    fake = install(partial(300, 250, 3, 0, draws=400, size=SIZE), KeyboardInterrupt)
    posterior = sample(PROBLEM, "nuts", draws=400)
    assert fake.aborted
    assert fake.looks == 2
    assert posterior.interrupted
    assert posterior.beta.shape == (2, 250, PROBLEM.p)
    assert np.isfinite(posterior.beta).all()
    assert posterior.data["sample_stats"]["energy"].shape == (2, 250)
    assert np.isfinite(posterior.data["sample_stats"]["energy"]).all()


def test_a_short_interrupted_run_is_judged_and_says_that_it_was_interrupted(install: Install) -> None:
    install(partial(60, 60, draws=400, size=SIZE), KeyboardInterrupt)
    reasons = sample(PROBLEM, "nuts", draws=400).verdict.reasons
    assert any("ESS" in reason for reason in reasons)
    assert reasons[-1] == "sampling was interrupted"


def test_an_interrupt_before_the_first_draw_is_an_error(install: Install) -> None:
    install(partial(0, 0, draws=400, size=SIZE), KeyboardInterrupt)
    with pytest.raises(FitError, match="before the first draw"):
        sample(PROBLEM, "nuts", draws=400)


def test_a_finished_run_is_waited_for(install: Install) -> None:
    z = partial(500, 500, draws=500, size=SIZE)
    fake = install(z, None)
    posterior = sample(PROBLEM, "nuts", draws=500, chains=2, tune=70, seed=3)
    assert not fake.aborted
    assert fake.looks == 2
    assert not posterior.interrupted
    assert posterior.verdict.passed
    asked = fake.asked  # type: ignore[attr-defined]
    assert (asked["draws"], asked["chains"], asked["tune"]) == (500, 2, 70)
    assert asked["seed"] == read_settings(1, 1, None, 3, None).integer_seed()
    density, centre, root = whitened(PROBLEM)
    assert set(asked["compiled"].data) == {"centre", "root"}
    np.testing.assert_array_equal(asked["compiled"].data["centre"], centre)
    np.testing.assert_array_equal(asked["compiled"].data["root"], root)
    for chain, draw in ((0, 0), (1, 499)):
        for name, value in density.natural(centre + root @ z[chain, draw]).items():
            np.testing.assert_allclose(posterior.draws(name)[chain, draw], value)


def test_other_errors_are_not_taken_for_an_interrupt(install: Install) -> None:
    fake = install(partial(5, draws=400, size=SIZE), RuntimeError)
    with pytest.raises(RuntimeError):
        sample(PROBLEM, "nuts", draws=400)
    assert not fake.aborted


def test_progress_counts_all_iterations_of_all_chains(install: Install) -> None:
    class Chain:
        def __init__(self, finished_draws: int) -> None:
            self.finished_draws = finished_draws

    fake = install(partial(10, 10, draws=10, size=SIZE), None)
    seen: list[tuple[int, int]] = []
    sample(PROBLEM, "nuts", draws=10, chains=2, tune=5, progress=lambda done, total: seen.append((done, total)))
    fake.asked["progress_callback"]([Chain(3), Chain(15)])  # type: ignore[attr-defined]
    assert seen == [(18, 30)]


# -- whitening ------------------------------------------------------------------------------------------------------


COEFFICIENTS = ("intercept", "beta")

WHITENED = {
    "laplace": lambda: make_problem(),
    "sigma-unknown": lambda: make_problem(prior=Gaussian(0.5), likelihood=GaussianNoise(HalfNormal(2.0))),
    "scaled": lambda: make_problem(likelihood=GaussianNoise(), scale_by_noise=True),
    "no-intercept": lambda: make_problem(likelihood=GaussianNoise(), intercept=None),
    "hierarchical": lambda: make_problem(prior=Laplace(HalfCauchy(1.0)), likelihood=GaussianNoise()),
    "hierarchical-scaled": lambda: make_problem(
        prior=Laplace(HalfCauchy(1.0)), likelihood=GaussianNoise(), scale_by_noise=True
    ),
    "bernoulli": lambda: make_problem("bernoulli", prior=Gaussian(0.5)),
    "bernoulli-hierarchical": lambda: make_problem("bernoulli", prior=Laplace(HalfCauchy(1.0))),
    "weights": lambda: make_problem(weights=np.arange(30) % 3),
    "wide": lambda: make_problem(n=6, p=9, likelihood=GaussianNoise(HalfNormal(1.0))),
    "wide-hierarchical": lambda: make_problem(
        n=6, p=9, prior=Laplace(HalfCauchy(1.0)), likelihood=GaussianNoise(HalfNormal(1.0))
    ),
    "gaussian-intercept": lambda: make_problem(likelihood=GaussianNoise(), intercept=Gaussian(0.5, loc=1.0)),
    "offset": lambda: make_problem(likelihood=GaussianNoise(), offset=np.linspace(-1.0, 2.0, 30)),
}


def whitened(problem: Problem) -> tuple[GraphDensity, Array, Array]:
    density = GraphDensity(build_lean_model(problem))
    return density, *nuts._whitening(problem, density)


@pytest.mark.parametrize("name", WHITENED)
def test_whitened_density_is_the_problems(name: str) -> None:
    problem = WHITENED[name]()
    density, centre, root = whitened(problem)
    model = whitened_model(density, centre, root)
    logp = model.compile_logp(mode=evaluation_mode())
    rng = np.random.default_rng(0)
    differences = []
    for _ in range(5):
        z = 0.7 * rng.normal(size=centre.size)
        natural = density.natural(centre + (root * z if root.ndim == 1 else root @ z))
        expected = _log_joint(problem, natural)
        # log|dσ/d log σ|: NUTS moves on the logarithm of a scale.
        expected += sum(float(np.log(natural[name])) for name in ("sigma", "beta_scale") if name in natural)
        differences.append(logp({"z": z}) - expected)
    assert np.ptp(differences) <= 1e-8 * max(1.0, abs(expected))
    _check_mode(problem, density.natural(centre))


def _check_mode(problem: Problem, natural: dict[str, Array]) -> None:
    """Sampling starts where the coefficients are best, given the scales that it starts from."""
    top = _log_joint(problem, natural)
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = {name: v + 0.05 * rng.normal(size=v.shape) for name, v in natural.items() if name in COEFFICIENTS}
        assert _log_joint(problem, natural | moved) <= top


def _log_joint(problem: Problem, natural: dict[str, Array]) -> float:
    total = 0.0
    if "beta_scale" in natural:
        total += float(problem.prior.hyperprior.log_density(natural["beta_scale"]))
        problem = problem.with_prior(problem.prior.at(float(natural["beta_scale"])))
    theta = problem.join(float(natural.get("intercept", 0.0)), natural["beta"])
    sigma = float(natural["sigma"]) if "sigma" in natural else None
    return total - problem.neg_log_joint(theta, sigma)


def test_under_a_normal_posterior_whitening_is_exact() -> None:
    # σ known and a Gaussian prior: z is standard normal, and starts at the mode.
    density, centre, root = whitened(make_problem(prior=Gaussian(0.5)))
    logp = whitened_model(density, centre, root).compile_logp(mode=evaluation_mode())
    top = logp({"z": np.zeros(centre.size)})
    z = np.random.default_rng(0).normal(size=(5, centre.size))
    np.testing.assert_allclose([top - logp({"z": row}) for row in z], 0.5 * (z**2).sum(axis=1), rtol=1e-8)


def outliers() -> Problem:
    X, y = data("student-t", 60)
    y = y + 1e5 * (np.arange(60) % 12 == 0)
    return Problem.from_arrays(X, y, prior=Laplace(0.5), likelihood=StudentTNoise(3.0))


DISPERSIONS: dict[str, Callable[[], Problem]] = {
    **{
        f"{kind}-{name}": lambda kind=kind, prior=prior: make_problem(
            kind, n=60, prior=prior, likelihood=DISPERSED[kind]()
        )
        for kind in DISPERSED
        for name, prior in {"laplace": Laplace(0.5), "bridge": Bridge(0.9, 0.5)}.items()
    },
    "outliers": outliers,
    "scaled": lambda: make_problem("student-t", n=60, likelihood=StudentTNoise(3.0), scale_by_noise=True),
}


@pytest.mark.parametrize("name", DISPERSIONS)
def test_whitens_at_about_a_joint_mode_of_the_dispersion(name: str) -> None:
    problem = DISPERSIONS[name]()
    mode = fit_penalized(problem, sigma="joint").sigma
    assert mode is not None
    found = nuts._dispersion(problem)
    assert found == pytest.approx(mode, rel=0.1)
    assert abs(np.log(problem.dispersion_guess() / mode)) > abs(np.log(found / mode)), "no better than where it began"


# -- sufficient statistics in the place of rows ----------------------------------------------------------------------


REDUCED = [name for name in WHITENED if "bernoulli" not in name and "wide" not in name]


@pytest.mark.parametrize("name", WHITENED)
def test_only_what_has_more_columns_than_rows_or_another_likelihood_keeps_its_rows(name: str) -> None:
    model = build_lean_model(WHITENED[name]())
    assert [rv.name for rv in model.observed_RVs] == ([] if name in REDUCED else ["y"])
    assert [potential.name for potential in model.potentials] == (["y"] if name in REDUCED else [])


def densities(problem: Problem, other: Problem) -> Array:
    """log density of the model by rows and, of `other`, by sufficient statistics, at random points (2, m)."""
    rows, lean = GraphDensity(build_model(problem)), GraphDensity(build_lean_model(other))
    rng = np.random.default_rng(3)
    points = rows.start + rng.normal(size=(12, rows.start.size))
    return -np.array([[density.evaluate(point) for point in points] for density in (rows, lean)])


@pytest.mark.parametrize("name", REDUCED)
def test_sufficient_statistics_leave_the_density_as_it_is(name: str) -> None:
    rows, lean = densities(WHITENED[name](), WHITENED[name]())
    np.testing.assert_allclose(lean, rows, rtol=1e-11)


def test_statistics_of_other_rows_are_told_apart() -> None:
    rows, lean = densities(make_problem(), make_problem(weights=1 + 0.001 * (np.arange(30) == 3)))
    assert np.abs(lean / rows - 1).max() > 1e-7


def test_nothing_cancels_where_the_fit_is_nearly_exact_and_columns_lie_far_from_zero() -> None:
    rng = np.random.default_rng(4)
    X = 1e4 + rng.normal(size=(40, 2))
    y = 1e5 + X @ [1.0, -2.0] + 1e-3 * rng.normal(size=40)
    for standardize in (True, False):
        problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(1e-3), standardize=standardize)
        lean, mode = GraphDensity(build_lean_model(problem)), minimise(problem)[0]
        top = lean.evaluate(lean.at_natural(named_point(problem, mode)))
        assert top == pytest.approx(problem.neg_log_joint(mode), rel=2e-9)


def test_a_direction_that_is_nearly_none_counts_once() -> None:
    """A direction left out, of relative eigenvalue 1e-13, moves a residual by √1e-13; one counted twice by its size."""
    rng = np.random.default_rng(0)
    X, d = rng.normal(size=(40, 4)), rng.normal(size=40)
    y = X[:, 0] + 5 * d + rng.normal(size=40)
    for distance in (1e-5, 3e-6, 1e-6, 5e-7):
        problem = Problem.from_arrays(
            np.c_[X, X[:, 0] + distance * d], y, prior=Laplace(0.5), likelihood=GaussianNoise()
        )
        np.testing.assert_allclose(*densities(problem, problem), rtol=1e-6)


def test_every_draw_goes_back_to_natural_units() -> None:
    density = GraphDensity(build_lean_model(WHITENED["hierarchical"]()))
    points = np.random.default_rng(5).normal(size=(7, density.start.size))
    each = density.natural_each(points)
    for i, point in enumerate(points):
        for name, value in density.natural(point).items():
            np.testing.assert_allclose(each[name][i], value, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "tune", "accept"),
    [("laplace", 300, 0.7), ("wide", 300, 0.8), ("hierarchical", 500, 0.9), ("wide-hierarchical", 500, 0.9)],
)
def test_how_long_it_warms_up_unless_told(name: str, tune: int, accept: float) -> None:
    problem = WHITENED[name]()
    pace = nuts._pace(problem, read_settings(100, None, None, 0, None))
    assert (pace.tune, pace.accept, pace.chains) == (tune, accept, 4)
    asked = nuts._pace(problem, read_settings(100, 2, 70, 0, None))
    assert (asked.tune, asked.accept, asked.chains) == (70, accept, 2)
