"""Answers that wait: the browser closes, the session ends or the server restarts, and no answer is lost."""

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.journeys import abuse_report
from tests.journeys.forms import fill_in, send
from tests.journeys.input_drivers import InputDriver, Keyboard, Pointer
from tests.journeys.misuse_report import QUESTIONS
from tests.journeys.people import Join, Someone, gathering
from tests.support.embedded import EmbeddedSignpost, begun, embedded_signpost

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
SAVE = "Save and come back later"
HALF = "I was about to write more when"


async def saves(someone: Someone, look: str | None = None) -> str:
    """Save what is on the page, and write the code down."""
    await someone.driver.press(SAVE)
    await expect(someone.page.get_by_role("heading", name="Your answers are saved")).to_be_visible()
    await someone.reads("You have not sent your", "no one can find it for you")
    code = await someone.page.locator("#draft-code").inner_text()
    if look:
        await someone.looks(f"saved, {look}")
    return code


async def comes_back(someone: Someone, code: str) -> None:
    """Enter the code, from the first page of the service on."""
    await someone.open("/")
    await someone.driver.follow("Continue a report that you saved")
    await someone.driver.write("Code", code.lower())
    await someone.driver.press("Continue")


@pytest.mark.parametrize(
    ("driver", "javascript"),
    [
        pytest.param(Pointer, True, id="with-a-pointer"),
        pytest.param(Keyboard, True, id="with-the-keyboard-only"),
        pytest.param(Pointer, False, id="without-javascript"),
    ],
)
async def test_a_report_goes_on_in_another_browser_after_the_first_was_closed(
    signpost: EmbeddedSignpost, browser: Browser, driver: Callable[[Page], InputDriver], javascript: bool
) -> None:
    async with gathering(browser, signpost.url) as join:
        first = await join(driver=driver, javascript=javascript)
        await first.open("/report/abuse")
        await abuse_report.where_and_what(first.driver)
        await first.driver.press("Continue")
        await first.driver.write("What happened?", HALF)
        code = await saves(first, "abuse")
    async with gathering(browser, signpost.url) as join:
        second = await join(driver=driver, javascript=javascript)
        await second.open("/report/continue")
        await second.looks("continue, asked for the code")
        await second.driver.press("Continue")
        await second.is_refused("continue, nothing typed", "Enter your code")
        await comes_back(second, code)
        await expect(second.page.get_by_role("textbox", name="What happened?")).to_have_value(HALF)
        await second.driver.press("Continue")
        await second.driver.press("Continue")
        await second.driver.choose("No")
        await second.driver.press("Continue")
        await abuse_report.anonymously(second.driver)
        await second.reads("Check your answers", HALF, "https://www.instagram.com/p/C1a2B3c4D5e/", "@some_account")
        await second.driver.press("Send report")
        assert await abuse_report.reference_on(second.page)
        third = await join(driver=driver, javascript=javascript)
        await comes_back(third, code)
        await third.is_refused(
            "continue, sent before",
            "Check the code. We cannot find answers with it: they may have been sent or deleted",
        )


async def test_the_end_of_a_session_loses_no_answer(join: Join) -> None:
    kim = await join("Kim Doyle")
    await kim.open("/report/misuse")
    await fill_in(kim, QUESTIONS[:4])
    await kim.open("/sign-out")
    await kim.driver.press("Sign out")
    await kim.open("/report/misuse/account")
    await kim.driver.choose("Kim Doyle")
    await kim.driver.press("Sign in")
    await fill_in(kim, QUESTIONS[4:6])
    code = await saves(kim, "misuse")
    mail = unquote(await kim.main.get_by_role("link", name="Write yourself").get_attribute("href") or "")
    assert mail.startswith("mailto:kim.doyle@example.org?")
    await kim.open(re.findall(r"http\S+#\S+", mail)[0])
    await expect(kim.page.get_by_label("Code")).to_have_value(code)
    assert code not in kim.page.url
    await kim.open("/report/misuse/where")
    await kim.driver.press(SAVE)
    await kim.driver.press("Leave, and remove my answers from this browser")
    away = await join()
    await comes_back(away, code)
    await away.driver.choose("Kim Doyle")
    await away.driver.press("Sign in")
    await fill_in(away, QUESTIONS[6:])
    await away.reads("Tom Evans", "Their own device")
    assert await send(away)


@pytest_asyncio.fixture(loop_scope="session")
async def own_signpost() -> AsyncIterator[EmbeddedSignpost]:
    """A Signpost that the test may stop."""
    folder = Path(tempfile.mkdtemp(prefix="signpost-"))
    await begun(folder / "data")
    async with embedded_signpost(folder / "data") as started:
        yield started
    shutil.rmtree(folder)


async def test_a_restart_of_the_server_loses_no_answer(own_signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with gathering(browser, own_signpost.url) as join:
        one, other = await join(), await join()
        for someone in (one, other):
            await someone.open("/report/abuse")
            await abuse_report.where_and_what(someone.driver)
        code = await saves(other)
        await own_signpost.kill()
        await own_signpost.start()
        await one.driver.press("Continue")
        await one.reads("What happened?")
        third = await join()
        await comes_back(third, code)
        await third.reads("When did it happen?")
        await third.open("/report/abuse/where")
        await expect(third.page.get_by_role("textbox", name="Accounts that did it")).to_have_value("@some_account")
