"""Pictures of `bayesreg.plots` as sources of <img>: drawn at a phone's width, sharp at any."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.plots.style import figure_of
from bayesreg.reporting.blocks import Gallery, Picture, Said

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Drawn = Axes | NDArray[np.object_]

WIDTH = 3.9
"""Inches: a phone shows the text at its own size, a desk larger."""

SETTINGS: Any = {"svg.fonttype": "path", "svg.hashsalt": "bayesreg"}
"""Glyphs travel with the picture, and the same numbers give the same bytes."""

MANY_MARKS = 6000
"""Marks from which a picture is smaller in dots than in lines."""

DOTS = 200
"""Per inch, of those."""


def gallery(draws: Iterable[tuple[str, Callable[[], Drawn]]]) -> Gallery:
    """Draw several pictures; in place of one that cannot be drawn stands why."""
    return Gallery(tuple(attempt(name, draw) for name, draw in draws))


def attempt(name: str, draw: Callable[[], Drawn]) -> Picture | Said:
    """Draw a picture, or say why there is none."""
    try:
        return picture(draw)
    except (FitError, InputError, ParameterError) as error:
        return Said((f"Not drawn: {name}. {error}",), kind="withheld")


def picture(draw: Callable[[], Drawn]) -> Picture:
    """Draw, write and close a picture."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    with mpl.rc_context(SETTINGS):
        axes = draw()
        figure = figure_of(np.ravel(np.asarray(axes, dtype=object))[0])
        try:
            return _written(figure)
        finally:
            plt.close(figure)


def _written(figure: Figure) -> Picture:
    claim, detail = _words(figure)
    wide, high = (round(96 * inches) for inches in figure.get_size_inches())
    if _marks(figure) > MANY_MARKS:
        data, kind = _bytes(figure, "png"), "image/png"
    else:
        data, kind = _bytes(figure, "svg"), "image/svg+xml"
    return Picture(f"data:{kind};base64,{base64.b64encode(data).decode()}", claim, detail, wide, high)


def _bytes(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    figure.savefig(stream, format=kind, dpi=DOTS, metadata=metadata)
    data = stream.getvalue()
    return _lean(data) if kind == "svg" else data


def _lean(svg: bytes) -> bytes:
    """Without comments (the text of every label, twice), indentation, and digits beyond a thousandth of a point."""
    text = re.sub(r"<!--.*?-->", "", svg.decode(), flags=re.DOTALL)
    text = re.sub(r"(\.\d{3})\d+", r"\1", text)
    return re.sub(r"\n\s*", "\n", text).encode()


def _words(figure: Figure) -> tuple[str, str]:
    """The caption that the picture carries: its claim, and what supports it."""
    texts = [" ".join(text.get_text().split()) for text in figure.texts]
    return (texts[0], " ".join(texts[1:2])) if texts else ("", "")


def _marks(figure: Figure) -> int:
    """Points of lines and collections."""
    lines: list[Any] = [line for ax in figure.axes for line in ax.lines]
    collections: list[Any] = [each for ax in figure.axes for each in ax.collections]
    return sum(len(line.get_xdata()) for line in lines) + sum(len(each.get_offsets()) for each in collections)
