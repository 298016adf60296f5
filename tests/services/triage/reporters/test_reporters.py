"""What reporters add after sending reaches every case of the report, and ends a case's wait."""

from datetime import datetime, timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import event, select

from services.triage.cases import handlers
from services.triage.cases.handlers import Work
from services.triage.cases.tables import CaseRow, Note
from services.triage.deadlines import queries as deadlines
from services.triage.reporters.handlers import add_information, ask_withdrawal
from services.triage.reports.tables import Report
from shared.audit import chain
from shared.db.database import Database
from shared.events.intake import AbuseReportAmended, AbuseReportSubmitted, AbuseReportWithdrawn
from shared.events.vocabulary import CaseState, Team
from tests.services.triage.builders import NOW, WRITER, CaseFilter, envelope, listed, open_cases, report, viewer
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
SAM = viewer(Team.SMART)
HOUR = timedelta(hours=1)


def more(told: AbuseReportSubmitted, **changes: object) -> AbuseReportAmended:
    said = {"added_at": NOW + HOUR, "text": "There is another post.", **changes}
    return AbuseReportAmended.model_validate({**told.model_dump(), **said})


async def hear(database: Database, *said: AbuseReportAmended, now: datetime = NOW + HOUR) -> None:
    async with database.transaction() as session:
        envelopes = [envelope(one, 2) for one in said]
        await add_information(session, envelopes, now, writer=WRITER)


async def ask(database: Database) -> None:
    async with database.transaction() as session:
        [case] = await listed(session, SAM, CaseFilter(), 1)
        work = Work(session, SAM, NOW + timedelta(minutes=1), WRITER)
        await handlers.claim(work, case.case_id, 1)
        await handlers.ask(work, case.case_id, 2, "Which post?")


async def test_what_a_reporter_adds_is_a_note_on_every_case_of_the_report(database: Database) -> None:
    told = report(also_affects=("dwp_information",))
    await open_cases(database, told, report())
    await hear(database, more(told))
    async with database.transaction() as session:
        notes = (await session.scalars(select(Note))).all()
        rows = (await session.scalars(select(CaseRow).where(CaseRow.report_id == told.report_id))).all()
    assert {note.case_id for note in notes} == {row.case_id for row in rows}
    assert {(note.text, note.shared, note.author) for note in notes} == {("There is another post.", True, "reporter")}
    assert {row.version for row in rows} == {2}


async def test_what_a_reporter_adds_is_content_that_nobody_sees_before_they_ask(
    triage: Triage, sam: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    await hear(triage.database, more(told, text="Words that hurt"))
    page = f"/cases/{told.reference}"
    for tab in ("", "/timeline", "/routing", "/audit"):
        assert "Words that hurt" not in (await sam.get(f"{page}{tab}")).text
    assert "Words that hurt" in (await press(sam, page, f"{page}/show")).text


async def test_an_answer_ends_the_waiting_and_the_clock_goes_on(database: Database) -> None:
    told = report(behaviours=("doxing",))
    await open_cases(database, told)
    await ask(database)
    await hear(database, more(told, answers_question=True))
    async with database.transaction() as session:
        row = (await session.scalars(select(CaseRow))).one()
        [clocks] = (await deadlines.of_cases(session, [row.case_id])).values()
        activities = await chain.read(session, row.case_id)
    assert row.state == CaseState.IN_PROGRESS
    assert not [clock for clock in clocks if clock.paused_at]
    assert row.due_at
    assert activities[-1].action == "information_added"
    assert activities[-1].actor == "reporter"


@pytest.mark.policy("S3")
async def test_agreeing_that_the_manager_is_told_is_recorded_once(database: Database) -> None:
    told = report(manager_alert="ask_me_first")
    await open_cases(database, told)
    for minute in (1, 2):
        await hear(database, more(told, text=None, manager_alert="yes"), now=NOW + timedelta(minutes=minute))
    async with database.transaction() as session:
        stored = await session.get_one(Report, told.report_id)
        row = (await session.scalars(select(CaseRow))).one()
        activities = await chain.read(session, row.case_id)
    assert (stored.manager_alert, stored.manager_agreed_at) == ("yes", NOW + timedelta(minutes=1))
    assert [activity.action for activity in activities] == ["opened", "manager_agreed"]


async def test_a_withdrawal_is_a_flag_and_the_team_decides(database: Database) -> None:
    told = report()
    await open_cases(database, told)
    gone = AbuseReportWithdrawn(report_id=told.report_id, reference=told.reference, at=NOW + HOUR)
    async with database.transaction() as session:
        await ask_withdrawal(session, [envelope(gone, 2)], NOW + HOUR, writer=WRITER)
    async with database.transaction() as session:
        row = (await session.scalars(select(CaseRow))).one()
        stored = await session.get_one(Report, told.report_id)
    assert (row.state, row.withdrawn_at, stored.withdrawn_at) == (CaseState.NEW, NOW + HOUR, NOW + HOUR)
    assert stored.narrative == told.narrative


async def test_a_batch_of_additions_takes_a_handful_of_statements(database: Database) -> None:
    told = [report() for _ in range(50)]
    await open_cases(database, *told)
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await hear(database, *[more(one) for one in told])
    assert len(statements) <= 15
