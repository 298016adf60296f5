"""Keeps what a step did to a case: its row, clocks, activity and events, for one case or a batch of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries
from services.triage.cases.changes import differences
from services.triage.cases.clocks import ClockRules
from services.triage.cases.domain import Case
from services.triage.cases.tables import CaseRow
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import Clock, outlook
from shared.audit import chain
from shared.audit.chain import Change
from shared.events.envelope import Event, NewEvent
from shared.ids import Ids
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Recorder:
    """What keeping a step needs beside the step."""

    clocks: ClockRules
    ids: Ids
    outbox: Outbox


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken on a locked case; several on one case are given oldest first."""

    row: CaseRow
    after: Case
    action: str
    by: str
    reason: str | None = None
    says: dict[str, str] = field(default_factory=dict)
    """What the activity says beside what changed: codes, nothing personal."""
    personal: dict[str, str] = field(default_factory=dict)
    events: Sequence[Event] = ()
    news: bool = False
    """Whether the reporter learns something: the next update is promised from then."""


async def record(session: AsyncSession, taken: Sequence[Taken], now: datetime, recorder: Recorder) -> None:
    """Keep `taken`, each on a case of its own, in a handful of statements. The caller holds the rows' locks."""
    if not taken:
        return
    kept = await deadline_queries.of_cases(session, [one.row.case_id for one in taken])
    changed: list[tuple[Taken, Clock]] = []
    activities = []
    for one in taken:
        before, before_clocks = queries.to_case(one.row), kept[one.row.case_id]
        clocks = recorder.clocks.after(before, one.after, before_clocks, now, news=one.news)
        changed += [(one, clock) for clock in clocks if clock not in before_clocks]
        was, is_ = differences(before, one.after)
        change = Change(one.action, one.by, one.reason, was, {**is_, **one.says}, one.personal)
        activities.append((one.row.case_id, change))
        queries.write(one.row, one.after)
        queries.write_outlook(one.row, outlook(clocks))
    await deadlines.save(session, [(one.row.case_id, clock) for one, clock in changed])
    await chain.append(session, activities, now, recorder.ids)
    events = [NewEvent.of(one.row.case_id, event) for one in taken for event in one.events]
    await recorder.outbox.append(session, events, now)
