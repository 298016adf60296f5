"""The export of a case: triage's documents and the evidence in one archive, given once and to no other documents."""

import base64
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from httpx import AsyncClient, Response

from services.intake.evidence.exports import LONGEST_BODY
from services.intake.evidence.queries import stored_items
from shared.audit import exports
from shared.audit.chain import GENESIS, Link
from shared.auth.grants import GrantedAction
from tests.services.intake.conftest import Intake
from tests.services.intake.evidence.test_api import grant, objects, send, store
from tests.services.intake.tracking.test_follow import reported

WRITTEN = b"They wrote this"
AT = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def packed(evidence: Mapping[str, str]) -> bytes:
    """Return the documents of a case as triage packs them; `evidence` gives the hash of each piece."""
    case_id = uuid4()
    statement = {
        "case": "SP-1234-5678",
        "case_id": str(case_id),
        "purpose": "police",
        "exported_by": "S2001",
        "exported_at": AT.isoformat(),
        "documents": {"case.pdf": sha256(b"%PDF").hexdigest()},
        "evidence": [{"evidence_id": piece, "sha256": hashed} for piece, hashed in evidence.items()],
    }
    says = {exports.STATEMENT: exports.digest(statement)}
    last = Link(case_id, 1, uuid4(), AT, "S2001", exports.EXPORTED, {}, says, {})
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        archive.writestr("statement.json", json.dumps(statement))
        archive.writestr("case.pdf", b"%PDF")
        archive.writestr(exports.CHAIN, exports.proof(last, last.hash(GENESIS)))
    return made.getvalue()


async def sent(intake: Intake, client: AsyncClient, *contents: bytes) -> tuple[Mapping[str, object], dict[str, str]]:
    """Send a report with these files; return it, and the hash of each piece."""
    report = await reported(client, intake.token())
    pieces = {}
    for content in contents:
        answer = (await send(client, report, intake.token(), content, "said.txt")).json()
        pieces[answer["evidence_id"]] = answer["sha256"]
    return report, pieces


def address(intake: Intake, report: Mapping[str, object], documents: bytes, *ids: str) -> str:
    digest = sha256(documents).hexdigest()
    return f"{grant(intake, report, GrantedAction.EXPORT, *ids, documents=digest)}/case"


async def bring(client: AsyncClient, there: str, documents: bytes) -> Response:
    """Post documents as the page's form does."""
    return await client.post(there, files={"documents": (None, base64.b64encode(documents))})


async def test_one_archive_has_the_documents_the_chosen_evidence_and_a_manifest_that_a_stranger_checks(
    intake: Intake, client: AsyncClient
) -> None:
    report, pieces = await sent(intake, client, WRITTEN, b"not chosen")
    chosen = dict([next(iter(pieces.items()))])
    documents = packed(chosen)
    there = address(intake, report, documents, *chosen)
    given = await bring(client, there, documents)
    assert given.status_code == 200, given.text
    assert given.headers["content-disposition"] == 'attachment; filename="SP-1234-5678-police.zip"'
    assert exports.problems(io.BytesIO(given.content)) == []
    with ZipFile(io.BytesIO(given.content)) as archive:
        [piece] = chosen
        assert set(archive.namelist()) == {"manifest.json", "case.pdf", "chain.json", f"evidence-{piece}.txt"}
        assert archive.read(f"evidence-{piece}.txt") == WRITTEN
    async with intake.database.transaction() as session:
        opened = {
            one.item.evidence_id
            for one in await stored_items(session, UUID(str(report["report_id"])))
            if one.item.opened_at
        }
    assert opened == {UUID(piece)}, "its reporter cannot take it back any more"
    assert (await bring(client, there, documents)).status_code == 410, "the grant is used up"


async def test_without_chosen_evidence_there_is_none(intake: Intake, client: AsyncClient) -> None:
    report, _ = await sent(intake, client, WRITTEN)
    documents = packed({})
    given = await bring(client, address(intake, report, documents), documents)
    with ZipFile(io.BytesIO(given.content)) as archive:
        assert set(archive.namelist()) == {"manifest.json", "case.pdf", "chain.json"}
    assert exports.problems(io.BytesIO(given.content)) == []


async def test_what_is_damaged_or_gone_is_left_out_and_the_manifest_says_so(
    intake: Intake, client: AsyncClient
) -> None:
    report, pieces = await sent(intake, client, WRITTEN)
    gone = str(uuid4())
    documents = packed({**pieces, gone: "0" * 64})
    [name] = objects(intake)
    (store(intake) / name).write_bytes(b"They wrote that")
    given = await bring(client, address(intake, report, documents, *pieces, gone), documents)
    with ZipFile(io.BytesIO(given.content)) as archive:
        says = json.loads(archive.read("manifest.json"))
        assert set(archive.namelist()) == {"manifest.json", "case.pdf", "chain.json"}
    assert [one["left_out"] for one in says["evidence"]] == ["damaged", "removed"]
    assert exports.problems(io.BytesIO(given.content)) == []


@pytest.mark.parametrize("change", ["other documents", "no documents", "no base64", "too long", "no digest", "read"])
async def test_the_grant_takes_no_other_documents(intake: Intake, client: AsyncClient, change: str) -> None:
    report, _ = await sent(intake, client)
    documents = packed({})
    there = address(intake, report, documents)
    if change == "other documents":
        given = await bring(client, there, packed({}))
    elif change == "no documents":
        given = await client.post(there, files={"other": (None, b"?")})
    elif change == "no base64":
        given = await client.post(there, files={"documents": (None, b"?")})
    elif change == "too long":
        given = await client.post(there, files={"documents": (None, b"A" * LONGEST_BODY)})
    elif change == "no digest":
        given = await bring(client, f"{grant(intake, report, GrantedAction.EXPORT)}/case", documents)
    else:
        given = await client.get(there.removesuffix("/case"))
    assert given.status_code == (413 if change == "too long" else 404), given.text
    whole = await bring(client, there, documents)
    assert whole.status_code == 200, "it was not used up by that"
