"""A real Chromium for the tests of pages, driven by Playwright; where it is missing a loud skip, in CI an error."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
MISSING = "no chromium on this machine: apt-get install chromium, then the tests of pages run"


def need_chromium() -> str:
    """The path of Chromium; a test that needs it is skipped without, and fails in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return CHROMIUM


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, for a module of tests."""
    path = need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def open_page(context: Any, path: Path, fragment: str = "") -> Any:
    """A page from a file that is ready; what it complains about is an error of the test."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on(
        "request",
        lambda asked: complaints.append(asked.url) if not asked.url.startswith(("file:", "data:", "blob:")) else None,
    )
    page.complaints = complaints
    page.goto(path.as_uri() + fragment)
    page.wait_for_selector("html[data-ready]")
    return page


def axe_script() -> str:
    """axe-core itself."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Any) -> list[tuple[str, list[str]]]:
    """What axe-core finds wrong with a page: rule, and where.  It is evaluated beside the page's own policy."""
    page.evaluate(axe_script())
    found = page.evaluate("axe.run()")
    return [(item["id"], [node["html"][:200] for node in item["nodes"]][:3]) for item in found["violations"]]
