"""From a table of checked numbers to the parts of a problem: standardised columns, and remarks on what they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from bayesreg import likelihoods, priors
from bayesreg.design import Design, identical_columns, standardized_design
from bayesreg.errors import FamilyError, InputError, ParameterError
from bayesreg.intake import brief, check_range
from bayesreg.interfaces import Array, Likelihood, Prior, is_flat
from bayesreg.likelihoods import GaussianNoise
from bayesreg.rows import ArrayRows
from bayesreg.scales import LARGEST
from bayesreg.table import Table

UNEVEN = 1e6
"""Ratio of the columns' sizes from which leaving them as they are is remarked on."""

HEAVIEST = 1e50
"""Weights outside [1/HEAVIEST, HEAVIEST] are refused: their products with squares leave double precision."""

LARGEST_SPREAD = 1e12
"""Largest ratio of two positive weights."""

WIDEST = 1e250
"""Columns larger than this are refused even where they are standardised: sums over them leave double precision."""

FINEST = 1e-290
"""An sd smaller than this, or this times y, is refused: coefficients in the data's units leave double precision."""

_OTHER_WORDS = {
    **{"normal": "GaussianNoise", "binomial": "BernoulliLogit", "logistic": "BernoulliLogit", "t": "StudentTNoise"},
    **{"lasso": "Laplace", "l1": "Laplace", "ridge": "Gaussian", "l2": "Gaussian", "grouplasso": "GroupLaplace"},
    **{"none": "Flat", "enet": "ElasticNet"},
}


def assemble(
    table: Table,
    likelihood: Likelihood | None,
    prior: Prior | Mapping[str, Prior],
    intercept: Prior | None,
    *,
    standardize: bool,
    scaled: bool,
) -> dict[str, Any]:
    """Return the arguments of `Problem` for a table; `Problem.from_arrays` documents the others, and what is raised."""
    likelihood = GaussianNoise() if likelihood is None else likelihood
    _check_kind("likelihood", likelihood, Likelihood, likelihoods.__all__, "GaussianNoise()")
    if not isinstance(prior, Mapping):
        _check_kind("prior", prior, Prior, priors.__all__, "Laplace(scale=0.5)")
    for argument, value in (("standardize", standardize), ("scale_by_noise", scaled)):
        if not isinstance(value, bool | np.bool_):
            msg = f"{argument} must be True or False (got {brief(value)})"
            raise ParameterError(msg)
    intercept = None if table.intercept is False else read_intercept(intercept)
    _check_sizes(table, likelihood, standardize=standardize)
    if isinstance(table.X, np.ndarray):
        table.X.setflags(write=False)  # the table's own copy: the rows need not make another
    rows = ArrayRows(table.X, table.y, table.offset, table.weights, table.trials)
    notes = [*table.notes, *_check_response(table, rows, likelihood, intercept)]
    if standardize:
        design, constant = _standardized(rows, table, likelihood, intercept)
        notes += constant
    else:
        p = len(table.names)
        design = Design(rows, table.names, np.zeros(p), np.ones(p), table.terms)
        notes += _uneven(design)
    notes += _identical(design)
    return {
        "design": design,
        "likelihood": likelihood,
        "prior": prior,
        "intercept": intercept,
        "scale_by_noise": scaled,
        "notes": tuple(notes),
        "encoding": table.encoding,
        "given": table.given,
    }


def read_intercept(prior: object) -> Prior | None:
    """Return the intercept's prior, bound to its one column; None for a model without an intercept.

    Raises
    ------
    ParameterError
        If it is neither None nor a prior on one number whose scale is fixed.
    """
    if prior is None:
        return None
    if not isinstance(prior, Prior):
        msg = f"intercept must be a prior such as Flat() or Gaussian(scale=10), or None (got {brief(prior)})"
        raise ParameterError(msg)
    if prior.hyperprior is not None:
        msg = "intercept: its prior must have a fixed scale"
        raise ParameterError(msg)
    return prior.bind(("intercept",), ("intercept",))


def _check_kind(argument: str, value: object, kind: type, known: Sequence[str], example: str) -> None:
    """Raise ParameterError unless `value` is of its kind; a word or a class is met with what is likely meant."""
    if isinstance(value, kind):
        return
    hint = ""
    if isinstance(value, type) and value.__name__ in known:
        hint = f": {value.__name__} is the class; write {value.__name__}(...)"
    elif isinstance(value, str):
        words = {name.lower(): name for name in known}
        for ending in ("noise", "logit", "log"):
            words |= {name.lower().removesuffix(ending): name for name in known}
        words |= {word: name for word, name in _OTHER_WORDS.items() if name in known}
        plain = "".join(c for c in value.lower() if c.isalnum())
        near = get_close_matches(plain, words, n=1)
        meant = f": did you mean {words[near[0]]}(...)?" if near else ""
        hint = f"{meant} (there are: {', '.join(known)})"
    msg = f"{argument} must be a bayesreg {kind.__name__} such as {example} (got {brief(value)}){hint}"
    raise ParameterError(msg)


def _check_response(table: Table, rows: ArrayRows, likelihood: Likelihood, intercept: Prior | None) -> tuple[str, ...]:
    try:
        return likelihood.check(rows.collect(), intercept)
    except FamilyError as error:
        if table.kept.size and table.kept[-1] == table.kept.size - 1:
            raise
        msg = f"{error} (rows are counted from 0 among the {table.kept.size} that are complete)"
        raise FamilyError(msg) from error


