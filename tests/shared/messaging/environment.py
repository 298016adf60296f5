"""An environment for messages: one database, one log, one writer and as many readers as a test wants."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.backoff import Backoff
from shared.db.database import Database
from shared.events import topics
from shared.events.envelope import Envelope, Event, NewEvent
from shared.events.topics import Topic
from shared.ids import RandomIds
from shared.messaging import dead_letters
from shared.messaging.batch import Handler
from shared.messaging.consumer import BatchConsumer
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.log import EventLog, Record
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from tests.support.log import deliver

GROUP = "reader"
LETTERS = Topic("writer.letters.v1", ("writer",), (GROUP,), timedelta(days=1), partitions=3)
COPIES = Topic(f"{GROUP}.dead-letter", (GROUP,), (), timedelta(days=1), partitions=1)
LOG_TOPICS = (LETTERS, COPIES, topics.DEAD_LETTERS)


class LetterWritten(Event):
    """An event for tests."""

    TYPE: ClassVar[str] = "letter.written.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (LETTERS.name,)

    word: str
    report_id: UUID | None = None


class LetterSealed(Event):
    """Another event on the same topic."""

    TYPE: ClassVar[str] = "letter.sealed.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (LETTERS.name,)

    word: str


class SettableClock:
    """Returns the time that the test has set."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time


@dataclass
class RecordingHandler:
    """A handler that stores every word that it gets, and fails on the words that a test names."""

    fails_on: dict[str, Exception] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    called_again: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, session: AsyncSession, events: Sequence[Envelope[Any]], now: datetime) -> None:
        assert now.tzinfo is not None
        self.calls.append([event.data.word for event in events])
        if len(self.calls) > 1:
            self.called_again.set()
        rows = [{"subject": event.subject, "word": event.data.word} for event in events]
        await session.execute(text("insert into word (subject, word) values (:subject, :word)"), rows)
        for event in events:
            if event.data.word in self.fails_on:
                raise self.fails_on[event.data.word]

    @property
    def handlers(self) -> Mapping[type[Event], Handler]:
        return {LetterWritten: self, LetterSealed: self}


@dataclass
class Environment:
    """The parts that a test works with."""

    database: Database
    log: EventLog
    clock: SettableClock
    handler: RecordingHandler = field(default_factory=RecordingHandler)
    writes: Outbox = field(default_factory=lambda: Outbox("writer", RandomIds()))

    def relay(self, **more: Any) -> Relay:  # noqa: ANN401 -- whatever a relay takes
        return Relay("writer", database=self.database, log=self.log, clock=self.clock, **more)

    def consumer(self, **more: Any) -> BatchConsumer:  # noqa: ANN401 -- whatever a consumer takes
        return BatchConsumer(
            GROUP,
            topics=[LETTERS],
            database=self.database,
            log=more.pop("log", self.log),
            outbox=Outbox(GROUP, RandomIds()),
            clock=self.clock,
            ids=RandomIds(),
            **{"handlers": self.handler.handlers, **more},
        )

    async def write(self, *events: NewEvent) -> None:
        async with self.database.transaction() as session:
            await self.writes.append(session, events, self.clock.now())

    async def write_words(self, words: Iterable[str], subject: UUID | None = None) -> None:
        """Write one event for each word: of one subject, or each of a new one."""
        await self.write(*(NewEvent.of(subject or uuid4(), LetterWritten(word=word)) for word in words))

    async def append(self, *records: Record) -> None:
        """Append to the log directly, as a broken or hostile writer would."""
        appender = await self.log.appender(f"stranger-{uuid4()}")
        await appender.append(records)

    async def deliver(self, consumer: BatchConsumer) -> None:
        await deliver([self.relay()], [consumer])

    async def words(self) -> list[str]:
        """Return the words stored, in order."""
        return [row.word for row in await self.rows("select word from word order by id")]

    async def rows(self, query: str) -> Sequence[Any]:
        async with self.database.transaction() as session:
            return (await session.execute(text(query))).all()

    async def dead(self) -> list[DeadLetter]:
        async with self.database.transaction() as session:
            return await dead_letters.listed(session, group=GROUP)

    async def replay(self, letter: DeadLetter) -> None:
        async with self.database.transaction() as session:
            await dead_letters.replay(session, letter.id, by="S8001", reason="mended", now=self.clock.now())

    async def discard(self, letter: DeadLetter) -> None:
        async with self.database.transaction() as session:
            await dead_letters.discard(session, letter.id, by="S8001", reason="not ours", now=self.clock.now())


def fail_often(backoff: Backoff) -> None:
    """Make the next wait the longest."""
    for _ in range(12):
        backoff.next()
