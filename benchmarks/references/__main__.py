"""Print the table of references: `python -m benchmarks.references [--compiled]`; status 1 where one differs."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict

from benchmarks.measure import ROOT
from benchmarks.references.run import each, markdown

os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={ROOT}/.pytensor,generated_src_dir={ROOT}/.pytensor/src")


def main() -> int:
    """Hold every sampler against every reference, saying on stderr which is done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.references", description=__doc__)
    parser.add_argument("--compiled", action="store_true", help="NUTS too, against three of them")
    found = []
    for row in each(compiled=parser.parse_args().compiled):
        print(f"{row.reference} × {row.sampler}: {row.verdict}", file=sys.stderr, flush=True)
        found.append(asdict(row))
    print(markdown(found), end="")
    return int(any(row["verdict"] != "agrees" for row in found))


if __name__ == "__main__":
    sys.exit(main())
