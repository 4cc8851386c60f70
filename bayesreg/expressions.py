"""Expressions in formulas: `log(dose)`, `C(site)`, `bs(age, df=4)`, read safely and evaluated alike on any rows.

What an expression may hold is decided here, and it is walked, never handed to `eval`: columns, numbers, arithmetic,
comparisons and listed functions.  formulaic lends its bases (splines, polynomials) and contrasts.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesreg.encoding import Column, Columns, Rows, coding
from bayesreg.errors import InputError, ParameterError
from bayesreg.intake import is_text, shown
from bayesreg.interfaces import Array

_UFUNCS = (
    *("log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "sqrt", "cbrt", "square", "abs", "sign", "floor"),
    *("ceil", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"),
    *("power", "minimum", "maximum", "hypot"),
)
_BASES = ("bs", "cc", "cr", "cs", "poly")
_STATEFUL = (*_BASES, "center", "scale", "standardize")
_CODINGS = ("treatment", "SAS", "sum", "helmert", "diff", "poly")
_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: np.divide, ast.Pow: np.power},
    **{ast.FloorDiv: np.floor_divide, ast.Mod: np.mod, ast.Eq: operator.eq, ast.NotEq: operator.ne},
    **{ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge},
}
_LARGEST_BASIS = 1000
FAULTS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, NotImplementedError, RecursionError)


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """One expression of a formula, and in `state` what it learns from the data that it is first evaluated on."""

    text: str
    plain: bool
    state: dict[str, Any] = field(default_factory=dict)

    def tree(self) -> ast.expr:
        """Return the expression, in which the id of a name is the name of a column, whatever that be."""
        if self.plain:
            return ast.Name(self.text)
        prefix, quoted = "_q", []
        while prefix in self.text:
            prefix += "_"

        def alias(found: re.Match[str]) -> str:
            if found[1] is None:
                return found[0]
            quoted.append(found[1])
            return f" {prefix}{len(quoted) - 1} "

        source = re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`([^`]*)`", alias, self.text)
        try:
            tree = ast.parse(source.strip(), mode="eval").body
            named: ast.expr = _Quoted({f"{prefix}{i}": name for i, name in enumerate(quoted)}).visit(tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            msg = f"formula: {self.text!r} is not an expression: {' '.join(str(error).split())}"
            raise ParameterError(msg) from error
        return named

    def uses(self, frame: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        """Yield the columns that are asked for, each with whether as labels."""
        tree = self.tree()
        if isinstance(tree, ast.Name):
            text = "levels" in self.state or (not self.state and tree.id in frame and is_text(frame[tree.id]))
            yield tree.id, text
        else:
            yield from _uses(tree)


class _Quoted(ast.NodeTransformer):
    """Puts in the columns that stand in backticks, or in Q("...")."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name("Q"), args=[ast.Constant(str(name))], keywords=[]):
                return ast.Name(name)
        return self.generic_visit(node)


def _uses(node: ast.AST) -> Iterator[tuple[str, bool]]:
    match node:
        case ast.Name(name):
            yield name, False
        case ast.Call(func=ast.Name("C"), args=[ast.Name(name), *_]):
            yield name, True
        case ast.Compare(ast.Name(name), [ast.Eq() | ast.NotEq()], [ast.Constant(str())]):
            yield name, True
        case ast.Call():
            for part in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from _uses(part)
        case ast.Attribute():
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _uses(child)


