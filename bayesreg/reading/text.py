"""Walks over a PyMC model's graph: which variables a tensor depends on, and the tensor as a formula in their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bayesreg.interfaces import Tensor

TRANSPARENT = ("DimShuffle", "SpecifyShape", "CheckAndRaise", "Assert", "Reshape", "Alloc", "ParameterCheck",
               "CheckParameterValue", "TensorFromScalar", "ScalarFromTensor", "DeepCopyOp", "ViewOp")  # fmt: skip
"""Ops that change the shape or check the value of their first input, and nothing else."""

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly a text binds."""


def parents(tensors: Iterable[Tensor], stops: Sequence[Tensor]) -> list[Tensor]:
    """Return those of `stops` that some of `tensors` depends on through none of the others, in the order of `stops`."""
    found: set[Tensor] = set()
    seen: set[Tensor] = set()
    waiting = list(tensors)
    blocking = set(stops)
    while waiting:
        tensor = waiting.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        if tensor in blocking:
            found.add(tensor)
        elif tensor.owner is not None:
            waiting += tensor.owner.inputs
    return [tensor for tensor in stops if tensor in found]


def named(model: Any) -> dict[Tensor, str]:
    """Return the model's variables and their names."""
    return {tensor: name for name, tensor in model.named_vars.items()}


def expression(tensor: Tensor, names: Mapping[Tensor, str]) -> str:
    """Return `tensor` as a formula in the variables of `names`: "1/(2·tau²)".

    What is no arithmetic is a function: "f(tau, lam)".
    """
    return _text(tensor, names)[0]


def bracketed(text: str) -> str:
    """`text` in brackets, unless it is a name, a number or a call."""
    return text if all((c.isalnum() and c != "²") or c in "_.[]…" for c in text) else f"({text})"


def _text(tensor: Tensor, names: Mapping[Tensor, str]) -> tuple[str, int]:
    if tensor in names:
        return names[tensor], ATOM
    if tensor.owner is None:
        return _constant(tensor), ATOM
    op, inputs = tensor.owner.op, tensor.owner.inputs
    kind = type(op).__name__
    if kind in TRANSPARENT:
        return _text(inputs[0], names)
    if kind == "Elemwise":
        return _elementwise(type(op.scalar_op).__name__, inputs, names) or (_call(tensor, names), ATOM)
    if kind in ("Subtensor", "AdvancedSubtensor", "AdvancedSubtensor1"):
        inner = _text(inputs[0], names)
        return (f"{inner[0]}[…]", ATOM) if inner[1] == ATOM else (_call(tensor, names), ATOM)
    return _call(tensor, names), ATOM


def _constant(tensor: Tensor) -> str:
    values = np.unique(tensor.data) if type(tensor).__name__ == "TensorConstant" else np.zeros(0)
    return f"{values[0]:.6g}".replace("-", "−") if values.size == 1 else VALUES


VALUES = "⟨values⟩"
"""What stands for an array of numbers, which is no variable's name."""


def _call(tensor: Tensor, names: Mapping[Tensor, str]) -> str:
    return f"f({', '.join(names[t] for t in parents([tensor], list(names)))})"


FUNCTIONS = {"Exp": "exp", "Log": "log", "Log1p": "log1p", "Softplus": "softplus", "Sigmoid": "sigmoid", "Abs": "abs"}


def _elementwise(scalar: str, inputs: Sequence[Tensor], names: Mapping[Tensor, str]) -> tuple[str, int] | None:
    """Return arithmetic as text, None for another function."""
    if scalar in ("Cast", "Identity"):
        return _text(inputs[0], names)
    if scalar == "Second":
        return _text(inputs[1], names)
    if scalar == "Mul" and (root := _root_of_precision(inputs)) is not None:
        return f"{_fenced(_text(root, names), ATOM)}^−0.5", POWER
    parts = [_text(t, names) for t in inputs]
    if scalar == "Add":
        return " + ".join(_fenced(p, SUM) for p in parts), SUM
    if scalar == "Sub":
        return f"{_fenced(parts[0], SUM)} − {_fenced(parts[1], PRODUCT)}", SUM
    if scalar == "Mul":
        factors = [p for p in parts if p[0] != "1"] or parts[:1]
        return factors[0] if len(factors) == 1 else ("·".join(_fenced(p, PRODUCT) for p in factors), PRODUCT)
    if scalar in ("TrueDiv", "Reciprocal"):
        top = _fenced(parts[0], PRODUCT) if scalar == "TrueDiv" else "1"
        return f"{top}/{_fenced(parts[-1], POWER)}", PRODUCT
    if scalar == "Neg":
        return f"−{_fenced(parts[0], PRODUCT)}", SUM
    if scalar in ("Sqr", "Sqrt", "Pow"):
        power = {"Sqr": "²", "Sqrt": "^0.5"}.get(scalar) or f"^{_fenced(parts[1], ATOM)}"
        return _fenced(parts[0], ATOM) + ("²" if power == "^2" else power), POWER
    return (f"{FUNCTIONS[scalar]}({parts[0][0]})", ATOM) if scalar in FUNCTIONS else None


def _root_of_precision(inputs: Sequence[Tensor]) -> Tensor | None:
    """τ where the factors are |τ|^−½ and sign(τ), which is how PyMC turns a precision into a scale."""
    kinds = {_scalar(t): t for t in inputs}
    if set(kinds) != {"Pow", "Sign"}:
        return None
    base = kinds["Pow"].owner.inputs[0]
    same = _scalar(base) == "Abs" and base.owner.inputs[0] is kinds["Sign"].owner.inputs[0]
    return base.owner.inputs[0] if same else None


def _scalar(tensor: Tensor) -> str:
    """Name of the elementwise operation that makes a tensor; empty where there is none."""
    if tensor.owner is None or type(tensor.owner.op).__name__ != "Elemwise":
        return ""
    return type(tensor.owner.op.scalar_op).__name__


def _fenced(part: tuple[str, int], least: int) -> str:
    return part[0] if part[1] >= least else f"({part[0]})"
