"""A report is sent at once; its files follow, and its sender is told at each moment what became of each."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.intake.evidence.attachments import attach_upload
from services.intake.evidence.domain import TooMuchWaiting, UploadNotFound
from services.intake.evidence.handlers import Upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.uploads import begin
from services.intake.forms import abuse, sent_files
from services.intake.forms.domain import SAVED_LIFETIME, SENT_LIFETIME
from services.intake.forms.handlers import find_draft
from services.intake.forms.sent_files import Adding, AttachmentParts, add_files
from services.intake.forms.session import draft_cookie
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import outbox, picture
from tests.services.intake.forms.browser import ABUSE, ABUSE_ANSWERS, answer, send_abuse, token_in
from tests.services.intake.forms.test_files import EVIDENCE, add, rows, settled
from tests.services.intake.forms.test_files import reporter as _reporter

SENT = f"{ABUSE}/sent"
reporter = _reporter


def parts_of(intake: Intake) -> AttachmentParts:
    assert isinstance(intake.parts, AttachmentParts)
    return intake.parts


class Gate:
    """Stands where a file becomes evidence, and lets the first `through` pass; the others wait until it is opened."""

    def __init__(self, through: int = 0) -> None:
        self.came, self._through = 0, through
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def __call__(self, *given: Any) -> None:  # noqa: ANN401 - as the real one takes them
        self.came += 1
        if self.came > self._through:
            self.reached.set()
            await self.opened.wait()
        await attach_upload(*given)


@pytest.fixture
async def gate(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gate]:
    """A gate that lets one file pass, before a sender who does not wait."""
    made = Gate(through=1)
    monkeypatch.setattr(sent_files, "attach_upload", made)
    monkeypatch.setattr(sent_files, "PATIENCE", 0)
    yield made
    made.opened.set()


def listed(page: Response, place: str) -> Sequence[str]:
    """Return what a page lists in a place."""
    found = re.search(rf'<ul[^>]*id="{place}">(.*?)</ul>', page.text, re.DOTALL)
    return re.findall(r"<li[^>]*>(.*?)</li>", found[1]) if found else []


def states(page: Response) -> Sequence[Sequence[str]]:
    """Return the files that are there, being added, and not there."""
    return [listed(page, place) for place in ("files-sent", "files-being-added", "files-not-sent")]


async def send_again(client: AsyncClient) -> Response:
    """Press the button of the page of what was sent."""
    page = await client.get(SENT)
    assert "Send the files again" in page.text
    assert (await client.post(f"{ABUSE}/files", data={"csrftoken": token_in(page)})).headers["location"] == SENT
    return await settled(client, SENT)


async def test_the_code_is_shown_while_the_files_are_still_being_added(reporter: AsyncClient, gate: Gate) -> None:
    await add(reporter, ("one.png", picture()), ("two.png", picture("blue")))
    page = await send_abuse(reporter)
    await gate.reached.wait()
    page = await reporter.get(SENT)
    assert states(page) == [["one.png"], ["two.png"], []]
    assert f'href="{SENT}">Check again' in page.text
    assert page.text.index('id="receipt-code"') < page.text.index('id="files"')
    gate.opened.set()
    assert states(await settled(reporter, SENT)) == [["one.png", "two.png"], [], []]


async def test_files_are_added_though_their_sender_has_left_and_removed_the_page(
    intake: Intake, reporter: AsyncClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_files, "PATIENCE", 60)
    await add(reporter, ("one.png", picture()), ("two.png", picture("blue")))
    token = token_in(await reporter.get(f"{ABUSE}/check"))
    sending = asyncio.create_task(reporter.post(f"{ABUSE}/check", data={"csrftoken": token}))
    await gate.reached.wait()
    sending.cancel()
    page = await reporter.get(SENT)
    assert states(page)[1] == ["two.png"]
    await reporter.post(f"{ABUSE}/forget", data={"csrftoken": token_in(page)})
    gate.opened.set()
    async with asyncio.timeout(60):
        while len(await rows(intake, "select 1 from evidence")) < 2:
            await asyncio.sleep(0.02)
    await parts_of(intake).adding.close()
    assert await rows(intake, "select 1 from draft") == [], "what was removed does not come back"


class Killed(BaseException):
    """The process ends here."""


async def test_after_a_kill_the_page_says_what_was_not_added_and_nothing_is_doubled(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def attach_and_die(*given: Any) -> None:  # noqa: ANN401 - as the real one takes them
        await attach_upload(*given)
        raise Killed

    async def dead(*_: object) -> None:
        raise Killed

    links = "https://x.com/first\nhttps://x.com/second"
    await answer(reporter, f"{ABUSE}/where", {**ABUSE_ANSWERS["where"], "urls": links})
    await add(reporter, ("some.png", picture()), seen_0="They wrote my address", seen_1="And my name")
    with monkeypatch.context() as dying:
        dying.setattr(sent_files, "attach_upload", attach_and_die)
        dying.setattr(sent_files, "_keep_change", dead)
        page = await send_abuse(reporter)
    captures = [f"What was seen at link {number}.txt" for number in (1, 2)]
    assert states(page) == [["some.png"], captures, []], "no other process can know yet that this one has died"
    intake.clock.move(timedelta(seconds=31))
    page = await reporter.get(SENT)
    assert states(page) == [["some.png"], [], [f"{name}: we could not add it yet" for name in captures]]
    with monkeypatch.context() as dying:
        dying.setattr(sent_files, "attach_upload", attach_and_die)
        dying.setattr(sent_files, "_keep_change", dead)
        await reporter.post(f"{ABUSE}/files", data={"csrftoken": token_in(page)})
    intake.clock.move(timedelta(seconds=31))
    assert states(await send_again(reporter)) == [["some.png", *captures], [], []]
    kept = await rows(intake, "select link from evidence order by link nulls first")
    assert [row["link"] for row in kept] == [None, 0, 1]
    assert [kind for _, kind, _ in await outbox(intake)] == ["evidence.added.v1"] * 3


async def test_no_one_adds_what_another_process_is_adding(
    intake: Intake, reporter: AsyncClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pool_is_full(*given: Any) -> None:  # noqa: ANN401 - as the real one takes them
        monkeypatch.setattr(sent_files, "_keep_change", keep_change)
        raise PoolTimeout

    keep_change = sent_files._keep_change
    monkeypatch.setattr(sent_files, "_keep_change", pool_is_full)
    monkeypatch.setattr(sent_files, "HEARTBEAT", 0.01)
    cookie = reporter.cookies[draft_cookie(abuse.FORM).plain]
    await add(reporter, ("one.png", picture()), ("two.png", picture("blue")))
    await send_abuse(reporter)
    await gate.reached.wait()
    for _ in range(3):  # it is at it for longer than it was believed to be at first
        intake.clock.move(timedelta(seconds=20))
        await until_renewed(intake, cookie)
        await add_files(replace(parts_of(intake), adding=Adding()), cookie)
        token = token_in(await reporter.get(SENT))
        assert (await reporter.post(f"{ABUSE}/check", data={"csrftoken": token})).headers["location"] == SENT
    assert gate.came == 2
    assert states(await reporter.get(SENT))[1] == ["two.png"]


async def until_renewed(intake: Intake, cookie: str) -> None:
    """Wait until the process has said again that it is adding files."""
    now = intake.clock.now()
    async with asyncio.timeout(60):
        while True:
            async with intake.database.transaction() as session:
                draft = await find_draft(session, cookie, now)
            if draft and draft.adding_until == now + timedelta(seconds=30):
                return
            await asyncio.sleep(0.01)


async def test_what_a_process_leaves_as_it_stops_is_named_at_once(
    intake: Intake, reporter: AsyncClient, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_files, "STOPS_WITHIN", 0)
    await add(reporter, ("one.png", picture()), ("two.png", picture("blue")))
    await send_abuse(reporter)
    await gate.reached.wait()
    await parts_of(intake).adding.close()
    assert states(await reporter.get(SENT)) == [["one.png"], [], ["two.png: we could not add it yet"]]
    gate.opened.set()
    monkeypatch.setattr(sent_files, "PATIENCE", 60)
    assert states(await send_again(reporter)) == [["one.png", "two.png"], [], []]
    assert len(await rows(intake, "select 1 from evidence")) == 2


async def test_a_report_is_sent_without_a_file_that_fails_and_its_page_says_which(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    await add(reporter, ("late.png", picture()))
    with monkeypatch.context() as broken:
        broken.setattr(parts_of(intake).objects, "write", away)
        await send_abuse(reporter)
        page = await settled(reporter, SENT)
    assert "Report sent" in page.text
    assert 'id="receipt-code"' in page.text
    assert states(page) == [[], [], ["late.png: we could not add it yet"]]
    assert states(await send_again(reporter)) == [["late.png"], [], []]
    assert len(await rows(intake, "select 1 from evidence")) == 1


async def test_what_cannot_be_added_now_is_tried_again_though_its_sender_has_left(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = iter([PoolTimeout, TooMuchWaiting, StoreUnavailable, ValueError])

    async def begin_at_last(*given: Any) -> Upload:  # noqa: ANN401 - as the real one takes them
        if error := next(fails, None):
            raise error
        return await begin(*given)

    monkeypatch.setattr(sent_files, "PAUSE", 0.01)
    monkeypatch.setattr(sent_files, "begin", begin_at_last)
    await add(reporter, seen_0="They wrote my address")
    await send_abuse(reporter)
    async with asyncio.timeout(60):
        while not await rows(intake, "select 1 from evidence"):
            await asyncio.sleep(0.02)


async def test_a_draft_has_one_task_and_a_stop_waits_for_it_and_begins_none() -> None:
    came, goes_on, adding = 0, asyncio.Event(), Adding()

    async def work() -> bool:
        nonlocal came
        came += 1
        await goes_on.wait()
        return True

    for _ in range(2):
        adding.start("cookie", work)
    closing = asyncio.create_task(adding.close())
    await asyncio.sleep(0)
    goes_on.set()
    await closing
    assert came == 1
    assert not adding._later, "nothing is tried again by a process that stops"


async def test_a_file_that_its_sender_takes_back_is_not_named(intake: Intake, reporter: AsyncClient) -> None:
    await add(reporter, ("one.png", picture()), ("two.png", picture("blue")))
    await send_abuse(reporter)
    await settled(reporter, SENT)
    await rows(intake, "update evidence set removed_at = added_at where ctid = '(0,1)' returning 1")
    assert [len(named) for named in states(await reporter.get(SENT))] == [1, 0, 0]


async def test_what_could_not_be_added_waits_an_hour_after_the_sending(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    waits = "select expires_at from upload"
    await add(reporter, ("late.png", picture()), save="yes")
    assert await rows(intake, waits) == [{"expires_at": intake.clock.now() + SAVED_LIFETIME}]
    monkeypatch.setattr(parts_of(intake).objects, "write", away)
    await answer(reporter, EVIDENCE, {"evidence_note": "On it"})
    await send_abuse(reporter)
    await settled(reporter, SENT)
    ends = intake.clock.now() + SENT_LIFETIME
    intake.clock.move(timedelta(minutes=30))
    await send_again(reporter)
    assert await rows(intake, waits) == [{"expires_at": ends}]


@pytest.mark.parametrize("added", [True, False], ids=["by another click", "by no one"])
async def test_a_file_that_is_gone_is_there_or_is_to_be_chosen_again(
    reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch, added: bool
) -> None:
    async def gone(*given: Any) -> None:  # noqa: ANN401 - as the real one takes them
        if added:
            await attach_upload(*given)
        raise UploadNotFound

    await add(reporter, ("twice.png", picture()))
    monkeypatch.setattr(sent_files, "attach_upload", gone)
    await send_abuse(reporter)
    there, _, not_there = states(await settled(reporter, SENT))
    assert there == (["twice.png"] if added else [])
    assert [line[:31] for line in not_there] == ([] if added else ["twice.png: It is no longer here"])
