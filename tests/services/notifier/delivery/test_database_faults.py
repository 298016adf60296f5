"""A database that is busy, unavailable or answers unexpectedly: the loop goes on, and no result is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from services.notifier.delivery.domain import Settled
from shared.db.database import Database
from tests.services.notifier.builders import report
from tests.services.notifier.environment import Notifier, eventually

FAULTS = [
    lambda: PoolTimeout("pool exhausted"),
    lambda: asyncpg.InterfaceError("connection is closed"),
    lambda: KeyError("unexpected"),
]
NAMES = ["pool", "driver", "unexpected"]


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_the_loop_outlives_whatever_the_database_says(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], Exception]
) -> None:
    faults = [fault(), fault()]
    connection = Database.connection

    @asynccontextmanager
    async def failing(database: Database) -> AsyncIterator[AsyncConnection]:
        if faults:
            raise faults.pop()
        async with connection(database) as working:
            yield working

    monkeypatch.setattr(Database, "connection", failing)
    await notifier.receive(report())
    await notifier.deliver_until(notifier.all_settled)
    assert len(notifier.mail_server.mails) == 1
    assert faults == []


@pytest.mark.policy("S3")
@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
async def test_an_outcome_that_cannot_be_recorded_yet_is_kept_and_not_mailed_again(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], Exception]
) -> None:
    faults = [fault(), fault()]
    settled = type(notifier.acknowledgements).settled

    async def failing(acknowledgements: object, session: AsyncSession, items: Sequence[Settled], now: datetime) -> None:
        if faults:
            # Until the lease ends: the process still knows what it sent.
            notifier.clock.turn(2 * notifier.lease)
            raise faults.pop()
        await settled(notifier.acknowledgements, session, items, now)

    monkeypatch.setattr(type(notifier.acknowledgements), "settled", failing)
    await notifier.receive(report())
    await notifier.deliver_until(notifier.all_settled)
    assert len(notifier.mail_server.mails) == 1
    assert await notifier.rows("select number, outcome from attempt") == [(1, "accepted")]
    assert await notifier.event_types() == ["alert.decided.v1", "alert.sent.v1"]


async def test_one_outcome_that_can_never_be_recorded_keeps_no_other_waiting(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = [report() for _ in range(4)]
    settled = type(notifier.acknowledgements).settled
    mended = asyncio.Event()

    async def failing(acknowledgements: object, session: AsyncSession, items: Sequence[Settled], now: datetime) -> None:
        if not mended.is_set() and first.report_id in {item.report_id for item in items}:
            raise KeyError
        await settled(notifier.acknowledgements, session, items, now)

    monkeypatch.setattr(type(notifier.acknowledgements), "settled", failing)
    await notifier.receive(first, *others)
    stop = asyncio.Event()
    running = asyncio.create_task(notifier.loop().run(stop))
    await eventually(lambda: _accepted(notifier, len(others)))
    mended.set()
    await eventually(lambda: _accepted(notifier, 1 + len(others)))
    stop.set()
    await running
    assert len(notifier.mail_server.mails) == 1 + len(others)


async def _accepted(notifier: Notifier, count: int) -> bool:
    return await notifier.scalar("select count(*) from delivery where state = 'accepted'") == count
