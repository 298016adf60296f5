"""The tasks of the signed-in person, from every capability."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.registry.accounts.domain import Account
from services.registry.accounts.queries import AccountFilter, accounts_by_id, accounts_owned_by, list_accounts
from services.registry.approvals.domain import AccountRequest, RequestState
from services.registry.approvals.handlers import sees_all_requests
from services.registry.approvals.queries import RequestFilter, list_requests, stands_in_for
from services.registry.approvals.views import possible_actions_as
from services.registry.confirmations.queries import accounts_to_confirm
from services.registry.context.domain import same_person
from services.registry.context.work import Work
from services.registry.operators.domain import Operator, OperatorState
from services.registry.operators.queries import Removal, in_state, open_removals_of, without_device
from shared.auth.permissions import Permission
from shared.events.vocabulary import AccountStatus
from shared.ids import StaffId

_MOST = 200
_UNDECIDED = (RequestState.WITH_ADVICE_CENTRE, RequestState.REQUESTED, RequestState.RETURNED)


@dataclass(frozen=True, slots=True)
class Tasks:
    """Everything that one person can act on now."""

    requests: Sequence[AccountRequest]
    removals: Sequence[tuple[Account, Removal]]
    gates: Sequence[tuple[Account, Operator]]
    """Operators who lack a gate."""
    exceptions: Sequence[tuple[Account, Operator]]
    """Operators who have neither an approved device nor an exception."""
    confirmations: Sequence[Account]
    """Approved accounts that no one has confirmed to exist and to be ours."""
    recoveries: Sequence[Account]
    reviews: Sequence[Account]
    checks: Sequence[Account]

    @property
    def people(self) -> Sequence[StaffId]:
        """The staff ids of the operators in it."""
        lacking = [operator for _, operator in (*self.gates, *self.exceptions)]
        return [operator.staff_id for operator in (*lacking, *(one.operator for _, one in self.removals))]

    @property
    def nothing(self) -> bool:
        """Whether nothing waits."""
        of_people = (self.removals, self.gates, self.exceptions)
        of_accounts = (self.requests, self.confirmations, self.recoveries, self.reviews, self.checks)
        return not any((*of_people, *of_accounts))


async def tasks_for(work: Work) -> Tasks:
    """Return what waits for the signed-in person."""
    mine = await _accounts(work)
    by_id = {account.id: account for account in mine}
    removals = await open_removals_of(work.session, list(by_id)) if by_id else []
    lacking = await in_state(work.session, list(by_id), (OperatorState.PENDING, OperatorState.WITHDRAWN))
    return Tasks(
        requests=await _requests(work),
        removals=[(by_id[one.operator.account_id], one) for one in removals],
        gates=[(by_id[one.account_id], one) for one in lacking if one.wanted],
        exceptions=await _exceptions(work),
        confirmations=await accounts_to_confirm(work),
        recoveries=[account for account in mine if account.registration.status is AccountStatus.FROZEN],
        reviews=[account for account in mine if _due(account.registration.next_review_on, work.today)],
        checks=[account for account in mine if account.registration.checks_due_on],
    )


async def _requests(work: Work) -> list[AccountRequest]:
    own = None if await sees_all_requests(work) else work.person
    page = await list_requests(work.session, RequestFilter(_UNDECIDED, own), limit=_MOST)
    proxies = await stands_in_for(work.session, work.person, work.today)
    return [request for request in page.items if _waits_here(work, request, proxies)]


def _waits_here(work: Work, request: AccountRequest, proxies: Sequence[StaffId]) -> bool:
    if request.state is RequestState.RETURNED:
        return same_person(request.requested_by, work.person)
    if same_person(request.requested_by, work.person):
        return False
    return bool(possible_actions_as(work, request, proxies).steps)


async def _accounts(work: Work) -> list[Account]:
    """Return the accounts for which the signed-in person is responsible; for the register's keepers, all open ones."""
    if not work.may(Permission.RECORD_GATES):
        return []
    if not work.may(Permission.MANAGE_REGISTER):
        return await accounts_owned_by(work.session, work.person)
    open_statuses = tuple(status for status in AccountStatus if status is not AccountStatus.CLOSED)
    return list((await list_accounts(work.session, AccountFilter(statuses=open_statuses), limit=10 * _MOST)).items)


async def _exceptions(work: Work) -> list[tuple[Account, Operator]]:
    if not work.may(Permission.GRANT_EXCEPTIONS):
        return []
    operators = await without_device(work.session, work.today)
    accounts = await accounts_by_id(work.session, [operator.account_id for operator in operators])
    return [(accounts[operator.account_id], operator) for operator in operators]


def _due(day: date | None, today: date) -> bool:
    return day is not None and day <= today
