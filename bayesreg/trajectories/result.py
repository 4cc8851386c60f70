"""The iterates of a descent, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.noise import Noise
from bayesreg.optimum import Optimum, Outcome
from bayesreg.problem import Problem

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Every iterate of a descent, the start first: K + 1 of them after K steps.

    Parameters
    ----------
    problem : Problem
        The dispersion fixed.
    method : {"gradient", "subgradient", "proximal"}
    penalized : bool
        Whether J was descended, or the loss alone.
    noise : Noise
        The dispersion, and where it comes from.
    intercept, beta : arrays (K + 1,), (K + 1, p)
        On the scale that the prior sees; the intercept is 0 where there is none.
    loss : array (K + 1,)
        Σ w·nll, in nats.
    penalty : array (K + 1,)
        What the problem's priors charge, in nats, the intercept's included, whether they were descended or not.
    objective : array (K + 1,)
        What was descended: loss + penalty, or the loss alone.
    step : array (K,)
        Size t of each step.
    optimum : Optimum or None
        The minimum of what was descended, found by `fit_penalized`; None where there is no finite and unique one.
    least : float
        The objective there; NaN without one.
    reason : str
        Why there is none; empty where there is.
    """

    problem: Problem
    method: str
    penalized: bool
    noise: Noise
    intercept: Array
    beta: Array
    loss: Array
    penalty: Array
    objective: Array
    step: Array
    optimum: Optimum | None = field(repr=False)
    least: float
    reason: str

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("intercept", "beta", "loss", "penalty", "objective", "step"):
            value = np.array(getattr(self, name), dtype=float)
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Number of iterates, the start included."""
        return len(self.beta)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names."""
        return self.problem.names

    @property
    def beta_raw(self) -> Array:
        """Coefficients (K + 1, p) in the data's units."""
        return self.problem.design.to_raw(self.intercept, self.beta)[1]

    @property
    def intercept_raw(self) -> Array:
        """Intercept (K + 1,) in the data's units."""
        return self.problem.design.to_raw(self.intercept, self.beta)[0]

    @property
    def zeros(self) -> NDArray[np.bool_]:
        """Coefficients (K + 1, p) exactly at the prior's location: to the last bit 0, unless the prior has another."""
        return np.asarray(self.beta == self.problem.prior.location(self.problem.p))

    @property
    def support(self) -> NDArray[np.int_]:
        """How many coefficients (K + 1,) are off it."""
        return np.asarray((~self.zeros).sum(axis=1))

    @property
    def excess(self) -> Array:
        """How far the objective (K + 1,) lies above its minimum, in nats; NaN where there is none.

        Where the objective is not convex `least` is the lowest minimum that was found, and need not be this descent's.
        """
        return self.objective - self.least

    @property
    def best(self) -> int:
        """The iterate with the least objective: the last one, if every step descends."""
        return int(np.argmin(self.objective))

    @property
    def passed(self) -> bool:
        """Whether what `excess` is measured from may be relied on: False where the optimum is not certified."""
        return self.optimum is None or self.optimum.outcome is not Outcome.NOT_CERTIFIED

    @property
    def table(self) -> pd.DataFrame:
        """One row an iterate: iteration, loss, penalty, objective, excess, l1 and l2 (norms of β), support, step.

        `step` is the size of the step that led there, NaN at the start.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "iteration": np.arange(len(self)), "loss": self.loss, "penalty": self.penalty,
                "objective": self.objective, "excess": self.excess, "l1": np.abs(self.beta).sum(axis=1),
                "l2": np.sqrt((self.beta**2).sum(axis=1)), "support": self.support,
                "step": np.concatenate([[np.nan], self.step]),
            }
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """Where the descent ended."""
        taken, p = len(self) - 1, self.problem.p
        what = "J" if self.penalized else "the loss"
        text = f"{taken} {self.method} step{'s' * (taken != 1)}"
        if self.optimum is None:
            text += f": {what} is {self.objective[-1]:.6g} nats, without a minimum to compare it with"
        elif not self.passed:
            text += f": {what} is {self.objective[-1]:.6g} nats; its minimum is not certified"
        else:
            least = "its minimum" if self.optimum.certificate.convex else "the lowest minimum that was found"
            text += f": {what} is {max(float(self.excess[-1]), 0.0):.2g} nats above {least}"
        held = p - int(self.support[-1])
        place = "0" if not self.problem.prior.location(p).any() else "the prior's location"
        return f"{text}; {held} of {p} coefficients exactly at {place}"

    def __str__(self) -> str:
        """What was done, where it ended, and why there is no minimum if there is none."""
        held = "" if self.noise.method == "none" else self.noise.sentence
        return "\n".join(text for text in (self.sentence, held, self.reason) if text)

    def _repr_html_(self) -> str:
        """The same, for a notebook."""
        from html import escape

        return "".join(f"<p>{escape(line)}</p>" for line in str(self).splitlines())
