"""GET /accounts/api/v1/lookup."""

from dataclasses import replace

import pytest
from httpx import AsyncClient

from shared.auth.permissions import Role
from shared.events.platforms import PLATFORMS, is_address
from shared.events.vocabulary import AccountStatus
from tests.services.registry.conftest import INDIVIDUAL, NETWORKING, NOW, OFFICIAL, RECRUITER, UNION, Registry
from tests.support.addresses import NOTHING

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
        "status": "official",
        "class": "official",
        "answer": "Yes, this is an official DWP account. "
        "Check that you are looking at exactly this name, on exactly this platform.",
        "resembles": [],
    }


async def test_the_answer_never_tells_whether_an_account_is_legacy(registry: Registry, client: AsyncClient) -> None:
    legacy = replace(OFFICIAL, handle="other", status=AccountStatus.LEGACY, checks_due_on=NOW.date())
    await registry.register(OFFICIAL, legacy)
    live = await client.get(LOOKUP, params={"platform": "x", "handle": "sampledept"})
    other = await client.get(LOOKUP, params={"platform": "x", "handle": "other"})
    assert other.json() == live.json()


FROZEN: dict[str, object] = {
    "sanctioned": None,
    "status": "do_not_rely",
    "class": None,
    "answer": "Do not rely on this account at the moment.",
    "resembles": [],
}


@pytest.mark.policy("D-official")
async def test_a_frozen_account_is_neither_yes_nor_no_and_no_more_is_said(
    registry: Registry, client: AsyncClient
) -> None:
    frozen = replace(OFFICIAL, status=AccountStatus.FROZEN, checks_due_on=NOW.date())
    await registry.register(frozen, replace(INDIVIDUAL, status=AccountStatus.FROZEN), UNION)
    signed_in = registry.token(Role.REPORTER)
    for asked in ({"platform": "x", "handle": "sampledept"}, {"url": "https://x.com/sampledept/status/1"}):
        assert (await client.get(LOOKUP, params=asked)).json() == FROZEN
        assert (await client.get(LOOKUP, params=asked, headers=signed_in)).json() == FROZEN
    individual = {"platform": "x", "handle": "directorofwork"}
    assert (await client.get(LOOKUP, params=individual, headers=signed_in)).json() == FROZEN
    assert (await client.get(LOOKUP, params=individual)).json()["status"] == "not_listed"
    near = (await client.get(LOOKUP, params={"platform": "x", "handle": "sampledept1"})).json()
    assert (near["status"], near["resembles"]) == ("not_listed", [])


@pytest.mark.parametrize("slug", PLATFORMS)
async def test_what_cannot_be_read_is_never_a_no(registry: Registry, client: AsyncClient, slug: str) -> None:
    await registry.register(OFFICIAL)
    asked: list[dict[str, str]] = []
    for platform, address in NOTHING:
        if platform == slug and is_address(address):
            asked += [{"url": address}, {"platform": platform, "handle": address}]
    for question in asked[:60]:
        answer = (await client.get(LOOKUP, params=question)).json()
        assert (question, answer["sanctioned"], answer["status"]) == (question, None, "unknown")
        assert answer["answer"].startswith("We cannot tell which account you mean. ")


@pytest.mark.parametrize(
    "asked",
    [
        {"url": "https://www.facebook.com/SampleDepartmentJobs"},
        {"url": "https://www.facebook.com/pg/SampleDepartmentJobs/posts/"},
        {"url": "https://m.facebook.com/pg/SampleDepartmentJobs/posts/"},
        {"url": "https://social.example.net/@dwp"},
        {"url": "https://social.example.net/users/dwp"},
        {"url": "social.example.net/@dwp/1"},
        {"platform": "mastodon", "handle": "https://social.example.net/@dwp"},
        {"platform": "mastodon", "handle": "acct:dwp@social.example.net"},
        {"url": "https://www.youtube.com/SampleDepartment"},
        {"platform": "youtube", "handle": "@हिन्दी"},
        {"platform": "whatsapp", "handle": "+44 (0)7700 900123"},
        {"platform": "whatsapp", "handle": "07700 900123"},
    ],
)
async def test_an_official_account_is_found_by_every_address_of_it(
    registry: Registry, client: AsyncClient, asked: dict[str, str]
) -> None:
    known = {
        "facebook": ("sampledepartmentjobs",),
        "mastodon": ("dwp@social.example.net",),
        "youtube": ("sampledepartment", "हिन्दी"),
        "whatsapp": ("+447700900123",),
    }
    await registry.register(
        *(replace(OFFICIAL, platform=platform, handle=one) for platform, handles in known.items() for one in handles)
    )
    answer = (await client.get(LOOKUP, params=asked)).json()
    assert (answer["sanctioned"], answer["status"]) == (True, "official")


async def test_a_server_that_the_register_does_not_know_is_neither_yes_nor_no(
    registry: Registry, client: AsyncClient
) -> None:
    await registry.register(OFFICIAL)
    answer = (await client.get(LOOKUP, params={"url": "https://social.example.net/@sampledept"})).json()
    assert (answer["sanctioned"], answer["status"]) == (None, "unknown")
    assert answer["resembles"] == [{"platform": "x", "handle": "sampledept"}]


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


async def test_an_address_without_an_account_is_neither_yes_nor_no(client: AsyncClient) -> None:
    for url in ("https://example.org/", "nonsense", "https://x.com@evil.example/sampledept", "https://x.com/\u202e"):
        answer = await client.get(LOOKUP, params={"url": url})
        assert answer.status_code == 200
        assert (answer.json()["sanctioned"], answer.json()["status"]) == (None, "unknown")


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
