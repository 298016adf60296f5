"""The life of a case: its states, who may change them, and how it may end.

Pure: a transition returns the next version of a case, or raises an error that says why it cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, Team
from shared.ids import CaseId, Reference, ReportId

CLAIM_LEASE = timedelta(minutes=10)
"""How long a claim lasts after the last write. Our choice."""
ASSIGNED_LEASE = timedelta(hours=4)
"""The longest that a case stays with a colleague it was assigned to, until they first write. Our choice: half a day."""

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
"""Which outcomes fit which type of report. `exempt` is an action of its own (C-j)."""

UNION_ACTIVITY = "union_activity"
"""The category of what may be trade union activity (C-j): the triage desk decides first whether it is."""
WROTE = "note_shared"
"""What the activity record calls a message to the reporter."""
FINISHED = frozenset({CaseState.RESOLVED, CaseState.CLOSED})
WORKED = (CaseState.CLAIMED, CaseState.IN_PROGRESS, CaseState.AWAITING_INFORMATION)
_UNTOUCHED = frozenset({CaseState.NEW, CaseState.CLAIMED})
LONGEST_QUERY = 8_000
"""The most characters in the query of a queue's address: 12 for each of a search, which its escapes may take."""
LED = frozenset({Team.SMART, Team.SIRT})
"""Teams with leads of their own; in the others everyone sees what the team has."""
_COMPARED = ("version", "state", "team", "assignee", "outcome", "priority", "review_asked_at")


class CaseNotFound(Exception):
    """There is no such case, or this person may not know that it exists."""


class StateForbids(Exception):
    """The case's state does not allow this."""

    def __init__(self, state: CaseState) -> None:
        super().__init__(state)
        self.state = state


class ClaimedByAnother(Exception):
    """Another responder holds the claim."""


class NotYourClaim(Exception):
    """Claim the case first; a lead may act without a claim."""


class OutcomeDoesNotFit(Exception):
    """This type of report cannot have that outcome."""


class ThreatUnanswered(Exception):
    """Someone has to say first whether there is a threat to life, and who was rung."""


class TeamDoesNotFit(Exception):
    """That team does not work on cases of this kind."""


class SameTeam(Exception):
    """The case is already with that team."""


class NotForThisCase(Exception):
    """The action is for cases of another kind or another team."""


class HasItAlready(Exception):
    """The case is with that person already."""


class MayNotHave(Exception):
    """The case is kept from that person, or restricted and they are not named to see it."""


class NoSuchColleague(Exception):
    """No one in the directory has that staff number."""


class SamePriority(Exception):
    """The case has that priority already."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who acts on a case."""

    subject: str
    name: str | None
    lead: bool
    """Whether they lead the team that has the case."""


@dataclass(frozen=True)
class Case:
    """One case as its handlers see it."""

    case_id: CaseId
    report_id: ReportId
    reference: str
    report_type: ReportType
    team: Team
    priority: Priority
    restricted: bool
    submitted_at: datetime
    opened_at: datetime
    held_by: tuple[Team, ...]
    """Teams that had the case, in order; the current one is last."""
    category: str = ""
    """The name that the deciding rule gives it."""
    state: CaseState = CaseState.NEW
    version: int = 1
    transfers: int = 0
    assignee: str | None = None
    assignee_name: str | None = None
    lease_until: datetime | None = None
    last_had_by: str | None = None
    """Staff id of whose claim ran out; None if someone has the case, or gave it back."""
    outcome: Outcome | None = None
    manager: str | None = None
    """Staff id of the line manager who works on a case of misuse (R-d)."""
    withdrawn_at: datetime | None = None
    """When the reporter asked to withdraw the report."""
    replied_at: datetime | None = None
    """Since when something that the reporter wrote or sent is unread by the team."""
    breach_aware_at: datetime | None = None
    """When SIRT recorded that it knows of a breach of personal data (Sc-b)."""
    review_asked_at: datetime | None = None
    """When the reporter asked for the outcome to be looked at again, while that waits (decision 0056)."""
    takedown: str = ""
    """What its take-downs are together; empty if it has none."""
    only_claimed: bool = False
    """Whether no one has worked on it since it was claimed as new: if the claim ends, it is new again."""
    threat_open: bool = False
    """Whether someone has to say first whether there is a threat to life."""
    merged_into: CaseId | None = None  # the case that it follows (decision 0065)
    merged_from: CaseState | None = None  # and while it does, the state that it had before

    @property
    def finished(self) -> bool:
        """Whether it has ended; it can be reopened."""
        return self.state in FINISHED


