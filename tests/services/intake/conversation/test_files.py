"""Files beside a message, on the page of a report: kept, shown, refused with words, and taken back."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError
from structlog.testing import capture_logs

from services.intake.conversation import forms
from services.intake.evidence.attachments import attach
from services.intake.evidence.objects import Objects, StoreUnavailable
from services.intake.evidence.refusals import REFUSALS
from services.intake.forms import sent_files
from shared.events.vocabulary import Confidentiality
from tests.services.intake.conftest import START, Intake
from tests.services.intake.conversation.test_conversation import WHO, Told, telling
from tests.services.intake.evidence.test_api import objects, picture, rows
from tests.services.intake.evidence.test_tus import TUS, UPLOADS, create, resume
from tests.services.intake.forms.browser import token_in
from tests.services.intake.tracking.test_updates import hear, shared

File = tuple[str, bytes]
PICTURE: File = ("screen.png", picture())
NOTE: File = ("note.txt", b"What they wrote to me")
PROGRAM: File = ("run.png", b"MZ\x90\x00" + bytes(200))
EMPTY: File = ("empty.png", b"")


async def post(told: Told, words: str, files: Sequence[File]) -> Response:
    """Send the form of the page as a browser without scripts does: without a file, its field is empty."""
    data = {"csrftoken": token_in(await told.client.get(told.page)), "text": words}
    chosen = [("file", file) for file in files] or [("file", ("", b""))]
    return await told.client.post(f"{told.page}/add", data=data, files=chosen)


def called(item: Mapping[str, object]) -> list[object]:
    evidence = item["evidence"]
    assert isinstance(evidence, list)
    return [one.get("name") for one in evidence]


def shown(page: str, place: str) -> list[str]:
    return re.findall(rf'{place}">([^<]+)<', page)


@pytest.mark.parametrize(("kind", "way"), WHO)
async def test_files_come_with_their_message_for_every_kind_of_report(intake: Intake, kind: str, way: str) -> None:
    async with telling(intake, kind, way) as told:
        await hear(intake, shared(told.report_id, "Can you show it?", START, asks=True))
        intake.clock.move(timedelta(minutes=1))
        sent = await post(told, "Here they are", [PICTURE, NOTE])
        assert (sent.status_code, sent.headers["location"]) == (303, f"{told.page}#newest"), sent.text
        _, item = await told.items()
        page = (await told.client.get(told.page)).text
    anonymous = way == Confidentiality.ANONYMOUS
    assert (item["kind"], item["text"], item["answers_question"]) == ("message", "Here they are", True)
    assert called(item) == ([None, None] if anonymous else ["screen.png", "note.txt"])
    evidence = item["evidence"]
    assert isinstance(evidence, list)
    assert {one["message_id"] for one in evidence} == {item["message_id"]}
    names = ("Picture 1, PNG,", "Text 1, TXT,") if anonymous else ("screen.png (", "note.txt (")
    for place in ("signpost-attached", "summary-list__key"):
        assert [found.startswith(name) for found, name in zip(shown(page, place), names, strict=True)] == [True, True]
    assert ("We keep a copy without the name" in page) is anonymous


FAILING = [
    # message, files → status, errors in the summary, names of what is kept, messages
    ("Look", [PROGRAM, PICTURE], 422, ["run.png: Programs cannot be sent"], ["screen.png"], 1),
    ("Look", [EMPTY], 422, ["empty.png: The file is empty"], [], 1),
    ("", [EMPTY, PICTURE], 422, ["empty.png: The file is empty"], ["screen.png"], 0),
    ("", [PICTURE, NOTE], 303, [], ["screen.png", "note.txt"], 0),
    ("", [], 422, ["Enter a message, or choose a file"], [], 0),
    ("a\0b", [PICTURE], 422, ["A hidden character"], [], 0),
    ("y" * 50_001, [PICTURE], 422, ["This must be 50,000"], [], 0),
    ("a\0b", [PROGRAM], 422, ["A hidden character", "run.png: Programs cannot be sent"], [], 0),
    ("Look", [("../../\u202emy gnp.exe", b"MZ" + bytes(99))], 422, ["my gnp.exe: "], [], 1),
]


@pytest.mark.parametrize(("words", "files", "status", "errors", "kept", "messages"), FAILING)
async def test_a_file_that_fails_stops_neither_the_message_nor_the_others(
    intake: Intake,
    words: str,
    files: Sequence[File],
    status: int,
    errors: Sequence[str],
    kept: Sequence[str],
    messages: int,
) -> None:
    async with telling(intake, "abuse", "named") as told:
        page = await post(told, words, files)
        assert page.status_code == status, page.text
        summary = re.findall(r'<a href="#(?:text|file)">([^<]*)</a>', page.text)
        assert len(summary) == len(errors)
        assert all(said.startswith(error) for said, error in zip(summary, errors, strict=True)), summary
        items = await told.items()
    assert [name for item in items for name in called(item)] == list(kept)
    assert sum(item["kind"] == "message" for item in items) == messages
    assert ("The rest of what you sent has arrived" in page.text) is (bool(errors) and bool(messages or kept))
    if words:
        assert (f">{words.replace(chr(0), '')}</textarea>" in page.text) is (messages == 0)
    waits = [] if kept or messages else [name for name, _ in files if name == "screen.png"]
    assert re.findall(r'signpost-file__name">([^<]*)<', page.text) == waits
    assert len(objects(intake)) == len(kept) + len(waits)
    assert await rows(intake, "upload where attached_at is null") == len(waits)


async def test_a_second_click_keeps_one_message_and_one_file(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        for words in ("Look", "Look", ""):
            assert (await post(told, words, [PICTURE])).status_code == 303
        [item] = await told.items()
        intake.clock.move(timedelta(minutes=11))
        assert (await post(told, "", [PICTURE])).status_code == 303
        _, later = await told.items()
    assert (called(item), later["kind"], called(later)) == (["screen.png"], "evidence", ["screen.png"])


async def test_a_file_alone_answers_the_team(intake: Intake) -> None:
    async with telling(intake, "enquiry", "named") as told:
        await hear(intake, shared(told.report_id, "Can you show it?", START, asks=True))
        assert "Waiting for your answer" in (await told.client.get(told.page)).text
        intake.clock.move(timedelta(minutes=1))
        assert (await post(told, "", [PICTURE])).status_code == 303
        page = (await told.client.get(told.page)).text
    assert ("Waiting for your answer" in page, "sent a file" in page) == (False, True)


async def test_a_file_is_taken_back_until_a_team_has_opened_it(intake: Intake) -> None:
    async with telling(intake, "abuse", "anonymous") as told:
        assert (await post(told, "Look", [PICTURE, NOTE, ("other.png", picture("blue"))])).status_code == 303
        page = await told.client.get(told.page)
        names = [name.partition(",")[0] for name in shown(page.text, "govuk-visually-hidden")]
        assert [name for name in names if name.endswith((" 1", " 2"))] == [" Picture 1", " Text 1", " Picture 2"]
        first, second, third = re.findall(r'action="([^"]+/remove)"', page.text)
        token = {"csrftoken": token_in(page)}
        gone = await told.client.post(first, data=token)
        assert (gone.status_code, gone.headers["location"]) == (303, f"{told.page}#files")
        left = shown((await told.client.get(told.page)).text, "govuk-visually-hidden")
        assert [name.partition(",")[0] for name in left if name.startswith(" Picture ")] == [" Picture 2"]
        assert (await told.client.post(third, data=token)).status_code == 303
        async with intake.database.transaction() as session:
            await session.execute(text("update evidence set opened_at = now()"))
        assert (await told.client.post(second, data=token)).status_code == 409
        async with intake.client(**intake.session("S1002")) as stranger:
            assert (await stranger.post(second, data=token)).status_code in {403, 404}
        page = await told.client.get(told.page)
    assert [name.partition(",")[0] for name in shown(page.text, "signpost-attached")] == ["Text 1"]
    assert ("/remove" in page.text, "The team has looked at it." in page.text) == (False, True)
    assert len(objects(intake)) == await rows(intake, "evidence where removed_at is null") == 1


async def away(*_given: object) -> None:
    raise StoreUnavailable


async def broken(*_given: object) -> None:
    raise InterfaceError("select 1", None, OSError("connection is closed"))


@pytest.mark.parametrize(("fault", "logged"), [(away, "file_not_attached_for_now"), (broken, "file_not_attached")])
async def test_a_file_that_cannot_be_kept_now_waits_on_the_page_and_goes_with_the_next_send(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., object], logged: str
) -> None:
    async with telling(intake, "abuse", "named") as told:
        with monkeypatch.context() as patched, capture_logs() as logs:
            patched.setattr(Objects, "write", fault)
            page = await post(told, "Look", [PICTURE, NOTE])
        assert logged in {line["event"] for line in logs}
        assert (page.status_code, page.text.count("select Send again in a minute")) == (422, 2), "summary and field"
        [item] = await told.items()
        assert (item["text"], called(item)) == ("Look", [])
        again = {"csrftoken": token_in(page), "text": "", "upload": tokens_in(page)}
        assert (await told.client.post(f"{told.page}/add", data=again)).status_code == 303
        _, later = await told.items()
    assert (later["kind"], called(later), StoreUnavailable in REFUSALS) == (
        "evidence",
        ["screen.png", "note.txt"],
        True,
    )


async def sent_ahead(intake: Intake, told: Told, file: File) -> str:
    """Send a file as the script of the page does when it is chosen; return its token."""
    name, content = file
    ticket = re.search(r'data-ticket="([^"]+)"', (await told.client.get(told.page)).text)
    assert ticket
    made = await create(told.client, len(content), ticket=ticket[1], filename=name)
    assert (await resume(told.client, made.headers["location"], 0, content)).status_code == 204
    return str(made.headers["location"]).rpartition("/")[2]


def tokens_in(page: Response) -> list[str]:
    return re.findall(r'name="upload" value="([^"]+)"', page.text)


async def test_a_file_that_a_script_sent_ahead_belongs_to_the_message(intake: Intake) -> None:
    async with telling(intake, "abuse", "anonymous") as told:
        tokens = [await sent_ahead(intake, told, file) for file in (PICTURE, NOTE)]
        form = {"csrftoken": token_in(await told.client.get(told.page)), "upload": tokens}
        wrong = await told.client.post(f"{told.page}/add", data={**form, "text": "a\0b"})
        assert (wrong.status_code, tokens_in(wrong), await told.items()) == (422, tokens, [])
        fewer = await told.client.post(f"{told.page}/add", data={**form, "text": "Look", "remove": tokens[1]})
        assert (fewer.status_code, tokens_in(fewer), ">Look</textarea>" in fewer.text) == (200, tokens[:1], True)
        sent = await told.client.post(f"{told.page}/add", data={**form, "text": "Look"})
        assert (sent.status_code, "A file: It is no longer here." in sent.text) == (422, True)
        [item] = await told.items()
        page = (await told.client.get(told.page)).text
    assert (item["text"], called(item)) == ("Look", [None])
    assert re.findall(r'signpost-attached">(\w+ \d+),', page) == ["Picture 1"]


async def test_a_slow_file_is_added_after_the_answer_and_tried_again(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, faults = asyncio.Event(), [StoreUnavailable()]

    async def slow(*given: Any, **named: Any) -> object:  # noqa: ANN401 - as the real one takes them
        await opened.wait()
        if faults:
            raise faults.pop()
        return await attach(*given, **named)

    monkeypatch.setattr(forms, "attach", slow)
    for name, seconds in {"PATIENCE": 1, "PAUSE": 0}.items():
        monkeypatch.setattr(sent_files, name, seconds)
    async with telling(intake, "abuse", "named") as told:
        page = await post(told, "Look", [NOTE, PROGRAM])
        assert (page.status_code, "We are still adding note.txt" in page.text, tokens_in(page)) == (422, True, [])
        assert "run.png: Programs cannot be sent" in page.text
        page = await post(told, "Look", [NOTE])
        assert (page.status_code, "There is a problem" in page.text) == (200, False)
        [item] = await told.items()
        assert (item["text"], called(item)) == ("Look", [])
        opened.set()
        while await rows(intake, "upload where attached_at is null"):
            await asyncio.sleep(0.01)
        [item] = await told.items()
    assert (faults, called(item)) == ([], ["note.txt"])


async def test_a_file_sent_ahead_waits_an_hour_at_most_once_its_message_is_sent(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the original of what becomes a copy; to send it again does not keep it longer."""
    monkeypatch.setattr(Objects, "write", away)
    async with telling(intake, "abuse", "anonymous") as told:
        form = {"csrftoken": token_in(await told.client.get(told.page)), "upload": await sent_ahead(intake, told, NOTE)}
        wrong = await told.client.post(f"{told.page}/add", data={**form, "text": "a\0b"})
        assert (wrong.status_code, len(tokens_in(wrong))) == (422, 1)
        for words in ("Look", ""):
            page = await told.client.post(f"{told.page}/add", data={**form, "text": words})
            assert (page.status_code, tokens_in(page)) == (422, [form["upload"]])
            intake.clock.move(timedelta(minutes=20))
        intake.clock.move(timedelta(minutes=20))
        assert (await told.client.head(f"{UPLOADS}{form['upload']}", headers=TUS)).status_code == 404


@pytest.mark.parametrize("ahead", [True, False], ids=["with-a-script", "without"])
async def test_two_clicks_at_once_send_one_message_and_each_file_once(intake: Intake, ahead: bool) -> None:
    async with telling(intake, "abuse", "named") as told:
        data: dict[str, object] = {"csrftoken": token_in(await told.client.get(told.page)), "text": "Look"}
        chosen = [("file", file) for file in (PICTURE, NOTE)]
        if ahead:
            data, chosen = {**data, "upload": [await sent_ahead(intake, told, file) for _, file in chosen]}, []
        clicks = [told.client.post(f"{told.page}/add", data=data, files=chosen or None) for _ in range(3)]
        assert {click.status_code for click in await asyncio.gather(*clicks)} == {303}
        [item] = await told.items()
    assert (item["text"], sorted(map(str, called(item)))) == ("Look", ["note.txt", "screen.png"])
    assert await rows(intake, "upload where attached_at is null") == 0
