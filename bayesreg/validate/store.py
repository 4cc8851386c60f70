"""A file to which every finished replication is appended, so that a run that was killed goes on where it stopped.

Lines of JSON: the first says what is run, each other is one replication.  What a kill left of a last line is cut off.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from bayesreg.errors import InputError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Said by file systems, of clusters mostly, that have no locks: there only the user keeps two runs apart."""

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
        If the file is of another run, of a run that is going on, damaged, or none of this kind.
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
        if self._path.is_dir():
            msg = f"store: {str(path)!r} is a folder; give the path of a file"
            raise InputError(msg)
        self._file = open(self._path, "ab")  # noqa: SIM115 - closed by `close`, and by the context
        try:
            self._lock()
            kept = self._read()
            self._file.truncate(kept)
            if not kept:
                self._write(self._header)
        except BaseException:
            self.close()
            raise

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
            first = json.loads(lines[0])
        except json.JSONDecodeError:
            self._refuse("is no store of replications")
        mine = json.loads(self._header)
        if first != mine:
            differs = [key for key in mine if not isinstance(first, dict) or first.get(key) != mine[key]]
            self._refuse(f"is of another run: it differs in {', '.join(differs) or 'what is run'}")
        for number, line in enumerate(lines[1:], start=2):
            record = self._record(number, line)
            self.records[record["index"]] = record
        return len(whole)

    def _record(self, number: int, line: str) -> Record:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            record = None
        if not isinstance(record, dict) or type(record.get("index")) is not int or record["index"] < 0:
            msg = (
                f"store: {str(self._path)!r} is damaged: its line {number} is no replication ({line[:40]!r}); delete "
                "that line, and what it said is run again"
            )
            raise InputError(msg)
        return dict(record)

    def _lock(self) -> None:
        """Keep other runs out for as long as the file is open, however this one ends."""
        try:
            import fcntl
        except ImportError:  # Windows
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"store: {str(self._path)!r} is being written by another run; wait for its end, or give another file"
            raise InputError(msg) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise

    def _refuse(self, why: str) -> None:
        msg = f"store: {str(self._path)!r} {why}; give another file, or delete it"
        raise InputError(msg)