# What responders do.


def claim(case: Case, actor: Actor, now: datetime) -> Case:
    """Claim the case, or renew the claim: either way the lease starts now, and a new case is in progress.

    Raises:
        StateForbids: the case is finished.
        ClaimedByAnother: another responder's claim is still valid.
    """
    if case.finished:
        raise StateForbids(case.state)
    if _held_by_another(case, actor, now):
        raise ClaimedByAnother
    return next_version(_held_by(case, actor.subject, actor.name, now + CLAIM_LEASE))


def assign(case: Case, actor: Actor, to: str, name: str | None, now: datetime, due_at: datetime | None = None) -> Case:
    """Give the case to a colleague, or to oneself; only a lead takes it from someone else.

    No one else can claim it until an answer to its reporter is due, or for as long as a claim lasts if that is longer.

    Raises:
        StateForbids: the case is finished.
        ClaimedByAnother: another responder's claim is still valid, and the actor leads no one.
        HasItAlready: it is theirs.
    """
    if case.finished:
        raise StateForbids(case.state)
    if _held_by_another(case, actor, now) and not actor.lead:
        raise ClaimedByAnother
    if case.assignee == to:
        raise HasItAlready
    left = max(CLAIM_LEASE, min(due_at - now if due_at else ASSIGNED_LEASE, ASSIGNED_LEASE))
    lease = CLAIM_LEASE if to == actor.subject else left
    return next_version(_held_by(case, to, name, now + lease))


def prioritise(case: Case, actor: Actor, priority: Priority, now: datetime) -> Case:
    """Change the priority; the running deadlines follow.

    Raises:
        StateForbids: the case is finished.
        NotYourClaim: claim it first, or be a lead.
        SamePriority: it has that priority.
    """
    if case.finished:
        raise StateForbids(case.state)
    require_claim(case, actor)
    if case.priority is priority:
        raise SamePriority
    return next_version(_renewed(case, actor, now), priority=priority)


def release(case: Case, actor: Actor) -> Case:
    """Give the case back to the queue; a lead may end any claim.

    Raises:
        StateForbids: no one has it.
        NotYourClaim: another responder has it.
    """
    if case.assignee is None or case.finished:
        raise StateForbids(case.state)
    require_claim(case, actor)
    return next_version(unassigned(case))


def start(case: Case, actor: Actor, now: datetime) -> Case:
    """Continue work on a case that waits for information, or start it on one that was claimed before claims did.

    Raises:
        StateForbids: the case is new, in progress already, or finished.
        NotYourClaim: claim it first.
    """
    _require(case, actor, CaseState.CLAIMED, CaseState.AWAITING_INFORMATION)
    only_claimed = case.state is CaseState.CLAIMED
    return next_version(_renewed(case, actor, now), state=CaseState.IN_PROGRESS, only_claimed=only_claimed)


def ask(case: Case, actor: Actor, now: datetime) -> Case:
    """Wait for information; the team's deadlines pause.

    Raises:
        StateForbids, NotYourClaim: as for `start`.
    """
    _require(case, actor, CaseState.CLAIMED, CaseState.IN_PROGRESS)
    asked = seen(_renewed(case, actor, now))
    return next_version(asked, state=CaseState.AWAITING_INFORMATION, only_claimed=False)


def note(case: Case, actor: Actor, now: datetime) -> Case:
    """Add a note: from then on the case is worked on, and does not become new when the claim ends.

    Raises:
        StateForbids: the case is closed.
    """
    if case.state is CaseState.CLOSED:
        raise StateForbids(case.state)
    mine = case.assignee == actor.subject
    state = CaseState.IN_PROGRESS if mine and case.state is CaseState.CLAIMED else case.state
    return next_version(_renewed(case, actor, now), state=state, only_claimed=False)


