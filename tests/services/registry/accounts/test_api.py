"""/accounts/api/v1/accounts and the public list."""

import csv
import io
from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from httpx import AsyncClient

from shared.auth.permissions import Role
from shared.events.vocabulary import AccountStatus
from tests.services.registry.conftest import INDIVIDUAL, NETWORKING, OFFICIAL, RECRUITER, UNION, Registry

ACCOUNTS = "/accounts/api/v1/accounts"
EVERYTHING = (OFFICIAL, INDIVIDUAL, UNION, NETWORKING, RECRUITER)


async def handles(client: AsyncClient, address: str, headers: dict[str, str]) -> list[str]:
    answer = await client.get(address, headers=headers)
    assert answer.status_code == 200
    return [item["handle"] for item in answer.json()["items"]]


async def test_the_register_is_paged_without_a_gap_or_a_repeat(registry: Registry, client: AsyncClient) -> None:
    await registry.register(*EVERYTHING, replace(OFFICIAL, platform="facebook"), replace(OFFICIAL, platform="threads"))
    viewer = registry.token(Role.SMART_RESPONDER)
    seen: list[str] = []
    address: str | None = f"{ACCOUNTS}?limit=2"
    while address:
        body = (await client.get(address, headers=viewer)).json()
        seen += [item["platform"] + " " + item["handle"] for item in body["items"]]
        address = f"{ACCOUNTS}?limit=2&cursor={body['next_cursor']}" if body["next_cursor"] else None
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("class=union", ["sampleunion"]),
        ("class=union&class=professional_individual", ["directorofwork", "sampleunion"]),
        ("platform=linkedin", ["in/some-colleague", "in/some-recruiter"]),
        ("platform=x&class=official", ["sampledept"]),
        ("status=closed", []),
        ("class=unheard_of&platform=linkedin", ["in/some-colleague", "in/some-recruiter"]),
    ],
)
async def test_the_register_is_filtered(registry: Registry, client: AsyncClient, query: str, found: list[str]) -> None:
    await registry.register(*EVERYTHING)
    assert await handles(client, f"{ACCOUNTS}?{query}", registry.token(Role.SMART_RESPONDER)) == found


@pytest.mark.policy("Sc-d")
async def test_the_register_shows_who_is_overdue(registry: Registry, client: AsyncClient) -> None:
    late = replace(OFFICIAL, handle="late", status=AccountStatus.LEGACY, checks_due_on=date(2026, 11, 22))
    soon = replace(OFFICIAL, handle="soon", status=AccountStatus.LEGACY, checks_due_on=date(2026, 11, 24))
    await registry.register(late, soon, OFFICIAL)
    assert await handles(client, f"{ACCOUNTS}?overdue=yes", registry.token(Role.ACCOUNT_OWNER)) == ["late"]


@pytest.mark.parametrize(
    ("role", "status"), [(Role.REPORTER, 403), (Role.SMART_RESPONDER, 200), (Role.INSPECTOR, 200), (Role.COMMS, 200)]
)
async def test_the_register_is_for_those_who_may_see_it(
    registry: Registry, client: AsyncClient, role: Role, status: int
) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    for address in (ACCOUNTS, f"{ACCOUNTS}/{account_id}"):
        assert (await client.get(address)).status_code == 401
        assert (await client.get(address, headers=registry.token(role))).status_code == status


async def test_a_status_is_changed_by_its_version(registry: Registry, client: AsyncClient) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    owner, address = registry.token(Role.COMMS), f"{ACCOUNTS}/{account_id}"
    etag = (await client.get(address, headers=owner)).headers["etag"]
    body = {"status": "frozen", "reason": "Password may be known"}
    done = await client.post(f"{address}/status", json=body, headers={**owner, "if-match": etag})
    assert (done.status_code, done.json()["status"], done.json()["version"]) == (200, "frozen", 2)
    again = await client.post(f"{address}/status", json=body, headers={**owner, "if-match": etag})
    assert again.status_code == 412
    same = await client.post(f"{address}/status", json=body, headers={**owner, "if-match": done.headers["etag"]})
    assert same.status_code == 409


@pytest.mark.parametrize(
    ("body", "match", "status", "field"),
    [
        ({"status": "asleep", "reason": "x"}, '"1"', 422, "status"),
        ({"status": "frozen"}, '"1"', 422, "reason"),
        ({"status": "frozen", "reason": " "}, '"1"', 422, "reason"),
        ({"status": "frozen", "reason": "canary\0"}, '"1"', 422, "reason"),
        ({"status": "frozen", "reason": "x", "more": "canary"}, '"1"', 422, "more"),
        ({"status": "frozen", "reason": "x"}, None, 428, None),
        ({"status": "frozen", "reason": "x"}, "canary", 412, None),
        ({"status": "frozen", "reason": "x"}, '"99999999999999999999"', 412, None),
    ],
)
async def test_a_bad_change_is_refused_by_field(
    registry: Registry, client: AsyncClient, body: dict[str, str], match: str | None, status: int, field: str | None
) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    headers = {**registry.token(Role.COMMS), **({"if-match": match} if match else {})}
    answer = await client.post(f"{ACCOUNTS}/{account_id}/status", json=body, headers=headers)
    assert answer.status_code == status
    assert [problem["field"] for problem in answer.json().get("errors", [])] == ([field] if field else [])
    assert "canary" not in answer.text


@pytest.mark.parametrize("role", [Role.SMART_LEAD, Role.ACCOUNT_OWNER, Role.APPROVER])
async def test_only_those_who_keep_the_register_change_it(registry: Registry, client: AsyncClient, role: Role) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    headers = {**registry.token(role), "if-match": '"1"'}
    bodies = {"status": {"status": "frozen", "reason": "x"}, "close": {"reason": "x", "evidence": "x"}, "details": {}}
    for change, body in bodies.items():
        answer = await client.post(f"{ACCOUNTS}/{account_id}/{change}", json=body, headers=headers)
        assert answer.status_code == 403


async def test_an_unknown_account_is_not_found(registry: Registry, client: AsyncClient) -> None:
    headers = {**registry.token(Role.COMMS), "if-match": '"1"'}
    assert (await client.get(f"{ACCOUNTS}/{uuid4()}", headers=headers)).status_code == 404
    body = {"status": "frozen", "reason": "x"}
    assert (await client.post(f"{ACCOUNTS}/{uuid4()}/status", json=body, headers=headers)).status_code == 404


@pytest.mark.policy("D-official")
async def test_the_public_list_has_official_accounts_that_can_be_relied_on_only(
    registry: Registry, client: AsyncClient
) -> None:
    frozen = replace(OFFICIAL, handle="frozen", status=AccountStatus.FROZEN)
    await registry.register(*EVERYTHING, frozen, replace(OFFICIAL, handle="closed", status=AccountStatus.CLOSED))
    as_json = (await client.get("/accounts/official.json")).json()
    as_csv = list(csv.DictReader(io.StringIO((await client.get("/accounts/official.csv")).text)))
    page = (await client.get("/accounts/official")).text
    assert [entry["handle"] for entry in as_json["accounts"]] == ["sampledept"]
    assert [entry["handle"] for entry in as_csv] == ["sampledept"]
    assert "sampledept" in page
    for text in (str(as_json), str(as_csv), page):
        hidden = ("directorofwork", "sampleunion", "some-colleague", "S3001", "frozen")
        assert not {handle for handle in hidden if handle in text}
    assert as_json["accounts"][0] == {
        "platform": "x",
        "platform_name": "X (formerly Twitter)",
        "handle": "sampledept",
        "title": "Sample Department",
        "url": "https://x.com/sampledept",
    }
