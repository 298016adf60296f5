"""The form for reports of abuse, filled in page by page."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

from playwright.async_api import Page

from shared.clock import SystemClock
from tests.journeys.input_drivers import InputDriver

NARRATIVE = "They wrote that they know where I live.\nIt was the third time this week."
Look = Callable[[str], Awaitable[None]]
_REFERENCE = re.compile(r"SP-[0-9A-Z]{4}-[0-9A-Z]{4}")


async def nothing(_name: str) -> None:
    """Do not look at this page: another journey does."""


async def where_and_what(driver: InputDriver, look: Look = nothing) -> None:
    """Answer the first pages, up to what else is at risk."""
    await look("report, safety")
    await driver.choose("Yes, I can report now")
    await driver.press("Continue")
    await look("report, who is affected")
    await driver.tick("Me")
    await driver.press("Continue")
    await look("report, where")
    await driver.pick("Website or app", "Instagram")
    await driver.pick("What was it?", "A private message")
    await driver.write("Links to it", "https://www.instagram.com/p/C1a2B3c4D5e/")
    await driver.write("Accounts that did it", "@some_account")
    await driver.choose("Yes")
    await driver.press("Continue")
    await look("report, what kind")
    await driver.tick("Harassment")
    await driver.tick("A threat")
    await driver.press("Continue")
    await look("report, what is at risk")
    await driver.tick("None of these, or I do not know")
    await driver.press("Continue")


async def when_and_how(
    driver: InputDriver, look: Look = nothing, narrative: str = NARRATIVE, add_files: Look = nothing
) -> None:
    """Answer the pages from when it happened to who did it."""
    await look("report, when")
    day = SystemClock().now() - timedelta(days=2)
    for part, text in (("Day", day.day), ("Month", day.month), ("Year", day.year), ("Time, if you know it", "2:30pm")):
        await driver.write(part, str(text))
    await driver.press("Continue")
    await look("report, what happened")
    await driver.write("What happened?", narrative)
    await driver.press("Continue")
    await look("report, evidence")
    await driver.tick("Screenshots")
    await add_files("report, evidence, files added")
    await driver.press("Continue")
    await look("report, who did it")
    await driver.choose("No")
    await driver.press("Continue")


async def in_my_name(driver: InputDriver, look: Look = nothing) -> None:
    """Say who reports, and agree that the manager is alerted."""
    await look("report, about you")
    await driver.choose("In my name")
    await driver.press("Continue")
    await look("report, contact")
    await driver.choose("An employee")
    await driver.press("Continue")
    await look("report, manager")
    await driver.choose("Yes, tell my manager")
    await look("report, manager, told")
    await driver.press("Continue")


async def anonymously(driver: InputDriver, look: Look = nothing) -> None:
    """Let only the team know, and give no name."""
    await driver.choose("Without saying who I am")
    await look("report, about you, anonymous")
    await driver.press("Continue")


async def reference_on(page: Page) -> str:
    """Return the reference that the confirmation shows."""
    await page.get_by_role("heading", name="Report sent").wait_for()
    match = _REFERENCE.search(await page.get_by_role("main").inner_text())
    assert match, "the confirmation shows no reference"
    return match[0]
