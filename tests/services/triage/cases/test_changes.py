"""What is derived from cases learns which of them changed."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from services.triage.cases import changes, handlers
from services.triage.cases.changes import Reader
from services.triage.cases.handlers import Work
from shared.db import migrations
from shared.db.database import Database
from shared.events.vocabulary import Team
from tests.services.triage.builders import IDS, NOW, WRITER, CaseFilter, listed, open_cases, report, viewer
from tests.services.triage.evidence.pieces import announce, piece
from tests.support.postgres import PostgresForTests

SERVICE = "triage"
SAM = viewer(Team.SMART)
OLD_CASE = text(
    """
    insert into "case" (case_id, report_id, link_number, reference, report_type, team, state, priority, restricted,
      platform, behaviours, version, transfers, held_by, submitted_at, opened_at, kept_from)
    values (:case_id, gen_random_uuid(), 1, gen_random_uuid()::text, 'abuse', 'smart', 'new', 'P3', false,
      'x', '{}', 1, 0, '{}', :at, :at, '{}')
    """
)


class Crashed(Exception):
    """The process dies before it commits."""


async def take_and_crash(database: Database) -> None:
    async with database.transaction() as session:
        assert len(await changes.take(session, Reader.SEARCH)) == 1
        await open_cases(database, report())
        assert await taken(database) == []
        assert len(await taken(database, Reader.CAMPAIGNS)) == 2
        raise Crashed


async def taken(database: Database, reader: Reader = Reader.SEARCH) -> list[UUID]:
    async with database.transaction() as session:
        return await changes.take(session, reader)


async def test_each_reader_takes_what_changed_once(database: Database) -> None:
    told = report()
    await open_cases(database, told, report())
    async with database.transaction() as session:
        opened = {case.case_id: case for case in await listed(session, SAM, CaseFilter(), 5)}
    [case] = [case for case in opened.values() if case.report_id == told.report_id]
    assert set(await taken(database)) == opened.keys()
    assert await taken(database) == []
    async with database.transaction() as session:
        work = Work(session, SAM, NOW, WRITER)
        claimed = await handlers.claim(work, case.case_id, case.version)
        await handlers.add_note(work, case.case_id, claimed.version, "They stopped.", shared=False)
    assert await taken(database) == [case.case_id]
    await announce(database, piece(told, at=NOW))
    assert await taken(database) == [case.case_id]
    assert set(await taken(database, Reader.CAMPAIGNS)) == opened.keys()


async def test_what_one_process_takes_no_other_takes_and_a_crash_leaves_it(database: Database) -> None:
    await open_cases(database, report())
    with pytest.raises(Crashed):
        await take_and_crash(database)
    assert len(await taken(database)) == 2


async def test_cases_of_before_are_read_once_after_what_changes_now_and_the_newest_first(
    postgres: PostgresForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BATCH", 1)
    newest, oldest, between, changed = (IDS.uuid() for _ in range(4))
    async with postgres.fresh() as url:
        await migrations.upgrade("triage", url, "0015")
        database = Database(url, application_name="tests")
        async with database.transaction() as session:
            await session.execute(text("set local session_replication_role = replica"))
            for case_id, days in ((newest, 1), (oldest, 3), (between, 2)):
                await session.execute(OLD_CASE, {"case_id": case_id, "at": NOW - timedelta(days=days)})
        await migrations.upgrade("triage", url)
        async with database.transaction() as session:
            await changes.note(session, [changed], NOW)
            numbered = text("select case_id from case_document order by number")
            assert list(await session.scalars(numbered)) == [oldest, between, newest]
        for reader in Reader:
            now = [] if reader is Reader.TASKS else [[changed]]  # those that change make their tasks themselves
            of_before = [*now, [newest], [between], [oldest], []]
            assert [await taken(database, reader) for _ in of_before] == of_before
        await database.close()
