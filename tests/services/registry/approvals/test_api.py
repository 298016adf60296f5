"""/accounts/api/v1/requests, /declarations and /delegations."""

from uuid import uuid4

import pytest
from httpx import AsyncClient, Response

from shared.auth.permissions import Role
from tests.services.registry.conftest import OFFICIAL, UNION, Registry

API = "/accounts/api/v1"
DRAFT = {
    "platform": "x",
    "handle": "@SampleNews",
    "class": "official",
    "requirement": "Reach people who look for work",
    "purpose": "News of jobs",
    "owner": "S7001",
}
COMMS, APPROVER, CENTRE = "S8003", "S7003", "S6002"


@pytest.fixture
async def request_(registry: Registry, client: AsyncClient) -> dict[str, str]:
    """A request that waits for an approver."""
    await registry.register(OFFICIAL)
    answer = await client.post(f"{API}/requests", json=DRAFT, headers=registry.token(Role.COMMS, COMMS))
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    body: dict[str, str] = answer.json()
    return body


async def post(
    registry: Registry, client: AsyncClient, address: str, body: dict[str, str], role: Role, staff_id: str
) -> Response:
    headers = {**registry.token(role, staff_id), "if-match": '"1"'}
    return await client.post(f"{API}{address}", json=body, headers=headers)


@pytest.mark.policy("S7")
async def test_a_request_is_approved_by_its_version(
    registry: Registry, client: AsyncClient, request_: dict[str, str]
) -> None:
    address, body = f"/requests/{request_['request_id']}/approve", {"relevance": "Head of Communications"}
    done = await post(registry, client, address, body, Role.APPROVER, APPROVER)
    assert (done.status_code, done.json()["state"]) == (200, "approved")
    account = f"{API}/accounts/{request_['account_id']}"
    found = (await client.get(account, headers=registry.token(Role.APPROVER, APPROVER))).json()
    assert (found["status"], found["handle"], found["owner"]) == ("approved", "samplenews", "S7001")
    again = await post(registry, client, address, body, Role.APPROVER, APPROVER)
    assert again.status_code == 412


@pytest.mark.policy("S7")
@pytest.mark.parametrize(
    ("step", "role", "staff_id", "status", "kind"),
    [
        ("approve", Role.APPROVER, COMMS, 403, "own-request"),
        ("approve", Role.APPROVER, "S7001", 403, "own-request"),
        ("approve", Role.COMMS, "S8009", 403, "not-an-approver"),
        ("refuse", Role.INSPECTOR, "S8009", 403, "not-an-approver"),
        ("withdraw", Role.COMMS, "S7001", 403, "not-your-request"),
        ("clear", Role.APPROVER, APPROVER, 403, "not-permitted"),
        ("clear", Role.ADVICE_CENTRE, CENTRE, 409, "step-not-allowed"),
        ("approve", Role.REPORTER, "S1001", 404, "request-not-found"),
    ],
)
async def test_who_may_not_decide_is_told_why(
    registry: Registry,
    client: AsyncClient,
    request_: dict[str, str],
    step: str,
    role: Role,
    staff_id: str,
    status: int,
    kind: str,
) -> None:
    body = {"relevance": "x"} if step == "approve" else {"reason": "x"}
    address = f"/requests/{request_['request_id']}/{step}"
    answer = await post(registry, client, address, body, role, staff_id)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:signpost:problem:{kind}")


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"platform": "secretcanary"}, 422, "platform"),
        ({"handle": "no spaces canary"}, 422, "handle"),
        ({"platform": "instagram", "handle": "https://www.instagram.com/share/reel/canary"}, 422, "handle"),
        ({"platform": "facebook", "handle": "https://www.facebook.com/pg/"}, 422, "handle"),
        ({"platform": "other", "handle": "https://forum.example.org/u/canary"}, 422, "handle"),
        ({"class": "personal"}, 422, "class"),
        ({"class": "union"}, 422, "class"),
        ({"class": "professional_individual"}, 422, "approved_person"),
        ({"requirement": " "}, 422, "requirement"),
        ({"purpose": "canary\0"}, 422, "purpose"),
        ({"more": "canary"}, 422, "more"),
        ({"handle": "sampledept"}, 409, None),
        ({"handle": "samplenews"}, 409, None),
    ],
)
async def test_a_bad_request_names_the_field_and_never_echoes_it(
    registry: Registry,
    client: AsyncClient,
    request_: dict[str, str],
    change: dict[str, str],
    status: int,
    field: str | None,
) -> None:
    for address in ("/requests", "/declarations"):
        answer = await post(registry, client, address, DRAFT | change, Role.COMMS, COMMS)
        assert answer.status_code == status
        assert [problem["field"] for problem in answer.json().get("errors", [])] == ([field] if field else [])
        assert "canary" not in answer.text


