"""Contents leave in time, and nothing that is still needed does."""

from datetime import timedelta
from uuid import uuid4

import pytest

from shared.messaging.retention import CONTENT_LIVES, INBOX_LIVES, expire_content
from tests.shared.messaging.house import House

MOMENT = timedelta(seconds=1)


@pytest.fixture
def log_kind() -> str:
    """None of this is the log's business: one is enough."""
    return "postgres"


async def clean(house: House) -> int:
    async with house.database.transaction() as session:
        return await expire_content(session, house.clock.now())


async def test_published_contents_are_blanked_after_a_week_and_sequences_stay(house: House) -> None:
    subject = uuid4()
    await house.write_words(["a"], subject)
    await house.relay().drain()
    house.clock.time += CONTENT_LIVES - MOMENT
    assert await clean(house) == 0
    house.clock.time += 2 * MOMENT
    assert await clean(house) == 1
    await house.write_words(["b"], subject)
    rows = await house.rows("select value is null as blank, sequence from outbox order by id")
    assert [(row.blank, row.sequence) for row in rows] == [(True, 1), (False, 2)]


async def test_what_is_not_published_is_never_blanked(house: House) -> None:
    await house.write_words(["a"])
    house.clock.time += timedelta(days=365)
    assert await clean(house) == 0


async def test_settled_dead_letters_are_blanked_and_open_ones_kept(house: House) -> None:
    house.reading.fails_on = {"a": ValueError(), "b": ValueError()}
    consumer = house.consumer()
    await house.write_words(["a", "b"])
    await house.deliver(consumer)
    settled, _ = await house.dead()
    await house.discard(settled)
    await house.deliver(consumer)
    house.clock.time += CONTENT_LIVES + MOMENT
    await clean(house)
    rows = await house.rows("select value is null as blank, settled_at is null as open from dead_letter")
    assert sorted((row.blank, row.open) for row in rows) == [(False, True), (True, False)]


async def test_the_inbox_forgets_all_but_the_newest_event_of_each_subject(house: House) -> None:
    subject = uuid4()
    consumer = house.consumer()
    await house.write_words(["1", "2"], subject)
    await house.deliver(consumer)
    house.clock.time += INBOX_LIVES + MOMENT
    await clean(house)
    assert [row.sequence for row in await house.rows("select sequence from inbox")] == [2]
    await house.write_words(["3"], subject)
    await house.deliver(consumer)
    assert await house.words() == ["1", "2", "3"]


async def test_the_inbox_remembers_for_its_whole_time(house: House) -> None:
    await house.write_words(["1", "2"], uuid4())
    await house.deliver(house.consumer())
    house.clock.time += INBOX_LIVES - MOMENT
    await clean(house)
    assert len(await house.rows("select 1 from inbox")) == 2
