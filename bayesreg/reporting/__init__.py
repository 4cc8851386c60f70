"""The report: one comparison as one HTML file that needs nothing else."""

from bayesreg.reporting.build import report

__all__ = ["report"]
