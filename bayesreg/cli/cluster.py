"""A Dask cluster that a command is told of."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bayesreg.errors import InputError

SECONDS = 5
"""How long a scheduler may take to answer."""


@contextmanager
def cluster(address: str | None) -> Iterator[Any]:
    """A `distributed.Client` of the scheduler at an address; None where none is given.

    Raises
    ------
    InputError
        If Dask is not installed, the address is none, or no scheduler answers there.
    """
    if address is None:
        yield None
        return
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError as error:
        msg = f"--scheduler {address}: Dask is not installed: pip install 'bayesreg[dask]'"
        raise InputError(msg) from error
    try:
        # A Client that has found nobody waits ten seconds more when it is closed: first see whether someone is there.
        socket.create_connection(get_address_host_port(address), timeout=SECONDS).close()
        client = Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = f"--scheduler {address}: no Dask scheduler answers there ({error}); give HOST:PORT of one that runs"
        raise InputError(msg) from error
    with client:
        if not client.nthreads():
            print(f"bayesreg: the scheduler at {address} has no worker yet: waiting for one", file=sys.stderr)
        yield client
