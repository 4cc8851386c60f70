"""The mode of a problem under other row weights, from a point near it: many times over, at little cost each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, final

from bayesreg.existence import check_finite, check_identified
from bayesreg.interfaces import Array, Elastic
from bayesreg.noise import Noise
from bayesreg.penalized import fit_at
from bayesreg.penalty_path.face import Face
from bayesreg.problem import Problem


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reweighted:
    """A problem that is to be fitted under many row weights.

    Parameters
    ----------
    problem : Problem
    fixed : Problem
        The same at its plug-in dispersion.
    face : Face or None
        Its rows where Newton steps on a face apply (J convex, penalties of L1 and L2); else every fit is a full one.
    elastic : Elastic or None
    """

    problem: Problem
    fixed: Problem
    face: Face | None
    elastic: Elastic | None

    @classmethod
    def of(cls, problem: Problem, fixed: Problem) -> Self:
        """Read the rows, once for all fits."""
        elastic = fixed.penalty_prior.elastic(len(problem.labels))
        return cls(problem, fixed, Face.of(fixed, elastic), elastic)

    def mode(self, weights: Array, sigma: float | None, theta: Array) -> Array:
        """Return θ (k,) at these row weights (n,), the dispersion at `sigma`, from θ next to it.

        Raises
        ------
        FitError
            If there is no finite mode.
        """
        same = sigma is None or sigma == self.fixed.likelihood.sigma_known
        fixed = (self.fixed if same else self.problem.conditional(sigma)).reweighted(weights)
        if self.face is not None and self.elastic is not None:
            elastic = self.elastic if same else fixed.penalty_prior.elastic(theta.size)
            assert elastic is not None
            face = self.face if same else replace(self.face, likelihood=self.face.likelihood.at(float(sigma or 0.0)))
            found = replace(face, weights=weights).minimise(elastic, theta)
            if found is not None:
                check_identified(fixed)
                check_finite(fixed, found)
                return found
        point = fit_at(fixed, Noise(sigma, "given", ""), self.problem.split(theta)[1])
        return self.problem.join(point.intercept, point.beta)
