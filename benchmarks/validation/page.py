"""docs/validation.md from its rows."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

from bayesreg.validate.power import detectable
from benchmarks.validation.calibrations import RANKS

Row = Mapping[str, Any]

TOLD = 1e-11
"""The least p-value that is told: exact ones are 1 less a sum of some thousand terms."""

VERSIONS = ("bayesreg", "numpy", "scipy", "pymc", "nutpie", "pytensor", "arviz")


TEMPLATE = """# Validation

{verdict} Run on {date}, {minutes} minutes on one processor for calibrations and faults, seed {seed}: {versions}.
`make validate` runs it all again and writes this page; a run that was stopped goes on. To validate a model of your own,
see [below](#your-own-model).

Four questions are asked, in this order:

1. Does every sampler draw from the posterior that its model has? *(calibration)*
2. Would an error be seen? *(faults put in on purpose)*
3. Do samplers agree with each other, and with numbers that were computed elsewhere? *(agreement, references)*
4. Do intervals hold the truth when the truth is fixed? *(coverage: no fault of a sampler, but of shrinkage)*

## Calibration: every likelihood × prior

A truth is drawn from the prior, data from the likelihood at it, and posterior draws given the data: the rank of the
truth among them is uniform, in every quantity, if the sampler is right (Talts et al. 2018; Modrák et al. 2023 for
quantities that depend on the data). Data are few (24 rows, 4 correlated columns), so that the prior counts, and the
sampler is the one that `method="auto"` chooses. Uniformity is tested by the ECDF's exact simultaneous band (Säilynoja
et al. 2022): a mean rank above ½ says that truths lie above the draws, a spread above 1 that draws are too narrow.

{calibrations}
## Faults put in on purpose

{controls}
## Agreement of samplers

Means, sds and 5, 50 and 95 % quantiles of every unknown, differences in units of their Monte Carlo errors; the limit is
such that right samplers exceed it with probability at most 1 % over all problems. The oracle: 200,000
independent exact draws.

{agreements}
## Published numbers

Posteriors of posteriordb, rstanarm, BUGS and papers, which no one here computed. Each row is held at a false-alarm rate
of 10⁻⁴; where a number was printed, it is held within its rounding.

{references}
## Coverage at a fixed truth

A 95 % interval of the posterior holds 95 % of the truths on average over the prior. At one truth it may hold fewer: a
lasso of 100 rows and 10 correlated columns (prior scale 0.1, σ = 1; five columns do nothing), {data_sets} data sets at
each size of the other five. *Posterior*: central intervals. *Laplace*: the normal approximation at the MAP, of width 0
where the MAP is at the kink. *Bootstrap*: percentiles of the penalised estimate over 50 resamplings.

{coverages}
{coverage_text}

## Your own model

```
bayesreg validate diabetes --prior laplace --quick
```

```python
import bayesreg as br

data = br.load_dataset("diabetes")
problem = br.Problem.from_arrays(data.X, data.y, names=data.names, prior=br.Laplace(scale=10.0))
checked = br.validate.sbc(problem, replications=20, seed=1)  # 1,000 by default
print(checked)
print(br.validate.agreement(problem.with_prior(br.Gaussian(scale=20.0))))  # two samplers and an oracle
```

