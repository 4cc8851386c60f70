"""`PosteriorRegressor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Likelihood
from bayesreg.likelihoods import GammaLog, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.sklearn.base import PosteriorEstimator, read_quantiles, told
from bayesreg.sklearn.distinct import distinct_rows, read_weights

LIKELIHOODS: dict[str, Callable[[], Likelihood]] = {
    "gaussian": GaussianNoise,
    "student": lambda: StudentTNoise(4.0),
    "poisson": PoissonLog,
    "negative_binomial": NegativeBinomialLog,
    "gamma": GammaLog,
}
"""Word -> likelihood; Student's t with 4 degrees of freedom."""

POSITIVE = ("poisson", "negative_binomial", "gamma")


class PosteriorRegressor(RegressorMixin, PosteriorEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Regression by the full posterior, behind scikit-learn's interface.

        y_i ~ likelihood(η_i),  η_i = a + x_iᵀβ,  β_j ~ prior(scale),  a flat,  σ ~ 1/σ

    A row of weight 2 is the row given twice, one of weight 0 is no row: in the standardisation, the choice of the
    scale, and the draws.

    Parameters
    ----------
    prior : {"laplace", "gaussian"}, Prior, or mapping of str to Prior, default "laplace"
        On the coefficients of the columns, standardised if `standardize`.  With a bayesreg prior such as
        `ElasticNet(l1, l2)`, or a mapping by column name, which have their own scales, `scale` is left alone.
    scale : "evidence" or float > 0, default "evidence"
        The prior's scale (b of a Laplace prior, the sd of a Gaussian one), or the one of highest marginal likelihood
        p(y | scale).  In units of the noise's sd under `scale_by_noise`: `prior="gaussian", scale=1/√alpha` is
        `Ridge(alpha)`'s penalty.
    likelihood : str or Likelihood, default "gaussian"
        "gaussian", "student" (ν = 4), "poisson", "negative_binomial", "gamma", or a bayesreg likelihood.  Student's t,
        the negative binomial and the gamma family have an unknown dispersion and are sampled by NUTS, which compiles;
        a scale by evidence is chosen with the dispersion at its plug-in value.
    fit_intercept : bool, default True
    standardize : bool, default True
        Whether columns are centred (if there is an intercept) and divided by their weighted population sd.
    scale_by_noise : "auto" or bool, default "auto"
        Whether the prior's scale is in units of σ (Park & Casella 2008).  "auto": where the likelihood has a noise
        scale and the prior is a word.  Without it, columns that fit y exactly leave no posterior under 1/σ.
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
    coef_, coef_sd_ : array (p,)
        Posterior means and sds of the coefficients, in the data's units.
    intercept_, intercept_sd_ : float
        The same of the intercept; 0 without one.
    scale_ : float or None
        The prior's scale; None where the prior was given as an object.
    scale_choice_ : EvidenceChoice or None
        How it was chosen, with its Monte Carlo error and a sentence.
    posterior_ : Posterior
        The draws, their diagnostics and verdict.
    problem_ : Problem
        What was sampled.  Where rows are repeated or weighted, equal rows are in it once, with their summed weight.
    n_features_in_ : int
    feature_names_in_ : array of str (p,)
        Where X has names.

    Raises
    ------
    InputError, ParameterError, FitError
        In `fit`: bad data, a bad parameter, a posterior that does not exist (a constant y with σ unknown).

    References
    ----------
    Park & Casella (2008), JASA 103:681–686; MacKay (1992), Neural Comput. 4:415–447.
    """

    def __init__(
        self,
        prior: Any = "laplace",
        scale: Any = "evidence",
        likelihood: Any = "gaussian",
        *,
        fit_intercept: bool = True,
        standardize: bool = True,
        scale_by_noise: Any = "auto",
        method: str = "auto",
        draws: int = 1000,
        tune: int | None = None,
        chains: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.prior = prior
        self.scale = scale
        self.likelihood = likelihood
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.scale_by_noise = scale_by_noise
        self.method = method
        self.draws = draws
        self.tune = tune
        self.chains = chains
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = isinstance(self.likelihood, str) and self.likelihood in POSITIVE
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Draw the posterior.

        Parameters
        ----------
        X : array-like (n, p)
        y : array-like (n,)
        sample_weight : array-like (n,), optional
            ≥ 0.

        Returns
        -------
        self
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        likelihood = self._read_likelihood()
        rows = distinct_rows(X, np.asarray(y, dtype=float), read_weights(sample_weight, len(y)))
        self._keep(self._sampled(rows, likelihood, scaled=self._read_scaled(likelihood)))
        return self

    def _read_likelihood(self) -> Likelihood:
        if isinstance(self.likelihood, Likelihood) and self.likelihood.link != "logit":
            return self.likelihood
        if isinstance(self.likelihood, str) and self.likelihood in LIKELIHOODS:
            return LIKELIHOODS[self.likelihood]()
        msg = (
            f"likelihood must be one of {', '.join(map(repr, LIKELIHOODS))} or a bayesreg likelihood such as "
            f"StudentTNoise(4.0) (got {self.likelihood!r}); for classes there is PosteriorClassifier"
        )
        raise ParameterError(msg)

    def _read_scaled(self, likelihood: Likelihood) -> bool:
        if isinstance(self.scale_by_noise, str) and self.scale_by_noise == "auto":
            return likelihood.location_scale and isinstance(self.prior, str)
        return self._read_flag("scale_by_noise")

    def predict(self, X: Any, return_std: bool = False, quantiles: Any = None) -> Any:
        """Predict the mean of new responses, E[y | x, data], every unknown integrated out.

        Parameters
        ----------
        X : array-like (n, p)
        return_std : bool, default False
            Whether the predictive sd is returned too: that of a new response, noise included,
            √(Var E[y | x, θ] + E Var[y | x, θ]).
        quantiles : sequence of float, optional
            Probabilities whose predictive quantiles are returned too, of a new response as well; from one simulated
            response per draw, with the same random numbers for every row.

        Returns
        -------
        mean : array (n,)
        std : array (n,)
            If `return_std`.
        quantiles : array (n, q)
            If `quantiles` are given.
        """
        Z, probabilities = self._new_rows(X), read_quantiles(quantiles)
        _, _, dispersion = self._parameters()
        likelihood = self.problem_.likelihood
        mean = np.empty(len(Z))
        sd = np.empty(len(Z)) if return_std else None
        marks = None if probabilities is None else np.empty((len(Z), probabilities.size))
        for piece, eta in self._predictors(Z):
            means = likelihood.mean(eta)
            mean[piece] = means.mean(axis=1)
            if sd is not None:
                sd[piece] = np.sqrt(means.var(axis=1) + likelihood.variance(eta, dispersion).mean(axis=1))
            if marks is not None and probabilities is not None:
                marks[piece] = [self._quantiles(row, dispersion, probabilities) for row in eta]
        return told(mean, sd, marks)

    def _quantiles(self, eta: Array, dispersion: Array | None, probabilities: Array) -> Array:
        """Quantiles (q,) of one response for each draw of η (m,)."""
        drawn = self.problem_.likelihood.simulate(eta, dispersion, np.random.default_rng(0))
        return np.asarray(np.quantile(drawn, probabilities))

    def sample_y(self, X: Any, n_samples: int = 1, random_state: Any = 0) -> Array:
        """Draw new responses from the posterior predictive distribution.

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
        return self._drawn_responses(X, n_samples, random_state)
