"""What responders do to a case, and what time does: one function per use case, under the case's row lock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain, queries
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Actor, Case
from services.triage.cases.queries import CaseChanged, LockedCase
from services.triage.cases.tables import CaseRow, Note
from services.triage.cases.writer import (
    SYSTEM,
    CaseWriter,
    Transition,
    event_ids,
    handed_over,
    resolved,
    write,
    write_outlook,
)
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import Deadline, DeadlineWarning, outlook, warn
from shared.audit import chain
from shared.audit.chain import Change
from shared.events import triage
from shared.events.envelope import Event, NewEvent
from shared.events.vocabulary import CaseState, DeadlineKind, Outcome, Team

PAGE_OPENED = "page_opened"
VISIT = timedelta(minutes=10)
"""For how long opening a restricted case again belongs to the same visit. Our choice."""
BATCH = 100
"""Cases that one run of a sweep takes."""
_EVENTS = {DeadlineWarning.AT_RISK: triage.CaseDeadlineAtRisk, DeadlineWarning.MISSED: triage.CaseDeadlineMissed}


@dataclass(frozen=True, slots=True)
class Work:
    """Who acts on cases, when, in which transaction, and what stores it."""

    session: AsyncSession
    viewer: Viewer
    now: datetime
    writer: CaseWriter


@dataclass(frozen=True, slots=True)
class Command:
    """What a responder wants done: how the case changes, and what is announced."""

    action: str
    apply: Callable[[Case, Actor], Case]
    events: Callable[[Case, Case], list[Event]] = lambda _before, _after: []
    reason: str | None = None
    personal: Mapping[str, str] | None = None
    says: Mapping[str, str] | None = None
    """What the activity says beside what changed: codes, nothing personal."""
    news: bool = False
    """Whether the reporter learns something: the next update is promised from then."""


async def claim(work: Work, case_id: UUID, read: int) -> Case:
    """Take the case, or renew the claim."""

    def events(before: Case, after: Case) -> list[Event]:
        return (
            [triage.CaseClaimed(**event_ids(after, work.now), team=after.team)]
            if before.assignee != after.assignee
            else []
        )

    claimed = Command("claimed", lambda case, actor: domain.claim(case, actor, work.now), events)
    return await execute(work, case_id, read, claimed)


async def release(work: Work, case_id: UUID, read: int) -> Case:
    """Give the case back to the queue."""
    return await execute(work, case_id, read, Command("released", domain.release))


async def start(work: Work, case_id: UUID, read: int) -> Case:
    """Begin to work, or go on."""
    started = Command("started", lambda case, actor: domain.start(case, actor, work.now))
    return await execute(work, case_id, read, started)


async def add_note(work: Work, case_id: UUID, read: int, text: str, *, shared: bool) -> Case:
    """Write a note, internal or to be read by the reporter."""
    noted = Command(
        "note_shared" if shared else "note_added",
        lambda case, actor: domain.note(case, actor, work.now),
        personal={"note": text},
        news=shared,
    )
    case = await execute(work, case_id, read, noted)
    await _store_note(work, case, text, shared=shared)
    return case


async def ask(work: Work, case_id: UUID, read: int, question: str) -> Case:
    """Ask the reporter for information; the team's deadlines pause until work goes on."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [triage.CaseInformationAsked(**event_ids(after, work.now), team=after.team)]

    asked = Command(
        "information_asked",
        lambda case, actor: domain.ask(case, actor, work.now),
        events,
        personal={"note": question},
        news=True,
    )
    case = await execute(work, case_id, read, asked)
    await _store_note(work, case, question, shared=True, asks=True)
    return case


async def transfer(work: Work, case_id: UUID, read: int, to: Team, reason: str) -> Case:
    """Hand the case to another team."""

    def events(before: Case, after: Case) -> list[Event]:
        return [handed_over(before, after, work.now, work.writer.deadlines)]

    transferred = Command("transferred", lambda case, actor: domain.transfer(case, actor, to), events, reason=reason)
    return await execute(work, case_id, read, transferred)


async def resolve(work: Work, case_id: UUID, read: int, outcome: Outcome, reason: str | None) -> Case:
    """Say how it ended."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [resolved(after, outcome, work.now)]

    ended = Command("resolved", lambda case, actor: domain.resolve(case, actor, outcome), events, reason=reason)
    return await execute(work, case_id, read, ended)


async def close(work: Work, case_id: UUID, read: int) -> Case:
    """Say that nothing more will happen."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [triage.CaseClosed(**event_ids(after, work.now), team=after.team)]

    return await execute(work, case_id, read, Command("closed", lambda case, _actor: domain.close(case), events))


