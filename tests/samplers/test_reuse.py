"""Models compiled for NUTS and kept: used for another response of the same rows, and for nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import nutpie
import pytest

from bayesreg.density import GraphDensity, evaluation_mode
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise, NegativeBinomialLog, StudentTNoise
from bayesreg.priors import Bridge, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Plan, nuts, prepare, whitened
from bayesreg.samplers.posterior import Posterior
from bayesreg.samplers.reduced_model import build_lean_model, response_data
from bayesreg.samplers.whitened import MOST_KEPT, Whitened, compiled_for, forget_compiled, whitened_model
from bayesreg.scales import HalfCauchy, HalfNormal
from tests.problems import extras, make_problem

WIDE = {"n": 6, "p": 9}

PROBLEMS: dict[str, Callable[[], Problem]] = {
    "gaussian-hierarchical": lambda: make_problem(prior=Laplace(HalfCauchy(1.0)), likelihood=GaussianNoise()),
    "gaussian-scaled": lambda: make_problem(likelihood=GaussianNoise(), scale_by_noise=True),
    "gaussian-no-intercept": lambda: make_problem(likelihood=GaussianNoise(), intercept=None),
    "gaussian-uneven": lambda: make_problem(likelihood=GaussianNoise(), **extras()),
    "gaussian-wide": lambda: make_problem(**WIDE, likelihood=GaussianNoise(HalfNormal(1.0))),
    "bernoulli": lambda: make_problem("bernoulli", prior=Bridge(0.9, 0.5)),
    "bernoulli-uneven": lambda: make_problem("bernoulli", **extras()),
    "binomial": lambda: make_problem("binomial", prior=Laplace(HalfCauchy(1.0))),
    "poisson": lambda: make_problem("poisson", prior=GroupLaplace([0, 0, 1, 1], 0.4)),
    "student-t": lambda: make_problem("student-t", prior=Bridge(0.9, 0.5), likelihood=StudentTNoise(3.0)),
    "negative-binomial": lambda: make_problem("negative-binomial", likelihood=NegativeBinomialLog()),
    "gamma": lambda: make_problem("gamma", prior=Gaussian(HalfCauchy(1.0)), **extras()),
}


def answered(problem: Problem, y: Array) -> Problem:
    """The same problem with another response."""
    rows: Any = problem.design.rows
    return replace(problem, design=replace(problem.design, rows=replace(rows, y=y)))


def other_response(problem: Problem) -> Problem:
    """A response simulated at another truth: its size, its mean and its counts are not those of the first."""
    block = problem.design.rows.collect()
    eta = block.offset - 0.4 + 0.6 * block.X[:, 0]
    sigma = None if problem.likelihood.dispersion is None else np.asarray(2.5)
    y = problem.likelihood.on(block).simulate(eta, sigma, np.random.default_rng(7))
    assert not np.array_equal(y, block.y)
    return answered(problem, y)


@pytest.fixture(autouse=True)
def none_kept() -> Iterator[None]:
    forget_compiled()
    yield
    forget_compiled()


# -- what a model with an open response says ---------------------------------------------------------------------------


def whitening(problem: Problem) -> tuple[GraphDensity, Array, Array]:
    density = GraphDensity(build_lean_model(problem))
    return density, *nuts._whitening(problem, density)


@pytest.mark.parametrize("name", PROBLEMS)
def test_with_another_response_put_in_the_density_is_that_of_its_own_problem(name: str) -> None:
    first = PROBLEMS[name]()
    second = other_response(first)
    density, centre, root = whitening(first)
    opened = whitened_model(density, centre, root, open_response=True)
    functions = [f(mode=evaluation_mode()) for f in (opened.compile_logp, opened.compile_dlogp)]
    density, centre, root = whitening(second)
    own = whitened_model(density, centre, root)
    references = [f(mode=evaluation_mode()) for f in (own.compile_logp, own.compile_dlogp)]
    points = [{"z": z} for z in 0.7 * np.random.default_rng(0).normal(size=(5, centre.size))]

    def differs(data: dict[str, Array]) -> float:
        for function in functions:
            for variable in function.f.get_shared():
                if variable.name in data:
                    variable.set_value(data[variable.name].astype(variable.dtype))
        pairs = zip(functions, references, strict=True)
        return max(float(np.max(np.abs(f(z) - g(z)) / np.maximum(1.0, np.abs(g(z))))) for f, g in pairs for z in points)

    assert differs({"centre": centre, "root": root}) > 1e-3, "the first response is still in it"
    assert differs({"response": response_data(second)}) < 1e-10


def test_without_reuse_the_response_of_rows_stays_a_constant() -> None:
    density, centre, root = whitening(PROBLEMS["poisson"]())
    functions = [
        whitened_model(density, centre, root, open_response=opened).compile_logp(mode=evaluation_mode())
        for opened in (False, True)
    ]
    names = [{variable.name for variable in function.f.get_shared()} for function in functions]
    assert [sorted(found & {"centre", "root", "response"}) for found in names] == [
        ["centre", "root"], ["centre", "response", "root"],
    ]  # fmt: skip


# -- which models are kept ---------------------------------------------------------------------------------------------


@pytest.fixture
def compiles(monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    """The problems that a model is compiled for, were it to be compiled."""
    done: list[Problem] = []

    def compile_(problem: Problem, *, open_response: bool) -> Whitened:
        done.append(problem)
        return Whitened(None, len(done), open_response)  # type: ignore[arg-type]

    monkeypatch.setattr(whitened, "_compile", compile_)
    return done


def taken(problem: Problem, *, reuse: bool = True) -> Any:
    with compiled_for(problem, reuse=reuse) as model:
        return model.model


def base(**changed: Any) -> Problem:
    options: dict[str, Any] = {"prior": Bridge(0.9, 0.5), "likelihood": StudentTNoise(3.0)} | changed
    return make_problem("student-t", **options)


def moved_x() -> Problem:
    rows: Any = base().design.rows
    X = rows.X.copy()
    X[4, 2] = np.nextafter(X[4, 2], np.inf)
    return replace(base(), design=replace(base().design, rows=replace(rows, X=X)))


OTHERS: dict[str, Callable[[], Problem]] = {
    "rate": lambda: base(prior=Bridge(0.91, 0.5)),
    "power": lambda: base(prior=Bridge(0.9, 0.6)),
    "location": lambda: base(prior=Bridge(0.9, 0.5, loc=0.1)),
    "prior": lambda: base(prior=Laplace(0.9)),
    "a number for each column": lambda: base(prior=Bridge(0.9 + 1e-9 * np.arange(4), 0.5)),
    "hyperprior": lambda: base(prior=Laplace(HalfCauchy(1.0))),
    "by column": lambda: base(prior={"x0": Gaussian(1.0), "*": Laplace(1.0)}),
    "groups": lambda: base(prior=GroupLaplace([0, 0, 1, 1], 1.0)),
    "other groups": lambda: base(prior=GroupLaplace([0, 1, 1, 1], 1.0)),
    "degrees of freedom": lambda: base(likelihood=StudentTNoise(4.0)),
    "known sigma": lambda: base(likelihood=StudentTNoise(3.0, 1.0)),
    "prior of sigma": lambda: base(likelihood=StudentTNoise(3.0, HalfNormal(1.0))),
    "its scale": lambda: base(likelihood=StudentTNoise(3.0, HalfNormal(2.0))),
    "likelihood": lambda: base(likelihood=GaussianNoise()),
    "no intercept": lambda: base(intercept=None, standardize=False),
    "prior of the intercept": lambda: base(intercept=Gaussian(2.0)),
    "units of the prior": lambda: base(scale_by_noise=True),
    "weights": lambda: base(weights=np.r_[np.ones(29), 2.0], standardize=False),
    "offset": lambda: base(offset=np.linspace(0.0, 1e-9, 30)),
    "rows": lambda: base(n=29),
    "columns": lambda: base(p=3),
    "an entry of X": moved_x,
}


def test_whatever_else_differs_is_compiled_for(compiles: list[Problem]) -> None:
    problem = base()
    assert taken(problem) == taken(base()) == taken(other_response(problem)) == 1, "equal parts, other objects"
    for count, (name, make) in enumerate(OTHERS.items(), start=2):
        assert taken(make()) == count, name
        assert taken(other_response(make())) == count, name
    assert len(compiles) == 1 + len(OTHERS)


def test_numbers_of_trials_count(compiles: list[Problem]) -> None:
    X = make_problem("binomial").design.rows.collect().X
    y, few = np.resize([1.0, 2.0], 30), np.full(30, 5.0)
    problems = [
        Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=make_problem("bernoulli").likelihood, trials=trials)
        for trials in (few, few + 1)
    ]
    assert [taken(problem) for problem in (*problems, *problems)] == [1, 2, 1, 2]
    assert len(compiles) == 2


def test_only_those_used_last_are_kept(compiles: list[Problem]) -> None:
    makers = list(OTHERS.values())[: MOST_KEPT + 1]
    for make in makers[:-1]:
        taken(make())
    assert taken(makers[0]()) == 1
    taken(makers[-1]())  # one too many: out goes the second, which was used longest ago
    assert taken(makers[0]()) == 1
    assert taken(makers[1]()) == MOST_KEPT + 2
    assert len(compiles) == MOST_KEPT + 2


def test_without_reuse_nothing_is_kept_nor_taken(compiles: list[Problem]) -> None:
    assert [taken(base(), reuse=reuse) for reuse in (True, False, False, True)] == [1, 2, 3, 1]
    assert len(compiles) == 3


def test_a_kept_model_serves_one_thread_at_a_time(compiles: list[Problem]) -> None:
    served = threading.Event()

    def serve() -> None:
        with compiled_for(base(), reuse=True):
            served.set()

    thread = threading.Thread(target=serve)
    with compiled_for(base(), reuse=True):
        thread.start()
        assert not served.wait(0.2)
    assert served.wait(10.0)
    thread.join()
    assert len(compiles) == 1


# -- draws -------------------------------------------------------------------------------------------------------------


def reusing(plan: Plan) -> Posterior:
    return replace(plan, settings=replace(plan.settings, reuse=True)).run()


@pytest.mark.parametrize("name", ["gaussian-hierarchical", "negative-binomial"])
def test_draws_of_a_kept_model_are_those_of_one_compiled_for_the_problem(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_, count = nutpie.compile_pymc_model, []

    def counted(model: Any) -> Any:
        count.append(model)
        return compile_(model)

    monkeypatch.setattr(nutpie, "compile_pymc_model", counted)
    first = PROBLEMS[name]()
    second = other_response(first)
    before = reusing(prepare(first, "nuts", draws=40, seed=3))
    kept = reusing(prepare(second, "nuts", draws=40, seed=3))
    assert len(count) == 1
    forget_compiled()
    fresh = reusing(prepare(second, "nuts", draws=40, seed=3))
    assert len(count) == 2
    for variable in kept.arrays:
        np.testing.assert_allclose(kept.draws(variable), fresh.draws(variable), rtol=1e-9)
    assert np.abs(kept.beta.mean(axis=(0, 1)) - before.beta.mean(axis=(0, 1))).max() > 0.1, "the response counts"


@pytest.mark.parametrize(
    ("method", "kind", "prior"),
    [
        ("conjugate", "gaussian", Gaussian(0.5)),
        ("gibbs", "gaussian", Laplace(0.5)),
        ("surrogate", "poisson", Gaussian(0.5)),
        ("hmc", "bernoulli", Gaussian(0.5)),
    ],
)
def test_samplers_that_compile_nothing_take_no_notice(method: str, kind: str, prior: Any) -> None:
    plan, again = (prepare(make_problem(kind, prior=prior), method, draws=60, seed=1) for _ in range(2))
    np.testing.assert_array_equal(reusing(plan).beta, again.run().beta)
