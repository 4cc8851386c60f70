"""Exceptions and warnings: one class for bad data, one for bad settings, one for a fit that cannot be had."""


class InputError(ValueError):
    """The data cannot be used as given: names the argument, what was found, where, and what to do."""


class ParameterError(ValueError):
    """A setting (scale, prior, sampler option, seed) is outside what it can be."""


class FamilyError(ParameterError):
    """The response does not lie in the domain of the likelihood."""


class FitError(RuntimeError):
    """No finite optimum or proper posterior exists, or it could not be reached."""


class GraphMismatchError(RuntimeError):
    """The PyMC graph and the explicit objective differ by more than a constant."""


class DataWarning(UserWarning):
    """The data are usable, but something about them changes what the results mean."""
