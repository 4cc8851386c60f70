"""What a fitted scikit-learn estimator says of itself: its coefficients, and the numbers of its penalty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array

ATTRIBUTES: dict[str, dict[str, str]] = {
    "Ridge": {"alpha": "alpha"},
    "RidgeCV": {"alpha": "alpha_"},
    "Lasso": {"alpha": "alpha"},
    "LassoCV": {"alpha": "alpha_"},
    "LassoLars": {"alpha": "alpha"},
    "LassoLarsCV": {"alpha": "alpha_"},
    "LassoLarsIC": {"alpha": "alpha_"},
    "ElasticNet": {"alpha": "alpha", "l1_ratio": "l1_ratio"},
    "ElasticNetCV": {"alpha": "alpha_", "l1_ratio": "l1_ratio_"},
    "LogisticRegression": {"C": "C", "l1_ratio": "l1_ratio", "penalty": "penalty"},
    "LogisticRegressionCV": {"C": "C_", "l1_ratio": "l1_ratio_", "penalty": "penalty"},
    "PoissonRegressor": {"alpha": "alpha"},
    "BayesianRidge": {"lambda_": "lambda_"},
    "ARDRegression": {"lambda_": "lambda_"},
}
"""Estimator -> the numbers of its penalty, and the attributes that hold them."""

FAMILIES = {"LogisticRegression": "bernoulli", "LogisticRegressionCV": "bernoulli", "PoissonRegressor": "poisson"}
"""Likelihoods other than Gaussian noise."""

OWN_NOISE = ("BayesianRidge", "ARDRegression")
"""Estimators with an estimate of σ of their own: 1/√alpha_."""

HELD = 1e12
"""Precision of a column that was taken out, as a multiple of the largest of the others."""

WITHOUT_WEIGHTS = ("LassoLars", "LassoLarsCV", "LassoLarsIC", "ARDRegression")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A fitted estimator, read.

    Parameters
    ----------
    kind : str
        The scikit-learn class.
    convention : str
        Its row in the table of conventions.
    numbers : mapping of str to number
        Of its penalty.
    family : str
        "gaussian", "bernoulli" or "poisson".
    intercept : float
    beta : array (p,)
    has_intercept : bool
    sigma : float or None
        Its own estimate of the noise sd.
    classes : tuple
        Of a classifier: the two labels.
    class_weight : mapping, "balanced" or None
    names : tuple of str or None
        Names of the columns that it was fitted on.
    pruned : bool array (p,)
        Columns that it took out of the model.
    notes : tuple of str
        How its numbers were come by.
    """

    kind: str
    convention: str
    numbers: Mapping[str, Any]
    family: str
    intercept: float
    beta: Array
    has_intercept: bool
    sigma: float | None
    classes: tuple[Any, ...]
    class_weight: Any
    names: tuple[str, ...] | None
    pruned: NDArray[np.bool_]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The estimator with its numbers."""
        shown = ", ".join(f"{name}={_brief(value)}" for name, value in self.numbers.items() if value is not None)
        return f"{self.kind}({shown})"


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.min():.4g} to {value.max():.4g}"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def read_estimator(estimator: Any) -> Reading:
    """Read a fitted estimator.

    Raises
    ------
    ParameterError
        If it is none of those in `ATTRIBUTES`, is not fitted, or assumes what no prior here does.
    """
    kind = kind_of(estimator)
    check_fitted(estimator)
    _check_form(kind, estimator)
    numbers = {name: _number(name, getattr(estimator, attribute)) for name, attribute in ATTRIBUTES[kind].items()}
    if numbers.get("penalty", "deprecated") == "deprecated":
        numbers.pop("penalty", None)
    convention = f"sklearn.{kind}"
    notes = _chosen(kind)
    pruned = np.zeros(np.ravel(estimator.coef_).size, dtype=bool)
    if kind.startswith("LogisticRegression") and estimator.solver == "liblinear":
        convention = "sklearn.LogisticRegression:liblinear"
        numbers["intercept_scaling"] = float(estimator.intercept_scaling)
        if kind.endswith("CV") and estimator.intercept_scaling != 1:
            numbers["intercept_scaling"] = 1.0
            notes += ("scikit-learn's cross-validated fit passes no intercept_scaling on to its last fit, which has 1",)
    if kind == "ARDRegression":
        pruned = np.asarray(numbers["lambda_"] >= estimator.threshold_lambda)
        numbers["lambda_"], more = _pruned(numbers["lambda_"], pruned, float(estimator.threshold_lambda))
        notes += more
    return Reading(
        kind=kind,
        convention=convention,
        numbers=numbers,
        family=FAMILIES.get(kind, "gaussian"),
        intercept=float(np.ravel(estimator.intercept_)[0]) if estimator.fit_intercept else 0.0,
        beta=np.ravel(np.asarray(estimator.coef_, dtype=float)),
        has_intercept=bool(estimator.fit_intercept),
        sigma=float(1 / np.sqrt(estimator.alpha_)) if kind in OWN_NOISE else None,
        classes=tuple(estimator.classes_) if kind in FAMILIES and FAMILIES[kind] == "bernoulli" else (),
        class_weight=estimator.class_weight if kind.startswith("LogisticRegression") else None,
        names=feature_names(estimator),
        pruned=pruned,
        notes=notes,
    )


def _pruned(precision: Array, pruned: NDArray[np.bool_], threshold: float) -> tuple[Array, tuple[str, ...]]:
    """Precisions with those of columns that were taken out so large that nothing moves them."""
    if not pruned.any():
        return precision, ()
    note = f"{pruned.sum()} of {pruned.size} columns were taken out (lambda_ ≥ threshold_lambda): they are held at 0"
    return np.where(pruned, HELD * max(threshold, float(precision.max())), precision), (note,)


def kind_of(estimator: Any) -> str:
    """The scikit-learn class that an estimator is, or derives from."""
    for base in type(estimator).__mro__:
        if base.__module__.startswith("sklearn.") and base.__name__ in ATTRIBUTES:
            return str(base.__name__)
    msg = (
        f"audit takes a fitted scikit-learn estimator, alone or last in a Pipeline (got {type(estimator).__name__}); "
        f"it knows {', '.join(ATTRIBUTES)}"
    )
    raise ParameterError(msg)


def check_fitted(estimator: Any) -> None:
    """Raise ParameterError unless an estimator is fitted."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        msg = f"this {type(estimator).__name__} is not fitted: call fit first"
        raise ParameterError(msg) from error


