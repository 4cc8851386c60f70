"""Whatever people write as a formula: one clear error, or a problem whose J is right and whose fit is an optimum."""

import math
import warnings
from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from bayesreg.errors import DataWarning, FitError, InputError, ParameterError
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from tests.inputs.oracle import (
    FAMILIES,
    check_message,
    check_words,
    objective,
    penalty,
    penalty_by_column,
    standardised,
)
from tests.inputs.test_fuzz import GOOD, ODD, RESPONSES, VECTORS

NAN = math.nan
NAMES = ["x", "z", "a b", "größe", "log", "x[1]", "s p"]
CELLS = {
    "float": st.sampled_from([0.0, -1.5, 2.25, 7.0, 0.1, 3.5, -8.0, 12.5]),
    "int": st.integers(-3, 3),
    "text": st.sampled_from(["u", "v", "w w", "{0}"]),
    "holes": st.sampled_from([*"uvuvuvuv", None]),
    "gaps": st.sampled_from([0.5, 1.0, -2.0, 3.0, 4.0, NAN]),
    "bad": st.sampled_from([1.0, math.inf]),
    "junk": st.one_of(st.none(), st.text(max_size=1), st.integers(0, 2), st.binary(max_size=1), st.floats()),
}
KINDS = st.sampled_from(["float"] * 8 + ["int"] * 4 + ["text"] * 5 + ["holes", "gaps"] * 3 + ["bad", "junk"])
TERMS = ["`{}`"] * 8 + [
    "I(2 * `{}`)",
    "C(`{}`)",
    "log(`{}`)",
    "poly(`{}`, 2)",
    "`{}`:`{}`",
    "lag(`{}`)",
    "`{}` +",
    "{}",
]
FRAMES = {"dict": dict, "pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}


@st.composite
def cases(draw):
    n = draw(st.sampled_from([8, 7, 9, 6, 10, 5, 2, 1, 0]))
    kind = draw(st.sampled_from(sorted(FAMILIES)))
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=4))
    kinds = {name: draw(KINDS) for name in names}
    values = {"y": draw(st.lists(RESPONSES[kind], min_size=n, max_size=n))}
    values |= {name: draw(st.lists(CELLS[kinds[name]], min_size=n, max_size=n)) for name in names}
    used = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
    wraps = [draw(st.sampled_from(TERMS)) for _ in used]
    zero = draw(st.integers(0, 6)) == 0
    parts = [*(["0"] if zero else ["1"]), *(w.format(name, name) for w, name in zip(wraps, used, strict=True))]
    formula = "y ~ " + " + ".join(parts)
    options = {}
    for role, cells in VECTORS.items():
        chance = draw(st.integers(0, 19))
        if chance < 5 and (role != "trials" or kind == "bernoulli"):
            options[role] = draw(st.lists(cells, min_size=n, max_size=n))
            if chance < 2:
                values[f"own {role}"], options[role] = options[role], f"own {role}"
        elif chance == 19 and draw(st.booleans()):
            options[role] = draw(ODD)
    options |= {
        "prior": draw(st.sampled_from(["laplace", "gaussian", "terms", "mapping", "flat"])),
        "standardize": draw(st.booleans()),
        "missing": draw(st.sampled_from(["error", *["drop"] * 5])),
        "intercept": draw(st.sampled_from([Flat(), Gaussian(2.0, loc=0.5), None])),
    }
    return (
        kind,
        draw(st.sampled_from(sorted(FRAMES))),
        formula,
        values,
        (used, wraps, zero),
        options,
        draw(st.integers(0, 2**32)),
    )


def prior_of(which, used, wraps):
    """Return the prior, and the same as a function of names, terms and β."""
    if which == "mapping":
        mapping = {"*": Laplace(0.5)} | ({wraps[0].format(used[0], used[0]).strip("`"): Gaussian(2.0)} if used else {})
        return mapping, lambda names, terms, beta: penalty_by_column(mapping, names, terms, beta)
    made = {"laplace": Laplace(0.3), "gaussian": Gaussian(1.5), "flat": Flat(), "terms": GroupLaplace("terms", 0.7)}
    return made[which], lambda names, terms, beta: penalty(made[which], beta, terms)


