"""Contents are removed in time, and nothing that is still needed is."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared.auth.tokens import BEARER_LIFE
from shared.messaging.retention import CONTENT_LIVES, INBOX_LIVES, expire_content
from tests.shared.messaging.environment import Environment

MOMENT = timedelta(seconds=1)


@pytest.fixture
def log_kind() -> str:
    """The log does not matter here: one is enough."""
    return "postgres"


async def clean(environment: Environment) -> int:
    async with environment.database.transaction() as session:
        return await expire_content(session, environment.clock.now())


async def test_published_contents_are_blanked_after_a_week_and_sequences_stay(environment: Environment) -> None:
    subject = uuid4()
    await environment.write_words(["a"], subject)
    await environment.relay().drain()
    environment.clock.time += CONTENT_LIVES - MOMENT
    assert await clean(environment) == 0
    environment.clock.time += 2 * MOMENT
    assert await clean(environment) == 1
    await environment.write_words(["b"], subject)
    rows = await environment.rows("select value is null as blank, sequence from outbox order by id")
    assert [(row.blank, row.sequence) for row in rows] == [(True, 1), (False, 2)]


async def test_an_ended_session_is_forgotten_after_every_token_of_its_time(environment: Environment) -> None:
    async with environment.database.transaction() as session:
        add = "insert into ended_session (id, subject, not_before) values (gen_random_uuid(), 'S1001', now())"
        await session.execute(text(add))
    environment.clock.time += BEARER_LIFE
    assert await clean(environment) == 0
    environment.clock.time += timedelta(hours=1) + MOMENT
    assert await clean(environment) == 1


async def test_what_is_not_published_is_never_blanked(environment: Environment) -> None:
    await environment.write_words(["a"])
    environment.clock.time += timedelta(days=365)
    assert await clean(environment) == 0


async def test_settled_dead_letters_are_blanked_and_open_ones_kept(environment: Environment) -> None:
    environment.handler.fails_on = {"a": ValueError(), "b": ValueError()}
    consumer = environment.consumer()
    await environment.write_words(["a", "b"])
    await environment.deliver(consumer)
    settled, _ = await environment.dead()
    await environment.discard(settled)
    await environment.deliver(consumer)
    environment.clock.time += CONTENT_LIVES + MOMENT
    await clean(environment)
    rows = await environment.rows("select value is null as blank, settled_at is null as open from dead_letter")
    assert sorted((row.blank, row.open) for row in rows) == [(False, True), (True, False)]


async def test_the_inbox_forgets_all_but_the_newest_event_of_each_subject(environment: Environment) -> None:
    subject = uuid4()
    consumer = environment.consumer()
    await environment.write_words(["1", "2"], subject)
    await environment.deliver(consumer)
    environment.clock.time += INBOX_LIVES + MOMENT
    await clean(environment)
    assert [row.sequence for row in await environment.rows("select sequence from inbox")] == [2]
    await environment.write_words(["3"], subject)
    await environment.deliver(consumer)
    assert await environment.words() == ["1", "2", "3"]


async def test_the_inbox_remembers_for_its_whole_time(environment: Environment) -> None:
    await environment.write_words(["1", "2"], uuid4())
    await environment.deliver(environment.consumer())
    environment.clock.time += INBOX_LIVES - MOMENT
    await clean(environment)
    assert len(await environment.rows("select 1 from inbox")) == 2
