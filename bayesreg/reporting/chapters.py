"""The chapters of the report: what a manager reads in a minute first, what a referee reads in an hour below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from bayesreg import plots
from bayesreg.comparison.sections import Section, sections, withheld
from bayesreg.comparison.summary import SENSITIVITY, coefficient_rows, facts, heading, sensitivity_cells
from bayesreg.errors import ParameterError
from bayesreg.libraries import conventions
from bayesreg.reporting.blocks import Block, Chapter, Code, Details, Facts, Said, Table
from bayesreg.reporting.drawn import WIDTH, gallery
from bayesreg.reporting.gates import gates
from bayesreg.reporting.minute import lead, minute
from bayesreg.reporting.reproduce import code, fingerprint, versions
from bayesreg.strength import prior_summary

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.reporting.drawn import Drawn

SAMPLERS_WITH_ENERGY = ("hmc", "nuts", "pymc")


FAMILIES = {
    "GaussianNoise": ("gaussian",),
    "BernoulliLogit": ("bernoulli", "multinomial"),
    "PoissonLog": ("poisson",),
    "GammaLog": ("gamma",),
}
"""Likelihood -> families of the table of conventions whose objectives are of it."""


def verdict(c: Comparison) -> Chapter:
    """In a minute: what was concluded, and what it stands on."""
    if not c.passed:
        return Chapter("verdict", "Verdict", [Said((withheld(c),), kind="withheld"), gates(c)])
    full = Details("The same in full", (Said(_in_full(c)),))
    return Chapter("verdict", "Verdict", [Said((lead(c),), kind="lead"), Said(minute(c)), full, gates(c)])


def _in_full(c: Comparison) -> tuple[str, ...]:
    """The sentences behind it, with their errors and limits."""
    said = [c.amount.sentence]
    said += [c.selection.sentence] if c.problem.p else []
    said += [c.tradeoffs.sentence] if c.problem.p > 1 else []
    said += [c.prediction.sentence] if not c.prediction.withheld else []
    return tuple(f"{text[:1].upper()}{text[1:]}" for text in said)


def assumed(c: Comparison) -> Chapter:
    """Which prior the penalty is, in words."""
    blocks: list[Block] = []
    if c.audited is not None:
        blocks.append(Said((c.audited.assumed,), kind="lead"))
    told = dict(facts(c))
    rows = [(name, told[name]) for name in ("penalty", "noise scale", "dispersion", "small") if name in told]
    blocks += [Facts(tuple(rows)), _words(c)]
    if c.problem.p:
        blocks.append(gallery([("the penalty", lambda: plots.penalty(c, width=WIDTH))]))
    return Chapter("prior", "Which prior was assumed", [*blocks, _libraries(c)])


def _words(c: Comparison) -> Said:
    try:
        return Said(tuple(str(prior_summary(c.problem)).splitlines()))
    except ParameterError as error:
        return Said((f"What the prior says before any data is not said: {error}",), kind="withheld")


def _libraries(c: Comparison) -> Details | Said:
    """What the same penalty is called elsewhere."""
    problem = c.problem.conditional(c.map.sigma)
    given = {"sigma": c.map.sigma} if c.problem.likelihood.location_scale else {}
    try:
        table = conventions(problem.prior, problem.n, **given)
    except ParameterError as error:
        return Said((f"In other libraries' units: not said. {error}",))
    families = FAMILIES.get(type(c.problem.likelihood).__name__, ())
    meant = table["family"].map(lambda family: bool({"any", "prior", *families} & set(str(family).split(", "))))
    found = table[table["parameters"].notna() & meant]
    rows = tuple((str(name), _settings(row["parameters"]), str(row["version"])) for name, row in found.iterrows())
    caption = f"This prior in the units of {len(rows)} objectives of other libraries, on the columns that it sees"
    return Details(caption, (Table("", ("objective", "parameters", "of"), rows),))


def _settings(parameters: Mapping[str, object]) -> str:
    return ", ".join(f"{k} = {f'{v:.5g}' if isinstance(v, float) else v}" for k, v in parameters.items())


def certificate(c: Comparison) -> Chapter:
    """The proof that the point is the optimum of both objectives."""
    told = facts(c)
    skipped = ("penalty", "noise scale", "dispersion", "small", "your prior")
    rows = tuple((name, text) for name, text in told if name not in skipped)
    return Chapter("certificate", "Certificate", [Facts(rows)])


def coefficients(c: Comparison) -> Chapter:
    """Every coefficient: what the point estimate says, and what the posterior says."""
    header, rows, left_out = coefficient_rows(c)
    note = f"{left_out} more columns are in the comparison's own table." if left_out else ""
    blocks: list[Block] = []
    if c.problem.p and c.passed:
        blocks.append(
            gallery([
                ("coefficients", lambda: plots.forest(c, width=WIDTH)),
                ("marginals", lambda: plots.marginals(c, count=2, width=WIDTH)),
            ])
        )  # fmt: skip
    if c.problem.p:
        blocks.append(Table(heading(c), header, tuple(rows), note))
    else:
        blocks.append(Said(("The model has no columns.",)))
    scales = sensitivity_cells(c) if c.passed else None
    if scales is not None:
        blocks.append(Table(SENSITIVITY, scales[0], tuple(scales[1])))
    return Chapter("coefficients", "Coefficients", blocks)


def ledger(c: Comparison) -> Chapter:
    """What the point estimate discards."""
    blocks: list[Block] = []
    for section in sections(c):
        if section.title.startswith("Prediction"):
            continue
        blocks += _section(section)
    if c.problem.p:
        blocks.append(gallery(_discarded(c)))
    return Chapter("ledger", "What the point estimate discards", blocks)


def _discarded(c: Comparison) -> list[tuple[str, Callable[[], Drawn]]]:
    pictures: list[tuple[str, Callable[[], Drawn]]] = [
        ("information", lambda: plots.information(c, width=WIDTH)),
        ("typicality", lambda: plots.typicality(c, width=WIDTH)),
        ("shrinkage", lambda: plots.shrinkage(c, width=WIDTH)),
    ]
    if c.problem.p > 1:
        pictures.insert(0, ("pairs that trade off", lambda: plots.tradeoffs(c, most=2, width=WIDTH)))
    if c.audited is not None:
        pictures.insert(0, ("from your coefficients", lambda: plots.waterfall(c.waterfall(), most=3, width=WIDTH)))
    return pictures


def _section(section: Section) -> list[Block]:
    lines = tuple(f"{line[:1].upper()}{line[1:]}" for line in section.said)
    said: list[Block] = [Said(lines)] if lines else []
    return [*said, Table(section.title, section.header, section.rows)] if section.rows else said


def predicted(c: Comparison) -> Chapter:
    """Rows left out: the plug-in against the full predictive distribution."""
    found = next(section for section in sections(c) if section.title.startswith("Prediction"))
    blocks = _section(found)
    if not c.prediction.withheld:
        blocks.append(gallery([("calibration", lambda: plots.calibration(c, width=WIDTH))]))
    return Chapter("prediction", "Prediction", blocks)


def reproduced(c: Comparison, command: str | None) -> Chapter:
    """Seeds, versions, and code."""
    attrs = c.posterior.attrs
    rows = (
        ("seed", str(attrs.get("seed", ""))),
        ("sampler", f"{attrs['sampler']}: {attrs['reason']}"),
        ("data", f"{c.problem.n} rows; SHA-256 of the rows as the model sees them {fingerprint(c.problem)}"),
        *versions(c),
    )
    blocks: list[Block] = [] if command is None else [Code(command, "Command line")]
    return Chapter("reproduce", "To reproduce", [*blocks, Code(code(c), "Python"), Facts(rows)])


def beside(also: Mapping[str, object]) -> Chapter:
    """What was asked for beside the comparison, as its own text."""
    return Chapter("also", "Also asked for", [Code(str(found), name) for name, found in also.items()])


def diagnosed(c: Comparison) -> Chapter:
    """How the draws were made, and whether they can be relied on."""
    attrs = c.posterior.attrs
    chains, draws = c.posterior.beta.shape[:2]
    rows = [
        ("sampler", f"{attrs['sampler']}: {attrs['reason']}"),
        ("draws", f"{chains} chains × {draws}" + (", interrupted" if c.posterior.interrupted else "")),
        ("verdict", str(c.posterior.verdict)),
    ]
    blocks: list[Block] = [Facts(tuple(rows))]
    if c.problem.p:
        pictures: list[tuple[str, Callable[[], Drawn]]] = [
            ("trace", lambda: plots.trace(c, most=2, width=WIDTH)),
            ("ranks", lambda: plots.rank(c, most=2, width=WIDTH)),
            ("ESS", lambda: plots.ess(c, most=2, width=WIDTH)),
        ]
        if attrs["sampler"] in SAMPLERS_WITH_ENERGY:
            pictures.append(("energy", lambda: plots.energy(c, width=WIDTH)))
        if c.passed and not c.prediction.withheld:
            pictures += [
                ("k-hat", lambda: plots.khat(c, width=WIDTH)), ("LOO-PIT", lambda: plots.loo_pit(c, width=WIDTH))
            ]  # fmt: skip
        blocks.append(gallery(pictures))
    return Chapter("diagnostics", "Diagnostics", blocks)
