"""One embedded Signpost and one Chromium for all journeys of a test process."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio
from playwright.async_api import Browser

from tests.journeys.people import Join, gathering
from tests.journeys.reports import Program
from tests.support.browser import chromium, person
from tests.support.embedded import EmbeddedSignpost, begun, embedded_signpost


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium; each person opens their own window in it."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def new_signpost() -> AsyncIterator[EmbeddedSignpost]:
    """A Signpost on an empty directory; use `signpost`, which has been looked at while it was empty."""
    folder = Path(tempfile.mkdtemp(prefix="signpost-"))  # not below pytest's own folder, as for `data_dir`
    await begun(folder / "data")
    async with embedded_signpost(folder / "data", SIGNPOST_NOTIFIER_STORM_AFTER="1000000") as started:
        yield started
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signpost(new_signpost: EmbeddedSignpost, browser: Browser) -> EmbeddedSignpost:
    """The Signpost of all journeys. Pages that are empty only before the first report are looked at here."""
    async with person(browser, new_signpost.url) as visitor:
        await visitor.page.goto("/mail")
        await visitor.page.get_by_text("No emails yet").wait_for()
        await visitor.see("mail, empty")
        await visitor.sign_in("Sam Reid")
        await visitor.page.goto("/cases")
        await visitor.page.get_by_role("heading", name="Nothing is waiting").wait_for()
        await visitor.see("queue, empty")
        await visitor.fits()
        await visitor.sign_in("Ruth Bell")
        await visitor.page.goto("/cases/operations")
        await visitor.page.get_by_text("Each report appears here as it goes from step to step.").wait_for()
        await visitor.see("operations, empty")
        await visitor.fits()
    return new_signpost


@pytest_asyncio.fixture(loop_scope="session")
async def join(signpost: EmbeddedSignpost, browser: Browser) -> AsyncIterator[Join]:
    """Lets people join a journey."""
    async with gathering(browser, signpost.url) as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def program(signpost: EmbeddedSignpost) -> AsyncIterator[Program]:
    """Sends reports and reads cases without a browser."""
    async with httpx.AsyncClient(base_url=signpost.url, timeout=60) as client:
        yield Program(signpost, client)
