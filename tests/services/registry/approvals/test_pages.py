"""The pages of requests and proxies."""

import html
import re
from dataclasses import replace

import pytest
from httpx import AsyncClient, Response

from services.registry.accounts.handlers import register
from shared.auth.permissions import Role
from tests.services.registry.browser import day, submit
from tests.services.registry.conftest import IDS, NOW, OFFICIAL, OUTBOX, UNION, Registry, events_of
from tests.support.people import announce

ANSWERS = {
    "platform": "x",
    "handle": "@SampleNews",
    "account_class": "official",
    "requirement": "Reach people who look for work",
    "purpose": "News of jobs",
    "owner": "S7001",
}
NEW = "/accounts/requests/new"
COMMS, APPROVER = "S8003", "S7003"


async def ask(registry: Registry, **changes: str) -> Response:
    async with registry.client(**registry.session(Role.COMMS, COMMS)) as comms:
        return await submit(comms, NEW, NEW, **{**ANSWERS, "answers": "checked", **changes})


async def decide(
    client: AsyncClient, page: str, step: str, words: str, version: str = "1", behalf: str = ""
) -> Response:
    answers = {"version": version, "step": step, "words": words, "on_behalf_of": behalf, "answers": "checked"}
    return await submit(client, "/accounts/declare", f"{page}/decision", **answers)


@pytest.mark.policy("S7")
async def test_a_request_is_asked_for_returned_changed_and_approved(registry: Registry) -> None:
    await registry.register(OFFICIAL)
    page = (await ask(registry)).headers["location"]
    async with (
        registry.client(**registry.session(Role.COMMS, COMMS)) as comms,
        registry.client(**registry.session(Role.APPROVER, APPROVER)) as approver,
    ):
        own = (await comms.get(page)).text
        assert "Approve" not in own
        assert "Withdraw" in own
        assert (await decide(approver, page, "return", "Say it in Welsh, too")).status_code == 303
        form = (await comms.get(f"{page}/change")).text
        assert "It was returned: Say it in Welsh, too" in form
        assert "News of jobs" in form
        changed = {**ANSWERS, "purpose": "News of jobs, in Welsh too", "version": "2", "answers": "checked"}
        assert (await submit(comms, f"{page}/change", f"{page}/change", **changed)).status_code == 303
        assert (await decide(approver, page, "approve", "Head of Communications", "3")).status_code == 303
        done = (await approver.get(page)).text
        account = (await approver.get(_account(done))).text
    assert "Head of Communications" in done
    assert "News of jobs, in Welsh too" in done
    assert "not official to the public yet" in account
    assert "Asked for" in account


def _account(page: str) -> str:
    link = page.rpartition('">See the account')[0].rpartition('href="')[2]
    assert link.startswith("/accounts/")
    return link


@pytest.mark.policy("S7")
@pytest.mark.policy("D-personal")
@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"requirement": ""}, 422, "Enter the strategic business requirement"),
        ({"purpose": ""}, 422, "Enter what it will be used for"),
        ({"owner": ""}, 422, "Enter the staff ID of the person who will be responsible for it"),
        ({"platform": ""}, 422, "Choose a platform"),
        ({"handle": "no spaces"}, 422, "Enter a handle, or the address"),
        ({"account_class": "personal"}, 422, "Do not request a personal account"),
        ({"account_class": "union"}, 422, "Choose what kind of account it is"),
        ({"account_class": "professional_individual"}, 422, "Enter the staff ID of the person who was approved"),
        ({"requirement": "x" * 2001}, 422, "Use at most 2,000 characters"),
        ({"purpose": "hidden\0"}, 422, "A hidden character (U+0000 NULL) was taken out"),
        ({"handle": "@SampleDept"}, 409, "One account has one purpose"),
    ],
)
async def test_a_request_that_is_refused_keeps_what_was_typed(
    registry: Registry, changes: dict[str, str], status: int, message: str
) -> None:
    await registry.register(OFFICIAL)
    page = await ask(registry, **changes)
    assert page.status_code == status
    assert "There is a problem" in page.text
    assert message in page.text
    assert "News of jobs" in page.text or "purpose" in changes
    assert len(await events_of(registry.database)) == 1


