"""Dead letters: records that a group could not handle. The table is the truth, the topic is its copy.

Replay and discard are requests: the group's own consumer does what was asked, with its own handlers, and settles.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.events.codec import UnknownVersion
from shared.events.envelope import NewEvent
from shared.events.operations import DeadLetterSettled
from shared.messaging.dead_letter_list import (
    COLUMNS,
    SIGNPOST,
    DeadLetter,
    Did,
    Step,
    dead_letter,
    listed,
    note_steps,
    show,
)
from shared.messaging.log import ReceivedRecord, Record
from shared.messaging.outbox import Outbox
from shared.messaging.parking import received
from shared.messaging.stored import headers_from_text

__all__ = ["AlreadyAskedFor", "DeadLetter", "DeadLetterNotOpen", "listed", "show"]

_KNOWN_NOW = "this version is known now"


class DeadLetterNotOpen(Exception):
    """There is no such dead letter, or it is settled already."""


class AlreadyAskedFor(Exception):
    """Somebody asked before, and the group's consumer has not got to it yet: who asked first stands."""

    def __init__(self, action: str, by: str, at: datetime) -> None:
        super().__init__(action)
        self.action = action
        self.by = by
        self.at = at


async def content(session: AsyncSession, dead_letter_id: UUID) -> Record | None:
    """Return the original record; only for people who hold a content role."""
    query = text("select topic, key, value, headers from dead_letter where id = :id")
    row = (await session.execute(query, {"id": dead_letter_id})).one_or_none()
    return Record(row.topic, row.key, row.value, headers_from_text(row.headers)) if row else None


async def replay(session: AsyncSession, dead_letter_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """Ask the group's consumer to handle the record again; it does so within seconds of running.

    Raises:
        DeadLetterNotOpen: there is none, or it is settled.
        AlreadyAskedFor: somebody asked before.
    """
    await _request(session, dead_letter_id, by=by, reason=reason, now=now, action="replayed")


async def discard(session: AsyncSession, dead_letter_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    """Ask the group's consumer to let the record go; what was parked behind it is then applied.

    Raises:
        DeadLetterNotOpen: there is none, or it is settled.
        AlreadyAskedFor: somebody asked before.
    """
    await _request(session, dead_letter_id, by=by, reason=reason, now=now, action="discarded")


async def request_known_versions(session: AsyncSession, group: str, types: Collection[str], now: datetime) -> None:
    """Ask for the replay of what an older reader could not read and this one can."""
    statement = text(
        "update dead_letter set requested_at = :now, action = 'replayed', action_by = :by, action_reason = :reason "
        "where group_name = :group and settled_at is null and requested_at is null and error_class = :error "
        "and type = any(:types) returning id"
    )
    parameters = {"by": SIGNPOST, "reason": _KNOWN_NOW, "error": UnknownVersion.__name__}
    asked = await session.scalars(statement, {"group": group, "now": now, "types": list(types), **parameters})
    await note_steps(session, [Step(one, now, Did.REPLAY_ASKED, SIGNPOST, _KNOWN_NOW) for one in asked])


async def claim(session: AsyncSession, group: str) -> list[tuple[DeadLetter, ReceivedRecord]]:
    """Lock what was asked for and not done yet; another member of the group skips it."""
    query = text(
        f"select {COLUMNS}, key, value, headers, appended_at from dead_letter "  # noqa: S608 -- own columns
        "where group_name = :group and requested_at is not null and settled_at is null "
        "order by recorded_at, id limit 100 for update skip locked"
    )
    return [(dead_letter(row), received(row)) for row in await session.execute(query, {"group": group})]


async def settle(session: AsyncSession, letters: Sequence[DeadLetter], now: datetime, *, outbox: Outbox) -> None:
    """Close `letters`, and say so to whoever keeps count."""
    await session.execute(
        text("update dead_letter set settled_at = :now where id = any(:ids)"),
        {"now": now, "ids": [letter.id for letter in letters]},
    )
    await note_steps(session, [Step(letter.id, now, Did(letter.action or ""), SIGNPOST) for letter in letters])
    await outbox.append(session, [NewEvent.of(letter.id, _settled(letter, now)) for letter in letters], now)


async def note_failures(session: AsyncSession, failures: Sequence[tuple[DeadLetter, str]], now: datetime) -> None:
    """Count another attempt that failed; each letter stays open until somebody asks again."""
    statement = text(
        "update dead_letter set attempts = attempts + 1, requested_at = null, error_class = :error where id = :id"
    )
    if failures:
        await session.execute(statement, [{"id": letter.id, "error": error} for letter, error in failures])
        failed = [Step(letter.id, now, Did.FAILED_AGAIN, SIGNPOST, error_class=error) for letter, error in failures]
        await note_steps(session, failed)


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
    asked = Did.REPLAY_ASKED if action == Did.REPLAYED else Did.DISCARD_ASKED
    await note_steps(session, [Step(dead_letter_id, now, asked, by, reason)])


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
