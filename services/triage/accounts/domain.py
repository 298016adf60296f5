"""What triage knows of an account."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from shared.events.vocabulary import AccountClass, AccountStatus


class Handle(NamedTuple):
    """An account's name: a handle in the canonical form of its platform."""

    platform: str
    handle: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.handle}"


@dataclass(frozen=True, slots=True)
class Account:
    """The class and status of a registered account."""

    account_class: str
    status: str
    account_id: UUID | None = None
    official_use: bool = False
    """Whether the department sanctions its use: what a LinkedIn account needs to be more than a private one."""

    @property
    def sanctioned(self) -> bool:
        """Whether it is the department's own or approved for its business: not closed, nor still to be confirmed."""
        if self.status in {AccountStatus.CLOSED, AccountStatus.APPROVED}:
            return False
        own = {AccountClass.OFFICIAL, AccountClass.PROFESSIONAL_INDIVIDUAL}
        return self.account_class in own or (self.account_class == AccountClass.LINKEDIN and self.official_use)
