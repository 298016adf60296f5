"""Stepping back from a case. Pure."""

from services.triage.cases import domain
from services.triage.cases.domain import Actor, Case
from shared.ids import folded_id


class NoConflictDeclared(Exception):
    """That person has not declared a conflict of interest, or sees the case again already."""


def without(case: Case, actor: Actor) -> Case:
    """Return the case without a person who declares a conflict of interest: not theirs, and no news of it for them.

    The version stays if nothing else changes: the work of no one is out of date for that.
    """
    if _same(case.assignee, actor.subject) and not case.finished:
        return domain.next_version(domain.unassigned(case))
    if _same(case.last_had_by, actor.subject):
        return domain.next_version(case, last_had_by=None)
    return case


def _same(staff_id: str | None, other: str) -> bool:
    return staff_id is not None and folded_id(staff_id) == folded_id(other)


def require_lead(actor: Actor) -> None:
    """Check that a person may let someone see a case again.

    Raises:
        NotForThisCase: they do not lead the team that has it.
    """
    if not actor.lead:
        raise domain.NotForThisCase
