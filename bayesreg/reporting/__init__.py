"""The report: one comparison as one HTML file that needs nothing else."""

from bayesreg.reporting.build import check_target, report

__all__ = ["check_target", "report"]
