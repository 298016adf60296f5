"""Events are written with what they tell, numbered, and nothing else."""

from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.exc import IntegrityError

from shared.db.database import Database
from shared.events import codec
from shared.events.envelope import NewEvent
from shared.messaging.log import headers_from_text
from tests.shared.messaging.house import House, LetterSealed, LetterWritten, SettableClock


@pytest.fixture
def house(tables: Database) -> House:
    return House(tables, None, SettableClock())  # type: ignore[arg-type]  # nothing here reaches the log


async def headers(house: House) -> list[dict[str, str]]:
    rows = await house.rows("select headers from outbox order by id")
    return [{name: value.decode() for name, value in headers_from_text(row.headers)} for row in rows]


async def test_an_event_carries_the_cloudevents_headers(house: House) -> None:
    subject = uuid4()
    await house.write(NewEvent.of(subject, LetterWritten(word="a")))
    (found,) = await headers(house)
    assert found.pop("ce_id")
    assert found == {
        "ce_source": "/signpost/writer",
        "ce_type": "letter.written.v1",
        "ce_specversion": "1.0",
        "ce_time": house.clock.now().isoformat(),
        "ce_subject": str(subject),
        "ce_sequence": "1",
        "content-type": "application/json",
    }


async def test_each_subject_is_counted_from_one_across_transactions(house: House) -> None:
    one, two = uuid4(), uuid4()
    await house.write(NewEvent.of(one, LetterWritten(word="a")), NewEvent.of(one, LetterSealed(word="a")))
    await house.write(NewEvent.of(two, LetterWritten(word="b")), NewEvent.of(one, LetterWritten(word="c")))
    assert [found["ce_sequence"] for found in await headers(house)] == ["1", "2", "1", "3"]


async def test_a_subject_begun_is_counted_on(house: House) -> None:
    subject = uuid4()
    async with house.database.transaction() as session:
        await house.writes.begin(
            session,
            [NewEvent.of(subject, LetterWritten(word="a")), NewEvent.of(subject, LetterSealed(word="a"))],
            house.clock.now(),
        )
    await house.write(NewEvent.of(subject, LetterWritten(word="b")))
    assert [found["ce_sequence"] for found in await headers(house)] == ["1", "2", "3"]


async def test_a_subject_is_not_begun_twice(house: House) -> None:
    subject = uuid4()
    await house.write(NewEvent.of(subject, LetterWritten(word="a")))
    with pytest.raises(IntegrityError):
        async with house.database.transaction() as session:
            await house.writes.begin(session, [NewEvent.of(subject, LetterWritten(word="b"))], house.clock.now())


async def test_events_are_stored_in_the_order_given(house: House) -> None:
    words = [f"word-{number}" for number in range(50)]
    await house.write_words(words)
    rows = await house.rows("select value from outbox order by id")
    assert [codec.read(row.value, LetterWritten).word for row in rows] == words


async def test_nothing_is_left_of_a_transaction_that_fails(house: House) -> None:
    async def fail() -> None:
        async with house.database.transaction() as session:
            await house.writes.append(session, [NewEvent.of(uuid4(), LetterWritten(word="a"))], house.clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert not await headers(house)
    assert not house.writes.committed.is_set()


async def test_the_relay_is_woken_by_a_commit(house: House) -> None:
    await house.write_words(["a"])
    assert house.writes.committed.is_set()


async def test_the_end_of_a_savepoint_wakes_nobody_the_commit_does(house: House) -> None:
    async with house.database.transaction() as session:
        async with session.begin_nested():
            await house.writes.append(session, [NewEvent.of(uuid4(), LetterWritten(word="a"))], house.clock.now())
        assert not house.writes.committed.is_set()
    assert house.writes.committed.is_set()


async def test_a_subject_cannot_have_the_same_number_twice(house: House) -> None:
    await house.write_words(["a"])
    copy = (
        "insert into outbox (topic, headers, subject, sequence, recorded_at) "
        "select topic, headers, subject, sequence, recorded_at from outbox"
    )
    with pytest.raises(IntegrityError):
        await house.rows(copy)


async def test_an_event_that_no_log_takes_is_refused_when_it_is_written(house: House) -> None:
    with pytest.raises(codec.TooLarge):
        await house.write_words(["x" * (codec.MAX_VALUE_BYTES + 1)])


async def test_the_trace_goes_with_the_event(house: House) -> None:
    with trace.get_tracer("tests", tracer_provider=TracerProvider()).start_as_current_span("a request") as span:
        await house.write_words(["a"])
    (found,) = await headers(house)
    assert found["traceparent"].split("-")[1] == format(span.get_span_context().trace_id, "032x")
