"""Events that a service has received and not handled: dead letters, their copies in the outbox, deferred events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import codec, topics
from shared.ids import RandomIds
from shared.messaging import dead_letters, inbox
from shared.messaging.log import Position, ReceivedRecord, Record
from shared.messaging.outbox import Outbox
from shared.messaging.reader import Item

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
IDS = RandomIds()
_TABLES = ("outbox where subject is null", "dead_letter", "parked_event")


async def get_stuck(session: AsyncSession, service: str, report_id: UUID, says: str) -> None:
    """Store a dead letter and a deferred event about a report, and a dead letter of its case, as consumers do."""
    reported, waits = (_item(topics.MISUSE_REPORTS.name, report_id, number, says) for number in (2, 3))
    of_its_case = _item(topics.CASES.name, report_id, 1, f"case {report_id}")
    failed, outbox = [reported, of_its_case], Outbox(service, IDS)
    await dead_letters.record(session, f"signpost-{service}", failed, NOW, outbox=outbox, ids=IDS)
    await inbox.defer(session, f"signpost-{service}", [waits], NOW)


async def said(session: AsyncSession) -> Sequence[str]:
    """Return the texts of `get_stuck` that the three tables still hold, sorted."""
    every = " union all ".join(f"select convert_from(value, 'utf8') as value from {table}" for table in _TABLES)  # noqa: S608 -- own tables
    query = text(f"select cast(value as json) ->> 'narrative' from ({every}) v where value like '%narrative%'")  # noqa: S608 -- own tables
    return sorted(await session.scalars(query))


def _item(topic: str, report_id: UUID, sequence: int, says: str) -> Item:
    headers = codec.headers_of(
        "misuse_report.amended.v9",
        event_id=str(IDS.uuid()),
        source=codec.source_of("intake"),
        subject=str(report_id),
        sequence=sequence,
        time=NOW,
        traceparent=None,
    )
    value = f'{{"report_id": "{report_id}", "narrative": "{says}"}}'.encode()
    record = Record(topic, str(report_id).encode(), value, headers)
    offset = IDS.uuid().int % 2**31
    return Item(ReceivedRecord(record, Position(topic, 0, offset), NOW), codec.parse(record), error="UnknownVersion")
