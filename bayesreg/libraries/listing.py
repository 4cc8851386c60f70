"""One prior in every library's units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bayesreg.errors import ParameterError
from bayesreg.libraries.convert import FACTS, check_prior, from_prior
from bayesreg.libraries.objective import LibraryObjective, table
from bayesreg.libraries.text import columns_text, rate_texts
from bayesreg.scales import positive_number

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.interfaces import Prior


def conventions(prior: Prior, n: int, sigma: float | None = None, **given: Any) -> pd.DataFrame:
    """Return what a prior is called in every library: one row an objective.

    Parameters
    ----------
    prior : Prior
        On columns as each library's penalty sees them (standardised for one that does; for the others give them
        columns that are).
    n : int
        Rows.
    sigma : float, optional
        Noise sd; rows of squared-error losses need it.
    **given
        More facts, as in `to_prior`: weights, sd_y, dispersion, ...

    Returns
    -------
    pandas.DataFrame
        Indexed by library, with columns family, parameters (a dict; None where it cannot be said), why_not, objective,
        l1, l2 (λ₁ and λ₂ in the library's own names), columns, intercept, weights, version, verified, tight, default
        (largest error of a coefficient at a tight and at the library's default tolerance), note.
    """
    import pandas as pd

    check_prior(prior)
    known = {"n": n, "sigma": sigma, **given}
    for name, value in known.items():
        if name not in (*FACTS, "columns", "sd", "version"):
            msg = f"conventions takes no {name!r} (it takes {', '.join(FACTS)}, columns, sd)"
            raise ParameterError(msg)
        if name in FACTS and name != "weights" and value is not None:
            positive_number("conventions", name, value)
    records = [converted(row, prior, known) for row in table().values()]
    return pd.DataFrame(records).set_index("library")


def converted(row: LibraryObjective, prior: Prior, given: Mapping[str, Any]) -> dict[str, Any]:
    """One row of `conventions`."""
    parameters, why_not = None, ""
    try:
        parameters = from_prior(row.name, prior, **given)
    except ParameterError as error:
        why_not = str(error)
    l1, l2 = rate_texts(row)
    return {
        "library": row.name, "family": row.family, "parameters": parameters, "why_not": why_not,
        "objective": row.formula, "l1": l1, "l2": l2, "columns": columns_text(row), "intercept": row.intercept,
        "weights": row.weights, "version": f"{row.title} {row.version}", "verified": row.verified, "tight": row.tight,
        "default": row.default, "note": row.note,
    }  # fmt: skip
