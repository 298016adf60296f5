"""Opens cases for a batch of reports: decides for all, then stores all, in a handful of statements."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Account, Handle
from services.triage.cases.changes import event_ids
from services.triage.cases.clocks import ClockRules
from services.triage.cases.domain import Case
from services.triage.cases.tables import CaseRow
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines.domain import Clock, outlook
from services.triage.reports import handlers as reports
from services.triage.reports import queries as report_queries
from services.triage.reports.domain import accounts_named
from services.triage.routing import facts
from services.triage.routing import handlers as routing
from services.triage.routing.domain import Decision, RuleBook, decide
from shared.audit import chain
from shared.audit.chain import Change
from shared.events.envelope import Envelope, Event, NewEvent
from shared.events.intake import AbuseReportSubmitted
from shared.events.people_keys import identity_keys, keys_of_named
from shared.events.triage import CaseOpened, CaseRouted
from shared.events.vocabulary import CaseState, ReportType
from shared.ids import CaseId, Ids, Reference, ReportId
from shared.messaging.outbox import Outbox

SYSTEM = "system:triage"
_UK = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Opening:
    """What opening cases needs beside the reports."""

    rulebook: Callable[[], RuleBook]
    clocks: ClockRules
    ids: Ids
    outbox: Outbox


@dataclass(frozen=True, slots=True)
class _New:
    """A case about to be stored."""

    case: Case
    link_number: int
    decision: Decision
    clock: Clock
    report: AbuseReportSubmitted


async def open_for_abuse_reports(
    session: AsyncSession, envelopes: Sequence[Envelope[AbuseReportSubmitted]], now: datetime, *, opening: Opening
) -> None:
    """Open a case for each report, and one more for each linked case; a report that has one gets none."""
    named = [(envelope.data, accounts_named(envelope.data)) for envelope in envelopes]
    every_handle = [handle for _, handles in named for handle in handles]
    registered = await accounts.registered(session, every_handle)
    earlier = await report_queries.earlier_reports(session, every_handle, now)
    fresh = await reports.store_abuse_reports(session, named)
    new = [
        case
        for report, handles in named
        if report.report_id in fresh
        for case in _cases(report, _decide(report, handles, registered, earlier, opening, now), opening, now)
    ]
    await _store(session, new, now, opening)


def _decide(
    report: AbuseReportSubmitted,
    handles: Sequence[Handle],
    registered: Mapping[Handle, Account],
    earlier: Mapping[Handle, int],
    opening: Opening,
    now: datetime,
) -> Decision:
    known = [registered[handle] for handle in handles if handle in registered]
    often = max((earlier.get(handle, 0) for handle in handles), default=0)
    return decide(facts.of_abuse_report(report, known, often), opening.rulebook(), now.astimezone(_UK).date())


def _cases(report: AbuseReportSubmitted, decision: Decision, opening: Opening, now: datetime) -> Iterable[_New]:
    yield _case(report, decision, 1, opening, now)
    for number, also in enumerate(decision.also, start=2):
        linked = replace(decision, team=also.team, clause=also.clause, sentence=also.sentence, misdirected=False)
        yield _case(report, linked, number, opening, now)


def _case(report: AbuseReportSubmitted, decision: Decision, number: int, opening: Opening, now: datetime) -> _New:
    case = Case(
        case_id=CaseId(opening.ids.uuid()),
        report_id=ReportId(report.report_id),
        reference=report.reference if number == 1 else Reference(report.reference).linked(number),
        report_type=ReportType.ABUSE,
        team=decision.team,
        state=CaseState.NEW,
        priority=decision.priority,
        restricted=decision.restricted,
        version=1,
        transfers=0,
        held_by=(decision.team,),
        submitted_at=report.submitted_at,
        opened_at=now,
    )
    return _New(case, number, decision, opening.clocks.respond(case), report)


async def _store(session: AsyncSession, new: Sequence[_New], now: datetime, opening: Opening) -> None:
    if not new:
        return
    await session.execute(insert(CaseRow.table()), [_row(one) for one in new])
    await routing.store(session, [(one.case.case_id, one.decision) for one in new], now)
    await deadlines.save(session, [(one.case.case_id, one.clock) for one in new])
    await chain.append(session, [(one.case.case_id, _opened(one)) for one in new], now, opening.ids)
    await opening.outbox.append(session, [event for one in new for event in _events(one, now)], now)


def _row(new: _New) -> dict[str, object]:
    case, view = new.case, outlook([new.clock])
    return {
        "case_id": case.case_id,
        "report_id": case.report_id,
        "link_number": new.link_number,
        "reference": case.reference,
        "report_type": case.report_type,
        "team": case.team,
        "state": case.state,
        "priority": case.priority,
        "restricted": case.restricted,
        "platform": new.report.platform,
        "behaviours": list(new.report.behaviours),
        "version": case.version,
        "transfers": case.transfers,
        "held_by": list(case.held_by),
        "outcome": None,
        "submitted_at": case.submitted_at,
        "opened_at": case.opened_at,
        "lease_until": None,
        "due_at": view.due_at,
        "at_risk_at": view.at_risk_at,
        "look_at": view.look_at,
        "assignee": None,
        "assignee_name": None,
        "kept_from": _kept_from(new),
    }


def _kept_from(new: _New) -> list[str]:
    """Return keys of those who may never open the case: who is suspected, and who reported where it is restricted."""
    keys = {key for person in new.report.suspected for key in keys_of_named(person)}
    if new.case.restricted:
        reporter = new.report.reporter
        keys |= identity_keys(staff_id=reporter.staff_id, email=reporter.email)
    return sorted(keys)


def _opened(new: _New) -> Change:
    case = new.case
    after = {
        "version": str(case.version),
        "state": str(case.state),
        "team": str(case.team),
        "priority": str(case.priority),
        "rule": new.decision.rule,
    }
    return Change("opened", SYSTEM, after=after)


def _events(new: _New, now: datetime) -> list[NewEvent]:
    case, decision = new.case, new.decision
    common = event_ids(case, now)
    events: list[Event] = [
        CaseOpened(
            **common,
            report_type=case.report_type,
            team=case.team,
            priority=case.priority,
            restricted=case.restricted,
            linked=new.link_number > 1,
        ),
        CaseRouted(
            **common,
            report_type=case.report_type,
            team=case.team,
            rule=decision.rule,
            clause=decision.clause,
            rulebook=decision.rulebook,
            misdirected=decision.misdirected,
        ),
    ]
    return [NewEvent.of(case.case_id, event) for event in events]
