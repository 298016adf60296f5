"""The register's pages."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest
from httpx import AsyncClient

from shared.auth.permissions import Role
from shared.events.vocabulary import AccountStatus
from tests.services.registry.browser import day, submit
from tests.services.registry.conftest import OFFICIAL, UNION, Registry, events_of


@pytest.fixture
async def keeper(registry: Registry) -> AsyncIterator[AsyncClient]:
    """The browser of a person who keeps the register."""
    async with registry.client(**registry.session(Role.COMMS)) as client:
        yield client


async def test_an_empty_register_says_what_to_do(keeper: AsyncClient) -> None:
    page = await keeper.get("/accounts")
    assert "No accounts yet" in page.text
    assert "Register an account" in page.text


async def test_the_list_shows_what_the_address_asks_for(registry: Registry, keeper: AsyncClient) -> None:
    await registry.register(OFFICIAL, UNION)
    page = await keeper.get("/accounts?class=union&overdue=yes&class=nonsense")
    assert "No accounts match these filters" in page.text
    page = await keeper.get("/accounts?class=union")
    assert "sampleunion" in page.text
    assert "sampledept" not in page.text
    assert 'href="/accounts/export.csv?class=union"' in page.text


async def test_an_overdue_account_is_marked_by_a_word(registry: Registry, keeper: AsyncClient) -> None:
    await registry.register(replace(OFFICIAL, status=AccountStatus.LEGACY, checks_due_on=date(2026, 11, 22)))
    page = (await keeper.get("/accounts")).text
    assert "Checks by 22 November 2026" in page
    assert page.count("Overdue") == 2  # the filter and the mark


async def test_many_accounts_are_paged(registry: Registry, keeper: AsyncClient) -> None:
    await registry.register(*[replace(OFFICIAL, handle=f"sample{number:03}") for number in range(60)])
    first = (await keeper.get("/accounts?class=official")).text
    assert first.count('<th scope="row"') == 50
    following = first.partition('href="/accounts?class=official&amp;cursor=')[2].partition('"')[0]
    second = (await keeper.get(f"/accounts?class=official&cursor={following}")).text
    assert second.count('<th scope="row"') == 10
    assert "sample050" in second
    assert "sample" not in f"/accounts?class=official&cursor={following}"


@pytest.mark.parametrize("address", ["/accounts", "/accounts/new", "/accounts/import", "/accounts/export.csv"])
async def test_who_is_not_signed_in_is_asked_to(client: AsyncClient, address: str) -> None:
    answer = await client.get(address, headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


async def test_a_viewer_sees_no_way_to_change(registry: Registry) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    async with registry.client(**registry.session(Role.SMART_RESPONDER)) as viewer:
        assert "Change status" not in (await viewer.get(f"/accounts/{account_id}")).text
        assert "Register an account" not in (await viewer.get("/accounts")).text
        assert (await viewer.get("/accounts/new")).status_code == 403
        refused = await submit(viewer, "/accounts/lookup", f"/accounts/{account_id}/status", status="frozen")
        assert refused.status_code == 403


async def test_an_account_is_registered_by_form(registry: Registry, keeper: AsyncClient) -> None:
    answers = {"platform": "x", "handle": "@SampleDept", "account_class": "official", "title": "Sample Department"}
    done = await submit(keeper, "/accounts/new", "/accounts/new", **answers)
    assert done.status_code == 303
    page = (await keeper.get(done.headers["location"])).text
    assert "sampledept" in page
    assert "Put on the register" in page
    assert len(await events_of(registry.database)) == 1


@pytest.mark.policy("S4")
@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "Choose a platform"),
        ({"platform": "x", "handle": "no spaces", "account_class": "official"}, "Enter a handle, or the address"),
        (
            {
                "platform": "instagram",
                "handle": "https://www.instagram.com/share/reel/BA1",
                "account_class": "official",
            },
            "this address is not the known address of a profile",
        ),
        ({"platform": "facebook", "handle": "pg", "account_class": "official"}, "a page of the platform itself"),
        (
            {"platform": "x", "handle": "kept-as\0typed", "account_class": "official"},
            "A hidden character (U+0000 NULL) was taken out",
        ),
        ({"platform": "x", "handle": "some", "account_class": "personal"}, "Choose what kind of account it is"),
        ({"platform": "x", "handle": "some", "account_class": "union", "owner": "S1"}, "platform and handle only"),
        ({"platform": "x", "handle": "some", "account_class": "professional_individual"}, "Enter the staff ID"),
        ({"platform": "x", "handle": "@SampleDept", "account_class": "union"}, "one account has one purpose"),
        (
            {"platform": "x", "handle": "some", "account_class": "official", **day("next_review_on", "31 2 2027")},
            "The next review must be a real date",
        ),
        (
            {"platform": "x", "handle": "some", "account_class": "official", **day("next_review_on", "31 3 1989")},
            "The next review must be between 1 January 1990 and 31 December 2100",
        ),
    ],
)
async def test_a_refused_registration_keeps_what_was_typed(
    registry: Registry, keeper: AsyncClient, answers: dict[str, str], message: str
) -> None:
    await registry.register(OFFICIAL)
    page = await submit(keeper, "/accounts/new", "/accounts/new", **answers)
    assert page.status_code == 422
    assert "There is a problem" in page.text
    assert message in page.text
    assert answers.get("handle", "").replace("\0", "") in page.text
    assert len(await events_of(registry.database)) == 1


async def test_a_status_is_changed_by_form_and_shown_in_the_history(registry: Registry, keeper: AsyncClient) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    page = f"/accounts/{account_id}"
    refused = await submit(keeper, page, f"{page}/status", version="1", status="frozen")
    assert refused.status_code == 422
    assert "Enter a reason" in refused.text
    done = await submit(keeper, page, f"{page}/status", version="1", status="frozen", reason="Password may be known")
    assert done.status_code == 303
    shown = (await keeper.get(page)).text
    assert "Password may be known" in shown
    assert "Live → Frozen" in shown
    form = "/accounts/new"
    stale = await submit(keeper, form, f"{page}/status", version="1", status="frozen", reason="old page")
    assert stale.status_code == 412
    assert "Another person changed this account" in stale.text
    assert "old page" in stale.text


async def test_a_status_that_is_not_allowed_is_refused_on_the_page_and_the_reason_kept(
    registry: Registry, keeper: AsyncClient
) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    page = f"/accounts/{account_id}"
    refused = await submit(keeper, page, f"{page}/status", version="1", status="legacy", reason="As it was")
    assert refused.status_code == 409
    assert "cannot go to this status" in refused.text
    assert "As it was" in refused.text
    gone = {"version": "1", "close_reason": "No longer used", "evidence": "The profile says it does not exist"}
    assert (await submit(keeper, f"{page}/close", f"{page}/close", **gone)).status_code == 303
    late = await submit(
        keeper, "/accounts/new", f"{page}/status", version="1", status="frozen", reason="Typed for a while"
    )
    assert late.status_code == 412
    assert "You wrote: Typed for a while" in late.text


async def test_a_form_without_its_token_is_refused(registry: Registry, keeper: AsyncClient) -> None:
    (account_id,) = await registry.register(OFFICIAL)
    forged = {"version": "1", "status": "frozen", "reason": "x"}
    assert (await keeper.post(f"/accounts/{account_id}/status", data=forged)).status_code == 403


async def test_an_import_by_page_is_all_or_nothing(registry: Registry, keeper: AsyncClient) -> None:
    text = "platform,handle,class\nx,no spaces,official\nx,fine,official\n"
    refused = await submit(keeper, "/accounts/import", "/accounts/import", csv=text)
    assert refused.status_code == 422
    assert "Rows that would be refused" in refused.text
    assert "x,fine,official" in refused.text
    assert await events_of(registry.database) == []
    taken = await submit(keeper, "/accounts/import", "/accounts/import", csv=text, accept_valid="yes")
    assert taken.status_code == 200
    assert "1 registered" in taken.text
    assert [event.handle for event in await events_of(registry.database)] == ["fine"]


async def test_exports_hold_what_the_filter_lets_through(registry: Registry, keeper: AsyncClient) -> None:
    await registry.register(replace(OFFICIAL, title="=cmd()"), UNION)
    as_csv = await keeper.get("/accounts/export.csv?class=official")
    assert "sampledept,official,live,yes,'=cmd()" in as_csv.text
    assert "sampleunion" not in as_csv.text
    assert as_csv.headers["content-disposition"].startswith("attachment")
    as_json = await keeper.get("/accounts/export.json?class=union")
    assert [item["handle"] for item in as_json.json()["items"]] == ["sampleunion"]


async def test_a_page_that_is_not_there_is_not_found(keeper: AsyncClient) -> None:
    assert (await keeper.get("/accounts/01a206d7-a6f3-734f-b4b2-e0ff5fe91e8f")).status_code == 404
    assert (await keeper.get("/accounts/nonsense")).status_code == 404
