"""Dead letters: records that a group could not handle. The table is authoritative; the topic has a copy.

Replay and discard are requests: the group's own consumer carries them out with its own handlers, and settles them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import topics
from shared.events.codec import MAX_VALUE_BYTES, UnknownVersion
from shared.events.envelope import Envelope, NewEvent
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.ids import Ids
from shared.messaging import inbox
from shared.messaging.log import ReceivedRecord, Record, headers_from_text, headers_to_text
from shared.messaging.outbox import Outbox
from shared.messaging.reader import Item

SIGNPOST = "signpost"
"""The name in the history if no person acted."""
_KNOWN_NOW = "this version is known now"
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


class DeadLetterNotOpen(Exception):
    """There is no such dead letter, or it is already settled."""


class AlreadyAskedFor(Exception):
    """A replay or discard was requested before and is not done yet; the first request stands."""

    def __init__(self, action: str, by: str, at: datetime) -> None:
        super().__init__(action)
        self.action = action
        self.by = by
        self.at = at


class DeadLetterState(StrEnum):
    """What a dead letter waits for: an operator, the group's consumer, or nothing."""

    OPEN = "open"
    ASKED = "asked"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as operators see it, without its content."""

    id: UUID
    group_name: str
    topic: str
    partition: int
    offset: int
    type: str | None
    report_id: UUID | None
    error_class: str
    attempts: int
    recorded_at: datetime
    action: str | None
    """`replayed` or `discarded`, once requested."""
    action_by: str | None
    action_reason: str | None
    requested_at: datetime | None
    settled_at: datetime | None

    @property
    def state(self) -> "DeadLetterState":
        """What it waits for."""
        if self.settled_at:
            return DeadLetterState.SETTLED
        return DeadLetterState.ASKED if self.requested_at else DeadLetterState.OPEN


class HistoryAction(StrEnum):
    """What was done to a dead letter."""

    REPLAY_ASKED = "replay_asked"
    DISCARD_ASKED = "discard_asked"
    FAILED_AGAIN = "failed_again"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    CONTENT_SHOWN = "content_shown"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One action on a dead letter, and who took it."""

    dead_letter_id: UUID
    at: datetime
    what: HistoryAction
    by: str
    reason: str | None = None
    error_class: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which dead letters to list: by state and topic, newest first, after the last one seen."""

    state: DeadLetterState = DeadLetterState.OPEN
    topic: str | None = None
    before: tuple[datetime, UUID] | None = None
    most: int = 50


_COLUMNS = (
    'id, group_name, topic, partition, "offset", type, report_id, error_class, attempts, recorded_at, '
    "action, action_by, action_reason, requested_at, settled_at"
)
_STATES = {
    DeadLetterState.OPEN: "settled_at is null and requested_at is null",
    DeadLetterState.ASKED: "settled_at is null and requested_at is not null",
    DeadLetterState.SETTLED: "settled_at is not null",
}
_INSERT = text(
    'insert into dead_letter (id, group_name, topic, partition, "offset", source, event_id, type, report_id, '
    "key, value, headers, appended_at, error_class, attempts, recorded_at) "
    "values (:id, :group, :topic, :partition, :offset, :source, :event_id, :type, :report_id, "
    ":key, :value, :headers, :appended_at, :error_class, 1, :now) "
    "on conflict do nothing returning id"
)
_ERASE_COPIES = text(
    "update outbox o set value = null, key = null from dead_letter d "
    "where d.report_id = any(:report_ids) and d.topic = any(:topics) "
    "and o.subject is null and o.topic = d.group_name || '.dead-letter' and o.value = d.value"
)
_ERASE = text(
    "update dead_letter set value = null, key = null "
    "where report_id = any(:report_ids) and topic = any(:topics) and value is not null"
)
_WAITING = text(
    "select report_id from dead_letter where group_name = :group and report_id = any(:report_ids) "
    "and (settled_at is null or action <> 'replayed')"
)
_RESTRICTED = [topic.name for topic in topics.TOPICS if topic.restricted]


async def record(
    session: AsyncSession, group: str, items: Sequence[Item], now: datetime, *, outbox: Outbox, ids: Ids
) -> int:
    """Record `items` as dead letters, and return how many were new.

    Each gets its row, a copy for the group's dead-letter topic and an event.
    """
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


async def erase(session: AsyncSession, report_ids: Sequence[UUID]) -> None:
    """Erase what was written about reports and is still to be handled: dead letters, their copies, deferred events.

    Their rows stay. A replay of an erased event has no effect, except that its successors no longer wait for it.
    """
    about = {"report_ids": list(report_ids), "topics": _RESTRICTED}
    await session.execute(_ERASE_COPIES, about)
    await session.execute(_ERASE, about)
    await inbox.erase_deferred(session, _RESTRICTED, [str(report_id) for report_id in report_ids])


async def replay(session: AsyncSession, dead_letter_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """Ask the group's consumer to handle the record again; a running consumer does so within seconds.

    Raises:
        DeadLetterNotOpen: there is none, or it is settled.
        AlreadyAskedFor: a replay or discard was requested before.
    """
    await _request(session, dead_letter_id, by=by, reason=reason, now=now, action="replayed")


async def discard(session: AsyncSession, dead_letter_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """Ask the group's consumer to discard the record; the events deferred behind it are then applied.

    Raises:
        DeadLetterNotOpen: there is none, or it is settled.
        AlreadyAskedFor: a replay or discard was requested before.
    """
    await _request(session, dead_letter_id, by=by, reason=reason, now=now, action="discarded")


async def request_known_versions(session: AsyncSession, group: str, types: Collection[str], now: datetime) -> None:
    """Request the replay of events whose version an older reader did not know and this one knows."""
    statement = text(
        "update dead_letter set requested_at = :now, action = 'replayed', action_by = :by, action_reason = :reason "
        "where group_name = :group and settled_at is null and requested_at is null and error_class = :error "
        "and type = any(:types) returning id"
    )
    parameters = {"by": SIGNPOST, "reason": _KNOWN_NOW, "error": UnknownVersion.__name__}
    asked = await session.scalars(statement, {"group": group, "now": now, "types": list(types), **parameters})
    await record_history(
        session, [HistoryEntry(one, now, HistoryAction.REPLAY_ASKED, SIGNPOST, _KNOWN_NOW) for one in asked]
    )


async def claim(session: AsyncSession, group: str) -> list[tuple[DeadLetter, ReceivedRecord]]:
    """Lock the letters with a request that is not done yet; other members of the group skip them."""
    query = text(
        f"select {_COLUMNS}, key, value, headers, appended_at from dead_letter "  # noqa: S608 -- own columns
        "where group_name = :group and requested_at is not null and settled_at is null "
        "order by recorded_at, id limit 100 for update skip locked"
    )
    return [(_dead_letter(row), inbox.stored_record(row)) for row in await session.execute(query, {"group": group})]


async def settle(session: AsyncSession, letters: Sequence[DeadLetter], now: datetime, *, outbox: Outbox) -> None:
    """Close `letters`, and append their events."""
    await session.execute(
        text("update dead_letter set settled_at = :now where id = any(:ids)"),
        {"now": now, "ids": [letter.id for letter in letters]},
    )
    await record_history(
        session, [HistoryEntry(letter.id, now, HistoryAction(letter.action or ""), SIGNPOST) for letter in letters]
    )
    await outbox.append(session, [NewEvent.of(letter.id, _settled(letter, now)) for letter in letters], now)


async def note_failures(session: AsyncSession, failures: Sequence[tuple[DeadLetter, str]], now: datetime) -> None:
    """Count another failed attempt; each letter stays open until the next request."""
    statement = text(
        "update dead_letter set attempts = attempts + 1, requested_at = null, error_class = :error where id = :id"
    )
    if failures:
        await session.execute(statement, [{"id": letter.id, "error": error} for letter, error in failures])
        failed = [
            HistoryEntry(letter.id, now, HistoryAction.FAILED_AGAIN, SIGNPOST, error_class=error)
            for letter, error in failures
        ]
        await record_history(session, failed)


async def listed(session: AsyncSession, *, group: str | None = None, most: int = 200) -> list[DeadLetter]:
    """Return the dead letters that are not settled, oldest first."""
    query = text(
        f"select {_COLUMNS} from dead_letter where settled_at is null "  # noqa: S608 -- own columns
        "and (cast(:group as text) is null or group_name = :group) order by recorded_at, id limit :most"
    )
    return [_dead_letter(row) for row in await session.execute(query, {"group": group, "most": most})]


async def reports_waiting(session: AsyncSession, group: str, report_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the reports of which `group` dead-lettered an event that was not replayed since."""
    return set(await session.scalars(_WAITING, {"group": group, "report_ids": list(report_ids)}))


