"""Each event takes effect once, in order, and one bad record never harms another."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import codec
from shared.events.envelope import Envelope, NewEvent
from shared.messaging.batch import DeadLetterLimit
from shared.messaging.consumer import ConsumerLimits
from shared.messaging.log import Batch, EventLog, Fenced, LogUnavailable, Record, Subscription
from shared.messaging.reader import Tombstone
from tests.shared.messaging.environment import GROUP, LETTERS, Environment, LetterSealed, LetterWritten, fail_often
from tests.support.eventually import eventually

PATIENCE = 30.0


def letter(word: str, **attributes: str) -> Record:
    """Build a record as the writer would have, except for `attributes`."""
    headers = {
        "ce_id": str(uuid4()),
        "ce_source": "/signpost/writer",
        "ce_type": LetterWritten.TYPE,
        "ce_specversion": "1.0",
        "content-type": "application/json",
    } | attributes
    written = LetterWritten(word=word).model_dump_json().encode()
    return Record(LETTERS.name, b"key", written, tuple((name, value.encode()) for name, value in headers.items()))


async def test_every_event_takes_effect(environment: Environment) -> None:
    words = [f"{number:04}" for number in range(1200)]
    await environment.write_words(words)
    await environment.deliver(environment.consumer())
    assert sorted(await environment.words()) == words


async def test_a_repeated_event_takes_effect_once(environment: Environment) -> None:
    record = letter("a")
    await environment.append(record, record)
    consumer = environment.consumer()
    await environment.deliver(consumer)
    await environment.append(record)
    await environment.deliver(consumer)
    assert await environment.words() == ["a"]


@pytest.mark.parametrize("ordered", [True, False])
async def test_events_of_one_key_keep_their_order_and_meet_in_no_call(environment: Environment, ordered: bool) -> None:
    subject = uuid4()
    await environment.write(
        NewEvent.of(subject, LetterWritten(word="1")),
        NewEvent.of(subject, LetterSealed(word="2")),
        NewEvent.of(subject, LetterWritten(word="3")),
        NewEvent.of(uuid4(), LetterWritten(word="x")),
    )
    await environment.deliver(environment.consumer(ordered=ordered))
    assert [word for word in await environment.words() if word != "x"] == ["1", "2", "3"]
    assert all(not {"1", "3"} <= set(call) for call in environment.handler.calls)


async def test_events_of_many_keys_meet_in_one_call(environment: Environment) -> None:
    await environment.write_words([f"{number:04}" for number in range(100)])
    await environment.deliver(environment.consumer())
    assert sum(len(call) for call in environment.handler.calls) == 100
    assert len(environment.handler.calls) <= LETTERS.partitions


async def test_a_crash_after_the_transaction_and_before_the_offsets_repeats_nothing(environment: Environment) -> None:
    await environment.write_words(["a", "b"])
    await environment.relay().drain()
    dies = environment.consumer(log=LogOfAMember(environment.log, commit=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        await dies.drain()
    await dies.close()
    assert sorted(await environment.words()) == ["a", "b"]
    await environment.deliver(environment.consumer())
    assert sorted(await environment.words()) == ["a", "b"]


async def test_a_crash_before_the_transaction_ends_loses_nothing(environment: Environment) -> None:
    await environment.write_words(["a", "b"])
    await environment.relay().drain()
    environment.handler.fails_on["b"] = KeyboardInterrupt()  # type: ignore[assignment]  # no exception that is handled
    dies = environment.consumer()
    with pytest.raises(KeyboardInterrupt):
        await dies.drain()
    await dies.close()
    assert await environment.words() == []
    environment.handler.fails_on.clear()
    await environment.deliver(environment.consumer())
    assert sorted(await environment.words()) == ["a", "b"]


async def test_one_failing_event_is_isolated_and_the_others_are_handled(environment: Environment) -> None:
    words = [f"{number:03}" for number in range(100)]
    environment.handler.fails_on["042"] = ValueError("a person's words")
    await environment.write_words(words)
    await environment.deliver(environment.consumer())
    assert sorted(await environment.words()) == [word for word in words if word != "042"]
    assert [letter.error_class for letter in await environment.dead()] == ["ValueError"]


async def test_what_the_database_refuses_becomes_a_dead_letter_too(environment: Environment) -> None:
    async def refuse(session: AsyncSession, events: Sequence[Envelope[LetterWritten]], now: datetime) -> None:
        await environment.handler(session, events, now)
        if any(event.data.word == "bad" for event in events):
            await session.execute(text("insert into inbox select * from inbox"))

    await environment.write_words(["good", "bad"])
    await environment.deliver(environment.consumer(handlers={LetterWritten: refuse}))
    assert await environment.words() == ["good"]
    assert [letter.error_class for letter in await environment.dead()] == ["UniqueViolationError"]


@pytest.mark.parametrize(
    "fault",
    [
        OperationalError("", {}, ConnectionError(), connection_invalidated=True),
        LogUnavailable(),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=["database", "log", "network", "time"],
)
async def test_a_passing_fault_is_waited_for_and_never_dead_lettered(
    environment: Environment, fault: Exception
) -> None:
    await environment.write_words(["a"])
    await environment.relay().drain()
    environment.handler.fails_on["a"] = fault
    consumer = environment.consumer()
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    await asyncio.wait_for(environment.handler.called_again.wait(), PATIENCE)
    assert consumer.unready_because is not None
    environment.handler.fails_on.clear()
    await asyncio.wait_for(consumer.wait_until_caught_up(), PATIENCE)
    assert await environment.words() == ["a"]
    assert await environment.dead() == []
    assert consumer.unready_because is None
    stop.set()
    await asyncio.wait_for(running, PATIENCE)


UNREADABLE = {
    "no headers": (Record(LETTERS.name, b"key", b"{}"), "MissingHeaders"),
    "truncated": (letter("a", ce_id="t"), "InvalidJson"),
    "too large": (letter("a" * (codec.MAX_VALUE_BYTES + 1)), "TooLarge"),
    "U+0000": (letter("a\x00b"), "ContainsNul"),
    "unknown version": (letter("a", ce_type="letter.written.v2"), "UnknownVersion"),
    "source is no writer": (letter("a", ce_source="/signpost/reader"), "UntrustedSource"),
    "source is not ours": (letter("a", ce_source="/elsewhere"), "UntrustedSource"),
    "sequence is no number": (letter("a", ce_sequence="first"), "InvalidAttribute"),
    "id holds U+0000": (letter("a", ce_id="a\x00b"), "InvalidAttribute"),
}


def spoiled(record: Record, reason: str) -> Record:
    value = record.value or b""
    spoilt = {"InvalidJson": value[:-3]}.get(reason, value)
    return Record(record.topic, record.key, spoilt, record.headers)


@pytest.mark.parametrize("name", UNREADABLE)
async def test_an_unreadable_record_becomes_a_dead_letter_with_its_reason(environment: Environment, name: str) -> None:
    record, reason = UNREADABLE[name]
    await environment.append(spoiled(record, reason), letter("good"))
    await environment.deliver(environment.consumer())
    assert await environment.words() == ["good"]
    assert [letter.error_class for letter in await environment.dead()] == [reason]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'{"word": "\xff\xfe"}', "NotUtf8"),
        (b"\x00\x01\x02", "InvalidJson"),
        (b'{"word": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "NestedTooDeep"),
        (b'{"word": {"not": "a text"}}', "InvalidData"),
        (b"[]", "InvalidData"),
        (b'{"word": "a", "extra": "\\u0000"}', "ContainsNul"),
    ],
)
async def test_a_broken_value_becomes_a_dead_letter_with_its_reason(
    environment: Environment, value: bytes, reason: str
) -> None:
    await environment.append(Record(LETTERS.name, b"key", value, letter("").headers), letter("good"))
    await environment.deliver(environment.consumer())
    assert await environment.words() == ["good"]
    assert [letter.error_class for letter in await environment.dead()] == [reason]


async def test_a_text_about_u0000_is_not_mistaken_for_one(environment: Environment) -> None:
    await environment.append(letter("they typed \\u0000"))
    await environment.deliver(environment.consumer())
    assert await environment.words() == ["they typed \\u0000"]


async def test_a_type_without_a_handler_is_skipped_and_leaves_no_gap(environment: Environment) -> None:
    subject = uuid4()
    await environment.write(
        NewEvent.of(subject, LetterWritten(word="1")),
        NewEvent.of(subject, LetterSealed(word="no handler")),
        NewEvent.of(subject, LetterWritten(word="3")),
    )
    await environment.deliver(environment.consumer(handlers={LetterWritten: environment.handler}))
    assert await environment.words() == ["1", "3"]
    assert await environment.dead() == []


async def test_an_event_without_id_is_known_by_where_it_stands(environment: Environment) -> None:
    record = letter("a")
    nameless = Record(record.topic, record.key, record.value, tuple(h for h in record.headers if h[0] != "ce_id"))
    await environment.append(nameless)
    await environment.append(nameless)
    await environment.deliver(environment.consumer())
    assert await environment.words() == ["a", "a"]
    (first, second) = await environment.rows('select event_id, topic, partition, "offset" from inbox order by "offset"')
    assert first.event_id == f"{first.topic}/{first.partition}/{first.offset}"
    assert second.event_id != first.event_id


async def test_structured_mode_is_read_as_well(environment: Environment) -> None:
    value = (
        b'{"specversion": "1.0", "id": "1", "source": "/signpost/writer", "type": "letter.written.v1",'
        b' "subject": "s", "sequence": "1", "time": "2026-01-05T09:30:00Z", "data": {"word": "structured"}}'
    )
    headers = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
    await environment.append(Record(LETTERS.name, b"key", value, headers))
    await environment.deliver(environment.consumer())
    assert await environment.words() == ["structured"]


async def test_a_type_on_a_topic_where_it_does_not_belong_becomes_a_dead_letter(environment: Environment) -> None:
    class Elsewhere(LetterWritten):
        TYPE = "letter.lost.v1"
        TOPICS = ("writer.elsewhere.v1",)

    await environment.append(letter("a", ce_type="letter.lost.v1"))
    await environment.deliver(environment.consumer(handlers={Elsewhere: environment.handler}))
    assert [letter.error_class for letter in await environment.dead()] == ["UnexpectedTopic"]


async def test_tombstones_reach_their_handler_in_order(environment: Environment) -> None:
    gone: list[Tombstone] = []

    async def forget(session: AsyncSession, tombstones: Sequence[Tombstone], now: datetime) -> None:
        assert await session.scalar(text("select count(*) from word")) == 1
        gone.extend(tombstones)

    subject = uuid4()
    await environment.write_words(["a"], subject)
    async with environment.database.transaction() as session:
        await environment.writes.append_tombstones(session, LetterWritten, [subject], environment.clock.now())
    await environment.deliver(environment.consumer(on_tombstone=forget))
    assert gone == [Tombstone(LETTERS.name, str(subject).encode())]


async def test_a_tombstone_without_a_handler_leaves_no_gap(environment: Environment) -> None:
    subject = uuid4()
    await environment.write_words(["1"], subject)
    async with environment.database.transaction() as session:
        await environment.writes.append_tombstones(session, LetterWritten, [subject], environment.clock.now())
    await environment.write_words(["3"], subject)
    await environment.deliver(environment.consumer())
    assert await environment.words() == ["1", "3"]


async def test_a_consumer_stops_itself_when_most_records_fail(environment: Environment) -> None:
    environment.handler.fails_on = {f"bad {number}": ValueError("a person's words") for number in range(30)}
    await environment.write_words([*environment.handler.fails_on, *(f"good {number}" for number in range(30))])
    consumer = environment.consumer(
        limits=ConsumerLimits(dead_letters=DeadLetterLimit(share=0.2, at_least=50), batch=1000)
    )
    await environment.relay().drain()
    for _ in range(LETTERS.partitions):
        await consumer.drain()
    assert consumer.unready_because is not None
    assert "ValueError" in consumer.unready_because
    assert "a person's words" not in consumer.unready_because
    handled, dead = await environment.words(), await environment.dead()
    assert len(dead) < 30
    await consumer.close()

    environment.handler.fails_on.clear()
    mended = environment.consumer()
    await environment.deliver(mended)
    assert len(set(await environment.words())) == 60 - len(dead)
    assert set(handled) <= set(await environment.words())


async def test_who_waits_for_a_consumer_that_stopped_itself_goes_on(environment: Environment) -> None:
    environment.handler.fails_on = {f"bad {number}": ValueError() for number in range(30)}
    await environment.write_words(list(environment.handler.fails_on))
    await environment.relay().drain()
    stop = asyncio.Event()
    consumer = environment.consumer(
        limits=ConsumerLimits(dead_letters=DeadLetterLimit(share=0.2, at_least=5), batch=1000)
    )
    running = asyncio.create_task(consumer.run(stop))
    async with asyncio.timeout(60):
        await consumer.wait_until_caught_up()
    assert "stopped itself" in str(consumer.unready_because)
    stop.set()
    await running


async def test_a_batch_whose_partitions_went_away_is_not_handled_twice(environment: Environment) -> None:
    await environment.write_words(["a", "b"])
    await environment.relay().drain()
    fenced = environment.consumer(log=LogOfAMember(environment.log, commit=Fenced()))
    await fenced.drain()
    await fenced.close()
    assert sorted(await environment.words()) == ["a", "b"]


async def test_a_consumer_waits_for_another_to_catch_up(environment: Environment) -> None:
    first, stop = environment.consumer(), asyncio.Event()
    second = environment.consumer(after=first)
    running = asyncio.create_task(second.run(stop))
    await asyncio.sleep(0)
    assert second.unready_because == "waits for reader to catch up"
    await environment.write_words(["a"])
    await environment.relay().drain()
    await first.drain()
    assert await environment.words() == ["a"]
    await first.close()
    await asyncio.wait_for(second.wait_until_caught_up(), PATIENCE)
    stop.set()
    await asyncio.wait_for(running, PATIENCE)


async def test_a_running_consumer_has_caught_up_once_it_reached_the_end_it_found(environment: Environment) -> None:
    await environment.write_words([f"{number}" for number in range(50)])
    await environment.relay().drain()
    consumer, stop = environment.consumer(limits=ConsumerLimits(batch=7)), asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    await asyncio.wait_for(consumer.wait_until_caught_up(), PATIENCE)
    assert len(await environment.words()) == 50
    stop.set()
    await asyncio.wait_for(running, PATIENCE)


async def test_a_consumer_whose_place_was_taken_subscribes_again(environment: Environment) -> None:
    consumer, stop = environment.consumer(), asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    await asyncio.wait_for(consumer.wait_until_caught_up(), PATIENCE)
    other = await environment.log.subscribe(GROUP, [LETTERS.name])
    await other.close()
    await environment.write_words(["a"])
    await environment.relay().drain()

    async def handled() -> bool | None:
        return await environment.words() == ["a"] or None

    await eventually(handled)
    stop.set()
    await asyncio.wait_for(running, PATIENCE)


async def test_a_consumer_that_reads_again_has_its_long_waits_behind_it(environment: Environment) -> None:
    consumer, stop = environment.consumer(), asyncio.Event()
    fail_often(consumer._backoff)
    running = asyncio.create_task(consumer.run(stop))
    await asyncio.wait_for(consumer.wait_until_caught_up(), PATIENCE)
    stop.set()
    await asyncio.wait_for(running, PATIENCE)
    assert consumer._backoff.next() < 1


class LogOfAMember:
    """A log whose members fail once when they commit."""

    def __init__(self, log: EventLog, commit: BaseException) -> None:
        self._log = log
        self._commit = commit
        self.appender = log.appender
        self.behind = log.behind
        self.close = log.close

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        return _FailingMember(await self._log.subscribe(group, topics), self._commit)


class _FailingMember:
    def __init__(self, member: Subscription, error: BaseException) -> None:
        self._member = member
        self._error: BaseException | None = error
        self.rewind = member.rewind
        self.end_offsets = member.end_offsets
        self.reached = member.reached
        self.lag = member.lag
        self.close = member.close

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        return await self._member.poll(max_records, timeout)

    async def commit(self, batch: Batch) -> None:
        error, self._error = (self._error, None) if batch.records else (None, self._error)
        if error:
            raise error
        await self._member.commit(batch)


async def test_what_only_the_commit_would_refuse_becomes_a_dead_letter_alone(environment: Environment) -> None:
    async with environment.database.transaction() as session:
        await session.execute(text("alter table word add unique (word) deferrable initially deferred"))
    consumer = environment.consumer()
    await environment.write_words(["one", "two", "one", "three"])
    await environment.deliver(consumer)
    assert sorted(await environment.words()) == ["one", "three", "two"]
    assert [letter.error_class for letter in await environment.dead()] == ["UniqueViolationError"]
    assert consumer.unready_because is None
