"""What responders do to a case, and what happens as time passes: one function per use case, under the case's row lock.

What only some decide, the triage desk, SIRT and leads, is in `rulings`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, literal, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain, lists, queries
from services.triage.cases.access import Viewer, is_kept_from
from services.triage.cases.domain import Actor, Case
from services.triage.cases.tables import CaseRow, Note, Responder
from services.triage.cases.writer import (
    SYSTEM,
    CaseWriter,
    Transition,
    event_ids,
    handed_over,
    resolved,
)
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import ANSWERS, Deadline, DeadlineWarning, outlook, warn
from services.triage.exposure import handlers as exposure
from services.triage.facets import domain as facets
from shared.audit import chain
from shared.events import triage
from shared.events.envelope import Event, NewEvent
from shared.events.vocabulary import CaseState, Outcome, Priority, Team
from shared.ids import folded_id
from shared.messaging.auditor import Step
from shared.people import anyone_known, names_of

PAGE_OPENED, CONTENT_SHOWN = "page_opened", "content_shown"
VISIT = timedelta(minutes=10)
"""Opening a restricted case, or a conversation, again within this time counts as the same visit. Our choice."""
LATELY = timedelta(days=30)
"""Who took a case of a team within this time is offered as its assignee. Our choice."""
MOST_OFFERED = 30
MOST_COUNTED = 99
"""The cases of one person are counted up to this number."""
BATCH = 100
"""Cases that one run of a sweep takes."""
LEASES = Step("lease", CaseRow.lease_until)
"""Claims whose lease ran out and that no sweep ended, for the auditor."""
Say = Callable[[Case], str]
"""Returns what the reporter of a case reads, where that differs from case to case."""
_EVENTS = {DeadlineWarning.AT_RISK: triage.CaseDeadlineAtRisk, DeadlineWarning.MISSED: triage.CaseDeadlineMissed}


@dataclass(frozen=True, slots=True)
class Work:
    """Who acts on cases, when, in which transaction, and the writer that stores the result."""

    session: AsyncSession
    viewer: Viewer
    now: datetime
    writer: CaseWriter


@dataclass(frozen=True, slots=True)
class Command:
    """What a responder asks for: how the case changes, and which event is published."""

    action: str
    apply: Callable[[Case, Actor], Case]
    events: Callable[[Case, Case], list[Event]] = lambda _before, _after: []
    reason: str | None = None
    personal: Mapping[str, str] | None = None
    says: Mapping[str, str] | None = None
    """What the activity says besides what changed: codes, nothing personal."""
    state: Mapping[str, str] | None = None
    """What verification compares besides the case's row."""
    news: bool = False
    """Whether the reporter learns something, so that the next promised update counts from then."""
    while_merged: bool = False
    """Whether it can be done to a case that follows another one."""


async def claim(work: Work, case_id: UUID, read: int) -> Case:
    """Claim the case, or renew the claim."""

    def events(before: Case, after: Case) -> list[Event]:
        taken = triage.CaseClaimed(**event_ids(after, work.now), team=after.team)
        return [taken] if before.assignee != after.assignee else []

    claimed = Command("claimed", lambda case, actor: domain.claim(case, actor, work.now), events)
    return await execute(work, case_id, read, claimed)


async def assign(work: Work, case_id: UUID, read: int, staff_id: str, note: str | None = None) -> Case:
    """Give the case to a colleague, with a note of what they need to know; only a lead takes it from someone else.

    Raises:
        NoSuchColleague: the directory does not have them.
        MayNotHave: the case is kept from them, or restricted and they are not named to see it.
        HasItAlready: it is theirs.
        CaseNotFound, CaseChanged: as for every change of a case.
    """
    to, name = await colleague(work.session, work.viewer, case_id, staff_id)
    clocks = (await deadline_queries.of_cases(work.session, [case_id]))[case_id]
    due_at = outlook(one for one in clocks if one.kind in ANSWERS).due_at

    def events(_before: Case, after: Case) -> list[Event]:
        ids = event_ids(after, work.now)
        taken = to == work.viewer.subject
        return [triage.CaseAssigned(**ids, team=after.team, priority=after.priority, assignee=to, taken=taken)]

    def apply(case: Case, actor: Actor) -> Case:
        given = domain.assign(case, actor, to, name, work.now, due_at)
        return replace(given, only_claimed=given.only_claimed and not note)

    assigned = Command("assigned", apply, events, personal={"note": note} if note else {})
    case = await execute(work, case_id, read, assigned)
    if note:
        await _store_note(work, case, note, shared=False)
    return case