async def page(session: AsyncSession, wanted: PageRequest) -> list[DeadLetter]:
    """Return the newest dead letters of a state, plus one more if there is a next page."""
    query = text(
        f"select {_COLUMNS} from dead_letter where {_STATES[wanted.state]} "  # noqa: S608 -- own words
        "and (cast(:topic as text) is null or topic = :topic) and (cast(:at as timestamptz) is null "
        "or (recorded_at, id) < (:at, cast(:id as uuid))) order by recorded_at desc, id desc limit :most"
    )
    at, last = wanted.before or (None, None)
    parameters = {"topic": wanted.topic, "at": at, "id": last, "most": wanted.most + 1}
    return [_dead_letter(row) for row in await session.execute(query, parameters)]


async def affected_topics(session: AsyncSession) -> list[str]:
    """Return the topics that have unsettled dead letters. There are few letters, because each waits for an operator."""
    return list(await session.scalars(text("select distinct topic from dead_letter where settled_at is null")))


async def show(session: AsyncSession, dead_letter_id: UUID) -> DeadLetter | None:
    """Return one dead letter, open or settled, without its content."""
    query = text(f"select {_COLUMNS} from dead_letter where id = :id")  # noqa: S608 -- own columns
    row = (await session.execute(query, {"id": dead_letter_id})).one_or_none()
    return _dead_letter(row) if row else None


