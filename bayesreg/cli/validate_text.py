"""What `bayesreg validate` prints: the conclusion, what was done, what it means, how long it took."""

from __future__ import annotations

from collections.abc import Iterator

from bayesreg.cli.output import aligned, wrapped
from bayesreg.cli.validate_result import Checked
from bayesreg.in_words import counted, title
from bayesreg.validate.between import ASK

ROWS = 5
"""Quantities, and differences of samplers, that are shown."""


def as_text(checked: Checked) -> str:
    """Return both checks in words, the conclusion first."""
    lines = wrapped(checked.verdict, "")
    lines += ["", *wrapped(title(checked.calibration.problem))]
    for remark in checked.about:
        lines += wrapped(remark)
    lines += ["", *_calibration(checked), "", *_agreement(checked)]
    meaning = "Whether the model is right is not judged here, only whether its posterior is drawn rightly."
    lines += ["", *wrapped(meaning, ""), _took(checked)]
    return "\n".join(lines)


def _calibration(checked: Checked) -> Iterator[str]:
    found = checked.calibration
    yield from wrapped(f"Is it calibrated? {found.verdict}", "")
    yield ""
    of = "responses of these rows" if found.truths == "prior" else "as many new rows"
    by = ", ".join(f"{name} ({count})" for name, count in found.methods.items()) or "nobody"
    yield from wrapped(
        f"{counted(len(found.records), 'time')}: a truth, {of} simulated at it, the posterior drawn by {by}, and the "
        f"truth's rank among {found.levels} draws. Ranks of a right sampler are uniform. ({_first_up(found.sentence)}.)"
    )
    for why, count in found.failures.items():
        yield from wrapped(f"{counted(count, 'time')} without draws: {why}")
    if not len(found.ranks):
        return
    yield from wrapped(_seen(checked))
    yield ""
    rows = [
        (str(name), f"{row['p_value']:.2g}", f"{row['mean_rank']:.3f}", f"{row['spread']:.2f}")
        for name, row in found.table.head(ROWS).iterrows()
    ]
    yield from aligned(("least uniform", "p", "mean rank (½)", "spread (1)"), rows)
    if len(found.names) > ROWS:
        yield f"  ({len(found.names) - ROWS} quantities, all likelier, are not shown)"


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _seen(checked: Checked) -> str:
    """What so many replications can show: what a pass is worth."""
    least = checked.calibration.detectable
    seen: list[str] = []
    unseen: list[str] = []
    for worth, told, name in (
        (least.shift < 10, f"{least.shift:.2g} posterior sds off", "off"),
        (least.narrow > 0.01, f"{100 * (1 - least.narrow):.0f} % too narrow", "too narrow"),
        (least.wide < 100, f"{100 * (least.wide - 1):.0f} % too wide", "too wide"),
    ):
        (seen if worth else unseen).append(told if worth else name)
    parts = []
    if seen:
        parts.append(
            f"So many replications are as likely as not, or likelier, to show draws that are {' or '.join(seen)}; less "
            "than that may stay unseen."
        )
    if unseen:
        parts.append(f"Draws that are {' or '.join(unseen)} stay unseen by so few, however far.")
    if checked.calibration.shared:
        parts.append("An error that truths and draws have in common, such as a wrong λ, stays unseen by any number.")
    return " ".join(parts)


def _agreement(checked: Checked) -> Iterator[str]:
    held = checked.agreement
    if held is None:
        yield from wrapped(
            f"Do samplers agree? {'not checked' if checked.waived else 'NOT CHECKED'}: {checked.unmade}", ""
        )
        return
    yield from wrapped(f"Do samplers agree? {held.verdict}", "")
    yield ""
    against = " against ".join([*held.samplers, *([held.oracle] if held.oracle else [])])
    yield from wrapped(f"Means, sds and quantiles of everything unknown, on your data: {against}.")
    if len(held.table):
        yield ""
        rows = [
            (
                f"{row['statistic']} of {row['variable']}", f"{row['second']} − {row['first']}",
                *(f"{row[name]:.3g}" for name in ("difference", "mcse", "z")),
            )
            for row in held.worst.head(ROWS).to_dict("records")
        ]  # fmt: skip
        yield from aligned(("furthest apart", "between", "difference", "MCSE", "z"), rows, left=2)
    for name, why in held.skipped.items():
        compiles = "compiles a PyMC model first" + ("; --method nuts runs it" if name == "nuts" else "")
        yield from wrapped(f"not run: {name}: {compiles if why == ASK else why}")


def _took(checked: Checked) -> str:
    parts = [f"{name} {_seconds(value)}" for name, value in checked.seconds.items()]
    return f"Took {_seconds(sum(checked.seconds.values()))} ({', '.join(parts)}); seed {checked.calibration.seed}."


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{value // 60:.0f} min {value % 60:.0f} s"