async def prioritise(work: Work, case_id: UUID, read: int, priority: Priority, reason: str) -> Case:
    """Change the priority; the running deadlines are worked out again from when they started."""

    def events(before: Case, after: Case) -> list[Event]:
        at_work = work.writer.deadlines.at_work(after.team, work.now)
        return [
            triage.CasePriorityChanged(
                **event_ids(after, work.now),
                team=after.team,
                before=before.priority,
                priority=after.priority,
                staffed=at_work,
            )
        ]

    changed = Command(
        "priority_changed",
        lambda case, actor: domain.prioritise(case, actor, priority, work.now),
        events,
        reason=reason,
    )
    return await execute(work, case_id, read, changed)


async def release(work: Work, case_id: UUID, read: int) -> Case:
    """Give the case back to the queue."""
    return await execute(work, case_id, read, Command("released", domain.release))


async def start(work: Work, case_id: UUID, read: int) -> Case:
    """Start work, or continue it."""
    started = Command("started", lambda case, actor: domain.start(case, actor, work.now))
    return await execute(work, case_id, read, started)


async def add_note(
    work: Work,
    case_id: UUID,
    read: int,
    text: str,
    *,
    shared: bool,
    told: set[UUID] | None = None,
    say: Say | None = None,
) -> Case:
    """Add a note, internal or for the reporter to read.

    `told` has the reports whose reporters have read the same already; those who read it now are added. The record
    keeps `text`, also where `say` has other words for each case.
    """
    noted = Command(
        "note_shared" if shared else "note_added",
        lambda case, actor: (domain.write_to_reporter if shared else domain.note)(case, actor, work.now),
        personal={"note": text},
        news=shared,
        while_merged=True,
    )
    case = await execute(work, case_id, read, noted)
    await _store_note(work, case, say or text, shared=shared, told=told)
    return case


async def ask(work: Work, case_id: UUID, read: int, question: str) -> Case:
    """Ask the reporter for information; the team's deadlines pause until work continues."""

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
    await _store_note(work, case, question, shared=True, kind=queries.NoteKind.QUESTION)
    return case


async def transfer(work: Work, case_id: UUID, read: int, to: Team, reason: str) -> Case:
    """Transfer the case to another team."""

    def events(before: Case, after: Case) -> list[Event]:
        return [handed_over(before, after, work.now, work.writer.deadlines)]

    transferred = Command("transferred", lambda case, actor: domain.transfer(case, actor, to), events, reason=reason)
    return await execute(work, case_id, read, transferred)


async def resolve(work: Work, case_id: UUID, read: int, outcome: Outcome, reason: str | None) -> Case:
    """Resolve the case with an outcome."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [resolved(after, outcome, work.now)]

    ended = Command("resolved", lambda case, actor: domain.resolve(case, actor, outcome), events, reason=reason)
    return await execute(work, case_id, read, ended)


async def close(work: Work, case_id: UUID, read: int) -> Case:
    """Close a resolved case."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [triage.CaseClosed(**event_ids(after, work.now), team=after.team)]

    return await execute(work, case_id, read, Command("closed", lambda case, _actor: domain.close(case), events))


