"""The tasks of each person."""

from dataclasses import replace
from datetime import date

import pytest
from httpx import AsyncClient

from services.registry.approvals.domain import Draft
from services.registry.approvals.handlers import RequestDecision, request_account, send_back
from services.registry.operators.domain import Device
from services.registry.operators.handlers import NewOperator, name_operator
from shared.auth.permissions import Role
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import StaffId
from tests.services.registry.conftest import INDIVIDUAL, OFFICIAL, Registry, work_in

NEEDED = Draft("x", "samplenews", AccountClass.OFFICIAL, "Reach people", "News", StaffId("S7001"))
KINDS = (
    "accounts_to_check",
    "accounts_to_recover",
    "accounts_to_review",
    "operators_without_a_device",
    "operators_without_a_gate",
    "requests",
)


@pytest.fixture
async def busy(registry: Registry) -> Registry:
    """One task of each kind: of S7001, and of another person's account."""
    mine = replace(OFFICIAL, owner=StaffId("S7001"), next_review_on=date(2026, 11, 23))
    legacy = replace(mine, handle="legacy", status=AccountStatus.LEGACY, checks_due_on=date(2026, 12, 1))
    frozen = replace(mine, handle="frozen", status=AccountStatus.FROZEN, next_review_on=None)
    individual = replace(INDIVIDUAL, owner=StaffId("S7001"))
    theirs = replace(legacy, handle="theirs", owner=StaffId("S9001"))
    *_, used, _ = await registry.register(mine, replace(legacy, next_review_on=None), frozen, individual, theirs)
    async with registry.database.transaction() as session:
        work = work_in(session, Role.COMMS, "S8003")
        await request_account(work, NEEDED)
        await request_account(work, replace(NEEDED, platform="mastodon", handle="@news@sample.example"))
        await name_operator(work, NewOperator(used, StaffId("S3001"), Device.OTHER))
    return registry


@pytest.mark.policy("S7")
@pytest.mark.policy("S8")
@pytest.mark.parametrize(
    ("role", "staff_id", "counts"),
    [
        (Role.ACCOUNT_OWNER, "S7001", (1, 1, 1, 0, 1, 0)),
        (Role.COMMS, "S8003", (2, 1, 2, 0, 1, 0)),
        (Role.APPROVER, "S7003", (0, 0, 0, 0, 0, 1)),
        (Role.ADVICE_CENTRE, "S6002", (0, 0, 0, 0, 0, 1)),
        (Role.POLICY_STANDARDS, "S6003", (0, 0, 0, 1, 0, 0)),
        (Role.REPORTER, "S1001", (0, 0, 0, 0, 0, 0)),
    ],
)
async def test_everybody_is_told_what_they_can_do_something_about(
    busy: Registry, client: AsyncClient, role: Role, staff_id: str, counts: tuple[int, ...]
) -> None:
    answer = await client.get("/accounts/api/v1/waiting", headers=busy.token(role, staff_id))
    assert tuple(len(answer.json()[kind]) for kind in KINDS) == counts
    async with busy.client(**busy.session(role, staff_id)) as browser:
        page = await browser.get("/accounts/waiting")
    assert ("You have no tasks" in page.text) == (not any(counts))


async def test_a_request_waits_for_who_made_it_once_it_is_returned(busy: Registry, client: AsyncClient) -> None:
    async def waits() -> int:
        answer = await client.get("/accounts/api/v1/waiting", headers=busy.token(Role.COMMS, "S8009"))
        return len(answer.json()["requests"])

    async with busy.database.transaction() as session:
        request = await request_account(work_in(session, Role.COMMS, "S8009"), replace(NEEDED, handle="another"))
    assert await waits() == 0
    async with busy.database.transaction() as session:
        decision = RequestDecision(request.id, request.version, "Say more")
        await send_back(work_in(session, Role.APPROVER, "S7003"), decision)
    assert await waits() == 1
