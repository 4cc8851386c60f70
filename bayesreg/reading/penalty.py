"""Any PyMC model read as a penalised fit: which penalty each free variable's prior is, and with which λ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg.density import evaluation_mode, require_model
from bayesreg.graph import build_model
from bayesreg.interfaces import Array, Tensor
from bayesreg.problem import Problem
from bayesreg.reading.forms import Form, distribution_name, form_of, parameters_of
from bayesreg.reading.rows import MISSING, NONE, PenaltyReading, PenaltyRow, Value, shown
from bayesreg.reading.text import bracketed, expression, named, parents

SYMBOL = re.compile(r"Σ⁻¹|λ₁|λ₂|[^\W\d_²]+")
"""A symbol, or the name of a function, in a formula."""


def read_penalty(model: Any) -> PenaltyReading:
    """Read each prior of a PyMC model as the penalty that maximising the density puts on the variable.

    −log p(x | other variables) = penalty(x) + a constant in x, on the natural scale of x (no Jacobian): Laplace(μ, b)
    is λ₁|x − μ| with λ₁ = 1/b, Normal(μ, τ) is λ₂(x − μ)² with λ₂ = 1/(2τ²), Uniform and Flat are none.  Where a
    parameter depends on another free variable, λ is a formula in that variable; the "constant" then depends on it
    too, which is why such a scale has no joint mode in general (see `find_map`).

    Parameters
    ----------
    model : pymc.Model or Problem
        Of a Problem its own model is read.

    Returns
    -------
    PenaltyReading

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if isinstance(model, Problem):
        model = build_model(model)
    require_model("read_penalty", model)
    names = named(model)
    free = list(model.free_RVs)
    shapes = model.eval_rv_shapes()
    parts = {rv: _parts(rv) for rv in [*free, *model.observed_RVs]}
    values = _values(model, parts, names)
    rows = [_row(rv, shapes[rv.name], values[rv], parents(parts[rv].values(), free)) for rv in free]
    rows += [_potential(potential) for potential in model.potentials]
    sentences = [_likelihood(rv, values[rv]) for rv in model.observed_RVs]
    return PenaltyReading(tuple(rows), tuple(sentences), tuple(_notes(model, rows, names)))


def _parts(rv: Tensor) -> dict[str, Tensor]:
    """Parameters of a variable's distribution by symbol; all inputs where it has no reading."""
    tagged = getattr(rv.tag, "prior", None)
    if tagged is not None:
        prior, scale = tagged
        elastic = prior.elastic(_size(rv))
        if elastic is None:
            return {"s": scale}
        return {"λ₁": elastic.l1 / scale, "λ₂": elastic.l2 / scale**2, "μ": scale * 0 + elastic.loc}
    form = form_of(rv)
    if form is not None:
        return parameters_of(rv, form)
    from pytensor.tensor import TensorVariable

    return {f"input {i}": t for i, t in enumerate(rv.owner.inputs) if isinstance(t, TensorVariable)}


def _size(rv: Tensor) -> int:
    """Number of entries of one of our own variables, which have one axis or none."""
    blocks = rv.tag.kink[2]
    return int(np.size(blocks))


def _values(
    model: Any, parts: Mapping[Tensor, Mapping[str, Tensor]], names: Mapping[Tensor, str]
) -> dict[Tensor, dict[str, Value]]:
    """Numbers for the parameters that depend on no free variable, formulas for the others."""
    import pytensor

    observed = [(rv, model.rvs_to_values[rv]) for rv in model.observed_RVs]
    flat = [(rv, symbol, t) for rv, symbols in parts.items() for symbol, t in symbols.items()]
    read = {rv for rv in parts if form_of(rv) is not None or getattr(rv.tag, "prior", None) is not None}
    known = [
        (rv, s, t) for rv, s, t in flat if rv in read and not parents([t], model.free_RVs) and not _random(t, model)
    ]
    evaluate = pytensor.function(
        [], [t for _, _, t in known], givens=observed, mode=evaluation_mode(), on_unused_input="ignore"
    )
    found: dict[Tensor, dict[str, Value]] = {rv: {} for rv in parts}
    numbers = {(rv, s): _number(v) for (rv, s, _), v in zip(known, evaluate(), strict=True)}
    for rv, s, t in flat:
        if rv in read:
            found[rv][s] = numbers[rv, s] if (rv, s) in numbers else expression(t, names)
    return found


