"""A confirmed compromise freezes an account, its recovery opens it again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from services.registry import consumer
from services.registry.accounts.domain import Account, Registration
from services.registry.accounts.handlers import StatusChange, StatusNotAllowed, change_status, recover, register
from services.registry.accounts.queries import get_account
from services.registry.context.work import NotYourAccount
from services.registry.eligibility.domain import Completion
from services.registry.eligibility.handlers import record_training
from services.registry.operators.handlers import NewOperator, name_operator
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.envelope import Envelope
from shared.events.triage import CaseCompromiseConfirmed
from shared.events.vocabulary import AccountStatus
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import (
    IDS,
    NOW,
    OFFICIAL,
    OUTBOX,
    UNION,
    access_events,
    events_of,
    sweeping,
    work_in,
)

SERVICE = "registry"
OWNED = replace(OFFICIAL, owner=StaffId("S7001"))
LEGACY = replace(OWNED, handle="legacy", status=AccountStatus.LEGACY, checks_due_on=date(2026, 12, 31))
POSTS = StaffId("S7004")
TODAY = NOW.date()


async def put(database: Database, *registrations: Registration) -> list[AccountId]:
    async with database.transaction() as session:
        return await register(session, registrations, outbox=OUTBOX, now=NOW, ids=IDS, actor="S8003")


def confirmation(*account_ids: UUID, case_id: UUID | None = None) -> Envelope[CaseCompromiseConfirmed]:
    event = CaseCompromiseConfirmed(
        case_id=case_id or IDS.uuid(),
        report_id=IDS.uuid(),
        reference="SP-4F7K-9Q2H",
        at=NOW - timedelta(minutes=1),
        account_ids=account_ids,
    )
    return Envelope(str(IDS.uuid()), "/signpost/triage", str(event.case_id), 3, NOW, event)


async def consume(database: Database, *envelopes: Envelope[CaseCompromiseConfirmed]) -> None:
    handler = consumer.handlers(sweeping)[CaseCompromiseConfirmed]
    async with database.transaction() as session:
        await handler(session, envelopes, NOW)


async def account(database: Database, account_id: UUID) -> Account:
    async with database.transaction() as session:
        found = await get_account(session, account_id)
    assert found
    return found


async def recovered(
    database: Database, account_id: UUID, version: int, staff_id: str = "S7001", now: datetime = NOW
) -> Account:
    async with database.transaction() as session:
        work = work_in(session, Role.ACCOUNT_OWNER, staff_id, now)
        return await recover(work, account_id, version, "Password changed, sessions ended")


async def authorised(database: Database, account_id: AccountId, trained_on: date = TODAY) -> None:
    async with database.transaction() as session:
        work = work_in(session)
        await record_training(work, [Completion(POSTS, "Official accounts", trained_on)])
        await name_operator(work, NewOperator(account_id, POSTS))


async def actions(database: Database, account_id: UUID) -> Sequence[str]:
    async with database.transaction() as session:
        assert await verify(session) == []
        return [link.action for link in await chain.read(session, account_id)]


async def test_a_confirmed_compromise_freezes_and_withdraws_and_twice_changes_nothing(database: Database) -> None:
    (account_id,) = await put(database, OWNED)
    await authorised(database, account_id)
    event = confirmation(account_id)
    await consume(database, event)
    assert (await account(database, account_id)).registration.status is AccountStatus.FROZEN
    assert (await access_events(database))[-1] == ("authorisation.withdrawn.v1", POSTS, "account_frozen")
    before = [await actions(database, account_id), await events_of(database), await access_events(database)]
    await consume(database, event, event)
    assert before == [await actions(database, account_id), await events_of(database), await access_events(database)]


async def test_recovery_opens_the_account_and_grants_again_to_who_passes_the_gates(database: Database) -> None:
    (account_id,) = await put(database, OWNED)
    await authorised(database, account_id)
    event = confirmation(account_id)
    await consume(database, event)
    assert (await recovered(database, account_id, 2)).registration.status is AccountStatus.LIVE
    assert (await access_events(database))[-1] == ("authorisation.granted.v1", POSTS, None)
    await consume(database, event)
    assert (await account(database, account_id)).registration.status is AccountStatus.LIVE
    await consume(database, confirmation(account_id))
    assert (await account(database, account_id)).registration.status is AccountStatus.FROZEN


@pytest.mark.policy("S5")
async def test_recovery_grants_nothing_to_whose_training_lapsed_meanwhile(database: Database) -> None:
    (account_id,) = await put(database, OWNED)
    await authorised(database, account_id, trained_on=date(2024, 11, 24))
    await consume(database, confirmation(account_id))
    await recovered(database, account_id, 2, now=NOW + timedelta(days=30))
    assert [kind for kind, _, _ in await access_events(database)] == [
        "authorisation.granted.v1",
        "authorisation.withdrawn.v1",
    ]


@pytest.mark.policy("Sc-d")
async def test_a_recovered_legacy_account_still_has_its_checks_to_pass(database: Database) -> None:
    (account_id,) = await put(database, LEGACY)
    await consume(database, confirmation(account_id))
    open_again = await recovered(database, account_id, 2)
    assert open_again.registration.status is AccountStatus.LEGACY
    assert open_again.registration.checks_due_on == LEGACY.checks_due_on


async def test_only_a_frozen_account_is_recovered_by_who_answers_for_it(database: Database) -> None:
    (account_id,) = await put(database, OWNED)
    with pytest.raises(StatusNotAllowed):
        await recovered(database, account_id, 1)
    async with database.transaction() as session:
        await change_status(work_in(session), StatusChange(account_id, 1, AccountStatus.FROZEN, "Password known"))
    with pytest.raises(NotYourAccount):
        await recovered(database, account_id, 2, "S7009")
    await consume(database, confirmation(account_id))
    assert (await account(database, account_id)).version == 2
    assert (await actions(database, account_id))[-1] == "compromise_confirmed"


@pytest.mark.policy("C-j")
async def test_unknown_closed_and_union_accounts_are_left_as_they_are(database: Database) -> None:
    closed = replace(OWNED, handle="gone", status=AccountStatus.CLOSED)
    union, gone, live = await put(database, UNION, closed, OWNED)
    await consume(database, confirmation(union, gone, IDS.uuid(), live, live), confirmation(live))
    assert [(await account(database, one)).version for one in (union, gone, live)] == [1, 1, 2]
    assert await actions(database, union) == ["registered"]
