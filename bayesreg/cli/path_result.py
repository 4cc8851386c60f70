"""What `bayesreg path` computes, as tables, as JSON, and written to a folder."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from bayesreg.cli.output import plain
from bayesreg.cli.problem import family_of
from bayesreg.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.penalty_path import PenalizedPath
    from bayesreg.sampling_path import PosteriorPath
    from bayesreg.strength import ScaleChoice

LIBRARIES = ("sklearn.Lasso", "sklearn.Ridge", "sklearn.LogisticRegression", "sklearn.PoissonRegressor")
"""Whose numbers are shown beside λ: the first whose loss and penalty they are."""


MARKED = ("cv min", "cv 1se", "evidence", "hierarchical median")
"""Rules that are marked on the picture of the paths; that of the choices has all."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class PathResult:
    """Both paths and the choices.

    Parameters
    ----------
    about : str
        What the data are.
    penalized : PenalizedPath
    posterior : PosteriorPath
    found : mapping of str to ScaleChoice or str
        Rule -> its choice, or why there is none.
    followed : str
        The rule whose choice is followed.
    command : tuple of str
        What to run next, but for the scale.
    """

    about: str
    penalized: PenalizedPath
    posterior: PosteriorPath
    found: Mapping[str, ScaleChoice | str]
    followed: str
    command: tuple[str, ...]

    @property
    def by_noise(self) -> bool:
        """Whether the prior's scale is in units of σ."""
        return self.posterior.problem.scale_by_noise

    @property
    def choice(self) -> ScaleChoice | None:
        """The choice that is followed, if there is one."""
        choice = self.found[self.followed]
        return None if isinstance(choice, str) else choice

    @property
    def reasons(self) -> tuple[str, ...]:
        """Which gates failed."""
        sound, passed, choice = self.penalized.sound, self.posterior.passed_at, self.choice
        reasons = []
        if not sound.all():
            missing = int((~sound).sum())
            how = "is" if missing == 1 else "are"
            reasons.append(f"{missing} of {sound.size} points of the MAP path {how} not certified")
        if not passed.any():
            reasons.append(f"none of {passed.size} points of the posterior path passed")
        if choice is None:
            reasons.append(f"{self.followed} found no scale: {self.found[self.followed]}")
        elif choice.posterior is not None and not choice.posterior.verdict.passed:
            reasons.append(f"draws of {self.followed}: {'; '.join(choice.posterior.verdict.reasons)}")
        return tuple(reasons)

    @property
    def rules(self) -> pd.DataFrame:
        """What each rule chooses, as `ScaleChoice.alternatives` has it."""
        import pandas as pd

        from bayesreg.strength.alternatives import own_rows

        rows: dict[str, dict[str, Any]] = {}
        for rule, choice in self.found.items():
            if isinstance(choice, str):
                rows[rule] = dict.fromkeys(("scale", "lower", "upper", "lambda_"), np.nan) | {"sentence": choice}
            else:
                rows |= own_rows(choice)
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")

    @property
    def elsewhere(self) -> dict[str, dict[str, Any] | None]:
        """Rule -> its choice in the parameters of `library`; empty where there is none."""
        name = self.library
        if name is None:
            return {}
        return {str(rule): self.converted(name, float(scale)) for rule, scale in self.rules["scale"].items()}

    def converted(self, library: str, scale: float) -> dict[str, Any] | None:
        """Return the prior at a scale in a library's own parameters; None where it cannot be said."""
        from bayesreg.libraries import from_prior

        if not np.isfinite(scale):
            return None
        held = self.penalized.problem.likelihood.sigma_known
        fixed = self.posterior.problem.with_prior(self.penalized.family.at(scale)).conditional(held)
        facts: dict[str, Any] = {"n": fixed.n}
        if fixed.likelihood.location_scale:
            facts["sigma"] = fixed.likelihood.sigma_known
        try:
            return from_prior(library, fixed.prior, **facts)
        except ParameterError:
            return None

    @property
    def library(self) -> str | None:
        """The first library whose loss and penalty these are."""
        from bayesreg.libraries.objective import find

        scale = float(self.penalized.scales[-1])
        for name in LIBRARIES:
            if find(name).family == family_of(self.penalized.problem) and self.converted(name, scale) is not None:
                return name
        return None

    @property
    def next(self) -> str | None:
        """What to run next."""
        if self.choice is None or self.reasons:
            return None
        return shlex.join([*self.command, "--scale", f"{self.choice.scale:.4g}"])