def _random(tensor: Tensor, model: Any) -> bool:
    """Whether a tensor depends on draws that are no variable of the model."""
    from pytensor.tensor.random.op import RandomVariable

    waiting, stops = [tensor], set(model.basic_RVs)
    while waiting:
        t = waiting.pop()
        if t in stops or t.owner is None:
            continue
        if isinstance(t.owner.op, RandomVariable):
            return True
        waiting += t.owner.inputs
    return False


def _number(value: Array) -> float | Array:
    """The array, or its one value where all are the same (a matrix stays one)."""
    array = np.asarray(value, dtype=float)
    same = array.size > 0 and array.ndim < 2 and bool((array == array.flat[0]).all())
    return float(array.flat[0]) if same else array


def _row(rv: Tensor, shape: Sequence[int], values: Mapping[str, Value], depends: Sequence[Tensor]) -> PenaltyRow:
    row = PenaltyRow(
        rv.name, distribution_name(rv), tuple(int(s) for s in shape), depends_on=tuple(t.name for t in depends)
    )
    tagged, form, own = getattr(rv.tag, "prior", None), form_of(rv), getattr(rv.tag, "penalty", None)
    if tagged is not None:
        row = _own(row, tagged[0], values, int(np.prod(shape)))
    elif own is not None:
        row = replace(row, formula=own.replace("x", rv.name), domain=f"{rv.name} ≥ 0", convex=own == "0")
    elif form is not None:
        row = _standard(row, form, values)
    else:
        row = replace(row, note=f"{row.distribution} is no penalty in closed form: −log p of {rv.name} is the penalty")
    scale_unknown = any(
        isinstance(v, str) for symbol, v in row.parameters.items() if symbol not in ("μ", "lower", "upper")
    )
    if row.depends_on and row.formula != NONE:
        held = f"given {', '.join(row.depends_on)}" + ("; not jointly convex" if row.convex and scale_unknown else "")
        row = replace(row, note=row.note or held)
    return row


def _standard(row: PenaltyRow, form: Form, values: Mapping[str, Value]) -> PenaltyRow:
    """Row of a distribution of PyMC's."""
    parameters = dict(values)
    l1: Value = 0.0 if form.formula in ("0", "λ₂·(x − μ)²", "λ₂·x²") else MISSING
    l2: Value = 0.0 if form.formula in ("0", "λ₁·|x − μ|", "λ₁·x") else MISSING
    if form.l1:
        l1 = _over(values[form.l1])
        parameters = {"λ₁": l1} | parameters
    if form.l2:
        l2 = _over(values[form.l2], squared=True)
        parameters = {"λ₂": l2} | parameters
    convex = form.is_convex(values)
    if isinstance(values.get("Σ"), np.ndarray):
        diagonal, parameters["Σ⁻¹"] = _precision(np.asarray(values["Σ"]))
        l2 = diagonal if form.name == "MvNormal" else l2
    elif "Σ" in values:
        parameters["Σ⁻¹"] = f"({values['Σ']})⁻¹"
    parameters["p"] = float(np.prod(row.shape[-1:]))
    location = values.get(form.location, 0.0) if form.l1 or form.l2 or form.name == "MvNormal" else MISSING
    formula = _at_origin(form.formula, values.get(form.location, MISSING))
    used = set(SYMBOL.findall(formula))
    name = "x" if row.variable in used else row.variable
    domain = _named(form.domain, name)
    for symbol in form.symbols:
        domain = re.sub(rf"\b{symbol}\b", shown(values[symbol]), domain)
    return replace(
        row,
        formula=_named(formula, name),
        parameters={symbol: value for symbol, value in parameters.items() if symbol in used},
        l1=l1, l2=l2, location=location, convex=convex, domain=domain,
    )  # fmt: skip


def _precision(covariance: Array) -> tuple[Value, Array]:
    """λ₂ by entry where the covariance is diagonal (else NaN), and the precision."""
    if np.linalg.matrix_rank(covariance) < covariance.shape[-1]:
        return MISSING, np.full_like(covariance, np.nan)  # a singular covariance has no density
    precision = np.linalg.inv(covariance)
    if covariance.ndim > 2 or (covariance != np.diag(np.diag(covariance))).any():
        return MISSING, precision
    return _number(0.5 / np.diag(covariance)), precision


