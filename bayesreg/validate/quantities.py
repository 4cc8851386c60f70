"""Test quantities: what a truth and the draws are compared by, besides the parameters.

A sampler that ignores the data, or gets a correlation wrong, has uniform ranks in every parameter; quantities that
depend on the data, such as the log-likelihood, see it (Modrák, Moon, Kim, Bürkner, Huurre, Faltejsková, Gelman &
Vehtari 2023, Bayesian Analysis).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pickle import PicklingError
from types import CodeType, FunctionType
from uuid import uuid4

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.validate.generative import Sample

TestQuantity = Callable[[Mapping[str, Array], Problem], Array]
"""f(draws, problem) → (m,): draws by name, each with m rows (`beta` (m, p), `intercept`, `sigma`, ... (m,)); the
problem holds the data that these draws are of."""


def parameters(sample: Sample, problem: Problem) -> dict[str, Array]:
    """Every unknown by name, as `Posterior.arrays` has them: m rows each."""
    intercept, beta = problem.split(sample.theta)
    found: dict[str, Array] = {"intercept": intercept} if problem.has_intercept else {}
    found["beta"] = beta
    if sample.dispersion is not None:
        found[str(problem.likelihood.dispersion_name)] = sample.dispersion
    if sample.scale is not None:
        found["beta_scale"] = sample.scale
    return found


def log_likelihood(draws: Mapping[str, Array], problem: Problem) -> Array:
    """log p(y | θ) (m,) of the simulated data."""
    block = problem.design.rows.collect()
    lead = [draws["intercept"][:, None]] if problem.has_intercept else []
    eta = problem.linear_predictor(block, np.concatenate([*lead, draws["beta"]], axis=1).T).T
    name = str(problem.likelihood.dispersion_name)
    sigma = draws[name][:, None] if name in draws else problem.likelihood.sigma_known
    return -np.asarray(block.weighted(problem.likelihood.on(block).nll_given(eta, block.y, sigma)).sum(axis=1))


def log_prior(draws: Mapping[str, Array], problem: Problem) -> Array:
    """log p(θ) (m,): coefficients, intercept, dispersion and scale together; of the coefficients it is −pen."""
    name, scale = problem.likelihood.dispersion_name, draws.get("beta_scale")
    sigma = draws.get(str(name))
    total = np.zeros(len(draws["beta"]))
    alike = scale is None and not problem.scale_by_noise
    if alike:
        total += problem.prior.log_density(draws["beta"])
    for i, beta in enumerate([] if alike else draws["beta"]):
        prior = problem.prior if scale is None else problem.prior.at(float(scale[i]))
        if problem.scale_by_noise:
            known = problem.likelihood.sigma_known
            prior = prior.rescaled(float(sigma[i]) if sigma is not None else float(known or 1.0))
        total[i] = float(prior.log_density(beta))
    if problem.intercept is not None:
        total += problem.intercept.log_density(draws["intercept"][:, None])
    for hyper, values in ((problem.likelihood.dispersion, sigma), (problem.prior.hyperprior, scale)):
        if hyper is not None and values is not None:
            total += hyper.log_density(values)
    return total


BUILT_IN: dict[str, TestQuantity] = {"log_likelihood": log_likelihood, "log_prior": log_prior}


def read_quantities(given: Mapping[str, TestQuantity] | Sequence[str] | None) -> dict[str, TestQuantity]:
    """Return test quantities by name: by default both built-in ones; a mapping adds to them.

    Raises
    ------
    ParameterError
        If a name is not a built-in quantity's, or what stands by a name cannot be called.
    """
    if given is None:
        return dict(BUILT_IN)
    if isinstance(given, Mapping):
        wrong = [name for name, fn in given.items() if not callable(fn)]
        if wrong:
            msg = f"test_quantities: {wrong[0]!r} is not a function of (draws, problem) (got {given[wrong[0]]!r})"
            raise ParameterError(msg)
        return BUILT_IN | {str(name): fn for name, fn in given.items()}
    names = [given] if isinstance(given, str) else list(given)
    unknown = [name for name in names if name not in BUILT_IN]
    if unknown:
        known = ", ".join(BUILT_IN)
        msg = f"test_quantities: {unknown[0]!r} is not one of {known}; give a mapping of names to functions for others"
        raise ParameterError(msg)
    return {name: BUILT_IN[name] for name in names}


def code_of(function: TestQuantity) -> str:
    """Digest of what a function does, so that a store tells one from another of the same name.

    Of its code, its defaults and what it closes over; of an object that is called, its state; not of functions that it
    finds by name.  What cannot be pickled has a digest of its own each time: a store then never takes it for the same.
    """
    return sha256(repr(_signs(function, ())).encode()).hexdigest()[:16]


def _signs(value: object, within: tuple[int, ...]) -> object:
    """What tells a value from others; `within`: the functions that it was found in, which may be found in it."""
    import joblib

    if isinstance(value, partial):
        return "partial", _signs(value.func, within), _signs((value.args, value.keywords), within)
    if not isinstance(value, FunctionType):
        try:
            return str(joblib.hash(value))
        except (PicklingError, TypeError, AttributeError):  # what pickle raises for locks, local classes and the like
            return uuid4().hex
    if id(value) in within:
        return "itself"
    inside = (*within, id(value))
    kept = [cell.cell_contents for cell in value.__closure__ or ()]
    given = (value.__defaults__ or (), tuple((value.__kwdefaults__ or {}).values()))
    return _instructions(value.__code__), *(_signs(each, inside) for each in (*kept, *given[0], *given[1]))


def _instructions(code: CodeType) -> tuple[object, ...]:
    inner = tuple(_instructions(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.co_code, code.co_names, inner


def values_of(sample: Sample, problem: Problem, quantities: Mapping[str, TestQuantity]) -> dict[str, Array]:
    """Every parameter and quantity (m,), by the names that `Posterior.summary` gives to scalars."""
    draws = parameters(sample, problem)
    for values in draws.values():
        values.flags.writeable = False  # what one quantity wrote there would be ranked as a draw
    found: dict[str, Array] = {}
    for name, values in draws.items():
        if values.ndim == 1:
            found[name] = values
        else:
            found |= {f"{name}[{label}]": values[:, j] for j, label in enumerate(problem.names)}
    for name, fn in quantities.items():
        if name in found:
            msg = f"test_quantities: {name!r} is the name of a parameter, which is ranked anyway; choose another name"
            raise ParameterError(msg)
        values = np.asarray(fn(draws, problem), dtype=float)
        if values.shape != (len(sample),) or np.isnan(values).any():
            what = "NaN" if values.shape == (len(sample),) else f"shape {values.shape}"
            msg = f"test_quantities: {name!r} must return {len(sample)} numbers, one a draw (got {what})"
            raise ParameterError(msg)
        found[name] = values
    return found
