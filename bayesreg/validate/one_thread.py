"""One thread of BLAS while any replication runs in this process.

Sums then have the same last digits everywhere.  The number of threads belongs to the process, not to a Python thread:
of replications that run side by side the first sets it, and the last sets it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any


@dataclass(slots=True)
class _Limit:
    lock: Lock = field(default_factory=Lock)
    inside: int = 0
    limiter: Any = None


_LIMIT = _Limit()


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401 - its BLAS is a second one, to be limited too
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside; what was there before returns when nobody is inside any more."""
    with _LIMIT.lock:
        if not _LIMIT.inside:
            _LIMIT.limiter = _controller().limit(limits=1)
        _LIMIT.inside += 1
    try:
        yield
    finally:
        with _LIMIT.lock:
            _LIMIT.inside -= 1
            if not _LIMIT.inside:
                _LIMIT.limiter.restore_original_limits()
