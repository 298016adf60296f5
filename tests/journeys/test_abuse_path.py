"""One report of abuse, from the first question until the team has finished, as people see it in a browser."""

import re
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.journeys import abuse_report
from tests.journeys.input_drivers import InputDriver, Keyboard, Pointer
from tests.journeys.people import DESK, TELEPHONE
from tests.support.browser import Visitor, person
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]


@dataclass(frozen=True)
class Way:
    """How the people of a journey use their browsers."""

    name: str
    driver: Callable[[Page], InputDriver]
    javascript: bool
    widths: tuple[int, ...]
    """The widths at which pages are checked; people work in the last one."""


WAYS = [
    pytest.param(Way("pointer", Pointer, javascript=True, widths=(TELEPHONE, DESK)), id="with-a-pointer"),
    pytest.param(Way("no script", Pointer, javascript=False, widths=(TELEPHONE,)), id="without-javascript"),
    pytest.param(Way("keyboard", Keyboard, javascript=True, widths=(DESK,)), id="with-the-keyboard-only"),
]


class Someone:
    """A person of the journey: a browser, and a driver to use it."""

    def __init__(self, visitor: Visitor, way: Way) -> None:
        self.page = visitor.page
        self.driver = way.driver(visitor.page)
        self._visitor = visitor
        self._way = way

    async def look(self, name: str) -> None:
        """Check the page, under this journey's name."""
        for width in self._way.widths:
            await self.page.set_viewport_size({"width": width, "height": 900})
            await self._visitor.see(f"{self._way.name}, {name}, {width}")
            await self._visitor.fits()

    async def sign_in(self, name: str) -> None:
        """Sign in on the sign-in page with this driver, like everything else."""
        await self.page.goto("/sign-in")
        await self.driver.choose(name)
        await self.driver.press("Sign in")

    async def shows(self, address: str, text: str) -> None:
        """Open `address` again and again until it says `text`."""

        async def said() -> bool | None:
            await self.page.goto(address)
            return True if text in await self.page.get_by_role("main").inner_text() else None

        await eventually(said)


@pytest.mark.policy("S3", "R-c", "Sc-b")
@pytest.mark.parametrize("way", WAYS)
async def test_a_report_reaches_smart_and_the_manager_and_its_reporter_can_follow_it(
    signpost: EmbeddedSignpost, browser: Browser, way: Way
) -> None:
    async with AsyncExitStack() as stack:

        async def someone() -> Someone:
            visitor = await stack.enter_async_context(person(browser, signpost.url, javascript=way.javascript))
            return Someone(visitor, way)

        priya, sam, grace = await someone(), await someone(), await someone()
        await sam.sign_in("Sam Reid")
        reference = await _reports(priya)
        sent = time.monotonic()
        await sam.shows("/cases", reference)
        seconds = time.monotonic() - sent
        print(f"\n{way.name}: on SMART's queue after {seconds:.2f} s")  # noqa: T201 - for people; speed is no claim
        await _follows(priya, reference, "With the Social Media Abuse Response Team (SMART)", "has been told.")
        await _acknowledges(grace, reference)
        await _follows(priya, reference, "With the Social", "Your manager has been told and has confirmed it.")
        await _claims_and_starts(sam, reference)
        await _follows(priya, reference, "Being worked on")
        await _writes(sam, reference)
        await priya.shows(f"/report/track/{reference}", "We have asked the platform to remove it.")
        await _follows(priya, reference, "The team has asked you for information")
        await _resolves(sam, reference)
        await _follows(priya, reference, "Finished")
        await priya.look("status, finished")


async def _reports(priya: Someone) -> str:
    await priya.sign_in("Priya Shah")
    await priya.page.goto("/")
    await priya.driver.follow("Someone is abusing, threatening or exposing me, a colleague or a customer online")
    await abuse_report.where_and_what(priya.driver, priya.look)
    await abuse_report.when_and_how(priya.driver, priya.look)
    await abuse_report.in_my_name(priya.driver, priya.look)
    await priya.look("report, check your answers")
    await expect(priya.page.get_by_role("main")).to_contain_text("They wrote that they know where I live.")
    await priya.driver.press("Send report")
    reference = await abuse_report.reference_on(priya.page)
    await priya.look("report, sent")
    return reference


