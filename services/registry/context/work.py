"""What a use case of the registry works with, and who observes what it changes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.context.domain import Periods, same_person, uk_day
from shared.auth.permissions import Permission, Principal
from shared.ids import AccountId, Ids, StaffId
from shared.messaging.outbox import Outbox

SYSTEM = "system:registry"
"""The actor where no person acts: a date passed, or another service published an event."""


class NotAPerson(Exception):
    """Only a person can do this, and the token names none."""


class NotYourAccount(Exception):
    """An owner records what concerns the accounts they answer for; the others are for those who keep the register."""


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction, who acts in it, and when."""

    session: AsyncSession
    actor: str
    now: datetime
    ids: Ids
    outbox: Outbox
    periods: Periods
    observers: "Observers"
    principal: Principal | None = None

    @property
    def today(self) -> date:
        """The day in the United Kingdom."""
        return uk_day(self.now)

    @property
    def person(self) -> StaffId:
        """The staff id of the person signed in.

        Raises:
            NotAPerson: there is none.
        """
        if self.principal is None or self.principal.staff_id is None:
            raise NotAPerson
        return self.principal.staff_id

    def may(self, permission: Permission) -> bool:
        """Return whether the person or client signed in has this permission."""
        return self.principal is not None and self.principal.may(permission)

    def must_answer_for(self, owner: StaffId | None) -> None:
        """Let those who keep the register record anything, and an owner what concerns their accounts.

        Raises:
            NotYourAccount: another person answers for the account.
        """
        if not self.answers_for(owner):
            raise NotYourAccount

    def answers_for(self, owner: StaffId | None) -> bool:
        """Return whether the person signed in keeps the register, or owns this account."""
        me = self.principal.staff_id if self.principal else None
        return self.may(Permission.MANAGE_REGISTER) or same_person(owner, me)


@dataclass(frozen=True, slots=True)
class Observers:
    """Functions called in the transaction of a change, so that a lapse withdraws authorisations at once."""

    people_changed: Callable[[Work, Sequence[str]], Awaitable[None]]
    """What is recorded about the people with these staff ids changed."""
    accounts_changed: Callable[[Work, Sequence[AccountId]], Awaitable[None]]
    """These accounts changed; their rows are locked."""