def as_dict(result: PathResult) -> dict[str, Any]:
    """Return everything as JSON-ready values."""
    path, posterior, choice = result.penalized, result.posterior, result.choice
    problem = path.problem
    chosen = None
    if choice is not None:
        fields = ("by", "scale", "lower", "upper", "error", "sentence")
        chosen = {name: getattr(choice, name) for name in fields} | {"curve": columns_of(choice.curve)}
    arrays = ("intercept", "beta", "intercept_raw", "beta_raw", "zero")
    bands = ("mean", "sd", "mcse", "lower", "median", "upper")
    told: dict[str, Any] = plain(
        {
            "data": result.about,
            "problem": {
                "rows": problem.n, "names": list(problem.names), "likelihood": repr(problem.likelihood),
                "prior": repr(path.family.prior), "coordinate": path.family.name,
                "standardized": problem.design.standardized, "noise": path.noise.sentence,
            },
            "passed": not result.reasons,
            "reasons": list(result.reasons),
            "map_path": columns_of(path.table)
            | {"critical": path.critical}
            | {name: getattr(path, name) for name in arrays},
            "posterior_path": columns_of(posterior.table)
            | {"fits": posterior.fits, "sentence": posterior.sentence, "interrupted": posterior.interrupted}
            | {name: getattr(posterior, name) for name in bands},
            "choices": {str(rule): dict(row) for rule, row in result.rules.iterrows()},
            "library": result.library,
            "elsewhere": result.elsewhere,
            "chosen": chosen,
            "next": result.next,
        }
    )  # fmt: skip
    return told


def as_json(result: PathResult) -> str:
    """Return everything as one JSON object; numbers that do not exist are null."""
    return json.dumps(as_dict(result), ensure_ascii=False, allow_nan=False)


def parameters_text(found: dict[str, Any] | None) -> str:
    """A library's parameters as it would be given them."""
    return "" if found is None else ", ".join(f"{name}={value:.4g}" for name, value in found.items())


def columns_of(table: pd.DataFrame) -> dict[str, Any]:
    """A table as a list for each column."""
    return {str(name): values.tolist() for name, values in table.items()}


def write(result: PathResult, folder: Path) -> None:
    """Write tables, JSON and pictures to a folder."""
    from bayesreg import plots

    wide_path(result.penalized).to_csv(folder / "path.csv", index=False)
    wide_posterior(result.posterior).to_csv(folder / "posterior_path.csv", index=False)
    rules, elsewhere = result.rules, result.elsewhere
    told = {name: [parameters_text(elsewhere[rule]) for rule in rules.index] for name in [result.library] if name}
    rules.assign(**told).to_csv(folder / "choices.csv")
    (folder / "path.json").write_text(as_json(result), encoding="utf-8")
    marked = rules.loc[[rule in MARKED for rule in rules.index]]
    plots.save(plots.path(result.penalized, result.posterior, choice=result.choice, rules=marked), folder / "path.png")
    written = ["path.csv", "posterior_path.csv", "choices.csv", "path.json", "path.png"]
    if result.choice is not None:
        plots.save(plots.choices(result.choice, rules=rules), folder / "choices.png")
        written.append("choices.png")
    print(f"written to {folder}: {', '.join(written)}", file=sys.stderr)


def wide_path(path: PenalizedPath) -> pd.DataFrame:
    """The table of a MAP path, and a column for each coefficient."""
    return beside(path.table, path.problem.names, {"": path.beta})


def wide_posterior(path: PosteriorPath) -> pd.DataFrame:
    """The table of a posterior path, and the mean, sd and ends of the band of each coefficient."""
    names = path.problem.names
    return beside(path.table, names, {f"{name} ": getattr(path, name) for name in ("mean", "sd", "lower", "upper")})


def beside(table: pd.DataFrame, names: tuple[str, ...], arrays: Mapping[str, Any]) -> pd.DataFrame:
    """A table with further columns, named by what they hold and of which coefficient."""
    import pandas as pd

    parts = [pd.DataFrame(values, columns=[f"{what}{name}" for name in names]) for what, values in arrays.items()]
    return pd.concat([table.reset_index(drop=True), *parts], axis=1)