def _check_spread(weights: Array) -> None:
    """Raise InputError where some positive weights are nothing beside others in double precision."""
    counted = weights[weights > 0]
    if counted.max() > LARGEST_SPREAD * counted.min():
        msg = (
            f"weights run from {counted.min():.3g} to {counted.max():.3g}: in sums over the rows the small ones are "
            "lost to rounding; drop such rows, or give weights of comparable size"
        )
        raise InputError(msg)


def _check_sizes(table: Table, likelihood: Likelihood, *, standardize: bool) -> None:
    """Raise InputError where numbers are so large or small that what is computed of them leaves double precision."""
    if table.weights is not None:
        check_range(table.weights[:, None], ("weights",), "rescale them", HEAVIEST, 1 / HEAVIEST)
        _check_spread(table.weights)
    root = _roots(table)
    response = (table.response,)
    check_range(table.y[:, None], response, "rescale it")
    check_range((root * table.y)[:, None], (f"{table.response} times the root of its weight",), "rescale it")
    if likelihood.location_scale:
        check_range((root * table.offset)[:, None], ("offset",), "rescale it", smallest=0.0)
    elif (np.abs(table.offset) > np.log(LARGEST)).any():
        worst = table.offset[np.abs(table.offset).argmax()]
        msg = (
            f"offset (with the log of the exposure) has {worst:.3g}, whose exponential leaves the range of double "
            "precision: an offset here is added to a log or a logit"
        )
        raise InputError(msg)
    if standardize:
        _check_columns(table.X, table.names, np.ones(table.y.size), "rescale it", WIDEST, 0.0)
    else:
        _check_columns(table.X, table.names, root, "rescale it, or use standardize=True", LARGEST, 1 / LARGEST)


def _roots(table: Table) -> Array:
    """Roots (n,) of the weights, those below 1 taken as 1: a row that counts little must still be computed."""
    return np.ones(table.y.size) if table.weights is None else np.sqrt(np.maximum(table.weights, 1.0))


def _check_columns(X: Any, names: Sequence[str], root: Array, remedy: str, largest: float, smallest: float) -> None:
    if isinstance(X, np.ndarray):
        weighted = X if (root == 1).all() else root[:, None] * X
        check_range(weighted, [f"column {n!r} of X" for n in names], remedy, largest, smallest)
    elif X.nnz:
        entries = np.repeat(root, np.diff(X.indptr)) * X.data
        check_range(entries[:, None], ("X",), remedy, largest, smallest)


def _standardized(
    rows: ArrayRows, table: Table, likelihood: Likelihood, intercept: Prior | None
) -> tuple[Design, list[str]]:
    if rows.sparse and intercept is not None and not is_flat(intercept):
        msg = (
            "X is sparse: a proper prior on the intercept is meant for centred columns, and centring would make X "
            f"dense ({rows.n_rows * rows.n_columns * 8 / 2**30:.3g} GiB); use intercept=Flat(), standardize=False, "
            "or a dense X"
        )
        raise InputError(msg)
    design, moments = standardized_design(rows, table.names, centred=intercept is not None, consumed=True)
    largest = max(1.0, float(np.abs(table.y).max())) if likelihood.location_scale else 1.0
    fine = np.flatnonzero(design.scale < FINEST * largest)
    if fine.size:
        msg = (
            f"column {table.names[fine[0]]!r} of X varies by {design.scale[fine[0]]:.3g}, so that its coefficient "
            "leaves the range of double precision: rescale it"
        )
        raise InputError(msg)
    # Constant ones that are not centred, and those that vary in rows of weight 0, may still be large.
    _check_columns(design.rows.collect().X, table.names, _roots(table), "rescale it", LARGEST, 0.0)
    idle = np.flatnonzero(moments.constant & ((intercept is not None) | (moments.mean == 0)))
    if not idle.size:
        return replace(design, terms=table.terms), []
    note = "it has no sd and is left unscaled; the data say nothing about its coefficient, which keeps its prior"
    if idle.size > 1:
        note = "they have no sd and are left unscaled; the data say nothing about their coefficients"
    names = _listed(table.names, idle)
    subject = f"column {names} is" if idle.size == 1 else f"columns {names} are"
    return replace(design, terms=table.terms), [f"{subject} constant: {note}"]


def _listed(names: Sequence[str], which: Sequence[int] | np.typing.NDArray[np.intp], joint: str = ", ") -> str:
    """Return the first names, and how many there are where they are many."""
    more = f", ... ({len(which)} in all)" if len(which) > 6 else ""
    return joint.join(repr(names[j]) for j in which[:6]) + more


def _uneven(design: Design) -> list[str]:
    from bayesreg.design import column_moments

    if not design.names:
        return []
    moments = column_moments(design.rows)
    size = np.where(moments.constant, np.abs(moments.mean), moments.sd)
    varying = np.flatnonzero(size > 0)
    if not varying.size:
        return []
    small, large = varying[size[varying].argmin()], varying[size[varying].argmax()]
    if size[large] < UNEVEN * size[small]:
        return []
    return [
        f"columns are not standardised and differ in size by a factor {size[large] / size[small]:.1e} "
        f"({design.names[large]!r} against {design.names[small]!r}): one prior scale means different things for them"
    ]


def _identical(design: Design) -> list[str]:
    groups = identical_columns(design.rows)
    scaled = " once standardised" if design.standardized else ""
    notes = [
        f"columns {_listed(design.names, columns, ' and ')} are identical up to sign{scaled}: the data tell only "
        "their sum, the prior how it is shared; under a Laplace prior the MAP is not unique"
        for columns in groups[:3]
    ]
    return [*notes, f"{len(groups) - 3} more groups of columns are identical up to sign"] if len(groups) > 3 else notes
