"""The store or the disk has no room, or does not answer: people are told what to do, and nothing is half kept."""

import asyncio
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import obstore
import pytest
from httpx import AsyncClient
from obstore.exceptions import GenericError
from obstore.store import ObjectStore

from services.intake.evidence import objects as stored
from services.intake.evidence.objects import Objects, StoreFull, StoreUnavailable
from services.intake.media import renderer
from services.intake.media.clamd import Scanner
from shared.auth.grants import GrantedAction
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import grant, objects, outbox, picture, rows, send, store
from tests.services.intake.evidence.test_tus import parts_of
from tests.services.intake.media.test_clamd import something_that_answers
from tests.services.intake.tracking.test_follow import reported


@pytest.mark.parametrize("after", [0, 1], ids=["at the first part", "at the evidence itself"])
async def test_a_full_store_is_said_and_leaves_nothing(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    report, left = await reported(client, intake.token()), [after]
    put = obstore.put_async

    async def full(*arguments: object, **named: object) -> object:
        if left[0] == 0:
            message = "Generic LocalFileSystem error: No space left on device (os error 28) at /secret/place"
            raise GenericError(message)
        left[0] -= 1
        return await put(*arguments, **named)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(obstore, "put_async", full)
    refused = await send(client, report, intake.token())
    assert (refused.status_code, refused.headers["retry-after"]) == (507, "300")
    assert refused.json()["title"] == "There is no room for files at the moment"
    assert "secret" not in refused.text
    monkeypatch.undo()
    assert (objects(intake), await rows(intake, "upload"), await outbox(intake)) == ([], 0, [])
    assert (await send(client, report, intake.token())).status_code == 201


async def test_a_name_in_the_message_of_the_store_does_not_make_it_full(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_bytes(b"no folder")
    with pytest.raises(StoreUnavailable) as unavailable:
        await Objects(str(tmp_path)).put("uploads/5071", b"x")
    assert not isinstance(unavailable.value, StoreFull)


async def test_a_file_that_the_store_hangs_over_stops_no_other(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = [await reported(client, intake.token()) for _ in range(2)]
    put, hangs, goes_on = obstore.put_async, asyncio.Event(), asyncio.Event()

    async def hanging(*arguments: object, **named: object) -> object:
        if not hangs.is_set():
            hangs.set()
            await goes_on.wait()
        return await put(*arguments, **named)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(obstore, "put_async", hanging)
    first = asyncio.create_task(send(client, reports[0], intake.token()))
    await hangs.wait()
    assert (await asyncio.wait_for(send(client, reports[1], intake.token()), 30)).status_code == 201
    assert not first.done()
    goes_on.set()
    assert (await first).status_code == 201


async def test_a_store_that_is_away_for_a_while_costs_nothing(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    item = (await send(client, report, intake.token(), picture())).json()["evidence_id"]
    address = grant(intake, report, GrantedAction.DOWNLOAD, item)
    take_away(intake)
    for refused in (await send(client, report, intake.token()), await client.get(address)):
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        assert refused.json()["title"] == "Files cannot be taken or shown at the moment"
    assert await rows(intake, "upload") == 1, "that of the first file, which became evidence"
    bring_back(intake)
    assert (await client.get(address)).content == picture(), "the grant was not used up"
    assert (await send(client, report, intake.token())).status_code == 201


@pytest.mark.parametrize("module", [stored, renderer], ids=["a file's copy", "what is made of it"])
async def test_a_full_disk_of_temporary_files_is_said_as_a_full_store_is(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    report = await reported(client)
    code = {"receipt-code": report["receipt_code"]}
    item = (await send(client, report, code)).json()["evidence_id"]
    before = objects(intake)
    monkeypatch.setattr(module, "TemporaryFile", lambda: Path("/dev/full").open("r+b"))  # noqa: SIM115  # as the real one
    for refused in (
        await send(client, report, code),
        await send(client, report, code, b"They wrote this.", "said.txt"),
        await client.get(grant(intake, report, GrantedAction.PREVIEW, item)),
    ):
        assert (refused.status_code, refused.headers["retry-after"]) == (507, "300"), refused.text
    assert (objects(intake), await rows(intake, "evidence"), await rows(intake, "upload")) == (before, 1, 1)
    monkeypatch.undo()
    assert (await send(client, report, code)).status_code == 201


@pytest.mark.parametrize(("fails", "status"), [(True, 201), (False, 503)], ids=["does not answer", "lost the file"])
async def test_a_store_that_fails_while_the_scanner_reads_is_no_error_of_ours(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, *, fails: bool, status: int
) -> None:
    report, open_reader = await reported(client, intake.token()), obstore.open_reader
    answers_no_more = Mock(read=Mock(side_effect=GenericError("at /secret/place")), seek=Mock(return_value=0))

    def opened(store_of_it: ObjectStore, name: str, **named: int) -> object:
        reader = open_reader(store_of_it, name, **named)
        if fails:
            return answers_no_more
        (store(intake) / name).unlink()
        return reader

    monkeypatch.setattr(obstore, "open_reader", opened)
    async with something_that_answers(b"stream: OK\n", after=b"n") as address:
        object.__setattr__(parts_of(intake), "scanner", Scanner(address))
        sent = await send(client, report, intake.token())
    assert sent.status_code == status, sent.text
    if fails:
        assert sent.json()["scan"] == "not_scanned"
        given = await client.get(grant(intake, report, GrantedAction.DOWNLOAD, sent.json()["evidence_id"]))
        assert given.content == picture()
    else:
        assert (await rows(intake, "evidence"), await rows(intake, "upload")) == (0, 0)


def take_away(intake: Intake) -> None:
    """Let the store fail from now on."""
    folder = store(intake)
    folder.rename(folder.with_name("away"))
    folder.write_bytes(b"no folder")


def bring_back(intake: Intake) -> None:
    """Let the store answer again."""
    folder = store(intake)
    folder.unlink()
    folder.with_name("away").rename(folder)
