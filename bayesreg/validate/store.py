"""A file to which every finished replication is appended, so that a run that was killed goes on where it stopped.

Lines of JSON: the first says what is run, each other is one replication.  What a kill left of a last line is cut off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from bayesreg.errors import InputError

Record = dict[str, Any]
"""What one replication found: numbers, texts and lists of them; `index` says which it was."""


class Store:
    """Replications on disk, or in memory alone.

    Parameters
    ----------
    path : str, Path or None
        None keeps them in memory.
    header : mapping
        What is run: all that a replication's result depends on but its index.

    Raises
    ------
    InputError
        If the file is of another run, or none of this kind.
    """

    def __init__(self, path: str | Path | None, header: Mapping[str, Any]) -> None:
        self.records: dict[int, Record] = {}
        self._header = json.dumps(dict(header), sort_keys=True)
        self._file: Any = None
        if path is None:
            return
        self._path = Path(path)
        if not self._path.parent.is_dir():
            msg = f"store: {str(path)!r} is in no folder that exists"
            raise InputError(msg)
        kept = self._read() if self._path.exists() else 0
        self._file = open(self._path, "ab")  # noqa: SIM115 - closed by `close`, and by the context
        self._file.truncate(kept)
        if not kept:
            self._write(self._header)

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def add(self, record: Record) -> None:
        """Keep a replication: on disk before the next begins."""
        self.records[int(record["index"])] = record
        if self._file is not None:
            self._write(json.dumps(record))

    def _write(self, line: str) -> None:
        # One write of a whole line to a file opened for appending.
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> int:
        """Read what is there; return how many bytes of it are whole lines."""
        text = self._path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.decode(errors="replace").splitlines()
        if not lines:
            if text and not self._header.encode().startswith(text):
                self._refuse("is no store of replications")
            return 0
        try:
            first, *rest = [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            self._refuse("is no store of replications")
        mine = json.loads(self._header)
        if first != mine:
            differs = [key for key in mine if not isinstance(first, dict) or first.get(key) != mine[key]]
            self._refuse(f"is of another run: it differs in {', '.join(differs) or 'what is run'}")
        self.records = {int(record["index"]): record for record in rest}
        return len(whole)

    def _refuse(self, why: str) -> None:
        msg = f"store: {str(self._path)!r} {why}; give another file, or delete it"
        raise InputError(msg)
