"""The mode of a problem under other row weights, from a point near it: many times over, at little cost each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, final

from bayesreg.descent import minimise
from bayesreg.existence import check_finite, check_identified
from bayesreg.interfaces import Array, Elastic
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
        The same with nothing unknown but θ.
    face : Face or None
        Its rows where Newton steps on a face apply (J convex, penalties of L1 and L2); else every fit is a descent.
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

        The only mode where J is convex; elsewhere the one that descent from there leads to.

        Raises
        ------
        FitError
            If there is no finite mode.
        """
        same = sigma is None or sigma == self.fixed.likelihood.sigma_known
        fixed = (self.fixed if same else self.problem.conditional(sigma)).reweighted(weights)
        if self.face is not None:
            face, elastic = replace(self.face, weights=weights), self.elastic
            if not same:
                face = replace(face, likelihood=fixed.likelihood.on(fixed.design.rows.collect()))
                elastic = fixed.penalty_prior.elastic(theta.size)
            assert elastic is not None
            found = face.minimise(elastic, theta)
            if found is not None:
                check_identified(fixed)
                check_finite(fixed, found)
                return found
        return minimise(fixed, fixed.split(theta)[1])[0]
