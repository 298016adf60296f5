"""What responders do to a case (design: domain, section 4): one function per use case, under the case's row lock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain, queries
from services.triage.cases.access import Viewer
from services.triage.cases.changes import CaseChanged, event_ids, handed_over, resolved, since
from services.triage.cases.clocks import ClockRules
from services.triage.cases.domain import Case
from services.triage.cases.recording import Recorder, Taken, record
from services.triage.cases.tables import Note
from shared.audit import chain
from shared.audit.chain import Change
from shared.events.envelope import Event, NewEvent
from shared.events.triage import (
    CaseClaimed,
    CaseClosed,
    CaseInformationAsked,
    CaseReopened,
    ReporterUpdateShared,
)
from shared.events.vocabulary import Outcome, Team
from shared.ids import Ids
from shared.messaging.outbox import Outbox

PAGE_OPENED = "page_opened"
VISIT = timedelta(minutes=10)
"""How long somebody who opened a restricted case is still looking at it. Our choice."""


@dataclass(frozen=True, slots=True)
class Work:
    """Who does something, when, and what storing it needs."""

    session: AsyncSession
    viewer: Viewer
    now: datetime
    ids: Ids
    outbox: Outbox
    clocks: ClockRules


@dataclass(frozen=True, slots=True)
class Step:
    """One use case: how the case changes, and what is told of it."""

    action: str
    take: Callable[[Case], Case]
    events: Callable[[Case, Case], list[Event]] = lambda _before, _after: []
    reason: str | None = None
    personal: Mapping[str, str] | None = None
    says: Mapping[str, str] | None = None
    """What the activity says beside what changed: codes, nothing personal."""
    news: bool = False
    """Whether the reporter learns something: the next update is promised from then."""


async def claim(work: Work, case_id: UUID, read: int) -> Case:
    """Take the case, or renew one's claim."""

    def events(before: Case, after: Case) -> list[Event]:
        return [CaseClaimed(**event_ids(after, work.now), team=after.team)] if before.assignee != after.assignee else []

    return await take(
        work, case_id, read, Step("claimed", lambda case: domain.claim(case, work.viewer.actor(case), work.now), events)
    )


async def release(work: Work, case_id: UUID, read: int) -> Case:
    """Give the case back to the queue."""
    return await take(work, case_id, read, Step("released", lambda case: domain.release(case, work.viewer.actor(case))))


async def start(work: Work, case_id: UUID, read: int) -> Case:
    """Begin to work, or go on."""
    return await take(
        work, case_id, read, Step("started", lambda case: domain.start(case, work.viewer.actor(case), work.now))
    )


async def add_note(work: Work, case_id: UUID, read: int, text: str, *, shared: bool) -> Case:
    """Write a note, internal or to be read by the reporter."""
    step = Step(
        "note_shared" if shared else "note_added",
        lambda case: domain.note(case, work.viewer.actor(case), work.now),
        personal={"note": text},
        news=shared,
    )
    case = await take(work, case_id, read, step)
    await _store_note(work, case, text, shared=shared)
    return case


async def ask(work: Work, case_id: UUID, read: int, question: str) -> Case:
    """Ask the reporter for information; the team's clocks pause until work goes on."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [CaseInformationAsked(**event_ids(after, work.now), team=after.team)]

    step = Step(
        "information_asked",
        lambda case: domain.ask(case, work.viewer.actor(case), work.now),
        events,
        personal={"note": question},
        news=True,
    )
    case = await take(work, case_id, read, step)
    await _store_note(work, case, question, shared=True, asks=True)
    return case


async def transfer(work: Work, case_id: UUID, read: int, to: Team, reason: str) -> Case:
    """Hand the case to another team."""

    def events(before: Case, after: Case) -> list[Event]:
        return [handed_over(before, after, work.now, work.clocks)]

    step = Step("transferred", lambda case: domain.transfer(case, work.viewer.actor(case), to), events, reason=reason)
    return await take(work, case_id, read, step)


async def resolve(work: Work, case_id: UUID, read: int, outcome: Outcome, reason: str | None) -> Case:
    """Say how it ended."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [resolved(after, outcome, work.now)]

    step = Step("resolved", lambda case: domain.resolve(case, work.viewer.actor(case), outcome), events, reason=reason)
    return await take(work, case_id, read, step)


async def close(work: Work, case_id: UUID, read: int) -> Case:
    """Say that nothing more will happen."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [CaseClosed(**event_ids(after, work.now), team=after.team)]

    return await take(work, case_id, read, Step("closed", domain.close, events))


async def reopen(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Work a finished case again."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [CaseReopened(**event_ids(after, work.now), team=after.team, state=after.state)]

    step = Step("reopened", lambda case: domain.reopen(case, work.viewer.actor(case), work.now), events, reason=reason)
    return await take(work, case_id, read, step)


async def open_page(work: Work, case_id: UUID) -> None:
    """Record that somebody opened a restricted case: once a visit, however many of its tabs they read."""
    activities = await chain.read(work.session, case_id)
    lately = [one for one in activities if one.action == PAGE_OPENED and work.now - one.at < VISIT]
    if work.viewer.subject not in {one.actor for one in lately}:
        await look(work, case_id, PAGE_OPENED)


async def look(work: Work, case_id: UUID, action: str) -> Case:
    """Record that somebody looked; the case itself does not change."""
    row = await queries.lock(work.session, work.viewer, case_id)
    await chain.append(work.session, [(row.case_id, Change(action, work.viewer.subject))], work.now, work.ids)
    return queries.to_case(row)


async def take(work: Work, case_id: UUID, read: int, step: Step) -> Case:
    """Take a step on a case, as it was read.

    Raises:
        CaseNotFound: there is none that the viewer may see.
        CaseChanged: somebody changed it since.
    """
    row = await queries.lock(work.session, work.viewer, case_id)
    if read != row.version:
        raise CaseChanged(await since(work.session, row.case_id, read), row.version)
    before = queries.to_case(row)
    after = step.take(before)
    taken = Taken(
        row,
        after,
        step.action,
        work.viewer.subject,
        reason=step.reason,
        says=dict(step.says or {}),
        personal=dict(step.personal or {}),
        events=step.events(before, after),
        news=step.news,
    )
    await record(work.session, [taken], work.now, Recorder(work.clocks, work.ids, work.outbox))
    return after


async def _store_note(work: Work, case: Case, text: str, *, shared: bool, asks: bool = False) -> None:
    work.session.add(
        Note(
            note_id=work.ids.uuid(),
            case_id=case.case_id,
            at=work.now,
            author=work.viewer.subject,
            author_name=work.viewer.name,
            shared=shared,
            text=text,
        )
    )
    if shared:
        update = ReporterUpdateShared(
            report_id=case.report_id, reference=case.reference, at=work.now, text=text, asks=asks
        )
        await work.outbox.append(work.session, [NewEvent.of(case.report_id, update)], work.now)
