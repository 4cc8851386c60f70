"""Formulas: `y ~ age + C(site) + poly(dose, 2)`, and the columns that they make of a data frame, now and later.

formulaic reads the formula; `bayesreg.expressions` evaluates what stands in it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.encoding import Column, Columns, Encoding, NamedColumns, Rows, check_finite, named_vector, pack, unpack
from bayesreg.errors import InputError, ParameterError
from bayesreg.expressions import FAULTS, Factor, evaluate
from bayesreg.intake import check_aligned, check_unique, is_text, open_frame, read_labels, shown
from bayesreg.interfaces import Array
from bayesreg.table import ROLES, Gap, Table, check_policy, read_rows

type Scoped = tuple[tuple[str, bool], ...]
"""Factors of a product, each with whether it is coded beside an intercept (reduced)."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class FormulaColumns(Encoding):
    """The columns of a formula's right-hand side, with the levels, knots, means, ... of the data it was built on.

    Parameters
    ----------
    names : tuple of str
        Names of the columns of X.
    columns : mapping of str to str
        The columns that weights, offset, ... were taken from.
    formula : str
        As it was given.
    response : Factor
    factors : mapping of str to Factor
        The expressions on the right, by their text.
    structure : tuple
        Per term its text, and the products of factors that it consists of.
    """

    names: tuple[str, ...]
    columns: Mapping[str, str]
    formula: str
    response: Factor
    factors: Mapping[str, Factor]
    structure: tuple[tuple[str, tuple[Scoped, ...]], ...]

    def rows(self, data: Any) -> Array:
        """Return X (m, p) of new data; the response need not be there."""
        rows = self._read(data, self.factors.values())
        values = {text: evaluate(factor, rows) for text, factor in self.factors.items()}
        return _build(list(_products(self.structure, values)), rows)

    def vector(self, data: Any, name: str) -> Array | None:
        """Return the column of new data that `name` came from; for "y", the formula's left-hand side."""
        if name != "y":
            return named_vector(self.columns, data, name)
        return evaluate(self.response, self._read(data, [self.response])).full[0].get()

    def _read(self, data: Any, factors: Iterable[Factor]) -> Rows:
        frame = _frame(data)
        rows = Rows(frame, [use for factor in factors for use in factor.uses(frame)])
        for name, gaps in rows.gaps().items():
            msg = f"column {name!r} has {gaps.size} missing values (first: row {gaps[0]}); drop or impute them"
            raise InputError(msg)
        return rows

    def to_json(self) -> dict[str, Any]:
        """Return the formula, and all that was learnt from the data."""
        factors = [self.response, *self.factors.values()]
        return {
            "kind": "formula",
            "formula": self.formula,
            "names": list(self.names),
            "columns": dict(self.columns),
            "factors": [{"text": f.text, "plain": f.plain, "state": pack(f.state)} for f in factors],
            "structure": pack(self.structure),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> FormulaColumns:
        """Return the encoding that `to_json` wrote."""
        response, *others = (Factor(f["text"], f["plain"], unpack(f["state"])) for f in state["factors"])
        structure = tuple(
            (term, tuple(tuple((text, reduced) for text, reduced in scoped) for scoped in products))
            for term, products in state["structure"]
        )
        factors = {factor.text: factor for factor in others}
        return cls(tuple(state["names"]), dict(state["columns"]), state["formula"], response, factors, structure)


_KINDS: dict[str, type[Encoding]] = {"columns": NamedColumns, "formula": FormulaColumns}


def encoding_from_json(state: Mapping[str, Any]) -> Encoding:
    """Return the encoding that its `to_json` wrote.

    Raises
    ------
    InputError
        If `state` is not what an encoding writes.
    """
    kind = state.get("kind") if isinstance(state, Mapping) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        msg = f"not an encoding: its kind is {kind!r}, not one of {shown(list(_KINDS))}"
        raise InputError(msg)
    try:
        return _KINDS[kind].from_json(state)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        msg = f"not a whole encoding of kind {kind!r}: {type(error).__name__}: {error}"
        raise InputError(msg) from error


def read_formula(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    exposure: Any = None,
    trials: Any = None,
    missing: str = "error",
) -> Table:
    """Return the table of a formula such as "y ~ age + C(site) + poly(dose, 2)".

    Parameters
    ----------
    formula : str
        R's and formulaic's notation: + - : * / ** ( ) . and 0 or -1 for no intercept.  Text stands for its levels, and
        so does a column in C(x, contr.sum).  Expressions hold columns (in backticks if need be), numbers, arithmetic,
        comparisons, numpy's elementary functions, and bs, cr, cs, cc, poly, center, scale, standardize.
    data : data frame, or mapping of names to columns
    weights, offset, exposure, trials : array-like (n,) or str, optional
        As in `read_arrays`; a str is the name of a column.
    missing : {"error", "drop"}
        Whether rows in which a column in use is missing are refused or dropped.

    Raises
    ------
    ParameterError
        If the formula cannot be read, or holds what it may not.
    InputError
        If the data do not have what it asks for.
    """
    check_policy(missing)
    frame = _frame(data)
    given = dict(zip(ROLES[1:], (weights, offset, exposure, trials), strict=True))
    columns = {role: value for role, value in given.items() if isinstance(value, str)}
    response, terms, intercept = _parse(formula, [name for name in frame if name not in columns.values()])
    factors = {factor.text: factor for _, parts in terms for factor in parts}
    _check_response(response, frame)
    rows = Rows(frame, [use for factor in (response, *factors.values()) for use in factor.uses(frame)])
    if not rows.kept.size:
        msg = "the data have 0 rows; at least 1 is needed"
        raise InputError(msg)
    for role, vector in given.items():
        check_aligned(data, vector, role)
    gaps = [Gap("data", name, at, null=True) for name, at in rows.gaps().items()]
    rest = read_rows(frame, rows.kept.size, gaps, given, missing, "data")
    rows.take(rest.kept)
    y = evaluate(response, rows).full
    values = {text: evaluate(factor, rows) for text, factor in factors.items()}
    structure = _structure(terms, values, intercept=intercept)
    products = list(_products(structure, values))
    names = tuple(name for _, name, _ in products)
    check_unique(names)
    for term, _ in structure:
        if not any(term == other for other, _, _ in products):
            msg = f"formula: {term!r} has no columns: a column in it has one level only; leave it out"
            raise InputError(msg)
    if len(y) != 1:
        msg = f"formula: the response {response.text!r} has {len(y)} columns; fit one response at a time"
        raise InputError(msg)
    return Table(
        X=_build(products, rows),
        names=names,
        terms=tuple(term for term, _, _ in products),
        response=response.text,
        y=y[0].get(),
        weights=rest.vectors.get("weights"),
        offset=rest.offset,
        trials=rest.vectors.get("trials"),
        intercept=intercept,
        encoding=FormulaColumns(names, columns, formula, response, factors, structure),
        kept=rest.kept,
        notes=rest.notes,
        given=tuple(role for role in rest.vectors if role != "y"),
    )


def _frame(data: Any) -> dict[str, Any]:
    frame = open_frame(data, "data")
    if frame is None:
        got = type(data).__name__
        msg = f"data must be a data frame or a dict of columns (got {got}): for arrays use Problem.from_arrays"
        raise InputError(msg)
    return frame


def _parse(formula: str, available: list[str]) -> tuple[Factor, list[tuple[str, list[Factor]]], bool]:
    """Return the response, the terms with their factors, and whether there is an intercept."""
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    if not isinstance(formula, str) or "~" not in formula:
        msg = f'formula must be text of the form "y ~ x + z" (got {formula!r})'
        raise ParameterError(msg)
    _check_mistaken(formula, available)
    try:
        parsed = Formula(formula, _context={"__formulaic_variables_available__": available})
    except (FormulaicError, *FAULTS, SyntaxError) as error:
        reason = re.sub(r"[⧛⧚]|\x1b?\[[\d;]*m", "", " ".join(str(error).split()))
        msg = f"formula {formula!r} cannot be read: {reason}"
        raise ParameterError(msg) from error
    left, right = getattr(parsed, "lhs", []), getattr(parsed, "rhs", [])
    if isinstance(left, tuple) or isinstance(right, tuple):
        msg = f"formula {formula!r} has several parts (|); it must have one"
        raise ParameterError(msg)
    if len(left) != 1 or len(left[0].factors) != 1:
        msg = f"formula {formula!r} must have one response left of ~ (it has {len(left)}: {str(left)!r})"
        raise ParameterError(msg)
    terms, intercept = [], False
    for term in right:
        if str(term) == "1":
            intercept = True
        else:
            terms.append((str(term), [_factor(part, formula, available) for part in term.factors]))
    response = _factor(left[0].factors[0], formula, available)
    if any(name == response.text for name, _ in terms):
        msg = f"formula {formula!r} has the response {response.text!r} on the right as well"
        raise ParameterError(msg)
    if not terms and not intercept:
        msg = f"formula {formula!r} leaves nothing to fit: neither a column nor an intercept"
        raise ParameterError(msg)
    return response, terms, intercept


def _check_mistaken(formula: str, available: Sequence[str]) -> None:
    everything = re.search(r"(?<![\w.`])\.(?![\w.`])", formula)
    for name in ("1", "."):
        if f"`{name}`" in formula or (name in available and everything):
            msg = f"formula {formula!r}: a column called {name!r} would be taken for what {name} stands for: rename it"
            raise ParameterError(msg)


def _factor(part: Any, formula: str, available: Sequence[str]) -> Factor:
    if part.eval_method.value == "literal":
        msg = f"formula {formula!r}: the number {part.expr} cannot stand as a term or in one: write I(2 * x)"
        raise ParameterError(msg)
    plain = part.eval_method.value == "lookup"
    if not plain and part.expr in available and f"`{part.expr}`" in formula:
        msg = f"formula: {part.expr!r} is both a column and an expression: rename the column"
        raise ParameterError(msg)
    return Factor(part.expr, plain)


def _check_response(response: Factor, frame: Mapping[str, Any]) -> None:
    if response.plain and response.text in frame and is_text(frame[response.text]):
        levels = read_labels(frame[response.text], f"the response {response.text!r}")[1]
        example = f'; to fit the second, write {{{response.text} == "{levels[1]}"}} ~ ...' if len(levels) == 2 else ""
        msg = f"the response {response.text!r} holds text (levels {shown(levels)}): recode it as numbers{example}"
        raise InputError(msg)


def _structure(
    terms: Sequence[tuple[str, Sequence[Factor]]], values: Mapping[str, Columns], *, intercept: bool
) -> tuple[tuple[str, tuple[Scoped, ...]], ...]:
    """Return the products of factors that each term adds to the span of those before it, none twice."""
    spanned = {frozenset[tuple[str, bool]]()} if intercept else set()
    structure = []
    for term, factors in terms:
        options = [[(f.text, True), None] if values[f.text].spans else [(f.text, False)] for f in factors]
        span = [tuple(part for part in chosen if part) for chosen in itertools.product(*options)]
        fresh = [scoped for scoped in span if frozenset(scoped) not in spanned]
        spanned |= {frozenset(scoped) for scoped in fresh}
        structure.append((term, tuple(_simplified(fresh))))
    return tuple(structure)


def _simplified(products: Sequence[Scoped]) -> list[Scoped]:
    """Return fewer products of the same span, by the rule: reduced:rest + rest = full:rest."""
    found: list[Scoped] = []
    for product in sorted(products, key=len):
        for old in found:
            extra = set(product) - set(old)
            if len(old) == len(product) - 1 and len(extra) == 1 and next(iter(extra))[1]:
                merged = tuple((text, reduced and (text, reduced) not in extra) for text, reduced in product)
                found = _simplified([*(other for other in found if other != old), merged])
                break
        else:
            found.append(product)
    return found


def _products(
    structure: Iterable[tuple[str, Iterable[Scoped]]], values: Mapping[str, Columns]
) -> Iterator[tuple[str, str, tuple[Column, ...]]]:
    """Yield term, name and factors of each column; the first factor varies fastest."""
    for term, products in structure:
        for product in products:
            parts = [values[text].reduced if reduced else values[text].full for text, reduced in product]
            for chosen in itertools.product(*reversed(parts)):
                yield term, ":".join(column.name for column in chosen[::-1]), chosen[::-1]


def _build(products: Sequence[tuple[str, str, tuple[Column, ...]]], rows: Rows) -> Array:
    X = np.empty((rows.kept.size, len(products)))
    with np.errstate(over="ignore"):  # found below
        for j, (_, _, (first, *others)) in enumerate(products):
            X[:, j] = first.get()
            for column in others:
                X[:, j] *= column.get()
    check_finite(X, "X", tuple(name for _, name, _ in products))
    return X
