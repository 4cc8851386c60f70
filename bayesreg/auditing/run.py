"""One call: a fitted estimator, its prior, the certificate of its coefficients, and the whole comparison."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg.arguments import Seed
from bayesreg.auditing.columns import Columns, read_columns
from bayesreg.auditing.estimators import (
    WITHOUT_WEIGHTS,
    Reading,
    one_column,
    read_estimator,
    read_labels,
    response_name,
)
from bayesreg.auditing.words import paragraph
from bayesreg.comparison import Comparison, compare
from bayesreg.comparison.audited import AuditedFit
from bayesreg.errors import InputError, ParameterError
from bayesreg.intake import read_numbers
from bayesreg.interfaces import Array
from bayesreg.libraries import intercept_prior, to_prior
from bayesreg.libraries.objective import LibraryObjective, find
from bayesreg.libraries.rates import Rates
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimality import certify
from bayesreg.optimum import Optimum
from bayesreg.priors import Flat, Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers.settings import Progress

FAMILIES = {"gaussian": GaussianNoise, "bernoulli": BernoulliLogit, "poisson": PoissonLog}


def audit(
    estimator: Any,
    X: Any,
    y: Any,
    sigma: float | str | None = None,
    sample_weight: Any = None,
    *,
    method: str = "auto",
    draws: int = 1000,
    chains: int | None = None,
    seed: Seed = 0,
    epsilon: float | Array | Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Say which prior a fitted scikit-learn estimator assumed, certify its coefficients, and go on to the posterior.

    Parameters
    ----------
    estimator : fitted estimator
        Ridge, Lasso, LassoLars, ElasticNet, LogisticRegression (two classes), their cross-validated forms,
        PoissonRegressor, BayesianRidge, ARDRegression; alone, last in a Pipeline, or in a fitted grid search.
    X : array-like, sparse matrix or data frame (n, p)
        What it was fitted on, before any step of the Pipeline.
    y : array-like (n,)
        The response.
    sigma : float, {"residual", "cv_lasso"} or None
        Noise sd under squared-error losses, on which the prior depends.  None: the estimator's own (BayesianRidge,
        ARDRegression), else least squares' residual sd, else, where that has no degrees of freedom, a cross-validated
        lasso's; the posterior then integrates over σ where it is proper, with the prior's scale held.
    sample_weight : array-like (n,), optional
        As given to `fit`.
    method, draws, chains, seed, epsilon, progress
        As in `compare`; ε is of the columns as the estimator sees them.

    Returns
    -------
    Comparison
        Of the problem that the estimator solved, with `audited`: its own coefficients, their certificate, how many nats
        they lie above the optimum, wrong zeros, and the prior in words.  `penalized` is the polished optimum.

    Raises
    ------
    ParameterError
        If the estimator is not one of these, is not fitted, or has an option that no prior corresponds to.
    InputError
        If X, y or sample_weight are not what it was fitted on.
    FitError
        If no finite optimum or no proper posterior exists.
    """
    columns = read_columns(estimator, X)
    reading = read_estimator(columns.estimator)
    response = response_name(y)
    weights = _weights(reading, y, sample_weight)
    row = find(reading.convention)
    problem, noise, sigma_text = _problem(reading, columns, row, y, weights, sigma)
    used = None if problem.likelihood.sigma_known is not None or noise.sigma is None else noise.method
    comparison = compare(
        problem, sigma=used, method=method, draws=draws, chains=chains, seed=seed, epsilon=epsilon,
        progress=progress, remarks=_remarks(problem, sigma_text),
    )  # fmt: skip
    return replace(comparison, audited=_audited(reading, columns, row, comparison, sigma_text, response))


def _weights(reading: Reading, y: Any, sample_weight: Any) -> Array | None:
    """Weights of the rows: those given, times those of the classes."""
    weights = None if sample_weight is None else read_numbers(sample_weight, "sample_weight")
    if weights is not None and weights.shape != (np.shape(y)[0],):
        msg = f"sample_weight has shape {weights.shape} for {np.shape(y)[0]} rows"
        raise InputError(msg)
    if weights is not None and reading.kind in WITHOUT_WEIGHTS:
        msg = f"sample_weight: {reading.kind} takes none; fit again, or leave it out"
        raise ParameterError(msg)
    if reading.class_weight is None:
        return weights
    from sklearn.utils.class_weight import compute_class_weight

    # "balanced" counts rows by their weights, where this version of scikit-learn does.
    takes = "sample_weight" in inspect.signature(compute_class_weight).parameters
    given = {"sample_weight": weights} if takes and weights is not None else {}
    labels = one_column(y)
    of_class = compute_class_weight(reading.class_weight, classes=np.array(reading.classes), y=labels, **given)
    by_class = np.where(labels == reading.classes[1], of_class[1], of_class[0])
    return np.asarray(by_class if weights is None else by_class * weights, dtype=float)


def _problem(
    reading: Reading, columns: Columns, row: LibraryObjective, y: Any, weights: Array | None, sigma: float | str | None
) -> tuple[Problem, Noise, str]:
    """The problem that the estimator solved; σ, and where it is from."""
    facts: dict[str, Any] = {} if weights is None else {"weights": weights}
    version = _version()
    response = read_labels(reading, y) if reading.classes else y
    unit = Problem.from_arrays(
        columns.X, response, likelihood=FAMILIES[reading.family](), prior=Gaussian(1.0), standardize=False,
        weights=weights, names=columns.names, intercept=Flat() if reading.has_intercept else None,
    )  # fmt: skip
    if reading.beta.size != unit.p:
        msg = f"the estimator has {reading.beta.size} coefficients, and X {unit.p} columns"
        raise InputError(msg)
    noise, text = _noise(reading, unit, sigma)
    facts["n"] = unit.n
    if noise.sigma is not None:
        facts["sigma"] = noise.sigma
    prior = to_prior(row.name, version=version, **reading.numbers, **facts)
    problem = unit.with_prior(prior)
    if reading.has_intercept:
        intercept = intercept_prior(row.name, version=version, **reading.numbers, **facts)
        problem = replace(problem, intercept=intercept)
    if noise.sigma is not None and noise.method not in ("residual",):
        problem = problem.at(noise.sigma)
    return problem, noise, text


