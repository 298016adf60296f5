"""The page "Is it official?"."""

import pytest
from httpx import AsyncClient, Response

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
