"""GET /accounts/api/v1/lookup."""

from dataclasses import replace

import pytest
from httpx import AsyncClient

from shared.auth.permissions import Role
from shared.events.vocabulary import AccountStatus
from tests.services.registry.conftest import INDIVIDUAL, NETWORKING, NOW, OFFICIAL, RECRUITER, UNION, Registry

LOOKUP = "/accounts/api/v1/lookup"


@pytest.mark.policy("D-official")
@pytest.mark.parametrize(
    "asked",
    [
        {"platform": "x", "handle": "@SampleDept"},
        {"url": "https://twitter.com/SampleDept/status/1"},
        {"platform": "x", "handle": "https://x.com/sampledept"},
    ],
)
async def test_an_official_account_is_sanctioned(
    registry: Registry, client: AsyncClient, asked: dict[str, str]
) -> None:
    await registry.register(OFFICIAL)
    answer = await client.get(LOOKUP, params=asked)
    assert answer.status_code == 200
    assert answer.json() == {
        "sanctioned": True,
        "class": "official",
        "answer": "Yes, this is an official DWP account. "
        "Check that you are looking at exactly this name, on exactly this platform.",
        "resembles": [],
    }


@pytest.mark.parametrize("status", [AccountStatus.LEGACY, AccountStatus.FROZEN])
async def test_the_answer_never_tells_a_state(registry: Registry, client: AsyncClient, status: AccountStatus) -> None:
    await registry.register(OFFICIAL, replace(OFFICIAL, handle="other", status=status, checks_due_on=NOW.date()))
    live = await client.get(LOOKUP, params={"platform": "x", "handle": "sampledept"})
    other = await client.get(LOOKUP, params={"platform": "x", "handle": "other"})
    assert other.json() == live.json()


async def test_a_closed_account_is_unknown(registry: Registry, client: AsyncClient) -> None:
    await registry.register(replace(OFFICIAL, handle="somethingelse", status=AccountStatus.CLOSED))
    answer = await client.get(LOOKUP, params={"platform": "x", "handle": "somethingelse"})
    assert answer.json()["sanctioned"] is False
    assert answer.json()["class"] is None


@pytest.mark.policy("C-j")
async def test_a_union_account_is_outside_the_policy(registry: Registry, client: AsyncClient) -> None:
    await registry.register(UNION)
    answer = (await client.get(LOOKUP, params={"platform": "x", "handle": "sampleunion"})).json()
    assert (answer["sanctioned"], answer["class"]) == (False, "union")
    assert "not a DWP account" in answer["answer"]
    assert "outside this policy" in answer["answer"]


@pytest.mark.policy("D-pia")
async def test_without_sign_in_an_individuals_account_is_answered_as_an_unknown_one(
    registry: Registry, client: AsyncClient
) -> None:
    await registry.register(INDIVIDUAL)
    individual = await client.get(LOOKUP, params={"platform": "x", "handle": "directorofwork"})
    unknown = await client.get(LOOKUP, params={"platform": "x", "handle": "nobodyknows"})
    assert individual.json() == unknown.json()
    assert individual.headers.keys() == unknown.headers.keys()


@pytest.mark.policy("D-pia")
async def test_a_colleague_is_told_about_an_individuals_account(registry: Registry, client: AsyncClient) -> None:
    await registry.register(INDIVIDUAL)
    asked = {"platform": "x", "handle": "directorofwork"}
    answer = (await client.get(LOOKUP, params=asked, headers=registry.token(Role.REPORTER))).json()
    assert (answer["sanctioned"], answer["class"]) == (True, "professional_individual")


@pytest.mark.policy("D-linkedin")
async def test_a_linkedin_account_is_sanctioned_only_for_official_use(registry: Registry, client: AsyncClient) -> None:
    await registry.register(NETWORKING, RECRUITER)
    signed_in = registry.token(Role.REPORTER)
    own = await client.get(LOOKUP, params={"url": "https://linkedin.com/in/some-colleague"}, headers=signed_in)
    used = await client.get(LOOKUP, params={"url": "https://linkedin.com/in/some-recruiter"}, headers=signed_in)
    public = await client.get(LOOKUP, params={"url": "https://linkedin.com/in/some-recruiter"})
    assert (own.json()["sanctioned"], own.json()["class"]) == (False, "linkedin")
    assert (used.json()["sanctioned"], used.json()["class"]) == (True, "linkedin")
    assert (public.json()["sanctioned"], public.json()["class"]) == (False, None)


@pytest.mark.parametrize(
    ("platform", "handle"),
    [
        ("x", "sampIedept"),
        ("x", "sаmpledept"),
        ("x", "sampledept_help"),
        ("x", "samplledept"),
        ("tiktok", "sampledept"),
    ],
)
async def test_a_name_that_looks_like_an_official_one_is_pointed_out(
    registry: Registry, client: AsyncClient, platform: str, handle: str
) -> None:
    await registry.register(OFFICIAL)
    answer = (await client.get(LOOKUP, params={"platform": platform, "handle": handle})).json()
    assert answer["sanctioned"] is False
    assert answer["resembles"] == [{"platform": "x", "handle": "sampledept"}]


async def test_an_address_without_an_account_is_not_sanctioned(client: AsyncClient) -> None:
    for url in ("https://example.org/", "nonsense", "https://x.com@evil.example/sampledept", "https://x.com/\u202e"):
        answer = await client.get(LOOKUP, params={"url": url})
        assert answer.status_code == 200
        assert answer.json()["sanctioned"] is False


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "handle"),
        ({"platform": "x"}, "handle"),
        ({"handle": "secretcanary"}, "platform"),
        ({"platform": "secretcanary", "handle": "some"}, "platform"),
        ({"platform": "x", "handle": "secretcanary\0"}, "handle"),
        ({"platform": "x", "handle": "secretcanary" * 50}, "handle"),
        ({"url": "secretcanary" * 500}, "url"),
    ],
)
async def test_a_bad_question_names_the_field_and_never_echoes_it(
    client: AsyncClient, asked: dict[str, str], field: str
) -> None:
    answer = await client.get(LOOKUP, params=asked)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert "secretcanary" not in answer.text
