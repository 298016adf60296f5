"""The auditor: finds steps that time demands and that did not happen, apart from the sweeps that take them.

Every few seconds it counts, for each kind of step, what has been due for longer than the sweeps may take, and tells
operations when that changes. It changes nothing itself: a step that was not taken stays due, and a person sees it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid5

import structlog
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    SQLColumnExpression,
    func,
    literal,
    select,
    text,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.db.database import Database
from shared.db.sweep import Sweep
from shared.events.envelope import NewEvent
from shared.events.operations import OverdueStep, OverdueStepsCounted
from shared.messaging.outbox import Outbox
from shared.observability import metrics

GRACE = timedelta(minutes=2)
"""A step that is due for less than this may still be on its way: sweeps look every few seconds, and try again."""
HEARTBEAT = timedelta(minutes=5)
"""The auditor tells operations at least this often, so that its own silence is seen."""
MOST = 1_000
"""Overdue steps of one kind are counted up to this number."""
_EVERY = timedelta(seconds=30)
_KEPT = timedelta(hours=1)
_NAMES = UUID("6f0e9f0e-5b0b-4c7e-9d53-0d4a1f6f2f11")
_ONE_AT_A_TIME = text("select pg_try_advisory_xact_lock(hashtextextended('signpost-auditor', 0))")
_log = structlog.get_logger()


class Owed(Protocol):
    """Something that time demands, and a statement that finds whether it happened."""

    @property
    def name(self) -> str:
        """What it is called, in the event and on the operations page."""
        ...

    def overdue(self, now: datetime) -> Select[str, int, datetime | None]:
        """Return the statement that counts the overdue ones, and finds the oldest."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of step, and where to find those that were not taken."""

    name: str
    due: SQLColumnExpression[datetime] | SQLColumnExpression[datetime | None]
    """When the step is due: a column, or an expression, of one table."""
    undone: Sequence[ColumnElement[bool]] = ()
    """What is true of a row whose step was not taken."""
    grace: timedelta = GRACE
    never_later: SQLColumnExpression[datetime] | None = None
    """A column with an index that is never later than `due`, if `due` has none."""

    def overdue(self, now: datetime) -> Select[str, int, datetime | None]:
        """Return the statement that counts the overdue ones, and finds the oldest."""
        since = now - self.grace
        due = type_coerce(self.due, DateTime(timezone=True))
        some = select(due.label("due")).where(due < since, *self.undone).order_by(due)
        if self.never_later is not None:
            some = some.where(self.never_later < since)
        first = some.limit(MOST).subquery()
        return select(literal(self.name), func.count(), func.min(first.c.due)).select_from(first)


def subject_of(service: str) -> UUID:
    """Return the subject and key of a service's counts: the compacted topic keeps the newest."""
    return uuid5(_NAMES, service)


class Auditor(Sweep):
    """Counts the overdue steps of one service; of several processes, one at a time."""

    kind = "auditor"

    def __init__(
        self, service: str, steps: Sequence[Owed], *, database: Database, clock: Clock, outbox: Outbox
    ) -> None:
        super().__init__(f"{service}-auditor", self.count, database=database, clock=clock, every=_EVERY)
        self._service = service
        self._steps = steps
        self._outbox = outbox

    async def count(self, session: AsyncSession, now: datetime) -> int:
        """Count what is overdue; publish it if it differs from what was published last, or that is long ago.

        Always returns 0: it looks again after a pause, not at once.
        """
        if not await session.scalar(_ONE_AT_A_TIME):
            return 0
        rows = await session.execute(union_all(*(step.overdue(now) for step in self._steps)))
        found = {name: OverdueStep(step=name, count=n, oldest_due_at=oldest) for name, n, oldest in rows}
        event = OverdueStepsCounted(
            service=self._service, at=now, steps=tuple(found[step.name] for step in self._steps)
        )
        self._show(event)
        subject = subject_of(self._service)
        last = await self._outbox.newest(session, subject)
        said = OverdueStepsCounted.model_validate_json(last) if last else None
        if said is None or said.steps != event.steps or now - said.at >= HEARTBEAT:
            await self._outbox.forget_superseded(session, subject, now - _KEPT)
            await self._outbox.append(session, [NewEvent.of(subject, event)], now)
        return 0

    def _show(self, event: OverdueStepsCounted) -> None:
        for one in event.steps:
            metrics.OVERDUE_STEPS.labels(self._service, one.step).set(one.count)
            if one.count:
                _log.error("steps_overdue", service=self._service, step=one.step, count=one.count)
