"""What whoever looks at an account can do with it."""

from dataclasses import dataclass
from datetime import date

from services.registry.accounts.domain import Account, statuses_by_hand
from services.registry.context.work import Work
from services.registry.operators.domain import can_have_operators
from services.registry.reviews.domain import can_be_reviewed
from shared.auth.permissions import Permission
from shared.events.vocabulary import AccountClass, AccountStatus


@dataclass(frozen=True, slots=True)
class Link:
    """Something to do, and where."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One review in words."""

    outcome: str
    reason: str
    reviewed_by: str
    next_on: date | None


def doable(work: Work, account: Account) -> list[Link]:
    """Return what whoever works can do with an account, beside changing its status."""
    kept, at = account.registration, f"/accounts/{account.id}"
    closed, union = kept.status is AccountStatus.CLOSED, kept.account_class is AccountClass.UNION
    records = work.may(Permission.RECORD_GATES) and work.answers_for(account.registration.owner)
    keeps = work.may(Permission.MANAGE_REGISTER) and not closed and not union
    frozen, legacy = kept.status is AccountStatus.FROZEN, kept.status is AccountStatus.LEGACY
    possible = [
        (records and frozen, Link("Record its recovery", f"{at}/recover")),
        (legacy and work.may(Permission.REQUEST_ACCOUNTS), Link("Begin its checks", f"{at}/checks")),
        (records and can_have_operators(kept) and not frozen, Link("Name an operator", f"{at}/operators/new")),
        (records and can_be_reviewed(kept), Link("Record a review", f"{at}/review")),
        (keeps, Link("Change details", f"{at}/details")),
        (keeps, Link("Close the account", f"{at}/close")),
    ]
    return [link for may, link in possible if may]


def by_hand(work: Work, account: Account) -> tuple[AccountStatus, ...]:
    """Return the statuses that whoever works can choose with a reason alone."""
    return statuses_by_hand(account.registration) if work.may(Permission.MANAGE_REGISTER) else ()
