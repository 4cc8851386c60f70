"""How strong the prior is: its scale, chosen by the marginal likelihood p(y | scale) (type-II maximum likelihood).

Gaussian noise × Gaussian priors: in closed form (`samplers.conjugate.Evidence`).  Otherwise from posterior draws: at
scales s and s₀

    p(y | s)/p(y | s₀) = E[p(β | s)/p(β | s₀)]         the mean over the posterior at s₀

which asks nothing of the likelihood.  It is maximised as far from s₀ as these ratios, which are importance weights, are
even; where the maximum lies further on, draws are made anew from there, or from the highest point of a parabola through
what was seen, or from where a step of the EM algorithm ends (the s of highest mean log p(β | s), at which p(y | s) is
never lower).  The first draws are made at the best scale of a normal prior with equal variance; where that has several
maxima, at the one under the strongest prior.

References
----------
MacKay (1992), Neural Comput. 4:415–447; Casella (2001), Biostatistics 2:485–500 (EM from draws); Geyer (1994),
JRSS B 56:261–274 (likelihood ratios from draws).
"""

from bayesreg.evidence.choice import DRAWS, allowed, at_dispersion, evidence_scale, natural_scale
from bayesreg.evidence.curves import EvidenceChoice

__all__ = ["DRAWS", "EvidenceChoice", "allowed", "at_dispersion", "evidence_scale", "natural_scale"]
