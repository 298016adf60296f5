"""The ledger's figures as other services get them: on a change, once, and the same as in `signpost reconcile`."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.handlers import TOTAL, LedgerFigures, record_accepted, record_cases
from services.intake.ledger.queries import accepted_today, reconcile
from shared.db.database import Database
from shared.events import topics
from shared.events.intake import LedgerChanged
from shared.events.vocabulary import ReportType
from shared.ids import RandomIds, ReportId
from shared.messaging.outbox import Outbox
from tests.services.intake.conftest import START
from tests.services.intake.ledger.test_reconcile import accepted, opened

SERVICE = "intake"


async def published(session: AsyncSession) -> list[LedgerChanged]:
    rows = await session.execute(text("select topic, key, subject, value from outbox order by id"))
    found = list(rows)
    assert {(row.topic, row.key, row.subject) for row in found} <= {(topics.LEDGER.name, str(TOTAL).encode(), TOTAL)}
    return [LedgerChanged.model_validate_json(row.value) for row in found]


async def test_figures_go_out_when_they_change_and_only_then(database: Database) -> None:
    figures = LedgerFigures(Outbox("intake", RandomIds()))
    async with database.transaction() as session:
        await figures.publish(session, START)
        await figures.publish(session, START + timedelta(seconds=1))
        assert len(await published(session)) == 1
        report_id = await accepted(session)
        await figures.publish(session, START + timedelta(seconds=2))
        await record_cases(session, [opened(report_id)], START)
        assert await figures.publish(session, START + timedelta(seconds=3)) == 0
        told = await published(session)
        assert [(one.accepted, one.cases, one.in_flight) for one in told] == [(0, 0, 0), (1, 0, 1), (1, 1, 1)]
        now = await reconcile(session, START + timedelta(seconds=3))
        assert told[-1].model_dump(include=set(asdict(now))) == asdict(now)


async def test_growing_older_is_no_change(database: Database) -> None:
    figures = LedgerFigures(Outbox("intake", RandomIds()))
    async with database.transaction() as session:
        await accepted(session)
        for minutes in (2, 3, 4):
            await figures.publish(session, START + timedelta(minutes=minutes))
        assert [one.unaccounted for one in await published(session)] == [1]


async def test_two_processes_publish_once(database: Database) -> None:
    figures = LedgerFigures(Outbox("intake", RandomIds()))
    async with database.transaction() as session:
        await figures.publish(session, START)
    async with database.transaction() as first:
        await accepted(first)
        await figures.publish(first, START)
        async with database.transaction() as second:
            assert await figures.publish(second, START) == 0
    async with database.transaction() as session:
        assert [one.accepted for one in await published(session)] == [0, 1]


async def test_today_begins_at_midnight_in_the_united_kingdom(database: Database) -> None:
    before, after = datetime(2026, 6, 30, 22, 59, tzinfo=UTC), datetime(2026, 6, 30, 23, 0, tzinfo=UTC)
    async with database.transaction() as session:
        for at in (before, after, after):
            await record_accepted(session, ReportId(uuid4()), ReportType.ENQUIRY, at)
        assert await accepted_today(session, after + timedelta(hours=1)) == 2
        assert await accepted_today(session, after + timedelta(days=1)) == 0


async def test_old_figures_do_not_pile_up_and_their_sequence_goes_on(database: Database) -> None:
    figures = LedgerFigures(Outbox("intake", RandomIds()))
    async with database.transaction() as session:
        for hours in range(0, 12, 2):
            await accepted(session)
            await figures.publish(session, START + timedelta(hours=hours))
            await session.execute(text("update outbox set published_at = recorded_at"))
        kept = (await session.scalars(text("select sequence from outbox order by id"))).all()
        assert kept == [5, 6]
