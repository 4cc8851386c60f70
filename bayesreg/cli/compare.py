"""`bayesreg compare`: MAP, penalised optimum and posterior of one data set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bayesreg.cli.options import add_output, add_sampling, make_folder, noted, number_or_word
from bayesreg.cli.progress import shown
from bayesreg.cli.status import GATE_FAILED, OK
from bayesreg.errors import InputError

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.datasets import Dataset
    from bayesreg.problem import Problem

FAMILIES = {
    "gaussian": "GaussianNoise",
    "student": "StudentTNoise",
    "bernoulli": "BernoulliLogit",
    "poisson": "PoissonLog",
    "negative_binomial": "NegativeBinomialLog",
    "gamma": "GammaLog",
}
"""Likelihoods by the names that they have on the command line."""


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.description = (
        "Find the MAP of the PyMC model and the explicitly penalised optimum at the matched λ, prove that they are "
        "the same point, draw the posterior, and show what the point estimate discards."
    )
    parser.add_argument("data", help="a bundled data set (see `bayesreg datasets`) or a CSV file")
    parser.add_argument("--target", help="column to predict (a CSV file needs it)")
    parser.add_argument("--likelihood", choices=tuple(FAMILIES), help="default: the data set's own, else gaussian")
    parser.add_argument(
        "--prior", choices=("laplace", "gaussian"), default="laplace", help="laplace (lasso) or gaussian (ridge)"
    )
    parser.add_argument(
        "--scale", type=float, help="prior scale, b or τ, on standardised columns (default: chosen, see --by)"
    )
    parser.add_argument(
        "--by", choices=("evidence", "cv"),
        help="rule that chooses the scale: highest marginal likelihood (default), or least held-out loss of the MAP",
    )  # fmt: skip
    parser.add_argument("--scale-by-noise", action="store_true", help="prior scale in units of σ (Park & Casella)")
    parser.add_argument(
        "--sigma",
        type=number_or_word,
        metavar="σ",
        help="where σ (or a shape) is unknown, match at: a number, residual, cv_lasso or joint",
    )
    parser.add_argument("--raw", action="store_true", help="do not standardise the columns")
    add_sampling(parser)
    add_output(parser)
    parser.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    from bayesreg.comparison import compare

    make_folder(options.out)
    problem, remarks = _problem(options)
    with shown() as progress:
        comparison = compare(
            problem, sigma=options.sigma, method=options.method, draws=options.draws, chains=options.chains,
            seed=options.seed, progress=progress, remarks=remarks,
        )  # fmt: skip
    print(comparison.to_json() if options.json else comparison.summary())
    if options.out is not None:
        write(comparison, options.out)
    if not comparison.passed:
        print(f"bayesreg: a gate failed: {comparison.withheld}", file=sys.stderr)
        return GATE_FAILED
    return OK


def _problem(options: argparse.Namespace) -> tuple[Problem, tuple[str, ...]]:
    """Return the problem and how its prior's scale was come by."""
    from bayesreg import likelihoods
    from bayesreg.priors import Gaussian, Laplace
    from bayesreg.problem import Problem

    if options.scale is not None and options.by is not None:
        msg = f"--by {options.by} chooses a scale, but --scale {options.scale:g} gives one; leave one of them out"
        raise InputError(msg)
    data = _load(options)
    family = options.likelihood or data.likelihood
    kind = {"laplace": Laplace, "gaussian": Gaussian}[options.prior]
    with noted():
        problem = Problem.from_arrays(
            data.X,
            data.y,
            likelihood=getattr(likelihoods, FAMILIES[family])(),
            prior=kind(1.0 if options.scale is None else options.scale),
            standardize=not options.raw,
            scale_by_noise=options.scale_by_noise,
            names=data.names,
        )
    about = f"data: {data.name}, predicting {data.target} ({data.source})"
    if options.scale is not None:
        return problem, (about, f"prior scale = {options.scale:g}, as given")
    from bayesreg.strength import choose_scale

    choice = choose_scale(problem, options.by or "evidence", sigma=options.sigma, seed=options.seed)
    return choice.problem, (about, f"prior {choice.sentence}")


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


def write(comparison: Comparison, folder: Path) -> None:
    """Write a comparison, its table and its pictures to a folder."""
    from bayesreg import plots

    comparison.save(folder / "comparison.zarr")
    comparison.coefficients.to_csv(folder / "coefficients.csv")
    (folder / "comparison.json").write_text(comparison.to_json(), encoding="utf-8")
    written = ["comparison.zarr", "coefficients.csv", "comparison.json"]
    for name, draw in (("forest", plots.forest), ("marginals", plots.marginals)) if comparison.problem.p else ():
        plots.save(draw(comparison), folder / f"{name}.png")
        written.append(f"{name}.png")
    print(f"written to {folder}: {', '.join(written)}", file=sys.stderr)
