"""One report of abuse with files, from the first question until its outcome has been looked at again, in a browser."""

import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.journeys import abuse_report, files
from tests.journeys.files import CANARY, letter, screenshot, words
from tests.journeys.input_drivers import InputDriver, Keyboard, Pointer
from tests.journeys.people import DESK, TELEPHONE, WIDE_TELEPHONE, Join, Someone
from tests.journeys.test_files_path import are_added
from tests.services.cli import in_process
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
PICTURE, LETTER, TEXT = screenshot("screen of Priya.jpg"), letter("letter to Priya.pdf"), words("words for Priya.txt")
MORE = words("more for Priya.txt", files.SAID_AGAIN)
ANSWER = "It is, and there is a new one."
WHY = "To see whether it is a threat"
REASON = "You did not look at the second one."
ASK_FOR_REVIEW = "Ask for this to be looked at again"


@dataclass(frozen=True)
class Way:
    """How the people of a journey use their browsers, and how it goes."""

    name: str
    driver: Callable[[Page], InputDriver]
    widths: tuple[int, ...]
    """The widths at which pages are checked; people work at the last one."""
    decision: str
    news: str
    """What the reporter reads of the decision."""
    javascript: bool = True
    """Without it, axe cannot look at the pages; their pictures are kept, and they fit all the same."""
    anonymous: bool = False
    """Their report is sent by `driver`, and followed by the keyboard: so both kinds of reporter use both."""


STANDS, CONTINUES = "Yes, it stands", "No, work continues"
WAYS = [
    pytest.param(
        Way("pointer", Pointer, (TELEPHONE, DESK), STANDS, "The outcome stays as it is"),
        id="with-a-pointer",
    ),
    pytest.param(
        Way(
            "no script",
            Pointer,
            (TELEPHONE,),
            STANDS,
            "The outcome stays as it is",
            javascript=False,
            anonymous=True,
        ),
        id="without-javascript",
    ),
    pytest.param(
        Way("keyboard", Keyboard, (WIDE_TELEPHONE,), CONTINUES, "the team went back to work"),
        id="with-the-keyboard-only",
    ),
]


@dataclass(frozen=True)
class Reporter:
    """The person who reports; what they sent is known by its reference, and by its code if they gave no name."""

    someone: Someone
    reference: str
    anonymous: bool

    @property
    def status(self) -> str:
        """Where they follow it."""
        return f"/report/track/{self.reference}"


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def _everything_is_whole_at_the_end(signpost: EmbeddedSignpost) -> AsyncIterator[None]:
    """Check after the journeys that each report, each case's record and each piece of evidence is whole."""
    yield
    for command in (("reconcile", "--wait", "60"), ("audit", "verify")):
        done = await in_process.signpost(*command, SIGNPOST_DATA_DIR=str(signpost.data_dir))
        print(done.output)  # noqa: T201 - what is whole, for people
        assert done.exit_code == 0, done.output


