"""How a session ends in every service (decision 0045).

Intake stores the end and publishes it. Each service keeps it in its own table, and each web process learns of a new row
at once, by LISTEN/NOTIFY, also that its connection is lost; in case neither is noticed, it looks again after seconds.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth.ended_sessions import EndedSessions, Ending
from shared.backoff import Backoff
from shared.db.database import Database
from shared.events.envelope import Envelope, NewEvent
from shared.events.intake import SessionEnded
from shared.events.topics import SESSIONS, sessions_group
from shared.ids import folded_id
from shared.messaging.consumer import BatchConsumer
from shared.messaging.outbox import Outbox
from shared.runtime import Parts, Role

_log = structlog.get_logger()

_SUBJECTS = UUID("0c7e9a52-6d0f-4b0e-9d5a-5e55102e0045")
"""The name space of ids that are made of subjects."""
_CHANNEL = "signpost_sessions"
_LOOK_AGAIN = 5.0
_CONNECT_AGAIN = 1.0
_READ_ALL_EVERY = 3600.0
"""Seconds; everything else read is what is new."""
_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_KEEP = text(
    "insert into ended_session (id, subject, not_before) "
    "select * from unnest(cast(:ids as uuid[]), cast(:subjects as text[]), cast(:times as timestamptz[])) "
    "on conflict (id) do update set not_before = greatest(ended_session.not_before, excluded.not_before), "
    "recorded_at = excluded.recorded_at"
)
_TELL = text(f"select pg_notify('{_CHANNEL}', '')")
_READ = (
    "select id, subject, not_before, recorded_at from ended_session where recorded_at > $1::timestamptz - $2::interval"
)
_EVER = datetime(1970, 1, 2, tzinfo=UTC)
_OVERLAP = timedelta(minutes=1)
"""Longer than a transaction takes: rows become visible in another order than their times."""


async def end_session(session: AsyncSession, session_id: UUID, now: datetime, *, outbox: Outbox) -> None:
    """End one session in every service."""
    await _end(session, {session_id: SessionEnded(session_id=session_id)}, now, outbox)


async def end_sessions_of(session: AsyncSession, subjects: Iterable[str], now: datetime, *, outbox: Outbox) -> None:
    """End all sessions, and void all bearer tokens, of everyone who has one of these subjects or staff ids."""
    ended = {_id_of(subject): SessionEnded(subject=subject.strip(), not_before=now) for subject in subjects}
    await _end(session, ended, now, outbox)


async def _end(session: AsyncSession, ended: Mapping[UUID, SessionEnded], now: datetime, outbox: Outbox) -> None:
    """Keep and publish the ends. The rows are locked first, so that two ends of one person follow each other."""
    await _keep(session, list(ended.values()))
    await outbox.append(session, [NewEvent.of(about, one) for about, one in ended.items()], now)


async def on_session_ended(session: AsyncSession, events: Sequence[Envelope[SessionEnded]], _now: datetime) -> None:
    """Keep what intake published."""
    await _keep(session, [event.data for event in events])


async def _keep(session: AsyncSession, endings: Sequence[SessionEnded]) -> None:
    """Keep the endings. Everyone locks the rows in the order of their ids, so that no two wait for each other."""
    rows = sorted({row for ended in endings for row in _rows(ended)}, key=lambda row: (row[0], row[2] or _EVER))
    newest = {row[0]: row for row in rows}.values()
    columns = dict(zip(("ids", "subjects", "times"), map(list, zip(*newest, strict=True)), strict=True))
    await session.execute(_KEEP, columns)
    await session.execute(_TELL)


def _rows(ended: SessionEnded) -> Sequence[tuple[UUID, str | None, datetime | None]]:
    """Return the rows that say what `ended` says: id, subject, time.

    Raises:
        ValueError: it names neither a session, nor a person and a time.
    """
    rows: list[tuple[UUID, str | None, datetime | None]] = []
    if ended.session_id is not None:
        rows.append((ended.session_id, None, None))
    if ended.subject is not None and ended.not_before is not None:
        rows.append((_id_of(ended.subject), ended.subject, ended.not_before))
    if not rows:
        raise ValueError
    return rows


def _id_of(subject: str) -> UUID:
    return uuid5(_SUBJECTS, folded_id(subject))


def session_roles(parts: Parts) -> Sequence[Role]:
    """Return the consumer that fills the table of ended sessions, and the watch of every web process."""
    return (
        BatchConsumer(
            sessions_group(parts.service),
            topics=(SESSIONS,),
            handlers={SessionEnded: on_session_ended},
            database=parts.database,
            log=parts.log,
            outbox=parts.outbox,
            clock=parts.clock,
            ids=parts.ids,
            ordered=False,
        ),
        SessionWatch(parts.service, parts.database, parts.ended),
    )


class SessionWatch:
    """Keeps a web process's memory of ended sessions the same as its service's table; a role."""

    kind = "web"

    def __init__(self, service: str, database: Database, ended: EndedSessions) -> None:
        self.name = f"{service}-ended-sessions"
        self.unready_because: str | None = "ended sessions not read yet"
        self._database = database
        self._ended = ended
        self._backoff = Backoff(limit=_CONNECT_AGAIN)

    async def run(self, stop: asyncio.Event) -> None:
        """Read and listen until `stop`; connect again if the connection is lost."""
        while not stop.is_set():
            try:
                await self._follow(stop)
            except _FAILURES as error:
                self.unready_because = "database unavailable"
                _log.warning("ended_sessions_wait", error=type(error).__name__)
                await _first(stop, asyncio.Event(), self._backoff.next())

    async def _follow(self, stop: asyncio.Event) -> None:
        name = {"application_name": "signpost-session-watch"}
        arguments = {**self._database.driver_arguments, "command_timeout": 10, "server_settings": name}
        driver = await asyncpg.connect(**arguments)
        try:
            told = asyncio.Event()
            await driver.add_listener(_CHANNEL, lambda *_notification: told.set())
            driver.add_termination_listener(lambda _connection: told.set())
            await self._read_until(stop, driver, told)
        finally:
            await driver.close(timeout=1)

    async def _read_until(self, stop: asyncio.Event, driver: asyncpg.Connection, told: asyncio.Event) -> None:
        time = asyncio.get_running_loop().time
        newest, all_read_at = _EVER, -_READ_ALL_EVERY
        while not stop.is_set():
            told.clear()
            if everything := time() - all_read_at >= _READ_ALL_EVERY:
                newest, all_read_at = _EVER, time()
            rows = await driver.fetch(_READ, newest, _OVERLAP)
            endings = [_ending(row) for row in rows]
            (self._ended.learn_all if everything else self._ended.learn)(endings)
            newest = max([newest, *(row["recorded_at"] for row in rows)])
            self.unready_because = None
            self._backoff.reset()
            await _first(stop, told, _LOOK_AGAIN)


def _ending(row: asyncpg.Record) -> Ending:
    return Ending(row["id"] if row["subject"] is None else None, row["subject"], row["not_before"])


async def _first(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    """Wait until one of two events is set, at most `seconds`."""
    waits = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
