"""What responders do to a case, and what happens as time passes: one function per use case, under the case's row lock.

The last functions are rulings that only some may give: the triage desk on union activity, SIRT on accounts and data,
leads on people.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Account, Handle
from services.triage.cases import changes, domain, queries
from services.triage.cases.access import Viewer, conflicts
from services.triage.cases.domain import Actor, Case
from services.triage.cases.tables import CaseAccess, CaseRow, Note
from services.triage.cases.writer import (
    SYSTEM,
    CaseWriter,
    LinkedCase,
    Transition,
    event_ids,
    handed_over,
    resolved,
    write,
    write_outlook,
)
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import UK, Deadline, DeadlineWarning, outlook, warn
from services.triage.reports import handlers as reports
from services.triage.reports import queries as report_queries
from services.triage.routing import queries as routing
from services.triage.routing.domain import Also, RuleBook, decide
from shared.audit import chain
from shared.events import triage
from shared.events.envelope import Event, NewEvent
from shared.events.vocabulary import CaseState, DeadlineKind, Outcome, ReportType, Team, YesNoUnsure
from shared.messaging import dead_letters

PAGE_OPENED = "page_opened"
BY_A_LEAD = "opened-by-a-lead"
VISIT = timedelta(minutes=10)
"""Opening a restricted case, or a conversation, again within this time counts as the same visit. Our choice."""
BATCH = 100
"""Cases that one run of a sweep takes."""
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


async def claim(work: Work, case_id: UUID, read: int) -> Case:
    """Claim the case, or renew the claim."""

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
    """Start work, or continue it."""
    started = Command("started", lambda case, actor: domain.start(case, actor, work.now))
    return await execute(work, case_id, read, started)


async def add_note(work: Work, case_id: UUID, read: int, text: str, *, shared: bool) -> Case:
    """Add a note, internal or for the reporter to read."""
    noted = Command(
        "note_shared" if shared else "note_added",
        lambda case, actor: (domain.write_to_reporter if shared else domain.note)(case, actor, work.now),
        personal={"note": text},
        news=shared,
    )
    case = await execute(work, case_id, read, noted)
    await _store_note(work, case, text, shared=shared)
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


async def visit(work: Work, case_id: UUID, action: str) -> None:
    """Record that a responder looked, unless they did so a moment ago."""
    activities = await chain.read(work.session, case_id)
    lately = [one for one in activities if one.action == action and work.now - one.at < VISIT]
    if work.viewer.subject not in {one.actor for one in lately}:
        await look(work, case_id, action)


async def look(work: Work, case_id: UUID, action: str) -> Case:
    """Record that a responder looked; the case itself does not change."""
    case = (await queries.lock(work.session, work.viewer, case_id)).case
    await chain.append(work.session, [(case_id, chain.Change(action, work.viewer.subject))], work.now, work.writer.ids)
    return case


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
    return after


async def expire_leases(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """End claims whose lease has run out; return how many."""
    changes: list[tuple[UUID, chain.Change]] = []
    for locked in await queries.lock_due(session, CaseRow.lease_until, now, BATCH):
        if after := domain.expire(locked.case, now):
            write(locked.row, after)
            was, is_ = domain.differences(locked.case, after)
            state = {"case": queries.fingerprint_of(vars(locked.row))}
            changes.append((after.case_id, chain.Change("lease_expired", SYSTEM, before=was, after=is_, state=state)))
    await chain.append(session, changes, now, writer.ids)
    return len(changes)


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


async def _store_note(work: Work, case: Case, text: str, *, shared: bool, kind: str = "") -> None:
    work.session.add(
        Note(
            note_id=work.writer.ids.uuid(),
            case_id=case.case_id,
            at=work.now,
            author=work.viewer.subject,
            author_name=work.viewer.name,
            shared=shared,
            kind=kind,
            text=text,
        )
    )
    if shared:
        update = triage.ReporterUpdateShared(
            report_id=case.report_id,
            reference=case.reference,
            at=work.now,
            text=text,
            asks=kind == queries.NoteKind.QUESTION,
        )
        await work.writer.outbox.append(work.session, [NewEvent.of(case.report_id, update)], work.now)


async def exempt(work: Work, case_id: UUID, read: int) -> Case:
    """Close a case outside the policy, and erase who it was about and everything written about them (C-j).

    After that, no one can tell who to keep it from, so only the person who decided still sees it.
    """

    def events(_before: Case, after: Case) -> list[Event]:
        closed = triage.CaseClosed(**event_ids(after, work.now), team=after.team)
        return [resolved(after, Outcome.EXEMPT, work.now), closed]

    case = await execute(work, case_id, read, Command("exempted", domain.exempted, events))
    proved = await reports.erase_subject(work.session, case.report_id)
    await work.session.execute(delete(Note).where(Note.case_id == case_id))
    await work.session.execute(delete(CaseAccess).where(CaseAccess.case_id == case_id))
    await work.session.execute(insert(CaseAccess).values(case_id=case_id, subject=work.viewer.subject))
    locked = await queries.lock(work.session, work.viewer, case_id)
    locked.row.kept_from = []
    await _erase_record(work, locked, proved)
    return case


async def _erase_record(work: Work, locked: queries.LockedCase, proved: Collection[UUID]) -> None:
    """Erase what the activity record of an exempt case says; record what the case and its report are from now on.

    Other cases of the report say so too, where their records said what the report was, or `proved` its evidence.
    """
    row = locked.row
    report = {"report": (await report_queries.fingerprints(work.session, [row.report_id]))[row.report_id]}
    people = queries.access([work.viewer.subject])
    state = {"case": queries.fingerprint_of(vars(row)), "access": people, "evidence": ""}
    siblings = await queries.lock_reports(work.session, [row.report_id])
    for one in (one for one in siblings if one.case.case_id != row.case_id):
        first, evidence = one.row.link_number == 1, one.case.case_id in proved
        if said := (report if first else {}) | ({"evidence": ""} if evidence else {}):
            told = chain.Change("report_erased", work.viewer.subject, state=said)
            await chain.append(work.session, [(one.case.case_id, told)], work.now, work.writer.ids)
    await changes.note(work.session, [one.case.case_id for one in siblings])
    report = report if row.link_number == 1 else {}
    await work.writer.outbox.erase(work.session, [row.report_id], _without_words)
    await dead_letters.erase(work.session, [row.report_id])
    await chain.erase(work.session, {row.case_id: state | report}, work.viewer.subject, work.now, work.writer.ids)


def _without_words(value: bytes) -> bytes:
    """Return a message to the reporter that is still to be published, without its words."""
    message = triage.ReporterUpdateShared.model_validate_json(value)
    return message.model_copy(update={"text": "This message was erased."}).model_dump_json(exclude_none=True).encode()


async def not_exempt(work: Work, case_id: UUID, read: int, reason: str, book: RuleBook) -> Case:
    """Send a case that is not union activity to the team that the rules then choose."""
    made = (await routing.decisions(work.session, [case_id]))[case_id]
    classes = tuple(kind for kind in made.facts.account_classes if kind != "union")
    facts = replace(made.facts, union_activity=YesNoUnsure.NO.value, account_classes=classes)
    decision = decide(facts, book, work.now.astimezone(UK).date())

    def events(before: Case, after: Case) -> list[Event]:
        if before.team is after.team:
            return []
        return [handed_over(before, after, work.now, work.writer.deadlines)]

    ruled = Command(
        "not_exempted",
        lambda case, actor: domain.not_exempted(case, actor, decision.team, decision.category),
        events,
        reason=reason,
        says={"rule": decision.rule},
    )
    case = await execute(work, case_id, read, ruled)
    linked = [replace(also, rule=decision.rule) for also in decision.also]
    await _open_linked(work, case, linked, decision.category)
    return case


async def open_misuse(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Open a linked, restricted case of misuse for abuse by a colleague: the triage desk decides who works on it."""
    case = await execute(work, case_id, read, Command("misuse_opened", domain.misuse_opened, reason=reason))
    sentence = "The lead of SMART sees misuse by a colleague beside the abuse. The triage desk decides who works it."
    also = Also(Team.TRIAGE_DESK, "S1", sentence, ReportType.MISUSE, rule=BY_A_LEAD)
    kept_from = await report_queries.keys_kept_from(work.session, case.report_id)
    await _open_linked(work, case, [also], "misuse", kept_from)
    return case


