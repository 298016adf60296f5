"""Few files are opened at a time, and none keeps the team or other reports waiting for long."""

import asyncio
import errno
import os
from collections.abc import AsyncIterable, AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from httpx import AsyncClient
from sqlalchemy import text
from starlette.requests import ClientDisconnect
from starlette.types import Message

from services.intake.evidence import attachments, dependencies, downloads, sweeps
from services.intake.evidence.dependencies import NoPlace, Places
from services.intake.evidence.domain import WAITS
from services.intake.evidence.handlers import Upload
from services.intake.evidence.objects import Objects, StoreFull, temporary_file
from services.intake.evidence.queries import StoredItem, stored_items
from services.intake.evidence.uploads import waiting
from shared.auth.grants import Grant, GrantedAction
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import grant, objects, outbox, picture, rows, send
from tests.services.intake.evidence.test_safety import telling_picture
from tests.services.intake.evidence.test_tus import create, parts_of, resume
from tests.services.intake.media.test_child import children
from tests.services.intake.tracking.test_follow import reported
from tests.support.eventually import eventually

SOON = 20.0
"""Seconds."""


async def stored(intake: Intake, client: AsyncClient) -> StoredItem:
    """Return a piece of which a manager is given a copy."""
    report = await reported(client, intake.token(), confidential=True)
    await send(client, report, intake.token(), telling_picture())
    async with intake.database.transaction() as session:
        [found] = await stored_items(session, UUID(report["report_id"]))
    return found


async def started(work: Coroutine[None, None, httpx.Response]) -> "asyncio.Task[httpx.Response]":
    """Start a request, and give it time to come as far as it can."""
    task = asyncio.create_task(work)
    await asyncio.wait({task}, timeout=0.5)
    assert not task.done()
    return task


async def test_a_preview_does_not_wait_for_what_is_cleaned(intake: Intake, client: AsyncClient) -> None:
    item = await stored(intake, client)
    address = grant(intake, {"report_id": item.item.report_id}, GrantedAction.PREVIEW, str(item.item.evidence_id))
    async with parts_of(intake).places.cleaning, asyncio.timeout(SOON):
        assert (await client.get(address)).status_code == 200


async def test_a_preview_does_not_wait_for_another_that_the_store_gives_slowly(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, read, first = await stored(intake, client), Objects.read, asyncio.Event()
    report, ids = {"report_id": item.item.report_id}, str(item.item.evidence_id)
    addresses = [grant(intake, report, GrantedAction.PREVIEW, ids) for _ in range(3)]

    async def hangs(these: Objects, name: str) -> AsyncIterator[bytes]:
        if asyncio.current_task() in slow:
            await first.wait()
        async for chunk in read(these, name):
            yield chunk

    monkeypatch.setattr(Objects, "read", hangs)
    slow = [asyncio.create_task(client.get(address)) for address in addresses[:2]]
    async with asyncio.timeout(SOON):
        assert (await client.get(addresses[2])).status_code == 200
    first.set()
    for task in slow:
        assert (await task).status_code == 200


async def test_previews_are_made_one_at_a_time(intake: Intake, client: AsyncClient) -> None:
    item, most = await stored(intake, client), 0
    report, ids = {"report_id": item.item.report_id}, str(item.item.evidence_id)
    addresses = [grant(intake, report, GrantedAction.PREVIEW, ids) for _ in range(6)]
    tasks = [asyncio.create_task(client.get(address)) for address in addresses]
    while not all(task.done() for task in tasks):
        most = max(most, len(children()))
        await asyncio.sleep(0.005)
    assert {(await task).status_code for task in tasks} == {200}
    assert most == 1


async def test_reports_take_turns_whatever_waits_for_each() -> None:
    places, turns = Places(), list[str]()
    many, one = uuid4(), uuid4()

    async def take(report_id: UUID, name: str) -> None:
        async with places.turn_of(report_id), places.cleaning:
            turns.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(many, f"many {number}") for number in range(5)), take(one, "one"))
    assert turns[:2] == ["many 0", "one"]
    assert sorted(turns) == [*(f"many {number}" for number in range(5)), "one"]
    assert places._reports == {}


async def test_of_one_report_no_more_wait_than_a_message_may_have(intake: Intake, client: AsyncClient) -> None:
    report, places = await reported(client), parts_of(intake).places
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(places.turn_of(UUID(report["report_id"])))
        places._reports[UUID(report["report_id"])].count = dependencies.MOST_IN_QUEUE
        refused = await send(client, report, {"receipt-code": report["receipt_code"]})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        with pytest.raises(NoPlace):
            await stack.enter_async_context(places.turn_of(UUID(report["report_id"])))
        places._reports[UUID(report["report_id"])].count = 1
    assert (await send(client, report, {"receipt-code": report["receipt_code"]})).status_code == 201


