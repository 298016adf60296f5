"""Turns that a case takes by what others say or decide: its reporter, a manager, the triage desk, SIRT. Pure."""

from dataclasses import dataclass
from datetime import datetime

from services.triage.cases.domain import (
    FINISHED,
    UNION_ACTIVITY,
    Actor,
    Case,
    NotYourClaim,
    StateForbids,
    following,
    unassigned,
)
from shared.events.vocabulary import CaseState, Outcome, ReportType, Team

_LED = frozenset({Team.SMART, Team.SIRT})
"""Teams with leads of their own; in the others everybody sees what the team has."""


class NotForThisCase(Exception):
    """The action is for cases of another kind or another team."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where a case goes by the rules, once a person has answered what the rules could not."""

    team: Team
    category: str


def informed(case: Case) -> Case:
    """Take note of what the reporter added: a case that waited for it goes on, and so do its clocks."""
    waits = case.state is CaseState.AWAITING_INFORMATION
    return following(case, state=CaseState.IN_PROGRESS if waits else case.state)


def withdrawal_asked(case: Case, at: datetime) -> Case:
    """Take note that the reporter wants nothing more done; the team decides, so nothing else changes."""
    return following(case, withdrawn_at=at)


def assigned(case: Case, manager: str) -> Case:
    """Say which manager works it (R-d)."""
    return following(case, manager=manager)


def moved(case: Case, to: Team, category: str | None = None) -> Case:
    """Hand an open case over without anybody's claim; one that is there already, or finished, stays as it is."""
    if case.team is to or case.state in FINISHED:
        return case
    return following(
        unassigned(case),
        state=CaseState.NEW,
        team=to,
        category=category or case.category,
        manager=None,
        transfers=case.transfers + 1,
        held_by=(*case.held_by, to),
    )


def concluded(case: Case, outcome: Outcome) -> Case:
    """End a case that a manager has dealt with; one that is finished stays as it ended."""
    if case.state in FINISHED:
        return following(case)
    return following(unassigned(case), state=CaseState.RESOLVED, outcome=outcome)


def exempted(case: Case, actor: Actor) -> Case:
    """Close a case that is outside the policy: trade union activity (C-j).

    Raises:
        NotForThisCase: it is no such case, or not with the triage desk.
        StateForbids: it is finished.
        NotYourClaim: claim it first.
    """
    _require_the_desks_decision(case, actor)
    return following(unassigned(case), state=CaseState.CLOSED, outcome=Outcome.EXEMPT)


def not_exempted(case: Case, actor: Actor, way: Way) -> Case:
    """Send a case the way that the rules say for what is no union activity.

    Raises:
        NotForThisCase, StateForbids, NotYourClaim: as for `exempted`.
    """
    _require_the_desks_decision(case, actor)
    return following(case, category=way.category) if way.team is case.team else moved(case, way.team, way.category)


def aware_of_breach(case: Case, actor: Actor, now: datetime) -> Case:
    """Record that SIRT is aware of a breach of personal data: the law counts from here (Sc-b).

    Raises:
        NotForThisCase: it is recorded already, or another team has the case.
        NotYourClaim: claim it first, or be a lead.
    """
    if case.team is not Team.SIRT or case.breach_aware_at is not None:
        raise NotForThisCase
    _require_hold(case, actor)
    return following(case, breach_aware_at=now)


def breach_decided(case: Case, actor: Actor) -> Case:
    """Record what was decided about a breach: whether regulator and people were told.

    Raises:
        NotForThisCase: no breach is recorded, or another team has the case.
        NotYourClaim: claim it first, or be a lead.
    """
    if case.team is not Team.SIRT or case.breach_aware_at is None:
        raise NotForThisCase
    _require_hold(case, actor)
    return following(case)


def compromise_confirmed(case: Case, actor: Actor) -> Case:
    """Say that somebody else controls registered accounts.

    Raises:
        NotForThisCase: another team has the case.
        StateForbids: it is finished.
        NotYourClaim: claim it first, or be a lead.
    """
    if case.team is not Team.SIRT:
        raise NotForThisCase
    if case.state in FINISHED:
        raise StateForbids(case.state)
    _require_hold(case, actor)
    return following(case)


def misuse_opened(case: Case, actor: Actor) -> Case:
    """Open a linked, restricted case of misuse beside abuse by a colleague: a lead's decision alone (S1).

    Raises:
        NotForThisCase: it is not abuse, or the actor does not lead SMART.
    """
    if case.team is not Team.SMART or case.report_type is not ReportType.ABUSE or not actor.lead:
        raise NotForThisCase
    return following(case)


def named(case: Case, actor: Actor) -> Case:
    """Let somebody else see a restricted case: its team's lead decides who.

    Raises:
        NotForThisCase: the case is not restricted, its team decides together, or the actor does not lead it.
    """
    if not case.restricted or case.team not in _LED or not actor.lead:
        raise NotForThisCase
    return following(case)


def _require_the_desks_decision(case: Case, actor: Actor) -> None:
    if case.team is not Team.TRIAGE_DESK or case.category != UNION_ACTIVITY:
        raise NotForThisCase
    if case.state in FINISHED:
        raise StateForbids(case.state)
    _require_hold(case, actor)


def _require_hold(case: Case, actor: Actor) -> None:
    if case.assignee != actor.subject and not actor.lead:
        raise NotYourClaim
