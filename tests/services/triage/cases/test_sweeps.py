"""Time-driven work: leases that run out, deadlines that are at risk or missed."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import handlers
from services.triage.cases.handlers import Work, expire_leases, warn_of_deadlines
from services.triage.deadlines import queries as deadlines
from shared.audit import chain
from shared.db.database import Database
from shared.events.vocabulary import DeadlineKind, Outcome, Team
from shared.messaging.outbox import Outbox
from tests.services.triage.builders import IDS, NOW, WRITER, CaseFilter, listed, open_cases, report, viewer

SERVICE = "triage"
SAM = viewer(Team.SMART)
OUTBOX = Outbox("triage", IDS)


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


async def told(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(
            (await session.scalars(text("select type from outbox where type like '%deadline%' order by id"))).all()
        )


async def sweep(database: Database, now: datetime) -> int:
    async with database.transaction() as session:
        return await warn_of_deadlines(session, now, writer=WRITER)


async def test_a_clock_is_told_at_risk_once_and_missed_once(database: Database) -> None:
    await open_cases(database, report())
    assert await sweep(database, minutes(89)) == 0
    assert await sweep(database, minutes(90)) == 1
    assert await sweep(database, minutes(91)) == 0
    assert await sweep(database, minutes(120)) == 1
    assert await sweep(database, minutes(500)) == 0
    assert await told(database) == ["case.deadline_at_risk.v1", "case.deadline_missed.v1"]


async def test_a_clock_found_late_is_missed_and_not_at_risk_as_well(database: Database) -> None:
    await open_cases(database, report())
    await sweep(database, minutes(300))
    assert await told(database) == ["case.deadline_missed.v1"]


async def test_a_message_a_question_or_an_outcome_is_the_response_and_a_claim_or_a_note_is_not(
    database: Database,
) -> None:
    await open_cases(database, *[report() for _ in range(5)])
    async with database.transaction() as session:
        claimed, noted, told_them, asked, ended = await listed(session, SAM, CaseFilter(), 5)
        work = Work(session, SAM, minutes(1), WRITER)
        for case in (claimed, noted, told_them, asked, ended):
            await handlers.claim(work, case.case_id, 1)
        await handlers.add_note(work, noted.case_id, 2, "Rang the platform", shared=False)
        await handlers.add_note(work, told_them.case_id, 2, "We are on it", shared=True)
        await handlers.ask(work, asked.case_id, 2, "Which post?")
        await handlers.resolve(work, ended.case_id, 2, Outcome.SUPPORT_GIVEN, None)
    await sweep(database, minutes(600))
    async with database.transaction() as session:
        query = text("select subject from outbox where type = 'case.deadline_missed.v1'")
        missed = set(await session.scalars(query))
    assert missed == {claimed.case_id, noted.case_id}


async def test_an_update_is_due_after_the_response_to_an_urgent_case(database: Database) -> None:
    await open_cases(database, report(behaviours=("doxing",)))
    async with database.transaction() as session:
        [case] = await listed(session, SAM, CaseFilter(), 1)
        work = Work(session, SAM, minutes(1), WRITER)
        await handlers.claim(work, case.case_id, 1)
        await handlers.add_note(work, case.case_id, 2, "We are on it", shared=True)
    await sweep(database, minutes(122))
    assert await told(database) == ["case.deadline_missed.v1"]
    async with database.transaction() as session:
        work = Work(session, SAM, minutes(123), WRITER)
        await handlers.add_note(work, case.case_id, 3, "News", shared=True)
    await sweep(database, minutes(123 + 121))
    assert await told(database) == ["case.deadline_missed.v1"] * 2


async def test_only_what_the_reporter_reads_is_the_update_that_was_promised(database: Database) -> None:
    await open_cases(database, report(behaviours=("doxing",)))
    async with database.transaction() as session:
        [case] = await listed(session, SAM, CaseFilter(), 1)
        work = Work(session, SAM, minutes(1), WRITER)
        await handlers.claim(work, case.case_id, 1)
        await handlers.add_note(work, case.case_id, 2, "We are on it", shared=True)
        await handlers.add_note(replace(work, now=minutes(60)), case.case_id, 3, "Rang the platform", shared=False)
        assert await update_due(session, case.case_id) == minutes(121)
        await handlers.add_note(replace(work, now=minutes(90)), case.case_id, 4, "It is gone", shared=True)
        assert await update_due(session, case.case_id) == minutes(210)


async def update_due(session: AsyncSession, case_id: UUID) -> datetime:
    [clocks] = (await deadlines.of_cases(session, [case_id])).values()
    return next(clock.due_at for clock in clocks if clock.kind is DeadlineKind.UPDATE)


async def test_an_expired_claim_goes_back_to_the_queue_and_says_so(database: Database) -> None:
    await open_cases(database, report(), report())
    async with database.transaction() as session:
        claimed, started = await listed(session, SAM, CaseFilter(), 2)
        work = Work(session, SAM, NOW, WRITER)
        await handlers.claim(work, claimed.case_id, 1)
        await handlers.claim(work, started.case_id, 1)
        await handlers.add_note(work, started.case_id, 2, "Rang the platform", shared=False)
    for now, expired in ((minutes(9), 0), (minutes(10), 2), (minutes(11), 0)):
        async with database.transaction() as session:
            assert await expire_leases(session, now, writer=WRITER) == expired
    async with database.transaction() as session:
        found = {case.case_id: case for case in await listed(session, SAM, CaseFilter(), 2)}
        activities = await chain.read(session, claimed.case_id)
    assert [found[c.case_id].state for c in (claimed, started)] == ["new", "in_progress"]
    assert {case.assignee for case in found.values()} == {None}
    assert [activity.action for activity in activities] == ["opened", "claimed", "lease_expired"]


async def test_a_case_that_is_kept_from_people_and_that_nobody_takes_goes_to_the_triage_desk(
    database: Database,
) -> None:
    kept = report(suspected=({"relation": "colleague", "name": "Aisha Khan"},))
    taken = report(suspected=({"relation": "colleague", "name": "Aisha Khan"},))
    await open_cases(database, kept, taken, report())
    async with database.transaction() as session:
        [case] = await listed(session, SAM, CaseFilter(report_id=taken.report_id), 1)
        await handlers.claim(Work(session, SAM, minutes(119), WRITER), case.case_id, 1)
    await sweep(database, minutes(90))
    await sweep(database, minutes(120))
    await sweep(database, minutes(121))
    desk = viewer(Team.TRIAGE_DESK)
    async with database.transaction() as session:
        moved = await listed(session, desk, CaseFilter(), 5)
        last = [one.action for one in await chain.read(session, moved[0].case_id)][-2:]
    assert [case.report_id for case in moved] == [kept.report_id]
    assert last == ["deadline_missed", "nobody_took_it"]
    assert (await told(database)).count("case.deadline_missed.v1") == 3
