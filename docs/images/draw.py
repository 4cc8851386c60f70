"""Draw path.png, the picture of the README: from the root of the repository, `.venv/bin/python docs/images/draw.py`."""

from pathlib import Path

import bayesreg as br

COUNT = 50
"""Scales of the posterior path."""


def main() -> None:
    """Draw the lasso on the diabetes data along the prior's scale, with the scale that the evidence chooses."""
    import numpy as np

    from bayesreg.penalty_path import penalized_path
    from bayesreg.sampling_path import posterior_path
    from bayesreg.strength import choose_scale

    data = br.load_dataset("diabetes")
    problem = br.Problem.from_arrays(data.X, data.y, names=data.names, prior=br.Laplace(scale=1.0))
    choice = choose_scale(problem)
    grid = penalized_path(problem).scales
    through = np.union1d(grid, choice.scale)
    penalized = penalized_path(problem, through)
    posterior = posterior_path(problem, np.union1d(np.geomspace(grid[0], grid[-1], COUNT), choice.scale))
    rules = choice.alternatives.loc[["cv min", "cv 1se", "evidence", "hierarchical median"]]
    br.plots.save(br.plots.path(penalized, posterior, choice=choice, rules=rules), Path(__file__).with_name("path.png"))


if __name__ == "__main__":
    main()
