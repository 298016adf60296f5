"""Opens cases for a batch of reports by any form: decides for all, then stores all, in a handful of statements."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Account, Handle
from services.triage.cases.clocks import ClockRules
from services.triage.cases.recording import Recorder
from services.triage.cases.storing import NewCase, new_case, store
from services.triage.reports import handlers as reports
from services.triage.reports import queries as report_queries
from services.triage.reports.domain import HISTORY_LIMIT, Filed, accounts_named, kept_from, subject_keys
from services.triage.reports.filing import filed
from services.triage.routing.domain import Also, Decision, RuleBook, decide
from services.triage.routing.facts import History, facts_of
from shared.events.envelope import Envelope, Event
from shared.events.vocabulary import ReportType
from shared.ids import CaseId, Ids, Reference, ReportId
from shared.messaging.outbox import Outbox

_UK = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Opening:
    """What opening cases needs beside the reports."""

    rulebook: Callable[[], RuleBook]
    clocks: ClockRules
    ids: Ids
    outbox: Outbox

    @property
    def recorder(self) -> Recorder:
        """What keeping a step of a case needs."""
        return Recorder(self.clocks, self.ids, self.outbox)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database knows about a batch: one look-up of each kind for all of it."""

    accounts: Mapping[Handle, Account]
    earlier: Counter[Handle]
    repeats: Counter[str]
    references: set[str]

    def history(self, report: Filed, handles: Sequence[Handle]) -> History:
        """Return what is known beside one report."""
        return History(
            accounts=[self.accounts[handle] for handle in handles if handle in self.accounts],
            earlier_reports=min(max((self.earlier[handle] for handle in handles), default=0), HISTORY_LIMIT),
            repeats=min(max((self.repeats[key] for key in subject_keys(report)), default=0), HISTORY_LIMIT),
            incident_known=report.related_reference in self.references,
        )

    def note(self, report: Filed, handles: Sequence[Handle]) -> None:
        """Count a report for those behind it: what is a repeat does not depend on who came in the same batch."""
        self.earlier.update(handles)
        self.repeats.update(subject_keys(report))
        self.references.add(report.reference)


async def open_for_reports(
    session: AsyncSession, envelopes: Sequence[Envelope[Event]], now: datetime, *, opening: Opening
) -> None:
    """Open a case for each report, and one more for each linked case; a report that has one gets none."""
    named = [(report, accounts_named(report)) for report in (filed(envelope.data) for envelope in envelopes)]
    known = await _look_up(session, named, now)
    fresh = await reports.store_reports(session, named)
    today = now.astimezone(_UK).date()
    new: list[NewCase] = []
    for report, handles in named:
        if report.report_id in fresh:
            facts = facts_of(report, known.history(report, handles))
            new += _cases(report, decide(facts, opening.rulebook(), today), opening, now)
            known.note(report, handles)
    await store(session, new, now, opening.clocks, opening.ids, opening.outbox)


async def _look_up(session: AsyncSession, named: Sequence[tuple[Filed, Sequence[Handle]]], now: datetime) -> _Known:
    every_handle = [handle for _, handles in named for handle in handles]
    every_key = [key for report, _ in named for key in subject_keys(report)]
    related = [report.related_reference for report, _ in named if report.related_reference]
    return _Known(
        accounts=await accounts.registered(session, every_handle),
        earlier=Counter(await report_queries.earlier_reports(session, every_handle, now)),
        repeats=Counter(await report_queries.repeats(session, every_key, now)),
        references=await report_queries.known_references(session, related),
    )


def _cases(report: Filed, decision: Decision, opening: Opening, now: datetime) -> Iterable[NewCase]:
    yield _case(report, decision, 1, opening, now)
    for number, also in enumerate(decision.also, start=2):
        yield _case(report, _of_linked(decision, also), number, opening, now)


def _case(report: Filed, decision: Decision, number: int, opening: Opening, now: datetime) -> NewCase:
    case = new_case(
        case_id=CaseId(opening.ids.uuid()),
        report_id=ReportId(report.report_id),
        reference=report.reference if number == 1 else Reference(report.reference).linked(number),
        report_type=ReportType(decision.report_type),
        team=decision.team,
        priority=decision.priority,
        category=decision.category,
        restricted=decision.restricted,
        submitted_at=report.submitted_at,
        opened_at=now,
    )
    return NewCase(
        case=case,
        link_number=number,
        decision=decision,
        clock=opening.clocks.respond(case),
        platform=report.platform,
        what=report.says(case.report_type),
        kept_from=tuple(kept_from(report, restricted=case.restricted)),
    )


def _of_linked(decision: Decision, also: Also) -> Decision:
    """Return the decision of a linked case: as the first one, but for what the wish for it says."""
    return replace(
        decision,
        team=also.team,
        rule=also.rule or decision.rule,
        clause=also.clause,
        sentence=also.sentence,
        report_type=also.report_type or decision.report_type,
        misdirected=also.misdirected,
    )
