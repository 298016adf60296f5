"""What a team sees, what an anonymous reporter leaves, and what is swept."""

import asyncio
import io
import json
from collections.abc import AsyncIterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID
from zipfile import ZipFile

import pytest
from httpx import AsyncClient
from PIL import Image
from sqlalchemy import text

from services.intake.evidence import sweeps
from services.intake.evidence.domain import WAITS
from services.intake.evidence.handlers import record_opened
from services.intake.evidence.objects import StoreUnavailable
from shared.auth.grants import GrantedAction
from shared.events.triage import CaseResolved
from shared.events.vocabulary import Outcome, Scan, Team
from tests.services.intake.conftest import START, Intake
from tests.services.intake.evidence.test_api import grant, objects, outbox, picture, rows, send, store, where
from tests.services.intake.evidence.test_tus import create, offset_of, parts_of, resume
from tests.services.intake.tracking.test_follow import reported, tell

_SOMEONE_WAITS = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


def telling_picture() -> bytes:
    """Return a photograph that says who took it, with what and where."""
    made, exif = io.BytesIO(), Image.Exif()
    exif[0x013B], exif[0x010F] = "Artist CANARY", "Maker CANARY"
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (40, 30), "green").save(made, "JPEG", exif=exif, comment=b"Comment CANARY")
    return made.getvalue()


async def real_time(intake: Intake) -> datetime:
    """Return the time that objects in the store have."""
    async with intake.database.transaction() as session:
        now: datetime = (await session.execute(text("select now()"))).scalar_one()
        return now


def telling_pdf() -> bytes:
    """Return a PDF that says who wrote it."""
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(made, "PDF", author="Author CANARY", creator="Creator CANARY")
    return made.getvalue()


async def test_of_an_anonymous_reporter_only_a_copy_is_kept_that_says_nothing(
    intake: Intake, client: AsyncClient
) -> None:
    report, content = await reported(client), telling_picture()
    code = {"receipt-code": report["receipt_code"]}
    sent = await send(client, report, code, content, "name-CANARY.jpg")
    assert sent.status_code == 201, sent.text
    body = sent.json()
    [name] = objects(intake)
    kept = (store(intake) / name).read_bytes()
    assert b"CANARY" not in kept
    assert (body["cleaned"], body["sha256_sent"]) == (True, sha256(content).hexdigest())
    assert body["sha256"] == sha256(kept).hexdigest() != body["sha256_sent"]
    assert "name" not in body
    [(_, _, event)] = await outbox(intake)
    assert event["cleaned"] is True


