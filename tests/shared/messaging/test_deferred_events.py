"""An event never overtakes its predecessor, and never waits for ever."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.events.envelope import NewEvent
from shared.messaging.consumer import ConsumerLimits
from tests.shared.messaging.house import House, LetterSealed, LetterWritten


@pytest.fixture
def subject() -> UUID:
    return uuid4()


async def parked(house: House) -> list[int]:
    return [row.sequence for row in await house.rows("select sequence from parked_event order by sequence")]


async def test_events_behind_a_dead_letter_wait_for_it(house: House, subject: UUID) -> None:
    house.reading.fails_on["2"] = ValueError()
    await house.write_words(["1", "2", "3", "4"], subject)
    await house.write_words(["other"])
    await house.deliver(house.consumer())
    assert sorted(await house.words()) == ["1", "other"]
    assert await parked(house) == [3, 4]


async def test_events_of_later_batches_wait_as_well(house: House, subject: UUID) -> None:
    house.reading.fails_on["2"] = ValueError()
    consumer = house.consumer()
    for word in ("1", "2", "3", "4"):
        await house.write_words([word], subject)
        await house.deliver(consumer)
    assert await house.words() == ["1"]
    assert await parked(house) == [3, 4]


async def test_a_replayed_dead_letter_sets_free_what_waits_in_order(house: House, subject: UUID) -> None:
    house.reading.fails_on["2"] = ValueError()
    consumer = house.consumer()
    await house.write(
        NewEvent.of(subject, LetterWritten(word="1")),
        NewEvent.of(subject, LetterWritten(word="2")),
        NewEvent.of(subject, LetterSealed(word="3")),
        NewEvent.of(subject, LetterWritten(word="4")),
    )
    await house.deliver(consumer)
    house.reading.fails_on.clear()
    (letter,) = await house.dead()
    await house.replay(letter)
    await house.deliver(consumer)
    assert await house.words() == ["1", "2", "3", "4"]
    assert await parked(house) == []
    assert await house.dead() == []


async def test_a_discarded_dead_letter_sets_free_what_waits(house: House, subject: UUID) -> None:
    house.reading.fails_on["2"] = ValueError()
    consumer = house.consumer()
    await house.write_words(["1", "2", "3"], subject)
    await house.deliver(consumer)
    (letter,) = await house.dead()
    await house.discard(letter)
    await house.deliver(consumer)
    assert await house.words() == ["1", "3"]
    assert await house.dead() == []


async def test_what_waits_may_be_poison_itself(house: House, subject: UUID) -> None:
    house.reading.fails_on = {"2": ValueError(), "3": KeyError()}
    consumer = house.consumer()
    await house.write_words(["1", "2", "3", "4"], subject)
    await house.deliver(consumer)
    house.reading.fails_on.pop("2")
    (letter,) = await house.dead()
    await house.replay(letter)
    await house.deliver(consumer)
    assert await house.words() == ["1", "2"]
    assert [letter.error_class for letter in await house.dead()] == ["KeyError"]
    assert await parked(house) == [4]


async def test_an_event_that_comes_before_its_predecessor_waits(house: House, subject: UUID) -> None:
    await house.write_words(["1", "2"], subject)
    await house.rows("update outbox set published_at = now() where sequence = 1 returning 1")
    consumer = house.consumer()
    await house.deliver(consumer)
    assert await house.words() == []
    assert await parked(house) == [2]
    await house.rows("update outbox set published_at = null where sequence = 1 returning 1")
    await house.deliver(consumer)
    assert await house.words() == ["1", "2"]


async def test_a_parked_event_that_comes_again_stays_one(house: House, subject: UUID) -> None:
    await house.write_words(["1", "2"], subject)
    await house.rows("update outbox set published_at = now() where sequence = 1 returning 1")
    consumer = house.consumer()
    await house.deliver(consumer)
    await house.rows("update outbox set published_at = null returning 1")
    await house.deliver(consumer)
    assert await house.words() == ["1", "2"]
    assert await parked(house) == []


async def test_a_projection_does_not_wait(house: House, subject: UUID) -> None:
    house.reading.fails_on["2"] = ValueError()
    await house.write_words(["1", "2", "3"], subject)
    await house.deliver(house.consumer(ordered=False))
    assert await house.words() == ["1", "3"]
    assert await parked(house) == []


async def test_who_waits_too_long_becomes_a_dead_letter_and_a_person_can_apply_it(house: House, subject: UUID) -> None:
    await house.write_words(["1", "2", "3"], subject)
    await house.rows("update outbox set published_at = now() where sequence = 1 returning 1")
    consumer = house.consumer(limits=ConsumerLimits(deferred_for=timedelta(hours=1)))
    await house.deliver(consumer)
    house.clock.time += timedelta(hours=2)
    await house.deliver(consumer)
    letters = await house.dead()
    assert [letter.error_class for letter in letters] == ["PredecessorMissing"] * 2
    assert await parked(house) == []
    for letter in letters:
        await house.replay(letter)
    await house.deliver(consumer)
    assert await house.words() == ["2", "3"]
    assert await house.dead() == []
