"""Draws from the posterior in ArviZ's schema, with the verdict on whether they can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from typing import TYPE_CHECKING, Any, final

import numpy as np

from bayesreg.arguments import Seed, generator
from bayesreg.diagnostics import Verdict, diagnose, judged, mcse_mean
from bayesreg.errors import InputError
from bayesreg.in_words import title
from bayesreg.interfaces import Array
from bayesreg.prediction import Prediction, new_rows, predict
from bayesreg.problem import Problem
from bayesreg.samplers.once import Once
from bayesreg.samplers.settings import Draws, Settings

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

NUTS = ("nuts", "pymc")

LOG_LIKELIHOOD_CELLS = 20_000_000
"""Cells (draws × rows) up to which the log-likelihood of each row is computed: 160 MB."""


version = cache(metadata.version)  # read from disk: a millisecond each


@final
@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Posterior draws and their verdict.

    Parameters
    ----------
    arrays : mapping of str to array (chain, draw, ...)
        `intercept`, `beta` and their `_raw` twins in the data's units, `sigma` where unknown.
    attrs : mapping
        `sampler`, `reason`, `interrupted`, `seed`, versions; `draws_asked` and `chains_asked` (0: left to the sampler).
    verdict : Verdict
    problem : Problem
        What was sampled.
    rows : callable
        Computes `log_likelihood`, at first use: for many rows it takes longer than drawing.
    tree : callable
        Builds `data`, at first use: for exact draws, building an xarray object takes longer than drawing.
    """

    arrays: Mapping[str, Array]
    attrs: Mapping[str, Any]
    verdict: Verdict
    rows: Callable[[], Array | None]
    tree: Callable[[], xr.DataTree]
    problem: Problem

    def __repr__(self) -> str:
        """The sampler, how many draws, and the verdict."""
        chains, draws = self.beta.shape[:2]
        return f"Posterior({self.method}, {chains} × {draws} draws of {title(self.problem)}: {self.verdict})"

    def _repr_html_(self) -> str:
        """The verdict and, where it passed, the marginals, for a notebook."""
        from bayesreg.samplers.notebook import as_html

        return as_html(self)

    @property
    def log_likelihood(self) -> Array | None:
        """Weighted log-likelihood (chain, draw, n) of each row, in nats; None where it would take too much memory."""
        return self.rows()

    def summary(self, names: Sequence[str] = (), *, raw: bool = False) -> pd.DataFrame:
        """One row a scalar: mean, sd, 5 %, 50 % and 95 % quantiles, MCSE of the mean, bulk and tail ESS, R-hat.

        Parameters
        ----------
        names : sequence of str, optional
            Variables; by default all, with coefficients on the scale that the prior sees.
        raw : bool
            Whether coefficients and intercept are those in the data's units instead.

        Returns
        -------
        DataFrame
            Not rounded.  `r_hat` is NaN for independent draws and for a single chain.
        """
        import pandas as pd

        twins = ("intercept", "beta")
        hidden = twins if raw else tuple(f"{name}_raw" for name in twins)
        chosen = [name for name in self.arrays if name not in hidden] if not names else list(names)
        values = [self.draws(name) for name in chosen]
        labels = [
            f"{name}[{feature}]" if v.ndim > 2 else name
            for name, v in zip(chosen, values, strict=True)
            for feature in (self.problem.names if v.ndim > 2 else ("",))
        ]
        flat = np.concatenate([v.reshape(*v.shape[:2], -1) for v in values], axis=2)
        nested = int(self.attrs.get("superchains", 0)) or None
        found = judged(flat, independent=self.independent, superchains=nested)
        lower, median, upper = np.quantile(flat, (0.05, 0.5, 0.95), axis=(0, 1))
        table = {
            "mean": flat.mean(axis=(0, 1)), "sd": flat.std(axis=(0, 1), ddof=1),
            "5%": lower, "50%": median, "95%": upper,
            "mcse_mean": mcse_mean(flat, independent=self.independent),
            "ess_bulk": found.bulk, "ess_tail": found.tail, "r_hat": found.rhat,
        }  # fmt: skip
        return pd.DataFrame(table, index=pd.Index(labels, name="variable"))

    def predict(
        self,
        new_data: object = None,
        *,
        kind: str = "response",
        offset: object = None,
        exposure: object = None,
        trials: object = None,
        interval: float = 0.95,
        seed: Seed = 0,
    ) -> Prediction:
        """Predict rows from every draw of the posterior.

        Parameters
        ----------
        new_data : data frame or array, optional
            Rows in the form of the data the problem was built of; by default those data themselves.
        kind : {"response", "link", "predictive"}
            The mean of y given the parameters; the linear predictor η; or draws of y itself, whose interval is about a
            new observation and not about a mean.
        offset, exposure, trials : array-like or str, optional
            As in `Problem.from_arrays`, for the new rows; needed where the problem has them and they were arrays.
        interval : float
            Probability of the central interval.
        seed : int, SeedSequence, Generator or None
            For `predictive`.

        Raises
        ------
        InputError
            If a column is missing, a level of a categorical column was not seen, or a row's offset or trials are.
        ParameterError
            If `kind` or `interval` is outside what it can be.
        """
        rows = new_rows(self.problem, new_data, offset=offset, exposure=exposure, trials=trials)
        lead = [self.intercept[..., None]] if self.problem.has_intercept else []
        theta = np.concatenate([*lead, self.beta], axis=-1)
        name = self.problem.likelihood.dispersion_name
        return predict(
            self.problem, rows, theta, self.arrays.get(name or ""), kind=kind, interval=interval, rng=generator(seed)
        )

    @property
    def data(self) -> xr.DataTree:
        """Everything in ArviZ's schema.

        Groups `posterior`, `sample_stats`, `log_likelihood` (weighted, where it fits in memory), `observed_data` and
        `constant_data`.
        """
        return self.tree()

    @property
    def method(self) -> str:
        """Name of the sampler."""
        return str(self.attrs["sampler"])

    @property
    def interrupted(self) -> bool:
        """Whether sampling was stopped before its end; the draws made until then are here."""
        return bool(self.attrs["interrupted"])

    @property
    def independent(self) -> bool:
        """Whether the draws are independent by construction."""
        return self.verdict.independent

    @property
    def reason(self) -> str:
        """Why this sampler."""
        return str(self.attrs["reason"])

    def draws(self, name: str) -> Array:
        """Draws (chain, draw, ...) of a variable: beta, beta_raw, intercept, intercept_raw, sigma, alpha, beta_scale.

        Raises
        ------
        InputError
            If there is no such variable.
        """
        if name not in self.arrays:
            msg = f"no draws of {name!r}: there are {', '.join(self.arrays)}"
            raise InputError(msg)
        return self.arrays[name]

    @property
    def beta(self) -> Array:
        """Draws (chain, draw, p) on the scale that the prior sees."""
        return self.draws("beta")

    @property
    def beta_raw(self) -> Array:
        """Draws (chain, draw, p) in the data's units."""
        return self.draws("beta_raw")

    @property
    def intercept(self) -> Array:
        """Draws (chain, draw) on the scale that the prior sees."""
        return self.draws("intercept")

    @property
    def intercept_raw(self) -> Array:
        """Draws (chain, draw) in the data's units."""
        return self.draws("intercept_raw")


