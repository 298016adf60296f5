"""Records reviews, and says once when one falls due (S8)."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.registry.accounts.changing import Closing, change, close, lock_version
from services.registry.accounts.domain import Account
from services.registry.accounts.recording import Changing
from services.registry.accounts.reviewing import claim_reviews_due
from services.registry.context.domain import Refused
from services.registry.context.work import Work
from services.registry.reviews.domain import ReviewOutcome, can_be_reviewed, fault_of
from services.registry.reviews.tables import ReviewRow
from shared.events.envelope import NewEvent
from shared.events.registry import ReviewDue

_AT_ONCE = 100


class ReviewRefused(Refused):
    """The review is not complete: the next day, or the evidence, is missing."""


class NotReviewed(Exception):
    """The account is closed, or a union's: it is not reviewed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a review of this version of an account decided."""

    account_id: UUID
    version: int
    outcome: ReviewOutcome
    reason: str
    next_on: date | None = None
    evidence: str | None = None


async def review(work: Work, wanted: Outcome) -> Account:
    """Record a review: the account is kept or changed until its next one, or closed with evidence (S8).

    Raises:
        UnknownAccount, AccountChangedMeanwhile, NotYourAccount: as the names say.
        NotReviewed: the account is closed, or a union's.
        ReviewRefused: the next day, or the evidence, is missing.
    """
    account = await lock_version(work, wanted.account_id, wanted.version)
    work.must_answer_for(account.registration.owner)
    if not can_be_reviewed(account.registration):
        raise NotReviewed
    if fault := fault_of(wanted.outcome, wanted.next_on, wanted.evidence, work.today):
        raise ReviewRefused(fault)
    closing = wanted.outcome is ReviewOutcome.CLOSE
    work.session.add(
        ReviewRow(
            id=work.ids.uuid(),
            account_id=account.id,
            account_class=account.registration.account_class,
            due_on=account.registration.next_review_on,
            outcome=wanted.outcome,
            reason=wanted.reason,
            evidence=wanted.evidence if closing else None,
            next_on=None if closing else wanted.next_on,
            reviewed_by=work.actor,
            reviewed_at=work.now,
        )
    )
    if closing and wanted.evidence:
        return await close(work, Closing(account.id, wanted.version, wanted.reason, wanted.evidence))
    becomes = replace(account.registration, next_review_on=wanted.next_on)
    decided = (("outcome", str(wanted.outcome)),)
    return await change(work, account, Changing(becomes, "reviewed", wanted.reason, after=decided))


async def announce_due(work: Work) -> int:
    """Say of each account whose review falls due that it does, once for each date; returns how many were due."""
    accounts = await claim_reviews_due(work.session, work.today, _AT_ONCE)
    await work.outbox.append(work.session, [_event(work, account) for account in accounts], work.now)
    return len(accounts)


def _event(work: Work, account: Account) -> NewEvent:
    kept = account.registration
    event = ReviewDue(
        account_id=account.id,
        platform=kept.platform,
        owner=kept.owner,
        at=work.now,
        due_on=kept.next_review_on or work.today,
    )
    return NewEvent.of(account.id, event)
