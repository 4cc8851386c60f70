"""`report`: from a comparison to one HTML file."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from bayesreg import plots
from bayesreg.comparison import Comparison
from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.in_words import title as title_of
from bayesreg.plots.contours import default_pair
from bayesreg.reporting import chapters
from bayesreg.reporting.blocks import Block, Chapter, Interactive, Said
from bayesreg.reporting.drawn import WIDTH, gallery
from bayesreg.reporting.explorer import as_json
from bayesreg.reporting.grid import Walk, walk
from bayesreg.samplers.settings import Progress

if TYPE_CHECKING:
    from bayesreg.strength import ScaleChoice

LIBRARIES = ("d3-7.9.2.min.js", "plot-0.6.17.umd.min.js")
"""D3 and Observable Plot (ISC licences beside them)."""


def report(
    comparison: Comparison,
    path: str | Path,
    *,
    choice: ScaleChoice | None = None,
    explorer: bool | None = None,
    title: str | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a comparison as one HTML file that needs nothing else: no network, and without JavaScript no script.

    Verdict and gates come first; then which prior was assumed, the certificate, the coefficients, what the point
    estimate discards, the λ explorer, prediction, diagnostics, and what it takes to come by the same numbers.  Where a
    gate failed, nothing that it withholds is in the file.

    Parameters
    ----------
    comparison : Comparison
    path : str or Path
        The file, ending in .html or .htm.  It is replaced if it exists, and left as it is should anything fail.
    choice : ScaleChoice, optional
        How the prior's scale was chosen; its mark is then not computed anew.
    explorer : bool, optional
        Whether to draw posteriors along the prior's scale for the λ explorer.  By default that is done unless each
        would have to be compiled, a minute or so for each: the report then says so.
    title : str, optional
    command : str, optional
        The command line that this is of, to be shown.
    progress : callable, optional
        Told of the posteriors along the scale: called with (done, in all).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If `path` is a folder, is in none, or has another ending.
    ParameterError
        If `comparison` is none, or `choice` is of another problem.
    """
    target = _read(comparison, path, choice)
    wanted = explorer is not False and comparison.passed and comparison.problem.p
    found = _walked(comparison, choice, progress, compile_each=bool(explorer)) if wanted else None
    text = as_html(comparison, found, choice=choice, title=title, command=command)
    _write(target, text)
    return target


def _read(comparison: object, path: str | Path, choice: ScaleChoice | None) -> Path:
    if not isinstance(comparison, Comparison):
        msg = f"report takes a Comparison (got {type(comparison).__name__}): that of compare(problem) or audit(...)"
        raise ParameterError(msg)
    if choice is not None and choice.problem.names != comparison.problem.names:
        msg = "report: choice is of a problem with other columns; give that which this comparison's scale came from"
        raise ParameterError(msg)
    return check_target(path, "report: path")


def check_target(path: str | Path, name: str) -> Path:
    """Return where the report goes.

    Raises
    ------
    InputError
        If it is a folder, is in none, or has another ending; called `name`.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        msg = f"{name} must end in .html (got {str(path)!r})"
        raise InputError(msg)
    if target.is_dir() or not target.parent.is_dir():
        msg = f"{name} {str(path)!r} " + ("is a folder" if target.is_dir() else "is in no folder that exists")
        raise InputError(msg)
    return target


def _walked(
    comparison: Comparison, choice: ScaleChoice | None, progress: Progress | None, *, compile_each: bool
) -> Walk | str:
    """Both paths, or why there are none."""
    try:
        return walk(comparison, choice, compile_each=compile_each, progress=progress)
    except (FitError, ParameterError) as error:
        return str(error)


def as_html(
    comparison: Comparison,
    found: Walk | str | None,
    *,
    choice: ScaleChoice | None = None,
    title: str | None = None,
    command: str | None = None,
) -> str:
    """Return the page; `found` are the paths of the λ explorer, why there are none, or None where none were wanted."""
    from jinja2 import Environment, StrictUndefined

    from bayesreg import __version__

    c = comparison
    parts = [chapters.verdict(c), chapters.assumed(c), chapters.certificate(c), chapters.coefficients(c)]
    if c.passed:
        parts.append(chapters.ledger(c))
    if found is not None:
        parts.append(_explorer(c, found, choice))
    if c.passed:
        parts.append(chapters.predicted(c))
    parts += [chapters.diagnosed(c), chapters.reproduced(c, command)]
    interactive = isinstance(found, Walk)
    scripts = [_text(f"vendor/{name}") for name in LIBRARIES] + [_text("page/explorer.js")] if interactive else []
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
        _text("page/report.html.j2")
    )
    return page.render(
        title=title or "What the point estimate discards", subtitle=title_of(c.problem), chapters=parts,
        scripts=scripts,
        hashes=" ".join(map(_hash, scripts)) or "'none'", style=_text("page/report.css"), version=__version__,
    )  # fmt: skip


def _explorer(c: Comparison, found: Walk | str, choice: ScaleChoice | None) -> Chapter:
    blocks: list[Block] = []
    if isinstance(found, str):
        blocks.append(Said((f"There is no path along the prior's scale: {found}",), kind="withheld"))
        return Chapter("explorer-chapter", "How strong?", blocks)
    lines = ["The penalty's strength λ is the prior's scale. The slider moves the penalised optimum and the posterior "
             f"along it together. {found.posterior.sentence[:1].upper()}{found.posterior.sentence[1:]}."]  # fmt: skip
    lines += [f"No mark for {label}: {why}" for label, why in found.missing.items()]
    pair = None if c.problem.p < 2 else default_pair(c)
    stills = [("the path", lambda: plots.path(found.penalized, found.posterior, choice=choice, most=2, width=WIDTH))]
    if pair is not None:
        stills.append(("contours", lambda: plots.contours(c, pair, width=WIDTH)))
    places = None if pair is None else (c.problem.names.index(pair[0]), c.problem.names.index(pair[1]))
    blocks += [Said(tuple(lines)), Interactive(as_json(found, places), gallery(stills))]
    return Chapter("explorer-chapter", "How strong? The λ explorer", blocks)


@cache
def _text(name: str) -> str:
    return resources.files("bayesreg.reporting").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """What the page's policy allows: these very scripts, so that nothing else could run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _write(target: Path, text: str) -> None:
    """Write beside it, then rename: a failure leaves no half of a file."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
