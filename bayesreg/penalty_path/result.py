"""A penalised path: a point estimate at every scale, each with the proof of what it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg import html
from bayesreg.errors import InputError
from bayesreg.interfaces import Array
from bayesreg.noise import Noise
from bayesreg.optimum import Certificate, Optimum, Outcome
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 12
"""Points that a notebook shows."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """θ (g, k), J (g,) in nats, and what the certificates of g points say."""

    thetas: Array
    objective: Array
    kkt: Array
    gap: Array
    zero: NDArray[np.bool_]
    outcomes: list[Outcome]

    @classmethod
    def empty(cls, thetas: Array) -> Self:
        """Return points that are yet to be certified."""
        value, kkt, gap = (np.full(len(thetas), np.nan) for _ in range(3))
        return cls(thetas, value, kkt, gap, np.zeros(thetas.shape, dtype=bool), [Outcome.NOT_CERTIFIED] * len(thetas))

    @classmethod
    def of(cls, thetas: Array, objective: Array, proofs: list[Certificate]) -> Self:
        """Return points with certificates of their own."""
        points = cls.empty(thetas)
        for i, proof in enumerate(proofs):
            points.put(i, float(objective[i]), proof)
        return points

    def put(self, i: int, objective: float, proof: Certificate) -> None:
        """Enter the certificate of one point."""
        self.objective[i], self.kkt[i], self.gap[i] = objective, proof.kkt, proof.gap
        self.zero[i], self.outcomes[i] = proof.zero, proof.outcome

    def moved(self, thetas: Array, constant: float) -> Self:
        """Return them in other coordinates, J with a constant added."""
        return replace(self, thetas=thetas, objective=self.objective + constant)


@final
@dataclass(frozen=True, slots=True, eq=False)
class PenalizedPath:
    """The penalised optimum along g scales of the prior, the strongest penalty first.

    Parameters
    ----------
    problem : Problem
        The dispersion fixed; its prior at scale 1.
    family : ScaleFamily
        What `scales` are: the prior's scale, or a factor on all its scales.
    noise : Noise
        The dispersion at which the path was matched, and where it comes from.
    scales : array (g,)
        Ascending; in units of σ where the problem's prior is.
    intercept, beta : arrays (g,), (g, p)
        On the scale that the prior sees.
    intercept_raw, beta_raw : arrays (g,), (g, p)
        The same in the data's units.
    objective : array (g,)
        J in nats.
    kkt, gap : arrays (g,)
        Largest KKT residual, in nats per unit, and duality gap in nats (∞ where J is not convex), of the certificates.
        Under Gaussian noise they are evaluated on the sufficient statistics.
    zero : bool array (g, p)
        Coefficients exactly at a kink of the penalty: for a lasso, exactly zero.
    certified : bool array (g,)
        Whether each point is a certified optimum; False for a stationary point of a J that is not convex.
    outcomes : tuple of Outcome
        The verdict on each.
    critical : float
        Largest scale at which every coefficient is still at its location; NaN where the penalty does not hold them.
    factor : float
        What a scale is multiplied by to be in plain units: σ under a noise-scaled prior, else 1.
    """

    problem: Problem
    family: ScaleFamily
    noise: Noise
    scales: Array
    intercept: Array
    beta: Array
    intercept_raw: Array
    beta_raw: Array
    objective: Array
    kkt: Array
    gap: Array
    zero: NDArray[np.bool_]
    certified: NDArray[np.bool_]
    outcomes: tuple[Outcome, ...]
    critical: float
    factor: float

    @classmethod
    def of(
        cls, *, problem: Problem, family: ScaleFamily, noise: Noise, scales: Array, points: Points, factor: float,
        critical: float,
    ) -> Self:  # fmt: skip
        """Put the points of a path together."""
        intercept, beta = problem.split(points.thetas)
        intercept_raw, beta_raw = problem.design.to_raw(intercept, beta)
        certified = np.array([outcome in (Outcome.CERTIFIED, Outcome.NOT_UNIQUE) for outcome in points.outcomes])
        return cls(
            problem, family, noise, scales, intercept, beta, intercept_raw, beta_raw, points.objective, points.kkt,
            points.gap, points.zero[:, points.zero.shape[1] - problem.p :], certified, tuple(points.outcomes), critical,
            factor,
        )  # fmt: skip

    def __len__(self) -> int:
        """Number of points."""
        return len(self.scales)

    def __str__(self) -> str:
        """What the path is, and whether it is proved."""
        low, high = self.scales[0], self.scales[-1]
        text = f"penalised path at {len(self)} {self.family.name}s from {low:.4g} to {high:.4g}: "
        text += f"{self.nonzero[0]} to {self.nonzero[-1]} of {self.problem.p} coefficients off their location"
        if self.problem.convex:
            return f"{text}; {int(self.certified.sum())} of {len(self)} points certified ({self.noise.sentence})"
        still = sum(outcome is Outcome.STATIONARY for outcome in self.outcomes)
        return f"{text}; {still} of {len(self)} points stationary, J not being convex ({self.noise.sentence})"

    @property
    def nonzero(self) -> NDArray[np.int_]:
        """Coefficients off their location, at each scale (g,)."""
        return np.asarray((self.beta != self.problem.prior.location(self.problem.p)).sum(axis=1))

    @property
    def sound(self) -> NDArray[np.bool_]:
        """Which points (g,) are all that can be proved of them: certified; where J is not convex, stationary."""
        return (
            self.certified if self.problem.convex else np.array([each is Outcome.STATIONARY for each in self.outcomes])
        )

    @property
    def passed(self) -> bool:
        """Whether every point is certified; where J is not convex, whether every one is stationary."""
        return bool(self.sound.all())

    @property
    def lambda_(self) -> Array:
        """λ of each point (g,), the rate that multiplies the penalty's standard form; NaN where columns differ."""
        rates = self.family.rates(self.scales * self.factor, self.problem.p)
        proper = np.isfinite(self.problem.prior.variance(self.problem.p))
        first = rates[:, proper][:, :1]
        same = np.isclose(rates[:, proper], first, rtol=1e-12, atol=0.0).all(axis=1)
        return np.where(same, first[:, 0], np.nan)

    @property
    def table(self) -> pd.DataFrame:
        """One row a point: scale, lambda_, nonzero, objective, kkt, gap, certified."""
        import pandas as pd

        return pd.DataFrame(
            {
                "scale": self.scales, "lambda_": self.lambda_, "nonzero": self.nonzero, "objective": self.objective,
                "kkt": self.kkt, "gap": self.gap, "certified": self.certified,
            }
        )  # fmt: skip

    def optimum(self, i: int) -> Optimum:
        """Return point i as an Optimum, with a certificate evaluated on the rows themselves.

        Raises
        ------
        InputError
            If there is no such point.
        """
        if not -len(self) <= i < len(self):
            msg = f"no point {i}: the path has {len(self)}"
            raise InputError(msg)
        at = self.problem.with_prior(self.family.at(float(self.scales[i]) * self.factor))
        return fit_at(at, Noise(self.noise.sigma, self.noise.method, self.noise.sentence), self.beta[i])

    def __repr__(self) -> str:
        """The sentence."""
        return f"PenalizedPath({self})"

    def _repr_html_(self) -> str:
        """The sentence and, folded away, some of the points, for a notebook."""
        some = np.unique(np.linspace(0, len(self) - 1, MOST_ROWS).round().astype(int))
        proof = "certified" if self.problem.convex else "stationary"
        header = (self.family.name, "λ", "coefficients off their location", "J (nats)", proof)
        rows = [
            (
                f"{self.scales[i]:.4g}", "by column" if np.isnan(self.lambda_[i]) else f"{self.lambda_[i]:.4g}",
                str(self.nonzero[i]), f"{self.objective[i]:.6f}", "yes" if self.sound[i] else "NO",
            )
            for i in some
        ]  # fmt: skip
        points = html.details(f"{len(some)} of its {len(self)} points", html.table(header, rows))
        return html.block(html.paragraph(str(self)), points)
