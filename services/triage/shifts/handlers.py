"""Announces each change of shifts once, with how much there is to hand over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import ClassVar

from sqlalchemy import DateTime, Select, and_, case, exists, literal, not_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists
from services.triage.shifts import domain
from shared.events.envelope import NewEvent
from shared.events.triage import ShiftChanged
from shared.events.vocabulary import Team
from shared.messaging.auditor import GRACE
from shared.messaging.outbox import Outbox
from shared.messaging.tables import outbox

TEAMS = tuple(team for team in Team if team is not Team.LINE_MANAGER)
"""Managers do not work in shifts: each has their own cases."""
_ONE_AT_A_TIME = text("select pg_try_advisory_xact_lock(hashtextextended('signpost-triage-shifts', 0))")


@dataclass(frozen=True, slots=True)
class Announcement:
    """The announcement of the last change of shifts, for the auditor: no row says that it is due, but a clock does."""

    times: Sequence[time]
    name: ClassVar[str] = "shift"

    def overdue(self, now: datetime) -> Select[str, int, datetime | None]:
        """Return the statement that says whether it was not made."""
        began = domain.last_change(now - GRACE, self.times)
        first = literal(began, DateTime(timezone=True))
        told = exists().where(outbox.c.subject == domain.subject_of(TEAMS[0]), outbox.c.recorded_at >= first)
        missing = and_(first.is_not(None), not_(told))
        return select(literal(self.name), case((missing, 1), else_=0), case((missing, first)))


async def announce(session: AsyncSession, now: datetime, *, times: Sequence[time], outbox: Outbox) -> int:
    """Publish the last change of shifts, unless that is done; a change that was missed is not made up for twice.

    Always returns 0: the next change is hours away.
    """
    began = domain.last_change(now, times)
    if began is None or not await session.scalar(_ONE_AT_A_TIME):
        return 0
    told = await outbox.newest(session, domain.subject_of(TEAMS[0]))
    if told is None or ShiftChanged.model_validate_json(told).began_at < began:
        counts = await lists.count_to_hand_over(session, TEAMS, now + domain.SOON)
        events = [
            NewEvent.of(
                domain.subject_of(team),
                ShiftChanged(team=team, began_at=began, at=now, urgent=urgent, due_soon=soon),
            )
            for team, (urgent, soon) in counts.items()
        ]
        await outbox.append(session, events, now)
    return 0
