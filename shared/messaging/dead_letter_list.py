"""Reads dead letters and what was done about them; what somebody wrote is never here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

COLUMNS = (
    'id, group_name, topic, partition, "offset", type, report_id, error_class, attempts, recorded_at, '
    "action, action_by, action_reason, requested_at, settled_at"
)
SIGNPOST = "signpost"
"""Who did it where no person did."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What operators see of a dead letter; its body is not here."""

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
    """`replayed` or `discarded`, once somebody has asked for it."""
    action_by: str | None
    action_reason: str | None
    requested_at: datetime | None
    settled_at: datetime | None

    @property
    def state(self) -> "LetterState":
        """What it waits for."""
        if self.settled_at:
            return LetterState.SETTLED
        return LetterState.ASKED if self.requested_at else LetterState.OPEN


class LetterState(StrEnum):
    """What a dead letter waits for: a person, the group's consumer, or nothing."""

    OPEN = "open"
    ASKED = "asked"
    SETTLED = "settled"


class Did(StrEnum):
    """What was done about a dead letter."""

    REPLAY_ASKED = "replay_asked"
    DISCARD_ASKED = "discard_asked"
    FAILED_AGAIN = "failed_again"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    CONTENT_SHOWN = "content_shown"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done about a dead letter, and by whom."""

    dead_letter_id: UUID
    at: datetime
    what: Did
    by: str
    reason: str | None = None
    error_class: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Which dead letters to list: of a state and a topic, newest first, after the last one seen."""

    state: LetterState = LetterState.OPEN
    topic: str | None = None
    before: tuple[datetime, UUID] | None = None
    most: int = 50


_STATES = {
    LetterState.OPEN: "settled_at is null and requested_at is null",
    LetterState.ASKED: "settled_at is null and requested_at is not null",
    LetterState.SETTLED: "settled_at is not null",
}


async def listed(session: AsyncSession, *, group: str | None = None, most: int = 200) -> list[DeadLetter]:
    """Return the dead letters that are not settled, oldest first."""
    query = text(
        f"select {COLUMNS} from dead_letter where settled_at is null "  # noqa: S608 -- own columns
        "and (cast(:group as text) is null or group_name = :group) order by recorded_at, id limit :most"
    )
    return [dead_letter(row) for row in await session.execute(query, {"group": group, "most": most})]


async def page(session: AsyncSession, wanted: Page) -> list[DeadLetter]:
    """Return the newest dead letters of a state, and one beyond the page where there are more."""
    query = text(
        f"select {COLUMNS} from dead_letter where {_STATES[wanted.state]} "  # noqa: S608 -- own words
        "and (cast(:topic as text) is null or topic = :topic) and (cast(:at as timestamptz) is null "
        "or (recorded_at, id) < (:at, cast(:id as uuid))) order by recorded_at desc, id desc limit :most"
    )
    at, last = wanted.before or (None, None)
    parameters = {"topic": wanted.topic, "at": at, "id": last, "most": wanted.most + 1}
    return [dead_letter(row) for row in await session.execute(query, parameters)]


async def topics(session: AsyncSession) -> list[str]:
    """Return the topics that have unsettled dead letters; few, because each waits for a person."""
    return list(await session.scalars(text("select distinct topic from dead_letter where settled_at is null")))


async def show(session: AsyncSession, dead_letter_id: UUID) -> DeadLetter | None:
    """Return one dead letter, also a settled one, without its body."""
    query = text(f"select {COLUMNS} from dead_letter where id = :id")  # noqa: S608 -- own columns
    row = (await session.execute(query, {"id": dead_letter_id})).one_or_none()
    return dead_letter(row) if row else None


async def note_steps(session: AsyncSession, steps: Sequence[Step]) -> None:
    """Keep who did what about dead letters, and why."""
    statement = text(
        "insert into dead_letter_step (dead_letter_id, at, what, by, reason, error_class) "
        "values (:dead_letter_id, :at, :what, :by, :reason, :error_class)"
    )
    if steps:
        await session.execute(statement, [asdict(step) for step in steps])


async def history(session: AsyncSession, dead_letter_id: UUID) -> list[Step]:
    """Return what was done about a dead letter, oldest first."""
    query = text(
        "select dead_letter_id, at, what, by, reason, error_class from dead_letter_step "
        "where dead_letter_id = :id order by id"
    )
    rows = await session.execute(query, {"id": dead_letter_id})
    return [Step(row.dead_letter_id, row.at, Did(row.what), row.by, row.reason, row.error_class) for row in rows]


def dead_letter(row: Row[tuple[object, ...]]) -> DeadLetter:
    """Return the dead letter that a row of `COLUMNS` holds."""
    return DeadLetter(**{name: getattr(row, name) for name in DeadLetter.__dataclass_fields__})
