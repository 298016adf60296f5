"""Files beside a message, on the page of a report: kept, shown, refused with words, and taken back."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from httpx import Response
from sqlalchemy import text

from services.intake.evidence.objects import Objects, StoreUnavailable
from services.intake.evidence.refusals import REFUSALS
from shared.events.vocabulary import Confidentiality
from tests.services.intake.conftest import START, Intake
from tests.services.intake.conversation.test_conversation import WHO, Told, telling
from tests.services.intake.evidence.test_api import objects, picture, rows
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
    ("a\0b", [PICTURE], 422, ["A hidden character", "Nothing was sent."], [], 0),
    ("y" * 50_001, [PICTURE], 422, ["This must be 50,000", "Nothing was sent."], [], 0),
    ("Look", [("../../\u202egnp.exe", b"MZ" + bytes(99))], 422, ["gnp.exe: "], [], 1),
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
    assert len(objects(intake)) == len(kept)
    async with intake.database.transaction() as session:
        assert await session.scalar(text("select count(*) from upload where attached_at is null")) == 0


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


async def test_the_message_stands_while_the_store_is_away(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_given: object) -> None:
        raise StoreUnavailable

    async with telling(intake, "abuse", "named") as told:
        monkeypatch.setattr(Objects, "write", away)
        page = await post(told, "Look", [PICTURE])
        assert (page.status_code, "Send it again in a minute" in page.text) == (422, True)
        [item] = await told.items()
    assert (item["text"], called(item), StoreUnavailable in REFUSALS) == ("Look", [], True)