def _own(row: PenaltyRow, prior: Any, values: Mapping[str, Value], size: int) -> PenaltyRow:
    """Row of a prior that this package made."""
    row = replace(row, distribution=type(prior).__name__, convex=prior.convex)
    x = row.variable
    if "λ₁" not in values:
        scale = values["s"]
        unit = f", of {x}/{bracketed(shown(scale))}" if isinstance(scale, str) or np.any(np.asarray(scale) != 1) else ""
        return replace(row, formula=f"{prior.describe(size).replace('β', x)}{unit}", parameters={})
    formula = _at_origin("λ₁·|x − μ| + λ₂·(x − μ)²", values["μ"])
    return replace(
        row, formula=_named(formula, x), parameters={k: v for k, v in values.items() if k in formula},
        l1=values["λ₁"], l2=values["λ₂"], location=values["μ"],
    )  # fmt: skip


def _over(value: Value, *, squared: bool = False) -> Value:
    """1/value or 1/(2·value²), as a number or as text."""
    if not isinstance(value, str):
        value = np.asarray(value, dtype=float)
        return _number(0.5 / value**2 if squared else 1 / value)
    if squared and value.endswith(ROOT):  # a precision
        return f"{value.removesuffix(ROOT)}/2"
    return f"1/(2·{bracketed(value)}²)" if squared else f"1/{bracketed(value)}"


ROOT = "^−0.5"


def _at_origin(formula: str, location: Value) -> str:
    """The formula with x in the place of x − μ where μ is 0."""
    if isinstance(location, str) or not np.all(np.asarray(location) == 0):
        return formula
    return formula.replace("(x − μ)", "x").replace("x − μ", "x")


def _named(formula: str, name: str) -> str:
    """The formula with the variable's name for x, which is a letter of `exp` and `max` too."""
    kept = formula.replace("exp", "\0").replace("max", "\1").replace("x", name)
    return kept.replace("\0", "exp").replace("\1", "max")


def _potential(potential: Tensor) -> PenaltyRow:
    note = "a Potential is added to log p: −Potential is the penalty, so one written as λ·|x| must be subtracted"
    return PenaltyRow(potential.name, "Potential", note=note)


DISPERSIONS = {
    "StudentT": ("ν", "σ"), "Laplace": ("b",), "Cauchy": ("s",), "Logistic": ("s",), "LogNormal": ("σ",),
    "Gamma": ("α",), "Weibull": ("α",), "Gumbel": ("β",),
}  # fmt: skip
"""Distribution of the data -> its parameters beside the mean."""

LEAST_SQUARES = "½Σ(y − μ)²"


def _likelihood(rv: Tensor, values: Mapping[str, Value]) -> str:
    """What the data contribute, and what λ is relative to."""
    name, form = distribution_name(rv), form_of(rv)
    if name == "Minibatch":
        return f"{rv.name}: the log likelihood of a minibatch in nats, scaled up to all rows"
    said = f"{rv.name}: {name} log likelihood in nats, summed over rows"
    if form is None or name != "Normal":
        spread = {symbol: values[symbol] for symbol in DISPERSIONS.get(name, ())}
        said += "".join(f", {symbol} = {shown(value)}" for symbol, value in spread.items())
        unknown = [value for value in spread.values() if isinstance(value, str)]
        return f"{said}: what each λ weighs against the data depends on {', '.join(unknown)}" if unknown else said
    sigma = values["σ"]
    if not isinstance(sigma, str) and np.ndim(sigma):
        return f"{said}, σ = {shown(sigma)}: every row has its own, and no one factor turns λ into a plain loss's"
    if not isinstance(sigma, str):
        factor = shown(np.asarray(sigma) ** 2)
        return f"{said}, σ = {shown(sigma)}: for the loss {LEAST_SQUARES} multiply every λ by σ² = {factor}"
    return (
        f"{said}, σ = {sigma} unknown: for the loss {LEAST_SQUARES} λ is multiplied by σ², so that it is one λ only "
        f"given {sigma}"
    )


def _notes(model: Any, rows: Sequence[PenaltyRow], names: Mapping[Tensor, str]) -> list[str]:
    notes = []
    standard = {row.variable for row in rows if not row.depends_on and row.distribution in ("Normal", "Laplace")}
    for deterministic in model.deterministics:
        others = {t: n for t, n in names.items() if t is not deterministic}
        inside = [t.name for t in parents([deterministic], model.free_RVs)]
        raw = [n for n in inside if n in standard]
        text = expression(deterministic, others)
        if raw and len(inside) > len(raw) and "·" in text and "f(" not in text:
            notes.append(
                f"{deterministic.name} = {text} is non-centred: the penalty is on {', '.join(raw)}, and the mode of "
                f"({', '.join(inside)}) is another point than the mode of ({deterministic.name}, ...) would be"
            )
    return notes
