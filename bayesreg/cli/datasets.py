"""`bayesreg datasets`: the data that ships."""

from __future__ import annotations

import argparse
import json

from bayesreg.cli.options import add_output
from bayesreg.cli.status import OK


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    add_output(parser)
    parser.set_defaults(run=_datasets)


def _datasets(options: argparse.Namespace) -> int:
    from bayesreg.datasets import DATASETS

    if options.json:
        print(json.dumps(DATASETS, indent=2, ensure_ascii=False))
    else:
        width = max(map(len, DATASETS))
        print("\n".join(f"{name:<{width}}  {text}" for name, text in DATASETS.items()))
    return OK