def from_tree(data: xr.DataTree, verdict: Verdict, problem: Problem) -> Posterior:
    """Return the Posterior that a saved tree holds."""
    arrays = {str(name): np.asarray(values.values) for name, values in data["posterior"].data_vars.items()}
    stored = data["log_likelihood"].to_dataset()["y"].to_numpy() if "log_likelihood" in data.children else None
    attrs = {str(name): value for name, value in data.attrs.items()}
    return Posterior(arrays, attrs, verdict, Once.of(stored), Once.of(data), problem)


def assemble(problem: Problem, draws: Draws, settings: Settings, method: str, reason: str) -> Posterior:
    """Return the Posterior of a sampler's draws."""
    # In one order in memory, as they are read back: sums over them then have the same last digits.
    intercept, beta = map(np.ascontiguousarray, problem.split(draws.theta))
    intercept_raw, beta_raw = map(np.ascontiguousarray, problem.design.to_raw(intercept, beta))
    arrays = {"intercept": intercept, "intercept_raw": intercept_raw} if problem.has_intercept else {}
    arrays |= {"beta": beta, "beta_raw": beta_raw}
    arrays |= _dispersion(problem, draws) | dict(draws.extra)
    attrs = {
        "sampler": method,
        "reason": reason,
        "interrupted": int(draws.interrupted),
        "seed": _seed_text(settings.seed),
        "draws_asked": settings.draws,
        "chains_asked": settings.chains or 0,
        "superchains": draws.superchains or 0,
        **draws.attrs,
        **{name: version(name) for name in ("bayesreg", "numpy", *(("pymc", "nutpie") if method in NUTS else ()))},
    }
    rows = Once(partial(_affordable, problem, draws))
    tree = Once(partial(_tree, problem, arrays, draws.stats, rows, attrs))
    return Posterior(arrays, attrs, _verdict(problem, draws), rows, tree, problem)


