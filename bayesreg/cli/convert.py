"""`bayesreg convert`: a library's λ as a prior, and in every other library's units."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from bayesreg.cli.options import add_output
from bayesreg.cli.output import plain
from bayesreg.cli.status import OK
from bayesreg.errors import ParameterError
from bayesreg.libraries.convert import read
from bayesreg.libraries.facts import Facts
from bayesreg.libraries.objective import BARE, LibraryObjective, find, table
from bayesreg.libraries.rates import Rates, from_rates, to_rates
from bayesreg.libraries.text import HEAD, LEGEND, cells, columns_text, markdown, rate_texts

FACTS = {
    "n": "rows",
    "sigma": "noise sd, where the loss is a squared error",
    "dispersion": "φ of a gamma or Tweedie likelihood (gamma: 1/shape)",
    "noise_scale": "scale of Laplace noise; scale_ of HuberRegressor",
    "sd_y": "population sd of y (glmnet's and Spark's L2 part)",
    "rms_y": "root of the mean of y² (glmnet without an intercept)",
    "working_weights": "Σ of the IRLS weights at the fit (Spark's GLR)",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.description = (
        "Say which prior a library's number assumes, and what the same prior is called elsewhere.  Example: "
        "bayesreg convert --from sklearn.Lasso alpha=0.1 --n 442 --sigma 54 --to glmnet"
    )
    parser.add_argument("--from", dest="library", metavar="LIBRARY", help="such as sklearn.Lasso, glmnet")
    parser.add_argument("numbers", nargs="*", metavar="NAME=VALUE", help="the library's own parameters, by its names")
    parser.add_argument("--to", metavar="LIBRARY", help="only this one")
    for name, text in FACTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, help=text)
    parser.add_argument("--library-version", metavar="X.Y", help="of LIBRARY, where it meant something else then")
    parser.add_argument(
        "--standardized", action="store_true", help="the columns are standardised before any library sees them"
    )
    parser.add_argument("--all", action="store_true", help="every objective, other families and those that cannot")
    parser.add_argument("--list", action="store_true", help="print the whole table of objectives, and nothing else")
    parser.add_argument("--markdown", action="store_true", help="with --list: as Markdown")
    add_output(parser)
    parser.set_defaults(run=_convert)


def _convert(options: argparse.Namespace) -> int:
    if options.list:
        return _list(options)
    if options.library is None:
        what = " ".join(options.numbers) or "a number"
        msg = f"{what}: name the library with --from, or see what there is with --list: {BARE}"
        raise ParameterError(msg)
    given = _pairs(options.numbers)
    known = {name: getattr(options, name) for name in FACTS if getattr(options, name) is not None}
    row, facts, _, numbers = read(options.library, given | known, options.library_version)
    if "columns" in given or "sd" in given:
        msg = "columns= and sd= are for to_prior; here every library sees the same columns"
        raise ParameterError(msg)
    rates = to_rates(row, numbers, facts)
    if options.to is not None:
        target = find(options.to)
        found = [_elsewhere(target, row, rates, facts, standardized=options.standardized)]
        if found[0]["why_not"]:
            msg = f"--to {options.to}: {found[0]['why_not']}"
            raise ParameterError(msg)
    else:
        rows = [other for other in table().values() if options.all or other.family in (row.family, "prior")]
        found = [_elsewhere(other, row, rates, facts, standardized=options.standardized) for other in rows]
    if options.json:
        print(json.dumps(plain({"prior": _prior(rates, row), "libraries": found}), indent=2, ensure_ascii=False))
        return OK
    shown = ", ".join(f"{name} = {_said(value)}" for name, value in {**numbers, **known}.items())
    print(f"{row.name} with {shown}\n  minimises {row.formula}\n  assumes {_sentence(rates, row)}")
    print(*_notes(row), sep="", end="\n")
    print(*_table(found, everything=options.all), sep="\n")
    if options.to is not None:
        print(*_notes(find(options.to)), sep="", end="")
    return OK


def _list(options: argparse.Namespace) -> int:
    if options.markdown:
        print(markdown(), end="")
        return OK
    rows = list(table().values())
    if options.json:
        print(json.dumps([_described(row) for row in rows], indent=2, ensure_ascii=False))
        return OK
    lines = [HEAD, *(cells(row) for row in rows)]
    widths = [max(len(line[j]) for line in lines) for j in range(len(HEAD))]
    for line in lines:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
    print(f"\n{LEGEND};\ntight, default: largest error of a coefficient at a tight and at the default tolerance")
    return OK


def _described(row: LibraryObjective) -> dict[str, Any]:
    l1, l2 = rate_texts(row)
    return {
        "library": row.name, "title": row.title, "version": row.version, "family": row.family, "l1": l1, "l2": l2,
        "objective": row.formula, "columns": columns_text(row), "intercept": row.intercept, "weights": row.weights,
        "verified": row.verified, "tight": row.tight, "default": row.default, "note": row.none or row.note,
    }  # fmt: skip


def _pairs(texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in map(_pair, texts):
        if name in found:
            msg = f"{name} is given twice"
            raise ParameterError(msg)
        found[name] = value
    return found


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        msg = f"{text!r} is no NAME=VALUE, such as alpha=0.1: a number means nothing without its name"
        raise ParameterError(msg)
    return name, _value(value)


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        return text
    return numbers if "," in text else numbers[0]


def _elsewhere(
    row: LibraryObjective, source: LibraryObjective, rates: Rates, facts: Facts, *, standardized: bool
) -> dict[str, Any]:
    """What the same penalty, on the same columns, is called in another library."""
    entry: dict[str, Any] = {
        "library": row.name, "title": row.title, "family": row.family, "parameters": None, "why_not": row.none,
        "columns": "", "note": row.note, "objective": row.formula, "intercept": row.intercept,
    }  # fmt: skip
    if row.none:
        return entry
    options = {} if row.option is None else {row.option[0]: rates.standardized}
    always = row.columns != "given" and row.option is None
    try:
        if row.form != source.form and (_some(rates.l1) or row.family == "prior"):
            penalised = {"group": "norms of groups", "": "each coefficient by itself"}
            msg = f"{row.name} penalises {penalised[row.form]}, {source.name} {penalised[source.form]}"
            raise ParameterError(msg)
        if (row.family == "multinomial") != (source.family == "multinomial") and row.family not in ("prior", "any"):
            msg = f"{'K symmetric rows' if row.family == 'multinomial' else 'one row'} of coefficients, and "
            msg += f"{source.name} has {'K symmetric rows' if source.family == 'multinomial' else 'one'}"
            raise ParameterError(msg)
        if always and not rates.standardized and not standardized:
            msg = f"{row.name} {columns_text(row)}: the same prior only if they are so already (--standardized)"
            raise ParameterError(msg)
        entry["parameters"] = from_rates(row, rates, options, facts)
    except ParameterError as error:
        entry["why_not"] = str(error)
        return entry
    by_user = rates.standardized and row.columns == "given" and row.family != "prior" and not standardized
    entry["columns"] = "standardise them first" if by_user else ""
    return entry


def _prior(rates: Rates, row: LibraryObjective) -> dict[str, Any]:
    l1, l2 = rates.l1, rates.l2
    return {
        "name": _kind(rates), "l1": l1, "l2": l2, "reach95": rates.reach(0.95),
        "columns": "divided by their population sd" if rates.standardized else "as given",
        "scale": _scale(rates) if _kind(rates) in ("Laplace", "Gaussian") else None, "objective": row.formula,
    }  # fmt: skip


def _some(rate: Any) -> bool:
    return bool((rate > 0).any()) if hasattr(rate, "any") else rate > 0


def _kind(rates: Rates) -> str:
    return {(True, False): "Laplace", (False, True): "Gaussian", (True, True): "ElasticNet", (False, False): "Flat"}[
        _some(rates.l1), _some(rates.l2)
    ]


def _scale(rates: Rates) -> Any:
    return 1 / rates.l1 if _some(rates.l1) else 1 / (2 * rates.l2) ** 0.5


def _sentence(rates: Rates, row: LibraryObjective) -> str:
    """The prior in words, with its numbers."""
    where = "each column divided by its population sd" if rates.standardized else "the columns as given"
    norm = "the norm of each group's coefficients" if row.form == "group" else "each coefficient"
    kind, reach = _kind(rates), rates.reach(0.95)
    if kind == "Flat":
        return "no penalty: a flat prior"
    text = {
        "Laplace": lambda: (
            f"exp(−λ·norm), λ = {_said(rates.l1)},"
            if row.form == "group"
            else f"Laplace(b = {_said(_scale(rates))}), λ₁ = 1/b = {_said(rates.l1)}"
        ),
        "Gaussian": lambda: f"Gaussian(τ = {_said(_scale(rates))}), λ₂ = 1/2τ² = {_said(rates.l2)}",
        "ElasticNet": lambda: f"ElasticNet(λ₁ = {_said(rates.l1)}, λ₂ = {_said(rates.l2)})",
    }[kind]()
    sure = "" if row.form == "group" else f": |β| < {_said(reach)} with probability 0.95"
    return f"{text} on {norm}, on {where}{sure}"


def _notes(row: LibraryObjective) -> list[str]:
    said = row.note and not row.note.startswith("the default tolerance")
    lines = [f"  note: {row.name}: {row.note}\n"] if said else []
    if row.intercept == "penalised":
        lines.append(f"  note: {row.name}: the intercept is penalised too, unless it is excluded\n")
    return lines


def _table(found: Sequence[dict[str, Any]], *, everything: bool) -> list[str]:
    """The libraries that can say it, one line each; with `everything` also why the others cannot."""
    can = [(e["library"], _parameters(e["parameters"]), e["columns"]) for e in found if e["parameters"] is not None]
    widths = [max((len(cells[j]) for cells in can), default=0) for j in range(2)]
    lines = [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in can]
    if everything:
        lines += ["", *(f"  {e['library']}: {e['why_not']}" for e in found if e["why_not"])]
    return lines


def _parameters(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_said(value)}" for name, value in parameters.items())


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if hasattr(value, "tolist"):
        value = value.tolist()
    return f"[{', '.join(_said(v) for v in value)}]" if isinstance(value, list) else str(value)
