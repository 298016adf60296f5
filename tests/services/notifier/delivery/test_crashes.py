"""Every message is sent; a repeat only for an attempt that a crash left open, and marked (decision 0009)."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.delivery import handlers
from services.notifier.delivery.domain import Message, SendResult
from services.notifier.delivery.loop import keep_heartbeat
from tests.services.notifier.builders import report
from tests.services.notifier.environment import PATIENCE, Notifier, eventually
from tests.services.notifier.mail_server import text_of
from tests.support.wire import over_a_wire

LEASE = timedelta(minutes=5)


class _Dies:
    """A channel during whose send the process dies: before or after the provider took the message."""

    name = "email"

    def __init__(self, notifier: Notifier, *, after_sending: bool) -> None:
        self.reached = asyncio.Event()
        self._after_sending = after_sending
        self._real = notifier.channel()

    async def send(self, message: Message) -> SendResult:
        if self._after_sending:
            await self._real.send(message)
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        await self._real.close()


async def _die_while_sending(notifier: Notifier, *, after_sending: bool) -> None:
    """Run a loop up to the dialogue, then end it as a kill does: nothing more is recorded, its connections close."""
    channel = _Dies(notifier, after_sending=after_sending)
    loop = notifier.loop(channel)
    running = asyncio.create_task(loop.run(asyncio.Event()))
    async with asyncio.timeout(PATIENCE):
        await channel.reached.wait()
    for task in (running, *loop._sending):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.policy("S3")
@pytest.mark.parametrize("after_sending", [False, True])
async def test_an_attempt_left_open_is_made_again_at_once_and_marked(notifier: Notifier, after_sending: bool) -> None:
    await notifier.receive(report())
    await _die_while_sending(notifier, after_sending=after_sending)
    assert await notifier.rows("select number, outcome from attempt") == [(1, None)]

    await notifier.deliver_until(notifier.all_settled)

    mails = notifier.mail_server.mails
    assert len(mails) == (2 if after_sending else 1)
    assert len({mail["Message-ID"] for mail in mails}) == 1
    assert mails[-1]["X-Signpost-Possible-Repeat"] == "yes"
    assert "You may have had this message before" in text_of(mails[-1])
    assert await notifier.rows("select number, outcome, possible_repeat from attempt order by number") == [
        (1, "abandoned", False),
        (2, "accepted", True),
    ]
    sent = "select convert_from(value, 'utf8')::json ->> 'possible_repeat' from outbox where type = 'alert.sent.v1'"
    assert await notifier.scalar(sent) == "true"


async def test_nothing_is_sent_before_the_attempt_is_committed(notifier: Notifier) -> None:
    seen: list[object] = []

    class Looks:
        name = "email"

        async def send(self, message: Message) -> SendResult:
            seen.append(await notifier.scalar("select count(*) from attempt where ended_at is null"))
            return await notifier.channel().send(message)

        async def close(self) -> None:
            return

    await notifier.receive(report())
    await notifier.deliver_until(notifier.all_settled, notifier.loop(Looks()))
    assert seen == [1]


async def test_what_a_living_process_is_sending_is_left_to_it(notifier: Notifier) -> None:
    notifier.mail_server.holds = asyncio.Event()
    await notifier.receive(report())
    stop = asyncio.Event()
    slow = asyncio.create_task(notifier.loop().run(stop))
    async with asyncio.timeout(PATIENCE):
        await notifier.mail_server.arrived.wait()

    async with notifier.database.transaction() as session:
        assert await handlers.workers_gone(session) == set()
        claimed = await handlers.claim(
            session, worker=1, limit=10, lease=LEASE, now=notifier.clock.now(), ids=notifier.ids
        )
    assert claimed == []

    notifier.mail_server.holds.set()
    await eventually(notifier.all_settled)
    stop.set()
    await slow
    assert len(notifier.mail_server.mails) == 1


async def test_what_one_process_is_claiming_another_passes_over_without_waiting(notifier: Notifier) -> None:
    await notifier.receive(report(), report())
    claim = partial(handlers.claim, lease=LEASE, now=notifier.clock.now(), ids=notifier.ids)
    transaction = notifier.database.transaction
    async with transaction() as one, transaction() as other, asyncio.timeout(PATIENCE):
        [first] = await claim(one, worker=1, limit=1)
        [second] = await claim(other, worker=2, limit=2)
    assert first.delivery_id != second.delivery_id


async def test_a_process_that_hangs_loses_its_attempt_when_the_lease_ends(notifier: Notifier) -> None:
    await notifier.receive(report())
    async with keep_heartbeat(notifier.database, 7, asyncio.Event()) as hanging:
        async with notifier.database.transaction() as session:
            [first] = await handlers.claim(
                session, worker=hanging.worker, limit=10, lease=LEASE, now=notifier.clock.now(), ids=notifier.ids
            )
        notifier.clock.turn(LEASE)
        await notifier.deliver_until(notifier.all_settled)
    [mail] = notifier.mail_server.mails
    assert not first.possible_repeat
    assert mail["X-Signpost-Possible-Repeat"] == "yes"


async def test_stopping_waits_for_the_mail_that_is_being_sent(notifier: Notifier) -> None:
    notifier.mail_server.holds = asyncio.Event()
    await notifier.receive(report())
    stop = asyncio.Event()
    running = asyncio.create_task(notifier.loop().run(stop))
    async with asyncio.timeout(PATIENCE):
        await notifier.mail_server.arrived.wait()
    stop.set()
    notifier.mail_server.holds.set()
    async with asyncio.timeout(PATIENCE):
        await running
    assert await notifier.rows("select outcome from attempt") == [("accepted",)]


async def test_ended_connections_are_replaced_and_nothing_is_lost(notifier: Notifier) -> None:
    """As after a restart of PostgreSQL: every connection ends, the loop recovers."""
    stop = asyncio.Event()
    running = asyncio.create_task(notifier.loop().run(stop))
    await eventually(lambda: _holders(notifier, 1))
    await notifier.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid()"
    )
    await notifier.receive(report())
    await eventually(lambda: _positive(notifier, "select count(*) from delivery where state = 'accepted'"))
    stop.set()
    await running
    assert len(notifier.mail_server.mails) == 1


@pytest.mark.policy("S3")
@pytest.mark.parametrize("processes", [1, 2])
async def test_losing_the_sign_of_life_leaves_what_is_being_sent_alone(
    notifier: Notifier, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    """Only the idle connection ends, while the email server is slow: no process sends the message again."""
    looks: list[int] = []
    release = handlers.release_abandoned

    async def counted(session: AsyncSession, gone: Collection[int], now: datetime) -> int:
        looks.append(await release(session, gone, now))
        return looks[-1]

    notifier.mail_server.holds = asyncio.Event()
    stop = asyncio.Event()
    running = [asyncio.create_task(notifier.loop().run(stop)) for _ in range(processes)]
    await eventually(lambda: _holders(notifier, processes))
    await notifier.receive(report())
    async with asyncio.timeout(PATIENCE):
        await notifier.mail_server.arrived.wait()

    await notifier.rows(f"select pg_terminate_backend(pid) from ({_HOLDERS}) as holders")  # noqa: S608 -- a constant
    monkeypatch.setattr(handlers, "release_abandoned", counted)
    await eventually(lambda: len(looks) >= 5 * processes)
    notifier.mail_server.holds.set()
    await eventually(notifier.all_settled)
    stop.set()
    await asyncio.gather(*running)
    assert len(notifier.mail_server.mails) == 1
    assert set(looks) == {0}
    assert await notifier.rows("select outcome from attempt") == [("accepted",)]


async def test_a_worker_whose_old_connection_still_holds_its_lock_goes_on_and_takes_it_later(
    notifier: Notifier,
) -> None:
    one = partial(keep_heartbeat, notifier.database, 7, asyncio.Event())
    async with one() as before, one() as after:
        assert (before.holds, after.holds) == (True, False)
        await before.connection.execute(text("select pg_advisory_unlock(7)"))
        await after.hold()
        assert after.holds


async def test_a_worker_whose_server_no_longer_hears_it_does_not_think_that_it_is_seen_to_live(
    notifier: Notifier,
) -> None:
    async with over_a_wire(notifier.database) as (remote, wire), keep_heartbeat(remote, 7, asyncio.Event()) as presence:
        await presence.hold()
        wire.go_silent()
        with pytest.raises(TimeoutError):
            await presence.hold()


_HOLDERS = (
    "select distinct pid from pg_locks where locktype = 'advisory' "
    "and database = (select oid from pg_database where datname = current_database())"
)


async def _holders(notifier: Notifier, expected: int) -> bool:
    return len(await notifier.rows(_HOLDERS)) == expected


async def _positive(notifier: Notifier, query: str) -> bool:
    return await notifier.scalar(query) not in (0, None)
