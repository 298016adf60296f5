"""Looking at an outcome again: once, in time, by another person than who resolved the case (decision 0056). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.triage.cases import domain
from services.triage.cases.domain import Actor, Case
from shared.events.vocabulary import Outcome, ReviewResult


class NothingToReview(Exception):
    """No one asks for the outcome to be looked at again, or it was already, or the case is open again."""


class ResolvedByThem(Exception):
    """Who resolved the case does not look at its outcome again."""


@dataclass(frozen=True)
class Review:
    """One request to look at an outcome again, and what came of it."""

    case_id: UUID
    resolution: int
    """The position of the resolution in the case's activity record: each outcome is looked at once."""
    outcome: Outcome
    asked_at: datetime
    due_at: datetime
    note_id: UUID
    """The note that keeps the reporter's reason."""
    resolved_by: str | None
    """Staff id of the responder or the line manager whose outcome it is."""
    decided_at: datetime | None = None
    decided_by: str | None = None
    result: ReviewResult | None = None


def asked(case: Case, at: datetime) -> Case:
    """Note that the reporter asks for the outcome to be looked at again."""
    return domain.next_version(case, review_asked_at=at)


def waiting(case: Case, reviews: Iterable[Review]) -> Review | None:
    """Return the request that waits; one that the team overtook by reopening the case does not."""
    undecided = (one for one in reviews if one.result is None)
    return next((one for one in undecided if one.asked_at == case.review_asked_at), None)


def check(case: Case, subject: str, review: Review | None) -> Review:
    """Return the review that this person may decide.

    Raises:
        NothingToReview: none waits.
        ResolvedByThem: it is about their own outcome.
    """
    if review is None or review.asked_at != case.review_asked_at:
        raise NothingToReview
    if review.resolved_by is not None and review.resolved_by.casefold() == subject.casefold():
        raise ResolvedByThem
    return review


def decided(case: Case, actor: Actor, review: Review | None, result: ReviewResult, now: datetime) -> Case:
    """Let the outcome stand, or reopen the case for the person who decides.

    Raises:
        NothingToReview, ResolvedByThem: as for `check`.
    """
    check(case, actor.subject, review)
    if result is ReviewResult.CHANGED:
        return domain.reopen(case, actor, now)
    return domain.next_version(case, review_asked_at=None)


def with_result(review: Review, result: ReviewResult, by: str, now: datetime) -> Review:
    """Return the review with its result."""
    return replace(review, result=result, decided_by=by, decided_at=now)
