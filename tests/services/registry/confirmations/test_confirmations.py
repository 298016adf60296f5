"""An approved account is official to the public only once someone recorded that it exists and is ours."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from httpx import AsyncClient, Response
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from services.registry.accounts import domain
from services.registry.lookup.domain import resemble
from services.registry.lookup.queries import LOOKS
from shared.auth.permissions import Role
from shared.events.vocabulary import AccountClass, AccountStatus
from tests.services.registry.browser import submit
from tests.services.registry.conftest import NOW, OFFICIAL, Registry, events_of

OWNER, KEEPER, APPROVER, SIRT = "S7001", "S8003", "S7003", "S5001"
ADDRESS = "https://x.com/SampleNews"
ACCOUNTS, REQUESTS = "/accounts/api/v1/accounts", "/accounts/api/v1/requests"
WANTED = {
    "platform": "x",
    "handle": "@SampleNews",
    "class": "official",
    "requirement": "Reach people who look for work",
    "purpose": "News of jobs",
    "owner": OWNER,
}
FOUND: Mapping[str, object] = {
    "address": ADDRESS,
    "how_known": "Its owner posted the word we asked for",
    "searched_for_lookalikes": True,
}
FIRST = {"if-match": '"1"'}


async def approved(registry: Registry, client: AsyncClient, asked_by: str = KEEPER) -> str:
    """Return an account whose request was approved."""
    await registry.register(OFFICIAL)
    sent = await client.post(REQUESTS, json=WANTED, headers=registry.token(Role.COMMS, asked_by))
    await client.post(
        f"{REQUESTS}/{sent.json()['request_id']}/approve",
        json={"relevance": "Head of Communications"},
        headers={**registry.token(Role.APPROVER, APPROVER), **FIRST},
    )
    account: str = sent.json()["account_id"]
    return account


async def confirm(
    registry: Registry, client: AsyncClient, account: str, who: str = SIRT, changes: Mapping[str, object] = FOUND
) -> Response:
    headers = {**registry.token(Role.SIRT_RESPONDER, who), **FIRST}
    return await client.post(f"{ACCOUNTS}/{account}/confirmation", json={**FOUND, **changes}, headers=headers)


async def official_to_the_public(client: AsyncClient) -> tuple[bool, bool]:
    """Return what the lookup and the public list say about the account."""
    asked = await client.get("/accounts/api/v1/lookup", params={"url": ADDRESS})
    listed = (await client.get("/accounts/official.json")).text
    return asked.json()["sanctioned"] is True, "samplenews" in listed


@pytest.mark.policy("D-official", "S7")
async def test_the_public_is_told_only_of_an_account_that_exists_and_is_ours(
    registry: Registry, client: AsyncClient
) -> None:
    account = await approved(registry, client)
    assert await official_to_the_public(client) == (False, False)
    confirmed = await confirm(registry, client, account, changes={"lookalikes": "@SampleNewz: reported"})
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "live")
    assert await official_to_the_public(client) == (True, True)
    said = [(event.status, event.official_use) for event in await events_of(registry.database)][1:]
    assert said == [(AccountStatus.APPROVED, False), (AccountStatus.LIVE, True)]
    kept = (await client.get(f"{ACCOUNTS}/{account}/confirmation", headers=registry.token(Role.SIRT_LEAD))).json()
    assert kept["confirmation"] == {
        "address": ADDRESS,
        "how_known": FOUND["how_known"],
        "lookalikes": "@SampleNewz: reported",
        "confirmed_by": SIRT,
        "confirmed_at": NOW.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "https://x.com/samplenewz"}, "address"),
        ({"address": "https://www.facebook.com/samplenews"}, "address"),
        ({"address": "https://example.org/samplenews"}, "address"),
        ({"address": "https://x.com@example.org/samplenews"}, "address"),
        ({"address": "http://x.com/samplenews"}, "address"),
        ({"address": "@samplenews"}, "address"),
        ({"searched_for_lookalikes": False}, "searched_for_lookalikes"),
    ],
)
async def test_a_confirmation_names_this_account_and_follows_a_search(
    registry: Registry, client: AsyncClient, changes: dict[str, object], field: str
) -> None:
    refused = await confirm(registry, client, await approved(registry, client), changes=changes)
    assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, [field])
    assert await official_to_the_public(client) == (False, False)


@pytest.mark.policy("S7")
@pytest.mark.parametrize("party", [OWNER, KEEPER, OWNER.lower()])
async def test_someone_else_confirms_it(registry: Registry, client: AsyncClient, party: str) -> None:
    account = await approved(registry, client)
    assert (await confirm(registry, client, account, party)).status_code == 403
    waits = await client.get("/accounts/api/v1/waiting", headers=registry.token(Role.SIRT_RESPONDER, party))
    assert waits.json()["accounts_to_confirm"] == []
    waits = await client.get("/accounts/api/v1/waiting", headers=registry.token(Role.SIRT_RESPONDER, SIRT))
    assert waits.json()["accounts_to_confirm"] == [account]


async def test_the_tasks_take_as_many_statements_for_many_accounts_as_for_one(
    registry: Registry, client: AsyncClient
) -> None:
    await approved(registry, client)
    statements: list[str] = []
    event.listen(registry.database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))

    async def statements_for(waiting: int) -> int:
        statements.clear()
        found = await client.get("/accounts/api/v1/waiting", headers=registry.token(Role.SIRT_RESPONDER, SIRT))
        assert len(found.json()["accounts_to_confirm"]) == waiting
        return len(statements)

    for_one = await statements_for(1)
    waits = replace(OFFICIAL, status=AccountStatus.APPROVED, to_confirm=True)
    await registry.register(*(replace(waits, handle=f"sample{number}") for number in range(10)))
    assert await statements_for(11) == for_one


async def test_only_an_approved_account_is_confirmed(registry: Registry, client: AsyncClient) -> None:
    (live,) = await registry.register(OFFICIAL)
    assert (await confirm(registry, client, str(live))).status_code == 409


@pytest.mark.policy("Sc-d")
@pytest.mark.parametrize(("declared", "becomes"), [(True, "approved"), (False, "live")])
async def test_a_legacy_account_that_passed_its_checks_is_live_if_the_register_knew_it(
    registry: Registry, client: AsyncClient, declared: bool, becomes: str
) -> None:
    owner = registry.token(Role.ACCOUNT_OWNER, OWNER)
    if declared:
        await registry.register(OFFICIAL)
        sent = await client.post("/accounts/api/v1/declarations", json=WANTED, headers=owner)
    else:
        legacy = replace(OFFICIAL, handle="samplenews", status=AccountStatus.LEGACY, checks_due_on=NOW.date())
        (account,) = await registry.register(legacy)
        sent = await client.post(f"{ACCOUNTS}/{account}/checks", json=WANTED, headers=owner)
    done = await client.post(
        f"{REQUESTS}/{sent.json()['request_id']}/approve",
        json={"relevance": "Head of Communications"},
        headers={**registry.token(Role.APPROVER, APPROVER), **FIRST},
    )
    assert done.status_code == 200
    assert await status_of(registry, client, sent.json()["account_id"]) == becomes
    assert await official_to_the_public(client) == ((not declared), (not declared))


async def test_an_account_frozen_before_it_was_confirmed_still_has_to_be(
    registry: Registry, client: AsyncClient
) -> None:
    account = await approved(registry, client)
    comms = registry.token(Role.COMMS, KEEPER)
    frozen = {"status": "frozen", "reason": "Someone else has the name"}
    await client.post(f"{ACCOUNTS}/{account}/status", json=frozen, headers={**comms, **FIRST})
    done = {"what_was_done": "The platform gave us the name"}
    await client.post(f"{ACCOUNTS}/{account}/recover", json=done, headers={**comms, "if-match": '"2"'})
    assert await status_of(registry, client, account) == "approved"
    assert await official_to_the_public(client) == (False, False)


async def status_of(registry: Registry, client: AsyncClient, account: str) -> str:
    found = await client.get(f"{ACCOUNTS}/{account}", headers=registry.token(Role.COMMS, KEEPER))
    status: str = found.json()["status"]
    return status


async def test_the_page_shows_similar_names_and_what_is_missing(registry: Registry, client: AsyncClient) -> None:
    account = await approved(registry, client)
    await registry.register(replace(OFFICIAL, platform="instagram", handle="sample_nevvs"))
    page = f"/accounts/{account}/confirm"
    async with registry.client(**registry.session(Role.SIRT_RESPONDER, SIRT)) as sirt:
        tasks = (await sirt.get("/accounts/waiting")).text
        assert f'href="{page}"' in tasks
        assert "Accounts to confirm" in tasks
        shown = (await sirt.get(page)).text
        assert "sample_nevvs on Instagram" in shown
        assert 'href="https://x.com/samplenews"' in shown
        refused = await submit(sirt, page, page, version="1", address="x.com/other")
        assert refused.status_code == 422
        for fault in (
            "Enter the address of this account’s profile",
            "Enter how you know that it is ours",
            "Search the platform for look-alikes first",
        ):
            assert fault in refused.text
        sent = await submit(
            sirt, page, page, version="1", address=ADDRESS, how_known="Seen", searched_for_lookalikes="yes"
        )
        assert sent.headers["location"] == f"/accounts/{account}"
        done = (await sirt.get(f"/accounts/{account}")).text
    assert "Confirmed by" in done
    assert ADDRESS in done


@pytest.mark.parametrize("change", ["status = 'live', to_confirm = true", "status = 'approved', to_confirm = false"])
async def test_the_database_refuses_a_live_account_that_is_not_confirmed(registry: Registry, change: str) -> None:
    await registry.register(OFFICIAL)
    with pytest.raises(IntegrityError, match="live_is_confirmed"):
        async with registry.database.transaction() as session:
            await session.execute(text(f"update account set {change}"))  # noqa: S608 -- literals of this test


_REGISTRATIONS = st.builds(
    domain.Registration,
    platform=st.just("linkedin"),
    handle=st.just("company/sample"),
    account_class=st.sampled_from(AccountClass),
    status=st.sampled_from(AccountStatus),
    official_use=st.booleans(),
    declared_by=st.sampled_from([None, OWNER]),
    checks_due_on=st.sampled_from([None, NOW.date()]),
    to_confirm=st.booleans(),
)


@given(_REGISTRATIONS)
def test_nothing_that_waits_to_be_confirmed_is_sanctioned_or_becomes_live_by_itself(kept: domain.Registration) -> None:
    if kept.to_confirm:
        assert not kept.sanctioned
        assert not kept.vouched_for
        assert domain.status_after_recovery(kept) is not AccountStatus.LIVE
        assert domain.faults(replace(kept, status=AccountStatus.LIVE))
    assert AccountStatus.LIVE not in domain.statuses_by_hand(kept)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("samplenews", "sample_news", True),
        ("samplenews", "sarnplenews", True),
        ("samplenews", "samplenewsuk", True),
        ("samplenewsuk", "samplenews", True),
        ("samplenews", "company/samplenews", True),
        ("samplenews", "dwpjobs", False),
    ],
)
def test_names_that_people_take_for_each_other(one: str, other: str, alike: bool) -> None:
    assert resemble(one, other, LOOKS) is alike
