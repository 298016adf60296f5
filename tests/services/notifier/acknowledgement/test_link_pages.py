"""The page behind the link in an alert."""

from datetime import timedelta

import pytest

from tests.services.notifier.building import GRACE, HELEN, PRIYA, report
from tests.services.notifier.mail_server import text_of
from tests.services.notifier.notifying import Notifier
from tests.services.notifier.web import NotifierWeb
from tests.support.web import csrf_token


@pytest.fixture
async def path(notifier: Notifier) -> str:
    """The path of the link that Grace was sent."""
    await notifier.receive(report())
    await notifier.deliver_until(notifier.all_settled)
    [mail] = notifier.mail_server.mails
    [line] = [line for line in text_of(mail).splitlines() if "/alerts/acknowledge/" in line]
    return "/alerts/acknowledge/" + line.rpartition("/")[2]


@pytest.mark.policy("S3")
async def test_the_holder_of_the_link_acknowledges_without_signing_in(
    notifier: Notifier, web: NotifierWeb, path: str
) -> None:
    async with web.client() as client:
        asked = await client.get(path)
        done = await client.post(path, data={"csrftoken": csrf_token(asked.text), "answer": "confirmed"})
    assert (asked.status_code, done.status_code) == (200, 200)
    assert "Thank you" in done.text
    assert (await notifier.event_types())[-1] == "alert.acknowledged.v1"
    assert await notifier.rows("select state, answer from alert") == [("acknowledged", "confirmed")]


async def test_opening_the_link_answers_nothing_because_scanners_open_links(
    notifier: Notifier, web: NotifierWeb, path: str
) -> None:
    async with web.client() as client:
        for _ in range(3):
            assert (await client.get(path)).status_code == 200
        await client.head(path)
    assert await notifier.rows("select state, answer from alert") == [("sent", None)]


async def test_a_second_answer_changes_nothing(notifier: Notifier, web: NotifierWeb, path: str) -> None:
    async with web.client() as client:
        token = csrf_token((await client.get(path)).text)
        await client.post(path, data={"csrftoken": token, "answer": "confirmed"})
        again = await client.post(path, data={"csrftoken": token, "answer": "not_mine"})
        opened = await client.get(path)
    assert "Already acknowledged" in again.text
    assert "Already acknowledged" in opened.text
    assert await notifier.rows("select answer from alert") == [("confirmed",)]
    assert (await notifier.event_types()).count("alert.acknowledged.v1") == 1


async def test_unknown_altered_and_expired_links_look_the_same(notifier: Notifier, web: NotifierWeb, path: str) -> None:
    altered = path[:-3] + ("AAA" if path[-3:] != "AAA" else "BBB")
    async with web.client() as client:
        token = csrf_token((await client.get(path)).text)
        before = [await client.get(altered), await client.get("/alerts/acknowledge/nothing-like-a-token")]
        notifier.clock.turn(timedelta(days=14))
        expired = await client.get(path)
        posted = await client.post(path, data={"csrftoken": token, "answer": "confirmed"})
    assert {answer.status_code for answer in (*before, expired, posted)} == {404}
    assert all("This link does not work" in answer.text for answer in (*before, expired, posted))
    assert await notifier.rows("select answer from alert") == [(None,)]


@pytest.mark.parametrize("answer", [{}, {"answer": "later"}, {"answer": ["confirmed", "not_mine"]}, {"answer": "\x00"}])
async def test_an_answer_that_is_none_is_asked_for_again(
    notifier: Notifier, web: NotifierWeb, path: str, answer: dict[str, str]
) -> None:
    async with web.client() as client:
        token = csrf_token((await client.get(path)).text)
        asked = await client.post(path, data={"csrftoken": token, **answer})
    assert asked.status_code == 422
    assert "There is a problem" in asked.text
    assert await notifier.rows("select answer from alert") == [(None,)]


async def test_a_form_from_elsewhere_is_refused(notifier: Notifier, web: NotifierWeb, path: str) -> None:
    async with web.client() as client:
        refused = await client.post(path, data={"answer": "confirmed"})
    assert refused.status_code == 403
    assert await notifier.rows("select answer from alert") == [(None,)]


async def test_the_page_names_nobody_and_leaves_no_trace(
    web: NotifierWeb, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with web.client() as client:
        page = await client.get(path)
    for name in (PRIYA.name, GRACE.name, "NARRATIVE-CANARY"):
        assert name not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    logged = capfd.readouterr()
    assert path.rpartition("/")[2] not in logged.out + logged.err


@pytest.mark.parametrize(
    ("answer", "why"), [("not_mine", "escalated_not_mine"), ("cannot_act", "escalated_cannot_act")]
)
async def test_an_answer_that_is_not_a_yes_tells_the_next_person_at_once(
    notifier: Notifier, web: NotifierWeb, path: str, answer: str, why: str
) -> None:
    async with web.client() as client:
        token = csrf_token((await client.get(path)).text)
        done = await client.post(path, data={"csrftoken": token, "answer": answer})
    assert "We are telling the next person now" in done.text
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [GRACE.email, HELEN.email]
    assert await notifier.rows("select reason from alert where escalated_from is not null") == [(why,)]
