"""Draws from the posterior in ArviZ's schema, with the verdict on whether they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.diagnostics import Verdict, diagnose
from bayesreg.errors import InputError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers.settings import Draws, Settings

if TYPE_CHECKING:
    import xarray as xr

LOG_LIKELIHOOD_CELLS = 20_000_000
"""Cells (draws × rows) up to which the log-likelihood of each row is stored: 160 MB."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Posterior draws and their verdict.

    Parameters
    ----------
    data : xarray.DataTree
        Groups `posterior` (`intercept`, `beta` and their `_raw` twins in the data's units, `sigma` where unknown),
        `sample_stats`, `log_likelihood` (weighted, where it fits in memory), `observed_data` and `constant_data`;
        attributes `sampler`, `reason`, `interrupted`, `seed` and versions.
    verdict : Verdict
    """

    data: xr.DataTree
    verdict: Verdict

    @property
    def method(self) -> str:
        """Name of the sampler."""
        return str(self.data.attrs["sampler"])

    @property
    def interrupted(self) -> bool:
        """Whether sampling was stopped before its end; the draws made until then are here."""
        return bool(self.data.attrs["interrupted"])

    @property
    def independent(self) -> bool:
        """Whether the draws are independent by construction."""
        return self.verdict.independent

    @property
    def reason(self) -> str:
        """Why this sampler."""
        return str(self.data.attrs["reason"])

    def draws(self, name: str) -> Array:
        """Draws (chain, draw, ...) of a variable: beta, beta_raw, intercept, intercept_raw, sigma, beta_scale.

        Raises
        ------
        InputError
            If there is no such variable.
        """
        posterior = self.data["posterior"]
        if name not in posterior.data_vars:
            msg = f"no draws of {name!r}: there are {', '.join(map(str, posterior.data_vars))}"
            raise InputError(msg)
        return np.asarray(posterior[name].values)

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


def assemble(problem: Problem, draws: Draws, settings: Settings, method: str, reason: str) -> Posterior:
    """Return the Posterior of a sampler's draws."""
    import xarray as xr

    intercept, beta = problem.split(draws.theta)
    intercept_raw, beta_raw = problem.design.to_raw(intercept, beta)
    scalars = {"intercept": intercept} if problem.has_intercept else {}
    scalars |= {"intercept_raw": intercept_raw} if problem.has_intercept else {}
    scalars |= ({} if draws.sigma is None else {"sigma": draws.sigma}) | dict(draws.extra)
    lead = ("chain", "draw")
    chains, length = beta.shape[:2]
    coords = {"chain": np.arange(chains), "draw": np.arange(length), "feature": list(problem.names)}
    posterior: dict[str, tuple[tuple[str, ...], Array]] = {name: (lead, values) for name, values in scalars.items()}
    posterior |= {"beta": ((*lead, "feature"), beta), "beta_raw": ((*lead, "feature"), beta_raw)}
    stats = {name: (lead, values) for name, values in draws.stats.items()}
    sampling_coords = {name: coords[name] for name in lead}
    block = problem.design.rows.collect()
    groups = {
        "posterior": xr.Dataset(posterior, coords=coords),
        "sample_stats": xr.Dataset(stats, coords=sampling_coords),
        "observed_data": xr.Dataset({"y": ("obs", block.y)}),
        "constant_data": xr.Dataset(
            {
                "offset": ("obs", block.offset),
                "weights": ("obs", np.ones(problem.n) if block.weights is None else block.weights),
                "centre": ("feature", problem.design.centre),
                "scale": ("feature", problem.design.scale),
            },
            coords={"feature": coords["feature"]},
        ),
    }
    if chains * length * problem.n <= LOG_LIKELIHOOD_CELLS:
        values = log_likelihood(problem, draws).reshape(chains, length, problem.n)
        groups["log_likelihood"] = xr.Dataset({"y": ((*lead, "obs"), values)}, coords=sampling_coords)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update(
        sampler=method,
        reason=reason,
        interrupted=int(draws.interrupted),
        seed=str(settings.seed.entropy),
        bayesreg=version("bayesreg"),
        numpy=version("numpy"),
        **({"pymc": version("pymc"), "nutpie": version("nutpie")} if method in ("nuts", "pymc") else {}),
    )
    return Posterior(tree, _verdict(problem, draws))


def _verdict(problem: Problem, draws: Draws) -> Verdict:
    intercept, beta = problem.split(draws.theta)
    monitored = {"intercept": intercept} if problem.has_intercept else {}
    monitored |= {"beta": beta} if problem.p else {}
    monitored |= ({} if draws.sigma is None else {"sigma": draws.sigma}) | dict(draws.extra)
    depth = draws.stats.get("reached_max_treedepth")
    return diagnose(
        monitored,
        independent=draws.independent,
        divergences=int(np.sum(draws.stats.get("diverging", 0))),
        saturated=0.0 if depth is None else float(np.mean(depth)),
        interrupted=draws.interrupted,
    )


def log_likelihood(problem: Problem, draws: Draws) -> Array:
    """Weighted log-likelihood of each row (draws, n), in nats."""
    block = problem.design.rows.collect()
    theta = draws.theta.reshape(-1, draws.theta.shape[-1])
    eta = problem.linear_predictor(block, theta.T).T
    if draws.sigma is None:
        values = -problem.likelihood.nll(eta, block.y)
    else:
        values = np.empty_like(eta)
        for i, sigma in enumerate(draws.sigma.ravel()):
            values[i] = -problem.likelihood.at(float(sigma)).nll(eta[i], block.y)
    return np.asarray(values if block.weights is None else values * block.weights)
