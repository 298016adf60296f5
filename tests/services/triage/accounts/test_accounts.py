"""The projection of the register: the newest state of an account, whatever the order of arrival."""

from uuid import UUID, uuid4

import pytest

from services.triage.accounts.domain import Account, Handle
from services.triage.accounts.handlers import forget_accounts, project_accounts
from services.triage.accounts.queries import registered
from shared.db.database import Database
from shared.events.envelope import Envelope
from shared.events.registry import AccountChanged
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.messaging.reader import Tombstone
from tests.services.triage.builders import NOW

SERVICE = "triage"
ACCOUNT = Handle("x", "dwp")


def change(
    account_id: UUID, sequence: int, status: AccountStatus, *, official_use: bool | None = None
) -> Envelope[AccountChanged]:
    data = AccountChanged(
        account_id=account_id,
        platform="x",
        handle="dwp",
        account_class=AccountClass.OFFICIAL,
        status=status,
        changed_at=NOW,
        official_use=official_use,
    )
    return Envelope(str(uuid4()), "/signpost/registry", str(account_id), sequence, NOW, data)


@pytest.mark.policy("D-official")
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_the_highest_sequence_wins(database: Database, order: tuple[int, ...]) -> None:
    account_id = uuid4()
    states = {1: AccountStatus.LEGACY, 2: AccountStatus.LIVE, 3: AccountStatus.FROZEN}
    async with database.transaction() as session:
        for sequence in order:
            await project_accounts(session, [change(account_id, sequence, states[sequence])], NOW)
    async with database.transaction() as session:
        assert await registered(session, [ACCOUNT, Handle("x", "other")]) == {
            ACCOUNT: Account("official", "frozen", account_id, official_use=True)
        }


@pytest.mark.policy("D-official")
@pytest.mark.parametrize("status", AccountStatus)
def test_an_account_that_is_closed_or_still_to_be_confirmed_is_not_the_departments(status: AccountStatus) -> None:
    assert Account("official", status, uuid4()).sanctioned is (status in {AccountStatus.LIVE, AccountStatus.LEGACY})
    vouched_for = Account("official", status, uuid4(), official_use=True)
    assert vouched_for.sanctioned is (status is not AccountStatus.CLOSED)


@pytest.mark.policy("D-official")
@pytest.mark.parametrize(
    ("official_use", "sanctioned"),
    [
        # approved, frozen before anyone confirmed it, approved again, confirmed, frozen
        ((False, False, False, True, True), (False, False, False, True, True)),
        # older writers do not say: only a frozen account that was live before
        ((False, None, False, None, None), (False, True, False, True, True)),
    ],
)
async def test_a_frozen_account_is_the_departments_only_once_it_was_confirmed(
    database: Database, official_use: tuple[bool | None, ...], sanctioned: tuple[bool, ...]
) -> None:
    account_id, found = uuid4(), []
    states = ("approved", "frozen", "approved", "live", "frozen")
    for sequence, (status, use) in enumerate(zip(states, official_use, strict=True), 1):
        event = change(account_id, sequence, AccountStatus(status), official_use=use)
        async with database.transaction() as session:
            await project_accounts(session, [event], NOW)
            found.append((await registered(session, [ACCOUNT]))[ACCOUNT].sanctioned)
    assert tuple(found) == sanctioned


async def test_a_tombstone_removes_the_account(database: Database) -> None:
    account_id = uuid4()
    async with database.transaction() as session:
        await project_accounts(session, [change(account_id, 1, AccountStatus.LIVE)], NOW)
        await forget_accounts(session, [Tombstone("registry.accounts.v1", str(account_id).encode())], NOW)
        assert await registered(session, [ACCOUNT]) == {}
