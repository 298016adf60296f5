"""The page "Is it official?"."""

from dataclasses import replace

import pytest
from httpx import AsyncClient, Response

from shared.auth.permissions import Role
from shared.events.vocabulary import AccountStatus
from tests.services.registry.conftest import INDIVIDUAL, OFFICIAL, UNION, Registry

PAGE = "/accounts/lookup"


async def ask(client: AsyncClient, typed: str) -> Response:
    form = await client.get(PAGE)
    token = form.text.partition('name="csrftoken" value="')[2].partition('"')[0]
    return await client.post(PAGE, data={"csrftoken": token, "account": typed})


@pytest.mark.policy("D-official")
@pytest.mark.parametrize(
    "typed",
    [
        "@SampleDept",
        "sampledept",
        "https://x.com/SampleDept",
        "x.com/sampledept/status/1",
        "@sampledept on X",
        "twitter: sampledept",
        "  SampleDept  ",
    ],
)
async def test_whatever_is_pasted_gives_one_answer(registry: Registry, client: AsyncClient, typed: str) -> None:
    await registry.register(OFFICIAL)
    page = await ask(client, typed)
    assert page.status_code == 200
    assert "Yes, this is an official DWP account" in page.text
    assert "Sample Department" in page.text


async def test_a_name_on_another_platform_is_not_official(registry: Registry, client: AsyncClient) -> None:
    await registry.register(OFFICIAL)
    page = await ask(client, "@sampledept on Instagram")
    assert "No, this is not on the list of official DWP accounts" in page.text
    assert "looks like the name of an official account" in page.text


async def test_the_page_tells_as_little_as_the_api(registry: Registry, client: AsyncClient) -> None:
    await registry.register(INDIVIDUAL, UNION)
    assert "No, this is not on the list" in (await ask(client, "directorofwork")).text
    assert "outside this policy" in (await ask(client, "sampleunion")).text


@pytest.mark.parametrize("typed", ["", "   ", "nul\0character", "a" * 3000])
async def test_what_cannot_be_asked_gives_the_form_back(client: AsyncClient, typed: str) -> None:
    page = await ask(client, typed)
    assert page.status_code == 422
    assert "There is a problem" in page.text
    assert 'href="#account"' in page.text


async def test_what_was_typed_is_escaped(client: AsyncClient) -> None:
    page = await ask(client, '"><script>alert(1)</script>')
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


async def test_an_address_of_no_known_platform_is_not_read(client: AsyncClient) -> None:
    assert "We cannot tell which account you mean" in (await ask(client, "https://example.org/some")).text


@pytest.mark.parametrize("typed", ["!!! ???", "🙂", "-- --"])
async def test_nonsense_is_no_account_that_could_be_unknown(
    registry: Registry, client: AsyncClient, typed: str
) -> None:
    await registry.register(OFFICIAL)
    page = (await ask(client, typed)).text
    assert "We cannot tell which account you mean" in page
    assert "report it" not in page


@pytest.mark.policy("D-official")
async def test_an_answer_can_be_linked(registry: Registry, client: AsyncClient) -> None:
    await registry.register(OFFICIAL)
    page = (await ask(client, "@SampleDept")).text
    link = page.partition('<a class="govuk-link" href="')[2].partition('"')[0] if "Link to this" in page else ""
    address = page.partition('href="/accounts/lookup?')[2].partition('"')[0].replace("&amp;", "&")
    assert (bool(link), address) == (True, "account=sampledept&platform=x")
    linked = await client.get(f"{PAGE}?{address}")
    assert (linked.status_code, "Yes, this is an official DWP account" in linked.text) == (200, True)
    assert 'value="sampledept"' in linked.text


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"account": "@SampleDept"}, 200, "Yes, this is an official DWP account"),
        ({"account": "sampledept", "platform": "instagram"}, 200, "No, this is not on the list"),
        ({"account": "https://x.com/privacy"}, 200, "We cannot tell which account you mean"),
        ({"account": "sampledept", "platform": "myspace_2"}, 422, "names a platform that is not known here"),
        ({"account": "a" * 3000}, 422, "at most 2048 characters"),
        ({"account": "nul\0character"}, 422, "There is a problem"),
        ({"account": ""}, 200, "Is it official?"),
        ({"account": "  ", "platform": "x"}, 200, "Is it official?"),
        ({"account": "samplydept1"}, 200, "Similar official accounts"),
    ],
)
async def test_a_link_gives_the_answer_that_the_form_gives(
    registry: Registry, client: AsyncClient, asked: dict[str, str], status: int, said: str
) -> None:
    await registry.register(OFFICIAL)
    page = await client.get(PAGE, params=asked)
    assert (page.status_code, said in page.text) == (status, True)


async def test_an_answer_about_a_person_offers_no_link(registry: Registry) -> None:
    await registry.register(INDIVIDUAL, replace(OFFICIAL, status=AccountStatus.FROZEN))
    async with registry.client(**registry.session(Role.REPORTER)) as colleague:
        known = (await ask(colleague, "directorofwork")).text
        frozen = (await ask(colleague, "sampledept")).text
    assert "sanctioned for official use" in known
    assert "Do not rely on this account at the moment" in frozen
    assert "Sample Department" not in frozen
    assert "Link to this answer" not in known + frozen
