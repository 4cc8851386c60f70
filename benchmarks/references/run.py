"""Hold every sampler that applies against every reference: one row each, and the table of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np

import bayesreg as br
from bayesreg.samplers import COMPILED, LADDER, refusal
from bayesreg.samplers.settings import Refused
from bayesreg.validate.held import judge
from bayesreg.validate.scalars import Scalars
from bayesreg.validate.stated import read_stated
from benchmarks.references import bugs, lasso, least_squares, posteriordb, rstanarm
from benchmarks.references.case import Case, shared_folder

LEVEL = 1e-4
"""False-alarm rate of a row (Bonferroni over its comparisons): of a hundred rows, 1 %."""

SEED = 20_000

NUTS_ON = ("pima_tr_logit_laplace0.5", "prostate_gauss_laplace0.2", "quine_poisson_laplace0.1")
"""References that NUTS is held against where it is asked for: each compiles a model of its own."""

MISSING = "There are no references here: they are expected in the folder `shared` beside the project."


@dataclass(frozen=True, slots=True)
class Row:
    """One reference × sampler.

    Parameters
    ----------
    reference, origin, sampler : str
    comparisons : int
        Means, sds and quantiles compared.
    z, limit : float
        The largest z in size, and that up to which all agree; NaN where nothing was compared.
    what : str
        Which statistic of what it was.
    verdict : str
        "agrees", "differs", "not judged: ..." or "refused: ...".
    note : str
        What cannot be matched, and why.
    seed : str
    """

    reference: str
    origin: str
    sampler: str
    comparisons: int
    z: float
    limit: float
    what: str
    verdict: str
    note: str
    seed: str


@cache
def cases() -> tuple[Case, ...]:
    """Return every reference; none where the folder is not there."""
    shared = shared_folder()
    if shared is None:
        return ()
    parts = (posteriordb, rstanarm, bugs, lasso, least_squares)
    return tuple(case for part in parts for case in part.cases(shared))


def samplers_of(case: Case, *, compiled: bool = False) -> list[str]:
    """Return the samplers that apply to a reference; `compiled`: NUTS too, where it is affordable."""
    problem = case.problem(1.0)
    nuts = ["nuts"] if compiled and case.name in NUTS_ON else []
    return [name for name in LADDER if name not in COMPILED and not refusal(problem, name)] + nuts


def run_case(case: Case, sampler: str, *, factor: float = 1.0, seed: int = SEED) -> Row:
    """Draw a reference's posterior (what is in it off by `factor`) and hold it against the published numbers."""
    try:
        posterior = br.sample(case.problem(factor), sampler, draws=case.draws, seed=seed)
    except Refused as refused:
        return Row(case.name, case.origin, sampler, 0, np.nan, np.nan, "", f"refused: {refused}", case.note, str(seed))
    return hold(case, posterior)


def hold(case: Case, posterior: br.Posterior) -> Row:
    """Hold draws of a reference's posterior against the published numbers."""
    stated, quantities = read_stated(case.table, case.name), case.quantities(posterior)
    sampler, seed = posterior.method, str(posterior.attrs["seed"])
    drawn = Scalars.of(
        sampler, list(quantities), np.stack(list(quantities.values()), axis=-1), independent=posterior.independent,
        reasons=posterior.verdict.reasons,
    )  # fmt: skip
    held = judge([drawn], stated, LEVEL, pairs=False)
    if sampler in held.unjudged:
        verdict = f"not judged: {held.unjudged[sampler]}"
        return Row(case.name, case.origin, sampler, 0, np.nan, np.nan, "", verdict, case.note, seed)
    worst = held.table.loc[held.table["z"].abs().idxmax()]
    what, z = f"{worst['statistic']} of {worst['variable']}", abs(float(worst["z"]))
    verdict = "agrees" if held.agree else "differs"
    return Row(case.name, case.origin, sampler, len(held.table), z, held.limit, what, verdict, case.note, seed)


def each(*, compiled: bool = False) -> Iterator[Row]:
    """Yield the row of every reference × sampler, as it is computed."""
    for case in cases():
        for sampler in samplers_of(case, compiled=compiled):
            yield run_case(case, sampler)


def rows(*, compiled: bool = False) -> list[dict[str, Any]]:
    """Return a row for every reference × sampler that applies; none where the references are not there.

    Parameters
    ----------
    compiled : bool
        Whether NUTS is held against `NUTS_ON` too.
    """
    return [asdict(row) for row in each(compiled=compiled)]


HEAD = ("reference", "computed by", "sampler", "comparisons", "largest z in size", "of", "limit", "verdict")


def markdown(found: Sequence[dict[str, Any]]) -> str:
    """Return rows as a Markdown table, what it means above it and the notes below it."""
    if not found:
        return MISSING + "\n"
    lines = [
        f"Each row compares means, sds and quantiles, as far as they were published, in combined standard errors "
        f"beyond the rounding of print. Its limit on |z| has a false-alarm rate of {LEVEL:g} (Bonferroni, normal "
        f"approximation), so that with probability ≥ {1 - LEVEL * len(found):.3g} all {len(found)} rows agree if all "
        f"samplers are right.",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'|'.join('--:' if name in ('comparisons', 'largest z in size', 'limit') else ':--' for name in HEAD)}|",
    ]
    for row in found:
        numbers = ("–", "–") if np.isnan(row["z"]) else (f"{row['z']:.2f}", f"{row['limit']:.2f}")
        cells = (
            row["reference"], row["origin"], row["sampler"], row["comparisons"], numbers[0], row["what"], numbers[1],
            row["verdict"],
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |")
    notes = {row["reference"]: row["note"] for row in found if row["note"]}
    return "\n".join([*lines, "", *(f"- {name}: {note}" for name, note in notes.items())]) + "\n"
