"""Operators, training, reviews and recovery on the pages."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest
from httpx import AsyncClient

from shared.auth.permissions import Role
from shared.events.vocabulary import AccountStatus
from shared.ids import StaffId
from tests.services.registry.browser import day, submit
from tests.services.registry.conftest import INDIVIDUAL, OFFICIAL, UNION, Registry

YESTERDAY = date(2026, 11, 22)
TRAINING = {"staff_id": "S7004", "course": "Official accounts", **day("completed_on", "3 5 2026")}


@pytest.fixture
async def owner(registry: Registry) -> AsyncIterator[AsyncClient]:
    """An account owner's browser."""
    async with registry.client(**registry.session(Role.ACCOUNT_OWNER)) as client:
        yield client


async def named(client: AsyncClient, account_id: object, **answers: str) -> str:
    page = f"/accounts/{account_id}/operators/new"
    done = await submit(client, page, page, **answers)
    assert done.status_code == 303
    return done.headers["location"]


@pytest.mark.policy("S5")
async def test_the_gates_of_an_operator_are_a_checklist_on_both_pages(registry: Registry, owner: AsyncClient) -> None:
    (account_id,) = await registry.register(replace(OFFICIAL, owner=StaffId("S7001")))
    page = await named(owner, account_id, staff_id="S7004")
    assert "not recorded" in (await owner.get(page)).text
    new = "/accounts/training/new"
    assert (await submit(owner, new, new, **TRAINING)).status_code == 303
    assert "3 May 2028" in (await owner.get("/accounts/training")).text
    for address in (page, f"/accounts/{account_id}"):
        shown = (await owner.get(address)).text
        assert "to 3 May 2028" in shown
        assert "Authorised" in shown


@pytest.mark.policy("S5")
async def test_access_is_shown_open_until_its_removal_is_recorded(registry: Registry, owner: AsyncClient) -> None:
    (account_id,) = await registry.register(replace(OFFICIAL, owner=StaffId("S7001")))
    new = "/accounts/training/new"
    await submit(owner, new, new, **TRAINING)
    page = await named(owner, account_id, staff_id="S7004")
    why = {"version": "2", "reason": "Moved to another team"}
    empty = await submit(owner, f"{page}/withdraw", f"{page}/recorded/withdraw", version="2", reason=" ")
    assert (empty.status_code, "Enter why" in empty.text) == (422, True)
    assert (await submit(owner, f"{page}/withdraw", f"{page}/recorded/withdraw", **why)).status_code == 303
    stale = await submit(owner, f"{page}/withdraw", f"{page}/recorded/withdraw", **why)
    assert (stale.status_code, "Something changed for this operator" in stale.text) == (412, True)
    for address in (page, f"/accounts/{account_id}"):
        assert "Platform access still open" in (await owner.get(address)).text
    assert "Remove the access of S7004" in (await owner.get("/accounts/waiting")).text
    gone = {"evidence": "Their name is gone from the list of users"}
    assert (await submit(owner, f"{page}/removal", f"{page}/recorded/removal", **gone)).status_code == 303
    assert "Platform access still open" not in (await owner.get(page)).text
    twice = await submit(owner, f"{page}/removal", f"{page}/recorded/removal", **gone)
    assert (twice.status_code, "recorded already" in twice.text) == (409, True)


@pytest.mark.policy("D-pia")
async def test_an_exception_is_granted_on_the_operators_page(registry: Registry, owner: AsyncClient) -> None:
    (account_id,) = await registry.register(replace(INDIVIDUAL, owner=StaffId("S7001")))
    new = "/accounts/training/new"
    await submit(owner, new, new, **{**TRAINING, "staff_id": "S3001"})
    page = await named(owner, account_id, staff_id="S3001", device="other")
    assert "needs a DWP approved device or an exception" in (await owner.get(page)).text
    grant = {"version": "1", **day("last_day", "30 11 2026"), "reason": "Journey"}
    form, action = f"{page}/exception", f"{page}/granted/exception"
    assert (await submit(owner, form, action, **grant)).status_code == 403
    async with registry.client(**registry.session(Role.POLICY_STANDARDS, "S6003")) as standards:
        assert "S3001 for directorofwork" in (await standards.get("/accounts/waiting")).text
        past = await submit(standards, form, action, **{**grant, **day("last_day", "22 11 2026")})
        assert (past.status_code, "not in the past" in past.text) == (422, True)
        assert (await submit(standards, form, action, **grant)).status_code == 303
        assert "by exception to 30 November 2026" in (await standards.get(page)).text
        assert "You have no tasks" in (await standards.get("/accounts/waiting")).text


