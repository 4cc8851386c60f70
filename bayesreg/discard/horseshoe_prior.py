"""The regularised horseshoe as a prior of a PyMC model, and the share of an estimate that it keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.graph import unknowns_but_beta
from bayesreg.interfaces import Array, Block, Tensor
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem
from bayesreg.scales import positive_number


@final
@dataclass(frozen=True, slots=True, eq=False)
class Horseshoe:
    """Its parameters, for one problem.

    Parameters
    ----------
    expected : float
        p₀, coefficients expected to matter.
    tau0 : float
        Scale of τ; in units of σ where `by_noise`.
    slab, df : float
        s and ν of the slab.
    unit : array (p,)
        1/sd of each column: effects are compared per sd.
    rows : float
        Σw.
    noise : float
        Pseudo-σ of a row, or the known σ; 1 where `by_noise`.
    by_noise : bool
        Whether τ is in units of the unknown σ.
    """

    expected: float
    tau0: float
    slab: float
    df: float
    unit: Array
    rows: float
    noise: float
    by_noise: bool

    def unknowns(self, problem: Problem) -> tuple[Tensor, Tensor | None, Tensor]:
        """Add (dispersion, intercept, β) to the PyMC model being built, and `tau`, `slab`, `local`."""
        import pymc as pm
        import pytensor.tensor as pt

        sigma, intercept = unknowns_but_beta(problem)
        scale = self.tau0 * sigma if self.by_noise else self.tau0
        tau = pm.Deterministic("tau", pm.HalfCauchy("tau_unit", 1.0) * scale)
        free = pm.HalfCauchy("local_unit", 1.0, dims="feature")
        square = pm.InverseGamma("slab_unit", self.df / 2, self.df / 2) * self.slab**2
        local = pm.Deterministic("local", pt.sqrt(square * free**2 / (square + tau**2 * free**2)), dims="feature")
        pm.Deterministic("slab", pt.sqrt(square))
        z = pm.Normal("z", 0.0, 1.0, dims="feature")
        return sigma, intercept, pm.Deterministic("beta", z * tau * local * self.unit, dims="feature")

    def kept(self, draws: Mapping[str, Array]) -> Array:
        """1 − κ_j (chain, draw, p): κ_j = 1/(1 + n σ⁻² τ² λ̃_j²), orthogonal columns of sd 1 supposed."""
        noise = draws["sigma"] if self.by_noise else self.noise
        signal = self.rows * (draws["tau"] / noise)[..., None] ** 2 * draws["local"] ** 2
        return np.asarray(signal / (1 + signal))


def shape_of(problem: Problem, expected: float | None, slab: float | None, df: float) -> Horseshoe:
    """Return the horseshoe for a problem; see `horseshoe` for the defaults.

    Raises
    ------
    ParameterError
        If p₀ is not between 0 and p, or s is not positive.
    """
    p = problem.p
    p0 = p / 4 if expected is None else positive_number("horseshoe", "expected_nonzero", expected)
    if p0 >= p:
        msg = f"horseshoe: expected_nonzero must lie between 0 and the {p} columns (got {p0:g})"
        raise ParameterError(msg)
    sd = problem.column_sd()
    size = (problem.response_sd() or 1.0) if slab is None else positive_number("horseshoe", "slab_scale", slab)
    block = problem.design.rows.collect()
    rows = float(block.weighted(np.ones(block.y.size)).sum())
    by_noise = problem.likelihood.location_scale and problem.likelihood.sigma_known is None
    noise = 1.0 if by_noise else _pseudo_sigma(problem, block, rows)
    tau0 = p0 / (p - p0) * noise / math.sqrt(rows)
    return Horseshoe(p0, tau0, size, df, 1 / np.where(sd > 0, sd, 1.0), rows, noise, by_noise)


def _pseudo_sigma(problem: Problem, block: Block, rows: float) -> float:
    """(Mean curvature of a row's nll at the mode)^(−1/2): the known σ under Gaussian noise."""
    if problem.likelihood.quadratic:
        return float(problem.likelihood.sigma_known or 1.0)
    plain = problem if problem.prior.hyperprior is None else problem.with_prior(problem.prior.at(1.0))
    mode = fit_penalized(plain, None if resolve_noise(plain).joint else resolve_noise(plain).sigma)
    fixed = plain.conditional(mode.sigma)
    eta = fixed.linear_predictor(block, fixed.join(mode.intercept, mode.beta))
    bend = block.weighted(fixed.likelihood.on(block).majorizer(eta, block.y)).sum()
    return 1 / math.sqrt(float(bend) / rows)
