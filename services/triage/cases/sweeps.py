"""Time-driven work on cases: leases that ran out, clocks that are at risk or missed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain, queries, turns
from services.triage.cases.changes import differences, event_ids, handed_over
from services.triage.cases.recording import Recorder, Taken, record
from services.triage.cases.storing import SYSTEM
from services.triage.cases.tables import CaseRow
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import Clock, DeadlineWarning, outlook, warn
from shared.audit import chain
from shared.audit.chain import Change
from shared.events.envelope import NewEvent
from shared.events.triage import CaseDeadlineAtRisk, CaseDeadlineMissed
from shared.events.vocabulary import CaseState, DeadlineKind, Team
from shared.ids import Ids

BATCH = 100

_EVENTS = {DeadlineWarning.AT_RISK: CaseDeadlineAtRisk, DeadlineWarning.MISSED: CaseDeadlineMissed}


async def expire_leases(session: AsyncSession, now: datetime, *, ids: Ids) -> int:
    """End claims whose lease has run out; return how many."""
    due = select(CaseRow).where(CaseRow.lease_until <= now).order_by(CaseRow.lease_until).limit(BATCH)
    rows = (await session.scalars(due.with_for_update(skip_locked=True))).all()
    changes: list[tuple[UUID, Change]] = []
    for row in rows:
        before = queries.to_case(row)
        after = domain.expire(before, now)
        if after is None:
            continue
        queries.write(row, after)
        was, is_ = differences(before, after)
        changes.append((row.case_id, Change("lease_expired", SYSTEM, before=was, after=is_)))
    await chain.append(session, changes, now, ids)
    return len(changes)


async def warn_of_deadlines(session: AsyncSession, now: datetime, *, recorder: Recorder) -> int:
    """Tell of clocks that are at risk or missed, once each; return how many cases were looked at.

    A case that is kept from people, and that nobody of its team took in time, goes to the triage desk: it may be kept
    from all of them (decision 0018).
    """
    due = select(CaseRow).where(CaseRow.look_at <= now).order_by(CaseRow.look_at).limit(BATCH)
    rows = (await session.scalars(due.with_for_update(skip_locked=True))).all()
    if not rows:
        return 0
    clocks = await deadline_queries.of_cases(session, [row.case_id for row in rows])
    warned: list[tuple[CaseRow, Clock, DeadlineWarning]] = []
    for row in rows:
        looked_at = [warn(clock, now) for clock in clocks[row.case_id]]
        warned += [(row, clock, warning) for clock, warning in looked_at if warning]
        queries.write_outlook(row, outlook(clock for clock, _ in looked_at))
    await deadlines.save(session, [(row.case_id, clock) for row, clock, _ in warned])
    changes = [(row.case_id, _change(clock, warning)) for row, clock, warning in warned]
    await chain.append(session, changes, now, recorder.ids)
    await recorder.outbox.append(session, [_event(row, clock, warning, now) for row, clock, warning in warned], now)
    missed = [row for row, clock, warning in warned if _ran_out(clock, warning)]
    await record(session, [_to_the_desk(row, now, recorder) for row in missed if _nobody_may(row)], now, recorder)
    return len(rows)


def _ran_out(clock: Clock, warning: DeadlineWarning) -> bool:
    return clock.kind is DeadlineKind.RESPOND and warning is DeadlineWarning.MISSED


def _nobody_may(row: CaseRow) -> bool:
    """Tell whether it looks as if nobody of its team may open a case."""
    elsewhere = row.team in {Team.TRIAGE_DESK, Team.LINE_MANAGER}
    return bool(row.kept_from) and row.state == CaseState.NEW and not elsewhere


def _to_the_desk(row: CaseRow, now: datetime, recorder: Recorder) -> Taken:
    case = queries.to_case(row)
    after = turns.moved(case, Team.TRIAGE_DESK)
    event = handed_over(case, after, now, recorder.clocks)
    return Taken(row, after, "nobody_took_it", SYSTEM, events=[event])


def _change(clock: Clock, warning: DeadlineWarning) -> Change:
    after = {"clock": str(clock.kind), "due_at": clock.due_at.isoformat()}
    return Change(f"deadline_{warning}", SYSTEM, after=after)


def _event(row: CaseRow, clock: Clock, warning: DeadlineWarning, now: datetime) -> NewEvent:
    case = queries.to_case(row)
    event = _EVENTS[warning](
        **event_ids(case, now), team=case.team, kind=clock.kind, due_at=clock.due_at, priority=case.priority
    )
    return NewEvent.of(case.case_id, event)
