"""Every sampler against posteriors that no one here computed: published tables, and draws of other software.

`rows()` holds every sampler that applies to a reference's posterior against its means, sds and quantiles;
`python -m benchmarks.references` prints the table.  The references are in `../shared`, beside the project; without
them there are no rows.
"""

from benchmarks.references.case import Case, shared_folder
from benchmarks.references.run import MISSING, Row, cases, hold, markdown, rows, run_case

__all__ = ["MISSING", "Case", "Row", "cases", "hold", "markdown", "rows", "run_case", "shared_folder"]
