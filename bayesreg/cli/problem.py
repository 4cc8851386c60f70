"""Data and a prior, from the options of a command: what `compare`, `path` and `validate` start from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bayesreg.cli.options import noted, number_or_word
from bayesreg.errors import InputError

if TYPE_CHECKING:
    from bayesreg.datasets import Dataset
    from bayesreg.problem import Problem
    from bayesreg.strength import ScaleChoice

FAMILIES = {
    "gaussian": "GaussianNoise",
    "student": "StudentTNoise",
    "bernoulli": "BernoulliLogit",
    "poisson": "PoissonLog",
    "negative_binomial": "NegativeBinomialLog",
    "gamma": "GammaLog",
}
"""Likelihoods by the names that they have on the command line."""

PRIORS = {"laplace": "Laplace", "gaussian": "Gaussian"}


def add_problem(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that say what the data and the prior are."""
    parser.add_argument("data", help="a bundled data set (see `bayesreg datasets`) or a CSV file")
    parser.add_argument("--target", help="column to predict (a CSV file needs it)")
    parser.add_argument("--likelihood", choices=tuple(FAMILIES), help="default: the data set's own, else gaussian")
    parser.add_argument("--prior", choices=tuple(PRIORS), default="laplace", help="laplace (lasso) or gaussian (ridge)")
    parser.add_argument("--scale-by-noise", action="store_true", help="prior scale in units of σ (Park & Casella)")
    parser.add_argument(
        "--sigma",
        type=number_or_word,
        metavar="σ",
        help="where σ (or a shape) is unknown, match at: a number, residual, cv_lasso or joint",
    )
    parser.add_argument("--raw", action="store_true", help="do not standardise the columns")


def add_scale(parser: argparse.ArgumentParser) -> None:
    """Give a command that works at one scale of the prior the options that say which."""
    parser.add_argument(
        "--scale", type=float, help="prior scale, b or τ, on standardised columns (default: chosen, see --by)"
    )
    parser.add_argument(
        "--by", choices=("evidence", "cv"),
        help="rule that chooses the scale: highest marginal likelihood (default), or least held-out loss of the MAP",
    )  # fmt: skip


def scaled_problem(options: argparse.Namespace) -> tuple[Problem, tuple[str, ...], ScaleChoice | None]:
    """Return the problem, how its prior's scale was come by, and the choice of it, if it was chosen.

    Raises
    ------
    InputError
        If a scale is given and to be chosen, or there are no such data, or they cannot be read.
    """
    if options.scale is not None and options.by is not None:
        msg = f"--by {options.by} chooses a scale, but --scale {options.scale:g} gives one; leave one of them out"
        raise InputError(msg)
    if options.scale is not None:
        problem, about = read_problem(options, options.scale)
        return problem, (about, f"prior scale = {options.scale:g}, as given"), None
    from bayesreg.strength import choose_scale

    problem, about = read_problem(options)
    choice = choose_scale(problem, options.by or "evidence", sigma=options.sigma, seed=options.seed)
    return choice.problem, (about, f"prior {choice.sentence}"), choice


def read_problem(options: argparse.Namespace, scale: float = 1.0) -> tuple[Problem, str]:
    """Return the problem with its prior at a scale, and what the data are, in words.

    Raises
    ------
    InputError
        If there are no such data, or they cannot be read.
    """
    from bayesreg import likelihoods, priors
    from bayesreg.problem import Problem

    data = _load(options)
    family = options.likelihood or data.likelihood
    with noted():
        problem = Problem.from_arrays(
            data.X,
            data.y,
            likelihood=getattr(likelihoods, FAMILIES[family])(),
            prior=getattr(priors, PRIORS[options.prior])(scale),
            standardize=not options.raw,
            scale_by_noise=options.scale_by_noise,
            names=data.names,
        )
    return problem, f"data: {data.name}, predicting {data.target} ({data.source})"


def family_of(problem: Problem) -> str:
    """Name that a problem's likelihood has on the command line."""
    return {kind: name for name, kind in FAMILIES.items()}[type(problem.likelihood).__name__]


def _load(options: argparse.Namespace) -> Dataset:
    from bayesreg.datasets import DATASETS, load_dataset, read_csv

    if options.data in DATASETS:
        if options.target is not None:
            msg = f"--target is for a CSV file; the bundled set {options.data!r} has its own"
            raise InputError(msg)
        return load_dataset(options.data)
    if not Path(options.data).exists():
        msg = f"{options.data!r} is neither a file nor a bundled data set ({', '.join(DATASETS)})"
        raise InputError(msg)
    return read_csv(options.data, options.target)
