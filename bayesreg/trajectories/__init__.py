"""How descent gets to the optimum, step by step: gradient, subgradient and proximal steps on J from zero.

Only proximal steps reach exact zeros.  With t the step's size, f the loss and λ|β| the penalty, a gradient step goes to
β − t(f′(β) + λ sign β): a number that is 0 for no β but a few, so that a coefficient which should be zero steps over it
again and again and is left hovering, within tλ or so.  A proximal step goes to the minimum of

    λ|x| + (x − v)²/2t,   v = β − t f′(β),

which is exactly 0 for *every* v in [−tλ, tλ]: the kink of the penalty is minimised over, not differentiated at.

References
----------
Beck & Teboulle (2009), SIAM J. Imaging Sci. 2:183–202, algorithm ISTA; Shor (1985), Minimization Methods for
Non-Differentiable Functions, Springer (subgradient steps).
"""

from bayesreg.trajectories.result import Trajectory
from bayesreg.trajectories.run import trajectory

__all__ = ["Trajectory", "trajectory"]