def write_to_reporter(case: Case, actor: Actor, now: datetime) -> Case:
    """Add a note that the reporter reads: who writes to them has read what they wrote.

    Raises:
        StateForbids: as for `note`.
    """
    return seen(note(case, actor, now))


def seen(case: Case) -> Case:
    """Note that the team has read what the reporter wrote. The version stays: no one's work is out of date for that."""
    return replace(case, replied_at=None)


def transfer(case: Case, actor: Actor, to: Team) -> Case:
    """Transfer the case to another team. That answers for this team, and the other has as long to take it over (0061).

    A second transfer, or any return, goes to the triage desk, whose own transfers go where it says.

    Raises:
        StateForbids: the case is finished.
        NotYourClaim: claim it first, or be a lead.
        SameTeam: that team has it already.
        TeamDoesNotFit: line managers take only misuse, once it is clear that it is not union activity.
    """
    if case.finished:
        raise StateForbids(case.state)
    if to not in receivers(case) | {case.team}:
        raise TeamDoesNotFit
    require_claim(case, actor)
    if to is case.team:
        raise SameTeam
    return _with_team(case, _receiver(case, to))


def receivers(case: Case) -> frozenset[Team]:
    """Return the teams that the case can be transferred to."""
    for_managers = case.report_type is ReportType.MISUSE and case.category != UNION_ACTIVITY
    return frozenset(Team) - {case.team} - (frozenset() if for_managers else {Team.LINE_MANAGER})


def resolve(case: Case, actor: Actor, outcome: Outcome) -> Case:
    """Resolve the case with an outcome.

    Raises:
        StateForbids: no one is working on it, or it is already finished.
        NotYourClaim: claim it first.
        OutcomeDoesNotFit: this type of report cannot have that outcome.
        ThreatUnanswered: no one said whether there is a threat to life.
    """
    _require(case, actor, *WORKED)
    if case.threat_open:
        raise ThreatUnanswered
    if outcome not in OUTCOMES.get(case.report_type, frozenset()):
        raise OutcomeDoesNotFit
    return next_version(case, state=CaseState.RESOLVED, outcome=outcome, lease_until=None, only_claimed=False)


def close(case: Case) -> Case:
    """Close a resolved case.

    Raises:
        StateForbids: it is not resolved.
    """
    if case.state is not CaseState.RESOLVED:
        raise StateForbids(case.state)
    return next_version(case, state=CaseState.CLOSED)


def reopen(case: Case, actor: Actor, now: datetime) -> Case:
    """Reopen a finished case; the responder who reopens it holds it. An outcome that is gone waits for no review.

    Raises:
        StateForbids: it is not finished, or it was exempt and so has nothing left to work on.
    """
    if not case.finished or case.outcome is Outcome.EXEMPT:
        raise StateForbids(case.state)
    open_again = _held_by(case, actor.subject, actor.name, now + CLAIM_LEASE)
    return next_version(open_again, state=CaseState.IN_PROGRESS, outcome=None, review_asked_at=None, merged_into=None)


def expire(case: Case, now: datetime) -> Case | None:
    """End an expired lease: a case that no one worked on is new again, another only loses its assignee."""
    if case.lease_until is None or case.lease_until > now:
        return None
    return next_version(unassigned(case), last_had_by=case.assignee)


# What the reporter and the line manager do.


def informed(case: Case, at: datetime) -> Case:
    """Note that the reporter wrote or sent something: it is unread, and a case that waited is in progress again."""
    waits = case.state is CaseState.AWAITING_INFORMATION
    state = CaseState.IN_PROGRESS if waits else case.state
    return next_version(case, state=state, replied_at=case.replied_at or at)


def withdrawal_asked(case: Case, at: datetime) -> Case:
    """Note that the reporter asked to withdraw. The team decides, so nothing else changes."""
    return next_version(case, withdrawn_at=at)


def assigned(case: Case, manager: str) -> Case:
    """Record the line manager who works on the case (R-d)."""
    return next_version(case, manager=manager)