async def test_an_email_of_an_anonymous_reporter_is_refused_in_words(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    lines = ("From: a@example.org", "To: b@example.org", "Subject: x", "Date: Mon, 1 Jan 2026 00:00:00 +0000", "", "Hi")
    email = "\r\n".join(lines).encode()
    refused = await send(client, report, {"receipt-code": report["receipt_code"]}, email, "mail.eml")
    assert refused.status_code == 415
    assert "Send a screenshot of it" in refused.json()["detail"]
    assert objects(intake) == []


async def test_a_named_reporter_keeps_the_original(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), telling_picture()
    body = (await send(client, report, intake.token(), content)).json()
    assert (body["cleaned"], body["sha256"]) == (False, sha256(content).hexdigest())


async def test_a_preview_is_another_picture_without_what_the_original_says(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), telling_picture()
    item = (await send(client, report, intake.token(), content)).json()["evidence_id"]
    shown = [
        await client.get(grant(intake, report, GrantedAction.PREVIEW, item, **how))
        for how in ({}, {"sharp": True, "colour": True})
    ]
    for preview in shown:
        assert (preview.status_code, preview.headers["content-type"]) == (200, "image/jpeg")
        assert preview.headers["content-security-policy"].startswith("sandbox")
        assert b"CANARY" not in preview.content
        assert preview.headers["content-disposition"] == "inline"
    grey, colour = (Image.open(io.BytesIO(preview.content)).convert("RGB").getpixel((20, 15)) for preview in shown)
    assert isinstance(grey, tuple)
    assert isinstance(colour, tuple)
    assert max(grey) - min(grey) < 3 < colour[1] - colour[0]


async def test_an_export_has_each_file_and_a_manifest_with_its_hash(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    contents = [picture("red"), picture("blue"), b"They wrote this."]
    names = ["ann-smith-1.png", "ann-smith-2.png", "to-ann-smith.txt"]
    for content, name in zip(contents, names, strict=True):
        assert (await send(client, report, intake.token(), content, name)).status_code == 201
    given = await client.get(grant(intake, report, GrantedAction.EXPORT))
    assert (given.status_code, given.headers["content-type"]) == (200, "application/zip")
    with ZipFile(io.BytesIO(given.content)) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        assert not any(name in archive.read("manifest.json").decode() for name in names)
        for one, content in zip(manifest["items"], contents, strict=True):
            assert archive.read(one["file"]) == content
            assert one["sha256"] == sha256(content).hexdigest()
    assert manifest["exported_by"] == "S2001"


async def test_a_manager_is_given_copies_that_do_not_say_who_reported(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token(), confidential=True)
    people = b"From: CANARY@example.org\r\nTo: CANARY@example.org\r\n"
    email = people + b"Subject: b\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nHi"
    sent = {
        name: (await send(client, report, intake.token(), content, name)).json()
        for name, content in (("1.jpg", telling_picture()), ("2.pdf", telling_pdf()), ("3.eml", email))
    }
    for kept in list(sent.values())[:2]:
        address = grant(intake, report, GrantedAction.DOWNLOAD, kept["evidence_id"], copies=True)
        given = await client.get(address)
        assert (given.status_code, b"CANARY" in given.content) == (200, False)
        assert (await client.get(address)).status_code == 410
    address = grant(intake, report, GrantedAction.DOWNLOAD, sent["3.eml"]["evidence_id"], copies=True)
    refused = await client.get(address)
    assert (refused.status_code, refused.json()["type"].endswith("evidence-withheld")) == (409, True)
    shown = await client.get(grant(intake, report, GrantedAction.PREVIEW, sent["3.eml"]["evidence_id"], copies=True))
    assert shown.text == "Date: Thu, 01 Jan 2026 00:00:00 +0000\nSubject: b\n\nHi"
    exported = await client.get(grant(intake, report, GrantedAction.EXPORT, copies=True))
    with ZipFile(io.BytesIO(exported.content)) as archive:
        assert not any(b"CANARY" in archive.read(name) for name in archive.namelist())
        items = json.loads(archive.read("manifest.json"))["items"]
        assert [one["left_out"] for one in items] == [None, None, "withheld"]
        assert [one["sha256"] for one in items] == [one["sha256"] for one in sent.values()]
        assert [one["sha256_copy"] for one in items[:2]] == [
            sha256(archive.read(one["file"])).hexdigest() for one in items[:2]
        ]


async def test_an_export_leaves_out_what_is_damaged_or_infected_and_says_so(
    intake: Intake, client: AsyncClient
) -> None:
    report = await reported(client, intake.token())
    ids = [(await send(client, report, intake.token())).json()["evidence_id"] for _ in range(3)]
    damaged = next(name for name in objects(intake) if ids[0] in name)
    (store(intake) / damaged).write_bytes(b"another")
    async with intake.database.transaction() as session:
        await session.execute(
            text("update evidence set scan = 'infected' where evidence_id = :id"), {"id": UUID(ids[1])}
        )
    given = await client.get(grant(intake, report, GrantedAction.EXPORT, *ids))
    with ZipFile(io.BytesIO(given.content)) as archive:
        items = json.loads(archive.read("manifest.json"))["items"]
        assert [one["left_out"] for one in items] == ["damaged", "infected", None]
        assert len(archive.namelist()) == 2
    refused = await client.get(grant(intake, report, GrantedAction.DOWNLOAD, ids[1]))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:signpost:problem:evidence-infected")


async def test_orphans_go_and_what_is_needed_stays(intake: Intake, client: AsyncClient) -> None:
    parts, report = parts_of(intake), await reported(client, intake.token())
    await send(client, report, intake.token())
    needed = objects(intake)
    for name in ("evidence/lost", "uploads/lost"):
        await parts.objects.put(name, b"x")
    (store(intake) / "evidence" / "killed#1").write_bytes(b"x")
    for hours, left in ((0, [*needed, "evidence/killed#1", "evidence/lost", "uploads/lost"]), (2, needed)):
        await sweeps.delete_orphans(parts, await real_time(intake) + timedelta(hours=hours))
        assert objects(intake) == sorted(left)


async def test_the_original_of_a_copy_is_gone_even_where_the_store_kept_its_parts(
    intake: Intake, client: AsyncClient
) -> None:
    report, parts = await reported(client), parts_of(intake)
    deleting = parts.objects.delete

    async def fails(_names: object) -> None:
        return

    object.__setattr__(parts.objects, "delete", fails)
    await send(client, report, {"receipt-code": report["receipt_code"]}, telling_picture())
    object.__setattr__(parts.objects, "delete", deleting)
    assert [name.split("/")[0] for name in objects(intake)] == ["evidence", "uploads"]
    assert await sweeps.forget_uploads(parts, intake.clock.now()) == 1
    assert [name.split("/")[0] for name in objects(intake)] == ["evidence"]
    intake.clock.move(WAITS)
    assert await sweeps.forget_uploads(parts, intake.clock.now()) == 1
    assert await rows(intake, "upload") == 0


async def test_what_was_not_scanned_is_scanned_later(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, parts = await reported(client, intake.token()), parts_of(intake)
    await send(client, report, intake.token())
    said = [Scan.NOT_SCANNED, Scan.INFECTED]
    kind = type(parts.scanner)
    monkeypatch.setattr(kind, "is_set_up", True)

    async def scan(_scanner: object, stream: io.BufferedReader) -> Scan:
        assert stream.read() == picture()
        return said.pop(0)

    monkeypatch.setattr(kind, "scan", scan)
    for after, done in ((timedelta(0), 1), (timedelta(minutes=1), 0), (timedelta(minutes=10), 1), (timedelta(0), 0)):
        intake.clock.move(after)
        assert await sweeps.scan_later(parts, intake.clock.now()) == done
    events = await outbox(intake)
    assert [(kind, event["scan"]) for _, kind, event in events] == [
        ("evidence.added.v1", "not_scanned"),
        ("evidence.scanned.v1", "infected"),
    ]


async def exempt(intake: Intake, report: Mapping[str, object]) -> None:
    """Let the team find that a report is outside the policy."""
    resolved = CaseResolved(
        case_id=UUID(int=1),
        report_id=UUID(str(report["report_id"])),
        reference=str(report["reference"]),
        at=START,
        team=Team.TRIAGE_DESK,
        outcome=Outcome.EXEMPT,
    )
    await tell(intake, (1, resolved))


async def test_the_evidence_of_an_exempt_report_goes_with_what_waits_for_it(
    intake: Intake, client: AsyncClient
) -> None:
    report, parts = await reported(client, intake.token()), parts_of(intake)
    await send(client, report, intake.token(), note="About them")
    begun = await create(client, 20, intake.token(), reference=report["reference"])
    await resume(client, begun.headers["location"], 0, b"Half of a file")
    await exempt(intake, report)
    assert (await client.get(where(report), headers=intake.token())).json() == {"items": []}
    assert (await resume(client, begun.headers["location"], 14, b"x")).status_code == 404
    await sweeps.forget_uploads(parts, intake.clock.now())
    assert [name.split("/")[0] for name in objects(intake)] == ["evidence"]
    await sweeps.delete_orphans(parts, await real_time(intake) + timedelta(hours=2))
    async with intake.database.transaction() as session:
        assert (await session.execute(text("select name, note from evidence"))).all() == [(None, None)]
    assert objects(intake) == []


async def test_an_exempt_report_takes_no_more_files(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    before = await create(client, len(picture()), intake.token(), reference=report["reference"])
    await exempt(intake, report)
    begun = await create(client, len(picture()), intake.token(), reference=report["reference"])
    refused = [
        await send(client, report, intake.token()),
        await resume(client, begun.headers["location"], 0, picture()),
        await client.post(grant(intake, report, GrantedAction.ADD), files={"file": ("capture.png", picture())}),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:signpost:problem:report-closed")
        assert "takes no more files" in answer.json()["detail"]
    assert (await resume(client, before.headers["location"], 0, picture())).status_code == 404
    assert (objects(intake), await rows(intake, "evidence"), await outbox(intake)) == ([], 0, [])


async def test_a_file_that_is_kept_while_its_report_becomes_exempt_is_not_kept(
    intake: Intake, client: AsyncClient
) -> None:
    report, parts = await reported(client, intake.token()), parts_of(intake)
    write = parts.objects.write

    async def slow(name: str, chunks: AsyncIterable[bytes]) -> None:
        await write(name, chunks)
        await exempt(intake, report)

    object.__setattr__(parts.objects, "write", slow)
    assert (await send(client, report, intake.token())).status_code == 409
    assert (objects(intake), await rows(intake, "evidence"), await outbox(intake)) == ([], 0, [])


async def test_the_last_part_of_an_original_goes_with_its_upload(intake: Intake, client: AsyncClient) -> None:
    """Its key is with the sender alone, but it need not wait until lost objects are looked for."""
    report, parts, content = await reported(client), parts_of(intake), telling_picture()
    code = {"receipt-code": str(report["receipt_code"])}
    made = await create(client, len(content), code, reference=report["reference"])
    write = parts.objects.write

    async def away(*_: object) -> None:
        raise StoreUnavailable

    object.__setattr__(parts.objects, "write", away)
    address = made.headers["location"]
    assert (await resume(client, address, 0, content[:100])).status_code == 204
    assert (await resume(client, address, 100, content[100:])).status_code == 503
    assert await offset_of(client, address) == 100, "the client sends the last part again"
    object.__setattr__(parts.objects, "write", write)
    intake.clock.move(WAITS)
    assert await sweeps.forget_uploads(parts, intake.clock.now()) == 1
    assert objects(intake) == []


async def test_who_opens_several_pieces_locks_them_in_the_order_of_their_ids(
    intake: Intake, client: AsyncClient
) -> None:
    """Two exports of one case at the same moment would lock each other out otherwise."""
    report, moved = await reported(client, intake.token()), UUID(int=1)
    items = [UUID((await send(client, report, intake.token())).json()["evidence_id"]) for _ in range(2)]
    async with intake.database.transaction() as session:
        await session.execute(
            text("update evidence set evidence_id = :new where evidence_id = :old").bindparams(new=moved, old=items[1])
        )
    lock = text("select 1 from evidence where evidence_id = :id for update nowait")
    async with intake.database.transaction() as first, intake.database.transaction() as second:
        await first.execute(lock, {"id": moved})
        opening = asyncio.create_task(record_opened(second, [items[0], moved], START))
        while not await first.scalar(text(_SOMEONE_WAITS)):
            await first.execute(text("select pg_stat_clear_snapshot()"))
            await asyncio.sleep(0)
        async with intake.database.transaction() as third:
            await third.execute(lock, {"id": items[0]})
        await first.rollback()
        await opening
