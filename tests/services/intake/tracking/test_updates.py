"""What a team shares with the reporter: who sees it, and that it is seen once."""

import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from httpx import AsyncClient

from services.intake.tracking.domain import SharedUpdate
from services.intake.tracking.handlers import update_shared
from services.intake.tracking.tables import SharedUpdateRow
from shared.events.envelope import Envelope
from shared.events.triage import ReporterUpdateShared
from tests.services.intake.conftest import START, Intake
from tests.services.intake.tracking.test_follow import STATUS, case_events, reported, tell

ASKED = "Being worked on. The team has asked you for information"


def shared(report_id: str, text: str, at: datetime = START, *, asks: bool = False) -> Envelope[ReporterUpdateShared]:
    """Return triage's event when a responder shares `text`."""
    data = ReporterUpdateShared(report_id=UUID(report_id), reference="SP-0000-0000", at=at, text=text, asks=asks)
    return Envelope(str(uuid4()), "/signpost/triage", report_id, 1, at, data)


async def hear(intake: Intake, *events: Envelope[ReporterUpdateShared]) -> None:
    async with intake.database.transaction() as session:
        await update_shared(session, events, START)


async def status(intake: Intake, client: AsyncClient, report: dict[str, str]) -> dict[str, object]:
    answer = await client.get(f"{STATUS}/{report['reference']}", headers=intake.token())
    assert answer.status_code == 200
    return dict(answer.json())


async def test_shared_updates_come_newest_first_with_their_times(intake: Intake, client: AsyncClient) -> None:
    report, other = await reported(client, intake.token()), await reported(client, intake.token())
    assert (await status(intake, client, report))["updates"] == []
    later = START + timedelta(hours=1)
    await hear(intake, shared(report["report_id"], "It is gone.", later), shared(report["report_id"], "We have it."))
    await hear(intake, shared(other["report_id"], "For another report"))
    assert (await status(intake, client, report))["updates"] == [
        {"at": "2026-11-23T11:42:00Z", "text": "It is gone."},
        {"at": "2026-11-23T10:42:00Z", "text": "We have it."},
    ]


async def test_an_update_heard_twice_is_shown_once(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    once, twice = shared(report["report_id"], "Said once"), shared(report["report_id"], "Heard twice")
    await hear(intake, twice)
    await hear(intake, once, twice)
    updates = (await status(intake, client, report))["updates"]
    assert isinstance(updates, list)
    assert sorted(update["text"] for update in updates) == ["Heard twice", "Said once"]


async def test_the_page_shows_what_was_shared_and_nothing_before(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        address = f"/report/track/{report['reference']}"
        assert "Messages from the team" not in (await client.get(address)).text
        later = START + timedelta(hours=1)
        await hear(intake, shared(report["report_id"], "Is it <b>still</b> there?\nDo tell", later, asks=True))
        await hear(intake, shared(report["report_id"], "We have it."))
        page = (await client.get(address)).text
    listed = page[page.index("Messages from the team") :]
    assert "Is it &lt;b&gt;still&lt;/b&gt; there?\nDo tell" in listed
    assert listed.index("there?") < listed.index("We have it.")
    assert re.search(r"The team asked you for information, <time[^>]*>23 November 2026 at 11:42am", listed)
    assert listed.count("The team asked you") == 1


async def test_only_who_may_follow_the_report_sees_what_was_shared(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    await hear(intake, shared(report["report_id"], "Between us"))
    address = f"{STATUS}/{report['reference']}"
    assert "Between us" in (await client.get(address, headers={"receipt-code": report["receipt_code"]})).text
    for headers in ({}, intake.token(), {"receipt-code": "0000-0000-0000-0000-0000"}):
        answer = await client.get(address, headers=headers)
        assert (answer.status_code, "Between us" in answer.text) == (404, False)
    async with intake.client() as stranger:
        assert "Between us" not in (await stranger.get(f"/report/track/{report['reference']}")).text


async def test_the_status_says_that_the_team_asks_until_it_writes_again_or_is_done(
    intake: Intake, client: AsyncClient
) -> None:
    report = await reported(client, intake.token())
    opened, claimed, resolved = case_events(UUID(report["report_id"]))

    async def where() -> object:
        return (await status(intake, client, report))["status_text"]

    await tell(intake, opened, claimed)
    assert await where() == "Being worked on"
    await hear(intake, shared(report["report_id"], "Is it still there?", START + timedelta(minutes=6), asks=True))
    assert await where() == ASKED
    await hear(intake, shared(report["report_id"], "Thank you.", START + timedelta(minutes=7)))
    assert await where() == "Being worked on"
    await hear(intake, shared(report["report_id"], "And now?", START + timedelta(minutes=8), asks=True))
    assert await where() == ASKED
    await tell(intake, resolved)
    assert await where() == "Finished"


def test_what_was_shared_is_personal_and_goes_with_the_report() -> None:
    marks = {name: column.info.get("retention") for name, column in SharedUpdateRow.__table__.columns.items()}
    assert marks["text"] == "report"
    assert "secret" not in repr(SharedUpdate(START, "secret", asks=False))
