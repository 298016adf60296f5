"""Putting accounts on the register and changing their status."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from services.registry.accounts import handlers
from services.registry.accounts.changes import AccountChangedMeanwhile, RegistrationRefused
from services.registry.accounts.domain import Account, Registration, Vetting
from services.registry.accounts.queries import UnknownAccount, get_account
from shared.audit import chain
from shared.audit.verification import verify
from shared.db.database import Database
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import (
    IDS,
    INDIVIDUAL,
    NETWORKING,
    NOW,
    OFFICIAL,
    OUTBOX,
    UNION,
    events_of,
    work_in,
)

SERVICE = "registry"
LEGACY = replace(OFFICIAL, status=AccountStatus.LEGACY, checks_due_on=date(2026, 12, 31))


async def put(database: Database, *registrations: Registration) -> list[AccountId]:
    async with database.transaction() as session:
        return await handlers.register(session, registrations, outbox=OUTBOX, now=NOW, ids=IDS, actor="S7001")


async def change(database: Database, account_id: AccountId, status: AccountStatus, version: int = 1) -> Account:
    wanted = handlers.StatusChange(account_id, version, status, "because")
    async with database.transaction() as session:
        return await handlers.change_status(work_in(session), wanted)


async def closed(database: Database, account_id: AccountId, version: int = 1) -> Account:
    closing = handlers.Closing(account_id, version, "because", "The profile says that it does not exist")
    async with database.transaction() as session:
        return await handlers.close(work_in(session), closing)


async def test_registering_is_told_to_the_other_services_and_recorded(database: Database) -> None:
    (account_id,) = await put(database, OFFICIAL)
    (event,) = await events_of(database)
    assert (event.account_id, event.platform, event.handle) == (account_id, "x", "sampledept")
    assert (event.account_class, event.status) == (AccountClass.OFFICIAL, AccountStatus.LIVE)
    assert event.official_use is True
    async with database.transaction() as session:
        (activity,) = await chain.read(session, account_id)
        assert await verify(session) == []
    assert (activity.action, activity.actor) == ("registered", "S7001")
    assert activity.personal["handle"] == "sampledept"
    assert "handle" not in activity.after


async def test_nothing_to_register_is_nothing_told(database: Database) -> None:
    assert await put(database) == []
    assert await events_of(database) == []


@pytest.mark.policy("S4")
@pytest.mark.policy("S9")
async def test_one_handle_never_serves_two_purposes(database: Database) -> None:
    await put(database, OFFICIAL)
    with pytest.raises(handlers.HandleTaken):
        await put(database, replace(INDIVIDUAL, handle="fresh"), replace(INDIVIDUAL, handle="sampledept"))
    assert len(await events_of(database)) == 1


@pytest.mark.policy("S4")
async def test_of_two_who_register_one_handle_at_once_one_is_refused(database: Database) -> None:
    results = await asyncio.gather(put(database, OFFICIAL), put(database, OFFICIAL), return_exceptions=True)
    assert [type(result) for result in results if isinstance(result, BaseException)] == [handlers.HandleTaken]
    assert len(await events_of(database)) == 1


async def test_a_closed_handle_can_be_registered_again(database: Database) -> None:
    (account_id,) = await put(database, OFFICIAL)
    await closed(database, account_id)
    await put(database, OFFICIAL)


@pytest.mark.policy("C-j")
@pytest.mark.parametrize(
    "saying_more",
    [
        replace(UNION, title="Branch"),
        replace(UNION, owner=StaffId("S1")),
        replace(UNION, approved_person=StaffId("S1")),
        replace(UNION, next_review_on=NOW.date()),
        replace(UNION, official_use=True),
    ],
)
async def test_of_a_union_account_nothing_but_its_handle_is_taken(
    database: Database, saying_more: Registration
) -> None:
    with pytest.raises(RegistrationRefused):
        await put(database, saying_more)
    assert await events_of(database) == []


@pytest.mark.policy("C-j")
async def test_closing_a_union_account_keeps_no_reason(database: Database) -> None:
    (account_id,) = await put(database, UNION)
    await change(database, account_id, AccountStatus.CLOSED)
    async with database.transaction() as session:
        activities = await chain.read(session, account_id)
    assert [activity.reason for activity in activities] == [None, None]


@pytest.mark.policy("D-pia")
async def test_a_professional_individual_account_names_its_approved_person(database: Database) -> None:
    with pytest.raises(RegistrationRefused) as refusal:
        await put(database, replace(INDIVIDUAL, approved_person=None))
    assert [fault.field for fault in refusal.value.faults] == ["approved_person"]


@pytest.mark.policy("D-linkedin")
async def test_the_class_linkedin_is_for_linkedin(database: Database) -> None:
    with pytest.raises(RegistrationRefused):
        await put(database, replace(NETWORKING, platform="x", handle="some"))


@pytest.mark.policy("Sc-d")
async def test_a_legacy_account_has_a_date_and_no_reason_alone_makes_it_live(database: Database) -> None:
    with pytest.raises(RegistrationRefused):
        await put(database, replace(LEGACY, checks_due_on=None))
    (account_id,) = await put(database, LEGACY)
    with pytest.raises(handlers.StatusNotAllowed):
        await change(database, account_id, AccountStatus.LIVE)


async def test_details_are_changed_told_and_recorded(database: Database) -> None:
    (account_id,) = await put(database, OFFICIAL)
    details = handlers.Details(account_id, 1, "Another title", StaffId("S8003"), Vetting.SC, date(2027, 3, 31))
    async with database.transaction() as session:
        account = await handlers.change_details(work_in(session), details)
        newest = (await chain.read(session, account_id))[-1]
    assert (account.registration.owner, account.registration.vetting_required) == ("S8003", Vetting.SC)
    assert newest.personal == {"title": "Another title", "owner": "S8003"}
    assert newest.after == {"next_review_on": "2027-03-31", "vetting_required": "sc"}


@pytest.mark.policy("C-j")
async def test_a_union_account_takes_no_details(database: Database) -> None:
    (account_id,) = await put(database, UNION)
    async with database.transaction() as session:
        with pytest.raises(RegistrationRefused):
            await handlers.change_details(
                work_in(session), handlers.Details(account_id, 1, None, None, Vetting.SC, None)
            )
    with pytest.raises(handlers.StatusNotAllowed):
        await closed(database, account_id)


async def test_every_change_is_told_in_order_and_recorded_with_its_reason(database: Database) -> None:
    (account_id,) = await put(database, OFFICIAL)
    await change(database, account_id, AccountStatus.FROZEN)
    await closed(database, account_id, version=2)
    assert [event.status for event in await events_of(database)] == ["live", "frozen", "closed"]
    async with database.transaction() as session:
        activities = await chain.read(session, account_id)
        account = await get_account(session, account_id)
        assert await verify(session) == []
    assert [(a.before.get("status"), a.after["status"], a.reason) for a in activities] == [
        (None, "live", None),
        ("live", "frozen", "because"),
        ("frozen", "closed", "because"),
    ]
    assert account
    assert account.version == 3


async def test_a_stale_or_impossible_change_changes_nothing(database: Database) -> None:
    (account_id,) = await put(database, OFFICIAL)
    with pytest.raises(AccountChangedMeanwhile):
        await change(database, account_id, AccountStatus.FROZEN, version=2)
    with pytest.raises(handlers.StatusNotAllowed):
        await change(database, account_id, AccountStatus.LEGACY)
    with pytest.raises(UnknownAccount):
        await change(database, AccountId(IDS.uuid()), AccountStatus.FROZEN)
    assert len(await events_of(database)) == 1
