"""Setting a record aside: the dead letter's row, its copy for the group's dead-letter topic, and the event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import topics
from shared.events.codec import MAX_VALUE_BYTES
from shared.events.envelope import Envelope, NewEvent
from shared.events.operations import DeadLetterRecorded
from shared.ids import Ids
from shared.messaging.log import Record
from shared.messaging.outbox import Outbox
from shared.messaging.reading import Item
from shared.messaging.stored import headers_to_text

_KEYED_BY_REPORT = frozenset(
    topic.name
    for topic in (
        topics.ABUSE_REPORTS,
        topics.MISUSE_REPORTS,
        topics.SECURITY_INCIDENTS,
        topics.ENQUIRIES,
        topics.REPORTER_UPDATES,
        topics.ALERTS,
    )
)
_MAX_HEADER_BYTES = 20_000

_INSERT = text(
    'insert into dead_letter (id, group_name, topic, partition, "offset", source, event_id, type, report_id, '
    "key, value, headers, appended_at, error_class, attempts, recorded_at) "
    "values (:id, :group, :topic, :partition, :offset, :source, :event_id, :type, :report_id, "
    ":key, :value, :headers, :appended_at, :error_class, 1, :now) "
    "on conflict do nothing returning id"
)


async def set_aside(
    session: AsyncSession, group: str, items: Sequence[Item], now: datetime, *, outbox: Outbox, ids: Ids
) -> int:
    """Set `items` aside: row, copy for the group's dead-letter topic, event; return how many were new."""
    copies: list[Record] = []
    events: list[NewEvent] = []
    for item in items:
        dead_letter_id = ids.uuid()
        row = _row(group, item, dead_letter_id, now)
        if await session.scalar(_INSERT, row) is not None:
            copies.append(_copy(group, item, now))
            events.append(NewEvent.of(dead_letter_id, _recorded(row, now)))
    await outbox.append_records(session, copies, now)
    await outbox.append(session, events, now)
    return len(events)


def _row(group: str, item: Item, dead_letter_id: UUID, now: datetime) -> dict[str, object]:
    record, message = item.received.record, item.message
    return {
        "id": dead_letter_id,
        "group": group,
        **item.received.position._asdict(),
        "source": message.source if message else None,
        "event_id": item.event_id if message else None,
        "type": message.type if message else None,
        "report_id": _report_id(item),
        "key": record.key,
        "value": record.value,
        "headers": headers_to_text(record.headers),
        "appended_at": item.received.appended_at,
        "error_class": item.error,
        "now": now,
    }


def _report_id(item: Item) -> UUID | None:
    """Return the report that the record is about, as far as it can be told."""
    if isinstance(item.event, Envelope):
        found = getattr(item.event.data, "report_id", None)
        return found if isinstance(found, UUID) else None
    record = item.received.record
    written = _written_report_id(record.value)
    if written is None and record.topic in _KEYED_BY_REPORT:
        written = record.key
    return _uuid(written)


def _written_report_id(value: bytes | None) -> object:
    if value is None or len(value) > MAX_VALUE_BYTES:
        return None
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return document.get("report_id") if isinstance(document, dict) else None


def _uuid(written: object) -> UUID | None:
    try:
        return UUID(written.decode() if isinstance(written, bytes) else str(written))
    except ValueError:
        return None


def _copy(group: str, item: Item, now: datetime) -> Record:
    """Return the record as it was, with where and why in headers; a value that no topic takes stays in the table."""
    original, position = item.received.record, item.received.position
    added = {
        "dlt_topic": position.topic,
        "dlt_partition": str(position.partition),
        "dlt_offset": str(position.offset),
        "dlt_group": group,
        "dlt_error_class": str(item.error),
        "dlt_attempts": "1",
        "dlt_time": now.isoformat(),
    }
    fits = original.value is None or len(original.value) <= MAX_VALUE_BYTES
    headers = original.headers if sum(len(value) for _, value in original.headers) <= _MAX_HEADER_BYTES else ()
    return Record(
        f"{group}.dead-letter",
        original.key,
        original.value if fits else None,
        (*headers, *((name, value.encode()) for name, value in added.items())),
    )


def _recorded(row: Mapping[str, Any], now: datetime) -> DeadLetterRecorded:
    return DeadLetterRecorded(
        dead_letter_id=row["id"],
        group=row["group"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        error_class=row["error_class"],
        report_id=row["report_id"],
        at=now,
    )
