"""What a picture takes, checked before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from numbers import Real

from bayesreg.errors import ParameterError

NARROWEST = 2.0
"""Inches below which the words leave no room for a picture."""


def picture[**P, R](*kinds: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a picture: of a first argument of one of these classes (of anything, if none is named).

    Raises
    ------
    ParameterError
        On calling it, if that is of another class, or `width` is no number of inches of at least 2.
    """

    def decorate(draw: Callable[P, R]) -> Callable[P, R]:
        @wraps(draw)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            name = draw.__name__
            if kinds and args and type(args[0]).__name__ not in kinds:
                made = f"; {MADE_BY[kinds[0]]} makes one" if kinds[0] in MADE_BY else ""
                msg = f"{name}: takes a {' or a '.join(kinds)} (got {type(args[0]).__name__}){made}"
                raise ParameterError(msg)
            width = kwargs.get("width", NARROWEST)
            if not isinstance(width, Real) or not NARROWEST <= float(width) < math.inf:
                msg = f"{name}: width must be a number of inches >= {NARROWEST:g} (got {width!r})"
                raise ParameterError(msg)
            return draw(*args, **kwargs)

        return checked

    return decorate


MADE_BY = {
    "Calibration": "br.validate.sbc(problem)",
    "Comparison": "br.compare(problem)",
    "PenalizedPath": "br.penalized_path(problem)",
    "ScaleChoice": "br.choose_scale(problem)",
    "Shrinkage": "br.discard.shrinkage(problem)",
    "Waterfall": "comparison.waterfall()",
}
"""Class of a finished result -> the call that makes one."""
