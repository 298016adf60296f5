"""The events of registry: the whole public state of an account, and who may operate it.

Staff are named by id only. A union account has neither owner nor operator, so no event reveals who belongs to a
union (C-j).
"""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import AccountClass, AccountStatus, Open, WithdrawalReason


class AccountChanged(Event):
    """An account was registered or changed. Compacted: the newest event of an account is its state."""

    TYPE: ClassVar[str] = "account.changed.v1"
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ACCOUNTS.name,)

    account_id: UUID
    platform: str
    handle: str
    """In canonical form (see `shared.events.platforms`)."""
    account_class: Open[AccountClass]
    status: Open[AccountStatus]
    changed_at: AwareDatetime
    official_use: bool | None = None
    """Whether the department sanctions its use; None from older writers."""


class _AccessEvent(Event):
    TOPICS: ClassVar[tuple[str, ...]] = (topics.ACCESS.name,)

    account_id: UUID
    platform: str
    owner: str | None = None
    """Staff id of the person responsible for the account."""
    at: AwareDatetime


class AuthorisationGranted(_AccessEvent):
    """A person passed every gate and may operate the account (S5, Sc-c, D-pia)."""

    TYPE: ClassVar[str] = "authorisation.granted.v1"
    operator: str
    """Staff id."""


class AuthorisationWithdrawn(_AccessEvent):
    """A person may no longer operate the account; access counts as open until there is evidence of its removal."""

    TYPE: ClassVar[str] = "authorisation.withdrawn.v1"
    operator: str
    """Staff id."""
    reason: Open[WithdrawalReason]


class ReviewDue(_AccessEvent):
    """An account's periodic review falls due (S8)."""

    TYPE: ClassVar[str] = "review.due.v1"
    due_on: date


class ExceptionExpired(_AccessEvent):
    """A dated Security Policy Exception ended (D-pia)."""

    TYPE: ClassVar[str] = "exception.expired.v1"
    operator: str
    """Staff id."""
    expired_on: date
    """The last day on which it was valid."""


REGISTRY_EVENTS: tuple[type[Event], ...] = (
    AccountChanged,
    AuthorisationGranted,
    AuthorisationWithdrawn,
    ReviewDue,
    ExceptionExpired,
)
