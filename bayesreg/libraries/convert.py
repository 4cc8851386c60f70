"""From a library's number to the prior it assumes, and from a prior to every library's number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.libraries.facts import Array, Facts, standardises
from bayesreg.libraries.objective import BARE, LibraryObjective, find
from bayesreg.libraries.rates import Rates, from_rates, to_rates
from bayesreg.libraries.strengths import as_numbers
from bayesreg.scales import positive_number

if TYPE_CHECKING:
    from bayesreg.interfaces import Prior

FACTS = ("n", "sigma", "weights", "dispersion", "noise_scale", "sd_y", "rms_y", "working_weights")


def to_prior(library: object = None, *, version: str | None = None, **given: Any) -> Prior:
    """Return the prior that a library's penalty assumes.

    The library minimises c·Σ w·nll + k₁·s₁‖β‖₁ + k₂·s₂‖β‖₂², so that λ₁ = k₁s₁/c and λ₂ = k₂s₂/c in nats: the prior is
    Laplace(1/λ₁), Gaussian(1/√2λ₂), ElasticNet(λ₁, λ₂) or, with both 0, Flat().

    Parameters
    ----------
    library : str
        Whose number it is: "sklearn.Lasso", "glmnet", "glmnet:binomial", "statsmodels.OLS"; `conventions` lists all.
    version : str, optional
        Of the library, where an earlier one meant something else.
    **given
        The library's own parameters by their own names (alpha, C, l1_ratio, `**{"lambda": 0.1}` or lambda_), and what
        the conversion needs to know:

        n : int
            Rows.
        sigma : float
            Noise sd, where the loss is a squared error.
        weights : array (n,)
            Sample weights.
        dispersion, noise_scale, sd_y, rms_y, working_weights : float
            See `bayesreg.libraries.facts.Facts`; asked for where a row needs them.
        columns : {"library", "given", "standardized"}
            Which columns the prior is to be on.  "library": as the penalty sees them, that is standardised by their
            population sd (`Problem(standardize=True)`) where the library standardises, and as given
            (`standardize=False`) where it does not.
        sd : array (p,)
            Population sds of the columns, where `columns` asks for the others.
        tasks, p : int
            Of a group penalty over tasks or classes: their number, and that of the columns.

    Raises
    ------
    ParameterError
        If the library is not in the table, a parameter is none of its, a fact is missing, or no prior corresponds.

    Examples
    --------
    >>> to_prior("sklearn.Lasso", alpha=0.1, n=442, sigma=54.0)
    Laplace(scale=65.97..., loc=0.0)
    """
    row, facts, settings, numbers = read(library, given, version)
    rates = to_rates(row, numbers, facts).on(settings["columns"], settings["sd"])
    return _group_prior(row, rates, settings) if row.form == "group" else prior_of(rates.l1, rates.l2)


def from_prior(library: object, prior: Prior, *, version: str | None = None, **given: Any) -> dict[str, Any]:
    """Return the parameters that make a library's penalty assume a prior: the inverse of `to_prior`.

    Parameters
    ----------
    library, version
        As in `to_prior`.
    prior : Prior
        Located at 0, its scale known: Laplace, Gaussian, ElasticNet, Flat, a mapping of such by column bound to a
        problem, or a GroupLaplace for a group penalty.
    **given
        What `to_prior` takes besides the penalty's own numbers; an option such as standardize=False.

    Returns
    -------
    dict
        Parameters by the library's own names, as `to_prior` takes them.

    Raises
    ------
    ParameterError
        As in `to_prior`, and if the library cannot express the prior.
    """
    row, facts, settings, options = read(library, given, version)
    rates = _rates_of(row, prior)
    seen = standardises(row, options)
    if settings["columns"] != "library":
        on_prior = settings["columns"] == "standardized"
        rates = Rates(rates.l1, rates.l2, on_prior).on("standardized" if seen else "given", settings["sd"])
        rates = Rates(_collapsed(rates.l1), _collapsed(rates.l2), seen)
    return from_rates(row, rates, options, facts)


def intercept_prior(library: str, *, version: str | None = None, **given: Any) -> Prior | None:
    """Return the prior that a library's penalty puts on the intercept: Flat() where it is free, None without one.

    Where it is penalised its rates are those of the coefficients, divided by the multiplier of its column
    (scikit-learn's intercept_scaling) and by its square.  Takes what `to_prior` takes.
    """
    from bayesreg.priors import Flat

    row, facts, _, numbers = read(library, given, version)
    if row.intercept != "penalised":
        return None if row.intercept == "none" else Flat()
    rates = to_rates(row, numbers, facts)
    if np.ndim(rates.l1) or np.ndim(rates.l2):
        msg = f"{row.name}: with one strength a column that of the intercept's own column is the intercept's"
        raise ParameterError(msg)
    by = positive_number(row.name, row.by, numbers.get(row.by, 1.0)) if row.by else 1.0
    return prior_of(rates.l1 / by, rates.l2 / by**2)


def prior_of(l1: float | Array, l2: float | Array) -> Prior:
    """Return the prior with penalty λ₁|β| + λ₂β²: the simplest of its kind."""
    from bayesreg.priors import ElasticNet, Flat, Gaussian, Laplace

    some1, some2 = np.asarray(l1) > 0, np.asarray(l2) > 0
    if not some1.any() and not some2.any():
        return Flat()
    if not (some1 | some2).all():
        free = np.flatnonzero(~np.atleast_1d(some1 | some2)).tolist()
        msg = f"columns {free} are not penalised and the others are: give them Flat() in a mapping of priors by column"
        raise ParameterError(msg)
    if not some2.any():
        return Laplace(scale=1 / l1)
    if not some1.any():
        return Gaussian(scale=1 / np.sqrt(2 * l2) if np.ndim(l2) else float(1 / np.sqrt(2 * l2)))
    return ElasticNet(l1=l1, l2=l2)


def read(
    library: object, given: Mapping[str, Any], version: str | None = None
) -> tuple[LibraryObjective, Facts, dict[str, Any], dict[str, Any]]:
    """The row of a library; facts of the data, settings of the conversion, and the library's own parameters."""
    row = _row(library, version, given)
    return row, *_sorted(row, given)


def _row(library: object, version: str | None, given: Mapping[str, Any]) -> LibraryObjective:
    if library is None:
        numbers = ", ".join(f"{name}={value!r}" for name, value in given.items() if name not in FACTS)
        msg = f"to_prior({numbers}): name the library first, as in to_prior('sklearn.Lasso', alpha=0.1): {BARE}"
        raise ParameterError(msg)
    row = find(library, version)
    if row.none:
        msg = f"{row.name}: no prior on the coefficients corresponds to it: {row.none}"
        raise ParameterError(msg)
    return row


def _sorted(row: LibraryObjective, given: Mapping[str, Any]) -> tuple[Facts, dict[str, Any], dict[str, Any]]:
    """Facts of the data, settings of the conversion, and the library's own parameters, by its own names."""
    settings: dict[str, Any] = {"columns": "library", "sd": None, "tasks": None, "p": None}
    facts: dict[str, Any] = {}
    numbers: dict[str, Any] = {}
    for name, value in given.items():
        own = _own_name(row, name)
        if own is not None:
            if own in numbers:
                msg = f"{row.name}: {own} is given twice"
                raise ParameterError(msg)
            numbers[own] = value
        elif name in settings:
            settings[name] = value
        elif name in FACTS:
            facts[name] = value
        else:
            msg = f"{row.name} has no parameter {name!r} (it has {', '.join(row.parameters)}; version {row.version})"
            raise ParameterError(msg)
    if facts.get("weights") is not None:
        facts["weights"] = _weights(facts["weights"])
        size = facts["weights"].size
        if facts.get("n") is not None and facts["n"] != size:
            msg = f"{row.name}: n = {facts['n']!r}, but there are {size} weights"
            raise ParameterError(msg)
        facts["n"] = size
    _read_noise(row, facts, numbers)
    if settings["sd"] is not None:
        settings["sd"] = _sds(settings["sd"])
    return Facts(**facts), settings, numbers


def _read_noise(row: LibraryObjective, facts: dict[str, Any], numbers: dict[str, Any]) -> None:
    """σ from the fit's own estimate of its precision, where there is one."""
    precision = numbers.pop(row.noise_precision, None) if row.noise_precision else None
    if precision is None:
        return
    sigma = positive_number(row.name, row.noise_precision, precision) ** -0.5
    if facts.get("sigma") is not None and not np.isclose(facts["sigma"], sigma, rtol=1e-6):
        msg = f"{row.name}: sigma = {facts['sigma']!r}, but {row.noise_precision} says {sigma:.6g}; leave sigma out"
        raise ParameterError(msg)
    facts["sigma"] = sigma


def _own_name(row: LibraryObjective, name: str) -> str | None:
    """The library's parameter that `name` stands for: as it is, as a Python name, or as a fitted attribute."""
    forms = (name, name.rstrip("_"), f"{name}_", name.replace("_", "."))
    return next((form for form in forms if form in row.parameters), None)


def _weights(value: object) -> Array:
    weights = as_numbers(value)
    if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        msg = f"weights must be one number >= 0 for each row, not all 0 (got {value!r})"
        raise ParameterError(msg)
    return weights


def _sds(value: object) -> Array:
    sd = as_numbers(value)
    if sd.ndim != 1 or not np.isfinite(sd).all() or not (sd > 0).all():
        msg = f"sd must be one number > 0 for each column, their population sds (got {value!r})"
        raise ParameterError(msg)
    return sd


def check_prior(prior: object) -> None:
    """Raise ParameterError unless `prior` is a prior with a known scale."""
    from bayesreg.interfaces import Prior

    if not isinstance(prior, Prior):
        msg = f"prior must be a bayesreg Prior such as Laplace(scale=0.5) (got {prior!r})"
        raise ParameterError(msg)
    if prior.hyperprior is not None:
        msg = f"{prior!r} has an unknown scale: fix it first, as in prior.at(0.5)"
        raise ParameterError(msg)


def _rates_of(row: LibraryObjective, prior: Prior) -> Rates:
    """λ₁ and λ₂ of a prior."""
    from bayesreg.priors import GroupLaplace

    check_prior(prior)
    if isinstance(prior, GroupLaplace):
        return _group_rates(row, prior)
    p = _width(prior)
    elastic = prior.elastic(p)
    if elastic is None:
        msg = f"{prior!r} is no sum of |β| and β², and {row.name} penalises nothing else"
        raise ParameterError(msg)
    if elastic.loc.any():
        msg = f"{prior!r} shrinks to another point than 0, which {row.name} cannot; move it into an offset"
        raise ParameterError(msg)
    if row.form == "group" and elastic.l1.any():
        msg = f"{row.name} penalises the norm of each column's coefficients: give a GroupLaplace prior"
        raise ParameterError(msg)
    return Rates(_collapsed(elastic.l1), _collapsed(elastic.l2), standardized=False)


def _collapsed(rate: float | Array) -> float | Array:
    """One number where all columns have the same."""
    return rate if np.ptp(rate) > 0 else float(np.ravel(rate)[0])


def _width(prior: Prior) -> int:
    """Number of columns that the prior's parameters speak of: 1 where they are numbers."""
    from bayesreg.stacked import Stacked

    if isinstance(prior, Stacked):
        return sum(columns.size for _, columns in prior.parts)
    return next((p for p in _sizes(prior) if p > 1), 1)


def _sizes(prior: Prior) -> list[int]:
    from dataclasses import fields, is_dataclass

    if not is_dataclass(prior):
        return []
    return [int(np.size(value)) for f in fields(prior) if isinstance(value := getattr(prior, f.name), np.ndarray)]


def _group_rates(row: LibraryObjective, prior: Any) -> Rates:
    if row.form != "group":
        msg = f"{row.name} has no penalty on groups of coefficients"
        raise ParameterError(msg)
    rates = prior.rates(len(prior.groups))
    if np.ptp(rates) > 1e-12 * rates.max():
        msg = f"{row.name} has one strength for all columns, and the prior one a group"
        raise ParameterError(msg)
    return Rates(float(rates[0]), 0.0, standardized=False)


def _group_prior(row: LibraryObjective, rates: Rates, settings: Mapping[str, Any]) -> Prior:
    """The prior of a penalty λ Σ_j ‖β_j‖₂ over K tasks: GroupLaplace with √K/b = λ."""
    from bayesreg.priors import GroupLaplace

    if not np.any(rates.l1):
        return prior_of(0.0, rates.l2)
    if np.any(rates.l2):
        msg = f"{row.name}: λ = {rates.l1:.6g} on the groups' norms and λ₂ = {rates.l2:.6g}: bayesreg has no such prior"
        raise ParameterError(msg)
    tasks, p = settings["tasks"], settings["p"]
    for name, value in (("tasks", tasks), ("p", p)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            msg = f"{row.name}: pass {name}=, an integer >= 1: each column's coefficients over the tasks are a group"
            raise ParameterError(msg)
    return GroupLaplace(np.repeat(np.arange(int(p)), int(tasks)).tolist(), float(np.sqrt(tasks) / rates.l1))
