"""The life of a case (design: domain, section 4). Pure: every function returns the next case or says why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, Team
from shared.ids import CaseId, ReportId

CLAIM_LEASE = timedelta(minutes=10)
"""How long a claim lasts after the last write. Our choice."""

OUTCOMES: Mapping[ReportType, frozenset[Outcome]] = {
    ReportType.ABUSE: frozenset(
        {
            Outcome.REPORTED_TO_PLATFORM,
            Outcome.REMOVED_BY_PLATFORM,
            Outcome.SUPPORT_GIVEN,
            Outcome.POLICE_REFERRAL,
            Outcome.NO_VIOLATION,
            Outcome.INVALID_REPORT,
            Outcome.DUPLICATE,
            Outcome.OUT_OF_SCOPE,
            Outcome.WITHDRAWN,
        }
    ),
    ReportType.MISUSE: frozenset(
        {
            Outcome.NO_BREACH,
            Outcome.ADVICE_GIVEN,
            Outcome.INFORMAL_ACTION,
            Outcome.DISCIPLINARY_ROUTE,
            Outcome.REFERRED,
            Outcome.INSUFFICIENT_INFORMATION,
            Outcome.DUPLICATE,
            Outcome.OUT_OF_SCOPE,
            Outcome.EXEMPT,
            Outcome.WITHDRAWN,
        }
    ),
    ReportType.SECURITY_INCIDENT: frozenset(
        {
            Outcome.CONTAINED,
            Outcome.ERADICATED,
            Outcome.ACCEPTED,
            Outcome.FALSE_POSITIVE,
            Outcome.NOT_AN_INCIDENT,
            Outcome.DUPLICATE,
            Outcome.WITHDRAWN,
        }
    ),
    ReportType.ENQUIRY: frozenset({Outcome.ANSWERED, Outcome.DUPLICATE, Outcome.OUT_OF_SCOPE, Outcome.WITHDRAWN}),
    ReportType.POLICY_EXCEPTION: frozenset(
        {
            Outcome.EXCEPTION_GRANTED,
            Outcome.EXCEPTION_REFUSED,
            Outcome.ANSWERED,
            Outcome.DUPLICATE,
            Outcome.OUT_OF_SCOPE,
            Outcome.WITHDRAWN,
        }
    ),
}
"""Which outcomes fit which type of report (design: domain, section 2)."""

FINISHED = frozenset({CaseState.RESOLVED, CaseState.CLOSED})
BEING_WORKED = frozenset({CaseState.IN_PROGRESS, CaseState.AWAITING_INFORMATION})
HELD = BEING_WORKED | {CaseState.CLAIMED}


class CaseNotFound(Exception):
    """There is no such case, or this person may not know that there is."""


class StateForbids(Exception):
    """The case's state does not allow it."""

    def __init__(self, state: CaseState) -> None:
        super().__init__(state)
        self.state = state


class ClaimedByAnother(Exception):
    """Somebody else holds the claim."""


class NotYourClaim(Exception):
    """Claim the case first; a lead may act without."""


class OutcomeDoesNotFit(Exception):
    """This type of report cannot end so."""


class SameTeam(Exception):
    """The case is with that team already."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something to a case."""

    subject: str
    name: str | None
    lead: bool
    """Whether they lead the team that has the case."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case as its handlers see it."""

    case_id: CaseId
    report_id: ReportId
    reference: str
    report_type: ReportType
    team: Team
    state: CaseState
    priority: Priority
    restricted: bool
    version: int
    transfers: int
    held_by: tuple[Team, ...]
    """Teams that had the case, the present one last."""
    submitted_at: datetime
    opened_at: datetime
    assignee: str | None = None
    assignee_name: str | None = None
    lease_until: datetime | None = None
    outcome: Outcome | None = None
    category: str = ""
    """What the rule that decided calls it."""
    manager: str | None = None
    """Staff id of the line manager who works a case of misuse (R-d)."""
    withdrawn_at: datetime | None = None
    """When the reporter asked that nothing more is done."""
    breach_aware_at: datetime | None = None
    """When SIRT recorded that it is aware of a breach of personal data (Sc-b)."""


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


def claim(case: Case, actor: Actor, now: datetime) -> Case:
    """Take the case, or say "still working": either way the lease runs from now.

    Raises:
        StateForbids: the case is finished.
        ClaimedByAnother: somebody else's claim has not run out.
    """
    if case.state in FINISHED:
        raise StateForbids(case.state)
    if _held_by_another(case, actor, now):
        raise ClaimedByAnother
    state = CaseState.CLAIMED if case.state is CaseState.NEW else case.state
    return _next(_assigned(case, actor, now), state=state)


def release(case: Case, actor: Actor) -> Case:
    """Give the case back to the queue; a lead may end anybody's claim.

    Raises:
        StateForbids: nobody has it.
        NotYourClaim: it is somebody else's.
    """
    if case.assignee is None or case.state in FINISHED:
        raise StateForbids(case.state)
    if case.assignee != actor.subject and not actor.lead:
        raise NotYourClaim
    return _next(_unassigned(case))


