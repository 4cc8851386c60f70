"""bayesreg: which prior does a penalty assume, and what does the point estimate discard?

Names are loaded on first use: importing the package loads neither PyMC nor Matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {
    "Laplace": "priors",
    "Gaussian": "priors",
    "Flat": "priors",
    "Jeffreys": "scales",
    "FlatScale": "scales",
    "Exponential": "scales",
    "HalfNormal": "scales",
    "HalfCauchy": "scales",
    "GaussianNoise": "likelihoods",
    "BernoulliLogit": "likelihoods",
    "Problem": "problem",
    "Optimum": "optimality",
    "Outcome": "optimality",
    "Certificate": "optimality",
    "find_map": "graph_map",
    "fit_penalized": "penalized",
    "build_model": "graph",
    "check_graph": "graph",
    "sample": "samplers",
    "Posterior": "samplers",
    "compare": "comparison",
    "Comparison": "comparison",
    "load_dataset": "datasets",
    "InputError": "errors",
    "ParameterError": "errors",
    "FamilyError": "errors",
    "FitError": "errors",
    "GraphMismatchError": "errors",
    "DataWarning": "errors",
}

_MODULES = ("plots",)

__all__ = [*sorted(_HOME), *_MODULES]  # noqa: PLE0604

if TYPE_CHECKING:
    from bayesreg import plots
    from bayesreg.comparison import Comparison, compare
    from bayesreg.datasets import load_dataset
    from bayesreg.errors import (
        DataWarning,
        FamilyError,
        FitError,
        GraphMismatchError,
        InputError,
        ParameterError,
    )
    from bayesreg.graph import build_model, check_graph
    from bayesreg.graph_map import find_map
    from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
    from bayesreg.optimality import Certificate, Optimum, Outcome
    from bayesreg.penalized import fit_penalized
    from bayesreg.priors import Flat, Gaussian, Laplace
    from bayesreg.problem import Problem
    from bayesreg.samplers import Posterior, sample
    from bayesreg.scales import Exponential, FlatScale, HalfCauchy, HalfNormal, Jeffreys


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"bayesreg.{name}")
    if name in _HOME:
        value = getattr(import_module(f"bayesreg.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    msg = f"module 'bayesreg' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, *_MODULES])
