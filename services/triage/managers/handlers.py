"""What notifier says about line managers (R-d): who works on misuse, what they did, and what they refer to SIRT."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain, queries
from services.triage.cases.queries import LockedCase
from services.triage.cases.writer import CaseWriter, LinkedCase, Transition, handed_over, resolved
from services.triage.routing.domain import Also
from shared.events.envelope import Envelope, Event
from shared.events.notifier import ManagerActionRecorded, ManagerAssigned, SirtReferralRequested
from shared.events.vocabulary import ManagerAction, Outcome, ReportType, Team

NOTIFIER = "system:notifier"
REFERRED = Also(
    Team.SIRT,
    "R-c",
    "The line manager who works on the case refers it to the Security Incident Response Team (SIRT).",
    ReportType.MISUSE,
    rule="referred-by-the-manager",
)


async def manager_assigned(
    session: AsyncSession, envelopes: Sequence[Envelope[ManagerAssigned]], now: datetime, *, writer: CaseWriter
) -> None:
    """Note who works on each case; a case without a manager goes to the triage desk."""
    cases = await queries.lock_cases(session, [envelope.data.case_id for envelope in envelopes])
    transitions = [
        one
        for envelope in envelopes
        if (locked := cases.get(envelope.data.case_id)) and (one := _assigned(locked, envelope.data, now, writer))
    ]
    await writer.record(session, transitions, now)


async def manager_acted(
    session: AsyncSession, envelopes: Sequence[Envelope[ManagerActionRecorded]], now: datetime, *, writer: CaseWriter
) -> None:
    """Resolve each case with what its manager did; an unknown action goes to the triage desk."""
    cases = await queries.lock_cases(session, [envelope.data.case_id for envelope in envelopes])
    transitions = [
        _acted(locked, envelope.data, now, writer)
        for envelope in envelopes
        if (locked := cases.get(envelope.data.case_id))
    ]
    await writer.record(session, transitions, now)


async def referred(
    session: AsyncSession, envelopes: Sequence[Envelope[SirtReferralRequested]], now: datetime, *, writer: CaseWriter
) -> None:
    """Open a linked case for SIRT for each referral; if SIRT has one already, record the referral there too (R-c)."""
    report_ids = [envelope.data.report_id for envelope in envelopes]
    await queries.lock_reports(session, report_ids)
    siblings = await queries.lock_reports(session, report_ids)  # with any that was opened meanwhile
    cases: dict[UUID, LockedCase] = {locked.case.case_id: locked for locked in siblings}
    asked = [(cases[e.data.case_id], e.data.manager) for e in envelopes if e.data.case_id in cases]
    with_sirt = {one.case.report_id: one for one in siblings if one.case.team is Team.SIRT and not one.case.finished}
    wanted = [
        LinkedCase(locked, REFERRED, locked.case.category, NOTIFIER, tuple(locked.row.kept_from))
        for locked, _ in asked
        if locked.case.report_id not in with_sirt
    ]
    told = {one.case.case_id: (one, who) for locked, who in asked if (one := with_sirt.get(locked.case.report_id))}
    await writer.record(session, [_referred(locked, manager) for locked, manager in (*asked, *told.values())], now)
    await writer.open_linked(session, wanted, siblings, now)


def _assigned(locked: LockedCase, data: ManagerAssigned, now: datetime, writer: CaseWriter) -> Transition | None:
    if not _with_its_manager(locked.case):
        return None
    says = {"reason": str(data.reason)}
    if data.manager is None:
        return _to_the_desk(locked, now, writer, "manager_missing", says)
    after = domain.assigned(locked.case, data.manager)
    return Transition(locked, after, "manager_assigned", NOTIFIER, says=says, personal={"manager": data.manager})


def _acted(locked: LockedCase, data: ManagerActionRecorded, now: datetime, writer: CaseWriter) -> Transition:
    case = locked.case
    says = {"action": str(data.action), "acted_on": data.acted_on.isoformat()}
    personal = {"manager": data.manager}
    if not _with_its_manager(case):
        return Transition(locked, domain.next_version(case), "manager_acted", NOTIFIER, says=says, personal=personal)
    if not isinstance(data.action, ManagerAction):
        return _to_the_desk(locked, now, writer, "manager_acted", says)
    outcome = Outcome(data.action.value)
    after = domain.concluded(case, outcome)
    events: list[Event] = [resolved(after, outcome, now)]
    return Transition(locked, after, "manager_acted", NOTIFIER, says=says, personal=personal, events=events)


def _with_its_manager(case: domain.Case) -> bool:
    return case.team is Team.LINE_MANAGER and not case.finished


def _to_the_desk(
    locked: LockedCase, now: datetime, writer: CaseWriter, action: str, says: dict[str, str]
) -> Transition:
    after = domain.moved(locked.case, Team.TRIAGE_DESK)
    event = handed_over(locked.case, after, now, writer.deadlines)
    return Transition(locked, after, action, NOTIFIER, says=says, events=[event])


def _referred(locked: LockedCase, manager: str) -> Transition:
    after = domain.next_version(locked.case)
    return Transition(locked, after, "referred_to_sirt", NOTIFIER, personal={"manager": manager})
