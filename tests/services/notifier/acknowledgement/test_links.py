"""The link in an alert: the page behind it, and the token in it."""

import base64
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.acknowledgement.domain import Link, is_genuine, read_token, token_of
from shared.encryption import Keys
from shared.ids import AlertId
from tests.services.notifier.builders import GRACE, HELEN, NOW, PRIYA, report
from tests.services.notifier.environment import Notifier
from tests.services.notifier.mail_server import text_of
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


KEY = Keys((b"k" * 32,))
LINK = Link(AlertId(uuid4()), 1, NOW + timedelta(days=14))
TOKEN = token_of(LINK, "grace.okafor@example.org", KEY)


def test_a_token_says_what_it_was_made_of_and_is_genuine() -> None:
    assert read_token(TOKEN) == LINK
    assert is_genuine(TOKEN, "grace.okafor@example.org", KEY, NOW)


def test_a_token_is_bound_to_its_recipient_its_key_and_its_time() -> None:
    assert not is_genuine(TOKEN, "helen.marsh@example.org", KEY, NOW)
    assert not is_genuine(TOKEN, "grace.okafor@example.org", Keys((b"x" * 32,)), NOW)
    assert not is_genuine(TOKEN, "grace.okafor@example.org", KEY, LINK.expires_at)


@given(position=st.integers(0, 36), flip=st.integers(1, 255))
def test_no_byte_can_be_changed(position: int, flip: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN + "=="))
    raw[position] ^= flip
    changed = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    assert not is_genuine(changed, "grace.okafor@example.org", KEY, NOW)


@given(text=st.one_of(st.text(), st.text(alphabet="abcXYZ019-_=", min_size=48, max_size=52)))
def test_whatever_is_typed_is_read_or_refused_without_an_error(text: str) -> None:
    assert read_token(text) is None or len(text) == 50
    assert not is_genuine(text, "grace.okafor@example.org", KEY, NOW)


@pytest.mark.parametrize(
    "other",
    [TOKEN + "=", TOKEN[:-1], TOKEN + "A", TOKEN.swapcase(), f" {TOKEN[1:]}"],
    ids=["padded", "cut", "longer", "other-case", "with-a-space"],  # the token itself differs from process to process
)
def test_a_token_has_one_spelling(other: str) -> None:
    assert not is_genuine(other, "grace.okafor@example.org", KEY, NOW)
