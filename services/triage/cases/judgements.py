"""Decisions that only some may take: the triage desk on union activity, SIRT on accounts and data, leads on people."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Account, Handle
from services.triage.cases import queries, turns
from services.triage.cases.changes import event_ids, handed_over, resolved
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Step, Work, take
from services.triage.cases.linking import Wish, open_linked
from services.triage.cases.recording import Recorder
from services.triage.cases.tables import CaseAccess, Note
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import outlook
from services.triage.reports import handlers as reports
from services.triage.reports import queries as report_queries
from services.triage.routing import queries as routing
from services.triage.routing.domain import Also, RuleBook, decide
from shared.audit import chain
from shared.events.envelope import Event
from shared.events.triage import CaseClosed, CaseCompromiseConfirmed
from shared.events.vocabulary import DeadlineKind, Outcome, ReportType, Team, YesNoUnsure

_UK = ZoneInfo("Europe/London")
BY_A_LEAD = "opened-by-a-lead"


async def exempt(work: Work, case_id: UUID, read: int) -> Case:
    """Close what is outside the policy, and erase whom it was about and everything written about them (C-j).

    From then on nobody could tell from whom to keep it: whoever decided is the only one who sees it still.
    """

    def events(_before: Case, after: Case) -> list[Event]:
        closed = CaseClosed(**event_ids(after, work.now), team=after.team)
        return [resolved(after, Outcome.EXEMPT, work.now), closed]

    step = Step("exempted", lambda case: turns.exempted(case, work.viewer.actor(case)), events)
    case = await take(work, case_id, read, step)
    await reports.erase_subject(work.session, case.report_id)
    await work.session.execute(delete(Note).where(Note.case_id == case_id))
    await work.session.execute(delete(CaseAccess).where(CaseAccess.case_id == case_id))
    await work.session.execute(insert(CaseAccess).values(case_id=case_id, subject=work.viewer.subject))
    await chain.erase(work.session, [case_id])
    row = await queries.lock(work.session, work.viewer, case_id)
    row.kept_from = []
    return case


async def not_exempt(work: Work, case_id: UUID, read: int, reason: str, book: RuleBook) -> Case:
    """Send what is no union activity the way that the rules say then."""
    made = (await routing.decisions(work.session, [case_id]))[case_id]
    classes = tuple(kind for kind in made.facts.account_classes if kind != "union")
    facts = replace(made.facts, union_activity=YesNoUnsure.NO.value, account_classes=classes)
    decision = decide(facts, book, work.now.astimezone(_UK).date())
    way = turns.Way(decision.team, decision.category)

    def events(before: Case, after: Case) -> list[Event]:
        if before.team is after.team:
            return []
        return [handed_over(before, after, work.now, work.clocks)]

    step = Step(
        "not_exempted",
        lambda case: turns.not_exempted(case, work.viewer.actor(case), way),
        events,
        reason=reason,
        says={"rule": decision.rule},
    )
    case = await take(work, case_id, read, step)
    await _open(work, case, decision.also, _Like(decision.rule, decision.category))
    return case


async def open_misuse(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Open a linked, restricted case of misuse beside abuse by a colleague: the triage desk decides who works it."""
    step = Step("misuse_opened", lambda case: turns.misuse_opened(case, work.viewer.actor(case)), reason=reason)
    case = await take(work, case_id, read, step)
    sentence = "The lead of SMART sees misuse by a colleague beside the abuse. The triage desk decides who works it."
    also = Also(Team.TRIAGE_DESK, "S1", sentence, ReportType.MISUSE)
    kept_from = await report_queries.keys_kept_from(work.session, case.report_id)
    await _open(work, case, [also], _Like(BY_A_LEAD, "misuse", kept_from))
    return case