async def reopen(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Reopen a finished case."""

    def events(_before: Case, after: Case) -> list[Event]:
        return [triage.CaseReopened(**event_ids(after, work.now), team=after.team, state=after.state)]

    reopened = Command("reopened", lambda case, actor: domain.reopen(case, actor, work.now), events, reason=reason)
    return await execute(work, case_id, read, reopened)


async def open_page(work: Work, case_id: UUID) -> None:
    """Record that a responder opened a restricted case: once per visit, however many tabs they read."""
    await visit(work, case_id, PAGE_OPENED)


async def visit(work: Work, case_id: UUID, action: str) -> bool:
    """Record that a responder looked, unless they did so a moment ago; return whether this begins a visit."""
    activities = await chain.read(work.session, case_id)
    lately = [one for one in activities if one.action == action and work.now - one.at < VISIT]
    if work.viewer.subject in {one.actor for one in lately}:
        return False
    await look(work, case_id, action)
    return True


async def look(work: Work, case_id: UUID, action: str) -> Case:
    """Record that a responder looked; the case itself does not change."""
    case = (await queries.lock(work.session, work.viewer, case_id)).case
    await chain.append(work.session, [(case_id, chain.Change(action, work.viewer.subject))], work.now, work.writer.ids)
    return case


class Colleague(NamedTuple):
    """Someone who can be given a case, and how many open ones they have that the viewer may see."""

    staff_id: str
    name: str | None
    open_cases: int


async def colleagues(session: AsyncSession, viewer: Viewer, case: Case, now: datetime) -> list[Colleague]:
    """Return those who lately took cases of the team and may have this one, who did so last first."""
    offered = await of_teams(session, viewer, [case.team], now)
    kept_from, named = await _kept_from(session, case)
    return [one for one in offered if _may_have(one.staff_id, one.name, kept_from, named)]


async def of_teams(session: AsyncSession, viewer: Viewer, teams: Collection[str], now: datetime) -> list[Colleague]:
    """Return those who lately took cases of these teams, who did so last first."""
    lately = select(Responder).where(Responder.team.in_(teams), Responder.last_at > now - LATELY)
    took = lately.order_by(Responder.last_at.desc()).limit(MOST_OFFERED).subquery()
    held = postgresql.array([facets.held_by("") + func.lower(took.c.staff_id), literal(facets.OPEN)])
    theirs = select(CaseRow.case_id).where(CaseRow.facets.contains(held), queries.visible_to(viewer))
    some = theirs.limit(MOST_COUNTED + 1).correlate(took).lateral()
    counted = select(func.count().label("n")).select_from(some).lateral()
    offered = select(took.c.staff_id, took.c.name, counted.c.n).join(counted, true())
    rows = await session.execute(offered.order_by(took.c.last_at.desc()))
    return list({one.staff_id: one for one in map(Colleague._make, rows)}.values())


async def colleague(session: AsyncSession, viewer: Viewer, case_id: UUID, staff_id: str) -> tuple[str, str | None]:
    """Return the staff number and name of someone who may have a case, which is then locked.

    Raises:
        CaseNotFound: there is no such case, or the viewer may not see it.
        NoSuchColleague: no one has that number.
        MayNotHave: the case is kept from them, or restricted and they are not named to see it.
    """
    case = (await queries.lock(session, viewer, case_id)).case
    if folded_id(staff_id) == folded_id(viewer.subject):
        return viewer.subject, viewer.name
    took = select(Responder.staff_id, Responder.name).where(func.lower(Responder.staff_id) == folded_id(staff_id))
    known = (await session.execute(took.order_by(Responder.last_at.desc()).limit(1))).one_or_none()
    listed = (await names_of(session, [staff_id])).of(staff_id)
    if known is None and listed is None and await anyone_known(session):
        raise domain.NoSuchColleague
    number, name = (known.staff_id, known.name or listed) if known else (staff_id, listed)
    if not _may_have(number, name, *await _kept_from(session, case)):
        raise domain.MayNotHave
    return number, name


async def _kept_from(session: AsyncSession, case: Case) -> tuple[frozenset[str], frozenset[str] | None]:
    """Return the keys of those whom a case is kept from, and who is named to see it; None if the team sees it."""
    keys = await session.scalar(select(CaseRow.kept_from).where(CaseRow.case_id == case.case_id))
    only = case.restricted and case.team in domain.LED
    named = await queries.people_named(session, [case.case_id]) if only else None
    return frozenset(keys or ()), frozenset(named[case.case_id]) if named else None


def _may_have(staff_id: str, name: str | None, kept_from: frozenset[str], named: frozenset[str] | None) -> bool:
    if named is not None and staff_id not in named:
        return False
    return not is_kept_from(kept_from, staff_id, name)


async def show_content(work: Work, case: Case) -> Case:
    """Record that a responder asked for what people wrote, and count it to what they are shown today.

    Raises:
        CapReached: a lead is asked before they see more.
    """
    await exposure.count(work.session, work.viewer.subject, case.team, case.priority, work.now)
    return await look(work, case.case_id, CONTENT_SHOWN)


async def execute(work: Work, case_id: UUID, read: int, command: Command) -> Case:
    """Execute a command on a case that the responder read in version `read`.

    Raises:
        CaseNotFound: there is no such case, or the viewer may not see it.
        CaseChanged: it has changed since.
    """
    locked = await queries.lock(work.session, work.viewer, case_id)
    before = locked.case
    if read != before.version:
        raise queries.CaseChanged(await queries.since(work.session, case_id, read), before.version)
    if before.merged_from and not command.while_merged:
        raise domain.StateForbids(before.state)
    after = command.apply(before, work.viewer.actor(before))
    done = Transition(
        locked,
        after,
        command.action,
        work.viewer.subject,
        reason=command.reason,
        says=dict(command.says or {}),
        personal=dict(command.personal or {}),
        state=dict(command.state or {}),
        events=command.events(before, after),
        news=command.news,
    )
    await work.writer.record(work.session, [done], work.now)
    if before.finished and before.merged_into and not after.merged_into:
        await keep_apart(work, before.merged_into)
    return after


async def keep_apart(work: Work, main_id: UUID | None) -> None:
    """Keep a case, and those above it, from whom the cases merged into each are kept from, and from no one else.

    Who has one and may not any more does not have it. An exempt case says nothing of anyone (C-j).
    """
    mains = await lists.above(work.session, main_id)
    locked = await queries.lock_cases(work.session, mains)
    for one in (locked[case_id] for case_id in mains):
        was = frozenset(one.row.kept_from)
        keys = await with_merged(work.session, one.row, one.row.own_keys)
        if was != frozenset(keys) and one.case.outcome is not Outcome.EXEMPT:
            after = domain.next_version(without(one.case, frozenset(keys)))
            kept = Transition(one, after, "kept_from_changed", SYSTEM, kept_from=keys)
            await work.writer.record(work.session, [kept], work.now)


async def with_merged(session: AsyncSession, row: CaseRow, own: Sequence[str]) -> tuple[str, ...]:
    """Note a case's own keys; return them with those of the cases that are merged into it."""
    below = await session.scalars(select(CaseRow.kept_from).where(CaseRow.merged_into == row.case_id))
    keys = tuple(dict.fromkeys([*own, *(key for keys in below for key in keys)]))
    row.kept_from_alone = None if len(keys) == len(own) else list(own)
    return keys


def without(case: Case, keys: frozenset[str]) -> Case:
    """Return a case that no one has, or hears of, whom it is kept from; the version stays."""
    if case.assignee and not case.finished and not _may_have(case.assignee, case.assignee_name, keys, None):
        return domain.still(case, domain.unassigned(domain.alone(case)))
    if case.last_had_by and not _may_have(case.last_had_by, None, keys, None):
        return replace(case, last_had_by=None)
    return case


async def changed_since(session: AsyncSession, locked: Sequence[queries.LockedCase]) -> dict[UUID, queries.LockedCase]:
    """Return those of these cases that were changed since they were locked, as they are now."""
    were: dict[UUID, int] = {one.case.case_id: one.case.version for one in locked}
    now = await queries.lock_cases(session, were) if were else {}
    return {case_id: one for case_id, one in now.items() if one.case.version != were[case_id]}


async def expire_leases(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """End claims whose lease has run out; return how many."""
    due = await queries.lock_due(session, CaseRow.lease_until, now, BATCH)
    ended = [(one, after) for one in due if (after := domain.expire(domain.alone(one.case), now))]
    expired = [Transition(one, domain.still(one.case, after), "lease_expired", SYSTEM) for one, after in ended]
    await writer.record(session, expired, now)
    return len(expired)


async def warn_of_deadlines(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """Announce deadlines that are at risk or missed, once each; return how many cases were looked at.

    A case that is kept from someone, and that its team did not take in time, goes to the triage desk: it may be kept
    from the whole team (decision 0018).
    """
    due = await queries.lock_due(session, CaseRow.look_at, now, BATCH)
    kept = await deadline_queries.of_cases(session, [one.case.case_id for one in due])
    warned: list[tuple[queries.LockedCase, Deadline, DeadlineWarning]] = []
    for locked in due:
        looked_at = [warn(deadline, now) for deadline in kept[locked.case.case_id]]
        warned += [(locked, deadline, warning) for deadline, warning in looked_at if warning]
        locked.row.look_at = outlook(deadline for deadline, _ in looked_at).look_at
    await deadlines.save(session, [(locked.case.case_id, deadline) for locked, deadline, _ in warned])
    changes = [(locked.case.case_id, _warning_change(deadline, warning)) for locked, deadline, warning in warned]
    await chain.append(session, changes, now, writer.ids)
    events = [_warning_event(locked.case, deadline, warning, now) for locked, deadline, warning in warned]
    await writer.outbox.append(session, events, now)
    missed = [one for one, clock, said in warned if clock.kind in ANSWERS and said is DeadlineWarning.MISSED]
    await writer.record(session, [_to_the_desk(one, now, writer) for one in missed if _no_one_may(one)], now)
    return len(due)


def _no_one_may(locked: queries.LockedCase) -> bool:
    """Return whether it seems that no one in its team may open the case."""
    case = locked.case
    elsewhere = case.team in {Team.TRIAGE_DESK, Team.LINE_MANAGER}
    return bool(locked.row.kept_from) and case.state is CaseState.NEW and not elsewhere


def _to_the_desk(locked: queries.LockedCase, now: datetime, writer: CaseWriter) -> Transition:
    after = domain.moved(locked.case, Team.TRIAGE_DESK)
    event = handed_over(locked.case, after, now, writer.deadlines)
    return Transition(locked, after, "nobody_took_it", SYSTEM, events=[event])


def _warning_change(deadline: Deadline, warning: DeadlineWarning) -> chain.Change:
    after = {"clock": str(deadline.kind), "due_at": deadline.due_at.isoformat()}
    return chain.Change(f"deadline_{warning}", SYSTEM, after=after)


def _warning_event(case: Case, deadline: Deadline, warning: DeadlineWarning, now: datetime) -> NewEvent:
    event = _EVENTS[warning](
        **event_ids(case, now), team=case.team, kind=deadline.kind, due_at=deadline.due_at, priority=case.priority
    )
    return NewEvent.of(case.case_id, event)


async def _store_note(
    work: Work, case: Case, text: str | Say, *, shared: bool, kind: str = "", told: set[UUID] | None = None
) -> None:
    """Store what a responder wrote. A message goes to the reporters of merged cases too, once for each report.

    Where it names the case, each reads the reference of their own: no one learns that others reported.
    """
    told = set() if told is None else told
    asks = kind == queries.NoteKind.QUESTION
    below = await queries.lock_below(work.session, [case.case_id]) if shared and not asks else []
    reached = [case, *(one.case for _, one in below if one.case.state is not CaseState.CLOSED)]
    author = {"author": work.viewer.subject, "author_name": work.viewer.name}
    note = {**author, "at": work.now, "shared": shared, "kind": kind}
    say = text if callable(text) else lambda one: text.replace(case.reference, one.reference)
    words = {one.case_id: say(one) for one in reached}
    work.session.add_all(Note(note_id=work.writer.ids.uuid(), case_id=one, text=words[one], **note) for one in words)
    if shared:
        first = {one.report_id: one for one in reversed(reached) if one.report_id not in told}
        told.update(first)
        update = partial(triage.ReporterUpdateShared, at=work.now, asks=asks)
        events = [
            NewEvent.of(of, update(report_id=of, reference=one.reference, text=words[one.case_id]))
            for of, one in first.items()
        ]
        await work.writer.outbox.append(work.session, events, work.now)