async def content(session: AsyncSession, dead_letter_id: UUID) -> Record | None:
    """Return the original record; only for people with a content role."""
    query = text("select topic, key, value, headers from dead_letter where id = :id")
    row = (await session.execute(query, {"id": dead_letter_id})).one_or_none()
    return Record(row.topic, row.key, row.value, headers_from_text(row.headers)) if row else None


def as_text(value: bytes | None) -> str:
    """Return a record's value for people to read: JSON indented, other text unchanged, other bytes escaped.

    Returns "" if no value is left.
    """
    if value is None:
        return ""
    try:
        return orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return value.decode("utf-8", "backslashreplace")


async def history(session: AsyncSession, dead_letter_id: UUID) -> list[HistoryEntry]:
    """Return the history of a dead letter, oldest first."""
    query = text(
        "select dead_letter_id, at, what, by, reason, error_class from dead_letter_step "
        "where dead_letter_id = :id order by id"
    )
    rows = await session.execute(query, {"id": dead_letter_id})
    return [
        HistoryEntry(row.dead_letter_id, row.at, HistoryAction(row.what), row.by, row.reason, row.error_class)
        for row in rows
    ]


async def record_history(session: AsyncSession, entries: Sequence[HistoryEntry]) -> None:
    """Store who did what to dead letters, and why."""
    statement = text(
        "insert into dead_letter_step (dead_letter_id, at, what, by, reason, error_class) "
        "values (:dead_letter_id, :at, :what, :by, :reason, :error_class)"
    )
    if entries:
        await session.execute(statement, [asdict(entry) for entry in entries])


def _dead_letter(row: Row[tuple[object, ...]]) -> DeadLetter:
    """Return the dead letter that a row of `COLUMNS` holds."""
    return DeadLetter(**{name: getattr(row, name) for name in DeadLetter.__dataclass_fields__})


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
    """Return the report that the record is about, if that can be found."""
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
    """Return the original record, with its position and error in headers.

    A value too large for a topic is left out; the table has it.
    """
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


async def _request(
    session: AsyncSession, dead_letter_id: UUID, *, by: str, reason: str, now: datetime, action: str
) -> None:
    statement = text(
        "update dead_letter set requested_at = :now, action_by = :by, action_reason = :reason, action = :action "
        "where id = :id and settled_at is null and requested_at is null returning id"
    )
    parameters = {"id": dead_letter_id, "by": by, "reason": reason, "now": now, "action": action}
    if await session.scalar(statement, parameters) is None:
        raise await _why_not(session, dead_letter_id)
    asked = HistoryAction.REPLAY_ASKED if action == HistoryAction.REPLAYED else HistoryAction.DISCARD_ASKED
    await record_history(session, [HistoryEntry(dead_letter_id, now, asked, by, reason)])


async def _why_not(session: AsyncSession, dead_letter_id: UUID) -> DeadLetterNotOpen | AlreadyAskedFor:
    letter = await show(session, dead_letter_id)
    if letter is None or letter.settled_at or letter.requested_at is None:
        return DeadLetterNotOpen(str(dead_letter_id))
    return AlreadyAskedFor(letter.action or "", letter.action_by or "", letter.requested_at)


def _settled(letter: DeadLetter, now: datetime) -> DeadLetterSettled:
    return DeadLetterSettled(
        dead_letter_id=letter.id,
        group=letter.group_name,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        error_class=letter.error_class,
        report_id=letter.report_id,
        at=now,
        action=letter.action or "",
    )