@pytest.mark.policy("S3", "R-c", "Sc-b")
@pytest.mark.parametrize("way", WAYS)
async def test_a_report_with_files_is_worked_on_together_and_its_outcome_looked_at_again(join: Join, way: Way) -> None:
    async def someone(name: str, driver: Callable[[Page], InputDriver] = way.driver) -> Someone:
        """Sign in on the sign-in page with this driver, like everything else."""
        joined = await join(driver=driver, javascript=way.javascript, widths=way.widths)
        joined.of = f"{way.name}, "
        if name:
            await joined.open("/sign-in")
            await joined.driver.choose(name)
            await joined.driver.press("Sign in")
        return joined

    sam = await someone("Sam Reid")
    priya = await _reports(await someone("" if way.anonymous else "Priya Shah"), way)
    case = f"/cases/{priya.reference}"
    sent = time.monotonic()
    await sam.waits_for("/cases", priya.reference)
    print(f"\n{way.name}: on SMART's queue after {time.monotonic() - sent:.2f} s")  # noqa: T201 - for people; speed is no claim
    if way.anonymous:
        priya = await _follows_by_code(priya, await someone("", driver=Keyboard))
    else:
        await _follows(priya, "With the Social Media Abuse Response Team (SMART)", "has been told.")
        await _acknowledges(await join(driver=Keyboard, javascript=way.driver is Keyboard), priya.reference)
        await _follows(priya, "With the Social", "Your manager has been told and has confirmed it.")
    await _claims(sam, priya.reference)
    await _follows(priya, "Being worked on")
    await _looks_at_the_evidence(sam, case, anonymous=way.anonymous)
    await _asks(sam, case)
    await _answers(priya)
    await _reads_the_answer(sam, priya.reference)
    await _resolves(sam, case, colours=way.driver is Pointer and way.javascript)
    await _asks_for_review(priya)
    await _may_not_decide(sam, case)
    await _decides(await someone("Aisha Khan"), priya.reference, way)
    await priya.someone.waits_for(priya.status, way.news)
    await priya.someone.looks("status, looked at again")


async def _reports(priya: Someone, way: Way) -> Reporter:
    async def add_files(name: str) -> None:
        await _attaches(priya, "Add files", PICTURE, LETTER, TEXT, javascript=way.javascript)
        await priya.looks(name)

    await priya.open("/")
    await priya.driver.follow("Someone is abusing, threatening or exposing me, a colleague or a customer online")
    await abuse_report.where_and_what(priya.driver, priya.looks)
    await abuse_report.when_and_how(priya.driver, priya.looks, add_files=add_files)
    await (abuse_report.anonymously if way.anonymous else abuse_report.in_my_name)(priya.driver, priya.looks)
    await priya.reads("They wrote that they know where I live.", *(sent["name"] for sent in (PICTURE, LETTER, TEXT)))
    await priya.looks("report, check your answers")
    await priya.driver.press("Send report")
    reference = await abuse_report.reference_on(priya.page)
    await are_added(priya, javascript=way.javascript)
    await priya.reads("We have:")
    await priya.finds_nothing_of("was sent without")
    await priya.looks("report, sent")
    return Reporter(priya, reference, way.anonymous)


async def _attaches(someone: Someone, label: str, *chosen: FilePayload, javascript: bool) -> None:
    await someone.driver.attach(label, chosen)
    if not javascript:
        await someone.driver.press("Add the files")
    for file in chosen:
        row = someone.main.locator(".signpost-file").filter(has_text=file["name"])
        await expect(row.locator(".signpost-file__state") if javascript else row).to_contain_text(
            "Ready to send" if javascript else file["name"]
        )


async def _follows_by_code(priya: Reporter, someone: Someone) -> Reporter:
    """Forget the report in this browser, as on a shared one, and come back in `someone`'s with reference and code."""
    code = await priya.someone.page.locator("#receipt-code").inner_text()
    await priya.someone.driver.press("Remove this page from this browser")
    await priya.someone.open(priya.status)
    await priya.someone.finds_nothing_of("Progress", within=priya.someone.main)
    priya = replace(priya, someone=someone)
    await someone.open("/")
    await someone.driver.follow("Check a report you made")
    await someone.looks("check a report")
    await someone.driver.write("Reference", priya.reference)
    await someone.driver.write("Code", code)
    await someone.driver.press("Show my report")
    await _follows(priya, "With the Social Media Abuse Response Team (SMART)")
    return priya


async def _follows(priya: Reporter, step: str, manager: str = "") -> None:
    """Wait until the page of the report is at `step`, and says `manager` of the manager."""
    page, main = priya.someone.page, priya.someone.main

    async def there() -> bool | None:
        await priya.someone.open(priya.status)
        now_at = await page.locator("[aria-current=step]").inner_text()
        return True if step in now_at and manager in await main.inner_text() else None

    await eventually(there)
    await priya.someone.looks(f"status, {step.lower()}{', confirmed' if 'confirmed' in manager else ''}")


