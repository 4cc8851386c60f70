"""`bayesreg audit`: which prior a fitted scikit-learn model assumed, whether it found its mode, what it discards."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesreg.cli.also import add_also, read_epsilon
from bayesreg.cli.compare import conclude
from bayesreg.cli.options import (
    add_output,
    add_report,
    add_sampling,
    check_report,
    make_folder,
    noted,
    number_or_word,
)
from bayesreg.cli.progress import shown
from bayesreg.errors import InputError
from bayesreg.intake import read_numbers

if TYPE_CHECKING:
    import pandas as pd

JOBLIB = (".joblib", ".pkl", ".pickle")


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.description = (
        "Load a fitted scikit-learn model and the data that it was fitted on; say which prior its penalty assumes, "
        "certify its coefficients, draw the posterior, and show what the point estimate discards."
    )
    parser.add_argument("model", type=Path, help="a fitted model: MODEL.skops, or MODEL.joblib with --trust")
    parser.add_argument("data", type=Path, help="CSV file with the columns that it was fitted on, and the target")
    parser.add_argument("--target", required=True, help="column that it predicts")
    parser.add_argument("--weights", metavar="COLUMN", help="column of sample weights")
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load the file although loading can run any code that its maker put there: only for files of your own",
    )
    parser.add_argument(
        "--sigma",
        type=number_or_word,
        metavar="σ",
        help="noise sd: a number, residual or cv_lasso (default: the best of these)",
    )
    add_sampling(parser)
    parser.add_argument(
        "--epsilon", nargs="+", metavar="[NAME=]ε",
        help="an effect with |β| ≤ ε counts as small, on the columns as the model sees them",
    )  # fmt: skip
    add_also(parser)
    add_report(parser)
    add_output(parser)
    parser.set_defaults(run=_audit)


def _audit(options: argparse.Namespace) -> int:
    epsilon = read_epsilon("--epsilon", options.epsilon)
    check_report(options)
    make_folder(options.out)
    estimator = load_model(options.model, trust=options.trust)
    X, y, weights = _data(options, estimator)
    from bayesreg.auditing import audit

    with noted(), shown() as progress:
        comparison = audit(
            estimator, X, y, options.sigma, weights, method=options.method, draws=options.draws,
            chains=options.chains, seed=options.seed, epsilon=epsilon, progress=progress,
        )  # fmt: skip
    audited = comparison.audited
    assert audited is not None
    status = conclude(comparison, options, [] if audited.sound else [f"the model's coefficients are {audited.verdict}"])
    if options.out is not None:
        audited.table.to_csv(options.out / "audited.csv")
        print(f"and audited.csv, {audited.estimator} column by column", file=sys.stderr)
    return status


def load_model(path: Path, *, trust: bool) -> Any:
    """Load a fitted model from a skops or joblib file.

    Raises
    ------
    InputError
        If there is no such file, its format is not known, or loading it would run code that nobody has vouched for.
    """
    if not path.is_file():
        msg = f"{path} is no file"
        raise InputError(msg)
    suffix = path.suffix.lower()
    if suffix == ".skops":
        return _load_skops(path, trust=trust)
    if suffix not in JOBLIB:
        msg = f"{path}: a model is a .skops file, or one of {', '.join(JOBLIB)} (got {suffix!r})"
        raise InputError(msg)
    if not trust:
        msg = (
            f"{path}: loading a {suffix} file runs any code that its maker put there; save the model with skops "
            "(skops.io.dump), or pass --trust if the file is your own"
        )
        raise InputError(msg)
    print(f"bayesreg: warning: loading {path} runs the code in it, as --trust allows", file=sys.stderr)
    import joblib

    return _read(path, joblib.load)


def _read(path: Path, load: Callable[[Any], Any]) -> Any:
    """What `load` makes of a file; whatever it fails with says that the file is no model."""
    try:
        return load(path)
    except Exception as error:
        msg = f"{path} cannot be read as a model: {type(error).__name__}: {error}"
        raise InputError(msg) from error


def _load_skops(path: Path, *, trust: bool) -> Any:
    try:
        from skops import io
    except ImportError as error:
        msg = f"{path}: reading it needs the package skops: pip install 'bayesreg[audit]'"
        raise InputError(msg) from error
    unknown = _read(path, lambda file: io.get_untrusted_types(file=file))
    if unknown and not trust:
        msg = (
            f"{path} holds types that are not known to be harmless: {', '.join(unknown)}; pass --trust if you know them"
        )
        raise InputError(msg)
    return _read(path, lambda file: io.load(file, trusted=unknown))


def _data(options: argparse.Namespace, estimator: Any) -> tuple[Any, pd.Series[Any], Any]:
    """The columns, the target and the weights of the CSV file."""
    import pandas as pd

    if not options.data.is_file():
        msg = f"{options.data} is no file"
        raise InputError(msg)
    try:
        frame = pd.read_csv(options.data, encoding="utf-8-sig")
    except (ValueError, pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        msg = f"{options.data} cannot be read as CSV: {error}"
        raise InputError(msg) from error
    for option, name in (("--target", options.target), ("--weights", options.weights)):
        if name is not None and name not in frame.columns:
            msg = f"{option} {name!r} is no column of {options.data} ({', '.join(map(str, frame.columns))})"
            raise InputError(msg)
    weights = None if options.weights is None else read_numbers(frame[options.weights], f"--weights {options.weights}")
    X = frame.drop(columns=[name for name in (options.target, options.weights) if name is not None])
    if getattr(estimator, "feature_names_in_", None) is None:
        return X.to_numpy(), frame[options.target], weights  # fitted on an array: by position, without names
    return X, frame[options.target], weights
