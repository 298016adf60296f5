"""Stepping back from a case, and deciding a second time without knowing the first decision (record 0068). Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.triage.cases import domain
from services.triage.cases.domain import Actor, Case
from services.triage.outcome_reviews.domain import ResolvedByThem
from shared.events.vocabulary import Outcome, ReportType, Team
from shared.ids import folded_id


class NothingHandedOver(Exception):
    """There is no such hand-over, or another lead has noted it, or it is not this person's to note."""


class NoConflictDeclared(Exception):
    """That person has not declared a conflict of interest, or sees the case again already."""


def without(case: Case, actor: Actor) -> Case:
    """Return the case without a person who declares a conflict of interest: not theirs, and no news of it for them.

    The version stays if nothing else changes: the work of no one is out of date for that.
    """
    if same(case.assignee, actor.subject) and not case.finished:
        return domain.next_version(domain.still(case, domain.unassigned(domain.alone(case))))
    if same(case.last_had_by, actor.subject):
        return domain.next_version(case, last_had_by=None)
    return case


def seen_by_leads(case: Case) -> bool:
    """Return whether only leads of its team, and whom they name, see an open case that follows no other."""
    return case.restricted and case.team in domain.LED and not case.finished and case.merged_from is None


def same(staff_id: str | None, other: str) -> bool:
    """Return whether two staff numbers are of one person, however they are typed."""
    return staff_id is not None and folded_id(staff_id) == folded_id(other)


def handed_over(case: Case, actor: Actor) -> Case:
    """Return the case without the person who hands it over; unlike a release, no one can do that for another.

    Raises:
        NotYourClaim: they do not have it.
        StateForbids: it is finished.
    """
    if not same(case.assignee, actor.subject):
        raise domain.NotYourClaim
    if case.finished:
        raise domain.StateForbids(case.state)
    return domain.next_version(domain.unassigned(case))


def require_lead(actor: Actor) -> None:
    """Check that a person may let someone see a case again.

    Raises:
        NotForThisCase: they do not lead the team that has it.
    """
    if not actor.lead:
        raise domain.NotForThisCase


def learns_of_reviews(actor: Actor, resolved_by: Iterable[str]) -> bool:
    """Return whether a person reads in a case that it has second reviews: as a lead of its team.

    Who ever resolved it does not, even as a lead: they do not learn who thinks otherwise of it, and why.
    """
    return actor.lead and not any(same(one, actor.subject) for one in resolved_by)


class NoSuchReview(Exception):
    """There is no such second review, or this person may not see its case."""


class ReviewDecided(Exception):
    """Someone has decided this second review meanwhile, or the case is open again."""


class Why(StrEnum):
    """Why an outcome goes to a second person."""

    SAMPLE = "sample"
    P1_NO_VIOLATION = "p1_no_violation"


@dataclass(frozen=True)
class SecondReview:
    """An outcome that a second person decides too, without knowing the first."""

    review_id: UUID
    case_id: UUID
    resolution: int
    """The position of the resolution in the case's activity record."""
    team: Team
    outcome: Outcome
    why: Why
    chosen_at: datetime
    resolved_by: str | None
    """Staff id of whose outcome it is."""
    decided_at: datetime | None = None
    decided_by: str | None = None
    second_outcome: Outcome | None = None

    @property
    def agrees(self) -> bool:
        """Whether both came to the same."""
        return self.second_outcome == self.outcome


_NO_JUDGEMENT = frozenset({Outcome.WITHDRAWN, Outcome.DUPLICATE, Outcome.EXEMPT})
"""Outcomes that do not say what someone thinks of what happened; and the desk's ruling, after which nothing is left."""


def chosen(case: Case, draw: float, shares: Mapping[str, int], *, was_p1: bool) -> Why | None:
    """Return why a second person decides about this case too; None if no one does.

    Args:
        case: as it is now.
        draw: a number from 0 to 100 (`drawn`).
        shares: how many in a hundred outcomes of each team are drawn. A manager's are not: they alone know the person.
            Nor are those of cases merged into another: they took over its outcome, which is one decision.
        was_p1: whether it, or a case merged into it, ever was a P1. A priority that was lowered does not undo that.
    """
    if not case.finished or case.outcome is None or case.outcome in _NO_JUDGEMENT:
        return None
    if case.merged_into or case.team is Team.LINE_MANAGER:
        return None
    if was_p1 and case.outcome is Outcome.NO_VIOLATION:
        return Why.P1_NO_VIOLATION
    return Why.SAMPLE if draw < shares.get(case.team, 0) else None


def stands(review: SecondReview, case: Case) -> bool:
    """Return whether a review that waits is still needed: the case was resolved again and came to the same."""
    return case.finished and case.outcome == review.outcome


def drawn(event_id: str) -> float:
    """Return a number from 0 to 100 for a resolution: the same each time it is asked, and no one can choose it."""
    return 100 * int.from_bytes(hashlib.sha256(event_id.encode()).digest()[:8]) / 2**64


def require_waiting(review: SecondReview, subject: str) -> None:
    """Check that a person may look at the evidence in order to decide.

    Raises:
        ReviewDecided: it is decided.
        ResolvedByThem: it is about their own outcome.
    """
    if review.decided_at is not None:
        raise ReviewDecided
    if same(review.resolved_by, subject):
        raise ResolvedByThem


def decided(review: SecondReview, case: Case, by: str, outcome: Outcome, now: datetime) -> SecondReview:
    """Return the review with what the second person thinks.

    Raises:
        ReviewDecided: it is decided, or the case is open again.
        ResolvedByThem: it is about their own outcome.
        OutcomeDoesNotFit: this type of report cannot have that outcome.
    """
    if not case.finished:
        raise ReviewDecided
    require_waiting(review, by)
    if outcome not in judgements(case.report_type):
        raise domain.OutcomeDoesNotFit
    return replace(review, decided_at=now, decided_by=by, second_outcome=outcome)


def judgements(kind: ReportType) -> frozenset[Outcome]:
    """Return the outcomes that a second person may choose."""
    return domain.OUTCOMES[kind] - _NO_JUDGEMENT
