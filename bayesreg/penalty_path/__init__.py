"""The penalised optimum along its prior's scale: the regularisation path, every point of it certified.

Under Gaussian noise and penalties Σ l1|β − μ| + l2(β − μ)² one pass over the rows leaves a problem of as many rows as
columns with the same J, up to a constant (`reduced`), which the path is then followed and certified on.  An active set
is kept from point to point: where it does not change, the optimum is a straight line in λ.

References
----------
Osborne, Presnell & Turlach (2000), IMA J. Numer. Anal. 20:389–404; Friedman, Hastie & Tibshirani (2010), J. Stat.
Softw. 33(1) (warm starts along a grid).
"""

from bayesreg.penalty_path.grid import default_scales, read_scales
from bayesreg.penalty_path.result import PenalizedPath
from bayesreg.penalty_path.run import penalized_path
from bayesreg.penalty_path.solve import solve_path

__all__ = ["PenalizedPath", "default_scales", "penalized_path", "read_scales", "solve_path"]