def start(case: Case, actor: Actor, now: datetime) -> Case:
    """Begin, or go on after information has come.

    Raises:
        StateForbids: the case is new, being worked already, or finished.
        NotYourClaim: claim it first.
    """
    _require(case, actor, CaseState.CLAIMED, CaseState.AWAITING_INFORMATION)
    return _next(_renewed(case, actor, now), state=CaseState.IN_PROGRESS)


def ask(case: Case, actor: Actor, now: datetime) -> Case:
    """Wait for information; the team's clocks pause.

    Raises:
        StateForbids, NotYourClaim: as for `start`.
    """
    _require(case, actor, CaseState.CLAIMED, CaseState.IN_PROGRESS)
    return _next(_renewed(case, actor, now), state=CaseState.AWAITING_INFORMATION)


def note(case: Case, actor: Actor, now: datetime) -> Case:
    """Write something down. Whoever holds a fresh claim has begun to work by it.

    Raises:
        StateForbids: the case is closed.
    """
    if case.state is CaseState.CLOSED:
        raise StateForbids(case.state)
    mine = case.assignee == actor.subject
    state = CaseState.IN_PROGRESS if mine and case.state is CaseState.CLAIMED else case.state
    return _next(_renewed(case, actor, now), state=state)


def transfer(case: Case, actor: Actor, to: Team) -> Case:
    """Hand the case to another team; its clocks go on. A second transfer, or any return, goes to the triage desk.

    What the triage desk decides stands.

    Raises:
        StateForbids: the case is finished.
        NotYourClaim: claim it first, or be a lead.
        SameTeam: it is there already.
    """
    if case.state in FINISHED:
        raise StateForbids(case.state)
    if case.assignee != actor.subject and not actor.lead:
        raise NotYourClaim
    if to is case.team:
        raise SameTeam
    target = _receiver(case, to)
    moved = _unassigned(replace(case, state=CaseState.NEW))
    return _next(moved, team=target, transfers=case.transfers + 1, held_by=(*case.held_by, target))


def resolve(case: Case, actor: Actor, outcome: Outcome) -> Case:
    """Say how it ended.

    Raises:
        StateForbids: nobody works it, or it is finished already.
        NotYourClaim: claim it first.
        OutcomeDoesNotFit: this type of report cannot end so.
    """
    _require(case, actor, *HELD)
    if outcome not in OUTCOMES.get(case.report_type, frozenset()):
        raise OutcomeDoesNotFit
    return _next(case, state=CaseState.RESOLVED, outcome=outcome, lease_until=None)


def close(case: Case) -> Case:
    """Say that nothing more will happen.

    Raises:
        StateForbids: it was not resolved.
    """
    if case.state is not CaseState.RESOLVED:
        raise StateForbids(case.state)
    return _next(case, state=CaseState.CLOSED)


def reopen(case: Case, actor: Actor, now: datetime) -> Case:
    """Work a finished case again; whoever reopens it has it.

    Raises:
        StateForbids: it is not finished.
    """
    if case.state not in FINISHED:
        raise StateForbids(case.state)
    return _next(_assigned(case, actor, now), state=CaseState.IN_PROGRESS, outcome=None)


def expire(case: Case, now: datetime) -> Case | None:
    """End a lease that has run out: a claim is undone, a case being worked only loses its assignee."""
    if case.lease_until is None or case.lease_until > now:
        return None
    return _next(_unassigned(case))


def _require(case: Case, actor: Actor, *states: CaseState) -> None:
    if case.state not in states:
        raise StateForbids(case.state)
    if case.assignee != actor.subject and not actor.lead:
        raise NotYourClaim


def _held_by_another(case: Case, actor: Actor, now: datetime) -> bool:
    return (
        case.assignee is not None
        and case.assignee != actor.subject
        and (case.lease_until is None or case.lease_until > now)
    )


def _receiver(case: Case, to: Team) -> Team:
    if case.team is Team.TRIAGE_DESK:
        return to
    return Team.TRIAGE_DESK if case.transfers or to in case.held_by else to


def _assigned(case: Case, actor: Actor, now: datetime) -> Case:
    return replace(case, assignee=actor.subject, assignee_name=actor.name, lease_until=now + CLAIM_LEASE)


def _renewed(case: Case, actor: Actor, now: datetime) -> Case:
    if case.assignee != actor.subject or case.state in FINISHED:
        return case
    return replace(case, lease_until=now + CLAIM_LEASE)


def _unassigned(case: Case) -> Case:
    state = CaseState.NEW if case.state is CaseState.CLAIMED else case.state
    return replace(case, state=state, assignee=None, assignee_name=None, lease_until=None)


def _next(case: Case, **changes: object) -> Case:
    return replace(case, version=case.version + 1, **changes)  # type: ignore[arg-type]  # names are checked by replace
