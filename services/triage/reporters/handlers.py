"""What reporters send: reports, each of which opens a case, and what they add or withdraw later.

A batch is decided as a whole and then stored as a whole, in a few statements.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Account, Handle
from services.triage.cases import domain, queries
from services.triage.cases.writer import CaseWriter, NewCase, Said, Transition, new_case, replied, store_notes
from services.triage.deadlines.domain import UK
from services.triage.reports import handlers as reports
from services.triage.reports import queries as report_queries
from services.triage.reports.domain import (
    HISTORY_LIMIT,
    TriageReport,
    accounts_if_registered,
    accounts_named,
    kept_from,
    subject_keys,
)
from services.triage.reports.normalise import normalise
from services.triage.routing.domain import Decision, History, RuleBook, decide, facts_of
from shared.events import intake
from shared.events.envelope import Envelope, Event
from shared.events.vocabulary import Behaviour, ManagerAlert, Outcome, ReportType
from shared.ids import CaseId, Reference, ReportId

Question = intake.EnquiryAmended | intake.PolicyExceptionAmended
Amended = intake.AbuseReportAmended | intake.MisuseReportAmended | intake.SecurityIncidentAmended | Question
Withdrawn = (
    intake.AbuseReportWithdrawn
    | intake.MisuseReportWithdrawn
    | intake.SecurityIncidentWithdrawn
    | intake.EnquiryWithdrawn
    | intake.PolicyExceptionWithdrawn
)

WITHDRAWN = "The reporter asks to withdraw the report. Decide whether work continues: the report stays."


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows about a batch, read with one statement of each kind."""

    accounts: Mapping[Handle, Account]
    earlier: Counter[Handle]
    repeats: Counter[str]
    references: set[str]

    def history(self, report: TriageReport, handles: Sequence[Handle]) -> History:
        """Return what is known about one report besides its answers."""
        return History(
            accounts=[self.accounts[handle] for handle in handles if handle in self.accounts],
            earlier_reports=min(max((self.earlier[handle] for handle in handles), default=0), HISTORY_LIMIT),
            repeats=min(max((self.repeats[key] for key in subject_keys(report)), default=0), HISTORY_LIMIT),
            incident_known=report.related_reference in self.references,
        )

    def registered(self, handles: Sequence[Handle]) -> tuple[Handle, ...]:
        """Return those of `handles` that the register has."""
        return tuple(handle for handle in handles if handle in self.accounts)

    def note(self, report: TriageReport, handles: Sequence[Handle]) -> None:
        """Count a report for the later ones in the batch, so that repeats do not depend on how reports are batched."""
        self.earlier.update(handles)
        self.repeats.update(subject_keys(report))
        self.references.add(report.reference)


async def open_for_reports(
    session: AsyncSession,
    envelopes: Sequence[Envelope[Event]],
    now: datetime,
    *,
    rulebook: Callable[[], RuleBook],
    writer: CaseWriter,
) -> None:
    """Open a case for each report and one for each linked case; skip a report that already has a case."""
    named = [(report, accounts_named(report)) for report in (normalise(envelope.data) for envelope in envelopes)]
    known = await _look_up(session, named, now)
    named = [(report, (*handles, *known.registered(accounts_if_registered(report)))) for report, handles in named]
    fresh = await reports.store_reports(session, named)
    today = now.astimezone(UK).date()
    new: list[NewCase] = []
    for report, handles in named:
        if report.report_id in fresh:
            facts = facts_of(report, known.history(report, handles))
            first, *linked = _cases(report, decide(facts, rulebook(), today), writer, now)
            new += [replace(first, report=fresh[report.report_id]), *linked]
            known.note(report, handles)
    await writer.open(session, new, now)


async def add_information(
    session: AsyncSession, envelopes: Sequence[Envelope[Amended]], now: datetime, *, writer: CaseWriter
) -> None:
    """Add what reporters wrote to every case of their reports; cases that waited for it are in progress again."""
    added = {envelope.data.report_id: envelope.data for envelope in envelopes}
    agreeing = [report_id for report_id, data in added.items() if _agrees(data)]
    cases = [(locked, added[locked.case.report_id]) for locked in await _lock(session, list(added))]
    agreed = set(await reports.note_agreement(session, agreeing, now)) if agreeing else set()
    notes = [Said(locked, data.text, data.added_at) for locked, data in cases if data.text]
    await store_notes(session, notes, writer)
    transitions = [
        _added(locked, data, now, agrees=locked.case.report_id in agreed)
        for locked, data in cases
        if data.text or locked.case.report_id in agreed
    ]
    await writer.record(session, transitions, now)


