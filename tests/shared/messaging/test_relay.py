"""Committed events get into the log: in order, at least once, by one relay at a time."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import codec
from shared.messaging.log import Appender, EventLog, LogUnavailable, Record, Subscription
from shared.messaging.relay import PublishedEvent, Relay
from tests.shared.messaging.environment import LETTERS, Environment, LetterWritten, fail_often

PATIENCE = 30.0


async def in_the_log(environment: Environment, count: int) -> list[str]:
    """Return the words in the log, once there are `count`."""
    member = await environment.log.subscribe("onlooker", [LETTERS.name])
    found: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            batch = await member.poll(1000, timedelta(seconds=1))
            found += [received.record for received in batch.records]
            await member.commit(batch)
    await member.close()
    return [codec.read(record.value or b"", LetterWritten).word for record in found]


async def take_the_lock_away(environment: Environment) -> None:
    """End the connection that holds the relay's lock, in this test's database alone."""
    here = "(select oid from pg_database where datname = current_database())"
    holder = f"from pg_locks where locktype = 'advisory' and granted and database = {here}"
    assert await environment.rows(f"select pg_terminate_backend(pid) {holder}")


async def unpublished(environment: Environment) -> int:
    return len(await environment.rows("select 1 from outbox where published_at is null"))


async def test_everything_committed_is_published_and_marked(environment: Environment) -> None:
    words = [f"{number:04}" for number in range(1200)]
    await environment.write_words(words)
    assert await environment.relay().drain() == 1200
    assert sorted(await in_the_log(environment, 1200)) == words
    assert await unpublished(environment) == 0
    assert await environment.relay().drain() == 0


async def test_dying_between_publishing_and_marking_publishes_again(environment: Environment) -> None:
    async def die(session: AsyncSession, events: Sequence[PublishedEvent], now: datetime) -> None:
        raise KeyboardInterrupt

    await environment.write_words(["a", "b"])
    with pytest.raises(KeyboardInterrupt):
        await environment.relay(on_published=die).drain()
    assert await unpublished(environment) == 2
    await environment.relay().drain()
    assert sorted(await in_the_log(environment, 4)) == ["a", "a", "b", "b"]


async def test_the_service_is_told_in_the_transaction_that_marks(environment: Environment) -> None:
    told: list[PublishedEvent] = []

    async def listen(session: AsyncSession, events: Sequence[PublishedEvent], now: datetime) -> None:
        told.extend(events)
        assert now == environment.clock.now()
        assert await session.scalar(text("select count(*) from outbox where published_at is not null")) == len(events)

    await environment.write_words(["a", "b"])
    await environment.relay(on_published=listen).drain()
    assert [(event.topic, event.type) for event in told] == [(LETTERS.name, "letter.written.v1")] * 2


async def test_only_one_relay_of_a_service_publishes(environment: Environment) -> None:
    await environment.write_words(["a"])
    async with environment.relay()._leading():
        assert await environment.relay().drain() == 0
    assert await environment.relay().drain() == 1


async def test_a_running_relay_publishes_what_is_committed_later(environment: Environment) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(environment.relay(outbox=environment.writes).run(stop))
    await environment.write_words(["a"])
    assert await in_the_log(environment, 1) == ["a"]
    await environment.write_words(["b"])
    assert await in_the_log(environment, 1) == ["b"]
    stop.set()
    await asyncio.wait_for(running, PATIENCE)


async def test_a_relay_that_loses_its_lock_takes_it_again_and_loses_nothing(environment: Environment) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(environment.relay().run(stop))
    await environment.write_words(["a"])
    assert await in_the_log(environment, 1) == ["a"]
    async with asyncio.timeout(PATIENCE):
        while await unpublished(environment):  # until then "a" may come once more
            await asyncio.sleep(0.02)
    await take_the_lock_away(environment)
    await environment.write_words(["b"])
    assert "b" in await in_the_log(environment, 1)
    stop.set()
    await asyncio.wait_for(running, PATIENCE)


async def test_a_relay_that_loses_its_lock_stops_at_once_whatever_it_is_doing(environment: Environment) -> None:
    slow = LogThatNeverAnswers()
    stop = asyncio.Event()
    relay = Relay("writer", database=environment.database, log=slow, clock=environment.clock)
    await environment.write_words(["a"])
    running = asyncio.create_task(relay.run(stop))
    await asyncio.wait_for(slow.asked.wait(), PATIENCE)
    await take_the_lock_away(environment)
    await asyncio.wait_for(slow.given_up.wait(), PATIENCE)
    stop.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_log_that_answers_again_ends_the_long_waits_also_where_nothing_waits(environment: Environment) -> None:
    relay = environment.relay()
    fail_often(relay._backoff)
    await relay.drain()
    assert relay._backoff.next() < 1


async def test_a_log_that_is_away_is_waited_for(environment: Environment) -> None:
    environment.log = away = LogThatIsAway(environment.log, times=2)
    stop = asyncio.Event()
    relay = environment.relay()
    await environment.write_words(["a"])
    running = asyncio.create_task(relay.run(stop))
    await asyncio.wait_for(away.refused.wait(), PATIENCE)
    assert await in_the_log(environment, 1) == ["a"]
    stop.set()
    await asyncio.wait_for(running, PATIENCE)
    assert relay.unready_because is None


async def test_a_relay_whose_log_does_not_let_it_write_is_not_ready(environment: Environment) -> None:
    environment.log = silent = LogThatSaysNothing(environment.log)
    stop = asyncio.Event()
    relay = environment.relay()
    running = asyncio.create_task(relay.run(stop))
    await asyncio.wait_for(silent.asked.wait(), PATIENCE)
    assert relay.unready_because == "not started"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


class LogThatSaysNothing:
    """Never opens an appender: brokers that cannot keep transactions do not answer."""

    def __init__(self, log: EventLog) -> None:
        self.asked = asyncio.Event()
        self.subscribe = log.subscribe
        self.behind = log.behind
        self.close = log.close

    async def appender(self, writer_id: str) -> Appender:  # noqa: ARG002 -- the port's
        self.asked.set()
        await asyncio.Event().wait()
        raise LogUnavailable


class LogThatIsAway:
    """Refuses its appenders a few times."""

    def __init__(self, log: EventLog, times: int) -> None:
        self._log = log
        self._times = times
        self.refused = asyncio.Event()
        self.subscribe = log.subscribe
        self.behind = log.behind
        self.close = log.close

    async def appender(self, writer_id: str) -> Appender:
        if self._times:
            self._times -= 1
            self.refused.set()
            raise LogUnavailable
        return await self._log.appender(writer_id)


class LogThatNeverAnswers:
    """Takes for ever to append, unless it is cancelled."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.given_up = asyncio.Event()

    async def appender(self, writer_id: str) -> Appender:  # noqa: ARG002 -- the port's
        return self

    async def append(self, records: Sequence[Record]) -> None:  # noqa: ARG002 -- the port's
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        raise NotImplementedError

    async def behind(self, groups: Sequence[str]) -> Mapping[str, int]:
        raise NotImplementedError

    async def close(self) -> None:
        return