async def become_aware(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Record that SIRT knows of a breach of personal data: 72 hours run from now (Sc-b)."""
    aware = Command("breach_aware", lambda case, actor: domain.aware_of_breach(case, actor, work.now), reason=reason)
    case = await execute(work, case_id, read, aware)
    await _save(work, case_id, work.writer.deadlines.breach(work.now))
    return case


async def decide_breach(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Record the decision about a breach: whether the regulator and the people affected are told, and why."""
    case = await execute(work, case_id, read, Command("breach_decided", domain.breach_decided, reason=reason))
    kept = (await deadline_queries.of_cases(work.session, [case_id]))[case_id]
    met = [replace(one, met_at=work.now) for one in kept if one.kind is DeadlineKind.PERSONAL_DATA_BREACH]
    await _save(work, case_id, *met)
    return case


async def confirm_compromise(work: Work, case_id: UUID, read: int, chosen: Sequence[UUID]) -> Case:
    """Confirm that an outsider controls registered accounts that the report names; the register freezes them."""
    case = await queries.get(work.session, work.viewer, case_id)
    known = {account.account_id for _, account in await registered_accounts(work, case)}
    confirmed = tuple(account_id for account_id in chosen if account_id in known)
    if not confirmed:
        raise domain.NotForThisCase

    def events(_before: Case, after: Case) -> list[Event]:
        return [triage.CaseCompromiseConfirmed(**event_ids(after, work.now), account_ids=confirmed)]

    says = {"accounts": ", ".join(map(str, confirmed))}
    compromised = Command("compromise_confirmed", domain.compromise_confirmed, events, says=says)
    return await execute(work, case_id, read, compromised)


async def name_person(work: Work, case_id: UUID, read: int, staff_id: str) -> Case:
    """Let a colleague in the team see a restricted case. People it is kept from still cannot see it."""
    people = {*await queries.named_people(work.session, case_id), staff_id}
    state = {"access": queries.access(people)}
    who = Command("person_named", domain.named, personal={"person": staff_id}, state=state)
    case = await execute(work, case_id, read, who)
    named = insert(CaseAccess).values(case_id=case_id, subject=staff_id)
    await work.session.execute(named.on_conflict_do_nothing())
    return case


async def registered_accounts(work: Work, case: Case) -> list[tuple[Handle, Account]]:
    """Return the registered accounts that the report names."""
    handles = await report_queries.accounts_of(work.session, case.report_id)
    return sorted((await accounts.registered(work.session, handles)).items())


async def _open_linked(
    work: Work, origin: Case, wanted: Sequence[Also], category: str, kept_from: tuple[str, ...] | None = None
) -> None:
    """Open linked cases of misuse. Without `kept_from`, they are kept from the same people as the first case.

    A conflict of interest that someone declared in the first case always counts.
    """
    if not wanted:
        return
    siblings = await queries.lock_reports(work.session, [origin.report_id])
    [locked] = [one for one in siblings if one.case.case_id == origin.case_id]
    same = tuple(locked.row.kept_from)
    keys = same if kept_from is None else (*kept_from, *conflicts(same))
    linked = [
        LinkedCase(locked, _of_type(also, origin.report_type), category, work.viewer.subject, keys) for also in wanted
    ]
    await work.writer.open_linked(work.session, linked, siblings, work.now)


def _of_type(also: Also, report_type: ReportType) -> Also:
    return replace(also, report_type=also.report_type or report_type)


async def _save(work: Work, case_id: UUID, *changed: Deadline) -> None:
    """Store deadlines, and the columns that the queue reads."""
    await deadlines.save(work.session, [(case_id, deadline) for deadline in changed])
    locked = await queries.lock(work.session, work.viewer, case_id)
    write_outlook(locked.row, outlook((await deadline_queries.of_cases(work.session, [case_id]))[case_id]))