async def hear(
    session: AsyncSession, envelopes: Sequence[Envelope[intake.MessageSent]], now: datetime, *, writer: CaseWriter
) -> None:
    """Add what reporters wrote to every case of their reports, whose teams have yet to read it."""
    sent = {envelope.data.report_id: envelope.data for envelope in envelopes}
    cases = [(locked, sent[locked.case.report_id]) for locked in await _lock(session, list(sent))]
    notes = [Said(locked, data.text, data.at, str(data.kind), data.message_id) for locked, data in cases]
    await store_notes(session, notes, writer)
    heard_of = [heard(locked, "information_added", data.at, now, note=data.text) for locked, data in cases]
    await writer.record(session, heard_of, now)


async def ask_withdrawal(
    session: AsyncSession, envelopes: Sequence[Envelope[Withdrawn]], now: datetime, *, writer: CaseWriter
) -> None:
    """Flag the cases of reports whose reporters ask to withdraw; the teams decide."""
    asked_at = {envelope.data.report_id: envelope.data.at for envelope in envelopes}
    cases = await _lock(session, list(asked_at))
    await reports.note_withdrawal(session, list(asked_at), now)
    await store_notes(session, [Said(one, WITHDRAWN, now, queries.NoteKind.WITHDRAWAL) for one in cases], writer)
    transitions = [
        Transition(
            locked,
            domain.withdrawal_asked(locked.case, asked_at[locked.case.report_id]),
            "withdrawal_asked",
            queries.REPORTER,
        )
        for locked in cases
    ]
    await writer.record(session, transitions, now)


async def _look_up(
    session: AsyncSession, named: Sequence[tuple[TriageReport, Sequence[Handle]]], now: datetime
) -> _Known:
    every_handle = [one for report, handles in named for one in (*handles, *accounts_if_registered(report))]
    every_key = [key for report, _ in named for key in subject_keys(report)]
    related = [report.related_reference for report, _ in named if report.related_reference]
    return _Known(
        accounts=await accounts.registered(session, every_handle),
        earlier=Counter(await report_queries.earlier_reports(session, every_handle, now)),
        repeats=Counter(await report_queries.repeats(session, every_key, now)),
        references=await report_queries.known_references(session, related),
    )


def _cases(report: TriageReport, decision: Decision, writer: CaseWriter, now: datetime) -> Iterator[NewCase]:
    yield _case(report, decision, 1, writer, now)
    for number, also in enumerate(decision.also, start=2):
        yield _case(report, decision.of_linked(also), number, writer, now)


def _case(report: TriageReport, decision: Decision, number: int, writer: CaseWriter, now: datetime) -> NewCase:
    case = new_case(
        CaseId(writer.ids.uuid()),
        report.reference if number == 1 else Reference(report.reference).linked(number),
        decision,
        report_id=ReportId(report.report_id),
        submitted_at=report.submitted_at,
        now=now,
    )
    if case.report_type is ReportType.ABUSE and Behaviour.THREAT in report.says(ReportType.ABUSE):
        case = replace(case, threat_open=True)
    return NewCase(
        case=case,
        link_number=number,
        decision=decision,
        deadline=writer.deadlines.respond(case),
        platform=report.platform,
        behaviours=report.says(case.report_type),
        kept_from=tuple(kept_from(report, restricted=case.restricted)),
    )


async def _lock(session: AsyncSession, report_ids: Sequence[UUID]) -> list[queries.LockedCase]:
    """Lock the cases of these reports, except exempt ones, to which nothing can be added."""
    cases = await queries.lock_reports(session, report_ids)
    return [locked for locked in cases if locked.case.outcome is not Outcome.EXEMPT]


def _agrees(data: Amended) -> bool:
    return not isinstance(data, Question) and data.manager_alert is ManagerAlert.YES


def _added(locked: queries.LockedCase, data: Amended, now: datetime, *, agrees: bool) -> Transition:
    says = {"manager_may_be_told": "yes"} if agrees else {}
    if data.text:
        return replace(heard(locked, "information_added", data.added_at, now, note=data.text), says=says)
    return Transition(locked, domain.next_version(locked.case), "manager_agreed", queries.REPORTER, says=says)


def heard(locked: queries.LockedCase, action: str, at: datetime, now: datetime, *, note: str = "") -> Transition:
    """Return what the reporter wrote or sent as a transition: unread until someone of the team reads it.

    Only the first of several unread ones is announced; of a merged case, to the person who has the main case.
    """
    case = locked.case
    after = domain.still(case, domain.informed(domain.alone(case), at))
    events = [] if case.replied_at or case.merged_from else [replied(locked, after, now)]
    personal = {"note": note} if note else {}
    return Transition(locked, after, action, queries.REPORTER, personal=personal, events=events, reply=True)
