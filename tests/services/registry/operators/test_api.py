"""Operators, training, vetting, exceptions, removals, reviews and recovery as JSON."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response

from shared.auth.permissions import Role
from shared.events.vocabulary import AccountStatus
from shared.ids import StaffId
from tests.services.registry.conftest import INDIVIDUAL, OFFICIAL, UNION, Registry

API = "/accounts/api/v1"
OWNED = replace(OFFICIAL, owner=StaffId("S7001"))
TRAINING = {"staff_id": "S7004", "course": "Official accounts", "completed_on": "2026-05-03"}
Body = Mapping[str, str | None]


class Client:
    """A person who writes with the newest version that they read."""

    def __init__(self, registry: Registry, client: AsyncClient) -> None:
        self._registry, self._client = registry, client

    async def get(self, address: str, role: Role = Role.COMMS, staff_id: str = "S8003") -> Response:
        return await self._client.get(f"{API}{address}", headers=self._registry.token(role, staff_id))

    async def post(
        self, address: str, body: Body, role: Role = Role.COMMS, staff_id: str = "S8003", version: int = 1
    ) -> Response:
        headers = {**self._registry.token(role, staff_id), "if-match": f'"{version}"'}
        return await self._client.post(f"{API}{address}", json=body, headers=headers)


@pytest.fixture
def api(registry: Registry, client: AsyncClient) -> Client:
    return Client(registry, client)


@pytest.mark.policy("S5")
@pytest.mark.policy("Sc-c")
async def test_an_operators_gates_are_a_checklist(registry: Registry, api: Client) -> None:
    (account_id,) = await registry.register(OWNED)
    named = await api.post(f"/accounts/{account_id}/operators", {"staff_id": "S7004"})
    assert (named.status_code, named.json()["state"]) == (201, "pending")
    assert (await api.post("/training", TRAINING)).json() == {"recorded": True}
    assert (await api.post("/training", TRAINING)).json() == {"recorded": False}
    (operator,) = (await api.get(f"/accounts/{account_id}/operators", Role.INSPECTOR)).json()["items"]
    assert (operator["state"], operator["lapses_at"]) == ("authorised", "2028-05-03T23:00:00Z")
    assert operator["gates"] == [
        {"gate": "training", "passed": True, "until": "2028-05-03", "by_exception": False},
        {"gate": "vetting", "passed": True, "until": None, "by_exception": False},
    ]
    (record,) = (await api.get("/training")).json()["items"]
    assert (record["valid_until"], record["recorded_by"]) == ("2028-05-03", "S8003")


@pytest.mark.policy("S5")
async def test_withdrawn_access_is_open_until_its_removal_is_evidenced(registry: Registry, api: Client) -> None:
    (account_id,) = await registry.register(OWNED)
    await api.post("/training", TRAINING)
    named = (await api.post(f"/accounts/{account_id}/operators", {"staff_id": "S7004"})).json()
    address = f"/operators/{named['operator_id']}"
    gone = await api.post(f"{address}/withdraw", {"reason": "Moved"}, version=named["version"])
    assert (gone.json()["state"], gone.json()["reason"]) == ("withdrawn", "by_decision")
    stale = await api.post(f"{address}/reinstate", {"reason": "Back"}, version=named["version"])
    assert stale.status_code == 412
    task = gone.json()["removal_task"]
    assert (await api.post(f"/removals/{task}", {"evidence": " "})).status_code == 422
    assert (await api.post(f"/removals/{task}", {"evidence": "Gone from the list of users"})).status_code == 204
    assert (await api.post(f"/removals/{task}", {"evidence": "Again"})).status_code == 409
    assert (await api.get(address)).json()["removal_task"] is None


@pytest.mark.policy("D-pia")
async def test_device_and_exception_decide_about_an_individuals_account(registry: Registry, api: Client) -> None:
    (account_id,) = await registry.register(replace(INDIVIDUAL, owner=StaffId("S7001")))
    await api.post("/training", TRAINING | {"staff_id": "S3001"})
    other = await api.post(f"/accounts/{account_id}/operators", {"staff_id": "S7004"})
    assert other.json()["type"] == "urn:signpost:problem:not-the-approved-person"
    named = (await api.post(f"/accounts/{account_id}/operators", {"staff_id": "S3001", "device": "other"})).json()
    assert named["gates"][2] == {"gate": "device", "passed": False, "until": None, "by_exception": False}
    address = f"/operators/{named['operator_id']}"
    grant = {"last_day": "2026-11-30", "reason": "Journey"}
    assert (await api.post(f"{address}/exception", grant)).status_code == 403
    late = await api.post(f"{address}/exception", grant | {"last_day": "2026-11-22"}, Role.POLICY_STANDARDS, "S6003")
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "last_day")
    granted = (await api.post(f"{address}/exception", grant, Role.POLICY_STANDARDS, "S6003")).json()
    assert (granted["state"], granted["exception_until"]) == ("authorised", "2026-11-30")
    ended = {"reason": "Cancelled"}
    done = await api.post(f"{address}/exception/end", ended, Role.POLICY_STANDARDS, "S6003", granted["version"])
    assert done.json()["state"] == "withdrawn"
    device = await api.post(f"{address}/device", {"device": "dwp_approved"}, version=done.json()["version"])
    assert device.json()["state"] == "authorised"


@pytest.mark.policy("Sc-c")
async def test_vetting_is_recorded_and_the_newest_counts(api: Client) -> None:
    assert (await api.post("/vetting", {"staff_id": "S7004", "level": "sc", "expires_on": "2027-01-01"})).is_success
    assert (await api.post("/vetting", {"staff_id": "S7004"})).status_code == 204
    assert [item["level"] for item in (await api.get("/vetting")).json()["items"]] == [None, "sc"]
    own = await api.post("/vetting", {"staff_id": "s8003", "level": "dv"})
    assert (own.status_code, own.json()["type"]) == (403, "urn:signpost:problem:own-vetting")


@pytest.mark.parametrize(
    ("address", "body", "field"),
    [
        ("/training", TRAINING | {"completed_on": "2026-11-24"}, "completed_on"),
        ("/training", TRAINING | {"completed_on": "soon"}, "completed_on"),
        ("/training", TRAINING | {"completed_on": "0001-01-01"}, "completed_on"),
        ("/training", TRAINING | {"staff_id": "S8003"}, "staff_id"),
        ("/training", TRAINING | {"course": "canary\0"}, "course"),
        ("/vetting", {"staff_id": "S1", "level": "canary"}, "level"),
        ("/vetting", {"staff_id": "S1", "level": "sc", "expires_on": "9999-12-31"}, "expires_on"),
        ("/vetting", {"staff_id": ""}, "staff_id"),
    ],
)
async def test_a_bad_record_names_its_field(api: Client, address: str, body: Body, field: str) -> None:
    answer = await api.post(address, body)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert "canary" not in answer.text


@pytest.mark.parametrize("role", [Role.REPORTER, Role.ACCOUNT_OPERATOR, Role.APPROVER, Role.SMART_LEAD])
async def test_gates_are_recorded_only_by_those_who_may(registry: Registry, api: Client, role: Role) -> None:
    (account_id,) = await registry.register(OWNED)
    operator, named = f"/operators/{uuid4()}", {"staff_id": "S7004"}
    writes: list[tuple[str, Body]] = [
        ("/training", TRAINING),
        ("/vetting", named),
        (f"/accounts/{account_id}/operators", named),
        (f"/accounts/{account_id}/reviews", {"outcome": "keep", "reason": "x"}),
        (f"/accounts/{account_id}/recover", {"what_was_done": "x"}),
        (f"{operator}/withdraw", {"reason": "x"}),
        (f"{operator}/exception", {"last_day": "2026-12-01", "reason": "x"}),
        (f"/removals/{uuid4()}", {"evidence": "x"}),
    ]
    for address, body in writes:
        assert (await api.post(address, body, role, "S5555")).status_code == 403
    assert (await api.get("/training", role)).status_code == 403


async def test_an_owner_records_for_their_own_accounts_only(registry: Registry, api: Client) -> None:
    mine, other = await registry.register(OWNED, replace(OFFICIAL, handle="other", owner=StaffId("S9001")))
    frozen = replace(OFFICIAL, handle="frozen", status=AccountStatus.FROZEN)
    (theirs,) = await registry.register(frozen)
    named: Body = {"staff_id": "S7004"}
    kept: Body = {"outcome": "keep", "reason": "x", "next_on": "2027-01-01"}
    owner = (Role.ACCOUNT_OWNER, "S7001")
    assert (await api.post(f"/accounts/{mine}/operators", named, *owner)).status_code == 201
    refused = [
        await api.post(f"/accounts/{other}/operators", named, *owner),
        await api.post(f"/accounts/{other}/reviews", kept, *owner),
        await api.post(f"/accounts/{theirs}/recover", {"what_was_done": "x"}, *owner),
    ]
    assert {one.json()["type"] for one in refused} == {"urn:signpost:problem:not-your-account"}
    assert (await api.post(f"/accounts/{mine}/reviews", kept, *owner)).status_code == 200


@pytest.mark.policy("S8")
async def test_a_review_and_a_recovery_answer_with_the_account(registry: Registry, api: Client) -> None:
    frozen = replace(OWNED, handle="frozen", status=AccountStatus.FROZEN)
    live, stopped, union = await registry.register(OWNED, frozen, UNION)
    address = f"/accounts/{live}/reviews"
    bad = await api.post(address, {"outcome": "close", "reason": "Not needed"})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "evidence")
    kept: Body = {"outcome": "keep", "reason": "Needed", "next_on": "2027-11-23"}
    done = await api.post(address, kept)
    assert (done.json()["next_review_on"], done.headers["etag"]) == ("2027-11-23", '"2"')
    assert (await api.post(address, kept)).status_code == 412
    assert [item["outcome"] for item in (await api.get(address)).json()["items"]] == ["keep"]
    open_again = await api.post(f"/accounts/{stopped}/recover", {"what_was_done": "Password changed"})
    assert open_again.json()["status"] == "live"
    again = await api.post(f"/accounts/{stopped}/recover", {"what_was_done": "x"}, version=2)
    assert again.status_code == 409
    for body in (kept, {**kept, "outcome": "change"}):
        assert (await api.post(f"/accounts/{union}/reviews", body)).status_code == 409
