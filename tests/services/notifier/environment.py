"""Notifier's use cases wired for a test: real database, real SMTP, a clock that the test turns."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select, text

from services.notifier.acknowledgement.domain import AnswerTimes
from services.notifier.acknowledgement.handlers import AcknowledgementLinks, Acknowledgements
from services.notifier.alerts.decisions import AlertContext
from services.notifier.cases.handlers import FollowUps
from services.notifier.consumer import ReportHandlers, handlers
from services.notifier.delivery.composer import Composer
from services.notifier.delivery.digests import DigestRules, send_due
from services.notifier.delivery.domain import Channel, MessageClass
from services.notifier.delivery.handlers import DeliveryTimes
from services.notifier.delivery.loop import Deliveries, DeliveryLoop
from services.notifier.delivery.smtp import MailServer, SmtpChannel
from services.notifier.directory.handlers import import_csv
from shared.db.database import Database
from shared.encryption import Keys
from shared.events.envelope import Envelope, Event
from shared.events.notifier import StaffListed
from shared.ids import AlertId, RandomIds
from shared.messaging.outbox import Outbox
from shared.messaging.tables import outbox as outbox_table
from tests.services.notifier.builders import BOOK, BOXES, DIGEST_RULES, LINES, NOW, STAFF, envelope
from tests.services.notifier.mail_server import MailServerForTests

E = TypeVar("E", bound=Event)
PATIENCE = 90.0
"""Seconds; generous, because no test may depend on speed."""
LINKS = AcknowledgementLinks(Keys((b"k" * 32,)), "http://127.0.0.1:8000", timedelta(days=14))
COMPOSER = Composer(
    acknowledgement_link=LINKS.link_for,
    public_url="http://127.0.0.1:8000",
    domain="example.org",
    contacts=dict.fromkeys(MessageClass, "triage-desk@example.org"),
    abuse_contact="kcis-desk@example.org",
)
ANSWER_TIMES = AnswerTimes(remind_after=timedelta(hours=4), escalate_after=timedelta(hours=24))


@dataclass
class TurnedClock:
    """A clock that stands still until a test turns it."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def turn(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Notifier:
    """What a test does with notifier."""

    database: Database
    mail_server: MailServerForTests
    clock: TurnedClock = field(default_factory=TurnedClock)
    ids: RandomIds = field(default_factory=RandomIds)
    lease: timedelta = timedelta(minutes=5)
    digest_rules: DigestRules = DIGEST_RULES
    by_notify: frozenset[MessageClass] = frozenset()

    def __post_init__(self) -> None:
        self.outbox = Outbox("notifier", self.ids)
        self.context = AlertContext(BOOK, self.ids, self.outbox, self.digest_rules, self.by_notify)
        self.acknowledgements = Acknowledgements(ANSWER_TIMES, self.context)
        self.follow_ups = FollowUps(self.context, BOXES)

    def channel(self, port: int | None = None) -> SmtpChannel:
        server = MailServer(
            "127.0.0.1", port or self.mail_server.port, "Signpost <signpost@example.org>", timeout=timedelta(seconds=60)
        )
        return SmtpChannel(server, self.clock)

    def loop(self, channel: Channel | None = None) -> DeliveryLoop:
        used = channel or self.channel()
        deliveries = Deliveries(
            {used.name: used},
            COMPOSER,
            self.acknowledgements.settled,
            DeliveryTimes(self.lease, timedelta(hours=12)),
        )
        return DeliveryLoop(deliveries, database=self.database, clock=self.clock, ids=self.ids)

    async def import_directory(self) -> None:
        async with self.database.transaction() as session:
            result = await import_csv(
                session,
                directory_csv(),
                accept_valid=False,
                now=self.clock.now(),
                ids=self.ids,
                outbox=self.outbox,
                actor="test",
            )
        assert result.errors == ()

    async def receive(self, *events: Event, envelopes: Sequence[Envelope[Event]] = ()) -> None:
        """Handle events as the consumer does, each type in one call: one batch, one transaction."""
        handle = handlers(ReportHandlers(self.follow_ups, timedelta(days=400)))
        batch = [*envelopes, *(envelope(data) for data in events)]
        async with self.database.transaction() as session:
            for kind in dict.fromkeys(type(item.data) for item in batch):
                same = [item for item in batch if type(item.data) is kind]
                await handle[kind](session, same, self.clock.now())

    async def sweep_follow_ups(self) -> int:
        async with self.database.transaction() as session:
            return await self.follow_ups.follow_due(session, self.clock.now())

    async def sweep_digests(self) -> int:
        async with self.database.transaction() as session:
            return await send_due(session, self.clock.now(), ids=self.ids)

    async def events(self, kind: type[E]) -> list[E]:
        """Return the events of a type that are in the outbox, in order."""
        query = select(outbox_table.c.value).where(outbox_table.c.type == kind.TYPE).order_by(outbox_table.c.id)
        async with self.database.transaction() as session:
            return [kind.model_validate_json(value) for value in await session.scalars(query)]

    async def deliver_until(self, condition: Callable[[], bool | Awaitable[bool]], *loops: DeliveryLoop) -> None:
        """Run delivery loops side by side until `condition` holds, then stop them in order."""
        stop = asyncio.Event()
        running = [asyncio.create_task(loop.run(stop)) for loop in loops or (self.loop(),)]
        try:
            await eventually(condition)
        finally:
            stop.set()
            await asyncio.gather(*running)

    async def all_settled(self) -> bool:
        """Return whether no delivery is waiting or being sent."""
        return await self.scalar("select count(*) from delivery where state in ('waiting', 'sending')") == 0

    async def scalar(self, query: str) -> object:
        async with self.database.transaction() as session:
            return await session.scalar(text(query))

    async def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        async with self.database.transaction() as session:
            return [tuple(row) for row in await session.execute(text(query))]

    async def event_types(self, subject: UUID | None = None) -> list[str]:
        """Return the types of the events in the outbox, in order, without the names that an import publishes."""
        query = select(outbox_table.c.type).where(outbox_table.c.type != StaffListed.TYPE).order_by(outbox_table.c.id)
        if subject:
            query = query.where(outbox_table.c.subject == subject)
        async with self.database.transaction() as session:
            return [str(kind) for kind in await session.scalars(query)]

    async def alert_ids(self) -> list[AlertId]:
        rows = await self.rows("select alert_id from alert order by created_at, alert_id")
        return [AlertId(UUID(str(row[0]))) for row in rows]


@asynccontextmanager
async def notifier_on(database: Database, mail_server: MailServerForTests) -> AsyncIterator[Notifier]:
    notifier = Notifier(database, mail_server)
    await notifier.import_directory()
    yield notifier


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until `condition` holds; checks often, gives up late."""
    async with asyncio.timeout(PATIENCE):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.01)


def directory_csv() -> str:
    """Return the directory of `builders` as a file."""
    rows = ["staff_id,name,email,organisation,manager_staff_id,from,to"]
    for member in STAFF:
        person = f"{member.staff_id},{member.name},{member.email},"
        lines = [known for known in LINES if known.staff_id == member.staff_id]
        rows += [f"{person},{known.manager},{known.first_day or ''},{known.last_day or ''}" for known in lines]
        rows += [] if lines else [f"{person},,,"]
    return "\n".join(rows)
