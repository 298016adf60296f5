"""Files of a form: they wait encrypted, are listed and removed, and become evidence in the sending."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.intake.evidence import uploads
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import WAITS_IN_FORM, Said
from services.intake.evidence.handlers import NewUpload, Upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.uploads import ReceivedForm, append, begin, receive_form
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


def named(page: str, file: str) -> str:
    """Return by what the page of files removes a file."""
    return str(re.findall(rf'name="remove" value="([^"]+)"[^>]*>Remove<span[^>]*> {re.escape(file)}<', page)[0])


Meanwhile = Callable[[], Awaitable[object]]


def during_the_next(patched: pytest.MonkeyPatch, happens: Meanwhile) -> None:
    """Let something happen between the arrival of files and the keeping of what they change."""

    async def slowly(*given: Any, **more: Any) -> ReceivedForm:  # noqa: ANN401 - as the real one takes them
        received = await receive_form(*given, **more)
        patched.setattr(files, "receive_form", receive_form)
        await happens()
        return received

    patched.setattr(files, "receive_form", slowly)


async def settled(client: AsyncClient, path: str = f"{ABUSE}/sent") -> Response:
    """Return the page of what was sent once no file is being added any more."""
    async with asyncio.timeout(60):
        while 'id="files-being-added"' in (page := await client.get(path)).text:
            await asyncio.sleep(0.02)
    return page


async def send_with_files(client: AsyncClient) -> Response:
    """Send the report, and wait for its files."""
    await send_abuse(client)
    return await settled(client)


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
    await add(reporter, remove=named(listed, "one.png"), evidence_note="On it")
    assert (await add(reporter, ("three.txt", b"What they wrote"), evidence_note="On it")).status_code == 303
    check = (await reporter.get(f"{ABUSE}/check")).text
    assert "one.png" not in check
    assert "two.png (" in check
    assert "three.txt (15 bytes)" in check
    assert "On it" in check
    page = await send_with_files(reporter)
    assert "two.png" in page.text.partition('id="files-sent"')[2]
    kept = await rows(intake, "select media_type, added_by, link from evidence order by media_type")
    assert [tuple(row.values()) for row in kept] == [
        ("image/png", "reporter", None),
        ("text/plain", "reporter", None),
    ]
    assert [kind for _, kind, _ in await outbox(intake)] == ["evidence.added.v1"] * 2


async def test_remove_takes_its_own_file_away_or_says_that_it_is_gone(intake: Intake, reporter: AsyncClient) -> None:
    await add(
        reporter, ("one.png", picture()), ("two.png", picture("blue")), ("three.png", picture("green")), add="yes"
    )
    first = named((await reporter.get(EVIDENCE)).text, "one.png")
    await add(reporter, remove=first)
    again = await add(reporter, remove=first, evidence_note="Typed")
    assert again.status_code == 422
    assert "was not here any more" in again.text
    assert "Typed" in again.text
    assert "two.png" in again.text
    assert len(await rows(intake, "select 1 from upload")) == 2


async def test_what_two_tabs_add_and_remove_at_once_is_all_done(
    reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(reporter, ("early.png", picture("green")), add="yes")
    early = named((await reporter.get(EVIDENCE)).text, "early.png")

    async def in_another_tab() -> None:
        await add(reporter, ("quick.png", picture("blue")), add="yes")
        await add(reporter, remove=early)

    during_the_next(monkeypatch, in_another_tab)
    assert (await add(reporter, ("slow.png", picture()))).status_code == 303
    check = (await reporter.get(f"{ABUSE}/check")).text
    assert "quick.png" in check
    assert "slow.png" in check
    assert "early.png" not in check


async def test_a_file_that_arrives_after_its_report_was_sent_is_named_on_the_sent_page(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_another_tab() -> None:
        await send_abuse(reporter)
        intake.clock.move(timedelta(minutes=50))

    during_the_next(monkeypatch, in_another_tab)
    late = await add(reporter, ("late.png", picture()), add="yes")
    assert late.headers["location"] == f"{ABUSE}/sent"
    page = (await reporter.get(f"{ABUSE}/sent")).text
    assert "late.png: It arrived after the rest was sent." in page.partition('id="files-not-sent"')[2]
    assert await rows(intake, "select 1 from upload") == [], "it does not wait for nothing"
    intake.clock.move(timedelta(minutes=10))
    assert 'id="receipt-code"' not in (await reporter.get(f"{ABUSE}/sent")).text, "the code is shown for an hour"


async def test_a_file_that_was_posted_twice_is_not_late_if_its_report_was_sent_in_between(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    async def in_another_tab() -> None:
        await add(reporter, upload=upload.token)
        await send_with_files(reporter)

    upload = await sent_ahead(intake, picture())
    monkeypatch.setattr(parts_of(intake).objects, "write", away)
    during_the_next(monkeypatch, in_another_tab)
    await add(reporter, upload=upload.token)
    assert (await reporter.get(f"{ABUSE}/sent")).text.count("ahead.png") == 1
    assert len(await rows(intake, "select 1 from upload")) == 1, "it waits to be added"


async def test_answers_that_are_deleted_while_a_file_arrives_do_not_come_back(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_another_tab() -> None:
        await reporter.post(f"{ABUSE}/forget", data={"csrftoken": token_in(await reporter.get(EVIDENCE))})

    during_the_next(monkeypatch, in_another_tab)
    late = await add(reporter, ("late.png", picture()), evidence_note="Typed beside it")
    assert (late.status_code, late.headers["location"]) == (303, ABUSE)
    assert "set-cookie" not in late.headers
    assert await rows(intake, "select 1 from draft") == await rows(intake, "select 1 from upload") == []


async def test_what_cannot_be_forgotten_now_stops_nothing(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pool_is_full(*_: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr(uploads, "discard", pool_is_full)
    await uploads.discard_all(parts_of(intake), [await sent_ahead(intake, picture())])


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


async def test_what_was_seen_at_a_link_is_sent_beside_as_many_files_as_a_form_takes(
    postgres: PostgresForTests, tmp_path: Path
) -> None:
    async with opened_intake(postgres, tmp_path, intake_evidence_most_files=1) as intake, intake.client() as client:
        await fill_abuse(client)
        await add(client, ("1.png", picture()), seen_0="They wrote my address")
        assert "Your report was sent without" not in (await send_with_files(client)).text
        kept = await rows(intake, "select media_type, link from evidence order by link nulls first")
    assert [tuple(row.values()) for row in kept] == [("image/png", None), ("text/plain", 0)]


async def test_what_was_seen_at_each_link_is_evidence_of_that_link(intake: Intake, reporter: AsyncClient) -> None:
    links = "https://x.com/first\nhttps://x.com/second"
    await answer(reporter, f"{ABUSE}/where", {**ABUSE_ANSWERS["where"], "urls": links})
    page = await reporter.get(EVIDENCE)
    assert "Link 2: https://x.com/second" in page.text
    await add(reporter, ("seen.png", picture()), field="file_1", seen_0="They wrote <my> address", seen_1="")
    check = (await reporter.get(f"{ABUSE}/check")).text
    assert "of link 2" in check
    assert "Seen at link 1: They wrote &lt;my&gt; address" in check
    await send_with_files(reporter)
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


async def test_a_store_that_goes_away_after_a_file_arrived_loses_neither_it_nor_what_was_typed(
    intake: Intake, reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    page = await reporter.get(EVIDENCE)
    ticket = re.findall(r'data-ticket="([^"]+)"', page.text)[0]
    known, unknown = await by_tus(reporter, ticket, "known.png"), await sent_ahead(intake, picture(), "unknown.png")
    data = {"csrftoken": token_in(page), "upload": [known, unknown.token], "evidence_note": "Typed beside it"}
    monkeypatch.setattr(parts_of(intake).objects, "get", away)
    refused = await reporter.post(EVIDENCE, data=data)
    assert refused.status_code == 422
    assert "unknown.png: Files cannot be taken at the moment. Go on without it" in refused.text
    check = (await reporter.get(f"{ABUSE}/check")).text
    assert "known.png (" in check
    assert "Typed beside it" in check


async def test_a_file_that_came_with_the_form_is_looked_at_once(
    reporter: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(files, "examine", away)
    assert (await add(reporter, ("some.png", picture()), evidence_note="Typed")).status_code == 303
    assert "some.png (" in (await reporter.get(f"{ABUSE}/check")).text


async def by_tus(client: AsyncClient, ticket: str, name: str) -> str:
    """Send a picture as the page's script does, and return its token."""
    metadata = f"ticket {b64encode(ticket.encode()).decode()},filename {b64encode(name.encode()).decode()}"
    spoken, length = {"tus-resumable": "1.0.0"}, str(len(picture()))
    begun = await client.post(
        "/report/uploads/", headers={**spoken, "upload-length": length, "upload-metadata": metadata}
    )
    address = begun.headers["location"]
    ahead = {**spoken, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    assert (await client.patch(address, content=picture(), headers=ahead)).status_code == 204
    return address.rpartition("/")[2]


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
    await send_with_files(reporter)
    assert len(await rows(intake, "select 1 from evidence")) == 1


async def test_a_file_of_an_earlier_report_is_gone_and_the_page_stays(intake: Intake, reporter: AsyncClient) -> None:
    upload = await sent_ahead(intake, picture())
    page = await reporter.get(EVIDENCE)
    data = {"csrftoken": token_in(page), "upload": upload.token, "evidence_note": "Typed beside it"}
    await reporter.post(EVIDENCE, data=data)
    await send_with_files(reporter)
    await fill_abuse(reporter)
    stale = await reporter.post(EVIDENCE, data={**data, "csrftoken": token_in(await reporter.get(EVIDENCE))})
    assert stale.status_code == 422
    assert "A file: It was sent before. Choose it again" in stale.text
    assert "Typed beside it" in stale.text


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
        await settled(client, "/report/advice/sent")
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
