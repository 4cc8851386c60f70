"""What `import bayesreg` costs: every light command pays it."""

from __future__ import annotations

from benchmarks.measure import Row, cold, cold_median

LIMIT = 0.5
HEAVY = ("pymc", "arviz", "matplotlib", "sklearn")


def rows() -> list[Row]:
    """Time cold processes that import, and nothing else, beside one that imports NumPy."""
    ours, used, numpy = (
        cold_median(["-c", code], 5)
        for code in ("import bayesreg", "import bayesreg; bayesreg.Problem", "import numpy")
    )
    line = ["-m", "bayesreg", "convert", "--from", "sklearn.Lasso", "alpha=0.1", "--n", "442", "--sigma", "54"]
    converted, sklearn = cold_median(line, 5), cold_median(["-c", "import sklearn.linear_model"], 5)
    loaded = _heavy("import bayesreg, bayesreg.plots, bayesreg.cli")
    said = f"loads {', '.join(loaded)}" if loaded else f"loads none of {', '.join(HEAVY)}, nor do the plots and the CLI"
    return [
        Row("import bayesreg | import numpy", ours, numpy, f"≤ {LIMIT} s", ours <= LIMIT and not loaded, said),
        Row(
            "bayesreg.Problem | import numpy",
            used,
            numpy,
            note="with the data's checks, priors and likelihoods (SciPy)",
        ),
        Row(
            "bayesreg convert | import sklearn.linear_model",
            converted,
            sklearn,
            f"≤ {LIMIT} s",
            converted <= LIMIT,
            "the whole command: a lasso's alpha as a prior, and in every other library's units",
        ),
    ]


def _heavy(code: str) -> list[str]:
    """Return the heavy packages that are loaded after `code`."""
    return cold(["-c", f"{code}; import sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"]).output.split()
