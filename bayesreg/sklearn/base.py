"""What the estimators share: their parameters, the fit, and the linear predictor of every draw for new rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.evidence import DRAWS, EvidenceChoice, evidence_scale
from bayesreg.interfaces import Array, Likelihood, Prior
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import MAY_REFUSE, Posterior, sample
from bayesreg.sklearn.distinct import WeightedRows

PRIORS = {"laplace": Laplace, "gaussian": Gaussian}

CELLS = 1 << 22
"""Rows × draws of a piece of a prediction: 32 MiB."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A posterior, its prior's scale (None where the prior is an object), and how that was chosen, if it was."""

    posterior: Posterior
    scale: float | None
    choice: EvidenceChoice | None


class PosteriorEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A posterior behind scikit-learn's interface; see its two subclasses."""

    prior: Any
    scale: Any
    fit_intercept: Any
    standardize: Any
    method: Any
    draws: Any
    tune: Any
    chains: Any
    random_state: Any

    # -- fitting -----------------------------------------------------------------------------------------------------

    def _sampled(self, rows: WeightedRows, likelihood: Likelihood, *, scaled: bool) -> Fit:
        """The posterior of these rows, the prior's scale chosen where it is to be."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        prior, scale = self._read_prior()
        names = [str(name) for name in self.feature_names_in_] if "feature_names_in_" in vars(self) else None
        problem = Problem.from_arrays(
            rows.X,
            rows.y,
            prior=prior,
            likelihood=likelihood,
            intercept=Flat() if self._read_flag("fit_intercept") else None,
            standardize=self._read_flag("standardize"),
            scale_by_noise=scaled,
            weights=rows.weights,
            names=names,
        )
        choice, method = None, self.method
        if isinstance(self.prior, str) and scale is None:
            few = min(DRAWS, read_integer("draws", self.draws, 1))
            choice = evidence_scale(problem, seed=seed, draws=few, tune=self.tune, method=method)
            scale = choice.scale
            problem = problem.with_prior(problem.prior.at(scale))
            integrated = likelihood.dispersion is None or likelihood.quadratic
            # What drew for the choice draws at it, unless it may refuse there: `auto` then has another to turn to.
            sure = choice.rounds and integrated and choice.method not in MAY_REFUSE
            method = choice.method if method == "auto" and sure else method
        return Fit(sample(problem, method, self.draws, self.chains, seed, tune=self.tune), scale, choice)

    def _read_prior(self) -> tuple[Prior | Mapping[str, Prior], float | None]:
        """The prior, and the scale it was given as a number."""
        evidence = isinstance(self.scale, str) and self.scale == "evidence"
        if isinstance(self.prior, Prior | Mapping):
            if not evidence:
                msg = f"prior={self.prior!r} has its own scale: leave scale alone (got scale={self.scale!r})"
                raise ParameterError(msg)
            return self.prior, None
        if not isinstance(self.prior, str) or self.prior not in PRIORS:
            msg = f"prior must be 'laplace', 'gaussian' or a bayesreg prior such as Laplace(0.5) (got {self.prior!r})"
            raise ParameterError(msg)
        make = PRIORS[self.prior]
        if evidence:
            return make(1.0), None
        if isinstance(self.scale, str) or np.ndim(self.scale):
            msg = f"scale must be 'evidence' or a number > 0 (got {self.scale!r})"
            raise ParameterError(msg)
        prior = make(self.scale)
        return prior, float(self.scale)

    def _read_flag(self, name: str) -> bool:
        value = getattr(self, name)
        if not isinstance(value, bool | np.bool_):
            msg = f"{name} must be True or False (got {value!r})"
            raise ParameterError(msg)
        return bool(value)

    def _keep(self, fit: Fit) -> None:
        """Set what all estimators have once they are fitted."""
        posterior = fit.posterior
        self.posterior_, self.problem_ = posterior, posterior.problem
        if not posterior.verdict.passed:
            warnings.warn(
                f"{type(self).__name__}: the draws failed a gate ({'; '.join(posterior.verdict.reasons)}): predictions "
                "are not to be relied on; more draws (draws=) or another method may do",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.scale_, self.scale_choice_ = fit.scale, fit.choice
        self.coef_ = posterior.beta_raw.mean(axis=(0, 1))
        self.coef_sd_ = posterior.beta_raw.std(axis=(0, 1))
        raw = posterior.intercept_raw if posterior.problem.has_intercept else np.zeros((1, 1))
        self.intercept_: float | Array = float(raw.mean())
        self.intercept_sd_: float | Array = float(raw.std())

    # -- predicting --------------------------------------------------------------------------------------------------

    def _new_rows(self, X: Any) -> Array:
        """Rows to predict, on the scale that the prior sees."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return np.asarray(self.problem_.design.to_prior_scale(X))

    def _parameters(self) -> tuple[Array, Array, Array | None]:
        """Draws of intercept (m,) and coefficients (m, p) on the prior's scale, and of the dispersion, if unknown."""
        posterior, problem = self.posterior_, self.problem_
        beta = posterior.beta.reshape(-1, problem.p)
        intercept = posterior.intercept.ravel() if problem.has_intercept else np.zeros(len(beta))
        name = problem.likelihood.dispersion_name
        known = name is None or problem.likelihood.sigma_known is not None
        return intercept, beta, None if known else posterior.draws(str(name)).ravel()

    def _predictors(self, Z: Array) -> Iterator[tuple[slice, Array]]:
        """η (rows, m) of every draw, some rows at a time."""
        intercept, beta, _ = self._parameters()
        step = max(1, CELLS // len(beta))
        for i in range(0, len(Z), step):
            piece = slice(i, i + step)
            yield piece, Z[piece] @ beta.T + intercept

    def _drawn_responses(self, X: Any, n_samples: Any, random_state: Any) -> Array:
        """New responses (n, n_samples), a column for each of some draws of the parameters."""
        Z = self._new_rows(X)
        if isinstance(n_samples, bool) or not isinstance(n_samples, int | np.integer) or n_samples < 1:
            msg = f"n_samples must be an integer >= 1 (got {n_samples!r})"
            raise ParameterError(msg)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31 - 1))
        intercept, beta, dispersion = self._parameters()
        chosen = rng.choice(len(beta), n_samples, replace=bool(n_samples > len(beta)))
        eta = intercept[chosen, None] + beta[chosen] @ Z.T
        likelihood = self.problem_.likelihood
        drawn = likelihood.simulate(eta, None if dispersion is None else dispersion[chosen, None], rng)
        return np.asarray(drawn).T


def read_quantiles(quantiles: Any) -> Array | None:
    """Return probabilities (q,); None where none are asked for.

    Raises
    ------
    ParameterError
        If one does not lie between 0 and 1.
    """
    if quantiles is None:
        return None
    found = np.atleast_1d(np.asarray(quantiles, dtype=float))
    if found.ndim != 1 or not ((found >= 0) & (found <= 1)).all():
        msg = f"quantiles must be probabilities between 0 and 1 (got {quantiles!r})"
        raise ParameterError(msg)
    return found


def told(mean: Array, sd: Array | None, quantiles: Array | None) -> Any:
    """What scikit-learn's callers expect: the mean alone, or a tuple of it and of what else was asked for."""
    rest = [part for part in (sd, quantiles) if part is not None]
    return (mean, *rest) if rest else mean
