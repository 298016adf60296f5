"""What people do to step back from a case, and what their leads do about it."""

from uuid import UUID

from services.triage.cases import queries as cases
from services.triage.cases.access import conflict_key
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.queries import LockedCase
from services.triage.cases.writer import Transition
from services.triage.wellbeing import domain
from shared.events.vocabulary import Outcome


async def declare_conflict(work: Work, case_id: UUID) -> None:
    """Keep every case of the report from the person who declares a conflict of interest, until a lead decides.

    Whoever it is need not say why. An exempt case is kept from everyone else anyway, and says nothing of anyone (C-j).

    Raises:
        CaseNotFound: there is no such case, or they may not see it.
    """
    case = await cases.get(work.session, work.viewer, case_id)
    key = conflict_key(work.viewer.subject)
    siblings = await cases.lock_reports(work.session, [case.report_id])
    open_to_them = [one for one in siblings if one.case.outcome is not Outcome.EXEMPT and key not in one.row.kept_from]
    await work.writer.record(work.session, [_declared(work, one, key) for one in open_to_them], work.now)


async def end_conflict(work: Work, case_id: UUID, staff_id: str) -> Case:
    """Let a person see a case again in which they declared a conflict of interest.

    Raises:
        CaseNotFound: there is no such case, or the lead may not see it.
        NotForThisCase: they do not lead the team that has it.
        NoConflictDeclared: that person is not kept from it for this.
    """
    locked = await cases.lock(work.session, work.viewer, case_id)
    domain.require_lead(work.viewer.actor(locked.case))
    key = conflict_key(staff_id)
    if key not in locked.row.kept_from:
        raise domain.NoConflictDeclared
    left = tuple(one for one in locked.row.kept_from if one != key)
    ended = Transition(
        locked,
        locked.case,
        "conflict_ended",
        work.viewer.subject,
        personal={"person": staff_id},
        kept_from=left,
    )
    await work.writer.record(work.session, [ended], work.now)
    return locked.case


def _declared(work: Work, locked: LockedCase, key: str) -> Transition:
    after = domain.without(locked.case, work.viewer.actor(locked.case))
    kept_from = (*locked.row.kept_from, key)
    return Transition(locked, after, "conflict_declared", work.viewer.subject, kept_from=kept_from)
