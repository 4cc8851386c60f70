"""The checks that a comparison stands on, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.optimum import Outcome
from bayesreg.reporting.blocks import Gate, Gates

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.optimum import Optimum


def gates(c: Comparison) -> Gates:
    """Return every gate of a comparison, in the order in which they are passed."""
    verdict = c.posterior.verdict
    found = [
        Gate(
            "Is the PyMC model the objective?", c.graph_check.passed,
            f"logp + J is one constant to {c.graph_check.spread:.1e} at {c.graph_check.points} random points",
        ),
        _optimum("Is the MAP an optimum?", c.map),
        _optimum("Is the penalised fit an optimum?", c.penalized),
        Gate("Are they one point?", c.agree, _agreement(c)),
        Gate("Can the posterior draws be relied on?", verdict.passed, _inside(str(verdict))),
    ]  # fmt: skip
    if c.audited is not None:
        found.insert(0, Gate("Is the audited fit an optimum?", c.audited.sound, c.audited.verdict))
    return Gates((*found, _prediction(c)))


def _optimum(name: str, optimum: Optimum) -> Gate:
    certificate = optimum.certificate
    gap = f", duality gap {certificate.gap:.1e} nats" if np.isfinite(certificate.gap) else ""
    said = f"{optimum.outcome.value}; largest KKT residual {certificate.kkt:.1e}{gap}"
    return Gate(name, optimum.outcome is not Outcome.NOT_CERTIFIED, said)


def _agreement(c: Comparison) -> str:
    if not c.problem.p:
        return "there are no coefficients"
    return f"largest |MAP − penalised| = {c.coefficients['difference'].abs().max():.1e}; {c.zeros_text}"


def _prediction(c: Comparison) -> Gate:
    name = "Can rows left out be predicted?"
    if not c.passed:
        return Gate(name, None, "not asked: a check above failed")
    withheld = c.prediction.withheld
    return Gate(name, not withheld, withheld or c.prediction.method)


def _inside(verdict: str) -> str:
    """What follows the verdict's first word; of one that passed, what stands in the brackets."""
    said = verdict.partition(" ")[2]
    return said[1:-1] if said.startswith("(") else said
