"""The room for files that wait is shared: neither many small uploads nor one sender take it from all others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from httpx import AsyncClient

from services.intake.evidence.domain import WAITS, Limits, Said, TooMuchWaiting
from services.intake.evidence.handlers import NewUpload, Upload, add_part, begin_upload
from shared.auth.grants import GrantedAction
from tests.services.intake.conftest import Intake, opened_intake
from tests.services.intake.evidence.test_api import grant, objects, picture, rows, send
from tests.services.intake.evidence.test_tus import create, parts_of, resume
from tests.services.intake.forms.browser import ABUSE, token_in
from tests.services.intake.tracking.test_follow import reported
from tests.support.postgres import PostgresForTests

KB = 1_000


@pytest.fixture
async def intake_narrow(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Intake]:
    """Intake with room for 40 kB, of which one form, report or sender may have 10 kB."""
    narrow = {"intake_evidence_max_bytes": 10 * KB, "intake_evidence_waiting_bytes": 40 * KB}
    async with opened_intake(postgres, tmp_path, **narrow) as opened:
        yield opened


def ticket(intake: Intake) -> str:
    return parts_of(intake).tickets.issue(intake.clock.now())


def at(intake: Intake, address: str) -> httpx.AsyncClient:
    """Return a client at another network address."""
    transport = httpx.ASGITransport(intake.app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


async def test_a_thousand_uploads_that_began_while_there_was_room_do_not_go_beyond_it(intake: Intake) -> None:
    parts, limits, now = parts_of(intake), Limits(most_bytes=10, most_files=20, most_waiting=2000), intake.clock.now()

    async def begun(number: int) -> Upload:
        said, own = Said(), number.to_bytes(2, "big")
        new = NewUpload(evidence_id=parts.ids.uuid(), said=said, length=10, waits=WAITS, ticket=own)
        return await begin_upload(session, new, limits, now)

    async with intake.database.transaction() as session:
        uploads = [await begun(number // 10) for number in range(1_000)]
        for number, upload in enumerate(uploads[:100]):
            await add_part(session, upload, f"uploads/{number}", 10, limits)
        with pytest.raises(TooMuchWaiting):
            await add_part(session, uploads[100], "uploads/100", 10, limits)


async def test_many_at_once_for_one_form_are_no_more_than_it_may_have(intake_small: Intake) -> None:
    one = ticket(intake_small)
    async with intake_small.client() as client:
        begun = await asyncio.gather(*(create(client, 10, ticket=one) for _ in range(30)))
    assert sorted(answer.status_code for answer in begun) == [201] * 3 + [409] * 27


async def test_parts_beyond_the_room_are_refused_and_leave_nothing(intake_narrow: Intake) -> None:
    """Forms, whose tickets cost nothing, have half of the room; what is for a report goes on."""
    async with intake_narrow.client() as client:
        made = [await create(client, 8 * KB, ticket=ticket(intake_narrow)) for _ in range(3)]
        for _ in range(4):
            report = await reported(client)
            code = {"receipt-code": str(report["receipt_code"])}
            made.append(await create(client, 8 * KB, code, reference=report["reference"]))
    answers = []
    for number, upload in enumerate(made):
        async with at(intake_narrow, f"192.0.2.{number}") as sender:
            answers.append(await resume(sender, upload.headers["location"], 0, bytes(8 * KB - 1)))
    assert [answer.status_code for answer in answers] == [204, 204, 503, 204, 204, 204, 503]
    for full in (answers[2], answers[-1]):
        said = (full.json()["type"], full.headers["retry-after"])
        assert said == ("urn:signpost:problem:uploads-full", "30")
    assert len(objects(intake_narrow)) == 5
    async with intake_narrow.client() as client:
        assert (await create(client, 8 * KB, ticket=ticket(intake_narrow))).status_code == 503


async def test_one_form_has_its_share_and_others_have_theirs(intake_narrow: Intake) -> None:
    mine = ticket(intake_narrow)
    async with intake_narrow.client() as client:
        first = await create(client, 8 * KB, ticket=mine)
        assert (await create(client, 8 * KB, ticket=mine)).status_code == 503
        assert (await create(client, 2 * KB, ticket=mine)).status_code == 201
        assert (await create(client, 8 * KB, ticket=ticket(intake_narrow))).status_code == 201
        assert first.status_code == 201


async def test_one_report_has_its_share_and_its_team_is_not_shut_out(intake_narrow: Intake) -> None:
    async with intake_narrow.client() as client:
        mine, other = [await reported(client, intake_narrow.token()) for _ in range(2)]
        token, reference = intake_narrow.token(), mine["reference"]
        assert (await create(client, 10 * KB, token, reference=reference)).status_code == 201
        full = await send(client, mine, token)
        assert (full.status_code, full.json()["type"]) == (503, "urn:signpost:problem:uploads-full")
        adds = grant(intake_narrow, mine, GrantedAction.ADD)
        assert (await client.post(adds, files={"file": ("capture.png", picture())})).status_code == 201
        assert (await send(client, other, token)).status_code == 201


async def test_one_sender_has_an_hourly_share_and_others_have_theirs(intake_narrow: Intake) -> None:
    """Tickets cost nothing, so what counts is who sends: by network address where no one is signed in."""
    async with at(intake_narrow, "192.0.2.1") as one, at(intake_narrow, "192.0.2.2") as another:
        made = [(await create(one, 6 * KB, ticket=ticket(intake_narrow))).headers["location"] for _ in range(2)]
        content = b"They wrote this, and more. " * 200
        answers = [await resume(one, address, 0, content) for address in made]
        assert [answer.status_code for answer in answers] == [204, 429]
        assert answers[1].json()["type"] == "urn:signpost:problem:too-many-bytes"
        assert (await resume(another, made[1], 0, content)).status_code == 204
        reports = [await reported(client) for client in (one, another)]
        sent = [
            await send(
                client, report, {"receipt-code": str(report["receipt_code"])}, b"They wrote this. " * 300, "a.txt"
            )
            for client, report in zip((one, another), reports, strict=True)
        ]
        assert sent[0].status_code == 429
        assert "in an hour" in sent[0].json()["detail"]
        named = await reported(one, intake_narrow.token())
        assert (await send(one, named, intake_narrow.token(), content, "a.txt")).status_code == 201
    assert await rows(intake_narrow, "upload") == 3


async def test_a_form_that_was_never_begun_takes_no_files(intake: Intake, client: AsyncClient) -> None:
    page = await client.get(f"{ABUSE}/safety")
    for cookies in ({}, {"signpost_draft": "made up"}):
        client.cookies.update(cookies)
        data = {"csrftoken": token_in(page)}
        sent = await client.post(f"{ABUSE}/evidence", data=data, files={"file": ("a.png", picture())})
        assert (objects(intake), await rows(intake, "upload")) == ([], 0)
        assert (sent.status_code, sent.headers["location"]) == (303, ABUSE)
