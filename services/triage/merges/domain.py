"""When a case may be merged into another, taken out again, or split, and what it is then (decision 0065). Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from services.triage.cases import domain
from services.triage.cases.domain import Actor, Case
from shared.events.vocabulary import CaseState, Priority, Team

UNDO_WITHIN = timedelta(minutes=10)
"""How long who merged or split cases may undo it; a lead may take a merged case out at any time. Our choice."""
MOST_MERGED = 500
"""Cases merged into one: a message to it is stored for all of them in one transaction. More are a campaign."""


class SameCase(Exception):
    """A case cannot be merged into itself."""


class MainCaseNotFound(Exception):
    """There is no such case to merge into, or this person may not see it."""


class MainCaseMerged(Exception):
    """The other case is merged into a third one."""


class MainCaseFinished(Exception):
    """The other case is finished."""


class CasesDiffer(Exception):
    """The cases are of different teams or kinds, or one of them may not be merged at all."""


class ThreatUnanswered(Exception):
    """Someone has to say first whether there is a threat to life: no other case answers that."""


class TooManyMerged(Exception):
    """The case would have more cases merged into it than one message can reach."""


class NotMerged(Exception):
    """The case is not merged into another."""


class NotYoursToUndo(Exception):
    """Another person did it, or the time to undo it is over."""


class NotPartOfCase(Exception):
    """The case has no such behaviour or link."""


class NotSplitOff(Exception):
    """The case was not split off another, or someone has worked on it since."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """What a case is about: some of what its report says."""

    what: tuple[str, ...]
    """What happened, in the words of the case's type."""
    links: tuple[int, ...]
    """Links of the report, counted from 0."""


@dataclass(frozen=True, slots=True)
class Done:
    """Who merged or split a case, and when."""

    by: str
    at: datetime


def merged(case: Case, main: Case, actor: Actor, now: datetime) -> Case:
    """Merge a case into another: it keeps all that it is, and follows the other from now on.

    Raises:
        SameCase, MainCaseMerged, MainCaseFinished, CasesDiffer: it cannot be merged into that one.
        ThreatUnanswered: it cannot be merged yet.
        StateForbids: it is finished or merged already.
        ClaimedByAnother: another responder has it, and the actor leads no one.
    """
    after = given_back(case, main, actor, now)
    if _special(case) or _special(main):
        raise CasesDiffer
    if case.threat_open:
        raise ThreatUnanswered
    return after


def given_back(case: Case, main: Case, actor: Actor, now: datetime) -> Case:
    """Merge a case into the one that it was split off: what sets cases apart from those of other reports is no matter.

    Raises:
        SameCase, MainCaseMerged, MainCaseFinished, CasesDiffer, StateForbids, ClaimedByAnother: as for `merged`.
    """
    if case.case_id == main.case_id:
        raise SameCase
    require_free(case, actor, now)
    if main.state is CaseState.MERGED:
        raise MainCaseMerged
    if main.finished:
        raise MainCaseFinished
    if case.team is not main.team or case.report_type is not main.report_type:
        raise CasesDiffer
    return domain.next_version(case, state=CaseState.MERGED, merged_from=case.state, merged_into=main.case_id)


def require_free(case: Case, actor: Actor, now: datetime) -> None:
    """Check that a case is open by itself, and that no other responder works on it.

    Raises:
        StateForbids: it is finished or merged.
        ClaimedByAnother: another responder has it, and the actor does not lead the team.
    """
    if case.finished or case.state is CaseState.MERGED:
        raise domain.StateForbids(case.state)
    held = case.lease_until is None or case.lease_until > now
    if case.assignee not in {None, actor.subject} and held and not actor.lead:
        raise domain.ClaimedByAnother


def unmerged(case: Case) -> Case:
    """Take a case out of the one that it is merged into: it is what it was, but for what happened to both meanwhile.

    Raises:
        NotMerged: it is in no other case.
    """
    if case.merged_into is None:
        raise NotMerged
    return domain.next_version(case, state=case.merged_from or case.state, merged_from=None, merged_into=None)


def priority_put_back(now: Priority, own: Priority, merged: Collection[Priority]) -> Priority:
    """Return the priority of a case once another was taken out: its own, or a higher one of those still merged into it.

    Args:
        now: the priority that it has.
        own: what its rules, or a person, gave it last; if it has that, nothing is to be put back.
        merged: those of the cases that are still merged into it.
    """
    return now if now is own else max(now, min([own, *merged]))


def require_undoable(done: Done | None, actor: Actor, now: datetime) -> None:
    """Check that this person may undo what was done: the same person for a while, a lead at any time.

    Raises:
        NotYoursToUndo: they may not.
    """
    mine = done is not None and done.by == actor.subject and now - done.at <= UNDO_WITHIN
    if not mine and not actor.lead:
        raise NotYoursToUndo


def divided(whole: Part, what: Sequence[str], links: Sequence[int]) -> tuple[Part, Part]:
    """Return what the case keeps and what is split off. Where nothing, or all, is chosen, both are about all of it.

    Raises:
        NotPartOfCase: something was chosen that the case does not have.
    """
    if not set(what) <= set(whole.what) or not set(links) <= set(whole.links):
        raise NotPartOfCase
    taken = Part(_chosen(whole.what, what), _chosen(whole.links, links))
    return Part(_without(whole.what, what), _without(whole.links, links)), taken


def joined(before: Part, now: Part, back: Part) -> Part:
    """Return what a case is about once a part of it comes back, in the order from before it was split."""
    what = {*now.what, *back.what}
    links = {*now.links, *back.links}
    return Part(tuple(one for one in before.what if one in what), tuple(one for one in before.links if one in links))


def _chosen(whole: Sequence[T], chosen: Collection[T]) -> tuple[T, ...]:
    return tuple(one for one in whole if one in chosen) or tuple(whole)


def _without(whole: Sequence[T], chosen: Collection[T]) -> tuple[T, ...]:
    return tuple(one for one in whole if one not in chosen) or tuple(whole)


def _special(case: Case) -> bool:
    """Return whether what is told about a case may not be told about another report's."""
    return case.restricted or case.team is Team.LINE_MANAGER or case.category == domain.UNION_ACTIVITY