def _seed_text(seed: np.random.SeedSequence) -> str:
    """The number that a seed is, or what it is if it is none."""
    return f"{seed.entropy} spawned {seed.spawn_key}" if seed.spawn_key else str(seed.entropy)


def _dispersion(problem: Problem, draws: Draws) -> dict[str, Array]:
    """Draws of the unknown dispersion parameter, under its own name."""
    name = problem.likelihood.dispersion_name
    return {} if draws.sigma is None or name is None else {name: draws.sigma}


def _tree(
    problem: Problem,
    arrays: Mapping[str, Array],
    stats: Mapping[str, Array],
    rows: Once,
    attrs: Mapping[str, Any],
) -> xr.DataTree:
    import xarray as xr

    rowwise = rows()
    lead = ("chain", "draw")
    chains, length = arrays["beta"].shape[:2]
    coords = {"chain": np.arange(chains), "draw": np.arange(length)}
    features = {"feature": list(problem.names)}
    posterior = {name: ((*lead, "feature")[: values.ndim], values) for name, values in arrays.items()}
    block = problem.design.rows.collect()
    constants = {
        "offset": ("obs", block.offset),
        "weights": ("obs", np.ones(problem.n) if block.weights is None else block.weights),
        "centre": ("feature", problem.design.centre),
        "scale": ("feature", problem.design.scale),
    }
    if block.trials is not None:
        constants["trials"] = ("obs", block.trials)
    groups = {
        "posterior": xr.Dataset(posterior, coords=coords | features),
        "sample_stats": xr.Dataset({name: (lead, values) for name, values in stats.items()}, coords=coords),
        "observed_data": xr.Dataset({"y": ("obs", block.y)}),
        "constant_data": xr.Dataset(constants, coords=features),
    }
    if rowwise is not None:
        groups["log_likelihood"] = xr.Dataset({"y": ((*lead, "obs"), rowwise)}, coords=coords)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update(attrs)
    return tree


def _verdict(problem: Problem, draws: Draws) -> Verdict:
    intercept, beta = problem.split(draws.theta)
    monitored = {"intercept": intercept} if problem.has_intercept else {}
    monitored |= {"beta": beta} if problem.p else {}
    monitored |= _dispersion(problem, draws) | dict(draws.extra)
    depth = draws.stats.get("reached_max_treedepth")
    return diagnose(
        monitored,
        independent=draws.independent,
        divergences=int(np.sum(draws.stats.get("diverging", 0))),
        saturated=0.0 if depth is None else float(np.mean(depth)),
        interrupted=draws.interrupted,
        superchains=draws.superchains,
        khat=None if "khat" not in draws.attrs else float(draws.attrs["khat"]),
    )


def _affordable(problem: Problem, draws: Draws) -> Array | None:
    cells = int(np.prod(draws.theta.shape[:2])) * problem.n
    return log_likelihood(problem, draws) if cells <= LOG_LIKELIHOOD_CELLS else None


def log_likelihood(problem: Problem, draws: Draws) -> Array:
    """Weighted log-likelihood (chain, draw, n) of each row, in nats."""
    block = problem.design.rows.collect()
    chains, length, size = draws.theta.shape
    eta = problem.linear_predictor(block, draws.theta.reshape(chains * length, size).T).T
    sigma = problem.likelihood.sigma_known if draws.sigma is None else draws.sigma.reshape(-1, 1)
    values = -block.weighted(problem.likelihood.on(block).nll_given(eta, block.y, sigma))
    return np.ascontiguousarray(values.reshape(chains, length, problem.n))
