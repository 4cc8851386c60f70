"""`report`: from a comparison to one HTML file."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

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
from bayesreg.reporting.reproduce import fingerprint
from bayesreg.samplers.settings import Progress
from bayesreg.strength import ScaleChoice

LONGEST_NAME = 230
"""Bytes of a file's name that leave room for that of the file that is written first."""

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
    also: Mapping[str, object] | None = None,
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
    also : mapping of str to object, optional
        Results of `bayesreg.discard` (a waterfall, `kfold`, `beside`, ...) by name, to be shown as text.
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
    target = _read(comparison, path, choice, explorer)
    wanted = explorer is not False and comparison.passed and comparison.problem.p
    found = _walked(comparison, choice, progress, compile_each=bool(explorer)) if wanted else None
    text = as_html(comparison, found, choice=choice, title=title, command=command, also=also)
    _write(target, text)
    return target


def _read(comparison: object, path: str | Path, choice: ScaleChoice | None, explorer: object) -> Path:
    if not isinstance(comparison, Comparison):
        msg = f"report takes a Comparison (got {type(comparison).__name__}): that of compare(problem) or audit(...)"
        raise ParameterError(msg)
    if choice is not None:
        _check_choice(comparison, choice)
    if explorer is not None and not isinstance(explorer, bool):
        msg = f"report: explorer must be True, False or None (got {explorer!r})"
        raise ParameterError(msg)
    return check_target(path, "report: path")


def _check_choice(comparison: Comparison, choice: object) -> None:
    """Refuse a choice of other data, another likelihood or another kind of prior."""
    if not isinstance(choice, ScaleChoice):
        msg = f"report: choice must be a ScaleChoice, that of choose_scale (got {type(choice).__name__})"
        raise ParameterError(msg)
    mine, its = comparison.problem, choice.problem
    other = (
        "columns" if mine.names != its.names
        else "rows" if fingerprint(mine) != fingerprint(its)
        else "a likelihood" if type(mine.likelihood) is not type(its.likelihood)
        else "a prior" if type(mine.prior) is not type(choice.family.prior)
        else ""
    )  # fmt: skip
    if other:
        msg = f"report: choice is of {other} other than this comparison's; give that which its scale came from"
        raise ParameterError(msg)


def check_target(path: str | Path, name: str) -> Path:
    """Return where the report goes.

    Raises
    ------
    InputError
        If it is a folder, is in none, or has another ending; called `name`.
    """
    if not isinstance(path, str | Path):
        msg = f"{name} must be a path (got {path!r})"
        raise InputError(msg)
    target = Path(path).resolve()  # a link stays one: what it points to is written
    if target.suffix.lower() not in (".html", ".htm"):
        msg = f"{name} must end in .html (got {str(path)!r})"
        raise InputError(msg)
    if target.parent.is_dir() and not os.access(target.parent, os.W_OK):
        msg = f"{name} {str(path)!r} is in a folder that may not be written to"
        raise InputError(msg)
    if len(target.name.encode()) > LONGEST_NAME:
        msg = f"{name} has a file name of {len(target.name.encode())} bytes; at most {LONGEST_NAME} fit"
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
    also: Mapping[str, object] | None = None,
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
    if also and c.passed:
        parts.append(chapters.beside(also))
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
    made = f"{found.posterior.sentence[:1].upper()}{found.posterior.sentence[1:]}"
    lines = [
        "The smaller the prior's scale, the larger λ and the stronger the penalty. The slider moves the penalised "
        f"optimum and the posterior along it together. {made}; at this report's own scale, its own draws. "
        "Behind ± stands the Monte Carlo error of a mean; the ends of an interval have some three times as much."
    ]
    lines += [f"No mark for {label}: {why}" for label, why in found.missing.items()]
    pair = None if c.problem.p < 2 else default_pair(c)
    stills = [("the path", lambda: plots.path(found.penalized, found.posterior, choice=choice, most=2, width=WIDTH))]
    if pair is not None:
        stills.append(("contours", lambda: plots.contours(c, pair, width=WIDTH)))
    places = None if pair is None else (c.problem.names.index(pair[0]), c.problem.names.index(pair[1]))
    blocks += [Said(tuple(lines)), Interactive(as_json(found, places, c), gallery(stills))]
    return Chapter("explorer-chapter", "How strong? The λ explorer", blocks)


@cache
def _text(name: str) -> str:
    return resources.files("bayesreg.reporting").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """What the page's policy allows: these very scripts, so that nothing else could run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _umask() -> int:
    """What the user lets no one do: it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _write(target: Path, text: str) -> None:
    """Write beside it, then rename: a failure leaves no half of a file."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
        os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
