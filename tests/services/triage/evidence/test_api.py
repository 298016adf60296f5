"""Evidence by the API: what there is, who opened it and why, and grants that intake carries out."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text

from services.triage.cases.tables import CaseRow
from services.triage.evidence.domain import NOT_SCANNED, TIME_TO_ADD
from shared.audit import chain
from shared.auth.grants import LIFETIME, PURPOSE, Grant, GrantedAction
from shared.auth.permissions import Role
from shared.events.intake import EvidenceAdded
from tests.services.triage.builders import NOW, open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import LATER, announce, of_team, piece, scanned, taken_back

SERVICE = "triage"
WHY = {"purpose": "To see whether it is a threat"}


@pytest.fixture
async def client(triage: Triage) -> AsyncIterator[AsyncClient]:
    async with triage.client() as opened:
        opened.headers.update(triage.bearer(Role.SMART_RESPONDER))
        yield opened


async def case_of(triage: Triage, report_id: UUID, number: int = 1) -> CaseRow:
    async with triage.database.transaction() as session:
        found = select(CaseRow).where(CaseRow.report_id == report_id, CaseRow.link_number == number)
        row = await session.scalar(found)
    assert row
    return row


async def with_evidence(triage: Triage, **changes: object) -> tuple[str, EvidenceAdded]:
    """Open a case of abuse with a piece of evidence; return the path of its evidence, and the piece."""
    told = report()
    await open_cases(triage.database, told)
    one = piece(told, **changes)
    await announce(triage.database, one)
    return f"/cases/api/v1/cases/{(await case_of(triage, told.report_id)).case_id}/evidence", one


async def listed(client: AsyncClient, path: str) -> list[dict[str, Any]]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def unsealed(triage: Triage, url: str, at: timedelta = timedelta(0)) -> Grant:
    """Return the grant in an address, as intake reads it."""
    before, _, grant = url.partition("/report/evidence/")
    assert before == "http://127.0.0.1:8000"
    settings = triage.app.state.parts.settings
    return Grant.unseal(grant, settings.derive_keys(PURPOSE), triage.clock.now() + at)


async def test_a_list_says_what_there_is_who_added_it_and_never_more(triage: Triage, client: AsyncClient) -> None:
    path, one = await with_evidence(triage, note="Words of the reporter", cleaned=True, link=0)
    [item] = await listed(client, path)
    assert item == {
        "evidence_id": str(one.evidence_id),
        "sha256": one.sha256,
        "sha256_sent": one.sha256_sent,
        "size": 123_456,
        "media_type": "image/png",
        "scan": "clean",
        "cleaned": True,
        "added_by": "reporter",
        "added_at": "2026-11-23T10:00:00Z",
        "link": 0,
        "removed_at": None,
        "custody": [
            {
                "at": "2026-11-23T10:00:00Z",
                "action": "added",
                "by": "reporter",
                **dict.fromkeys(("form", "shown", "scan", "purpose")),
            }
        ],
    }


@pytest.mark.parametrize(
    ("body", "action", "form", "shown"),
    [
        ({}, GrantedAction.DOWNLOAD, "original", None),
        ({"form": "original"}, GrantedAction.DOWNLOAD, "original", None),
        ({"form": "preview"}, GrantedAction.PREVIEW, "preview", "blurred, grey"),
        ({"form": "preview", "sharp": True}, GrantedAction.PREVIEW, "preview", "sharp"),
        ({"form": "preview", "sharp": True, "colour": True}, GrantedAction.PREVIEW, "preview", "sharp, colour"),
    ],
)
async def test_who_opens_evidence_and_why_is_in_the_chain(
    triage: Triage,
    client: AsyncClient,
    body: Mapping[str, object],
    action: GrantedAction,
    form: str,
    shown: str | None,
) -> None:
    path, one = await with_evidence(triage)
    answer = await client.post(f"{path}/{one.evidence_id}/open", json={**WHY, **body})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"url", "expires_at", "warning", "note"}
    grant = unsealed(triage, answer.json()["url"])
    assert (grant.action, grant.evidence_ids, grant.responder) == (action, (one.evidence_id,), "S4001")
    assert (grant.sharp, grant.colour) == (bool(body.get("sharp")), bool(body.get("colour")))
    assert grant.expires_at == NOW + LIFETIME
    [item] = await listed(client, path)
    assert item["custody"][1:] == [
        {
            "at": "2026-11-23T10:00:00Z",
            "action": "opened",
            "by": "S4001",
            "scan": None,
            "form": form,
            "shown": shown,
            "purpose": WHY["purpose"],
        }
    ]


@pytest.mark.parametrize(
    ("purpose", "status"),
    [
        (None, 422),
        ("", 422),
        (" \u200b ", 422),
        ("x" * 201, 422),
        ("a\0b", 422),
        (7, 422),
        ("x", 200),
        ("x" * 200, 200),
    ],
)
async def test_a_purpose_has_1_to_200_characters(
    triage: Triage, client: AsyncClient, purpose: object, status: int
) -> None:
    path, one = await with_evidence(triage)
    body = {} if purpose is None else {"purpose": purpose}
    for call in (f"/{one.evidence_id}/open", "", "/export"):
        assert (await client.post(path + call, json=body)).status_code == status, call


async def test_what_cannot_be_opened_says_why_and_leaves_no_grant(triage: Triage, client: AsyncClient) -> None:
    path, one = await with_evidence(triage, scan="not_scanned")
    unscanned = await client.post(f"{path}/{one.evidence_id}/open", json=WHY)
    assert (unscanned.status_code, unscanned.json()["warning"]) == (200, NOT_SCANNED)
    await announce(triage.database, scanned(one, "infected"))
    refused = await client.post(f"{path}/{one.evidence_id}/open", json={**WHY, "form": "preview"})
    assert (refused.status_code, refused.json()["title"]) == (409, "The virus scanner found something in this file")
    await announce(triage.database, taken_back(one))
    gone = await client.post(f"{path}/{one.evidence_id}/open", json=WHY)
    assert (gone.status_code, gone.json()["title"]) == (410, "The reporter took this evidence back")
    assert (await client.post(f"{path}/{uuid4()}/open", json=WHY)).status_code == 404
    assert (await client.post(f"{path}/export", json=WHY)).status_code == 409
    [item] = await listed(client, path)
    assert [(done["action"], done["by"], done["scan"]) for done in item["custody"]] == [
        ("added", "reporter", None),
        ("opened", "S4001", None),
        ("scanned", "system:intake", "infected"),
        ("removed", "reporter", None),
    ]
    assert (item["scan"], item["removed_at"]) == ("infected", LATER.isoformat().replace("+00:00", "Z"))


async def test_two_who_open_at_once_are_both_in_the_chain(triage: Triage, client: AsyncClient) -> None:
    path, one = await with_evidence(triage)
    async with triage.client() as other:
        other.headers.update(triage.bearer(Role.SMART_RESPONDER, subject="S4003"))
        calls = [who.post(f"{path}/{one.evidence_id}/open", json=WHY) for who in (client, other) for _ in range(4)]
        answers: list[Response] = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert len({unsealed(triage, answer.json()["url"]).grant_id for answer in answers}) == 8
    [item] = await listed(client, path)
    assert sorted(done["by"] for done in item["custody"]) == ["S4001"] * 4 + ["S4003"] * 4 + ["reporter"]


async def test_a_responder_gets_a_grant_to_add_a_file_and_what_comes_is_theirs(
    triage: Triage, client: AsyncClient
) -> None:
    path, _ = await with_evidence(triage)
    answer = await client.post(path, json={"purpose": "The platform’s reply"})
    assert answer.status_code == 200
    assert set(answer.json()) == {"upload_url", "expires_at"}
    grant = unsealed(triage, answer.json()["upload_url"], at=TIME_TO_ADD - timedelta(seconds=1))
    assert (grant.action, grant.evidence_ids, str(grant.case_id)) == (GrantedAction.ADD, (), path.split("/")[-2])
    told = report(report_id=grant.report_id, reference="SP-0000-0000")
    added = of_team(told, grant.case_id, responder=grant.responder)
    await announce(triage.database, added)
    *_, item = await listed(client, path)
    assert (item["added_by"], item["custody"][0]["by"]) == ("team", "S4001")
    async with triage.database.transaction() as session:
        done = [(one.action, one.actor) for one in await chain.read(session, grant.case_id)]
    assert done[-2:] == [("evidence_upload_allowed", "S4001"), ("evidence_added", "S4001")]


async def test_nothing_is_added_to_a_closed_case(triage: Triage, client: AsyncClient) -> None:
    path, one = await with_evidence(triage)
    case = path.removesuffix("/evidence")
    for version, (step, body) in enumerate((("claim", {}), ("resolve", {"outcome": "duplicate"}), ("close", {})), 1):
        await client.post(f"{case}/{step}", json=body, headers={"If-Match": f'"{version}"'})
    assert (await client.post(path, json=WHY)).status_code == 409
    assert (await client.post(f"{path}/{one.evidence_id}/open", json=WHY)).status_code == 200


async def test_an_export_has_a_manifest_with_custody_that_proves_itself(triage: Triage, client: AsyncClient) -> None:
    path, one = await with_evidence(triage)
    case = await case_of(triage, one.report_id)
    told = report(report_id=one.report_id, reference=one.reference)
    infected, gone, more = piece(told, scan="infected"), piece(told), of_team(told, case.case_id, scan="not_scanned")
    await announce(triage.database, infected, gone, more, taken_back(gone))
    answer = await client.post(f"{path}/export", json=WHY)
    assert answer.status_code == 200, answer.text
    exported = answer.json()
    assert exported["warning"] == NOT_SCANNED
    grant = unsealed(triage, exported["url"])
    assert (grant.action, grant.evidence_ids) == (GrantedAction.EXPORT, (one.evidence_id, more.evidence_id))
    manifest = exported["manifest"]
    assert [item["sha256"] for item in manifest["items"]] == [one.sha256, more.sha256]
    assert manifest["left_out"] == [str(infected.evidence_id), str(gone.evidence_id)]
    assert [done["action"] for done in manifest["items"][0]["custody"]] == ["added", "exported"]
    said = manifest.pop("sha256")
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(canonical.encode()).hexdigest() == said
    some = await client.post(f"{path}/export", json={**WHY, "evidence_ids": [str(more.evidence_id)]})
    assert unsealed(triage, some.json()["url"]).evidence_ids == (more.evidence_id,)
    assert (await client.post(f"{path}/export", json={**WHY, "evidence_ids": [str(uuid4())]})).status_code == 404


async def test_no_purpose_and_no_note_is_outside_the_columns_for_them(triage: Triage, client: AsyncClient) -> None:
    path, one = await with_evidence(triage, note="CANARY of a note")
    opened = await client.post(f"{path}/{one.evidence_id}/open", json={"purpose": "CANARY of a purpose"})
    assert opened.json()["note"] == "CANARY of a note"
    async with triage.database.transaction() as session:
        for table in ("activity", "evidence_item", "outbox", '"case"', "chain_head", "report"):
            rows = await session.scalars(text(f"select t::text from {table} t where t::text like '%CANARY%'"))  # noqa: S608 - our own words
            found = list(rows)
            assert len(found) == {"activity": 1, "evidence_item": 1}.get(table, 0), (table, found)


async def test_an_export_of_more_than_an_address_holds_is_refused(triage: Triage, client: AsyncClient) -> None:
    path, _ = await with_evidence(triage)
    async with triage.database.transaction() as session:
        copies = text(
            "insert into evidence_item select gen_random_uuid(), report_id, case_id, added_at, added_by, sha256, "
            "sha256_sent, size, media_type, scan, cleaned, message_id, link, removed_at, responder, note "
            "from evidence_item, generate_series(1, 250)"
        )
        await session.execute(copies)
    triage.by_hand.add("evidence_item")
    answer = await client.post(f"{path}/export", json=WHY)
    assert (answer.status_code, answer.json()["title"]) == (409, "One export takes 250 pieces of evidence")