async def reopen(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Work a finished case again."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [triage.CaseReopened(**event_ids(after, work.now), team=after.team, state=after.state)]

    reopened = Command("reopened", lambda case, actor: domain.reopen(case, actor, work.now), events, reason=reason)
    return await execute(work, case_id, read, reopened)


async def open_page(work: Work, case_id: UUID) -> None:
    """Record that a responder opened a restricted case: once a visit, however many of its tabs they read."""
    activities = await chain.read(work.session, case_id)
    lately = [one for one in activities if one.action == PAGE_OPENED and work.now - one.at < VISIT]
    if work.viewer.subject not in {one.actor for one in lately}:
        await look(work, case_id, PAGE_OPENED)


async def look(work: Work, case_id: UUID, action: str) -> Case:
    """Record that a responder looked; the case itself does not change."""
    case = (await queries.lock(work.session, work.viewer, case_id)).case
    await chain.append(work.session, [(case_id, Change(action, work.viewer.subject))], work.now, work.writer.ids)
    return case


async def execute(work: Work, case_id: UUID, read: int, command: Command) -> Case:
    """Do what is wanted to a case, as it was read in version `read`.

    Raises:
        CaseNotFound: there is none that the viewer may see.
        CaseChanged: it was changed since.
    """
    locked = await queries.lock(work.session, work.viewer, case_id)
    before = locked.case
    if read != before.version:
        raise CaseChanged(await queries.since(work.session, case_id, read), before.version)
    after = command.apply(before, work.viewer.actor(before))
    done = Transition(
        locked,
        after,
        command.action,
        work.viewer.subject,
        reason=command.reason,
        says=dict(command.says or {}),
        personal=dict(command.personal or {}),
        events=command.events(before, after),
        news=command.news,
    )
    await work.writer.record(work.session, [done], work.now)
    return after


async def expire_leases(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """End claims whose lease has run out; return how many."""
    changes: list[tuple[UUID, Change]] = []
    for locked in await queries.lock_due(session, CaseRow.lease_until, now, BATCH):
        if after := domain.expire(locked.case, now):
            write(locked.row, after)
            was, is_ = domain.differences(locked.case, after)
            changes.append((after.case_id, Change("lease_expired", SYSTEM, before=was, after=is_)))
    await chain.append(session, changes, now, writer.ids)
    return len(changes)


async def warn_of_deadlines(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """Announce deadlines that are at risk or missed, once each; return how many cases were looked at.

    A case that is kept from people, and that no one of its team took in time, goes to the triage desk: it may be kept
    from all of them (decision 0018).
    """
    due = await queries.lock_due(session, CaseRow.look_at, now, BATCH)
    kept = await deadline_queries.of_cases(session, [one.case.case_id for one in due])
    warned: list[tuple[LockedCase, Deadline, DeadlineWarning]] = []
    for locked in due:
        looked_at = [warn(deadline, now) for deadline in kept[locked.case.case_id]]
        warned += [(locked, deadline, warning) for deadline, warning in looked_at if warning]
        write_outlook(locked.row, outlook(deadline for deadline, _ in looked_at))
    await deadlines.save(session, [(locked.case.case_id, deadline) for locked, deadline, _ in warned])
    changes = [(locked.case.case_id, _warning_change(deadline, warning)) for locked, deadline, warning in warned]
    await chain.append(session, changes, now, writer.ids)
    events = [_warning_event(locked.case, deadline, warning, now) for locked, deadline, warning in warned]
    await writer.outbox.append(session, events, now)
    missed = [locked for locked, deadline, warning in warned if _ran_out(deadline, warning)]
    await writer.record(session, [_to_the_desk(one, now, writer) for one in missed if _no_one_may(one)], now)
    return len(due)


def _ran_out(deadline: Deadline, warning: DeadlineWarning) -> bool:
    return deadline.kind is DeadlineKind.RESPOND and warning is DeadlineWarning.MISSED


def _no_one_may(locked: LockedCase) -> bool:
    """Return whether it looks as if no one of its team may open a case."""
    case = locked.case
    elsewhere = case.team in {Team.TRIAGE_DESK, Team.LINE_MANAGER}
    return bool(locked.row.kept_from) and case.state is CaseState.NEW and not elsewhere


def _to_the_desk(locked: LockedCase, now: datetime, writer: CaseWriter) -> Transition:
    after = domain.moved(locked.case, Team.TRIAGE_DESK)
    event = handed_over(locked.case, after, now, writer.deadlines)
    return Transition(locked, after, "nobody_took_it", SYSTEM, events=[event])


def _warning_change(deadline: Deadline, warning: DeadlineWarning) -> Change:
    after = {"clock": str(deadline.kind), "due_at": deadline.due_at.isoformat()}
    return Change(f"deadline_{warning}", SYSTEM, after=after)


def _warning_event(case: Case, deadline: Deadline, warning: DeadlineWarning, now: datetime) -> NewEvent:
    event = _EVENTS[warning](
        **event_ids(case, now), team=case.team, kind=deadline.kind, due_at=deadline.due_at, priority=case.priority
    )
    return NewEvent.of(case.case_id, event)


async def _store_note(work: Work, case: Case, text: str, *, shared: bool, asks: bool = False) -> None:
    work.session.add(
        Note(
            note_id=work.writer.ids.uuid(),
            case_id=case.case_id,
            at=work.now,
            author=work.viewer.subject,
            author_name=work.viewer.name,
            shared=shared,
            text=text,
        )
    )
    if shared:
        update = triage.ReporterUpdateShared(
            report_id=case.report_id, reference=case.reference, at=work.now, text=text, asks=asks
        )
        await work.writer.outbox.append(work.session, [NewEvent.of(case.report_id, update)], work.now)
