"""What a command computes beside the comparison, where it is asked for: --also."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bayesreg.cli.progress import staged
from bayesreg.errors import InputError

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison

ALSO = {
    "kfold": "10-fold cross-validation, the scale chosen anew in each fold",
    "waterfall": "from the penalised (or the model's own) coefficients to the posterior means, step by step",
    "intervals": "bootstrap and, under Gaussian noise, debiased-lasso intervals beside the posterior's",
    "horseshoe": "the same data under a regularised horseshoe; compiles, a minute or two",
}
"""Name -> what it is."""


def add_also(parser: argparse.ArgumentParser) -> None:
    """Give a command the option, and those that say what a small effect is."""
    listed = "; ".join(f"{name}: {what}" for name, what in ALSO.items())
    parser.add_argument("--also", nargs="+", choices=tuple(ALSO), default=[], metavar="WHAT", help=listed)


def add_epsilon(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that say what a small effect is."""
    parser.add_argument(
        "--epsilon", nargs="+", metavar="[NAME=]ε",
        help="an effect with |β| ≤ ε counts as small, on standardised columns (default: 0.1 of the sd of y)",
    )  # fmt: skip
    parser.add_argument("--epsilon-raw", nargs="+", metavar="[NAME=]ε", help="the same in the data's units")


def read_epsilon(option: str, given: list[str] | None) -> float | dict[str, float] | None:
    """Return one number, or one a named column.

    Raises
    ------
    InputError
        If a word is neither a number nor NAME=NUMBER.
    """
    if given is None:
        return None
    pairs = [word.rpartition("=") for word in given]
    try:
        numbers = {name: float(value) for name, _, value in pairs}
    except ValueError:
        numbers = {}
    if not numbers or len(numbers) < len(given) or ("" in numbers and len(numbers) > 1):
        msg = f"{option} takes one number, or NAME=NUMBER for each column (got {' '.join(given)})"
        raise InputError(msg)
    return numbers.get("", numbers)


def compute(comparison: Comparison, wanted: list[str], seed: int) -> dict[str, Any]:
    """Compute what is wanted, in order."""
    from bayesreg import discard

    problem, sigma = comparison.problem, comparison.sigma
    found: dict[str, Any] = {}
    with staged() as stage:
        for name in dict.fromkeys(wanted):
            progress = stage(name)
            if name == "kfold":
                found[name] = discard.kfold(problem, sigma=sigma, seed=seed, progress=progress)
            elif name == "waterfall":
                found[name] = comparison.waterfall(seed=seed, progress=progress)
            elif name == "intervals":
                found[name] = comparison.beside(seed=seed, progress=progress)
            else:
                found[name] = discard.horseshoe(problem, seed=seed, progress=progress)
    return found


def withheld(found: Mapping[str, Any]) -> list[str]:
    """Return why each of those that failed a gate is withheld."""
    return [f"{name}: {result.withheld}" for name, result in found.items() if result.withheld]
