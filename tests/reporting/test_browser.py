"""The report as a reader has it: opened in Chromium, moved, read, at a desk's width and a phone's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.image import imread
from playwright.sync_api import Browser, Page, Request

import bayesreg as br
from bayesreg.reporting.explorer import DIGITS as STORED
from tests.reporting.conftest import EVIL, Made

DESK, PHONE = (1280, 900), (390, 844)
DIGITS = 6e-4
"""Relative error of a number shown with four digits."""


@dataclass
class Opened:
    """A page, and all that it said and asked for."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def move(self, place: int) -> None:
        """Put the slider there, as a hand does."""
        self.page.locator("#explorer-place").fill(str(place))

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def rows(self) -> dict[str, list[str]]:
        """Cells of the table by column."""
        table = self.page.evaluate(
            "[...document.querySelectorAll('#explorer-table tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
        )
        return {name: cells for name, *cells in table}

    @property
    def quiet(self) -> bool:
        return not self.console and not self.dialogs


Open = Callable[..., Opened]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open a file in a page of its own."""
    contexts = []

    def open_(path: Path, size: tuple[int, int] = DESK, *, script: bool = True, touch: bool = False) -> Opened:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, java_script_enabled=script, has_touch=touch,
            is_mobile=touch, offline=True,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        found = Opened(page)
        page.on("console", lambda message: found.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.console.append(str(error)))
        page.on("dialog", lambda dialog: (found.dialogs.append(dialog.message), dialog.dismiss()))

        def asked(request: Request) -> None:
            if not request.url.startswith("data:"):
                found.requests.append(request.url)

        page.on("request", asked)
        page.goto(path.as_uri())
        return found

    yield open_
    for context in contexts:
        context.close()


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def interval(text: str) -> list[float]:
    return [number(end) for end in text.strip("[]").split(", ")]


def means(text: str) -> list[float]:
    return [number(part) for part in text.split(" ± ")]


def own(comparison: br.Comparison) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The comparison's own mean and 95 % interval (3, p), the mean's error and the sd."""
    table = comparison.coefficients[["mean", "lower", "upper", "mcse_mean", "sd"]].to_numpy().T
    assert comparison.interval_prob == 0.95
    return table[:3], table[3], table[4]


def test_opens_without_a_word_to_the_console_or_the_network(opened: Open, diabetes: Made) -> None:
    seen = opened(diabetes.path)
    seen.move(3)
    assert seen.quiet, (seen.console, seen.dialogs)
    assert seen.requests == [diabetes.path.as_uri()]


def test_its_policy_would_stop_a_script_that_is_not_its_own(opened: Open, diabetes: Made, tmp_path: Path) -> None:
    """The negative control: what is let in after all does not run, and is heard of."""
    path = tmp_path / "attacked.html"
    path.write_text(
        diabetes.text.replace("</main>", "<script>window.bad = 1</script><img src='https://x.test/a'></main>")
    )
    seen = opened(path)
    assert seen.page.evaluate("window.bad === undefined")
    assert len([line for line in seen.console if "Content Security Policy" in line]) == 2


def test_the_table_has_the_numbers_of_both_paths_at_every_place(opened: Open, diabetes: Made) -> None:
    seen, walk = opened(diabetes.path), diabetes.walk
    names = walk.penalized.problem.names
    assert number(seen.page.locator("#explorer-place").get_attribute("max") or "") == walk.scales.size - 1
    for i in range(walk.scales.size):
        seen.move(i)
        rows, k = seen.rows(), walk.start + i
        assert tuple(rows) == names
        shown = np.array([[*means(row[1]), *interval(row[2])] for row in rows.values()])
        np.testing.assert_allclose([number(row[0]) for row in rows.values()], walk.penalized.beta[k], rtol=DIGITS)
        if i == walk.home:
            expected, error, sd = own(diabetes.comparison)
        else:
            path = walk.posterior
            expected, error, sd = np.stack([path.mean[i], path.lower[i], path.upper[i]]), path.mcse[i], path.sd[i]
        last = 10.0 ** -np.maximum(0, 1 - np.floor(np.log10(sd)))  # a unit of the last digit shown
        stored = 0.51 * 10.0 ** (1 - STORED) * np.abs(expected)  # rounded twice: in the file, then on the page
        assert (np.abs(shown[:, [0, 2, 3]].T - expected) <= 0.5001 * last + stored).all()
        np.testing.assert_allclose(shown[:, 1], error, rtol=0.35)  # one digit
        zeros = [row[0] == "0" for row in rows.values()]
        np.testing.assert_array_equal(zeros, walk.penalized.beta[k] == 0)


