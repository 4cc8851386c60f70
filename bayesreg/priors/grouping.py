"""Groups of columns, as they are given: one label per column, or the names of the columns of each label."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array

TERMS = "terms"


def read_labels(groups: object) -> tuple[object, ...]:
    """One label per column, as they stand in a sequence."""
    known = f"groups must be one label per column, a mapping of labels to names, or {TERMS!r}"
    if isinstance(groups, str | bytes | set | frozenset) or not isinstance(groups, Iterable):
        msg = f"GroupLaplace: {known} (got {groups!r})"
        raise ParameterError(msg)
    labels = tuple(groups.tolist() if isinstance(groups, np.ndarray) else groups)
    for label in labels:
        if not isinstance(label, Hashable) or label != label or label is None:  # NaN is not itself
            msg = f"GroupLaplace: {known} (got {label!r} among the labels)"
            raise ParameterError(msg)
    return labels


def check_constant(scale: Array, labels: tuple[object, ...]) -> None:
    """Raise ParameterError where columns of one group have different scales; that they are as many, bind checks."""
    first: dict[object, float] = {}
    for label, value in zip(labels, scale.tolist(), strict=False):
        if first.setdefault(label, value) != value:
            msg = (
                f"GroupLaplace: columns of group {label!r} have different scales, {first[label]:g} and {value:g}; "
                "give one scale to all of a group"
            )
            raise ParameterError(msg)


def labels_by_name(groups: Mapping[str, Sequence[str]], names: tuple[str, ...]) -> tuple[object, ...]:
    """One label per column, from the columns of each label."""
    label_of: dict[str, object] = {}
    for label, columns in groups.items():
        for name in [columns] if isinstance(columns, str) or not isinstance(columns, Iterable) else columns:
            if name not in names:
                msg = f"GroupLaplace: group {label!r} names {name!r}, which is no column ({', '.join(names[:8])})"
                raise ParameterError(msg)
            if name in label_of:
                msg = f"GroupLaplace: column {name!r} is named by group {label_of[name]!r} and again by {label!r}"
                raise ParameterError(msg)
            label_of[name] = label
    return tuple(label_of.get(name, ("column", name)) for name in names)
