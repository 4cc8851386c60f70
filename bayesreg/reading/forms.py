"""What each PyMC distribution is as a penalty: −log density up to a constant, as a formula in its own parameters.

Formulas are for one entry and summed over entries.  `x` is the variable; `·` multiplies, `²` squares, `^` is a power,
`|x|` the absolute value, and `log`, `exp`, `cos`, `erf`, `max` are functions: they can be evaluated as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.interfaces import Array, Tensor

QUADRATIC = "(x − μ)ᵀ·Σ⁻¹·(x − μ)"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A distribution as a penalty.

    Parameters
    ----------
    name : str
        Of the distribution, as in PyMC.
    symbols : tuple of str
        Of the parameters, in the order of the random variable's own.
    formula : str
        −log density in `x` and the symbols, up to a constant; "λ₁" and "λ₂" stand for 1/`l1` and 1/(2·`l2`²).
    domain : str
        Where the density is positive; empty for all reals.
    convex : bool or callable
        Whether −log density is convex where it is finite: for all parameters, or as a function of them.
    l1, l2 : str
        The parameter whose reciprocal is λ₁, or τ with λ₂ = 1/(2τ²); empty where there is no such term.
    location, scale : str
        The parameters of those roles: near the location the density has the height 1/scale, and where there is no
        domain the density of (x − location)/scale is free of both.  Empty where there is no such parameter.
    peak : float
        A number z such that the density at x = location + z·scale is of that height.
    """

    name: str
    symbols: tuple[str, ...]
    formula: str
    domain: str = ""
    convex: bool | Callable[[Mapping[str, Array]], bool] = False
    l1: str = ""
    l2: str = ""
    location: str = ""
    scale: str = ""
    peak: float = 0.0

    def is_convex(self, values: Mapping[str, float | Array | str]) -> bool | None:
        """Whether the penalty is convex at the parameters `values`; None where one that decides is not a number."""
        if isinstance(self.convex, bool):
            return self.convex
        known = {symbol: np.asarray(value) for symbol, value in values.items() if not isinstance(value, str)}
        return self.convex(known) if set(self.symbols) <= set(known) else None


def _at_least_one(*symbols: str) -> Callable[[Mapping[str, Array]], bool]:
    def convex(values: Mapping[str, Array]) -> bool:
        return all(bool((values[symbol] >= 1).all()) for symbol in symbols)

    return convex


POSITIVE = "x ≥ 0"
UNIT = "0 ≤ x ≤ 1"
SQUARE = "λ₂·(x − μ)²"
STUDENT = "(ν + 1)/2·log(1 + ((x − μ)/σ)²/ν)"

