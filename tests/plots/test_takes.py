"""Every picture refuses what it cannot draw, and says what it takes."""

import inspect

import pytest

from bayesreg import ParameterError, plots
from tests.fakes import result

PICTURES = [getattr(plots, name) for name in plots.__all__ if name != "save"]
EVERY_PICTURE = pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.__name__)


@EVERY_PICTURE
@pytest.mark.parametrize("what", ["x", None, {"coverage": 1}])
def test_another_object_is_refused_with_what_is_taken(picture, what):
    with pytest.raises(ParameterError, match=rf"^{picture.__name__}:? .*(takes|holds)"):
        picture(what)


@EVERY_PICTURE
@pytest.mark.parametrize("width", [0, -3.5, float("nan"), float("inf"), "wide", None])
def test_a_width_that_is_none_is_refused(picture, width):
    subject = result(first_kind(picture))
    with pytest.raises(ParameterError, match=rf"^{picture.__name__}: width must be a number of inches >= 2"):
        picture(subject, width=width)


def first_kind(picture):
    annotation = next(iter(inspect.signature(picture).parameters.values())).annotation
    return annotation.split(" | ")[0]
