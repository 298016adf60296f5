"""Stores new cases with everything that a case needs, in as many statements for a hundred as for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.changes import event_ids
from services.triage.cases.clocks import ClockRules
from services.triage.cases.domain import Case
from services.triage.cases.tables import CaseRow
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines.domain import Clock, outlook
from services.triage.routing import handlers as routing
from services.triage.routing.domain import Decision
from shared.audit import chain
from shared.audit.chain import Change
from shared.db.bulk import copy_in
from shared.events.envelope import Event, NewEvent
from shared.events.triage import CaseOpened, CaseRouted
from shared.events.vocabulary import CaseState, Priority, ReportType, Team
from shared.ids import CaseId, Ids, ReportId
from shared.messaging.outbox import Outbox

SYSTEM = "system:triage"


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case about to be stored."""

    case: Case
    link_number: int
    decision: Decision
    clock: Clock
    platform: str
    what: tuple[str, ...]
    """What happened, in the words of the case's type."""
    kept_from: tuple[str, ...]
    """Keys of those who may never open it."""
    by: str = SYSTEM


def new_case(  # noqa: PLR0913 - what a case is made of
    *,
    case_id: CaseId,
    report_id: ReportId,
    reference: str,
    report_type: ReportType,
    team: Team,
    priority: Priority,
    category: str,
    restricted: bool,
    submitted_at: datetime,
    opened_at: datetime,
) -> Case:
    """Return a case that nobody has looked at."""
    return Case(
        case_id=case_id,
        report_id=report_id,
        reference=reference,
        report_type=report_type,
        team=team,
        state=CaseState.NEW,
        priority=priority,
        restricted=restricted,
        version=1,
        transfers=0,
        held_by=(team,),
        submitted_at=submitted_at,
        opened_at=opened_at,
        category=category,
    )


async def store(
    session: AsyncSession, new: Sequence[NewCase], now: datetime, clocks: ClockRules, ids: Ids, outbox: Outbox
) -> None:
    """Store cases, decisions, clocks and activities, and tell of them."""
    if not new:
        return
    await copy_in(session, CaseRow.table(), [_row(one) for one in new])
    await routing.store(session, [(one.case.case_id, one.decision) for one in new], now)
    await deadlines.start(session, [(one.case.case_id, one.clock) for one in new])
    await chain.append(session, [(one.case.case_id, _opened(one)) for one in new], now, ids)
    await outbox.begin(session, [event for one in new for event in _events(one, now, clocks)], now)


def routed(case: Case, decision: Decision, now: datetime, clocks: ClockRules, *, linked: bool) -> CaseRouted:
    """Return the event that says why a case is with its team."""
    return CaseRouted(
        **event_ids(case, now),
        report_type=case.report_type,
        team=case.team,
        rule=decision.rule,
        clause=decision.clause,
        rulebook=decision.rulebook,
        misdirected=decision.misdirected,
        form=decision.facts.form,  # type: ignore[arg-type] # read openly: a word of an older version is no reason to fail
        category=decision.category,
        priority=case.priority,
        restricted=case.restricted,
        linked=linked,
        staffed=clocks.at_work(case.team, now),
    )


def _row(new: NewCase) -> dict[str, object]:
    case, view = new.case, outlook([new.clock])
    return {
        "case_id": case.case_id,
        "report_id": case.report_id,
        "link_number": new.link_number,
        "reference": case.reference,
        "report_type": case.report_type,
        "category": case.category,
        "team": case.team,
        "state": case.state,
        "priority": case.priority,
        "restricted": case.restricted,
        "platform": new.platform,
        "behaviours": list(new.what),
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
        "kept_from": list(new.kept_from),
    }


def _opened(new: NewCase) -> Change:
    case = new.case
    after = {
        "version": str(case.version),
        "state": str(case.state),
        "team": str(case.team),
        "priority": str(case.priority),
        "rule": new.decision.rule,
    }
    return Change("opened", new.by, after=after)


def _events(new: NewCase, now: datetime, clocks: ClockRules) -> list[NewEvent]:
    case, linked = new.case, new.link_number > 1
    opened = CaseOpened(
        **event_ids(case, now),
        report_type=case.report_type,
        team=case.team,
        priority=case.priority,
        restricted=case.restricted,
        linked=linked,
    )
    events: list[Event] = [opened, routed(case, new.decision, now, clocks, linked=linked)]
    return [NewEvent.of(case.case_id, event) for event in events]
