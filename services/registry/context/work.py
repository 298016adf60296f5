"""What a use case of the registry needs, and who observes its changes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.context.domain import Periods, same_person, uk_day
from shared.auth.permissions import Permission, Principal
from shared.ids import AccountId, Ids, StaffId
from shared.messaging.outbox import Outbox

SYSTEM = "system:registry"
"""The actor if no person acts: a date passed, or another service published an event."""


class NotAPerson(Exception):
    """Only a person can do this, and the token does not name one."""


class NotYourAccount(Exception):
    """An owner may record facts only about their own accounts; the register's keepers may about all."""


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
        """The current UK day."""
        return uk_day(self.now)

    @property
    def person(self) -> StaffId:
        """The staff id of the signed-in person.

        Raises:
            NotAPerson: there is none.
        """
        if self.principal is None or self.principal.staff_id is None:
            raise NotAPerson
        return self.principal.staff_id

    def may(self, permission: Permission) -> bool:
        """Return whether the signed-in person or client has this permission."""
        return self.principal is not None and self.principal.may(permission)

    def must_answer_for(self, owner: StaffId | None) -> None:
        """Check that the person keeps the register, or owns the account.

        Raises:
            NotYourAccount: another person is responsible for the account.
        """
        if not self.answers_for(owner):
            raise NotYourAccount

    def answers_for(self, owner: StaffId | None) -> bool:
        """Return whether the signed-in person keeps the register, or owns this account."""
        me = self.principal.staff_id if self.principal else None
        return self.may(Permission.MANAGE_REGISTER) or same_person(owner, me)


@dataclass(frozen=True, slots=True)
class Observers:
    """Functions called in the transaction of a change, so that a lapsed gate withdraws authorisations at once."""

    people_changed: Callable[[Work, Sequence[str]], Awaitable[None]]
    """Called when the records of the people with these staff ids changed."""
    accounts_changed: Callable[[Work, Sequence[AccountId]], Awaitable[None]]
    """Called when these accounts changed; their rows are locked."""