async def test_the_page_of_a_profile_is_declared_as_the_profile(registry: Registry, client: AsyncClient) -> None:
    pages = {"page.one": "pageone", "page.two": "pagetwo"}
    for page, handle in pages.items():
        address = f"https://www.facebook.com/pg/{page}/posts/"
        draft = DRAFT | {"platform": "facebook", "handle": address}
        answer = await post(registry, client, "/declarations", draft, Role.REPORTER, "S1001")
        assert (answer.status_code, answer.json()["handle"]) == (201, handle)
    refused = DRAFT | {"platform": "instagram", "handle": "https://www.instagram.com/share/reel/BA1"}
    answer = await post(registry, client, "/declarations", refused, Role.REPORTER, "S1001")
    (problem,) = answer.json()["errors"]
    assert (problem["field"], "not the known address of a profile" in problem["message"]) == ("handle", True)


async def test_a_decision_says_which_version_it_is_about(
    registry: Registry, client: AsyncClient, request_: dict[str, str]
) -> None:
    headers = registry.token(Role.APPROVER, APPROVER)
    address = f"{API}/requests/{request_['request_id']}/refuse"
    assert (await client.post(address, json={"reason": "x"}, headers=headers)).status_code == 428
    assert (await client.post(address, json={"reason": "x"}, headers=headers | {"if-match": '"7"'})).status_code == 412
    unknown = f"{API}/requests/{uuid4()}/refuse"
    answer = await client.post(unknown, json={"reason": "x"}, headers=headers | {"if-match": '"1"'})
    assert answer.status_code == 404


async def test_everybody_sees_their_own_requests_and_the_register_sees_all(
    registry: Registry, client: AsyncClient, request_: dict[str, str]
) -> None:
    declared = await client.post(
        f"{API}/declarations", json=DRAFT | {"handle": "oldnews"}, headers=registry.token(Role.REPORTER, "S1001")
    )
    assert (declared.status_code, declared.json()["about"]) == (201, "legacy")

    async def seen(role: Role, staff_id: str) -> list[str]:
        answer = await client.get(f"{API}/requests", headers=registry.token(role, staff_id))
        return sorted(item["handle"] for item in answer.json()["items"])

    assert await seen(Role.REPORTER, "S1001") == ["oldnews"]
    assert await seen(Role.REPORTER, "S1002") == []
    assert await seen(Role.APPROVER, APPROVER) == ["oldnews", "samplenews"]
    paged = await client.get(f"{API}/requests?limit=1", headers=registry.token(Role.APPROVER, APPROVER))
    rest = f"{API}/requests?limit=1&cursor={paged.json()['next_cursor']}"
    assert len((await client.get(rest, headers=registry.token(Role.APPROVER, APPROVER))).json()["items"]) == 1
    assert (await client.get(f"{API}/requests")).status_code == 401
    other = registry.token(Role.REPORTER, "S1002")
    assert (await client.get(f"{API}/requests/{request_['request_id']}", headers=other)).status_code == 404


@pytest.mark.policy("Sc-d")
async def test_what_was_only_declared_is_not_official(registry: Registry, client: AsyncClient) -> None:
    declared = registry.token(Role.REPORTER, "S1001")
    await client.post(f"{API}/declarations", json=DRAFT, headers=declared)
    for headers in ({}, declared):
        answer = await client.get(f"{API}/lookup?platform=x&handle=samplenews", headers=headers)
        assert (answer.json()["sanctioned"], answer.json()["class"]) == (False, None)
    assert (await client.get("/accounts/official.json")).json()["accounts"] == []


@pytest.mark.policy("S7")
async def test_a_proxy_is_named_dated_and_ended(registry: Registry, client: AsyncClient) -> None:
    approver = registry.token(Role.APPROVER, APPROVER)
    leave = {"proxy": "S7004", "first_day": "2026-11-23", "last_day": "2026-11-30", "reason": "Leave"}
    named = await client.post(f"{API}/delegations", json=leave, headers=approver)
    assert named.status_code == 201
    assert (await client.post(f"{API}/delegations", json=leave, headers=approver)).status_code == 409
    backwards = leave | {"last_day": "2026-11-22"}
    bad = await client.post(f"{API}/delegations", json=backwards, headers=approver)
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "last_day")
    comms = registry.token(Role.COMMS, COMMS)
    assert (await client.post(f"{API}/delegations", json=leave, headers=comms)).status_code == 403
    seen = await client.get(f"{API}/delegations", headers=registry.token(Role.ACCOUNT_OPERATOR, "S7004"))
    assert [item["approver"] for item in seen.json()["items"]] == [APPROVER]
    address = f"{API}/delegations/{named.json()['delegation_id']}/end"
    assert (await client.post(address, headers=registry.token(Role.APPROVER, "S7002"))).status_code == 404
    assert (await client.post(address, headers=approver)).status_code == 204
    assert (await client.get(f"{API}/delegations", headers=approver)).json()["items"] == []


@pytest.mark.policy("Sc-d")
async def test_checks_begin_for_a_legacy_account_only(registry: Registry, client: AsyncClient) -> None:
    live, union = await registry.register(OFFICIAL, UNION)
    for account_id, status in ((live, 409), (union, 409), (uuid4(), 404)):
        answer = await post(registry, client, f"/accounts/{account_id}/checks", DRAFT, Role.COMMS, COMMS)
        assert answer.status_code == status