def _version() -> str:
    import sklearn

    return str(sklearn.__version__)


def _noise(reading: Reading, unit: Problem, sigma: float | str | None) -> tuple[Noise, str]:
    """σ under a squared-error loss, and how to say where it is from."""
    if reading.family != "gaussian":
        return resolve_noise(unit, sigma), ""
    if sigma is not None and reading.sigma is not None and sigma != reading.sigma:
        msg = (
            f"sigma={sigma!r}: {reading.kind} estimated its own, {reading.sigma:.6g} = 1/√alpha_, and its coefficients "
            "are the mode at that one; leave sigma out"
        )
        raise ParameterError(msg)
    if reading.sigma is not None:
        return Noise(reading.sigma, "given", ""), f"σ = {reading.sigma:.6g}, the estimator's own (1/√alpha_)"
    if sigma == "joint":
        msg = (
            "sigma='joint': the prior's scale depends on σ here, so there is no joint mode; give a number or 'residual'"
        )
        raise ParameterError(msg)
    noise = resolve_noise(unit, sigma)
    source = {
        "given": "as given",
        "residual": "the residual sd of least squares",
        "cv_lasso": "the residual sd of a cross-validated lasso",
    }[noise.method]
    return noise, f"σ = {noise.sigma:.6g}, {source}"


def _remarks(problem: Problem, sigma_text: str) -> tuple[str, ...]:
    if not sigma_text:
        return ()
    free = problem.likelihood.sigma_known is None
    after = "; the posterior integrates over σ, the prior's scale held there" if free else ", held in the posterior too"
    return (f"the prior's scale is what the penalty means at {sigma_text}{after}",)


def _audited(
    reading: Reading, columns: Columns, row: LibraryObjective, comparison: Comparison, noise: str, response: str
) -> AuditedFit:
    """Hold the estimator's coefficients against the polished optimum."""
    optimum = comparison.penalized
    fixed = comparison.problem.conditional(optimum.sigma)
    theta = fixed.join(reading.intercept, reading.beta)
    value = fixed.value(theta)
    sd, reach = _reach(fixed)
    zero, nonzero = _wrong(reading, optimum)
    return AuditedFit(
        estimator=reading.title,
        convention=row.name,
        assumed=paragraph(reading, row, columns, comparison.problem, noise, response, reach),
        names=columns.names,
        intercept=reading.intercept,
        beta=reading.beta + 0.0,
        objective=value,
        excess=max(0.0, value - fixed.value(fixed.join(optimum.intercept, optimum.beta))),
        certificate=certify(fixed, theta),
        optimum=optimum.beta,
        posterior_sd=comparison.coefficients["sd"].to_numpy(),
        wrongly_zero=zero,
        wrongly_nonzero=nonzero,
        column_sd=sd,
        reach=reach,
        steps=columns.steps,
        sources=columns.sources,
        slopes=columns.slopes,
        notes=(
            *columns.notes,
            *reading.notes,
            *_traps(row, weighted=comparison.problem.design.rows.collect().weights is not None),
        ),
    )


def _reach(problem: Problem) -> tuple[Array, Array]:
    """Sd of each column, and the effect of a change by one that the prior stays below with probability 0.95."""
    sd = problem.column_sd()
    elastic = problem.prior.elastic(problem.p)
    if elastic is None or not problem.p:
        return sd, np.full(problem.p, np.inf)
    return sd, np.asarray(Rates(elastic.l1, elastic.l2, standardized=False).reach(0.95)) * sd


def _wrong(reading: Reading, optimum: Optimum) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns at zero in one of the two only, those left out that may be traded for one another."""
    tied = set(optimum.certificate.tied)
    theirs, ours = reading.beta == 0, optimum.beta == 0
    judged = [name not in tied and not out for name, out in zip(optimum.names, reading.pruned, strict=True)]
    pairs = [one for one, j in zip(zip(optimum.names, theirs, ours, strict=True), judged, strict=True) if j]
    return tuple(n for n, a, b in pairs if a and not b), tuple(n for n, a, b in pairs if b and not a)


def _traps(row: LibraryObjective, *, weighted: bool) -> tuple[str, ...]:
    """What of the convention surprises people."""
    found = []
    if row.per in ("weights", "rows"):
        wide = {"l1": "a prior half as wide", "l2": "a prior 1/√2 times as wide"}
        both = "half the width in its L1 part, 1/√2 in its L2 part"
        found.append(
            f"the loss is a mean: with twice the rows the same {row.strength} means {wide.get(row.only, both)}"
        )
    if row.intercept == "penalised":
        found.append(f"this solver penalises the intercept{f'; {row.by} weakens that' if row.by else ''}")
    if row.weights == "avg" and weighted:
        found.append(
            "sample weights times a constant change none of its coefficients, but the posterior counts Σw as the "
            "number of rows: give weights that sum to as many rows as the data are worth"
        )
    return tuple(found)