def evaluate(factor: Factor, rows: Rows) -> Columns:
    """Return the columns of a factor, learning what its state does not hold yet.

    Raises
    ------
    ParameterError
        If the expression holds what it may not.
    InputError
        If it cannot be computed, or is not finite.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is not finite is refused below, with its row
            return _Evaluator(factor, rows).columns()
    except (InputError, ParameterError):
        raise
    except FAULTS as error:
        msg = f"formula: cannot compute {factor.text!r}: {' '.join(str(error).split())}"
        raise InputError(msg) from error


class _Evaluator:
    """Walks one expression over the rows; what it learns goes into the factor's state, or comes from there."""

    def __init__(self, factor: Factor, rows: Rows) -> None:
        self.text, self.state, self.rows, self.tree = factor.text, factor.state, rows, factor.tree()
        self.training = not factor.state
        self.keys = {id(node): str(i) for i, node in enumerate(ast.walk(self.tree))}

    def refuse(self, node: ast.AST, why: str) -> ParameterError:
        return ParameterError(f"formula: {ast.unparse(node)!r} in {self.text!r} {why}")

    def columns(self) -> Columns:
        match self.tree:
            case ast.Name(name) if name in self.rows.labels and (self.training or "levels" in self.state):
                return self.levels(name, None, None)
            case ast.Call(func=ast.Name("C"), args=[ast.Name(name), *args]):
                options = dict(zip(("contrasts",), args, strict=False)) | {w.arg: w.value for w in self.tree.keywords}
                if len(args) > 1 or not set(options) <= {"contrasts", "levels"}:
                    raise self.refuse(self.tree, "takes a column, contrasts= and levels=")
                return self.levels(name, options.get("contrasts"), options.get("levels"))
            case ast.Call() if _called(self.tree) in _BASES:
                found = self.spread(self.transform(self.tree))
            case _:
                value = self.number(self.tree)
                if np.ndim(value) != 1:
                    raise self.refuse(self.tree, "does not depend on the data")
                alone = [Column(self.text, value)]
                found = Columns(alone, alone, spans=False)
        for column in found.full:
            self.check(column.values, column.name)
        self.state.setdefault("numeric", True)
        return found

    def check(self, values: Array, what: str) -> None:
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            msg = f"formula: {what!r} is not a finite number in {bad.size} rows (first: row {self.rows.kept[bad[0]]})"
            raise InputError(msg)

    def number(self, node: ast.AST) -> Any:
        """Return the value of an expression: a vector (n,), or a float."""
        match node:
            case ast.Constant(bool() | int() | float() as value):
                return np.float64(value)
            case ast.Name(name):
                return self.rows.numbers[name]
            case ast.UnaryOp(ast.USub(), operand):
                return -self.number(operand)
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.number(operand)
            case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self.number(left), self.number(right))
            case ast.Compare():
                return self.comparison(node)
            case ast.Call():
                return self.call(node)
        raise self.refuse(node, "is not something that a formula may hold")

    def comparison(self, node: ast.Compare) -> Array:
        """Return 1 where a comparison holds, 0 elsewhere: of numbers, or of a level."""
        match node:
            case ast.Compare(ast.Name(name), [ast.Eq() | ast.NotEq() as op], [ast.Constant(str(level))]):
                if self.training and level not in self.rows.levels[name]:
                    msg = f"column {name!r} has no level {level!r} (levels: {shown(self.rows.levels[name])})"
                    raise InputError(msg)
                same = np.asarray(self.rows.labels[name] == level, dtype=float)
                return same if isinstance(op, ast.Eq) else 1 - same
            case ast.Compare(left, [op], [right]) if type(op) in _OPERATORS:
                return np.asarray(_OPERATORS[type(op)](self.number(left), self.number(right)), dtype=float)
        raise self.refuse(node, "is not a comparison of numbers, or of a column with a level")

    def call(self, node: ast.Call) -> Any:
        """Return the value of a function that gives one column."""
        name = _called(node)
        match node:
            case ast.Call(ast.Name("I"), [inner], []):
                return self.number(inner)
            case ast.Call(_, args, []) if name in _UFUNCS:
                function = getattr(np, name)
                if len(args) != function.nin:
                    raise self.refuse(node, f"must have {function.nin} argument{'s' * (function.nin > 1)}")
                return function(*(self.number(part) for part in args))
            case ast.Call() if name in _STATEFUL and name not in _BASES:
                return np.asarray(self.transform(node), dtype=float)
        known = f"(functions: C, I, Q, {', '.join((*_STATEFUL, *_UFUNCS))})"
        several = (
            "gives several columns, and stands alone" if name in _BASES else "is not known as a function of numbers"
        )
        raise self.refuse(node, f"{several} {known}")

    def transform(self, node: ast.Call) -> Any:
        """Return formulaic's stateful transform of a vector."""
        from formulaic.transforms import TRANSFORMS

        name = _called(node)
        if not node.args:
            raise self.refuse(node, "must be given a column")
        x = self.number(node.args[0])
        if np.ndim(x) != 1:
            raise self.refuse(node, "does not depend on the data")
        self.check(x, ast.unparse(node.args[0]))
        args = [self.setting(part) for part in node.args[1:]]
        words = {str(word.arg): self.setting(word.value) for word in node.keywords}
        if name in _BASES:
            sizes = [*args, words.get("df"), words.get("degree")]
            if any(isinstance(size, int) and size > _LARGEST_BASIS for size in sizes):
                raise self.refuse(node, f"asks for more than {_LARGEST_BASIS} columns")
        state = self.state.setdefault(self.keys[id(node)], {})
        value = TRANSFORMS[name](x, *args, _state=state, **words)
        if self.training and name in _BASES:
            distinct, needed = np.unique(x).size, np.shape(value)[1] + 1 if name == "poly" else 2
            if distinct < needed:
                msg = f"formula: {ast.unparse(node)!r} needs {needed} different values; the data have {distinct}"
                raise InputError(msg)
        return value

    def setting(self, node: ast.AST) -> Any:
        try:
            return ast.literal_eval(node)
        except ValueError as error:
            raise self.refuse(node, "must be a number, a string or a list of them") from error

    def spread(self, value: Any) -> Columns:
        """Return the columns of a basis, named as formulaic names them."""
        meta = getattr(value, "__formulaic_metadata__", None)
        raw = getattr(value, "__wrapped__", value)
        if not isinstance(raw, dict):
            matrix = np.asarray(raw, dtype=float)
            raw = dict(zip(getattr(meta, "column_names", None) or range(matrix.shape[1]), matrix.T, strict=True))
        full = {key: Column(f"{self.text}[{key}]", np.asarray(values, dtype=float)) for key, values in raw.items()}
        reduced = [column for key, column in full.items() if key != getattr(meta, "drop_field", None)]
        return Columns(list(full.values()), reduced, spans=bool(getattr(meta, "spans_intercept", False)))

    def levels(self, name: str, contrasts: ast.AST | None, levels: ast.AST | None) -> Columns:
        """Return the columns that stand for the levels of a column, by the coding learnt at first."""
        labels = self.rows.labels[name]
        if self.training:
            order = self.rows.levels[name] if levels is None else list(self.setting(levels))
            self.state |= {"levels": order, **coding(order, self.contrasts(contrasts))}
        index = {level: code for code, level in enumerate(self.state["levels"])}
        unseen = next((row for row, level in enumerate(labels) if level not in index), None)
        if unseen is not None:
            there = "among levels=" if self.training else "in the data the model was built on"
            msg = (
                f"column {name!r} has level {labels[unseen]!r}, which was not {there} "
                f"(levels: {shown(list(index), 12)}); first: row {self.rows.kept[unseen]}"
            )
            raise InputError(msg)
        codes = np.fromiter((index[level] for level in labels), dtype=np.intp, count=labels.size)
        full, reduced = (
            [Column(self.text + suffix, np.array(values), codes) for suffix, values in self.state[form]]
            for form in ("full", "reduced")
        )
        return Columns(full, reduced, spans=True)

    def contrasts(self, node: ast.AST | None) -> Any:
        from formulaic.transforms import ContrastsRegistry

        match node:
            case None:
                return ContrastsRegistry.treatment()
            case ast.Call(func, args, words):
                given = [self.setting(part) for part in args], {str(w.arg): self.setting(w.value) for w in words}
            case ast.Attribute() | ast.Name() as func:
                given = [], {}
            case _:
                return ContrastsRegistry.custom(self.setting(node))
        name = func.attr if isinstance(func, ast.Attribute) else ast.unparse(func).lower()
        if name not in _CODINGS or (isinstance(func, ast.Attribute) and ast.unparse(func) != f"contr.{name}"):
            raise self.refuse(node, f"is not a coding (there are: contr.{', contr.'.join(_CODINGS)})")
        if name == "treatment" and "reference" in given[1]:
            given[1]["base"] = given[1].pop("reference")
        return getattr(ContrastsRegistry, name)(*given[0], **given[1])


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).removeprefix("np.")
