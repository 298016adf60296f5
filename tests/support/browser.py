"""A real Chromium, and the accessibility check for every page."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_WCAG = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # the details of passed checks take axe most of its time, and no test reads them
}
_PATIENCE_MS = 30_000
expect.set_options(timeout=_PATIENCE_MS)
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The headless shell first: it draws the same pages and leaves out the rest of a desktop browser."""
_HOW_TO_GET_ONE = "journeys need Chromium: install `chromium-headless-shell` or `chromium`, or set CHROMIUM to its path"
ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "screenshots"


def _chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found:
        return found
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(_HOW_TO_GET_ONE)
    pytest.skip(_HOW_TO_GET_ONE)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the system's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def person(browser: Browser, url: str, *, javascript: bool = True, width: int = 1280) -> AsyncIterator["Visitor"]:
    """Open one person's own browser."""
    context = await browser.new_context(
        base_url=url, java_script_enabled=javascript, viewport={"width": width, "height": 900}, locale="en-GB"
    )
    context.set_default_timeout(_PATIENCE_MS)
    try:
        yield Visitor(context, await context.new_page(), javascript=javascript)
    finally:
        await context.close()


class Visitor:
    """One person at a browser. Each call of `see` checks the page with axe and keeps a picture of it."""

    def __init__(self, context: BrowserContext, page: Page, *, javascript: bool) -> None:
        self.context = context
        self.page = page
        self._javascript = javascript

    async def see(self, name: str) -> None:
        """Keep a picture of the page, and fail on a title without the service’s name and any accessibility violation.

        axe needs scripts, so for a page without JavaScript there is only the picture and the title.
        """
        await self.picture(name)
        assert (await self.page.title()).endswith(" - Signpost"), name
        if self._javascript:
            results = await Axe().run(self.page, options=_WCAG)
            assert results.violations_count == 0, f"{name}: {results.generate_report()}"

    async def picture(self, name: str) -> None:
        """Keep a picture of the whole page."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png", full_page=True)

    async def sign_in(self, who: str) -> None:
        """Sign in as the sample person called `who`."""
        await self.page.goto("/sign-in")
        await self.page.get_by_role("radio", name=who, exact=True).check()
        await self.page.get_by_role("button", name="Sign in", exact=True).click()

    async def fits(self) -> None:
        """Fail if the page is wider than the window, so that people would have to scroll sideways to read it."""
        wide, window = await self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= window, f"{self.page.url} is {wide} pixels wide in a window of {window}"
