"""Draw path.png and explorer.png, pictures of the README and of the pages: `.venv/bin/python docs/images/draw.py`.

The first is the path.png that `bayesreg path diabetes --out DIR` writes; the second is the λ explorer of the report that
`bayesreg compare diabetes --report FILE.html` writes, as Chromium shows it.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bayesreg.cli import main

HERE = Path(__file__).parent


def shoot(report: Path, picture: Path) -> None:
    """Photograph the explorer of a report."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1100, "height": 1250})
        page.goto(report.as_uri())
        page.locator("#explorer-chapter").evaluate("e => e.scrollIntoView()")
        page.locator(".panel").evaluate("e => e.style.position = 'static'")
        page.locator("#explorer").screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        status = main(["path", "diabetes", "--out", name])
        shutil.copy(folder / "path.png", HERE / "path.png")
        status = status or main(["compare", "diabetes", "--report", str(folder / "report.html")])
        shoot(folder / "report.html", HERE / "explorer.png")
    sys.exit(status)
