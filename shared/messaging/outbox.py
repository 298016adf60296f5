"""The outbox: events are written in the transaction of the change they report, and published later by the relay."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from opentelemetry.propagate import inject
from sqlalchemy import event as orm_events
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from shared.events import codec
from shared.events.envelope import Event, NewEvent
from shared.ids import Ids
from shared.messaging.log import Record, headers_to_text

_SEQUENCES = text(
    "select topic, subject, max(sequence) from outbox where subject = any(:subjects) and sequence is not null "
    "group by topic, subject"
)
_FORGET_SUPERSEDED = text(
    "delete from outbox where subject = :subject and published_at < :before "
    "and sequence < (select max(sequence) from outbox where subject = :subject)"
)
_NEWEST = text("select value from outbox where subject = :subject order by sequence desc limit 1")
_WRITTEN = text(
    "select id, value, published_at from outbox where subject = any(:subjects) and value is not null "
    "order by id for update"
)
_BLANK = text(
    "update outbox set value = null, key = null where subject = any(:subjects) and published_at is not null "
    "and value is not null"
)
_REWRITE = text("update outbox set value = :value where id = :id")
_INSERT = text(
    "insert into outbox (topic, key, value, headers, type, subject, sequence, recorded_at) "
    "select topic, key, value, headers, type, subject, sequence, :now "
    "from unnest(cast(:topics as text[]), cast(:keys as bytea[]), cast(:values as bytea[]), cast(:headers as text[]), "
    "cast(:types as text[]), cast(:subjects as uuid[]), cast(:sequences as int[])) with ordinality "
    "as new (topic, key, value, headers, type, subject, sequence, position) order by position"
)

_Row = tuple[Record, str | None, UUID | None, int | None]


class Outbox:
    """Appends events to the `outbox` table of the caller's transaction.

    The caller locks the aggregate (its row, `for update`), so that `ce_sequence` follows commit order. Without the
    lock, the table's unique constraint refuses the second writer.

    Args:
        service: the name in `ce_source`.
        ids: makes the events' ids.
    """

    def __init__(self, service: str, ids: Ids) -> None:
        self._source = codec.source_of(service)
        self._ids = ids
        self.committed = asyncio.Event()
        """Set when a transaction with new events has committed; the relay of the same process waits for it."""

    async def append(self, session: AsyncSession, events: Sequence[NewEvent], now: datetime) -> None:
        """Append `events` in order; each gets an id and the next sequence of its subject on its topic.

        Raises:
            codec.TooLarge: an event is larger than the log accepts.
        """
        facts = [_unsent(event) for event in events]
        await self._append(session, facts, await self._last_sequences(session, facts), now)

    async def begin(self, session: AsyncSession, events: Sequence[NewEvent], now: datetime) -> None:
        """Append `events` of subjects that this transaction creates, and which therefore have no earlier events.

        Raises:
            codec.TooLarge: an event is larger than the log accepts.
        """
        await self._append(session, [_unsent(event) for event in events], Counter(), now)

    async def append_tombstones(
        self, session: AsyncSession, kind: type[Event], subjects: Sequence[UUID], now: datetime
    ) -> None:
        """Append tombstones for deleted `subjects` to the compacted topic of `kind`, keyed by subject."""
        [topic] = kind.TOPICS
        facts = [_Unsent(topic, kind, subject, str(subject), None) for subject in subjects]
        await self._append(session, facts, await self._last_sequences(session, facts), now)

    async def forget_superseded(self, session: AsyncSession, subject: UUID, before: datetime) -> None:
        """Delete the events of `subject` that were published before `before`, except the newest.

        For a subject that changes all the time, on a compacted topic: its sequence continues, but its rows do not pile
        up.
        """
        await session.execute(_FORGET_SUPERSEDED, {"subject": subject, "before": before})

    async def newest(self, session: AsyncSession, subject: UUID) -> bytes | None:
        """Return what the newest event of `subject` says; None if there is none, or it was erased."""
        value: bytes | None = await session.scalar(_NEWEST, {"subject": subject})
        return value

    async def erase(self, session: AsyncSession, subjects: Sequence[UUID], erased: Callable[[bytes], bytes]) -> None:
        """Erase what the events of `subjects` say, and keep their rows: sequence, headers and time of publication.

        A published event loses its value and key. One that waits is still published, with what `erased` returns for its
        value: without one it would be a tombstone, and its successors would wait for it. A relay that has read it
        already publishes it as it was; the locks make its mark wait, so the outbox itself is erased either way.
        """
        rows = await session.execute(_WRITTEN, {"subjects": list(subjects)})
        waiting = {row.id: erased(row.value) for row in rows if row.published_at is None}
        await session.execute(_BLANK, {"subjects": list(subjects)})
        if waiting:
            await session.execute(_REWRITE, [{"id": row_id, "value": value} for row_id, value in waiting.items()])

    async def append_records(self, session: AsyncSession, records: Sequence[Record], now: datetime) -> None:
        """Append records unchanged, such as copies of dead letters."""
        if records:
            await self._insert(session, [(record, None, None, None) for record in records], now)

    async def _append(
        self, session: AsyncSession, facts: Sequence["_Unsent"], counts: Counter[tuple[str, UUID]], now: datetime
    ) -> None:
        if facts:
            traceparent = _current_traceparent()
            await self._insert(session, [self._row(fact, counts, now, traceparent) for fact in facts], now)

    async def _last_sequences(self, session: AsyncSession, facts: Sequence["_Unsent"]) -> Counter[tuple[str, UUID]]:
        if not facts:
            return Counter()
        found = await session.execute(_SEQUENCES, {"subjects": list({fact.subject for fact in facts})})
        return Counter({(topic, subject): last for topic, subject, last in found})

    def _row(self, fact: "_Unsent", counts: Counter[tuple[str, UUID]], now: datetime, traceparent: str | None) -> _Row:
        counts[fact.topic, fact.subject] += 1
        sequence = counts[fact.topic, fact.subject]
        headers = codec.headers_of(
            fact.kind.TYPE,
            event_id=str(self._ids.uuid()),
            source=self._source,
            subject=str(fact.subject),
            sequence=sequence,
            time=now,
            traceparent=traceparent,
        )
        record = Record(fact.topic, fact.key.encode(), fact.value, headers)
        return record, fact.kind.TYPE, fact.subject, sequence

    async def _insert(self, session: AsyncSession, rows: Sequence[_Row], now: datetime) -> None:
        await session.execute(_INSERT, {"now": now, **_columns(rows)})
        if not orm_events.contains(session.sync_session, "after_commit", self._wake_relay):
            orm_events.listen(session.sync_session, "after_commit", self._wake_relay)

    def _wake_relay(self, session: Session) -> None:
        """Wake the relay, but not at the end of a savepoint, which is not yet a commit."""
        if not session.in_nested_transaction():
            self.committed.set()


class _Unsent(NamedTuple):
    topic: str
    kind: type[Event]
    subject: UUID
    key: str
    value: bytes | None


def _unsent(event: NewEvent) -> _Unsent:
    return _Unsent(event.topic, type(event.data), event.subject, str(event.key), _written(event))


def _written(event: NewEvent) -> bytes:
    value = event.data.model_dump_json(exclude_none=True).encode()
    if len(value) > codec.MAX_VALUE_BYTES:
        raise codec.TooLarge
    return value


def _columns(rows: Sequence[_Row]) -> Mapping[str, Sequence[object]]:
    return {
        "topics": [record.topic for record, *_ in rows],
        "keys": [record.key for record, *_ in rows],
        "values": [record.value for record, *_ in rows],
        "headers": [headers_to_text(record.headers) for record, *_ in rows],
        "types": [kind for _, kind, _, _ in rows],
        "subjects": [subject for _, _, subject, _ in rows],
        "sequences": [sequence for *_, sequence in rows],
    }


def _current_traceparent() -> str | None:
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get("traceparent")
