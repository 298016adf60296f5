"""The events that a group has handled, and those deferred until a predecessor is handled.

The inbox prevents an event from taking effect twice, and shows gaps in an aggregate's sequence. An event behind a gap
is stored in `parked_event` and applied once its predecessor has been handled or discarded (decision 0006).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.messaging.log import Position, ReceivedRecord, Record, headers_from_text, headers_to_text
from shared.messaging.reader import Aggregate, Item

_NOTE = text(
    'insert into inbox (group_name, source, event_id, topic, partition, "offset", subject, sequence, handled_at) '
    'select :group, source, event_id, topic, partition, "offset", subject, sequence, :now '
    "from unnest(cast(:sources as text[]), cast(:ids as text[]), cast(:topics as text[]), cast(:partitions as int[]), "
    "cast(:offsets as bigint[]), cast(:subjects as text[]), cast(:sequences as int[])) "
    'as new (source, event_id, topic, partition, "offset", subject, sequence) '
    "order by source, event_id on conflict do nothing returning source, event_id"
)
_FORGET = text(
    "delete from inbox where group_name = :group and (source, event_id) in "
    "(select * from unnest(cast(:sources as text[]), cast(:ids as text[])))"
)
_HANDLED = text(
    "select source, topic, subject, sequence from unnest(cast(:sources as text[]), cast(:topics as text[]), "
    "cast(:subjects as text[]), cast(:sequences as int[])) as want (source, topic, subject, sequence) "
    "where exists (select 1 from inbox i where i.group_name = :group and i.source = want.source "
    "and i.topic = want.topic and i.subject = want.subject and i.sequence = want.sequence)"
)
_DEFER = text(
    'insert into parked_event (group_name, source, event_id, topic, partition, "offset", subject, sequence, key, '
    "value, headers, appended_at, parked_at) "
    "values (:group, :source, :event_id, :topic, :partition, :offset, :subject, :sequence, :key, :value, :headers, "
    ":appended_at, :now) on conflict do nothing"
)
_COLUMNS = 'topic, partition, "offset", key, value, headers, appended_at'
_TAKE_READY = text(
    f"with ready as (delete from parked_event p where group_name = :group and exists ("  # noqa: S608 -- own columns
    "select 1 from inbox i where i.group_name = p.group_name and i.source = p.source and i.topic = p.topic "
    f"and i.subject = p.subject and i.sequence = p.sequence - 1) returning {_COLUMNS}) "
    'select * from ready order by topic, partition, "offset"'
)
_TAKE_OVERDUE = text(
    f"with overdue as (delete from parked_event where group_name = :group and parked_at < :before "  # noqa: S608 -- own
    f'returning {_COLUMNS}) select * from overdue order by topic, partition, "offset"'
)
_ERASE = text(
    "update parked_event set value = null where subject = any(:subjects) and topic = any(:topics) and value is not null"
)
EventPosition = tuple[Aggregate, int]
"""One event of an aggregate, by its sequence."""


async def note(session: AsyncSession, group: str, items: Sequence[Item], now: datetime) -> set[tuple[str, str]]:
    """Note `items` as handled and return the identities that were new.

    The rows are sorted, so that two members of a group cannot deadlock.
    """
    if not items:
        return set()
    columns = {
        "sources": [item.source for item in items],
        "ids": [item.event_id for item in items],
        "topics": [item.received.position.topic for item in items],
        "partitions": [item.received.position.partition for item in items],
        "offsets": [item.received.position.offset for item in items],
        "subjects": [item.aggregate.subject for item in items],
        "sequences": [item.sequence for item in items],
    }
    rows = await session.execute(_NOTE, {"group": group, "now": now, **columns})
    return {(source, event_id) for source, event_id in rows}


async def forget(session: AsyncSession, group: str, items: Collection[Item]) -> None:
    """Delete the note that `items` were handled."""
    if items:
        columns = {"sources": [item.source for item in items], "ids": [item.event_id for item in items]}
        await session.execute(_FORGET, {"group": group, **columns})


async def handled(session: AsyncSession, group: str, positions: Iterable[EventPosition]) -> set[EventPosition]:
    """Return those of `positions` that the group has handled."""
    wanted = list(positions)
    if not wanted:
        return set()
    columns = {
        "sources": [aggregate.source for aggregate, _ in wanted],
        "topics": [aggregate.topic for aggregate, _ in wanted],
        "subjects": [aggregate.subject for aggregate, _ in wanted],
        "sequences": [sequence for _, sequence in wanted],
    }
    rows = await session.execute(_HANDLED, {"group": group, **columns})
    return {(Aggregate(source, topic, subject), sequence) for source, topic, subject, sequence in rows}


async def defer(session: AsyncSession, group: str, items: Sequence[Item], now: datetime) -> None:
    """Store `items` until their predecessors have been handled."""
    if items:
        await session.execute(_DEFER, [_row(group, item, now) for item in items])


async def take_ready(session: AsyncSession, group: str) -> list[ReceivedRecord]:
    """Remove and return the deferred events whose predecessors have been handled, in order."""
    return [stored_record(row) for row in await session.execute(_TAKE_READY, {"group": group})]


async def take_overdue(session: AsyncSession, group: str, before: datetime) -> list[ReceivedRecord]:
    """Remove and return the events deferred before `before`, which still lack their predecessors."""
    return [stored_record(row) for row in await session.execute(_TAKE_OVERDUE, {"group": group, "before": before})]


async def erase_deferred(session: AsyncSession, topics: Collection[str], subjects: Collection[str]) -> None:
    """Erase what the deferred events of `subjects` say; they keep their places in the sequence."""
    await session.execute(_ERASE, {"topics": list(topics), "subjects": list(subjects)})


def stored_record(row: Row[tuple[object, ...]]) -> ReceivedRecord:
    """Return the record in a row of `parked_event` or `dead_letter`."""
    record = Record(row.topic, row.key, row.value, headers_from_text(row.headers))
    return ReceivedRecord(record, Position(row.topic, row.partition, row.offset), row.appended_at)


def _row(group: str, item: Item, now: datetime) -> dict[str, object]:
    record = item.received.record
    return {
        "group": group,
        "source": item.source,
        "event_id": item.event_id,
        **item.received.position._asdict(),
        "subject": item.aggregate.subject,
        "sequence": item.sequence,
        "key": record.key,
        "value": record.value,
        "headers": headers_to_text(record.headers),
        "appended_at": item.received.appended_at,
        "now": now,
    }
