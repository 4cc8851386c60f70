"""What `bayesreg validate` found: both checks, one verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from bayesreg.cli.output import plain

if TYPE_CHECKING:
    from bayesreg.validate import Agreement, Calibration


@final
@dataclass(frozen=True, slots=True)
class Checked:
    """Calibration and agreement of samplers on a user's data and model.

    Parameters
    ----------
    about : tuple of str
        What the data are, and how the prior's scale was come by.
    calibration : Calibration
    agreement : Agreement or None
    unmade : str
        Why there is no agreement, where there is none.
    seconds : mapping of str to float
        How long each check took.
    interrupted : bool
    waived : bool
        Whether it is by design that there is no agreement.
    """

    about: tuple[str, ...]
    calibration: Calibration
    agreement: Agreement | None
    unmade: str
    seconds: Mapping[str, float]
    interrupted: bool
    waived: bool = False

    @property
    def passed(self) -> bool:
        """Whether every check that was to be made was made in full, and passed."""
        return self.calibration.passed and (self.waived or (self.agreement is not None and self.agreement.passed))

    @property
    def failures(self) -> list[str]:
        """What speaks against the sampler."""
        found, held = self.calibration, self.agreement
        reasons = []
        if found.p <= found.false_alarm:
            reasons.append(f"{strayed(found)}, in simulated data whose truth is known")
        elif found.records and not len(found.ranks):
            reasons.append(f"it drew from none of {len(found.records)} simulated data sets")
        if held is not None and len(held.table) and not held.agree:
            row = held.worst.iloc[0]
            pair = f"{row['first']} and {row['second']}"
            reasons.append(f"{pair} disagree on these data, most on the {row['statistic']} of {row['variable']}")
        return reasons

    @property
    def gaps(self) -> list[str]:
        """What was not checked."""
        found, held = self.calibration, self.agreement
        reasons = []
        if not found.complete:
            had = len(found.ranks) - found.short
            reasons.append(f"{had} of {found.replications} replications could be used")
        if held is None and not self.waived:
            reasons.append(f"samplers were not compared: {self.unmade}")
        elif held is not None:
            reasons += [f"{name} could not be judged: {why}" for name, why in held.unjudged.items()]
        return reasons

    @property
    def verdict(self) -> str:
        """One sentence: the first line that the user reads."""
        if self.failures:
            return f"FAILED: do not rely on these draws: {'; '.join(self.failures)}."
        if not self.passed:
            return f"INCOMPLETE: nothing can be concluded: {'; '.join(self.gaps)}."
        by = " and ".join(self.calibration.methods)
        verb, count = "is" if len(self.calibration.methods) == 1 else "are", len(self.calibration.ranks)
        if self.agreement is None and self.calibration.blind:
            return f"Nothing speaks against {by} in {count} replications, but {self.calibration.blind}."
        if self.agreement is None:
            return f"The sampler can be trusted on these data: {by} {verb} calibrated in {count} replications."
        names = [*(["the exact posterior"] if self.agreement.oracle else []), *self.agreement.samplers]
        return (
            f"The sampler can be trusted on these data: {by} {verb} calibrated in {count} replications, and "
            f"{' and '.join(names)} agree."
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; numbers that do not exist are null."""
        told: dict[str, Any] = plain(
            {
                "passed": self.passed,
                "verdict": self.verdict,
                "interrupted": self.interrupted,
                "about": self.about,
                "failures": self.failures,
                "incomplete": self.gaps,
                "calibration": json.loads(self.calibration.to_json()),
                "agreement": None if self.agreement is None else json.loads(self.agreement.to_json()),
                "seconds": dict(self.seconds),
            }
        )
        return told


def strayed(found: Calibration) -> str:
    """The quantities whose ranks are not uniform, and what that says of their draws."""
    from bayesreg.validate.strays import strays

    table = found.table.loc[found.outside]
    rows = table.head(3).reset_index().to_dict("records")
    told = [f"{row['quantity']} ({strays(row, len(found.ranks))})" for row in rows]
    more = f" and {len(table) - 3} more" if len(table) > 3 else ""
    return f"its draws are off in {', '.join(told)}{more}"
