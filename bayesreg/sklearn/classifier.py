"""`PosteriorClassifier`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import logit
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d, validate_data

from bayesreg.errors import FamilyError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit
from bayesreg.sklearn.base import PosteriorEstimator, read_quantiles, told
from bayesreg.sklearn.distinct import distinct_rows, read_weights


class PosteriorClassifier(ClassifierMixin, PosteriorEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Logistic regression of two classes by the full posterior, behind scikit-learn's interface.

        P(y_i = classes_[1]) = 1/(1 + e^(−η_i)),  η_i = a + x_iᵀβ,  β_j ~ prior(scale),  a flat

    A row of weight 2 is the row given twice, one of weight 0 is no row: in the standardisation, the choice of the
    scale, and the draws.

    Parameters
    ----------
    prior : {"laplace", "gaussian"}, Prior, or mapping of str to Prior, default "laplace"
        On the coefficients of the columns, standardised if `standardize`.  With a bayesreg prior such as
        `ElasticNet(l1, l2)`, or a mapping by column name, which have their own scales, `scale` is left alone.
    scale : "evidence" or float > 0, default "evidence"
        The prior's scale (b of a Laplace prior, the sd of a Gaussian one), or the one of highest marginal likelihood
        p(y | scale).  `LogisticRegression(C)` has `prior="gaussian", scale=√C`, or with l1_ratio=1 `prior="laplace",
        scale=C`, for its mode.
    fit_intercept : bool, default True
    standardize : bool, default True
        Whether columns are centred (if there is an intercept) and divided by their weighted population sd.
    method : str, default "auto"
        Sampler, as in `bayesreg.sample`.
    draws : int, default 1000
        A quarter of the number of draws, as in `bayesreg.sample`.
    tune, chains : int or None, default None
        Warm-up and chains, by default the sampler's own.
    random_state : int, RandomState or None, default 0
        The same integer gives the same draws; None different ones at every fit.

    Attributes
    ----------
    classes_ : array (2,)
    coef_, coef_sd_ : array (1, p)
        Posterior means and sds of the coefficients, in the data's units.
    intercept_, intercept_sd_ : array (1,)
        The same of the intercept; 0 without one.
    scale_, scale_choice_, posterior_, problem_, n_features_in_, feature_names_in_
        As in `PosteriorRegressor`.

    Raises
    ------
    InputError, ParameterError, FamilyError, FitError
        In `fit`: bad data, a bad parameter, not two classes, a posterior that does not exist.
    """

    def __init__(
        self,
        prior: Any = "laplace",
        scale: Any = "evidence",
        *,
        fit_intercept: bool = True,
        standardize: bool = True,
        method: str = "auto",
        draws: int = 1000,
        tune: int | None = None,
        chains: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.prior = prior
        self.scale = scale
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.method = method
        self.draws = draws
        self.tune = tune
        self.chains = chains
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Draw the posterior.

        Parameters
        ----------
        X : array-like (n, p)
        y : array-like (n,)
            Two classes.
        sample_weight : array-like (n,), optional
            ≥ 0.

        Returns
        -------
        self
        """
        X, y = validate_data(self, X, y, dtype=np.float64, ensure_min_samples=2)
        y = column_or_1d(y)
        check_classification_targets(y)
        weights = read_weights(sample_weight, len(y))
        self.classes_ = _two_classes(y, weights)
        rows = distinct_rows(X, (y == self.classes_[1]).astype(float), weights)
        self._keep(self._sampled(rows, BernoulliLogit(), scaled=False))
        self.coef_, self.coef_sd_ = self.coef_[None, :], self.coef_sd_[None, :]
        self.intercept_, self.intercept_sd_ = np.array([self.intercept_]), np.array([self.intercept_sd_])
        return self

    def predict(self, X: Any) -> Any:
        """Return the more probable class (n,) of each row."""
        likely = self._probability(X) > 0.5
        return self.classes_[likely.astype(int)]

    def predict_proba(self, X: Any, return_std: bool = False, quantiles: Any = None) -> Any:
        """Predict the probability of each class, every unknown integrated out.

        Parameters
        ----------
        X : array-like (n, p)
        return_std : bool, default False
            Whether the posterior sd of P(classes_[1] | x, θ) is returned too.
        quantiles : sequence of float, optional
            Probabilities whose posterior quantiles of P(classes_[1] | x, θ) are returned too.

        Returns
        -------
        mean : array (n, 2)
        std : array (n,)
            If `return_std`.
        quantiles : array (n, q)
            If `quantiles` are given.
        """
        Z, probabilities = self._new_rows(X), read_quantiles(quantiles)
        mean = np.empty(len(Z))
        sd = np.empty(len(Z)) if return_std else None
        marks = None if probabilities is None else np.empty((len(Z), probabilities.size))
        for piece, eta in self._predictors(Z):
            p = self.problem_.likelihood.mean(eta)
            mean[piece] = p.mean(axis=1)
            if sd is not None:
                sd[piece] = p.std(axis=1)
            if marks is not None and probabilities is not None:
                marks[piece] = np.quantile(p, probabilities, axis=1).T
        return told(np.column_stack([1 - mean, mean]), sd, marks)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the log of `predict_proba`, (n, 2)."""
        with np.errstate(divide="ignore"):  # a probability that rounds to 0
            return np.asarray(np.log(self.predict_proba(X)))

    def decision_function(self, X: Any) -> Array:
        """Return the log odds (n,) of classes_[1], those of `predict_proba`."""
        return np.asarray(logit(self._probability(X)))

    def _probability(self, X: Any) -> Array:
        return np.asarray(self.predict_proba(X)[:, 1])

    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = 0) -> Any:
        """Draw new classes from the posterior predictive distribution.

        Parameters
        ----------
        X : array-like (n, p)
        n_samples : int, default 1
        random_state : int, RandomState or None, default 0

        Returns
        -------
        array (n, n_samples)
            The rows of a column share one draw of the parameters: it is a joint draw.
        """
        return self.classes_[self._drawn_responses(X, n_samples, random_state).astype(int)]


def _two_classes(y: Array, weights: Array) -> Any:
    """Return the two classes of rows that count.

    Raises
    ------
    FamilyError
        If there are more, or one.
    """
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        msg = f"Only binary classification is supported. The type of the target is {kind}."
        raise FamilyError(msg)
    classes = np.unique(y)
    counted = np.unique(y[weights > 0])
    if counted.size < 2:
        where = "y has" if classes.size < 2 else "among the rows of positive sample_weight y has"
        msg = f"{where} one class only ({counted[0]!r}): two classes are needed"
        raise FamilyError(msg)
    return classes
