"""What a picture of descents says, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.in_words import counted
from bayesreg.plots.style import WITHHELD
from bayesreg.plots.words import number

if TYPE_CHECKING:
    from bayesreg.trajectories import Trajectory

SETTLED = 0.02
"""Share by which ‖β‖₂ may change over the second half of a descent that is said to have settled."""


FLOOR = 1e-13
"""Share of |J| below which a difference of two values of it is rounding."""


NONE = "The loss has no single finite minimum."


def rounding(one: Trajectory) -> float:
    """Nats below which an excess says nothing."""
    return FLOOR * max(1.0, float(np.abs(one.objective).max()))


def labels_of(trajectories: Sequence[Trajectory]) -> list[str]:
    """Name each descent by its method, told apart by a number where that is not enough."""
    names = [one.method + ("" if one.penalized else ", no penalty") for one in trajectories]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: k + 1].count(name)})" for k, name in enumerate(names)
    ]


def ended(one: Trajectory) -> str:
    """Where one descent ended, for the head of its panel."""
    if not one.passed:
        return WITHHELD
    p = one.problem.p
    exact = f"{p - int(one.support[-1])} of {p} exactly at {_place(one)}"
    if one.optimum is None:
        return f"{exact};\nno single finite minimum"
    return f"{exact};\n{'J' if one.penalized else 'loss'} {_above(one)}"


def _above(one: Trajectory) -> str:
    """How far above the minimum; where the objective is not convex, above the lowest minimum that a search found."""
    convex = one.optimum is not None and one.optimum.certificate.convex
    if one.excess[-1] <= rounding(one):
        return f"at {'its minimum' if convex else 'the lowest found'}"
    return f"{_nats(one)} above {'minimum' if convex else 'lowest found'}"


def claim(trajectories: Sequence[Trajectory]) -> tuple[str, str]:
    """Return the claim, and what supports it."""
    doubtful = [name for name, one in zip(labels_of(trajectories), trajectories, strict=True) if not one.passed]
    if doubtful:
        return WITHHELD, f"The optimum is not certified: {', '.join(doubtful)}."
    growing = [one for one in trajectories if _grows(one)]
    held = [one for one in trajectories if one.penalized and one.optimum is not None]
    if growing and held and all(_settled(one) for one in held):
        return _with_and_without(growing[0], held[0])
    exact = [one for one in trajectories if _zeros(one)]
    if exact:
        return _exact(trajectories, exact)
    steps = _steps(trajectories)
    if growing:
        return f"After {steps} the weights still grow", f"{_sizes(growing[0])} {NONE}"
    compared = [one for one in trajectories if one.optimum is not None]
    if not compared:
        return f"{steps}, without a minimum to compare them with", NONE
    worst = max(compared, key=lambda one: float(one.excess[-1]))
    what = "J" if all(one.penalized for one in compared) else "the objective"
    no_zeros = f"No coefficient is exactly at {_place(worst)}." if worst.problem.p else "There are no coefficients."
    return f"After {steps} {what} is {_above(worst)}", no_zeros


def _exact(trajectories: Sequence[Trajectory], exact: Sequence[Trajectory]) -> tuple[str, str]:
    """Who reaches exact zeros, and how near the others come in those columns."""
    first = exact[0]
    methods = list(dict.fromkeys(one.method for one in exact))
    others = [one for one in trajectories if not _zeros(one)]
    p, count = first.problem.p, _zeros(first)
    most = f"up to {max(map(_zeros, exact))}" if len({_zeros(one) for one in exact}) > 1 else str(count)
    only = bool(others) and not {one.method for one in others} & set(methods)
    what = "exact zeros" if _place(first) == "0" else "the prior's location exactly"
    subject = " and ".join(methods)
    subject = f"Only {subject}" if only else subject.capitalize()
    head = f"{subject} steps reach {what}: {most} of {p} coefficients"
    details = []
    if first.optimum is not None and (first.zeros[-1] == first.optimum.zeros).all():
        details.append("They are the optimum's own.")
    never = int(first.zeros.all(axis=0).sum())
    if never:
        who = "None of them ever" if never == count else f"{never} of them never"
        details.append(f"{who} left {_place(first)}.")
    if others:
        column, location = first.zeros[-1], first.problem.prior.location(p)
        away = max(float(np.abs(one.beta[-1] - location)[column].max()) for one in others)
        details.append(f"There the others end up to {number(away)} from {_place(first)}.")
    return head, " ".join(details)


def _with_and_without(free: Trajectory, held: Trajectory) -> tuple[str, str]:
    head = "Without the penalty the weights keep growing; with it they settle"
    sizes = [number(float(np.linalg.norm(one.beta[-1]))) for one in (free, held)]
    return head, f"After {_steps([free, held])} ‖β‖₂ is {sizes[0]} without, {sizes[1]} with it."


def _sizes(one: Trajectory) -> str:
    half, last = (number(float(np.linalg.norm(one.beta[k]))) for k in (len(one) // 2, -1))
    return f"‖β‖₂ is {half} half-way, {last} at the end."


def _steps(trajectories: Sequence[Trajectory]) -> str:
    counts = sorted({len(one) - 1 for one in trajectories})
    return counted(counts[0], "step") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} steps"


def _zeros(one: Trajectory) -> int:
    return one.problem.p - int(one.support[-1])


def _place(one: Trajectory) -> str:
    return "the prior's location" if one.problem.prior.location(one.problem.p).any() else "0"


def _nats(one: Trajectory) -> str:
    return f"{number(float(one.excess[-1]))}\u00a0nats"


def _grows(one: Trajectory) -> bool:
    """Whether there is no minimum, and ‖β‖₂ has risen all along the second half."""
    if one.optimum is not None or not one.problem.p:
        return False
    size = np.linalg.norm(one.beta[len(one) // 2 :], axis=1)
    return bool((np.diff(size) > 0).all()) and not _settled(one)


def _settled(one: Trajectory) -> bool:
    size = np.linalg.norm(one.beta[len(one) // 2 :], axis=1)
    return bool(np.ptp(size) <= SETTLED * size.max(initial=0.0))
