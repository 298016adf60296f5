"""What a use case of the register works with, and who else wants to know what it did."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account, uk_day
from services.registry.accounts.people import folded
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.ids import Ids, StaffId
from shared.messaging.outbox import Outbox

SYSTEM = "system:registry"
"""Who acts where nobody does: a date passed, or another service said something."""


class NotAPerson(Exception):
    """Only a person can do this, and the client speaks for none."""


class NotYourAccount(Exception):
    """An owner records what concerns the accounts they answer for; the others are for those who keep the register."""


@dataclass(frozen=True, slots=True)
class Periods:
    """How long things last, in months; all of them are configuration."""

    training_months: int
    review_months: int


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction, who works in it, and when."""

    session: AsyncSession
    actor: str
    now: datetime
    ids: Ids
    outbox: Outbox
    periods: Periods
    follow: "Followers"
    principal: Principal | None = None

    @property
    def today(self) -> date:
        """The day in the United Kingdom."""
        return uk_day(self.now)

    @property
    def person(self) -> StaffId:
        """The staff id of who works.

        Raises:
            NotAPerson: there is none.
        """
        if self.principal is None or self.principal.staff_id is None:
            raise NotAPerson
        return self.principal.staff_id

    def may(self, permission: Permission) -> bool:
        """Say whether whoever works has this permission."""
        return self.principal is not None and self.principal.may(permission)

    def must_answer_for(self, account: Account) -> None:
        """Let those who keep the register record anything, and an owner what concerns their accounts.

        Raises:
            NotYourAccount: somebody else answers for the account.
        """
        if not self.answers_for(account):
            raise NotYourAccount

    def answers_for(self, account: Account) -> bool:
        """Say whether whoever works keeps the register, or owns this account."""
        me = self.principal.staff_id if self.principal else None
        return self.may(Permission.MANAGE_REGISTER) or same_person(account.registration.owner, me)


def same_person(one: str | None, other: str | None) -> bool:
    """Say whether two staff ids name the same person, however they were typed."""
    return one is not None and other is not None and folded(one) == folded(other)


@dataclass(frozen=True, slots=True)
class Followers:
    """Whom the wiring has told of a change, in its transaction: so that a lapse withdraws at once."""

    people: Callable[[Work, Sequence[str]], Awaitable[None]]
    """What is recorded of these people changed."""
    accounts: Callable[[Work, Sequence[Account]], Awaitable[None]]
    """These accounts, whose rows are locked, changed."""
