"""A real browser: Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the browser that the system has."""
    # `.ci/run` names one, so that no test is skipped there.
    browser = os.environ.get("TUNER_TEST_BROWSER") or shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium is installed to look at pages with; see .ci/run")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=flags)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def opened() -> Iterator[tuple[Page, list[str]]]:
    """Open a page; beside it stands what its console complains of.

    That an answer has the status of an error is told by the console too, and left out: tests ask for some.
    """
    complaints: list[str] = []
    with launched() as running:
        page = running.new_page(viewport={"width": 1400, "height": 1000})
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text)
                if said.type == "error" and "the server responded with a status of" not in said.text
                else None
            ),
        )
        yield page, complaints