async def _acknowledges(grace: Someone, reference: str) -> None:
    subject = f"Urgent: social media abuse reported, {reference}"
    await grace.waits_for("/mail", subject)
    await grace.looks("mails")
    await grace.driver.follow(subject)
    await grace.looks("mail to the manager")
    mail = await grace.main.inner_text()
    assert "Priya" not in mail
    assert abuse_report.NARRATIVE.splitlines()[0] not in mail
    [link] = re.findall(r"https?://\S+/alerts/acknowledge/\S+", mail)
    for _ in range(2):  # a mail scanner opens links too: that is not an acknowledgement
        await grace.open(link)
        await expect(grace.page.get_by_role("heading", name="Tell us that you have seen this alert")).to_be_visible()
    await grace.looks("acknowledge, asked")
    await grace.driver.press(f"I have seen this and will act on {reference}")
    await grace.reads("is recorded")
    await grace.looks("acknowledge, thanks")
    await grace.open(link)
    await expect(grace.page.get_by_role("heading", name="Already acknowledged")).to_be_visible()
    await grace.looks("acknowledge, answered before")


async def _claims(sam: Someone, reference: str) -> None:
    await sam.open("/cases")
    await sam.looks("queue")
    await sam.claims(reference)
    await sam.reads("You have this case.")
    await sam.reads("In progress")
    await sam.looks("case, claimed")


async def _looks_at_the_evidence(sam: Someone, case: str, *, anonymous: bool) -> None:
    await sam.driver.follow("Evidence 3 pieces")
    await sam.reads("1. Picture", "2. PDF", "3. Text", *(["A copy without place, device and author"] * anonymous))
    await sam.finds_nothing_of("<img", "Priya.jpg", "Priya.pdf", CANARY, within=sam.main)
    await sam.driver.unfold("Open piece 1")
    await sam.driver.write("Why do you open piece 1?", WHY)
    for button, shown in (("Show a preview", "blurred, grey"), ("Sharpen", "sharp, grey")):
        async with sam.page.expect_response(re.compile("/report/evidence/")) as drawing:
            await sam.driver.press(button)
        answer = await drawing.value
        assert (answer.status, CANARY.encode() in await answer.body()) == (200, False)
        await sam.reads(f"Preview, {shown}")
        await sam.looks(f"case, evidence, {shown}")
    for number, file in enumerate((PICTURE, LETTER, TEXT), start=1):
        await sam.open(f"{case}/evidence")
        await sam.driver.unfold(f"Open piece {number}")
        await sam.driver.write(f"Why do you open piece {number}?", WHY)
        original = await sam.driver.download("Download the original")
        assert (original == file["buffer"]) is (not anonymous or file is TEXT), file["name"]
        assert (CANARY.encode() in original) is (not anonymous and file is not TEXT), file["name"]


async def _asks(sam: Someone, case: str) -> None:
    await sam.open(case)
    await sam.driver.unfold("Message to the reporter")
    await sam.driver.write("Message to the reporter", "We have asked the platform to remove it.")
    await sam.driver.press("Send to the reporter")
    await sam.driver.unfold("Ask for information")
    await sam.driver.write("What do you need to know?", "Is it still there for you?")
    await sam.driver.press("Ask the reporter")
    await sam.looks("case, asked the reporter")
    heading = sam.main.get_by_role("heading", name=re.compile("^Case SP-"))
    await _is_printed(sam, heading, sam.main.get_by_text("We have asked the platform"))
    await sam.open(case)
    await _is_printed(sam, heading, sam.main.get_by_role("definition").filter(has_text="Harassment"))


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


