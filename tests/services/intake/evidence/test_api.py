"""A reporter sends files with a report, sees them, and takes them back."""

import io
import json
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from PIL import Image
from sqlalchemy import text

from services.intake.evidence import domain
from services.intake.evidence.dependencies import EvidenceParts
from shared.auth import grants
from shared.auth.grants import Grant, GrantedAction
from tests.services.intake.conftest import Intake
from tests.services.intake.tracking.test_follow import STATUS, reported

NAMED = pytest.param(True, id="named")


def picture(colour: str = "red", size: int = 8) -> bytes:
    """Return a small PNG."""
    made = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(made, "PNG")
    return made.getvalue()


def where(report: Mapping[str, object]) -> str:
    """Return the address of a report's evidence."""
    return f"{STATUS}/{report['reference']}/evidence"


async def send(
    client: AsyncClient,
    report: Mapping[str, object],
    headers: Mapping[str, str],
    content: bytes | None = None,
    name: str = "screen.png",
    **fields: str,
) -> Response:
    """Send a file."""
    files = {"file": (name, picture() if content is None else content)}
    return await client.post(where(report), files=files, data=fields, headers=dict(headers))


async def outbox(intake: Intake) -> list[tuple[str, str, dict[str, object]]]:
    """Return the events of evidence: topic, type and content."""
    async with intake.database.transaction() as session:
        rows = await session.execute(
            text("select topic, type, value from outbox where type like 'evidence.%' order by id")
        )
        return [(row.topic, row.type, json.loads(row.value)) for row in rows]


def objects(intake: Intake) -> list[str]:
    """Return the names of what is in the store."""
    folder = store(intake)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def store(intake: Intake) -> Path:
    """Return the folder of the store."""
    return Path(intake.parts.settings.intake_evidence_store)  # type: ignore[attr-defined]  # of intake's settings


async def rows(intake: Intake, table: str) -> int:
    """Return how many rows a table has."""
    async with intake.database.transaction() as session:
        return int(await session.scalar(text(f"select count(*) from {table}")) or 0)  # noqa: S608 - our own names


def grant(intake: Intake, report: Mapping[str, object], action: GrantedAction, *ids: str, **more: object) -> str:
    """Return the address that triage gives to a responder."""
    made = Grant(
        grant_id=uuid4(),
        action=action,
        report_id=UUID(str(report["report_id"])),
        expires_at=intake.clock.now() + grants.LIFETIME,
        responder="S2001",
        case_id=uuid4(),
        evidence_ids=tuple(map(UUID, ids)),
        **more,  # type: ignore[arg-type]  # what a test asks for
    )
    return f"/report/evidence/{made.seal(intake.parts.settings.derive_keys(grants.PURPOSE))}"


async def test_a_file_is_kept_whole_with_its_hash_and_its_event(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), picture()
    sent = await send(client, report, intake.token(), content, note="What they wrote")
    assert sent.status_code == 201, sent.text
    digest = sha256(content).hexdigest()
    body = sent.json()
    assert {name: body[name] for name in ("sha256", "sha256_sent", "size", "media_type", "scan")} == {
        "sha256": digest,
        "sha256_sent": digest,
        "size": len(content),
        "media_type": "image/png",
        "scan": "not_scanned",
    }
    [(topic, kind, event)] = await outbox(intake)
    assert (topic, kind) == ("intake.abuse-reports.v1", "evidence.added.v1")
    assert event["evidence_id"] == body["evidence_id"]
    assert event["sha256"] == digest
    assert event["note"] == "What they wrote"
    assert "screen" not in json.dumps(event)
    [name] = objects(intake)
    assert (store(intake) / name).read_bytes() == content
    listed = await client.get(where(report), headers=intake.token())
    assert listed.json()["items"] == [{**body}]
    assert body["name"] == "screen.png"