async def _follows(priya: Someone, reference: str, step: str, manager: str | None = None) -> None:
    """Wait until the page of the report is at `step`, and says `manager` of the manager."""
    address = f"/report/track/{reference}"

    async def there() -> bool | None:
        await priya.page.goto(address)
        now_at = await priya.page.locator("[aria-current=step]").inner_text()
        main = await priya.page.get_by_role("main").inner_text()
        return True if step in now_at and (manager or "") in main else None

    await eventually(there)
    await priya.look(f"status, {step.lower()}{', confirmed' if manager and 'confirmed' in manager else ''}")


async def _acknowledges(grace: Someone, reference: str) -> None:
    subject = f"Urgent: social media abuse reported, {reference}"
    await grace.shows("/mail", subject)
    await grace.look("mails")
    await grace.driver.follow(subject)
    await grace.look("mail to the manager")
    mail = await grace.page.get_by_role("main").inner_text()
    assert "Priya" not in mail
    assert abuse_report.NARRATIVE.splitlines()[0] not in mail
    [link] = re.findall(r"https?://\S+/alerts/acknowledge/\S+", mail)
    for _ in range(2):  # a mail scanner opens links too: that is not an acknowledgement
        await grace.page.goto(link)
        await expect(grace.page.get_by_role("heading", name="Tell us that you have seen this alert")).to_be_visible()
    await grace.look("acknowledge, asked")
    await grace.driver.press(f"I have seen this and will act on {reference}")
    await expect(grace.page.get_by_role("main")).to_contain_text("is recorded")
    await grace.look("acknowledge, thanks")
    await grace.page.goto(link)
    await expect(grace.page.get_by_role("heading", name="Already acknowledged")).to_be_visible()
    await grace.look("acknowledge, answered before")


async def _claims_and_starts(sam: Someone, reference: str) -> None:
    await sam.page.goto("/cases")
    await sam.look("queue")
    await sam.driver.press(f"Claim {reference}")
    await expect(sam.page.get_by_role("main")).to_contain_text("You have this case.")
    await sam.look("case, claimed")
    await sam.driver.press("Start work")
    await expect(sam.page.get_by_role("main")).to_contain_text("In progress")


async def _writes(sam: Someone, reference: str) -> None:
    await sam.page.goto(f"/cases/{reference}")
    await sam.driver.unfold("Message to the reporter")
    await sam.driver.write("Message to the reporter", "We have asked the platform to remove it.")
    await sam.driver.press("Send to the reporter")
    await sam.driver.unfold("Ask for information")
    await sam.driver.write("What do you need to know?", "Is it still there for you?")
    await sam.driver.press("Ask the reporter")
    await sam.look("case, asked the reporter")
    main = sam.page.get_by_role("main")
    heading = main.get_by_role("heading", name=f"Case {reference}")
    await _is_printed(sam, heading, main.get_by_text("We have asked the platform"))
    await sam.page.goto(f"/cases/{reference}")
    await _is_printed(sam, heading, main.get_by_role("definition").filter(has_text="Harassment"))


async def _is_printed(sam: Someone, *said: Locator) -> None:
    """Find on paper what the case says, and nothing that can only be pressed on a screen."""
    parts = (".govuk-service-navigation", ".moj-sub-navigation", ".signpost-actions", "main .govuk-button")
    pressed = [sam.page.locator(part).filter(visible=True) for part in parts]
    for part in pressed:
        await expect(part).not_to_have_count(0)
    await sam.page.emulate_media(media="print")
    for part in said:
        await expect(part).to_be_visible()
    for part in pressed:
        await expect(part).to_have_count(0)
    await sam.page.emulate_media(media="screen")


async def _resolves(sam: Someone, reference: str) -> None:
    await _reads_the_case(sam)
    await sam.page.goto(f"/cases/{reference}")
    await sam.driver.unfold("Resolve")
    await sam.driver.pick("How did it end?", "Removed by the platform")
    await sam.look("case, resolving")
    await sam.driver.press("Resolve the case")
    await expect(sam.page.get_by_role("main")).to_contain_text("Resolved")
    await sam.look("case, resolved")


async def _reads_the_case(sam: Someone) -> None:
    main = sam.page.get_by_role("main")
    await expect(main).not_to_contain_text(abuse_report.NARRATIVE.splitlines()[0])
    await sam.driver.press("Show what was written")
    await expect(main).to_contain_text(abuse_report.NARRATIVE.splitlines()[0])
    await sam.look("case, what was written")
    for tab in ("Conversation", "Evidence", "Timeline", "Routing", "Audit"):
        await sam.driver.follow(tab)
        await sam.look(f"case, {tab.lower()}")