def feature_names(estimator: Any) -> tuple[str, ...] | None:
    """Names of the columns that an estimator was fitted on, where it was fitted on a data frame."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else tuple(str(name) for name in names)


def _check_form(kind: str, estimator: Any) -> None:
    coefficients = np.asarray(estimator.coef_)
    if coefficients.ndim > 1 and coefficients.shape[0] > 1:
        what = "classes" if kind in FAMILIES else "responses"
        msg = f"this {kind} has {coefficients.shape[0]} {what}: audit takes two classes, or one response"
        raise ParameterError(msg)
    if kind == "LogisticRegressionCV" and not estimator.refit:
        msg = (
            "this LogisticRegressionCV has refit=False: its coefficients are means over folds, the mode of no posterior"
        )
        raise ParameterError(msg)
    if getattr(estimator, "positive", False):
        msg = f"this {kind} has positive=True: its prior is one-sided, which no prior of bayesreg is"
        raise ParameterError(msg)


def _number(name: str, value: Any) -> Any:
    """One number where the attribute has one for each class; the array where it is one for each column."""
    if name == "penalty" or value is None:
        return value
    array = np.asarray(value)
    if name == "lambda_" and array.ndim:
        return array.astype(float)
    first = np.ravel(array)[0]
    return None if first is None else float(first)


def _chosen(kind: str) -> tuple[str, ...]:
    if kind == "LassoLarsIC":
        return ("alpha was chosen by an information criterion on the same data",)
    if kind.endswith("CV") and kind not in ("RidgeCV", "LogisticRegressionCV"):
        return (
            "alpha was chosen by cross-validation on the same data; in a fold, of fewer rows, the same alpha stood for "
            "a wider prior (λ grows with the rows: b is K/(K−1) times as wide there, τ the root of that)",
        )
    if kind.endswith("CV"):
        return ("the strength was chosen by cross-validation on the same data",)
    if kind in OWN_NOISE:
        return ("the prior's scale and σ were both estimated from the same data",)
    return ()


def one_column(y: Any) -> Any:
    """The response as an array (n,), where it came as one column (n, 1) too."""
    values = np.asarray(y)
    return values.ravel() if values.ndim == 2 and values.shape[1] == 1 else values


def response_name(y: Any) -> str:
    """What the response is called: the name of a Series, of a frame's only column, or "y"."""
    columns = getattr(y, "columns", None)
    name = getattr(y, "name", None) if columns is None else (columns[0] if len(columns) == 1 else None)
    return "y" if name is None else str(name)


def _label(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def read_labels(reading: Reading, y: Any) -> Array:
    """Code a classifier's labels as 0 and 1.

    Raises
    ------
    InputError
        If y holds a label that the classifier does not know.
    """
    labels = one_column(y)
    first, second = reading.classes
    known = (labels == first) | (labels == second)
    if labels.ndim != 1 or not known.all():
        strange = labels[~known][0] if labels.ndim == 1 else labels.shape
        msg = f"y has {_label(strange)}, and the classifier knows {_label(first)} and {_label(second)}"
        raise InputError(msg)
    return np.asarray(labels == second, dtype=float)
