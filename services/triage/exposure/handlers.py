"""Counts what people are shown, and lets a lead let them see more."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.exposure import queries
from services.triage.exposure.domain import KEPT, Advice, CapReached, NotTheirLead, day_of, has_room
from services.triage.exposure.tables import ExposureRequest, ExposureRow
from shared.events.vocabulary import Priority, Team
from shared.ids import folded_id
from shared.messaging.auditor import Step

_A_DAY = timedelta(days=1, hours=3)
FORGOTTEN = (
    Step("exposure_forgotten", ExposureRow.last_at + KEPT, grace=_A_DAY),
    Step("exposure_request_forgotten", ExposureRequest.asked_at + KEPT, grace=_A_DAY),
)
"""What is kept too long, for the auditor; whole days are kept."""


async def count(session: AsyncSession, subject: str, team: Team, priority: Priority, now: datetime) -> None:
    """Count content that a person is about to be shown.

    Two pages that one person opens at the same moment both count; only the time between them may be a little off.

    Raises:
        CapReached: a lead is asked first; never for a P1.
    """
    so_far = await queries.of_person(session, subject, now)
    if not has_room(so_far, priority, now):
        raise CapReached
    spent = so_far.time(now) - so_far.looked
    row = insert(ExposureRow).values(
        day=day_of(now),
        subject=folded_id(subject),
        team=team,
        items=1,
        seconds=int(spent.total_seconds()),
        last_at=now,
    )
    more = {
        "items": ExposureRow.items + row.excluded["items"],
        "seconds": ExposureRow.seconds + row.excluded["seconds"],
        "last_at": row.excluded["last_at"],
    }
    await session.execute(row.on_conflict_do_update(index_elements=["day", "subject", "team"], set_=more))


async def ask_for_more(session: AsyncSession, subject: str, teams: Collection[Team], now: datetime) -> list[Team]:
    """Ask leads to let a person see more today, each team once and only if needed; return which are asked now."""
    if (await queries.of_person(session, subject, now)).advice(now) is not Advice.ASK:
        return []
    row = {"day": day_of(now), "subject": folded_id(subject), "asked_at": now}
    asked = insert(ExposureRequest).values([{**row, "team": team} for team in sorted(teams)])
    new = await session.scalars(asked.on_conflict_do_nothing().returning(ExposureRequest.team))
    return [Team(team) for team in new]


async def allow_more(session: AsyncSession, subject: str, by: str, leads: Collection[Team], now: datetime) -> None:
    """Let a person see more content for the rest of the day.

    Raises:
        NotTheirLead: they ask no one whom `by` is, or `by` is that person.
    """
    asked = ExposureRequest
    theirs = (asked.day == day_of(now), asked.subject == folded_id(subject), asked.subject != folded_id(by))
    allowed = update(asked).where(*theirs, asked.team.in_(sorted(leads)), asked.allowed_at.is_(None))
    done = await session.execute(allowed.values(allowed_at=now, allowed_by=folded_id(by)).returning(asked.subject))
    if not done.all():
        raise NotTheirLead


async def forget(session: AsyncSession, now: datetime) -> int:
    """Delete what is older than it may be; return how many rows."""
    old = day_of(now - KEPT)
    gone = 0
    for table in (ExposureRow, ExposureRequest):
        rows = await session.execute(delete(table).where(table.day < old).returning(table.day))
        gone += len(rows.all())
    return gone
