"""Rulings that only some may give: the triage desk on union activity, SIRT on accounts and data, leads on people."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Account, Handle
from services.triage.cases import domain, queries
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
from shared.events.envelope import Event
from shared.events.triage import CaseClosed, CaseCompromiseConfirmed
from shared.events.vocabulary import DeadlineKind, Outcome, ReportType, Team, YesNoUnsure

BY_A_LEAD = "opened-by-a-lead"


async def exempt(work: Work, case_id: UUID, read: int) -> domain.Case:
    """Close what is outside the policy, and erase whom it was about and everything written about them (C-j).

    From then on no one could tell from whom to keep it: only the person who decided sees it still.
    """

    def events(_before: domain.Case, after: domain.Case) -> list[Event]:
        closed = CaseClosed(**event_ids(after, work.now), team=after.team)
        return [resolved(after, Outcome.EXEMPT, work.now), closed]

    case = await execute(work, case_id, read, Command("exempted", domain.exempted, events))
    await reports.erase_subject(work.session, case.report_id)
    await work.session.execute(delete(Note).where(Note.case_id == case_id))
    await work.session.execute(delete(CaseAccess).where(CaseAccess.case_id == case_id))
    await work.session.execute(insert(CaseAccess).values(case_id=case_id, subject=work.viewer.subject))
    await chain.erase(work.session, [case_id])
    locked = await queries.lock(work.session, work.viewer, case_id)
    locked.row.kept_from = []
    return case


async def not_exempt(work: Work, case_id: UUID, read: int, reason: str, book: RuleBook) -> domain.Case:
    """Send what is no union activity where the rules say then."""
    made = (await routing.decisions(work.session, [case_id]))[case_id]
    classes = tuple(kind for kind in made.facts.account_classes if kind != "union")
    facts = replace(made.facts, union_activity=YesNoUnsure.NO.value, account_classes=classes)
    decision = decide(facts, book, work.now.astimezone(UK).date())

    def events(before: domain.Case, after: domain.Case) -> list[Event]:
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


async def open_misuse(work: Work, case_id: UUID, read: int, reason: str) -> domain.Case:
    """Open a linked, restricted case of misuse beside abuse by a colleague: the triage desk decides who works it."""
    case = await execute(work, case_id, read, Command("misuse_opened", domain.misuse_opened, reason=reason))
    sentence = "The lead of SMART sees misuse by a colleague beside the abuse. The triage desk decides who works it."
    also = Also(Team.TRIAGE_DESK, "S1", sentence, ReportType.MISUSE, rule=BY_A_LEAD)
    kept_from = await report_queries.keys_kept_from(work.session, case.report_id)
    await _open_linked(work, case, [also], "misuse", kept_from)
    return case


async def become_aware(work: Work, case_id: UUID, read: int, reason: str) -> domain.Case:
    """Record that SIRT is aware of a breach of personal data: 72 hours run from now (Sc-b)."""
    aware = Command("breach_aware", lambda case, actor: domain.aware_of_breach(case, actor, work.now), reason=reason)
    case = await execute(work, case_id, read, aware)
    await _save(work, case_id, work.writer.deadlines.breach(work.now))
    return case


async def decide_breach(work: Work, case_id: UUID, read: int, reason: str) -> domain.Case:
    """Record what was decided: whether the regulator and the people affected are told, and why."""
    case = await execute(work, case_id, read, Command("breach_decided", domain.breach_decided, reason=reason))
    kept = (await deadline_queries.of_cases(work.session, [case_id]))[case_id]
    met = [replace(one, met_at=work.now) for one in kept if one.kind is DeadlineKind.PERSONAL_DATA_BREACH]
    await _save(work, case_id, *met)
    return case


async def confirm_compromise(work: Work, case_id: UUID, read: int, chosen: Sequence[UUID]) -> domain.Case:
    """Say that an outsider controls registered accounts of the report; the register freezes them."""
    case = await queries.get(work.session, work.viewer, case_id)
    known = {account.account_id for _, account in await registered_accounts(work, case)}
    confirmed = tuple(account_id for account_id in chosen if account_id in known)
    if not confirmed:
        raise domain.NotForThisCase

    def events(_before: domain.Case, after: domain.Case) -> list[Event]:
        return [CaseCompromiseConfirmed(**event_ids(after, work.now), account_ids=confirmed)]

    says = {"accounts": ", ".join(map(str, confirmed))}
    compromised = Command("compromise_confirmed", domain.compromise_confirmed, events, says=says)
    return await execute(work, case_id, read, compromised)


async def name_person(work: Work, case_id: UUID, read: int, staff_id: str) -> domain.Case:
    """Let a colleague of the team see a restricted case. Who is kept from it stays kept from it."""
    case = await execute(work, case_id, read, Command("person_named", domain.named, personal={"person": staff_id}))
    named = insert(CaseAccess).values(case_id=case_id, subject=staff_id)
    await work.session.execute(named.on_conflict_do_nothing())
    return case


async def registered_accounts(work: Work, case: domain.Case) -> list[tuple[Handle, Account]]:
    """Return the registered accounts that the report names."""
    handles = await report_queries.accounts_of(work.session, case.report_id)
    return sorted((await accounts.registered(work.session, handles)).items())


async def _open_linked(
    work: Work, origin: domain.Case, wanted: Sequence[Also], category: str, kept_from: tuple[str, ...] | None = None
) -> None:
    """Open linked cases of misuse; without `kept_from`, they are kept from those whom the first case is kept from."""
    if not wanted:
        return
    siblings = await queries.lock_reports(work.session, [origin.report_id])
    [locked] = [one for one in siblings if one.case.case_id == origin.case_id]
    keys = tuple(locked.row.kept_from) if kept_from is None else kept_from
    linked = [
        LinkedCase(locked, _of_type(also, origin.report_type), category, work.viewer.subject, keys) for also in wanted
    ]
    await work.writer.open_linked(work.session, linked, siblings, work.now)


def _of_type(also: Also, report_type: ReportType) -> Also:
    return replace(also, report_type=also.report_type or report_type)


async def _save(work: Work, case_id: UUID, *changed: Deadline) -> None:
    """Store deadlines, and what the queue needs of them."""
    await deadlines.save(work.session, [(case_id, deadline) for deadline in changed])
    locked = await queries.lock(work.session, work.viewer, case_id)
    write_outlook(locked.row, outlook((await deadline_queries.of_cases(work.session, [case_id]))[case_id]))