def test_it_starts_at_the_reports_own_scale_with_the_comparisons_own_numbers(opened: Open, diabetes: Made) -> None:
    rows, table = opened(diabetes.path).rows(), diabetes.comparison.coefficients
    walk, start = diabetes.walk, diabetes.walk.own
    assert walk.scales[start] == diabetes.comparison.problem.prior.scale
    assert start == walk.home
    np.testing.assert_allclose([number(rows[n][0]) for n in table.index], table["penalized"], rtol=DIGITS, atol=1e-9)
    shown = np.array([means(rows[name][1])[0] for name in table.index])
    np.testing.assert_allclose(shown, table["mean"], atol=0.05001)
    shares = {"< 0.001": 0.0, "> 0.999": 1.0}
    found = [shares[text] if (text := rows[name][3]) in shares else float(text) for name in table.index]
    np.testing.assert_allclose(found, table["p_positive"], atol=0.00101)
    # The path's draws there are others; they agree within the Monte Carlo error of both.
    error = np.hypot(table["mcse_mean"], walk.posterior.mcse[start])
    assert (np.abs(walk.posterior.mean[start] - table["mean"]) <= 4 * error).all()


def test_the_pictures_carry_the_numbers(opened: Open, diabetes: Made) -> None:
    """Marks stand where the numbers are: their pixels are one straight line of the values."""
    seen, walk = opened(diabetes.path), diabetes.walk
    for i in (2, walk.own):
        seen.move(i)
        pixels = seen.page.evaluate(
            "[...document.querySelectorAll('#explorer-forest [data-mark=dot]')].map(g =>"
            " [...g.querySelectorAll('circle, path')].map(e => e.tagName === 'circle' ? +e.getAttribute('cx')"
            " : +/translate\\(([-\\d.]+)/.exec(e.getAttribute('transform'))[1]))"
        )
        mean, mode = np.array(pixels[0]), np.array(pixels[1])
        means_there = own(diabetes.comparison)[0][0] if i == walk.home else walk.posterior.mean[i]
        values = np.concatenate([means_there, walk.penalized.beta[walk.start + i]])
        at = np.concatenate([mean, mode])
        slope, start = np.polyfit(values, at, 1)
        assert slope > 0
        np.testing.assert_allclose(at, start + slope * values, atol=0.02)


def test_the_contours_move_with_the_slider(opened: Open, diabetes: Made) -> None:
    seen = opened(diabetes.path)
    before = seen.page.inner_html("#explorer-plane")
    seen.move(1)
    after = seen.page.inner_html("#explorer-plane")
    assert before != after
    assert seen.page.locator("#explorer-plane [data-mark=line] path").count() >= 3


def test_the_keyboard_moves_the_slider(opened: Open, diabetes: Made) -> None:
    seen, last = opened(diabetes.path), diabetes.walk.scales.size - 1
    slider = seen.page.locator("#explorer-place")
    slider.focus()
    for key, place in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", last)):
        slider.press(key)
        assert slider.input_value() == str(place)
        assert f"prior scale {diabetes.walk.scales[place]:.4g}" in (slider.get_attribute("aria-valuetext") or "")
        assert f"prior scale {diabetes.walk.scales[place]:.4g}" in seen.page.inner_text("#explorer-said")


