"""What each library's λ means: its objective as a row of a table, and the way from its numbers to a prior and back."""

from bayesreg.libraries.convert import conventions, from_prior, intercept_prior, to_prior

__all__ = ["conventions", "from_prior", "intercept_prior", "to_prior"]
