"""Draw path.png, a picture of the README: `.venv/bin/python docs/images/draw.py`.

It is the path.png that `bayesreg path diabetes --out DIR` writes.
"""

import sys
import tempfile
from pathlib import Path

from bayesreg.cli import main

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        status = main(["path", "diabetes", "--out", folder])
        picture = (Path(folder) / "path.png").read_bytes()
    Path(__file__).with_name("path.png").write_bytes(picture)
    sys.exit(status)