@pytest.mark.policy("S8")
async def test_a_review_is_recorded_and_an_overdue_one_waits(registry: Registry, owner: AsyncClient) -> None:
    from_before = replace(OFFICIAL, owner=StaffId("S7001"), next_review_on=YESTERDAY)
    (account_id,) = await registry.register(from_before)
    assert "Overdue" in (await owner.get("/accounts/waiting")).text
    page = f"/accounts/{account_id}/review"
    empty = await submit(owner, page, page, version="1")
    assert "Choose what should happen to the account" in empty.text
    closing = {"version": "1", "outcome": "close", "reason": "Nobody needs it"}
    refused = await submit(owner, page, page, **closing)
    assert (refused.status_code, "Enter how you know" in refused.text) == (422, True)
    kept = {**closing, "outcome": "keep", **day("next_on", "23 11 2027")}
    assert (await submit(owner, page, page, **kept)).status_code == 303
    assert "23 November 2027" in (await owner.get(f"/accounts/{account_id}")).text
    assert "You have no tasks" in (await owner.get("/accounts/waiting")).text


async def test_a_recovery_is_recorded_with_what_was_done(registry: Registry, owner: AsyncClient) -> None:
    frozen = replace(OFFICIAL, owner=StaffId("S7001"), status=AccountStatus.FROZEN)
    (account_id,) = await registry.register(frozen)
    assert "Frozen accounts to recover" in (await owner.get("/accounts/waiting")).text
    page = f"/accounts/{account_id}/recover"
    assert "Enter what was done" in (await submit(owner, page, page, version="1")).text
    done = {"version": "1", "what_was_done": "Password changed, sessions ended"}
    assert (await submit(owner, page, page, **done)).status_code == 303
    shown = (await owner.get(f"/accounts/{account_id}")).text
    assert "Recovered" in shown
    assert "Password changed, sessions ended" in shown
    assert (await submit(owner, page, page, **{**done, "version": "2"})).status_code == 409


@pytest.mark.policy("C-j")
async def test_the_page_of_a_union_account_offers_nothing_about_people(registry: Registry) -> None:
    (account_id,) = await registry.register(UNION)
    async with registry.client(**registry.session(Role.COMMS, "S8003")) as comms:
        shown = (await comms.get(f"/accounts/{account_id}")).text
        for word in ("Operators", "Requests and approvals", "Reviews", "Name an operator", "Change details"):
            assert word not in shown
        naming = f"/accounts/{account_id}/operators/new"
        assert (await submit(comms, naming, naming, staff_id="S7004")).status_code == 409


@pytest.mark.policy("S5")
async def test_an_import_of_training_by_page_is_all_or_nothing(owner: AsyncClient) -> None:
    page = "/accounts/training/import"
    text = "staff_id,course,completed_on\nS7004,Official accounts,2026-05-03\nS7004,Official accounts,soon\n"
    refused = await submit(owner, page, page, csv=text)
    assert refused.status_code == 422
    assert "Write the day as 2026-01-31" in refused.text
    assert "No training recorded" in (await owner.get("/accounts/training")).text
    taken = await submit(owner, page, page, csv=text, accept_valid="yes")
    assert (taken.status_code, "1 recorded" in taken.text) == (200, True)


async def test_vetting_is_recorded_by_form(owner: AsyncClient) -> None:
    page = "/accounts/vetting/new"
    assert "No vetting recorded" in (await owner.get("/accounts/vetting")).text
    own = await submit(owner, page, page, staff_id="S7001", level="sc")
    assert (own.status_code, "Another person records your own vetting" in own.text) == (403, True)
    assert (await submit(owner, page, page, staff_id="S7004", level="sc")).status_code == 303
    assert "Security Check (SC)" in (await owner.get("/accounts/vetting")).text


@pytest.mark.parametrize("address", ["/accounts/training", "/accounts/vetting", "/accounts/training/import"])
async def test_records_of_people_are_for_those_who_keep_them(registry: Registry, address: str) -> None:
    async with registry.client(**registry.session(Role.APPROVER)) as approver:
        assert (await approver.get(address)).status_code == 403
