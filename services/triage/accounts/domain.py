"""What triage knows of an account."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from shared.events.vocabulary import AccountClass, AccountStatus

OWN_CLASSES = frozenset({AccountClass.OFFICIAL, AccountClass.PROFESSIONAL_INDIVIDUAL})
"""The department's own, whatever they are used for."""


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
    """Whether the department sanctions its use, and vouches for it."""

    @property
    def sanctioned(self) -> bool:
        """Whether it is the department's own or approved for its business: not closed, nor still to be confirmed.

        A frozen account may never have been confirmed: it is the department's only if the register says so (record
        0049).
        """
        if self.status == AccountStatus.CLOSED:
            return False
        in_use = self.status in {AccountStatus.LIVE, AccountStatus.LEGACY}
        return self.official_use or (in_use and self.account_class in OWN_CLASSES)