def expected_columns(values, used, wraps):
    """Columns and terms beside an intercept, where every term is one column's own; else None."""
    columns, terms = [], []
    for name, wrap in zip(used, wraps, strict=True):
        cells = values[name]
        text = any(isinstance(cell, str) for cell in cells)
        if wrap not in ("`{}`", "I(2 * `{}`)", "C(`{}`)") or (text and wrap == "I(2 * `{}`)"):
            return None
        if text or wrap == "C(`{}`)":
            made = [[float(cell == level) for cell in cells] for level in sorted(set(cells))[1:]]
        else:
            made = [[float(cell) * (2 if "2" in wrap else 1) for cell in cells]]
        columns += made
        terms += [wrap.format(name).strip("`")] * len(made)
    return np.array(columns).reshape(len(columns), len(values["y"])).T, tuple(terms)


def check(case, seen):
    """Hold one case to account, and count what became of it."""
    kind, frame, formula, values, (used, wraps, _), options, _ = case
    try:
        data = FRAMES[frame](values)
    except Exception:
        data = values  # the library itself refuses
    prior, pen = prior_of(options["prior"], used, wraps)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        try:
            problem = Problem.from_formula(formula, data, likelihood=FAMILIES[kind][0], **options | {"prior": prior})
        except (InputError, ParameterError) as error:
            check_message(error)
            seen["refused"] += 1
            return
        seen["accepted"] += 1
        seen["dropped"] += problem.n < len(values["y"])
        check_objective(problem, case, pen, seen)
        try:
            fit = fit_penalized(problem)
        except FitError as error:
            check_words(error)
            seen["unfit"] += 1
            return
    assert fit.outcome in GOOD, fit
    assert np.isfinite([fit.intercept_raw, *fit.beta_raw]).all()
    seen["fitted"] += 1
    if problem.n == len(values["y"]):
        again = fit.predict(data, kind="link", **beside(options)).mean
        np.testing.assert_allclose(again, fit.predict(kind="link").mean, rtol=1e-10, atol=1e-10)


def beside(options):
    """What must be given again for new rows: what came as an array."""
    return {r: options[r] for r in ("offset", "exposure", "trials") if r in options and not isinstance(options[r], str)}


def check_objective(problem, case, pen, seen):
    """Compare J at a random θ with its definition, where the columns are easily told."""
    kind, _, _, values, (used, wraps, zero), options, seed = case
    given = {"y": "y"} | {role: options[role] for role in VECTORS if options.get(role) is not None}
    n = len(values["y"])
    vectors = {r: values[v] if isinstance(v, str) else np.resize(v, n).tolist() for r, v in given.items()}
    whole = [
        i
        for i in range(n)
        if all(there(values[name][i]) for name in used) and all(there(v[i]) for v in vectors.values())
    ]
    assert problem.n == len(whole)
    assert len(whole) == n or options["missing"] == "drop"
    if zero:
        return
    told = expected_columns({name: [cells[i] for i in whole] for name, cells in values.items()}, used, wraps)
    if told is None:
        return
    X, terms = told
    assert problem.design.terms == terms
    vectors = {r: np.array([float(v[i]) for i in whole]) for r, v in vectors.items()}
    ones = np.ones(len(whole))
    weights = vectors.get("weights", ones)
    Z = standardised(X, weights, centred=options["intercept"] is not None) if options["standardize"] else X
    theta = np.random.default_rng(seed).uniform(-1, 1, size=len(problem.labels))
    theta[theta.size - Z.shape[1] :] /= np.maximum(1.0, np.abs(Z).max(axis=0, initial=0.0))
    expected = objective(
        kind,
        Z,
        vectors["y"],
        theta,
        weights=weights,
        offset=vectors.get("offset", 0 * ones) + np.log(vectors.get("exposure", ones)),
        trials=vectors.get("trials", ones),
        intercept=options["intercept"],
        pen=lambda beta: pen(problem.names, terms, beta),
    )
    np.testing.assert_allclose(problem.value(theta), expected, rtol=1e-8, atol=1e-8)
    seen["compared"] += 1


def there(value):
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def campaign(examples, **options):
    """Run many cases, and return what became of them."""
    seen = Counter()

    @settings(max_examples=examples, deadline=None, **options, suppress_health_check=list(HealthCheck))
    @given(cases())
    def run(case):
        check(case, seen)

    run()
    return seen


@pytest.mark.usefixtures("same_examples")
def test_whatever_is_written_is_a_true_problem_or_one_clear_error():
    seen = campaign(500, derandomize=True)  # the same ones each time, so that the counts hold
    assert min(seen["refused"], seen["compared"], seen["fitted"]) > 15, seen
    assert seen["dropped"] > 2, seen
