"""Parked events: they came before their predecessor, which was set aside, and are applied once it is."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.messaging.log import Position, ReceivedRecord, Record
from shared.messaging.reading import Item
from shared.messaging.stored import headers_from_text, headers_to_text

_PARK = text(
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


async def park(session: AsyncSession, group: str, items: Sequence[Item], now: datetime) -> None:
    """Store `items` until their predecessors have been handled."""
    if items:
        await session.execute(_PARK, [_row(group, item, now) for item in items])


async def take_ready(session: AsyncSession, group: str) -> list[ReceivedRecord]:
    """Take out the events whose predecessors have been handled by now, in order."""
    return [received(row) for row in await session.execute(_TAKE_READY, {"group": group})]


async def take_overdue(session: AsyncSession, group: str, before: datetime) -> list[ReceivedRecord]:
    """Take out the events parked before `before`: nobody has settled what they wait for."""
    return [received(row) for row in await session.execute(_TAKE_OVERDUE, {"group": group, "before": before})]


def received(row: Row[tuple[object, ...]]) -> ReceivedRecord:
    """Return the record that a row of `parked_event` or `dead_letter` keeps."""
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