async def test_an_upload_does_not_expire_while_it_waits_for_its_turn(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, parts, content = await reported(client), parts_of(intake), picture()
    code = {"receipt-code": str(report["receipt_code"])}
    made = await create(client, len(content), code, reference=report["reference"])
    intake.clock.move(WAITS - timedelta(seconds=1))
    monkeypatch.setattr(attachments, "_EXTENDED_EVERY", 0.01)

    async def extended() -> bool | None:
        async with intake.database.transaction() as session:
            until = await session.scalar(text("select expires_at from upload"))
        return until > intake.clock.now() + timedelta(minutes=10) or None

    async with parts.places.cleaning:
        sending = await started(resume(client, made.headers["location"], 0, content))
        await eventually(extended)
        intake.clock.move(timedelta(minutes=9))
        assert await sweeps.forget_uploads(parts, intake.clock.now()) == 0
    assert (await sending).status_code == 204


async def test_an_upload_that_the_store_takes_not_now_expires_in_the_end(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, content = await reported(client), picture()
    code = {"receipt-code": str(report["receipt_code"])}
    made = await create(client, len(content), code, reference=report["reference"])

    async def full(*_what: object) -> None:
        raise StoreFull

    monkeypatch.setattr(Objects, "write", full)
    for tries in range(20):
        refused = await resume(client, made.headers["location"], 0, content)
        if refused.status_code == 404:
            break
        assert refused.status_code == 507, tries
        intake.clock.move(timedelta(minutes=5))
    assert 12 <= tries < 17


async def test_an_upload_that_is_sent_again_while_it_waits_is_cleaned_once(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, parts, content = await reported(client), parts_of(intake), picture()
    code = {"receipt-code": str(report["receipt_code"])}
    address = (await create(client, len(content), code, reference=report["reference"])).headers["location"]
    cleaned, clean = list[bytes](), attachments._clean

    async def counted(*what: object) -> object:
        cleaned.append(b"")
        return await clean(*what)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(attachments, "_clean", counted)
    async with parts.places.cleaning:
        sending = [await started(resume(client, address, 0, content)) for _ in range(2)]
    assert {(await task).status_code for task in sending} <= {204, 409}
    assert (len(objects(intake)), len(cleaned)) == (1, 1)


async def test_a_piece_that_two_requests_make_at_once_has_one_object(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, parts = await reported(client, intake.token()), parts_of(intake)
    made = await create(client, 20, intake.token(), reference=report["reference"])
    write, again = parts.objects.write, list[Upload]()

    async def written(name: str, chunks: AsyncIterable[bytes]) -> None:
        await write(name, chunks)
        if not again:
            upload = await waiting(parts, made.headers["location"].rpartition("/")[2])
            again.append(upload)
            sent = (replace(upload, received=20, parts=uploads[0].parts), uploads[0].adder)
            await attachments.attach_upload(parts, *sent)

    uploads, attach = list[Upload](), attachments._attach

    async def seen(*what: object) -> object:
        assert isinstance(what[1], Upload)
        uploads.append(what[1])
        return await attach(*what)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(attachments, "_attach", seen)
    object.__setattr__(parts.objects, "write", written)
    assert (await resume(client, made.headers["location"], 0, b"They wrote this now.")).status_code == 204
    assert (len(uploads), len(objects(intake)), await rows(intake, "evidence")) == (2, 1, 1)
    assert len(await outbox(intake)) == 1


async def test_a_copy_has_its_place_until_it_is_written(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, write, taken = await reported(client), Objects.write, list[bool]()

    async def written(these: Objects, name: str, chunks: AsyncIterable[bytes]) -> None:
        taken.append(parts_of(intake).places.cleaning.locked())
        await write(these, name, chunks)

    monkeypatch.setattr(Objects, "write", written)
    sent = await send(client, report, {"receipt-code": report["receipt_code"]})
    assert (sent.status_code, taken) == (201, [True])


async def test_the_copy_of_a_manager_has_its_place_until_its_reader_has_left(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, parts = await stored(intake, client), parts_of(intake)
    response = await downloads._download_copy(parts, item)
    assert parts.places.copies.locked()

    async def gone(_message: Message) -> None:
        raise OSError

    async def receive() -> Message:
        return {"type": "http.request"}

    with pytest.raises(ClientDisconnect):
        await response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, gone)
    assert not parts.places.copies.locked()

    monkeypatch.setattr(downloads, "LONGEST_PAUSE", 0.01)
    response = await downloads._download_copy(parts, item)
    assert isinstance(response, downloads._Held)
    assert await anext(aiter(response.body_iterator))
    async with asyncio.timeout(SOON), parts.places.copies:
        with pytest.raises(ValueError, match="closed"):
            await anext(aiter(response.body_iterator))


async def test_an_export_of_copies_begins_before_they_are_read(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, parts = await stored(intake, client), parts_of(intake)
    address = grant(intake, {"report_id": item.item.report_id}, GrantedAction.EXPORT, copies=True)
    asked = await downloads.granted(address.rpartition("/")[2], parts)
    assert isinstance(asked, Grant)
    monkeypatch.setattr(Objects, "read", None)
    assert (await downloads._export(parts, asked)).status_code == 200


@pytest.mark.parametrize(("number", "raised"), [(errno.ENOSPC, StoreFull), (errno.EAGAIN, BlockingIOError)])
def test_only_what_the_disk_does_is_said_to_be_its_fault(number: int, raised: type[Exception]) -> None:
    with pytest.raises(raised), temporary_file():
        raise OSError(number, os.strerror(number))
