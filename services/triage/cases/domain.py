"""The life of a case (design: domain, section 4). Pure: every function returns the next case or says why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, Team
from shared.ids import CaseId, ReportId

CLAIM_LEASE = timedelta(minutes=10)
"""How long a claim lasts after the last write. Our choice."""

_O = Outcome
_ANY = frozenset({_O.DUPLICATE, _O.OUT_OF_SCOPE, _O.WITHDRAWN})
_ABUSE = {_O.REPORTED_TO_PLATFORM, _O.REMOVED_BY_PLATFORM, _O.SUPPORT_GIVEN, _O.POLICE_REFERRAL, _O.NO_VIOLATION}
_MISUSE = {_O.NO_BREACH, _O.ADVICE_GIVEN, _O.INFORMAL_ACTION, _O.DISCIPLINARY_ROUTE, _O.REFERRED}
_INCIDENT = frozenset({_O.CONTAINED, _O.ERADICATED, _O.ACCEPTED, _O.FALSE_POSITIVE, _O.NOT_AN_INCIDENT})
OUTCOMES: Mapping[ReportType, frozenset[Outcome]] = {
    ReportType.ABUSE: _ANY | _ABUSE | {_O.INVALID_REPORT},
    ReportType.MISUSE: _ANY | _MISUSE | {_O.INSUFFICIENT_INFORMATION},
    ReportType.SECURITY_INCIDENT: _INCIDENT | {_O.DUPLICATE, _O.WITHDRAWN},
    ReportType.ENQUIRY: _ANY | {_O.ANSWERED},
    ReportType.POLICY_EXCEPTION: _ANY | {_O.EXCEPTION_GRANTED, _O.EXCEPTION_REFUSED, _O.ANSWERED},
}
"""Which outcomes fit which type of report (design: domain, section 2). `exempt` is an action of its own."""

UNION_ACTIVITY = "union_activity"
"""The category of what may be trade union activity (C-j): the triage desk decides first whether it is."""
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


class TeamDoesNotFit(Exception):
    """That team does not work cases of this kind."""


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
    return following(_assigned(case, actor, now), state=state)


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
    return following(unassigned(case))


def start(case: Case, actor: Actor, now: datetime) -> Case:
    """Begin, or go on after information has come.

    Raises:
        StateForbids: the case is new, being worked already, or finished.
        NotYourClaim: claim it first.
    """
    require(case, actor, CaseState.CLAIMED, CaseState.AWAITING_INFORMATION)
    return following(_renewed(case, actor, now), state=CaseState.IN_PROGRESS)


def ask(case: Case, actor: Actor, now: datetime) -> Case:
    """Wait for information; the team's clocks pause.

    Raises:
        StateForbids, NotYourClaim: as for `start`.
    """
    require(case, actor, CaseState.CLAIMED, CaseState.IN_PROGRESS)
    return following(_renewed(case, actor, now), state=CaseState.AWAITING_INFORMATION)


def note(case: Case, actor: Actor, now: datetime) -> Case:
    """Write something down. Whoever holds a fresh claim has begun to work by it.

    Raises:
        StateForbids: the case is closed.
    """
    if case.state is CaseState.CLOSED:
        raise StateForbids(case.state)
    mine = case.assignee == actor.subject
    state = CaseState.IN_PROGRESS if mine and case.state is CaseState.CLAIMED else case.state
    return following(_renewed(case, actor, now), state=state)


def transfer(case: Case, actor: Actor, to: Team) -> Case:
    """Hand the case to another team; its clocks go on. A second transfer, or any return, goes to the triage desk.

    What the triage desk decides stands.

    Raises:
        StateForbids: the case is finished.
        NotYourClaim: claim it first, or be a lead.
        SameTeam: it is there already.
        TeamDoesNotFit: managers work misuse alone, once it is known to be no union activity.
    """
    if case.state in FINISHED:
        raise StateForbids(case.state)
    if to not in receivers(case) | {case.team}:
        raise TeamDoesNotFit
    if case.assignee != actor.subject and not actor.lead:
        raise NotYourClaim
    if to is case.team:
        raise SameTeam
    target = _receiver(case, to)
    moved = unassigned(replace(case, state=CaseState.NEW, manager=None))
    return following(moved, team=target, transfers=case.transfers + 1, held_by=(*case.held_by, target))


def receivers(case: Case) -> frozenset[Team]:
    """Return the teams that may be asked to work the case."""
    for_managers = case.report_type is ReportType.MISUSE and case.category != UNION_ACTIVITY
    return frozenset(Team) - {case.team} - (frozenset() if for_managers else {Team.LINE_MANAGER})


def resolve(case: Case, actor: Actor, outcome: Outcome) -> Case:
    """Say how it ended.

    Raises:
        StateForbids: nobody works it, or it is finished already.
        NotYourClaim: claim it first.
        OutcomeDoesNotFit: this type of report cannot end so.
    """
    require(case, actor, *HELD)
    if outcome not in OUTCOMES.get(case.report_type, frozenset()):
        raise OutcomeDoesNotFit
    return following(case, state=CaseState.RESOLVED, outcome=outcome, lease_until=None)


def close(case: Case) -> Case:
    """Say that nothing more will happen.

    Raises:
        StateForbids: it was not resolved.
    """
    if case.state is not CaseState.RESOLVED:
        raise StateForbids(case.state)
    return following(case, state=CaseState.CLOSED)


def reopen(case: Case, actor: Actor, now: datetime) -> Case:
    """Work a finished case again; whoever reopens it has it.

    Raises:
        StateForbids: it is not finished, or was exempt: then there is nothing left to work on.
    """
    if case.state not in FINISHED or case.outcome is Outcome.EXEMPT:
        raise StateForbids(case.state)
    return following(_assigned(case, actor, now), state=CaseState.IN_PROGRESS, outcome=None)


def expire(case: Case, now: datetime) -> Case | None:
    """End a lease that has run out: a claim is undone, a case being worked only loses its assignee."""
    if case.lease_until is None or case.lease_until > now:
        return None
    return following(unassigned(case))


def require(case: Case, actor: Actor, *states: CaseState) -> None:
    """Refuse where the case is in none of `states`, or is not the actor's.

    Raises:
        StateForbids, NotYourClaim: so.
    """
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


def unassigned(case: Case) -> Case:
    """Return the case with nobody on it."""
    state = CaseState.NEW if case.state is CaseState.CLAIMED else case.state
    return replace(case, state=state, assignee=None, assignee_name=None, lease_until=None)


def following(case: Case, **changes: object) -> Case:
    """Return the next version of the case."""
    return replace(case, version=case.version + 1, **changes)  # type: ignore[arg-type]  # names are checked by replace