async def test_a_request_without_platform_and_handle_names_both(registry: Registry) -> None:
    neither = await ask(registry, platform="", handle="")
    typed = await ask(registry, platform="")
    assert neither.status_code == 422
    assert [f'href="#{field}"' in neither.text for field in ("platform", "handle")] == [True, True]
    assert [f'href="#{field}"' in typed.text for field in ("platform", "handle")] == [True, False]


async def test_a_refused_decision_says_why_changes_nothing_and_keeps_the_words(registry: Registry) -> None:
    await registry.register(OFFICIAL)
    page = (await ask(registry)).headers["location"]
    async with registry.client(**registry.session(Role.APPROVER, APPROVER)) as approver:
        stale = await decide(approver, page, "approve", "My long words", "7")
        assert (stale.status_code, "Another person changed this request" in stale.text) == (412, True)
        assert "My long words" in stale.text
        nothing = await decide(approver, page, "", "")
        assert "Choose what should happen to the request" in nothing.text
        assert "Enter a reason" in nothing.text
        assert (await decide(approver, page, "approve", "")).status_code == 422
        async with registry.database.transaction() as session:
            rival = replace(UNION, handle="samplenews")
            await register(session, [rival], outbox=OUTBOX, now=NOW, ids=IDS, actor=COMMS)
        taken = await decide(approver, page, "approve", "My long words")
        assert (taken.status_code, "One account has one purpose" in taken.text) == (409, True)
        assert "Waiting for an approver" in (await approver.get(page)).text
    async with registry.client(**registry.session(Role.APPROVER, "S7001")) as proposed_owner:
        own = await decide(proposed_owner, page, "approve", "I am the owner")
        assert (own.status_code, "You cannot decide about your own request" in own.text) == (403, True)


@pytest.mark.policy("X3")
async def test_a_new_platform_waits_for_the_advice_centre(registry: Registry) -> None:
    page = (await ask(registry)).headers["location"]
    async with (
        registry.client(**registry.session(Role.APPROVER, APPROVER)) as approver,
        registry.client(**registry.session(Role.ADVICE_CENTRE, "S6002")) as centre,
    ):
        assert "There is nothing for you to do here now" in (await approver.get(page)).text
        assert "Clear the platform" in (await centre.get(page)).text
        assert (await decide(approver, page, "clear", "I am no advice centre")).status_code == 403
        assert (await decide(approver, page, "refuse", "Nor do I decide yet")).status_code == 403
        assert (await decide(centre, page, "clear", "Looked at it")).status_code == 303
        assert 'value="approve"' in (await approver.get(page)).text


@pytest.mark.policy("S7")
async def test_a_proxy_decides_for_whom_they_stand_in(registry: Registry) -> None:
    await registry.register(OFFICIAL)
    page = (await ask(registry)).headers["location"]
    proxies = "/accounts/proxies/new"
    leave = {"proxy": "S7004", **day("first_day", "23 11 2026"), **day("last_day", "30 11 2026"), "reason": "Leave"}
    async with registry.client(**registry.session(Role.APPROVER, APPROVER)) as approver:
        assert "Name another person" in (await submit(approver, proxies, proxies, **{**leave, "proxy": APPROVER})).text
        assert (await submit(approver, proxies, proxies, **leave)).status_code == 303
        assert (await submit(approver, proxies, proxies, **leave)).status_code == 409
        assert "S7004 stands in for you" in (await approver.get("/accounts/proxies")).text
    async with registry.client(**registry.session(Role.REPORTER, "S7004")) as proxy:
        assert "As the proxy of S7003" in (await proxy.get(page)).text
        assert (await decide(proxy, page, "approve", "For her", behalf=APPROVER)).status_code == 303
        assert "On behalf of" in (await proxy.get(page)).text


