"""What the product needs of a log, stated once and checked on both.

Only Kafka shares a group out among several members; PostgreSQL's log serves one process (decision 0035).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.events.topics import Topic
from shared.messaging.log import Batch, EventLog, Fenced, ReceivedRecord, Record, Subscription
from tests.support.log import kafka_log

LETTERS = Topic("test.letters.v1", ("writer",), ("reader",), timedelta(days=1), partitions=3)
NUMBERS = Topic("test.numbers.v1", ("writer",), ("reader",), timedelta(days=1), partitions=1)
SOON = timedelta(seconds=1)
PATIENCE = 30.0
_MOMENT = 0.02


@pytest.fixture
def log_topics() -> Sequence[Topic]:
    return LETTERS, NUMBERS


@pytest.fixture
async def shared_log(kafka: str, log_topics: Sequence[Topic]) -> AsyncIterator[EventLog]:
    """The log that several members of a group share."""
    async with kafka_log(kafka, log_topics) as log:
        yield log


def records(values: Sequence[int], *, keys: int = 5, topic: Topic = LETTERS) -> list[Record]:
    return [Record(topic.name, b"key-%d" % (value % keys), b"%d" % value) for value in values]


async def read(member: Subscription, count: int, *, commit: bool = True) -> list[ReceivedRecord]:
    """Poll until `count` records have come, and check that no more do."""
    found: list[ReceivedRecord] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            batch = await member.poll(100, SOON)
            found += batch.records
            if commit:
                await member.commit(batch)
    assert len(found) == count
    return found


async def poll_something(member: Subscription, timeout: timedelta = SOON, *, most: int = 100) -> Batch:
    async with asyncio.timeout(PATIENCE):
        while True:
            batch = await member.poll(most, timeout)
            if batch.records:
                return batch


def values(found: Sequence[ReceivedRecord]) -> list[int]:
    return sorted(int(received.record.value or b"-1") for received in found)


async def test_a_record_comes_back_as_it_was_appended(any_log: EventLog) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    record = Record(LETTERS.name, b"\x00\xffkey", b"\x00\xffvalue", (("ce_id", b"\x00\xff"), ("empty", b"")))
    await (await any_log.appender("writer")).append([record])
    (found,) = await read(await any_log.subscribe("group", [LETTERS.name]), 1)
    assert found.record == record
    assert before < found.appended_at < datetime.now(UTC) + timedelta(seconds=5)


async def test_a_tombstone_comes_back_as_one(any_log: EventLog) -> None:
    await (await any_log.appender("writer")).append([Record(LETTERS.name, b"key", None)])
    (found,) = await read(await any_log.subscribe("group", [LETTERS.name]), 1)
    assert found.record.value is None


async def test_offsets_increase_and_keys_keep_their_order(any_log: EventLog) -> None:
    appender = await any_log.appender("writer")
    for start in range(0, 60, 20):
        await appender.append(records(range(start, start + 20)))
    found = await read(await any_log.subscribe("group", [LETTERS.name]), 60)
    offsets: dict[int, list[int]] = defaultdict(list)
    by_key: dict[bytes | None, list[int]] = defaultdict(list)
    for received in found:
        offsets[received.position.partition].append(received.position.offset)
        by_key[received.record.key].append(int(received.record.value or b""))
    assert all(places == sorted(set(places)) for places in offsets.values())
    assert all(order == sorted(order) for order in by_key.values())
    assert len(offsets) > 1


async def test_a_key_stays_in_its_partition(any_log: EventLog) -> None:
    appender = await any_log.appender("writer")
    await appender.append(records(range(20)))
    await appender.append(records(range(20, 40)))
    places: dict[bytes | None, set[int]] = defaultdict(set)
    for received in await read(await any_log.subscribe("group", [LETTERS.name]), 40):
        places[received.record.key].add(received.position.partition)
    assert all(len(partitions) == 1 for partitions in places.values())


async def test_no_record_is_skipped_however_small_the_polls(any_log: EventLog) -> None:
    await (await any_log.appender("writer")).append(records(range(50)))
    member = await any_log.subscribe("group", [LETTERS.name])
    found: list[ReceivedRecord] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < 50:
            batch = await member.poll(3, SOON)
            assert len(batch.records) <= 3
            found += batch.records
            await member.commit(batch)
    assert values(found) == list(range(50))


async def test_records_of_concurrent_appenders_all_arrive(any_log: EventLog) -> None:
    member = await any_log.subscribe("group", [NUMBERS.name])
    appenders = [await any_log.appender(f"writer-{n}") for n in range(4)]

    async def write(number: int) -> None:
        for start in range(number * 100, number * 100 + 50, 10):
            await appenders[number].append(records(range(start, start + 10), topic=NUMBERS))

    reading = asyncio.create_task(read(member, 200))
    await asyncio.gather(*(write(number) for number in range(4)))
    found = await reading
    assert values(found) == sorted(number * 100 + n for number in range(4) for n in range(50))
    offsets = [received.position.offset for received in found]
    assert offsets == sorted(set(offsets))


async def test_what_was_not_committed_comes_again_after_a_rewind(any_log: EventLog) -> None:
    appender = await any_log.appender("writer")
    await appender.append(records(range(10)))
    member = await any_log.subscribe("group", [LETTERS.name])
    await read(member, 10)
    await appender.append(records(range(10, 20)))
    assert values(await read(member, 10, commit=False)) == list(range(10, 20))
    await member.rewind()
    assert values(await read(member, 10)) == list(range(10, 20))


async def test_a_rewind_before_the_first_commit_starts_at_the_beginning(any_log: EventLog) -> None:
    await (await any_log.appender("writer")).append(records(range(10)))
    member = await any_log.subscribe("group", [LETTERS.name])
    await read(member, 10, commit=False)
    await member.rewind()
    assert values(await read(member, 10)) == list(range(10))


async def test_the_next_member_gets_what_the_last_one_did_not_commit(any_log: EventLog) -> None:
    appender = await any_log.appender("writer")
    await appender.append(records(range(10)))
    first = await any_log.subscribe("group", [LETTERS.name])
    await read(first, 10)
    await appender.append(records(range(10, 20)))
    await read(first, 10, commit=False)
    await first.close()
    second = await any_log.subscribe("group", [LETTERS.name])
    assert values(await read(second, 10)) == list(range(10, 20))


async def test_groups_do_not_see_each_other(any_log: EventLog) -> None:
    await (await any_log.appender("writer")).append(records(range(10)))
    for group in ("one", "two"):
        assert values(await read(await any_log.subscribe(group, [LETTERS.name]), 10)) == list(range(10))


async def test_a_member_wakes_up_for_a_new_record(any_log: EventLog) -> None:
    appender = await any_log.appender("writer")
    member, onlooker = [await any_log.subscribe(group, [LETTERS.name]) for group in ("group", "onlookers")]
    for number in range(5):
        waiting = asyncio.create_task(poll_something(member, timedelta(hours=1)))
        for _ in range(3):  # by now the member has looked, and is waiting
            await onlooker.end_offsets()
        await appender.append(records([number]))
        assert values((await waiting).records) == [number]


async def test_an_empty_log_answers_after_the_timeout(any_log: EventLog) -> None:
    member = await any_log.subscribe("group", [LETTERS.name])
    batch = await member.poll(10, timedelta(milliseconds=50))
    assert not batch.records
    await member.commit(batch)


async def test_two_members_share_the_partitions(shared_log: EventLog) -> None:
    first = await shared_log.subscribe("group", [LETTERS.name])
    second = await shared_log.subscribe("group", [LETTERS.name])
    await (await shared_log.appender("writer")).append(records(range(60), keys=30))
    found: dict[int, set[int]] = {1: set(), 2: set()}
    seen: set[bytes | None] = set()
    async with asyncio.timeout(PATIENCE):
        while len(seen) < 60 or not (found[1] and found[2]):
            for number, member in ((1, first), (2, second)):
                batch = await member.poll(100, timedelta(milliseconds=200))
                try:
                    await member.commit(batch)
                except Fenced:
                    await member.rewind()
                    continue
                seen |= {received.record.value for received in batch.records}
                found[number] = {partition for _, partition in await member.lag()}
    assert found[1].isdisjoint(found[2])
    assert found[1] | found[2] == {0, 1, 2}


async def test_a_replaced_member_cannot_commit(any_log: EventLog) -> None:
    await (await any_log.appender("writer")).append(records(range(10)))
    first = await any_log.subscribe("group", [LETTERS.name])
    in_hand = await poll_something(first)
    second = await any_log.subscribe("group", [LETTERS.name])
    await poll_something(second)
    with pytest.raises(Fenced):
        await first.commit(in_hand)


async def test_a_batch_from_before_a_change_is_refused_even_where_its_partitions_stayed(shared_log: EventLog) -> None:
    await (await shared_log.appender("writer")).append(records(range(10)))
    first = await shared_log.subscribe("group", [LETTERS.name])
    in_hand = await poll_something(first)
    second = await shared_log.subscribe("group", [LETTERS.name])
    await poll_something(second)
    kept = await first.lag()
    assert 0 < len(kept) < LETTERS.partitions
    with pytest.raises(Fenced):
        await first.commit(replace(in_hand, next_offsets=dict.fromkeys(kept, 1)))


async def test_what_a_replaced_member_had_in_hand_is_read_by_the_others(shared_log: EventLog) -> None:
    await (await shared_log.appender("writer")).append(records(range(10)))
    first = await shared_log.subscribe("group", [LETTERS.name])
    in_hand = await poll_something(first)
    second = await shared_log.subscribe("group", [LETTERS.name])
    again = [*(await poll_something(second)).records]
    with pytest.raises(Fenced):
        await first.commit(in_hand)
    await first.rewind()
    async with asyncio.timeout(PATIENCE):
        while len({received.position for received in again}) < 10:
            again += (await first.poll(100, timedelta(milliseconds=200))).records
            again += (await second.poll(100, timedelta(milliseconds=200))).records
    assert {int(received.record.value or b"") for received in again} == set(range(10))


async def test_a_second_appender_of_the_same_id_fences_the_first(any_log: EventLog) -> None:
    first = await any_log.appender("writer")
    await first.append(records([1]))
    second = await any_log.appender("writer")
    with pytest.raises(Fenced):
        await first.append(records([2]))
    await second.append(records([3]))
    assert values(await read(await any_log.subscribe("group", [LETTERS.name]), 2)) == [1, 3]


async def test_lag_counts_what_is_not_committed(any_log: EventLog) -> None:
    appender = await any_log.appender("writer")
    await appender.append(records(range(10), topic=NUMBERS))
    member = await any_log.subscribe("group", [NUMBERS.name])
    batch = await poll_something(member)
    assert sum((await member.lag()).values()) >= 10
    await member.commit(batch)
    async with asyncio.timeout(PATIENCE):
        while sum((await member.lag()).values()):
            await member.commit(await member.poll(10, timedelta(milliseconds=50)))
    await appender.append(records(range(10), topic=NUMBERS))
    async with asyncio.timeout(PATIENCE):  # a broker marks the end of a transaction a moment after it has confirmed it
        while sum((await member.lag()).values()) < 10:
            await asyncio.sleep(_MOMENT)


async def test_a_batch_says_how_much_is_behind_it_without_asking_the_log(any_log: EventLog) -> None:
    await (await any_log.appender("writer")).append(records(range(10)))
    member = await any_log.subscribe("group", [LETTERS.name])
    batch = await poll_something(member, most=1)
    assert batch.behind > 0
    async with asyncio.timeout(PATIENCE):
        while await member.reached() != await member.end_offsets():
            await member.commit(batch)
            batch = await member.poll(10, timedelta(milliseconds=50))
    assert batch.behind == 0


async def test_one_append_to_several_topics_is_whole(any_log: EventLog) -> None:
    await (await any_log.appender("writer")).append([*records([1]), *records([2], topic=NUMBERS)])
    member = await any_log.subscribe("group", [LETTERS.name, NUMBERS.name])
    found = await read(member, 2)
    assert {received.record.topic for received in found} == {LETTERS.name, NUMBERS.name}


async def test_a_process_outside_the_group_can_ask_how_far_a_group_is_behind(any_log: EventLog) -> None:
    appender, member = await any_log.appender("writer"), await any_log.subscribe("group", [LETTERS.name])
    await appender.append(records(range(30)))
    await read(member, 30)
    assert await any_log.behind(["group", "never-read"]) == {"group": 0}
    await appender.append(records(range(30, 60)))
    async with asyncio.timeout(PATIENCE):  # as above
        while (await any_log.behind(["group"]))["group"] < 30:
            await asyncio.sleep(_MOMENT)
