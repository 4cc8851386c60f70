"""A user's function, called at the mode and at every draw: arguments by the names of the posterior's variables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior

Function = Callable[..., Any]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One draw (of a vectorised function: all of them), its variables as attributes.

    `draw.beta` and `draw.beta_raw` are (p,), `draw.intercept`, `draw.sigma`, ... numbers; `draw["bmi"]` is the
    coefficient of that column in the data's units.
    """

    variables: Mapping[str, Any]
    names: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        """A variable by its name."""
        if name.startswith("__") or name not in self.variables:
            msg = f"a draw has no variable {name!r}: it has {', '.join(self.variables)}"
            raise AttributeError(msg)
        return self.variables[name]

    def __getitem__(self, column: str) -> Any:
        """The coefficient of a column, in the data's units."""
        if column not in self.names:
            msg = f"there is no column {column!r}: there are {', '.join(map(str, self.names))}"
            raise ParameterError(msg)
        return self.variables["beta_raw"][..., self.names.index(column)]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The draws of a posterior and its mode, variable by variable.

    Parameters
    ----------
    draws : mapping of str to array (chains·draws, ...)
        `intercept`, `beta`, their `_raw` twins, and the dispersion and prior scale where there are any.
    mode : mapping of str to float or array
        The same at the mode.
    names : tuple of str
        Columns.
    shape : (int, int)
        Chains, draws a chain.
    """

    draws: Mapping[str, Array]
    mode: Mapping[str, Any]
    names: tuple[str, ...]
    shape: tuple[int, int]

    @classmethod
    def of(cls, posterior: Posterior, optimum: Optimum) -> Self:
        """Return them; a model without an intercept has one of 0, a known dispersion is the same in every draw."""
        chains, length = posterior.beta.shape[:2]
        size = chains * length
        draws = {name: values.reshape(size, *values.shape[2:]) for name, values in posterior.arrays.items()}
        mode: dict[str, Any] = {
            "intercept": optimum.intercept, "intercept_raw": optimum.intercept_raw,
            "beta": optimum.beta, "beta_raw": optimum.beta_raw,
        }  # fmt: skip
        for name in ("intercept", "intercept_raw"):
            draws.setdefault(name, np.zeros(size))
        likelihood = posterior.problem.likelihood
        if likelihood.dispersion_name is not None and optimum.sigma is not None:
            mode[likelihood.dispersion_name] = optimum.sigma
            draws.setdefault(likelihood.dispersion_name, np.full(size, optimum.sigma))
        return cls(
            {name: draws[name] for name in draws if name in mode}, mode, posterior.problem.names, (chains, length)
        )


@final
@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function and how it takes a draw: by names of variables, or as one `Draw`."""

    function: Function
    caller: str
    wanted: tuple[str, ...] | None

    @classmethod
    def of(cls, function: object, caller: str, argument: str, points: Points, *, leading: int = 0) -> Self:
        """Read a function's parameters; the first `leading` of them are not about the draw.

        Raises
        ------
        ParameterError
            If it is not callable, or has parameters that are no variables of the posterior.
        """
        if not callable(function):
            msg = f"{caller}: {argument} must be a function (got {function!r})"
            raise ParameterError(msg)
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):  # built-in functions need not tell
            return cls(function, caller, None)
        taken = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)][leading:]
        wanted = [p.name for p in taken if p.name in points.mode]
        others = [p.name for p in taken if p.name not in points.mode and p.default is p.empty]
        if not others and wanted:
            return cls(function, caller, tuple(wanted))
        if len(others) <= 1 and not wanted:
            return cls(function, caller, None)
        msg = (
            f"{caller}: {argument} has the parameter {others[0]!r}; parameters are named after what they are to hold "
            f"({', '.join(points.mode)}), or there is one of any other name, which gets the whole draw"
        )
        raise ParameterError(msg)

    def at_mode(self, points: Points, *leading: Any, vectorized: bool = False) -> Array:
        """Return its value at the mode, to a vectorised function the only draw."""
        if not vectorized:
            return self._value(points.mode, points, leading, "at the mode")
        one = {name: np.asarray(value)[None] for name, value in points.mode.items()}
        value = self._value(one, points, leading, "at the mode")
        if value.shape[:1] != (1,):
            msg = f"{self.caller}: a vectorised function of one draw returns one value (got the shape {value.shape})"
            raise InputError(msg)
        return np.asarray(value[0])

    def at_draws(self, points: Points, *leading: Any, vectorized: bool = False) -> Array:
        """Return its values at every draw, (chains·draws, ...).

        Raises
        ------
        InputError
            If they have different shapes, or are no numbers.
        """
        size = points.shape[0] * points.shape[1]
        if vectorized:
            values = self._value(points.draws, points, leading, "at all draws")
            if values.shape[:1] != (size,):
                msg = (
                    f"{self.caller}: a vectorised function returns one value for each of the {size} draws (got the "
                    f"shape {values.shape}); variables come as (draws, ...)"
                )
                raise InputError(msg)
            return values
        found = []
        for s in range(size):
            variables = {name: values[s] for name, values in points.draws.items()}
            found.append(self._value(variables, points, leading, f"at draw {s} of {size}"))
            if found[-1].shape != found[0].shape:
                msg = (
                    f"{self.caller}: the function returned the shape {found[0].shape} at draw 0 and {found[-1].shape} "
                    f"at draw {s}; let it return one shape"
                )
                raise InputError(msg)
        return np.array(found)

    def _value(self, variables: Mapping[str, Any], points: Points, leading: tuple[Any, ...], where: str) -> Array:
        try:
            if self.wanted is None:
                value = self.function(*leading, Draw(variables, points.names))
            else:
                value = self.function(*leading, **{name: variables[name] for name in self.wanted})
        except Exception as error:
            error.add_note(f"bayesreg: {self.caller} called the function {where}")
            raise
        try:
            return np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            msg = f"{self.caller}: the function must return numbers (got {value!r} {where})"
            raise InputError(msg) from error
