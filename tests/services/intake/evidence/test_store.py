"""The store has no room, or does not answer: the person is told what to do, and nothing is half kept."""

from pathlib import Path

import obstore
import pytest
from httpx import AsyncClient
from obstore.exceptions import GenericError

from services.intake.evidence.objects import Objects, StoreFull, StoreUnavailable
from shared.auth.grants import GrantedAction
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import grant, objects, outbox, picture, rows, send, store
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


async def test_a_store_that_is_away_for_a_while_costs_nothing(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    item = (await send(client, report, intake.token(), picture())).json()["evidence_id"]
    address, folder = grant(intake, report, GrantedAction.DOWNLOAD, item), store(intake)
    folder.rename(folder.with_name("away"))
    folder.write_bytes(b"no folder")
    for refused in (await send(client, report, intake.token()), await client.get(address)):
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        assert refused.json()["title"] == "Files cannot be taken or shown at the moment"
    assert await rows(intake, "upload") == 1, "that of the first file, which became evidence"
    folder.unlink()
    folder.with_name("away").rename(folder)
    assert (await client.get(address)).content == picture(), "the grant was not used up"
    assert (await send(client, report, intake.token())).status_code == 201
