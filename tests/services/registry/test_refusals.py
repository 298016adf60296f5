"""A page that refuses shows the words and the status of the same row that the API uses."""

import asyncio
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from sqlalchemy import text

from services.registry.approvals.delegations import NewDelegation, delegate
from services.registry.approvals.domain import Draft
from services.registry.approvals.handlers import request_account
from services.registry.eligibility.domain import Completion
from services.registry.eligibility.handlers import record_training
from services.registry.operators.handlers import NewOperator, name_operator, record_removal, withdraw
from services.registry.operators.queries import open_removals_of
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.vocabulary import AccountClass
from shared.ids import RandomIds, StaffId
from tests.services.registry.browser import day, submit
from tests.services.registry.conftest import INDIVIDUAL, NOW, OFFICIAL, UNION, Registry, person, work_in

OWNER, COMMS, APPROVER, OPERATOR = "S7001", "S8003", "S7003", "S7004"
NOT_THERE = RandomIds().uuid()
_BLOCKED = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
REQUEST = {
    "platform": "x",
    "handle": "samplenews",
    "account_class": "official",
    "requirement": "Reach people",
    "purpose": "News",
    "owner": OWNER,
}
PROXY = {"proxy": OPERATOR, **day("first_day", "30 11 2026"), **day("last_day", "30 11 2026"), "reason": "Leave"}
DECISION = {"version": "1", "words": "As it was asked"}
REVIEW = {"version": "1", "outcome": "keep", "reason": "Needed", **day("next_on", "23 11 2027")}


@dataclass(frozen=True)
class Kept:
    """The objects on the register, and those that wait."""

    registry: Registry
    addresses: dict[str, UUID]


@pytest.fixture
async def kept(registry: Registry) -> Kept:
    """Three accounts, one of which has an operator; a request by communications; an approver's proxy."""
    official, individual, union = await registry.register(replace(OFFICIAL, owner=StaffId(OWNER)), INDIVIDUAL, UNION)
    async with registry.database.transaction() as session:
        comms = work_in(session, Role.COMMS, COMMS)
        await record_training(comms, [Completion(StaffId(OPERATOR), "Official accounts", NOW.date())])
        operator = await name_operator(comms, NewOperator(official, StaffId(OPERATOR)))
        draft = Draft("x", "samplenews", AccountClass.OFFICIAL, "Reach people", "News", StaffId(OWNER))
        asked = await request_account(comms, draft)
        leave = NewDelegation(StaffId(OPERATOR), NOW.date(), NOW.date().replace(day=30), "Leave")
        await delegate(work_in(session, Role.APPROVER, APPROVER), leave)
    accounts = {"official": official, "individual": individual, "union": union}
    return Kept(registry, {**accounts, "operator": operator.id, "request": asked.id, "not_there": NOT_THERE})


@pytest.mark.parametrize(
    ("role", "staff_id", "address", "typed", "status", "words"),
    [
        (
            Role.ACCOUNT_OWNER,
            OWNER,
            "{official}/operators/new",
            {"staff_id": OPERATOR},
            409,
            "This person is named for the account already",
        ),
        (Role.COMMS, COMMS, "{union}/operators/new", {"staff_id": OPERATOR}, 409, "No one can be authorised"),
        (
            Role.COMMS,
            COMMS,
            "{individual}/operators/new",
            {"staff_id": OPERATOR},
            409,
            "Only the person who was approved",
        ),
        (
            Role.ACCOUNT_OWNER,
            OPERATOR,
            "{official}/operators/new",
            {"staff_id": "S1"},
            403,
            "Another person answers for",
        ),
        (
            Role.COMMS,
            OPERATOR,
            "operators/{operator}/recorded/device",
            {"version": "2", "device": "dwp_approved"},
            403,
            "Another person records what your own authorisation depends on",
        ),
        (
            Role.POLICY_STANDARDS,
            "S6003",
            "operators/{operator}/granted/exception-end",
            {"version": "2", "reason": "Over"},
            409,
            "There is no exception that could end",
        ),
        (Role.COMMS, COMMS, "{union}/review", REVIEW, 409, "This account is not reviewed"),
        (Role.COMMS, COMMS, "requests/new", REQUEST, 409, "Another open request is for this handle"),
        (
            Role.APPROVER,
            APPROVER,
            "requests/{request}/decision",
            {**DECISION, "step": "clear"},
            409,
            "The request is in a state that does not allow this",
        ),
        (
            Role.APPROVER,
            APPROVER,
            "requests/{request}/decision",
            {**DECISION, "step": "withdraw"},
            403,
            "Only the person who made a request",
        ),
        (Role.APPROVER, APPROVER, "proxies/new", PROXY, 409, "You have a proxy on one of these days already"),
    ],
)
async def test_a_form_that_is_refused_says_why_above_and_beside_its_field(
    kept: Kept, role: Role, staff_id: str, address: str, typed: dict[str, str], status: int, words: str
) -> None:
    action = f"/accounts/{address.format(**kept.addresses)}"
    async with kept.registry.client(**kept.registry.session(role, staff_id)) as client:
        page = await submit(client, "/accounts/declare", action, **typed)
    assert page.status_code == status
    assert "There is a problem" in page.text
    assert page.text.count(words) == 2


