"""Everyone records what they have read, and their manager sees what is due."""

from dataclasses import replace

import pytest

from services.notifier.my_team.domain import DOCUMENTS
from services.notifier.my_team.pages import AwarenessParts
from shared.runtime import parts_in
from tests.services.notifier.builders import GRACE, HELEN, LUCA, PRIYA, TOM
from tests.services.notifier.environment import Notifier
from tests.services.notifier.web import NotifierWeb
from tests.support.web import csrf_token

PAGE, TEAM = "/alerts/awareness", "/alerts/my-team/people"
EVERYTHING = [document.key for document in DOCUMENTS]


async def says(web: NotifierWeb, read: list[str]) -> int:
    async with web.client(PRIYA) as client:
        token = csrf_token((await client.get(PAGE)).text)
        return (await client.post(PAGE, data={"csrftoken": token, "read": read})).status_code


@pytest.mark.policy("R-b", "X2")
async def test_a_manager_sees_what_is_due_and_done_of_their_own_people(notifier: Notifier, web: NotifierWeb) -> None:
    assert await says(web, ["policy", "standard"]) == 303
    async with web.client(GRACE) as client:
        part = (await client.get(TEAM)).text
    assert "Due: Acceptable Use Policy, Standards of Behaviour, Civil Service Code, Employee Privacy Notice" in part
    assert TOM.name in part
    assert await says(web, EVERYTHING[2:]) == 303
    async with web.client(GRACE) as client:
        whole = (await client.get(TEAM)).text
    assert "Done on 23 November 2026" in whole
    async with web.client(HELEN) as client:
        assert PRIYA.name not in (await client.get(TEAM)).text


@pytest.mark.policy("C-a", "C-f", "C-g")
async def test_duty_care_conduct_and_consequence_are_named_before_anybody_says_they_know(web: NotifierWeb) -> None:
    async with web.client(PRIYA) as client:
        page = (await client.get(PAGE)).text
    before, _, _ = page.partition("I have read these")
    said = ("report a security incident", "sensitivity", "personal accounts too", "dismissal", "Civil Service Code")
    assert [words for words in said if words not in before] == []


@pytest.mark.policy("R-b", "R-a")
async def test_a_policy_that_is_issued_anew_asks_again(notifier: Notifier, web: NotifierWeb) -> None:
    await says(web, EVERYTHING)
    async with web.client(PRIYA) as client:
        before = (await client.get(PAGE)).text
        web.app.state.parts = replace(parts_in(web.app, AwarenessParts), policy_version="2027-01-01")
        after = (await client.get(PAGE)).text
    assert "Nothing is due" in before
    assert "What have you read and understood?" in after


@pytest.mark.parametrize("read", [[], ["something_else"], ["policy", "something_else"]])
async def test_what_is_not_asked_cannot_be_said(notifier: Notifier, web: NotifierWeb, read: list[str]) -> None:
    assert await says(web, read) == 422
    assert await notifier.scalar("select count(*) from acknowledged_document") == 0


async def test_said_twice_the_first_time_stays(notifier: Notifier, web: NotifierWeb) -> None:
    assert await says(web, ["policy"]) == 303
    first = await notifier.rows("select at from acknowledged_document")
    notifier.clock.turn(notifier.lease)
    async with web.client(PRIYA) as client:
        token = csrf_token((await client.get(PAGE)).text)
        await client.post(PAGE, data={"csrftoken": token, "read": ["policy"]})
    assert await notifier.rows("select at from acknowledged_document") == first


async def test_who_manages_nobody_is_told_so(web: NotifierWeb) -> None:
    async with web.client(LUCA) as client:
        page = (await client.get(TEAM)).text
    assert "The staff directory does not list anyone who reports to you" in page
