"""Files of a form: they wait encrypted, are listed and removed, and become evidence in the sending."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text

from services.intake.evidence.attachments import attach_upload
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import WAITS_IN_FORM, Said, UploadNotFound
from services.intake.evidence.handlers import NewUpload, Upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.uploads import append, begin
from services.intake.forms import files
from tests.services.intake.conftest import Intake, opened_intake
from tests.services.intake.evidence.test_api import objects, outbox, picture
from tests.services.intake.forms.answers import ADVICE
from tests.services.intake.forms.browser import (
    ABUSE,
    ABUSE_ANSWERS,
    answer,
    fill_abuse,
    send,
    send_abuse,
    token_in,
    walk,
)
from tests.services.intake.forms.test_saved import code_on, enter
from tests.support.postgres import PostgresForTests

EVIDENCE = f"{ABUSE}/evidence"
File = tuple[str, bytes]
EML = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: Hello\r\nDate: Mon, 23 Nov 2026 10:00 +0000\r\n\r\nText"


async def add(client: AsyncClient, *files: File, path: str = EVIDENCE, field: str = "file", **answers: str) -> Response:
    """Post the page with files, as a browser without JavaScript does."""
    page = await client.get(path)
    sent = [(field, (name, content)) for name, content in files] or [(field, ("", b""))]
    return await client.post(path, data={"csrftoken": token_in(page), **answers}, files=sent)


def parts_of(intake: Intake) -> EvidenceParts:
    assert isinstance(intake.parts, EvidenceParts)
    return intake.parts


async def rows(intake: Intake, statement: str) -> Sequence[Mapping[str, object]]:
    async with intake.database.transaction() as session:
        return [dict(row) for row in (await session.execute(text(statement))).mappings()]


@pytest.fixture
async def reporter(intake: Intake) -> AsyncIterator[AsyncClient]:
    """Someone without a name, who has answered all questions."""
    async with intake.client() as client:
        await fill_abuse(client)
        yield client


async def test_files_are_listed_removed_and_become_evidence(intake: Intake, reporter: AsyncClient) -> None:
    stays = await add(reporter, ("one.png", picture()), ("two.png", picture("blue")), add="yes", evidence_note="On it")
    assert stays.headers["location"] == EVIDENCE
    listed = (await reporter.get(EVIDENCE)).text
    assert "one.png" in listed
    assert "On it" in listed, "what was typed beside the files is kept"
    await add(reporter, remove="0", evidence_note="On it")
    assert (await add(reporter, ("three.txt", b"What they wrote"), evidence_note="On it")).status_code == 303
    check = (await reporter.get(f"{ABUSE}/check")).text
    assert "one.png" not in check
    assert "two.png (" in check
    assert "three.txt (15 bytes)" in check
    assert "On it" in check
    page = await send_abuse(reporter)
    assert "two.png" in page.text.partition('id="files-sent"')[2]
    kept = await rows(intake, "select media_type, added_by, link from evidence order by media_type")
    assert [tuple(row.values()) for row in kept] == [
        ("image/png", "reporter", None),
        ("text/plain", "reporter", None),
    ]
    assert [kind for _, kind, _ in await outbox(intake)] == ["evidence.added.v1"] * 2


async def test_a_refused_file_stops_neither_the_others_nor_the_answers(reporter: AsyncClient) -> None:
    refused = await add(
        reporter, ("good.png", picture()), ("page.html", b"<html><script>1</script></html>"), evidence_note="Kept"
    )
    assert refused.status_code == 422
    assert "page.html: Web pages cannot be sent" in refused.text
    assert "good.png" in refused.text
    assert "Kept" in refused.text
    check = (await reporter.get(f"{ABUSE}/check")).text
    assert "good.png" in check
    assert "Kept" in check


async def test_a_form_takes_so_many_files_and_no_more(postgres: PostgresForTests, tmp_path: Path) -> None:
    async with opened_intake(postgres, tmp_path, intake_evidence_most_files=2) as intake, intake.client() as client:
        await fill_abuse(client)
        await add(client, ("1.png", picture()), add="yes")
        refused = await add(client, ("2.png", picture()), ("3.png", picture()))
        assert "3.png: You can send up to 2 files at once" in refused.text
        assert "2.png" in (await client.get(f"{ABUSE}/check")).text


async def test_what_was_seen_at_each_link_is_evidence_of_that_link(intake: Intake, reporter: AsyncClient) -> None:
    links = "https://x.com/first\nhttps://x.com/second"
    await answer(reporter, f"{ABUSE}/where", {**ABUSE_ANSWERS["where"], "urls": links})
    page = await reporter.get(EVIDENCE)
    assert "Link 2: https://x.com/second" in page.text
    await add(reporter, ("seen.png", picture()), field="file_1", seen_0="They wrote <my> address", seen_1="")
    check = (await reporter.get(f"{ABUSE}/check")).text
    assert "of link 2" in check
    assert "Seen at link 1: They wrote &lt;my&gt; address" in check
    await send_abuse(reporter)
    kept = await rows(intake, "select media_type, link from evidence order by link")
    assert [tuple(row.values()) for row in kept] == [("text/plain", 0), ("image/png", 1)]
    assert sorted(str(event["link"]) for _, _, event in await outbox(intake)) == ["0", "1"]


async def test_a_warning_names_what_would_show_who_an_anonymous_reporter_is(reporter: AsyncClient) -> None:
    await add(reporter, ("letter.eml", EML))
    warning = "We cannot remove from an email who sent it"
    page = (await reporter.get(f"{ABUSE}/check")).text
    assert warning in page
    assert "letter.eml" in page.partition(warning)[2]
    await answer(reporter, f"{ABUSE}/about-you", {"confidentiality": "named"})
    assert warning not in (await reporter.get(f"{ABUSE}/check")).text


async def test_a_report_is_sent_without_a_file_that_fails_and_its_page_says_which(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    await add(reporter, ("late.png", picture()))
    with monkeypatch.context() as broken:
        broken.setattr(parts_of(intake).objects, "write", away)
        page = await send_abuse(reporter)
    assert "Report sent" in page.text
    assert 'id="receipt-code"' in page.text
    assert "late.png: we cannot take files at the moment" in page.text.partition('id="files-not-sent"')[2]
    again = await reporter.post(f"{ABUSE}/files", data={"csrftoken": token_in(page)})
    assert again.headers["location"] == f"{ABUSE}/sent"
    page = await reporter.get(f"{ABUSE}/sent")
    assert 'id="files-not-sent"' not in page.text
    assert "late.png" in page.text.partition('id="files-sent"')[2]
    await reporter.post(f"{ABUSE}/files", data={"csrftoken": token_in(page)})
    assert len(await rows(intake, "select 1 from evidence")) == 1, "sent again, it is still one piece"


async def test_a_file_that_a_second_click_finds_gone_is_there_because_of_the_first(
    reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def after_the_first_click(*given: Any) -> None:  # noqa: ANN401 - as the real one takes them
        await attach_upload(*given)
        raise UploadNotFound

    await add(reporter, ("twice.png", picture()))
    monkeypatch.setattr(files, "attach_upload", after_the_first_click)
    page = await send_abuse(reporter)
    assert 'id="files-not-sent"' not in page.text
    assert "twice.png" in page.text.partition('id="files-sent"')[2]


async def test_a_store_that_is_away_loses_nothing_that_was_typed(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(parts_of(intake).objects, "put", away)
    refused = await add(reporter, ("some.png", picture()), evidence_note="Typed beside it")
    assert refused.status_code == 422
    assert "some.png: Files cannot be taken at the moment. Go on without it" in refused.text
    assert "Typed beside it" in (await reporter.get(f"{ABUSE}/check")).text


async def sent_ahead(intake: Intake, content: bytes, name: str = "ahead.png", *, length: int | None = None) -> Upload:
    """Upload a file as the page's script does."""
    parts = parts_of(intake)

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    new = NewUpload(
        evidence_id=parts.ids.uuid(),
        said=Said(name=name),
        length=length or len(content),
        waits=WAITS_IN_FORM,
        ticket=bytes(32),
    )
    return await append(parts, await begin(parts, new), chunks())


