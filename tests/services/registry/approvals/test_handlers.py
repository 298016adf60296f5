"""Requests, decisions, declarations and proxies against the real database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.registry.accounts.changes import RegistrationRefused
from services.registry.accounts.domain import Vetting
from services.registry.accounts.handlers import HandleTaken, StatusNotAllowed, register
from services.registry.accounts.queries import get_account
from services.registry.approvals import delegations, handlers
from services.registry.approvals.domain import AccountRequest, Draft, RequestState
from services.registry.context.work import Work
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import StaffId
from tests.services.registry.conftest import IDS, NOW, OFFICIAL, OUTBOX, UNION, events_of, work_in

SERVICE = "registry"
T = TypeVar("T")
TODAY = NOW.date()
OWNER, COMMS, APPROVER, PROXY, CENTRE = "S7001", "S8003", "S7003", "S7004", "S6002"
DRAFT = Draft(
    "x", "samplenews", AccountClass.OFFICIAL, "Reach people who look for work", "News of jobs", StaffId(OWNER)
)


async def do(database: Database, role: Role, staff_id: str, step: Callable[[Work], Awaitable[T]], days: int = 0) -> T:
    async with database.transaction() as session:
        return await step(work_in(session, role, staff_id, NOW + timedelta(days=days)))


async def asked(database: Database, draft: Draft = DRAFT) -> AccountRequest:
    return await do(database, Role.COMMS, COMMS, lambda work: handlers.request_account(work, draft))


async def in_use(database: Database, *platforms: str) -> None:
    async with database.transaction() as session:
        known = [replace(OFFICIAL, platform=platform) for platform in platforms]
        await register(session, known, outbox=OUTBOX, now=NOW, ids=IDS, actor="S8003")


def deciding(
    step: Callable[[Work, handlers.RequestDecision], Awaitable[AccountRequest]],
    request: AccountRequest,
    behalf: str | None = None,
) -> Callable[[Work], Awaitable[AccountRequest]]:
    decision = handlers.RequestDecision(request.id, request.version, "In my words", StaffId(behalf) if behalf else None)
    return lambda work: step(work, decision)


@pytest.mark.policy("S7")
async def test_an_approved_request_is_on_the_register_with_its_whole_story_in_one_chain(database: Database) -> None:
    await in_use(database, "x")
    request = await asked(database, replace(DRAFT, vetting_required=Vetting.CTC))
    assert request.state is RequestState.REQUESTED
    done = await do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, request))
    assert (done.state, done.decided_by, done.relevance) == (RequestState.APPROVED, APPROVER, "In my words")
    async with database.transaction() as session:
        account = await get_account(session, request.account_id)
        story = await chain.read(session, request.account_id)
        assert await verify(session) == []
    assert account
    kept = account.registration
    assert (kept.status, kept.owner, kept.vetting_required) == (AccountStatus.APPROVED, OWNER, Vetting.CTC)
    assert kept.next_review_on == date(2027, 11, 23)
    assert [(link.action, link.actor) for link in story] == [
        ("requested", COMMS),
        ("request_approved", APPROVER),
        ("registered", APPROVER),
    ]
    assert story[0].personal["requirement"] == "Reach people who look for work"
    assert [event.handle for event in await events_of(database)] == ["sampledept", "samplenews"]


@pytest.mark.policy("X3")
@pytest.mark.policy("S7")
async def test_a_new_platform_is_cleared_by_the_advice_centre_and_then_known(database: Database) -> None:
    request = await asked(database)
    assert (request.state, request.new_platform) == (RequestState.WITH_ADVICE_CENTRE, True)
    with pytest.raises(handlers.ActionNotAllowed):
        await do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, request))
    cleared = await do(database, Role.ADVICE_CENTRE, CENTRE, deciding(handlers.clear_platform, request))
    assert cleared.state is RequestState.REQUESTED
    another = await asked(database, replace(DRAFT, handle="another"))
    assert another.state is RequestState.REQUESTED


@pytest.mark.policy("S7")
@pytest.mark.parametrize(
    ("role", "staff_id", "behalf", "refusal"),
    [
        (Role.APPROVER, COMMS, None, handlers.OwnRequest),
        (Role.APPROVER, OWNER, None, handlers.OwnRequest),
        (Role.COMMS, "S8009", None, handlers.NoApprover),
        (Role.ADVICE_CENTRE, CENTRE, None, handlers.NoApprover),
        (Role.APPROVER, APPROVER, "S7002", handlers.NoApprover),
        (Role.ACCOUNT_OPERATOR, PROXY, APPROVER, handlers.NoApprover),
    ],
)
async def test_no_one_else_approves(
    database: Database, role: Role, staff_id: str, behalf: str | None, refusal: type[Exception]
) -> None:
    await in_use(database, "x")
    request = await asked(database)
    for step in (handlers.approve, handlers.refuse, handlers.send_back):
        with pytest.raises(refusal):
            await do(database, role, staff_id, deciding(step, request, behalf))
    assert len(await events_of(database)) == 1


@pytest.mark.policy("S7")
async def test_a_recorded_proxy_approves_on_their_days_and_is_named_with_the_approver(database: Database) -> None:
    await in_use(database, "x")
    leave = delegations.NewDelegation(StaffId(PROXY), TODAY, TODAY + timedelta(days=3), "Leave")
    await do(database, Role.APPROVER, APPROVER, lambda work: delegations.delegate(work, leave))
    first, second = await asked(database), await asked(database, replace(DRAFT, handle="second"))
    by_proxy = deciding(handlers.approve, first, APPROVER)
    done = await do(database, Role.ACCOUNT_OPERATOR, PROXY, by_proxy, days=3)
    assert (done.decided_by, done.on_behalf_of) == (PROXY, APPROVER)
    with pytest.raises(handlers.NoApprover):
        await do(database, Role.ACCOUNT_OPERATOR, PROXY, deciding(handlers.approve, second, APPROVER), days=4)


@pytest.mark.policy("S7")
async def test_a_proxy_stands_in_however_their_staff_id_was_typed(database: Database) -> None:
    await in_use(database, "x")
    leave = delegations.NewDelegation(StaffId(PROXY.lower()), TODAY, TODAY, "Leave")
    await do(database, Role.APPROVER, APPROVER, lambda work: delegations.delegate(work, leave))
    request = await asked(database)
    by_proxy = deciding(handlers.approve, request, APPROVER)
    assert (await do(database, Role.ACCOUNT_OPERATOR, PROXY, by_proxy)).on_behalf_of == APPROVER


@pytest.mark.policy("S7")
async def test_a_proxy_does_not_decide_about_the_request_of_whom_they_stand_in_for(database: Database) -> None:
    await in_use(database, "x")
    leave = delegations.NewDelegation(StaffId(PROXY), TODAY, TODAY, "Leave")
    await do(database, Role.APPROVER, COMMS, lambda work: delegations.delegate(work, leave))
    request = await asked(database)
    with pytest.raises(handlers.OwnRequest):
        await do(database, Role.ACCOUNT_OPERATOR, PROXY, deciding(handlers.approve, request, COMMS))


@pytest.mark.policy("S7")
async def test_one_proxy_at_a_time(database: Database) -> None:
    leave = delegations.NewDelegation(StaffId(PROXY), TODAY, TODAY + timedelta(days=5), "Leave")
    given = await do(database, Role.APPROVER, APPROVER, lambda work: delegations.delegate(work, leave))
    overlapping = replace(leave, proxy=StaffId("S7002"), first_day=TODAY + timedelta(days=5))
    with pytest.raises(delegations.DelegationOverlaps):
        await do(database, Role.APPROVER, APPROVER, lambda work: delegations.delegate(work, overlapping))
    await do(database, Role.APPROVER, "S7002", lambda work: delegations.delegate(work, leave))
    with pytest.raises(delegations.UnknownDelegation):
        await do(database, Role.APPROVER, "S7002", lambda work: delegations.end_delegation(work, given.id))
    await do(database, Role.APPROVER, APPROVER, lambda work: delegations.end_delegation(work, given.id))
    await do(database, Role.APPROVER, APPROVER, lambda work: delegations.delegate(work, overlapping))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"proxy": StaffId("s7003")}, "proxy"),
        ({"first_day": TODAY - timedelta(days=1)}, "first_day"),
        ({"first_day": TODAY + timedelta(days=6)}, "last_day"),
        ({"last_day": TODAY + timedelta(days=366)}, "last_day"),
    ],
)
async def test_a_delegation_is_to_another_person_ahead_and_dated(
    database: Database, change: dict[str, date | StaffId], field: str
) -> None:
    leave = delegations.NewDelegation(StaffId(PROXY), TODAY, TODAY + timedelta(days=5), "Leave")
    with pytest.raises(delegations.DelegationRefused) as refusal:
        await do(database, Role.APPROVER, APPROVER, lambda work: delegations.delegate(work, replace(leave, **change)))  # type: ignore[arg-type] # the table is right
    assert [fault.field for fault in refusal.value.faults] == [field]


@pytest.mark.policy("S7")
async def test_a_returned_request_is_changed_and_sent_again_by_who_made_it(database: Database) -> None:
    await in_use(database, "x")
    request = await asked(database)
    returned = await do(database, Role.APPROVER, APPROVER, deciding(handlers.send_back, request))
    assert (returned.state, returned.reason) == (RequestState.RETURNED, "In my words")
    better = replace(DRAFT, purpose="News of jobs, in Welsh too", handle="samplejobs")

    async def again(work: Work) -> AccountRequest:
        return await handlers.resubmit(work, returned.id, returned.version, better)

    with pytest.raises(handlers.NotYourRequest):
        await do(database, Role.COMMS, OWNER, again)
    sent = await do(database, Role.COMMS, COMMS, again)
    assert (sent.state, sent.draft.handle, sent.reason) == (RequestState.REQUESTED, "samplejobs", None)
    with pytest.raises(handlers.RequestChangedMeanwhile):
        await do(database, Role.COMMS, COMMS, again)
    await do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, sent))


@pytest.mark.policy("S7")
async def test_refused_and_withdrawn_are_ends_and_free_the_handle(database: Database) -> None:
    await in_use(database, "x")
    first = await asked(database)
    with pytest.raises(handlers.NotYourRequest):
        await do(database, Role.COMMS, OWNER, deciding(handlers.withdraw, first))
    withdrawn = await do(database, Role.COMMS, COMMS, deciding(handlers.withdraw, first))
    second = await asked(database)
    refused = await do(database, Role.APPROVER, APPROVER, deciding(handlers.refuse, second))
    assert (withdrawn.state, refused.state) == (RequestState.WITHDRAWN, RequestState.REFUSED)
    for ended in (withdrawn, refused):
        with pytest.raises(handlers.ActionNotAllowed):
            await do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, ended))
    await asked(database)


@pytest.mark.policy("S4")
async def test_a_handle_that_is_taken_or_asked_for_is_refused_clearly(database: Database) -> None:
    await in_use(database, "x")
    with pytest.raises(HandleTaken):
        await asked(database, replace(DRAFT, handle="sampledept"))
    request = await asked(database)
    with pytest.raises(handlers.HandleRequested):
        await asked(database)
    async with database.transaction() as session:
        rival = replace(UNION, handle="samplenews")
        await register(session, [rival], outbox=OUTBOX, now=NOW, ids=IDS, actor="S8003")
    with pytest.raises(HandleTaken):
        await do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, request))
    async with database.transaction() as session:
        assert await get_account(session, request.account_id) is None


@pytest.mark.policy("S7")
async def test_of_two_who_decide_at_once_one_is_told_to_look_again(database: Database) -> None:
    await in_use(database, "x")
    request = await asked(database)
    both = await asyncio.gather(
        do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, request)),
        do(database, Role.APPROVER, "S7002", deciding(handlers.refuse, request)),
        return_exceptions=True,
    )
    assert [type(one) for one in both if isinstance(one, Exception)] == [handlers.RequestChangedMeanwhile]


@pytest.mark.policy("D-personal")
@pytest.mark.policy("C-j")
@pytest.mark.parametrize(
    "draft",
    [
        replace(DRAFT, account_class=AccountClass.UNION),
        replace(DRAFT, account_class=AccountClass.PROFESSIONAL_INDIVIDUAL),
        replace(DRAFT, account_class=AccountClass.LINKEDIN),
        replace(DRAFT, approved_person=StaffId("S3001")),
    ],
)
async def test_what_does_not_fit_the_register_is_not_asked_for(database: Database, draft: Draft) -> None:
    with pytest.raises(RegistrationRefused):
        await asked(database, draft)


@pytest.mark.policy("Sc-d")
async def test_a_declared_account_is_legacy_until_it_is_approved_and_not_vouched_for(database: Database) -> None:
    holder = StaffId("S1001")
    request = await do(database, Role.REPORTER, holder, lambda work: handlers.declare(work, DRAFT))
    async with database.transaction() as session:
        declared = await get_account(session, request.account_id)
    assert declared
    assert (declared.registration.status, declared.registration.declared_by) == (AccountStatus.LEGACY, holder)
    assert declared.registration.checks_due_on == TODAY + timedelta(days=90)
    assert not declared.registration.sanctioned
    assert [event.official_use for event in await events_of(database)] == [False]
    with pytest.raises(handlers.OwnRequest):
        await do(database, Role.APPROVER, holder, deciding(handlers.approve, request))
    await do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, request))
    async with database.transaction() as session:
        account = await get_account(session, request.account_id)
    assert account
    assert (account.registration.status, account.registration.checks_due_on) == (AccountStatus.APPROVED, None)
    assert not account.registration.sanctioned
    assert [event.official_use for event in await events_of(database)] == [False, False]


@pytest.mark.policy("Sc-d")
async def test_a_registered_legacy_account_passes_the_same_gate(database: Database) -> None:
    legacy = replace(OFFICIAL, status=AccountStatus.LEGACY, checks_due_on=TODAY)
    async with database.transaction() as session:
        known = [legacy, replace(OFFICIAL, handle="live")]
        old, live = await register(session, known, outbox=OUTBOX, now=NOW, ids=IDS, actor="S8003")
    with pytest.raises(StatusNotAllowed):
        await do(database, Role.COMMS, COMMS, lambda work: handlers.begin_checks(work, live, DRAFT))
    request = await do(database, Role.COMMS, COMMS, lambda work: handlers.begin_checks(work, old, DRAFT))
    assert (request.draft.handle, request.state) == ("sampledept", RequestState.REQUESTED)
    await do(database, Role.APPROVER, APPROVER, deciding(handlers.approve, request))
    async with database.transaction() as session:
        account = await get_account(session, old)
    assert account
    assert (account.registration.status, account.registration.owner) == (AccountStatus.LIVE, OWNER)


async def test_an_unknown_request_is_not_found(database: Database) -> None:
    unknown = handlers.RequestDecision(IDS.uuid(), 1, "x")
    with pytest.raises(handlers.UnknownRequest):
        await do(database, Role.APPROVER, APPROVER, lambda work: handlers.approve(work, unknown))


@pytest.mark.policy("S7")
@pytest.mark.parametrize(
    ("broken", "constraint"),
    [
        ("account_class = 'union'", "class"),
        ("requirement = ''", "says_why"),
        ("state = 'approved'", "approved_by_somebody"),
        ("decided_by = requested_by", "two_people"),
        ("on_behalf_of = requested_by", "two_people"),
        ("state = 'dreaming'", "state"),
        ("cleared_by = 'S1', new_platform = false", "cleared_where_new"),
    ],
)
async def test_the_database_refuses_what_the_gate_refuses(database: Database, broken: str, constraint: str) -> None:
    await asked(database)
    with pytest.raises(IntegrityError, match=f"ck_account_request_{constraint}"):
        async with database.transaction() as session:
            await session.execute(text(f"update account_request set {broken}"))  # noqa: S608 -- literals of this test