def test_the_choices_are_marked_and_can_be_gone_to(opened: Open, diabetes: Made) -> None:
    seen = opened(diabetes.path)
    labels = seen.texts("#explorer-marks button")
    assert labels == [mark.label for mark in diabetes.walk.marks]
    assert {"this report", "highest evidence", "cross-validation, least loss", "cross-validation, 1 SE"} == set(labels)
    for mark in diabetes.walk.marks:
        button = seen.page.get_by_role("button", name=mark.label, exact=True)
        button.focus()
        button.press("Enter")
        assert button.get_attribute("aria-pressed") == "true"
        assert f"prior scale {mark.scale:.4g}" in seen.page.inner_text("#explorer-said")
        assert diabetes.walk.scales[int(seen.page.locator("#explorer-place").input_value())] == mark.scale


def test_nothing_is_wider_than_a_phone(opened: Open, diabetes: Made, evil: Made) -> None:
    for made in (diabetes, evil):
        seen = opened(made.path, PHONE, touch=True)
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        seen.page.get_by_role("button", name="this report").tap()
        seen.move(0)
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        widest = seen.page.evaluate(
            "Math.max(...[...document.querySelectorAll('svg, img')].map(e => e.getBoundingClientRect().right))"
        )
        assert widest <= PHONE[0]
        assert seen.quiet


def test_without_javascript_there_are_pictures_instead(opened: Open, diabetes: Made) -> None:
    seen = opened(diabetes.path, script=False)
    assert not seen.page.locator("#explorer").is_visible()
    still = seen.page.locator("#explorer-still img")
    assert still.count() == 2
    assert all(still.nth(i).is_visible() for i in range(2))
    assert seen.page.locator("#coefficients table").is_visible()
    assert opened(diabetes.path).page.locator("#explorer-still").is_hidden()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_axe_finds_nothing_that_shuts_a_reader_out(opened: Open, diabetes: Made, size: tuple[int, int]) -> None:
    page = opened(diabetes.path, size).page
    for summary in page.locator("summary").all():
        summary.click()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.evaluate("document.querySelector('h1').remove(); document.querySelector('img').removeAttribute('alt')")
    found = {violation["id"] for violation in Axe().run(page).response["violations"]}
    assert "image-alt" in found  # what is wrong is seen


def test_names_that_attack_are_names(opened: Open, evil: Made) -> None:
    seen = opened(evil.path)
    assert seen.quiet, (seen.console, seen.dialogs)
    assert seen.requests == [evil.path.as_uri()]
    assert tuple(seen.rows()) == EVIL
    assert seen.page.locator("img:not([src^='data:'])").count() == 0
    assert seen.page.locator("script:not([type])").count() == 3
    heads = seen.texts("#coefficients tbody th")
    assert [head.strip() for head in heads] == list(EVIL)


@pytest.mark.parametrize(("name", "size"), [("desk", DESK), ("phone", PHONE)])
def test_what_it_looks_like(opened: Open, diabetes: Made, tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    """Screenshots, kept where BAYESREG_SCREENSHOTS says; every picture in them is drawn."""
    folder = Path(os.environ.get("BAYESREG_SCREENSHOTS", tmp_path))
    page = opened(diabetes.path, size).page
    page.screenshot(path=folder / f"report-{name}.png", full_page=True)
    page.locator("#explorer").screenshot(path=folder / f"explorer-{name}.png")
    pixels = imread(folder / f"explorer-{name}.png")[..., :3]
    assert (pixels.min(axis=2) < 0.95).mean() > 0.02
    drawn = page.evaluate("[...document.images].map(e => e.complete && e.naturalWidth > 100)")
    assert len(drawn) >= 4
    assert all(drawn)
    colours = {"MAP": (0xD5, 0x5E, 0x00), "posterior": (0x00, 0x72, 0xB2)}
    for colour in colours.values():
        near = np.abs(pixels - np.array(colour) / 255).max(axis=2) < 0.02
        assert near.sum() > 50
