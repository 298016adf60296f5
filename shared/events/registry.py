"""What registry tells the others: the whole public state of an account."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from shared.events import topics
from shared.events.envelope import Event
from shared.events.vocabulary import AccountClass, AccountStatus, Open


class AccountChanged(Event):
    """An account was registered or changed. Compacted: the newest event of an account is its state."""

    TYPE: ClassVar[str] = "account.changed.v1"
    TOPIC: ClassVar[str] = topics.ACCOUNTS.name

    account_id: UUID
    platform: str
    handle: str
    """Canonical for its platform (see `shared.events.platforms`)."""
    account_class: Open[AccountClass]
    status: Open[AccountStatus]
    changed_at: AwareDatetime


REGISTRY_EVENTS: tuple[type[Event], ...] = (AccountChanged,)
