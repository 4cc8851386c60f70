import matplotlib.pyplot as plt
import numpy as np
import pytest

from bayesreg.plots.scale_axis import prepare, sparse_ticks


@pytest.mark.parametrize("inches", [1.2, 2.0, 4.0])
@pytest.mark.parametrize("limits", [(0.29, 0.91), (0.91, 0.29), (2.1, 4.9), (310.0, 470.0), (0.05, 5.0), (1e-4, 1e4)])
def test_there_are_numbers_on_the_axis_and_room_between_them(limits, inches, written):
    figure = plt.figure(figsize=(inches + 1.0, 1.0))
    ax = figure.add_axes((0.5 / (inches + 1.0), 0.4, inches / (inches + 1.0), 0.5))
    prepare(ax, *limits)
    ax.set_yticks([])
    sparse_ticks(ax, inches)
    written(figure)
    shown = [tick for tick in ax.get_xticks() if min(limits) <= tick <= max(limits)]
    assert len(shown) >= 2
    assert np.allclose([float(label.get_text().replace("−", "-")) for label in ax.get_xticklabels()], ax.get_xticks())


def test_a_long_axis_has_one_two_and_five_of_each_decade():
    ax = plt.figure().add_subplot()
    prepare(ax, 0.9, 110.0)
    sparse_ticks(ax, 5.0)
    shown = [tick for tick in ax.get_xticks() if 0.9 <= tick <= 110.0]
    np.testing.assert_allclose(shown, [1, 2, 5, 10, 20, 50, 100])
