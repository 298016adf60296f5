"""Dead letters can be found, replayed and discarded, and repeat nothing that people wrote."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.events import codec, topics
from shared.events.envelope import Event, NewEvent
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.messaging import dead_letters
from shared.messaging.consumer import BatchConsumer
from shared.messaging.dead_letters import (
    SIGNPOST,
    AlreadyAskedFor,
    DeadLetter,
    DeadLetterNotOpen,
    DeadLetterState,
    HistoryAction,
    PageRequest,
    history,
    page,
)
from shared.messaging.log import Record, headers_from_text
from tests.shared.messaging.environment import COPIES, GROUP, LETTERS, Environment, LetterWritten

SECRET = "what the person wrote"


async def one_dead_letter(
    environment: Environment, consumer: BatchConsumer, report_id: UUID | None = None
) -> DeadLetter:
    environment.handler.fails_on[SECRET] = ValueError(SECRET)
    await environment.write(NewEvent.of(uuid4(), LetterWritten(word=SECRET, report_id=report_id)))
    await environment.deliver(consumer)
    (letter,) = await environment.dead()
    return letter


async def outgoing(environment: Environment, topic: str) -> list[Record]:
    rows = await environment.rows(f"select topic, key, value, headers from outbox where topic = '{topic}' order by id")  # noqa: S608 -- a constant
    return [Record(row.topic, row.key, row.value, headers_from_text(row.headers)) for row in rows]


async def told(environment: Environment, kind: type[Event]) -> list[Event]:
    records = await outgoing(environment, topics.DEAD_LETTERS.name)
    return [codec.read(r.value or b"", kind) for r in records if dict(r.headers)["ce_type"] == kind.TYPE.encode()]


async def test_a_dead_letter_keeps_where_why_and_whom(environment: Environment) -> None:
    report_id = uuid4()
    letter = await one_dead_letter(environment, environment.consumer(), report_id)
    assert (letter.group_name, letter.topic, letter.error_class) == (GROUP, LETTERS.name, "ValueError")
    assert (letter.type, letter.report_id, letter.attempts) == (LetterWritten.TYPE, report_id, 1)
    assert SECRET not in str(letter)


async def test_operations_are_told_without_content(environment: Environment) -> None:
    report_id = uuid4()
    letter = await one_dead_letter(environment, environment.consumer(), report_id)
    (event,) = await told(environment, DeadLetterRecorded)
    assert event == DeadLetterRecorded(
        dead_letter_id=letter.id,
        group=GROUP,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        error_class="ValueError",
        report_id=report_id,
        at=environment.clock.now(),
    )


async def test_the_copy_is_the_original_with_where_and_why_in_headers(environment: Environment) -> None:
    original = Record(LETTERS.name, b"\x00key", b"\xff\x00not an event", (("odd", b"\xff\x00"),))
    await environment.append(original)
    await environment.deliver(environment.consumer())
    (letter,) = await environment.dead()
    (copy,) = await outgoing(environment, COPIES.name)
    headers = dict(copy.headers)
    assert (copy.key, copy.value, headers.pop("odd")) == (original.key, original.value, b"\xff\x00")
    assert headers == {
        "dlt_topic": LETTERS.name.encode(),
        "dlt_partition": str(letter.partition).encode(),
        "dlt_offset": str(letter.offset).encode(),
        "dlt_group": GROUP.encode(),
        "dlt_error_class": b"MissingHeaders",
        "dlt_attempts": b"1",
        "dlt_time": environment.clock.now().isoformat().encode(),
    }


async def test_the_copy_of_a_value_that_no_topic_takes_is_without_it(environment: Environment) -> None:
    await environment.append(Record(LETTERS.name, b"key", b"x" * (codec.MAX_VALUE_BYTES + 1)))
    await environment.deliver(environment.consumer())
    (copy,) = await outgoing(environment, COPIES.name)
    assert copy.value is None
    (letter,) = await environment.dead()
    async with environment.database.transaction() as session:
        kept = await dead_letters.content(session, letter.id)
    assert kept
    assert len(kept.value or b"") == codec.MAX_VALUE_BYTES + 1


async def test_a_record_that_comes_again_is_one_dead_letter(environment: Environment) -> None:
    consumer = environment.consumer()
    await one_dead_letter(environment, consumer)
    await environment.rows("update outbox set published_at = null where topic = 'writer.letters.v1' returning 1")
    await environment.deliver(consumer)
    assert len(await environment.dead()) == 1
    assert len(await told(environment, DeadLetterRecorded)) == 1


async def test_replay_applies_settles_and_tells(environment: Environment) -> None:
    consumer = environment.consumer()
    letter = await one_dead_letter(environment, consumer)
    environment.handler.fails_on.clear()
    await environment.replay(letter)
    await environment.deliver(consumer)
    assert await environment.words() == [SECRET]
    async with environment.database.transaction() as session:
        settled = await dead_letters.show(session, letter.id)
    assert settled
    assert (settled.action, settled.action_by, settled.action_reason) == ("replayed", "S8001", "mended")
    assert settled.settled_at == environment.clock.now()
    (event,) = await told(environment, DeadLetterSettled)
    assert isinstance(event, DeadLetterSettled)
    assert (event.action, event.dead_letter_id) == ("replayed", letter.id)


async def test_a_replay_that_fails_again_counts_and_stays_open(environment: Environment) -> None:
    consumer = environment.consumer()
    letter = await one_dead_letter(environment, consumer)
    environment.handler.fails_on[SECRET] = KeyError(SECRET)
    await environment.replay(letter)
    await environment.deliver(consumer)
    (again,) = await environment.dead()
    assert (again.id, again.attempts, again.error_class, again.requested_at) == (letter.id, 2, "KeyError", None)
    assert await environment.words() == []


async def test_replaying_what_was_handled_meanwhile_changes_nothing(environment: Environment) -> None:
    consumer = environment.consumer()
    letter = await one_dead_letter(environment, consumer)
    environment.handler.fails_on.clear()
    await environment.rows("update outbox set published_at = null where topic = 'writer.letters.v1' returning 1")
    await environment.deliver(consumer)
    await environment.replay(letter)
    await environment.deliver(consumer)
    assert await environment.words() == [SECRET]
    assert await environment.dead() == []


async def test_another_group_is_not_touched_by_a_replay(environment: Environment) -> None:
    consumer = environment.consumer()
    letter = await one_dead_letter(environment, consumer)
    other = BatchConsumer(
        "other-reader",
        topics=[LETTERS],
        handlers=environment.handler.handlers,
        database=environment.database,
        log=environment.log,
        outbox=environment.writes,
        clock=environment.clock,
        ids=environment.writes._ids,
    )
    environment.handler.fails_on.clear()
    await environment.replay(letter)
    await other.drain()
    assert [letter.id for letter in await environment.dead()] == [letter.id]


async def test_discard_settles_without_applying(environment: Environment) -> None:
    consumer = environment.consumer()
    letter = await one_dead_letter(environment, consumer)
    environment.handler.fails_on.clear()
    await environment.discard(letter)
    await environment.deliver(consumer)
    assert await environment.words() == []
    assert await environment.dead() == []
    (event,) = await told(environment, DeadLetterSettled)
    assert isinstance(event, DeadLetterSettled)
    assert event.action == "discarded"


async def test_a_settled_dead_letter_cannot_be_asked_for_again(environment: Environment) -> None:
    consumer = environment.consumer()
    letter = await one_dead_letter(environment, consumer)
    await environment.discard(letter)
    await environment.deliver(consumer)
    with pytest.raises(DeadLetterNotOpen):
        await environment.replay(letter)


async def test_an_unknown_version_is_replayed_when_a_reader_that_knows_it_starts(environment: Environment) -> None:
    class LetterWritten2(LetterWritten):
        TYPE = "letter.written.v2"

    await environment.write(NewEvent.of(uuid4(), LetterWritten2(word="new")))
    await environment.deliver(environment.consumer())
    assert [letter.error_class for letter in await environment.dead()] == ["UnknownVersion"]
    newer = environment.consumer(handlers={LetterWritten: environment.handler, LetterWritten2: environment.handler})
    await newer.drain()
    assert await environment.words() == ["new"]
    assert await environment.dead() == []


async def test_the_oldest_open_dead_letters_are_listed_first(environment: Environment) -> None:
    consumer = environment.consumer()
    environment.handler.fails_on = {"a": ValueError(), "b": KeyError()}
    for word in ("a", "b"):
        await environment.write_words([word])
        await environment.deliver(consumer)
        environment.clock.time += timedelta(minutes=1)
    assert [letter.error_class for letter in await environment.dead()] == ["ValueError", "KeyError"]


async def test_who_asked_first_stands(environment: Environment) -> None:
    letter = await one_dead_letter(environment, environment.consumer())
    await environment.replay(letter)
    async with environment.database.transaction() as session:
        with pytest.raises(AlreadyAskedFor) as refused:
            await dead_letters.discard(session, letter.id, by="S8002", reason="no", now=environment.clock.now())
    assert (refused.value.action, refused.value.by) == ("replayed", "S8001")
    (still,) = await environment.dead()
    assert (still.action, still.action_by, still.action_reason) == ("replayed", "S8001", "mended")


async def test_what_was_done_about_it_is_kept_with_who_and_why(environment: Environment) -> None:
    consumer = environment.consumer()
    letter = await one_dead_letter(environment, consumer)
    await environment.replay(letter)
    await environment.deliver(consumer)
    await environment.discard(letter)
    await environment.deliver(consumer)
    async with environment.database.transaction() as session:
        steps = await history(session, letter.id)
    assert [(step.what, step.by, step.reason, step.error_class) for step in steps] == [
        (HistoryAction.REPLAY_ASKED, "S8001", "mended", None),
        (HistoryAction.FAILED_AGAIN, SIGNPOST, None, "ValueError"),
        (HistoryAction.DISCARD_ASKED, "S8001", "not ours", None),
        (HistoryAction.DISCARDED, SIGNPOST, None, None),
    ]


async def test_pages_of_dead_letters_meet_without_a_gap(environment: Environment) -> None:
    consumer = environment.consumer()
    environment.handler.fails_on = {"a": ValueError(), "b": KeyError(), "c": TypeError()}
    await environment.write_words(["a", "b", "c"])
    await environment.deliver(consumer)
    async with environment.database.transaction() as session:
        first = await page(session, PageRequest(most=2))
        last = first[1]
        rest = await page(session, PageRequest(most=2, before=(last.recorded_at, last.id), topic=LETTERS.name))
        none = await page(session, PageRequest(state=DeadLetterState.SETTLED)) + await page(
            session, PageRequest(topic="other")
        )
    assert {one.id for one in [*first[:2], *rest]} == {one.id for one in await environment.dead()}
    assert (len(first), len(rest), none) == (3, 1, [])