async def test_a_reporter_takes_a_file_back_until_a_team_opened_it(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    first, second = [(await send(client, report, intake.token())).json()["evidence_id"] for _ in range(2)]
    opened = await client.get(grant(intake, report, GrantedAction.DOWNLOAD, second))
    assert opened.status_code == 200
    gone = await client.delete(f"{where(report)}/{first}", headers=intake.token())
    again = await client.delete(f"{where(report)}/{first}", headers=intake.token())
    kept = await client.delete(f"{where(report)}/{second}", headers=intake.token())
    assert (gone.status_code, again.status_code, kept.status_code) == (204, 404, 409)
    assert kept.json()["title"] == "A team has looked at this already"
    [item] = (await client.get(where(report), headers=intake.token())).json()["items"]
    assert item["evidence_id"] == second
    assert [kind for _, kind, _ in await outbox(intake)] == ["evidence.added.v1"] * 2 + ["evidence.removed.v1"]
    assert len(objects(intake)) == 1
    async with intake.database.transaction() as session:
        assert (await session.execute(text("select name, note from evidence where removed_at is not null"))).all() == [
            (None, None)
        ]


async def test_only_its_reporter_reaches_the_evidence_of_a_report(intake: Intake, client: AsyncClient) -> None:
    mine = await reported(client, intake.token())
    item = (await send(client, mine, intake.token())).json()["evidence_id"]
    others = await reported(client, intake.token(subject="S1002"))
    strangers = (intake.token(subject="S1002"), {"receipt-code": "0000-0000-0000-0000-0000"})
    for headers in strangers:
        assert (await send(client, mine, headers)).status_code == 404
        assert (await client.get(where(mine), headers=headers)).status_code == 404
        assert (await client.delete(f"{where(mine)}/{item}", headers=headers)).status_code == 404
    nobody = {"authorization": "Bearer no token"}
    for headers in ({}, nobody):
        assert (await send(client, mine, headers)).status_code == 401
        assert (await client.get(where(mine), headers=headers)).status_code == 401
        assert (await client.delete(f"{where(mine)}/{item}", headers=headers)).status_code == 401
    across = await client.delete(f"{where(others)}/{item}", headers=intake.token(subject="S1002"))
    assert across.status_code == 404
    assert len(objects(intake)) == 1


@pytest.mark.parametrize(
    ("content", "name", "status", "words"),
    [
        (b"", "empty.png", 422, "The file is empty"),
        (b"PK\x03\x04" + bytes(100), "letter.png", 415, "cannot be sent"),
        (b"<svg onload='x()'/>", "drawing.png", 415, "SVG drawings cannot be sent"),
        (b"\x89PNG\r\n" + bytes(200_000), "large.png", 413, "The file must be smaller than 100 kB"),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_in_words_and_nothing_is_kept(
    intake_small: Intake, content: bytes, name: str, status: int, words: str
) -> None:
    async with intake_small.client() as client:
        report = await reported(client, intake_small.token())
        refused = await send(client, report, intake_small.token(), content, name)
    assert refused.status_code == status, refused.text
    assert words in refused.json()["errors"][0]["message"]
    assert words in refused.json()["detail"]
    assert objects(intake_small) == []
    assert (await rows(intake_small, "upload"), await rows(intake_small, "evidence")) == (0, 0)


async def test_a_report_has_so_many_files_and_no_more(intake_small: Intake) -> None:
    async with intake_small.client() as client:
        report = await reported(client, intake_small.token())
        answers = [(await send(client, report, intake_small.token())).status_code for _ in range(4)]
        assert answers == [201, 201, 201, 409]
        item = (await client.get(where(report), headers=intake_small.token())).json()["items"][0]["evidence_id"]
        await client.delete(f"{where(report)}/{item}", headers=intake_small.token())
        assert (await send(client, report, intake_small.token())).status_code == 201
    assert len(objects(intake_small)) == 3


async def test_all_messages_of_a_report_have_so_many_files_and_no_more(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MOST_OF_REPORT", 2)
    report = await reported(client, intake.token())
    sent = [await send(client, report, intake.token()) for _ in range(3)]
    assert [one.status_code for one in sent] == [201, 201, 409]
    assert "Describe in words" in sent[2].json()["detail"]


async def test_two_files_at_once_and_none_are_refused(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    both = [("file", ("a.png", picture())), ("file", ("b.png", picture()))]
    many = await client.post(where(report), files=both, headers=intake.token())
    none = await client.post(where(report), files={"other": (None, "x")}, headers=intake.token())
    no_form = await client.post(where(report), content=b"x", headers=intake.token())
    assert (many.status_code, none.status_code, no_form.status_code) == (409, 422, 415)
    assert (objects(intake), await rows(intake, "upload")) == ([], 0)


@pytest.mark.parametrize("cut", [1, 20, 60])
async def test_a_body_that_ends_too_early_leaves_nothing(intake: Intake, client: AsyncClient, cut: int) -> None:
    report = await reported(client, intake.token())
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + picture() + b"\r\n--b--"
    headers = {**intake.token(), "content-type": "multipart/form-data; boundary=b"}
    refused = await client.post(where(report), content=body[:-cut], headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:signpost:problem:evidence-truncated")
    assert (objects(intake), await rows(intake, "upload")) == ([], 0)


async def test_a_grant_gives_the_original_once_as_a_download_that_runs_nowhere(
    intake: Intake, client: AsyncClient
) -> None:
    report, content = await reported(client, intake.token()), picture()
    item = (await send(client, report, intake.token(), content)).json()["evidence_id"]
    address = grant(intake, report, GrantedAction.DOWNLOAD, item)
    given = await client.get(address)
    assert (given.status_code, given.content) == (200, content)
    assert given.headers["content-disposition"].startswith("attachment; filename=")
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert given.headers["cache-control"] == "no-store"
    assert "set-cookie" not in given.headers
    assert (await client.get(address)).status_code == 410
    late = grant(intake, report, GrantedAction.DOWNLOAD, item)
    intake.clock.move(timedelta(seconds=61))
    assert (await client.get(late)).status_code == 410
    for wrong in ("/report/evidence/nothing", "/report/evidence/" + "A" * 3000, late[:-2]):
        assert (await client.get(wrong)).status_code == 404


async def test_a_grant_of_one_report_does_not_open_anothers_evidence(intake: Intake, client: AsyncClient) -> None:
    mine, other = [await reported(client, intake.token()) for _ in range(2)]
    item = (await send(client, mine, intake.token())).json()["evidence_id"]
    assert (await client.get(grant(intake, other, GrantedAction.DOWNLOAD, item))).status_code == 404


@pytest.mark.parametrize("damage", ["changed", "missing"])
async def test_what_is_not_what_was_kept_is_never_served(intake: Intake, client: AsyncClient, damage: str) -> None:
    report = await reported(client, intake.token())
    item = (await send(client, report, intake.token())).json()["evidence_id"]
    [name] = objects(intake)
    path = store(intake) / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    refused = await client.get(
        grant(intake, report, GrantedAction.DOWNLOAD, item), headers={"accept": "application/json"}
    )
    assert (refused.status_code, refused.json()["type"]) == (500, "urn:signpost:problem:evidence-damaged")


async def test_a_team_adds_a_file_by_a_grant_that_works_once(intake: Intake, client: AsyncClient) -> None:
    report, content = await reported(client, intake.token()), picture("blue")
    address = grant(intake, report, GrantedAction.ADD)
    files = {"file": ("capture.png", content)}
    added = await client.post(address, files=files, data={"note": "The platform answered"})
    assert added.status_code == 201, added.text
    assert (await client.post(address, files=files)).status_code == 410
    assert (await client.get(grant(intake, report, GrantedAction.ADD))).status_code == 404
    [(_, _, event)] = await outbox(intake)
    assert (event["added_by"], event["responder"], event["note"]) == ("team", "S2001", "The platform answered")
    assert (await client.get(where(report), headers=intake.token())).json() == {"items": []}
    gone = await client.delete(f"{where(report)}/{added.json()['evidence_id']}", headers=intake.token())
    assert gone.status_code == 404


async def test_a_refused_file_does_not_use_a_grant_up(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    address = grant(intake, report, GrantedAction.ADD)
    refused = await client.post(address, files={"file": ("page.html", b"<html>")})
    added = await client.post(address, files={"file": ("capture.png", picture())})
    assert (refused.status_code, added.status_code) == (415, 201)


async def test_parts_that_wait_can_be_read_by_no_one(intake: Intake, client: AsyncClient) -> None:
    """A request that dies between a part and the evidence leaves ciphertext under a hash."""
    report, content = await reported(client, intake.token()), picture()
    parts = intake.parts
    assert isinstance(parts, EvidenceParts)
    seen: list[bytes] = []
    put = parts.objects.put

    async def spy(name: str, written: bytes | bytearray) -> None:
        seen.append(bytes(written))
        await put(name, written)

    object.__setattr__(parts.objects, "put", spy)
    assert (await send(client, report, intake.token(), content)).status_code == 201
    assert len(seen) == 1
    assert b"PNG" not in seen[0]
    async with intake.database.transaction() as session:
        kept = str((await session.execute(text("select * from upload"))).mappings().all())
    assert "screen" not in kept
