"""What only the triage desk, SIRT or a lead decides about a case: first the pure decisions, then the use cases.

The desk decides on union activity, SIRT on accounts and data, leads on people.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Account, Handle
from services.triage.cases import changes, domain, queries
from services.triage.cases.access import conflicts
from services.triage.cases.domain import Actor, Case, NotForThisCase, StateForbids, next_version
from services.triage.cases.handlers import Command, Work, execute
from services.triage.cases.tables import CaseAccess, Note
from services.triage.cases.writer import LinkedCase, event_ids, handed_over, resolved, write_outlook
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import UK, Deadline, outlook
from services.triage.reports import handlers as reports
from services.triage.reports import queries as report_queries
from services.triage.routing import queries as routing
from services.triage.routing.domain import Also, RuleBook, decide
from shared.audit import chain
from shared.events import triage
from shared.events.envelope import Event
from shared.events.vocabulary import CaseState, DeadlineKind, Outcome, ReportType, Team, YesNoUnsure
from shared.messaging import dead_letters

BY_A_LEAD = "opened-by-a-lead"


def exempted(case: Case, actor: Actor) -> Case:
    """Close a case that is outside the policy: trade union activity (C-j).

    Raises:
        NotForThisCase: it is not such a case, or not with the triage desk.
        StateForbids: it is finished.
        NotYourClaim: claim it first.
    """
    _require_the_desks_decision(case, actor)
    return next_version(domain.seen(domain.unassigned(case)), state=CaseState.CLOSED, outcome=Outcome.EXEMPT)


def not_exempted(case: Case, actor: Actor, team: Team, category: str) -> Case:
    """Send a case that is not union activity to `team`, the team that the rules then choose.

    Raises:
        NotForThisCase, StateForbids, NotYourClaim: as for `exempted`.
    """
    _require_the_desks_decision(case, actor)
    return next_version(case, category=category) if team is case.team else domain.moved(case, team, category)


def aware_of_breach(case: Case, actor: Actor, now: datetime) -> Case:
    """Record that SIRT knows of a breach of personal data: the legal deadline runs from now (Sc-b).

    Raises:
        NotForThisCase: it is recorded already, or another team has the case.
        NotYourClaim: claim it first, or be a lead.
    """
    if case.team is not Team.SIRT or case.breach_aware_at is not None:
        raise NotForThisCase
    domain.require_claim(case, actor)
    return next_version(case, breach_aware_at=now, only_claimed=False)


def breach_decided(case: Case, actor: Actor) -> Case:
    """Record the decision about a breach: whether the regulator and the people affected are told.

    Raises:
        NotForThisCase: no breach is recorded, or another team has the case.
        NotYourClaim: claim it first, or be a lead.
    """
    if case.team is not Team.SIRT or case.breach_aware_at is None:
        raise NotForThisCase
    domain.require_claim(case, actor)
    return next_version(case, only_claimed=False)


def compromise_confirmed(case: Case, actor: Actor) -> Case:
    """Confirm that an outsider controls registered accounts.

    Raises:
        NotForThisCase: another team has the case.
        StateForbids: it is finished.
        NotYourClaim: claim it first, or be a lead.
    """
    if case.team is not Team.SIRT:
        raise NotForThisCase
    if case.finished:
        raise StateForbids(case.state)
    domain.require_claim(case, actor)
    return next_version(case, only_claimed=False)


def misuse_opened(case: Case, actor: Actor) -> Case:
    """Open a linked, restricted case of misuse for abuse by a colleague: only a lead decides that (S1).

    Raises:
        NotForThisCase: it is not abuse, or the actor does not lead SMART.
    """
    if case.team is not Team.SMART or case.report_type is not ReportType.ABUSE or not actor.lead:
        raise NotForThisCase
    return next_version(case, only_claimed=False)


def named(case: Case, actor: Actor) -> Case:
    """Let a colleague see a restricted case; the team's lead chooses who.

    Raises:
        NotForThisCase: the case is not restricted, its team decides together, or the actor does not lead it.
    """
    if not case.restricted or case.team not in domain.LED or not actor.lead:
        raise NotForThisCase
    return next_version(case)


def _require_the_desks_decision(case: Case, actor: Actor) -> None:
    if case.team is not Team.TRIAGE_DESK or case.category != domain.UNION_ACTIVITY:
        raise NotForThisCase
    if case.finished:
        raise StateForbids(case.state)
    domain.require_claim(case, actor)


async def exempt(work: Work, case_id: UUID, read: int) -> Case:
    """Close a case outside the policy, and erase who it was about and everything written about them (C-j).

    After that, no one can tell who to keep it from, so only the person who decided still sees it.
    """

    def events(_before: Case, after: Case) -> list[Event]:
        closed = triage.CaseClosed(**event_ids(after, work.now), team=after.team)
        return [resolved(after, Outcome.EXEMPT, work.now), closed]

    case = await execute(work, case_id, read, Command("exempted", exempted, events))
    proved = await reports.erase_subject(work.session, case.report_id)
    await work.session.execute(delete(Note).where(Note.case_id == case_id))
    await work.session.execute(delete(CaseAccess).where(CaseAccess.case_id == case_id))
    await work.session.execute(insert(CaseAccess).values(case_id=case_id, subject=work.viewer.subject))
    locked = await queries.lock(work.session, work.viewer, case_id)
    locked.row.kept_from, locked.row.kept_from_alone = [], None
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
    await work.writer.forget(work.session, [one.case.case_id for one in siblings], work.now)
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
        lambda case, actor: not_exempted(case, actor, decision.team, decision.category),
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
    case = await execute(work, case_id, read, Command("misuse_opened", misuse_opened, reason=reason))
    sentence = "The lead of SMART sees misuse by a colleague beside the abuse. The triage desk decides who works it."
    also = Also(Team.TRIAGE_DESK, "S1", sentence, ReportType.MISUSE, rule=BY_A_LEAD)
    kept_from = await report_queries.keys_kept_from(work.session, case.report_id)
    await _open_linked(work, case, [also], "misuse", kept_from)
    return case


async def become_aware(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Record that SIRT knows of a breach of personal data: 72 hours run from now (Sc-b)."""
    aware = Command("breach_aware", lambda case, actor: aware_of_breach(case, actor, work.now), reason=reason)
    case = await execute(work, case_id, read, aware)
    await _save(work, case_id, work.writer.deadlines.breach(work.now))
    return case


async def decide_breach(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Record the decision about a breach: whether the regulator and the people affected are told, and why."""
    case = await execute(work, case_id, read, Command("breach_decided", breach_decided, reason=reason))
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
    compromised = Command("compromise_confirmed", compromise_confirmed, events, says=says)
    return await execute(work, case_id, read, compromised)


async def name_person(work: Work, case_id: UUID, read: int, staff_id: str) -> Case:
    """Let a colleague in the team see a restricted case. People it is kept from still cannot see it."""
    people = {*(await queries.people_named(work.session, [case_id]))[case_id], staff_id}
    state = {"access": queries.access(people)}
    who = Command("person_named", named, personal={"person": staff_id}, state=state)
    case = await execute(work, case_id, read, who)
    access = insert(CaseAccess).values(case_id=case_id, subject=staff_id)
    await work.session.execute(access.on_conflict_do_nothing())
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
    same = locked.row.own_keys
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
    await changes.carry_clocks(work.session, [case_id])
