"""What changes between the moment it is verified and the moment it goes out: it does not go out whole."""

import io
from collections.abc import AsyncIterator, Callable, Mapping
from uuid import UUID
from zipfile import BadZipFile, ZipFile

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from services.intake.evidence import downloads
from services.intake.evidence.domain import EvidenceDamaged
from services.intake.evidence.objects import Objects
from services.intake.evidence.queries import StoredItem, stored_items
from shared.auth.grants import GrantedAction
from shared.observability.metrics import EVIDENCE_DAMAGED
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import grant, objects, send, store
from tests.services.intake.evidence.test_tus import parts_of
from tests.services.intake.tracking.test_follow import reported

LONG = b"They wrote this. " * 50_000
"""Several pieces, as they are read."""
CHANGES: Mapping[str, Callable[[bytes], bytes]] = {
    "at its beginning": lambda was: b"!" + was[1:],
    "at its end": lambda was: was[:-1] + b"!",
    "longer": lambda was: b"!" + was[1:] + was,
    "shorter": lambda was: was[:-1],
}


@pytest.fixture
async def item(intake: Intake, client: AsyncClient) -> StoredItem:
    report = await reported(client, intake.token())
    sent = await send(client, report, intake.token(), LONG, "said.txt")
    async with intake.database.transaction() as session:
        [found] = await stored_items(session, UUID(report["report_id"]))
    assert sent.json()["evidence_id"] == str(found.item.evidence_id)
    return found


@pytest.mark.parametrize("action", [GrantedAction.DOWNLOAD, GrantedAction.EXPORT])
async def test_what_changes_once_it_was_verified_breaks_the_connection(
    intake: Intake, client: AsyncClient, item: StoredItem, monkeypatch: pytest.MonkeyPatch, action: GrantedAction
) -> None:
    read, path = Objects.read, store(intake) / item.object_name

    async def read_and_change(these: Objects, name: str) -> AsyncIterator[bytes]:
        async for chunk in read(these, name):
            yield chunk
        path.write_bytes(CHANGES["at its beginning"](LONG))

    monkeypatch.setattr(Objects, "read", read_and_change)
    before = EVIDENCE_DAMAGED._value.get()
    report = {"report_id": item.item.report_id}
    with capture_logs() as logs:
        given = await client.get(grant(intake, report, action, str(item.item.evidence_id)))
    assert len(given.content) < len(LONG)
    assert [one["event"] for one in logs].count("response_broken_off") == 1
    [damaged] = [one for one in logs if one["event"] == "evidence_damaged"]
    assert (damaged["evidence_id"], damaged["problem"]) == (item.item.evidence_id, "changed")
    assert EVIDENCE_DAMAGED._value.get() == before + 1


@pytest.mark.parametrize("change", CHANGES)
async def test_of_what_was_changed_the_last_bytes_are_not_sent(intake: Intake, item: StoredItem, change: str) -> None:
    [name] = objects(intake)
    (store(intake) / name).write_bytes(CHANGES[change](LONG))
    sent = await until_damaged(downloads.as_kept(parts_of(intake).objects, item))
    assert len(sent) < len(LONG)
    archive = await until_damaged(downloads._zip(parts_of(intake), [item], b"{}"))
    with pytest.raises(BadZipFile):
        ZipFile(io.BytesIO(archive))


async def until_damaged(chunks: AsyncIterator[bytes]) -> bytes:
    """Return what is sent before it is seen that it is not what was kept."""
    sent = bytearray()
    try:
        async for chunk in chunks:
            sent += chunk
    except EvidenceDamaged:
        return bytes(sent)
    pytest.fail("it went out whole")