def moved(case: Case, to: Team, category: str | None = None) -> Case:
    """Give an open case to another team without a claim; leave it if that team has it, or if it is finished."""
    if case.team is to or case.finished:
        return case
    return _with_team(replace(case, category=category or case.category), to)


def concluded(case: Case, outcome: Outcome) -> Case:
    """Resolve a case that a line manager has dealt with; a finished case keeps its outcome."""
    if case.finished:
        return next_version(case)
    return next_version(unassigned(case), state=CaseState.RESOLVED, outcome=outcome)


# What every transition is made of.


def next_version(case: Case, **changes: object) -> Case:
    """Return the next version of the case."""
    return replace(case, version=case.version + 1, **changes)  # type: ignore[arg-type]  # names are checked by replace


def alone(case: Case) -> Case:
    """Return the case as it would be if it were not merged: by this its clocks run and its claim ends."""
    return replace(case, state=case.merged_from, merged_from=None) if case.merged_from else case


def still(case: Case, after: Case) -> Case:
    """Return what a case becomes that changed as if it were not merged: if it was, it still is."""
    return replace(after, state=case.state, merged_from=after.state) if case.merged_from else after


def leads(before: Case, after: Case, action: str) -> bool:
    """Return whether the cases that are merged into this one follow the change."""
    ended = before.state is not after.state and (before.finished or after.finished)
    return action == WROTE or before.team is not after.team or ended


def differences(before: Case, after: Case) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return what a transition changed, before and after, as texts for the activity record."""
    was, now = vars(before), vars(after)
    changed = [name for name in _COMPARED if was[name] != now[name]]
    return _texts(was, changed), _texts(now, changed)


def facts(values: Mapping[str, object]) -> Mapping[str, str]:
    """Return what the activity record says of every change, of a case with these values."""
    return _texts(values, list(_COMPARED))


def is_linked(reference: str) -> bool:
    """Return whether a reference belongs to a linked case, such as `SP-7K3M-Q9XC-2`."""
    return reference.count("-") > _HYPHENS_OF_A_REPORT


def of_report(reference: str) -> Reference:
    """Return the reference of the case's report: the case's own without a linked case's number."""
    return Reference("-".join(reference.split("-")[: _HYPHENS_OF_A_REPORT + 1]))


_HYPHENS_OF_A_REPORT = 2


def _texts(values: Mapping[str, object], names: list[str]) -> Mapping[str, str]:
    return {name: "" if values[name] is None else str(values[name]) for name in names}


def _require(case: Case, actor: Actor, *states: CaseState) -> None:
    """Check that the case is in one of `states` and that the actor may change it.

    Raises:
        StateForbids: it is in another state.
        NotYourClaim: the actor may not change it.
    """
    if case.state not in states:
        raise StateForbids(case.state)
    require_claim(case, actor)


def require_claim(case: Case, actor: Actor) -> None:
    """Check that the actor may change the case.

    Raises:
        NotYourClaim: they do not have it, and lead no one.
    """
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


def _with_team(case: Case, to: Team) -> Case:
    """Return the case as a new one in the queue of `to`."""
    fresh = replace(unassigned(case), state=CaseState.NEW, team=to, manager=None)
    return next_version(fresh, transfers=case.transfers + 1, held_by=(*case.held_by, to))


def _held_by(case: Case, subject: str, name: str | None, until: datetime) -> Case:
    """Return the case with someone; that starts the work on one that no one touched."""
    held = replace(case, assignee=subject, assignee_name=name, lease_until=until, last_had_by=None)
    return replace(held, state=CaseState.IN_PROGRESS, only_claimed=True) if case.state in _UNTOUCHED else held


def _renewed(case: Case, actor: Actor, now: datetime) -> Case:
    if case.assignee != actor.subject or case.finished:
        return case
    return replace(case, lease_until=now + CLAIM_LEASE)


def unassigned(case: Case) -> Case:
    """Return the case with no one; one that was only claimed is new again."""
    state = CaseState.NEW if case.only_claimed or case.state is CaseState.CLAIMED else case.state
    free = replace(case, assignee=None, assignee_name=None, lease_until=None, last_had_by=None)
    return replace(free, state=state, only_claimed=False)
