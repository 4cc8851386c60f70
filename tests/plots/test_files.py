import matplotlib.pyplot as plt
import pytest

from bayesreg import plots


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_saved_picture_is_written_whole_and_closed(lasso, tmp_path, ending):
    for draw in (plots.forest, plots.marginals):
        path = plots.save(draw(lasso, width=3.5), tmp_path / f"{draw.__name__}.{ending}")
        assert path.stat().st_size > 5_000
    assert not plt.get_fignums()


def test_a_picture_that_cannot_be_written_is_closed_too(lasso, tmp_path):
    with pytest.raises(FileNotFoundError):
        plots.save(plots.forest(lasso), tmp_path / "nowhere" / "forest.png")
    assert not plt.get_fignums()
