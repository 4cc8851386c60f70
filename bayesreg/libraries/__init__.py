"""What each library's λ means: its objective as a row of a table, and the way from its numbers to a prior and back."""

from bayesreg.libraries.convert import from_prior, intercept_prior, to_prior
from bayesreg.libraries.listing import conventions

__all__ = ["conventions", "from_prior", "intercept_prior", "to_prior"]
