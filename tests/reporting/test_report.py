"""The file: what is in it, what is not, and how it is written."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import bayesreg as br
from bayesreg.reporting import build, grid, reproduce
from bayesreg.reporting.reproduce import code, expression, fingerprint
from tests.registry import LIKELIHOODS, PRIORS
from tests.reporting.conftest import EVIL, Made

VOID = {"meta", "img", "input", "br", "link"}


class Reader(HTMLParser):
    """Tags in balance, text by element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.stack):
            self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.stack == []
    return reader


def words(text: str) -> str:
    return " ".join("".join(read(text).text).split())


def small(prior: br.interfaces.Prior | None = None, **settings: object) -> br.Comparison:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, 0.0, -0.5] + rng.normal(size=40)
    problem = br.Problem.from_arrays(X, y, prior=br.Gaussian(1.0) if prior is None else prior)
    return br.compare(problem, **{"draws": 500, **settings})


def test_it_is_well_formed_and_small(diabetes: Made, evil: Made) -> None:
    for made in (diabetes, evil):
        found = read(made.text)
        assert len(found.ids) == len(set(found.ids))
        assert made.path.stat().st_size <= 3_000_000


def test_the_verdict_comes_first_and_every_chapter_is_there(diabetes: Made) -> None:
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", diabetes.text)
    assert titles == [
        "Verdict", "Which prior was assumed", "Certificate", "Coefficients", "What the point estimate discards",
        "How strong? The λ explorer", "Prediction", "Diagnostics", "To reproduce",
    ]  # fmt: skip
    assert diabetes.text.index('id="verdict"') < diabetes.text.index('id="prior"')


def test_it_says_what_the_comparison_says(diabetes: Made) -> None:
    said, c = words(diabetes.text), diabetes.comparison
    for sentence in (
        c.amount.sentence[1:],
        c.tradeoffs.sentence[1:],
        c.selection.sentence[1:],
        c.prediction.sentence[1:],
    ):
        assert " ".join(sentence.split()) in said
    assert str(br.prior_summary(c.problem)).splitlines()[0] in said
    assert f"J = {c.map.objective:.6f}" in said
    assert "bayesreg compare diabetes" in said
    assert fingerprint(c.problem) in said
    for library in ("sklearn.Lasso", "glmnet"):
        assert library in said


def test_names_are_escaped_wherever_they_stand(evil: Made) -> None:
    found = read(evil.text)
    said = "".join(found.text)
    for name in EVIL:
        assert name in said
    assert "49" not in [cell.strip() for cell in found.text if "{{" in cell]
    body = evil.text[evil.text.index("<body>") :]
    assert "<script>alert" not in body
    assert "<img src=x" not in body
    data = re.search(r'<script type="application/json" id="explorer-data">(.*?)</script>', body, re.DOTALL)
    assert data is not None
    assert not set("<>&") & set(data[1])


def test_the_code_in_it_makes_the_same_draws(diabetes: Made) -> None:
    c = diabetes.comparison
    data = br.load_dataset("diabetes")
    space = {"X": data.X, "y": data.y}
    text = code(c)
    assert " ".join(text.split()) in words(diabetes.text)
    exec(text.replace('br.report(comparison, "report.html")', ""), space)
    again = space["comparison"]
    np.testing.assert_array_equal(again.posterior.beta, c.posterior.beta)
    np.testing.assert_array_equal(again.map.beta, c.map.beta)
    assert fingerprint(again.problem) == fingerprint(c.problem)
    other = br.Problem.from_arrays(data.X, data.y + 1e-9, prior=br.Laplace(1.0))
    assert fingerprint(other) != fingerprint(c.problem)


@pytest.mark.parametrize("name", [*PRIORS])
def test_priors_are_written_as_code_that_makes_them(name: str) -> None:
    prior = PRIORS[name](6)
    again = eval(expression(prior), {"br": br})
    beta = np.random.default_rng(0).normal(size=(5, 6))
    np.testing.assert_array_equal(again.bind(tuple("abcdef"), tuple("abcdef")).penalty(beta), prior.penalty(beta))