async def test_files_that_a_script_sent_ahead_wait_with_the_draft(intake: Intake, reporter: AsyncClient) -> None:
    whole, half = await sent_ahead(intake, picture()), await sent_ahead(intake, picture(), "half.png", length=10_000)
    web_page = await sent_ahead(intake, b"<html><script>1</script></html>", "page.png")
    page = await reporter.get(EVIDENCE)
    data = {"csrftoken": token_in(page), "upload": [whole.token, half.token, web_page.token, "nothing"]}
    refused = await reporter.post(EVIDENCE, data=data)
    assert refused.status_code == 422
    assert "half.png: It has not arrived whole" in refused.text
    assert (await reporter.post(EVIDENCE, data={**data, "upload": [whole.token, whole.token]})).status_code == 303
    assert (await reporter.get(f"{ABUSE}/check")).text.count("ahead.png") == 1
    await send_abuse(reporter)
    assert len(await rows(intake, "select 1 from evidence")) == 1


async def test_saved_files_wait_for_a_week_and_forgotten_ones_are_gone(intake: Intake, reporter: AsyncClient) -> None:
    saved = await add(reporter, ("kept.png", picture()), save="yes")
    code = code_on(saved)
    [row] = await rows(intake, "select expires_at from upload")
    assert row["expires_at"] == intake.clock.now() + timedelta(days=7)
    intake.clock.move(timedelta(days=6))
    async with intake.client() as other:
        await enter(other, code)
        page = await other.get(EVIDENCE)
        assert "kept.png" in page.text
        await other.post(f"{ABUSE}/forget", data={"csrftoken": token_in(page)})
    assert await rows(intake, "select 1 from upload") == []


async def test_neither_names_nor_words_about_a_file_can_be_read_before_sending(
    intake: Intake, reporter: AsyncClient
) -> None:
    parts = parts_of(intake)
    await add(reporter, ("my-own-name.txt", b"what they wrote to me"), seen_0="said at the link")
    kept = str(await rows(intake, "select * from draft")) + str(await rows(intake, "select * from upload"))
    stored = b"".join([await parts.objects.get(name) for name in objects(intake)])
    for words in ("my-own-name", "what they wrote", "said at the link"):
        assert words not in kept
        assert words.encode() not in stored


async def test_forms_about_nothing_that_happened_take_files_too(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        assert "evidence" in await walk(client, "/report/advice", ADVICE)
        await add(client, ("rules.txt", b"The rules that I mean"), path="/report/advice/evidence")
        assert "rules.txt" in (await client.get("/report/advice/check")).text
        await send(client, "/report/advice")
    assert len(await rows(intake, "select 1 from evidence")) == 1


async def test_a_session_that_ended_keeps_what_was_typed_beside_a_file(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        await walk(client, "/report/advice", ADVICE)
        page = await client.get("/report/advice/evidence")
        client.cookies.delete("signpost_session")
        kept = await client.post(
            "/report/advice/evidence",
            data={"csrftoken": token_in(page), "evidence_note": "typed"},
            files={"file": ("a.png", picture())},
        )
        assert kept.status_code == 401
        assert "typed" in kept.text