With a flat intercept or Jeffreys' σ there is no prior to draw truths from: they then come from the posterior given your
data, and what is ranked are posteriors of these data and as many simulated rows (Säilynoja et al. 2025). On a cluster,
give `client=distributed.Client(...)`; with `store="runs.jsonl"` a run that was stopped goes on where it stopped.
Results depend on the seed alone, not on who runs what.
"""
"""The page; what is in braces is computed."""


def versions() -> str:
    """What was run."""
    found = [f"{name} {metadata.version(name)}" for name in VERSIONS]
    return ", ".join([f"Python {platform.python_version()}", *found])


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)


def calibrations(rows: Sequence[Row], level: float) -> str:
    """Right samplers: every likelihood × prior."""
    order = sorted(rows, key=lambda row: (_first(row), row["likelihood"], row["prior"]))
    failed = [row for row in rows if not row["passed"]]
    done = sum(row["replications"] for row in rows)
    drawn = sum((Counter(row["methods"]) for row in rows), Counter())
    by = ", ".join(f"{count} by {name}" for name, count in drawn.most_common())
    told = (
        f"{len(rows)} problems, {done} posteriors ({by}). "
        + (f"**{len(failed)} failed.** " if failed else "**All passed.** ")
        + "The adjusted p of a problem is the smallest of its quantities' p-values times their number; a problem fails "
        f"at {level:.2g}, so that all right samplers together fail with probability at most {level * len(rows):.2g}. "
        f"Ranks are the truth's among {RANKS} draws, in every parameter, the log-likelihood and the log prior. "
        + _shown(rows, level)
    )
    cells = [
        (
            _methods(row), row["likelihood"], row["prior"], row["replications"], f"{row['p']:.2g}",
            f"`{row['worst']}`", f"{row['mean_rank']:.3f}", f"{row['spread']:.3f}",
            "passed" if row["passed"] else row["verdict"],
        )
        for row in order
    ]  # fmt: skip
    head = ("sampler", "likelihood", "prior", "replications", "adjusted p", "least likely", "mean rank", "spread", "")
    return f"{told}\n\n{table(head, cells)}\n"


def _shown(rows: Sequence[Row], level: float) -> str:
    """What the fewest replications of a problem show."""
    size, quantities = min(row["replications"] for row in rows), max(row["quantities"] for row in rows)
    least = detectable(size, RANKS, level / quantities)
    return (
        f"{size} replications at this level are as likely as not, or likelier, to show one quantity's draws that are "
        f"{least.shift:.2g} posterior sds off, {100 * (1 - least.narrow):.0f} % too narrow or "
        f"{100 * (least.wide - 1):.0f} % too wide; smaller errors may stay unseen."
    )


def _first(row: Row) -> str:
    return max(row["methods"], key=row["methods"].get) if row["methods"] else ""


def _methods(row: Row) -> str:
    """Samplers, with their share where there is more than one."""
    if len(row["methods"]) == 1:
        return _first(row)
    return ", ".join(f"{name} ({count})" for name, count in Counter(row["methods"]).most_common())


def controls(rows: Sequence[Row], level: float) -> str:
    """Wrong samplers."""
    missed = [row for row in rows if not row["caught"]]
    verdict = f"**{len(missed)} not caught.**" if missed else "**all caught.**"
    told = (
        f"{len(rows)} faults, looked for at the level of the table above ({level:.2g}), on problems that are made to "
        f"show them and with as many replications as that takes, which may be more than the table's: {verdict}"
    )
    cells = [
        (row["fault"], row["sampler"], row["replications"], _small(row["p"]), f"`{row['worst']}`",
         "caught" if row["caught"] else "NOT caught")
        for row in rows
    ]  # fmt: skip
    return f"{told}\n\n{table(('fault', 'sampler', 'replications', 'adjusted p', 'seen in', ''), cells)}\n"


def _small(p: float) -> str:
    """A p-value; what is next to the rounding of 1 − p is not told from 0."""
    return f"{p:.1g}" if p > TOLD else f"< {TOLD:g}"


def agreements(rows: Sequence[Row]) -> str:
    """Samplers against each other."""
    cells = [
        (row["problem"], ", ".join(row["sources"]), row["comparisons"], f"{row['largest']:.2f}", f"{row['limit']:.2f}",
         "agree" if row["passed"] else row["verdict"])
        for row in rows
    ]  # fmt: skip
    return table(("problem", "samplers", "comparisons", "largest difference (errors)", "limit", ""), cells) + "\n"


def coverages(rows: Sequence[Row]) -> str:
    """Coverage at fixed truths."""
    cells = [
        (
            row["method"],
            f"{row['signal']:.2g}",
            f"{row['ratio']:.2g}",
            f"{100 * row['coverage']:.1f} ({100 * row['lower']:.1f} to {100 * row['upper']:.1f})",
            f"{100 * row['sign_error']:.1f}",
            f"{row['width']:.2f}",
        )
        for row in rows
    ]
    head = (
        "interval",
        "true effect (standard errors)",
        "(prior sds)",
        "coverage % (95 % bounds)",
        "wrong sign %",
        "width",
    )
    return table(head, cells) + "\n"