async def test_who_can_do_nothing_with_a_request_is_told_so_above_it(kept: Kept) -> None:
    action = f"/accounts/requests/{kept.addresses['request']}/decision"
    async with kept.registry.client(**kept.registry.session(Role.ADVICE_CENTRE, "S6002")) as client:
        page = await submit(client, "/accounts/declare", action, **DECISION, step="approve")
    assert page.status_code == 403
    assert "You cannot decide about this request" in page.text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("{not_there}/review", "There is no such account on the register"),
        ("operators/{not_there}/recorded/device", "There is no such operator"),
        ("requests/{not_there}/decision", "There is no such request"),
        ("proxies/{not_there}/end", "There is no such delegation of yours"),
    ],
)
async def test_what_is_not_there_is_named_on_a_page_of_its_own(kept: Kept, address: str, words: str) -> None:
    role = Role.APPROVER if "proxies" in address else Role.COMMS
    action = f"/accounts/{address.format(**kept.addresses)}"
    async with kept.registry.client(**kept.registry.session(role, COMMS)) as client:
        page = await submit(client, "/accounts/declare", action, version="1")
    assert page.status_code == 404
    assert words in page.text


async def test_who_has_no_staff_id_is_told_so(kept: Kept) -> None:
    nobody = replace(person(Role.COMMS), staff_id=None)
    async with kept.registry.client(**{SESSION_COOKIE: kept.registry.issuer.session(nobody, NOW)}) as client:
        page = await client.get("/accounts/waiting")
    assert (page.status_code, "Only a person can do this" in page.text) == (403, True)


@pytest.mark.policy("S5")
async def test_a_removal_that_another_person_records_at_the_same_time_is_recorded_once(kept: Kept) -> None:
    operator_id = kept.addresses["operator"]
    async with kept.registry.database.transaction() as session:
        await withdraw(work_in(session, Role.COMMS, COMMS), operator_id, 2, "Moved")
        [task] = await open_removals_of(session)
    action = f"/accounts/operators/{operator_id}/recorded/removal"
    async with kept.registry.client(**kept.registry.session(Role.ACCOUNT_OWNER, OWNER)) as owner:
        async with kept.registry.database.transaction() as session:
            await record_removal(work_in(session, Role.COMMS, COMMS), task.id, "Gone from the list")
            late = asyncio.create_task(submit(owner, "/accounts/declare", action, evidence="I looked"))
            await _one_waits(kept.registry.database)
        page = await late
        again = await submit(owner, "/accounts/declare", action, evidence="I looked")
        bearer = kept.registry.token(Role.COMMS, COMMS)
        answer = await owner.post(f"/accounts/api/v1/removals/{task.id}", json={"evidence": "I looked"}, headers=bearer)
    assert {page.status_code, again.status_code, answer.status_code} == {409}
    assert "The removal of this access is recorded already" in again.text
    assert answer.json()["title"] == "The removal of this access is recorded already"
    assert page.text.count("The removal of this access is recorded already") == 2
    assert "I looked" in page.text


async def _one_waits(database: Database) -> None:
    async with asyncio.timeout(30):
        while True:
            async with database.transaction() as session:
                if await session.scalar(_BLOCKED):
                    return
            await asyncio.sleep(0.01)