async def become_aware(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Record that SIRT is aware of a breach of personal data: 72 hours run from now (Sc-b)."""
    step = Step(
        "breach_aware", lambda case: turns.aware_of_breach(case, work.viewer.actor(case), work.now), reason=reason
    )
    case = await take(work, case_id, read, step)
    await deadlines.save(work.session, [(case_id, work.clocks.breach(work.now))])
    await _look_again(work, case_id)
    return case


async def decide_breach(work: Work, case_id: UUID, read: int, reason: str) -> Case:
    """Record what was decided: whether the regulator and the people affected are told, and why."""
    step = Step("breach_decided", lambda case: turns.breach_decided(case, work.viewer.actor(case)), reason=reason)
    case = await take(work, case_id, read, step)
    clocks = (await deadline_queries.of_cases(work.session, [case_id]))[case_id]
    met = [replace(one, met_at=work.now) for one in clocks if one.kind is DeadlineKind.PERSONAL_DATA_BREACH]
    await deadlines.save(work.session, [(case_id, clock) for clock in met if clock.met_at])
    await _look_again(work, case_id)
    return case


async def confirm_compromise(work: Work, case_id: UUID, read: int, chosen: Sequence[UUID]) -> Case:
    """Say that somebody else controls registered accounts of the report; the register freezes them."""
    case = await queries.get(work.session, work.viewer, case_id)
    known = {account.account_id for _, account in await registered_accounts(work, case)}
    confirmed = tuple(account_id for account_id in chosen if account_id in known)
    if not confirmed:
        raise turns.NotForThisCase

    def events(_before: Case, after: Case) -> list[Event]:
        return [CaseCompromiseConfirmed(**event_ids(after, work.now), account_ids=confirmed)]

    step = Step(
        "compromise_confirmed",
        lambda one: turns.compromise_confirmed(one, work.viewer.actor(one)),
        events,
        says={"accounts": ", ".join(map(str, confirmed))},
    )
    return await take(work, case_id, read, step)


async def name_person(work: Work, case_id: UUID, read: int, staff_id: str) -> Case:
    """Let a colleague of the team see a restricted case. Who is kept from it stays kept from it."""
    step = Step(
        "person_named",
        lambda case: turns.named(case, work.viewer.actor(case)),
        personal={"person": staff_id},
    )
    case = await take(work, case_id, read, step)
    named = insert(CaseAccess).values(case_id=case_id, subject=staff_id)
    await work.session.execute(named.on_conflict_do_nothing())
    return case


async def registered_accounts(work: Work, case: Case) -> list[tuple[Handle, Account]]:
    """Return the registered accounts that the report names."""
    handles = await report_queries.accounts_of(work.session, case.report_id)
    return sorted((await accounts.registered(work.session, handles)).items())


async def _open(work: Work, origin: Case, wanted: Sequence[Also], like: "_Like") -> None:
    if not wanted:
        return
    siblings = await queries.lock_reports(work.session, [origin.report_id])
    [row] = [row for row in siblings if row.case_id == origin.case_id]
    wishes = [
        Wish(
            origin=row,
            team=also.team,
            report_type=also.report_type or origin.report_type,
            category=like.category,
            rule=like.rule,
            clause=also.clause,
            sentence=also.sentence,
            by=work.viewer.subject,
            restricted=True,
            kept_from=like.kept_from if like.kept_from is not None else tuple(row.kept_from),
        )
        for also in wanted
    ]
    await open_linked(work.session, wishes, siblings, work.now, Recorder(work.clocks, work.ids, work.outbox))


@dataclass(frozen=True, slots=True)
class _Like:
    """What linked cases of misuse have in common."""

    rule: str
    category: str
    kept_from: tuple[str, ...] | None = None
    """Keys of those who may never open them; None for those whom the first case is kept from."""


async def _look_again(work: Work, case_id: UUID) -> None:
    row = await queries.lock(work.session, work.viewer, case_id)
    clocks = (await deadline_queries.of_cases(work.session, [case_id]))[case_id]
    queries.write_outlook(row, outlook(clocks))
