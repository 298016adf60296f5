"""Events are written with their content, numbered, and with nothing else."""

from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.exc import IntegrityError

from shared.db.database import Database
from shared.events import codec
from shared.events.envelope import NewEvent
from shared.messaging.log import headers_from_text
from tests.shared.messaging.environment import Environment, LetterSealed, LetterWritten, SettableClock


@pytest.fixture
def environment(tables: Database) -> Environment:
    return Environment(tables, None, SettableClock())  # type: ignore[arg-type]  # nothing here reaches the log


async def headers(environment: Environment) -> list[dict[str, str]]:
    rows = await environment.rows("select headers from outbox order by id")
    return [{name: value.decode() for name, value in headers_from_text(row.headers)} for row in rows]


async def test_an_event_carries_the_cloudevents_headers(environment: Environment) -> None:
    subject = uuid4()
    await environment.write(NewEvent.of(subject, LetterWritten(word="a")))
    (found,) = await headers(environment)
    assert found.pop("ce_id")
    assert found == {
        "ce_source": "/signpost/writer",
        "ce_type": "letter.written.v1",
        "ce_specversion": "1.0",
        "ce_time": environment.clock.now().isoformat(),
        "ce_subject": str(subject),
        "ce_sequence": "1",
        "content-type": "application/json",
    }


async def test_each_subject_is_counted_from_one_across_transactions(environment: Environment) -> None:
    one, two = uuid4(), uuid4()
    await environment.write(NewEvent.of(one, LetterWritten(word="a")), NewEvent.of(one, LetterSealed(word="a")))
    await environment.write(NewEvent.of(two, LetterWritten(word="b")), NewEvent.of(one, LetterWritten(word="c")))
    assert [found["ce_sequence"] for found in await headers(environment)] == ["1", "2", "1", "3"]


async def test_a_subject_begun_is_counted_on(environment: Environment) -> None:
    subject = uuid4()
    async with environment.database.transaction() as session:
        await environment.writes.begin(
            session,
            [NewEvent.of(subject, LetterWritten(word="a")), NewEvent.of(subject, LetterSealed(word="a"))],
            environment.clock.now(),
        )
    await environment.write(NewEvent.of(subject, LetterWritten(word="b")))
    assert [found["ce_sequence"] for found in await headers(environment)] == ["1", "2", "3"]


async def test_a_subject_is_not_begun_twice(environment: Environment) -> None:
    subject = uuid4()
    await environment.write(NewEvent.of(subject, LetterWritten(word="a")))
    with pytest.raises(IntegrityError):
        async with environment.database.transaction() as session:
            await environment.writes.begin(
                session, [NewEvent.of(subject, LetterWritten(word="b"))], environment.clock.now()
            )


async def test_events_are_stored_in_the_order_given(environment: Environment) -> None:
    words = [f"word-{number}" for number in range(50)]
    await environment.write_words(words)
    rows = await environment.rows("select value from outbox order by id")
    assert [codec.read(row.value, LetterWritten).word for row in rows] == words


async def test_nothing_is_left_of_a_transaction_that_fails(environment: Environment) -> None:
    async def fail() -> None:
        async with environment.database.transaction() as session:
            await environment.writes.append(
                session, [NewEvent.of(uuid4(), LetterWritten(word="a"))], environment.clock.now()
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert not await headers(environment)
    assert not environment.writes.committed.is_set()


async def test_the_relay_is_woken_by_a_commit(environment: Environment) -> None:
    await environment.write_words(["a"])
    assert environment.writes.committed.is_set()


async def test_the_end_of_a_savepoint_wakes_no_relay_the_commit_does(environment: Environment) -> None:
    async with environment.database.transaction() as session:
        async with session.begin_nested():
            await environment.writes.append(
                session, [NewEvent.of(uuid4(), LetterWritten(word="a"))], environment.clock.now()
            )
        assert not environment.writes.committed.is_set()
    assert environment.writes.committed.is_set()


async def test_a_subject_cannot_have_the_same_number_twice(environment: Environment) -> None:
    await environment.write_words(["a"])
    copy = (
        "insert into outbox (topic, headers, subject, sequence, recorded_at) "
        "select topic, headers, subject, sequence, recorded_at from outbox"
    )
    with pytest.raises(IntegrityError):
        await environment.rows(copy)


async def test_an_event_that_no_log_takes_is_refused_when_it_is_written(environment: Environment) -> None:
    with pytest.raises(codec.TooLarge):
        await environment.write_words(["x" * (codec.MAX_VALUE_BYTES + 1)])


async def test_the_trace_goes_with_the_event(environment: Environment) -> None:
    with trace.get_tracer("tests", tracer_provider=TracerProvider()).start_as_current_span("a request") as span:
        await environment.write_words(["a"])
    (found,) = await headers(environment)
    assert found["traceparent"].split("-")[1] == format(span.get_span_context().trace_id, "032x")