async def _answers(priya: Reporter) -> None:
    await priya.someone.waits_for(priya.status, "We have asked the platform to remove it.")
    await _follows(priya, "The team has asked you for information")
    await priya.someone.driver.write("Your answer", ANSWER)
    await priya.someone.driver.attach("Files, if you have any", [MORE])
    await priya.someone.driver.press("Send")
    await priya.someone.reads("You answered", ANSWER, "Text" if priya.anonymous else MORE["name"])
    await priya.someone.looks("status, answered with a file")


async def _reads_the_answer(sam: Someone, reference: str) -> None:
    await sam.waits_for("/cases?view=replies", reference)
    await sam.looks("queue, replies")
    link = await sam.main.locator(".signpost-reference").first.bounding_box()
    assert link
    assert link["height"] >= 24, "whatever stands beside it (WCAG 2.5.8)"
    await sam.driver.follow(f"Reply to case {reference}, unread")
    await sam.reads(ANSWER, "New")
    await sam.open("/cases?view=replies")
    await expect(sam.main).not_to_contain_text(reference)
    await sam.waits_for(f"/cases/{reference}/evidence", "4. Text")
    await sam.driver.unfold("Open piece 4")
    await sam.driver.write("Why do you open piece 4?", WHY)
    assert await sam.driver.download("Download the original") == MORE["buffer"]


async def _resolves(sam: Someone, case: str, *, colours: bool) -> None:
    await sam.open(case)
    await sam.finds_nothing_of(abuse_report.NARRATIVE.splitlines()[0])
    await sam.driver.press("Show what was written")
    await sam.reads(abuse_report.NARRATIVE.splitlines()[0], ANSWER)
    await sam.looks("case, what was written")
    for link in ("Evidence 4 pieces", "Conversation", "People told", "Routing", "Timeline", "Audit"):
        await sam.driver.follow(link)
        tab = link.split()[0]
        await sam.looks(f"case, {tab.lower()}")
        if colours:
            await sam.looks_without_our_colours(f"case, {tab.lower()}")
    await sam.open(case)
    await sam.driver.follow("Say whether there is a threat to life")
    await sam.driver.choose("No")
    await sam.driver.write("What was said, or why there is no threat", "They are far away")
    await sam.looks("case, tasks, a threat")
    await sam.driver.press("Record the answer")
    await sam.open(case)
    await sam.driver.unfold("Resolve")
    await sam.driver.pick("How did it end?", "Removed by the platform")
    await sam.looks("case, resolving")
    await sam.driver.press("Resolve the case")
    await sam.reads("Resolved", "Removed by the platform.")
    await sam.looks("case, resolved")


async def _asks_for_review(priya: Reporter) -> None:
    await _follows(priya, "Finished")
    await priya.someone.driver.press(ASK_FOR_REVIEW)
    await priya.someone.driver.write("Why should it be looked at again?", REASON)
    await priya.someone.looks("status, asking for another look")
    await priya.someone.driver.press(ASK_FOR_REVIEW)
    await priya.someone.reads("You asked for the outcome to be looked at again")
    await priya.someone.looks("status, to be looked at again")


async def _may_not_decide(sam: Someone, case: str) -> None:
    await sam.waits_for(case, "asked for this outcome to be looked at again")
    await sam.driver.follow("Look at it again")
    await sam.reads("You resolved this case, so someone else has to look at its outcome again")
    await sam.looks("outcome, seen by who resolved it")


async def _decides(aisha: Someone, reference: str, way: Way) -> None:
    await aisha.waits_for("/cases?view=reviews", reference)
    await aisha.looks("queue, look again")
    await aisha.open(f"/cases/{reference}/review")
    await aisha.driver.press("Show what the reporter says")
    await aisha.reads(REASON)
    await aisha.driver.choose(way.decision)
    await aisha.driver.write("Why?", "I looked at both.")
    await aisha.looks("outcome, to be decided")
    await aisha.driver.press("Record the decision")
    await aisha.reads("The case is open again, and you have it" if way.decision == CONTINUES else "Resolved")
    await aisha.looks("case, its outcome looked at again")
