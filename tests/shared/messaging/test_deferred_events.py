"""An event never overtakes its predecessor, and never waits for ever."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.events.envelope import NewEvent
from shared.messaging import dead_letters
from shared.messaging.consumer import ConsumerLimits
from tests.shared.messaging.environment import COPIES, LETTERS, Environment, LetterSealed, LetterWritten


@pytest.fixture
def subject() -> UUID:
    return uuid4()


async def deferred(environment: Environment) -> list[int]:
    return [row.sequence for row in await environment.rows("select sequence from parked_event order by sequence")]


async def test_events_behind_a_dead_letter_wait_for_it(environment: Environment, subject: UUID) -> None:
    environment.handler.fails_on["2"] = ValueError()
    await environment.write_words(["1", "2", "3", "4"], subject)
    await environment.write_words(["other"])
    await environment.deliver(environment.consumer())
    assert sorted(await environment.words()) == ["1", "other"]
    assert await deferred(environment) == [3, 4]


async def test_events_of_later_batches_wait_as_well(environment: Environment, subject: UUID) -> None:
    environment.handler.fails_on["2"] = ValueError()
    consumer = environment.consumer()
    for word in ("1", "2", "3", "4"):
        await environment.write_words([word], subject)
        await environment.deliver(consumer)
    assert await environment.words() == ["1"]
    assert await deferred(environment) == [3, 4]


async def test_a_replayed_dead_letter_sets_free_what_waits_in_order(environment: Environment, subject: UUID) -> None:
    environment.handler.fails_on["2"] = ValueError()
    consumer = environment.consumer()
    await environment.write(
        NewEvent.of(subject, LetterWritten(word="1")),
        NewEvent.of(subject, LetterWritten(word="2")),
        NewEvent.of(subject, LetterSealed(word="3")),
        NewEvent.of(subject, LetterWritten(word="4")),
    )
    await environment.deliver(consumer)
    environment.handler.fails_on.clear()
    (letter,) = await environment.dead()
    await environment.replay(letter)
    await environment.deliver(consumer)
    assert await environment.words() == ["1", "2", "3", "4"]
    assert await deferred(environment) == []
    assert await environment.dead() == []


async def test_a_discarded_dead_letter_sets_free_what_waits(environment: Environment, subject: UUID) -> None:
    environment.handler.fails_on["2"] = ValueError()
    consumer = environment.consumer()
    await environment.write_words(["1", "2", "3"], subject)
    await environment.deliver(consumer)
    (letter,) = await environment.dead()
    await environment.discard(letter)
    await environment.deliver(consumer)
    assert await environment.words() == ["1", "3"]
    assert await environment.dead() == []


async def test_what_is_erased_has_no_effect_and_sets_free_what_waits(
    environment: Environment, subject: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "_RESTRICTED", [LETTERS.name])
    environment.handler.fails_on["2"] = ValueError()
    consumer = environment.consumer()
    await environment.write(*(NewEvent.of(subject, LetterWritten(word=word, report_id=subject)) for word in "123"))
    await environment.deliver(consumer)
    async with environment.database.transaction() as session:
        await dead_letters.erase(session, [uuid4()])
    assert await _contents(environment) == [2, 1]
    async with environment.database.transaction() as session:
        await dead_letters.erase(session, [subject])
    assert await _contents(environment) == [0, 0]
    assert await deferred(environment) == [3]
    environment.handler.fails_on.clear()
    (letter,) = await environment.dead()
    await environment.replay(letter)
    await environment.write_words(["4"], subject)
    await environment.deliver(consumer)
    assert await environment.words() == ["1", "4"]
    assert await deferred(environment) == []
    assert await environment.dead() == []


async def _contents(environment: Environment) -> list[int]:
    """Return how many dead letters, their copies and deferred events have content."""
    count = "select (select count(value) from dead_letter) + (select count(value) from parked_event) as received, "
    count += f"(select count(value) from outbox where topic = '{COPIES.name}') as copied"  # noqa: S608 -- a constant
    [row] = await environment.rows(count)
    return [row.received, row.copied]


async def test_a_deferred_event_may_fail_itself(environment: Environment, subject: UUID) -> None:
    environment.handler.fails_on = {"2": ValueError(), "3": KeyError()}
    consumer = environment.consumer()
    await environment.write_words(["1", "2", "3", "4"], subject)
    await environment.deliver(consumer)
    environment.handler.fails_on.pop("2")
    (letter,) = await environment.dead()
    await environment.replay(letter)
    await environment.deliver(consumer)
    assert await environment.words() == ["1", "2"]
    assert [letter.error_class for letter in await environment.dead()] == ["KeyError"]
    assert await deferred(environment) == [4]


async def test_an_event_that_comes_before_its_predecessor_waits(environment: Environment, subject: UUID) -> None:
    await environment.write_words(["1", "2"], subject)
    await environment.rows("update outbox set published_at = now() where sequence = 1 returning 1")
    consumer = environment.consumer()
    await environment.deliver(consumer)
    assert await environment.words() == []
    assert await deferred(environment) == [2]
    await environment.rows("update outbox set published_at = null where sequence = 1 returning 1")
    await environment.deliver(consumer)
    assert await environment.words() == ["1", "2"]


async def test_a_deferred_event_that_comes_again_stays_one(environment: Environment, subject: UUID) -> None:
    await environment.write_words(["1", "2"], subject)
    await environment.rows("update outbox set published_at = now() where sequence = 1 returning 1")
    consumer = environment.consumer()
    await environment.deliver(consumer)
    await environment.rows("update outbox set published_at = null returning 1")
    await environment.deliver(consumer)
    assert await environment.words() == ["1", "2"]
    assert await deferred(environment) == []


async def test_a_projection_does_not_wait(environment: Environment, subject: UUID) -> None:
    environment.handler.fails_on["2"] = ValueError()
    await environment.write_words(["1", "2", "3"], subject)
    await environment.deliver(environment.consumer(ordered=False))
    assert await environment.words() == ["1", "3"]
    assert await deferred(environment) == []


async def test_who_waits_too_long_becomes_a_dead_letter_and_a_person_can_apply_it(
    environment: Environment, subject: UUID
) -> None:
    await environment.write_words(["1", "2", "3"], subject)
    await environment.rows("update outbox set published_at = now() where sequence = 1 returning 1")
    consumer = environment.consumer(limits=ConsumerLimits(deferred_for=timedelta(hours=1)))
    await environment.deliver(consumer)
    environment.clock.time += timedelta(hours=2)
    await environment.deliver(consumer)
    letters = await environment.dead()
    assert [letter.error_class for letter in letters] == ["PredecessorMissing"] * 2
    assert await deferred(environment) == []
    for letter in letters:
        await environment.replay(letter)
    await environment.deliver(consumer)
    assert await environment.words() == ["2", "3"]
    assert await environment.dead() == []
