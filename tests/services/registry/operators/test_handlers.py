"""Operators, exceptions and removals against the real database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registry.accounts import handlers as accounts
from services.registry.accounts.changes import AccountChange, change, lock_one
from services.registry.accounts.domain import Registration, Vetting
from services.registry.context.domain import Periods
from services.registry.context.work import NotYourAccount, Work
from services.registry.eligibility import handlers as eligibility
from services.registry.eligibility.domain import Clearance, Completion
from services.registry.operators import handlers
from services.registry.operators.domain import Device, Operator, OperatorState
from services.registry.operators.evaluation import expire_due, recheck_training
from services.registry.operators.queries import get_operator, named_for, open_removals_of
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.vocabulary import AccountStatus
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import (
    IDS,
    INDIVIDUAL,
    NETWORKING,
    NOW,
    OFFICIAL,
    OUTBOX,
    UNION,
    access_events,
    sweeping,
    work_in,
)

SERVICE = "registry"
T = TypeVar("T")
TODAY = NOW.date()
OWNER, COMMS, STANDARDS = "S7001", "S8003", "S6003"
POSTS, DIRECTOR = StaffId("S7004"), StaffId("S3001")
OWNED = replace(OFFICIAL, owner=StaffId(OWNER))


async def do(
    database: Database,
    step: Callable[[Work], Awaitable[T]],
    role: Role = Role.COMMS,
    staff_id: str = COMMS,
    now: datetime = NOW,
) -> T:
    async with database.transaction() as session:
        return await step(work_in(session, role, staff_id, now))


async def put(database: Database, registration: Registration = OWNED) -> AccountId:
    async with database.transaction() as session:
        (account_id,) = await accounts.register(session, [registration], outbox=OUTBOX, now=NOW, ids=IDS, actor=COMMS)
    return account_id


async def train(database: Database, staff_id: StaffId = POSTS, on: date = TODAY, now: datetime = NOW) -> int:
    done = Completion(staff_id, "Official accounts", on)
    return await do(database, lambda work: eligibility.record_training(work, [done]), now=now)


async def name(database: Database, account_id: AccountId, staff_id: StaffId = POSTS) -> Operator:
    return await do(database, lambda work: handlers.name_operator(work, handlers.NewOperator(account_id, staff_id)))


async def sweep(database: Database, now: datetime) -> int:
    async with database.transaction() as session:
        return await expire_due(sweeping(session, now))


async def state(database: Database, operator_id: UUID) -> OperatorState:
    async with database.transaction() as session:
        operator = await get_operator(session, operator_id)
    assert operator
    return operator.state


async def open_removals(database: Database) -> list[UUID]:
    async with database.transaction() as session:
        return [removal.id for removal in await open_removals_of(session)]


@pytest.mark.policy("S5")
async def test_no_one_is_authorised_before_training_and_training_authorises_at_once(database: Database) -> None:
    named = await name(database, await put(database))
    assert named.state is OperatorState.PENDING
    assert await access_events(database) == []
    assert await train(database) == 1
    assert await state(database, named.id) is OperatorState.AUTHORISED
    assert await access_events(database) == [("authorisation.granted.v1", POSTS, None)]
    assert await train(database) == 0
    assert len(await access_events(database)) == 1


@pytest.mark.policy("S5")
@pytest.mark.policy("Sc-c")
async def test_a_staff_id_is_one_person_however_it_is_typed(database: Database) -> None:
    typed = StaffId(POSTS.lower())
    account_id = await put(database, replace(OWNED, vetting_required=Vetting.SC))
    await do(database, lambda work: eligibility.record_vetting(work, Clearance(typed, Vetting.SC)))
    await train(database, typed)
    named = await name(database, account_id)
    assert named.state is OperatorState.AUTHORISED
    with pytest.raises(handlers.OperatorNamed):
        await name(database, account_id, typed)
    await do(
        database, lambda work: eligibility.record_vetting(work, Clearance(typed, None)), now=NOW + timedelta(minutes=1)
    )
    assert await state(database, named.id) is OperatorState.WITHDRAWN


@pytest.mark.policy("D-pia")
async def test_an_approved_person_who_is_named_already_is_not_named_again(database: Database) -> None:
    account_id = await put(database, INDIVIDUAL)
    named = await name(database, account_id, DIRECTOR)
    lower = replace(INDIVIDUAL, approved_person=StaffId(DIRECTOR.lower()))
    await do(database, lambda work: _become(work, account_id, lower))
    async with database.transaction() as session:
        assert await named_for(session, [account_id]) == {(account_id, DIRECTOR.lower())}
        assert await get_operator(session, named.id)


async def _become(work: Work, account_id: AccountId, registration: Registration) -> None:
    await change(work, await lock_one(work, account_id), AccountChange(registration, "details_changed"))


@pytest.mark.policy("S5")
async def test_a_lapse_withdraws_at_midnight_and_opens_a_task_until_removal_is_evidenced(database: Database) -> None:
    account_id = await put(database)
    await train(database, on=date(2024, 11, 24))
    named = await name(database, account_id)
    assert named.lapses_at == datetime(2026, 11, 25, tzinfo=UTC)
    assert await sweep(database, datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC)) == 0
    assert await state(database, named.id) is OperatorState.AUTHORISED
    over = datetime(2026, 11, 25, tzinfo=UTC)
    assert [await sweep(database, over), await sweep(database, over)] == [1, 0]
    assert (await access_events(database))[1:] == [("authorisation.withdrawn.v1", POSTS, "training_lapsed")]
    (task,) = await open_removals(database)
    await do(database, lambda work: handlers.record_removal(work, task, "Their name is gone from the list of users"))
    assert await open_removals(database) == []
    with pytest.raises(handlers.RemovalRecorded):
        await do(database, lambda work: handlers.record_removal(work, task, "Again"))
    async with database.transaction() as session:
        story = await chain.read(session, account_id)
        assert await verify(session) == []
    assert [link.action for link in story] == [
        "registered",
        "operator_named",
        "authorisation_granted",
        "authorisation_withdrawn",
        "access_removed",
    ]
    assert (story[3].actor, story[3].after) == ("system:registry", {"because": "training_lapsed"})


@pytest.mark.policy("S5")
async def test_renewed_training_grants_again_and_nothing_is_left_to_remove(database: Database) -> None:
    await train(database, on=date(2024, 11, 24))
    named = await name(database, await put(database))
    later = NOW + timedelta(days=10)
    await sweep(database, later)
    assert len(await open_removals(database)) == 1
    await train(database, on=later.date(), now=later)
    assert await state(database, named.id) is OperatorState.AUTHORISED
    assert await open_removals(database) == []


@pytest.mark.policy("S5")
async def test_a_shorter_period_counts_also_for_who_is_authorised_already(database: Database) -> None:
    await train(database, on=date(2026, 5, 3))
    named = await name(database, await put(database))

    async def rechecked(months: int) -> int:
        async with database.transaction() as session:
            return await recheck_training(replace(sweeping(session, NOW), periods=Periods(months, 12)))

    assert await rechecked(24) == 0
    assert await rechecked(6) == 1
    assert await rechecked(6) == 0
    assert await state(database, named.id) is OperatorState.WITHDRAWN


async def test_two_sweeps_at_once_withdraw_once(database: Database) -> None:
    await train(database, on=date(2024, 11, 24))
    await name(database, await put(database))
    await asyncio.gather(*(sweep(database, NOW + timedelta(days=10)) for _ in range(3)))
    assert [kind for kind, _, _ in await access_events(database)].count("authorisation.withdrawn.v1") == 1


@pytest.mark.policy("S5")
async def test_training_and_naming_at_the_same_moment_never_miss_each_other(database: Database) -> None:
    account_id = await put(database)
    named, _ = await asyncio.gather(name(database, account_id), train(database))
    assert await state(database, named.id) is OperatorState.AUTHORISED


@pytest.mark.policy("Sc-c")
async def test_vetting_that_is_taken_away_or_required_anew_withdraws(database: Database) -> None:
    account_id = await put(database, replace(OWNED, vetting_required=Vetting.CTC))
    await train(database)
    named = await name(database, account_id)
    assert named.state is OperatorState.PENDING
    await do(database, lambda work: eligibility.record_vetting(work, Clearance(POSTS, Vetting.CTC, date(2026, 12, 24))))
    assert await state(database, named.id) is OperatorState.AUTHORISED
    stricter = accounts.Details(account_id, 1, None, StaffId(OWNER), Vetting.SC, None)
    await do(database, lambda work: accounts.change_details(work, stricter))
    assert await state(database, named.id) is OperatorState.WITHDRAWN
    await do(database, lambda work: eligibility.record_vetting(work, Clearance(POSTS, Vetting.DV)))
    assert await state(database, named.id) is OperatorState.AUTHORISED
    await do(
        database, lambda work: eligibility.record_vetting(work, Clearance(POSTS, None)), now=NOW + timedelta(hours=1)
    )
    assert (await access_events(database))[-1] == ("authorisation.withdrawn.v1", POSTS, "vetting_lapsed")


async def individual(database: Database) -> Operator:
    """Put a professional individual account on the register, whose person is trained."""
    account_id = await put(database, replace(INDIVIDUAL, owner=StaffId(OWNER)))
    await train(database, DIRECTOR)
    return await name(database, account_id, DIRECTOR)


@pytest.mark.policy("D-pia")
async def test_an_individuals_account_is_for_its_person_on_an_approved_device(database: Database) -> None:
    account_id = await put(database, replace(INDIVIDUAL, handle="another"))
    with pytest.raises(handlers.NotTheApprovedPerson):
        await name(database, account_id, POSTS)
    named = await individual(database)
    assert named.state is OperatorState.PENDING

    async def approved(work: Work) -> Operator:
        return await handlers.record_device(work, named.id, named.version, Device.DWP_APPROVED)

    assert (await do(database, approved)).state is OperatorState.AUTHORISED
    with pytest.raises(handlers.OperatorChangedMeanwhile):
        await do(database, approved)


@pytest.mark.policy("D-pia")
@pytest.mark.policy("C-e")
async def test_a_dated_exception_stands_in_for_the_device_and_its_end_is_published(database: Database) -> None:
    named = await individual(database)
    wanted = handlers.NewException(named.id, named.version, date(2026, 11, 30), "No approved device for this journey")
    granted = await do(database, lambda work: handlers.grant_exception(work, wanted), Role.POLICY_STANDARDS, STANDARDS)
    assert granted.state is OperatorState.AUTHORISED
    assert await sweep(database, datetime(2026, 11, 30, 23, 59, tzinfo=UTC)) == 0
    over = datetime(2026, 12, 1, tzinfo=UTC)
    assert [await sweep(database, over), await sweep(database, over)] == [1, 0]
    assert (await access_events(database))[1:] == [
        ("exception.expired.v1", DIRECTOR, None),
        ("authorisation.withdrawn.v1", DIRECTOR, "exception_expired"),
    ]


@pytest.mark.policy("D-pia")
async def test_an_exception_is_renewed_or_ended_by_decision(database: Database) -> None:
    named = await individual(database)
    day = date(2026, 11, 30)

    async def granted(version: int, last_day: date) -> Operator:
        wanted = handlers.NewException(named.id, version, last_day, "Journey")
        return await do(database, lambda work: handlers.grant_exception(work, wanted), Role.POLICY_STANDARDS, STANDARDS)

    first = await granted(named.version, day)
    second = await granted(first.version, day + timedelta(days=30))
    assert await sweep(database, datetime(2026, 12, 1, tzinfo=UTC)) == 0

    async def ended(work: Work) -> Operator:
        return await handlers.end_exception(work, named.id, second.version, "The journey was cancelled")

    done = await do(database, ended, Role.POLICY_STANDARDS, STANDARDS)
    assert done.state is OperatorState.WITHDRAWN
    with pytest.raises(handlers.NoException):
        await do(
            database,
            lambda work: handlers.end_exception(work, named.id, done.version, "Again"),
            Role.POLICY_STANDARDS,
            STANDARDS,
        )


@pytest.mark.parametrize(("last_day", "pia"), [(date(2026, 11, 22), True), (date(2027, 11, 25), True), (None, False)])
async def test_an_exception_is_dated_ahead_and_from_a_rule(
    database: Database, last_day: date | None, *, pia: bool
) -> None:
    named = await individual(database) if pia else await name(database, await put(database))
    wanted = handlers.NewException(named.id, named.version, last_day or NOW.date(), "Journey")
    with pytest.raises(handlers.ExceptionRefused):
        await do(database, lambda work: handlers.grant_exception(work, wanted), Role.POLICY_STANDARDS, STANDARDS)


@pytest.mark.policy("S5")
async def test_a_decision_withdraws_and_another_reinstates_who_passes_the_gates(database: Database) -> None:
    await train(database)
    named = await name(database, await put(database))
    off = await do(database, lambda work: handlers.withdraw(work, named.id, named.version, "Moved to another team"))
    assert off.state is OperatorState.WITHDRAWN
    assert (await access_events(database))[-1] == ("authorisation.withdrawn.v1", POSTS, "by_decision")
    await train(database, on=NOW.date() - timedelta(days=1))
    assert await state(database, named.id) is OperatorState.WITHDRAWN
    on = await do(database, lambda work: handlers.reinstate(work, named.id, off.version, "Back again"))
    assert on.state is OperatorState.AUTHORISED


@pytest.mark.policy("S8")
async def test_closing_an_account_withdraws_its_operators(database: Database) -> None:
    account_id = await put(database)
    await train(database)
    await name(database, account_id)
    await do(
        database,
        lambda work: accounts.close(work, accounts.Closing(account_id, 1, "Not needed", "The profile is gone")),
    )
    assert (await access_events(database))[-1] == ("authorisation.withdrawn.v1", POSTS, "account_closed")
    assert len(await open_removals(database)) == 1


async def test_an_owner_records_what_concerns_their_accounts_and_no_one_their_own(database: Database) -> None:
    account_id = await put(database)
    wanted = handlers.NewOperator(account_id, POSTS)
    with pytest.raises(NotYourAccount):
        await do(database, lambda work: handlers.name_operator(work, wanted), Role.ACCOUNT_OWNER, "S7009")
    with pytest.raises(handlers.OwnGates):
        await do(database, lambda work: handlers.name_operator(work, wanted), Role.COMMS, "s7004")
    named = await do(database, lambda work: handlers.name_operator(work, wanted), Role.ACCOUNT_OWNER, OWNER)
    with pytest.raises(handlers.OperatorNamed):
        await do(database, lambda work: handlers.name_operator(work, wanted))
    with pytest.raises(handlers.OwnGates):
        await do(database, lambda work: handlers.record_device(work, named.id, 1, Device.OTHER), Role.COMMS, POSTS)
    with pytest.raises(NotYourAccount):
        await do(database, lambda work: handlers.withdraw(work, named.id, 1, "x"), Role.ACCOUNT_OWNER, "S7009")
    with pytest.raises(eligibility.OwnVetting):
        await do(
            database, lambda work: eligibility.record_vetting(work, Clearance(POSTS, Vetting.SC)), Role.COMMS, POSTS
        )
    pia = await individual(database)
    exception = handlers.NewException(pia.id, pia.version, NOW.date(), "For me")
    with pytest.raises(handlers.OwnGates):
        await do(database, lambda work: handlers.grant_exception(work, exception), Role.POLICY_STANDARDS, DIRECTOR)
    with pytest.raises(handlers.UnknownOperator):
        await do(database, lambda work: handlers.withdraw(work, IDS.uuid(), 1, "x"))


@pytest.mark.policy("C-j")
@pytest.mark.parametrize(
    "registration", [UNION, NETWORKING, replace(OFFICIAL, status=AccountStatus.FROZEN)], ids=["union", "own", "frozen"]
)
async def test_no_one_operates_what_is_not_officially_used_and_open(
    database: Database, registration: Registration
) -> None:
    account_id = await put(database, registration)
    with pytest.raises(handlers.NoOperatorsAllowed):
        await name(database, account_id)


@pytest.mark.policy("C-j")
@pytest.mark.parametrize("account_class", ["union", "official"])
async def test_the_database_lets_no_one_operate_a_union_account(database: Database, account_class: str) -> None:
    account_id = await put(database, UNION)
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            await session.execute(
                text(
                    "insert into operator (id, account_id, account_class, staff_id, state, wanted, version, named_by, "
                    "named_at, changed_at) values (gen_random_uuid(), :id, :class, 'S1', 'pending', true, 1, 'S2', "
                    "now(), now())"
                ),
                {"id": account_id, "class": account_class},
            )