def test_the_code_of_a_formula_of_priors_by_column_and_of_an_audit_makes_the_same_draws() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 2))
    y = X[:, 0] + rng.normal(size=40)
    frame = pd.DataFrame({"y": y, "a": X[:, 0], "b": X[:, 1], "g": list("uvwx") * 10})
    weights = rng.integers(1, 3, 40)
    prior = {"C(g)": br.GroupLaplace("terms", 0.3), "*": br.Laplace(0.2)}
    problem = br.Problem.from_formula("y ~ a * b + C(g)", frame, prior=prior, weights=weights)
    made = [
        br.compare(problem, draws=200, seed=4, epsilon=0.2, interval=0.9, sigma=1.1),
        br.audit(Ridge(2.0).fit(X, y), X, y, draws=200, seed=2),
    ]
    for c in made:
        space = {"frame": frame, "weights": weights, "X": X, "y": y, "estimator": Ridge(2.0).fit(X, y)}
        exec(code(c).replace('br.report(comparison, "report.html")', ""), space)
        again = space["comparison"]
        np.testing.assert_array_equal(again.posterior.beta, c.posterior.beta)
        pd.testing.assert_frame_equal(again.coefficients, c.coefficients)


def test_the_code_of_whatever_was_given_makes_the_same_draws() -> None:
    """NumPy's scalars, long arrays, groups, missing rows, weights and σ of an audit."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(80, 6))
    y = X[:, 0] + rng.normal(size=80)
    gaps = X.copy()
    gaps[3, 1] = np.nan
    weights = rng.integers(1, 4, 80)
    groups = br.GroupLaplace(list(np.arange(6) // 2), np.float64(0.3))
    with pytest.warns(br.DataWarning):
        missing = br.Problem.from_arrays(gaps, y, prior=br.Gaussian(np.linspace(0.1, 1, 6)), missing="drop")
    made = {
        "scalars": (X, br.compare(br.Problem.from_arrays(X, y, prior=groups), sigma=np.float64(1.1), draws=200,
                                  interval=np.float64(0.9), epsilon_raw=np.float64(0.2))),
        "missing": (gaps, br.compare(missing, draws=200)),
        "weights": (X, br.audit(Ridge(1.0).fit(X, y, sample_weight=weights), X, y, sample_weight=weights, draws=200)),
        "sigma": (X, br.audit(Ridge(1.0).fit(X, y), X, y, sigma=1.0, draws=200)),
    }  # fmt: skip
    for name, (data, c) in made.items():
        fitted = Ridge(1.0).fit(X, y, sample_weight=weights if name == "weights" else None)
        space = {"X": data, "y": y, "estimator": fitted, "sample_weight": weights}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", br.DataWarning)
            exec(code(c).replace('br.report(comparison, "report.html")', ""), space)
        np.testing.assert_array_equal(space["comparison"].posterior.beta, c.posterior.beta, err_msg=name)
        pd.testing.assert_frame_equal(space["comparison"].coefficients, c.coefficients)


def test_code_with_arrays_too_long_to_write_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "LONGEST", 2)
    c = small(br.Gaussian(np.array([1.0, 2.0, 3.0])), epsilon=np.array([0.1, 0.2, 0.3]), seed=np.random.default_rng(4))
    text = code(c)
    compile(text, "code", "exec")
    assert "prior=br.Gaussian(scale=scale)" in text
    assert "# scale: 3 numbers" in text
    assert "epsilon=epsilon)" in text
    assert "# the seed was no number" in text


def test_priors_by_column_have_a_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 2))
    problem = br.Problem.from_arrays(
        X, X[:, 0] + rng.normal(size=40), prior={"x0": br.Gaussian(1.0), "*": br.Laplace(0.2)}
    )
    text = br.report(br.compare(problem, draws=300), tmp_path / "r.html", explorer=False).read_text(encoding="utf-8")
    assert "of other libraries" in words(text)
    said = words(text)
    assert "{'x0': br.Gaussian(scale=1.0), '*': br.Laplace(scale=0.2)}" in said


def test_where_each_posterior_would_be_compiled_there_is_no_explorer_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = small()
    monkeypatch.setattr(grid, "prepare", lambda _: SimpleNamespace(method="nuts"))
    said = words(br.report(c, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "would be compiled (nuts)" in said
    assert 'id="explorer-data"' in br.report(c, tmp_path / "r.html", explorer=True).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*LIKELIHOODS])
def test_likelihoods_are_written_as_code_that_makes_them(name: str) -> None:
    likelihood = LIKELIHOODS[name].make()
    assert repr(eval(expression(likelihood), {"br": br})) == repr(likelihood)


def test_the_same_comparison_is_the_same_file(diabetes: Made) -> None:
    again = build.as_html(
        diabetes.comparison, diabetes.walk, choice=diabetes.choice, command="bayesreg compare diabetes"
    )
    assert again == diabetes.text


def test_what_a_failed_gate_withholds_is_not_in_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    problem = br.Problem.from_arrays(X, X[:, 0] + rng.normal(size=40), prior=br.Laplace(0.2))
    c = br.compare(problem, method="gibbs", draws=4, chains=4)
    assert not c.passed
    text = br.report(c, tmp_path / "r.html").read_text(encoding="utf-8")
    said = words(text)
    assert "WITHHELD" in said
    assert "explorer" not in {found.split("-")[0] for found in read(text).ids}
    mean = float(c.posterior.beta.mean(axis=(0, 1))[0])
    assert f"{mean:.3f}" not in said
    titles = re.findall(r"<h2[^>]*>([^<]+)</h2>", text)
    assert "Prediction" not in titles
    assert "What the point estimate discards" not in titles
    assert "<script" not in text


def test_without_the_explorer_there_is_no_script(tmp_path: Path) -> None:
    text = br.report(small(), tmp_path / "r.html", explorer=False).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "script-src 'none'" in text


def test_a_prior_without_a_scale_has_no_explorer_and_says_why(tmp_path: Path) -> None:
    c = small(br.Flat())
    said = words(br.report(c, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "There is no path along the prior's scale" in said
    assert "has no scale" in said


def test_title_and_command_are_text(tmp_path: Path) -> None:
    path = br.report(small(), tmp_path / "r.html", explorer=False, title="<b>T</b>", command="a && <b>")
    text = path.read_text(encoding="utf-8")
    assert "&lt;b&gt;T&lt;/b&gt;" in text
    assert "a &amp;&amp; &lt;b&gt;" in text
    assert "<b>" not in text


def test_nothing_is_lost_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.html"
    path.write_text("before")
    monkeypatch.setattr(build.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        br.report(small(), path, explorer=False)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["r.html"]


def test_bad_arguments_are_refused_before_anything_is_computed(tmp_path: Path) -> None:
    c = small()
    (tmp_path / "d.html").mkdir()
    bad = {"r.txt": "end in .html", tmp_path / "d.html": "is a folder", tmp_path / "no" / "r.html": "no folder"}
    for path, said in bad.items():
        with pytest.raises(br.InputError, match=said):
            br.report(c, path)
    with pytest.raises(br.ParameterError, match="takes a Comparison"):
        br.report(c.problem, tmp_path / "r.html")
    X = np.random.default_rng(0).normal(size=(30, 2))
    other = br.choose_scale(br.Problem.from_arrays(X, X[:, 0] + X[::-1, 1], prior=br.Gaussian(1.0)), "cv")
    with pytest.raises(br.ParameterError, match="columns other than"):
        br.report(c, tmp_path / "r.html", choice=other)
    assert not list(tmp_path.glob("*.tmp"))


def test_the_libraries_are_those_that_were_vetted() -> None:
    """Sums of the files as their makers published them: an edit, or a truncated copy, is noticed."""
    import hashlib

    sums = {name: hashlib.sha256(build._text(f"vendor/{name}").encode()).hexdigest() for name in build.LIBRARIES}
    assert sums == {
        "d3-7.9.2.min.js": "912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1",
        "plot-0.6.17.umd.min.js": "4358086467740777dd788d6b27a95cebdbaefdd50c730a3060117073bd7134cb",
    }
    for name in build.LIBRARIES:
        text = build._text(f"vendor/{name}")
        assert "</script" not in text
        assert "<!--" not in text


def test_a_choice_of_anything_else_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, 0.0, -0.5] + rng.normal(size=40)
    c = br.compare(br.Problem.from_arrays(X, y, prior=br.Gaussian(1.0)), draws=300)
    others = {
        "rows": br.Problem.from_arrays(X, y + X[:, 1], prior=br.Gaussian(1.0)),
        "a prior": br.Problem.from_arrays(X, y, prior=br.Laplace(1.0)),
    }
    for word, problem in others.items():
        with pytest.raises(br.ParameterError, match=f"choice is of {word} other"):
            br.report(c, tmp_path / "r.html", choice=br.choose_scale(problem, "cv"))
    with pytest.raises(br.ParameterError, match="must be a ScaleChoice"):
        br.report(c, tmp_path / "r.html", choice="cv")
    with pytest.raises(br.ParameterError, match="explorer must be"):
        br.report(c, tmp_path / "r.html", explorer="no")
    with pytest.raises(br.InputError, match="must be a path"):
        br.report(c, None)
    with pytest.raises(br.InputError, match="file name of"):
        br.report(c, tmp_path / f"{'x' * 250}.html")
    own = br.choose_scale(br.Problem.from_arrays(X, y, prior=br.Gaussian(5.0)), "cv")
    assert br.report(c, tmp_path / "r.html", choice=own).exists()


def test_an_audited_fit_that_is_not_the_optimum_is_said_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 3))
    y = X[:, 0] + rng.normal(size=60)
    fitted = Ridge(1.0).fit(X, y)
    fitted.coef_ = fitted.coef_ + 0.5
    said = words(br.report(br.audit(fitted, X, y), tmp_path / "r.html", explorer=False).read_text(encoding="utf-8"))
    assert "Your fit is not the optimum of its own objective" in said
    assert "Every check passed" not in said


def test_a_constant_response_and_separated_classes_have_a_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 3))
    with pytest.warns(br.DataWarning, match="constant"):
        flat = br.Problem.from_arrays(X, np.full(40, 3.0), prior=br.Laplace(0.3), likelihood=br.GaussianNoise(1.0))
    br.report(br.compare(flat, draws=300), tmp_path / "r.html", explorer=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", br.DataWarning)
        apart = br.Problem.from_arrays(X, (X[:, 0] > 0) * 1.0, prior=br.Gaussian(1.0), likelihood=br.BernoulliLogit())
        c = br.compare(apart, draws=500)
    said = words(br.report(c, tmp_path / "r.html", explorer=False).read_text(encoding="utf-8"))
    assert "Under half, once and twice the prior's scale" in said
    assert "nan" not in said


def test_a_highest_place_that_failed_its_gate_has_no_mark(diabetes: Made) -> None:
    path = diabetes.walk.posterior
    best = int(np.argmax(path.log_evidence))
    passed = path.passed_at.copy()
    assert isinstance(grid._highest(path), grid.Mark)
    passed[best] = False
    assert "failed its gate" in str(grid._highest(replace(path, passed_at=passed)))


def test_who_may_read_a_report_stays_as_it_was_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("before")
    real.chmod(0o600)
    link.symlink_to(real)
    br.report(small(), link, explorer=False)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert "before" not in real.read_text(encoding="utf-8")


def test_a_command_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    text = br.report(small(), tmp_path / "r.html", explorer=False, command="compare caf\udce9.csv").read_text("utf-8")
    assert "caf\\udce9.csv" in text


def test_what_was_asked_for_beside_is_in_it(tmp_path: Path) -> None:
    c = small()
    said = words(
        br.report(c, tmp_path / "r.html", explorer=False, also={"Waterfall": c.waterfall()}).read_text("utf-8")
    )
    assert " ".join(c.waterfall().sentence.split()) in said


def test_only_libraries_that_fit_such_a_response_are_listed(diabetes: Made) -> None:
    table = diabetes.text[diabetes.text.index("objectives of other libraries") :]
    table = table[: table.index("</table>")]
    assert "sklearn.Lasso" in table
    assert "Logistic" not in table
    assert "poisson" not in table.lower()


def test_a_comparison_saved_before_it_kept_its_settings_has_a_report() -> None:
    c = small()
    attrs = {name: value for name, value in c.posterior.attrs.items() if not name.endswith("_asked")}
    text = code(replace(c, posterior=replace(c.posterior, attrs=attrs)))
    assert "draws and chains as they were asked for are not known" in text
    compile(text, "code", "exec")
