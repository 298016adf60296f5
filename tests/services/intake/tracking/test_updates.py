"""What a team shares with the reporter: who sees it, and that it is seen once."""

import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from services.intake.tracking.domain import SharedUpdate
from services.intake.tracking.handlers import update_shared
from services.intake.tracking.tables import SharedUpdateRow
from shared.events.envelope import Envelope
from shared.events.triage import ReporterUpdateShared
from tests.services.intake.conftest import START, Intake
from tests.services.intake.tracking.test_follow import STATUS, case_events, reported, tell
from tests.support.web import csrf_token

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
        assert ">Messages</h2>" not in (await client.get(address)).text
        later = START + timedelta(hours=1)
        await hear(intake, shared(report["report_id"], "Is it <b>still</b> there?\nDo tell", later, asks=True))
        await hear(intake, shared(report["report_id"], "We have it."))
        page = (await client.get(address)).text
    listed = page[page.index(">Messages</h2>") :]
    assert "Is it &lt;b&gt;still&lt;/b&gt; there?\nDo tell" in listed
    assert listed.index("We have it.") < listed.index("there?")
    who, when = r"The team</strong>\s+asked you for information", "23 November 2026 at 11:42am"
    assert re.search(rf"{who}\s*<span[^>]*><time[^>]*>{when}", listed)
    assert (listed.count("asked you for information"), listed.count("Waiting for your answer")) == (1, 1)


async def test_questions_and_answers_are_one_conversation_in_the_order_in_which_they_were_said(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        address = f"/report/track/{report['reference']}"
        for question, answer in (("Which post?", "The first one"), ("Is it gone?", "Since Monday")):
            intake.clock.move(timedelta(minutes=1))
            await hear(intake, shared(report["report_id"], question, intake.clock.now(), asks=True))
            intake.clock.move(timedelta(minutes=1))
            token = csrf_token((await client.get(f"{address}/add")).text)
            await client.post(f"{address}/add", data={"text": answer, "csrftoken": token})
        page = (await client.get(address)).text
    said = ("Which post?", "The first one", "Is it gone?", "Since Monday")
    assert [page.count(words) for words in said] == [1] * 4
    assert sorted(said, key=page.index) == list(said)


@pytest.mark.parametrize("finished", [False, True])
async def test_what_to_do_until_it_is_finished_is_said_until_then(intake: Intake, finished: bool) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        await tell(intake, *case_events(UUID(report["report_id"]))[: 3 if finished else 2])
        page = (await client.get(f"/report/track/{report['reference']}")).text
        listed = (await client.get("/report/track")).text
    assert ("Until it is finished" in page, "If it happens again" in page) == (not finished, finished)
    assert re.search(r'unbroken"><a[^>]*>SP-[^<]*</a></th>\s*<td class="govuk-table__cell">Abuse</td>', listed)
    assert "23 November 2026</time>" in listed


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