FORMS: Mapping[str, Form] = {
    "LaplaceRV": Form("Laplace", ("μ", "b"), "λ₁·|x − μ|", convex=True, l1="b", location="μ", scale="b"),
    "NormalRV": Form("Normal", ("μ", "σ"), SQUARE, convex=True, l2="σ", location="μ", scale="σ"),
    "HalfNormalRV": Form(
        "HalfNormal", ("μ", "σ"), SQUARE, "x ≥ μ", convex=True, l2="σ", location="μ", scale="σ", peak=1e-6
    ),
    "TruncatedNormalRV": Form(
        "TruncatedNormal", ("μ", "σ", "lower", "upper"), SQUARE, "lower ≤ x ≤ upper", convex=True, l2="σ",
        location="μ", scale="σ", peak=1e-6,
    ),
    "ZeroSumNormalRV": Form("ZeroSumNormal", ("σ",), "λ₂·x²", "Σx = 0", convex=True, l2="σ", scale="σ"),
    "UniformRV": Form("Uniform", ("lower", "upper"), "0", "lower ≤ x ≤ upper", convex=True),
    "FlatRV": Form("Flat", (), "0", convex=True),
    "HalfFlatRV": Form("HalfFlat", (), "0", POSITIVE, convex=True),
    "ExponentialRV": Form("Exponential", ("s",), "λ₁·x", POSITIVE, convex=True, l1="s", scale="s", peak=1e-6),
    "GammaRV": Form(
        "Gamma", ("α", "s"), "x/s − (α − 1)·log(x)", POSITIVE, _at_least_one("α"), scale="s", peak=1.0
    ),
    "InvGammaRV": Form("InverseGamma", ("α", "β"), "β/x + (α + 1)·log(x)", POSITIVE, scale="β", peak=1.0),
    "BetaRV": Form("Beta", ("α", "β"), "−(α − 1)·log(x) − (β − 1)·log(1 − x)", UNIT, _at_least_one("α", "β")),
    "KumaraswamyRV": Form(
        "Kumaraswamy", ("a", "b"), "−(a − 1)·log(x) − (b − 1)·log(1 − x^a)", UNIT, _at_least_one("a", "b")
    ),
    "LogNormalRV": Form("LogNormal", ("μ", "σ"), "log(x) + (log(x) − μ)²/(2·σ²)", POSITIVE),
    "LogitNormal": Form("LogitNormal", ("μ", "σ"), "(log(x/(1 − x)) − μ)²/(2·σ²) + log(x) + log(1 − x)", UNIT),
    "CauchyRV": Form("Cauchy", ("μ", "s"), "log(1 + ((x − μ)/s)²)", location="μ", scale="s"),
    "HalfCauchyRV": Form("HalfCauchy", ("s",), "log(1 + (x/s)²)", POSITIVE, scale="s", peak=1e-6),
    "StudentTRV": Form("StudentT", ("ν", "μ", "σ"), STUDENT, location="μ", scale="σ"),
    "HalfStudentTRV": Form(
        "HalfStudentT", ("ν", "σ"), "(ν + 1)/2·log(1 + (x/σ)²/ν)", POSITIVE, scale="σ", peak=1e-6
    ),
    "LogisticRV": Form(
        "Logistic", ("μ", "s"), "(x − μ)/s + 2·log(1 + exp(−(x − μ)/s))", convex=True, location="μ", scale="s"
    ),
    "GumbelRV": Form("Gumbel", ("μ", "β"), "(x − μ)/β + exp(−(x − μ)/β)", convex=True, location="μ", scale="β"),
    "MoyalRV": Form(
        "Moyal", ("μ", "σ"), "(x − μ)/(2·σ) + exp(−(x − μ)/σ)/2", convex=True, location="μ", scale="σ"
    ),
    "AsymmetricLaplaceRV": Form(
        "AsymmetricLaplace", ("b", "κ", "μ"), "b·κ·max(x − μ, 0) + b/κ·max(μ − x, 0)", convex=True, location="μ"
    ),
    "SkewNormalRV": Form(
        "SkewNormal", ("μ", "σ", "α"), "(x − μ)²/(2·σ²) − log(1 + erf(α·(x − μ)/(2^0.5·σ)))", convex=True,
        location="μ", scale="σ",
    ),
    "WeibullBetaRV": Form(
        "Weibull", ("α", "β"), "(x/β)^α − (α − 1)·log(x)", POSITIVE, _at_least_one("α"), scale="β", peak=1.0
    ),
    "ParetoRV": Form("Pareto", ("α", "m"), "(α + 1)·log(x)", "x ≥ m"),
    "WaldRV": Form(
        "Wald", ("μ", "λ", "α"), "1.5·log(x − α) + λ·(x − α − μ)²/(2·μ²·(x − α))", "x ≥ α"
    ),
    "VonMisesRV": Form("VonMises", ("μ", "κ"), "−κ·cos(x − μ)", "−π ≤ x ≤ π"),
    "DirichletRV": Form("Dirichlet", ("a",), "−(a − 1)·log(x)", "x ≥ 0, Σx = 1", _at_least_one("a")),
    "MvNormalRV": Form("MvNormal", ("μ", "Σ"), f"{QUADRATIC}/2", convex=True, location="μ"),
    "MvStudentTRV": Form("MvStudentT", ("ν", "μ", "Σ"), f"(ν + p)/2·log(1 + {QUADRATIC}/ν)", location="μ"),
}  # fmt: skip
"""Type of a random variable's op -> what it is as a penalty."""


def form_of(rv: Tensor) -> Form | None:
    """Return what the distribution of a random variable is as a penalty; None where it is not known."""
    return FORMS.get(type(rv.owner.op).__name__)


def parameters_of(rv: Tensor, form: Form) -> dict[str, Tensor]:
    """Return the parameters of a random variable's distribution, by symbol."""
    given = list(rv.owner.op.dist_params(rv.owner))
    return dict(zip(form.symbols, given, strict=False))


def distribution_name(rv: Tensor) -> str:
    """Return the name of a random variable's distribution, as in PyMC."""
    form = form_of(rv)
    return form.name if form is not None else _plain(type(rv.owner.op))


def _plain(kind: type[Any]) -> str:
    """`MixtureRV` → Mixture; `CustomDist_effect` → CustomDist."""
    return kind.__name__.split("_")[0].removesuffix("RV") or kind.__name__.strip("_").removesuffix("RV")
