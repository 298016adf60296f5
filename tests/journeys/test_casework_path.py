"""A day's casework: thirty plain cases in one sitting by the keyboard alone, and a burst that is answered as one."""

import asyncio
import re
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.journeys.input_drivers import Keyboard
from tests.journeys.people import DESK, TELEPHONE, WIDE_TELEPHONE, Join, Someone
from tests.journeys.reports import Program, Sent, burst, plain_reports
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded-pages"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]
SAM, AISHA = "S4001", "S4002"
CASES, MOST_INTERACTIONS = 30, 4
UNCLAIMED = "/cases?view=unclaimed&kind=abuse&platform=pinterest"
REPORTS = 200
POST = "https://www.instagram.com/p/CbUrStOfMaNy/"
MESSAGE = "The platform has been asked to remove the post. You need not do anything."
WIDTHS = (TELEPHONE, WIDE_TELEPHONE, DESK)
AT_ONCE = 8


async def test_thirty_plain_cases_are_worked_in_one_sitting_with_at_most_four_interactions_each(
    join: Join, program: Program, record_property: Callable[[str, object], None]
) -> None:
    sent = [await program.send("abuse", body, who) for who, body in plain_reports(14, CASES, "pinterest")]
    for one in sent:
        await program.case(SAM, one.report_id)
    sam = await join("Sam Reid", driver=Keyboard)
    keys = sam.driver
    assert isinstance(keys, Keyboard)
    await sam.open(UNCLAIMED)
    await keys.move("j")
    await keys.shortcut("o")
    worked, counted = [], []
    opening, moved = keys.interactions, keys.moves
    for _ in sent:
        before = keys.interactions
        worked.append(await _works_the_case(sam, keys))
        counted.append(keys.interactions - before)
    record_property(
        "summary",
        f"{CASES} cases: {sum(counted)} interactions, at most {max(counted)} for a case, and {opening} to begin; "
        f"besides {keys.moves - moved} times Tab or an arrow",
    )
    await sam.reads("No case matches")
    assert max(counted) <= MOST_INTERACTIONS
    assert sorted(worked) == sorted(one.reference for one in sent)
    for one in sent:
        case = await program.case(SAM, one.report_id)
        assert case.state == "resolved", one.reference


async def _works_the_case(sam: Someone, keys: Keyboard) -> str:
    """Claim the case that is open, resolve it, and go on to the next; return its reference."""
    [reference] = re.findall(r"SP-\w{4}-\w{4}", await sam.page.title())
    await keys.shortcut("c")
    await keys.shortcut("n", leads_on=False)
    await keys.pick_here("How did it end?", "Support given")
    await keys.press("Resolve and next")
    return str(reference)


async def test_a_burst_becomes_one_campaign_with_one_message_to_all_and_one_outcome(
    join: Join, program: Program, signpost: EmbeddedSignpost
) -> None:
    sent = await _sent_by_many(program)
    aisha, without_scripts = (
        await join("Aisha Khan", widths=WIDTHS),
        await join("Aisha Khan", javascript=False, widths=(TELEPHONE,)),
    )
    await _confirms_the_campaign(aisha)
    campaign = aisha.page.url
    await aisha.driver.press("Message all reporters")
    await aisha.reads(f"The reporters of {REPORTS} reports")
    await aisha.driver.write("Message to each reporter", MESSAGE)
    await _looks_in_each_way(aisha, without_scripts, "burst, message to all")
    async with signpost.database("triage") as other, other.transaction():
        await other.execute('select 1 from "case" for update')  # nothing of them can be done
        await aisha.driver.press(f"Message the reporters of {REPORTS} cases")
        await aisha.reads(f"of {REPORTS} cases looked at")
        await _looks_in_each_way(aisha, without_scripts, "burst, in progress")
    await _is_done(aisha, f"Message sent about {REPORTS} cases")
    await aisha.open(campaign)
    await aisha.driver.press("Resolve all cases")
    await aisha.driver.pick("How did they end?", "Reported to the platform")
    await aisha.looks("burst, one outcome")
    await aisha.driver.press(f"Resolve {REPORTS} cases")
    await _is_done(aisha, f"{REPORTS} cases resolved")
    await aisha.looks("burst, resolved")
    await _each_reporter_reads_it_once_as_if_alone(join, program, sent)


async def _looks_in_each_way(aisha: Someone, without_scripts: Someone, name: str) -> None:
    """Look at the page of many cases also in forced colours, and without scripts."""
    await aisha.looks(name)
    await aisha.looks_without_our_colours(name)
    await without_scripts.open(aisha.page.url)
    await without_scripts.looks(f"{name}, without scripts")


async def _sent_by_many(program: Program) -> list[tuple[str | None, Sent]]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def send(who: str | None, body: dict[str, object]) -> tuple[str | None, Sent]:
        async with turns:
            return who, await program.send("abuse", body, who)

    return await asyncio.gather(*(send(who, dict(body)) for who, body in burst(REPORTS, POST)))


async def _confirms_the_campaign(aisha: Someone) -> None:
    row = aisha.page.get_by_role("row").filter(has=aisha.page.get_by_role("cell", name=str(REPORTS), exact=True))

    async def suggested() -> bool | None:
        await aisha.page.goto("/cases/campaigns?state=suggested")
        return await row.count() == 1 or None

    await eventually(suggested)
    await aisha.looks("burst, suggested")
    await row.get_by_role("link").click()
    await aisha.reads("Same link", f"{REPORTS} reports")
    await aisha.driver.write("What to call it (optional)", "Burst about one post")
    await aisha.driver.press("Confirm: these cases belong together")
    await aisha.looks("burst, campaign")


async def _is_done(aisha: Someone, heading: str) -> None:
    await expect(aisha.page.get_by_role("heading", name=heading)).to_be_visible(timeout=120_000)
    await aisha.finds_nothing_of("Left as they are")


async def _each_reporter_reads_it_once_as_if_alone(
    join: Join, program: Program, sent: list[tuple[str | None, Sent]]
) -> None:
    for who, one in sent:
        if who:
            address = f"/report/api/v1/reports/{one.reference}/messages"

            async def told(who: str = who, address: str = address) -> list[str] | None:
                found = [item.get("text") for item in (await program.ask(who, address))["items"]]
                return [text for text in found if text == MESSAGE] or None

            assert await eventually(told) == [MESSAGE]
    priya, page = await join("Priya Shah"), next(one.reference for who, one in sent if who == "S1001")
    await priya.waits_for(f"/report/track/{page}", MESSAGE, "It was reported to the website or app.")
    await priya.finds_nothing_of("campaign", "others", str(REPORTS), within=priya.main)
