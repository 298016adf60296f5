"""What a store does, the same for a folder and for a bucket of a real server that speaks S3."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from services.intake.evidence import sweeps
from services.intake.evidence.objects import ObjectMissing, Objects, StoreUnavailable
from shared.auth.grants import GrantedAction
from tests.services.intake.conftest import opened_intake
from tests.services.intake.evidence.test_api import grant, picture, send
from tests.services.intake.evidence.test_safety import real_time
from tests.services.intake.evidence.test_tus import parts_of
from tests.services.intake.tracking.test_follow import reported
from tests.support.postgres import PostgresForTests
from tests.support.s3 import BUCKET, S3ForTests

pytestmark = pytest.mark.xdist_group("s3")  # one server
LONG = os.urandom(11_000_000)
"""Three parts of a bucket."""


class Place(NamedTuple):
    """A store that a test can take away."""

    address: str
    take_away: Callable[[], None]
    bring_back: Callable[[], None]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3ForTests]:
    made = S3ForTests(tmp_path_factory.mktemp("s3"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def in_folder(folder: Path) -> Place:
    away = folder.with_name("away")

    def take_away() -> None:
        folder.rename(away)
        folder.write_bytes(b"no folder")

    def bring_back() -> None:
        folder.unlink()
        away.rename(folder)

    return Place(str(folder), take_away, bring_back)


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    if request.param == "folder":
        return in_folder(tmp_path / "evidence")
    server: S3ForTests = request.getfixturevalue("bucket")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Place(f"s3://{BUCKET}/{tmp_path.name}", server.stop, server.start)


async def long_chunks() -> AsyncIterator[bytes]:
    for start in range(0, len(LONG), 300_000):
        yield LONG[start : start + 300_000]


async def whole(objects: Objects, name: str) -> bytes:
    return b"".join([chunk async for chunk in objects.read(name)])


async def names(objects: Objects, prefix: str) -> list[str]:
    return [one.name async for page in objects.found(prefix) for one in page]


async def test_objects_are_written_read_listed_and_deleted(place: Place) -> None:
    objects, before = Objects(place.address), datetime.now(UTC) - timedelta(minutes=1)
    await objects.put("uploads/one", b"a part")
    await objects.put("uploads/two", bytearray(b"another"))
    await objects.write("evidence/long", long_chunks())
    assert (await objects.get("uploads/one"), await objects.get("uploads/two")) == (b"a part", b"another")
    assert sha256(await whole(objects, "evidence/long")).digest() == sha256(LONG).digest()
    with await objects.open("evidence/long") as opened:
        for place_in_it in (10_000_000, 0, 5_242_870):
            opened.seek(place_in_it)
            assert opened.read(20) == LONG[place_in_it : place_in_it + 20]
        assert opened.seek(0, os.SEEK_END) == len(LONG)
    found = [one async for page in objects.found("uploads/") for one in page]
    assert sorted(one.name for one in found) == ["uploads/one", "uploads/two"]
    assert all(before < one.changed_at < datetime.now(UTC) + timedelta(minutes=1) for one in found)
    assert (await names(objects, "evidence/"), await names(objects, "nothing/")) == (["evidence/long"], [])
    await objects.delete(["uploads/one", "uploads/never", "uploads/two"])
    assert await names(objects, "uploads/") == []


async def test_what_is_not_there_is_missing(place: Place) -> None:
    objects = Objects(place.address)
    await objects.put("uploads/one", b"a part")
    for ask in (objects.get, objects.open, lambda name: whole(objects, name)):
        with pytest.raises(ObjectMissing):
            await ask("evidence/never")


async def test_what_breaks_off_is_not_written(place: Place) -> None:
    objects = Objects(place.address)

    async def breaks_off() -> AsyncIterator[bytes]:
        yield LONG[:6_000_000]
        raise EOFError

    with pytest.raises(EOFError):
        await objects.write("evidence/half", breaks_off())
    assert await names(objects, "evidence/") == []


async def test_a_store_that_is_away_says_so_and_has_everything_when_it_is_back(place: Place) -> None:
    objects = Objects(place.address)
    await objects.write("evidence/long", long_chunks())
    asked = (
        objects.put("uploads/one", b"a part"),
        objects.write("evidence/more", long_chunks()),
        objects.get("evidence/long"),
        whole(objects, "evidence/long"),
        objects.open("evidence/long"),
        objects.delete(["evidence/long"]),
    )
    with await objects.open("evidence/long") as opened:
        place.take_away()
        try:
            said = await asyncio.gather(*asked, asyncio.to_thread(opened.read), return_exceptions=True)
        finally:
            place.bring_back()
    assert [type(one) for one in said] == [StoreUnavailable] * 7
    assert await whole(objects, "evidence/long") == LONG
    assert await names(objects, "uploads/") == []


async def test_a_file_is_added_downloaded_and_kept_from_the_sweep_of_orphans(
    postgres: PostgresForTests, tmp_path: Path, place: Place
) -> None:
    settings = {"intake_evidence_store": place.address}
    async with opened_intake(postgres, tmp_path, **settings) as intake, intake.client() as client:
        objects, report = parts_of(intake).objects, await reported(client, intake.token())
        item = (await send(client, report, intake.token())).json()["evidence_id"]
        await objects.put("evidence/lost", b"x")
        await sweeps.delete_orphans(parts_of(intake), await real_time(intake) + timedelta(hours=2))
        assert [name.split(".")[0] for name in await names(objects, "evidence/")] == [f"evidence/{item}"]
        assert await names(objects, "uploads/") == []
        given = await client.get(grant(intake, report, GrantedAction.DOWNLOAD, item))
        assert (given.status_code, given.content) == (200, picture())


@pytest.mark.parametrize(("name", "key"), [(BUCKET, "another"), ("no-such-bucket", "")], ids=["key", "bucket"])
async def test_with_a_wrong_setting_a_bucket_is_unavailable(
    bucket: S3ForTests, monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    for variable, value in bucket.environment.items():
        monkeypatch.setenv(variable, value)
    if key:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key)
    objects = Objects(f"s3://{name}/below")
    for asked in (objects.put("uploads/one", b"a part"), objects.get("uploads/one"), names(objects, "uploads/")):
        with pytest.raises(StoreUnavailable):
            await asked
