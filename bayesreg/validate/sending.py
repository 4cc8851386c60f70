"""How a job travels: pickled as a whole, and so the same wherever it arrives.

Left to Dask, arrays would lie where its messages happened to put them; at an odd address NumPy multiplies matrices by
another routine, whose last digits differ.
"""

from __future__ import annotations

import pickle
from typing import Any

from bayesreg.errors import ParameterError

PROTOCOL = 4
"""Arrays inside the pickle, not beside it: they are copied to where arrays belong."""


def packed(job: Any) -> bytes:
    """Return a job, functions of the caller's script included, as bytes; raise ParameterError where it cannot be."""
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(job, protocol=PROTOCOL))
    except (pickle.PicklingError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise unsendable(why) from error


def unpacked(blob: Any) -> Any:
    """Return what was packed."""
    return pickle.loads(blob)


def unsendable(why: str) -> ParameterError:
    """Say what to do about a job that cannot be pickled."""
    return ParameterError(
        f"the replications cannot be sent to other processes ({why}): use workers=1, or leave out of test quantities "
        "what cannot be pickled, such as locks and open files"
    )
