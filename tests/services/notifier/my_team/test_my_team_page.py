"""What a manager sees."""

import httpx
import pytest

from services.notifier.directory.domain import StaffMember
from shared.auth.permissions import Role
from tests.services.notifier.builders import GRACE, HELEN, LUCA, PRIYA, TOM, report
from tests.services.notifier.environment import Notifier
from tests.services.notifier.web import NotifierWeb
from tests.support.web import csrf_token

PAGE = "/alerts/my-team"


@pytest.mark.policy("R-b", "S3")
async def test_a_manager_sees_what_needs_them_and_acknowledges_it(notifier: Notifier, web: NotifierWeb) -> None:
    await notifier.receive(report())
    async with web.client(GRACE) as client:
        before = await client.get(PAGE)
        [alert_id] = await notifier.alert_ids()
        sent = await client.post(
            f"{PAGE}/{alert_id}", data={"csrftoken": csrf_token(before.text), "answer": "confirmed"}
        )
        after = await client.get(PAGE)
    assert PRIYA.name in before.text
    assert "SP-0000-0000" in before.text
    assert (sent.status_code, sent.headers["location"]) == (303, PAGE)
    assert "Nothing to do" in after.text
    assert "You have seen this and will act" in after.text


async def test_an_empty_page_says_what_will_appear(web: NotifierWeb) -> None:
    async with web.client(HELEN) as client:
        page = await client.get(PAGE)
    assert (
        "When someone you manage reports social media abuse, you get an email and the alert appears here" in page.text
    )


@pytest.mark.policy("R-b", "R-d")
async def test_only_a_manager_is_asked_about_their_people(web: NotifierWeb) -> None:
    async with web.client(GRACE) as client:
        manager = await client.get(PAGE)
    async with web.client(LUCA) as client:
        without_people = await client.get(PAGE)
    for link in ("/alerts/my-team/people", "/alerts/my-team/findings/new"):
        assert f'href="{link}"' in manager.text
        assert f'href="{link}"' not in without_people.text
    assert "The staff directory does not list anyone who reports to you" in without_people.text
    assert "The staff directory does not list anyone who reports to you" not in manager.text
    for heading in ("To do", "Done", "What your people know", "Found without a report"):
        assert f">{heading}</h2>" in manager.text
        assert f">{heading}</h2>" not in without_people.text
    for page in (manager, without_people):
        assert 'href="/alerts/awareness"' in page.text


async def test_a_confidential_reporter_is_not_named(notifier: Notifier, web: NotifierWeb) -> None:
    await notifier.receive(report(confidentiality="confidential"))
    async with web.client(GRACE) as client:
        page = await client.get(PAGE)
    assert "SP-0000-0000" in page.text
    assert PRIYA.name not in page.text


@pytest.mark.parametrize("stranger", [HELEN, TOM])
async def test_another_persons_alert_is_as_unknown_as_one_that_never_was(
    notifier: Notifier, web: NotifierWeb, stranger: StaffMember
) -> None:
    await notifier.receive(report())
    [alert_id] = await notifier.alert_ids()
    async with web.client(stranger, Role.SMART_LEAD) as client:
        page = await client.get(PAGE)
        answered = await client.post(f"{PAGE}/{alert_id}", data={"csrftoken": _token(client), "answer": "confirmed"})
    assert "SP-0000-0000" not in page.text
    assert answered.status_code == 404
    assert await notifier.rows("select answer from alert") == [(None,)]


async def test_a_visitor_who_is_not_signed_in_is_sent_to_sign_in(web: NotifierWeb) -> None:
    async with web.client() as client:
        answer = await client.get(PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


async def test_no_answer_is_asked_for_again(notifier: Notifier, web: NotifierWeb) -> None:
    await notifier.receive(report())
    [alert_id] = await notifier.alert_ids()
    async with web.client(GRACE) as client:
        token = csrf_token((await client.get(PAGE)).text)
        asked = await client.post(f"{PAGE}/{alert_id}", data={"csrftoken": token})
    assert asked.status_code == 422
    assert f'href="#answer-{alert_id}"' in asked.text


def _token(client: httpx.AsyncClient) -> str:
    return str(client.cookies["csrftoken"])