@pytest.mark.policy("Sc-d")
async def test_any_person_who_is_signed_in_declares_an_account_and_follows_it(registry: Registry) -> None:
    async with registry.client(**registry.session(Role.REPORTER, "S1001")) as holder:
        assert "No requests" in (await holder.get("/accounts/requests")).text
        done = await submit(holder, "/accounts/declare", "/accounts/declare", **ANSWERS, answers="checked")
        assert done.status_code == 303
        assert "samplenews" in (await holder.get("/accounts/requests")).text
        assert "Checks of a legacy account" in (await holder.get(done.headers["location"])).text
    async with registry.client(**registry.session(Role.REPORTER, "S1002")) as other:
        assert (await other.get(done.headers["location"])).status_code == 404
        assert (await other.get(NEW)).status_code == 403


@pytest.mark.parametrize("address", [NEW, "/accounts/requests", "/accounts/declare", "/accounts/proxies"])
async def test_who_is_not_signed_in_is_asked_to(client: AsyncClient, address: str) -> None:
    assert (await client.get(address, headers={"accept": "text/html"})).status_code == 303


async def test_no_staff_id_is_called_unknown_while_the_directory_is(registry: Registry) -> None:
    """After an upgrade, names come with the next import of the directory."""
    async with registry.client(**registry.session(Role.COMMS, COMMS)) as comms:
        before = await submit(comms, NEW, NEW, **ANSWERS)
        await announce(registry.database, NOW, S7999="Nia Hughes")
        after = await submit(comms, NEW, NEW, **ANSWERS)
    assert ["Signpost knows no one" in shown.text for shown in (before, after)] == [False, True]


async def test_a_request_is_sent_only_after_its_answers_were_shown_once_more(registry: Registry) -> None:
    await announce(registry.database, NOW, S7001="Nia Hughes")
    answers = {**ANSWERS, "account_class": "professional_individual", "approved_person": "S7999"}
    async with registry.client(**registry.session(Role.COMMS, COMMS)) as comms:
        assert (await comms.get(NEW)).text.count("It is in the staff directory. The next page shows their name") == 2
        first = await submit(comms, NEW, NEW, **{**answers, "purpose": 'News "of" <jobs>\nand advice'})
        assert (first.status_code, "Check your answers" in first.text) == (200, True)
        for shown in ("Nia Hughes (S7001)", "S7999: Signpost knows no one with this staff ID", "Send the request"):
            assert shown in first.text
        assert "No requests" in (await comms.get("/accounts/requests")).text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', first.text))
        sent = {name: html.unescape(value) for name, value in hidden.items()}
        assert sent.keys() == {*answers, "csrftoken"}
        again = await comms.post(NEW, data={**sent, "answers": "change"})
        assert (again.status_code, "There is a problem" in again.text) == (200, False)
        assert "News &#34;of&#34; &lt;jobs&gt;\nand advice</textarea>" in again.text
        done = await comms.post(NEW, data={**sent, "answers": "checked"})
        assert done.status_code == 303
        assert "and advice" in (await comms.get(done.headers["location"])).text


async def test_a_decision_is_taken_by_a_button_that_names_it(registry: Registry) -> None:
    await registry.register(OFFICIAL)
    page = (await ask(registry)).headers["location"]
    choices = {"approve": "Approve the request", "return": "Return the request", "refuse": "Refuse the request"}
    async with registry.client(**registry.session(Role.APPROVER, APPROVER)) as approver:
        for step, button in choices.items():
            answers = {"version": "1", "step": step, "words": "For a reason", "on_behalf_of": ""}
            shown = await submit(approver, page, f"{page}/decision", **answers)
            assert (shown.status_code, "Check your decision" in shown.text) == (200, True)
            assert [text for text in choices.values() if text in shown.text] == [button]
            again = await submit(approver, page, f"{page}/decision", **answers, answers="change")
            assert "For a reason</textarea>" in again.text
        assert "Waiting for an approver" in (await approver.get(page)).text
