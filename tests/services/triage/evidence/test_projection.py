"""What intake says about evidence becomes rows, links in chains, and news for those who work on the cases."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select, text

from services.triage.cases.queries import lock_reports, records
from services.triage.cases.tables import CaseRow
from services.triage.cases.writer import LinkedCase
from services.triage.evidence.handlers import add_evidence
from services.triage.managers.handlers import REFERRED
from shared.audit import chain
from shared.audit.verification import Broken, verify
from shared.auth.permissions import Role
from shared.events.envelope import Envelope
from shared.events.intake import EvidenceAdded
from tests.services.triage.builders import NOW, WRITER, envelope, misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import LATER, announce, of_team, piece, scanned, taken_back

SERVICE = "triage"
LEAK = {"also_affects": ("dwp_information",)}
"""Abuse that also discloses: SMART has it, and SIRT a linked case."""


async def rows(triage: Triage) -> list[CaseRow]:
    async with triage.database.transaction() as session:
        return list(await session.scalars(select(CaseRow).order_by(CaseRow.link_number)))


async def done(triage: Triage, case_id: UUID) -> list[tuple[str, str]]:
    """Return what the activity record of a case says about evidence."""
    async with triage.database.transaction() as session:
        found = await chain.read(session, case_id)
    return [(one.action.removeprefix("evidence_"), one.actor) for one in found if one.action.startswith("evidence_")]


async def test_each_case_of_the_report_says_what_its_reporter_did(triage: Triage) -> None:
    told = report(**LEAK)
    await open_cases(triage.database, told)
    one = piece(told, scan="not_scanned")
    await announce(triage.database, one, scanned(one, "clean"), taken_back(one))
    expected = [("added", "reporter"), ("scanned", "system:intake"), ("removed", "reporter")]
    found = await rows(triage)
    assert [row.team for row in found] == ["smart", "sirt"]
    assert [await done(triage, row.case_id) for row in found] == [expected, expected]


async def test_what_a_responder_adds_is_news_on_their_own_case_alone(triage: Triage) -> None:
    told = report(**LEAK)
    await open_cases(triage.database, told)
    first, linked = await rows(triage)
    await announce(triage.database, of_team(told, linked.case_id, responder="S5001"))
    assert await done(triage, linked.case_id) == [("added", "S5001")]
    assert await done(triage, first.case_id) == []


async def test_a_case_of_another_report_takes_nothing(triage: Triage) -> None:
    told, other = report(), report()
    await open_cases(triage.database, told, other)
    [case] = [row for row in await rows(triage) if row.report_id == other.report_id]
    await announce(triage.database, of_team(told, case.case_id))
    assert await done(triage, case.case_id) == []


@pytest.mark.parametrize(
    ("after", "claimed", "replied"),
    [
        (timedelta(0), False, False),
        (timedelta(minutes=9), False, False),
        (timedelta(minutes=11), False, True),
        (timedelta(minutes=1), True, True),
    ],
)
async def test_files_sent_later_are_a_reply_and_those_sent_with_the_report_are_not(
    triage: Triage, after: timedelta, *, claimed: bool, replied: bool
) -> None:
    told = report()
    await open_cases(triage.database, told)
    if claimed:
        async with triage.client(Role.SMART_RESPONDER) as sam:
            await press(sam, f"/cases/{told.reference}", f"/cases/{told.reference}/claim")
    [before] = await rows(triage)
    await announce(triage.database, piece(told, at=NOW + after))
    [case] = await rows(triage)
    assert (case.replied_at == NOW + after) is replied
    assert case.version == before.version + replied


async def test_a_file_continues_a_case_that_waits_for_its_reporter(triage: Triage) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    async with triage.client(Role.SMART_RESPONDER) as sam:
        await press(sam, page, f"{page}/claim")
        await press(sam, page, f"{page}/ask", text="Can you send a picture of it?")
    assert (await rows(triage))[0].state == "awaiting_information"
    [waiting] = await rows(triage)
    await announce(triage.database, of_team(told, waiting.case_id))
    assert (await rows(triage))[0].state == "awaiting_information"
    await announce(triage.database, piece(told, at=LATER))
    assert (await rows(triage))[0].state == "in_progress"


async def test_a_batch_of_a_hundred_takes_as_many_statements_as_one(triage: Triage) -> None:
    async def statements(number: int) -> int:
        told = [report() for _ in range(number)]
        await open_cases(triage.database, *told)
        sent: list[Envelope[EvidenceAdded]] = [envelope(piece(one)) for one in told]
        counted: list[str] = []
        async with triage.database.transaction() as session:
            engine = (await session.connection()).sync_connection
            event.listen(engine, "before_cursor_execute", lambda *said: counted.append(said[2]))
            await add_evidence(session, sent, LATER, writer=WRITER)
        return len(counted)

    assert await statements(100) == await statements(1) <= 6


@pytest.mark.policy("C-j")
async def test_an_exempt_case_forgets_its_evidence_and_takes_no_more(triage: Triage) -> None:
    told = misuse(union_activity="unsure")
    await open_cases(triage.database, told)
    [case] = await rows(triage)
    mine = of_team(told, case.case_id, responder="S6001", note="CANARY of a responder")
    await announce(triage.database, piece(told, note="CANARY of the reporter"), mine)
    page = f"/cases/{told.reference}"
    async with triage.client(Role.TRIAGE_DESK, subject="S6001") as desk:
        await press(desk, page, f"{page}/claim")
        await desk.post(
            f"/cases/api/v1/cases/{case.case_id}/evidence/{mine.evidence_id}/open",
            json={"purpose": "CANARY of a purpose"},
            headers=triage.bearer(Role.TRIAGE_DESK, subject="S6001"),
        )
        await press(desk, page, f"{page}/exempt")
    await announce(triage.database, piece(told, note="CANARY that came late"), scanned(mine, "clean"), taken_back(mine))
    async with triage.database.transaction() as session:
        assert list(await session.scalars(text("select evidence_id from evidence_item"))) == []
        found = "select 1 from activity t where t::text like '%CANARY%'"
        assert list(await session.scalars(text(found))) == []
    assert [action for action, _ in await done(triage, case.case_id)] == ["added", "added", "opened"]


async def test_a_linked_case_forgets_too_and_takes_what_comes_later(triage: Triage) -> None:
    told = misuse(union_activity="unsure")
    await open_cases(triage.database, told)
    [first] = await rows(triage)
    async with triage.database.transaction() as session:
        siblings = await lock_reports(session, [told.report_id])
        wanted = LinkedCase(siblings[0], REFERRED, "misuse", "system:tests", ())
        await WRITER.open_linked(session, [wanted], siblings, LATER)
    _, linked = await rows(triage)
    await announce(triage.database, piece(told), of_team(told, linked.case_id, responder="S5001"))
    page = f"/cases/{told.reference}"
    async with triage.client(Role.TRIAGE_DESK, subject="S6001") as desk:
        await press(desk, page, f"{page}/claim")
        await press(desk, page, f"{page}/exempt")
    async with triage.database.transaction() as session:
        assert list(await session.scalars(text("select evidence_id from evidence_item"))) == []
        assert await verify(session, records=records) == []
    late = piece(told, at=LATER)
    await announce(triage.database, late)
    async with triage.database.transaction() as session:
        assert await verify(session, records=records) == []
        *_, last = await chain.read(session, first.case_id)
    assert (last.action, dict(last.after)) == ("evidence_added", {}), (
        "the exempt case proves it, and says nothing of it"
    )
    assert (await done(triage, linked.case_id))[-1] == ("added", "reporter")


TAMPERED = (
    "update evidence_item set sha256 = repeat('0', 64)",
    "update evidence_item set sha256_sent = repeat('0', 64)",
    "update evidence_item set scan = 'clean'",
    "update evidence_item set removed_at = now()",
    "update evidence_item set added_by = 'team'",
    "update evidence_item set note = 'Other words'",
    "update evidence_item set link = 0",
    "update evidence_item set size = 1",
    "update evidence_item set evidence_id = gen_random_uuid()",
    "delete from evidence_item",
    "update evidence_item set responder = 'S9999'",
)


async def test_no_tampering_with_evidence_goes_unseen(triage: Triage) -> None:
    told = report()
    await open_cases(triage.database, told)
    await announce(triage.database, piece(told, scan="not_scanned"))
    async with triage.database.transaction() as session:
        for change in TAMPERED:
            point = await session.begin_nested()
            await session.execute(text(change))
            broken = [(one.because, one.fields) for one in await verify(session, records=records)]
            assert broken == [(Broken.RECORD_DIFFERS, ("evidence",))], change
            await point.rollback()


async def test_news_of_what_no_one_knows_changes_nothing(triage: Triage) -> None:
    told, unknown = report(), report()
    await open_cases(triage.database, told)
    ghost = piece(told, evidence_id=uuid4())
    await announce(triage.database, scanned(ghost, "clean"), taken_back(ghost), piece(unknown))
    assert await done(triage, (await rows(triage))[0].case_id) == []
